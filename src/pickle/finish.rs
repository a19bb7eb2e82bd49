//! Turns the arena's nodes into a [`Value`], within bounds on depth and size.

use std::sync::Arc;

use super::arena::{Arena, Node, Ref, Thing};
use crate::value::{Container, Object, Value, repeats, unique_items, unique_pairs};

/// How deep containers may nest in a value. CPython's own `repr` gives up at about this depth, and everything that walks
/// a value (printing, comparing, dropping) may use the stack to it.
pub const MAX_DEPTH: u32 = 1000;

/// How many values a message may unfold to, those that are shared counted wherever they stand: 16 MiB of the cheapest
/// item that `pickle.dumps` writes for a number (`BININT1`, two bytes) are 8.4 million. Without a bound 300
/// bytes could say 2^30 values.
pub const MAX_VALUES: u32 = 10_000_000;

/// A container whose items are being finished.
struct Open {
    node: usize,
    container: Node,
    /// How many of its children were visited.
    visited: usize,
    /// Where its children's values start.
    first: usize,
    count: u32,
    height: u16,
    /// The outermost container on the path that was found again below this one.
    reaches: u32,
}

/// Finishes nodes. Nothing here recurses: the path from the root is a vector.
pub(super) struct Finisher<'a> {
    pub(super) arena: &'a mut Arena,
    path: Vec<Open>,
    values: Vec<Value>,
    /// Values visited in all; nodes inside of cycles are visited anew from each side.
    work: u32,
}

