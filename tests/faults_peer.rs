//! Peers that misbehave: what is said of each, what stays on the stream, and the exit status.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed; one that is skipped says so"
)]

mod common;

use common::{Done, Peer, Shell, same, script, strace_or_skip};

/// Runs steps against one of the bad servers, connected as `ada`.
fn against(name: &str, steps: &str) -> Option<(Done, Peer)> {
    let server = Peer::server("faultpeer.py", &[name])?;
    let port = server.port;
    Some((script(&format!("connect 127.0.0.1:{port} as ada\n{steps}\n")).run(), server))
}

/// The screen behind the line of the connection.
fn rest(done: &Done) -> &str {
    let (_, rest) = done.screen.split_once("connected to").unwrap();
    rest.split_once("\nada> ").unwrap().1
}

#[test]
fn a5_a_silent_peer_is_waited_for_within_the_limit_that_is_named() {
    let steps = "! recv within 50ms\nset timeout 100ms\n! recv\n! recv 10\nexpect {\"clientid\": int}";
    let Some((done, _server)) = against("silent", steps) else { return };
    done.shows(
        1,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> ! recv within 50ms
  failed, as it must: nothing arrived on `ada` within 50ms (the step's `within`)
  hint: the connection is open and 0 bytes are waiting; a longer `within` or `within none` waits on
ada> set timeout 100ms
  timeout 100ms
ada> ! recv
  failed, as it must: nothing arrived on `ada` within 100ms (timeout)
  hint: the connection is open and 0 bytes are waiting; `set timeout none` waits until Ctrl-C
ada> ! recv 10
  failed, as it must: nothing arrived on `ada` within 100ms (timeout)
  hint: the connection is open and 0 bytes are waiting; `set timeout none` waits until Ctrl-C
ada> expect {"clientid": int}
test.lab:6:1: error: nothing arrived on `ada` within 100ms (timeout)
    expect {"clientid": int}
    ^^^^^^
  wanted: {"clientid": int}
hint: the connection is open and 0 bytes are waiting; `set timeout none` waits until Ctrl-C

test.lab: 1 failed, 5 steps passed in SEC
"#,
    );
}

#[test]
fn a7_a_peer_that_closes_at_once() {
    let Some((done, _server)) = against("fin-at-once", "recv") else { return };
    done.shows(
        3,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
test.lab:2:1: error: `ada` was closed by its peer before it sent anything
    recv
    ^^^^
hint: the program at the other end has ended, serves one client only, or has shut down its sending half

test.lab: 1 failed, 1 step passed in SEC
"#,
    );
}

#[test]
fn a7_a_peer_that_closes_at_once_is_the_end_of_the_stream() {
    let Some((done, _server)) = against("fin-at-once", "recv 4090\nexpect eof\n! recv\nlisten") else {
        return;
    };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv 4090
  ada <- b''  recv(4090): the peer closed  MS
ada> expect eof
  ada  the peer closed  MS
ada> ! recv
  failed, as it must: `ada` was closed by its peer before it sent anything
  hint: the program at the other end has ended, serves one client only, or has shut down its sending half
ada> listen
  ada  the peer closed after 0 messages  MS

test.lab: 5 steps passed in SEC
"#,
    );
}

#[test]
fn a8_a_peer_that_resets_at_once() {
    let Some((done, _server)) = against("rst-at-once", "recv") else { return };
    assert_eq!(done.status, 3, "{}", done.screen);
    // Whoever is faster: the reset, or the end of the handshake on this side.
    let said = ["connect reset: 127.0.0.1:", "`ada` was reset by its peer before it sent anything"];
    assert!(said.iter().any(|said| done.screen.contains(said)), "{}", done.screen);
}

#[test]
fn a8_a_reset_before_any_message() {
    let Some((done, _server)) = against("rst-first", "send 1\nrecv") else { return };
    done.shows(
        3,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> send 1
  ada -> 1  5 B, pickle 3
ada> recv
test.lab:3:1: error: `ada` was reset by its peer before it sent anything
    recv
    ^^^^
hint: the program at the other end may have crashed

test.lab: 1 failed, 2 steps passed in SEC
"#,
    );
}

