//! A message's bytes row by row: where each part lies, what it is called, what it does, and the value growing.
//!
//! [`explain`] is the only way in: from bytes as they were on the wire to an [`Explanation`], which is owned and bounded
//! whatever the bytes are. The screen, `--json` and the picture are made from it.

mod fold;
mod json;
mod opcodes;
mod text;

use std::sync::Arc;

use crate::event::Wire;
use crate::net::Framing;
use crate::pickle::{self, Effect};
use crate::value::Value;

use fold::Tree;

pub use fold::{BYTES_ON_LINE, DIGITS, INDENT, INDENTS_MAX};

/// Whether repeated and nested parts are shown each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folding {
    /// What does not fit two screens of 24 lines and 80 columns is folded: the first parts of each container are shown
    /// and the others counted. A short message is shown whole.
    Folded,
    /// Every part has a row, up to [`MAX_ROWS`].
    All,
}

/// How many rows an explanation has at most; it says so where there were more. As many opcodes as a pickle's steps.
pub const MAX_ROWS: usize = pickle::MAX_STEPS;

/// A message in rows.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The bytes that the rows' offsets count from.
    pub bytes: Arc<[u8]>,
    /// How long the message was on the wire, in bytes; more than there are bytes if it was not kept whole.
    pub total: usize,
    /// Whether parts of it are folded.
    pub folding: Folding,
    /// How it is written: `pickle protocol 4`, `JSON`, `text`, `bytes`.
    pub form: String,
    /// What it says, if it can be read.
    pub value: Option<Value>,
    /// How the value begins, where lab2sh did not keep all of its bytes.
    pub head: Option<Arc<str>>,
    /// How much of it lab2sh kept, in words, where that is not all.
    pub kept: Option<String>,
    /// The rows in the order of the bytes.
    pub rows: Vec<Row>,
    /// What `pickle.loads` would import or call, in order; ready for a screen.
    pub calls: Vec<String>,
    /// What else there is to say; ready for a screen.
    pub notes: Vec<String>,
    /// Where it stopped and why, if it did.
    pub stopped: Option<Stopped>,
}

/// Where a message cannot be read further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Offset of the byte, from the start of the message on the wire.
    pub at: usize,
    /// Why, in the words that a failed `recv` has for it; ready for a screen.
    pub why: String,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset behind its last byte.
    pub end: usize,
    /// How deep it is nested, from 0.
    pub depth: usize,
    /// What it is: an opcode's name, `length`, `key`; empty for a folded row.
    pub name: &'static str,
    /// The argument as `pickletools.dis` prints it, or the text it stands for; ready for a screen.
    pub argument: Option<String>,
    /// What it does, in words.
    pub words: String,
    /// The stack after it where it changed, its top at the right; ready for a screen.
    pub stack: Option<String>,
    /// What `pickle.loads` does in the program at this place.
    pub effect: Option<Effect>,
    /// How many rows of `explain all` are folded into this one; 0 for a row of its own.
    pub folded: usize,
    /// It stopped here.
    pub is_wrong: bool,
}

impl Row {
    fn new(start: usize, end: usize, name: &'static str, words: impl Into<String>) -> Row {
        Row {
            start,
            end,
            depth: 0,
            name,
            argument: None,
            words: words.into(),
            stack: None,
            effect: None,
            folded: 0,
            is_wrong: false,
        }
    }

    /// How many lines of its bytes are shown where parts are folded: as many as its words take anyway.
    pub fn byte_lines(&self) -> usize {
        if self.name.is_empty() { 2 } else { 3 }
    }

    fn argument(mut self, argument: impl Into<String>) -> Row {
        self.argument = Some(argument.into());
        self
    }

    fn wrong(mut self) -> Row {
        self.is_wrong = true;
        self
    }
}

/// What a payload was found to be, before the rows around it are added.
struct Read {
    form: String,
    value: Option<Value>,
    rows: Vec<Row>,
    tree: Tree,
    calls: Vec<String>,
    notes: Vec<String>,
    stopped: Option<Stopped>,
}

impl Read {
    /// Nothing yet, of a form whose rows are called so: `opcodes`.
    fn new(form: &str, rows_are: &'static str) -> Read {
        Read {
            form: form.to_owned(),
            value: None,
            rows: Vec::new(),
            tree: Tree::new(rows_are),
            calls: Vec::new(),
            notes: Vec::new(),
            stopped: None,
        }
    }

    /// The message goes on behind the bytes that were kept: it is not to blame where it ends with them.
    fn goes_on(&mut self, end: usize) {
        /// The last character may be cut: UTF-8 takes up to four bytes for one.
        const CHAR_MAX: usize = 4;
        if self.stopped.take_if(|stopped| stopped.at + CHAR_MAX > end).is_none() {
            return;
        }
        self.notes.clear();
        for row in self.rows.iter_mut().filter(|row| row.is_wrong) {
            row.is_wrong = false;
            if row.name == "end" {
                row.words = "lab2sh kept nothing from here on".to_owned();
            }
        }
    }
}

