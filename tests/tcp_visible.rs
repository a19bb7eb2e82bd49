//! What TCP does, as a person sees it: what `recv N` caught, what the kernel knows of a socket, and what arrives at an idle prompt.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;
mod pty;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use common::{BOTH_ENDS, Folder, GREETING, Peer, Shell, both_ends, refused, root, same, strace_or_skip};
use pty::{ENTER, Terminal, shell};

#[test]
fn a_read_says_which_bytes_of_which_message_it_caught() {
    let steps = r#"send hex 80 03 4b 01 2e 80 03 4b 02 2e 80 03 4b 03 2e
@ada recv 1
@ada recv 3
@ada recv 1
@ada recv 7
@ada recv 100
set framing length
send [1, 2, 3]
@ada recv 3
@ada recv 6
@ada recv 100
send hex 00
@ada recv 4
@ada recv 100
"#;
    both_ends(steps).run().shows(
        0,
        &format!(
            r"{BOTH_ENDS}seat> send hex 80 03 4b 01 2e 80 03 4b 02 2e 80 03 4b 03 2e
  seat -> 80 03 4b 01 2e 80 03 4b 02 2e 80 03 4b 03 2e  15 B, hex
seat> @ada recv 1
  ada <- b'\x80'  recv(1) gave 1 B  MS
  byte 0 of a message of 3 B or more
seat> @ada recv 3
  ada <- b'\x03K\x01'  recv(3) gave 3 B  MS
  bytes 1-3 of a message that goes on
seat> @ada recv 1
  ada <- b'.'  recv(1) gave 1 B  MS
  byte 4 of a 5-byte message: its end
seat> @ada recv 7
  ada <- b'\x80\x03K\x02.\x80\x03'  recv(7) gave 7 B  MS
  a message of 5 B and the first 2 B of a second: `pickle.loads` would take the first and drop the rest
seat> @ada recv 100
  ada <- b'K\x03.'  recv(100) gave 3 B  MS
  bytes 2-4 of a 5-byte message: its end
seat> set framing length
  framing length
seat> send [1, 2, 3]
  seat -> [1, 2, 3]  16 B, pickle 3
seat> @ada recv 3
  ada <- b'\x00\x00\x00'  recv(3) gave 3 B  MS
  bytes 0-2 of a message that goes on
seat> @ada recv 6
  ada <- b'\x0c\x80\x03](K'  recv(6) gave 6 B  MS
  bytes 3-8 of a 16-byte message
seat> @ada recv 100
  ada <- b'\x01K\x02K\x03e.'  recv(100) gave 7 B  MS
  bytes 9-15 of a 16-byte message: its end
seat> send hex 00
  seat -> 00  5 B, hex
seat> @ada recv 4
  ada <- b'\x00\x00\x00\x01'  recv(4) gave 4 B  MS
  bytes 0-3 of a 5-byte message
seat> @ada recv 100
  ada <- b'\x00'  recv(100) gave 1 B  MS
  byte 4 of a 5-byte message: its end

test.lab: 17 steps passed in SEC
"
        ),
    );
}

#[test]
fn two_messages_and_a_part_of_a_third_in_one_read() {
    let steps = "send hex 80 03 4b 01 2e 80 03 4b 02 2e 80 03 4b\n@ada recv 4096\nsend hex 03 2e 80 03 4b 04 2e 80\n@ada recv 4096\n";
    let done = both_ends(steps).run();
    let caught: Vec<&str> = done.screen.lines().filter(|line| line.contains("message")).collect();
    assert_eq!(
        caught,
        [
            "  2 messages and the first 3 B of a third in one read: `pickle.loads` would take the first and drop the rest",
            "  bytes 3-4 of a 5-byte message: its end, then 1 whole message and the first 1 B of another",
        ],
        "{}",
        done.screen
    );
}

