//! What `recv`, `expect` and listening mode share: waiting for a message, reading it, and saying why none came.

use std::pin::pin;
use std::time::{Duration, Instant};

use crate::command::Codec;
use crate::event::{Failure, Message, Met};
use crate::lab::{Binding, Lab, Limit, Settings, shown_duration};
use crate::language::MAX_MESSAGE_LIMIT;
use crate::net::{self, End, Framing, StreamError};
use crate::pickle;
use crate::value::Value;

/// How many bytes of what arrived a failure shows.
const SHOWN_BYTES: usize = 32;

/// A message that is whole, read, and still on the stream.
pub struct Arrived {
    /// Where it lies.
    pub place: net::Message,
    /// What it says and how.
    pub message: Message,
}

/// Waits for the next whole message and reads it; it stays on the stream. `Err` says what a person has to know.
pub async fn arrive(
    lab: &mut Lab,
    name: &str,
    settings: &Settings,
    limit: Limit,
) -> Result<Arrived, Failure> {
    let started = Instant::now();
    let connection = &mut lab.link(name)?.connection;
    let outcome = limit.wait(pin!(connection.message(settings.framing, settings.max_message))).await;
    let place = match outcome {
        Some(Ok(place)) => place,
        Some(Err(error)) => return Err(no_message(lab, name, &error, settings)),
        None => {
            let failure = timed_out(lab, name, limit);
            return Err(with_head(lab, name, settings, failure));
        }
    };
    look(lab, name, place, settings, started.elapsed())
}

/// Reads the whole message that is at the head of the stream, and leaves it there.
pub fn look(
    lab: &mut Lab,
    name: &str,
    place: net::Message,
    settings: &Settings,
    took: Duration,
) -> Result<Arrived, Failure> {
    let conversation = lab.conversation.clone();
    let connection = &lab.link(name)?.connection;
    let waiting = connection.buffered().len() - place.total;
    let payload = connection.payload(&place);
    let wire =
        conversation.map(|kept| kept.wire(connection.bytes(&place), settings.codec.name(), settings.framing));
    match read(payload, settings, &place, waiting, took) {
        Ok(message) => Ok(Arrived { place, message: Message { wire, ..message } }),
        Err(why) => {
            let looks = pickle::sniff(payload, Some(name)).filter(|_| settings.codec == Codec::Pickle);
            let shown = arrived(payload);
            let failure =
                Failure::network(format!("`{name}` received {} B that cannot be read: {why}", place.total))
                    .detail("arrived", shown);
            let failure =
                failure.brief(looks.as_ref().map_or_else(|| why.clone(), |looks| first_byte(payload, looks)));
            let hint = match looks {
                Some(looks) => format!("this looks like {looks}"),
                None => format!(
                    "the bytes are still there: `@{name} recv {}` takes them as they are",
                    place.total
                ),
            };
            Err(failure.hint(hint).wire(wire).on(name))
        }
    }
}

/// Takes a message off the stream and remembers its value as `$_`.
pub fn take(lab: &mut Lab, name: &str, arrived: Arrived) -> Result<Message, Failure> {
    lab.link(name)?.connection.take(&arrived.place);
    lab.last = Some(arrived.message.value.clone());
    Ok(arrived.message)
}

/// Reads a payload as the socket's codec says.
fn read(
    payload: &[u8],
    settings: &Settings,
    place: &net::Message,
    waiting: usize,
    took: Duration,
) -> Result<Message, String> {
    let mut message = Message {
        value: Value::None,
        bytes: place.total,
        codec: "",
        protocol: None,
        reads: place.reads,
        waiting,
        actions: Vec::new(),
        notes: Vec::new(),
        took,
        expected: false,
        wire: None,
        dispatch: None,
    };
    match settings.codec {
        Codec::Pickle => {
            let decoded =
                pickle::decode(payload).map_err(|error| format!("{}, at byte {}", error.why, error.at))?;
            message.codec = "pickle";
            message.value = decoded.value;
            message.protocol = Some(decoded.protocol);
            message.actions = decoded.actions;
            message.notes = decoded.notes;
            let lost = payload.len() - decoded.len;
            if lost > 0 {
                message.notes.push(format!(
                    "{lost} B behind the pickle belong to the same message: `pickle.loads` drops them"
                ));
            }
        }
        Codec::Json => {
            let text = std::str::from_utf8(payload).map_err(|_| "not UTF-8 text, so not JSON".to_string())?;
            message.codec = "json";
            message.value = crate::value::from_json_text(text)?;
        }
        Codec::Text => {
            message.codec = "text";
            message.value = match std::str::from_utf8(payload) {
                Ok(text) => Value::str(text),
                Err(_) => {
                    message.notes.push("not UTF-8 text: shown as bytes".to_string());
                    Value::Bytes(payload.into())
                }
            };
        }
        Codec::Hex => {
            message.codec = "hex";
            message.value = Value::Bytes(payload.into());
        }
    }
    Ok(message)
}

