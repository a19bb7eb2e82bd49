//! lab2sh as load: 10,000 clients, 500 at once, against the class server in a process of its own, and the same client in asyncio.
//!
//!     cargo bench --bench load
//!
//! Each run has a server of its own, and the two clients take turns.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, missing_docs)]

mod figures;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use figures::{PROGRAM, command, median};

const RUNS: usize = 5;
const TIMES: u64 = 10_000;
const AT_ONCE: u64 = 500;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::temp_dir().join(format!("lab2sh-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(lab2sh(root, &folder, TIMES));
        theirs.push(asyncio(root, &folder));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("{:>8.0}  clients/s of lab2sh, {:.0} of asyncio", TIMES as f64 / ours, TIMES as f64 / theirs);
    println!("{:>8.2}  rate / asyncio's  >= 3", theirs / ours);
    #[cfg(target_os = "linux")]
    for times in [TIMES, 4 * TIMES] {
        println!("{:>8.1} MiB  the most memory of {times} clients", memory(root, &folder, times));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A class server whose counts are checked at the end.
struct Server {
    child: Child,
    port: String,
}

impl Server {
    fn start(folder: &Path, times: u64) -> Server {
        let script = folder.join("server.lab");
        let text = format!(
            "serve 0 as class\nwait class for {times} passed within 2m\ncheck $class.passed == {times}\ncheck $class.failed == 0\n"
        );
        std::fs::write(&script, text).unwrap();
        // As a screen, which tells of a rush in few lines: to write ten thousand and to read them takes the clients' time.
        let mut child = command(PROGRAM).arg(script).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines.find(|line| line.as_ref().unwrap().contains("connect 127.0.0.1:")).unwrap().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, port: told.rsplit(':').next().unwrap().to_string() }
    }

    /// Every client came, and none failed.
    fn end(mut self) {
        assert!(self.child.wait().unwrap().success(), "the server's counts are others");
    }
}

fn arguments(root: &Path, folder: &Path, port: &str, times: u64) -> [String; 4] {
    let client = root.join("scripts/client.lab");
    let _ = std::fs::copy(client, folder.join("client.lab"));
    let file = folder.join("client.lab");
    let run = format!(
        "run {} port={port} sid=$n answers=0 listens=0 times {times} at once {AT_ONCE} as load",
        file.display()
    );
    ["-c".into(), run, "-c".into(), "wait load".into()]
}

fn lab2sh(root: &Path, folder: &Path, times: u64) -> f64 {
    let server = Server::start(folder, times);
    let saved = folder.join("figures.json");
    let done = command(PROGRAM)
        .args(arguments(root, folder, &server.port, times))
        .arg("--save")
        .arg(&saved)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    server.end();
    let saved: serde_json::Value = serde_json::from_slice(&std::fs::read(saved).unwrap()).unwrap();
    assert_eq!((saved["load"]["ended"].as_u64(), saved["load"]["failed"].as_u64()), (Some(times), Some(0)));
    saved["load"]["seconds"].as_f64().unwrap()
}

fn asyncio(root: &Path, folder: &Path) -> f64 {
    let server = Server::start(folder, TIMES);
    let done = command("python3")
        .arg(root.join("tests/python/asyncio_load.py"))
        .args([&server.port, &TIMES.to_string(), &AT_ONCE.to_string()])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    server.end();
    String::from_utf8_lossy(&done.stdout).trim().parse().unwrap()
}

/// The most memory that a load run has, in MiB.
#[cfg(target_os = "linux")]
fn memory(root: &Path, folder: &Path, times: u64) -> f64 {
    let server = Server::start(folder, times);
    let peak = figures::peak_memory(arguments(root, folder, &server.port, times));
    server.end();
    peak
}
