//! What is on a machine's stack while it runs, in a few characters: the value growing.

use std::sync::Arc;

use super::arena::{Arena, Node, Ref, Thing};
use super::machine::Machine;
use crate::value::{Object, ObjectKind, Value, escape};

/// How many characters the top of the stack gets: what is left of a line of 80 columns beside the bytes.
const TOP_CHARS: usize = 34;
/// How many characters an item below it gets.
const BELOW_CHARS: usize = 24;
/// How many characters an item, a key or a value of a container needs: with fewer it would be all quotes and dots.
const PART_MIN: usize = 8;
/// What stands for more than there is room for.
const MORE: &str = "...";
/// What stands between two items of the stack.
const BETWEEN: &str = " | ";
/// How many characters `... | ` takes.
const ELLIPSIS: usize = MORE.len() + BETWEEN.len();
/// How many arguments of a call are shown as Python shows them; the classes of plain data take fewer.
const MAX_ARGUMENTS: usize = 8;

impl Machine<'_> {
    /// The stack, its top at the right, in at most `most` characters. Work ends with them, however much is on it.
    pub(super) fn shown_stack(&self, most: usize) -> String {
        let mut items: Vec<String> = Vec::new();
        let mut left = most;
        let mut marks = self.marks.iter().rev().map(|&mark| mark as usize).peekable();
        let mut height = self.stack.len();
        loop {
            let item = if marks.next_if_eq(&height).is_some() {
                "MARK".to_owned()
            } else if let Some(item) = height.checked_sub(1).and_then(|below| self.stack.get(below)) {
                height -= 1;
                let room = if items.is_empty() { TOP_CHARS } else { BELOW_CHARS };
                self.arena.shown(*item, room)
            } else {
                break;
            };
            let is_last = height == 0 && marks.peek().is_none();
            let reserved = if is_last { 0 } else { ELLIPSIS };
            let width = item.chars().count();
            if width + reserved > left && !items.is_empty() {
                items.push(MORE.to_owned());
                break;
            }
            left = left.saturating_sub(width + BETWEEN.len());
            items.push(item);
        }
        items.reverse();
        items.join(BETWEEN)
    }

    /// How many places the stack has, marks counted.
    pub(super) fn places(&self) -> usize {
        self.stack.len() + self.marks.len()
    }
}

impl Arena {
    /// A thing under construction in about `most` characters: of a container the items that came last, for they are new.
    pub(super) fn shown(&self, item: Ref, most: usize) -> String {
        let Some(node) = self.get(item) else {
            return item.small().map_or_else(String::new, |value| cut(&value, most));
        };
        let pool = &self.pool;
        match node {
            Node::Done { value, .. } => cut(value, most),
            Node::List(items) => self.bracketed("[", items.of(pool), 1, "]", most),
            Node::Tuple { items, .. } => {
                let close = if items.of(pool).len() == 1 { ",)" } else { ")" };
                self.bracketed("(", items.of(pool), 1, close, most)
            }
            Node::Dict(items) => self.bracketed("{", items.of(pool), 2, "}", most),
            Node::Set(items) if items.of(pool).is_empty() => "set()".to_owned(),
            Node::Set(items) => self.bracketed("{", items.of(pool), 1, "}", most),
            Node::FrozenSet(items) if items.of(pool).is_empty() => "frozenset()".to_owned(),
            Node::FrozenSet(items) => self.bracketed("frozenset({", items.of(pool), 1, "})", most),
            Node::Thing(thing) => self.thing_shown(thing, most),
            Node::Open(_) => MORE.to_owned(),
        }
    }

    /// Items, or keys with their values (`step` 2), between brackets; those in front give way.
    fn bracketed(&self, open: &str, items: &[Ref], step: usize, close: &str, most: usize) -> String {
        let mut left = most.saturating_sub(open.len() + close.len());
        let mut parts: Vec<String> = Vec::new();
        for part in items.rchunks(step) {
            let is_first = (parts.len() + 1) * step >= items.len();
            let reserved = if is_first { 0 } else { MORE.len() + 2 };
            if left < PART_MIN * step + reserved {
                parts.push(MORE.to_owned());
                break;
            }
            let room = left - reserved;
            let key_room = if step == 2 { room.saturating_sub(2 + MORE.len()) } else { room };
            let mut text = part.first().map_or_else(String::new, |&item| self.shown(item, key_room));
            if let Some(&value) = part.get(1) {
                text =
                    format!("{text}: {}", self.shown(value, room.saturating_sub(text.chars().count() + 2)));
            }
            let width = text.chars().count();
            if width > room && !parts.is_empty() {
                parts.push(MORE.to_owned());
                break;
            }
            left = left.saturating_sub(width + 2);
            parts.push(text);
        }
        parts.reverse();
        format!("{open}{}{close}", parts.join(", "))
    }

    fn thing_shown(&self, thing: &Thing, most: usize) -> String {
        if let Some(value) = self.simple(thing) {
            return cut(&value, most);
        }
        let name = name_cut(&thing.name, most);
        let left = most.saturating_sub(name.chars().count() + 3);
        let inside = thing.state.or(thing.args).map(|inside| self.shown(inside, left)).unwrap_or_default();
        match (thing.kind, thing.state) {
            (ObjectKind::Call, None) => format!("CALL {name}{inside}"),
            (_, None) if inside == "()" => format!("<{name}>"),
            _ => format!("<{name} {inside}>"),
        }
    }

    /// A thing as it is shown once it is finished, if its arguments are all finished and it was given nothing else yet.
    fn simple(&self, thing: &Thing) -> Option<Value> {
        let args = thing.args.map_or(Some([].as_slice()), |args| self.tuple(args))?;
        let was_given = thing.state.is_some() || thing.kwargs.is_some();
        if was_given || !thing.items.is_empty() || !thing.pairs.is_empty() || args.len() > MAX_ARGUMENTS {
            return None;
        }
        let finished = |&item: &Ref| match self.get(item) {
            None => item.small(),
            Some(Node::Done { value, .. }) => Some(value.clone()),
            Some(_) => None,
        };
        let args: Option<Arc<[Value]>> = args.iter().map(finished).collect();
        Some(Value::Object(Arc::new(Object {
            kind: thing.kind,
            name: thing.name.clone(),
            args: args?,
            kwargs: Arc::default(),
            state: None,
            items: Arc::default(),
            pairs: Arc::default(),
        })))
    }

    /// A call's name and arguments: `os.system('id')`.
    pub(super) fn shown_call(&self, name: &str, args: Option<Ref>, most: usize) -> String {
        let name = name_cut(name, most);
        let args = args.map(|args| self.shown(args, most)).unwrap_or_default();
        // A tuple of one is spelled with a comma, a call is not.
        let args = args.strip_suffix(",)").map_or(args.clone(), |inside| format!("{inside})"));
        format!("{name}{args}")
    }
}

fn cut(value: &Value, most: usize) -> String {
    match value.repr_cut(most) {
        (text, false) => text,
        _ => value.repr_cut(most.saturating_sub(MORE.len())).0 + MORE,
    }
}

/// A name that a peer chose, ready for a screen.
pub(super) fn name_cut(name: &str, most: usize) -> String {
    let mut chars = name.chars();
    let head: String = chars.by_ref().take(most).collect();
    let more = if chars.next().is_some() { MORE } else { "" };
    escape(&head).into_owned() + more
}
