//! Wanting something of what came: `expect` and `check`.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use crate::command::{Arg, Call, Group, Names, Parsed, Spec};
use crate::event::{Failure, FailureKind, Message, Met, Name, What};
use crate::lab::{Lab, Limit, Settings};
use crate::net::End;
use crate::pattern::{Mismatch, Pattern};
use crate::value::Value;

use super::program;
use super::receive::{self, arrived};

/// How much of a value a failure shows, in characters.
const SHOWN_VALUE: usize = 200;
/// How long `expect nothing` waits without `within`: long enough for a peer on the same network to have answered.
const QUIET_DEFAULT: Duration = Duration::from_millis(500);

pub static EXPECT: Spec = Spec {
    name: "expect",
    aliases: &[],
    group: Group::Checks,
    forms: &[
        &[Arg::Keyword("eof")],
        &[Arg::Keyword("reset")],
        &[Arg::Keyword("nothing")],
        &[Arg::Keyword("output"), Arg::Pattern],
        &[Arg::Keyword("exit"), Arg::Pattern],
        &[Arg::Keyword("exactly"), Arg::Value("VALUE")],
        &[Arg::Pattern],
    ],
    summary: "want a matching message, the end, silence; a program's output",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\nsend {\"clientid\": 7, \"menu\": None}\n@ada expect {\"clientid\": int as id} within 1s\ncheck $id == 7",
    within: true,
    names: Names::Value,
    run: |lab, call| Box::pin(expect(lab, call)),
};

pub static CHECK: Spec = Spec {
    name: "check",
    aliases: &[],
    group: Group::Checks,
    forms: &[&[Arg::Value("A"), Arg::Operator, Arg::Value("B")]],
    summary: "want a comparison to hold, as Python compares",
    example: "let id = 7\ncheck $id >= 1\ncheck \"name\" in {\"name\": \"Ada\"}",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(check(lab, call))),
};

pub static POINTS: Spec = Spec {
    name: "points",
    aliases: &[],
    group: Group::Checks,
    forms: &[&[Arg::Points]],
    summary: "what this phase is worth in a report: all of it or nothing",
    example: "## Lists\npoints 2\ncheck 4 in [2, 4]",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(points(lab, call))),
};

pub static HINT: Spec = Spec {
    name: "hint",
    aliases: &[],
    group: Group::Checks,
    forms: &[&[Arg::Text]],
    summary: "what to tell the student where the rest of this phase fails",
    example: "## The id\npoints 2\nhint The lab wants a dict: {'clientid': 7}\ncheck \"clientid\" in {\"clientid\": 7}",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(hint(lab, call))),
};

/// It stands where the wire and the program's traceback tell nothing better.
fn hint(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    lab.phase.hint = Some(crate::value::escape(&call.text(lab, 0)?).into_owned());
    Ok(())
}

fn points(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(Parsed::Points(points)) = call.args.first() else { return Err(call.misread(0)) };
    lab.phase.has_points = true;
    lab.emit(What::Points(*points));
    Ok(())
}

async fn expect(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    match call.args.first() {
        Some(Parsed::Word("output")) => return Box::pin(program::expect_output(lab, call)).await,
        Some(Parsed::Word("exit")) => return Box::pin(program::expect_exit(lab, call)).await,
        _ => {}
    }
    let name = lab.socket_name(call)?;
    let settings = lab.settings_of(&name);
    let limit = settings.limit(call);
    match call.args.as_slice() {
        // In boxes: most of what waits here waits for a message.
        [Parsed::Word("eof")] => Box::pin(expect_end(lab, name, limit, End::Closed)).await,
        [Parsed::Word("reset")] => Box::pin(expect_end(lab, name, limit, End::Reset)).await,
        [Parsed::Word("nothing")] => Box::pin(expect_nothing(lab, call, name)).await,
        [Parsed::Word(_), Parsed::Value(_)] => {
            let wanted = call.value(lab, 1)?;
            let message = arrive(lab, call, &name, &settings, limit).await?;
            if message.message.value != wanted || message.message.value.type_name() != wanted.type_name() {
                let got = &message.message.value;
                return Err(about_args(call, format!("`{name}` received another value"))
                    .detail("wanted", wanted.repr_cut(SHOWN_VALUE).0)
                    .detail("got", shown(got))
                    .detail("message", measures(&message.message, limit))
                    .about(&name, &message.message));
            }
            passed(lab, call, name, message, Vec::new())
        }
        [Parsed::Pattern(pattern)] => {
            let message = arrive(lab, call, &name, &settings, limit).await?;
            let outcome = pattern.matches(&message.message.value, &|reference| lab.lookup(reference))?;
            match outcome {
                Ok(captures) => passed(lab, call, name, message, captures),
                Err(mismatch) => Err(mismatched(call, &name, pattern, &message.message, mismatch, limit)),
            }
        }
        _ => Err(call.misread(0)),
    }
}

