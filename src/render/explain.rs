//! A message's bytes as people see them: annotated row by row, or plain as `hexdump -C` has them.

use std::fmt::Write;

use anstyle::AnsiColor;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Look, arrow, row, visible_width, wrapped};
use crate::event::{Origin, Wire};
use crate::explain::{BYTES_ON_LINE, DIGITS, Explanation, Folding, INDENT, INDENTS_MAX, Row};

/// How many lines of bytes a row has at most where nothing is folded: `hex` shows more.
const BYTE_LINES_ALL: usize = 512;
/// Columns of the bytes: two digits each, and a space between.
const HEX_WIDTH: usize = BYTES_ON_LINE * 3 - 1;
/// Columns that the words have at least; on a narrower screen the terminal wraps.
const WORDS_MIN: usize = 20;
/// How many characters of an argument stand in a folded row at least; more if the line has room for them.
const ARGUMENT_MIN: usize = 16;
/// How many bytes a line of a dump has.
const DUMP_BYTES: usize = 16;
/// How many lines a dump has that is folded: two screens of 24 lines, without the lines above and below.
const DUMP_LINES: usize = 44;
/// How many lines a dump has at most: a message of 1 MiB, which is more than anybody reads.
const DUMP_LINES_MAX: usize = 1 << 16;

/// The rows of a message.
pub fn explained(origin: &Origin, it: &Explanation, look: &Look) -> String {
    let head = head(origin, look);
    let room = look.width.saturating_sub(visible_width(&head) + 4);
    let shown = match (it.value.as_ref().map(|value| value.repr_cut(room)), &it.stopped) {
        (Some((text, true)), _) => text + " ...",
        (Some((text, false)), _) => text,
        (None, Some(stopped)) if stopped.at >= it.bytes.len() => "not whole".to_string(),
        (None, Some(stopped)) => format!("stops at byte {}", stopped.at),
        (None, None) => it.head.as_ref().map_or(String::new(), |head| cut(head, room)),
    };
    let mut lines = row(&(head + &shown), &format!("{} B, {}", it.total, it.form), look);
    if let Some(kept) = &it.kept {
        let _ = writeln!(lines, "  {kept}");
    }
    let digits = it.bytes.len().to_string().len().max(DIGITS);
    let width = look.width.saturating_sub(2 + digits + 2 + HEX_WIDTH + 2).max(WORDS_MIN);
    for row in &it.rows {
        let bytes = it.bytes.get(row.start..row.end).unwrap_or_default();
        let most = if it.folding == Folding::All { BYTE_LINES_ALL } else { row.byte_lines() };
        let mut left = hex_lines(bytes, most).into_iter();
        let mut offset = look.dim(&format!("{:>digits$}", row.start)).into_owned();
        for words in beside(row, it, width, look) {
            let hex = left.next().unwrap_or_default();
            let _ = writeln!(lines, "  {offset}  {hex:<HEX_WIDTH$}  {words}");
            offset = " ".repeat(digits);
        }
        for hex in left {
            let _ = writeln!(lines, "  {offset}  {hex}");
        }
    }
    for note in &it.notes {
        lines += &wrapped("  note:", note, look);
    }
    lines
}

/// Whose bytes they are.
fn head(origin: &Origin, look: &Look) -> String {
    match origin {
        Origin::Sent(socket) => arrow(socket, "->", AnsiColor::Blue, look),
        Origin::Received(socket) => arrow(socket, "<-", AnsiColor::Green, look),
        Origin::Waiting(socket) => arrow(socket, "<-", AnsiColor::Green, look) + "unread: ",
        Origin::Given => "  ".to_string(),
    }
}

