//! Programs: starting them, typing to them, wanting something of what they say and of how they end.

use crate::command::{Arg, Call, Group, Names, Parsed, Spec};
use crate::event::{Did, Failure, What};
use crate::lab::{Lab, Limit};
use crate::language::mistake::Mistake;
use crate::pattern::{Captures, Pattern};
use crate::program::{Ended, Kept, Program};
use crate::value::{Value, escape};

/// How many lines of output a failure shows: the last ones.
const SHOWN_LINES: usize = 3;
/// How much of a line a failure shows, in characters.
const SHOWN_LINE: usize = 120;

pub static SPAWN: Spec = Spec {
    name: "spawn",
    aliases: &[],
    group: Group::Programs,
    forms: &[&[Arg::Program]],
    summary: "start a program, without a shell; needs `--allow-spawn`",
    example: "spawn cat as student\n@student type hello\n@student expect output \"hello\"\n\
              @student type eof\n@student expect exit 0",
    within: false,
    names: Names::Socket,
    run: |lab, call| Box::pin(spawn(lab, call)),
};

pub static TYPE: Spec = Spec {
    name: "type",
    aliases: &[],
    group: Group::Programs,
    forms: &[&[Arg::Keyword("eof")], &[Arg::Text]],
    summary: "give a program a line of input, or the end of it (Ctrl-D)",
    example: "spawn cat as student\n@student type hello\n@student expect output \"hello\"\n@student type eof\nwait student",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(type_in(lab, call)),
};

async fn spawn(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(Parsed::Program(words)) = call.args.first() else { return Err(call.misread(0)) };
    lab.check_free(call.name.as_deref())?;
    let words = words.iter().map(|word| lab.fill_words(word)).collect::<Result<Vec<_>, _>>()?.concat();
    lab.start_program(call.name.as_deref(), words).await
}

async fn type_in(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let name = lab.program_name(call)?;
    let limit = lab.settings.limit(call);
    if call.form == 0 {
        if !lab.program(&name)?.type_end() {
            return Err(Failure::script(format!("the input of `{name}` has ended before"))
                .hint("what it reads next is the end; `spawn` it again to type more"));
        }
        lab.emit(What::Program { program: name, did: Did::Type { text: None } });
        return Ok(());
    }
    let Some(Parsed::Text(text)) = call.args.first() else { return Err(call.misread(0)) };
    lab.program(&name)?;
    // A line for each item of a list, as `spawn` makes a word of each.
    for line in lab.fill_words(text)? {
        type_line(lab, &name, line, limit).await?;
    }
    Ok(())
}

async fn type_line(lab: &mut Lab, name: &str, text: String, limit: Limit) -> Result<(), Failure> {
    match limit.wait(lab.program(name)?.type_line(&text)).await {
        Some(Ok(())) => {
            lab.emit(What::Program { program: name.into(), did: Did::Type { text: Some(text) } });
            Ok(())
        }
        Some(Err(error)) => Err(Failure::network(format!(
            "`{name}` reads no more input: {}",
            crate::platform::reason(&error)
        ))
        .hint("it has ended, or its input was ended with `type eof`")),
        None => Err(Failure::network(format!("`{name}` read nothing within {}", limit.shown()))
            .hint("what was typed before fills its pipe, and it reads none of it")),
    }
}

/// `expect output PATTERN`: a line that no earlier one took.
pub async fn expect_output(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(Parsed::Pattern(pattern)) = call.args.get(1) else { return Err(call.misread(1)) };
    let name = lab.program_name(call)?;
    lab.program(&name)?;
    let limit = lab.settings.limit(call);
    let found = {
        let lab = &*lab;
        let Some((_, program)) = lab.each_program().find(|(it, _)| *it == name) else {
            return Err(call.misread(0));
        };
        let line = program.line(|line| look(lab, pattern, line));
        match limit.wait(line).await {
            Some(Some(found)) => Ok(found),
            Some(None) => Err(no_line(call, program, &name, pattern, None)),
            None => Err(no_line(call, program, &name, pattern, Some(limit))),
        }
    };
    let (line, captures) = found?;
    met(lab, call, &name, &Value::str(&line), captures?, |text| format!("said {text}"))
}

/// A line that matches, with what the match gave; a pattern that cannot be looked at ends the search too.
fn look(lab: &Lab, pattern: &Pattern, line: &str) -> Option<(String, Result<Captures, Mistake>)> {
    match pattern.matches(&Value::str(line), &|reference| lab.lookup(reference)) {
        Ok(Ok(captures)) => Some((line.to_string(), Ok(captures))),
        Ok(Err(_)) => None,
        Err(mistake) => Some((line.to_string(), Err(mistake))),
    }
}

