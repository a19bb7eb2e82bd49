//! Hostile and broken clients at the class server, with honest ones beside each: all of the honest pass, the server stays small,
//! and the screen says why the others failed.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::disallowed_methods, reason = "these clients are threads, and come when they come")]
#![allow(clippy::print_stderr, reason = "what was measured is told")]

mod common;

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::class::{
    ACK, Class, NONE, all_honest, class, connect, cpu_seconds, descriptors, honest, identity, recv, serving,
    slowest, until,
};
use common::{Done, Peer, Shell, script, strace_or_skip};

/// The built-in seat script with a short deadline.
const SEAT: &str = "send {\"clientid\": $seat, \"client_id\": $seat}\nexpect _ as identity within 1s\n\
                    roster $identity\nsleep 100ms\nroster passed\nsend 1\nlisten\n";
/// What it may take an honest client in a test: an idle machine needs a tenth of this.
const PROMPT: Duration = Duration::from_secs(5);
/// How much larger the server may be after an attack, in KiB.
const GROWTH: u64 = 16 << 10;

fn prepared(lines: &str) -> Shell {
    script(lines).file("seat.lab", SEAT)
}

fn strict() -> Class {
    serving(prepared("serve 0 with seat.lab journal class.journal as class\nwait class\n"))
}

/// Runs an attack with honest clients beside it, waits for these words on the screen, and gives the screen and the table.
#[track_caller]
fn beside(name: &str, times: &str, words: &[&str]) -> Option<(String, String)> {
    common::python_or_skip()?;
    let mut class = strict();
    let mut clients = all_honest(class.port, 1..4);
    let before = class.running.resident_kib();
    let attack = Peer::client("faultpeer.py", &["attack", name, &class.port.to_string(), times]).unwrap();
    // Some come while it is on, and some after them.
    clients.extend(all_honest(class.port, 4..14));
    clients.extend(all_honest(class.port, 14..24));
    let (status, said) = attack.ends();
    assert_eq!(status, Some(0), "{said}");
    clients.extend(all_honest(class.port, 24..31));
    for word in words {
        class.running.wait_for(word);
    }
    let after = class.running.resident_kib();
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after < before + GROWTH, "{name}: {before} KiB before, {after} KiB after");
        eprintln!("{name}: slowest honest {:?}, {before} KiB before, {after} KiB after", slowest(&clients));
    }
    assert!(slowest(&clients) < PROMPT, "{name}: {:?}", slowest(&clients));
    let done = class.interrupt();
    let table = std::fs::read_to_string(done.folder.path().join("class.csv")).unwrap();
    for number in 1..31 {
        let row = format!(",passed,,Student {number},{number},student{number},,,\n");
        assert!(table.contains(&row), "no {row:?} in:\n{table}");
    }
    assert_eq!(done.status, 130, "{}", done.screen);
    assert!(!done.folder.path().join("lab2sh_pwned").exists());
    Some((done.screen, table))
}

/// The attack leaves no row.
#[track_caller]
fn leaves_no_row(name: &str, times: &str, words: &[&str]) {
    if let Some((_, table)) = beside(name, times, words) {
        assert_eq!(table.lines().count(), 31, "{table}");
    }
}

/// The attack's student is on the roster, and passed.
#[track_caller]
fn leaves_its_row(name: &str) {
    if let Some((_, table)) = beside(name, "1", &["  Ana, 900000001, github ana"]) {
        assert!(table.contains(",passed,,Ana,900000001,ana,,,\n"), "{table}");
        assert_eq!(table.lines().count(), 32, "{table}");
    }
}

#[test]
fn one_that_does_all_right_passes() {
    leaves_its_row("ok");
}

#[test]
fn closing_at_once() {
    leaves_no_row("connect-close", "20", &[" before the identity"]);
}

#[test]
fn resetting_at_once() {
    leaves_no_row("connect-rst", "20", &["reset before the identity"]);
}

#[test]
fn saying_nothing() {
    leaves_no_row("silent", "1", &["failed: no identity in 1s"]);
}

#[test]
fn dripping() {
    leaves_no_row("drip", "1", &["B of a message came in time"]);
}

#[test]
fn half_an_identity_and_the_end() {
    leaves_no_row("half-info-fin", "3", &["failed: closed inside a value at byte 20"]);
}

#[test]
fn half_an_identity_and_a_reset() {
    leaves_no_row("half-info-rst", "3", &["failed: reset inside a value at byte 20"]);
}

#[test]
fn half_closing_is_graded() {
    leaves_its_row("half-close");
}

