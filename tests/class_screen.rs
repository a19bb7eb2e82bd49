//! What a class sees on the projector, what is at a prompt while students arrive, and what a script is told.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;
mod pty;

use std::fs;
use std::io::Write;

use common::class::{all_honest, class, connect, honest, recv, serving};
use common::{Folder, script};
use pty::{CTRL_C, CTRL_Q, CTRL_S, ENTER, Terminal, shell};
use serde_json::Value as Json;

/// The lesson on a terminal, and the port that students type.
fn projector(folder: &Folder, rows: u16, columns: u16) -> (Terminal, u16) {
    let lesson = format!("{}/scripts/class.lab", env!("CARGO_MANIFEST_DIR"));
    let journal = format!("journal={}", folder.path().join("class.journal").display());
    let terminal = shell(folder).args(&[&lesson, "port=0", &journal]).size(rows, columns).start();
    let port = port_on(&terminal);
    (terminal, port)
}

/// Waits for the banner.
fn port_on(terminal: &Terminal) -> u16 {
    terminal.sees("students type: connect 127.0.0.1:");
    let screen = terminal.screen();
    let (_, rest) = screen.split_once("students type: connect 127.0.0.1:").unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

/// The last row that holds anything.
fn bottom(terminal: &Terminal) -> String {
    terminal.screen().lines().last().unwrap_or_default().to_string()
}

#[test]
fn the_status_line_stays_at_the_bottom_of_the_projector() {
    let folder = Folder::new();
    let (mut terminal, port) = projector(&folder, 24, 80);
    let mut clients = all_honest(port, 1..4);
    terminal.sees("  class  3 here, 3 passed, 0 failed");
    assert_eq!(bottom(&terminal), "  class  3 here, 3 passed, 0 failed");
    for number in 1..4 {
        assert!(
            terminal.screen().contains(&format!("  Student {number}, {number}, github student{number}\n"))
        );
    }
    // More than the screen has rows: it scrolls, and the line stays below.
    clients.extend(all_honest(port, 4..30));
    terminal.sees("  class  29 here, 29 passed, 0 failed");
    let screen = terminal.screen();
    assert_eq!(screen.lines().count(), 24, "{screen}");
    assert_eq!(screen.matches(" here, ").count(), 1, "{screen}");
    assert_eq!(bottom(&terminal), "  class  29 here, 29 passed, 0 failed");
    drop(connect(port).unwrap());
    terminal.sees("1 failed");
    assert_eq!(bottom(&terminal), "  class  29 here, 29 passed, 1 failed");
    terminal.keys(CTRL_C);
    assert_eq!(terminal.ends(), 130);
    let screen = terminal.screen();
    assert!(screen.contains("class.csv: 29 rows"), "{screen}");
    assert!(screen.ends_with("  class  closed: 0 here, 29 passed, 1 failed"), "{screen}");
    assert!(terminal.is_sane());
    assert_eq!(fs::read_to_string(folder.path().join("class.csv")).unwrap().lines().count(), 30);
}

#[test]
fn a_screen_that_is_stopped_stops_no_student() {
    let folder = Folder::new();
    let (mut terminal, port) = projector(&folder, 24, 80);
    let mut clients = all_honest(port, 1..4);
    terminal.sees("  class  3 here, 3 passed, 0 failed");
    terminal.keys(CTRL_S);
    for part in 0..4 {
        clients.extend(all_honest(port, 4 + part * 25..4 + (part + 1) * 25));
    }
    assert!(!terminal.screen().contains("Student 103"), "{}", terminal.screen());
    terminal.keys(CTRL_Q);
    terminal.sees("  class  103 here, 103 passed, 0 failed");
    assert_eq!(bottom(&terminal), "  class  103 here, 103 passed, 0 failed");
    terminal.keys(CTRL_C);
    assert_eq!(terminal.ends(), 130);
    assert!(terminal.screen().ends_with("  class  closed: 0 here, 103 passed, 0 failed"));
}

#[test]
fn a_narrow_projector_has_one_row_for_each() {
    let folder = Folder::new();
    let (terminal, port) = projector(&folder, 10, 40);
    let _clients = all_honest(port, 1..16);
    let mut long = connect(port).unwrap();
    recv(&mut long).unwrap();
    // A name of 200 characters, two columns each.
    let name = "\u{6f22}".repeat(200);
    let mut identity = b"\x80\x03X".to_vec();
    identity.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
    identity.extend(name.bytes());
    identity.push(b'.');
    long.write_all(&identity).unwrap();
    terminal.sees("16 here, 16 passed");
    let screen = terminal.screen();
    assert_eq!(screen.lines().last(), Some("  class  16 here, 16 passed, 0 failed"), "{screen}");
    assert_eq!(screen.matches(" here, ").count(), 1, "{screen}");
    let wide = screen.lines().find(|line| line.contains('\u{6f22}')).unwrap();
    assert!(wide.ends_with("..."), "{screen}");
    assert_eq!(screen.lines().filter(|line| line.contains('\u{6f22}')).count(), 1, "{screen}");
}

#[test]
fn two_thousand_at_once_are_shown_in_part_and_all_counted() {
    let class = class("serve 0 as class\nwait class for 2000 passed within 28s\n");
    let port = class.port;
    let threads: Vec<_> = (0..20)
        .map(|part| {
            std::thread::spawn(move || {
                // All connect and say who they are before one reads its answer.
                let mut streams: Vec<_> = (0..100).map(|_| connect(port).unwrap()).collect();
                for (n, stream) in streams.iter_mut().enumerate() {
                    stream.write_all(&common::class::identity(1 + part * 100 + n)).unwrap();
                }
                streams.iter_mut().for_each(|stream| drop(recv(stream).unwrap()));
                streams
            })
        })
        .collect();
    let streams: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let done = class.running.finish();
    assert_eq!(done.status, 0, "{}", done.screen);
    let shown = done.screen.lines().filter(|line| line.contains(", github student")).count();
    let held: usize = done
        .lines_after("... and ")
        .filter_map(|line| line.strip_suffix(" more arrivals").or(line.strip_suffix(" more arrival")))
        .map(|number| number.parse::<usize>().unwrap())
        .sum();
    assert_eq!(shown + held, 2000, "{}", done.screen);
    assert!(shown as f64 <= 60.0 + 30.0 * done.took.as_secs_f64(), "{shown} lines in {:?}", done.took);
    assert!(!done.screen.contains('\x1b'), "plain lines where there is no terminal");
    drop(streams);
}

#[test]
fn arrivals_come_above_the_line_that_is_typed() {
    let folder = Folder::new();
    let terminal = shell(&folder).start();
    terminal.at(">");
    terminal.line("serve 0 as class");
    let port = port_on(&terminal);
    terminal.at(">");
    terminal.keys("let answer = 4");
    terminal.typed("> let answer = 4");
    let clients = all_honest(port, 1..4);
    for number in 1..4 {
        terminal.sees(&format!("  Student {number}, {number}, github student{number}\n"));
    }
    terminal.typed("> let answer = 4");
    let screen = terminal.screen();
    assert_eq!(screen.matches("let answer").count(), 1, "{screen}");
    // A whole class beside it: some are shown, the rest is counted, the line stays.
    let crowd = all_honest(port, 4..204);
    terminal.sees(" more arrivals");
    terminal.keys(&format!("2{ENTER}"));
    terminal.sees("  answer = 42");
    terminal.at(">");
    terminal.line("roster save all.json");
    terminal.sees("roster saved as all.json: 203 rows");
    terminal.line("close class");
    terminal.sees("closed: 0 here, 203 passed, 0 failed");
    drop((clients, crowd));
}

#[test]
fn a_program_is_told_arrivals_and_rows() {
    let lines =
        "serve 0 as class\nwait class for 2 passed within 20s\nroster\nroster save all.csv\nclose class\n";
    let mut running = script(lines).arg("--json").start();
    let line = running.wait_for("\"event\":\"serving\"");
    let serving: Json = serde_json::from_str(&line).unwrap();
    let port = u16::try_from(serving["port"].as_u64().unwrap()).unwrap();
    drop(connect(port).unwrap());
    running.wait_for("\"status\":\"failed\"");
    let clients = all_honest(port, 1..3);
    let done = running.finish();
    assert_eq!(done.status, 0, "{}", done.screen);
    let events: Vec<Json> = done.screen.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    let arrivals = of("arrival");
    let statuses = |status: &str| arrivals.iter().filter(|it| it["status"] == status).count();
    assert_eq!((statuses("failed"), statuses("identified"), statuses("passed")), (1, 2, 2));
    let first = arrivals.iter().find(|it| it["student_id"] == "1" && it["status"] == "passed").unwrap();
    for (field, value) in [("class", "class"), ("name", "Student 1"), ("github", "student1"), ("email", "")] {
        assert_eq!(first[field], value, "{field}");
    }
    assert!(first["seat"].is_u64() && first["peer"].is_string() && first["duplicate_of"].is_null());
    let table = of("table");
    assert_eq!(table[0]["kind"], "roster");
    assert_eq!(table[0]["rows"][0]["status"], "passed");
    assert_eq!(of("saved")[0]["rows"], 2);
    let closed = of("class_closed");
    assert_eq!((&closed[0]["passed"], &closed[0]["failed"]), (&Json::from(2), &Json::from(1)));
    drop(clients);
}

#[test]
fn waiting_for_students_ends_when_they_have_passed() {
    let class = class("serve 0 as class\nwait class for 3 passed within 20s\ncheck $class.passed == 3\n");
    let _clients = all_honest(class.port, 1..4);
    let done = class.running.finish();
    assert_eq!(done.status, 0, "{}", done.screen);
    assert!(done.screen.contains("  class  3 here, 3 passed, 0 failed\n"), "{}", done.screen);
}

#[test]
fn waiting_for_too_many_says_who_is_missing() {
    let class = class("serve 0 as class\nwait class for 3 passed within 1s\n");
    let _client = honest(class.port, 1).unwrap();
    let done = class.running.finish();
    assert_eq!(done.status, 1, "{}", done.screen);
    for words in [
        "error: 1 of 3 students of `class` passed within 1s (the step's `within`)\n",
        "hint: `roster` shows who passed",
    ] {
        assert!(done.screen.contains(words), "no {words:?} in:\n{}", done.screen);
    }
}

#[test]
fn waiting_can_be_interrupted() {
    let class = class("serve 0 as class\nwait class for 3 passed\n");
    let _client = honest(class.port, 1).unwrap();
    let done = class.interrupt();
    assert_eq!(done.status, 130, "{}", done.screen);
    assert!(done.screen.contains("  class  closed: 0 here, 1 passed, 0 failed\n"), "{}", done.screen);
}

#[test]
fn waiting_at_the_prompt_goes_on_after_ctrl_c() {
    let folder = Folder::new();
    let mut terminal = shell(&folder).start();
    terminal.at(">");
    terminal.line("serve 0 as class");
    let port = port_on(&terminal);
    terminal.at(">");
    terminal.line("wait class for 2 passed");
    terminal.is_running();
    let _first = honest(port, 1).unwrap();
    terminal.sees("  class  1 here, 1 passed, 0 failed");
    terminal.keys(CTRL_C);
    terminal.at(">");
    assert!(terminal.screen().contains("`wait` was interrupted"), "{}", terminal.screen());
    // The class is still there.
    let _second = honest(port, 2).unwrap();
    terminal.line("wait class for 2 passed within 5s");
    terminal.sees("2 here, 2 passed, 0 failed");
    terminal.at(">");
    terminal.line("quit");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_roster_shows_the_table() {
    let class = serving(script("serve 0 as class\nwait class for 3 passed within 20s\nroster\n"));
    let mut clients = Vec::new();
    for number in [1, 2, 1, 3] {
        clients.push(honest(class.port, number).unwrap());
    }
    let done = class.running.finish();
    let table: Vec<&str> =
        done.screen.lines().skip_while(|line| !line.contains("seat  status")).take(5).collect();
    let expected = [
        "  seat  status                 name       student id  github    e-mail  more",
        "  1     passed                 Student 1  1           student1",
        "  2     passed                 Student 2  2           student2",
        "  3     passed, again: seat 1  Student 1  1           student1",
        "  4     passed                 Student 3  3           student3",
    ];
    assert_eq!(table, expected, "{}", done.screen);
}
