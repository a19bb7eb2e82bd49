//! A class server's state: who sits where, who is on the roster, what was promised, and when to stop.
//!
//! Many seats share one [`Class`]. Each seat is an interpreter of its own that runs the seat script; the roster, the journal and
//! the limits are the only things they have in common.

mod journal;
mod roster;
mod save;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use tokio::sync::Notify;

pub use journal::{Journal, Kept};
pub use roster::{Roster, Row, Status};
pub use save::save;

use crate::changes::Changes;
use crate::conversation::Conversation;
use crate::event::{Arrival, ClassStatus, Event, Identity, Name, Sink, What};
use crate::lab::Lab;
use crate::net::{Framing, Offer, WeakWriter, Writer, frame};

/// How many seat numbers are reserved in the journal at once, so that giving out one costs no wait for the disk.
const SEATS_RESERVED: u64 = 1000;
/// How many bytes may wait for one client that does not read before it is given up, beside what the kernel holds.
const QUEUE_MAX: usize = 256 << 10;
/// How long the seats may take to end, their clients' farewell of half a second included.
const EMPTY_MAX: Duration = Duration::from_millis(900);

/// How many clients may be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub clients: usize,
    /// From one address; `None` for any number.
    pub per_address: Option<usize>,
}

/// A class server's shared state.
pub struct Class {
    /// What the teacher called it.
    pub name: Name,
    /// Where it listens.
    pub local: SocketAddr,
    /// How many clients may be there.
    pub limits: Limits,
    state: Mutex<State>,
    journal: Option<Journal>,
    table: Option<PathBuf>,
    messages: AtomicU64,
    closing: AtomicBool,
    closed: Notify,
    changes: Changes,
    sink: Sink,
    /// What is kept of the conversation, with what its clients said.
    pub conversation: Option<Conversation>,
    /// When the interpreter began that serves it.
    pub started: Instant,
}

#[derive(Default)]
struct State {
    roster: Roster,
    seats: HashMap<u64, Seat, RandomState>,
    per_address: HashMap<IpAddr, usize, RandomState>,
    next_seat: u64,
    reserved: u64,
    refused: u64,
    refusal_told: Option<Instant>,
}

/// A client that is here.
struct Seat {
    writer: WeakWriter,
    framing: Framing,
    address: IpAddr,
}

/// What became of a broadcast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Broadcast {
    /// Clients that got it, or will once they read.
    pub reached: usize,
    /// Clients that were given up because they do not read.
    pub dropped: usize,
}

