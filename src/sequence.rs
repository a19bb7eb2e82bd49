//! A sequence diagram as data: lanes from left to right, rows from top to bottom. The module `picture` makes it from a log, and draws it.
//!
//! Every text in it is escaped already: it may hold what a peer sent, and goes to screens and files.

use std::time::Duration;

use crate::event::Wire;

/// A conversation as a sequence diagram.
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    /// From left to right: who connects, who listens, who was accepted.
    pub lanes: Vec<Lane>,
    /// From the first thing that happened to the last.
    pub rows: Vec<Row>,
    /// How many entries are older than what is kept.
    pub dropped: u64,
    /// What is kept at most, in words.
    pub limit: String,
}

/// A socket, or a party that has no socket here.
#[derive(Clone, Debug)]
pub struct Lane {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// When it was there, in rows; the last may still go on.
    pub spans: Vec<Span>,
}

/// What a lane stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A connection that was opened here.
    Connection,
    /// A listening socket, or a class.
    Listener,
    /// A connection that was accepted here.
    Accepted,
    /// Another program.
    Party,
}

/// Rows between which a lane is there, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub from: usize,
    /// Where it ends; `None` if it is still there.
    pub to: Option<usize>,
}

/// One line of the diagram.
#[derive(Clone, Debug)]
pub struct Row {
    /// Since the first row.
    pub at: Duration,
    /// Since the row before.
    pub since: Duration,
    /// What is seen.
    pub shown: Shown,
}

/// What a row shows.
#[derive(Clone, Debug)]
pub enum Shown {
    /// A divider: a phase begins.
    Phase(String),
    /// Something that happened on no lane.
    Note(String),
    /// From one lane to another.
    Arrow(Arrow),
    /// On one lane.
    Mark(Mark),
}

/// An arrow. It leaves in its row, unless its arrival is [`Arrival::Read`].
#[derive(Clone, Debug)]
pub struct Arrow {
    /// The lane it leaves.
    pub from: usize,
    /// The lane it goes to.
    pub to: usize,
    /// What travels.
    pub kind: Travels,
    /// A message's number, from 1.
    pub number: Option<usize>,
    /// What it says.
    pub label: String,
    /// Where it arrives.
    pub arrival: Arrival,
    /// How many bytes of it were read, as far as that is known.
    pub read: usize,
    /// A message's bytes.
    pub body: Option<Body>,
}

/// What travels along an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Travels {
    /// The wish for a connection.
    Connect,
    /// A connection, from the listening socket to the one that carries it.
    Accept,
    /// Bytes.
    Message,
    /// The end of the stream.
    Fin,
    /// The end of the connection.
    Rst,
}

/// Where an arrow arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// In its own row: the other end is another program, and when that one reads is not seen here; or there is nothing to wait for.
    Here,
    /// In its own row, which has the time of the reading: another program sent it, and when is not known here.
    Read,
    /// In this row the other end took the last of it.
    Row(usize),
    /// The other end has not taken it.
    Waits,
    /// The other end was closed without having taken it, in this row; its own, where it was closed before.
    Lost(usize),
}

/// Something on one lane.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where.
    pub lane: usize,
    /// What kind of thing.
    pub kind: Marked,
    /// What it says.
    pub text: String,
    /// Bytes that it is about.
    pub body: Option<Body>,
}

/// What a mark stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// A socket is there from here on.
    Opens,
    /// Bytes were taken off the stream.
    Reads,
    /// The end of the stream, or of the connection, was seen.
    Ends,
    /// Nothing came for a time.
    Silence,
    /// A step failed.
    Fails,
    /// The socket is not there any more.
    Closes,
    /// Anything else.
    Says,
}

/// The bytes of a message or of a read.
#[derive(Clone, Debug)]
pub struct Body {
    /// The value, as Python prints it, cut.
    pub value: String,
    /// `28 B, pickle 4`.
    pub size: String,
    /// More to say about it.
    pub notes: Vec<String>,
    /// The bytes.
    pub wire: Wire,
}

impl Sequence {
    /// How many messages there are.
    pub fn messages(&self) -> usize {
        self.rows.iter().filter(|row| row.number().is_some()).count()
    }

