//! Every lesson of scripts/ runs, and shows what is recorded under tests/fixtures/screens.
//!
//! `LAB2SH_RECORD=1 cargo test --test scripts` records the screens anew; read the difference before you commit it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{Done, Peer, Shell, anywhere, root};

/// The lessons that have a test below, or in tests/grading.rs.
const TESTED: [&str; 13] = [
    "boundaries",
    "class",
    "client",
    "danger",
    "errors",
    "goodbye",
    "grade-client",
    "grade-server",
    "handshake",
    "logging",
    "menu-seat",
    "pickle",
    "seat",
];

#[test]
fn every_lesson_has_a_test() {
    let files = fs::read_dir(root().join("scripts")).unwrap();
    let names: BTreeSet<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, TESTED.map(str::to_string).into());
}

#[test]
fn the_handshake_shows_both_ends() {
    recorded("handshake", &lesson("handshake").run());
}

#[test]
fn a_stream_is_not_messages() {
    recorded("boundaries", &lesson("boundaries").run());
}

#[test]
fn a_conversation_can_end_in_many_ways() {
    recorded("goodbye", &lesson("goodbye").run());
}

#[test]
fn a_pickle_is_a_program() {
    recorded("pickle", &lesson("pickle").run());
}

#[test]
fn a_strangers_pickle_calls_what_it_likes_and_lab2sh_only_shows_it() {
    let done = lesson("danger").run();
    recorded("danger", &done);
    // `echo owned` would have written a line of its own.
    assert!(!done.screen.lines().any(|line| line == "owned"), "{}", done.screen);
}

#[test]
fn each_fault_has_its_own_words() {
    recorded("errors", &lesson("errors").run());
}

#[test]
fn the_clients_side_runs_against_a_python_server() {
    let Some(server) = Peer::server("greeting_server.py", &["dict"]) else { return };
    let port = format!("port={}", server.port);
    let shell = lesson("client").arg(&port).arg("name=Grace").arg("sid=900000002").arg("github=grace");
    let mut running = shell.start();
    // The server keeps the connection; the student has seen enough.
    running.wait_for("@me listen");
    running.signal("INT");
    let done = running.finish();
    recorded("client", &done);
    let seen = server.finish();
    assert!(
        seen.contains("got {'student_name': 'Grace', 'github_username': 'grace', 'sid': 900000002}"),
        "{seen}"
    );
}

#[test]
fn the_records_of_pythons_logging_are_received() {
    let mut running = lesson("logging").arg("port=0").start();
    let port = running.port().to_string();
    let Some(sender) = Peer::client("log_sender.py", &[&port]) else { return };
    let done = running.finish();
    sender.finish();
    let shown = common::normal(&done.screen);
    assert_eq!(done.status, 0, "{shown}");
    for part in ["INFO from lab: client 7 says hello", "'levelname': 'ERROR'", "the peer closed after"] {
        assert!(shown.contains(part), "no `{part}` in:\n{shown}");
    }
}

fn lesson(name: &str) -> Shell {
    Shell::new([root().join("scripts").join(format!("{name}.lab"))])
}

/// The run shows what is recorded, and the exit status with it.
#[track_caller]
fn recorded(name: &str, done: &Done) {
    let screen = anywhere(&done.screen);
    let screen = regex::Regex::new("port = [0-9]+").unwrap().replace_all(&screen, "port = PORT");
    common::recorded(name, &format!("{screen}\nexit status {}\n", done.status));
}
