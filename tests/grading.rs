//! The grading scripts on students' programs: what each gets in each phase, which phase tells of its mistake, and in which words.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use common::{Done, Shell, normal, python_or_skip, same};
use serde_json::Value;

/// The worst program is graded within this time.
const GRADED_WITHIN: Duration = Duration::from_secs(60);
/// How many programs are graded at once: they mostly wait.
const AT_ONCE: usize = 4;

/// A program of tests/students and what becomes of it.
struct Row {
    program: &'static str,
    /// The points of each phase.
    scores: &'static [u64],
    /// The phase that tells of its mistake, from 1.
    phase: usize,
    /// Words of that phase's hint.
    hint: &'static str,
}

const fn row(program: &'static str, scores: &'static [u64], phase: usize, hint: &'static str) -> Row {
    Row { program, scores, phase, hint }
}

/// Connects, identity, after the answer, two segments, two messages, the server closes, no server.
const CLIENTS: &[Row] = &[
    row("client_right.py", &[1, 3, 1, 2, 2, 2, 1], 0, ""),
    row(
        "client_bytes_indexed.py",
        &[1, 0, 0, 0, 0, 0, 0],
        2,
        "your client read `serialized_data[\"clientid\"]`: index the result",
    ),
    row(
        "client_hand_out_keys.py",
        &[1, 0, 0, 0, 0, 0, 0],
        2,
        "sends 'name' and 'email' as the hand-out shows",
    ),
    row("client_reads_int.py", &[1, 0, 0, 0, 0, 0, 0], 2, "took what came for a number, and it is the dict"),
    row("client_pickles_twice.py", &[1, 0, 0, 0, 0, 2, 0], 2, "pickled twice"),
    row("client_sends_set.py", &[1, 0, 0, 0, 0, 2, 0], 2, "a dict has a colon between key and value"),
    row("client_sends_json.py", &[1, 0, 0, 0, 0, 0, 0], 2, "sends JSON text, and this lab reads pickles"),
    row("client_sends_str.py", &[1, 0, 0, 0, 0, 0, 0], 2, "a socket sends bytes"),
    row("client_echoes_ack.py", &[1, 3, 0, 0, 0, 0, 0], 3, "sent back what it had received, 1"),
    row("client_truncates.py", &[1, 0, 0, 0, 0, 0, 0], 4, "one message came in two reads"),
    row(
        "client_drops_second.py",
        &[1, 3, 1, 0, 0, 0, 0],
        5,
        "two messages came in one recv and yours dropped the second",
    ),
    row(
        "client_unpickles_end.py",
        &[1, 3, 1, 0, 0, 0, 0],
        6,
        "recv gave b'', and your client unpickled that",
    ),
    row("client_passes_errors.py", &[1, 3, 1, 0, 0, 0, 0], 6, "an `except: pass` around it hides the error"),
    row("client_reads_dict.py", &[1, 3, 0, 0, 0, 2, 0], 7, "catch `ConnectionRefusedError`"),
    row("client_exits.py", &[0, 0, 0, 0, 0, 0, 1], 1, "connect to 127.0.0.1 and port"),
    row("client_hangs.py", &[1, 0, 0, 0, 0, 0, 0], 2, "after the id the server reads one pickled dict"),
    row("client_floods.py", &[1, 0, 0, 0, 0, 0, 0], 2, "after the id the server reads one pickled dict"),
];

/// One client, two at once, one dies, two segments, the hand-out's client, ten in a row.
const SERVERS: &[Row] = &[
    row("server_right.py", &[3, 2, 2, 2, 1, 2], 0, ""),
    row("server_bare_int.py", &[0, 0, 0, 0, 0, 0], 1, "your server sends the int "),
    row(
        "server_acks_wrong_socket.py",
        &[0, 0, 0, 0, 0, 0],
        1,
        "on the socket that listens: use the connection that `accept` returned",
    ),
    row("server_silent.py", &[0, 0, 0, 0, 0, 0], 1, "the server speaks first"),
    row("server_one_shot.py", &[3, 0, 0, 0, 1, 0], 2, "your server serves one client only"),
    row("server_dies_with_client.py", &[3, 0, 0, 0, 1, 0], 3, "your server ended because one client left"),
    row("server_one_recv.py", &[3, 0, 0, 0, 1, 2], 4, "one message came in two reads, and your server"),
    row("server_wants_keys.py", &[3, 0, 0, 0, 0, 2], 5, "has no 'student_name': it has 'name', 'email'"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn student(program: &str) -> PathBuf {
    root().join("tests/students").join(program)
}

/// A run of the script that is for this program, on a port that is free.
fn grader(program: &str, python: &str) -> Shell {
    let script = if program.starts_with("client") { "grade-client.lab" } else { "grade-server.lab" };
    Shell::new([root().join("scripts").join(script)])
        .arg(&format!("program={}", student(program).display()))
        .arg(&format!("python={python}"))
        .arg("port=0")
        .arg("--allow-spawn")
        .arg("--report")
        .arg("json=results.json")
        .limit(GRADED_WITHIN)
}

fn report(done: &Done) -> Value {
    let file = std::fs::read_to_string(done.folder.path().join("results.json"));
    serde_json::from_str(&file.unwrap_or_else(|_| panic!("no report; the screen was:\n{}", done.screen)))
        .unwrap()
}

/// What is wrong with how a program was graded; nothing, where it is as its row says.
fn wrong(row: &Row, done: &Done) -> Option<String> {
    let report = report(done);
    let phases: Vec<&Value> =
        report["phases"].as_array().unwrap().iter().filter(|phase| !phase["points"].is_null()).collect();
    let scores: Vec<f64> = phases.iter().map(|phase| phase["score"].as_f64().unwrap()).collect();
    let wanted: Vec<f64> = row.scores.iter().map(|score| f64::from(u32::try_from(*score).unwrap())).collect();
    let status = i32::from(row.phase > 0);
    let failed = row.phase.checked_sub(1).map(|index| {
        let results = phases[index]["results"].as_array().unwrap();
        results.iter().find(|it| it["status"] == "failed").map_or(Value::Null, |it| it["hint"].clone())
    });
    let hint = failed.as_ref().and_then(Value::as_str).unwrap_or_default();
    let is_right = scores == wanted && done.status == status && hint.contains(row.hint);
    (!is_right).then(|| {
        format!(
            "{}: exit {}, scores {scores:?}, not {wanted:?}; the hint of phase {}: {hint}\n{}",
            row.program, done.status, row.phase, done.screen
        )
    })
}

/// Grades every program of a table, several at once.
#[track_caller]
fn grades(rows: &[Row]) {
    let Some(python) = python_or_skip() else { return };
    let left = Mutex::new(rows.iter());
    let trouble = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(row) = { left.lock().unwrap().next() } {
                    let done = grader(row.program, python).run();
                    trouble.lock().unwrap().extend(wrong(row, &done));
                }
            });
        }
    });
    let trouble = trouble.into_inner().unwrap();
    assert!(trouble.is_empty(), "{}", trouble.join("\n\n"));
}

#[test]
fn each_client_gets_its_points_and_its_hint() {
    grades(CLIENTS);
}

#[test]
fn each_server_gets_its_points_and_its_hint() {
    grades(SERVERS);
}

#[test]
fn each_program_of_a_student_is_graded() {
    let files = std::fs::read_dir(root().join("tests/students")).unwrap();
    let mut names: Vec<String> =
        files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".py"));
    names.sort();
    let mut rows: Vec<&str> = CLIENTS.iter().chain(SERVERS).map(|row| row.program).collect();
    rows.sort_unstable();
    assert_eq!(names, rows);
}
