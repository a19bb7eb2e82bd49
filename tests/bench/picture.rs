//! What looking back costs: keeping the conversation, and recording it, for each step; and what a long session takes.
//!
//!     cargo bench --bench picture
//!
//! Runs with and without alternate in one process, so that a machine that slows down slows both.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, missing_docs)]

mod figures;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use figures::{echo_server, median, row};
use lab2sh::commands::TABLE;
use lab2sh::event::Event;
use lab2sh::lab::Lab;
use lab2sh::record::Recorder;
use lab2sh::render::{self, Look};
use lab2sh::{replay, shell};

const RUNS: usize = 15;
const ROUND_TRIPS: usize = 10_000;
const SESSION: usize = 50_000;

fn main() {
    let folder = std::env::temp_dir().join(format!("lab2sh-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    each_step(&folder);
    #[cfg(target_os = "linux")]
    a_long_session(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What the interpreter keeps while it runs.
#[derive(Clone, Copy, PartialEq)]
enum Keeps {
    Nothing,
    Conversation,
    Recording,
}

fn each_step(folder: &Path) {
    let port = echo_server();
    let script = folder.join("trips.lab");
    let trip = |n: usize| format!("send {{\"name\": \"Ada\", \"n\": {n}}}\nrecv\n");
    let text: String = (0..ROUND_TRIPS).map(trip).collect();
    std::fs::write(&script, format!("connect 127.0.0.1:{port} as c\n{text}")).unwrap();
    let (mut nothing, mut conversation, mut recording) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        nothing.push(run(&script, folder, Keeps::Nothing));
        conversation.push(run(&script, folder, Keeps::Conversation));
        recording.push(run(&script, folder, Keeps::Recording));
    }
    let plain = median(nothing);
    println!("{:>8.2} us  a step without either", plain * 1e6 / (2 * ROUND_TRIPS) as f64);
    row("keeping the conversation: a step / without", median(conversation) / plain, "<= 1.1");
    row("and recording it too: a step / without", median(recording) / plain, "<= 1.1");
}

fn run(script: &Path, folder: &Path, keeps: Keeps) -> f64 {
    let script = replay::load(script.to_str().unwrap(), &replay::Files::default()).unwrap();
    let shown = Arc::new(AtomicUsize::new(0));
    let written = shown.clone();
    let look = Look::new(false);
    let mut lab = Lab::new(Arc::new(move |event: Event| {
        // What a screen would show is made, as in the program.
        written.fetch_add(render::event(&event, &look).map_or(0, |text| text.len()), Ordering::Relaxed);
    }));
    lab.eager = true;
    if keeps != Keeps::Nothing {
        lab.keep_conversation();
    }
    if keeps == Keeps::Recording {
        let file = folder.join("recorded.lab");
        let _ = std::fs::remove_file(&file);
        lab.begin_recording(Recorder::begin(&lab, file).unwrap());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = Instant::now();
    let summary = runtime.block_on(shell::run(&mut lab, &script, false));
    let took = begun.elapsed().as_secs_f64();
    assert_eq!(summary.passed, 2 * ROUND_TRIPS + 1);
    assert!(shown.load(Ordering::Relaxed) > ROUND_TRIPS);
    assert!(!TABLE.is_empty());
    took
}

/// 100,000 messages in one session: what the program takes after a tenth of them, at the end, and once it has drawn them.
#[cfg(target_os = "linux")]
fn a_long_session(folder: &Path) {
    let port = echo_server();
    let script = folder.join("session.lab");
    let turn = |turns: usize| format!("repeat {turns} send {{\"name\": \"Ada\"}}\nrepeat {turns} recv\n");
    let few = 100;
    let text = turn(few).repeat(SESSION / few);
    for (what, end) in [
        ("a session of 100,000 messages", String::new()),
        ("and `flow save` as a page", format!("flow save {}\n", folder.join("page.html").display())),
    ] {
        std::fs::write(&script, format!("connect 127.0.0.1:{port} as c\n{text}{end}")).unwrap();
        let begun = Instant::now();
        let peak = figures::peak_memory([&script]);
        println!("{:>8.1} MiB, {:.2} s  {what}", peak, begun.elapsed().as_secs_f64());
    }
    std::fs::write(&script, format!("connect 127.0.0.1:{port} as c\n{}", turn(few).repeat(50))).unwrap();
    println!("{:>8.1} MiB  a session of 10,000 messages", figures::peak_memory([&script]));
}
