//! The conversation so far: a bounded log of what happened on every socket, which `explain`, `hex` and `flow` look back on.

use std::collections::VecDeque;
use std::collections::hash_map::{self, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::event::{Event, Failure, FailureFacts, Message, Name, What, Wire};
use crate::net::Framing;
use crate::value::Value;

/// How many entries are kept: a lecture has some hundred, and a picture of more is no longer read. An entry takes about
/// half a kilobyte, so that a class server of 10,000 clients spends 4 MB on it.
pub const ENTRIES_MAX: usize = 8_192;
/// How many sockets are remembered whose opening was dropped: more lanes than a picture can show.
pub const OPENINGS_MAX: usize = 1_024;
/// How many bytes all entries may take together, what was on the wire included.
pub const BYTES_MAX: usize = 16 << 20;
/// How many bytes of one message are kept. Class programs send up to 5,382 B.
pub const WIRE_MAX: usize = 1 << 20;

/// What a seat script calls the connection to its client.
pub const SEAT_SOCKET: &str = "me";

/// A conversation that several interpreters add to: those of a class's clients beside that of the class.
#[derive(Clone, Debug, Default)]
pub struct Conversation(Arc<Mutex<Log>>);

/// One thing that happened.
#[derive(Debug)]
pub struct Entry {
    /// Since the conversation began.
    pub at: Duration,
    /// What. A message's value and a read's bytes are left out here: they are in its [`Wire`].
    pub what: What,
    weight: usize,
}

/// The entries, oldest first, and what is left of those that were dropped.
#[derive(Debug)]
pub struct Log {
    began: Instant,
    entries: VecDeque<Entry>,
    /// Sockets that may still be open and whose opening was dropped; by name, because a class server forgets thousands of
    /// them a second.
    openings: IndexMap<Name, Opening, RandomState>,
    /// The place among them whose turn it is to make room: in a round, so that each leaves after about as many others.
    next_out: usize,
    weight: usize,
    dropped: u64,
    /// How many of those that were dropped are messages, as a picture counts them.
    messages: usize,
    /// When the first entry of all was added.
    first_at: Option<Duration>,
    /// How many ends of a connection are among the openings, by the address of the one that connected, which both know.
    ends: HashMap<SocketAddr, u8, RandomState>,
}

/// How a socket was opened whose opening was dropped, and what it did until the first entry.
#[derive(Debug)]
struct Opening {
    entry: Entry,
    carried: Carried,
    /// The address by which its other end is known too, if it is here.
    connects_from: Option<SocketAddr>,
}

/// Bytes that a socket carried before the first entry that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Sent.
    pub sent: u64,
    /// Received.
    pub received: u64,
}

impl Default for Log {
    fn default() -> Log {
        Log {
            began: Instant::now(),
            entries: VecDeque::new(),
            openings: IndexMap::default(),
            next_out: 0,
            weight: 0,
            dropped: 0,
            messages: 0,
            first_at: None,
            ends: HashMap::default(),
        }
    }
}

impl Conversation {
    /// One whose time begins then.
    pub fn since(began: Instant) -> Conversation {
        Conversation(Arc::new(Mutex::new(Log { began, ..Log::default() })))
    }

    /// Keeps what happened, if it belongs to a picture of the conversation.
    pub fn keep(&self, event: &Event) {
        if let Some(kept) = slim(&event.what) {
            self.look().add(event.at, kept);
        }
    }

    /// The same of what happened in a seat's interpreter: there the socket is called `me`, here it is called as the class
    /// calls it.
    pub fn keep_of_seat(&self, event: &Event, seat: &Name) {
        if let Some(mut kept) = slim(&event.what) {
            if let Some(name) = kept.socket_mut().filter(|name| **name == SEAT_SOCKET) {
                name.clone_from(seat);
            }
            self.look().add(event.at, kept);
        }
    }

    /// Bytes as they are kept.
    pub fn wire(&self, bytes: &[u8], codec: &'static str, framing: Framing) -> Wire {
        let kept = &bytes[..bytes.len().min(WIRE_MAX)];
        Wire { bytes: kept.into(), total: bytes.len(), codec, framing, head: None }
    }

