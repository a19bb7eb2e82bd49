//! A line that names another script: `include`, `run` and `serve ... with`. The script is read and parsed with the line.

use std::path::PathBuf;
use std::sync::Arc;

use super::expr::{Expr, Template};
use super::line::Line;
use super::mistake::Mistake;
use super::names::{SEAT_NAMES, check_names};
use super::parse::Context;
use super::script::{Files, has_params, load, params, parse};
use crate::command::{Arg, Parsed, Script};
use crate::event::Failure;
use crate::value::Value;

/// How deep scripts may include scripts.
const MAX_INCLUDES: usize = 16;
/// How many runs one command may ask for: past it a digit slipped in.
pub const TIMES_MAX: usize = 100_000_000;
/// How many runs may be under way at the same time: what a class server takes.
pub const AT_ONCE_MAX: usize = 20_000;

/// What a line does with the script that it names: how it is told, and the way out where scripts name each other in a circle.
struct Naming(&'static str, &'static str);

const INCLUDES: Naming = Naming("includes", "leave one of the includes out");
const RUNS: Naming = Naming("runs", "it would never end: `run` another script, or `repeat` the steps");
const SERVES: Naming =
    Naming("serves", "a seat script does not serve: `with` names one that talks to a client");

/// Reads a script's name and the script, with the bytes that the name takes.
fn named(line: &mut Line, context: &Context, naming: &Naming) -> Result<(Script, usize), Mistake> {
    let at = line.at;
    let name = line.word("a script's name")?;
    let len = line.at - at;
    let Some(name) = name.constant() else {
        return Err(Mistake::new(at, len, "a script that is named here has a plain name")
            .hint("the whole script is read before its first step runs, when `$` names have no value yet"));
    };
    let path = context.files.folder().join(name);
    let same = |file: &PathBuf| {
        std::fs::canonicalize(file).ok().is_some_and(|file| std::fs::canonicalize(&path).ok() == Some(file))
    };
    if context.files.chain.iter().any(same) {
        let mut chain: Vec<String> =
            context.files.chain.iter().map(|file| file.display().to_string()).collect();
        chain.push(path.display().to_string());
        let chain = crate::value::escape(&chain.join(" -> ")).into_owned();
        return Err(Mistake::new(at, len, format!("`{name}` {} itself: {chain}", naming.0)).hint(naming.1));
    }
    if context.files.chain.len() >= MAX_INCLUDES {
        return Err(Mistake::new(at, len, format!("scripts include scripts deeper than {MAX_INCLUDES}"))
            .hint("put their lines into fewer files"));
    }
    let script = load(&path, context.table, context.files).map_err(|failure| {
        if failure.place.is_some() {
            Mistake { elsewhere: Some(failure), ..Mistake::new(at, len, "") }
        } else {
            Mistake::new(at, len, failure.message.as_str()).hint(match context.files.chain.is_empty() {
                true => "the name starts from the folder you are in",
                false => "the name starts from the folder of the script that this line stands in",
            })
        }
    })?;
    Ok((script, len))
}

/// What each client is served with unless `with FILE` says otherwise.
const SEAT_SCRIPT: &str = include_str!("../../scripts/seat.lab");

/// Reads `[with FILE] [journal FILE]`, in any order.
pub fn serving(line: &mut Line, context: &Context) -> Result<Parsed, Mistake> {
    let (mut script, mut journal) = (None, None);
    loop {
        line.skip_space();
        let at = line.at;
        if line.eat_word("with") {
            line.skip_space();
            script = Some(named(line, context, &SERVES)?.0);
        } else if line.eat_word("journal") {
            line.skip_space();
            journal = Some(line.word("the journal's file name")?);
        } else {
            break;
        }
        if line.at == at {
            break;
        }
    }
    let script = match script {
        Some(script) => script,
        None => {
            parse(SEAT_SCRIPT.as_bytes(), "scripts/seat.lab (built in)", context.table, &Files::default())
                .map_err(|failure| Mistake { elsewhere: Some(failure), ..Mistake::new(line.at, 1, "") })?
        }
    };
    check_names(&script, SEAT_NAMES.into_iter())
        .map_err(|failure| Mistake { elsewhere: Some(failure), ..Mistake::new(line.at, 1, "") })?;
    let mut starts = None;
    script.each_call(&mut |call| {
        if starts.is_none() && call.starts_program() {
            starts = Some(
                call.locate(
                    Failure::script("a seat script starts no programs: it would start one for each client")
                        .hint("`spawn` it in the script that serves"),
                ),
            );
        }
    });
    match starts {
        Some(failure) => Err(Mistake { elsewhere: Some(failure), ..Mistake::new(line.at, 1, "") }),
        None => Ok(Parsed::Serving { script: Arc::new(script), journal }),
    }
}

