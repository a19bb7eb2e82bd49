//! What a script does between messages: names, narration, waiting, other scripts, repetition.

use crate::command::{Arg, Call, Group, Item, Names, Parsed, Script, Spec};
use crate::event::{Failure, What};
use crate::lab::Lab;
use crate::language::expr::Expr;
use crate::language::line::Line;
use crate::language::literal;
use crate::step;
use crate::value::Value;

use super::block;

pub static LET: Spec = Spec {
    name: "let",
    aliases: &[],
    group: Group::Flow,
    forms: &[&[Arg::Name, Arg::Keyword("="), Arg::Value("VALUE")]],
    summary: "give a value a name; `$NAME` stands for it",
    example: "let ada = {\"name\": \"Ada\", \"id\": 7}\ncheck $ada.id == 7",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(bind(lab, call))),
};

pub static PARAM: Spec = Spec {
    name: "param",
    aliases: &[],
    group: Group::Flow,
    forms: &[&[Arg::Name, Arg::Keyword("="), Arg::Value("VALUE")]],
    summary: "a `let` that can be given: `lab2sh x.lab NAME=VALUE`",
    example: "param port = 12000\ncheck $port == 12000",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(param(lab, call))),
};

pub static SAY: Spec = Spec {
    name: "say",
    aliases: &[],
    group: Group::Flow,
    forms: &[&[Arg::Text]],
    summary: "show a line of narration; `$NAME` is filled in",
    example: "let who = \"Ada\"\nsay Now $who connects",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(say(lab, call))),
};

pub static PAUSE: Spec = Spec {
    name: "pause",
    aliases: &[],
    group: Group::Flow,
    forms: &[&[], &[Arg::Text]],
    summary: "wait for Enter where a person is there",
    example: "pause Look at the two prompts",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(pause(lab, call)),
};

pub static SLEEP: Spec = Spec {
    name: "sleep",
    aliases: &[],
    group: Group::Flow,
    forms: &[&[Arg::Duration]],
    summary: "wait for a time",
    example: "sleep 10ms",
    within: false,
    names: Names::Nothing,
    run: |_, call| Box::pin(sleep(call)),
};

pub static INCLUDE: Spec = Spec {
    name: "include",
    aliases: &[],
    group: Group::Flow,
    forms: &[&[Arg::Script]],
    summary: "run another script's lines here, with its params given",
    example: "include connect.lab name=\"Ada\"",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(include(lab, call)),
};

fn bind(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(name) = call.name_at(0) else { return Err(call.misread(0)) };
    let value = call.value(lab, 2)?;
    lab.bind_value(name, value.clone())?;
    lab.emit(What::Bound { name: name.into(), value });
    Ok(())
}

fn param(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(name) = call.name_at(0) else { return Err(call.misread(0)) };
    let given = lab.given.iter().rev().find(|(param, _)| param == name).map(|(_, text)| text.clone());
    let Some(text) = given else { return bind(lab, call) };
    let value = given_value(name, &text, &call.value(lab, 2)?)?;
    lab.bind_value(name, value.clone())?;
    lab.emit(What::Bound { name: name.into(), value });
    Ok(())
}

/// What a param's text from the command line means: with a str as default the text itself, else a value of the language.
pub fn given_value(name: &str, text: &str, default: &Value) -> Result<Value, Failure> {
    if let Value::Str(_) = default {
        return Ok(Value::str(text));
    }
    let mut line = Line::new(text);
    match literal::value(&mut line, 0) {
        Ok(Expr::Const(value)) if line.is_done() => Ok(value),
        _ => Err(Failure::script(format!(
            "the param `{name}` is like {}; `{}` is no value",
            default.repr_cut(40).0,
            crate::value::escape(text)
        ))
        .hint(format!("give a number or another literal: {name}={}", default.repr_cut(40).0))),
    }
}

fn say(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let text = call.text(lab, 0)?;
    lab.emit(What::Said(text));
    Ok(())
}

async fn pause(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let text = if call.args.is_empty() { String::new() } else { call.text(lab, 0)? };
    let Some(pauser) = lab.pauser.clone() else {
        if !text.is_empty() {
            lab.emit(What::Said(text));
        }
        return Ok(());
    };
    lab.emit(What::Paused(text.clone()));
    // An answer that is dropped means that nobody is there any more.
    let _ = pauser(&text).await;
    Ok(())
}

async fn sleep(call: &Call) -> Result<(), Failure> {
    match call.args.as_slice() {
        [Parsed::Duration(duration)] => {
            tokio::time::sleep(*duration).await;
            Ok(())
        }
        _ => Err(call.misread(0)),
    }
}

async fn include(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(Parsed::Script(script)) = call.args.first() else { return Err(call.misread(0)) };
    let given = script
        .params
        .iter()
        .map(|(name, text)| Ok((name.into(), lab.fill(text)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let outer = lab.given.len();
    lab.given.extend(given);
    let outcome = run_items(lab, script).await;
    lab.given.truncate(outer);
    outcome
}

/// Runs a script's items in order, up to the first step that fails; its `always` blocks run in any case.
pub async fn run_items(lab: &mut Lab, script: &Script) -> Result<(), Failure> {
    let before = block::register(lab, script);
    let mut outcome = Ok(());
    for item in &script.items {
        match item {
            Item::Phase(title) => lab.begin_phase(title),
            Item::Comment(_) => {}
            Item::Step(step) => {
                announce(lab, step);
                lab.step_begins(step);
                outcome = step::run(lab, step).await;
                lab.step_ends(step, &outcome);
            }
        }
        if outcome.is_err() || lab.quitting {
            break;
        }
    }
    if lab.always.len() == before {
        return outcome;
    }
    // In a box: ten thousand clients of a class have none.
    let cleaned = Box::pin(block::clean_up(lab, before)).await;
    outcome.and(cleaned)
}

/// Tells that a step of a script begins. Of a seat's steps nobody is told: the roster says how it stands there.
pub fn announce(lab: &Lab, call: &Call) {
    if lab.seat.is_some() {
        return;
    }
    let prompt = lab.current.clone().unwrap_or_default();
    lab.emit(What::Step {
        prompt,
        verb: call.spec.name,
        text: call.head(),
        file: call.file.clone(),
        line: call.line,
    });
}
