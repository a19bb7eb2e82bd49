//! The machine that runs opcodes: its stack, its memo, and the opcodes for numbers and text.

use std::collections::BTreeMap;
use std::sync::Arc;

use num_bigint::BigInt;

use super::actions::Asked;
use super::arena::{Arena, Ref};
use super::decode::DecodeError;
use super::finish::Finisher;
use super::memo::Memo;
use super::opcode::{self as op, little_endian};
use super::text;
use crate::value::Value;

/// The machine that PEP 307 and `pickletools` describe: a stack, a stack of marks, a memo.
pub(super) struct Machine<'m> {
    message: &'m [u8],
    /// The next byte to read.
    pub(super) at: usize,
    /// The opcode that is being run.
    pub(super) op_at: usize,
    /// Where the current frame ends; 0 before the first.
    pub(super) frame_end: usize,
    /// Whether a frame may end where the bytes so far do not reach: said of a message that is still arriving.
    pub(super) is_part: bool,
    /// Up to where an opcode may go without being asked: the end of the frame or of the message.
    bound: usize,
    pub(super) arena: Arena,
    pub(super) stack: Vec<Ref>,
    pub(super) marks: Vec<u32>,
    /// Where the innermost mark stands; nothing below it can be popped.
    fence: usize,
    pub(super) memo: Memo,
    /// From `PROTO`.
    pub(super) protocol: Option<u8>,
    pub(super) binary: bool,
    /// Bytes that were made out of what is in the message already.
    made: usize,
    /// Names that were joined from two texts, so that a class of many instances is joined once.
    pub(super) names: BTreeMap<(Ref, Ref), Arc<str>>,
    /// Python 2 strings that are no ASCII, shown as bytes.
    python2: usize,
    pub(super) rebuilt: usize,
    /// Something was built that is worth telling.
    pub(super) told: bool,
}

/// How many bytes a message may make per byte of its own by joining names, encoding text and copying lists into sets.
/// Honest pickles stay below 3; without a bound five bytes can copy a megabyte, again and again.
const MADE_PER_BYTE: usize = 4;
/// What a short message may make besides.
const MADE_AT_LEAST: usize = 64 * 1024;

fn truncated() -> String {
    "pickle data was truncated".to_owned()
}

