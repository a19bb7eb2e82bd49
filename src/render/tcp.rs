//! What TCP did, as text: the sockets, one connection's story, and what the bytes of one read are.

use std::time::Duration;

use anstyle::AnsiColor;
use unicode_width::UnicodeWidthStr;

use super::{Look, SHOWN_VALUE, arrow, cells, folded, ms, row, safe, widths, wrapped};
use crate::event::{Dispatch, Story};
use crate::net::{Idle, NOT_KNOWN, Size, Taken};
use crate::pattern::count;
use crate::picture::went_out;
use crate::value::Value;

/// The column of a story's texts.
const LABEL: usize = 12;

/// The sockets. Columns that the screen has no room for stand below their row, each with its title.
pub fn table(titles: &[&str], rows: &[Vec<String>], empty: &str, look: &Look) -> String {
    if rows.is_empty() {
        return format!("  {empty}\n");
    }
    let mut rows = safe(rows);
    if look.wraps {
        // Of a very long name the rest of the table would have no room.
        rows.iter_mut()
            .filter_map(|row| row.first_mut())
            .for_each(|name| *name = shortened(name, look.width / 3));
    }
    let columns = widths(titles, &rows);
    let mut end = 0;
    let fits = |width: &&usize| {
        end += 2 + **width;
        end <= look.width
    };
    // A name and what it is stand side by side on any screen.
    let beside = columns.iter().take_while(fits).count().max(2);
    let columns = &columns[..beside];
    let mut text = look.dim(&cells(titles.iter().copied(), columns)).into_owned() + "\n";
    for row in &rows {
        text += &(cells(row.iter().map(String::as_str), columns) + "\n");
        let below = titles.iter().zip(row).skip(beside).filter(|(_, cell)| !cell.is_empty());
        let below: Vec<String> = below.map(|(title, cell)| format!("{title} {cell}")).collect();
        if !below.is_empty() {
            let indent = " ".repeat(2 + columns[0] + 2);
            let line = folded(&format!("{indent}{}", below.join(", ")), indent.len(), look);
            text += &(look.dim(&line).into_owned() + "\n");
        }
    }
    text
}

/// A name of at most so many columns: what is too long loses its middle, since names of a kind differ at their ends.
fn shortened(name: &str, most: usize) -> String {
    if name.width() <= most {
        return name.to_string();
    }
    // A name is made of letters, digits and `_`, and ` *` marks the current one.
    let chars: Vec<char> = name.chars().collect();
    let kept = most.saturating_sub(3);
    let (head, tail) =
        (&chars[..kept.div_ceil(2).min(chars.len())], &chars[chars.len() - (kept / 2).min(chars.len())..]);
    head.iter().chain(&['.'; 3]).chain(tail).collect()
}

/// All that is known of one connection.
pub fn story(socket: &str, story: &Story, look: &Look) -> String {
    let Story { state, local, peer, .. } = story;
    let mut text = format!("  {}  {state}, from {local} to {peer}\n", look.bold(socket));
    let tcp = story.tcp.as_ref().map(|tcp| format!("{}: {}", tcp.state, meaning(tcp.state)));
    text += &fact("TCP state", tcp.as_deref().unwrap_or(NOT_KNOWN), look);
    text += &fact("sent", &sent(story), look);
    if story.queued > 0 {
        let queued = format!("{} B more wait in lab2sh: this kernel takes no more", story.queued);
        text += &fact("unsent", &queued, look);
    }
    text += &fact("received", &received(story), look);
    let round_trip = match &story.tcp {
        Some(tcp) => tcp.round_trip.map(|rtt| {
            format!("{:.2} ms from here to the other kernel and back", rtt.as_secs_f64() * 1000.0)
        }),
        None => Some(NOT_KNOWN.to_string()),
    };
    text += &round_trip.map_or(String::new(), |round_trip| fact("round trip", &round_trip, look));
    let options: Vec<String> =
        story.options.iter().map(|(option, value)| format!("{option} {value}")).collect();
    text + &fact("options", &options.join(", "), look)
}

/// What arrived while a line was typed.
pub fn noticed(socket: &str, bytes: u64, how: Idle, is_current: bool, look: &Look) -> String {
    let at = if is_current { String::new() } else { format!("@{socket} ") };
    let text = match (how, bytes) {
        (Idle::Open, 1) => format!("1 B is waiting; `{at}recv` takes it"),
        (Idle::Open, bytes) => format!("{bytes} B are waiting; `{at}recv` takes them"),
        (Idle::Ended, _) => format!(
            "the peer sends no more: it has closed, or shut down its sending half; `{at}close` closes this end too"
        ),
        (Idle::Broken, _) => format!("the connection was reset or died; `{at}recv` says which"),
    };
    below(&format!("{socket}: {text}"), look)
}

/// What a TCP state says of the two sides.
fn meaning(state: &str) -> &'static str {
    match state {
        "ESTABLISHED" => "both sides may send",
        "FIN-WAIT-1" => {
            "this side said that it sends no more (FIN); the other kernel has not acknowledged that"
        }
        "FIN-WAIT-2" => "this side said that it sends no more (FIN); the other side may still send",
        "CLOSE-WAIT" => "the other side said that it sends no more (FIN); this side may still send",
        "CLOSING" => "both sides said at once that they send no more (FIN)",
        "LAST-ACK" => "both sides said that they send no more; the last FIN is not acknowledged",
        "TIME-WAIT" => "both sides are done; the kernel keeps the addresses for a minute, for late segments",
        "CLOSED" => "the connection is gone from the kernel: both sides are done, or it was reset",
        _ => "between two states",
    }
}

