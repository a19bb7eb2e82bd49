//! A class as people see it: the banner, who arrives, how it stands.

use anstyle::AnsiColor;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Look, received};
use crate::event::{Arrival, ClassStatus, Message, What};
use crate::pattern::count;
use crate::value::escape;

/// How much of an identity an arrival shows at least, in columns, however narrow the screen.
const SHOWN_IDENTITY: usize = 20;

/// The lines that tell an event of a class.
pub fn event(what: &What, look: &Look) -> Option<String> {
    Some(match what {
        What::Serving { class, addresses, script, kept, .. } => {
            let mut text = format!("  {}  serves {}\n", look.bold(class), escape(script));
            for address in addresses {
                text += &format!("  students type: connect {address}\n");
            }
            if *kept > 0 {
                text += &format!("  the journal brought back {}\n", count(*kept as u64, "row"));
            }
            text
        }
        What::Arrival { arrival: it, .. } => arrival(it, look)?,
        // What waits behind it is of no use to a class; without it the line stays one line.
        What::SeatMessage { seat, message, .. } => {
            received(&format!("seat{seat}"), &Message { waiting: 0, ..message.clone() }, look)
        }
        What::ClassStatus { class, status, is_tick } => {
            let text = counts(status);
            // One that stays at the bottom has one row, and the cursor behind it.
            let room = look.width.saturating_sub(class.width() + 5);
            let text = if *is_tick { fit(&text, room) } else { text };
            format!("  {}  {text}\n", look.bold(class))
        }
        What::ClassClosed { class, status } => {
            format!("  {}  closed: {}\n", look.bold(class), counts(status))
        }
        What::Broadcast { value, reached, dropped, .. } => {
            let lost = match dropped {
                0 => String::new(),
                1 => "; 1 does not read and is given up".to_string(),
                _ => format!("; {dropped} do not read and are given up"),
            };
            let (shown, _) = value.repr_cut(super::SHOWN_VALUE);
            format!(
                "  {} {shown}  to {}{lost}\n",
                look.colored(AnsiColor::Blue, "->"),
                count(*reached as u64, "client")
            )
        }
        What::RosterSaved { file, rows } => {
            format!("  roster saved as {file}: {}\n", count(*rows as u64, "row"))
        }
        _ => return None,
    })
}

/// A line for one who arrived or failed; that it passed shows in the counts and in the table.
fn arrival(arrival: &Arrival, look: &Look) -> Option<String> {
    let name = format!("seat{}", arrival.seat);
    let seat = look.bold(&name);
    let reason = escape(&arrival.reason);
    // One row each, whatever a client calls itself.
    let who = |beside: &str| {
        let room = look.width.saturating_sub(4 + name.width() + beside.width()).max(SHOWN_IDENTITY);
        fit(&escape(&arrival.identity.shown()), room)
    };
    Some(match arrival.status {
        "passed" => return None,
        "failed" => {
            let peer = arrival.peer.map_or(String::new(), |peer| format!("  ({peer})"));
            format!("  {seat}  {}: {reason}{peer}\n", look.colored(AnsiColor::Red, "failed"))
        }
        "left early" => {
            let who = who(&format!("left early: {reason}  ()"));
            format!("  {seat}  {}: {reason}  ({who})\n", look.colored(AnsiColor::Yellow, "left early"))
        }
        _ => {
            let again = arrival.duplicate_of.map_or(String::new(), |first| format!("  (again: seat{first})"));
            format!("  {seat}  {}{again}\n", who(&again))
        }
    })
}

/// As much of a text as fits into so many columns.
fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_string();
    }
    let mut width = 0;
    let is_inside = |c: &char| {
        width += c.width().unwrap_or(0);
        width + 3 <= columns
    };
    let mut cut: String = text.chars().take_while(is_inside).collect();
    cut.push_str("...");
    cut
}

/// `12 here, 10 passed, 1 failed, 40 messages`.
pub fn counts(status: &ClassStatus) -> String {
    let mut text = format!("{} here, {} passed, {} failed", status.here, status.passed, status.failed);
    if status.refused > 0 {
        text += &format!(", {} turned away", status.refused);
    }
    if status.messages > 0 {
        text += &format!(", {}", count(status.messages, "message"));
    }
    if status.rate > 0 {
        text += &format!(" ({}/s)", status.rate);
    }
    text
}
