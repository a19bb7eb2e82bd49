//! What the benchmarks share: how a figure is made and shown, a server that echoes, and what the kernel counts for a process.

#![allow(dead_code, reason = "each benchmark is a program of its own and uses a part of this")]

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_lab2sh");
const KIB: f64 = 1024.0;

/// A program to be started.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    // With it every error that is made takes a backtrace along, and a figure would tell how long those take.
    command.env_remove("RUST_BACKTRACE").env_remove("RUST_LIB_BACKTRACE");
    command
}

/// The figure in the middle.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Shows a figure, and what is wanted of it.
pub fn row(what: &str, figure: f64, wanted: &str) {
    println!("{figure:>8.3}  {wanted:<8}  {what}");
}

/// The most memory that a run of the program has, in MiB, from the kernel's own count.
pub fn peak_memory<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> f64 {
    let timed = command("/usr/bin/time").args(["-f", "%M", PROGRAM, "-q"]).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&timed.stderr);
    let kib: f64 = told.lines().last().unwrap().trim().parse().unwrap_or_else(|_| panic!("{told}"));
    kib / KIB
}

/// Starts a server that sends back what it is sent. Gives its port.
pub fn echo_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 65536];
                while let Ok(n @ 1..) = stream.read(&mut buffer) {
                    stream.write_all(&buffer[..n]).unwrap();
                }
            });
        }
    });
    port
}
