//! What every test file shares: running the program, talking to Python peers, and comparing whole screens.
//!
//! Nothing here waits for a fixed time: a test waits for a line, for a connection, or for a program to end, each with a
//! limit that is only reached when something is wrong. Only processes that a test started are ended, each by its own id.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test file is a program of its own and uses a part of this"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

pub mod class;
mod peer;
mod picture;
mod text;

pub use peer::{Peer, namespace_or_skip, python_or_skip, strace_or_skip};
pub use picture::{ENDS, draws, picture, same_picture};
pub use text::{anywhere, normal, recorded, same, timeless, unnumbered};

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A test that takes longer than this hangs. Generous: two slow cores may run many tests at once.
pub const LIMIT: Duration = Duration::from_secs(30);

/// `{'clientid': 1}` as Python's `pickle.dumps` writes it.
pub const GREETING: &[u8] = b"\x80\x04\x95\x11\0\0\0\0\0\0\0}\x94\x8c\x08clientid\x94K\x01s.";

/// The repository's own folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program as a student might write it.
pub fn student(name: &str) -> PathBuf {
    root().join("tests/students").join(name)
}

/// A folder of its own under the system's temporary one, removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lab2sh-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that was handed on has no path here.
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// A run of the program that is being prepared. It starts in a folder of its own, with an environment that has no
/// settings of the person who runs the tests.
pub struct Shell {
    command: Command,
    folder: Folder,
    stdin: Option<Vec<u8>>,
    limit: Duration,
}

/// Replays a script from a file called `test.lab`, as a person would.
pub fn script(text: &str) -> Shell {
    let shell = Shell::new(["test.lab"]);
    shell.folder.write("test.lab", text);
    shell
}

/// The steps that open two ends, `ada` and `seat`.
pub const OPENING: &str = "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\n";

/// What a screen shows of [`OPENING`].
pub const BOTH_ENDS: &str = "> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> connect 127.0.0.1:$srv.port as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> accept as seat
  seat  accepted by srv from 127.0.0.1:PORT  MS
";

/// Two ends on one screen, `ada` and `seat`.
pub fn both_ends(steps: &str) -> Shell {
    script(&format!("{OPENING}{steps}"))
}

/// A script whose last line is wrong runs nothing: the screen holds this and no more.
#[track_caller]
pub fn refused(line: impl AsRef<[u8]>, expected: &str) {
    let text = [b"say never shown\n", line.as_ref(), b"\n"].concat();
    Shell::new(["test.lab"]).file("test.lab", text).run().shows(2, expected);
}

impl Shell {
    pub fn new<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Shell {
        Shell::under(&[], args)
    }

