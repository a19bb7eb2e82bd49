//! Looking at bytes: `explain` says what each of them means, `hex` shows them as they are.

use std::sync::Arc;

use crate::command::{Arg, Call, Group, Names, Parsed, Spec};
use crate::event::{Failure, Origin, What, Wire};
use crate::explain::{Folding, explain};
use crate::lab::{Binding, Lab, Settings};
use crate::net::{Framing, frame};

use super::message::{read_file, written};

pub static EXPLAIN: Spec = Spec {
    name: "explain",
    aliases: &[],
    group: Group::Messages,
    forms: &[
        &[Arg::Optional("all")],
        &[Arg::Optional("all"), Arg::Keyword("hex"), Arg::Hex],
        &[Arg::Optional("all"), Arg::Keyword("file"), Arg::File],
        &[Arg::Optional("all"), Arg::Value("VALUE")],
        // Behind VALUE, since None and inf are values and could be names.
        &[Arg::Optional("all"), Arg::Socket],
    ],
    summary: "show what each byte of a message means, and the value growing",
    example: "explain {\"clientid\": 1}\nexplain hex 80 04 4b 01 2e",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(run_explain(lab, call))),
};

pub static HEX: Spec = Spec {
    name: "hex",
    aliases: &[],
    group: Group::Messages,
    forms: &[
        &[Arg::Optional("all")],
        &[Arg::Optional("all"), Arg::Keyword("file"), Arg::File],
        &[Arg::Optional("all"), Arg::Value("VALUE")],
        &[Arg::Optional("all"), Arg::Socket],
    ],
    summary: "show a message's bytes: the last one's, or what `send` would send",
    example: "hex {\"clientid\": 1}",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(run_hex(lab, call))),
};

fn run_explain(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let (folding, args) = folding(call)?;
    let (origin, wire) = subject(lab, call, args)?;
    let explanation = Arc::new(explain(&wire, folding));
    lab.emit(What::Explained { origin, explanation });
    Ok(())
}

fn run_hex(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let (folding, args) = folding(call)?;
    let (origin, wire) = subject(lab, call, args)?;
    lab.emit(What::Dumped { origin, wire, folding });
    Ok(())
}

/// Whether all is to be shown, and of what.
fn folding(call: &Call) -> Result<(Folding, &[Parsed]), Failure> {
    match call.args.as_slice() {
        [Parsed::Word("all"), args @ ..] => Ok((Folding::All, args)),
        [_, args @ ..] => Ok((Folding::Folded, args)),
        [] => Err(call.misread(0)),
    }
}

/// The bytes that are meant.
fn subject(lab: &Lab, call: &Call, args: &[Parsed]) -> Result<(Origin, Wire), Failure> {
    let settings = match call.target.as_ref().map(|(name, _)| name.as_str()).or(lab.current.as_deref()) {
        Some(socket) => lab.settings_of(socket),
        None => lab.settings,
    };
    let plain = |bytes: Vec<u8>| (Origin::Given, given(bytes, settings.codec.name(), settings.framing));
    match args {
        [] => last(lab, call, call.target.as_ref().map(|(name, _)| name.as_str())),
        [Parsed::Name(name)] => match lab.get(name) {
            Some(Binding::Value(value)) => as_sent(call, value.clone(), &settings),
            _ => last(lab, call, Some(name)),
        },
        [Parsed::Word("hex"), Parsed::Bytes(bytes)] => Ok(plain(bytes.clone())),
        [Parsed::Word("file"), Parsed::Text(name)] => {
            Ok(plain(read_file(&call.path(lab, &lab.fill(name)?))?))
        }
        [Parsed::Value(expr)] => as_sent(call, lab.eval(expr)?, &settings),
        _ => Err(call.misread(0)),
    }
}

fn given(bytes: Vec<u8>, codec: &'static str, framing: Framing) -> Wire {
    Wire { total: bytes.len(), bytes: bytes.into(), codec, framing, head: None }
}

/// What `send VALUE` would send.
fn as_sent(call: &Call, value: crate::value::Value, settings: &Settings) -> Result<(Origin, Wire), Failure> {
    let outgoing = written(call, value, settings.codec, settings)?;
    let bytes = frame(settings.framing, outgoing.payload);
    Ok((Origin::Given, given(bytes, outgoing.codec, settings.framing)))
}

/// What was on the wire last, of one socket or of any. The reads of a message that `recv N` took apart are put together.
fn last(lab: &Lab, call: &Call, socket: Option<&str>) -> Result<(Origin, Wire), Failure> {
    let nothing = || {
        let failure = match socket {
            // What was closed may have left a message; what never was has not.
            Some(name) => match lab.known_socket(name, place_of(name, call)) {
                Ok(name) => Failure::script(format!("nothing was sent or received on `{name}` yet")),
                Err(unknown) => return unknown,
            },
            None => Failure::script("nothing was sent or received yet"),
        };
        failure.hint(format!("`{} VALUE` shows what `send VALUE` would send", call.spec.name))
    };
    let log = lab.conversation.as_ref().ok_or_else(nothing)?.look();
    let mut found: Option<(Origin, Wire)> = None;
    let mut missing = 0;
    for entry in log.entries().rev() {
        let Some((name, wire)) = entry.what.wire() else { continue };
        match &mut found {
            None if socket.is_none_or(|wanted| wanted == name) => {
                let origin = match &entry.what {
                    What::Sent { .. } | What::Begun { .. } => Origin::Sent(name.to_owned()),
                    What::Failed(_) | What::FailedAsAllowed { .. } => Origin::Waiting(name.to_owned()),
                    _ => Origin::Received(name.to_owned()),
                };
                missing = before(&entry.what);
                found = Some((origin, wire.clone()));
            }
            Some((Origin::Received(owner), whole)) if missing > 0 && owner == name => {
                let What::Read { .. } = &entry.what else { continue };
                let begin = wire.bytes.len().saturating_sub(missing);
                missing -= wire.bytes.len() - begin;
                let joined = [&wire.bytes[begin..], &whole.bytes].concat();
                *whole = given(joined, whole.codec, whole.framing);
            }
            _ => {}
        }
        if found.is_some() && missing == 0 {
            break;
        }
    }
    found.ok_or_else(nothing)
}

/// Where a socket's name stands in a step: before its verb, or last.
fn place_of(name: &str, call: &Call) -> usize {
    if let Some((_, at)) = &call.target {
        return *at;
    }
    let all = if let Some(Parsed::Word(all @ "all")) = call.args.first() { all.len() } else { 0 };
    let from = call.args_at + all;
    call.text.get(from..).and_then(|text| text.find(name)).map_or(from, |at| from + at)
}

/// How many bytes of the same message earlier reads took.
fn before(what: &What) -> usize {
    match what {
        What::Read { taken, .. } => taken.began_at,
        _ => 0,
    }
}