    /// What is said of entries that are no longer there.
    pub fn says_dropped(&self) -> Option<String> {
        let entries = if self.dropped == 1 { "entry was" } else { "entries were" };
        (self.dropped > 0)
            .then(|| format!("{} earlier {entries} dropped (limit: {})", self.dropped, self.limit))
    }

    /// Whether a lane is there in a row.
    pub fn is_alive(&self, lane: usize, row: usize) -> bool {
        let spans = self.lanes.get(lane).map_or(&[][..], |lane| &lane.spans);
        // Sockets are opened and closed in turn, so the last one that began by this row decides.
        let index = spans.partition_point(|span| span.from <= row);
        index > 0 && spans[index - 1].to.is_none_or(|to| row <= to)
    }
}

impl Row {
    /// The lanes that it is about.
    pub fn lanes(&self) -> Vec<usize> {
        match &self.shown {
            Shown::Arrow(arrow) => vec![arrow.from, arrow.to],
            Shown::Mark(mark) => vec![mark.lane],
            Shown::Phase(_) | Shown::Note(_) => Vec::new(),
        }
    }

    /// The number of the message that it shows.
    pub fn number(&self) -> Option<usize> {
        match &self.shown {
            Shown::Arrow(arrow) => arrow.number,
            _ => None,
        }
    }

    /// The bytes that it shows.
    pub fn body(&self) -> Option<&Body> {
        match &self.shown {
            Shown::Arrow(arrow) => arrow.body.as_ref(),
            Shown::Mark(mark) => mark.body.as_ref(),
            Shown::Phase(_) | Shown::Note(_) => None,
        }
    }
}

impl Travels {
    /// Its name in reports and pages.
    pub fn name(self) -> &'static str {
        match self {
            Travels::Connect => "connect",
            Travels::Accept => "accept",
            Travels::Message => "message",
            Travels::Fin => "fin",
            Travels::Rst => "rst",
        }
    }
}

impl Marked {
    /// Its name in reports and pages.
    pub fn name(self) -> &'static str {
        match self {
            Marked::Opens => "opens",
            Marked::Reads => "reads",
            Marked::Ends => "ends",
            Marked::Silence => "silence",
            Marked::Fails => "fails",
            Marked::Closes => "closes",
            Marked::Says => "says",
        }
    }
}

impl Arrow {
    /// What became of it, where nobody took it.
    pub fn fate(&self) -> Option<&'static str> {
        match (self.kind, self.arrival, self.read) {
            (Travels::Message, Arrival::Waits, 0) => Some("not read"),
            (Travels::Message, Arrival::Waits, _) => Some("read in part"),
            (Travels::Message, Arrival::Lost(_), 0) => Some("never read"),
            (Travels::Message, Arrival::Lost(_), _) => Some("never read whole"),
            _ => None,
        }
    }
}

impl Sequence {
    /// The same with so many lanes at most, the first ones that something happened on, and the names of the others.
    pub fn narrowed(&self, most: usize) -> (Sequence, Vec<String>) {
        if self.lanes.len() <= most {
            return (self.clone(), Vec::new());
        }
        let mut is_kept = vec![false; self.lanes.len()];
        let mut kept = 0;
        for lane in self.rows.iter().flat_map(Row::lanes) {
            if kept < most && !std::mem::replace(&mut is_kept[lane], true) {
                kept += 1;
            }
        }
        let left_out = self.lanes.iter().zip(&is_kept).filter(|(_, is_kept)| !**is_kept);
        let left_out = left_out.map(|(lane, _)| lane.name.clone()).collect();
        let rows: Vec<bool> =
            self.rows.iter().map(|row| row.lanes().into_iter().all(|lane| is_kept[lane])).collect();
        (self.part(&is_kept, &rows), left_out)
    }