/// What stands beside a row's bytes: its name and words, the stack, what loading does, why it stopped.
fn beside(row: &Row, it: &Explanation, width: usize, look: &Look) -> Vec<String> {
    let indent = row.depth.min(INDENTS_MAX) * INDENT;
    let width = width.saturating_sub(indent).max(WORDS_MIN);
    let painted = |text: &str, color| -> Vec<String> {
        wrap(text, width).iter().map(|line| look.colored(color, line).into_owned()).collect()
    };
    let most = match it.folding {
        Folding::Folded => width.saturating_sub(row.name.len() + 5).max(ARGUMENT_MIN),
        Folding::All => usize::MAX,
    };
    let argument = row.argument.as_ref().map_or(String::new(), |text| format!(" {}", cut(text, most)));
    let colon = if row.name.is_empty() || row.words.is_empty() { "" } else { ": " };
    let name = [row.name, colon].join(&argument);
    let mut lines: Vec<String> = wrap(&(name + &row.words), width);
    if let Some(first) = lines.first_mut()
        && let Some(behind) = first.strip_prefix(row.name)
    {
        *first = look.bold(row.name).into_owned() + behind;
    }
    if let Some(stack) = &row.stack {
        let text = stack_line(if stack.is_empty() { "is empty" } else { stack }, width);
        lines.extend(painted(&text, AnsiColor::Cyan));
    }
    if let Some(effect) = &row.effect {
        let (how, color) = match effect.is_plain {
            true => ("plain data:", AnsiColor::Green),
            false => ("! here pickle.loads would", AnsiColor::Yellow),
        };
        lines.extend(painted(&format!("{how} {}", effect.what), color));
    }
    if let Some(stopped) = it.stopped.as_ref().filter(|_| row.is_wrong) {
        let place = match stopped.at {
            at if at >= it.bytes.len() => "the bytes end here".to_string(),
            at if at == row.start => "it stops here".to_string(),
            at => format!("it stops at byte {at}"),
        };
        let text = format!("! {place}: {}", stopped.why);
        lines.extend(painted(&text, AnsiColor::Red));
    }
    lines.into_iter().map(|line| " ".repeat(indent) + &line).collect()
}

/// The stack on one line where that can be: what is far below its top gives way.
fn stack_line(stack: &str, width: usize) -> String {
    let mut text = format!("stack: {stack}");
    let mut rest = stack.trim_start_matches("... | ");
    while let Some((_, above)) = rest.split_once(" | ").filter(|_| text.width() > width) {
        text = format!("stack: ... | {above}");
        rest = above;
    }
    text
}

/// Text in lines of so many columns, broken between words, and inside of one that is longer than a line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for (number, word) in text.split(' ').enumerate() {
        if number > 0 && used > 0 && used + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        } else if number > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if used + wide > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += wide;
        }
    }
    lines.push(line);
    lines
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

/// `80 04 4b 01`, so many bytes on a line; where lines are left out the last one says so.
fn hex_lines(bytes: &[u8], most: usize) -> Vec<String> {
    let room = most * BYTES_ON_LINE;
    let (shown, more) = if bytes.len() > room { (&bytes[..room - 1], " ..") } else { (bytes, "") };
    let mut lines: Vec<String> = shown.chunks(BYTES_ON_LINE).map(hex).collect();
    if let Some(last) = lines.last_mut() {
        last.push_str(more);
    }
    lines
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The bytes as `hexdump -C` shows them, repeated lines and all.
pub fn dumped(origin: &Origin, wire: &Wire, folding: Folding, look: &Look) -> String {
    let what = if *origin == Origin::Given { "as it would be sent" } else { "on the wire" };
    let mut lines = format!("{}{} B {what}\n", head(origin, look), wire.total);
    let all = wire.bytes.len().div_ceil(DUMP_BYTES);
    let rows = match folding {
        Folding::Folded if all > DUMP_LINES => DUMP_LINES,
        _ => DUMP_LINES_MAX,
    };
    for (number, bytes) in wire.bytes.chunks(DUMP_BYTES).take(rows).enumerate() {
        let (left, right) = bytes.split_at(bytes.len().min(DUMP_BYTES / 2));
        let hex = format!("{}  {}", hex(left), hex(right));
        let text: String = bytes
            .iter()
            .map(|&byte| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' })
            .collect();
        let offset = format!("{:08x}", number * DUMP_BYTES);
        let _ = writeln!(lines, "  {}  {hex:<48}  |{text}|", look.dim(&offset));
    }
    if rows < all {
        let more = crate::pattern::count((all - rows) as u64, "more row");
        let _ = writeln!(lines, "  ... {more}; `hex all` shows them");
    }
    let shown = wire.bytes.len().min(DUMP_LINES_MAX * DUMP_BYTES);
    if let Some(kept) = wire.says_kept() {
        let _ = writeln!(lines, "  note: {kept}");
    } else if rows == DUMP_LINES_MAX && shown < wire.total {
        let _ = writeln!(lines, "  note: these are the first {shown} B of {}", wire.total);
    }
    lines
}
