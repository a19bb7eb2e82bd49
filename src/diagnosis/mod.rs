//! Why a check failed, in the student's words: from what was on the wire and from the program's own traceback.

mod absent;
mod history;
mod signatures;
mod traceback;

use std::net::SocketAddr;
use std::time::Duration;

use crate::command::{Call, Parsed};
use crate::event::{Failure, FailureKind, Wire};
use crate::lab::{Binding, Lab};
use crate::pickle;
use crate::platform;
use crate::program::{Ended, Program};
use crate::value::{Value, escape};

use history::{history, role};

pub use signatures::{SIGNATURES, Signature};
pub use traceback::Traceback;

/// How long a program may take to tell why it left, once it did: Python writes its traceback after its sockets are closed.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// The steps that look at what a program does.
const LOOKS: [&str; 6] = ["expect", "recv", "wait", "connect", "accept", "send"];

/// Which side of the conversation the other program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It connected to us.
    Client,
    /// We connected to it.
    Server,
    /// Nothing says.
    Unknown,
}

/// What is known when a step has failed.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The failure.
    pub failure: &'a Failure,
    /// What a signature says of: `your client`, `your server`, `your program`; `the peer` where none was started here.
    pub who: &'static str,
    /// Whether it was started here.
    pub is_spawned: bool,
    /// Which side it is.
    pub role: Role,
    /// Its last traceback.
    pub error: Option<Traceback>,
    /// How it ended, if it has.
    pub ended: Option<Ended>,
    /// The message that the failure is about.
    pub received: Option<Value>,
    /// The bytes that the failure is about.
    pub bytes: Option<Wire>,
    /// What was sent last on that connection, or on any.
    pub sent: Option<Value>,
    /// What was sent since something came: what the program may have read last.
    pub sent_together: Vec<Value>,
    /// Whether the last messages to it were sent together, or in one write.
    pub together: bool,
    /// Whether a message of its own came before.
    pub spoke: bool,
    /// Whether its connection was closed here, and nothing was opened since.
    pub closed: bool,
    /// Whether any connection to it was closed here since it began.
    pub has_left: bool,
    /// Whether a client was waited for.
    pub is_accept: bool,
    /// Where it would have found a server: what listens here.
    pub server: Option<SocketAddr>,
    /// The port that was to be connected to.
    pub port: Option<u16>,
    /// Where it listens, where the system tells.
    pub listens: Vec<SocketAddr>,
    /// Whether it waits for its standard input: the question that it asked last, if any; `None`: it does not, or nobody can tell.
    pub asks: Option<String>,
    /// Whether the script says itself what a failure here means.
    pub has_lesson: bool,
    /// Whether another connection to the same server is open beside the one that failed.
    pub is_second: bool,
}

impl Seen<'_> {
    /// What the step wanted, as it was typed.
    pub fn wanted(&self) -> &str {
        self.failure.details.iter().find(|(word, _)| *word == "wanted").map_or("", |(_, text)| text)
    }

    /// Whether nothing came in time, or the program went on for too long.
    pub fn waited_in_vain(&self) -> bool {
        waited_in_vain(self.failure)
    }
}

fn waited_in_vain(failure: &Failure) -> bool {
    ["within", "still running", "longer than"].iter().any(|word| failure.message.contains(word))
}

