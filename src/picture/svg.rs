//! A sequence diagram as SVG: one image, without anything to fetch, readable on light and on dark pages and on paper.

use std::fmt::Write;

use super::text::{self, line};
use crate::sequence::{Arrival, Arrow, Mark, Marked, Role, Row, Sequence, Shown, Travels};
use crate::value::escape_markup;

/// Pixels that a row takes, and a phase's title.
const ROW: usize = 34;
/// Pixels of the two times at the left.
const TIMES: usize = 130;
/// Pixels between two lanes.
const LANE_GAP: usize = 260;
/// And where there are many of them.
const LANE_GAP_MANY: usize = 170;
/// So many lanes are many.
const LANES_MANY: usize = 5;
/// Pixels above the first row: the names.
const HEAD: usize = 64;
/// Pixels that the last lane's name takes beyond it, and what a lone lane's marks need.
const MARGIN: usize = 120;
/// Pixels of a column of the values' letters, a little more than any of the usual fonts takes.
const COLUMN: usize = 8;
/// Pixels between a lane and what waits for it.
const WAIT: usize = 22;
/// Pixels between a lane and the head of an arrow that ends at a dot on it.
const DOT: usize = 5;
/// A lane is not drawn for more than this: an image of more pixels than 16,384 is not shown by most programs.
const LANES_MAX: usize = 90;

const STYLE: &str = include_str!("svg.css");

/// The image.
pub fn svg(sequence: &Sequence) -> String {
    let (sequence, left_out) = sequence.narrowed(LANES_MAX);
    let gap = if sequence.lanes.len() >= LANES_MANY { LANE_GAP_MANY } else { LANE_GAP };
    let notes: Vec<String> =
        sequence.says_dropped().into_iter().chain(text::says_left_out(&left_out)).collect();
    let width = TIMES + MARGIN + sequence.lanes.len().saturating_sub(1) * gap + MARGIN;
    let height = HEAD + (sequence.rows.len() + notes.len()) * ROW + ROW;
    let mut image = Image { sequence: &sequence, gap, width, out: String::new() };
    let _ = write!(
        image.out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\">\n<title>A conversation over sockets</title>\n<style>{STYLE}</style>\n\
         <defs>{}{}{}</defs>\n<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n",
        head("message"),
        head("end"),
        head("reset"),
    );
    image.lanes();
    for (index, row) in sequence.rows.iter().enumerate() {
        image.row(index, row);
    }
    for (index, note) in notes.iter().enumerate() {
        let y = HEAD + (sequence.rows.len() + index) * ROW + ROW;
        image.text("time start", 16, y, note, width / COLUMN);
    }
    image.out + "</svg>\n"
}

/// The head of an arrow.
fn head(class: &str) -> String {
    format!(
        "<marker id=\"{class}\" viewBox=\"0 0 10 10\" refX=\"10\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path class=\"{class} head\" d=\"M0 1 10 5 0 9z\"/></marker>"
    )
}

struct Image<'s> {
    sequence: &'s Sequence,
    gap: usize,
    width: usize,
    out: String,
}

