//! Events as text for people; the only file that formats for a screen.

mod class;
mod explain;
mod load;
mod picture;
mod program;
mod run;
mod tcp;
mod wrap;

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::event::{Event, Failure, FailureKind, Half, Message, What};
use crate::net::End;
use crate::pattern::count;
use crate::value::{Value, escape};

pub use run::{phase, points, submission};

use self::wrap::{caret, folded, visible_width, wrapped};

/// How much of a value a line shows, in characters; the rest is counted.
const SHOWN_VALUE: usize = 1000;
/// The line's width where no terminal says, in columns.
pub const WIDTH_DEFAULT: usize = 80;
/// Lines are not made wider than this, so that sizes and times stay near the values, in columns.
const WIDTH_MAX: usize = 110;

/// How far the further lines of a value stand in, in columns.
const VALUE_INDENT: usize = 4;
/// How far the further lines of help stand in, in columns: more than its lines do.
const TEXT_INDENT: usize = 8;

/// Nor narrower: on less, the terminal's own wrapping serves better, in columns.
const WIDTH_MIN: usize = 20;

/// How lines are to look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Colours may be used.
    pub color: bool,
    /// Columns of a line.
    pub width: usize,
    /// Sentences are broken at this width; in a pipe or a file they stay whole, for `grep`.
    pub wraps: bool,
}

impl Look {
    /// A look for a screen of unknown width.
    pub fn new(color: bool) -> Look {
        Look { color, width: WIDTH_DEFAULT, wraps: false }
    }

    /// The same look for a screen of this width.
    pub fn wide(self, width: Option<usize>) -> Look {
        let wide = width.unwrap_or(WIDTH_DEFAULT).clamp(WIDTH_MIN, WIDTH_MAX);
        Look { width: wide, wraps: width.is_some_and(|width| width >= WIDTH_MIN), ..self }
    }

    fn paint<'t>(&self, style: Style, text: &'t str) -> Cow<'t, str> {
        if self.color && !text.is_empty() { format!("{style}{text}{style:#}").into() } else { text.into() }
    }

    fn dim<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.paint(Style::new().dimmed(), text)
    }

    fn bold<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.paint(Style::new().bold(), text)
    }

    fn colored<'t>(&self, color: AnsiColor, text: &'t str) -> Cow<'t, str> {
        self.paint(Style::new().fg_color(Some(color.into())), text)
    }
}

/// The lines that tell an event; `None` for one that people are not shown.
pub fn event(event: &Event, look: &Look) -> Option<String> {
    Some(match &event.what {
        // What they say stands on the next line as it is.
        What::Step { verb: "say" | "pause", .. } => return None,
        What::Step { prompt, text, .. } => step(prompt, text, look),
        What::Phase(title) => format!("\n{}\n", look.bold(&format!("== {}", escape(title)))),
        What::Said(text) => said(text, look),
        What::Recording { file, steps: None } => format!("  recording to `{file}`; `record stop` ends it\n"),
        What::Recording { file, steps: Some(steps) } => {
            format!("  recorded {} in `{file}`\n", count(*steps as u64, "step"))
        }
        What::Narrated(text) => format!("\n{}", said(text, look)),
        What::Moved(how) => look.dim(&format!("  {how}")).into_owned() + "\n",
        What::Paused(text) if text.is_empty() => said("Enter goes on", look),
        What::Paused(text) => said(&format!("{text} (Enter goes on)"), look),
        What::Sent { socket, message } => sent(socket, message, look),
        What::Received { socket, message } => received(socket, message, look),
        What::Read { socket, bytes, asked, taken, took, .. } => {
            tcp::read(socket, bytes, *asked, taken, *took, look)
        }
        What::Checked { text } => format!("  {} {}\n", look.colored(AnsiColor::Green, "ok"), escape(text)),
        What::Bound { name, value } => {
            let (shown, cut) = value.repr_cut(SHOWN_VALUE);
            let line = format!("  {name} = {shown}{}", if cut { " ... (cut)" } else { "" });
            folded(&line, VALUE_INDENT, look) + "\n"
        }
        What::OptionSet { socket, option, value, note } => {
            let whose = socket.as_ref().map_or(String::new(), |name| format!("{name}: "));
            let note =
                note.as_ref().map_or(String::new(), |note| format!("{}\n", look.dim(&format!("  {note}"))));
            format!("  {whose}{option} {value}\n{note}")
        }
        What::Table { kind: "sockets", titles, rows, empty } => tcp::table(titles, rows, empty, look),
        What::Table { titles, rows, empty, .. } => table(titles, rows, empty, look),
        What::Connection { socket, story } => tcp::story(socket, story, look),
        What::Noticed { socket, bytes, how, is_current } => {
            tcp::noticed(socket, *bytes, *how, *is_current, look)
        }
        What::Text { kind, text } => asked_for(kind, text, look),
        What::Warning { socket, message, hint } => warning(socket.as_deref(), message, hint.as_deref(), look),
        What::FailedAsAllowed { failure, must } => allowed(failure, *must, look),
        What::Failed(it) => failure(it, look),
        What::NotRun(it) => wrapped(&look.dim("  not run:"), &it.message, look),
        What::Watching { run, status, files } => run::watching(*run, *status, *files, look),
        What::Changed { file, is_gone, run } => run::changed(file, *is_gone, *run, look),
        What::Submission(it) => run::submission(it, look),
        What::Summary(it) => run::summary(it, look),
        What::Flow(sequence) => picture::flow(sequence, look),
        What::FlowSaved { file, messages, lanes } => picture::saved(file, *messages, *lanes),
        What::Explained { origin, explanation } => explain::explained(origin, explanation, look),
        What::Dumped { origin, wire, folding } => explain::dumped(origin, wire, *folding, look),
        What::Program { program, did } => program::event(program, did, look),
        What::Waiting | What::Planned(_) | What::Points(_) | What::Result(_) => return None,
        other => {
            let told = class::event(other, look).or_else(|| load::event(other, look));
            return told.or_else(|| socket_event(other, look));
        }
    })
}