#[test]
fn sockets_and_the_story_of_one_say_what_the_kernel_knows() {
    let steps = r#"connect 127.0.0.1:$srv.port as bob
@seat send {"clientid": 7}
sockets
sockets ada
sockets seat
check [$ada.state, $ada.tcp, $ada.unread, $ada.unacked] == ["open", "ESTABLISHED", 21, 0]
check $ada.rtt > 0
@ada recv 4
sockets srv
"#;
    both_ends(steps).run().shows(
        0,
        &format!(
            r#"{BOTH_ENDS}seat> connect 127.0.0.1:$srv.port as bob
  bob  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
bob> @seat send {{"clientid": 7}}
  seat -> {{'clientid': 7}}  21 B, pickle 3
bob> sockets
  name  state  local  peer  sent  received  unread
  srv  listening  127.0.0.1:PORT  1 accepted  1 client
         tcp LISTEN
  ada  open  127.0.0.1:PORT  127.0.0.1:PORT  0 B  0 B  21 B
         tcp ESTABLISHED, unacked 0 B, rtt  MS
  seat  open  127.0.0.1:PORT  127.0.0.1:PORT  21 B  0 B  0 B
         tcp ESTABLISHED, unacked 0 B, rtt  MS
  bob *  open  127.0.0.1:PORT  127.0.0.1:PORT  0 B  0 B  0 B
         tcp ESTABLISHED, unacked 0 B, rtt  MS
bob> sockets ada
  ada  open, from 127.0.0.1:PORT to 127.0.0.1:PORT
  TCP state  ESTABLISHED: both sides may send
  sent  nothing
  received  0 B were read; 21 B wait unread in the kernel
  round trip  MS from here to the other kernel and back
  options  timeout 10s, codec pickle, framing pickle, protocol 3, max-message 16MiB
bob> sockets seat
  seat  open, from 127.0.0.1:PORT to 127.0.0.1:PORT
  TCP state  ESTABLISHED: both sides may send
  sent  21 B given to the kernel, acknowledged by the other kernel; nothing says that the program read them
  received  0 B were read; 0 B wait unread in the kernel
  round trip  MS from here to the other kernel and back
  options  timeout 10s, codec pickle, framing pickle, protocol 3, max-message 16MiB
bob> check [$ada.state, $ada.tcp, $ada.unread, $ada.unacked] == ["open", "ESTABLISHED", 21, 0]
  ok [$ada.state, $ada.tcp, $ada.unread, $ada.unacked] == ["open", "ESTABLISHED", 21, 0]
bob> check $ada.rtt > 0
  ok $ada.rtt > 0
bob> @ada recv 4
  ada <- b'\x80\x03}}('  recv(4) gave 4 B  MS
  bytes 0-3 of a message that goes on
bob> sockets srv
  name  state  local  peer  sent  received  unread  tcp
  srv  listening  127.0.0.1:PORT  1 accepted  1 client  LISTEN

test.lab: 12 steps passed in SEC
"#
        ),
    );
}

#[test]
fn eighty_columns_hold_a_socket_and_a_hundred_and_ten_put_it_in_one_line() {
    let folder = Folder::new();
    for (columns, one_line) in [(80, false), (110, true)] {
        let terminal = shell(&folder).size(24, columns).start();
        terminal.at(">");
        terminal.run("listen 0 as server", "server>");
        terminal.run("connect 127.0.0.1:$server.port as ada", "ada>");
        terminal.run("accept as student", "student>");
        terminal.run("sockets", "student>");
        let screen = terminal.screen();
        let row = screen.lines().find(|line| line.trim_start().starts_with("student *")).unwrap();
        assert_eq!(row.contains("ESTABLISHED"), one_line, "{screen}");
        let facts =
            screen.lines().filter(|line| line.trim_start().starts_with("tcp ESTABLISHED, unacked 0 B, rtt "));
        assert_eq!(facts.count(), if one_line { 0 } else { 2 }, "{screen}");
    }
}

