//! What happened, and when: the only thing a command produces, and all that a screen, a report or a picture is made from.

mod class;
mod failure;
mod identity;
mod load;
mod outcome;
mod program;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;

use crate::explain::{Explanation, Folding};
use crate::net::{End, Idle, Taken, TcpFacts};
use crate::sequence::Sequence;
use crate::value::Value;

pub use class::{Arrival, ClassStatus};
pub use failure::{Failure, FailureFacts, FailureKind, FailurePlace, Met};
pub use identity::Identity;
pub use load::{RunReason, RunReport, RunStep};
pub use outcome::{Plan, PlannedCheck, PlannedPhase, StepResult, Submission};
pub use program::{Did, Why};
pub use wire::Wire;

/// What a socket, a class or a program is called. A short one lies in it, so that to name it in an event costs no allocation.
pub type Name = CompactString;

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
    Step { prompt: Name, verb: &'static str, text: Arc<str>, file: Arc<str>, line: usize },
    /// A step waits for the network or a person: whoever buffers writes out what it has.
    Waiting,
    /// A script begins that means to check this.
    Planned(Arc<Plan>),
    /// A phase of a script begins.
    Phase(String),
    /// The phase under way is worth so many points.
    Points(f64),
    /// A step that checks something has ended, or any step that failed.
    Result(Box<StepResult>),
    /// A run of a watched script has ended.
    Watching { run: usize, status: u8, files: usize },
    /// A watched file has changed, and the script is run again.
    Changed { file: String, is_gone: bool, run: usize },
    /// The run of one submission of many has ended.
    Submission(Box<Submission>),
    /// `say`.
    Said(String),
    /// The comments before a step, in step mode.
    Narrated(String),
    /// A person went another way than to the next step, in step mode.
    Moved(&'static str),
    /// `pause` waits for a person.
    Paused(String),
    /// A connection was opened.
    Connected { socket: Name, peer: SocketAddr, local: SocketAddr, host: String, took: Duration },
    /// A listening socket was opened.
    Listening { socket: Name, local: SocketAddr },
    /// A client was accepted.
    Accepted { socket: Name, listener: Name, peer: SocketAddr, took: Duration },
    /// A message was given to the kernel.
    Sent { socket: Name, message: Message },
    /// A message was begun and is not yet given to the kernel whole: so many bytes of it are. Only the conversation keeps it;
    /// a person or a program is told by the failure.
    Begun { socket: Name, wire: Box<Wire>, given: u64 },
    /// A message arrived and was taken off the stream.
    Received { socket: Name, message: Message },
    /// `recv N` took bytes off the stream.
    Read { socket: Name, bytes: Vec<u8>, wire: Option<Wire>, asked: usize, taken: Taken, took: Duration },
    /// The peer's sending ended, as was expected or listened for; this many messages came before in listening mode.
    Ended { socket: Name, end: End, messages: Option<u64>, took: Duration },
    /// Listening mode ended because its time was up.
    ListenedOut { socket: Name, messages: u64, took: Duration },
    /// Nothing came, as was expected.
    Quiet { socket: Name, took: Duration },
    /// A socket was closed here.
    Closed { socket: Name, sent: u64, received: u64, dropped: usize, unsent: usize },
    /// Bytes that had arrived and that no step had taken were thrown away, so that a phase can be run again.
    Discarded { socket: Name, bytes: usize },
    /// Half of a connection was shut down here.
    ShutDown { socket: Name, half: Half },
    /// A connection was aborted here.
    Aborted { socket: Name },
    /// A class server accepts clients.
    Serving { class: Name, local: SocketAddr, addresses: Vec<SocketAddr>, script: String, kept: usize },
    /// A client of a class got another status.
    Arrival { class: Name, arrival: Arrival },
    /// A client of a class sent a message that no `on` took.
    SeatMessage { class: Name, seat: u64, message: Message },
    /// How it stands with a class; told now and then (`is_tick`), and when somebody asked.
    ClassStatus { class: Name, status: ClassStatus, is_tick: bool },
    /// A message was offered to everyone in a class.
    Broadcast { class: Name, value: Value, reached: usize, dropped: usize },
    /// A class has ended.
    ClassClosed { class: Name, status: ClassStatus },
    /// Further interpreters begin to run a script.
    RunBegan { name: Name, script: String, times: u64, at_once: u64 },
    /// How it stands with them; told now and then.
    RunProgress { name: Name, times: u64, ended: u64, failed: u64, rate: f64 },
    /// All of them have ended.
    RunEnded { name: Name, report: Arc<RunReport> },
    /// The conversation so far, as it is drawn.
    Flow(Arc<Sequence>),
    /// A picture of the conversation was written to a file.
    FlowSaved { file: String, messages: usize, lanes: usize },
    /// A roster was written to a file.
    RosterSaved { file: String, rows: usize },
    /// A recording begins, or has ended with so many steps in its file.
    Recording { file: String, steps: Option<usize> },
    /// Something happened to a program that was started here.
    Program { program: Name, did: Did },
    /// A `check` held.
    Checked { text: String },
    /// A name got a value.
    Bound { name: Name, value: Value },
    /// Another socket became the current one.
    Using { socket: Name },
    /// An option was set, for one socket or for all.
    OptionSet { socket: Option<Name>, option: &'static str, value: String, note: Option<String> },
    /// A table: its columns' titles and its rows; `kind` names it (`sockets`, `vars`, `settings`).
    Table { kind: &'static str, titles: Vec<&'static str>, rows: Vec<Vec<String>>, empty: &'static str },
    /// A message's bytes in rows; `origin` says whose message it is.
    Explained { origin: Origin, explanation: Arc<Explanation> },
    /// A message's bytes as they are.
    Dumped { origin: Origin, wire: Wire, folding: Folding },
    /// What is known of one connection.
    Connection { socket: Name, story: Box<Story> },
    /// While nobody ran a step: bytes arrived that wait unread, or the peer's sending ended.
    Noticed { socket: Name, bytes: u64, how: Idle, is_current: bool },
    /// Text that was asked for: help, history.
    Text { kind: &'static str, text: String },
    /// Something a person should know of, that is no failure.
    Warning { socket: Option<Name>, message: String, hint: Option<String> },
    /// A step was not run, because one that failed before would have named what it uses.
    NotRun(Failure),
    /// A `!` step failed, as it must, or a `?` step failed, as it may.
    FailedAsAllowed { failure: Failure, must: bool },
    /// A step failed.
    Failed(Failure),
    /// The end of a script.
    Summary(Summary),
}

impl What {
    /// The socket or the class that it happened to.
    pub fn socket(&self) -> Option<&Name> {
        match self {
            What::Failed(failure) | What::FailedAsAllowed { failure, .. } => failure.socket.as_ref(),
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
            | What::Discarded { socket, .. }
            | What::ShutDown { socket, .. }
            | What::Aborted { socket }
            | What::Serving { class: socket, .. }
            | What::Broadcast { class: socket, .. }
            | What::ClassClosed { class: socket, .. } => Some(socket),
            _ => None,
        }
    }

    /// What a seat's interpreter calls its socket, to be called as others know it: of what happens there.
    pub fn socket_mut(&mut self) -> Option<&mut Name> {
        match self {
            What::Failed(failure) | What::FailedAsAllowed { failure, .. } => failure.socket.as_mut(),
            What::Sent { socket, .. }
            | What::Begun { socket, .. }
            | What::Received { socket, .. }
            | What::Read { socket, .. }
            | What::Ended { socket, .. }
            | What::ListenedOut { socket, .. }
            | What::Quiet { socket, .. }
            | What::Closed { socket, .. }
            | What::Discarded { socket, .. }
            | What::ShutDown { socket, .. }
            | What::Aborted { socket } => Some(socket),
            _ => None,
        }
    }

    /// The bytes that were on the wire, and the socket.
    pub fn wire(&self) -> Option<(&str, &Wire)> {
        let wire = match self {
            What::Sent { message, .. } | What::Received { message, .. } => message.wire.as_ref(),
            What::Read { wire, .. } => wire.as_ref(),
            What::Begun { wire, .. } => Some(&**wire),
            What::Failed(failure) | What::FailedAsAllowed { failure, .. } => failure.wire.as_ref(),
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