/// A message that should match. Why ever none came, what fails is the expectation.
async fn arrive(
    lab: &mut Lab,
    call: &Call,
    name: &str,
    settings: &Settings,
    limit: Limit,
) -> Result<receive::Arrived, Failure> {
    receive::arrive(lab, name, settings, limit).await.map_err(|mut failure| {
        if failure.kind == FailureKind::Network {
            failure.kind = FailureKind::Check;
        }
        let wanted = call.text[call.args_at..].trim_end();
        failure.detail("wanted", crate::value::escape(wanted).into_owned())
    })
}

fn passed(
    lab: &mut Lab,
    call: &Call,
    name: Name,
    arrived: receive::Arrived,
    captures: Vec<(String, Value)>,
) -> Result<(), Failure> {
    if let Some(result) = &call.name {
        lab.bind_value(result, arrived.message.value.clone())?;
    }
    for (capture, value) in captures {
        lab.bind_value(&capture, value)?;
    }
    let message = Message { expected: true, ..receive::take(lab, &name, arrived)? };
    lab.emit(What::Received { socket: name, message });
    Ok(())
}

/// A check of the step's arguments that did not hold.
fn about_args(call: &Call, message: impl Into<String>) -> Failure {
    Failure::check(message).at(call.args_at, call.text.len() - call.args_at)
}

fn shown(value: &Value) -> String {
    format!("{} ({})", value.repr_cut(SHOWN_VALUE).0, value.type_name())
}

/// `29 B, pickle 4, 1 read, after 0.2 ms (limit 1s, within)`.
fn measures(message: &Message, limit: Limit) -> String {
    let protocol = message.protocol.map_or(String::new(), |protocol| format!(" {protocol}"));
    let ms = message.took.as_secs_f64() * 1000.0;
    let reads = crate::pattern::count(message.reads, "read");
    let limit = match limit.duration {
        Some(duration) => format!("limit {}, {}", crate::lab::shown_duration(duration), limit.from),
        None => "no limit".to_string(),
    };
    format!(
        "{} B, {}{protocol}, {reads}, after {ms:.1} ms ({limit}); it is still waiting",
        message.bytes, message.codec
    )
}

fn mismatched(
    call: &Call,
    name: &str,
    pattern: &Pattern,
    message: &Message,
    mismatch: Mismatch,
    limit: Limit,
) -> Failure {
    let wanted = call.text.get(mismatch.at..mismatch.at + mismatch.len).unwrap_or_default();
    let wanted = crate::value::escape(wanted).into_owned();
    let place = if mismatch.path.is_empty() {
        "the message".to_string()
    } else {
        format!("the message's {}", mismatch.path)
    };
    let what = match (&mismatch.reason, &mismatch.got) {
        (Some(reason), _) if mismatch.path.is_empty() => reason.clone(),
        (Some(reason), _) => format!("{place}: {reason}"),
        (None, Some(_)) => format!("{place} is not {wanted}"),
        (None, None) => format!("{place} does not match"),
    };
    let mut failure = Failure::check(format!("`{name}` received what was not expected: {what}"));
    failure.span = Some((mismatch.at, mismatch.len));
    failure.hint = mismatch.hint;
    failure.is_slip = mismatch.is_slip;
    let whole = call.text.get(pattern.at..pattern.at + pattern.len).unwrap_or_default();
    failure = failure.detail(
        "wanted",
        crate::value::escape(if mismatch.path.is_empty() { whole } else { &wanted }).into_owned(),
    );
    if let Some(got) = &mismatch.got {
        failure = failure.detail("got", shown(got));
    }
    if !mismatch.path.is_empty() || mismatch.got.is_none() {
        failure = failure.detail("whole", shown(&message.value));
    }
    failure.detail("message", measures(message, limit)).about(name, message)
}

