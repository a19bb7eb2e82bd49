//! A server under measurement: its process, its port, and what the kernel counts for it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::figures::{PROGRAM, command};

/// The argument that makes the benchmark itself the bare server.
pub const BARE: &str = "bare-server";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench");
const KIB: f64 = 1024.0;

/// Which server.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Ours,
    /// Ours with so many descriptors.
    Limited(u32),
    Asyncio,
    Threads,
    Bare,
}

/// A server that runs.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    lines: Arc<AtomicUsize>,
}

impl Server {
    /// Starts a server and waits until it tells its port.
    pub fn start(kind: Kind) -> Server {
        let mut program = match kind {
            Kind::Ours => command(PROGRAM),
            Kind::Limited(_) => command("sh"),
            Kind::Asyncio | Kind::Threads => command("python3"),
            Kind::Bare => command(std::env::current_exe().unwrap()),
        };
        match kind {
            Kind::Ours => program.arg("load.lab"),
            Kind::Limited(most) => {
                program.args(["-c", &format!("ulimit -n {most}; exec \"$0\" load.lab"), PROGRAM])
            }
            Kind::Asyncio => program.args(["class/yardsticks.py", "asyncio"]),
            Kind::Threads => program.args(["class/yardsticks.py", "threads"]),
            Kind::Bare => program.arg(BARE),
        };
        // One that cannot start is missed by its port; one that is stopped says so, which is no news here.
        program.current_dir(FOLDER).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = program.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let port =
            output.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix("PORT ")?.parse().ok());
        let lines = Arc::new(AtomicUsize::new(0));
        let counted = lines.clone();
        // Read on, or a server that says much would wait for a reader.
        thread::spawn(move || {
            for _ in output.map_while(Result::ok) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        Server { child, address: ([127, 0, 0, 1], port.unwrap()).into(), lines }
    }

    /// Resident memory in MiB.
    pub fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim_end_matches("kB").trim().parse::<f64>().unwrap() / KIB
    }

    /// Time on a processor, of all its threads.
    pub fn busy(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanoseconds = tasks.map(|task| {
            // A thread that ended meanwhile has no more to tell.
            let stat = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
            stat.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0)
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// How many lines it wrote since it told its port.
    pub fn lines(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended by itself; `None` if it does not.
    pub fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < within {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(2));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Most are still running; one that has ended is no trouble.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
