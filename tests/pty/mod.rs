//! A terminal for tests: keys go in, the screen that a person would see comes out.
//!
//! Every wait is for something on the screen, with a limit that is reached only when something is wrong.

#![allow(dead_code, reason = "each test file is a program of its own and uses a part of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::process::{Pid, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

pub use rustix::process::Signal;

use crate::common::Folder;

/// A test that waits longer than this hangs. Generous: two slow cores may run many tests at once.
const LIMIT: Duration = Duration::from_secs(20);
/// The size of the window unless a test says otherwise.
const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

pub const ENTER: &str = "\r";
pub const TAB: &str = "\t";
pub const UP: &str = "\x1b[A";
pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_Q: &str = "\x11";
pub const CTRL_S: &str = "\x13";
pub const CTRL_Z: &str = "\x1a";

/// A text as a terminal gives it to a program when it is pasted.
pub fn pasted(text: &str) -> String {
    // Terminals send the Enter key's byte for each newline.
    format!("\x1b[200~{}\x1b[201~", text.replace('\n', "\r"))
}

/// A program to be started on a terminal.
pub struct Setup {
    command: Command,
    size: (u16, u16),
}

/// lab2sh at its prompt; its files are in `folder`.
pub fn shell(folder: &Folder) -> Setup {
    program(env!("CARGO_BIN_EXE_lab2sh"), folder)
}

/// Any program.
pub fn program(path: &str, folder: &Folder) -> Setup {
    let command = Command::new(path)
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR");
    Setup { command, size: (ROWS, COLUMNS) }
}

impl Setup {
    pub fn args(mut self, args: &[&str]) -> Setup {
        self.command = self.command.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Setup {
        self.command = self.command.env(name, value);
        self
    }

    pub fn without_env(mut self, name: &str) -> Setup {
        self.command = self.command.env_remove(name);
        self
    }

    pub fn stdout(mut self, file: &Path) -> Setup {
        self.command = self.command.stdout(std::fs::File::create(file).unwrap());
        self
    }

    /// Rows and columns.
    pub fn size(mut self, rows: u16, columns: u16) -> Setup {
        self.size = (rows, columns);
        self
    }

    pub fn start(self) -> Terminal {
        let (pty, inside) = open().unwrap();
        pty.resize(Size::new(self.size.0, self.size.1)).unwrap();
        let child = self.command.spawn(inside).unwrap();
        let pty = Arc::new(pty);
        let seen = Arc::new((Mutex::new(Seen::new(self.size)), Condvar::new()));
        let (reader, shown) = (pty.clone(), seen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The last process that has the terminal open ends this with an error.
            while let Ok(n @ 1..) = (&*reader).read(&mut buffer) {
                shown.0.lock().unwrap().take(&buffer[..n]);
                shown.1.notify_all();
            }
            shown.0.lock().unwrap().ended = true;
            shown.1.notify_all();
        });
        Terminal { pty, child, seen }
    }
}

struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

impl Seen {
    fn new((rows, columns): (u16, u16)) -> Seen {
        let one = |n| NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN.saturating_add(79));
        Seen { screen: vt100::Parser::new(one(rows), one(columns), 0), raw: Vec::new(), ended: false }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.raw.extend_from_slice(bytes);
    }
}

/// A program on a terminal.
pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Terminal {
    /// Types keys.
    pub fn keys(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line and Enter.
    pub fn line(&self, line: &str) {
        self.keys(&format!("{line}{ENTER}"));
    }

    /// Types a line at a prompt and waits for the next prompt.
    #[track_caller]
    pub fn run(&self, line: &str, prompt: &str) {
        let before = self.raw().len();
        self.line(line);
        let is_next = |seen: &Seen| seen.raw.len() > before + line.len() && is_at(seen, prompt);
        // The editor switches bracketed paste on anew for each line.
        let prompts = |raw: &[u8]| raw.windows(8).filter(|window| window == b"\x1b[?2004h").count();
        self.until(&format!("the prompt `{prompt}` after `{line}`"), |seen| {
            is_next(seen) && prompts(&seen.raw[before..]) > 0
        });
    }

    /// Waits until the editor is ready behind this prompt, on an empty line.
    #[track_caller]
    pub fn at(&self, prompt: &str) {
        self.until(&format!("the prompt `{prompt}`"), |seen| is_at(seen, prompt));
    }

    /// Waits until the screen holds this text.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        self.until(&format!("`{text}`"), |seen| seen.screen.screen().contents().contains(text));
    }

    /// Waits until the line with the cursor is this one.
    #[track_caller]
    pub fn typed(&self, line: &str) {
        self.until(&format!("the line `{line}`"), |seen| cursor_line(seen).trim_end() == line);
    }

    /// Waits until the line with the cursor ends like this.
    #[track_caller]
    pub fn stands(&self, tail: &str) {
        self.until(&format!("a line that ends with `{tail}`"), |seen| {
            cursor_line(seen).trim_end().ends_with(tail)
        });
    }

    #[track_caller]
    fn until(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        let started = Instant::now();
        let mut seen = self.seen.0.lock().unwrap();
        while !is_so(&seen) {
            let left = LIMIT.saturating_sub(started.elapsed());
            assert!(
                !left.is_zero() && !seen.ended,
                "{what} did not come; the screen is:\n{}",
                seen.screen.screen().contents()
            );
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// The screen row by row, without the empty ones at its end.
    pub fn screen(&self) -> String {
        let seen = self.seen.0.lock().unwrap();
        let screen = seen.screen.screen();
        let rows: Vec<String> =
            screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_string()).collect();
        rows.join("\n").trim_end().to_string()
    }

    /// Every byte so far.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().raw.clone()
    }

    /// Gives the window another size.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.pty.resize(Size::new(rows, columns)).unwrap();
        if let (Some(rows), Some(columns)) = (NonZeroU16::new(rows), NonZeroU16::new(columns)) {
            self.seen.0.lock().unwrap().screen.set_size(rows, columns);
        }
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether lines are edited by the terminal and echoed, as before the program began.
    pub fn is_sane(&self) -> bool {
        let modes = tcgetattr(self.pty.as_fd()).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO) && !self.is_paste_marked()
    }

    /// Whether the program asked the terminal to mark what is pasted, and did not take it back.
    pub fn is_paste_marked(&self) -> bool {
        self.seen.0.lock().unwrap().screen.screen().bracketed_paste()
    }

    /// Waits until the terminal is as lines without an editor need it: a step runs.
    pub fn is_running(&self) {
        self.until("a step under way", |seen| !seen.screen.screen().bracketed_paste());
    }

    /// Waits for the end and gives the exit status, 128 and the signal's number for one that a signal ended.
    #[track_caller]
    pub fn ends(&mut self) -> i32 {
        let started = Instant::now();
        let mut seen = self.seen.0.lock().unwrap();
        while !seen.ended {
            let left = LIMIT.saturating_sub(started.elapsed());
            assert!(
                !left.is_zero(),
                "the program did not end; the screen is:\n{}",
                seen.screen.screen().contents()
            );
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
        drop(seen);
        let status = self.child.wait().unwrap();
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cursor_line(seen: &Seen) -> String {
    let screen = seen.screen.screen();
    let row = usize::from(screen.cursor_position().0);
    let columns = screen.size().1.get();
    screen.rows(0, columns).nth(row).unwrap_or_default()
}

fn is_at(seen: &Seen, prompt: &str) -> bool {
    seen.screen.screen().bracketed_paste() && cursor_line(seen).trim_end() == prompt.trim_end()
}
