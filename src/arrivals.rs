//! What arrives while nobody runs a step: a word above the line that is being typed. Nothing is read, so the bytes stay where they are.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use crate::event::What;
use crate::lab::{Binding, Lab};
use crate::net::{Connection, Idle};

/// How often an idle prompt looks: soon enough for a person, and a few system calls a second for the processor.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What was told of each connection, which its two addresses name.
#[derive(Default)]
pub struct Arrivals(HashMap<(SocketAddr, SocketAddr), Told>);

#[derive(Clone, Copy, Default)]
struct Told {
    /// Bytes of the stream, from its start, that a person knows of.
    known: u64,
    /// Bytes of the stream that were here at the last look.
    seen: u64,
    /// Whether the end of the stream was told.
    end: bool,
}

impl Arrivals {
    /// Waits for `reading`, and tells meanwhile what arrives.
    pub async fn tell_while<T>(&mut self, lab: &Lab, reading: impl Future<Output = T>) -> T {
        let mut reading = pin!(reading);
        loop {
            tokio::select! {
                biased;
                read = &mut reading => return read,
                () = tokio::time::sleep(LOOK_EVERY) => self.look(lab),
            }
        }
    }

    fn look(&mut self, lab: &Lab) {
        let before = std::mem::take(&mut self.0);
        for (name, binding) in lab.names() {
            let Binding::Connection(link) = binding else { continue };
            let connection = &link.connection;
            let key = (connection.local, connection.peer);
            let mut told = before.get(&key).copied().unwrap_or_default();
            if let Some((bytes, how)) = told.look(connection) {
                let is_current = lab.current.as_deref() == Some(name);
                lab.emit(What::Noticed { socket: name.into(), bytes, how, is_current });
            }
            self.0.insert(key, told);
        }
    }
}

impl Told {
    /// What is new: bytes that wait, or the end of the stream. What arrives at once is told at once; while more and more
    /// arrives it is told again only when that pauses, so that a flood is no flood of words.
    fn look(&mut self, connection: &Connection) -> Option<(u64, Idle)> {
        let (buffered, unread) = connection.waiting();
        let unread = unread?;
        let here = connection.received + unread;
        let is_first = self.known <= connection.received;
        let is_told = unread > 0 && here > self.known && (is_first || here == self.seen);
        self.seen = here;
        if is_told || unread == 0 {
            self.known = self.known.max(here);
        }
        if is_told {
            return Some((unread + buffered as u64, Idle::Open));
        }
        // What a step has met of the end, it has told.
        let how = connection.look().filter(|how| *how != Idle::Open && connection.end().is_none())?;
        (!std::mem::replace(&mut self.end, true)).then_some((0, how))
    }
}
