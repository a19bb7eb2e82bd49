//! A script from its name to its summary: what is given to it is checked, then its steps run.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use crate::command::{Arg, Call, Parsed, Script};
use crate::commands::{TABLE, given_value};
use crate::event::{Failure, What};
use crate::lab::Lab;
use crate::language::mistake::did_you_mean;
use crate::language::script::{self, Files};
use crate::shell;
use crate::step::located;

/// Reads and parses a script; `-` is standard input.
pub fn load(name: &str) -> Result<Script, Failure> {
    if name != "-" {
        return script::load(Path::new(name), TABLE, &Files::default());
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| {
        Failure::network(format!("cannot read standard input: {}", crate::platform::reason(&error)))
    })?;
    script::parse(&bytes, "stdin", TABLE, &Files::default())
}

/// Checks `NAME=VALUE` words against the params that the script declares.
pub fn given(script: &Script, words: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let params = script::params(script);
    let names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
    let mut given = Vec::new();
    for word in words {
        let shown = crate::value::escape(word).into_owned();
        let Some((name, text)) = word.split_once('=') else {
            return Err(Failure::script(format!("`{shown}` is no param: a param is NAME=VALUE"))
                .hint(script::has_params(&names)));
        };
        let Some((_, default)) = params.iter().find(|(param, _)| param == name) else {
            let failure =
                Failure::script(format!("`{}` has no param `{}`", script.file, crate::value::escape(name)));
            return Err(match did_you_mean(name, names.iter().copied()) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint(script::has_params(&names)),
            });
        };
        if let Some(default) = default {
            given_value(name, text, default)?;
        }
        given.push((name.to_string(), text.to_string()));
    }
    Ok(given)
}

/// Checks that every `$name` and `@name` is given by an earlier step, so that a slip on the last line runs nothing.
pub fn check_names<'a>(script: &Script, known: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let mut names: HashSet<String> = known.map(str::to_string).collect();
    names.insert("_".to_string());
    let mut first = None;
    script.each_call(&mut |call| {
        if first.is_none() {
            first = unknown_name(call, &names);
            add_names(call, &mut names);
        }
    });
    first.map_or(Ok(()), Err)
}

fn unknown_name(call: &Call, names: &HashSet<String>) -> Option<Failure> {
    let mut unknown = None;
    let mut look = |name: &str, at: usize, len: usize, what: &str| {
        if unknown.is_none() && !names.contains(name) && !is_automatic(name) {
            let failure = Failure::script(format!("no earlier step gives {what} the name `{name}`"));
            let failure = match did_you_mean(name, names.iter().map(String::as_str)) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`as NAME`, `let NAME = VALUE` and `expect ... as NAME` give names"),
            };
            unknown = Some(located(Failure { span: Some((at, len)), ..failure }, call));
        }
    };
    if let Some((name, at)) = &call.target {
        look(name, *at, name.len(), "a socket");
    }
    for (place, arg) in call.spec.forms[call.form].iter().zip(&call.args) {
        if let (Arg::Socket, Parsed::Name(name)) = (place, arg) {
            look(name, call.args_at, name.len(), "a socket");
        }
    }
    call.each_reference(&mut |reference| look(&reference.name, reference.at, reference.len, "anything"));
    unknown
}

/// `c1`, `s2`: the names that sockets get by themselves.
fn is_automatic(name: &str) -> bool {
    name.strip_prefix(['c', 's'])
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
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

/// Runs a script to its end and gives the exit status.
pub async fn run(lab: &mut Lab, script: &Script, keep_going: bool) -> u8 {
    let summary = shell::run(lab, script, keep_going).await;
    let status = summary.status;
    lab.emit(What::Summary(summary));
    status
}