#[test]
fn a8_a_reset_inside_a_message_keeps_what_came_before_it() {
    let Some((done, _server)) =
        against("partial-then-rst", "send 1\n! recv\nsockets\nrecv 100\nexpect reset\nrecv")
    else {
        return;
    };
    done.shows(
        3,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> send 1
  ada -> 1  5 B, pickle 3
ada> ! recv
  failed, as it must: `ada` was reset by its peer inside a message: byte 14 of at least 28
  hint: the bytes so far are kept; a program that reads with one `recv` would say `pickle data was truncated`
ada> sockets
  name  state  local  peer  sent  received  unread
  ada *  reset by peer  127.0.0.1:PORT  127.0.0.1:PORT  5 B  14 B  14 B
         tcp CLOSED
ada> recv 100
  ada <- b'\x80\x04\x95\x11\x00\x00\x00\x00\x00\x00\x00}\x94\x8c'  recv(100) gave 14 B  MS
  bytes 0-13 of a message of 28 B or more
ada> expect reset
  ada  the peer reset the connection  MS
ada> recv
test.lab:7:1: error: `ada` was reset by its peer: no more messages will come
    recv
    ^^^^
hint: `@ada close` closes this end too; `expect reset` takes the end as wanted

test.lab: 1 failed, 6 steps passed in SEC
"#,
    );
}

#[test]
fn a8_a_reset_after_a_message_leaves_the_message() {
    let steps = "recv as id\nsend \"go on\"\n! recv\n! recv 10\n! expect eof\nexpect reset\n! listen\nsend 1";
    let Some((done, _server)) = against("rst-later", steps) else { return };
    done.shows(
        3,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv as id
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
ada> send "go on"
  ada -> 'go on'  13 B, pickle 3
ada> ! recv
  failed, as it must: `ada` was reset by its peer: no more messages will come
  hint: `@ada close` closes this end too; `expect reset` takes the end as wanted
ada> ! recv 10
  failed, as it must: `ada` was reset by its peer
  hint: Python's recv raises ConnectionResetError here
ada> ! expect eof
  failed, as it must: `ada` was reset by its peer, not closed
ada> expect reset
  ada  the peer reset the connection  MS
ada> ! listen
  failed, as it must: `ada` was reset by its peer: no more messages will come
  hint: `@ada close` closes this end too; `expect reset` takes the end as wanted
ada> send 1
test.lab:9:1: error: cannot send on `ada`: it was reset by its peer
    send 1
    ^^^^
hint: nothing of this message was sent; `connect` opens a new connection

test.lab: 1 failed, 8 steps passed in SEC
"#,
    );
}

#[test]
fn a9_a_message_that_ends_early_is_told_by_its_bytes() {
    let Some((done, _server)) = against("partial-then-fin", "recv") else { return };
    done.shows(
        3,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
test.lab:2:1: error: `ada` was closed by its peer inside a message: byte 14 of at least 28
    recv
    ^^^^
  arrived: b'\x80\x04\x95\x11\x00\x00\x00\x00\x00\x00\x00}\x94\x8c' (14 B)
hint: the bytes so far are kept; a program that reads with one `recv` would say `pickle data was truncated`

test.lab: 1 failed, 1 step passed in SEC
"#,
    );
}

