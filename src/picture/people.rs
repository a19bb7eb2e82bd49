//! Who is in a conversation: a lane for each name, and which sockets are the two ends of one connection.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use crate::conversation::Entry;
use crate::event::{Name, What};
use crate::sequence::{Lane, Role};
use crate::value::escape;

/// Everyone who takes part, and each connection that was opened, in order.
#[derive(Debug, Default)]
pub struct People {
    /// The lanes, from left to right.
    pub lanes: Vec<Lane>,
    /// The ends of connections that are here, in the order in which they were opened.
    pub ends: Vec<End>,
    /// Connections that nothing tells the opening of: their names, and their ends behind all others.
    pub unknown: Vec<(String, usize)>,
    by_name: HashMap<String, usize>,
    /// Where each lane belongs, from left to right.
    places: Vec<Place>,
}

/// Where a lane belongs: clients on the left, what serves them on the right, so that most arrows of a handshake are long
/// enough for what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Client,
    Stranger,
    Listener,
    Accepted,
    Server,
}

/// One end of a connection.
#[derive(Debug)]
pub struct End {
    /// Its lane.
    pub lane: usize,
    /// Where its arrows go to as long as nothing better is known: another program, or the listening socket.
    pub beyond: usize,
    /// The other end, where it is here too.
    pub partner: Option<usize>,
    /// For an accepted one, the listening socket's lane.
    pub listener: Option<usize>,
}

/// A listening socket, for as long as its name means it.
struct Listener {
    lane: usize,
    local: SocketAddr,
}

/// Finds everyone. The entries are those of a log, with the openings that are older than the first.
pub fn meet<'e>(entries: impl Iterator<Item = &'e Entry>) -> People {
    let mut meeting = Meeting::default();
    entries.for_each(|entry| meeting.see(&entry.what));
    let mut people = meeting.people;
    people.add_strangers();
    people.add_unknown();
    people.in_order()
}

#[derive(Default)]
struct Meeting {
    people: People,
    listeners: HashMap<Name, Listener>,
    /// Ends whose other end was not seen yet, by the address of the one that connected, which both know.
    alone: HashMap<SocketAddr, usize>,
}

impl Meeting {
    fn see(&mut self, what: &What) {
        match what {
            What::Listening { socket, local } | What::Serving { class: socket, local, .. } => {
                let lane = self.people.lane(socket, Place::Listener);
                self.listeners.insert(socket.clone(), Listener { lane, local: *local });
            }
            What::Connected { socket, peer, local, host, .. } => self.connected(socket, host, *peer, *local),
            What::Accepted { socket, listener, peer, .. } => self.accepted(socket, listener, *peer),
            other => {
                // The entry that told of its opening is not there any more.
                if let Some(name) = other.socket()
                    && !self.people.by_name.contains_key(name.as_str())
                    && !matches!(other, What::Broadcast { .. } | What::ClassClosed { .. })
                {
                    self.people.lane(name, Place::Client);
                    self.people.unknown.push((name.to_string(), 0));
                }
            }
        }
    }

    fn connected(&mut self, socket: &str, host: &str, peer: SocketAddr, local: SocketAddr) {
        let lane = self.people.lane(socket, Place::Client);
        let reaches = |listener: &&Listener| {
            let at = listener.local;
            at.port() == peer.port() && (at.ip().is_unspecified() || canonical(at) == canonical(peer))
        };
        let client = canonical(local);
        let waiting = self.alone.remove(&client).filter(|end| self.people.ends[*end].listener.is_some());
        let own = self.listeners.values().find(reaches).map(|listener| listener.lane);
        let beyond = own.unwrap_or_else(|| self.people.lane(&reached(host, peer), Place::Server));
        let end = self.people.ends.len();
        self.people.ends.push(End { lane, beyond, partner: None, listener: None });
        match waiting {
            Some(partner) => self.pair(end, partner),
            // Another program's socket is never accepted here.
            None if own.is_some() => {
                self.alone.insert(client, end);
            }
            None => {}
        }
    }

    fn accepted(&mut self, socket: &str, listener: &str, peer: SocketAddr) {
        let lane = self.people.lane(socket, Place::Accepted);
        let listener_lane = self.people.lane(listener, Place::Listener);
        let client = canonical(peer);
        let end = self.people.ends.len();
        let listener = Some(listener_lane);
        self.people.ends.push(End { lane, beyond: listener_lane, partner: None, listener });
        let waiting = self.alone.remove(&client).filter(|end| self.people.ends[*end].listener.is_none());
        match waiting {
            Some(partner) => self.pair(end, partner),
            None => {
                self.alone.insert(client, end);
            }
        }
    }

    fn pair(&mut self, one: usize, other: usize) {
        self.people.ends[one].partner = Some(other);
        self.people.ends[other].partner = Some(one);
    }
}

impl People {
    /// The lane of that name; a new one for a new name.
    fn lane(&mut self, name: &str, place: Place) -> usize {
        if let Some(lane) = self.by_name.get(name) {
            return *lane;
        }
        let lane = self.lanes.len();
        let role = match place {
            Place::Client => Role::Connection,
            Place::Listener => Role::Listener,
            Place::Accepted => Role::Accepted,
            Place::Stranger | Place::Server => Role::Party,
        };
        self.lanes.push(Lane { name: escape(name).into_owned(), role, spans: Vec::new() });
        self.places.push(place);
        self.by_name.insert(name.to_string(), lane);
        lane
    }

    /// The lane of that name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The other programs that came to a listening socket share one lane.
    fn add_strangers(&mut self) {
        let mut came: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, end) in self.ends.iter().enumerate() {
            if let (Some(listener), None) = (end.listener, end.partner) {
                came.entry(listener).or_default().push(index);
            }
        }
        for (listener, ends) in came {
            let who = if ends.len() == 1 { "client" } else { "clients" };
            let name = format!("{who} of {}", self.lanes[listener].name);
            let lane = self.lane(&name, Place::Stranger);
            ends.into_iter().for_each(|end| self.ends[end].beyond = lane);
        }
    }

    /// The connections whose opening is not told any more get an end each, and somebody to talk to.
    fn add_unknown(&mut self) {
        for index in 0..self.unknown.len() {
            let name = self.unknown[index].0.clone();
            let lane = self.lane(&name, Place::Client);
            let beyond = self.lane(&format!("peer of {name}"), Place::Server);
            self.unknown[index].1 = self.ends.len();
            self.ends.push(End { lane, beyond, partner: None, listener: None });
        }
    }

    /// The same with the lanes in their places.
    fn in_order(mut self) -> People {
        let mut order: Vec<usize> = (0..self.lanes.len()).collect();
        order.sort_by_key(|lane| self.places[*lane]);
        let mut new = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, lane)| new[*lane] = place);
        for end in &mut self.ends {
            end.lane = new[end.lane];
            end.beyond = new[end.beyond];
            end.listener = end.listener.map(|lane| new[lane]);
        }
        self.by_name.values_mut().for_each(|lane| *lane = new[*lane]);
        let mut lanes: Vec<(usize, Lane)> =
            new.iter().copied().zip(std::mem::take(&mut self.lanes)).collect();
        lanes.sort_by_key(|(place, _)| *place);
        self.lanes = lanes.into_iter().map(|(_, lane)| lane).collect();
        self
    }
}

/// An address as both ends of a connection know it.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// What another program is called: as it was reached.
fn reached(host: &str, peer: SocketAddr) -> String {
    if host.contains(':') { format!("[{host}]:{}", peer.port()) } else { format!("{host}:{}", peer.port()) }
}