#[test]
fn json_has_every_column_and_the_whole_story() {
    let done = both_ends("@seat send 1\nsockets\nsockets seat\n").arg("--json").run();
    let events: Vec<serde_json::Value> =
        done.screen.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let table = events.iter().find(|event| event["event"] == "table").unwrap();
    let row = table["rows"].as_array().unwrap().iter().find(|row| row["name"] == "seat *").unwrap();
    let told =
        ["state", "sent", "received", "unread", "tcp", "unacked"].map(|column| row[column].as_str().unwrap());
    assert_eq!(told, ["open", "5 B", "0 B", "0 B", "ESTABLISHED", "0 B"]);
    assert!(row["rtt"].as_str().unwrap().ends_with(" ms"), "{row}");
    let story = events.iter().find(|event| event["event"] == "connection").unwrap();
    assert_eq!(
        (&story["tcp"], &story["sent"], &story["unacked"]),
        (&"ESTABLISHED".into(), &5.into(), &0.into())
    );
}

#[test]
fn the_states_of_a_goodbye_are_shown() {
    let steps = r#"@ada shutdown write
@seat expect eof
check $seat.tcp == "CLOSE-WAIT"
? check $ada.tcp == "ESTABLISHED"
close seat
@ada expect eof
connect 127.0.0.1:$srv.port as bob
accept as chair
@chair reset
@bob expect reset
check [$bob.tcp, $bob.unacked, $bob.state] == ["CLOSED", None, "reset by peer"]
sockets bob
"#;
    let done = both_ends(steps).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let story = done.screen.split_once("> sockets bob\n").unwrap().1;
    same(
        "
  bob  reset by peer, from 127.0.0.1:PORT to 127.0.0.1:PORT
  TCP state  CLOSED: the connection is gone from the kernel: both sides are done, or it was reset
  sent  nothing
  received  0 B were read; 0 B wait unread in the kernel
  options  timeout 10s, codec pickle, framing pickle, protocol 3, max-message 16MiB

test.lab: 15 steps passed in SEC
",
        story,
    );
}

#[test]
fn what_a_kernel_does_not_tell_is_not_known_here() {
    // The listening socket and the connection are made; the sockets that ask the kernel are not.
    let Some(wrapper) = strace_or_skip("inject=socket:error=EPERM:when=3+") else { return };
    let steps = "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\nsend 1\nsockets\nsockets ada\ncheck [$ada.tcp, $ada.unacked, $ada.acked, $ada.rtt, $ada.unread] == [None, None, None, None, 0]\n";
    let done = Shell::under(&wrapper, ["test.lab"]).file("test.lab", steps).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let told = done.screen.split_once("> sockets\n").unwrap().1.split_once("ada> check").unwrap().0;
    same(
        "
  name  state  local  peer  sent  received  unread
  srv  listening  127.0.0.1:PORT  0 accepted
         tcp not known here
  ada *  open  127.0.0.1:PORT  127.0.0.1:PORT  5 B  0 B  0 B
         tcp not known here, unacked not known here, rtt not known here
ada> sockets ada
  ada  open, from 127.0.0.1:PORT to 127.0.0.1:PORT
  TCP state  not known here
  sent  5 B given to the kernel; what the other kernel acknowledged is not known here
  received  0 B were read; 0 B wait unread in the kernel
  round trip  not known here
  options  timeout 10s, codec pickle, framing pickle, protocol 3, max-message 16MiB
",
        told,
    );
}

#[test]
fn sockets_of_a_name_that_is_no_socket() {
    refused(
        "let x = 1\nsockets adda",
        "
test.lab:3:9: error: no earlier step gives a socket the name `adda`
    sockets adda
            ^^^^
hint: `as NAME`, `let NAME = VALUE` and `expect ... as NAME` give names
",
    );
}

/// A prompt with `data` to a Python program that does not read it, and `control` to the same program.
fn beside_a_late_reader(folder: &Folder) -> Option<(Terminal, Peer)> {
    let server = Peer::server("late_reader.py", &[])?;
    let terminal = shell(folder).size(60, 100).start();
    terminal.at(">");
    terminal.run(&format!("connect 127.0.0.1:{} as data", server.port), "data>");
    terminal.run(&format!("connect 127.0.0.1:{} as control", server.port), "control>");
    Some((terminal, server))
}