#[test]
fn a9_every_prefix_of_a_message_is_told_by_its_bytes() {
    let Some(server) = Peer::server("faultpeer.py", &["prefixes"]) else { return };
    let port = server.port;
    let one = format!("connect 127.0.0.1:{port}\n! recv\nclose\n");
    let done = script(&(one.repeat(28) + &format!("connect 127.0.0.1:{port}\nrecv\nexpect eof\n"))).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let said: Vec<&str> = done.lines_after("failed, as it must: ").collect();
    same(
        r#"
`c1` was closed by its peer before it sent anything
`c2` was closed by its peer inside a message: byte 1 of at least 3
`c3` was closed by its peer inside a message: byte 2 of at least 3
`c4` was closed by its peer inside a message: byte 3 of at least 12
`c5` was closed by its peer inside a message: byte 4 of at least 12
`c6` was closed by its peer inside a message: byte 5 of at least 12
`c7` was closed by its peer inside a message: byte 6 of at least 12
`c8` was closed by its peer inside a message: byte 7 of at least 12
`c9` was closed by its peer inside a message: byte 8 of at least 12
`c10` was closed by its peer inside a message: byte 9 of at least 12
`c11` was closed by its peer inside a message: byte 10 of at least 12
`c12` was closed by its peer inside a message: byte 11 of at least 28
`c13` was closed by its peer inside a message: byte 12 of at least 28
`c14` was closed by its peer inside a message: byte 13 of at least 28
`c15` was closed by its peer inside a message: byte 14 of at least 28
`c16` was closed by its peer inside a message: byte 15 of at least 28
`c17` was closed by its peer inside a message: byte 16 of at least 28
`c18` was closed by its peer inside a message: byte 17 of at least 28
`c19` was closed by its peer inside a message: byte 18 of at least 28
`c20` was closed by its peer inside a message: byte 19 of at least 28
`c21` was closed by its peer inside a message: byte 20 of at least 28
`c22` was closed by its peer inside a message: byte 21 of at least 28
`c23` was closed by its peer inside a message: byte 22 of at least 28
`c24` was closed by its peer inside a message: byte 23 of at least 28
`c25` was closed by its peer inside a message: byte 24 of at least 28
`c26` was closed by its peer inside a message: byte 25 of at least 28
`c27` was closed by its peer inside a message: byte 26 of at least 28
`c28` was closed by its peer inside a message: byte 27 of at least 28
"#,
        &said.join("\n"),
    );
}

#[test]
fn a10_a_message_that_stops_half_way_is_waited_for_within_the_limit() {
    let Some((done, _server)) = against("partial-then-silent", "! recv within 100ms\nrecv within 100ms")
    else {
        return;
    };
    done.shows(
        3,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> ! recv within 100ms
  failed, as it must: only part of a message arrived on `ada` within 100ms (the step's `within`)
  hint: the bytes are kept: the next `recv` goes on with them
ada> recv within 100ms
test.lab:3:1: error: only part of a message arrived on `ada` within 100ms (the step's `within`)
    recv within 100ms
    ^^^^
  arrived: b'\x80\x04\x95\x11\x00\x00\x00\x00\x00\x00\x00}\x94\x8c' (14 B)
hint: the bytes are kept: the next `recv` goes on with them

test.lab: 1 failed, 2 steps passed in SEC
"#,
    );
}

#[test]
fn a11_segments_of_one_byte_make_no_difference() {
    let Some((done, _server)) = against("slicer", "repeat 21 recv") else { return };
    assert_eq!(done.status, 0, "{}", done.screen);
    let got: Vec<&str> = done.lines_after("ada <- ").map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(got[0], "{'clientid': 7}");
    assert_eq!(got[1..], ["{'msg': 'hello 1'}"; 20]);
}

#[test]
fn a12_messages_in_one_segment_come_once_each_and_in_order() {
    let Some((done, _server)) = against("coalesce", "recv\nrecv\nrecv\nrecv\nexpect nothing within 50ms")
    else {
        return;
    };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read, 93 B more here  MS
ada> recv
  ada <- {'msg': 'hello 1'}  31 B, pickle 4, 1 read, 62 B more here  MS
ada> recv
  ada <- {'msg': 'hello 2'}  31 B, pickle 4, 1 read, 31 B more here  MS
ada> recv
  ada <- {'msg': 'hello 3'}  31 B, pickle 4, 1 read  MS
ada> expect nothing within 50ms
  ada  nothing arrived, as wanted  MS

test.lab: 6 steps passed in SEC
"#,
    );
}

#[test]
fn a13_a_message_that_comes_in_two_parts_is_waited_for() {
    let steps = "recv\n! recv within 50ms\nsend \"go on\"\nrecv";
    let Some((done, _server)) = against("split-message", steps) else { return };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read, 9 B more here  MS
ada> ! recv within 50ms
  failed, as it must: only part of a message arrived on `ada` within 50ms (the step's `within`)
  hint: the bytes are kept: the next `recv` goes on with them
ada> send "go on"
  ada -> 'go on'  13 B, pickle 3
ada> recv
  ada <- {'msg': 'hello 1'}  31 B, pickle 4, 2 reads  MS

test.lab: 5 steps passed in SEC
"#,
    );
}

#[test]
fn a14_a_late_message_is_waited_for() {
    let Some((done, _server)) = against("late-id", "expect {\"clientid\": 7} within 20s") else { return };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> expect {"clientid": 7} within 20s
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read, as expected  MS

test.lab: 2 steps passed in SEC
"#,
    );
    assert!(done.seconds() >= 1.0, "{}", done.screen);
}