/// The same failure with what the student did, where that is known. It becomes the hint, and the traceback a detail. What the
/// script says of this phase is better than what can be said of any, and worse than what the bytes or the program itself tell.
pub async fn explain(lab: &Lab, call: &Call, mut failure: Failure) -> Failure {
    // A class tells how each seat failed in its own words, and ten thousand may fail at once.
    let is_for_student = matches!(failure.kind, FailureKind::Check | FailureKind::Network);
    // A failure that has a place comes from a step inside this one, where it was explained; attempts are not.
    let is_explained = failure.place.is_some() && !call.is_until();
    if lab.seat.is_some() || !is_for_student || is_explained {
        return failure;
    }
    let lesson = lab.phase.hint.clone();
    if !LOOKS.contains(&call.spec.name) && !call.is_until() {
        failure.hint = lesson.or(failure.hint.take());
        return failure;
    }
    if !waited_in_vain(&failure) {
        // One that has just left has not told why yet.
        let ends = async {
            for (_, program) in lab.each_program() {
                program.wait().await;
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, ends).await;
    }
    let seen = look(lab, call, &failure);
    let told = SIGNATURES.iter().find_map(|it| Some((it.is_sure, (it.tells)(&seen)?)));
    let error = seen.error.as_ref().map(|it| format!("{} ({})", it.error(), it.place()));
    failure.hint = match (lesson, told) {
        (_, Some((true, told))) | (None, Some((false, told))) => Some(told),
        (Some(lesson), Some((false, told))) => Some(format!("{lesson}; it may be that {told}")),
        (lesson, None) => lesson.or(failure.hint.take()),
    };
    match error {
        Some(error) => failure.detail("traceback", escape(&error).into_owned()),
        None => failure,
    }
}

/// Gathers what is known.
fn look<'a>(lab: &Lab, call: &Call, failure: &'a Failure) -> Seen<'a> {
    let socket = failure.socket.as_deref();
    let named = socket.and_then(|name| lab.each_program().find(|(it, _)| *it == name));
    // Of several programs, the one that told of an error has something to say; else the newest.
    let telling = || lab.each_program().filter(|(_, it)| Traceback::read(&it.said().errors).is_some()).last();
    let program = named.or_else(telling).or_else(|| lab.each_program().last()).map(|(_, program)| program);
    let log = lab.conversation.as_ref().map(|kept| kept.look());
    let link = socket.filter(|name| matches!(lab.get(name), Some(Binding::Connection(_))));
    let role = match log.as_deref() {
        // Whoever could not be reached was to be the server.
        _ if failure.message.starts_with("connect ") => Role::Server,
        Some(log) => role(log, link),
        None => Role::Unknown,
    };
    let begun = program.map(|program| program.began);
    let history = log.as_deref().map(|log| history(log, link, begun)).unwrap_or_default();
    drop(log);
    // Who waits for a class to pass wants nothing of one message: what came last is what a seat could not use.
    let is_of_class = socket.is_some_and(|name| matches!(lab.get(name), Some(Binding::Class(_))));
    let bytes = failure.wire.clone().or(history.received.clone().filter(|_| is_of_class));
    let received = bytes.as_ref().and_then(value_of);
    let sent_together: Vec<Value> = history.sent.iter().filter_map(value_of).collect();
    let running = program.filter(|program| program.ended().is_none());
    Seen {
        failure,
        who: who(program.is_some(), role),
        is_spawned: program.is_some(),
        role,
        error: program.and_then(|it| Traceback::read(&it.said().errors)),
        ended: program.and_then(|it| it.ended()),
        received,
        bytes,
        sent: history.sent.last().and_then(value_of),
        sent_together,
        together: history.together,
        spoke: history.received.is_some(),
        closed: history.closed,
        has_left: history.has_left,
        is_accept: call.spec.name == "accept",
        server: server(lab),
        port: port(lab, call),
        listens: running.and_then(|it| platform::listening(&it.processes())).unwrap_or_default(),
        asks: running.and_then(asks),
        has_lesson: lab.phase.hint.is_some(),
        is_second: link.is_some_and(|name| is_second(lab, name)),
    }
}

fn who(is_spawned: bool, role: Role) -> &'static str {
    match (is_spawned, role) {
        (false, _) => "the peer",
        (true, Role::Client) => "your client",
        (true, Role::Server) => "your server",
        (true, Role::Unknown) => "your program",
    }
}

/// Where something listens here: a listening socket or a class, the newest.
fn server(lab: &Lab) -> Option<SocketAddr> {
    let local = |(_, binding): (&str, &Binding)| match binding {
        Binding::Listener(listener) => Some(listener.local),
        Binding::Class(class) => Some(class.local),
        _ => None,
    };
    lab.names().filter_map(local).last()
}

/// The port that a `connect` was to reach.
fn port(lab: &Lab, call: &Call) -> Option<u16> {
    call.args.iter().find_map(|arg| match arg {
        Parsed::Step(inner) => port(lab, inner),
        Parsed::Address(_, port) if call.spec.name == "connect" => lab.fill(port).ok()?.parse().ok(),
        _ => None,
    })
}

/// What a program asks that waits for its input; empty, where it asks nothing.
fn asks(program: &Program) -> Option<String> {
    let waits = platform::waits_for_input(&program.processes()) == Some(true);
    waits.then(|| program.said().open.map_or(String::new(), |line| escape(line.trim()).into_owned()))
}

fn value_of(wire: &Wire) -> Option<Value> {
    let is_whole = wire.bytes.len() == wire.total && wire.codec == "pickle";
    is_whole.then(|| pickle::decode(&wire.bytes).ok()).flatten().map(|decoded| decoded.value)
}

/// Whether a connection that was made before this one, to the same address, is still open.
fn is_second(lab: &Lab, name: &str) -> bool {
    let peer = |binding: &Binding| match binding {
        Binding::Connection(link) => Some(link.connection.peer),
        _ => None,
    };
    let own = lab.get(name).and_then(peer);
    own.is_some() && lab.names().take_while(|(it, _)| *it != name).any(|(_, binding)| peer(binding) == own)
}
