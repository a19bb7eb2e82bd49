//! Turns the arena's nodes into a [`Value`], within bounds on depth and size.

use super::arena::{Arena, Node, Ref};
use super::assemble::{assemble, assemble_done, child, kind, measure, skip_done};
use crate::value::{Container, Value};

/// How deep containers may nest in a value. CPython's own `repr` gives up at about this depth, and everything that walks
/// a value (printing, comparing, dropping) may use the stack to it.
pub const MAX_DEPTH: u32 = 1000;

/// How many values a message may unfold to, those that are shared counted wherever they stand: 16 MiB of the cheapest
/// item that `pickle.dumps` writes for a number (`BININT1`, two bytes) are 8.4 million. Without a bound 300
/// bytes could say 2^30 values.
pub const MAX_VALUES: u32 = 10_000_000;

/// Objects that lead back to themselves are kept as they look from where they were met first, and one of more values
/// than this is shown there only and elsewhere as `...`: instances that all know each other have too many views.
const MAX_REPEATED: u32 = 1000;

/// A container whose children are being finished.
struct Open {
    node: usize,
    container: Node,
    /// How many of its children were visited.
    visited: usize,
    /// The children's values, if they are collected: else each is found finished in its node at the end.
    values: Option<Vec<Value>>,
    count: u32,
    height: u16,
    /// The outermost container on the path that was found again below this one.
    reaches: u32,
}

/// Finishes nodes. Nothing here recurses: the path from the root is a vector.
///
/// Mostly a container's children get finished for good, each in its node, and the container is put together from the
/// nodes. Where a container is found again inside itself, the containers of that cycle collect their children's
/// values, since these look different from each place that leads into the cycle; CPython prints it so.
pub(super) struct Finisher<'a> {
    pub(super) arena: &'a mut Arena,
    path: Vec<Open>,
    /// Children visited in all; those inside of cycles are visited anew from each side.
    work: usize,
}

