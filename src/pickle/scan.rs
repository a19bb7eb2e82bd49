//! Where a pickle ends in a stream, told while it is still arriving.

use super::opcode::{self as op, HIGHEST_PROTOCOL, SHAPES, Shape, little_endian};

/// What the bytes so far amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    /// So far it can become a pickle; [`Scanner::wanted`] says how long it is at least.
    NeedMore,
    /// A whole pickle of so many bytes, `STOP` included. More bytes after it belong to the next message.
    Done(usize),
    /// No pickle can begin like this.
    Corrupt {
        /// Offset of the opcode that cannot be.
        at: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Longer than the limit. Said as soon as a length is declared, before the bytes come.
    TooBig {
        /// Offset of the opcode that goes beyond the limit.
        at: usize,
        /// The declared length, or the length reached, in bytes.
        declared: u64,
    },
}

/// Walks a message's opcodes as its bytes arrive and looks at each byte once; the bodies of texts it skips.
///
/// Frames are taken as strictly as CPython 3.13 does: an opcode with its argument lies within its frame or outside of
/// all, frames do not nest (PEP 3154), and a frame's bytes have to be there before its pickle counts as whole.
#[derive(Clone, Debug)]
pub struct Scanner {
    max_bytes: usize,
    /// The opcode to be looked at next.
    at: usize,
    /// Where to go on looking for the end of the current opcode's line.
    line_at: usize,
    /// Lines of the current opcode that were found whole.
    lines: u8,
    /// Where the current frame ends; 0 outside of frames.
    frame_end: usize,
    wanted: usize,
}

impl Scanner {
    /// A scanner for one message of at most `max_bytes` bytes.
    pub fn new(max_bytes: usize) -> Scanner {
        Scanner { max_bytes, at: 0, line_at: 0, lines: 0, frame_end: 0, wanted: 1 }
    }

    /// How long the message is at least, in bytes, as far as is known: after [`Scan::NeedMore`] always more than came.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// Goes on where the last call ended. `message` always starts at the message's first byte and only grows.
    pub fn scan(&mut self, message: &[u8]) -> Scan {
        loop {
            self.skip_whole(message);
            if self.at >= self.max_bytes {
                return self.too_big(self.at as u64 + 1);
            }
            let Some(&opcode) = message.get(self.at) else {
                return self.need(self.at + 1);
            };
            let end = match self.end_of(opcode, message).and_then(|end| self.allowed(end)) {
                Ok(end) => end,
                Err(verdict) => return verdict,
            };
            // After its argument comes at least STOP.
            if end > message.len() {
                return self.need(end + 1);
            }
            if opcode == op::STOP {
                // CPython reads a frame as a whole, so its bytes have to come even if nobody needs them.
                return if message.len() < self.frame_end {
                    self.need(self.frame_end)
                } else {
                    Scan::Done(end)
                };
            }
            if opcode == op::FRAME {
                // The frame starts after its own length and must fit the limit whole.
                let length = little_endian(&message[self.at + 1..end]);
                let fits = usize::try_from(length).ok().and_then(|length| end.checked_add(length));
                match fits.filter(|&frame_end| frame_end <= self.max_bytes) {
                    Some(frame_end) => self.frame_end = frame_end,
                    None => return self.too_big(length),
                }
            }
            self.at = end;
            self.lines = 0;
        }
    }

    /// Goes past the common opcodes as long as they are whole and within the limit and the frame: what
    /// [`Scanner::scan`] does one by one and with a reason for each refusal, here without.
    fn skip_whole(&mut self, message: &[u8]) {
        let frame = if self.at < self.frame_end { self.frame_end } else { usize::MAX };
        let bound = message.len().min(self.max_bytes).min(frame);
        let mut at = self.at;
        while let Some(&opcode) = message.get(at) {
            // By opcode and not by shape: a predicted jump is faster than waiting for a length out of a table.
            let end = match opcode {
                op::MARK
                | op::MEMOIZE
                | op::NONE
                | op::NEWTRUE
                | op::NEWFALSE
                | op::SETITEMS
                | op::APPENDS
                | op::EMPTY_DICT
                | op::EMPTY_LIST
                | op::TUPLE2
                | op::SETITEM => at + 1,
                op::BININT1 | op::BINGET | op::BINPUT => at + 2,
                op::BININT2 => at + 3,
                op::BININT | op::LONG_BINGET | op::LONG_BINPUT => at + 5,
                op::BINFLOAT => at + 9,
                op::SHORT_BINUNICODE | op::SHORT_BINBYTES => match message.get(at + 1) {
                    Some(&length) => at + 2 + usize::from(length),
                    None => break,
                },
                _ => break,
            };
            if end > bound {
                break;
            }
            at = end;
        }
        self.at = at;
    }

