//! What loading a pickle would have done, in words.

use std::collections::HashMap;

use super::arena::{Arena, Node, Ref, Thing};
use super::finish::Finisher;
use crate::value::{ObjectKind, Value, escape};

/// How many actions are told one by one; more would only push each other off the screen.
const MAX_ACTIONS: usize = 100;
/// How many characters of a name or of a call's arguments an action shows.
const MAX_SHOWN_CHARS: usize = 200;

/// What was asked for, in order.
#[derive(Debug, Default)]
pub(super) struct Asked {
    actions: Vec<Action>,
    /// How many came after those.
    more: usize,
}

#[derive(Debug)]
struct Action {
    kind: ObjectKind,
    /// Ready for a screen.
    name: String,
    args: Option<Ref>,
    /// A class or function was given a state: it is changed for the whole program.
    changed: bool,
    /// Instances of one class are told once.
    instances: usize,
}

impl Asked {
    /// Reads it off the nodes, which stand in the order in which they were asked for. To be called before they are
    /// finished.
    pub(super) fn of(arena: &Arena) -> Asked {
        let mut asked = Asked::default();
        // Where a class's instances are counted, by the address of its name.
        let mut classes: HashMap<usize, usize> = HashMap::new();
        for node in &arena.nodes {
            match node {
                Node::Thing(thing) if !thing.quiet => asked.note(thing, &mut classes),
                _ => {}
            }
        }
        asked
    }

    fn note(&mut self, thing: &Thing, classes: &mut HashMap<usize, usize>) {
        let instance = thing.kind == ObjectKind::Instance;
        let class = thing.name.as_ptr().addr();
        if let Some(place) = classes.get(&class).filter(|_| instance) {
            self.actions[*place].instances += 1;
            return;
        }
        if self.actions.len() >= MAX_ACTIONS {
            self.more += 1;
            return;
        }
        let name = shown_name(&thing.name);
        if instance {
            let same = |action: &Action| action.kind == ObjectKind::Instance && action.name == name;
            if let Some(place) = self.actions.iter().position(same) {
                classes.insert(class, place);
                self.actions[place].instances += 1;
                return;
            }
            classes.insert(class, self.actions.len());
        }
        let changed = thing.state.is_some();
        self.actions.push(Action { kind: thing.kind, name, args: thing.args, changed, instances: 1 });
    }

    /// The sentences, for a screen.
    pub(super) fn told(&self, finisher: &mut Finisher) -> Vec<String> {
        let mut lines: Vec<String> = self.actions.iter().map(|action| action.told(finisher)).collect();
        if self.more > 0 {
            lines.push(format!("and {} more of such", self.more));
        }
        lines
    }

    /// The first sentence.
    pub(super) fn first(&self, finisher: &mut Finisher) -> Option<String> {
        self.actions.first().map(|action| action.told(finisher))
    }
}

impl Action {
    fn told(&self, finisher: &mut Finisher) -> String {
        let name = &self.name;
        match self.kind {
            ObjectKind::Global if self.changed => format!("import {name} and change it"),
            ObjectKind::Global => format!("import {name}"),
            ObjectKind::Call => format!("call {name}({})", arguments(finisher, self.args)),
            ObjectKind::Persistent => format!("look up the persistent id {}", arguments(finisher, self.args)),
            ObjectKind::Extension => format!("import what extension code {name} stands for"),
            ObjectKind::Instance if self.instances == 1 => format!("import {name} and make an instance"),
            ObjectKind::Instance => format!("import {name} and make {} instances", self.instances),
        }
    }
}

/// A name for a screen, cut after some characters.
fn shown_name(name: &str) -> String {
    let mut chars = name.chars();
    let cut: String = chars.by_ref().take(MAX_SHOWN_CHARS).collect();
    let more = if chars.next().is_some() { "..." } else { "" };
    escape(&cut).into_owned() + more
}

/// `'id', 1`, cut after some characters.
fn arguments(finisher: &mut Finisher, args: Option<Ref>) -> String {
    let items = match args.map(|args| finisher.finish(args)) {
        Some(Ok(Value::Tuple(items))) => items,
        None => return String::new(),
        _ => return "...".to_owned(),
    };
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at > 0 { ", " } else { "" });
        let (text, cut) = item.repr_cut(MAX_SHOWN_CHARS.saturating_sub(out.len()));
        out.push_str(&text);
        if cut {
            out.push_str("...");
            break;
        }
    }
    out
}
