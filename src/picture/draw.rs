//! From the log of a conversation to its sequence diagram.

use std::collections::HashMap;
use std::time::Duration;

use super::body;
use super::people::{self, People};
use super::sheet::Sheet;
use super::stream::{Stream, Taken};
use super::words::{TEXT_MAX, goes, lost, of, seen, short, text, went_out};
use crate::conversation::{Entry, Log};
use crate::event::{self, Failure, FailureKind, Half, Message, Met, What, Wire};
use crate::net;
use crate::sequence::{Arrival, Body, Marked, Role, Sequence, Shown, Travels};

/// Draws everything that the log still has.
pub fn draw(log: &Log) -> Sequence {
    let people = people::meet(log.openings().chain(log.entries()));
    let mut drawing = Drawing {
        sheet: Sheet::new(people.lanes.clone(), log.messages_dropped()),
        ends: people.ends.iter().map(|_| Open::default()).collect(),
        people,
        current: HashMap::new(),
        opened: 0,
        began: log.first_at(),
    };
    drawing.were_always_open();
    log.openings().for_each(|entry| drawing.was_open(&entry.what));
    drawing.carries(log);
    log.entries().for_each(|entry| drawing.entry(entry));
    drawing.sheet.finish(log.dropped())
}

/// A drawing under way.
struct Drawing {
    people: People,
    sheet: Sheet,
    /// What is known of each end of a connection, in the order of [`People::ends`].
    ends: Vec<Open>,
    /// The end that a name means now.
    current: HashMap<String, usize>,
    /// How many ends were opened so far.
    opened: usize,
    began: Duration,
}

/// An end of a connection while it is drawn.
#[derive(Debug, Default)]
struct Open {
    /// What it sent.
    stream: Stream,
    /// The row of the FIN or the RST that it sent.
    goodbye: Option<usize>,
    /// Whether it saw the other end's.
    has_seen_end: bool,
    /// Whether it met an RST: it has nobody to say goodbye to.
    was_reset: bool,
    /// Whether it sent something to an end that was closed, which is answered with an RST.
    is_unheard: bool,
    is_closed: bool,
}

impl Drawing {
    /// Sockets that nothing tells the opening of.
    fn were_always_open(&mut self) {
        for (name, end) in self.people.unknown.clone() {
            self.sheet.alive(self.people.ends[end].lane, 0);
            self.sheet.alive(self.people.ends[end].beyond, 0);
            self.current.insert(name, end);
        }
    }

    /// A socket that is older than the first row.
    fn was_open(&mut self, what: &What) {
        match what {
            What::Connected { socket, .. } | What::Accepted { socket, .. } => {
                let end = self.open(socket);
                self.sheet.alive(self.people.ends[end].lane, 0);
                self.sheet.alive(self.people.ends[end].beyond, 0);
            }
            What::Listening { socket, .. } | What::Serving { class: socket, .. } => {
                if let Some(lane) = self.people.find(socket) {
                    self.sheet.alive(lane, 0);
                }
            }
            _ => {}
        }
    }

    /// Bytes that were sent before the first row and not read by then.
    fn carries(&mut self, log: &Log) {
        let received: HashMap<usize, u64> =
            self.current.iter().map(|(name, end)| (*end, log.carried(name).received)).collect();
        for (name, end) in &self.current {
            let read =
                self.people.ends[*end].partner.and_then(|partner| received.get(&partner)).unwrap_or(&0);
            self.ends[*end].stream.begins_with(log.carried(name).sent.saturating_sub(*read));
        }
    }

