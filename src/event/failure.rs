//! Why a step failed: whose fault it is, where, and what to do next.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Message, Name, Wire};
use crate::net::End;

/// Why a step failed. In a box: every step has room for one, ten thousand steps of a class may wait at the same time, and hardly
/// one of them fails.
#[derive(Clone, Debug)]
pub struct Failure(Box<FailureFacts>);

/// What there is to say of a failure.
#[derive(Clone, Debug)]
pub struct FailureFacts {
    /// Whose fault it is; decides the exit status.
    pub kind: FailureKind,
    /// Lower case, without a full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether the hint names a slip that the message shows: nothing that can be said of any failure is better.
    pub is_slip: bool,
    /// More lines: a word (`wanted`, `got`, `arrived`) and what goes with it.
    pub details: Vec<(&'static str, String)>,
    /// Where in the script; filled in by the step that failed.
    pub place: Option<FailurePlace>,
    /// Byte range of the step's text to point at.
    pub span: Option<(usize, usize)>,
    /// What happened in a few words, without the socket's name: what a roster row says.
    pub brief: Option<String>,
    /// The socket it happened on.
    pub socket: Option<Name>,
    /// The bytes that could not be read, or were not what was wanted, where the conversation is kept.
    pub wire: Option<Wire>,
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

impl Failure {
    /// A failure of some kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure(Box::new(FailureFacts {
            kind,
            message: message.into(),
            hint: None,
            is_slip: false,
            details: Vec::new(),
            place: None,
            span: None,
            brief: None,
            socket: None,
            wire: None,
            met: None,
        }))
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

    /// The same failure, with a byte range of the step's text to point at.
    pub fn at(mut self, from: usize, len: usize) -> Failure {
        self.span = Some((from, len));
        self
    }

    /// The same failure in a script.
    pub fn placed(mut self, place: FailurePlace) -> Failure {
        self.place = Some(place);
        self
    }

    /// The same failure, with the bytes that it is about.
    pub fn wire(mut self, wire: Option<Wire>) -> Failure {
        self.wire = wire;
        self
    }

    /// The same failure on a socket.
    pub fn on(mut self, socket: &str) -> Failure {
        self.socket = Some(socket.into());
        self
    }

    /// The same failure, caused by what a message says.
    pub fn about(mut self, socket: &str, message: &Message) -> Failure {
        self.wire = message.wire.clone().map(|wire| wire.headed(&message.value));
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

impl Deref for Failure {
    type Target = FailureFacts;

    fn deref(&self) -> &FailureFacts {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut FailureFacts {
        &mut self.0
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
