//! A sequence diagram as text in columns.
//!
//! A message is one arrow: it leaves the sender's lane in the row in which it was sent, waits beside the receiver's lane
//! (`┊`) as its bytes wait in the kernel, and ends where a read took it.

pub mod line;

use std::time::Duration;

use line::Line;

use crate::sequence::{Arrival, Arrow, Lane, Mark, Marked, Role, Row, Sequence, Shown, Travels};

/// Columns of the two times at the left.
pub const TIMES: usize = 17;
/// Columns that a lane takes at least: a short name, an arrow, a few letters on it.
const LANE_MIN: usize = 11;
/// Two lanes need so many columns; on a narrower screen the terminal's own wrapping has to do.
const WIDTH_MIN: usize = TIMES + 2 * LANE_MIN;
/// So many rows and the names stand below the picture too.
const ROWS_WITH_HEAD: usize = 30;
/// A picture is not wider than this in a file, in columns: few editors show more.
const FILE_WIDTH_MAX: usize = 400;
/// The columns of a picture in a file that has few lanes.
const FILE_WIDTH: usize = 100;
/// The columns that a lane gets in a file.
const FILE_LANE: usize = 20;

/// How an arrow begins of which only the end is known.
const OPEN: &str = "··";

/// The picture in a file: wide enough for its lanes.
pub fn file(sequence: &Sequence) -> String {
    text(sequence, (TIMES + sequence.lanes.len() * FILE_LANE).clamp(FILE_WIDTH, FILE_WIDTH_MAX))
}

/// The picture in lines of so many columns at most; lanes that do not fit are left out, and it says so.
pub fn text(sequence: &Sequence, width: usize) -> String {
    let width = width.max(WIDTH_MIN);
    let fit = (width - TIMES) / LANE_MIN;
    let (sequence, left_out) = sequence.narrowed(fit);
    let dropped = sequence.says_dropped();
    let mut lines: Vec<String> = dropped.iter().flat_map(|told| line::wrap(told, width)).collect();
    if sequence.rows.is_empty() {
        lines.push("nothing has happened yet: `connect HOST:PORT` or `listen PORT` begins".to_string());
    } else {
        Picture::new(&sequence, width).draw(&mut lines);
    }
    lines.extend(says_left_out(&left_out).iter().flat_map(|told| line::wrap(told, width)));
    lines.iter().fold(String::new(), |all, line| all + line.trim_end() + "\n")
}

/// What is said of lanes that are left out.
pub fn says_left_out(lanes: &[String]) -> Option<String> {
    const NAMED: usize = 3;
    if lanes.is_empty() {
        return None;
    }
    let names = lanes.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = if lanes.len() > NAMED { ", ..." } else { "" };
    let what = if lanes.len() == 1 { "lane does" } else { "lanes do" };
    Some(format!("{} more {what} not fit: {names}{more}; `flow NAME` draws one", lanes.len()))
}

/// A picture whose lanes have their columns.
struct Picture<'s> {
    sequence: &'s Sequence,
    width: usize,
    columns: Vec<usize>,
    /// How many messages wait on the left and on the right of each lane.
    waiting: Vec<[usize; 2]>,
}

/// A side of a lane.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    /// The column so many steps away from a lane.
    fn of(self, column: usize, steps: usize) -> usize {
        if self == Side::Left { column.saturating_sub(steps) } else { column + steps }
    }
}

