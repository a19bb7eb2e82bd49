//! A script from its name to its summary: what is given to it is checked, then its steps run.

use std::io::Read;
use std::path::Path;

use crate::command::Script;
use crate::commands::{TABLE, given_value, settle};
use crate::event::{Failure, FailureKind, Name, What};
use crate::lab::Lab;
use crate::language::mistake::did_you_mean;
pub use crate::language::names::check_names;
use crate::language::script;
pub use crate::language::script::Files;
use crate::shell;
use crate::value::Value;

/// Reads and parses a script; `-` is standard input. `files` learns which files are opened.
pub fn load(name: &str, files: &Files) -> Result<Script, Failure> {
    if name != "-" {
        return script::load(Path::new(name), TABLE, files);
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| {
        Failure::network(format!("cannot read standard input: {}", crate::platform::reason(&error)))
    })?;
    script::parse(&bytes, "stdin", TABLE, files)
}

/// Checks `NAME=VALUE` words against the params that the script declares.
pub fn given(script: &Script, words: &[String]) -> Result<Vec<(Name, String)>, Failure> {
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
        given.push((name.into(), text.to_string()));
    }
    Ok(given)
}

/// The texts that a script's params stand for, each with the param's name: what is given, and defaults.
pub fn texts(script: &Script, given: &[(Name, String)]) -> Vec<(Name, String)> {
    let is_given = |name: &str| given.iter().any(|(it, _)| it == name);
    let defaults = script::params(script).into_iter().filter_map(|(name, default)| match default {
        Some(Value::Str(text)) if !is_given(&name) => Some((name.into(), text.to_string())),
        _ => None,
    });
    given.iter().cloned().chain(defaults).collect()
}

/// Runs a script to its end and gives the exit status. The programs that it started end with it, unless a prompt goes on with
/// its names.
pub async fn run(lab: &mut Lab, script: &Script, keep_going: bool, goes_on: bool) -> u8 {
    let mut summary = shell::run(lab, script, keep_going).await;
    if !goes_on {
        let is_interrupted = summary.status == FailureKind::Interrupted.status();
        if let Err(failure) = settle(lab, is_interrupted) {
            summary.failed += 1;
            summary.status = summary.status.max(failure.kind.status());
            lab.emit(What::Failed(failure));
        }
        lab.end_programs().await;
    }
    let status = summary.status;
    lab.emit(What::Summary(summary));
    status
}