#[test]
#[cfg(target_os = "linux")]
fn a16_a_flood_takes_no_memory() {
    let Some(server) = Peer::server("faultpeer.py", &["flood"]) else { return };
    let port = server.port;
    let mut shell = script(&format!(
        "connect 127.0.0.1:{port} as ada\nrepeat 5000 recv\nsay one\nsleep 10ms\nrepeat 20000 recv\nsay two\nsleep 20s\n"
    ))
    .start();
    shell.wait_for("ada> sleep 10ms");
    let before = shell.resident_kib().unwrap();
    shell.wait_for("ada> sleep 20s");
    let after = shell.resident_kib().unwrap();
    assert!(after.saturating_sub(before) < 10 << 10, "{before} KiB grew to {after} KiB");
    shell.signal("INT");
    assert_eq!(shell.finish().status, 130);
}

#[test]
#[cfg(unix)]
fn a16_ctrl_c_ends_listening_to_a_flood() {
    let Some(server) = Peer::server("faultpeer.py", &["flood"]) else { return };
    let port = server.port;
    let mut shell = script(&format!("connect 127.0.0.1:{port} as ada\nlisten\n")).start();
    shell.wait_for("hello 1");
    let asked = std::time::Instant::now();
    shell.signal("INT");
    let done = shell.finish();
    assert_eq!(done.status, 130, "{}", done.screen);
    // A tenth of a second is the wish; a busy machine gets more before this is called a hang.
    assert!(asked.elapsed().as_secs_f64() < 2.0, "{:?}", asked.elapsed());
    let (_, end) = done.screen.split_once("test.lab:2:1").unwrap();
    same(
        r#"
: error: `listen` was interrupted
    listen
    ^^^^^^

test.lab: 1 failed, 1 step passed in SEC
"#,
        end,
    );
}

#[test]
fn a17_an_endless_string_is_refused_before_it_comes() {
    let Some((done, _server)) = against("endless-string", "recv") else { return };
    // How much of it the first read brings differs.
    let head = regex::Regex::new(r"x*'(\.\.\.)? \(\d+ B\)").unwrap();
    let screen = head.replace(&done.screen, "'...");
    same(
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
test.lab:2:1: error: the next message on `ada` declares 1099511627776 B; the limit is 16777216 B
    recv
    ^^^^
  arrived: b'\x80\x04\x8d\x00\x00\x00\x00\x00\x01\x00\x00'...
hint: no program of the class sends that much: the peer is broken or hostile; `close` ends the connection

test.lab: 1 failed, 1 step passed in SEC
"#,
        &screen,
    );
    assert_eq!(done.status, 3);
    assert!(done.seconds() < 1.0, "{}", done.screen);
}

/// The pickle of a str of `n` times `y`.
fn long_text(n: u32) -> Vec<u8> {
    let mut pickle = b"\x80\x03X".to_vec();
    pickle.extend_from_slice(&n.to_le_bytes());
    pickle.resize(pickle.len() + n as usize, b'y');
    pickle.push(b'.');
    pickle
}