fn no_line(call: &Call, program: &Program, name: &str, pattern: &Pattern, limit: Option<Limit>) -> Failure {
    let said = program.said();
    let (message, hint) = match (limit, program.ended()) {
        (Some(limit), _) => (
            format!("`{name}` said nothing that matches within {}", limit.shown()),
            format!("it is still running: a longer `within` waits on, `@{name} type TEXT` answers what it may ask"),
        ),
        (None, ended) => (
            format!("`{name}` ended{} and had said nothing that matches", ended.map_or(String::new(), |it| format!(" ({})", it.shown()))),
            "each `expect output` looks at the lines after the one that the last took; a string has to be the whole line, a \
             /regex/ a part of it"
                .to_string(),
        ),
    };
    let failure = Failure::check(message).hint(hint).detail("wanted", text_of(call, pattern));
    with_output(failure, &said, "new lines").on(name)
}

/// `expect exit PATTERN`.
pub async fn expect_exit(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(Parsed::Pattern(pattern)) = call.args.get(1) else { return Err(call.misread(1)) };
    let name = lab.program_name(call)?;
    let ended = end_of(lab, call, &name).await?;
    let status = Value::Int(i64::from(ended.status));
    match pattern.matches(&status, &|reference| lab.lookup(reference))? {
        Ok(captures) => met(lab, call, &name, &status, captures, |text| format!("exit {text}, as expected")),
        Err(_) => {
            let said = lab.program(&name)?.said();
            let failure = Failure::check(format!(
                "`{name}` ended otherwise than expected: {}",
                ended.shown()
            ))
            .detail("wanted", format!("exit {}", text_of(call, pattern)))
            .detail("got", ended.shown())
            .hint(
                "a program's status is 0 when all went well; Python gives 1 for an error that nobody caught",
            );
            // A traceback says most about an end.
            let said =
                if said.errors.is_empty() { said } else { Kept { lines: said.errors.clone(), ..said } };
            Err(with_output(failure, &said, "said last").on(&name).at(pattern.at, pattern.len))
        }
    }
}

/// `wait NAME`, for a program.
pub async fn wait(lab: &mut Lab, call: &Call, name: &str) -> Result<(), Failure> {
    end_of(lab, call, name).await.map(drop)
}

/// The end of a program by itself; one that had to be ended has failed.
async fn end_of(lab: &mut Lab, call: &Call, name: &str) -> Result<Ended, Failure> {
    // A program has a time limit of its own, and `wait` is for its end, not for a message.
    let limit = match call.spec.name {
        "wait" => Limit { duration: call.within.flatten(), from: "the step's `within`" },
        _ => lab.settings.limit(call),
    };
    let program = lab.program(name)?;
    match limit.wait(program.wait()).await {
        None => {
            let failure = Failure::check(format!("`{name}` is still running after {}", limit.shown()))
                .hint(format!("`close {name}` ends it; a longer `within` waits on"));
            Err(with_output(failure, &program.said(), "said last").on(name))
        }
        Some(ended) => match ended.why.and_then(crate::event::Why::limit) {
            Some(limit) => {
                let failure = Failure::check(format!("`{name}` did not end by itself: {limit}"))
                    .hint("a loop without an end looks like this; `set program-time` before `spawn` gives more time");
                Err(with_output(failure, &program.said(), "said last").on(name))
            }
            None => Ok(ended),
        },
    }
}

fn met(
    lab: &mut Lab,
    call: &Call,
    name: &str,
    value: &Value,
    captures: Captures,
    text: impl Fn(String) -> String,
) -> Result<(), Failure> {
    if let Some(result) = &call.name {
        lab.bind_value(result, value.clone())?;
    }
    for (capture, value) in captures {
        lab.bind_value(&capture, value)?;
    }
    lab.emit(What::Program {
        program: name.into(),
        did: Did::Meet { what: text(value.repr_cut(SHOWN_LINE).0) },
    });
    Ok(())
}

fn text_of(call: &Call, pattern: &Pattern) -> String {
    let text = call.text.get(pattern.at..pattern.at + pattern.len).unwrap_or_default();
    escape(text).into_owned()
}

/// The last lines of what it said.
fn with_output(failure: Failure, said: &Kept, word: &'static str) -> Failure {
    let shown = said.lines.len().saturating_sub(SHOWN_LINES);
    let mut failure = failure;
    if said.lines.is_empty() {
        failure = failure.detail(word, "none");
    }
    for line in &said.lines[shown..] {
        let (shown, is_cut) = Value::str(line).repr_cut(SHOWN_LINE);
        failure = failure.detail(word, if is_cut { shown + "..." } else { shown });
    }
    if said.lost > 0 {
        failure = failure.detail(word, format!("{} more bytes were not kept", said.lost));
    }
    failure
}
