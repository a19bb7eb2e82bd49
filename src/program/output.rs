//! What a program says: its two streams cut into lines, kept within limits, and told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Teller;
use super::ending::Ended;
use crate::event::{Did, Why};

/// How many bytes of output a program may write before it is ended: twice what the most talkative class program wrote
/// before a person stopped it (33 MB).
const OUTPUT_BYTES_MAX: u64 = 64 << 20;
/// How many bytes of a program's lines are kept for `expect output`, the oldest given up first.
const OUTPUT_KEPT: usize = 1 << 20;
/// How many lines of a program are shown: past it nobody reads them. They are looked at all the same.
const LINES_SHOWN: u64 = 1_000;
/// How many bytes of one line are kept.
const LINE_BYTES_MAX: usize = 4_096;
/// How many of its last lines on standard error are kept to say why it ended: a traceback has three to forty.
const ERRORS_KEPT: usize = 100;
/// How long a line may stay open before it is shown as it is: `input("Name: ")` writes no newline.
const OPEN_LINE: Duration = Duration::from_millis(100);
/// How much is read at once, in bytes: what a pipe holds on Linux.
const READ_BYTES: usize = 64 << 10;

/// A stream of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What there is to know of a program that was started.
#[derive(Default)]
pub struct State {
    /// The lines that are kept; the first has the number `first`.
    lines: VecDeque<Arc<str>>,
    first: u64,
    kept: usize,
    /// The number of the first line that no `expect output` took.
    pub taken: u64,
    errors: VecDeque<Arc<str>>,
    /// All that it wrote, in bytes.
    total: u64,
    /// Bytes that are not kept: of long lines, and of lines that were given up.
    lost: u64,
    /// The line that was said last, where it is not complete: a question, most often.
    open: Option<Arc<str>>,
    told: u64,
    hidden: u64,
    /// Why it is to end.
    pub asked: Option<Why>,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// What a program said, as far as it is kept.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Lines that no `expect output` took.
    pub lines: Vec<Arc<str>>,
    /// Its last lines on standard error.
    pub errors: Vec<Arc<str>>,
    /// The line that was said last, where it is not complete.
    pub open: Option<Arc<str>>,
    /// All that it wrote, in bytes.
    pub total: u64,
    /// Bytes of it that are not kept.
    pub lost: u64,
}

impl State {
    /// The lines from this number on, and after those that were taken, each with its number.
    pub fn after(&self, number: u64) -> Vec<(u64, Arc<str>)> {
        let from = number.max(self.taken).max(self.first);
        let skipped = usize::try_from(from - self.first).unwrap_or(usize::MAX);
        self.lines.iter().skip(skipped).cloned().zip(from..).map(|(line, number)| (number, line)).collect()
    }

    pub fn kept(&self) -> Kept {
        Kept {
            lines: self.after(0).into_iter().map(|(_, line)| line).collect(),
            errors: self.errors.iter().cloned().collect(),
            open: self.open.clone(),
            total: self.total,
            lost: self.lost,
        }
    }

    /// Lines that were not shown.
    pub fn hidden(&self) -> u64 {
        self.hidden
    }

    /// Keeps a line; whether it is to be shown.
    fn add(&mut self, stream: Stream, line: &Arc<str>, cut: u64) -> bool {
        self.lost += cut;
        if stream == Stream::Err {
            if self.errors.len() == ERRORS_KEPT {
                self.errors.pop_front();
            }
            self.errors.push_back(line.clone());
        }
        self.kept += line.len();
        self.lines.push_back(line.clone());
        while self.kept > OUTPUT_KEPT
            && let Some(oldest) = self.lines.pop_front()
        {
            self.kept -= oldest.len();
            self.lost += oldest.len() as u64;
            self.first += 1;
        }
        let is_shown = self.told < LINES_SHOWN;
        if is_shown {
            self.told += 1
        } else {
            self.hidden += 1
        }
        is_shown
    }
}

/// Reads both streams of a child, each in a task of its own.
pub fn read_both(child: &mut Child, state: &watch::Sender<State>, teller: &Teller) -> Vec<JoinHandle<()>> {
    let mut readers = Vec::new();
    if let Some(out) = child.stdout.take() {
        readers.push(tokio::spawn(read(out, Stream::Out, state.clone(), teller.clone())));
    }
    if let Some(err) = child.stderr.take() {
        readers.push(tokio::spawn(read(err, Stream::Err, state.clone(), teller.clone())));
    }
    readers
}

/// A line that is not complete yet: its first bytes, and how many more there were.
#[derive(Default)]
struct OpenLine {
    bytes: Vec<u8>,
    cut: u64,
}

impl OpenLine {
    fn push(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES_MAX - self.bytes.len();
        let kept = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.cut += (bytes.len() - kept) as u64;
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

async fn read(mut pipe: impl AsyncRead + Unpin, stream: Stream, state: watch::Sender<State>, teller: Teller) {
    let mut buffer = vec![0; READ_BYTES];
    let mut open = OpenLine::default();
    loop {
        let reading = pipe.read(&mut buffer);
        let read = if open.is_empty() {
            reading.await
        } else {
            match tokio::time::timeout(OPEN_LINE, reading).await {
                Ok(read) => read,
                Err(_) => {
                    tell(&mut open, false, stream, &state, &teller);
                    continue;
                }
            }
        };
        // A pipe that cannot be read has nothing more to say.
        let Ok(count @ 1..) = read else { break };
        state.send_if_modified(|state| {
            state.total += count as u64;
            let floods = state.total > OUTPUT_BYTES_MAX && state.asked.is_none();
            if floods {
                state.asked = Some(Why::Output(OUTPUT_BYTES_MAX));
            }
            floods
        });
        for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(rest) => {
                    open.push(rest);
                    tell(&mut open, true, stream, &state, &teller);
                }
                None => open.push(piece),
            }
        }
    }
    if !open.is_empty() {
        tell(&mut open, true, stream, &state, &teller);
    }
}

/// Keeps and tells a line; those that wait for one look at it.
fn tell(open: &mut OpenLine, is_whole: bool, stream: Stream, state: &watch::Sender<State>, teller: &Teller) {
    let OpenLine { bytes, cut } = std::mem::take(open);
    let text = String::from_utf8_lossy(&bytes);
    let line: Arc<str> = text.trim_end_matches('\r').into();
    let mut is_shown = false;
    state.send_modify(|state| {
        state.open = (!is_whole).then(|| line.clone());
        is_shown = state.add(stream, &line, cut);
    });
    if is_shown {
        teller.tell(Did::Say { is_error: stream == Stream::Err, line, cut });
    }
}