#[test]
fn a18_a_peer_that_never_reads_stops_a_send_and_the_stream_stays_whole() {
    let Some(mut server) = Peer::server("faultpeer.py", &["never-reads"]) else { return };
    let port = server.port;
    let mut done = script(&format!(
        r#"connect 127.0.0.1:{port} as ada
recv
! send file big.pickle within 200ms
! send "second" within 50ms
sockets
connect 127.0.0.1:{port} as sign
@ada send "third" within 20s
check $ada.sent == 9000035
close ada
"#
    ))
    .file("big.pickle", long_text(9_000_000))
    .run();
    // How much fits into the kernel's buffers is its own affair.
    let sizes = regex::Regex::new(r"sent \d+ of( [1-8]\d+)?|\d+ B  28 B|unacked \d+ B|note: \d+ B").unwrap();
    done.screen = sizes.replace_all(&done.screen, "SOME").into_owned();
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
ada> ! send file big.pickle within 200ms
  failed, as it must: `ada` SOME 9000008 B within 200ms (the step's `within`): its peer does not read
  hint: the rest goes out before the next `send` on it; `reset` gives up
ada> ! send "second" within 50ms
  failed, as it must: `ada` SOME B within 50ms (the step's `within`): its peer does not read
  hint: the rest goes out before the next `send` on it; `reset` gives up
ada> sockets
  name  state  local  peer  sent  received  unread
  ada *  open  127.0.0.1:PORT  127.0.0.1:PORT  SOME  0 B
         tcp ESTABLISHED, SOME, rtt  MS
ada> connect 127.0.0.1:PORT as sign
  sign  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
sign> @ada send "third" within 20s
  ada -> 'third'  13 B, pickle 3
  SOME of an earlier `send` went out before it
sign> check $ada.sent == 9000035
  ok $ada.sent == 9000035
sign> close ada
  ada  closed  sent 9000035 B, received 28 B

test.lab: 9 steps passed in SEC
"#,
    );
    let got: Vec<String> = (0..4).map(|_| server.line()).collect();
    same("got str of 9000000\ngot str of 6\ngot str of 5\nthe client left", &got.join("\n"));
}

#[test]
fn a19_a_peer_that_will_send_no_more_still_reads() {
    let steps = "recv\n! recv\nexpect eof\nlisten\nsend {\"name\": \"Ada\"}\nclose";
    let Some((done, mut server)) = against("half-close", steps) else { return };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
ada> ! recv
  failed, as it must: `ada` was closed by its peer: no more messages will come
  hint: `@ada close` closes this end too; `expect eof` takes the end as wanted
ada> expect eof
  ada  the peer closed  MS
ada> listen
  ada  the peer closed after 0 messages  MS
ada> send {"name": "Ada"}
  ada -> {'name': 'Ada'}  23 B, pickle 3
  note: the peer sends no more; if it has closed, nobody reads this
ada> close
  ada  closed  sent 23 B, received 28 B

test.lab: 7 steps passed in SEC
"#,
    );
    assert_eq!(server.line(), "got {'name': 'Ada'}");
}

#[test]
fn a20_closing_does_not_wait_for_a_slow_peer() {
    let Some((done, _server)) = against("slow-close", "recv\nexpect eof\nclose") else { return };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
ada> expect eof
  ada  the peer closed  MS
ada> close
  ada  closed  sent 0 B, received 28 B

test.lab: 4 steps passed in SEC
"#,
    );
    assert!(done.seconds() < 1.0, "{}", done.screen);
}

#[test]
fn a21_listening_ends_when_the_peer_closes() {
    let Some((done, _server)) = against("close-later", "recv\nsend \"go on\"\nlisten") else { return };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
ada> send "go on"
  ada -> 'go on'  13 B, pickle 3
ada> listen
  ada  the peer closed after 0 messages  MS

test.lab: 4 steps passed in SEC
"#,
    );
}

#[test]
fn a22_a_write_after_the_peer_has_closed_is_told_at_the_second() {
    let steps = "recv\nsend \"go on\"\nexpect eof\nsend 1\nsend 2";
    let Some((done, _server)) = against("close-later", steps) else { return };
    done.shows(
        3,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
ada> send "go on"
  ada -> 'go on'  13 B, pickle 3
ada> expect eof
  ada  the peer closed  MS
ada> send 1
  ada -> 1  5 B, pickle 3
  note: the peer sends no more; if it has closed, nobody reads this
ada> send 2
test.lab:6:1: error: cannot send on `ada`: its peer has closed
    send 2
    ^^^^
hint: nothing of this message was sent; `connect` opens a new connection

test.lab: 1 failed, 5 steps passed in SEC
"#,
    );
}

