//! What happened, and when: the only thing a command produces, and all that a screen, a report or a picture is made from.

mod wire;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::explain::{Explanation, Folding};
use crate::net::{End, Idle, Taken, TcpFacts};
use crate::sequence::Sequence;
use crate::value::Value;

pub use wire::Wire;

/// Where events go. One line of text may be many events; one sink may take the events of many interpreters.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Time since the interpreter began.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are named for what they hold")]
pub enum What {
    /// A step begins: its line as it would be typed, and the prompt it would stand behind.
    Step { prompt: String, verb: &'static str, text: Arc<str>, file: Arc<str>, line: usize },
    /// A step waits for the network or a person: whoever buffers writes out what it has.
    Waiting,
    /// A phase of a script begins.
    Phase(String),
    /// `say`.
    Said(String),
    /// The comments before a step, in step mode.
    Narrated(String),
    /// A person went another way than to the next step, in step mode.
    Moved(&'static str),
    /// `pause` waits for a person.
    Paused(String),
    /// A connection was opened.
    Connected { socket: String, peer: SocketAddr, local: SocketAddr, host: String, took: Duration },
    /// A listening socket was opened.
    Listening { socket: String, local: SocketAddr },
    /// A client was accepted.
    Accepted { socket: String, listener: String, peer: SocketAddr, took: Duration },
    /// A message was given to the kernel.
    Sent { socket: String, message: Message },
    /// A message was begun and is not yet given to the kernel whole: so many bytes of it are. Only the conversation keeps it;
    /// a person or a program is told by the failure.
    Begun { socket: String, wire: Box<Wire>, given: u64 },
    /// A message arrived and was taken off the stream.
    Received { socket: String, message: Message },
    /// `recv N` took bytes off the stream.
    Read { socket: String, bytes: Vec<u8>, wire: Option<Wire>, asked: usize, taken: Taken, took: Duration },
    /// The peer's sending ended, as was expected or listened for; this many messages came before in listening mode.
    Ended { socket: String, end: End, messages: Option<u64>, took: Duration },
    /// Listening mode ended because its time was up.
    ListenedOut { socket: String, messages: u64, took: Duration },
    /// Nothing came, as was expected.
    Quiet { socket: String, took: Duration },
    /// A socket was closed here.
    Closed { socket: String, sent: u64, received: u64, dropped: usize, unsent: usize },
    /// Half of a connection was shut down here.
    ShutDown { socket: String, half: Half },
    /// A connection was aborted here.
    Aborted { socket: String },
    /// A class server accepts clients.
    Serving { class: String, local: SocketAddr, addresses: Vec<SocketAddr>, script: String, kept: usize },
    /// A client of a class got another status.
    Arrival { class: String, arrival: Arrival },
    /// A client of a class sent a message that no `on` took.
    SeatMessage { class: String, seat: u64, message: Message },
    /// How it stands with a class; told now and then (`is_tick`), and when somebody asked.
    ClassStatus { class: String, status: ClassStatus, is_tick: bool },
    /// A message was offered to everyone in a class.
    Broadcast { class: String, value: Value, reached: usize, dropped: usize },
    /// A class has ended.
    ClassClosed { class: String, status: ClassStatus },
    /// The conversation so far, as it is drawn.
    Flow(Arc<Sequence>),
    /// A picture of the conversation was written to a file.
    FlowSaved { file: String, messages: usize, lanes: usize },
    /// A roster was written to a file.
    RosterSaved { file: String, rows: usize },
    /// A recording begins, or has ended with so many steps in its file.
    Recording { file: String, steps: Option<usize> },
    /// A `check` held.
    Checked { text: String },
    /// A name got a value.
    Bound { name: String, value: Value },
    /// Another socket became the current one.
    Using { socket: String },
    /// An option was set, for one socket or for all.
    OptionSet { socket: Option<String>, option: &'static str, value: String, note: Option<String> },
    /// A table: its columns' titles and its rows; `kind` names it (`sockets`, `vars`, `settings`).
    Table { kind: &'static str, titles: Vec<&'static str>, rows: Vec<Vec<String>>, empty: &'static str },
    /// A message's bytes in rows; `origin` says whose message it is.
    Explained { origin: Origin, explanation: Arc<Explanation> },
    /// A message's bytes as they are.
    Dumped { origin: Origin, wire: Wire, folding: Folding },
    /// What is known of one connection.
    Connection { socket: String, story: Box<Story> },
    /// While nobody ran a step: bytes arrived that wait unread, or the peer's sending ended.
    Noticed { socket: String, bytes: u64, how: Idle, is_current: bool },
    /// Text that was asked for: help, history.
    Text { kind: &'static str, text: String },
    /// Something a person should know of, that is no failure.
    Warning { socket: Option<String>, message: String, hint: Option<String> },
    /// A `!` step failed, as it must, or a `?` step failed, as it may.
    FailedAsAllowed { failure: Failure, must: bool },
    /// A step failed.
    Failed(Failure),
    /// The end of a script.
    Summary(Summary),
}

impl What {
    /// The socket or the class that it happened to.
    pub fn socket(&self) -> Option<&str> {
        match self {
            What::Failed(failure) | What::FailedAsAllowed { failure, .. } => failure.socket.as_deref(),
            What::Connected { socket, .. }
            | What::Listening { socket, .. }
            | What::Accepted { socket, .. }
            | What::Sent { socket, .. }
            | What::Begun { socket, .. }
            | What::Received { socket, .. }
            | What::Read { socket, .. }
            | What::Ended { socket, .. }
            | What::ListenedOut { socket, .. }
            | What::Quiet { socket, .. }
            | What::Closed { socket, .. }
            | What::ShutDown { socket, .. }
            | What::Aborted { socket }
            | What::Serving { class: socket, .. }
            | What::Broadcast { class: socket, .. }
            | What::ClassClosed { class: socket, .. } => Some(socket),
            _ => None,
        }
    }

    /// The bytes that were on the wire, and the socket.
    pub fn wire(&self) -> Option<(&str, &Wire)> {
        let wire = match self {
            What::Sent { message, .. } | What::Received { message, .. } => message.wire.as_ref(),
            What::Read { wire, .. } => wire.as_ref(),
            What::Begun { wire, .. } => Some(&**wire),
            What::Failed(failure) | What::FailedAsAllowed { failure, .. } => failure.wire.as_deref(),
            _ => None,
        };
        Some((self.socket()?, wire?))
    }
}

/// What is known of one connection: what `sockets NAME` tells.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are named for what they hold")]
pub struct Story {
    pub local: SocketAddr,
    pub peer: SocketAddr,
    /// Open, closed, half-closed: as far as steps have learned of it.
    pub state: &'static str,
    /// Bytes given to the kernel.
    pub sent: u64,
    /// Bytes of a `send` that the kernel has not taken.
    pub queued: usize,
    /// Bytes read from the kernel.
    pub received: u64,
    /// Those of them that no step has taken.
    pub buffered: usize,
    /// Bytes that arrived and wait in the kernel; `None`: not known here.
    pub unread: Option<u64>,
    /// What the kernel knows; `None`: not known here.
    pub tcp: Option<TcpFacts>,
    /// The options that hold for it.
    pub options: Vec<(&'static str, String)>,
}

/// A client of a class whose status changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the roster's row")]
pub struct Arrival {
    pub seat: u64,
    pub status: &'static str,
    pub reason: String,
    /// The identity in one line, not yet escaped.
    pub who: String,
    pub name: String,
    pub student_id: String,
    pub github: String,
    pub email: String,
    pub duplicate_of: Option<u64>,
    pub peer: Option<SocketAddr>,
}

/// The counts of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassStatus {
    /// Clients that are here.
    pub here: usize,
    /// Students on the roster, each once.
    pub count: usize,
    /// Students who passed, each once.
    pub passed: usize,
    /// Clients that never became a student.
    pub failed: usize,
    /// Clients that were turned away.
    pub refused: u64,
    /// Messages received in listening mode.
    pub messages: u64,
    /// How many of them came within the last second; 0 where nobody counts by the second.
    pub rate: u64,
}

/// A half of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Both.
    Both,
}

/// A message as it was on the wire.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it says.
    pub value: Value,
    /// Bytes on the wire, frame included.
    pub bytes: usize,
    /// How the value was written: `pickle`, `json`, `text`, `hex`.
    pub codec: &'static str,
    /// The pickle protocol.
    pub protocol: Option<u8>,
    /// Reads that brought it; 0 for a message that was sent.
    pub reads: u32,
    /// Bytes behind it that are already here.
    pub waiting: usize,
    /// What unpickling would have imported or called, for a screen.
    pub actions: Vec<String>,
    /// What else there is to say about how it was written.
    pub notes: Vec<String>,
    /// From the step's start until the message was whole, or was given to the kernel.
    pub took: Duration,
    /// Whether an `expect` matched it.
    pub expected: bool,
    /// Its bytes, where the conversation is kept.
    pub wire: Option<Wire>,
    /// How it went out, where that was asked for; of several in one write the last one has it.
    pub dispatch: Option<Box<Dispatch>>,
}

/// How a message went out that did not go whole, at once and in one write of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// How many messages went out together.
    pub messages: usize,
    /// The bytes of each write.
    pub writes: Vec<usize>,
    /// The wait between two writes.
    pub gap: Duration,
    /// The wait before the first.
    pub after: Duration,
    /// How many bytes there were, where the last of them were never sent.
    pub whole: Option<usize>,
}

impl Message {
    /// A message of so many bytes that was given to the kernel.
    pub fn given(value: Value, bytes: usize, codec: &'static str, protocol: Option<u8>) -> Message {
        Message {
            value,
            bytes,
            codec,
            protocol,
            reads: 0,
            waiting: 0,
            actions: Vec::new(),
            notes: Vec::new(),
            took: Duration::ZERO,
            expected: false,
            wire: None,
            dispatch: None,
        }
    }
}

/// Where bytes that are looked at come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A socket sent them.
    Sent(String),
    /// A socket received them.
    Received(String),
    /// They arrived on a socket and are not taken off its stream: they could not be read, or were not what was wanted.
    Waiting(String),
    /// Nothing had them yet: a value as it would be sent, bytes that were typed, a file.
    Given,
}

/// Why a step failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Whose fault it is; decides the exit status.
    pub kind: FailureKind,
    /// Lower case, without a full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// More lines: a word (`wanted`, `got`, `arrived`) and what goes with it.
    pub details: Vec<(&'static str, String)>,
    /// Where in the script; filled in by the step that failed.
    pub place: Option<FailurePlace>,
    /// Byte range of the step's text to point at.
    pub span: Option<(usize, usize)>,
    /// What happened in a few words, without the socket's name: what a roster row says.
    pub brief: Option<String>,
    /// The socket it happened on.
    pub socket: Option<String>,
    /// The bytes that could not be read, or were not what was wanted, where the conversation is kept.
    pub wire: Option<Box<Wire>>,
    /// What was met instead of a message.
    pub met: Option<Met>,
}

/// What a step can meet instead of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// Nothing, or not enough, for as long as the step waited.
    Silence,
    /// The end of the stream.
    End(End),
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// An `expect`, a `check` or a `!` did not hold: exit status 1.
    Check,
    /// The script or the line is wrong: exit status 2.
    Script,
    /// The network, the peer's data or a file: exit status 3.
    Network,
    /// A person interrupted the step: exit status 130.
    Interrupted,
}