/// What happened to a socket, without a message.
fn socket_event(what: &What, look: &Look) -> Option<String> {
    Some(match what {
        What::Connected { socket, peer, local, host, took } => {
            let as_host =
                if *host == peer.ip().to_string() { String::new() } else { format!(" ({})", escape(host)) };
            row(
                &format!("  {}  connected to {peer}{as_host} from {local}", look.bold(socket)),
                &ms(*took),
                look,
            )
        }
        What::Listening { socket, local } => {
            let everyone =
                if local.ip().is_unspecified() { ": any machine on this network can connect" } else { "" };
            format!("  {}  listening on {local}{everyone}\n", look.bold(socket))
        }
        What::Accepted { socket, listener, peer, took } => {
            row(&format!("  {}  accepted by {listener} from {peer}", look.bold(socket)), &ms(*took), look)
        }
        What::Ended { socket, end, messages, took } => {
            let after = messages.map_or(String::new(), |n| format!(" after {}", count(n, "message")));
            let how = match end {
                End::Closed => "the peer closed",
                End::Reset => "the peer reset the connection",
                End::Dead => "the peer no longer answers",
            };
            row(&format!("  {}  {how}{after}", look.bold(socket)), &ms(*took), look)
        }
        What::ListenedOut { socket, messages, took } => row(
            &format!("  {}  time is up after {}; still open", look.bold(socket), count(*messages, "message")),
            &ms(*took),
            look,
        ),
        What::Quiet { socket, took } => {
            row(&format!("  {}  nothing arrived, as wanted", look.bold(socket)), &ms(*took), look)
        }
        What::Closed { socket, sent, received, dropped, unsent } => {
            let lost = lost(*unsent, "sent") + &lost(*dropped, "read");
            let right = if *sent + *received > 0 {
                format!("sent {sent} B, received {received} B")
            } else {
                String::new()
            };
            row(&format!("  {}  closed{lost}", look.bold(socket)), &right, look)
        }
        What::Discarded { socket, bytes } => {
            format!("  {}  {bytes} B of the earlier run were thrown away\n", look.bold(socket))
        }
        What::ShutDown { socket, half } => {
            let what = match half {
                Half::Write => "will send no more (FIN sent)",
                Half::Read => "will read no more",
                Half::Both => "will neither send nor read",
            };
            format!("  {}  {what}\n", look.bold(socket))
        }
        What::Aborted { socket } => format!("  {}  aborted (RST sent)\n", look.bold(socket)),
        What::Using { socket } => format!("  {}  is the current socket\n", look.bold(socket)),
        _ => return None,
    })
}