impl Picture<'_> {
    fn new(sequence: &Sequence, width: usize) -> Picture<'_> {
        let lanes = sequence.lanes.len().max(1);
        let each = (width - TIMES) / lanes;
        let half =
            |lane: Option<&Lane>| lane.map_or(0, |lane| line::width(&lane.name)).min(each).div_ceil(2).max(2);
        let first = TIMES + half(sequence.lanes.first());
        let last = width - 1 - half(sequence.lanes.last());
        let column =
            |lane: usize| if lanes == 1 { first } else { first + (last - first) * lane / (lanes - 1) };
        let columns = (0..lanes).map(column).collect();
        Picture { sequence, width, columns, waiting: vec![[0; 2]; lanes] }
    }

    fn draw(&mut self, lines: &mut Vec<String>) {
        lines.push(self.head("   time    step"));
        // Reads by row: which arrows end there.
        let mut ends: Vec<Vec<usize>> = vec![Vec::new(); self.sequence.rows.len()];
        for (index, row) in self.sequence.rows.iter().enumerate() {
            if let Shown::Arrow(Arrow { arrival: Arrival::Row(at) | Arrival::Lost(at), .. }) = row.shown
                && let Some(ends) = ends.get_mut(at)
            {
                ends.push(index);
            }
        }
        for (index, row) in self.sequence.rows.iter().enumerate() {
            lines.push(self.row(index, row, &ends[index]));
        }
        if self.sequence.rows.len() > ROWS_WITH_HEAD {
            lines.push(self.head(""));
        }
    }

    /// The lanes' names over their lanes.
    fn head(&self, left: &str) -> String {
        let mut line = Line::new(self.width);
        line.put(0, left);
        let gap = self.columns.get(1).map_or(self.width - TIMES, |second| second - self.columns[0]);
        for (lane, column) in self.sequence.lanes.iter().zip(&self.columns) {
            let name = line::cut_middle(&lane.name, gap.saturating_sub(1).max(3));
            let wide = line::width(&name);
            let from = column.saturating_sub(wide / 2).min(self.width.saturating_sub(wide)).max(TIMES - 1);
            line.put(from, &name);
        }
        line.finish()
    }

    fn row(&mut self, index: usize, row: &Row, ends: &[usize]) -> String {
        let mut line = Line::new(self.width);
        if let Shown::Phase(title) = &row.shown {
            line.put(0, &"=".repeat(self.width));
            line.put(2, &format!(" {} ", line::cut(title, self.width.saturating_sub(6))));
            return line.finish();
        }
        line.put(0, &format!("{:>7} {:>8}", time(row.at), format!("+{}", time(row.since))));
        self.lifelines(&mut line, index);
        match &row.shown {
            Shown::Arrow(arrow) => self.arrow(&mut line, index, arrow),
            Shown::Mark(mark) => self.mark(&mut line, mark, self.side_of_end(mark, ends)),
            Shown::Note(note) => line.put(TIMES, &line::cut(&format!("x {note}"), self.width - TIMES)),
            Shown::Phase(_) => {}
        }
        self.arrivals(&mut line, index, ends);
        line.finish()
    }

    /// The lanes that are there, and what waits beside them.
    fn lifelines(&self, line: &mut Line, row: usize) {
        for (lane, column) in self.columns.iter().enumerate() {
            if self.sequence.is_alive(lane, row) {
                line.put(*column, "│");
            }
            for (side, waiting) in [Side::Left, Side::Right].into_iter().zip(self.waiting[lane]) {
                if waiting > 0 {
                    line.put(side.of(*column, 2), "┊");
                }
            }
        }
    }

    fn arrow(&mut self, line: &mut Line, index: usize, arrow: &Arrow) {
        let (from, to) = (self.columns[arrow.from], self.columns[arrow.to]);
        let goes_right = from < to;
        let side = if goes_right { Side::Left } else { Side::Right };
        let ends_here = match arrow.arrival {
            Arrival::Here | Arrival::Read => true,
            Arrival::Row(at) | Arrival::Lost(at) => at <= index,
            Arrival::Waits => false,
        };
        let (low, high) = (from.min(to), from.max(to));
        line.put(low + 1, &"─".repeat(high - low - 1));
        self.crossings(line, low, high);
        let is_lost = matches!(arrow.arrival, Arrival::Lost(at) if at <= index);
        if arrow.arrival == Arrival::Read {
            // When it left is not known: its tail is open, and what is sure is the read.
            line.put(if goes_right { low + 1 } else { high - OPEN.chars().count() }, OPEN);
            line.put(to, "●");
        } else {
            line.put(from, self.tail(index, arrow, goes_right));
        }
        // Where the label may stand: a stroke at the tail, and one before the head.
        let (mut first, mut last) =
            (low + 2 + usize::from(!goes_right), (high - 2).saturating_sub(usize::from(goes_right)));
        if arrow.arrival == Arrival::Read {
            (first, last) = if goes_right { (first + 1, last) } else { (first, last.saturating_sub(1)) };
        }
        if is_lost {
            line.put(side.of(to, 1), " ");
            line.put(side.of(to, 2), "x");
            (first, last) = if goes_right { (first, last.saturating_sub(1)) } else { (first + 1, last) };
        } else if ends_here {
            line.put(side.of(to, 1), if goes_right { ">" } else { "<" });
        } else {
            if goes_right {
                last -= 1
            } else {
                first += 1
            }
            let waiting = &mut self.waiting[arrow.to][usize::from(side == Side::Right)];
            let corner = match (*waiting > 0, goes_right) {
                (true, true) => "┤",
                (true, false) => "├",
                (false, true) => "╮",
                (false, false) => "╭",
            };
            *waiting += 1;
            line.put(side.of(to, 1), " ");
            line.put(side.of(to, 2), corner);
        }
        let room = (last + 1).saturating_sub(first);
        let label = match caption(arrow, room.saturating_sub(2)) {
            // A short one is better without spaces around it than cut.
            cut if arrow.number.is_none() && cut != arrow.label => line::cut(&arrow.label, room),
            label => format!(" {label} "),
        };
        line.put(first + room.saturating_sub(line::width(&label)) / 2, &label);
    }

    /// Where a stroke crosses what waits.
    fn crossings(&self, line: &mut Line, low: usize, high: usize) {
        for (column, waiting) in self.columns.iter().zip(&self.waiting) {
            for (side, waiting) in [Side::Left, Side::Right].into_iter().zip(waiting) {
                let at = side.of(*column, 2);
                if *waiting > 0 && (low + 1..high).contains(&at) {
                    line.put(at, "┼");
                }
            }
        }
    }

    /// How an arrow leaves its lane: one that begins or ends here begins or ends with it.
    fn tail(&self, row: usize, arrow: &Arrow, goes_right: bool) -> &'static str {
        let span = |row: usize| self.sequence.is_alive(arrow.from, row);
        let begins = arrow.kind == Travels::Connect && !(row > 0 && span(row - 1));
        let ends = matches!(arrow.kind, Travels::Fin | Travels::Rst) && !span(row + 1);
        let is_party = self.sequence.lanes[arrow.from].role == Role::Party;
        match (begins && !is_party, ends && !is_party, goes_right) {
            (true, _, true) => "┌",
            (true, _, false) => "┐",
            (_, true, true) => "└",
            (_, true, false) => "┘",
            (_, _, true) => "├",
            (_, _, false) => "┤",
        }
    }

    /// On which side of its lane an arrow ends here.
    fn side_of_end(&self, mark: &Mark, ends: &[usize]) -> Option<Side> {
        ends.iter().find_map(|row| match &self.sequence.rows[*row].shown {
            Shown::Arrow(arrow) if arrow.to == mark.lane => {
                Some(if self.columns[arrow.from] < self.columns[arrow.to] { Side::Left } else { Side::Right })
            }
            _ => None,
        })
    }

    fn mark(&self, line: &mut Line, mark: &Mark, end: Option<Side>) {
        let column = self.columns[mark.lane];
        let sign = match mark.kind {
            Marked::Opens => "┬",
            Marked::Reads | Marked::Ends | Marked::Says => "●",
            Marked::Silence => "~",
            Marked::Fails => "x",
            Marked::Closes => "┴",
        };
        line.put(column, sign);
        let waiting = self.waiting[mark.lane];
        let side = end.unwrap_or(if column - TIMES > self.width - column { Side::Left } else { Side::Right });
        let is_waiting = waiting[usize::from(side == Side::Right)] > 0 || end.is_some();
        let gap = if is_waiting { 4 } else { 2 };
        match side {
            Side::Right => {
                let at = column + gap;
                line.put(at, &line::cut(&mark.text, self.width.saturating_sub(at)));
            }
            Side::Left => {
                let text = line::cut(&mark.text, (column + 1).saturating_sub(gap + TIMES));
                line.put((column + 1).saturating_sub(gap + line::width(&text)), &text);
            }
        }
    }

    /// The arrows that end in this row: one that was read points at its lane, one that is lost points nowhere.
    fn arrivals(&mut self, line: &mut Line, row: usize, ends: &[usize]) {
        for index in ends.iter().filter(|index| **index < row) {
            let Shown::Arrow(arrow) = &self.sequence.rows[*index].shown else { continue };
            let side =
                if self.columns[arrow.from] < self.columns[arrow.to] { Side::Left } else { Side::Right };
            let column = self.columns[arrow.to];
            let waiting = &mut self.waiting[arrow.to][usize::from(side == Side::Right)];
            *waiting = waiting.saturating_sub(1);
            let is_more = *waiting > 0;
            if matches!(arrow.arrival, Arrival::Lost(_)) {
                line.put(side.of(column, 2), "x");
                continue;
            }
            let (head, bend) = match (side, is_more) {
                (Side::Left, false) => (">", "╰"),
                (Side::Left, true) => (">", "├"),
                (Side::Right, false) => ("<", "╯"),
                (Side::Right, true) => ("<", "┤"),
            };
            line.put(side.of(column, 1), head);
            line.put(side.of(column, 2), bend);
        }
    }
}

