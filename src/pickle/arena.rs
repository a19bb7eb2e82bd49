//! What a pickle builds while it runs: nodes that refer to each other by number.

use crate::value::{ObjectKind, Value};
use std::sync::Arc;

/// How many nodes one pickle may make. A node takes 32 bytes and one opcode byte can make one, so without a bound
/// a 16 MiB message would take half a gigabyte.
pub(super) const MAX_NODES: usize = 4_000_000;

/// A reference to a node, or a small value that needs none: None, a bool, an int of up to 30 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ref(u32);

/// The bit that tells small values from nodes.
const SMALL: u32 = 1 << 31;
/// Small ints are stored with this added, which leaves the payloads from 2^30 free for the constants.
const OFFSET: i64 = 1 << 29;

impl Ref {
    pub(super) const NONE: Ref = Ref(SMALL | 1 << 30);
    pub(super) const FALSE: Ref = Ref(SMALL | 1 << 30 | 1);
    pub(super) const TRUE: Ref = Ref(SMALL | 1 << 30 | 2);

    pub(super) fn small_int(number: i64) -> Option<Ref> {
        (-OFFSET..OFFSET).contains(&number).then(|| Ref(SMALL | (number + OFFSET) as u32))
    }

    pub(super) fn node(self) -> Option<usize> {
        (self.0 & SMALL == 0).then_some(self.0 as usize)
    }

    /// The int, if the reference is one that needs no node.
    #[inline]
    pub(super) fn int(self) -> Option<i64> {
        let payload = self.0.wrapping_sub(SMALL);
        (payload < 1 << 30).then(|| i64::from(payload) - OFFSET)
    }

    /// The value, if the reference needs no node.
    #[inline]
    pub(super) fn small(self) -> Option<Value> {
        match self {
            Ref::NONE => Some(Value::None),
            Ref::FALSE => Some(Value::Bool(false)),
            Ref::TRUE => Some(Value::Bool(true)),
            _ => self.int().map(Value::Int),
        }
    }
}

/// A thing that a pickle built. Pairs are stored flat: key, value, key, value.
#[derive(Debug)]
pub(super) enum Node {
    /// A value that is finished: text, bytes, numbers, and later whatever was turned into one. `count` values in all,
    /// nested `height` deep. `shared` if more than one container may refer to it.
    Done {
        value: Value,
        count: u32,
        height: u16,
        shared: bool,
    },
    List(Items),
    Tuple {
        items: Items,
        hashable: bool,
    },
    Dict(Items),
    Set(Items),
    FrozenSet(Items),
    Thing(Box<Thing>),
    /// Being turned into a value; its place on the path from the root.
    Open(u32),
}

/// What a container refers to.
#[derive(Debug)]
pub(super) enum Items {
    /// A range of the arena's pool: most containers are filled once, and need no memory of their own then.
    Pool { start: u32, len: u32 },
    /// A container that was filled again when others had been filled since.
    Own(Vec<Ref>),
}

impl Items {
    pub(super) const EMPTY: Items = Items::Pool { start: 0, len: 0 };

    /// The references, given the arena's pool.
    #[inline]
    pub(super) fn of<'a>(&'a self, pool: &'a [Ref]) -> &'a [Ref] {
        match self {
            Items::Pool { start, len } => {
                pool.get(*start as usize..*start as usize + *len as usize).unwrap_or_default()
            }
            Items::Own(items) => items,
        }
    }

    #[inline]
    fn extend(&mut self, pool: &mut Vec<Ref>, more: &[Ref]) {
        match self {
            Items::Own(items) => items.extend_from_slice(more),
            Items::Pool { len: 0, .. } => *self = Items::put(pool, more),
            Items::Pool { start, len } if (*start + *len) as usize == pool.len() => {
                // A message has fewer than 2^32 bytes, and so has the pool references.
                *len += more.len() as u32;
                pool.extend_from_slice(more);
            }
            Items::Pool { .. } => *self = Items::Own([self.of(pool), more].concat()),
        }
    }

    #[inline]
    fn put(pool: &mut Vec<Ref>, items: &[Ref]) -> Items {
        let start = pool.len() as u32;
        pool.extend_from_slice(items);
        Items::Pool { start, len: items.len() as u32 }
    }
}

/// Something that loading would import, call or make.
#[derive(Debug)]
pub(super) struct Thing {
    pub(super) kind: ObjectKind,
    /// The dotted name; for an extension its code.
    pub(super) name: Arc<str>,
    /// A tuple.
    pub(super) args: Option<Ref>,
    /// A dict.
    pub(super) kwargs: Option<Ref>,
    pub(super) state: Option<Ref>,
    pub(super) items: Vec<Ref>,
    pub(super) pairs: Vec<Ref>,
    /// Not worth telling: plain data, or a name of which another action tells.
    pub(super) quiet: bool,
}

impl Thing {
    pub(super) fn new(kind: ObjectKind, name: Arc<str>, args: Option<Ref>) -> Thing {
        Thing {
            kind,
            name,
            args,
            kwargs: None,
            state: None,
            items: Vec::new(),
            pairs: Vec::new(),
            quiet: false,
        }
    }
}

#[cold]
fn too_many() -> String {
    format!("it builds more than {MAX_NODES} objects (limit)")
}

/// The nodes of one pickle.
#[derive(Debug, Default)]
pub(super) struct Arena {
    pub(super) nodes: Vec<Node>,
    pub(super) pool: Vec<Ref>,
}

