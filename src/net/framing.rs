//! Where one message ends: the pickle's own STOP, a length prefix, a newline, or one read.

use crate::pickle::{Scan, Scanner};

/// The largest message that is read unless `set max-message` says otherwise, in bytes. Class programs send up to 5,382 B;
/// 16 MiB leaves room for pictures and keeps a stranger from filling the memory.
pub const MAX_MESSAGE_DEFAULT: usize = 16 << 20;

/// How messages are told apart on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// A message ends at its pickle's STOP opcode.
    Pickle,
    /// A 4-byte big-endian length stands before each message: Python's `SocketHandler` and `multiprocessing.connection`, and Graphite's carbon.
    Length,
    /// A message ends at `\n`.
    Line,
    /// Every read is a message.
    None,
}

/// What a look at the bytes so far says.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// More bytes are needed; at least this many in all, as far as is known.
    More(usize),
    /// A whole message: its payload lies at `start..end`, and it takes `total` bytes of the stream.
    Whole {
        /// Offset of the payload's first byte.
        start: usize,
        /// Offset behind its last.
        end: usize,
        /// Bytes up to the next message.
        total: usize,
    },
    /// No message can begin like this.
    Corrupt {
        /// Offset of the byte that is wrong.
        at: usize,
        /// Why.
        why: String,
    },
    /// The message says it is larger than the limit.
    TooBig {
        /// Offset of the length.
        at: usize,
        /// The size it declares, in bytes.
        declared: u64,
    },
}

/// Finds the end of the message at the head of a growing buffer; remembers what it has looked at.
#[derive(Debug)]
pub struct Framer {
    framing: Framing,
    max: usize,
    scanner: Scanner,
    looked: usize,
}

impl Framer {
    /// At the start of a message.
    pub fn new(framing: Framing, max: usize) -> Framer {
        Framer { framing, max, scanner: Scanner::new(max), looked: 0 }
    }

    /// Its framing.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Its limit in bytes.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Whether this framer was made for these settings.
    pub fn is_for(&self, framing: Framing, max: usize) -> bool {
        self.framing == framing && self.max == max
    }

    /// Looks at `bytes`, which begin at the message's first byte and have only grown since the last look.
    pub fn look(&mut self, bytes: &[u8]) -> Found {
        match self.framing {
            Framing::Pickle => match self.scanner.scan(bytes) {
                Scan::NeedMore => Found::More(self.scanner.wanted().max(bytes.len() + 1)),
                Scan::Done(total) => Found::Whole { start: 0, end: total, total },
                Scan::Corrupt { at, why } => Found::Corrupt { at, why },
                Scan::TooBig { at, declared } => Found::TooBig { at, declared },
            },
            Framing::Length => self.length(bytes),
            Framing::Line => self.line(bytes),
            Framing::None => match bytes.len() {
                0 => Found::More(1),
                total => Found::Whole { start: 0, end: total, total },
            },
        }
    }

    /// `multiprocessing.connection`'s form: 4 bytes big-endian, signed; -1 means that 8 bytes of length follow.
    fn length(&self, bytes: &[u8]) -> Found {
        let Some(prefix) = bytes.first_chunk::<4>() else { return Found::More(4) };
        let (declared, head) = match i32::from_be_bytes(*prefix) {
            -1 => match bytes.get(4..).and_then(|rest| rest.first_chunk::<8>()) {
                Some(long) => (u64::from_be_bytes(*long), 12),
                None => return Found::More(12),
            },
            length if length < 0 => {
                return Found::Corrupt {
                    at: 0,
                    why: format!("the 4-byte length prefix is {length}, below zero"),
                };
            }
            length => (u64::from(length.unsigned_abs()), 4),
        };
        if declared > self.max as u64 {
            return Found::TooBig { at: 0, declared };
        }
        let end = head + usize::try_from(declared).unwrap_or(usize::MAX - head);
        if bytes.len() < end { Found::More(end) } else { Found::Whole { start: head, end, total: end } }
    }

    /// Whether these first bytes of a message already say its whole size: the length before it is here.
    pub fn says_size(&self, bytes: &[u8]) -> bool {
        match bytes.first_chunk::<4>().map(|prefix| i32::from_be_bytes(*prefix)) {
            Some(-1) => self.framing == Framing::Length && bytes.len() >= 12,
            Some(_) => self.framing == Framing::Length,
            None => false,
        }
    }

    fn line(&mut self, bytes: &[u8]) -> Found {
        match bytes[self.looked..].iter().position(|byte| *byte == b'\n') {
            Some(offset) => {
                let newline = self.looked + offset;
                let end = if newline > 0 && bytes[newline - 1] == b'\r' { newline - 1 } else { newline };
                Found::Whole { start: 0, end, total: newline + 1 }
            }
            None if bytes.len() > self.max => Found::TooBig { at: 0, declared: bytes.len() as u64 },
            None => {
                self.looked = bytes.len();
                Found::More(bytes.len() + 1)
            }
        }
    }
}

/// The bytes that go on the wire for one message.
pub fn frame(framing: Framing, payload: Vec<u8>) -> Vec<u8> {
    match framing {
        Framing::Pickle | Framing::None => payload,
        Framing::Line => {
            let mut framed = payload;
            framed.push(b'\n');
            framed
        }
        Framing::Length => {
            let mut framed = Vec::with_capacity(payload.len() + 12);
            match i32::try_from(payload.len()) {
                Ok(length) => framed.extend_from_slice(&length.to_be_bytes()),
                Err(_) => {
                    framed.extend_from_slice(&(-1_i32).to_be_bytes());
                    framed.extend_from_slice(&(payload.len() as u64).to_be_bytes());
                }
            }
            framed.extend_from_slice(&payload);
            framed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_prefix_frames_what_follows() {
        let mut framer = Framer::new(Framing::Length, 100);
        assert_eq!(framer.look(&[0, 0]), Found::More(4));
        assert_eq!(framer.look(&[0, 0, 0, 2, 7]), Found::More(6));
        assert_eq!(framer.look(&[0, 0, 0, 2, 7, 8, 9]), Found::Whole { start: 4, end: 6, total: 6 });
        assert_eq!(framer.look(&[0, 0, 0, 101]), Found::TooBig { at: 0, declared: 101 });
        assert_eq!(framer.look(&[255, 255, 255, 255]), Found::More(12));
        assert!(matches!(framer.look(&[255, 255, 255, 254]), Found::Corrupt { at: 0, .. }));
    }

    #[test]
    fn a_line_ends_at_its_newline() {
        let mut framer = Framer::new(Framing::Line, 100);
        assert_eq!(framer.look(b"ab"), Found::More(3));
        assert_eq!(framer.look(b"ab\r\ncd"), Found::Whole { start: 0, end: 2, total: 4 });
        assert_eq!(frame(Framing::Line, b"x".to_vec()), b"x\n");
        assert_eq!(frame(Framing::Length, b"x".to_vec()), b"\0\0\0\x01x");
    }
}
