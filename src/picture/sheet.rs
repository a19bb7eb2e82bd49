//! The rows of a sequence diagram while they are written, and which lanes are there.

use std::time::Duration;

use crate::conversation::{BYTES_MAX, ENTRIES_MAX};
use crate::sequence::{Arrival, Arrow, Body, Lane, Mark, Marked, Row, Sequence, Shown, Span, Travels};

/// A diagram that rows are added to.
pub struct Sheet {
    lanes: Vec<Lane>,
    rows: Vec<Row>,
    /// The time of the next row.
    pub at: Duration,
    messages: usize,
}

impl Sheet {
    /// An empty one, before which so many messages were dropped.
    pub fn new(lanes: Vec<Lane>, messages: usize) -> Sheet {
        Sheet { lanes, rows: Vec::new(), at: Duration::ZERO, messages }
    }

    /// Where the next row will stand.
    pub fn next(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row.
    pub fn row(&mut self, shown: Shown) {
        let shown = match shown {
            // A name that was given to one end and then to the other has one lane: nothing can be drawn across.
            Shown::Arrow(Arrow { from, to, label, body, .. }) if from == to => {
                Shown::Mark(Mark { lane: to, kind: Marked::Says, text: label, body })
            }
            other => other,
        };
        let before = self.rows.last().map_or(self.at, |row| row.at);
        self.rows.push(Row { at: self.at, since: self.at.saturating_sub(before), shown });
    }

    /// A message; its number.
    pub fn message(&mut self, from: usize, to: usize, body: Body, arrival: Arrival) -> usize {
        self.messages += 1;
        let (number, label) = (Some(self.messages), body.value.clone());
        let kind = Travels::Message;
        self.row(Shown::Arrow(Arrow { from, to, kind, number, label, arrival, read: 0, body: Some(body) }));
        self.messages
    }

    /// Anything else that travels.
    pub fn arrow(&mut self, from: usize, to: usize, kind: Travels, label: String, arrival: Arrival) {
        self.row(Shown::Arrow(Arrow { from, to, kind, number: None, label, arrival, read: 0, body: None }));
    }

    /// Something on one lane.
    pub fn mark(&mut self, lane: usize, kind: Marked, text: String, body: Option<Body>) {
        self.row(Shown::Mark(Mark { lane, kind, text, body }));
    }

    /// The arrow that leaves in a row.
    pub fn arrow_at(&mut self, row: usize) -> Option<&mut Arrow> {
        match self.rows.get_mut(row) {
            Some(Row { shown: Shown::Arrow(arrow), .. }) => Some(arrow),
            _ => None,
        }
    }

    /// A lane is there from a row on.
    pub fn alive(&mut self, lane: usize, from: usize) {
        let spans = &mut self.lanes[lane].spans;
        if spans.last().is_none_or(|span| span.to.is_some()) {
            spans.push(Span { from, to: None });
        }
    }

    /// A lane ends with a row.
    pub fn gone(&mut self, lane: usize, to: usize) {
        if let Some(span) = self.lanes[lane].spans.last_mut().filter(|span| span.to.is_none()) {
            span.to = Some(to);
        }
    }

    /// The diagram, of a log that has dropped so many entries.
    pub fn finish(self, dropped: u64) -> Sequence {
        let limit = format!("{ENTRIES_MAX} entries or {} MiB", BYTES_MAX >> 20);
        Sequence { lanes: self.lanes, rows: self.rows, dropped, limit }
    }
}
