//! The class server under load, beside servers that one would write otherwise.
//!
//!     cargo bench --bench class
//!
//! The program runs load.lab with load-seat.lab; the yardsticks do the same handshake: Python's asyncio, a thread for each
//! client in Python, and a bare server on tokio. Servers and load client share the machine, so every figure about speed is
//! a ratio of runs that take turns, and the median of them. Loopback only.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, missing_docs)]
#![allow(clippy::disallowed_methods, reason = "a server is watched for a time")]

#[cfg(target_os = "linux")]
#[path = "class/bare.rs"]
mod bare;
#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
#[path = "class/load.rs"]
mod load;
#[cfg(target_os = "linux")]
#[path = "class/server.rs"]
mod server;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the load client uses Linux' epoll and /proc");
}

#[cfg(target_os = "linux")]
fn main() {
    if std::env::args().any(|arg| arg == server::BARE) {
        bare::serve().unwrap();
        return;
    }
    lab2sh::platform::raise_descriptors();
    cases::handshakes();
    cases::round_trips();
    cases::stop();
    cases::all_leave();
    cases::pause();
    cases::few_descriptors();
    cases::handshakes_of_threads();
}

#[cfg(target_os = "linux")]
mod cases {
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use rustix::process::Signal;

    use crate::figures::{median, row};
    use crate::load::{Arrival, Load};
    use crate::server::{Kind, Server};

    /// Runs of each server; they take turns.
    const RUNS: usize = 7;
    /// Runs of the cases that have no yardstick.
    const RUNS_ALONE: usize = 3;
    /// A class as large as it gets.
    const CROWD: usize = 10_000;
    const TALKERS: usize = 1_000;
    const TRIPS_EACH: usize = 30;
    /// How many connect at once while the server is stopped, and for how long it is.
    const AT_ONCE: usize = 500;
    const STOPPED: Duration = Duration::from_millis(300);
    /// How many want to come where descriptors are few.
    const FEW: u32 = 128;
    const WANT_IN: usize = 200;
    /// What takes longer than this has failed.
    const LIMIT: Duration = Duration::from_secs(30);
    /// How long a server is watched at rest.
    const WATCHED: Duration = Duration::from_secs(3);

    pub fn handshakes() {
        let kinds = [Kind::Ours, Kind::Asyncio, Kind::Bare];
        let runs: Vec<[(f64, f64); 3]> = (0..RUNS).map(|_| kinds.map(crowd)).collect();
        let ratio = |theirs: usize| median(runs.iter().map(|run| run[0].0 / run[theirs].0));
        let resident = |whose: usize| median(runs.iter().map(|run| run[whose].1));
        row(&format!("handshakes of {CROWD} clients: rate / asyncio's"), ratio(1), ">= 1");
        row("the same / a bare tokio server's", ratio(2), ">= 0.5");
        row(&format!("resident memory with {CROWD} on the roster, MiB"), resident(0), "<= 60");
        row("the same, asyncio", resident(1), "");
        row("the same, a bare tokio server", resident(2), "");
    }

    /// Handshakes a second, and resident memory in MiB when all are there.
    fn crowd(kind: Kind) -> (f64, f64) {
        let server = Server::start(kind);
        let (mut load, rate) = Load::arrive(server.address, Arrival::of(CROWD));
        load.stay(Duration::from_millis(500));
        assert_eq!((load.lost, load.ids()), (0, CROWD), "{kind:?}: clients lost, different ids");
        (rate, server.resident())
    }

    /// A thread for each client: one run, and last, because the machine takes a while to forget ten thousand threads.
    pub fn handshakes_of_threads() {
        let (ours, _) = crowd(Kind::Ours);
        let (threads, resident) = crowd(Kind::Threads);
        row(&format!("handshakes of {CROWD} clients: rate / that of threads, one run"), ours / threads, "");
        row("resident memory of the threads, MiB", resident, "");
    }

