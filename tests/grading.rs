//! The grading scripts on students' programs: what each gets in each phase, which phase tells of its mistake, and in which words.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use common::{Done, Shell, python_or_skip, root, same, script, student, unnumbered};
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
        "client_forgets_rest.py",
        &[1, 3, 1, 2, 0, 2, 1],
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
    row("client_exits.py", &[0, 0, 0, 0, 0, 0, 0], 1, "connect to 127.0.0.1 and port"),
    // Python runs nothing of it, and so it shows nothing in the last phase either.
    row(
        "client_syntax.py",
        &[0, 0, 0, 0, 0, 0, 0],
        1,
        "your client stopped with SyntaxError at client_syntax.py line 6",
    ),
    row("client_asks.py", &[0, 0, 0, 0, 0, 0, 0], 1, "waits for an answer to `Host:`"),
    row("client_wrong_port.py", &[0, 0, 0, 0, 0, 0, 0], 1, "connects (client_wrong_port.py line 7: "),
    row("client_port_str.py", &[0, 0, 0, 0, 0, 0, 0], 1, "a port is an int"),
    row("client_binds.py", &[0, 0, 0, 0, 0, 0, 0], 1, "as a server does"),
    row("client_decodes.py", &[1, 0, 0, 0, 0, 0, 0], 2, "the byte 0x80 begins a pickle"),
    row("client_misspells_key.py", &[1, 0, 0, 0, 0, 0, 0], 5, "has no 'client_id': it has 'clientid';"),
    // What the script says comes first, where nothing proves a mistake.
    row(
        "client_never_prints.py",
        &[1, 3, 1, 2, 0, 2, 1],
        5,
        "in one segment: `print` each message that comes",
    ),
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
    row("server_one_at_a_time.py", &[3, 0, 2, 2, 1, 2], 2, "with a thread for each client"),
    row("server_dies_with_client.py", &[3, 0, 0, 0, 1, 0], 3, "your server ended because one client left"),
    row("server_one_recv.py", &[3, 0, 0, 0, 1, 2], 4, "one message came in two reads, and your server"),
    row("server_forgets_listen.py", &[0, 0, 0, 0, 0, 0], 1, "on a socket that does not listen"),
    row(
        "server_keeps_pair.py",
        &[0, 0, 0, 0, 0, 0],
        1,
        "it gives two, `connection, address = server.accept()`",
    ),
    row("server_misspells_key.py", &[0, 0, 0, 0, 0, 0], 1, "the dict has the key 'clientID': a typo?"),
    row("server_wants_keys.py", &[3, 0, 0, 0, 0, 2], 5, "has no 'student_name': it has 'name', 'email'"),
];

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

#[test]
fn a_right_client_takes_a_line_a_phase() {
    let Some(python) = python_or_skip() else { return };
    let done = grader("client_right.py", python).run();
    same(
        r#"
ok     1. It connects  1 of 1 points  MS
ok     2. It says who it is  1 check, 3 of 3 points  MS
ok     3. It listens after the answer  2 checks, 1 of 1 points  MS
ok     4. Its id comes in two segments  1 check, 2 of 2 points  MS
ok     5. Two messages come in one segment  2 checks, 2 of 2 points  MS
ok     6. The server closes  2 checks, 2 of 2 points  MS
ok     7. No server  3 checks, 1 of 1 points  MS

grade-client.lab: 90 steps passed in SEC
points: 12 of 12
"#
        .trim_start(),
        &of_script(&done),
    );
    assert_eq!(done.status, 0);
}