impl Image<'_> {
    fn x(&self, lane: usize) -> usize {
        TIMES + MARGIN + lane * self.gap
    }

    /// The middle of a row.
    fn y(row: usize) -> usize {
        HEAD + row * ROW + ROW / 2
    }

    fn text(&mut self, class: &str, x: usize, y: usize, text: &str, columns: usize) {
        let text = escape_markup(&line::cut(text, columns));
        let _ = writeln!(self.out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>");
    }

    /// The names, and a line for as long as each is there.
    fn lanes(&mut self) {
        for (lane, it) in self.sequence.lanes.iter().enumerate() {
            let x = self.x(lane);
            for span in &it.spans {
                let end = span.to.map_or(HEAD + self.sequence.rows.len() * ROW, Self::y);
                let _ = writeln!(self.out, "<path class=\"lane\" d=\"M{x} {}V{end}\"/>", Self::y(span.from));
            }
            let class = if it.role == Role::Party { "name party" } else { "name" };
            let name = line::cut_middle(&it.name, self.gap / COLUMN - 2);
            let wide = (line::width(&name) + 3) * COLUMN;
            let _ = writeln!(
                self.out,
                "<rect class=\"{class}\" x=\"{}\" y=\"16\" width=\"{wide}\" height=\"28\" rx=\"6\"/>",
                x.saturating_sub(wide / 2)
            );
            self.text(class, x, 35, &name, usize::MAX);
        }
    }

    fn row(&mut self, index: usize, row: &Row) {
        let y = Self::y(index);
        if let Shown::Phase(title) = &row.shown {
            let _ = writeln!(self.out, "<path class=\"phase\" d=\"M0 {}H{}\"/>", y + ROW / 2 - 4, self.width);
            return self.text("phase label start", 16, y + 6, title, self.width / COLUMN - 4);
        }
        self.text("time", 58, y + 4, &text::time(row.at), 9);
        self.text("time", 122, y + 4, &format!("+{}", text::time(row.since)), 9);
        match &row.shown {
            Shown::Arrow(arrow) => self.arrow(index, arrow),
            Shown::Mark(mark) => self.mark(index, mark),
            Shown::Note(note) => {
                self.text("fails start", TIMES + 16, y + 4, note, (self.width - TIMES) / COLUMN - 4);
            }
            Shown::Phase(_) => {}
        }
    }

    /// An arrow goes across when it was sent, waits beside the lane, and ends where it was taken.
    fn arrow(&mut self, index: usize, arrow: &Arrow) {
        let (from, to, y) = (self.x(arrow.from), self.x(arrow.to), Self::y(index));
        let beside = if from < to { to - WAIT } else { to + WAIT };
        let class = match arrow.kind {
            Travels::Message => "message",
            Travels::Connect | Travels::Accept => "setup",
            Travels::Fin => "end",
            Travels::Rst => "reset",
        };
        let marker = match class {
            "message" | "reset" => class,
            _ => "end",
        };
        let fate = if arrow.fate().is_some() { " unread" } else { "" };
        let last = HEAD + self.sequence.rows.len() * ROW;
        let (path, marker) = match arrow.arrival {
            Arrival::Row(at) if at > index => {
                let to = if from < to { to - DOT } else { to + DOT };
                (format!("M{from} {y}H{beside}V{}H{to}", Self::y(at)), Some(marker))
            }
            Arrival::Lost(at) if at > index => (format!("M{from} {y}H{beside}V{}", Self::y(at)), None),
            Arrival::Waits => (format!("M{from} {y}H{beside}V{last}"), None),
            Arrival::Lost(_) => (format!("M{from} {y}H{beside}"), None),
            // It has no beginning that is known.
            Arrival::Read => {
                let _ = writeln!(self.out, "<circle class=\"reads dot\" cx=\"{to}\" cy=\"{y}\" r=\"4\"/>");
                let (from, to) = if from < to { (from + WAIT, to - DOT) } else { (from - WAIT, to + DOT) };
                (format!("M{from} {y}H{to}"), Some(marker))
            }
            _ => (format!("M{from} {y}H{to}"), Some(marker)),
        };
        let marker = marker.map_or(String::new(), |id| format!(" marker-end=\"url(#{id})\""));
        let _ = writeln!(self.out, "<path class=\"{class}{fate}\" d=\"{path}\"{marker}/>");
        if let Arrival::Lost(at) = arrow.arrival {
            let (x, y) = (beside, Self::y(at.max(index)));
            let cross = format!("M{} {}l8 8m0 -8l-8 8", x - 4, y - 4);
            let _ = writeln!(self.out, "<path class=\"lost\" d=\"{cross}\"/>");
        }
        let room = from.abs_diff(to).saturating_sub(2 * WAIT) / COLUMN;
        let caption = text::caption(arrow, room);
        self.text(&format!("{class} label"), usize::midpoint(from, to), y - 6, &caption, room);
    }

    fn mark(&mut self, index: usize, mark: &Mark) {
        let (x, y) = (self.x(mark.lane), Self::y(index));
        let class = match mark.kind {
            Marked::Fails => "fails",
            Marked::Silence => "silence",
            Marked::Opens | Marked::Closes | Marked::Ends => "end",
            Marked::Reads | Marked::Says => "reads",
        };
        let is_left = mark.lane > 0 && mark.lane + 1 == self.sequence.lanes.len();
        let _ = writeln!(self.out, "<circle class=\"{class} dot\" cx=\"{x}\" cy=\"{y}\" r=\"4\"/>");
        let (at, side) = if is_left { (x - WAIT - COLUMN, "finish") } else { (x + WAIT + COLUMN, "start") };
        let room = if is_left { at - TIMES } else { self.width - at };
        self.text(&format!("{class} label {side}"), at, y + 4, &mark.text, room / COLUMN);
    }
}
