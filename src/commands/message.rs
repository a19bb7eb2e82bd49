//! Sending and receiving messages.

use std::path::Path;
use std::time::Instant;

use smallvec::smallvec;

use crate::command::{Arg, Call, Codec, Few, Group, Names, Parsed, Spec, whole_number};
use crate::event::{Failure, Message, Met, Name, What};
use crate::lab::{Lab, Limit, Settings};
use crate::net::{self, End, Framing, Send, Writer};
use crate::pickle;
use crate::value::Value;

use super::deliver::{self, Plan, Sending, Waits};
use super::receive;

/// The largest file that `send file` reads and the largest `recv N`, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// Said of a message that is sent to a peer whose sending has ended: the first one after a close goes out without an error.
const AFTER_ITS_END: &str = "the peer sends no more; if it has closed, nobody reads this";

pub static SEND: Spec = Spec {
    name: "send",
    aliases: &[],
    group: Group::Messages,
    forms: &[
        &[Arg::Keyword("json"), Arg::Values("VALUE"), Arg::Delivery],
        &[Arg::Keyword("text"), Arg::Values("STRING"), Arg::Delivery],
        &[Arg::Keyword("hex"), Arg::Hex, Arg::Delivery],
        &[Arg::Keyword("file"), Arg::File, Arg::Delivery],
        &[Arg::Keyword("garbage"), Arg::Count("N"), Arg::Seed, Arg::Delivery],
        &[Arg::Values("VALUE"), Arg::Delivery],
    ],
    summary: "pickle a value and send all of it, or send it another way",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\nsend {\"name\": \"Ada\", \"id\": 7}\nsend hex 80 04 4b 01 2e\nsend [1, 2] + \"two\" split 3 gap 10ms",
    within: true,
    names: Names::Nothing,
    run: |lab, call| Box::pin(send(lab, call)),
};

pub static RECV: Spec = Spec {
    name: "recv",
    aliases: &[],
    group: Group::Messages,
    forms: &[&[], &[Arg::Count("N")]],
    summary: "take the next whole message; `recv N` is one recv(N) call",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\nsend {\"clientid\": 7}\n@ada recv as id\ncheck $id.clientid == 7",
    within: true,
    names: Names::Value,
    run: |lab, call| Box::pin(recv(lab, call)),
};

/// What is to be sent: the value it says, its bytes, and how they were made.
pub(super) struct Outgoing {
    pub(super) value: Value,
    pub(super) payload: Vec<u8>,
    pub(super) codec: &'static str,
    pub(super) protocol: Option<u8>,
}

async fn send(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let going = Going::new(lab, call)?;
    let mut begun = Begun { lab, going: &going, is_whole: false };
    let mut sending = Sending::new(&going.outlet.writer, going.to_go());
    let outcome = sending.within(&going.plan, going.limit, call.within.is_some()).await;
    let waits = sending.waits;
    drop(sending);
    begun.is_whole = matches!(outcome, Some(Send::All));
    drop(begun);
    match outcome {
        Some(Send::All) => {
            going.gone(lab);
            Ok(())
        }
        Some(Send::Broken(error)) => Err(going.broken(&error)),
        None => Err(going.late(lab, waits)),
    }
}

/// Messages on their way: made before the first byte is sent, so that what waits holds it once.
struct Going {
    outlet: Outlet,
    messages: Few<(Outgoing, usize)>,
    bytes: Vec<u8>,
    plan: Plan,
    limit: Limit,
    started: Instant,
    /// Bytes that were given to the kernel before.
    before: u64,
    /// Bytes of an earlier `send` that go out first.
    left_over: u64,
}

impl Going {
    fn new(lab: &mut Lab, call: &Call) -> Result<Going, Failure> {
        let (outlet, settings) = outlet(lab, call)?;
        let messages = outgoing(lab, call, &settings)?;
        let Some(Parsed::Delivery(delivery)) = call.args.last() else {
            return Err(call.misread(call.args.len()));
        };
        let (messages, bytes) = deliver::framed(messages, outlet.framing);
        let plan = Plan::new(lab, delivery, bytes.len())?;
        let limit = settings.limit(call);
        let (before, left_over) = (outlet.writer.sent(), outlet.writer.unsent() as u64);
        Ok(Going { outlet, messages, bytes, plan, limit, started: Instant::now(), before, left_over })
    }

    /// The bytes that go out: all of them, unless they are cut short.
    fn to_go(&self) -> &[u8] {
        &self.bytes[..self.plan.end()]
    }

    /// How the first message is written.
    fn codec(&self) -> &'static str {
        self.messages.first().map_or("", |(message, _)| message.codec)
    }

    /// Bytes that were given to the kernel.
    fn given(&self) -> u64 {
        self.outlet.writer.sent() - self.before
    }

    /// All of it was given to the kernel.
    fn gone(self, lab: &Lab) {
        let took = self.started.elapsed();
        let mut told = deliver::told(lab, self.messages, self.outlet.framing, &self.bytes, &self.plan);
        if let (Some(first), left_over @ 1..) = (told.first_mut(), self.left_over) {
            first.notes.push(format!("{left_over} B of an earlier `send` went out before it"));
        }
        if let (Some(last), Some(End::Closed)) = (told.last_mut(), self.outlet.end) {
            last.notes.push(AFTER_ITS_END.to_string());
        }
        for message in told {
            let message = Message { took, ..message };
            lab.emit(What::Sent { socket: self.outlet.name.clone(), message });
        }
    }

    fn broken(&self, error: &std::io::Error) -> Failure {
        let Outlet { name, end, .. } = &self.outlet;
        cannot_send(name, error, self.given(), *end == Some(End::Reset)).on(name)
    }

    fn late(&self, lab: &Lab, waits: Waits) -> Failure {
        let (name, given) = (&self.outlet.name, self.given());
        let sent = (given, given + self.outlet.writer.unsent() as u64);
        let mut failure = deliver::not_in_time(name, waits, sent, self.plan.after, self.limit);
        if self.left_over > 0 {
            failure = failure.detail("before it", format!("{} B of an earlier `send`", self.left_over));
        }
        failure.wire(lab.wire(&self.bytes, self.codec(), self.outlet.framing)).on(name)
    }
}

/// Tells the conversation of a message that was begun and did not go out whole: dropped by Ctrl-C, out of time, or broken.
struct Begun<'a> {
    lab: &'a Lab,
    going: &'a Going,
    is_whole: bool,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let Going { outlet, left_over, .. } = self.going;
        let given = self.going.given().saturating_sub(*left_over);
        if !self.is_whole
            && given > 0
            && let Some(wire) = self.lab.wire(self.going.to_go(), self.going.codec(), outlet.framing)
        {
            self.lab.emit(What::Begun { socket: outlet.name.clone(), wire: Box::new(wire), given });
        }
    }
}