/// Where a failure is, and the line to show with it.
#[derive(Clone, Debug)]
pub struct FailurePlace {
    /// The file as the user named it; `None` at the prompt.
    pub file: Option<Arc<str>>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The text of that physical line.
    pub text: String,
    /// Characters to underline.
    pub len: usize,
}

/// How a script ended.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Steps that passed.
    pub passed: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that were not run.
    pub not_run: usize,
    /// From the first line to the last.
    pub took: Duration,
    /// The program's exit status.
    pub status: u8,
    /// The script's name.
    pub file: String,
}

impl Failure {
    /// A failure of some kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
            hint: None,
            details: Vec::new(),
            place: None,
            span: None,
            brief: None,
            socket: None,
            wire: None,
            met: None,
        }
    }

    /// A check that did not hold.
    pub fn check(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Check, message)
    }

    /// The network, the peer or a file.
    pub fn network(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Network, message)
    }

    /// A wrong line.
    pub fn script(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Script, message)
    }

    /// The same failure with a way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure in a few words.
    pub fn brief(mut self, brief: impl Into<String>) -> Failure {
        self.brief = Some(brief.into());
        self
    }

    /// The same failure on a socket.
    pub fn on(mut self, socket: &str) -> Failure {
        self.socket = Some(socket.to_string());
        self
    }

    /// The same failure, caused by what a message says.
    pub fn about(mut self, socket: &str, message: &Message) -> Failure {
        self.wire = message.wire.clone().map(|wire| Box::new(wire.headed(&message.value)));
        self.on(socket)
    }

    /// The same failure, where something else than a message came.
    pub fn met(mut self, met: Met) -> Failure {
        self.met = Some(met);
        self
    }

    /// The same failure with one more line.
    pub fn detail(mut self, word: &'static str, text: impl Into<String>) -> Failure {
        self.details.push((word, text.into()));
        self
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::network(format!("{error:#}"))
    }
}

impl FailureKind {
    /// The exit status that this kind gives a program.
    pub fn status(self) -> u8 {
        match self {
            FailureKind::Check => 1,
            FailureKind::Script => 2,
            FailureKind::Network => 3,
            FailureKind::Interrupted => 130,
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FailureKind::Check => "check",
            FailureKind::Script => "script",
            FailureKind::Network => "network",
            FailureKind::Interrupted => "interrupted",
        })
    }
}