/// Asks the program, after it has read up to `n` bytes, until what both kernels say of `data` adds up.
fn settles(terminal: &Terminal, n: usize, check: &str) {
    const LIMIT: Duration = Duration::from_secs(15);
    let started = Instant::now();
    let mut read = n;
    loop {
        terminal.run(&format!("send {read}"), "control>");
        read = 0;
        terminal.run("recv as there", "control>");
        terminal.run(&format!("check {check}"), "control>");
        let screen = terminal.screen();
        if screen.lines().rev().nth(1).is_some_and(|line| line.starts_with("  ok ")) {
            return;
        }
        assert!(started.elapsed() < LIMIT, "`{check}` never came true:\n{screen}");
    }
}

#[test]
fn what_the_program_has_not_read_is_acknowledged_all_the_same() {
    let folder = Folder::new();
    let Some((terminal, _server)) = beside_a_late_reader(&folder) else { return };
    terminal.run(r#"@data send {"name": "Ada", "email": "ada@example.edu"}"#, "control>");
    settles(&terminal, 0, "[$there.unread, $data.unacked] == [$data.sent, 0]");
    terminal.run("sockets data", "control>");
    terminal.sees("acknowledged by the other kernel; nothing says that");
    settles(&terminal, 1000, "[$there.read, $there.unread, $data.unacked] == [$data.sent, 0, 0]");
}

#[test]
fn unread_there_and_unacknowledged_here_add_up_to_what_was_sent() {
    let folder = Folder::new();
    let Some((terminal, _server)) = beside_a_late_reader(&folder) else { return };
    // More than the buffers of both kernels take: some of it stays here.
    folder.write("much", vec![b'x'; 16 << 20]);
    terminal.run("@data send file much within 1s", "control>");
    terminal.sees("its peer does not read");
    for read in [0, 1, 100_000, 1_000_000] {
        // What is acknowledged is what arrived there, read or not; a pause for breath may be needed until it stands still.
        settles(&terminal, read, "$there.arrived == $data.acked");
    }
    terminal.run("sockets data", "control>");
    terminal.sees("wait in lab2sh: this kernel takes no more");
}

/// lab2sh at its prompt, connected as `ada`, and the other end.
fn connected(folder: &Folder) -> (Terminal, TcpStream) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let terminal = shell(folder).start();
    terminal.at(">");
    terminal.run(&format!("connect 127.0.0.1:{} as ada", server.local_addr().unwrap().port()), "ada>");
    (terminal, server.accept().unwrap().0)
}

/// How often the screen holds a text.
fn times(terminal: &Terminal, text: &str) -> usize {
    terminal.screen().matches(text).count()
}

#[test]
fn an_idle_prompt_says_once_that_bytes_wait_and_leaves_them_there() {
    let folder = Folder::new();
    let (terminal, mut peer) = connected(&folder);
    terminal.keys("let half = ");
    terminal.typed("ada> let half =");
    peer.write_all(GREETING).unwrap();
    terminal.sees("  ada: 28 B are waiting; `recv` takes them\n");
    // The line that was being typed is as it was.
    terminal.typed("ada> let half =");
    terminal.keys(&format!("'done'{ENTER}"));
    terminal.sees("  half = 'done'");
    // What arrives next is told with what waits already, and the first is not told again.
    peer.write_all(&GREETING[..5]).unwrap();
    terminal.sees("  ada: 33 B are waiting; `recv` takes them\n");
    terminal.at("ada>");
    assert_eq!(times(&terminal, "28 B are waiting"), 1, "{}", terminal.screen());
    terminal.run("check [$ada.unread, $ada.received] == [33, 0]", "ada>");
    terminal.sees("  ok [$ada.unread");
    terminal.run("recv", "ada>");
    terminal.sees("ada <- {'clientid': 1}");
    drop(peer);
    terminal.sees("  ada: the peer sends no more: it has closed, or shut down its sending half;\n  `close` closes this end too\n");
    terminal.at("ada>");
    for text in ["28 B are waiting", "33 B are waiting", "the peer sends no more"] {
        assert_eq!(times(&terminal, text), 1, "{}", terminal.screen());
    }
}