/// Where a message goes out.
struct Outlet {
    name: Name,
    writer: Writer,
    framing: Framing,
    /// How the peer's sending ended, if that is known.
    end: Option<End>,
}

/// A connection of this interpreter with what holds for it, or with `@seat3` one that a class reads: anybody may write to it.
fn outlet(lab: &mut Lab, call: &Call) -> Result<(Outlet, Settings), Failure> {
    if let Some((name, _)) = &call.target
        && lab.get(name).is_none()
        && let Some((writer, framing)) = lab.seat_writer(name)
    {
        let settings = Settings { framing, ..lab.settings };
        return Ok((Outlet { name: name.as_str().into(), writer, framing, end: None }, settings));
    }
    let name = lab.socket_name(call)?;
    let settings = lab.settings_of(&name);
    let connection = &lab.link(&name)?.connection;
    let (writer, end) = (connection.writer().clone(), connection.end());
    Ok((Outlet { name, writer, framing: settings.framing, end }, settings))
}

fn cannot_send(name: &str, error: &std::io::Error, given: u64, was_reset: bool) -> Failure {
    use std::io::ErrorKind as Kind;
    let brief = match error.kind() {
        Kind::BrokenPipe if !was_reset => Some("closed"),
        Kind::BrokenPipe | Kind::ConnectionReset | Kind::ConnectionAborted => Some("reset"),
        Kind::TimedOut => Some("dead"),
        _ => None,
    };
    let why = match error.kind() {
        // A reset is told once by the kernel; after that the pipe is just broken.
        Kind::BrokenPipe if !was_reset => "its peer has closed".to_string(),
        Kind::BrokenPipe | Kind::ConnectionReset | Kind::ConnectionAborted => {
            "it was reset by its peer".to_string()
        }
        Kind::TimedOut => "it is dead: its peer no longer answers".to_string(),
        Kind::NotConnected => "it was shut down for writing here".to_string(),
        _ => net::reason(error),
    };
    let mut failure = Failure::network(format!("cannot send on `{name}`: {why}"));
    failure.brief = brief.map(str::to_string);
    match (error.kind(), given) {
        (Kind::NotConnected, _) => failure.hint("`shutdown write` was final; a new `connect` can send again"),
        (_, 0) => failure.hint("nothing of this message was sent; `connect` opens a new connection"),
        (_, given) => failure.hint(format!("{given} B of this message were given to the kernel before that")),
    }
}

