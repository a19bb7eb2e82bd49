//! Reading and writing pickles against CPython's C implementation, on the same data in the same run.
//!
//!     cargo bench --bench pickle
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

use std::collections::HashMap;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use lab2sh::pickle::{Scan, Scanner, decode, encode};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/pickle_times.py");
const NAMES: [&str; 4] = ["lab_dict", "ints_100k", "dicts_100k", "dict_of_dicts_100k"];
const LIMIT: usize = 64 << 20;
const RUNS: usize = 15;
/// What one read from a socket gives.
const PIECE: usize = 4096;

fn main() {
    let folder = std::env::temp_dir().join(format!("lab2sh-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    python(&[folder.to_str().unwrap()]);
    let python = times(&python(&["time"]));
    println!("{:<20} {:>12} {:>12} {:>7}   (nanoseconds, medians)", "", "lab2sh", "CPython", "ratio");
    for name in NAMES {
        let data = std::fs::read(folder.join(format!("{name}.pickle"))).unwrap();
        let repeat = if data.len() < 1000 { 20_000 } else { 1 };
        let loads = python[&(name.to_owned(), "loads".to_owned())];
        let read = median(repeat, || {
            let Scan::Done(len) = Scanner::new(LIMIT).scan(&data) else { panic!("not whole") };
            decode(&data[..len]).unwrap()
        });
        row(name, "scan and decode", read, loads);
        if data.len() > PIECE {
            row(name, "scan in pieces", median(repeat, || in_pieces(&data)), read);
        }
        let value = decode(&data).unwrap().value;
        let write = median(repeat, || encode(&value, 3).unwrap());
        row(name, "encode", write, python[&(name.to_owned(), "dumps".to_owned())]);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Scans as the bytes arrive, then decodes; against doing both at once.
fn in_pieces(data: &[u8]) -> lab2sh::pickle::Decoded {
    let mut scanner = Scanner::new(LIMIT);
    let mut buffer: Vec<u8> = Vec::new();
    for piece in data.chunks(PIECE) {
        buffer.extend_from_slice(piece);
        if let Scan::Done(len) = scanner.scan(&buffer) {
            return decode(&buffer[..len]).unwrap();
        }
    }
    panic!("not whole")
}

fn row(name: &str, what: &str, ours: f64, theirs: f64) {
    println!("{name:<20} {ours:>12.0} {theirs:>12.0} {:>7.2}   {what}", ours / theirs);
}

fn median<T>(repeat: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..repeat {
                black_box(work());
            }
            start.elapsed().as_nanos() as f64 / repeat as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn python(arguments: &[&str]) -> String {
    let output = Command::new("python3").arg(SCRIPT).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn times(text: &str) -> HashMap<(String, String), f64> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        ((fields[0].to_owned(), fields[1].to_owned()), fields[2].parse().unwrap())
    };
    text.lines().map(line).collect()
}