impl<'a> Finisher<'a> {
    pub(super) fn new(arena: &'a mut Arena) -> Finisher<'a> {
        Finisher { arena, path: Vec::new(), values: Vec::new(), work: 0 }
    }

    /// The value of one reference.
    pub(super) fn finish(&mut self, root: Ref) -> Result<Value, String> {
        let result = self.run(root);
        if result.is_err() {
            // So that what is left can still be looked at.
            for open in self.path.drain(..).rev() {
                self.arena.nodes[open.node] = open.container;
            }
            self.values.clear();
        }
        result
    }

    fn run(&mut self, root: Ref) -> Result<Value, String> {
        self.visit(root)?;
        while let Some(open) = self.path.last_mut() {
            match child(&open.container, &self.arena.pool, open.visited) {
                Some(next) => {
                    open.visited += 1;
                    self.visit(next)?;
                }
                None => self.close()?,
            }
        }
        self.values.pop().ok_or_else(|| "no value".to_owned())
    }

    /// Pushes the value of a reference, or opens its container.
    fn visit(&mut self, item: Ref) -> Result<(), String> {
        self.work += 1;
        let Some(node) = item.node() else {
            return self.push(item.small().unwrap_or(Value::None), 1, 0);
        };
        match &mut self.arena.nodes[node] {
            Node::Done { value, count, height, .. } => {
                let (value, count, height) = (value.clone(), *count, *height);
                self.push(value, count, height)
            }
            Node::Open(place) => {
                let place = *place;
                let kind =
                    self.path.get(place as usize).map_or(Container::Other, |open| kind(&open.container));
                if let Some(open) = self.path.last_mut() {
                    open.reaches = open.reaches.min(place);
                }
                self.push(Value::Cycle(kind), 1, 0)
            }
            _ => self.open(node),
        }
    }

    /// Opens a container, or finishes it at once if all its children are finished.
    fn open(&mut self, node: usize) -> Result<(), String> {
        let place = self.path.len() as u32;
        if place >= MAX_DEPTH {
            return Err(too_deep());
        }
        if let Some((count, height)) = self.flat(node) {
            if count > MAX_VALUES {
                return Err(too_many());
            }
            let value = self.assemble_flat(node);
            self.arena.nodes[node] = Node::Done { value: value.clone(), count, height, shared: true };
            return self.push(value, count, height);
        }
        let container = std::mem::replace(&mut self.arena.nodes[node], Node::Open(place));
        let first = self.values.len();
        self.path.push(Open { node, container, visited: 0, first, count: 1, height: 0, reaches: u32::MAX });
        Ok(())
    }

    /// Count and height of a container whose children are all finished.
    fn flat(&self, node: usize) -> Option<(u32, u16)> {
        let items: &[Ref] = match &self.arena.nodes[node] {
            Node::List(items) | Node::Dict(items) | Node::Tuple { items, .. } => items.of(&self.arena.pool),
            _ => return None,
        };
        let mut counts = 1_u32;
        let mut heights = 0;
        for item in items {
            match item.node().map(|child| &self.arena.nodes[child]) {
                None => counts = counts.saturating_add(1),
                Some(Node::Done { count, height, .. }) => {
                    counts = counts.saturating_add(*count);
                    heights = heights.max(*height);
                }
                Some(_) => return None,
            }
        }
        Some((counts, heights + 1))
    }

    /// The value of a container that is [`flat`](Self::flat).
    fn assemble_flat(&mut self, node: usize) -> Value {
        let container = std::mem::replace(&mut self.arena.nodes[node], Node::Open(0));
        let Arena { nodes, pool } = &mut *self.arena;
        match &container {
            Node::List(items) => Value::List(leaves(nodes, items.of(pool))),
            Node::Tuple { items, .. } => Value::Tuple(leaves(nodes, items.of(pool))),
            Node::Dict(items) => Value::Dict(unique(leaf_pairs(nodes, items.of(pool)))),
            _ => Value::None,
        }
    }

    fn push(&mut self, value: Value, count: u32, height: u16) -> Result<(), String> {
        if let Some(open) = self.path.last_mut() {
            open.count = open.count.saturating_add(count);
            open.height = open.height.max(height);
            if open.count > MAX_VALUES || self.work > MAX_VALUES {
                return Err(too_many());
            }
        }
        if self.path.len() as u32 + u32::from(height) > MAX_DEPTH {
            return Err(too_deep());
        }
        self.values.push(value);
        Ok(())
    }

    /// Makes the value of the innermost open container.
    fn close(&mut self) -> Result<(), String> {
        let Some(open) = self.path.pop() else { return Ok(()) };
        let value = assemble(&open.container, &mut self.values, open.first);
        let height = open.height + 1;
        let place = self.path.len() as u32;
        if let Some(outer) = self.path.last_mut().filter(|_| open.reaches < place) {
            outer.reaches = outer.reaches.min(open.reaches);
        }
        // What is part of a cycle looks different from each place that leads into the cycle, and CPython prints it so.
        // Objects are kept all the same: of a class whose instances all know each other there are too many such views.
        let kept = open.reaches > place || matches!(open.container, Node::Thing(_));
        self.arena.nodes[open.node] = if kept {
            Node::Done { value: value.clone(), count: open.count, height, shared: true }
        } else {
            open.container
        };
        self.push(value, open.count, height)
    }
}

fn too_many() -> String {
    format!("it unfolds to more than {MAX_VALUES} values (limit)")
}

fn too_deep() -> String {
    format!("it is nested more than {MAX_DEPTH} deep (limit)")
}

/// A container's child by number; a thing's parts come in the order that [`assemble_thing`] takes them.
#[inline]
fn child(container: &Node, pool: &[Ref], number: usize) -> Option<Ref> {
    match container {
        Node::List(items)
        | Node::Dict(items)
        | Node::Set(items)
        | Node::FrozenSet(items)
        | Node::Tuple { items, .. } => items.of(pool).get(number).copied(),
        Node::Thing(thing) => {
            let parts = thing.args.iter().chain(&thing.kwargs).chain(&thing.state);
            let fixed = parts.clone().count();
            let after = number.checked_sub(fixed);
            match after {
                None => parts.copied().nth(number),
                Some(after) => {
                    let pairs = after.checked_sub(thing.items.len());
                    thing.items.get(after).or_else(|| thing.pairs.get(pairs?)).copied()
                }
            }
        }
        Node::Done { .. } | Node::Open(_) => None,
    }
}

fn kind(container: &Node) -> Container {
    match container {
        Node::List(_) => Container::List,
        Node::Tuple { .. } => Container::Tuple,
        Node::Dict(_) => Container::Dict,
        _ => Container::Other,
    }
}

/// The container's value from its children's, which stand at the end of `values`.
fn assemble(container: &Node, values: &mut Vec<Value>, first: usize) -> Value {
    let children = values.drain(first..);
    match container {
        Node::List(_) => Value::List(shared(children)),
        Node::Tuple { .. } => Value::Tuple(shared(children)),
        Node::Dict(_) => Value::Dict(unique(pairs(children).into())),
        Node::Set(_) => Value::Set(unique_items(children.collect()).into()),
        Node::FrozenSet(_) => Value::FrozenSet(unique_items(children.collect()).into()),
        Node::Thing(thing) => assemble_thing(thing, children),
        Node::Done { .. } | Node::Open(_) => Value::None,
    }
}

// A slice is filled in place: to collect it from an iterator moves each value through memory in pieces, and to make it
// from a vector takes the pages of both.
fn leaves(nodes: &mut [Node], items: &[Ref]) -> Arc<[Value]> {
    let mut values: Arc<[Value]> = shared((0..items.len()).map(|_| Value::None));
    if let Some(places) = Arc::get_mut(&mut values) {
        for (place, item) in places.iter_mut().zip(items) {
            put_leaf(nodes, *item, place);
        }
    }
    values
}

fn leaf_pairs(nodes: &mut [Node], flat: &[Ref]) -> Arc<[(Value, Value)]> {
    let (pairs, _) = flat.as_chunks::<2>();
    let none = (0..pairs.len()).map(|_| (Value::None, Value::None));
    let mut values: Arc<[(Value, Value)]> = shared(none);
    if let Some(places) = Arc::get_mut(&mut values) {
        for (place, [key, item]) in places.iter_mut().zip(pairs) {
            put_leaf(nodes, *key, &mut place.0);
            put_leaf(nodes, *item, &mut place.1);
        }
    }
    values
}

/// Puts a finished value into its place; out of the node if nothing else refers to it, which saves counting twice.
#[inline]
fn put_leaf(nodes: &mut [Node], item: Ref, place: &mut Value) {
    if let Some(number) = item.int() {
        *place = Value::Int(number);
        return;
    }
    match item.node().and_then(|node| nodes.get_mut(node)) {
        Some(Node::Done { value, shared: false, .. }) => std::mem::swap(place, value),
        Some(Node::Done { value: Value::Str(text), .. }) => *place = Value::Str(text.clone()),
        Some(Node::Done { value, .. }) => *place = value.clone(),
        _ => *place = item.small().unwrap_or(Value::None),
    }
}

/// An empty slice shares one allocation with all others.
fn shared<T>(items: impl ExactSizeIterator<Item = T>) -> Arc<[T]>
where
    Arc<[T]>: Default,
{
    if items.len() == 0 { Arc::default() } else { items.collect() }
}

fn unique(pairs: Arc<[(Value, Value)]>) -> Arc<[(Value, Value)]> {
    if repeats(pairs.iter().map(|(key, _)| key)) { unique_pairs(pairs.to_vec()).into() } else { pairs }
}

fn pairs(mut flat: impl ExactSizeIterator<Item = Value>) -> Vec<(Value, Value)> {
    let mut pairs = Vec::with_capacity(flat.len() / 2);
    while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
        pairs.push((key, value));
    }
    pairs
}

fn assemble_thing(thing: &Thing, mut values: impl ExactSizeIterator<Item = Value>) -> Value {
    let args = match thing.args.and_then(|_| values.next()) {
        Some(Value::Tuple(items)) => items,
        Some(other) => Arc::new([other]),
        None => Arc::default(),
    };
    let kwargs = match thing.kwargs.and_then(|_| values.next()) {
        Some(Value::Dict(pairs)) => pairs,
        _ => Arc::default(),
    };
    let state = thing.state.and_then(|_| values.next());
    let mut items: Vec<Value> = values.collect();
    let flat = items.split_off(thing.items.len().min(items.len()));
    Value::Object(Arc::new(Object {
        kind: thing.kind,
        name: thing.name.clone(),
        args,
        kwargs,
        state,
        items: items.into(),
        // A dict subclass keeps each key once; of other classes nobody knows.
        pairs: unique(pairs(flat.into_iter()).into()),
    }))
}