    /// The program started by another one: `["strace", "-f"]`.
    pub fn under<A: AsRef<std::ffi::OsStr>>(wrapper: &[&str], args: impl IntoIterator<Item = A>) -> Shell {
        let folder = Folder::new();
        let program = env!("CARGO_BIN_EXE_lab2sh");
        let mut command = match wrapper {
            [] => Command::new(program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.args(args).current_dir(folder.path());
        command.env("HOME", folder.path()).env("XDG_STATE_HOME", folder.path());
        command.env_remove("NO_COLOR").env("TERM", "xterm-256color");
        Shell { command, folder, stdin: None, limit: LIMIT }
    }

    pub fn arg(mut self, arg: &str) -> Shell {
        self.command.arg(arg);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Shell {
        self.command.env(name, value);
        self
    }

    pub fn stdin(mut self, text: impl AsRef<[u8]>) -> Shell {
        self.stdin = Some(text.as_ref().to_vec());
        self
    }

    pub fn file(self, name: &str, text: impl AsRef<[u8]>) -> Shell {
        self.folder.write(name, text);
        self
    }

    /// The folder that it starts in.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// As a command, for what is not said here; the folder lives as long as the second part.
    pub fn into_command(self) -> (Command, Folder) {
        (self.command, self.folder)
    }

    /// Starts it with a standard input that stays open and empty until the second part is dropped.
    pub fn start_waiting(mut self) -> (Running, std::io::PipeWriter) {
        let (stdin, held) = std::io::pipe().unwrap();
        let (screen, out) = std::io::pipe().unwrap();
        self.command.stdin(stdin).stdout(out.try_clone().unwrap()).stderr(out);
        (self.launch(screen, None), held)
    }

    pub fn limit(mut self, limit: Duration) -> Shell {
        self.limit = limit;
        self
    }

    /// Starts it with standard output and standard error on one screen, in the order in which they are written.
    pub fn start(mut self) -> Running {
        let (screen, out) = std::io::pipe().unwrap();
        self.command.stdout(out.try_clone().unwrap()).stderr(out);
        self.begin(screen, None)
    }

    /// Runs it to its end.
    pub fn run(self) -> Done {
        self.start().finish()
    }

    /// Runs it to its end with standard error kept apart from standard output.
    pub fn run_apart(mut self) -> Done {
        let (screen, out) = std::io::pipe().unwrap();
        let (errors, err) = std::io::pipe().unwrap();
        self.command.stdout(out).stderr(err);
        self.begin(screen, Some(errors)).finish()
    }

    fn begin(mut self, screen: std::io::PipeReader, errors: Option<std::io::PipeReader>) -> Running {
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        self.launch(screen, errors)
    }

    fn launch(mut self, screen: std::io::PipeReader, errors: Option<std::io::PipeReader>) -> Running {
        let started = Instant::now();
        let mut child = self.command.spawn().expect("the program starts");
        if let (Some(text), Some(mut stdin)) = (self.stdin, child.stdin.take()) {
            thread::spawn(move || {
                let _ = stdin.write_all(&text);
            });
        }
        // The command holds the writing ends of the pipes: without it their readers see the end with the child's.
        drop(self.command);
        let errors = errors.map(pieces);
        Running {
            child,
            pieces: pieces(screen),
            errors,
            screen: String::new(),
            folder: self.folder,
            started,
            limit: self.limit,
        }
    }
}

/// What a pipe gives, piece by piece, until it ends.
fn pieces(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 64 << 10];
        while let Ok(n @ 1..) = pipe.read(&mut buffer) {
            if sender.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// A run under way.
pub struct Running {
    child: Child,
    pieces: Receiver<Vec<u8>>,
    errors: Option<Receiver<Vec<u8>>>,
    screen: String,
    folder: Folder,
    started: Instant,
    limit: Duration,
}

impl Running {
    /// Resident memory now, in KiB; `None` where the system does not tell.
    pub fn resident_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the screen shows by now.
    pub fn screen(&mut self) -> &str {
        while let Ok(piece) = self.pieces.try_recv() {
            self.screen.push_str(&String::from_utf8_lossy(&piece));
        }
        &self.screen
    }

    /// Waits until a line holds `text`, and gives that line.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let whole = self.screen.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(line) = whole.into_iter().find(|line| line.contains(text)) {
                return line.trim_end().to_string();
            }
            match self.pieces.recv_timeout(self.left()) {
                Ok(piece) => self.screen.push_str(&String::from_utf8_lossy(&piece)),
                Err(why) => self.give_up(&format!("no line with `{text}` came ({why})")),
            }
        }
    }

    /// Waits for `listening on HOST:PORT` and gives the port.
    pub fn port(&mut self) -> u16 {
        let line = self.wait_for("listening on ");
        let (_, port) = line.split_once("listening on ").unwrap().1.rsplit_once(':').unwrap();
        port.parse().unwrap()
    }

    /// Sends a signal to this process and no other.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(sent.unwrap().success(), "kill -{name}");
    }

    /// Waits for the end.
    pub fn finish(mut self) -> Done {
        loop {
            match self.pieces.recv_timeout(self.left()) {
                Ok(piece) => self.screen.push_str(&String::from_utf8_lossy(&piece)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.give_up("it did not end"),
            }
        }
        let status = self.child.wait().unwrap();
        let mut errors = Vec::new();
        if let Some(pieces) = self.errors.take() {
            errors = pieces.iter().flatten().collect();
        }
        Done {
            screen: self.screen.clone(),
            errors: String::from_utf8_lossy(&errors).into_owned(),
            status: code(status),
            took: self.started.elapsed(),
            folder: std::mem::replace(&mut self.folder, Folder(PathBuf::new())),
        }
    }

    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.started.elapsed())
    }

    fn give_up(&mut self, why: &str) -> ! {
        let _ = self.child.kill();
        let _ = self.child.wait();
        panic!("after {:?}: {why}; the screen was:\n{}", self.started.elapsed(), self.screen);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit status, or 128 and the signal's number, as a shell tells it.
fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(-1)
}

/// A run that has ended.
pub struct Done {
    /// Standard output, with standard error in its place unless that was kept apart.
    pub screen: String,
    /// Standard error, where it was kept apart.
    pub errors: String,
    pub status: i32,
    pub took: Duration,
    /// Where it ran.
    pub folder: Folder,
}

impl Done {
    /// How long the steps took, as the last line says: the program's start is not counted.
    #[track_caller]
    pub fn seconds(&self) -> f64 {
        let found = self.screen.trim_end().rsplit_once(" in ").and_then(|(_, rest)| rest.strip_suffix(" s"));
        found
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or_else(|| panic!("no summary:\n{}", self.screen))
    }

    /// The lines that begin like this, without the beginning.
    pub fn lines_after<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a str> {
        self.screen.lines().filter_map(move |line| line.trim_start().strip_prefix(start))
    }

    /// The whole screen is `expected`, ports and times aside, and so is the exit status.
    #[track_caller]
    pub fn shows(&self, status: i32, expected: &str) {
        same(expected, &self.screen);
        assert_eq!(self.status, status, "the exit status; the screen was:\n{}", self.screen);
    }
}
