//! The whole program against its yardsticks: starting, round trips, plain steps, memory at the prompt, a message in pieces.
//!
//!     cargo bench --bench shell
//!
//! Each figure is the median of runs that alternate with the yardstick's, so that a machine that slows down slows both.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, missing_docs)]

mod figures;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Instant;

use figures::{PROGRAM, command, echo_server, median, row};

const RUNS: usize = 9;
const ROUND_TRIPS: usize = 20_000;
const CHECKS: usize = 100_000;
/// What one write of the sender puts on the wire when a message comes in pieces.
const PIECE: usize = 4096;

fn main() {
    let folder = std::env::temp_dir().join(format!("lab2sh-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    starting();
    plain_steps(&folder.join("checks.lab"));
    round_trips(&folder.join("trips.lab"));
    in_pieces(&folder);
    #[cfg(target_os = "linux")]
    at_the_prompt();
    std::fs::remove_dir_all(&folder).unwrap();
}

fn starting() {
    let (ours, theirs) = alternating(
        || seconds(command(PROGRAM).args(["-c", "quit"])),
        || seconds(command("python3").args(["-c", "import socket, pickle"])),
    );
    row("start: `lab2sh -c quit` / python3 with socket and pickle, wall", ours / theirs, "<= 0.05");
}

fn plain_steps(script: &std::path::Path) {
    let text: String = (0..CHECKS).map(|n| format!("check {n} == {n}\n")).collect();
    std::fs::write(script, text).unwrap();
    let (ours, _) = alternating(|| seconds(command(PROGRAM).arg(script)), || 0.0);
    row(&format!("a script of {CHECKS} `check` lines, seconds"), ours, "<= 0.5");
}

fn round_trips(script: &std::path::Path) {
    let port = echo_server();
    let mut text = format!("connect 127.0.0.1:{port} as c\n");
    for n in 0..ROUND_TRIPS {
        text += &format!("send {{\"name\": \"Ada\", \"n\": {n}}}\nexpect {{\"n\": {n}}}\n");
    }
    std::fs::write(script, text).unwrap();
    let (mut stepping, mut bytes_only) = (Vec::new(), Vec::new());
    let (whole, same_work) = alternating(
        || {
            let begun = Instant::now();
            let output = command(PROGRAM).arg(script).output().unwrap();
            let whole = begun.elapsed().as_secs_f64();
            let screen = String::from_utf8_lossy(&output.stdout);
            let (passed, took) = screen.lines().last().unwrap().rsplit_once(" in ").unwrap();
            assert!(passed.ends_with(&format!(": {} steps passed", 2 * ROUND_TRIPS + 1)), "{passed}");
            stepping.push(took.trim_end_matches(" s").parse().unwrap());
            whole
        },
        || {
            bytes_only.push(blocking_loop(port, false));
            blocking_loop(port, true)
        },
    );
    let (stepping, bytes_only) = (median(stepping), median(bytes_only));
    let trips = format!("{ROUND_TRIPS} round trips from a script: rate / a blocking loop's");
    row(&format!("{trips} that pickles and unpickles too"), same_work / stepping, ">= 0.9");
    row("the same against a blocking loop that only moves bytes", bytes_only / stepping, ">= 0.9");
    row("and with starting, reading the script and ending", bytes_only / whole, "");
}

/// The yardstick: a plain blocking loop; with `pickles` it also writes each message as a pickle, reads the one that comes
/// back and compares it, as `send` and `expect` do.
fn blocking_loop(port: u16, pickles: bool) -> f64 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = [0; 4096];
    let fixed = pickled(1000);
    let begun = Instant::now();
    for n in 0..ROUND_TRIPS {
        let made = if pickles { Some(pickled(n as i64)) } else { None };
        let message = made.as_ref().unwrap_or(&fixed);
        stream.write_all(message).unwrap();
        let mut got = 0;
        while got < message.len() {
            got += stream.read(&mut buffer[got..]).unwrap();
        }
        if pickles {
            let options = serde_pickle::DeOptions::new();
            let came: Message = serde_pickle::from_slice(&buffer[..got], options).unwrap();
            assert_eq!((came.n, came.name.as_str()), (n as i64, "Ada"));
        }
    }
    begun.elapsed().as_secs_f64()
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Message {
    name: String,
    n: i64,
}

fn pickled(n: i64) -> Vec<u8> {
    let message = Message { name: "Ada".to_string(), n };
    serde_pickle::to_vec(&message, serde_pickle::SerOptions::new()).unwrap()
}

/// A 3.7 MB dict that arrives in one go against the same in pieces: what the program itself spends on it.
fn in_pieces(folder: &std::path::Path) {
    let pairs = (0..170_000)
        .map(|n| (lab2sh::value::Value::Int(n), lab2sh::value::Value::str(&format!("value {n}"))));
    let dict = lab2sh::value::Value::Dict(pairs.collect());
    let bytes = lab2sh::pickle::encode(&dict, 3).unwrap();
    let script = folder.join("big.lab");
    std::fs::write(&script, "param port = 1\nconnect 127.0.0.1:$port as c\nrecv within 1m\n").unwrap();
    let (pieces, whole) =
        alternating(|| receiving(&script, &bytes, PIECE), || receiving(&script, &bytes, bytes.len()));
    row(&format!("a dict of {} B in {PIECE} B pieces / at once", bytes.len()), pieces / whole, "<= 2");
}

fn receiving(script: &std::path::Path, bytes: &[u8], piece: usize) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("port={}", listener.local_addr().unwrap().port());
    let child = command(PROGRAM).arg("-q").arg(script).arg(port).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_nodelay(true).unwrap();
    let begun = Instant::now();
    for piece in bytes.chunks(piece) {
        stream.write_all(piece).unwrap();
    }
    assert!(child.wait_with_output().unwrap().status.success());
    begun.elapsed().as_secs_f64()
}

/// Resident memory at the prompt, on a pseudo-terminal that Python's own module opens.
#[cfg(target_os = "linux")]
fn at_the_prompt() {
    const PTY: &str = "import os, pty, sys, time\n\
        pid, fd = pty.fork()\n\
        if pid == 0: os.execv(sys.argv[1], [sys.argv[1]])\n\
        seen = b''\n\
        while b'> ' not in seen: seen += os.read(fd, 4096)\n\
        print([l for l in open(f'/proc/{pid}/status') if l.startswith('VmRSS')][0].split()[1])\n\
        os.write(fd, b'\\x04')\n\
        os.waitpid(pid, 0)\n";
    let output = command("python3").args(["-c", PTY, PROGRAM]).stderr(Stdio::inherit()).output().unwrap();
    let kib: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    row("resident memory at the prompt, MiB", kib / 1024.0, "<= 8");
}

fn seconds(command: &mut Command) -> f64 {
    let begun = Instant::now();
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
    begun.elapsed().as_secs_f64()
}

/// Medians of two measurements that take turns.
fn alternating(mut ours: impl FnMut() -> f64, mut theirs: impl FnMut() -> f64) -> (f64, f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        a.push(ours());
        b.push(theirs());
    }
    (median(a), median(b))
}