async fn expect_end(lab: &mut Lab, name: Name, limit: Limit, wanted: End) -> Result<(), Failure> {
    let started = Instant::now();
    let socket = name.clone();
    let connection = &mut lab.link(&name)?.connection;
    let outcome = limit.wait(connection.anything()).await;
    let wanted_text = if wanted == End::Closed { "the end of the stream" } else { "a reset" };
    let failure = match outcome {
        None => Failure::check(format!("`{name}` is still open after {}", limit.shown())).met(Met::Silence),
        Some(Ok(Some(end))) if end == wanted => {
            lab.emit(What::Ended { socket: name, end, messages: None, took: started.elapsed() });
            return Ok(());
        }
        Some(Ok(Some(end))) => Failure::check(match end {
            End::Closed => format!("`{name}` was closed by its peer, not reset"),
            End::Reset => format!("`{name}` was reset by its peer, not closed"),
            End::Dead => format!("`{name}` is dead: its peer no longer answers"),
        }),
        Some(Ok(None)) => {
            let bytes = lab.link(&name)?.connection.buffered().to_vec();
            Failure::check(format!("`{name}` is not at its end: bytes arrived"))
                .detail("arrived", arrived(&bytes))
                .hint("`recv` takes them")
        }
        Some(Err(error)) => return Err(receive::unreadable(&name, &error)),
    };
    Err(failure.detail("wanted", wanted_text).on(&socket))
}

async fn expect_nothing(lab: &mut Lab, call: &Call, name: Name) -> Result<(), Failure> {
    let limit = match call.within {
        Some(Some(duration)) => Limit { duration: Some(duration), from: "the step's `within`" },
        _ => Limit { duration: Some(QUIET_DEFAULT), from: "the usual silence" },
    };
    let started = Instant::now();
    let connection = &mut lab.link(&name)?.connection;
    match limit.wait(connection.anything()).await {
        None => {
            lab.emit(What::Quiet { socket: name, took: started.elapsed() });
            Ok(())
        }
        Some(Ok(None)) => {
            let ms = started.elapsed().as_secs_f64() * 1000.0;
            let bytes = lab.link(&name)?.connection.buffered().to_vec();
            let settings = lab.settings_of(&name);
            let wire = lab.conversation.as_ref();
            let wire = wire.map(|kept| kept.wire(&bytes, settings.codec.name(), settings.framing));
            Err(Failure::check(format!("`{name}` was not silent: bytes arrived after {ms:.1} ms"))
                .detail("wanted", format!("nothing within {}", limit.shown()))
                .detail("arrived", arrived(&bytes))
                .wire(wire)
                .on(&name))
        }
        Some(Ok(Some(end))) => {
            let how = if end == End::Closed { "was closed" } else { "was reset" };
            Err(Failure::check(format!("`{name}` {how} by its peer, which is more than nothing"))
                .hint("`expect eof` wants the end of the stream")
                .on(&name))
        }
        Some(Err(error)) => Err(receive::unreadable(&name, &error)),
    }
}

fn check(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let (left, right) = (call.value(lab, 0)?, call.value(lab, 2)?);
    let Some(Parsed::Word(operator)) = call.args.get(1) else { return Err(call.misread(1)) };
    let holds = match *operator {
        "==" => Some(left == right),
        "!=" => Some(left != right),
        "in" => right.contains(&left),
        "<" => ordered(&left, &right, |ordering| ordering == Ordering::Less),
        "<=" => ordered(&left, &right, |ordering| ordering != Ordering::Greater),
        ">" => ordered(&left, &right, |ordering| ordering == Ordering::Greater),
        _ => ordered(&left, &right, |ordering| ordering != Ordering::Less),
    };
    match holds {
        Some(true) => {
            let text = call.text[call.args_at..].trim_end().to_string();
            lab.emit(What::Checked { text });
            Ok(())
        }
        Some(false) => Err(about_args(call, "the check does not hold")
            .detail("left", shown(&left))
            .detail("right", shown(&right))),
        None => {
            let types = format!("`{operator}` cannot compare {} and {}", left.type_name(), right.type_name());
            Err(about_args(call, types)
                .detail("left", shown(&left))
                .detail("right", shown(&right))
                .hint("Python raises TypeError here"))
        }
    }
}

/// Whether an order holds; NaN has none, and no order is `false`, as in Python. `None` where Python would raise TypeError.
fn ordered(left: &Value, right: &Value, holds: fn(Ordering) -> bool) -> Option<bool> {
    match left.compare(right) {
        Some(ordering) => Some(holds(ordering)),
        None if is_number(left) && is_number(right) => Some(false),
        None => None,
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Big(_) | Value::Float(_) | Value::Bool(_))
}