/// What stands on an arrow: of the value as much as fits, the number and the size whole.
pub fn caption(arrow: &Arrow, room: usize) -> String {
    let before = arrow.number.map_or(String::new(), |number| format!("({number}) "));
    let mut after = arrow.body.as_ref().map_or(String::new(), |body| format!("  {} B", body.wire.total));
    if let Some(fate) = arrow.fate() {
        after += ", ";
        after += fate;
    }
    let left = room.saturating_sub(line::width(&before) + line::width(&after));
    if left >= line::width(&arrow.label).min(8) {
        return format!("{before}{}{after}", line::cut(&arrow.label, left));
    }
    line::cut(&format!("{before}{}", arrow.label), room)
}

/// A time in at most six columns.
pub fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    let seconds = time.as_secs();
    match ms {
        ..9.95 => format!("{ms:.1}ms"),
        ..999.5 => format!("{ms:.0}ms"),
        ..9_995.0 => format!("{:.2}s", ms / 1000.0),
        ..99_950.0 => format!("{:.1}s", ms / 1000.0),
        _ if seconds < 3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_takes_six_columns() {
        let shown = |ms: f64| time(Duration::from_secs_f64(ms / 1000.0));
        let times =
            [0.0, 0.04, 9.94, 9.96, 999.4, 999.6, 9_994.0, 12_340.0, 99_960.0, 754_000.0, 7_500_000.0];
        let wanted = [
            "0.0ms", "0.0ms", "9.9ms", "10ms", "999ms", "1.00s", "9.99s", "12.3s", "1m39s", "12m34s", "2h05m",
        ];
        assert_eq!(times.map(shown), wanted);
    }
}
