//! Containers from their children.

use std::sync::Arc;

use super::arena::{Arena, Node, Ref, Thing};
use crate::value::{Container, Object, Value, repeats, unique_items, unique_pairs};

/// A container's child by number; a thing's parts come in the order that [`assemble_thing`] takes them.
#[inline]
pub(super) fn child(container: &Node, pool: &[Ref], number: usize) -> Option<Ref> {
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

pub(super) fn kind(container: &Node) -> Container {
    match container {
        Node::List(_) => Container::List,
        Node::Tuple { .. } => Container::Tuple,
        Node::Dict(_) => Container::Dict,
        _ => Container::Other,
    }
}

/// The first child from `number` on that is not finished, or the number of children.
pub(super) fn skip_done(container: &Node, arena: &Arena, number: usize) -> usize {
    let items = items(container, arena);
    let unfinished = |item: &Ref| !matches!(arena.get(*item), None | Some(Node::Done { .. }));
    let rest = items.get(number..).unwrap_or_default();
    rest.iter().position(unfinished).map_or(items.len().max(number), |found| number + found)
}

fn items<'a>(container: &'a Node, arena: &'a Arena) -> &'a [Ref] {
    match container {
        Node::List(items) | Node::Dict(items) | Node::Tuple { items, .. } => items.of(&arena.pool),
        _ => &[],
    }
}

/// Of a list, tuple or dict whose children are finished: how many they are, its count and its height.
pub(super) fn measure(container: &Node, arena: &Arena) -> (usize, u32, u16) {
    let (mut counts, mut heights) = (1_u32, 0);
    let items = items(container, arena);
    for item in items {
        match arena.get(*item) {
            Some(Node::Done { count, height, .. }) => {
                counts = counts.saturating_add(*count);
                heights = heights.max(*height);
            }
            _ => counts = counts.saturating_add(1),
        }
    }
    (items.len(), counts, heights.saturating_add(1))
}

/// The value of a list, tuple or dict whose children are finished.
pub(super) fn assemble_done(container: &Node, arena: &mut Arena) -> Value {
    let Arena { nodes, pool } = arena;
    match container {
        Node::List(items) => Value::List(leaves(nodes, items.of(pool))),
        Node::Tuple { items, .. } => Value::Tuple(leaves(nodes, items.of(pool))),
        Node::Dict(items) => Value::Dict(unique(leaf_pairs(nodes, items.of(pool)))),
        _ => Value::None,
    }
}

/// The container's value from its children's.
pub(super) fn assemble(container: &Node, children: Vec<Value>) -> Value {
    match container {
        Node::List(_) => Value::List(shared(children.into_iter())),
        Node::Tuple { .. } => Value::Tuple(shared(children.into_iter())),
        Node::Dict(_) => Value::Dict(unique(pairs(children.into_iter()).into())),
        Node::Set(_) => Value::Set(unique_items(children).into()),
        Node::FrozenSet(_) => Value::FrozenSet(unique_items(children).into()),
        Node::Thing(thing) => assemble_thing(thing, children.into_iter()),
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