    fn entry(&mut self, entry: &Entry) {
        self.sheet.at = entry.at.saturating_sub(self.began);
        match &entry.what {
            What::Phase(title) => self.sheet.row(Shown::Phase(text(title))),
            What::Listening { socket, local } => self.listening(socket, format!("listening on {local}")),
            What::Serving { class, local, .. } => self.listening(class, format!("serving on {local}")),
            What::Connected { socket, .. } => self.connected(socket),
            What::Accepted { socket, peer, .. } => self.accepted(socket, &peer.to_string()),
            What::Broadcast { class, value, reached, .. } => {
                let (value, is_cut) = value.repr_cut(TEXT_MAX);
                let more = if is_cut { "..." } else { "" };
                self.mark_name(class, Marked::Says, format!("broadcast {value}{more} to {reached}"));
            }
            What::Arrival { arrival, .. } => self.arrival(arrival),
            What::ClassClosed { class, .. } => self.closed_listener(class),
            What::FailedAsAllowed { failure, .. } | What::Failed(failure) => self.failed(failure),
            other => self.on_socket(other),
        }
    }

    /// What happens on a connection.
    fn on_socket(&mut self, what: &What) {
        let Some(name) = what.socket() else { return };
        let Some(end) = self.end(name) else {
            if let What::Closed { .. } = what {
                self.closed_listener(name);
            }
            return;
        };
        match what {
            What::Sent { message, .. } => self.sent(end, message),
            What::Begun { wire, given, .. } => self.begun(end, wire, *given),
            What::Received { message, .. } => self.received(end, message),
            What::Read { wire: Some(wire), asked, taken, .. } if wire.total > 0 => {
                self.read(end, *asked, taken.whole.len(), wire);
            }
            What::Read { asked, .. } => self.saw_end(end, net::End::Closed, format!("recv({asked}): b''")),
            What::Ended { end: how, .. } => self.saw_end(end, *how, seen(*how).to_string()),
            What::ListenedOut { messages, .. } => {
                let text = format!("time is up after {}", crate::pattern::count(*messages, "message"));
                self.mark(end, Marked::Silence, text, None);
            }
            What::Quiet { .. } => self.mark(end, Marked::Silence, "nothing arrived, as wanted".into(), None),
            What::Closed { dropped, unsent, .. } => {
                let lost = lost(*unsent, *dropped);
                // With bytes that nobody read, it is RST.
                let fin = if lost.is_empty() { " (FIN)" } else { "" };
                self.goodbye(end, Travels::Fin, format!("close{fin}{lost}"));
                self.closed(end);
            }
            What::Discarded { bytes, .. } => self.discarded(end, *bytes),
            What::ShutDown { half: Half::Read, .. } => {
                self.mark(end, Marked::Says, "will read no more".into(), None);
            }
            What::ShutDown { half: Half::Write, .. } => {
                self.goodbye(end, Travels::Fin, "half-close (FIN)".into());
            }
            What::ShutDown { .. } => self.goodbye(end, Travels::Fin, "shut down (FIN)".into()),
            What::Aborted { .. } => {
                self.ends[end].goodbye = None;
                self.goodbye(end, Travels::Rst, "reset (RST)".into());
                self.closed(end);
            }
            _ => {}
        }
    }

    fn listening(&mut self, name: &str, text: String) {
        if let Some(lane) = self.people.find(name) {
            self.sheet.alive(lane, self.sheet.next());
            self.sheet.mark(lane, Marked::Opens, text, None);
        }
    }

    fn connected(&mut self, name: &str) {
        let end = self.open(name);
        let (lane, beyond) = (self.people.ends[end].lane, self.people.ends[end].beyond);
        self.sheet.alive(lane, self.sheet.next());
        self.sheet.alive(beyond, self.sheet.next());
        self.sheet.arrow(lane, beyond, Travels::Connect, "connect".into(), Arrival::Here);
    }

    fn accepted(&mut self, name: &str, peer: &str) {
        let end = self.open(name);
        let people::End { lane, beyond, partner, listener } = self.people.ends[end];
        self.sheet.alive(lane, self.sheet.next());
        self.sheet.alive(beyond, self.sheet.next());
        let label = if partner.is_some() { "accept".to_string() } else { format!("accept {peer}") };
        self.sheet.arrow(listener.unwrap_or(beyond), lane, Travels::Accept, label, Arrival::Here);
    }

