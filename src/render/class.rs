//! A class as people see it: the banner, who arrives, how it stands.

use anstyle::AnsiColor;

use super::{Look, received};
use crate::event::{Arrival, ClassStatus, Message, What};
use crate::pattern::count;
use crate::value::escape;

/// How much of an identity an arrival shows, in characters.
const SHOWN_IDENTITY: usize = 100;

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
        What::ClassStatus { class, status, .. } => format!("  {}  {}\n", look.bold(class), counts(status)),
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
    let who: String = escape(&arrival.who).chars().take(SHOWN_IDENTITY).collect();
    let seat = format!("seat{}", arrival.seat);
    let seat = look.bold(&seat);
    let reason = escape(&arrival.reason);
    Some(match arrival.status {
        "passed" => return None,
        "failed" => {
            let peer = arrival.peer.map_or(String::new(), |peer| format!("  ({peer})"));
            format!("  {seat}  {}: {reason}{peer}\n", look.colored(AnsiColor::Red, "failed"))
        }
        "left early" => {
            format!("  {seat}  {}: {reason}  ({who})\n", look.colored(AnsiColor::Yellow, "left early"))
        }
        _ => {
            let again = arrival.duplicate_of.map_or(String::new(), |first| format!("  (again: seat{first})"));
            format!("  {seat}  {who}{again}\n")
        }
    })
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
    text
}