#[test]
fn a_server_of_one_client_at_a_time_is_told_so() {
    let Some(python) = python_or_skip() else { return };
    let done = grader("server_one_at_a_time.py", python).run();
    same(
        r#"
ok     1. One client  3 checks, 3 of 3 points  MS

== Two at once
a> points 2
a> reset all
  student  was ended by `close`  MS
  a  aborted (RST sent)
> spawn $python $program $args as student
  student  runs python3 server_one_at_a_time.py N  pid N
> ? @student type $input
> hint listen on 127.0.0.1 and port $port, and call `accept` in a loop that does not end
> repeat until connect 127.0.0.1:$port as a passes
  a  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
a> hint the server speaks first: it sends {'clientid': ID}, pickled, as soon as `accept` has returned
a> expect {"clientid": int}
  a <- {'clientid': ID}  29 B, pickle 4, 1 read, as expected  MS
a> connect 127.0.0.1:$port as b
  b  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
b> hint a second client gets its id while the first is still there: a thread for each client, and `accept` again at once
b> expect {"clientid": int}
grade-server.lab:69:1: error: nothing arrived on `b` within 5s (timeout)
    expect {"clientid": int}
    ^^^^^^
  wanted: {"clientid": int}
hint: a second client gets its id while the first is still there: a thread for each client, and `accept` again at once; it may be that your server serves one client only: this one is connected, because the system took it into the queue, but nobody accepted it; call `accept` in a loop, with a thread for each client
failed 2. Two at once  2 passed, 1 failed, 0 of 2 points  MS
ok     3. One dies  5 checks, 2 of 2 points  MS
ok     4. An identity comes in two segments  3 checks, 2 of 2 points  MS
ok     5. A client of the hand-out  3 checks, 1 of 1 points  MS
ok     6. Ten in a row  21 checks, 2 of 2 points  MS

grade-server.lab: 1 failed, 96 steps passed, 4 not run in SEC
points: 10 of 12
"#
        .trim_start(),
        &of_script(&done),
    );
    assert_eq!(done.status, 1);
}

/// The screen without the folders of this machine, and without the numbers that a run brings.
fn of_script(done: &Done) -> String {
    let root = root().display();
    let screen =
        done.screen.replace(&format!("{root}/scripts/"), "").replace(&format!("{root}/tests/students/"), "");
    let id = regex::Regex::new(r"'clientid': [0-9]+").unwrap();
    id.replace_all(&unnumbered(&screen), "'clientid': ID").into_owned()
}

#[test]
fn a_port_that_is_taken_is_no_students_fault() {
    let Some(python) = python_or_skip() else { return };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("port={}", taken.local_addr().unwrap().port());
    let script = root().join("scripts/grade-server.lab");
    let program = format!("program={}", student("server_right.py").display());
    let done = Shell::new([script])
        .arg(&program)
        .arg(&format!("python={python}"))
        .arg(&port)
        .arg("--allow-spawn")
        .run();
    assert_eq!(done.status, 3, "{}", done.screen);
    assert!(done.screen.contains("cannot listen on 127.0.0.1:"), "{}", done.screen);
    // What none of the phases can do without is told once.
    assert_eq!(done.screen.matches("error:").count(), 1, "{}", done.screen);
    assert!(done.screen.contains("1 failed, 6 steps passed, "), "{}", done.screen);
}

#[test]
fn a_failure_before_the_first_phase_ends_the_script() {
    script("set on-failure next-phase\ncheck 1 == 2\n## One\nsay never\n").run().shows(
        1,
        r#"
> set on-failure next-phase
  on-failure next-phase
> check 1 == 2
test.lab:2:7: error: the check does not hold
    check 1 == 2
          ^^^^^^
  left:  1 (int)
  right: 2 (int)

test.lab: 1 failed, 1 step passed, 1 not run in SEC
"#,
    );
}

/// A program that is judged, and what the script waits for longer than the test may take.
fn judged(program: &str, points: &str, steps: &str) -> Done {
    let text = format!(
        "## Judged\n{points}\nlisten 0 as server\nlet port = $server.port\nspawn sh -c \"{program}\" as student\n{steps}"
    );
    Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", text).run()
}

#[test]
fn nobody_waits_for_a_program_that_has_ended() {
    let done = judged("exit 3", "points 1", "accept server within 60s\n");
    let failure =
        "test.lab:6:1: error: no client came to `server` before every program that was started had ended\n";
    assert!(done.screen.contains(failure), "{}", done.screen);
    assert_eq!(done.status, 1);
    let done = judged(
        "exit 3",
        "points 1",
        "close server\nrepeat until connect 127.0.0.1:$port passes within 60s\n",
    );
    assert!(
        done.screen.contains("\n  tried:     until every program that was started had ended\n")
            || done.screen.contains("\n  tried: until every program that was started had ended\n"),
        "{}",
        done.screen
    );
    assert_eq!(done.status, 1);
    // Without points nobody is judged, and somebody else may come.
    let done = judged("exit 3", "hint x", "wait student\naccept server within 300ms\n");
    assert!(done.screen.contains("no client came to `server` within 300ms"), "{}", done.screen);
    assert_eq!(done.status, 3);
}

