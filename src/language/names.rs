//! The names that a script's steps give and use, checked before anything runs.

use std::collections::{HashMap, HashSet};

use super::kinds::{check_kinds, wants_connection};
use super::mistake::did_you_mean;
use crate::command::{Arg, Call, Parsed, Script};
use crate::conversation::SEAT_SOCKET;
use crate::event::Failure;

/// The names that a seat script starts with.
pub const SEAT_NAMES: [&str; 4] = ["seat", "peer", "started", SEAT_SOCKET];

/// Checks that every `$name` and `@name` is given by an earlier step, so that a slip on the last line runs nothing.
pub fn check_names<'a>(script: &Script, known: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let mut names: HashSet<String> = known.map(str::to_string).collect();
    names.extend(["_", "n", "roster"].map(str::to_string));
    let known = names.clone();
    let mut first = None;
    script.each_call(&mut |call| {
        if first.is_none() {
            if runs_on_match(call) {
                // The step of an `on` uses what its own pattern gives.
                add_names(call, &mut names);
            }
            first = unknown_name(call, &names);
            add_names(call, &mut names);
        }
    });
    first.map_or_else(|| check_kinds(script, &known), Err)
}

/// The names that steps would have given which failed, or which nobody came to, each with where.
#[derive(Default)]
pub struct Missing {
    names: HashMap<String, String>,
    /// Where a socket without a name of its own would have been opened, the current one from then on.
    socket: Option<String>,
}

impl Missing {
    /// This step gives its names no more, nor do those inside it. `phase` is the title of the one it stands in.
    pub fn lose(&mut self, call: &Call, phase: &str) {
        call.each_call(&mut |step| {
            let place = match phase {
                "" => format!("line {}", step.line),
                _ => format!("line {} in phase `{}`", step.line, crate::value::escape(phase)),
            };
            let mut given = HashSet::new();
            add_names(step, &mut given);
            for name in given {
                self.names.entry(name).or_insert_with(|| place.clone());
            }
            if matches!(step.spec.name, "connect" | "accept") {
                self.socket.get_or_insert(place);
            }
        });
    }

    /// Why a step is not worth running: it uses what one of those would have named, and nothing else has that name.
    /// `has_connection` says whether the current socket is a connection.
    pub fn needed_by(
        &self,
        call: &Call,
        has_connection: bool,
        is_known: impl Fn(&str) -> bool,
    ) -> Option<Failure> {
        if let Some(place) = self.socket.as_ref().filter(|_| !has_connection)
            && call.target.is_none()
            && wants_connection(call)
        {
            return Some(call.locate(Failure::check(format!("{place} would have opened a connection"))));
        }
        let mut needed = None;
        let mut own = HashSet::new();
        call.each_call(&mut |step| {
            each_use(step, &mut |name, at, len, what| {
                let unnamed = self.socket.as_ref().filter(|_| what == "a socket" && is_automatic(name));
                if let Some(place) = self.names.get(name).or(unnamed)
                    && needed.is_none()
                    && !own.contains(name)
                    && !is_known(name)
                {
                    let sign = if what == "a socket" { "" } else { "$" };
                    let failure = Failure::check(format!("{place} would have named `{sign}{name}`"));
                    needed = Some(step.locate(failure.at(at, len)));
                }
            });
            add_names(step, &mut own);
        });
        needed
    }
}

fn unknown_name(call: &Call, names: &HashSet<String>) -> Option<Failure> {
    let mut unknown = None;
    each_use(call, &mut |name, at, len, what| {
        if unknown.is_none() && !names.contains(name) && !is_automatic(name) {
            let failure = Failure::script(format!("no earlier step gives {what} the name `{name}`"));
            let failure = match did_you_mean(name, names.iter().map(String::as_str)) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`as NAME`, `let NAME = VALUE` and `expect ... as NAME` give names"),
            };
            unknown = Some(call.locate(failure.at(at, len)));
        }
    });
    unknown
}

/// Calls `look` with every name that a step uses, where it stands, and what it is to be.
fn each_use(call: &Call, look: &mut dyn FnMut(&str, usize, usize, &str)) {
    if let Some((name, at)) = &call.target {
        look(name, *at, name.len(), "a socket");
    }
    let args = &call.text[call.args_at..];
    // A word that may stand before the name is none.
    let before = match call.args.first() {
        Some(Parsed::Word(word)) => {
            args.strip_prefix(word).map_or(0, |rest| args.len() - rest.trim_start().len())
        }
        _ => 0,
    };
    for (place, arg) in call.spec.forms[call.form].iter().zip(&call.args) {
        if let (Arg::Socket, Parsed::Name(name)) = (place, arg) {
            look(name, call.args_at + before, name.len(), "a socket");
        }
    }
    call.each_reference(&mut |reference| look(&reference.name, reference.at, reference.len, "anything"));
}

/// `c1`, `s2`, `p1`, `seat3`: the names that sockets, programs and a class's clients get by themselves.
fn is_automatic(name: &str) -> bool {
    ["c", "seat", "s", "p"]
        .into_iter()
        .filter_map(|letters| name.strip_prefix(letters))
        .any(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn runs_on_match(call: &Call) -> bool {
    matches!(call.args.as_slice(), [Parsed::Pattern(_), Parsed::Step(_)])
}

fn add_names(call: &Call, names: &mut HashSet<String>) {
    names.extend(call.name.clone());
    for (place, arg) in call.spec.forms[call.form].iter().zip(&call.args) {
        match (place, arg) {
            (Arg::Name, Parsed::Name(name)) => {
                names.insert(name.clone());
            }
            (_, Parsed::Pattern(pattern)) => pattern.each_binding(&mut |name| {
                names.insert(name.to_string());
            }),
            _ => {}
        }
    }
}