#[test]
fn a23_urgent_data_leaves_the_stream_as_it_is() {
    let Some((done, _server)) = against("urgent", "recv\nrecv\nexpect nothing within 50ms") else { return };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
ada> recv
  ada <- {'msg': 'hello 1'}  31 B, pickle 4, 1 read  MS
ada> expect nothing within 50ms
  ada  nothing arrived, as wanted  MS

test.lab: 4 steps passed in SEC
"#,
    );
}

#[test]
fn a24_what_is_no_pickle_is_named() {
    let said: Option<Vec<String>> = ["http", "tls", "ssh", "json", "text", "garbage"]
        .into_iter()
        .map(|name| {
            let (done, _server) = against(name, "recv")?;
            assert_eq!(done.status, 3, "{}", done.screen);
            Some(format!("# {name}\n{}", rest(&done).rsplit_once("\n\n").unwrap().0))
        })
        .collect();
    let Some(said) = said else { return };
    same(
        r#"
# http
recv
test.lab:2:1: error: what arrived on `ada` is not a pickle: invalid load key 'H' (0x48), at byte 0
    recv
    ^^^^
  arrived: b'HTTP/1.1 400 Bad Request\r\nConten'... (47 B)
hint: this looks like HTTP: `HTTP/1.1 400 Bad Request`; is this the right port?
# tls
recv
test.lab:2:1: error: what arrived on `ada` is not a pickle: invalid load key 0x15, at byte 0
    recv
    ^^^^
  arrived: b'\x15\x03\x03\x00\x02\x02F' (7 B)
hint: this looks like a TLS alert: the peer expects an encrypted connection
# ssh
recv
test.lab:2:1: error: what arrived on `ada` is not a pickle: the STRING opcode argument must be quoted, at byte 0
    recv
    ^^^^
  arrived: b'SSH-2.0-OpenSSH_9.9\r\n' (21 B)
hint: this looks like an SSH server's greeting: `SSH-2.0-OpenSSH_9.9`; is this the right port?
# json
recv
test.lab:2:1: error: what arrived on `ada` is not a pickle: invalid load key '{' (0x7b), at byte 0
    recv
    ^^^^
  arrived: b'{"clientid": 7}' (15 B)
hint: this looks like JSON text: `{"clientid": 7}`; `@ada set codec json`, then `@ada set framing none` reads it
# text
recv
test.lab:2:1: error: what arrived on `ada` is not a pickle: invalid load key 'w' (0x77), at byte 0
    recv
    ^^^^
  arrived: b'welcome to the lab\r\n' (20 B)
hint: this looks like plain text: `welcome to the lab`; `@ada set codec text` reads it
# garbage
recv
test.lab:2:1: error: what arrived on `ada` is not a pickle: invalid load key 0xff, at byte 0
    recv
    ^^^^
  arrived: b'\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc' (32 B)
hint: `@ada recv 32` takes these bytes as they are
"#,
        &said.join("\n"),
    );
}

