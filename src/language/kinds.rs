//! What the names of a script stand for, checked before anything runs: no step may use one as what it is not, or give one that is
//! taken; and what phases say of themselves.

use std::collections::{HashMap, HashSet};

use crate::command::{Arg, Call, Item, Names, Parsed, Script, Wanted};
use crate::event::Failure;
use crate::lab::{Kind, is_taken, not_a_class, not_a_program};

/// The commands that need a connection. `expect` does too, but for a program's output or end.
const NEED_A_CONNECTION: [&str; 3] = ["send", "recv", "shutdown"];

/// Checks a script as far as its own steps decide: names that are `known` from elsewhere may be anything.
pub fn check_kinds(script: &Script, known: &HashSet<String>) -> Result<(), Failure> {
    let mut kinds: HashMap<String, Option<Kind>> = HashMap::new();
    script.each_call(&mut |call| {
        each_given(call, &mut |name, kind| {
            // A name that is two things in turn is not known without running.
            let found = kinds.entry(name.to_string()).or_insert(Some(kind));
            *found = found.filter(|found| *found == kind);
        });
    });
    let kind_of = |name: &str| kinds.get(name).copied().flatten().filter(|_| !known.contains(name));
    let mut wrong = None;
    script.each_call(&mut |call| {
        if wrong.is_none() {
            wrong = misused(call, &kind_of).map(|failure| call.locate(failure));
        }
    });
    wrong.map_or(Ok(()), Err)?;
    Walk::default().script(script)
}

/// Calls `visit` with each name that a step gives, and what it then stands for.
fn each_given(call: &Call, visit: &mut dyn FnMut(&str, Kind)) {
    if let Some(name) = &call.name {
        visit(name, made_by(call));
    }
    for (place, arg) in call.spec.forms[call.form].iter().zip(&call.args) {
        match (place, arg) {
            (Arg::Name, Parsed::Name(name)) => visit(name, Kind::Value),
            (_, Parsed::Pattern(pattern)) => pattern.each_binding(&mut |name| visit(name, Kind::Value)),
            _ => {}
        }
    }
}

/// What `as NAME` behind a step names.
fn made_by(call: &Call) -> Kind {
    match call.spec.name {
        _ if call.spec.names != Names::Socket => Kind::Value,
        "listen" => Kind::Listener,
        "serve" => Kind::Class,
        "run" => Kind::Load,
        "spawn" => Kind::Program,
        _ => Kind::Connection,
    }
}

/// A name that a step uses as what it is not.
fn misused(call: &Call, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Option<Failure> {
    let mut wrong = None;
    call.each_reference(&mut |reference| {
        if let Some(kind) = kind_of(&reference.name).filter(|kind| *kind != Kind::Value)
            && wrong.is_none()
        {
            wrong = kind.attribute(reference).err().map(Failure::from);
        }
    });
    wrong.or_else(|| wrong_target(call, kind_of)).or_else(|| wrong_wait(call, kind_of))
}

fn wants_program(call: &Call) -> bool {
    let is_of_program = matches!(call.args.first(), Some(Parsed::Word("output" | "exit")));
    call.spec.name == "type" || (call.spec.name == "expect" && is_of_program)
}

/// Whether a step does something with a connection: the one it names with `@`, else the current one.
pub fn wants_connection(call: &Call) -> bool {
    let is_listening_mode = call.spec.name == "listen" && call.args.is_empty();
    let is_expect = call.spec.name == "expect" && !wants_program(call);
    NEED_A_CONNECTION.contains(&call.spec.name) || is_expect || is_listening_mode
}

fn wrong_target(call: &Call, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Option<Failure> {
    let (name, at) = call.target.as_ref()?;
    let kind = kind_of(name)?;
    let (wants_program, wants_connection) = (wants_program(call), wants_connection(call));
    let failure = match kind {
        Kind::Program if wants_program => return None,
        Kind::Value if wants_program || wants_connection => {
            Failure::script(format!("`{name}` is a value, not a socket"))
        }
        _ if wants_program => not_a_program(name),
        Kind::Connection => return None,
        _ if wants_connection => kind.carries_nothing(name),
        _ => return None,
    };
    Some(failure.at(*at, name.len()))
}

/// `wait` for what never ends, or for those who pass where nobody can.
fn wrong_wait(call: &Call, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Option<Failure> {
    let name = call.name_at(0).filter(|_| call.spec.name == "wait")?;
    let kind = kind_of(name)?;
    let counts = call.args.len() > 1;
    let can_wait = match kind {
        Kind::Class => true,
        Kind::Load | Kind::Program => !counts,
        _ => false,
    };
    (!can_wait).then(|| not_a_class(name).at(call.args_at, name.len()))
}

/// A way through a script's steps as they stand: which names are taken, and what the phase under way is worth.
#[derive(Default)]
struct Walk {
    taken: HashMap<String, Kind>,
    points: Option<usize>,
}

impl Walk {
    fn script(&mut self, script: &Script) -> Result<(), Failure> {
        for item in &script.items {
            match item {
                Item::Phase(_) => self.points = None,
                Item::Comment(_) => {}
                Item::Step(call) => self.step(call).map_err(|failure| call.locate(failure))?,
            }
        }
        Ok(())
    }

    fn step(&mut self, call: &Call) -> Result<(), Failure> {
        if let Some(Parsed::Points(_)) = call.args.first()
            && let Some(line) = self.points.replace(call.line)
        {
            return Err(Failure::script(format!("this phase has its points already, in line {line}"))
                .hint("`points` stands once behind each `## Title`"));
        }
        if let (Some(Parsed::Script(inner)), "include", Wanted::Pass) =
            (call.args.first(), call.spec.name, call.wanted)
        {
            return self.script(inner);
        }
        call.each_call(&mut |inner| self.frees(inner));
        // What a marked step or one in a block comes to is not known before.
        if call.wanted == Wanted::Pass
            && call.spec.names == Names::Socket
            && let Some(name) = &call.name
            && let Some(kind) = self.taken.insert(name.clone(), made_by(call))
        {
            return Err(is_taken(name, kind));
        }
        Ok(())
    }

    fn frees(&mut self, call: &Call) {
        match (call.spec.name, call.name_at(0)) {
            ("close", Some(name)) => {
                self.taken.remove(name);
            }
            ("close" | "reset" | "quit", _) => self.taken.clear(),
            _ => {}
        }
    }
}
