//! Who is on the roster, and how it went for each.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use compact_str::CompactString;

use crate::event::Identity;

/// How it stands with one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is connected and has not said who it is.
    Connected,
    /// Its identity is kept.
    Identified,
    /// Its identity is kept and it was told so.
    Passed,
    /// It left between the two.
    LeftEarly,
    /// It never became a student; the reason says why.
    Failed,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Connected => "connected",
            Status::Identified => "identified",
            Status::Passed => "passed",
            Status::LeftEarly => "left early",
            Status::Failed => "failed",
        }
    }
}

/// One client.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its number, never given twice.
    pub seat: u64,
    /// Where it came from; empty for a row that a journal brought back.
    pub peer: Option<SocketAddr>,
    /// How it stands.
    pub status: Status,
    /// Why, in words; may be empty.
    pub reason: String,
    /// Who it says to be.
    pub identity: Arc<Identity>,
    /// The first seat of the same student.
    pub duplicate_of: Option<u64>,
}

impl Row {
    /// Whether it is a student's first row.
    fn is_counted(&self) -> bool {
        self.status != Status::Connected && self.duplicate_of.is_none()
    }
}

/// The rows of students, and counts of everything else.
#[derive(Debug, Default)]
pub struct Roster {
    /// In boxes: seats come in order, which leaves the nodes of the map half empty.
    rows: BTreeMap<u64, Box<Row>>,
    /// By what tells students apart, which they choose: so by a hash that cannot be aimed at.
    first_seats: HashMap<CompactString, u64>,
    /// The identity of one who has not said it.
    nobody: Arc<Identity>,
    /// Students on the roster: rows with an identity, a student who came twice counted once.
    pub count: usize,
    /// Students who passed, each counted once.
    pub passed: usize,
    /// Clients that never became a student.
    pub failed: usize,
}

impl Roster {
    /// A client came.
    pub fn connect(&mut self, seat: u64, peer: SocketAddr) {
        self.rows.insert(seat, new_row(seat, Some(peer), &self.nobody));
    }

    /// A client said who it is. A student who is on the roster already is marked.
    pub fn identify(&mut self, seat: u64, identity: Identity) -> Option<&Row> {
        let first = identity.key().map(|key| *self.first_seats.entry(key).or_insert(seat));
        let row = self.rows.entry(seat).or_insert_with(|| new_row(seat, None, &self.nobody));
        // Said anew, it may be another student.
        self.count -= usize::from(row.is_counted());
        row.identity = Arc::new(identity);
        row.status = Status::Identified;
        row.duplicate_of = first.filter(|first| *first != seat);
        self.count += usize::from(row.is_counted());
        Some(row)
    }

    /// An identified client passed. The first seat of a student that passes counts; one that never did is its duplicate then.
    pub fn pass(&mut self, seat: u64) -> Option<&Row> {
        let row = self.rows.get_mut(&seat).filter(|row| row.status == Status::Identified)?;
        row.status = Status::Passed;
        // One that is no duplicate is its student's first.
        let of_another = row.duplicate_of.is_some().then(|| row.identity.key()).flatten();
        match of_another.and_then(|key| self.first_seats.get_mut(&key)) {
            Some(first) if *first != seat => {
                let before = *first;
                if self.rows.get(&before).is_some_and(|row| row.status != Status::Passed) {
                    *first = seat;
                    self.passed += 1;
                    if let Some(row) = self.rows.get_mut(&before) {
                        row.duplicate_of = Some(seat);
                    }
                    if let Some(row) = self.rows.get_mut(&seat) {
                        row.duplicate_of = None;
                    }
                }
            }
            _ => self.passed += 1,
        }
        self.row(seat)
    }

    /// A client is gone. One that never said who it is leaves the roster and is counted; a pass stays.
    pub fn leave(&mut self, seat: u64, reason: &str) -> Option<Row> {
        let row = self.rows.get_mut(&seat)?;
        match row.status {
            Status::Connected => {
                self.failed += 1;
                let row = *self.rows.remove(&seat)?;
                Some(Row { status: Status::Failed, reason: before(reason, "the identity"), ..row })
            }
            Status::Identified => {
                row.status = Status::LeftEarly;
                row.reason = before(reason, "it passed");
                Some((**row).clone())
            }
            Status::Passed | Status::LeftEarly | Status::Failed => None,
        }
    }

    /// Every row, by seat.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values().map(|row| &**row)
    }

    /// The row of a seat.
    pub fn row(&self, seat: u64) -> Option<&Row> {
        self.rows.get(&seat).map(|row| &**row)
    }

    /// Rows with an identity.
    pub fn students(&self) -> impl Iterator<Item = &Row> {
        self.rows().filter(|row| row.status != Status::Connected)
    }
}

/// The row of one who has not said who it is.
fn new_row(seat: u64, peer: Option<SocketAddr>, nobody: &Arc<Identity>) -> Box<Row> {
    let (status, reason, identity) = (Status::Connected, String::new(), nobody.clone());
    Box::new(Row { seat, peer, status, reason, identity, duplicate_of: None })
}

/// `closed` is `closed before the identity`; a reason that says more stands alone.
fn before(reason: &str, what: &str) -> String {
    match reason {
        "closed" | "reset" | "dead" => format!("{reason} before {what}"),
        _ => match reason.strip_prefix("no message in ") {
            Some(time) => format!("no identity in {time}"),
            None => reason.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Identity {
        Identity { name: "Ada".to_string(), student_id: "1".to_string(), ..Identity::default() }
    }

    #[test]
    fn a_student_counts_once_with_the_seat_that_passed_first() {
        let mut roster = Roster::default();
        let marked = |roster: &Roster| roster.rows().map(|row| row.duplicate_of).collect::<Vec<_>>();
        for seat in 1..=4 {
            roster.connect(seat, SocketAddr::from(([127, 0, 0, 1], 1)));
            roster.identify(seat, ada());
        }
        assert_eq!(marked(&roster), [None, Some(1), Some(1), Some(1)]);
        roster.leave(1, "reset");
        roster.pass(3);
        assert_eq!((roster.passed, roster.count), (1, 1), "the first try failed, the third passed");
        assert_eq!(marked(&roster), [Some(3), Some(1), None, Some(1)]);
        roster.pass(2);
        roster.pass(4);
        assert_eq!((roster.passed, roster.count), (1, 1), "no second pass of one student counts");
        assert_eq!(roster.row(3).map(|row| row.duplicate_of), Some(None));
    }

    #[test]
    fn a_student_counts_once() {
        let mut roster = Roster::default();
        let student =
            |id: &str| Identity { name: "Ada".into(), student_id: id.into(), ..Identity::default() };
        roster.connect(1, ([127, 0, 0, 1], 1).into());
        assert_eq!(roster.count, 0);
        roster.identify(1, student("7"));
        roster.identify(1, student("7"));
        assert_eq!(roster.count, 1);
        // Again from another seat, and from one that says another student at first.
        roster.identify(2, student("7"));
        roster.identify(3, student("8"));
        assert_eq!(roster.count, 2);
        roster.identify(3, student("7"));
        assert_eq!(roster.count, 1);
    }
}