    /// One lane and those that it exchanges arrows with: its own rows, and what else made or met its arrows.
    pub fn about(&self, lane: usize) -> Sequence {
        let mut lanes = vec![false; self.lanes.len()];
        lanes[lane] = true;
        let touches = |row: &Row| matches!(row.shown, Shown::Arrow(_)) && row.lanes().contains(&lane);
        self.rows
            .iter()
            .filter(|row| touches(row))
            .flat_map(Row::lanes)
            .for_each(|other| lanes[other] = true);
        // What the other end of a connection met, and how it came to be, belongs to the story of this one.
        let is_end = |lane: usize| matches!(self.lanes[lane].role, Role::Connection | Role::Accepted);
        let is_partner = |other: usize| lanes[other] && is_end(lane) && is_end(other);
        let is_kept = |row: &Row| match &row.shown {
            Shown::Phase(_) => true,
            Shown::Note(_) => false,
            Shown::Mark(mark) => mark.lane == lane || is_partner(mark.lane),
            Shown::Arrow(arrow) => {
                let begins = match arrow.kind {
                    Travels::Connect => is_partner(arrow.from) && lanes[arrow.to],
                    Travels::Accept => is_partner(arrow.to) && lanes[arrow.from],
                    _ => false,
                };
                begins || touches(row)
            }
        };
        let rows: Vec<bool> = self.rows.iter().map(is_kept).collect();
        self.part(&lanes, &rows)
    }

    /// The same with the last rows only, so many, and how many were left out.
    pub fn tail(&self, most: usize) -> (Sequence, usize) {
        let left_out = self.rows.len().saturating_sub(most);
        let rows: Vec<bool> = (0..self.rows.len()).map(|row| row >= left_out).collect();
        (self.part(&vec![true; self.lanes.len()], &rows), left_out)
    }

    /// The lanes and the rows that are wanted. A phase of which nothing is left goes too.
    fn part(&self, lanes: &[bool], rows: &[bool]) -> Sequence {
        let mut rows = rows.to_vec();
        let mut is_empty = true;
        for (index, row) in self.rows.iter().enumerate().rev() {
            if let Shown::Phase(_) = row.shown {
                rows[index] &= !is_empty;
                is_empty = true;
            } else {
                is_empty &= !rows[index];
            }
        }
        let new_row = places(&rows);
        let new_lane = places(lanes);
        let shown = |row: &Row| {
            let mut row = row.clone();
            match &mut row.shown {
                Shown::Arrow(arrow) => {
                    (arrow.from, arrow.to) = (new_lane[arrow.from], new_lane[arrow.to]);
                    arrow.arrival = match arrow.arrival {
                        Arrival::Row(at) if rows[at] => Arrival::Row(new_row[at]),
                        Arrival::Lost(at) if rows[at] => Arrival::Lost(new_row[at]),
                        Arrival::Row(_) => Arrival::Here,
                        Arrival::Lost(_) => Arrival::Waits,
                        as_it_is => as_it_is,
                    };
                }
                Shown::Mark(mark) => mark.lane = new_lane[mark.lane],
                Shown::Phase(_) | Shown::Note(_) => {}
            }
            row
        };
        let span = |span: &Span| {
            let from = new_row[span.from.min(rows.len().saturating_sub(1))];
            // The last row that is left of it.
            let to = span.to.map(|to| (new_row[to] + usize::from(rows[to])).checked_sub(1));
            match to {
                None => Some(Span { from, to: None }),
                Some(Some(to)) if to >= from => Some(Span { from, to: Some(to) }),
                Some(_) => None,
            }
        };
        let lane = |lane: &Lane| Lane { spans: lane.spans.iter().filter_map(span).collect(), ..lane.clone() };
        Sequence {
            lanes: self.lanes.iter().zip(lanes).filter(|(_, kept)| **kept).map(|(it, _)| lane(it)).collect(),
            rows: self.rows.iter().zip(&rows).filter(|(_, kept)| **kept).map(|(it, _)| shown(it)).collect(),
            dropped: self.dropped,
            limit: self.limit.clone(),
        }
    }
}

/// Where each of those that are kept stands among them.
fn places(kept: &[bool]) -> Vec<usize> {
    let mut next = 0;
    let place = |kept: &bool| {
        next += usize::from(*kept);
        next - usize::from(*kept)
    };
    kept.iter().map(place).collect()
}