#[test]
fn a_reset_is_noticed_and_not_taken_from_the_next_step() {
    let folder = Folder::new();
    let (terminal, peer) = connected(&folder);
    terminal.run("let x = 1", "ada>");
    socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    terminal.sees("  ada: the connection was reset or died; `recv` says which\n");
    terminal.at("ada>");
    terminal.run("expect reset", "ada>");
    terminal.sees("  ada  the peer reset the connection");
    assert_eq!(times(&terminal, "was reset or died"), 1, "{}", terminal.screen());
}

#[test]
fn reading_that_was_shut_down_here_is_no_end_of_the_peers() {
    let folder = Folder::new();
    let (terminal, _peer) = connected(&folder);
    terminal.run("shutdown read", "ada>");
    terminal.run("listen 0 as srv", "srv>");
    // What is told of another connection shows that the prompt has looked.
    terminal.run("connect 127.0.0.1:$srv.port as c1", "c1>");
    terminal.run("accept as c2", "c2>");
    terminal.run("@c1 send 1", "c2>");
    terminal.sees("  c2: 5 B are waiting; `recv` takes them\n");
    assert_eq!(times(&terminal, "has closed"), 0, "{}", terminal.screen());
}

#[test]
fn a_socket_that_is_not_the_current_one_is_named() {
    let folder = Folder::new();
    let (terminal, mut peer) = connected(&folder);
    terminal.run("listen 0 as srv", "srv>");
    peer.write_all(b"N").unwrap();
    terminal.sees("  ada: 1 B is waiting; `@ada recv` takes it\n");
    drop(peer);
    terminal.run("@ada recv 1", "srv>");
    terminal.sees("  ada: the peer sends no more: it has closed, or shut down its sending half;\n  `@ada close` closes this end too\n");
}

#[test]
fn nothing_is_noticed_while_a_step_runs() {
    let folder = Folder::new();
    let (terminal, mut peer) = connected(&folder);
    peer.write_all(&GREETING[..9]).unwrap();
    // The step takes what is here and waits for more, for longer than several looks.
    terminal.run("recv within 1s", "ada>");
    terminal.sees("error: only part of a message arrived on `ada` within 1s");
    assert_eq!(times(&terminal, "waiting"), 0, "{}", terminal.screen());
    peer.write_all(&GREETING[9..]).unwrap();
    terminal.sees("  ada: 28 B are waiting; `recv` takes them\n");
    terminal.run("recv", "ada>");
    terminal.sees("ada <- {'clientid': 1}");
}

#[test]
fn a_flood_is_no_flood_of_words() {
    let folder = Folder::new();
    let (terminal, mut peer) = connected(&folder);
    peer.write_all(b"1").unwrap();
    terminal.sees("1 B is waiting");
    // Bytes arrive all the time, for many looks, until the kernel takes no more.
    peer.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let piece = [b'x'; 1 << 16];
    while peer.write(&piece).is_ok() {}
    terminal.sees("B are waiting; `recv` takes them");
    terminal.at("ada>");
    assert!(times(&terminal, "waiting") <= 3, "{}", terminal.screen());
}

#[test]
fn the_lessons_walk_by_themselves_in_eighty_columns() {
    let folder = Folder::new();
    let drawing = regex::Regex::new("\x1b\\[[0-9;?]*[a-zA-Z]|\r").unwrap();
    for (lesson, narration) in [
        ("boundaries", "Both were here before the program looked, so one read gives both."),
        ("goodbye", "`send` is done as soon as this machine's kernel has the bytes."),
    ] {
        let file = root().join(format!("scripts/{lesson}.lab"));
        let mut terminal =
            shell(&folder).size(400, 80).args(&["--pace", "1ms", &file.to_string_lossy()]).start();
        assert_eq!(terminal.ends(), 0, "{}", terminal.screen());
        assert!(terminal.screen().contains(narration), "{}", terminal.screen());
        // Nothing is so long that the terminal breaks it in the middle of a word.
        let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
        let plain = drawing.replace_all(&raw, "");
        for line in plain.lines().filter(|line| !line.contains("> ")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