/// Explains the bytes of a message, or of what should have been one. They begin where the message begins.
pub fn explain(wire: &Wire, folding: Folding) -> Explanation {
    let Wire { bytes, total, codec, framing, head } = wire;
    let frame = Frame::of(bytes, *framing);
    let payload = bytes.get(frame.start..frame.end).unwrap_or_default();
    let mut read = match *codec {
        _ if frame.is_bare => Read::new(codec, "parts"),
        "json" => json::read(payload),
        "text" => text::read(payload),
        "hex" | "file" if !looks_like_pickle(payload) => text::plain(payload),
        _ => opcodes::read(payload),
    };
    if wire.is_cut() {
        read.goes_on(payload.len());
    }
    let offset = frame.start;
    read.rows.iter_mut().for_each(|row| {
        row.start += offset;
        row.end += offset;
    });
    read.stopped.iter_mut().for_each(|stopped| stopped.at += offset);
    let mut rows = frame.head;
    rows.extend(fold::fold(read.rows, &read.tree, folding, bytes.len()));
    rows.extend(frame.tail);
    // That it ends where lab2sh kept no more of it is no fault of the message.
    let fault = frame.fault.filter(|fault| !wire.is_cut() || fault.at < bytes.len());
    match (fault, &read.stopped) {
        (None, _) => {}
        // A payload that stops early says where itself.
        (Some(fault), Some(_)) => read.notes = vec![fault.why],
        (Some(fault), None) => {
            match rows.first_mut().filter(|first| fault.at < first.end) {
                Some(first) => first.is_wrong = true,
                None => rows.push(Row::new(fault.at, fault.at, "end", "the message is longer").wrong()),
            }
            read.stopped = Some(fault);
        }
    }
    if read.stopped.is_some() && !matches!(*codec, "pickle") && looks_like_pickle(payload) {
        read.notes.push("this is a pickle: `set codec pickle` reads it".to_owned());
    }
    Explanation {
        bytes: bytes.clone(),
        total: *total,
        folding,
        form: read.form,
        value: read.value,
        head: head.clone().filter(|_| wire.is_cut()),
        kept: wire.says_kept(),
        rows,
        calls: read.calls,
        notes: read.notes,
        stopped: read.stopped,
    }
}

/// Bytes that were typed or read from a file may be anything; a whole pickle is one.
fn looks_like_pickle(bytes: &[u8]) -> bool {
    matches!(pickle::Scanner::new(bytes.len()).scan(bytes), pickle::Scan::Done(_))
}

/// What a framing puts around a payload.
#[derive(Default)]
struct Frame {
    /// Where the payload begins and ends.
    start: usize,
    end: usize,
    head: Vec<Row>,
    tail: Vec<Row>,
    /// What is wrong with it.
    fault: Option<Stopped>,
    /// There is no payload to look at.
    is_bare: bool,
}

impl Frame {
    fn of(bytes: &[u8], framing: Framing) -> Frame {
        let whole = Frame { end: bytes.len(), ..Frame::default() };
        match framing {
            Framing::Length => Frame::length(bytes, whole),
            Framing::Line => Frame::line(bytes, whole),
            Framing::Pickle | Framing::None => whole,
        }
    }

    fn line(bytes: &[u8], whole: Frame) -> Frame {
        let Some(newline) = bytes.iter().position(|&byte| byte == b'\n') else { return whole };
        let end = if bytes[..newline].ends_with(b"\r") { newline - 1 } else { newline };
        let mut tail = vec![Row::new(end, newline + 1, "newline", "ends the message")];
        tail.extend(next(newline + 1, bytes.len()));
        Frame { end, tail, ..whole }
    }

    fn length(bytes: &[u8], whole: Frame) -> Frame {
        let words = "so many bytes follow; the highest byte comes first";
        let bare = |fault| {
            let head = vec![Row::new(0, bytes.len(), "length", words)];
            Frame {
                head,
                start: bytes.len(),
                fault: Some(fault),
                is_bare: true,
                end: bytes.len(),
                ..Frame::default()
            }
        };
        let cut = |width| {
            let why = format!("its length takes {width} bytes, and {} came", bytes.len());
            bare(Stopped { at: bytes.len(), why })
        };
        let Some(prefix) = bytes.first_chunk::<4>() else { return cut(4) };
        let (start, declared) = match (i32::from_be_bytes(*prefix), bytes.get(4..12)) {
            // As multiprocessing writes a message of 2 GiB and more.
            (-1, Some(long)) => (12, long.iter().fold(0, |length, byte| length << 8 | u64::from(*byte))),
            (-1, None) => return cut(12),
            (below @ ..0, _) => {
                let why = format!("the 4-byte length prefix is {below}, below zero");
                return bare(Stopped { at: 0, why });
            }
            (length, _) => (4, u64::from(length.unsigned_abs())),
        };
        let head = vec![Row::new(0, start, "length", words).argument(declared.to_string())];
        let here = bytes.len() - start;
        match usize::try_from(declared).ok().filter(|&declared| declared <= here) {
            Some(declared) => {
                let end = start + declared;
                Frame { start, end, head, tail: next(end, bytes.len()).into_iter().collect(), ..whole }
            }
            None => {
                let why = format!("its length says that {} B more belong to it", declared - here as u64);
                Frame { start, head, fault: Some(Stopped { at: bytes.len(), why }), ..whole }
            }
        }
    }
}

/// A row for the bytes behind a message, if there are any.
fn next(start: usize, end: usize) -> Option<Row> {
    (start < end)
        .then(|| Row::new(start, end, "rest", format!("{} B behind it: the next message", end - start)))
}
