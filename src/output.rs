//! The one writer of standard output and standard error: events in, lines out.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::event::{Event, What};
use crate::lab::Interrupt;
use crate::render::{self, Look};
use crate::report;

/// Output is written out at this size where it goes to no terminal, in bytes; and whenever a step waits.
const BUFFER_BYTES: usize = 64 << 10;

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
    look: Look,
    is_terminal: bool,
    /// Steps of a script are shown; typed ones are on the screen already.
    shows_steps: AtomicBool,
    state: Mutex<State>,
    interrupt: Interrupt,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    trouble: Option<Trouble>,
}

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
            look,
            is_terminal,
            shows_steps: AtomicBool::new(true),
            state: Mutex::default(),
            interrupt,
        }
    }

    /// How its lines look.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Whether the steps of a script are shown before they run.
    pub fn echo_steps(&self, shows: bool) {
        self.shows_steps.store(shows, Ordering::Relaxed);
    }

    /// Writes what there is to say of an event.
    pub fn show(&self, event: &Event) {
        match (&event.what, self.form) {
            (What::Waiting, _) => self.flush(),
            (What::Step { .. }, Form::Text) if !self.shows_steps.load(Ordering::Relaxed) => {}
            (What::Failed(failure), Form::Text | Form::Quiet) => {
                self.complain(&render::failure(failure, &self.look))
            }
            (_, Form::Json) => self.write(&report::line(event)),
            (_, Form::Quiet) => {}
            (_, Form::Text) => {
                if let Some(text) = render::event(event, &self.look) {
                    self.write(&text);
                }
            }
        }
    }

    /// Writes text as it is.
    pub fn write(&self, text: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.trouble.is_some() {
            return;
        }
        state.buffer.extend_from_slice(text.as_bytes());
        if self.is_terminal || state.buffer.len() >= BUFFER_BYTES {
            self.flush_state(&mut state);
        }
    }

    /// Writes out what is buffered.
    pub fn flush(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.buffer.is_empty() {
            self.flush_state(&mut state);
        }
    }

    fn flush_state(&self, state: &mut State) {
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
        self.flush();
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Writes out the rest; says why if anything could not be written.
    pub fn finish(&self) -> Option<Trouble> {
        self.flush();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }
}