impl<'m> Machine<'m> {
    pub(super) fn new(message: &'m [u8]) -> Machine<'m> {
        // Mostly enough, so that little is moved; pages that are never touched cost nothing.
        let few = (message.len() / 4).min(32);
        let many = few.max(message.len() / 12);
        Machine {
            message,
            at: 0,
            op_at: 0,
            frame_end: 0,
            is_part: false,
            bound: message.len(),
            arena: Arena { nodes: Vec::with_capacity(many), pool: Vec::with_capacity(many) },
            stack: Vec::with_capacity(few),
            marks: Vec::new(),
            fence: 0,
            memo: Memo::with_capacity(many),
            protocol: None,
            binary: false,
            made: 0,
            names: BTreeMap::new(),
            python2: 0,
            rebuilt: 0,
            told: false,
        }
    }

    pub(super) fn error(&mut self, why: String) -> DecodeError {
        let asked = if self.told { Asked::of(&self.arena) } else { Asked::default() };
        let first = asked.first(&mut Finisher::new(&mut self.arena));
        // CPython would have come as far as this, and done it.
        let why = match first {
            Some(action) => format!("{why}; before that it asks to {action}"),
            None => why,
        };
        DecodeError { at: self.op_at, why }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.python2 > 0 {
            notes.push(format!(
                "{} Python 2 byte string(s) that are not ASCII are shown as bytes; pickle.loads refuses them unless told an encoding",
                self.python2
            ));
        }
        if self.rebuilt > 0 {
            notes.push("an object was given its state more than once; the last is shown".to_owned());
        }
        notes
    }

    /// Runs to `STOP` and gives what is on top then. What the scanner refuses is refused here too, with less to say.
    pub(super) fn run(&mut self) -> Result<Ref, String> {
        loop {
            if let Some(root) = self.advance()? {
                return Ok(root);
            }
        }
    }

    /// Runs one opcode; at `STOP` gives what is on top.
    #[inline(always)]
    pub(super) fn advance(&mut self) -> Result<Option<Ref>, String> {
        self.op_at = self.at;
        let Some(&opcode) = self.message.get(self.at) else { return Err(truncated()) };
        self.at += 1;
        if opcode == op::STOP {
            return self.pop().map(Some);
        }
        self.binary |= self.protocol.is_none() && op::is_binary(opcode);
        self.step(opcode)?;
        if self.at > self.bound {
            self.beyond()?;
        }
        Ok(None)
    }

    /// An opcode went beyond the end of the message or of the frame. That is well if it started behind the frame.
    #[cold]
    fn beyond(&mut self) -> Result<(), String> {
        if self.at > self.message.len() {
            return Err(truncated());
        }
        if self.op_at < self.frame_end {
            return Err("pickle exhausted before end of frame".to_owned());
        }
        self.bound = self.message.len();
        Ok(())
    }

    fn frame(&mut self) -> Result<(), String> {
        if self.op_at < self.frame_end {
            return Err("beginning of a new frame before end of current frame".to_owned());
        }
        let length = usize::try_from(little_endian(self.take(8))).ok();
        let end = length.and_then(|length| self.at.checked_add(length));
        // As in the scanner, a frame's bytes have to be there.
        self.frame_end =
            end.filter(|&end| self.is_part || end <= self.message.len()).ok_or_else(truncated)?;
        self.bound = self.frame_end.min(self.message.len());
        Ok(())
    }

    /// How many bytes were read.
    pub(super) fn len(&self) -> usize {
        self.at
    }

    /// The opcodes of everyday messages.
    #[inline]
    fn step(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            op::BININT1 => {
                let number = i64::from(self.byte());
                self.push_int(number)
            }
            op::BININT2 => {
                let number = little_endian(self.take(2)) as i64;
                self.push_int(number)
            }
            op::BININT => {
                let number = i64::from(little_endian(self.take(4)) as u32 as i32);
                self.push_int(number)
            }
            op::SHORT_BINUNICODE => self.push_utf8(1),
            op::BINUNICODE => self.push_utf8(4),
            op::MEMOIZE => self.memo_put(self.memo.len() as u64),
            op::BINPUT => {
                let index = u64::from(self.byte());
                self.memo_put(index)
            }
            op::BINGET => {
                let index = u64::from(self.byte());
                self.memo_get(index)
            }
            op::LONG_BINPUT => {
                let index = little_endian(self.take(4));
                self.memo_put(index)
            }
            op::LONG_BINGET => {
                let index = little_endian(self.take(4));
                self.memo_get(index)
            }
            op::MARK => {
                self.fence = self.stack.len();
                self.marks.push(self.fence as u32);
                Ok(())
            }
            op::NONE => self.push(Ref::NONE),
            op::NEWTRUE => self.push(Ref::TRUE),
            op::NEWFALSE => self.push(Ref::FALSE),
            op::BINFLOAT => {
                let bits = self.take(8).iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
                self.push_value(Value::Float(f64::from_bits(bits)))
            }
            _ => self.step_container(opcode),
        }
    }