#[test]
fn sending_first() {
    leaves_its_row("send-first");
}

#[test]
fn a_whole_identity_counts_also_before_a_reset() {
    if let Some((_, table)) = beside("send-first-rst", "1", &["  Ana, 900000001, github ana"]) {
        let row = table.lines().find(|row| row.contains("Ana,900000001,ana")).unwrap();
        assert!(row.contains(",left early,") || row.contains(",passed,"), "{row}");
    }
}

#[test]
fn two_messages_in_one() {
    leaves_its_row("two-in-one");
}

#[test]
fn one_byte_at_a_time() {
    leaves_its_row("one-byte");
}

#[test]
fn never_reading_while_sending() {
    beside("never-reads", "1", &["  Ana, 900000001, github ana", " more messages"]);
}

#[test]
fn flooding_hides_nobody() {
    if let Some((screen, _)) = beside("flood", "1", &["  Ana, 900000001, github ana", " more messages"]) {
        for number in 1..31 {
            assert!(screen.contains(&format!("  Student {number}, {number}, github")), "{number}:\n{screen}");
        }
        assert!(screen.lines().count() < 120, "{screen}");
    }
}

#[test]
fn garbage() {
    leaves_no_row("garbage", "3", &["failed: no pickle: invalid load key 0xa9, at byte 1"]);
}

#[test]
fn http() {
    leaves_no_row("http", "3", &["failed: first byte 0x47: this looks like HTTP"]);
}

#[test]
fn tls() {
    leaves_no_row("tls", "3", &["failed: first byte 0x16: this looks like a TLS handshake"]);
}

#[test]
fn ssh() {
    leaves_no_row("ssh", "3", &["failed: first byte 0x53: this looks like an SSH"]);
}

#[test]
fn json_text() {
    leaves_no_row("json", "1", &["failed: first byte 0x7b: this looks like JSON text"]);
}

#[test]
fn a_message_of_100_mb() {
    leaves_no_row("big-message", "3", &["failed: a message of 100000000 B, over the limit"]);
}

#[test]
fn code_is_named_and_not_run() {
    leaves_no_row("exec", "3", &["failed: a call to os.system, not run"]);
}

#[test]
fn nesting() {
    leaves_no_row("deep", "10", &["failed: it is nested more than 1000 deep"]);
}

#[test]
fn a_billion_laughs() {
    leaves_no_row("laughs", "10", &["failed: it unfolds to more than "]);
}