impl Arena {
    #[inline]
    pub(super) fn add(&mut self, node: Node) -> Result<Ref, String> {
        if self.nodes.len() >= MAX_NODES {
            return Err(too_many());
        }
        self.nodes.push(node);
        // MAX_NODES is below 2^31.
        Ok(Ref(self.nodes.len() as u32 - 1))
    }

    #[inline]
    pub(super) fn add_text(&mut self, text: &str) -> Result<Ref, String> {
        if self.nodes.len() >= MAX_NODES {
            return Err(too_many());
        }
        self.nodes.push(Node::Done {
            value: Value::Str(Arc::from(text)),
            count: 1,
            height: 0,
            shared: false,
        });
        Ok(Ref(self.nodes.len() as u32 - 1))
    }

    #[inline]
    pub(super) fn add_value(&mut self, value: Value) -> Result<Ref, String> {
        self.add(Node::Done { value, count: 1, height: 0, shared: false })
    }

    pub(super) fn add_tuple(&mut self, items: &[Ref]) -> Result<Ref, String> {
        let hashable = items.iter().all(|&item| self.is_hashable(item));
        let items = self.put(items);
        self.add(Node::Tuple { items, hashable })
    }

    /// Keeps references for a new container.
    pub(super) fn put(&mut self, items: &[Ref]) -> Items {
        Items::put(&mut self.pool, items)
    }

    /// Fills a container further; `false` if it is none that takes such items. Pairs come flat.
    pub(super) fn extend(&mut self, container: Ref, more: &[Ref], with: Filling) -> bool {
        let Some(node) = container.node().and_then(|node| self.nodes.get_mut(node)) else { return false };
        match (node, with) {
            (Node::List(items), Filling::Items)
            | (Node::Dict(items), Filling::Pairs)
            | (Node::Set(items), Filling::Members) => items.extend(&mut self.pool, more),
            (Node::Thing(thing), Filling::Items | Filling::Members) => thing.items.extend_from_slice(more),
            (Node::Thing(thing), Filling::Pairs) => thing.pairs.extend_from_slice(more),
            _ => return false,
        }
        true
    }

    /// Notes that a second container may come to refer to the same thing.
    #[inline]
    pub(super) fn share(&mut self, item: Ref) {
        if let Some(Node::Done { shared, .. }) = self.get_mut(item) {
            *shared = true;
        }
    }

    pub(super) fn get(&self, item: Ref) -> Option<&Node> {
        self.nodes.get(item.node()?)
    }

    pub(super) fn get_mut(&mut self, item: Ref) -> Option<&mut Node> {
        self.nodes.get_mut(item.node()?)
    }

    pub(super) fn thing(&self, item: Ref) -> Option<&Thing> {
        match self.get(item) {
            Some(Node::Thing(thing)) => Some(thing),
            _ => None,
        }
    }

    pub(super) fn tuple(&self, item: Ref) -> Option<&[Ref]> {
        match self.get(item) {
            Some(Node::Tuple { items, .. }) => Some(items.of(&self.pool)),
            _ => None,
        }
    }

    /// The str that a reference stands for.
    pub(super) fn text(&self, item: Ref) -> Option<&Arc<str>> {
        match self.get(item) {
            Some(Node::Done { value: Value::Str(text), .. }) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_dict(&self, item: Ref) -> bool {
        matches!(self.get(item), Some(Node::Dict(_)))
    }

    /// The name of the Python type, for messages.
    pub(super) fn type_name(&self, item: Ref) -> String {
        if let Some(value) = item.small() {
            return value.type_name().to_owned();
        }
        let name = match self.get(item) {
            Some(Node::Done { value, .. }) => value.type_name(),
            Some(Node::List(_)) => "list",
            Some(Node::Tuple { .. }) => "tuple",
            Some(Node::Dict(_)) => "dict",
            Some(Node::Set(_)) => "set",
            Some(Node::FrozenSet(_)) => "frozenset",
            Some(Node::Thing(thing)) => &thing.name,
            Some(Node::Open(_)) | None => "object",
        };
        // A peer chooses a class's name, and its length.
        let cut: String = name.chars().take(100).collect();
        crate::value::escape(&cut).into_owned()
    }

    /// `Err` with the type's name if CPython refuses the object as a dict key.
    pub(super) fn check_hashable(&self, item: Ref) -> Result<(), String> {
        if self.is_hashable(item) {
            Ok(())
        } else {
            Err(format!("unhashable type: '{}'", self.type_name(item)))
        }
    }

    /// What is inside a tuple was asked when the tuple was made, so this takes constant time.
    #[inline]
    fn is_hashable(&self, item: Ref) -> bool {
        match self.get(item) {
            None => true,
            Some(Node::Done { value, .. }) => !matches!(value, Value::ByteArray(_)),
            Some(Node::Tuple { hashable, .. }) => *hashable,
            Some(Node::List(_) | Node::Dict(_) | Node::Set(_)) => false,
            Some(Node::FrozenSet(_) | Node::Open(_)) => true,
            Some(Node::Thing(thing)) => {
                thing.kind == ObjectKind::Global || !crate::value::plain::is_unhashable(&thing.name)
            }
        }
    }
}

/// What a container is filled with.
#[derive(Clone, Copy)]
pub(super) enum Filling {
    /// `APPEND`, `APPENDS`.
    Items,
    /// `SETITEM`, `SETITEMS`.
    Pairs,
    /// `ADDITEMS`.
    Members,
}