/// The bytes at the head, as Python shows them.
pub fn arrived(bytes: &[u8]) -> String {
    let shown = Value::Bytes(bytes[..bytes.len().min(SHOWN_BYTES)].into()).repr();
    match bytes.len() {
        n if n > SHOWN_BYTES => format!("{shown}... ({n} B)"),
        n => format!("{shown} ({n} B)"),
    }
}

/// What to do where nothing at all came in time.
pub fn wait_longer(limit: Limit) -> String {
    let longer = match limit.from {
        "timeout" => "`set timeout none` waits until Ctrl-C",
        _ => "a longer `within` or `within none` waits on",
    };
    format!("the connection is open and 0 bytes are waiting; {longer}")
}

/// Nothing whole came in time.
fn timed_out(lab: &mut Lab, name: &str, limit: Limit) -> Failure {
    let link = match lab.link(name) {
        Ok(link) => link,
        Err(failure) => return failure,
    };
    let bytes = link.connection.buffered().to_vec();
    let failure = if bytes.is_empty() {
        Failure::network(format!("nothing arrived on `{name}` within {}", limit.shown()))
            .hint(wait_longer(limit))
            .brief(format!("no message in {}", limit.duration.map_or(String::new(), shown_duration)))
    } else {
        let failure =
            Failure::network(format!("only part of a message arrived on `{name}` within {}", limit.shown()))
                .detail("arrived", arrived(&bytes))
                .brief(format!("only {} B of a message came in time", bytes.len()));
        match pickle::sniff(&bytes, Some(name)) {
            Some(looks) => failure.hint(format!("this looks like {looks}")),
            None => failure.hint("the bytes are kept: the next `recv` goes on with them"),
        }
    };
    failure.met(Met::Silence)
}

/// The stream says why there is no message.
pub fn no_message(lab: &mut Lab, name: &str, error: &StreamError, settings: &Settings) -> Failure {
    let failure = why_none(lab, name, error, settings);
    with_head(lab, name, settings, failure)
}

/// The same failure with the bytes that are at the head of the stream and are no message.
fn with_head(lab: &mut Lab, name: &str, settings: &Settings, failure: Failure) -> Failure {
    let wire = match lab.get(name) {
        Some(Binding::Connection(link)) if !link.connection.buffered().is_empty() => {
            lab.wire(link.connection.buffered(), settings.codec.name(), settings.framing)
        }
        _ => None,
    };
    failure.wire(wire).on(name)
}