/// What became of the bytes that were sent, and what nobody knows of them.
fn sent(story: &Story) -> String {
    if story.sent == 0 {
        return "nothing".to_string();
    }
    let given = format!("{} B given to the kernel", story.sent);
    let Some(tcp) = &story.tcp else {
        return format!("{given}; what the other kernel acknowledged is {NOT_KNOWN}");
    };
    match tcp.unacked {
        None => format!("{given}, which no longer has this connection"),
        Some(0) => {
            format!("{given}, acknowledged by the other kernel; nothing says that the program read them")
        }
        Some(unacked) => {
            let waits = tcp.unsent.unwrap_or(0);
            let parts = [
                (story.sent.saturating_sub(unacked), "acknowledged by the other kernel"),
                (unacked.saturating_sub(waits), "under way"),
                (waits, "waiting here until there is room there"),
            ];
            let parts = parts.iter().filter(|(bytes, _)| *bytes > 0);
            let parts: Vec<String> = parts.map(|(bytes, what)| format!("{bytes} B {what}")).collect();
            format!("{given}: {}; nothing says what the program read", parts.join(", "))
        }
    }
}

fn received(story: &Story) -> String {
    let waiting = match story.unread {
        Some(unread) => format!("{unread} B wait unread in the kernel"),
        None => format!("what waits unread in the kernel is {NOT_KNOWN}"),
    };
    match story.buffered {
        0 => format!("{} B were read; {waiting}", story.received),
        buffered => {
            format!("{} B were read, {buffered} of them for the next step; {waiting}", story.received)
        }
    }
}

/// A word and what goes with it, broken between words where a terminal would break within one.
fn fact(label: &str, text: &str, look: &Look) -> String {
    let mut lines = format!("  {label:<LABEL$}");
    let mut at = 2 + LABEL;
    for (number, word) in text.split(' ').enumerate() {
        if number > 0 && look.wraps && at + 1 + word.width() > look.width {
            lines += &format!("\n{}", " ".repeat(2 + LABEL));
            at = 2 + LABEL;
        } else if number > 0 {
            lines.push(' ');
            at += 1;
        }
        lines += word;
        at += word.width();
    }
    lines + "\n"
}

/// How a message went out: late, with others, in pieces, or only its first bytes.
pub fn on_the_wire(dispatch: &Dispatch, look: &Look) -> String {
    below(&format!("on the wire: {}", went_out(dispatch)), look)
}

/// A line below the one that it says more of.
fn below(text: &str, look: &Look) -> String {
    look.dim(wrapped(" ", text, look).trim_end()).into_owned() + "\n"
}

/// What `recv N` took.
pub fn read(socket: &str, bytes: &[u8], asked: usize, taken: &Taken, took: Duration, look: &Look) -> String {
    let head = arrow(socket, "<-", AnsiColor::Green, look);
    if bytes.is_empty() {
        return row(&format!("{head}b''"), &format!("recv({asked}): the peer closed {:>8}", ms(took)), look);
    }
    let (shown, cut) = Value::Bytes(bytes.into()).repr_cut(SHOWN_VALUE);
    let left = format!("{head}{shown}{}", if cut { " ... (cut)" } else { "" });
    let right = format!("recv({asked}) gave {} B {:>8}", bytes.len(), ms(took));
    row(&left, &right, look) + &below(&what_was_taken(taken, bytes.len()), look)
}

/// What the bytes of one read are: part of a message, one, or several.
fn what_was_taken(taken: &Taken, len: usize) -> String {
    let Taken { began_at, whole, rest, is_message, size } = taken;
    let began_at = *began_at;
    let loads = "`pickle.loads` would take the first and drop the rest";
    let part = |from: usize, len: usize| match len {
        1 => format!("byte {from}"),
        _ => format!("bytes {from}-{}", from + len - 1),
    };
    // What follows the messages that ended here, which is the n-th of them.
    let tail = |nth: &str| match (rest, is_message) {
        (0, _) => String::new(),
        (rest, true) => format!(" and the first {rest} B of {nth}"),
        (rest, false) => format!(" and {rest} B that are no message"),
    };
    match (began_at, whole.as_slice()) {
        (_, []) if !is_message => "these bytes are no part of a message".to_string(),
        (from, []) => {
            let of = match size {
                Size::Exact(size) => format!("of {}", of_bytes(*size)),
                Size::AtLeast(size) if *size > from + len + 1 => format!("of a message of {size} B or more"),
                Size::AtLeast(_) => "of a message that goes on".to_string(),
            };
            format!("{} {of}", part(from, len))
        }
        (0, [one]) if *rest == 0 => format!("one whole message of {one} B"),
        (0, [one]) => format!("a message of {one} B{}: {loads}", tail("a second")),
        (0, several) => {
            let nth = if several.len() == 2 { "a third" } else { "another" };
            format!("{}{} in one read: {loads}", count(several.len() as u64, "message"), tail(nth))
        }
        (from, [one]) => {
            format!("{} of {}: its end{}", part(from, one - from), of_bytes(*one), tail("the next"))
        }
        (from, [one, more @ ..]) => {
            let more = count(more.len() as u64, "whole message");
            format!(
                "{} of {}: its end, then {more}{}",
                part(from, one - from),
                of_bytes(*one),
                tail("another")
            )
        }
    }
}

/// `a 29-byte message`, `an 11-byte message`.
fn of_bytes(size: usize) -> String {
    let digits = size.to_string();
    // Eight, eleven, eighteen, and these in thousands and millions.
    let is_an = digits.starts_with('8')
        || (digits.len() % 3 == 2 && (digits.starts_with("11") || digits.starts_with("18")));
    format!("{} {size}-byte message", if is_an { "an" } else { "a" })
}