#[test]
fn a25_another_shape_key_or_type_is_told_with_what_came() {
    let said: Option<Vec<String>> = ["wrong-shape", "wrong-key", "wrong-type"]
        .into_iter()
        .map(|name| {
            let (done, _server) = against(name, "expect {\"clientid\": int as id} within 5s")?;
            assert_eq!(done.status, 1, "{}", done.screen);
            Some(format!("# {name}\n{}", rest(&done).rsplit_once("\n\n").unwrap().0))
        })
        .collect();
    let Some(said) = said else { return };
    same(
        r#"
# wrong-shape
expect {"clientid": int as id} within 5s
test.lab:2:8: error: `ada` received what was not expected: the message is not {"clientid": int as id}
    expect {"clientid": int as id} within 5s
           ^^^^^^^^^^^^^^^^^^^^^^^
  wanted:  {"clientid": int as id}
  got:  [1, 2, 3] (list)
  message: 22 B, pickle 4, 1 read, after MS (limit 5s, the step's `within`); it is still waiting
# wrong-key
expect {"clientid": int as id} within 5s
test.lab:2:8: error: `ada` received what was not expected: the key 'clientid' is missing
    expect {"clientid": int as id} within 5s
           ^^^^^^^^^^^^^^^^^^^^^^^
  wanted:  {"clientid": int as id}
  whole:  {'cliientid': 7} (dict)
  message: 29 B, pickle 4, 1 read, after MS (limit 5s, the step's `within`); it is still waiting
hint: the dict has the key 'cliientid': a typo?
# wrong-type
expect {"clientid": int as id} within 5s
test.lab:2:21: error: `ada` received what was not expected: the message's ['clientid'] is not int
    expect {"clientid": int as id} within 5s
                        ^^^
  wanted:  int
  got:  '7; rm -rf /' (str)
  whole:  {'clientid': '7; rm -rf /'} (dict)
  message: 40 B, pickle 4, 1 read, after MS (limit 5s, the step's `within`); it is still waiting
"#,
        &said.join("\n"),
    );
}

#[test]
fn a26_code_in_a_pickle_is_shown_and_never_run() {
    let Some((done, _server)) = against("exec", "recv") else { return };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- CALL os.system('touch lab2sh_pwned')  37 B, pickle 0, 1 read  MS
warning: `ada`: pickle.loads would have done something here; lab2sh did not:
    call os.system('touch lab2sh_pwned')

test.lab: 2 steps passed in SEC
"#,
    );
    assert!(!done.folder.path().join("lab2sh_pwned").exists());
}

#[test]
fn a27_two_servers_may_give_the_same_id() {
    let Some(server) = Peer::server("faultpeer.py", &["same-id"]) else { return };
    let port = server.port;
    let done = script(&format!(
        r#"connect 127.0.0.1:{port} as one
connect 127.0.0.1:{port} as two
@one recv as first
@two recv as second
check $first == $second
"#
    ))
    .run();
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as one
  one  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
one> connect 127.0.0.1:PORT as two
  two  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
two> @one recv as first
  one <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
two> @two recv as second
  two <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
two> check $first == $second
  ok $first == $second

test.lab: 5 steps passed in SEC
"#,
    );
}

/// Runs steps under strace, which makes system calls fail.
fn with_faults(inject: &str, server: &Peer, steps: &str) -> Option<Done> {
    let wrapper = strace_or_skip(inject)?;
    let port = server.port;
    let text = format!("connect 127.0.0.1:{port} as ada\n{steps}\n");
    Some(Shell::under(&wrapper, ["test.lab"]).file("test.lab", text).run())
}

#[test]
fn a29_interrupted_system_calls_are_not_seen() {
    let Some(server) = Peer::server("greeting_server.py", &["three"]) else { return };
    let inject = "inject=recvfrom,sendto:error=EINTR:when=1+2";
    let Some(done) = with_faults(inject, &server, "recv\nrecv\nrecv\nsend [1, 2]\nsend None\nclose") else {
        return;
    };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read, 44 B more here  MS
ada> recv
  ada <- 'welcome'  22 B, pickle 4, 1 read, 22 B more here  MS
ada> recv
  ada <- [1, 2, 3]  22 B, pickle 4, 1 read  MS
ada> send [1, 2]
  ada -> [1, 2]  10 B, pickle 3
ada> send None
  ada -> None  4 B, pickle 3
ada> close
  ada  closed  sent 14 B, received 72 B

test.lab: 7 steps passed in SEC
"#,
    );
    same("got [1, 2]\ngot None\nthe client left", &server.finish());
}