    fn sent(&mut self, end: usize, message: &Message) {
        let Some(wire) = &message.wire else { return };
        self.leaves(end, body::of_message(message, wire), wire);
        if let Some(dispatch) = &message.dispatch {
            self.mark(end, Marked::Says, went_out(dispatch), None);
        }
    }

    /// A message of which only the first bytes went out so far.
    fn begun(&mut self, end: usize, wire: &Wire, given: u64) {
        self.leaves(end, body::of_begun(wire), wire);
        let said = format!("only {given} of {} B were sent so far", wire.total);
        self.mark(end, Marked::Says, said, None);
    }

    /// The arrow of a message.
    fn leaves(&mut self, end: usize, body: Body, wire: &Wire) {
        let row = self.sheet.next();
        let partner = self.people.ends[end].partner;
        if partner.is_some_and(|partner| self.ends[partner].is_closed) {
            self.ends[end].is_unheard = true;
            self.message(end, true, body, Arrival::Lost(row));
            return;
        }
        // Who is not accepted yet sends to the listening socket: its kernel keeps the bytes.
        let waits = partner.is_some() || self.people.lanes[self.beyond(end)].role == Role::Listener;
        let arrival = if waits { Arrival::Waits } else { Arrival::Here };
        let number = self.message(end, true, body, arrival);
        self.ends[end].stream.send(row, number, wire.bytes.clone(), wire.total);
    }

    fn received(&mut self, end: usize, message: &Message) {
        let Some(wire) = &message.wire else { return };
        let body = body::of_message(message, wire);
        if self.is_older(end, wire) {
            return self.mark(end, Marked::Reads, format!("read {}, sent earlier", body.value), Some(body));
        }
        let taken = self.take(end, wire);
        let mut more = Vec::new();
        if message.reads != 1 {
            more.push(format!("in {} reads", message.reads));
        }
        if message.expected {
            more.push("as expected".to_string());
        }
        match taken.as_slice() {
            [] => {
                self.message(end, false, body, Arrival::Read);
            }
            [one] if one.is_whole() => {
                let said: Vec<String> =
                    std::iter::once(format!("read ({})", one.number)).chain(more).collect();
                self.mark(end, Marked::Reads, said.join(", "), Some(body));
            }
            several => {
                let said = format!("read {}: {}", body.value, of(several));
                self.mark(end, Marked::Reads, said, Some(body));
            }
        }
    }

    /// One `recv(N)`.
    fn read(&mut self, end: usize, asked: usize, whole: usize, wire: &Wire) {
        let body = body::of_bytes(wire);
        if self.is_older(end, wire) {
            let said = format!("recv({asked}): {}, sent earlier", body.size);
            return self.mark(end, Marked::Reads, said, Some(body));
        }
        let taken = self.take(end, wire);
        if taken.is_empty() {
            self.message(end, false, body, Arrival::Read);
        } else {
            let many = if whole > 1 { format!(", {whole} messages in one") } else { String::new() };
            let said = format!("recv({asked}): {}{many}", of(&taken));
            self.mark(end, Marked::Reads, said, Some(body));
        }
    }

    /// Whether a read takes only what was sent before the first row.
    fn is_older(&mut self, end: usize, wire: &Wire) -> bool {
        let partner = self.people.ends[end].partner;
        partner.is_some_and(|partner| self.ends[partner].stream.is_older(wire.total as u64))
    }

    /// What a read takes of what the other end sent.
    fn take(&mut self, end: usize, wire: &Wire) -> Vec<Taken> {
        let Some(partner) = self.people.ends[end].partner else { return Vec::new() };
        let taken = self.ends[partner].stream.read(&wire.bytes, wire.total);
        for part in &taken {
            self.is_read(part, end);
        }
        taken
    }

