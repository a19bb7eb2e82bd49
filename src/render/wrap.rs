//! Lines that are longer than the screen is wide: broken with an indent, or cut to what a caret points at.

use anstyle::AnsiColor;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Look;
use crate::event::FailurePlace;
use crate::value::escape;

/// A value is broken behind a space where one stands this near to the edge, in columns; else anywhere.
const NEAR: usize = 24;

/// A text behind a head, broken between words where a terminal would break within one; whole where lines are not to be broken.
pub fn wrapped(head: &str, text: &str, look: &Look) -> String {
    let (mut lines, mut at) = (head.to_string(), visible_width(head));
    for word in escape(text).split(' ') {
        if look.wraps && at + 1 + word.width() > look.width {
            lines.push_str("\n ");
            at = 1;
        }
        lines.push(' ');
        lines.push_str(word);
        at += 1 + word.width();
    }
    lines + "\n"
}

/// A line that may hold our own colours and values, broken with an indent where a terminal would break it.
pub fn folded(line: &str, indent: usize, look: &Look) -> String {
    if !look.wraps || visible_width(line) <= look.width {
        return line.to_string();
    }
    let room = look.width.max(indent + NEAR);
    let (mut folded, mut at) = (String::with_capacity(line.len() + line.len() / 8), 0);
    // Where the last space ended, in bytes of `folded`, and the column there.
    let mut space = None;
    let mut is_colour = false;
    for c in line.chars() {
        is_colour |= c == '\x1b';
        let width = if is_colour { 0 } else { c.width().unwrap_or(0) };
        is_colour &= c != 'm';
        if at + width > room {
            let (byte, column) =
                space.take().filter(|(_, column)| at - column <= NEAR).unwrap_or((folded.len(), at));
            folded.insert_str(byte, &format!("\n{}", " ".repeat(indent)));
            at = indent + at - column;
        }
        folded.push(c);
        at += width;
        if c == ' ' && at > indent + 1 {
            space = Some((folded.len(), at));
        }
    }
    folded
}

/// Columns of a text, our own colours not counted.
pub fn visible_width(text: &str) -> usize {
    // What lab2sh shows of printable ASCII is as wide as it is long.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.len();
    }
    let mut width = 0;
    let mut rest = text;
    while let Some(start) = rest.find('\x1b') {
        width += rest[..start].width();
        rest = rest[start..].split_once('m').map_or("", |(_, behind)| behind);
    }
    width + rest.width()
}

/// The line that a mistake is in, cut to the screen, with carets under what is wrong.
pub fn caret(place: &FailurePlace, look: &Look) -> String {
    /// What stands around the line: four spaces, and `...` on both sides where it is cut.
    const AROUND: usize = 4 + 3 + 3;
    let room = look.width.saturating_sub(AROUND);
    let shown = |text: &str| escape(&text.replace('\t', " ")).into_owned();
    let chars: Vec<String> = place.text.chars().map(|c| shown(c.encode_utf8(&mut [0; 4]))).collect();
    let column = (place.column - 1).min(chars.len());
    let (before, rest) = chars.split_at(column);
    // Of a long line the part before the caret says more than the part behind it.
    let before = &before[before.len() - fitting(before.iter().rev(), room * 3 / 4)..];
    let behind = room - columns(before).min(room);
    let shown_rest = &rest[..fitting(rest.iter(), behind)];
    let carets = "^".repeat(columns(&rest[..place.len.min(rest.len())]).clamp(1, behind.max(1)));
    let mark = if before.len() < column { "..." } else { "" };
    let more = if shown_rest.len() < rest.len() { "..." } else { "" };
    format!(
        "    {mark}{}{}{more}\n    {}{}\n",
        before.concat(),
        shown_rest.concat(),
        " ".repeat(mark.len() + columns(before)),
        look.colored(AnsiColor::Red, &carets)
    )
}

fn columns(chars: &[String]) -> usize {
    chars.iter().map(|c| c.width()).sum()
}

/// How many of these there is room for, in columns.
fn fitting<'c>(chars: impl Iterator<Item = &'c String>, room: usize) -> usize {
    let mut at = 0;
    let fits = |c: &&String| {
        at += c.width();
        at <= room
    };
    chars.take_while(fits).count()
}