#[test]
fn a30_a_short_write_is_gone_on_with() {
    let Some(server) = Peer::server("greeting_server.py", &["dict"]) else { return };
    // The kernel is said to have taken 3 bytes and never saw them, so these 3 bytes of padding are what is lost.
    let inject = "inject=sendto:retval=3:when=1";
    let steps = "recv\nsend hex 00 00 00 80 03 4b 01 2e\nsend 2\ncheck $ada.sent == 13\nclose";
    let Some(done) = with_faults(inject, &server, steps) else { return };
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read  MS
ada> send hex 00 00 00 80 03 4b 01 2e
  ada -> 00 00 00 80 03 4b 01 2e  8 B, hex
ada> send 2
  ada -> 2  5 B, pickle 3
ada> check $ada.sent == 13
  ok $ada.sent == 13
ada> close
  ada  closed  sent 13 B, received 28 B

test.lab: 6 steps passed in SEC
"#,
    );
    same("got 1\ngot 2\nthe client left", &server.finish());
}

/// `{'clientid': 7}` in protocol 4, in hex, cut at byte `at`.
fn halves(at: usize) -> (String, String) {
    let whole = b"\x80\x04\x95\x11\0\0\0\0\0\0\0}\x94\x8c\x08clientid\x94K\x07s.";
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x} ")).collect::<String>();
    (hex(&whole[..at]), hex(&whole[at..]))
}

#[test]
fn a_wait_that_fails_consumes_nothing_at_every_split_of_a_message() {
    let mut steps = String::from(
        "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat within 5s\nuse ada\n",
    );
    for at in 1..28 {
        let (first, second) = halves(at);
        // Both ends are here and loopback does not wait, so what was sent has arrived.
        steps += &format!(
            "@seat send hex {first}\n! recv within 5ms\n! expect {{\"clientid\": int}} within 5ms\n"
        );
        steps +=
            &format!("@seat send hex {second}\n! expect {{\"clientid\": 8}}\nexpect {{\"clientid\": 7}}\n");
    }
    let done = script(&steps).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    assert_eq!(done.lines_after("failed, as it must: only part of a message arrived").count(), 2 * 27);
    assert_eq!(done.lines_after("ada <- {'clientid': 7}").count(), 27);
}

#[test]
#[cfg(unix)]
fn ctrl_c_during_recv_ends_a_script_with_130() {
    let Some(server) = Peer::server("faultpeer.py", &["partial-then-silent"]) else { return };
    let port = server.port;
    let mut shell = script(&format!("connect 127.0.0.1:{port} as ada\nrecv\nsend 1\n")).start();
    shell.wait_for("ada> recv");
    shell.signal("INT");
    shell.finish().shows(
        130,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
test.lab:2:1: error: `recv` was interrupted
    recv
    ^^^^

test.lab: 1 failed, 1 step passed, 1 not run in SEC
"#,
    );
}

#[test]
fn a_close_with_bytes_that_only_lab2sh_has_read_is_a_reset() {
    let steps = "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\n@ada send 1 + 2 + 3\n@seat recv\nclose seat\n@ada expect reset within 2s\n";
    let done = script(steps).run();
    let (_, rest) = done.screen.split_once("\nseat> @seat recv\n").unwrap();
    same(
        "  seat <- 1  5 B, pickle 3, 1 read, 10 B more here  MS
seat> close seat
  seat  closed; 10 B were never read  sent 0 B, received 15 B
ada> @ada expect reset within 2s
  ada  the peer reset the connection  MS

test.lab: 7 steps passed in SEC",
        rest,
    );
    assert_eq!(done.status, 0);
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_not_read() {
    let shell = script(
        "! explain file ff\n! hex file /dev/zero\nlisten 0 as srv\nconnect 127.0.0.1:$srv.port as ada\n! send file ff\n",
    );
    let made = std::process::Command::new("mkfifo").arg(shell.path().join("ff")).status();
    assert!(made.unwrap().success());
    shell.run().shows(
        0,
        "> ! explain file ff
  failed, as it must: cannot read `ff`: it is no regular file
> ! hex file /dev/zero
  failed, as it must: cannot read `/dev/zero`: it is no regular file
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> connect 127.0.0.1:$srv.port as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> ! send file ff
  failed, as it must: cannot read `ff`: it is no regular file

test.lab: 5 steps passed in SEC",
    );
}