#[test]
fn a_name_with_escapes_stays_one_line() {
    let Some((screen, table)) = beside("escape-name", "1", &["\\r\\nBob: Passed"]) else { return };
    for text in [&screen, &table] {
        let is_ours = |c: char| c == '\n' || !(c.is_control() || "\u{202e}\u{200b}\u{feff}".contains(c));
        assert!(text.chars().all(is_ours), "{text:?}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("Bob")), "{text}");
    }
    assert!(!screen.lines().any(|line| line.starts_with("  seat7  Bob")), "{screen}");
    let line = screen.lines().find(|line| line.contains("Bob: Passed")).unwrap();
    assert!(line.trim_start().starts_with("seat") && line.chars().count() < 120, "{line}");
}

#[test]
fn the_same_student_twice_is_marked() {
    let Some((screen, table)) = beside("same-student", "2", &["  (again: seat"]) else { return };
    assert!(screen.contains(", 31 passed, "), "{screen}");
    let mut of_ana = table.lines().filter(|row| row.contains(",Ana,900000001,ana,,"));
    let (first, again) = (of_ana.next().unwrap(), of_ana.next().unwrap());
    assert!(first.contains(",passed,") && first.ends_with(",ana,,,"), "{first}");
    let seat = first.split(',').next().unwrap();
    assert!(again.ends_with(&format!(",ana,,{seat},")), "{again}");
}

#[test]
fn urgent_data_is_no_data() {
    leaves_its_row("urgent");
}

#[test]
fn a_socket_that_is_dead_in_the_backlog() {
    if common::python_or_skip().is_none() {
        return;
    }
    let mut class = strict();
    all_honest(class.port, 1..2);
    class.running.signal("STOP");
    let port = class.port.to_string();
    Peer::client("faultpeer.py", &["attack", "rst-in-backlog", &port, "20"]).unwrap().finish();
    class.running.signal("CONT");
    let clients = all_honest(class.port, 2..32);
    eprintln!("rst-in-backlog: slowest honest {:?}", slowest(&clients));
    class.running.wait_for("20 failed");
    assert!(class.interrupt().screen.contains("31 passed, 20 failed"));
}

#[test]
fn a_thousand_silent_clients_keep_nobody_out() {
    many_descriptors();
    let mut class = strict();
    let silent: Vec<TcpStream> = (0..1000).map(|_| connect(class.port).unwrap()).collect();
    let clients = all_honest(class.port, 1..31);
    eprintln!("slowloris: slowest honest {:?}", slowest(&clients));
    assert!(slowest(&clients) < PROMPT);
    class.running.wait_for("1000 failed");
    // Dropped: each has heard its greeting, the farewell, and the end.
    for mut stream in silent {
        let mut heard = Vec::new();
        while let Ok(bytes @ [_, ..]) = recv(&mut stream).as_deref() {
            heard.extend_from_slice(bytes);
        }
        assert!(heard.ends_with(NONE), "{heard:?}");
    }
    assert!(class.interrupt().screen.contains("30 passed, 1000 failed"));
}

/// The test itself opens as many sockets as a class.
fn many_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[test]
fn one_that_never_reads_is_given_up_and_the_others_hear_everything() {
    if common::python_or_skip().is_none() {
        return;
    }
    let told = 60;
    let mut lines = "serve 0 as class\nwait class for 6 passed within 20s\nsleep 300ms\n".to_string();
    let text = "x".repeat(100_000);
    for _ in 0..told {
        lines += &format!("broadcast \"{text}\"\nsleep 40ms\n");
    }
    let mut class = class(&lines);
    let deaf = Peer::client("faultpeer.py", &["attack", "deaf", &class.port.to_string()]).unwrap();
    class.running.wait_for("Ana");
    let before = class.running.resident_kib().unwrap_or(0);
    let clients = all_honest(class.port, 1..6);
    let threads: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            std::thread::spawn(move || {
                let mut heard = 0;
                while let Ok(bytes @ [_, ..]) = recv(&mut client.stream).as_deref() {
                    heard += bytes.len();
                }
                heard
            })
        })
        .collect();
    let line = class.running.wait_for("given up");
    assert!(line.ends_with("to 5 clients; 1 does not read and is given up"), "{line}");
    let grown = class.running.resident_kib().unwrap_or(0).saturating_sub(before);
    assert!(grown < GROWTH, "{grown} KiB");
    let done = class.running.finish();
    assert_eq!(done.status, 0, "{}", done.screen);
    for thread in threads {
        assert!(thread.join().unwrap() > told * 100_000);
    }
    drop(deaf);
}

#[test]
fn others_are_answered_while_one_floods() {
    if common::python_or_skip().is_none() {
        return;
    }
    let seat = SEAT.replace("listen\n", "on {\"option\": 1} send 1\nlisten\n");
    let lines = "serve 0 with pings.lab as class\nwait class\n";
    let class = serving(prepared(lines).file("pings.lab", seat));
    let flood = Peer::client("faultpeer.py", &["attack", "flood", &class.port.to_string()]).unwrap();
    let mut client = honest(class.port, 1).unwrap();
    let ask = b"\x80\x03}X\x06\x00\x00\x00optionK\x01s.";
    let mut took = Vec::new();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(1) {
        let asked = Instant::now();
        client.stream.write_all(ask).unwrap();
        assert_eq!(recv(&mut client.stream).unwrap(), ACK);
        took.push(asked.elapsed());
    }
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    eprintln!("beside a flood: {} answers in 1 s, p99 {p99:?}", took.len());
    assert!(p99 < Duration::from_millis(500), "{p99:?}");
    drop(flood);
    assert_eq!(class.interrupt().status, 130);
}

#[test]
fn one_more_than_there_is_room_for_is_told_so() {
    let mut class = class("set max-clients 3\nserve 0 as class\nwait class\n");
    let mut clients = all_honest(class.port, 1..4);
    let told = |bytes: &[u8]| {
        let value = lab2sh::pickle::decode(bytes).unwrap().value.repr();
        assert_eq!(value, "{'error': 'class full: 3 clients are here'}");
    };
    let mut reads_first = connect(class.port).unwrap();
    told(&recv(&mut reads_first).unwrap());
    assert!(recv(&mut reads_first).unwrap().is_empty(), "and the end");
    // What it sent is not read; that takes the answer from nobody.
    for _ in 0..20 {
        let mut sends_first = connect(class.port).unwrap();
        let _ = sends_first.write_all(&identity(9));
        told(&recv(&mut sends_first).unwrap());
    }
    class.running.wait_for("turned away so far: class full: 3 clients are here");
    drop(clients.pop());
    until("room for one more", || honest(class.port, 4).is_ok());
    let done = class.interrupt();
    assert!(done.screen.matches("turned away so far").count() < 10, "{}", done.screen);
}

