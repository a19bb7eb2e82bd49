//! The one writer of standard output and standard error: events in, lines out.

mod brief;
mod crowd;

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::brief::{Brief, Shown};
use self::crowd::Crowd;
use crate::event::{Event, FailureKind, What};
use crate::lab::Interrupt;
use crate::render::{self, Look};
use crate::report;

/// Output is written out at this size where it goes to no terminal, in bytes; and whenever a step waits.
const BUFFER_BYTES: usize = 64 << 10;

/// No pipe holds less than this, in bytes: Linux gives 65,536, macOS 16,384, and 4,096 where memory is short.
const PIPE_BYTES: usize = 4096;
/// Back to the first column, and the line is empty (ECMA-48's EL).
const ERASE_LINE: &str = "\r\x1b[K";
/// How many lines a second arrivals may add to the screen; ten thousand do not slow the serving.
const ARRIVAL_LINES: usize = 30;
/// How many lines beside them tell of clients that failed or left, and how many of messages: a storm of either hides no arrival.
const OTHER_LINES: usize = 15;
/// How many of them one client's messages may be: a client that floods hides nobody else's.
const SEAT_LINES: usize = 3;
/// How often the counts of a class are told where they cannot stay at the bottom.
const COUNTS_EVERY: Duration = Duration::from_secs(5);

/// What standard output is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    Text,
    /// One JSON object an event.
    Json,
    /// Only failures.
    Quiet,
}

/// Standard output and standard error.
pub struct Output {
    form: Form,
    /// Whether scripts are shown brief that do not ask for it.
    is_brief: bool,
    look: Look,
    is_terminal: bool,
    state: Mutex<State>,
    above: Mutex<Option<Above>>,
    interrupt: Interrupt,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    written: usize,
    /// What is to be done before a write can wait for its reader.
    guard: Option<Box<dyn FnOnce() + Send>>,
    began: bool,
    trouble: Option<Trouble>,
    /// The line that stays at the bottom of a terminal, while it is drawn there.
    bottom: String,
    arrivals: Crowd,
    failures: Crowd,
    messages: Crowd,
    told: Option<Instant>,
    /// Whether a class is served: then a terminal that takes nothing must not hold the one thread.
    serves: bool,
    /// Lines that a stopped terminal did not take and that there was no room for.
    lost: usize,
    /// Counts that are to be told once it is time.
    owed: Option<String>,
    /// The phases of the script under way.
    brief: Option<Brief>,
}

impl State {
    /// Whether a phase that passes takes one line.
    fn holds(&self) -> bool {
        self.brief.as_ref().is_some_and(|brief| brief.holds)
    }

    /// Whether a line of a class is shown, or only counted.
    fn admits(&mut self, what: &What) -> bool {
        match what {
            What::SeatMessage { seat, .. } => self.messages.admits(*seat, SEAT_LINES, OTHER_LINES),
            What::Arrival { arrival: it, .. } => match it.status {
                // That shows in the counts.
                "passed" => false,
                "identified" => self.arrivals.admits(it.seat, ARRIVAL_LINES, ARRIVAL_LINES),
                _ => self.failures.admits(it.seat, OTHER_LINES, OTHER_LINES),
            },
            _ => true,
        }
    }
}

/// Writes a text above the line that is being typed; `false` if nobody types any more.
pub type Above = Box<dyn FnMut(String) -> bool + Send>;

/// Why nothing more can be written.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// The reader went away: exit quietly.
    Closed,
    /// Anything else, a full disk above all.
    Failed(String),
}

impl Output {
    /// An output of this form. A trouble with writing raises `interrupt`.
    pub fn new(form: Form, look: Look, interrupt: Interrupt) -> Output {
        let is_terminal = io::stdout().is_terminal();
        Output {
            form,
            is_brief: false,
            look,
            is_terminal,
            state: Mutex::default(),
            above: Mutex::default(),
            interrupt,
        }
    }

    /// The same output, with a line for each phase that passes.
    pub fn brief(self) -> Output {
        Output { is_brief: true, ..self }
    }

    /// Calls `guard` before the first write that can wait for its reader: on a terminal at once.
    pub fn before_it_can_block(&self, guard: impl FnOnce() + Send + 'static) {
        if self.is_terminal {
            return guard();
        }
        self.lock().guard = Some(Box::new(guard));
    }

    /// How its lines look now: a terminal's width changes with its window.
    pub fn look(&self) -> Look {
        if self.is_terminal { self.look.wide(crate::platform::terminal_width()) } else { self.look }
    }

    /// Whether something could not be written, and nothing will be any more.
    pub fn is_broken(&self) -> bool {
        self.lock().trouble.is_some()
    }