impl<'a> Finisher<'a> {
    pub(super) fn new(arena: &'a mut Arena) -> Finisher<'a> {
        Finisher { arena, path: Vec::new(), work: 0 }
    }

    /// The value of one reference.
    pub(super) fn finish(&mut self, root: Ref) -> Result<Value, String> {
        let result = self.run(root);
        // After an error, so that what is left can still be looked at.
        for open in self.path.drain(..).rev() {
            self.arena.nodes[open.node] = open.container;
        }
        result
    }

    fn run(&mut self, root: Ref) -> Result<Value, String> {
        if let Some(done) = self.visit(root)? {
            return Ok(done);
        }
        while let Some(open) = self.path.last_mut() {
            if open.values.is_none() {
                open.visited = skip_done(&open.container, self.arena, open.visited);
            }
            match child(&open.container, &self.arena.pool, open.visited) {
                Some(next) => {
                    open.visited += 1;
                    if let Some(value) = self.visit(next)? {
                        self.collect(value);
                    }
                }
                None => {
                    if let Some(root) = self.close()? {
                        return Ok(root);
                    }
                }
            }
        }
        Err("no value".to_owned())
    }

    /// A reference's value if it can be had at once; else its container is opened. Of a container that does not collect
    /// only a child that is not finished is visited.
    fn visit(&mut self, item: Ref) -> Result<Option<Value>, String> {
        self.work += 1;
        let Some(node) = item.node() else {
            self.add(1, 0)?;
            return Ok(item.small());
        };
        match &self.arena.nodes[node] {
            Node::Done { value, count, height, .. } => {
                let (value, count, height) = (value.clone(), *count, *height);
                self.add(count, height)?;
                Ok(Some(value))
            }
            Node::Open(place) => {
                let place = *place;
                self.add(1, 0)?;
                Ok(Some(self.cycle(place)))
            }
            _ => self.open(node),
        }
    }

    /// A container that is open already: those from it to the innermost are a cycle.
    fn cycle(&mut self, place: u32) -> Value {
        let kind = self.path.get(place as usize).map_or(Container::Other, |open| kind(&open.container));
        for at in place as usize..self.path.len() {
            self.start_collecting(at);
        }
        if let Some(open) = self.path.last_mut() {
            open.reaches = open.reaches.min(place);
        }
        Value::Cycle(kind)
    }

    /// Opens a container, or finishes it at once if all its children are finished.
    fn open(&mut self, node: usize) -> Result<Option<Value>, String> {
        let place = self.path.len() as u32;
        if place >= MAX_DEPTH {
            return Err(too_deep());
        }
        let at_once = matches!(&self.arena.nodes[node], Node::List(_) | Node::Tuple { .. } | Node::Dict(_));
        let visited = if at_once { skip_done(&self.arena.nodes[node], self.arena, 0) } else { 0 };
        let container = std::mem::replace(&mut self.arena.nodes[node], Node::Open(place));
        if at_once && child(&container, &self.arena.pool, visited).is_none() {
            return self.put_together(node, &container);
        }
        let values = if at_once { None } else { Some(Vec::new()) };
        self.path.push(Open { node, container, visited, values, count: 1, height: 0, reaches: u32::MAX });
        Ok(None)
    }

    /// Makes a container whose children are all finished. Gives its value to whoever collects.
    fn put_together(&mut self, node: usize, container: &Node) -> Result<Option<Value>, String> {
        let (children, count, height) = measure(container, self.arena);
        self.work += children;
        self.add(count, height)?;
        let value = assemble_done(container, self.arena);
        let wanted = self.path.last().is_none_or(|outer| outer.values.is_some());
        let given = wanted.then(|| value.clone());
        self.arena.nodes[node] = Node::Done { value, count, height, shared: true };
        Ok(given)
    }

    /// Accounts for a value in the innermost open container.
    fn add(&mut self, count: u32, height: u16) -> Result<(), String> {
        let depth = self.path.len() as u32 + u32::from(height);
        let mut total = count;
        if let Some(open) = self.path.last_mut().filter(|open| open.values.is_some()) {
            open.count = open.count.saturating_add(count);
            open.height = open.height.max(height);
            total = open.count;
        }
        if total > MAX_VALUES || self.work > 2 * MAX_VALUES as usize {
            return Err(format!("it unfolds to more than {MAX_VALUES} values (limit)"));
        }
        if depth > MAX_DEPTH { Err(too_deep()) } else { Ok(()) }
    }

    fn collect(&mut self, value: Value) {
        if let Some(values) = self.path.last_mut().and_then(|open| open.values.as_mut()) {
            values.push(value);
        }
    }

    /// Takes up the values of the children before the one that is being visited; all of them are finished.
    fn start_collecting(&mut self, at: usize) {
        let Arena { nodes, pool, .. } = &mut *self.arena;
        let Some(open) = self.path.get_mut(at).filter(|open| open.values.is_none()) else { return };
        let mut values = Vec::new();
        for number in 0..open.visited.saturating_sub(1) {
            let Some(item) = child(&open.container, pool, number) else { break };
            let (mut value, mut count, mut height) = (item.small().unwrap_or(Value::None), 1, 0);
            if let Some(Node::Done { value: done, count: counted, height: high, .. }) =
                item.node().and_then(|node| nodes.get(node))
            {
                (value, count, height) = (done.clone(), *counted, *high);
            }
            values.push(value);
            open.count = open.count.saturating_add(count);
            open.height = open.height.max(height);
        }
        self.work += values.len();
        open.values = Some(values);
    }

    /// Makes the value of the innermost open container and gives it to the one around it; the root's is returned.
    fn close(&mut self) -> Result<Option<Value>, String> {
        let Some(mut open) = self.path.pop() else { return Ok(None) };
        let Some(values) = open.values.take() else {
            let given = self.put_together(open.node, &open.container)?;
            return Ok(self.give(given));
        };
        let place = self.path.len() as u32;
        let value = assemble(&open.container, values);
        let height = open.height.saturating_add(1);
        if let Some(outer) = self.path.last_mut().filter(|_| open.reaches < place) {
            outer.reaches = outer.reaches.min(open.reaches);
        }
        let cyclic = open.reaches <= place;
        if !cyclic || matches!(open.container, Node::Thing(_)) {
            self.arena.nodes[open.node] = if cyclic && open.count > MAX_REPEATED {
                Node::Done { value: Value::Cycle(Container::Other), count: 1, height: 0, shared: true }
            } else {
                Node::Done { value: value.clone(), count: open.count, height, shared: true }
            };
        } else {
            self.arena.nodes[open.node] = open.container;
            self.start_collecting(self.path.len().wrapping_sub(1));
        }
        self.add(open.count, height)?;
        Ok(self.give(Some(value)))
    }

    /// Hands a value to the container around it; without one it is the root's.
    fn give(&mut self, value: Option<Value>) -> Option<Value> {
        match value {
            Some(value) if !self.path.is_empty() => {
                self.collect(value);
                None
            }
            root => root,
        }
    }
}

fn too_deep() -> String {
    format!("it is nested more than {MAX_DEPTH} deep (limit)")
}