#[test]
fn an_address_has_its_share() {
    let mut class = class("set max-per-address 2\nserve 0 as class\nwait class\n");
    let clients = all_honest(class.port, 1..3);
    let mut third = connect(class.port).unwrap();
    let told = lab2sh::pickle::decode(&recv(&mut third).unwrap()).unwrap().value.repr();
    assert_eq!(told, "{'error': '2 clients from this address are here already'}");
    class.running.wait_for("turned away so far: 2 clients from this address are here already");
    drop(clients);
    until("room again", || honest(class.port, 3).is_ok());
}

#[test]
fn a_storm_of_connections_leaves_nothing_behind() {
    let mut class = class("serve 0 as class\nwait class\n");
    all_honest(class.port, 1..2);
    class.running.wait_for("Student 1");
    until("one has left", || class.running.screen().contains("0 here, 1 passed"));
    let base = descriptors(class.running.id());
    let memory = class.running.resident_kib().unwrap_or(0);
    let started = Instant::now();
    for number in 0..3000 {
        let stream = connect(class.port).unwrap();
        if number % 2 == 0 {
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
    let clients = all_honest(class.port, 2..32);
    eprintln!("storm: 3000 in {:?}, slowest honest {:?}", started.elapsed(), slowest(&clients));
    drop(clients);
    class.running.wait_for("0 here, 31 passed, 3000 failed");
    assert_eq!(descriptors(class.running.id()), base);
    let grown = class.running.resident_kib().unwrap_or(0).saturating_sub(memory);
    assert!(grown < GROWTH, "{grown} KiB");
    let done = class.interrupt();
    let lines = done.screen.lines().count() as f64;
    assert!(lines < 40.0 + 25.0 * done.took.as_secs_f64(), "{}", done.screen);
}

#[test]
fn all_leave_at_once() {
    many_descriptors();
    let mut class = class("serve 0 as class\nwait class\n");
    let base = descriptors(class.running.id());
    let clients = all_honest(class.port, 1..501);
    class.running.wait_for("500 here, 500 passed");
    let started = Instant::now();
    drop(clients);
    until("all are gone", || descriptors(class.running.id()) == base);
    eprintln!("500 left in {:?}", started.elapsed());
    class.running.wait_for("0 here, 500 passed, 0 failed");
    if let Some(before) = cpu_seconds(class.running.id()) {
        let started = Instant::now();
        until("a second has passed", || started.elapsed() >= Duration::from_secs(1));
        let used = cpu_seconds(class.running.id()).unwrap() - before;
        assert!(used <= 0.05, "{used} s of processor time in one idle second");
    }
    class.running.signal("TERM");
    let asked = Instant::now();
    assert_eq!(class.running.finish().status, 143);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
}

/// Starts it with a limit of open files.
fn limited(descriptors: &str, lines: &str) -> Class {
    let shell =
        Shell::under(&["sh", "-c", &format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"")], ["test.lab"]);
    serving(shell.file("test.lab", lines))
}

#[test]
fn descriptors_run_out_and_come_back() {
    many_descriptors();
    let mut class = limited("128", "serve 0 as class\nwait class\n");
    assert!(
        class.running.screen().contains("this system allows 128 open files here: 96 clients are possible"),
        "{}",
        class.running.screen()
    );
    let inside = all_honest(class.port, 1..97);
    class.running.wait_for("96 here, 96 passed");
    let before = (cpu_seconds(class.running.id()), class.running.screen().lines().count());
    let started = Instant::now();
    let mut turned_away = 0;
    // They try again and again, as 104 impatient students do.
    while started.elapsed() < Duration::from_secs(3) {
        for number in 97..201 {
            turned_away += usize::from(honest(class.port, number).is_err());
        }
        std::thread::sleep(Duration::from_millis(900));
    }
    let lasted = started.elapsed().as_secs_f64();
    if let (Some(before), Some(after)) = (before.0, cpu_seconds(class.running.id())) {
        let share = 100.0 * (after - before) / lasted;
        eprintln!("full: {turned_away} turned away in {lasted:.1} s, {share:.1} % of a core");
        assert!(share <= 15.0, "{share} %");
    }
    let lines = class.running.screen().lines().count() - before.1;
    assert!(lines as f64 <= 2.0 * lasted + 2.0, "{}", class.running.screen());
    assert_eq!(turned_away % 104, 0);
    drop(inside);
    let freed = Instant::now();
    until("room again", || honest(class.port, 97).is_ok());
    eprintln!("room again after {:?}", freed.elapsed());
    assert_eq!(class.interrupt().status, 130);
}

#[test]
fn a_limit_lower_than_asked_is_told_at_the_start() {
    let mut class = limited("64", "set max-clients 500\nserve 0 as class\nwait class\n");
    let warning = "this system allows 64 open files here: 32 clients are possible";
    assert!(class.running.screen().contains(warning), "{}", class.running.screen());
}

#[test]
fn accepts_that_fail_are_no_busy_loop() {
    for error in ["EMFILE", "ENOMEM"] {
        let inject = format!("inject=accept4:error={error}:when=1..6");
        let Some(strace) = strace_or_skip(&inject) else { return };
        let shell = Shell::under(&strace, ["test.lab"]).file("test.lab", "serve 0 as class\nwait class\n");
        let class = serving(shell);
        // The first calls fail; whom the reserve takes in meanwhile is told that the class is full.
        let (mut number, mut passed) = (0, 0);
        until("three have passed", || {
            number += 1;
            passed += usize::from(honest(class.port, number).is_ok());
            passed >= 3
        });
        // strace passes on no signal: the connection's end ends nothing, and the run is ended by its own id.
    }
}

#[test]
fn a_port_in_use_is_named() {
    let class = class("serve 0 as class\nwait class\n");
    let again = script(&format!("serve {} as class\n", class.port)).run();
    assert!(
        again
            .screen
            .contains(&format!("cannot listen on 127.0.0.1:{}: port {} is in use", class.port, class.port)),
        "{}",
        again.screen
    );
    assert_eq!(again.status, 3);
}

#[test]
fn an_address_of_another_machine_is_named() {
    let done = script("serve 192.0.2.1:0 as class\n").run();
    assert!(done.screen.contains("this machine has no such address"), "{}", done.screen);
    assert_eq!(done.status, 3);
}

#[test]
fn a_server_that_was_killed_starts_again_at_once() {
    let class = class("serve 0 as class\nwait class\n");
    let port = class.port;
    let clients = all_honest(port, 1..11);
    class.running.signal("KILL");
    assert_eq!(class.running.finish().status, 137);
    let again = self::class(&format!("serve {port} as class\nwait class\n"));
    drop(clients);
    all_honest(again.port, 1..11);
}

#[test]
fn ending_signals_save_the_roster_within_a_second() {
    for (signal, status) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let class = strict();
        // They do not leave when they are told to.
        let clients = all_honest(class.port, 1..31);
        let asked = Instant::now();
        class.running.signal(signal);
        let done = class.running.finish();
        eprintln!("SIG{signal}: {:?}", asked.elapsed());
        assert!(asked.elapsed() < Duration::from_millis(1500), "{:?}", asked.elapsed());
        assert_eq!(done.status, status, "{}", done.screen);
        assert!(done.screen.contains("roster saved as class.csv: 30 rows"), "{}", done.screen);
        for file in ["class.csv", "class.journal"] {
            let text = std::fs::read_to_string(done.folder.path().join(file)).unwrap();
            assert_eq!(text.matches("Student ").count(), 30, "{file}:\n{text}");
        }
        drop(clients);
    }
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let class = strict();
    let mut client = honest(class.port, 1).unwrap();
    class.running.signal("INT");
    assert_eq!(recv(&mut client.stream).unwrap(), NONE);
    let asked = Instant::now();
    class.running.signal("INT");
    let done: Done = class.running.finish();
    eprintln!("second Ctrl-C: {:?}", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_millis(400), "{:?}", asked.elapsed());
    assert_eq!(done.status, 130);
}

#[test]
fn a_seat_that_fails_disturbs_no_other() {
    let seat = "send {\"clientid\": $seat}\nexpect {\"sid\": int as sid} as identity within 2s\nroster $identity\n\
                check $sid > 2\nsleep 100ms\nroster passed\nsend 1\nlisten\n";
    let mut class = serving(prepared("serve 0 with odd.lab as class\nwait class\n").file("odd.lab", seat));
    let wrong = honest(class.port, 1);
    assert!(wrong.is_err());
    class.running.wait_for("left early: ");
    all_honest(class.port, 3..13);
    let done = class.interrupt();
    assert!(done.screen.contains("10 passed"), "{}", done.screen);
}