    /// Writes what there is to say of an event.
    pub fn show(&self, event: &Event) {
        if let Some(shown) = self.shown_brief(event) {
            if !shown.before.is_empty() {
                self.write(&shown.before);
            }
            if !shown.own {
                return;
            }
        }
        match (&event.what, self.form) {
            (What::Waiting, _) => {
                self.tell_counts();
                let mut state = self.lock();
                if !state.buffer.is_empty() {
                    self.offer(&mut state);
                }
            }
            // What interrupted it is that its output goes nowhere, and that is told at the end.
            (What::Failed(failure), _) if failure.kind == FailureKind::Interrupted && self.is_broken() => {}
            (What::Failed(failure), Form::Text | Form::Quiet) => {
                self.complain(&render::failure(failure, &self.look()))
            }
            // It comes while a step waits, and who follows a file or a pipe sees it as it comes. There are not many: the lines
            // of a program that are told are limited.
            (What::Program { .. }, Form::Text | Form::Json) => {
                match self.form {
                    Form::Json => self.write(&report::line(event)),
                    _ => self.write_event(event),
                }
                self.offer(&mut self.lock());
            }
            (_, Form::Json) => self.write(&report::line(event)),
            (what, Form::Quiet) => self.show_quiet(what),
            (_, Form::Text) => self.tell(event),
        }
    }

    /// Writes an event's lines for people, with what they do to the counts at the bottom.
    fn tell(&self, event: &Event) {
        match &event.what {
            What::ClassStatus { is_tick: true, .. } | What::RunProgress { .. } => self.counts(event),
            What::RunBegan { .. } => {
                self.write_event(event);
                // In a log it is told how they stand when there is something to tell.
                self.lock().told = Some(Instant::now());
            }
            What::RunEnded { .. } => {
                // Counts that are still owed are older.
                self.lock().owed = None;
                self.clear_bottom();
                self.write_event(event);
            }
            What::Arrival { .. } | What::SeatMessage { .. } => {
                if self.lock().admits(&event.what) {
                    self.write_event(event);
                }
            }
            What::Serving { .. } => {
                self.write_event(event);
                self.lock().serves = true;
            }
            What::ClassClosed { .. } => {
                self.tell_held();
                self.write_event(event);
            }
            What::Summary(_) => {
                self.write_event(event);
                let points = self.lock().brief.take().and_then(|brief| brief.points());
                if let Some((score, of)) = points {
                    self.write(&render::points(score, of));
                }
            }
            _ => self.write_event(event),
        }
    }

    /// Of what is no failure of this run, only a submission that has not passed is worth a line.
    fn show_quiet(&self, what: &What) {
        if let What::Submission(it) = what
            && it.status != 0
        {
            self.complain(&render::submission(it, &self.look()));
        }
    }

    /// What a brief screen shows of an event; `None` where the screen is none.
    fn shown_brief(&self, event: &Event) -> Option<Shown> {
        if self.form != Form::Text || matches!(event.what, What::Waiting) {
            return None;
        }
        let look = self.look();
        let mut state = self.lock();
        match &event.what {
            What::Planned(plan) => {
                let holds = self.is_brief || plan.shows_phases;
                state.brief = Some(Brief::new(plan.clone(), holds));
            }
            What::OptionSet { option: "show", value, .. } if !self.is_brief => {
                if let Some(brief) = &mut state.brief
                    && brief.holds != (value == "phases")
                {
                    brief.hold_back(value == "phases");
                }
            }
            // Those of a class have a screen of their own.
            What::ClassStatus { is_tick: true, .. } if state.holds() => return Some(Shown::default()),
            What::Arrival { .. } | What::SeatMessage { .. }
                if state.holds() && !state.admits(&event.what) =>
            {
                return Some(Shown::default());
            }
            _ => {}
        }
        state.brief.as_mut().map(|brief| brief.hear(event, &look))
    }

    fn write_event(&self, event: &Event) {
        if let Some(text) = render::event(event, &self.look()) {
            self.write(&text);
        }
    }

    /// Says how many lines of a class were not shown since it was said last.
    fn tell_held(&self) {
        let parts: Vec<String> = {
            let mut state = self.lock();
            let State { arrivals, failures, messages, .. } = &mut *state;
            let more = |crowd: &mut Crowd, one: &str, many: &str| match std::mem::take(&mut crowd.held) {
                0 => None,
                1 => Some(format!("1 more {one}")),
                n => Some(format!("{n} more {many}")),
            };
            [
                more(arrivals, "arrival", "arrivals"),
                more(failures, "that failed or left early", "that failed or left early"),
                more(messages, "message", "messages"),
            ]
            .into_iter()
            .flatten()
            .collect()
        };
        if !parts.is_empty() {
            self.write(&format!("  ... and {}\n", parts.join(", ")));
        }
    }

