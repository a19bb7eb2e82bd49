//! Why a check failed, in the student's words: from what was on the wire and from the program's own traceback.

mod signatures;
mod traceback;

use std::time::Duration;

use crate::command::Call;
use crate::conversation::Log;
use crate::event::{Failure, FailureKind, What, Wire};
use crate::lab::{Binding, Lab};
use crate::pickle;
use crate::program::Ended;
use crate::value::{Value, escape};

pub use signatures::{SIGNATURES, Signature};
pub use traceback::Traceback;

/// How long a program may take to tell why it left, once it did: Python writes its traceback after its sockets are closed.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// Messages that are sent within this time of each other, with nothing received between, may come in one read.
const TOGETHER: Duration = Duration::from_millis(50);
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
    /// Whether the last messages to it were sent together, or in one write.
    pub together: bool,
    /// Whether a message of its own came before.
    pub spoke: bool,
    /// Whether its connection was closed here, and nothing was opened since.
    pub closed: bool,
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

/// The same failure with what the student did, where that is known. It becomes the hint, and the traceback a detail.
pub async fn explain(lab: &Lab, call: &Call, failure: Failure) -> Failure {
    // A class tells how each seat failed in its own words, and ten thousand may fail at once.
    let is_for_student = matches!(failure.kind, FailureKind::Check | FailureKind::Network);
    // A failure that has a place comes from a step inside this one, where it was explained; attempts are not.
    let is_explained = failure.place.is_some() && !call.is_until();
    if lab.seat.is_some() || !is_for_student || is_explained {
        return failure;
    }
    // What the script says of this phase is better than what can be said of any.
    let failure = Failure { hint: lab.phase.hint.clone().or(failure.hint), ..failure };
    if !LOOKS.contains(&call.spec.name) && !call.is_until() {
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
    let seen = look(lab, &failure);
    let told = SIGNATURES.iter().find_map(|signature| (signature.tells)(&seen));
    let error = seen.error.as_ref().map(|it| format!("{} ({})", it.error(), it.place()));
    let failure = match error {
        Some(error) => failure.detail("traceback", escape(&error).into_owned()),
        None => failure,
    };
    match told {
        Some(told) => failure.hint(told),
        None => failure,
    }
}

/// Gathers what is known.
fn look<'a>(lab: &Lab, failure: &'a Failure) -> Seen<'a> {
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
    let history = log.as_deref().map(|log| history(log, link)).unwrap_or_default();
    drop(log);
    // Who waits for a class to pass wants nothing of one message: what came last is what a seat could not use.
    let is_of_class = socket.is_some_and(|name| matches!(lab.get(name), Some(Binding::Class(_))));
    let bytes = failure.wire.as_deref().cloned().or(history.received.clone().filter(|_| is_of_class));
    let received = bytes.as_ref().and_then(value_of);
    let who = match (program.is_some(), role) {
        (false, _) => "the peer",
        (true, Role::Client) => "your client",
        (true, Role::Server) => "your server",
        (true, Role::Unknown) => "your program",
    };
    Seen {
        failure,
        who,
        is_spawned: program.is_some(),
        role,
        error: program.and_then(|it| Traceback::read(&it.said().errors)),
        ended: program.and_then(|it| it.ended()),
        received,
        bytes,
        sent: history.sent.as_ref().and_then(value_of),
        together: history.together,
        spoke: history.received.is_some(),
        closed: history.closed,
        is_second: link.is_some_and(|name| is_second(lab, name)),
    }
}

fn value_of(wire: &Wire) -> Option<Value> {
    let is_whole = wire.bytes.len() == wire.total && wire.codec == "pickle";
    is_whole.then(|| pickle::decode(&wire.bytes).ok()).flatten().map(|decoded| decoded.value)
}

/// Whether another pickle follows the first: sent as bytes, the two come in one read.
fn holds_several(wire: &Wire) -> bool {
    let first = pickle::decode(&wire.bytes).map_or(0, |decoded| decoded.len);
    first > 0 && pickle::decode(&wire.bytes[first..]).is_ok()
}

/// Who connected to whom: on this connection, else on the one that was opened last.
fn role(log: &Log, link: Option<&str>) -> Role {
    let (mut found, mut has_listened) = (None, false);
    let mut own_ports: Vec<(&str, u16)> = Vec::new();
    for entry in log.openings().chain(log.entries()) {
        match &entry.what {
            What::Listening { socket, local } | What::Serving { class: socket, local, .. } => {
                own_ports.push((socket, local.port()));
                has_listened = true;
            }
            // Another program may listen there from now on.
            What::Closed { socket, .. } => own_ports.retain(|(name, _)| name != socket),
            What::Connected { socket, peer, .. } if link.is_none_or(|name| name == socket) => {
                // A connection to a listener of our own says nothing of another program.
                let is_own = own_ports.iter().any(|(_, port)| *port == peer.port());
                found = if is_own { found } else { Some(Role::Server) };
            }
            What::Accepted { socket, .. } if link.is_none_or(|name| name == socket) => {
                found = Some(Role::Client)
            }
            What::Arrival { .. } if link.is_none() => found = Some(Role::Client),
            _ => {}
        }
    }
    found.unwrap_or(if has_listened { Role::Client } else { Role::Unknown })
}

/// What was sent on a connection, or on any, and how it stands.
#[derive(Default)]
struct History {
    sent: Option<Wire>,
    received: Option<Wire>,
    together: bool,
    closed: bool,
}

fn history(log: &Log, link: Option<&str>) -> History {
    let mut history = History::default();
    let mut last_sent: Option<(String, Duration)> = None;
    for entry in log.entries() {
        let Some(socket) = entry.what.socket() else { continue };
        if link.is_some_and(|name| name != socket) {
            continue;
        }
        match &entry.what {
            What::Sent { message, .. } => {
                let before = last_sent.replace((socket.to_string(), entry.at));
                let is_close =
                    before.is_some_and(|(name, at)| name == socket && entry.at.saturating_sub(at) < TOGETHER);
                history.together = is_close || message.wire.as_ref().is_some_and(holds_several);
                history.sent = message.wire.clone();
            }
            What::Received { .. } | What::Read { .. } => {
                last_sent = None;
                history.received = entry.what.wire().map(|(_, wire)| wire.clone());
            }
            // What a seat could not read.
            What::Failed(failure) => history.received = failure.wire.as_deref().cloned().or(history.received),
            // The name of a socket that was closed may be used again.
            What::Connected { .. } | What::Accepted { .. } if link.is_some() => history = History::default(),
            What::Connected { .. } | What::Accepted { .. } => history.closed = false,
            What::Closed { .. } | What::Aborted { .. } | What::ShutDown { .. } | What::ClassClosed { .. } => {
                history.closed = true;
            }
            _ => {}
        }
    }
    history
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
