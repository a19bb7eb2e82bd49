//! Runs a pickle's opcodes over an arena of nodes and gives the value. Nothing is imported or called.

use std::fmt;

use super::actions::Asked;
use super::arena::Ref;
use super::finish::Finisher;
use super::machine::Machine;
use super::scan::{Scan, Scanner};
use crate::value::Value;

/// What a pickle says.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The value.
    pub value: Value,
    /// From the `PROTO` opcode; without one 1 if a binary opcode was used, else 0.
    pub protocol: u8,
    /// The pickle's length in bytes, `STOP` included; what comes after it was not looked at.
    pub len: usize,
    /// What loading it would have imported, looked up or called, in order and also where the result was thrown away; plain
    /// data of the standard library is left out. Ready for a screen; at most 100 and then how many more.
    pub actions: Vec<String>,
    /// Where lab2sh shows something otherwise than a Python program would get it. Ready for a screen.
    pub notes: Vec<String>,
}

/// Why a pickle cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset of the opcode, in bytes.
    pub at: usize,
    /// What is wrong, in CPython's words where it has some. Ready for a screen.
    pub why: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{} (at byte {})", self.why, self.at)
    }
}

impl std::error::Error for DecodeError {}

/// Reads the pickle that `message` starts with. Memory stays within a small multiple of the message's length, whatever
/// it holds: see the constants of `finish` and `arena` beside this file.
pub fn decode(message: &[u8]) -> Result<Decoded, DecodeError> {
    let mut machine = Machine::new(message);
    let root = match machine.run() {
        Ok(root) => root,
        // The scanner knows more of bytes that are no pickle at all.
        Err(why) => return Err(scan_error(message).unwrap_or_else(|| machine.error(why))),
    };
    conclude(machine, root)
}

/// What a machine that has come to `STOP` built.
pub(super) fn conclude(machine: Machine, root: Ref) -> Result<Decoded, DecodeError> {
    let len = machine.len();
    let notes = machine.notes();
    let protocol = machine.protocol.unwrap_or(u8::from(machine.binary));
    let mut arena = machine.arena;
    let asked = if machine.told { Asked::of(&arena) } else { Asked::default() };
    let mut finisher = Finisher::new(&mut arena);
    let value = finisher.finish(root).map_err(|why| DecodeError { at: len - 1, why })?;
    let actions = asked.told(&mut finisher);
    Ok(Decoded { value, protocol, len, actions, notes })
}

/// Why the scanner refuses a message, if it does.
pub(super) fn scan_error(message: &[u8]) -> Option<DecodeError> {
    match Scanner::new(message.len()).scan(message) {
        Scan::Done(_) => None,
        Scan::Corrupt { at, why } => Some(DecodeError { at, why }),
        Scan::NeedMore | Scan::TooBig { .. } => {
            let why = if message.is_empty() { "Ran out of input" } else { "pickle data was truncated" };
            Some(DecodeError { at: message.len(), why: why.to_owned() })
        }
    }
}