    /// The counts of a class: at the bottom of a terminal, else as a line now and then.
    fn counts(&self, event: &Event) {
        let Some(text) = render::event(event, &self.look()) else { return };
        self.tell_held();
        let is_typing = self.above.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if self.is_terminal && !is_typing {
            let mut state = self.lock();
            state.bottom = text.trim_end().to_string();
            let redrawn = format!("{ERASE_LINE}{}", state.bottom);
            state.buffer.extend_from_slice(redrawn.as_bytes());
            self.offer(&mut state);
        } else if !is_typing {
            self.lock().owed = Some(text);
            self.tell_counts();
            // Who follows a file or a pipe sees arrivals as they come.
            self.flush();
        }
    }

    /// Tells the counts that are owed, if it is time.
    fn tell_counts(&self) {
        let text = {
            let mut state = self.lock();
            if state.told.is_some_and(|told| told.elapsed() < COUNTS_EVERY) {
                return;
            }
            let Some(text) = state.owed.take() else { return };
            state.told = Some(Instant::now());
            text
        };
        self.write(&text);
    }

    /// Takes the line at the bottom away.
    pub fn clear_bottom(&self) {
        let mut state = self.lock();
        if !std::mem::take(&mut state.bottom).is_empty() {
            state.buffer.extend_from_slice(ERASE_LINE.as_bytes());
            self.flush_state(&mut state);
        }
    }

    /// From now on texts go above the line that is being typed; `None`: they do no more.
    pub fn set_above(&self, above: Option<Above>) {
        self.clear_bottom();
        *self.above.lock().unwrap_or_else(PoisonError::into_inner) = above;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes text as it is.
    pub fn write(&self, text: &str) {
        if let Some(above) = self.above.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
            && above(text.to_string())
        {
            return;
        }
        let mut state = self.lock();
        if state.trouble.is_some() {
            return;
        }
        // The empty line that parts a phase from what stands above it has nothing to part at the top.
        let text = if state.began { text } else { text.strip_prefix('\n').unwrap_or(text) };
        state.began = true;
        if state.bottom.is_empty() {
            state.buffer.extend_from_slice(text.as_bytes());
        } else {
            let redrawn = format!("{ERASE_LINE}{text}{}", state.bottom);
            state.buffer.extend_from_slice(redrawn.as_bytes());
        }
        if self.is_terminal || state.buffer.len() >= BUFFER_BYTES {
            self.offer(&mut state);
        }
    }

    /// Writes out what is buffered, unless a class is served and its terminal takes nothing now: then it waits, and what
    /// there is no room for is counted.
    fn offer(&self, state: &mut State) {
        if !(self.is_terminal && state.serves) || crate::platform::stdout_takes() {
            if state.lost > 0 {
                let lost = format!(
                    "{ERASE_LINE}  ... and {} more lines while the screen was stopped\n{}",
                    std::mem::take(&mut state.lost),
                    state.bottom
                );
                state.buffer.extend_from_slice(lost.as_bytes());
            }
            self.flush_state(state);
        } else if state.buffer.len() >= BUFFER_BYTES {
            state.lost += state.buffer.iter().filter(|byte| **byte == b'\n').count();
            state.buffer.clear();
        }
    }

    /// Writes out what is buffered.
    pub fn flush(&self) {
        let mut state = self.lock();
        if !state.buffer.is_empty() {
            self.flush_state(&mut state);
        }
    }

    fn flush_state(&self, state: &mut State) {
        state.written += state.buffer.len();
        if state.written > PIPE_BYTES
            && let Some(guard) = state.guard.take()
        {
            guard();
        }
        let mut stdout = io::stdout().lock();
        let outcome = stdout.write_all(&state.buffer).and_then(|()| stdout.flush());
        state.buffer.clear();
        if let Err(error) = outcome {
            state.trouble = Some(match error.kind() {
                io::ErrorKind::BrokenPipe => Trouble::Closed,
                _ => Trouble::Failed(crate::platform::reason(&error)),
            });
            self.interrupt.raise();
        }
    }

    /// Writes to standard error, behind what standard output has so far.
    pub fn complain(&self, text: &str) {
        self.clear_bottom();
        self.flush();
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Writes out the rest; says why if anything could not be written.
    pub fn finish(&self) -> Option<Trouble> {
        let brief = self.lock().brief.take();
        if let Some(mut brief) = brief {
            self.write(&brief.take_held());
        }
        self.clear_bottom();
        self.flush();
        self.lock().trouble.clone()
    }
}