fn outgoing(lab: &Lab, call: &Call, settings: &Settings) -> Result<Few<Outgoing>, Failure> {
    let word = if let Some(Parsed::Word(word)) = call.args.first() { *word } else { "" };
    match word {
        "json" => encode(lab, call, 1, Codec::Json, settings),
        "text" => encode(lab, call, 1, Codec::Text, settings),
        "hex" => match call.args.get(1) {
            Some(Parsed::Bytes(bytes)) => Ok(smallvec![plain(bytes.clone(), "hex")]),
            _ => Err(call.misread(1)),
        },
        "file" => Ok(smallvec![plain(read_file(&call.path(lab, &call.text(lab, 1)?))?, "file")]),
        "garbage" => Ok(smallvec![plain(garbage(lab, call)?, "garbage")]),
        _ => encode(lab, call, 0, settings.codec, settings),
    }
}

fn garbage(lab: &Lab, call: &Call) -> Result<Vec<u8>, Failure> {
    let len = call.count(lab, 1)?;
    if !(1..=MAX_BYTES).contains(&len) {
        let failure = Failure::script(format!("`garbage` is 1 to {MAX_BYTES} B, not {len}"));
        return Err(failure.at(call.args_at, "garbage".len()));
    }
    let seed = call.values(lab, 2)?.first().map_or(Ok(0), whole_number)?;
    Ok(deliver::garbage(len, seed as u64))
}

fn plain(bytes: Vec<u8>, codec: &'static str) -> Outgoing {
    Outgoing { value: Value::Bytes(bytes.as_slice().into()), payload: bytes, codec, protocol: None }
}

fn encode(
    lab: &Lab,
    call: &Call,
    index: usize,
    codec: Codec,
    settings: &Settings,
) -> Result<Few<Outgoing>, Failure> {
    let values = call.values(lab, index)?;
    values.into_iter().map(|value| written(call, value, codec, settings)).collect()
}