    /// The opcodes for numbers, text and bytes that are met less often, and those about the pickle itself.
    pub(super) fn step_text(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            op::PROTO => match self.byte() {
                protocol @ 0..=op::HIGHEST_PROTOCOL => {
                    self.protocol = Some(protocol);
                    Ok(())
                }
                protocol => Err(format!("unsupported pickle protocol: {protocol}")),
            },
            op::FRAME => self.frame(),
            op::LONG1 => self.push_long(1),
            op::LONG4 => self.push_long(4),
            op::INT => self.push_line(text::int),
            op::LONG => self.push_line(text::long),
            op::FLOAT => self.push_line(text::float),
            op::UNICODE => self.push_line_or_empty(text::raw_unicode_escape),
            op::STRING => {
                let line = self.line();
                let bytes = text::quoted(line)?;
                self.push_python2(&bytes)
            }
            op::BINUNICODE8 => self.push_utf8(8),
            op::SHORT_BINBYTES => self.push_bytes(1, Value::Bytes),
            op::BINBYTES => self.push_bytes(4, Value::Bytes),
            op::BINBYTES8 => self.push_bytes(8, Value::Bytes),
            op::BYTEARRAY8 => self.push_bytes(8, Value::ByteArray),
            op::SHORT_BINSTRING => self.push_binstring(1),
            op::BINSTRING => self.push_binstring(4),
            op::GET => {
                let index = self.index_line()?;
                self.memo_get(index)
            }
            op::PUT => {
                let index = self.index_line()?;
                self.memo_put(index)
            }
            _ => self.step_object(opcode),
        }
    }

    fn push_binstring(&mut self, width: usize) -> Result<(), String> {
        let bytes = self.counted(width);
        self.push_python2(bytes)
    }

    fn push_int(&mut self, number: i64) -> Result<(), String> {
        match Ref::small_int(number) {
            Some(small) => self.push(small),
            None => self.push_value(Value::Int(number)),
        }
    }

    fn push_long(&mut self, width: usize) -> Result<(), String> {
        let bytes = self.counted(width);
        match <[u8; 8]>::try_from(bytes) {
            Ok(eight) => self.push_int(i64::from_le_bytes(eight)),
            Err(_) => self.push_number(Value::from(BigInt::from_signed_bytes_le(bytes))),
        }
    }

    fn push_number(&mut self, number: Value) -> Result<(), String> {
        match number {
            Value::Int(number) => self.push_int(number),
            Value::Bool(bit) => self.push(if bit { Ref::TRUE } else { Ref::FALSE }),
            number => self.push_value(number),
        }
    }

    fn push_line(&mut self, read: fn(&[u8]) -> Result<Value, String>) -> Result<(), String> {
        let line = self.line();
        if line.is_empty() {
            // CPython's words for an empty line.
            return Err("pickle data was truncated".to_owned());
        }
        self.push_number(read(line)?)
    }

    fn push_line_or_empty(&mut self, read: fn(&[u8]) -> Result<Value, String>) -> Result<(), String> {
        let line = self.line();
        self.push_number(read(line)?)
    }

    #[inline]
    fn push_utf8(&mut self, width: usize) -> Result<(), String> {
        let bytes = self.counted(width);
        match std::str::from_utf8(bytes) {
            // From here straight into its node: most of a message is this.
            Ok(text) => {
                let item = self.arena.add_text(text)?;
                self.push(item)
            }
            Err(_) => {
                let value = text::utf8(bytes)?;
                self.push_value(value)
            }
        }
    }

    fn push_bytes(&mut self, width: usize, make: fn(Arc<[u8]>) -> Value) -> Result<(), String> {
        let bytes = self.counted(width);
        self.push_value(make(bytes.into()))
    }

    /// A `str` of Python 2: text if it is ASCII, which is all that `pickle.loads` takes, else bytes.
    fn push_python2(&mut self, bytes: &[u8]) -> Result<(), String> {
        match std::str::from_utf8(bytes) {
            Ok(ascii) if ascii.is_ascii() => self.push_value(Value::str(ascii)),
            _ => {
                self.python2 += 1;
                self.push_value(Value::Bytes(bytes.into()))
            }
        }
    }

    fn index_line(&mut self) -> Result<u64, String> {
        let line = self.line();
        if line.is_empty() {
            return Err("pickle data was truncated".to_owned());
        }
        let index = text::index(line)?;
        u64::try_from(index).map_err(|_| format!("negative memo index {index}"))
    }

    // Reading. What would be beyond the end reads as nothing, and moves `at` beyond the end, which `run` notices.

    #[inline]
    pub(super) fn byte(&mut self) -> u8 {
        let byte = self.message.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    #[inline]
    pub(super) fn take(&mut self, bytes: usize) -> &'m [u8] {
        let rest = self.message.get(self.at..).unwrap_or_default();
        match rest.get(..bytes) {
            Some(taken) => {
                self.at += bytes;
                taken
            }
            None => {
                self.at = self.message.len() + 1;
                &[]
            }
        }
    }

    fn counted(&mut self, width: usize) -> &'m [u8] {
        let length = little_endian(self.take(width));
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// The next line, without its newline.
    pub(super) fn line(&mut self) -> &'m [u8] {
        let rest = self.message.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        self.at += length + 1;
        &rest[..length]
    }

    // The stack and the memo.

    #[inline]
    pub(super) fn push(&mut self, item: Ref) -> Result<(), String> {
        self.stack.push(item);
        Ok(())
    }

    #[inline]
    pub(super) fn push_value(&mut self, value: Value) -> Result<(), String> {
        let item = self.arena.add_value(value)?;
        self.push(item)
    }

    /// CPython's error for a stack that has too little on it.
    pub(super) fn underflow(&self) -> String {
        if self.marks.is_empty() { "unpickling stack underflow" } else { "unexpected MARK found" }.to_owned()
    }

    /// The items above the innermost mark are above the fence; nothing else may be popped.
    pub(super) fn above_fence(&self) -> usize {
        self.stack.len() - self.fence
    }

    pub(super) fn pop(&mut self) -> Result<Ref, String> {
        if self.above_fence() == 0 {
            return Err(self.underflow());
        }
        self.stack.pop().ok_or_else(|| self.underflow())
    }

    pub(super) fn top(&self) -> Result<Ref, String> {
        self.stack.last().copied().filter(|_| self.above_fence() > 0).ok_or_else(|| self.underflow())
    }

    /// Takes the innermost mark away and gives the items above it.
    pub(super) fn pop_mark(&mut self) -> Result<usize, String> {
        let Some(mark) = self.marks.pop() else {
            return Err("could not find MARK".to_owned());
        };
        self.fence = self.marks.last().map_or(0, |&fence| fence as usize);
        Ok(mark as usize)
    }

    /// `POP` takes a mark if one is on top (PEP 307).
    pub(super) fn pop_item_or_mark(&mut self) -> Result<(), String> {
        if self.marks.last().is_some_and(|&mark| mark as usize == self.stack.len()) {
            return self.pop_mark().map(drop);
        }
        self.pop().map(drop)
    }

    /// The stack from a place on, with the arena beside it.
    pub(super) fn stack_from(&mut self, first: usize) -> (&mut Vec<Ref>, &mut Arena, usize) {
        (&mut self.stack, &mut self.arena, first)
    }

    pub(super) fn stack_len(&self) -> usize {
        self.stack.len()
    }

    pub(super) fn fence(&self) -> usize {
        self.fence
    }

    #[inline]
    fn memo_put(&mut self, index: u64) -> Result<(), String> {
        let item = self.top()?;
        self.memo.put(index, item);
        Ok(())
    }

    #[inline]
    fn memo_get(&mut self, index: u64) -> Result<(), String> {
        match self.memo.get(index) {
            Some(item) => {
                self.arena.share(item);
                self.push(item)
            }
            None => Err(format!("Memo value not found at index {index}")),
        }
    }

    /// Accounts for bytes that are made out of others; see [`MADE_PER_BYTE`].
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), String> {
        self.made = self.made.saturating_add(bytes);
        if self.made > self.message.len().saturating_mul(MADE_PER_BYTE).saturating_add(MADE_AT_LEAST) {
            return Err("it copies far more than it holds (limit)".to_owned());
        }
        Ok(())
    }

    /// Whether names are those of Python 2; as in CPython, also before and without `PROTO`.
    pub(super) fn is_old(&self) -> bool {
        self.protocol.unwrap_or(0) < 3
    }
}
