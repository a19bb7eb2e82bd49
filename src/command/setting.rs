//! The options that `set` sets, each with the value it gets.

use std::time::Duration;

/// An option and the value it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// How long a step may wait; `None` for ever.
    Timeout(Option<Duration>),
    /// How values are written.
    Codec(Codec),
    /// How messages are told apart.
    Framing(crate::net::Framing),
    /// The pickle protocol that is written, 2 or 3.
    Protocol(u8),
    /// The largest message that is read, in bytes.
    MaxMessage(usize),
    /// How much a script shows of what passes.
    Show(Show),
    /// What a script does when a step has failed.
    OnFailure(OnFailure),
    /// How many clients a class may have.
    MaxClients(usize),
    /// How many of them may come from one address; `None` for any number.
    MaxPerAddress(Option<usize>),
    /// How long a program that was started may run; `None` for ever.
    ProgramTime(Option<Duration>),
    /// Whether a port may be listened on while connections of before rest there (SO_REUSEADDR).
    ReuseAddress(bool),
}

/// How much a script shows of what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Every step.
    Steps,
    /// A line for a phase that passed, every step of one that failed.
    Phases,
}

/// What a script does when a step has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It ends.
    Stop,
    /// It goes on with the next phase.
    NextPhase,
    /// It goes on with the next step.
    NextStep,
}

/// How a value is written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// A Python pickle.
    Pickle,
    /// JSON text.
    Json,
    /// UTF-8 text.
    Text,
    /// Plain bytes, typed and shown as hex.
    Hex,
}

impl Codec {
    /// Its name, as `set codec` has it.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pickle => "pickle",
            Codec::Json => "json",
            Codec::Text => "text",
            Codec::Hex => "hex",
        }
    }
}
