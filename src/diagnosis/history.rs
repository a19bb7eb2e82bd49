//! What the conversation tells of a program: which side it is, what was sent to it and by it since it began.

use std::time::{Duration, Instant};

use super::Role;
use crate::conversation::Log;
use crate::event::{What, Wire};
use crate::pickle;

/// Messages that are sent within this time of each other, with nothing received between, may come in one read.
const TOGETHER: Duration = Duration::from_millis(50);
/// Of so many messages that were sent since something came is looked what they hold.
const SENT_KEPT: usize = 16;

/// Who connected to whom: on this connection, else on the one that was opened last.
pub fn role(log: &Log, link: Option<&str>) -> Role {
    let (mut found, mut has_listened) = (None, false);
    let mut own_ports: Vec<(&str, u16)> = Vec::new();
    for entry in log.openings().chain(log.entries()) {
        match &entry.what {
            What::Listening { socket, local } | What::Serving { class: socket, local, .. } => {
                own_ports.push((socket, local.port()));
                has_listened = true;
            }
            // Another program may listen there from now on.
            What::Closed { socket, .. } => own_ports.retain(|(name, _)| name != socket),
            What::Connected { socket, peer, .. } if link.is_none_or(|name| name == socket) => {
                // A connection to a listener of our own says nothing of another program.
                let is_own = own_ports.iter().any(|(_, port)| *port == peer.port());
                found = if is_own { found } else { Some(Role::Server) };
            }
            What::Accepted { socket, .. } if link.is_none_or(|name| name == socket) => {
                found = Some(Role::Client)
            }
            What::Arrival { .. } if link.is_none() => found = Some(Role::Client),
            _ => {}
        }
    }
    found.unwrap_or(if has_listened { Role::Client } else { Role::Unknown })
}

/// What was sent on a connection, or on any, and how it stands.
#[derive(Default)]
pub struct History {
    /// What was sent since something came, the last at the end.
    pub sent: Vec<Wire>,
    /// What came last.
    pub received: Option<Wire>,
    /// Whether the last messages were sent together, or in one write.
    pub together: bool,
    /// Whether it was closed here, and none was opened since.
    pub closed: bool,
    /// Whether any connection was closed here.
    pub has_left: bool,
}

/// The history of a connection, or of all, since the program began.
pub fn history(log: &Log, link: Option<&str>, since: Option<Instant>) -> History {
    let mut history = History::default();
    let mut has_left = false;
    let mut last_sent: Option<(String, Duration)> = None;
    let mut has_come = true;
    for entry in log.entries_since(since) {
        let Some(socket) = entry.what.socket() else { continue };
        has_left |= matches!(entry.what, What::Closed { .. } | What::Aborted { .. } | What::ShutDown { .. });
        if link.is_some_and(|name| name != socket) {
            continue;
        }
        match &entry.what {
            What::Sent { message, .. } => {
                let before = last_sent.replace((socket.to_string(), entry.at));
                let is_close =
                    before.is_some_and(|(name, at)| name == socket && entry.at.saturating_sub(at) < TOGETHER);
                history.together = is_close || message.wire.as_ref().is_some_and(holds_several);
                if std::mem::take(&mut has_come) || history.sent.len() == SENT_KEPT {
                    history.sent.clear();
                }
                history.sent.extend(message.wire.clone());
            }
            What::Received { .. } | What::Read { .. } => {
                last_sent = None;
                has_come = true;
                history.received = entry.what.wire().map(|(_, wire)| wire.clone());
            }
            // What a seat could not read.
            What::Failed(failure) => history.received = failure.wire.clone().or(history.received),
            // The name of a socket that was closed may be used again.
            What::Connected { .. } | What::Accepted { .. } if link.is_some() => history = History::default(),
            What::Connected { .. } | What::Accepted { .. } => history.closed = false,
            What::Closed { .. } | What::Aborted { .. } | What::ShutDown { .. } | What::ClassClosed { .. } => {
                history.closed = true;
            }
            _ => {}
        }
    }
    History { has_left, ..history }
}

/// Whether another pickle follows the first: sent as bytes, the two come in one read.
fn holds_several(wire: &Wire) -> bool {
    let first = pickle::decode(&wire.bytes).map_or(0, |decoded| decoded.len);
    first > 0 && pickle::decode(&wire.bytes[first..]).is_ok()
}