    /// The end of the stream, or of the connection, was met.
    fn saw_end(&mut self, end: usize, how: net::End, text: String) {
        let kind = if how == net::End::Closed { Travels::Fin } else { Travels::Rst };
        let is_news = !std::mem::replace(&mut self.ends[end].has_seen_end, true);
        if how == net::End::Reset && self.answered_by_reset(end) {
            // The arrow says it all.
            if text != seen(how) {
                self.mark(end, Marked::Ends, text, None);
            }
            return;
        }
        self.ends[end].was_reset |= how != net::End::Closed;
        let goodbye = self.people.ends[end].partner.and_then(|partner| self.ends[partner].goodbye);
        match goodbye {
            Some(row) if is_news => self.arrives(row, end),
            None if is_news && how != net::End::Dead => {
                let (lane, beyond) = (self.people.ends[end].lane, self.beyond(end));
                self.sheet.arrow(beyond, lane, kind, goes(kind).into(), Arrival::Read);
                // The arrow says it all.
                if text == seen(how) {
                    return;
                }
            }
            _ => {}
        }
        self.mark(end, Marked::Ends, text, None);
    }

    /// Draws the RST that comes back from an end that was closed before it was sent something; false if none came.
    fn answered_by_reset(&mut self, end: usize) -> bool {
        let is_first = !self.ends[end].was_reset && self.ends[end].is_unheard;
        if is_first {
            self.ends[end].was_reset = true;
            let (lane, beyond) = (self.people.ends[end].lane, self.beyond(end));
            self.sheet.arrow(beyond, lane, Travels::Rst, goes(Travels::Rst).into(), Arrival::Read);
        }
        is_first
    }

    fn failed(&mut self, failure: &Failure) {
        let said = short(failure);
        let Some(name) = &failure.socket else {
            // A wrong line or a check of two values is no part of the conversation.
            if failure.kind == FailureKind::Network {
                self.sheet.row(Shown::Note(said));
            }
            return;
        };
        let Some(end) = self.end(name) else {
            self.mark_name(name, Marked::Fails, said);
            return;
        };
        match failure.met {
            Some(Met::End(how)) => {
                let said = if said == "closed" || said == "reset" { seen(how).to_string() } else { said };
                self.saw_end(end, how, said);
            }
            Some(Met::Silence) => self.mark(end, Marked::Silence, said, None),
            None => {
                let body = failure.wire.as_ref().map(body::of_bytes);
                let said = match said.as_str() {
                    // The kernel refuses to send once it got an RST, whatever it calls that.
                    "closed" | "reset" => {
                        self.answered_by_reset(end);
                        self.ends[end].was_reset = true;
                        format!("cannot send: {said}")
                    }
                    _ => said,
                };
                self.mark(end, Marked::Fails, said, body);
            }
        }
    }

    /// A FIN or an RST leaves.
    fn goodbye(&mut self, end: usize, kind: Travels, label: String) {
        let (lane, beyond) = (self.people.ends[end].lane, self.beyond(end));
        let partner = self.people.ends[end].partner;
        let is_heard = partner.is_none_or(|partner| !self.ends[partner].is_closed);
        if self.ends[end].goodbye.is_some() || !is_heard || self.ends[end].was_reset {
            let label = label.replace(" (FIN)", "").replace(" (RST)", "");
            self.mark(end, Marked::Closes, label, None);
            return;
        }
        self.ends[end].goodbye = Some(self.sheet.next());
        self.sheet.arrow(lane, beyond, kind, label, Arrival::Here);
    }

    fn closed(&mut self, end: usize) {
        let last = self.sheet.next().saturating_sub(1);
        self.ends[end].is_closed = true;
        let lane = self.people.ends[end].lane;
        self.current.retain(|_, current| *current != end);
        self.sheet.gone(lane, last);
        // What was sent to it and not read is lost.
        if let Some(partner) = self.people.ends[end].partner {
            let unread: Vec<_> = self.ends[partner].stream.rest().collect();
            for unread in unread {
                if let Some(arrow) = self.sheet.arrow_at(unread.row) {
                    arrow.arrival = Arrival::Lost(last);
                }
            }
        }
    }