/// Text that was asked for. A line of history stays whole: it may be copied.
fn asked_for(kind: &str, text: &str, look: &Look) -> String {
    let look = Look { wraps: look.wraps && kind != "history", ..*look };
    text.lines().map(|line| folded(&format!("  {line}"), TEXT_INDENT, &look) + "\n").collect()
}

fn lost(bytes: usize, how: &str) -> String {
    if bytes > 0 { format!("; {bytes} B were never {how}") } else { String::new() }
}

fn step(prompt: &str, text: &str, look: &Look) -> String {
    let mut shown = String::with_capacity(prompt.len() + text.len() + 4);
    for (number, line) in text.lines().enumerate() {
        if number == 0 {
            shown += &look.dim(&[prompt, "> "].concat());
        } else {
            shown += &look.dim(&format!("{}. ", " ".repeat(prompt.width())));
        }
        shown += &escape(line);
        shown.push('\n');
    }
    shown
}

/// One line, whatever a value in it holds: what a peer sent must not start a line that looks like ours.
fn said(text: &str, look: &Look) -> String {
    look.colored(AnsiColor::Cyan, wrapped("", text, look).trim()).into_owned() + "\n"
}

fn arrow(socket: &str, sign: &str, color: AnsiColor, look: &Look) -> String {
    ["  ", &look.bold(socket), " ", &look.colored(color, sign), " "].concat()
}

/// `29 B, pickle 4`.
fn size(message: &Message) -> String {
    let mut text = String::with_capacity(64);
    let _ = write!(text, "{} B, {}", message.bytes, message.codec);
    if let Some(protocol) = message.protocol {
        let _ = write!(text, " {protocol}");
    }
    text
}

fn shown_value(message: &Message) -> String {
    if let (Value::Bytes(bytes), "hex" | "garbage") = (&message.value, message.codec) {
        return hex(bytes);
    }
    let (shown, cut) = message.value.repr_cut(SHOWN_VALUE);
    if cut { format!("{shown} ... (cut: {} B in all)", message.bytes) } else { shown }
}

/// `80 04 4b 01 2e`.
fn hex(bytes: &[u8]) -> String {
    let most = SHOWN_VALUE / 4;
    let mut shown: Vec<String> = bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > most {
        shown.push(format!("... (cut: {} B in all)", bytes.len()));
    }
    shown.join(" ")
}

fn sent(socket: &str, message: &Message, look: &Look) -> String {
    let left = arrow(socket, "->", AnsiColor::Blue, look) + &shown_value(message);
    let dispatch = message.dispatch.as_ref().map(|dispatch| tcp::on_the_wire(dispatch, look));
    row(&left, &size(message), look) + &dispatch.unwrap_or_default() + &notes(message, look)
}

fn notes(message: &Message, look: &Look) -> String {
    message
        .notes
        .iter()
        .map(|note| look.dim(&format!("  note: {}", escape(note))).into_owned() + "\n")
        .collect()
}

fn received(socket: &str, message: &Message, look: &Look) -> String {
    let left = arrow(socket, "<-", AnsiColor::Green, look) + &shown_value(message);
    let mut right = size(message);
    let _ = write!(right, ", {}", count(message.reads, "read"));
    if message.waiting > 0 {
        let _ = write!(right, ", {} B more here", message.waiting);
    }
    if message.expected {
        right.push_str(", as expected");
    }
    let _ = write!(right, " {:>8}", ms(message.took));
    let mut lines = row(&left, &right, look);
    lines += &notes(message, look);
    if !message.actions.is_empty() {
        let says = if message.actions.len() == 1 { "something" } else { "these things" };
        let head = format!("pickle.loads would have done {says} here; lab2sh did not:");
        lines += &warning(Some(socket), &head, None, look);
        for action in &message.actions {
            let _ = writeln!(lines, "    {}", escape(action));
        }
    }
    lines
}