    pub fn round_trips() {
        let kinds = [Kind::Ours, Kind::Asyncio, Kind::Bare, Kind::Threads];
        let runs: Vec<[f64; 4]> = (0..RUNS).map(|_| kinds.map(talk)).collect();
        let ratio = |theirs: usize| median(runs.iter().map(|run| run[0] / run[theirs]));
        row(&format!("round trips with {TALKERS} clients: rate / asyncio's"), ratio(1), ">= 1");
        row("the same / a bare tokio server's", ratio(2), "");
        row("the same / that of threads", ratio(3), "");
    }

    fn talk(kind: Kind) -> f64 {
        let server = Server::start(kind);
        let (mut load, _) = Load::arrive(server.address, Arrival::of(TALKERS));
        load.round_trips(TRIPS_EACH, LIMIT)
    }

    /// Ctrl-C with a crowd that does not leave by itself.
    pub fn stop() {
        let times = (0..RUNS_ALONE).map(|_| {
            let mut server = Server::start(Kind::Ours);
            let (mut load, _) = Load::arrive(server.address, Arrival::of(CROWD));
            load.stay(Duration::from_millis(200));
            let begun = Instant::now();
            server.signal(Signal::INT);
            assert!(server.ended(LIMIT).is_some(), "it does not end");
            begun.elapsed().as_secs_f64()
        });
        row(&format!("Ctrl-C with {CROWD} clients that stay, seconds to the end"), median(times), "<= 1");
    }

    /// Everyone leaves at once: when the server is done with it.
    pub fn all_leave() {
        let times = (0..RUNS_ALONE).map(|_| {
            let server = Server::start(Kind::Ours);
            let before = server.descriptors();
            let (mut load, _) = Load::arrive(server.address, Arrival::of(CROWD));
            load.stay(Duration::from_millis(200));
            let begun = Instant::now();
            drop(load);
            let left = begun.elapsed();
            let is_idle = || {
                let busy = server.busy();
                sleep(Duration::from_millis(20));
                server.busy() - busy < Duration::from_millis(1)
            };
            while server.descriptors() > before || !is_idle() {
                assert!(begun.elapsed() < LIMIT, "{} descriptors are open", server.descriptors());
            }
            (begun.elapsed() - left).as_secs_f64()
        });
        row(&format!("{CROWD} clients leave at once, seconds until it is idle"), median(times), "<= 1");
    }

    /// A server that does not accept for a moment, as under a debugger or in a suspended laptop.
    pub fn pause() {
        let hung = (0..RUNS_ALONE).map(|_| {
            let server = Server::start(Kind::Ours);
            server.signal(Signal::STOP);
            let goes_on = std::thread::scope(|scope| {
                scope.spawn(|| {
                    sleep(STOPPED);
                    server.signal(Signal::CONT);
                });
                let arrival = Arrival { window: AT_ONCE, within: STOPPED * 10, ..Arrival::of(AT_ONCE) };
                Load::arrive(server.address, arrival).0
            });
            goes_on.hung() as f64
        });
        row(
            &format!("{AT_ONCE} connect at once to a stopped server, how many hang"),
            hung.fold(0.0, f64::max),
            "0",
        );
    }

    /// More clients than descriptors, who stay or were told to go.
    pub fn few_descriptors() {
        let server = Server::start(Kind::Limited(FEW));
        let arrival = Arrival { speaks: false, within: WATCHED, ..Arrival::of(WANT_IN) };
        let (begun, busy, lines) = (Instant::now(), server.busy(), server.lines());
        let (mut load, _) = Load::arrive(server.address, arrival);
        load.stay(WATCHED.saturating_sub(begun.elapsed()));
        let seconds = begun.elapsed().as_secs_f64();
        let share = (server.busy() - busy).as_secs_f64() / seconds;
        let told = (server.lines() - lines) as f64 / seconds;
        row(&format!("`ulimit -n {FEW}` and {WANT_IN} clients: share of a core"), share, "<= 0.05");
        row("the same, lines a second", told, "<= 1");
        row("the same, clients neither in nor told why not", load.hung() as f64, "0");
    }
}