    /// What had arrived and was not read is gone.
    fn discarded(&mut self, end: usize, bytes: usize) {
        let row = self.sheet.next();
        self.mark(end, Marked::Says, format!("{bytes} B thrown away, unread"), None);
        let Some(partner) = self.people.ends[end].partner else { return };
        for unread in self.ends[partner].stream.forget(bytes).iter().filter(|unread| unread.read == 0) {
            if let Some(arrow) = self.sheet.arrow_at(unread.row) {
                arrow.arrival = Arrival::Lost(row);
            }
        }
    }

    fn closed_listener(&mut self, name: &str) {
        if let Some(lane) = self.people.find(name) {
            self.sheet.mark(lane, Marked::Closes, "close".into(), None);
            self.sheet.gone(lane, self.sheet.next() - 1);
        }
    }

    fn arrival(&mut self, arrival: &event::Arrival) {
        let who = arrival.identity.shown();
        let more = if who.is_empty() { &arrival.reason } else { &who };
        let colon = if more.is_empty() { "" } else { ": " };
        let said = format!("{}{colon}{more}", arrival.status);
        self.mark_name(&format!("seat{}", arrival.seat), Marked::Says, text(&said));
    }

    /// Where the arrows of an end go to.
    fn beyond(&self, end: usize) -> usize {
        match self.people.ends[end].partner.filter(|partner| *partner < self.opened) {
            Some(partner) => self.people.ends[partner].lane,
            None => self.people.ends[end].beyond,
        }
    }

    /// The end that was opened next; its name means it from here on.
    fn open(&mut self, name: &str) -> usize {
        let end = self.opened.min(self.ends.len().saturating_sub(1));
        self.opened += 1;
        self.current.insert(name.to_string(), end);
        end
    }

    /// The end that a name means.
    fn end(&self, name: &str) -> Option<usize> {
        self.current.get(name).copied()
    }

    /// A message from this end or to it; its number.
    fn message(&mut self, end: usize, is_sent: bool, body: Body, arrival: Arrival) -> usize {
        let (own, other) = (self.people.ends[end].lane, self.beyond(end));
        let (from, to) = if is_sent { (own, other) } else { (other, own) };
        self.sheet.message(from, to, body, arrival)
    }

    fn mark(&mut self, end: usize, kind: Marked, text: String, body: Option<Body>) {
        self.sheet.mark(self.people.ends[end].lane, kind, text, body);
    }

    fn mark_name(&mut self, name: &str, kind: Marked, text: String) {
        if let Some(lane) = self.people.find(name) {
            self.sheet.mark(lane, kind, text, None);
        }
    }

    /// The next row is where an arrow arrives, at this end.
    fn arrives(&mut self, row: usize, end: usize) {
        let arrival = Arrival::Row(self.sheet.next());
        self.goes_to(row, end);
        if let Some(arrow) = self.sheet.arrow_at(row) {
            arrow.arrival = arrival;
        }
    }

    /// The next row is a read of a message, which goes on waiting until its last byte was read.
    fn is_read(&mut self, part: &Taken, end: usize) {
        self.goes_to(part.row, end);
        if let Some(arrow) = self.sheet.arrow_at(part.row) {
            arrow.read = part.to;
        }
        if part.to == part.total {
            self.arrives(part.row, end);
        }
    }

    /// This end is where an arrow goes to. When it left, the end may not have been accepted yet.
    fn goes_to(&mut self, row: usize, end: usize) {
        let to = self.people.ends[end].lane;
        if let Some(arrow) = self.sheet.arrow_at(row).filter(|arrow| arrow.from != to) {
            arrow.to = to;
        }
    }
}
