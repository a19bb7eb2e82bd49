//! Text and plain bytes as rows.

use super::fold::{Part, Tree};
use super::{MAX_ROWS, Read, Row, Stopped};
use crate::value::{Value, escape};

/// How many bytes one row of plain bytes holds.
const PLAIN_BYTES: usize = 8;

/// The rows of text: runs of ASCII, and each other character.
pub(super) fn read(payload: &[u8]) -> Read {
    let mut read = Read::new("text", "parts");
    let mut at = 0;
    for chunk in payload.utf8_chunks() {
        for part in runs(chunk.valid()) {
            push(&mut read, text_row(at, part));
            at += part.len();
        }
        if !chunk.invalid().is_empty() {
            let words = "no character of UTF-8: the text cannot be read from here";
            push(&mut read, Row::new(at, payload.len(), "stray", words).wrong());
            read.stopped = Some(Stopped { at, why: format!("byte 0x{:02x} is not UTF-8 text", payload[at]) });
            return read;
        }
    }
    read.value = std::str::from_utf8(payload).ok().map(Value::str);
    read
}

/// Adds a row, up to the limit; behind it one row stands for the rest.
fn push(read: &mut Read, row: Row) {
    match read.rows.get_mut(MAX_ROWS) {
        None => {
            read.tree.add(Tree::ROOT, Part::Row(read.rows.len()));
            read.rows.push(row);
        }
        Some(last) => {
            let folded = last.folded.max(1) + 1;
            *last = Row {
                folded,
                is_wrong: row.is_wrong,
                ..Row::new(last.start, row.end, "", format!("{folded} more parts are not shown (limit)"))
            };
        }
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
    let shown = Value::str(part).repr();
    let row = match (part, part.len()) {
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
    };
    Row { argument: row.argument.map(cut), ..row }
}

fn cut(text: String) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// The rows of bytes that are nothing known.
pub(super) fn plain(payload: &[u8]) -> Read {
    let mut read = Read { value: Some(Value::Bytes(payload.into())), ..Read::new("bytes", "parts") };
    for (number, bytes) in payload.chunks(PLAIN_BYTES).enumerate() {
        let at = number * PLAIN_BYTES;
        let text = Value::Bytes(bytes.into()).repr();
        push(
            &mut read,
            Row::new(at, at + bytes.len(), "bytes", "as they are").argument(escape(&text).into_owned()),
        );
    }
    read
}