    /// The log, for as long as the guard lives: nobody adds to it meanwhile.
    pub fn look(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// Everything that is kept, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// What is kept of the time since then, oldest first.
    pub fn entries_since(&self, begin: Option<Instant>) -> impl Iterator<Item = &Entry> {
        let begin = begin.map_or(Duration::ZERO, |begin| begin.saturating_duration_since(self.began));
        self.entries.iter().filter(move |entry| entry.at >= begin)
    }

    /// How sockets were opened that are older than the first entry, oldest first.
    pub fn openings(&self) -> impl Iterator<Item = &Entry> {
        let mut openings: Vec<&Entry> = self.openings.values().map(|opening| &opening.entry).collect();
        openings.sort_by_key(|entry| entry.at);
        openings.into_iter()
    }

    /// What a socket had carried by the first entry.
    pub fn carried(&self, socket: &str) -> Carried {
        self.openings.get(socket).map(|opening| opening.carried).unwrap_or_default()
    }

    /// How many entries were dropped, the oldest first, to stay within the limits.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many messages were dropped.
    pub fn messages_dropped(&self) -> usize {
        self.messages
    }

    /// When the first entry was added, dropped or not.
    pub fn first_at(&self) -> Duration {
        self.first_at.unwrap_or_default()
    }

    fn add(&mut self, at: Duration, what: What) {
        let weight = weight(&what);
        self.first_at.get_or_insert(at);
        self.weight += weight;
        // Before it is added, so that the room never doubles for one entry too many.
        while (self.entries.len() == ENTRIES_MAX || self.weight > BYTES_MAX)
            && let Some(oldest) = self.entries.pop_front()
        {
            self.weight -= oldest.weight;
            self.dropped += 1;
            self.outlive(oldest);
        }
        self.entries.push_back(Entry { at, what, weight });
    }

    /// Of what is dropped, how a socket was opened and how much it carried is kept until its end is dropped too.
    fn outlive(&mut self, dropped: Entry) {
        match &dropped.what {
            What::Connected { .. }
            | What::Accepted { .. }
            | What::Listening { .. }
            | What::Serving { .. } => self.outlive_opening(dropped),
            What::Sent { socket, message } => {
                self.messages += 1;
                self.carry(socket, |carried| carried.sent += message.bytes as u64);
            }
            What::Begun { socket, wire, .. } => {
                self.messages += 1;
                self.carry(socket, |carried| carried.sent += wire.total as u64);
            }
            What::Received { socket, message } => {
                let from = self.carry(socket, |carried| carried.received += message.bytes as u64);
                self.messages += usize::from(!self.is_sent_here(from));
            }
            What::Read { socket, wire: Some(wire), .. } => {
                let from = self.carry(socket, |carried| carried.received += wire.total as u64);
                self.messages += usize::from(wire.total > 0 && !self.is_sent_here(from));
            }
            What::Closed { socket, .. }
            | What::Aborted { socket }
            | What::ClassClosed { class: socket, .. } => self.forget(socket),
            _ => {}
        }
    }

    fn outlive_opening(&mut self, entry: Entry) {
        let Some(name) = entry.what.socket().cloned() else { return };
        let connects_from = match &entry.what {
            What::Connected { local: from, .. } | What::Accepted { peer: from, .. } => {
                Some(SocketAddr::new(from.ip().to_canonical(), from.port()))
            }
            _ => None,
        };
        if self.openings.len() == OPENINGS_MAX && !self.openings.contains_key(&name) {
            // The newest one stands at the end, and takes the place of the one that leaves.
            let left_out = self.openings.swap_remove_index(self.next_out);
            self.next_out = (self.next_out + 1) % (OPENINGS_MAX - 1);
            self.forget_end(left_out.and_then(|(_, opening)| opening.connects_from));
        }
        connects_from.into_iter().for_each(|from| *self.ends.entry(from).or_default() += 1);
        let before =
            self.openings.insert(name, Opening { entry, carried: Carried::default(), connects_from });
        self.forget_end(before.and_then(|before| before.connects_from));
    }

    /// Counts what a socket carried; the address by which its other end is known too.
    fn carry(&mut self, socket: &str, count: impl FnOnce(&mut Carried)) -> Option<SocketAddr> {
        let opening = self.openings.get_mut(socket)?;
        count(&mut opening.carried);
        opening.connects_from
    }

    /// Whether both ends of a connection are here, so that what one receives the other has sent.
    fn is_sent_here(&self, connects_from: Option<SocketAddr>) -> bool {
        connects_from.and_then(|from| self.ends.get(&from)).is_some_and(|ends| *ends > 1)
    }

    fn forget(&mut self, socket: &str) {
        if let Some(opening) = self.openings.swap_remove(socket) {
            self.forget_end(opening.connects_from);
        }
    }

    fn forget_end(&mut self, connects_from: Option<SocketAddr>) {
        if let Some(from) = connects_from
            && let hash_map::Entry::Occupied(mut ends) = self.ends.entry(from)
        {
            *ends.get_mut() -= 1;
            if *ends.get() == 0 {
                ends.remove();
            }
        }
    }
}

/// What is kept of something that happened; `None` for what is no part of a conversation. Values are left out: a value may take
/// many times the memory of its bytes, which are kept.
fn slim(what: &What) -> Option<What> {
    Some(match what {
        What::Sent { socket, message } => {
            What::Sent { socket: socket.clone(), message: without_value(message) }
        }
        What::Received { socket, message } => {
            What::Received { socket: socket.clone(), message: without_value(message) }
        }
        What::Read { socket, wire, asked, taken, took, .. } => What::Read {
            socket: socket.clone(),
            bytes: Vec::new(),
            wire: wire.clone(),
            asked: *asked,
            taken: taken.clone(),
            took: *took,
        },
        What::Phase(_)
        | What::Said(_)
        | What::Connected { .. }
        | What::Listening { .. }
        | What::Accepted { .. }
        | What::Begun { .. }
        | What::Ended { .. }
        | What::ListenedOut { .. }
        | What::Quiet { .. }
        | What::Closed { .. }
        | What::Discarded { .. }
        | What::ShutDown { .. }
        | What::Aborted { .. }
        | What::Serving { .. }
        | What::Arrival { .. }
        | What::Broadcast { .. }
        | What::ClassClosed { .. }
        | What::FailedAsAllowed { .. }
        | What::Failed(_) => what.clone(),
        _ => return None,
    })
}

fn without_value(message: &Message) -> Message {
    Message {
        value: Value::None,
        actions: message.actions.clone(),
        notes: message.notes.clone(),
        wire: message.wire.clone().map(|wire| wire.headed(&message.value)),
        dispatch: message.dispatch.clone(),
        ..*message
    }
}

/// What an entry takes, in bytes: itself and what a peer or a script decides the length of.
fn weight(what: &What) -> usize {
    let wire =
        what.wire().map_or(0, |(_, wire)| wire.bytes.len() + wire.head.as_ref().map_or(0, |head| head.len()));
    let told = match what {
        What::Phase(text) | What::Said(text) => text.len(),
        What::Sent { message, .. } | What::Received { message, .. } => {
            message.actions.iter().chain(&message.notes).map(String::len).sum()
        }
        What::Failed(failure) | What::FailedAsAllowed { failure, .. } => told(failure),
        _ => 0,
    };
    size_of::<Entry>() + wire + told
}

fn told(failure: &Failure) -> usize {
    let details: usize = failure.details.iter().map(|(_, text)| text.len()).sum();
    let place = failure.place.as_ref().map_or(0, |place| place.text.len());
    size_of::<FailureFacts>() + failure.message.len() + details + place
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What opens both ends of a connection: the one that connects, and the one that is accepted.
    fn pair(number: u16) -> [What; 2] {
        let (from, to) = (([127, 0, 0, 1], number).into(), ([127, 0, 0, 1], 1).into());
        let (took, host, listener) = (Duration::ZERO, String::new(), Name::const_new("srv"));
        [
            What::Connected { socket: format!("c{number}").into(), peer: to, local: from, host, took },
            What::Accepted { socket: format!("s{number}").into(), listener, peer: from, took },
        ]
    }

    #[test]
    fn a_message_between_two_ends_counts_once_however_many_are_open() {
        let conversation = Conversation::default();
        let keep = |what| conversation.keep(&Event { at: Duration::ZERO, what });
        let pairs = u16::try_from(OPENINGS_MAX).unwrap();
        (1..=pairs).flat_map(pair).for_each(keep);
        let message = || Message::given(Value::None, 4, "pickle", Some(3));
        for _ in 0..ENTRIES_MAX {
            keep(What::Sent { socket: format!("c{pairs}").into(), message: message() });
            keep(What::Received { socket: format!("s{pairs}").into(), message: message() });
        }
        let log = conversation.look();
        let kept = log.entries().filter(|entry| matches!(entry.what, What::Sent { .. })).count();
        assert_eq!(log.messages_dropped() + kept, ENTRIES_MAX);
        let carried = 4 * (ENTRIES_MAX - kept) as u64;
        assert_eq!(log.carried(&format!("c{pairs}")), Carried { sent: carried, received: 0 });
        assert_eq!(log.openings().count(), OPENINGS_MAX);
    }

    #[test]
    fn an_opening_leaves_when_as_many_others_came() {
        let conversation = Conversation::default();
        let pairs = u16::try_from(ENTRIES_MAX).unwrap();
        for what in (1..=pairs).flat_map(pair) {
            conversation.keep(&Event { at: Duration::ZERO, what });
        }
        let log = conversation.look();
        let oldest = usize::from(pairs) - ENTRIES_MAX / 2 - OPENINGS_MAX;
        let number =
            |entry: &Entry| entry.what.socket().and_then(|name| name[1..].parse::<usize>().ok()).unwrap();
        assert!(log.openings().all(|entry| number(entry) > oldest), "one of long ago is left");
    }
}
