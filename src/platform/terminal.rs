//! The terminal: its size, its keyboard, the mode that the line editor changes, and stopping as Ctrl-Z does.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
#[cfg(unix)]
use std::time::Instant;

/// The width of the terminal that standard output is, in columns; `None` where it is none or does not say.
pub fn terminal_width() -> Option<usize> {
    #[cfg(unix)]
    return rustix::termios::tcgetwinsize(io::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|width| *width > 0);
    #[cfg(not(unix))]
    None
}

/// Whether standard output takes something now; a terminal that a person has stopped (Ctrl-S) does not.
pub fn stdout_takes() -> bool {
    #[cfg(unix)]
    {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let stdout = std::io::stdout();
        let mut asked = [PollFd::new(&stdout, PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Whatever is wrong with it, a write will tell.
        poll(&mut asked, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }
    #[cfg(not(unix))]
    true
}

/// What a person types at: standard input, or the terminal of the session where standard input is a script.
pub struct Keyboard {
    #[cfg(unix)]
    terminal: std::fs::File,
}

impl Keyboard {
    /// `None` where there is no terminal.
    pub fn open() -> Option<Keyboard> {
        use io::IsTerminal;
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            let terminal = if io::stdin().is_terminal() {
                io::stdin().as_fd().try_clone_to_owned().ok()?.into()
            } else {
                std::fs::File::open("/dev/tty").ok()?
            };
            Some(Keyboard { terminal })
        }
        #[cfg(not(unix))]
        io::stdin().is_terminal().then_some(Keyboard {})
    }

    /// Whether there is a line or the end within this time; where that cannot be asked, reading will tell.
    pub fn has_line(&self, within: Duration) -> bool {
        #[cfg(unix)]
        {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let mut wanted = [PollFd::new(&self.terminal, PollFlags::IN)];
            let within = Timespec::try_from(within).ok();
            !matches!(poll(&mut wanted, within.as_ref()), Ok(0) | Err(rustix::io::Errno::INTR))
        }
        #[cfg(not(unix))]
        {
            let _ = within;
            true
        }
    }

    /// Waits for Enter. A terminal gives one line at a time, so none is taken from whoever reads next.
    pub fn read_line(&self) {
        let mut line = String::new();
        // At the end of input there is nobody to wait for.
        #[cfg(unix)]
        let _ = io::BufRead::read_line(&mut io::BufReader::new(&self.terminal), &mut line);
        #[cfg(not(unix))]
        let _ = io::stdin().read_line(&mut line);
    }
}

/// How long the line editor may take to leave the terminal when the program ends. It does at once, unless it waits for the
/// second key of a pair or for a terminal that takes nothing.
#[cfg(unix)]
const EDITOR_LEAVES: Duration = Duration::from_millis(200);
/// How long it is given before it is asked again: between two lines it hears nothing.
#[cfg(unix)]
const ASKED_AGAIN: Duration = Duration::from_millis(5);

/// The terminal's mode when the program began, set again when it ends inside the line editor: by a signal, by a panic.
pub struct TerminalMode {
    held: Mutex<Held>,
    /// The line editor has left the terminal.
    left: Condvar,
    #[cfg(unix)]
    saved: Option<(Keyboard, rustix::termios::Termios)>,
}

/// Who has the terminal.
#[derive(Default)]
struct Held {
    /// Only the line editor changes the mode. Elsewhere there is nothing to set back, and trying to from the
    /// background would stop the process.
    is_editing: bool,
    /// The program ends: the line editor gets it no more.
    is_over: bool,
}

impl TerminalMode {
    /// Remembers the mode that the terminal has now.
    pub fn save() -> TerminalMode {
        TerminalMode {
            held: Mutex::default(),
            left: Condvar::new(),
            #[cfg(unix)]
            saved: Keyboard::open().and_then(|keyboard| {
                let mode = rustix::termios::tcgetattr(&keyboard.terminal).ok()?;
                Some((keyboard, mode))
            }),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the terminal to the line editor, unless the program ends: `false`.
    pub fn begin_editing(&self) -> bool {
        let mut held = self.held();
        held.is_editing = !held.is_over;
        held.is_editing
    }

    /// Takes it back: the editor has set the mode that it found.
    pub fn end_editing(&self) {
        self.held().is_editing = false;
        self.left.notify_all();
    }

    /// Whether the line editor has it. A signal that comes from outside then stops nothing; Ctrl-C is a key there. It is asked
    /// when the signal comes, not when the line is taken: a Ctrl-C right behind Enter is meant for the step.
    pub fn is_editing(&self) -> bool {
        self.held().is_editing && !self.is_set_back()
    }

    /// Whether the terminal gives whole lines again: the editor sets the mode back a moment before it says that it has left.
    fn is_set_back(&self) -> bool {
        #[cfg(unix)]
        {
            use rustix::termios::{LocalModes, tcgetattr};
            let now = self.saved.as_ref().and_then(|(keyboard, _)| tcgetattr(&keyboard.terminal).ok());
            now.is_some_and(|now| now.local_modes.contains(LocalModes::ICANON))
        }
        #[cfg(not(unix))]
        false
    }

    /// Has the line editor leave the terminal, for good. From a thread of its own it would else draw over what comes next, or
    /// have the terminal draw nothing more. If it does not leave in time, the remembered mode is set, and bracketed paste
    /// ended, which it switches on.
    pub fn restore(&self) {
        let mut held = self.held();
        held.is_over = true;
        #[cfg(unix)]
        {
            let begun = Instant::now();
            while held.is_editing && begun.elapsed() < EDITOR_LEAVES {
                // At SIGINT the editor gives up its line; nothing else reaches it from outside. The program has heard its last.
                let _ =
                    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT);
                held = self.left.wait_timeout(held, ASKED_AGAIN).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        if std::mem::take(&mut held.is_editing) {
            drop(held);
            self.set_back();
        }
    }

    fn set_back(&self) {
        #[cfg(unix)]
        if let Some((keyboard, saved)) = &self.saved {
            use io::Write;
            use std::fs::OpenOptions;
            use std::os::unix::fs::OpenOptionsExt;
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(&keyboard.terminal, now, saved);
            // To the terminal, wherever standard output goes; without waiting for one that Ctrl-S has stopped.
            let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
            let terminal = OpenOptions::new().write(true).custom_flags(flags).open("/dev/tty");
            let _ = terminal.and_then(|mut terminal| terminal.write_all(b"\x1b[?2004l\r\n"));
        }
    }
}

impl Drop for TerminalMode {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Stops the process and those it shares a pipe with, as Ctrl-Z does; comes back when the shell's `fg` continues it.
pub fn stop() {
    #[cfg(unix)]
    {
        /// The signal may be taken by any thread, so that this one runs on for a moment. It must not touch the terminal
        /// before the stop; where nothing stops it (no shell with job control above), it goes on after this.
        const UNTIL_STOPPED: Duration = Duration::from_millis(100);
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
        std::thread::park_timeout(UNTIL_STOPPED);
    }
}