/// Reads `FILE [NAME=VALUE...]` and the script that it names.
pub fn included(line: &mut Line, context: &Context) -> Result<Arc<Script>, Mistake> {
    let at = line.at;
    let (script, name_len) = named(line, context, &INCLUDES)?;
    let params = given(line, &[])?;
    check_given(&script, &params, at, name_len)?;
    Ok(Arc::new(Script { params, ..script }))
}

/// Reads `FILE [NAME=VALUE...] [times N] [at once M]` and the script that it names.
pub fn run(line: &mut Line, context: &Context) -> Result<Parsed, Mistake> {
    let at = line.at;
    let (script, name_len) = named(line, context, &RUNS)?;
    check_names(&script, std::iter::empty())
        .map_err(|failure| Mistake { elsewhere: Some(failure), ..Mistake::new(at, name_len, "") })?;
    let params = given(line, &["times", "at", "as"])?;
    check_given(&script, &params, at, name_len)?;
    let (mut times, mut at_once) = (None, None);
    loop {
        line.skip_space();
        if line.eat_word("times") {
            line.skip_space();
            times = Some(count(line, "times", TIMES_MAX)?);
        } else if line.eat_word("at") {
            line.skip_space();
            if !line.eat_word("once") {
                return Err(line.mistake("`once` is missing").hint("at once M: how many at the same time"));
            }
            line.skip_space();
            at_once = Some(count(line, "at once", AT_ONCE_MAX)?);
        } else {
            return Ok(Parsed::Run { script: Arc::new(Script { params, ..script }), times, at_once });
        }
    }
}

/// A number of runs, as far as it is known before they begin.
fn count(line: &mut Line, what: &str, most: usize) -> Result<Expr, Mistake> {
    let at = line.at;
    let expr = super::argument::value(line, Arg::Count("it"))?;
    match &expr {
        Expr::Const(value) if runs(value, most).is_none() => {
            let (message, hint) = not_so_many(value, what, most);
            Err(Mistake::new(at, line.at - at, message).hint(hint))
        }
        _ => Ok(expr),
    }
}

/// A value as a number of runs; `None` if it is none, or more than there may be.
pub fn runs(value: &Value, most: usize) -> Option<u64> {
    match value {
        Value::Int(number @ 1..) => u64::try_from(*number).ok().filter(|number| *number <= most as u64),
        _ => None,
    }
}

/// Why a value is no number of runs, and what to do.
pub fn not_so_many(value: &Value, what: &str, most: usize) -> (String, &'static str) {
    let message = format!("`{what}` takes 1 to {most}, not {}", value.repr_cut(40).0);
    (message, "run FILE times N at once M: N runs in all, M of them at the same time")
}

/// `NAME=VALUE` words up to the end of the line or to one of the words that may stand behind them.
fn given(line: &mut Line, before: &[&str]) -> Result<Vec<(String, Template)>, Mistake> {
    let mut params = Vec::new();
    loop {
        line.skip_space();
        if line.is_done() || before.contains(&line.bare_word()) {
            return Ok(params);
        }
        let name = line.identifier("a param's name")?.to_string();
        if !line.eat('=') {
            return Err(line
                .mistake("`=` is missing after the param's name")
                .hint("NAME=VALUE gives the script a value for its `param NAME`"));
        }
        let value = match line.peek() {
            None | Some(' ' | '\t') => Template::text(String::new()),
            _ => line.word("a value")?,
        };
        params.push((name, value));
    }
}

fn check_given(script: &Script, given: &[(String, Template)], at: usize, len: usize) -> Result<(), Mistake> {
    let known = params(script);
    for (name, _) in given {
        if !known.iter().any(|(param, _)| param == name) {
            let names: Vec<&str> = known.iter().map(|(param, _)| param.as_str()).collect();
            let mistake = Mistake::new(at, len, format!("`{}` has no param `{name}`", script.file));
            return Err(mistake.hint(has_params(&names)));
        }
    }
    Ok(())
}
