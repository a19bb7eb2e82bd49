//! Text and plain bytes as rows.

use super::fold::{Part, Tree};
use super::{BYTES_ON_LINE, MAX_ROWS, Read, Row, Stopped};
use crate::value::Value;

/// How many characters of a run a row shows.
const RUN_CHARS: usize = 200;

/// The rows of text: runs of ASCII, and each other character.
pub(super) fn read(payload: &[u8]) -> Read {
    let mut read = Read::new("text", "parts");
    let (text, stray) = match std::str::from_utf8(payload) {
        Ok(text) => (text, None),
        Err(wrong) => {
            let at = wrong.valid_up_to();
            (std::str::from_utf8(&payload[..at]).unwrap_or_default(), Some(at))
        }
    };
    add_all(&mut read, runs(text).map(str::len), text.len(), |at, end| text_row(at, &text[at..end]));
    match stray {
        None => read.value = Some(Value::str(text)),
        Some(at) => {
            let words = "no character of UTF-8: the text cannot be read from here";
            add(&mut read, Row::new(at, payload.len(), "stray", words).wrong());
            read.stopped = Some(Stopped { at, why: format!("byte 0x{:02x} is not UTF-8 text", payload[at]) });
        }
    }
    read
}

/// The rows of bytes that are nothing known.
pub(super) fn plain(payload: &[u8]) -> Read {
    let mut read = Read { value: Some(Value::Bytes(payload.into())), ..Read::new("bytes", "parts") };
    let lengths = payload.chunks(BYTES_ON_LINE).map(<[u8]>::len);
    add_all(&mut read, lengths, payload.len(), |at, end| {
        let shown = Value::Bytes(payload[at..end].into()).repr();
        Row::new(at, end, "bytes", "as they are").argument(shown)
    });
    read
}

fn add(read: &mut Read, row: Row) {
    read.tree.add(Tree::ROOT, Part::Row(read.rows.len()));
    read.rows.push(row);
}

/// Adds a row for each part, and one for all that are beyond the limit.
fn add_all(
    read: &mut Read,
    lengths: impl Iterator<Item = usize>,
    all: usize,
    row: impl Fn(usize, usize) -> Row,
) {
    let mut at = 0;
    for length in lengths.take(MAX_ROWS) {
        add(read, row(at, at + length));
        at += length;
    }
    if at < all {
        let words = format!("{} B more are not shown (limit)", all - at);
        add(read, Row { folded: 1, ..Row::new(at, all, "", words) });
    }
}

/// Splits text into runs of ASCII without control characters, and single other characters.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_plain = |c: char| matches!(c, ' '..='~');
        let len = if is_plain(first) {
            rest.find(|c| !is_plain(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (run, behind) = rest.split_at(len);
        rest = behind;
        Some(run)
    })
}

fn text_row(at: usize, part: &str) -> Row {
    let end = at + part.len();
    let shown = match Value::str(part).repr_cut(RUN_CHARS) {
        (text, true) => text + "...",
        (text, false) => text,
    };
    match (part, part.len()) {
        ("\n", _) => Row::new(at, end, "newline", "the end of a line"),
        (_, 1) if !matches!(part.as_bytes(), [b' '..=b'~']) => {
            Row::new(at, end, "control", "a control character").argument(shown)
        }
        (_, len) if part.is_ascii() => {
            let words = if len == 1 { "one byte" } else { "one byte for each character" };
            Row::new(at, end, "ASCII", words).argument(shown)
        }
        (_, len) => {
            let code = part.chars().next().map_or(0, u32::from);
            Row::new(at, end, "UTF-8", format!("U+{code:04X} in {len} bytes")).argument(shown)
        }
    }
}