fn why_none(lab: &mut Lab, name: &str, error: &StreamError, settings: &Settings) -> Failure {
    let (head, taken, received) = match lab.link(name) {
        Ok(link) => {
            let connection = &link.connection;
            (connection.buffered().to_vec(), connection.taken_of_message(), connection.received)
        }
        Err(failure) => return failure,
    };
    let looks = (settings.framing == Framing::Pickle).then(|| pickle::sniff(&head, Some(name))).flatten();
    let mut failure = match error {
        StreamError::Ended { end, partial, wanted } => {
            ended(name, *end, *partial, *wanted, received, looks.is_some())
        }
        StreamError::Corrupt { at, why } => Failure::network(format!(
            "what arrived on `{name}` is not a {}: {why}, at byte {at}",
            what(settings)
        )),
        StreamError::TooBig { declared } => {
            let limit = settings.max_message;
            let failure = Failure::network(format!(
                "the next message on `{name}` declares {declared} B; the limit is {limit} B"
            ));
            failure.hint(if *declared > MAX_MESSAGE_LIMIT {
                "no program of the class sends that much: the peer is broken or hostile; `close` ends the connection"
            } else {
                "`set max-message` raises the limit; `close` ends the connection"
            })
        }
        StreamError::NotReading | StreamError::Io(_) => unreadable(name, error),
    };
    if !head.is_empty() {
        failure = failure.detail("arrived", arrived(&head));
    }
    let brief = match (&looks, error) {
        (Some(looks), _) => first_byte(&head, looks),
        (None, StreamError::Ended { end, partial: 0, .. }) => how_briefly(*end).to_string(),
        (None, StreamError::Ended { end, partial, .. }) => {
            format!("{} inside a value at byte {partial}", how_briefly(*end))
        }
        (None, StreamError::Corrupt { at, why }) => format!("no pickle: {why}, at byte {at}"),
        (None, StreamError::TooBig { declared }) => format!("a message of {declared} B, over the limit"),
        (None, _) => failure.message.clone(),
    };
    failure = failure.brief(brief);
    if let StreamError::Ended { end, .. } = error {
        failure = failure.met(Met::End(*end));
    }
    match (looks, error) {
        (Some(looks), _) => failure.hint(format!("this looks like {looks}")),
        (None, StreamError::Corrupt { .. }) if taken > 0 => failure.hint(format!(
            "`recv N` took the first {taken} B of a message, so this is its rest; a program that reads too little meets just this"
        )),
        (None, StreamError::Corrupt { .. }) => {
            failure.hint(format!("`@{name} recv {}` takes these bytes as they are", head.len()))
        }
        _ => failure,
    }
}

fn what(settings: &Settings) -> &'static str {
    match settings.framing {
        Framing::Pickle => "pickle",
        Framing::Length => "message with a length before it",
        Framing::Line | Framing::None => "message",
    }
}

/// Reading is shut down here, or the kernel refuses it.
pub fn unreadable(name: &str, error: &StreamError) -> Failure {
    match error {
        StreamError::Io(error) => {
            Failure::network(format!("cannot read from `{name}`: {}", net::reason(error)))
        }
        _ => Failure::network(format!("`{name}` was shut down for reading here")),
    }
}

fn how_briefly(end: End) -> &'static str {
    match end {
        End::Closed => "closed",
        End::Reset => "reset",
        End::Dead => "dead",
    }
}

/// `first byte 0x47: this looks like HTTP`.
fn first_byte(head: &[u8], looks: &str) -> String {
    let looks = looks.split([';', ':', '`']).next().unwrap_or(looks).trim_end();
    format!("first byte 0x{:02x}: this looks like {looks}", head.first().copied().unwrap_or(0))
}

fn ended(name: &str, end: End, partial: usize, wanted: usize, received: u64, is_other: bool) -> Failure {
    let how = match end {
        End::Closed => "was closed by its peer",
        End::Reset => "was reset by its peer",
        End::Dead => "is dead: its peer no longer answers",
    };
    match (partial, received) {
        (0, 0) => Failure::network(format!("`{name}` {how} before it sent anything")).hint(match end {
            End::Closed => "the program at the other end has ended, serves one client only, or has shut down its sending half",
            _ => "the program at the other end may have crashed",
        }),
        (0, _) => Failure::network(format!("`{name}` {how}: no more messages will come"))
            .hint(match end {
                End::Closed => {
                    format!("`@{name} close` closes this end too; `expect eof` takes the end as wanted")
                }
                End::Reset => {
                    format!("`@{name} close` closes this end too; `expect reset` takes the end as wanted")
                }
                End::Dead => format!("`@{name} close` closes this end too"),
            }),
        _ if is_other => Failure::network(format!("`{name}` {how} after bytes that are no pickle")),
        _ => Failure::network(format!("`{name}` {how} inside a message: byte {partial} of at least {wanted}"))
            .hint("the bytes so far are kept; a program that reads with one `recv` would say `pickle data was truncated`"),
    }
}
