//! Python programs at the other end, each a file under tests/python.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use super::{Folder, LIMIT};

/// Python's command; `None` and a word about it where there is no Python. A build server has to have it.
#[track_caller]
pub fn python_or_skip() -> Option<&'static str> {
    if runs(&["python3", "--version"]) {
        return Some("python3");
    }
    assert!(std::env::var_os("CI").is_none(), "no python3, and CI is set");
    eprintln!("skipped: no python3");
    None
}

fn runs(command: &[&str]) -> bool {
    let mut program = Command::new(command[0]);
    program.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    program.status().is_ok_and(|status| status.success())
}

/// `strace` with these options; `None` and a word about it where there is none or it may not trace.
pub fn strace_or_skip(inject: &str) -> Option<Vec<&str>> {
    if runs(&["strace", "-o", "/dev/null", "true"]) {
        return Some(vec!["strace", "-f", "-o", "/dev/null", "-e", inject]);
    }
    eprintln!("skipped: strace is not here or may not trace");
    None
}

/// A shell in a network of its own, which runs `setup` first; `None` and a word about it where that is not permitted.
pub fn namespace_or_skip(setup: &str) -> Option<[String; 5]> {
    // `ip` sets the interface up, and shows at once that it is there.
    if runs(&["unshare", "-rn", "ip", "link", "set", "lo", "up"]) {
        let setup = format!("ip link set lo up && {setup} && exec \"$0\" \"$@\"");
        return Some(["unshare", "-rn", "sh", "-c", &setup].map(str::to_string));
    }
    eprintln!("skipped: no network namespace of one's own is permitted here");
    None
}

/// A Python program under way. It is ended, by its own id, when the test is over.
pub struct Peer {
    child: Child,
    lines: Receiver<String>,
    started: Instant,
    name: String,
    /// The port that a server printed as `PORT n`; 0 for a client.
    pub port: u16,
    _folder: Folder,
}

impl Peer {
    /// Starts a server and waits until it has said its port. `None` where there is no Python.
    #[track_caller]
    pub fn server(name: &str, args: &[&str]) -> Option<Peer> {
        let mut peer = Peer::client(name, args)?;
        let line = peer.line();
        let port = line.strip_prefix("PORT ").and_then(|port| port.parse().ok());
        peer.port = port.unwrap_or_else(|| panic!("{name} printed `{line}`, not its port"));
        Some(peer)
    }

    /// Starts a program that says nothing by itself. `None` where there is no Python.
    #[track_caller]
    pub fn client(name: &str, args: &[&str]) -> Option<Peer> {
        let python = python_or_skip()?;
        let program: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "python", name].iter().collect();
        let folder = Folder::new();
        // Errors go where the output goes: a traceback is part of a peer's story.
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new(python);
        command.arg("-u").arg(program).args(args).current_dir(folder.path()).stdin(Stdio::null());
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONIOENCODING", "utf-8:backslashreplace");
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let child = command.spawn().unwrap();
        drop(command);
        let (sender, lines) = channel();
        thread::spawn(move || {
            use std::io::BufRead;
            for line in std::io::BufReader::new(reader).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Some(Peer { child, lines, started: Instant::now(), name: name.to_string(), port: 0, _folder: folder })
    }

    /// Waits for its next line.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let left = LIMIT.saturating_sub(self.started.elapsed());
        self.lines.recv_timeout(left).unwrap_or_else(|why| panic!("{} printed no line ({why})", self.name))
    }

    /// Waits for its end and gives the lines it has still printed.
    #[track_caller]
    pub fn finish(self) -> String {
        self.ends().1
    }

    /// Ends it at once, as a window that is closed does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// Waits for its end and gives its exit status and the lines it has still printed.
    #[track_caller]
    pub fn ends(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        loop {
            let left = LIMIT.saturating_sub(self.started.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => said += &(line + "\n"),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(_) => panic!("{} did not end; it had said:\n{said}", self.name),
            }
        }
        let status = self.child.wait().unwrap();
        (status.code(), said)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