    /// Where the current opcode's argument ends, or would end when all of it has come.
    fn end_of(&mut self, opcode: u8, message: &[u8]) -> Result<usize, Scan> {
        let after = self.at + 1;
        match SHAPES[usize::from(opcode)] {
            Shape::Fixed(bytes) => Ok(after + usize::from(bytes)),
            Shape::Counted(width) => self.counted(message, usize::from(width), false),
            Shape::Signed => self.counted(message, 4, true),
            Shape::Lines(lines) => self.lines(message, lines),
            Shape::Stop => Ok(after),
            Shape::Proto => {
                // Asked before the protocol is there, so that it does not matter where a read ended.
                let end = self.allowed(after + 1)?;
                match message.get(after) {
                    Some(&protocol) if protocol > HIGHEST_PROTOCOL => {
                        Err(self.corrupt(&format!("unsupported pickle protocol: {protocol}")))
                    }
                    _ => Ok(end),
                }
            }
            Shape::Frame if self.at < self.frame_end => {
                Err(self.corrupt("beginning of a new frame before end of current frame"))
            }
            Shape::Frame => Ok(after + 8),
            Shape::Unknown => Err(self.corrupt(&unknown(opcode))),
        }
    }

    /// The same end, if it is within the limit and the frame.
    fn allowed(&self, end: usize) -> Result<usize, Scan> {
        if end > self.max_bytes {
            return Err(self.too_big(end as u64));
        }
        if self.at < self.frame_end && end > self.frame_end {
            return Err(self.corrupt("pickle exhausted before end of frame"));
        }
        Ok(end)
    }

    fn counted(&mut self, message: &[u8], width: usize, signed: bool) -> Result<usize, Scan> {
        // Asked before the length is there, so that it does not matter where a read ended.
        let body = self.allowed(self.at + 1 + width)?;
        let Some(length) = message.get(self.at + 1..body) else {
            // At least the length and STOP, if the frame and the limit leave room for them.
            return Ok(body);
        };
        let length = little_endian(length);
        if signed && length > i32::MAX as u64 {
            let name = op::name(message[self.at]);
            let length = length as u32 as i32;
            return Err(self.corrupt(&format!("{name} pickle has negative byte count {length}")));
        }
        match usize::try_from(length).ok().and_then(|length| body.checked_add(length)) {
            Some(end) if end <= self.max_bytes => Ok(end),
            _ => Err(self.too_big(length)),
        }
    }

    fn lines(&mut self, message: &[u8], lines: u8) -> Result<usize, Scan> {
        // So that an SSH server's greeting is told apart at its second byte, and not waited on. The end is asked about
        // first, as it would be if that byte had not come.
        let end = self.allowed(self.at + 2)?;
        let unquoted = |byte: &u8| !matches!(byte, b'\'' | b'"');
        if message[self.at] == op::STRING && message.get(end - 1).is_some_and(unquoted) {
            return Err(self.corrupt("the STRING opcode argument must be quoted"));
        }
        self.line_at = self.line_at.max(self.at + 1);
        while self.lines < lines {
            let rest = message.get(self.line_at..).unwrap_or_default();
            match rest.iter().position(|&byte| byte == b'\n') {
                Some(length) => {
                    self.lines += 1;
                    self.line_at += length + 1;
                }
                None => {
                    self.line_at = message.len().max(self.line_at);
                    // The newlines still to come.
                    return Ok(self.line_at + usize::from(lines - self.lines));
                }
            }
        }
        Ok(self.line_at)
    }

    fn need(&mut self, total: usize) -> Scan {
        self.wanted = total.max(self.frame_end);
        Scan::NeedMore
    }

    fn corrupt(&self, why: &str) -> Scan {
        Scan::Corrupt { at: self.at, why: why.to_owned() }
    }

    fn too_big(&self, declared: u64) -> Scan {
        Scan::TooBig { at: self.at, declared }
    }
}

/// CPython's words for a byte that is no opcode, with the byte in hex.
fn unknown(opcode: u8) -> String {
    match opcode {
        b' '..=b'~' => format!("invalid load key '{}' (0x{opcode:02x})", opcode as char),
        _ => format!("invalid load key 0x{opcode:02x}"),
    }
}