impl Class {
    /// A class that an interpreter serves, with what its journal brought back.
    pub fn new(
        lab: &Lab,
        name: Name,
        local: SocketAddr,
        limits: Limits,
        journal: Option<(Journal, Kept)>,
        table: Option<PathBuf>,
    ) -> Class {
        let mut state = State { next_seat: 1, ..State::default() };
        let journal = journal.map(|(journal, kept)| {
            state.next_seat = kept.seats + 1;
            state.reserved = kept.seats;
            for (seat, identity, passed) in kept.rows {
                state.roster.identify(seat, identity);
                if passed {
                    state.roster.pass(seat);
                } else {
                    state.roster.leave(seat, "the server ended first");
                }
            }
            journal
        });
        Class {
            name,
            local,
            limits,
            state: Mutex::new(state),
            journal,
            table,
            messages: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            closed: Notify::new(),
            changes: Changes::default(),
            sink: lab.sink(),
            conversation: lab.conversation.clone(),
            started: lab.started,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells that something happened in the class.
    pub fn emit(&self, what: What) {
        (self.sink)(Event { at: self.started.elapsed(), what });
    }

    /// A number that no client ever had or will have again. Reserves more in the journal when they run out.
    pub async fn next_seat(&self) -> Result<u64, String> {
        let up_to = {
            let state = self.state();
            (self.journal.is_some() && state.next_seat > state.reserved)
                .then_some(state.next_seat + SEATS_RESERVED)
        };
        if let (Some(up_to), Some(journal)) = (up_to, &self.journal) {
            journal.seats(up_to).await?;
            self.state().reserved = up_to;
        }
        let mut state = self.state();
        let seat = state.next_seat;
        state.next_seat += 1;
        Ok(seat)
    }

    /// Why one more client from this address may not come, if it may not.
    pub fn refuses(&self, address: IpAddr) -> Option<String> {
        let state = self.state();
        if state.seats.len() >= self.limits.clients {
            return Some(format!("class full: {} clients are here", state.seats.len()));
        }
        let here = state.per_address.get(&address).copied().unwrap_or(0);
        match self.limits.per_address {
            Some(most) if here >= most => Some(format!("{here} clients from this address are here already")),
            _ => None,
        }
    }

    /// Counts a refused client; whether it is time to tell of it, with how many were refused so far (once a second at most).
    pub fn refuse(&self) -> Option<u64> {
        let mut state = self.state();
        state.refused += 1;
        let is_due = state.refusal_told.is_none_or(|told| told.elapsed() >= Duration::from_secs(1));
        is_due.then(|| {
            state.refusal_told = Some(Instant::now());
            state.refused
        })
    }

    /// A client sits down.
    pub fn sit(&self, seat: u64, peer: SocketAddr, writer: &Writer, framing: Framing) {
        let mut state = self.state();
        state.roster.connect(seat, peer);
        *state.per_address.entry(peer.ip()).or_default() += 1;
        state.seats.insert(seat, Seat { writer: writer.downgrade(), framing, address: peer.ip() });
    }

    /// A client said who it is: on disk first, where there is a journal, then on the roster.
    pub async fn identify(&self, seat: u64, identity: Identity) -> Result<(), String> {
        if let Some(journal) = &self.journal {
            journal
                .identity(seat, &identity)
                .await
                .map_err(|why| format!("the journal cannot keep it: {why}"))?;
        }
        let arrival = self.state().roster.identify(seat, identity).map(arrival);
        self.tell(arrival);
        Ok(())
    }

    /// A client passed: on disk first, where there is a journal, so that it can be told then.
    pub async fn pass(&self, seat: u64) -> Result<(), String> {
        let is_identified =
            self.with_roster(|roster| roster.row(seat).is_some_and(|row| row.status == Status::Identified));
        if !is_identified {
            return Err("it is not on the roster: `roster VALUE` comes before `roster passed`".to_string());
        }
        if let Some(journal) = &self.journal {
            journal
                .passed(seat)
                .await
                .map_err(|why| format!("the journal cannot keep that it passed: {why}"))?;
        }
        let arrival = self.state().roster.pass(seat).map(arrival);
        self.tell(arrival);
        Ok(())
    }

    /// A client is gone, for this reason.
    pub fn leave(&self, seat: u64, reason: &str) {
        let arrival = {
            let mut state = self.state();
            if let Some(gone) = state.seats.remove(&seat)
                && let Some(count) = state.per_address.get_mut(&gone.address)
            {
                *count -= 1;
                if *count == 0 {
                    state.per_address.remove(&gone.address);
                }
            }
            state.roster.leave(seat, reason).as_ref().map(arrival)
        };
        self.tell(arrival);
    }

    fn tell(&self, arrival: Option<Arrival>) {
        if let Some(arrival) = arrival {
            self.emit(What::Arrival { class: self.name.clone(), arrival });
        }
        self.changes.tell();
    }

    /// Counts a message that a client sent in listening mode.
    pub fn count_message(&self) {
        self.messages.fetch_add(1, Ordering::Relaxed);
    }

    /// The sending half of a client that is here, with the framing it uses.
    pub fn seat(&self, seat: u64) -> Option<(Writer, Framing)> {
        let state = self.state();
        let seat = state.seats.get(&seat)?;
        Some((seat.writer.upgrade()?, seat.framing))
    }

    /// Offers a message to everyone but `except`. One who does not read is given up: the others do not wait for it.
    pub fn broadcast(&self, payload: &[u8], except: Option<u64>) -> Broadcast {
        let seats: Vec<(Writer, Framing)> = {
            let state = self.state();
            let others = state.seats.iter().filter(|(seat, _)| Some(**seat) != except);
            others.filter_map(|(_, seat)| Some((seat.writer.upgrade()?, seat.framing))).collect()
        };
        let mut outcome = Broadcast::default();
        for (writer, framing) in seats {
            match writer.offer(&frame(framing, payload.to_vec()), QUEUE_MAX) {
                Offer::Sent => outcome.reached += 1,
                Offer::Queued => {
                    outcome.reached += 1;
                    tokio::spawn(async move { writer.drain().await });
                }
                Offer::Full => {
                    outcome.dropped += 1;
                    // The seat's own task sees the end and gives the reason.
                    let _ = writer.shutdown(std::net::Shutdown::Both);
                }
                Offer::Broken => {}
            }
        }
        outcome
    }

    /// Asks every seat to end.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.closed.notify_waiters();
        self.changes.tell();
    }

    /// Whether it was asked to end.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Waits until it is asked to end.
    pub async fn closing(&self) {
        let notified = self.closed.notified();
        if !self.is_closing() {
            notified.await;
        }
    }

    /// Waits until `holds` of the counts, or until the class ends.
    pub async fn wait_until(&self, holds: impl Fn(&ClassStatus) -> bool) -> bool {
        let look = || if holds(&self.status()) { Some(true) } else { self.is_closing().then_some(false) };
        self.changes.until(look).await
    }

    /// Waits until nobody is here any more.
    pub async fn empty(&self) {
        self.changes.until(|| self.state().seats.is_empty().then_some(())).await;
    }

    /// The counts.
    pub fn status(&self) -> ClassStatus {
        let state = self.state();
        ClassStatus {
            here: state.seats.len(),
            count: state.roster.count,
            passed: state.roster.passed,
            failed: state.roster.failed,
            refused: state.refused,
            messages: self.messages.load(Ordering::Relaxed),
            rate: 0,
        }
    }

    /// Calls `read` with the roster.
    pub fn with_roster<T>(&self, read: impl FnOnce(&Roster) -> T) -> T {
        read(&self.state().roster)
    }

    /// Ends the class: every seat says farewell, and the roster is saved beside the journal where there is one.
    pub async fn end(&self) {
        self.close();
        // A seat that hangs keeps neither the others nor the roster.
        let _ = tokio::time::timeout(EMPTY_MAX, self.empty()).await;
        if let Some(table) = &self.table {
            let shown = crate::value::escape(&table.to_string_lossy()).into_owned();
            self.emit(match self.save(table) {
                Ok(rows) => What::RosterSaved { file: shown, rows },
                Err(why) => {
                    let message = format!("cannot save the roster as `{shown}`: {why}");
                    What::Warning {
                        socket: Some(self.name.clone()),
                        message,
                        hint: Some("the journal has every row".into()),
                    }
                }
            });
        }
        self.emit(What::ClassClosed { class: self.name.clone(), status: self.status() });
    }

    /// Writes the roster to a file.
    pub fn save(&self, path: &Path) -> Result<usize, String> {
        let rows: Vec<Row> = self.with_roster(|roster| roster.students().cloned().collect());
        save(path, rows.iter())
    }
}

fn arrival(row: &Row) -> Arrival {
    Arrival {
        seat: row.seat,
        status: row.status.word(),
        reason: row.reason.clone(),
        identity: row.identity.clone(),
        duplicate_of: row.duplicate_of,
        peer: row.peer,
    }
}