#[test]
fn a_client_that_has_come_and_gone_is_accepted() {
    let Some(python) = python_or_skip() else { return };
    let text = format!(
        "## Judged\npoints 1\nlisten 0 as server\nspawn {python} -c \"import socket, sys; \
         socket.create_connection(('127.0.0.1', int(sys.argv[1]))).send(b'x')\" $server.port as student\n\
         wait student\naccept server as seat within 60s\nexpect eof\n"
    );
    let done = Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", text).run();
    assert!(done.screen.contains("seat  accepted by server"), "{}", done.screen);
}

#[test]
fn a_programs_arguments_can_be_a_list() {
    let text = "param args = [$port, \"two words\", 1.5]\nlet none = []\nspawn printf '%s|' $args $none \"$none\" as it\n\
                @it expect output \"7|two words|1.5|[]|\"\n";
    let done =
        Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", format!("let port = 7\n{text}")).run();
    assert_eq!(done.status, 0, "{}", done.screen);
}

#[test]
fn reset_all_leaves_nothing_and_frees_the_names() {
    script(
        "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept srv as seat\nreset all\nsockets\n\
         listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\n",
    )
    .run()
    .shows(
        0,
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> connect 127.0.0.1:$srv.port as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> accept srv as seat
  seat  accepted by srv from 127.0.0.1:PORT  MS
seat> reset all
  srv  closed
  ada  aborted (RST sent)
  seat  aborted (RST sent)
> sockets
  no socket is open
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> connect 127.0.0.1:$srv.port as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS

test.lab: 7 steps passed in SEC
"#,
    );
}

#[test]
fn a_hint_is_for_the_rest_of_its_phase() {
    script(
        "set on-failure next-phase\nlet lab = \"\\x1b3\"\n## One\nhint read lab $lab again\ncheck 1 == 2\n## Two\ncheck 3 <= \"4\"\n",
    )
    .run()
    .shows(
        1,
        r#"
> set on-failure next-phase
  on-failure next-phase
> let lab = "\x1b3"
  lab = '\x1b3'

== One
> hint read lab $lab again
> check 1 == 2
test.lab:5:7: error: the check does not hold
    check 1 == 2
          ^^^^^^
  left:  1 (int)
  right: 2 (int)
hint: read lab \x1b3 again

== Two
> check 3 <= "4"
test.lab:7:7: error: `<=` cannot compare int and str
    check 3 <= "4"
          ^^^^^^^^
  left:  3 (int)
  right: '4' (str)
hint: Python raises TypeError here

test.lab: 2 failed, 3 steps passed in SEC
"#,
    );
}

/// The same failure is the network's without points, and the program's with them.
#[test]
fn a_phase_with_points_judges_the_peer() {
    let text = "listen 0 as srv\nlet port = $srv.port\nclose srv\nconnect 127.0.0.1:$port\n";
    assert_eq!(script(text).run().status, 3);
    assert_eq!(script(&format!("## Judged\npoints 1\n{text}")).run().status, 1);
    // Points end with their phase.
    assert_eq!(script(&format!("## Judged\npoints 1\n## Not judged\n{text}")).run().status, 3);
    // Listening is this side's own.
    let taken = "## Judged\npoints 1\nlisten 0 as srv\nlisten $srv.port\n";
    assert_eq!(script(taken).run().status, 3);
}

#[test]
fn points_and_a_hint_end_with_their_phase_also_in_a_block_and_an_included_file() {
    let first = "## One\npoints 1\nhint read the first page\n";
    let second = "## Two\nlisten 0 as srv\nlet port = $srv.port\nclose srv\nconnect 127.0.0.1:$port\n";
    let refused = |shell: Shell| {
        let done = shell.run();
        assert_eq!(done.status, 3, "{}", done.screen);
        let (_, failure) = done.screen.split_once("error: ").unwrap();
        assert!(failure.starts_with("connect refused"), "{}", done.screen);
        assert!(!failure.contains("hint:"), "{}", done.screen);
    };
    refused(script(&format!("{first}include two.lab\n")).file("two.lab", second));
    refused(script(&format!("{first}repeat 1\n{second}end\n")));
    // And what the inner phase said holds for the rest of it.
    let done = script("include two.lab\ncheck 1 == 2\n")
        .file("two.lab", "## Two\nhint read the second page\n")
        .run();
    assert!(done.screen.contains("\nhint: read the second page\n"), "{}", done.screen);
}
