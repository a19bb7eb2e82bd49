//! The one writer of standard output and standard error: events in, lines out.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use crate::event::{Event, FailureKind, What};
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
    state: Mutex<State>,
    interrupt: Interrupt,
}

/// No pipe holds less than this, in bytes: Linux gives 65,536, macOS 16,384, and 4,096 where memory is short.
const PIPE_BYTES: usize = 4096;

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    written: usize,
    /// What is to be done before a write can wait for its reader.
    guard: Option<Box<dyn FnOnce() + Send>>,
    began: bool,
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
        Output { form, look, is_terminal, state: Mutex::default(), interrupt }
    }

    /// Calls `guard` before the first write that can wait for its reader: on a terminal at once.
    pub fn before_it_can_block(&self, guard: impl FnOnce() + Send + 'static) {
        if self.is_terminal {
            return guard();
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).guard = Some(Box::new(guard));
    }

    /// How its lines look now: a terminal's width changes with its window.
    pub fn look(&self) -> Look {
        if self.is_terminal { self.look.wide(crate::platform::terminal_width()) } else { self.look }
    }

    /// Whether something could not be written, and nothing will be any more.
    pub fn is_broken(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).trouble.is_some()
    }

    /// Writes what there is to say of an event.
    pub fn show(&self, event: &Event) {
        match (&event.what, self.form) {
            (What::Waiting, _) => self.flush(),
            // What interrupted it is that its output goes nowhere, and that is told at the end.
            (What::Failed(failure), _) if failure.kind == FailureKind::Interrupted && self.is_broken() => {}
            (What::Failed(failure), Form::Text | Form::Quiet) => {
                self.complain(&render::failure(failure, &self.look()))
            }
            (_, Form::Json) => self.write(&report::line(event)),
            (_, Form::Quiet) => {}
            (_, Form::Text) => {
                if let Some(text) = render::event(event, &self.look()) {
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
        // The empty line that parts a phase from what stands above it has nothing to part at the top.
        let text = if state.began { text } else { text.strip_prefix('\n').unwrap_or(text) };
        state.began = true;
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
        self.flush();
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Writes out the rest; says why if anything could not be written.
    pub fn finish(&self) -> Option<Trouble> {
        self.flush();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }
}