/// A left part and a right part on one line where they fit, else below each other.
fn row(left: &str, right: &str, look: &Look) -> String {
    if right.is_empty() {
        return [&folded(left, VALUE_INDENT, look), "\n"].concat();
    }
    let left = &folded(left, VALUE_INDENT, look);
    let last = left.rsplit('\n').next().unwrap_or_default();
    let (left_width, right_width) = (visible_width(last), visible_width(right));
    let fits = left_width + 2 + right_width <= look.width;
    let before = if fits { left_width } else { 0 };
    let mut line = String::with_capacity(left.len() + look.width + 16);
    line.push_str(left);
    if !fits {
        line.push('\n');
    }
    line.extend(std::iter::repeat_n(' ', look.width.saturating_sub(before + right_width)));
    line += &look.dim(right);
    line.push('\n');
    line
}

fn ms(took: Duration) -> String {
    if took.as_secs() >= 10 {
        return format!("{:.1} s", took.as_secs_f64());
    }
    let tenths = (took.as_micros() + 50) / 100;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

fn table(titles: &[&str], rows: &[Vec<String>], empty: &str, look: &Look) -> String {
    if rows.is_empty() {
        return format!("  {empty}\n");
    }
    let rows = safe(rows);
    let columns = widths(titles, &rows);
    let mut text = look.dim(&cells(titles.iter().copied(), &columns)).into_owned() + "\n";
    for row in &rows {
        text += &(cells(row.iter().map(String::as_str), &columns) + "\n");
    }
    text
}

/// A class name in a cell is the peer's.
fn safe(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(|cell| escape(cell).into_owned()).collect()).collect()
}

/// The width of each column.
fn widths(titles: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let widest = |(column, title): (usize, &&str)| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain([title.width()]).max().unwrap_or(0)
    };
    titles.iter().enumerate().map(widest).collect()
}

/// One line of a table; what has no column is left out.
fn cells<'c>(cells: impl Iterator<Item = &'c str>, columns: &[usize]) -> String {
    let mut text = String::from(" ");
    for (cell, width) in cells.zip(columns) {
        let _ = write!(text, " {cell}{}", " ".repeat(width + 1 - cell.width().min(*width)));
    }
    text.trim_end().to_string()
}

fn warning(socket: Option<&str>, message: &str, hint: Option<&str>, look: &Look) -> String {
    let whose = socket.map_or(String::new(), |name| format!("`{name}`: "));
    let head = look.colored(AnsiColor::Yellow, "warning:");
    let mut lines = format!("{head} {whose}{}\n", escape(message));
    if let Some(hint) = hint {
        let _ = writeln!(lines, "{} {}", look.dim("hint:"), escape(hint));
    }
    lines
}

fn allowed(failure: &Failure, must: bool, look: &Look) -> String {
    let how = if must { "failed, as it must" } else { "failed, as it may" };
    let head = ["  ", &look.colored(AnsiColor::Green, how), ":"].concat();
    let mut lines = wrapped(&head, &failure.message, look);
    if let Some(hint) = &failure.hint {
        lines += &look.dim(wrapped("  hint:", hint, look).trim_end());
        lines.push('\n');
    }
    lines
}

/// A failure: its place, what is wrong, the line with a caret, the details, the way out.
pub fn failure(failure: &Failure, look: &Look) -> String {
    let mut head = String::new();
    if let Some(place) = &failure.place
        && let Some(file) = &place.file
    {
        let _ = write!(head, "{}:{}:{}: ", escape(file), place.line, place.column);
    }
    let is_typed = failure.place.as_ref().is_some_and(|place| place.file.is_none());
    head += &match failure.kind {
        // Who presses Ctrl-C at the prompt wants it.
        FailureKind::Interrupted if is_typed => look.colored(AnsiColor::Yellow, "note:"),
        _ => look.colored(AnsiColor::Red, "error:"),
    };
    let mut lines = wrapped(&head, &failure.message, look);
    // At the prompt the line stands right above: it is shown again only to point at what is wrong in it.
    if let Some(place) = &failure.place
        && (place.file.is_some() || failure.kind == FailureKind::Script)
    {
        lines += &caret(place, look);
    }
    let column = failure.details.iter().map(|(word, _)| word.len()).max().unwrap_or(0);
    for (word, text) in &failure.details {
        let head = format!("  {word}:{} ", " ".repeat(column - word.len()));
        lines += &(folded(&format!("{head}{}", escape(text)), head.len(), look) + "\n");
    }
    if let Some(hint) = &failure.hint {
        lines += &wrapped(&look.dim("hint:"), hint, look);
    }
    lines
}