/// A value as bytes, as `send` writes it.
pub(super) fn written(
    call: &Call,
    value: Value,
    codec: Codec,
    settings: &Settings,
) -> Result<Outgoing, Failure> {
    let refused = |why: String| Failure::script(why).at(call.args_at, call.text.len() - call.args_at);
    let (payload, codec, protocol) = match codec {
        Codec::Pickle => {
            let payload = pickle::encode(&value, settings.protocol).map_err(refused)?;
            (payload, "pickle", Some(settings.protocol))
        }
        Codec::Json => (crate::value::to_json_text(&value).map_err(refused)?.into_bytes(), "json", None),
        Codec::Text => match &value {
            Value::Str(text) => (text.as_bytes().to_vec(), "text", None),
            other => {
                let failure = refused(format!(
                    "text is a str, and this is {} ({})",
                    other.repr_cut(60).0,
                    other.type_name()
                ));
                return Err(failure.hint("`send json` and plain `send` take any value"));
            }
        },
        Codec::Hex => match &value {
            Value::Bytes(bytes) | Value::ByteArray(bytes) => (bytes.to_vec(), "hex", None),
            other => {
                let failure = refused(format!(
                    "the codec `hex` sends bytes, and this is {} ({})",
                    other.repr_cut(60).0,
                    other.type_name()
                ));
                return Err(failure.hint("write b'\\x80\\x04', or `send hex 80 04`"));
            }
        },
    };
    Ok(Outgoing { value, payload, codec, protocol })
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = crate::value::escape(&path.to_string_lossy()).into_owned();
    let cannot = |why: String| Failure::network(format!("cannot read `{shown}`: {why}"));
    let size = std::fs::metadata(path).map_err(|error| cannot(net::reason(&error)))?;
    if size.is_dir() {
        return Err(cannot("it is a folder".into()));
    }
    // A pipe or a device may have no end, and a read from it cannot be interrupted.
    if !size.is_file() {
        return Err(cannot("it is no regular file".into()));
    }
    if size.len() > MAX_BYTES as u64 {
        return Err(cannot(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    std::fs::read(path).map_err(|error| cannot(net::reason(&error)))
}

async fn recv(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let name = lab.socket_name(call)?;
    if call.form == 1 {
        return recv_n(lab, call, name).await;
    }
    let settings = lab.settings_of(&name);
    let arrived = receive::arrive(lab, &name, &settings, settings.limit(call)).await?;
    if let Some(result) = &call.name {
        lab.bind_value(result, arrived.message.value.clone())?;
    }
    let message = receive::take(lab, &name, arrived)?;
    lab.emit(What::Received { socket: name, message });
    Ok(())
}

/// `recv N`: one call, as in the lab, and what its bytes are.
async fn recv_n(lab: &mut Lab, call: &Call, name: Name) -> Result<(), Failure> {
    let asked = call.count(lab, 0)?;
    if !(1..=MAX_BYTES).contains(&asked) {
        let failure = Failure::script(format!("`recv` takes 1 to {MAX_BYTES} B, not {asked}"));
        return Err(failure.at(call.args_at, 1));
    }
    let settings = lab.settings_of(&name);
    let limit = settings.limit(call);
    let started = Instant::now();
    let connection = &mut lab.link(&name)?.connection;
    let Some(outcome) = limit.wait(connection.recv(asked)).await else {
        return Err(Failure::network(format!("nothing arrived on `{name}` within {}", limit.shown()))
            .hint(receive::wait_longer(limit))
            .met(Met::Silence)
            .on(&name));
    };
    let took = started.elapsed();
    let (bytes, end) = outcome.map_err(|error| receive::unreadable(&name, &error))?;
    if let Some(end) = end.filter(|end| *end != net::End::Closed) {
        let how = if end == net::End::Reset {
            "was reset by its peer"
        } else {
            "is dead: its peer no longer answers"
        };
        return Err(Failure::network(format!("`{name}` {how}"))
            .hint("Python's recv raises ConnectionResetError here")
            .met(Met::End(end))
            .on(&name));
    }
    let value = Value::Bytes(bytes.as_slice().into());
    if let Some(result) = &call.name {
        lab.bind_value(result, value.clone())?;
    }
    lab.last = Some(value);
    let taken = lab.link(&name)?.connection.place_of(&bytes, settings.framing, settings.max_message);
    let wire = lab.wire(&bytes, settings.codec.name(), settings.framing);
    lab.emit(What::Read { socket: name, bytes, wire, asked, taken, took });
    Ok(())
}
