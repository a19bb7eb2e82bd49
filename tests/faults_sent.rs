//! Faults as verbs: what goes out on the wire, what the screen says of it, and what a naive reader makes of it.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed; one that is skipped says so"
)]

mod common;
mod pty;

use std::io::Read;
use std::net::TcpListener;
use std::process::Command;

use common::{BOTH_ENDS, Folder, OPENING, Peer, Shell, both_ends, python_or_skip, refused, same, script};
use pty::{CTRL_C, ENTER, pasted, shell};

#[test]
fn each_fault_says_what_it_did_on_the_wire() {
    let steps = r#"send {"clientid": 7} split 3 gap 20ms
send [1, 2, 3] split 3,10 gap 1ms
send 1 + 2 + "three"
send 1+2 split 3 gap 5ms after 10ms within 5s
send {"name": "Ada"} truncate 10
send 1 + 2 truncate 7 split 2, 4
send garbage 16 seed 7
send hex 80 04 4b 01 2e split every 2
send text "hello" + "you" after 10ms
send json {"a": 1} split every 1
let n = 2
send 1 truncate $n
"#;
    both_ends(steps).run().shows(
        0,
        &format!(
            r#"{BOTH_ENDS}seat> send {{"clientid": 7}} split 3 gap 20ms
  seat -> {{'clientid': 7}}  21 B, pickle 3
  on the wire: in 2 writes: 3 B, 20ms, 18 B
seat> send [1, 2, 3] split 3,10 gap 1ms
  seat -> [1, 2, 3]  12 B, pickle 3
  on the wire: in 3 writes: 3 B, 1ms, 7 B, 1ms, 2 B
seat> send 1 + 2 + "three"
  seat -> 1  5 B, pickle 3
  seat -> 2  5 B, pickle 3
  seat -> 'three'  13 B, pickle 3
  on the wire: 3 messages in 1 write
seat> send 1+2 split 3 gap 5ms after 10ms within 5s
  seat -> 1  5 B, pickle 3
  seat -> 2  5 B, pickle 3
  on the wire: after 10ms, 2 messages in 2 writes: 3 B, 5ms, 7 B
seat> send {{"name": "Ada"}} truncate 10
  seat -> {{'name': 'Ada'}}  10 B, pickle 3
  on the wire: the first 10 of 23 B in 1 write; the rest was never sent
seat> send 1 + 2 truncate 7 split 2, 4
  seat -> 1  5 B, pickle 3
  seat -> 2  2 B, pickle 3
  on the wire: the first 7 of the 10 B of 2 messages in 3 writes: 2 B, 2 B, 3 B; the rest was never sent
seat> send garbage 16 seed 7
  seat -> d7 0d 32 59 e4 e1 cb 63 1c 66 3c f4 d7 3c 4c 04  16 B, garbage
seat> send hex 80 04 4b 01 2e split every 2
  seat -> 80 04 4b 01 2e  5 B, hex
  on the wire: in 3 writes of 2 B, the last of 1 B
seat> send text "hello" + "you" after 10ms
  seat -> 'hello'  5 B, text
  seat -> 'you'  3 B, text
  on the wire: after 10ms, 2 messages in 1 write
seat> send json {{"a": 1}} split every 1
  seat -> {{'a': 1}}  8 B, json
  on the wire: in 8 writes of 1 B
seat> let n = 2
  n = 2
seat> send 1 truncate $n
  seat -> 1  2 B, pickle 3
  on the wire: the first 2 of 5 B in 1 write; the rest was never sent

test.lab: 15 steps passed in SEC
"#
        ),
    );
}

#[test]
fn a_message_of_no_bytes_is_told_too() {
    both_ends("send text \"\" + \"x\"\nsend text \"\"\n").run().shows(
        0,
        &format!(
            r#"{BOTH_ENDS}seat> send text "" + "x"
  seat -> ''  0 B, text
  seat -> 'x'  1 B, text
  on the wire: 2 messages in 1 write
seat> send text ""
  seat -> ''  0 B, text

test.lab: 5 steps passed in SEC
"#
        ),
    );
}

#[test]
fn the_screen_says_what_the_kernel_was_given() {
    let steps = "send {\"clientid\": 7} split 3,10 gap 30ms\nsend 1 + 2\nsend {\"name\": \"Ada\"} truncate 10\nsend hex 00 01 02 split every 2 after 20ms\n";
    if !Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success())
    {
        eprintln!("skipped: strace is not here or may not trace");
        return;
    }
    let traced = ["strace", "-f", "-ttt", "-o", "writes", "-e", "trace=sendto"];
    let done = Shell::under(&traced, ["test.lab"]).file("test.lab", format!("{OPENING}{steps}")).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let trace = std::fs::read_to_string(done.folder.path().join("writes")).unwrap();
    let writes = regex::Regex::new(r"(?m)^\d+ +(\d+\.\d+) sendto\(.*\) = (\d+)$").unwrap();
    let writes: Vec<(f64, u32)> = writes
        .captures_iter(&trace)
        .map(|found| (found[1].parse().unwrap(), found[2].parse().unwrap()))
        .collect();
    let sizes: Vec<u32> = writes.iter().map(|(_, size)| *size).collect();
    assert_eq!(sizes, [3, 7, 11, 10, 10, 2, 1], "{trace}");
    let waited = |from: usize, to: usize| (writes[to].0 - writes[from].0) * 1000.0;
    assert!(waited(0, 1) >= 30.0 && waited(1, 2) >= 30.0 && waited(4, 5) >= 20.0, "{trace}");
}

#[test]
fn a_naive_reader_takes_each_read_for_a_message() {
    if python_or_skip().is_none() {
        return;
    }
    // The pieces are so far apart that a slow machine reads them one by one too.
    let steps = r#"listen 0 as srv
accept as seat
send {"clientid": 7} split 3 gap 500ms
send 1 + 2 after 500ms
send {"name": "Ada"} truncate 10 after 500ms
send garbage 5 seed 7 after 500ms
close seat
"#;
    let mut running = script(steps).start();
    let client = Peer::client("naive_reader.py", &[&running.port().to_string()]).unwrap();
    let done = running.finish();
    assert_eq!(done.status, 0, "{}", done.screen);
    same(
        "
3 B: EOFError
18 B: UnpicklingError
10 B: 1
10 B: UnpicklingError
5 B: UnpicklingError
b''
",
        &client.finish(),
    );
}

#[test]
fn a_reader_that_reads_to_the_end_of_a_message_is_not_disturbed() {
    let steps = "@ada send {\"clientid\": 7} split every 1\nexpect {\"clientid\": 7} within 2s\n@ada send 1 + 2 split 3,7 gap 5ms\nexpect 1 within 2s\nexpect 2 within 2s\nset framing length\n@ada send 1 + 2 split 2\nexpect 1 within 2s\nexpect 2 within 2s\n";
    let done = both_ends(steps).run();
    assert_eq!(done.status, 0, "{}", done.screen);
}

#[test]
fn garbage_is_the_same_for_a_seed_and_no_message() {
    let steps = "@ada send garbage 8 seed 3\nrecv 8 as first\n@ada send garbage 8 seed 3\nrecv 8 as again\n@ada send garbage 8\nrecv 8 as other\ncheck $first == $again\n! check $first == $other\n@ada send garbage 64 seed 7\n! recv within 1s\n";
    let done = both_ends(steps).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    assert!(done.screen.contains("what arrived on `seat` is not a pickle"), "{}", done.screen);
}

#[test]
fn within_bounds_the_whole_step_and_timeout_only_waits_for_the_kernel() {
    let steps = r#"set timeout 20ms
send 1 after 60ms
send 2 split 3 gap 60ms
! send 3 after 10s within 30ms
! send [1, 2, 3] split 3 gap 10s within 30ms
send 5
@ada recv within 1s
@ada recv within 1s
@ada expect [1, 2, 3] within 1s
@ada expect 5 within 1s
@ada expect nothing within 50ms
"#;
    both_ends(steps).run().shows(
        0,
        &format!(
            r#"{BOTH_ENDS}seat> set timeout 20ms
  timeout 20ms
seat> send 1 after 60ms
  seat -> 1  5 B, pickle 3
  on the wire: after 60ms, in 1 write
seat> send 2 split 3 gap 60ms
  seat -> 2  5 B, pickle 3
  on the wire: in 2 writes: 3 B, 60ms, 2 B
seat> ! send 3 after 10s within 30ms
  failed, as it must: nothing was sent on `seat` within 30ms (the step's `within`): it was to wait 10s first
  hint: `within` bounds the whole step, its `after` and `gap` too
seat> ! send [1, 2, 3] split 3 gap 10s within 30ms
  failed, as it must: `seat` sent 3 of 12 B within 30ms (the step's `within`): a `gap` was not over
  hint: `within` bounds the whole step; the rest goes out before the next `send` on it
seat> send 5
  seat -> 5  5 B, pickle 3
  note: 9 B of an earlier `send` went out before it
seat> @ada recv within 1s
  ada <- 1  5 B, pickle 3, 1 read, 22 B more here  MS
seat> @ada recv within 1s
  ada <- 2  5 B, pickle 3, 1 read, 17 B more here  MS
seat> @ada expect [1, 2, 3] within 1s
  ada <- [1, 2, 3]  12 B, pickle 3, 1 read, 5 B more here, as expected  MS
seat> @ada expect 5 within 1s
  ada <- 5  5 B, pickle 3, 1 read, as expected  MS
seat> @ada expect nothing within 50ms
  ada  nothing arrived, as wanted  MS

test.lab: 14 steps passed in SEC
"#
        ),
    );
}

#[test]
fn ctrl_c_in_a_gap_says_what_was_not_sent_and_keeps_the_stream_whole() {
    let folder = Folder::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let terminal = shell(&folder).start();
    terminal.at(">");
    terminal.run(&format!("connect 127.0.0.1:{} as ada", server.local_addr().unwrap().port()), "ada>");
    let (mut peer, _) = server.accept().unwrap();
    terminal.keys(&format!("{}{ENTER}", pasted("say go\nsend [1, 2, 3] split 3 gap 1m")));
    let mut first = [0; 3];
    peer.read_exact(&mut first).unwrap();
    terminal.keys(CTRL_C);
    terminal.at("ada>");
    terminal.sees(
        "note: `send` was interrupted\n  not sent: 9 B on `ada`: they go out before the next `send` on it\n\
         hint: every socket is still open, and no byte that arrived is lost\n",
    );
    // Ctrl-C before the first byte leaves nothing to be sent.
    terminal.keys(&format!("{}{ENTER}", pasted("say wait\nsend 4 after 1m")));
    terminal.sees("\nwait\n");
    terminal.keys(CTRL_C);
    terminal.at("ada>");
    terminal.run("send 5", "ada>");
    terminal.run("close", ">");
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).unwrap();
    assert_eq!([&first[..], &rest].concat(), b"\x80\x03](K\x01K\x02K\x03e.\x80\x03K\x05.");
}

#[test]
fn a_program_gets_the_writes_as_numbers() {
    let done = both_ends("send 1 + 2 split 3 gap 5ms after 10ms truncate 7\nsend 3\n").arg("--json").run();
    let sent: Vec<serde_json::Value> = done
        .screen
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &serde_json::Value| event["event"] == "sent")
        .collect();
    let bytes: Vec<u64> = sent.iter().map(|event| event["bytes"].as_u64().unwrap()).collect();
    assert_eq!(bytes, [5, 2, 5]);
    assert!(sent[0]["dispatch"].is_null() && sent[2]["dispatch"].is_null());
    let wanted =
        serde_json::json!({"messages": 2, "writes": [3, 4], "gap_ms": 5.0, "after_ms": 10.0, "whole": 10});
    assert_eq!(sent[1]["dispatch"], wanted);
}

#[test]
fn what_cannot_be_cut_is_said_before_anything_is_sent() {
    for (line, error, hint) in [
        ("send 1 split 5", "cannot cut at byte 5: there are 5 B to send", "1 to 4 can stand here"),
        ("send 1 split 3 truncate 2", "cannot cut at byte 3: there are 2 B to send", "only 1 can stand here"),
        ("send 1 truncate 5", "cannot leave the first 5 B: there are 5 B to send", "1 to 4 can stand here"),
        (
            "send 1 split every 0",
            "cannot cut into pieces of 0 B: there are 5 B to send",
            "1 to 4 can stand here",
        ),
        ("send hex 00 split 1", "cannot cut at byte 1: there is 1 B to send", "so few cannot be cut"),
        (
            "send 1 split 3,2",
            "`split` cuts at byte 2 after a later or the same one",
            "the places count from the message's start: `split 3,10`",
        ),
    ] {
        let done = both_ends(&format!("{line}\n")).run();
        assert_eq!(done.status, 2, "{}", done.screen);
        for said in [error, hint] {
            assert!(done.screen.contains(said), "no `{said}` in:\n{}", done.screen);
        }
        assert!(!done.screen.contains("->"), "{}", done.screen);
    }
}

/// The last line of a script is wrong at this column, for so many characters.
#[track_caller]
fn mistake(line: &str, column: usize, len: usize, message: &str, hint: &str) {
    let caret = " ".repeat(column - 1) + &"^".repeat(len);
    refused(line, &format!("test.lab:2:{column}: error: {message}\n    {line}\n    {caret}\nhint: {hint}\n"));
}

#[test]
fn wrong_words_run_nothing() {
    mistake("send 1 spilt 3", 8, 5, "`spilt` is more than `send` takes", "did you mean `split`?");
    mistake(
        "send 1 gap 3s",
        8,
        3,
        "`gap` is a wait between pieces, and nothing is cut",
        "`send VALUE split 3 gap 200ms` cuts behind byte 3; `after 1s` waits before the first byte",
    );
    mistake(
        "send 1 split 3 split 4",
        16,
        5,
        "`split` stands twice",
        "each stands once: `split 3,10 gap 200ms truncate 20 after 1s`",
    );
    let split = "`split 3` cuts behind byte 3, `split 3,10` behind byte 10 too, `split every 7` makes pieces of 7 bytes";
    mistake("send 1 split 3,x", 16, 1, "a place to cut at is a whole number of 0 or more", split);
    mistake("send 1 split every x", 20, 1, "the size of a piece is a whole number of 0 or more", split);
    let duration = "a duration has a unit: `500ms`, `2s`, `1m`, or `none`";
    mistake("send 1 after 5", 14, 1, "the duration `5` has no unit", duration);
    let waits = "`after 1s` waits before the first byte, `gap 200ms` between two pieces";
    mistake("send 1 after none", 14, 4, "`none` would never end", waits);
    let values =
        "a value is JSON or a Python literal: {\"name\": \"Ada\"}, [1, 2], 'text', b'\\x80', None, $name";
    mistake("send 1 +", 9, 1, "a value is missing", values);
    let seed = "`seed 7` gives the same bytes each time";
    mistake("send garbage 8 seed x", 21, 1, "a seed is a whole number of 0 or more", seed);
    let garbage = "usage: send garbage N [seed N]";
    mistake("send garbage 8 sed 7", 16, 3, "`sed` is more than `send` takes", garbage);
}

#[test]
fn the_picture_says_how_a_message_went_out() {
    let done = both_ends("send 1 + 2 split 3 gap 5ms\n@ada recv 4096\nsend 3 truncate 2\nflow\n").run();
    assert_eq!(done.status, 0, "{}", done.screen);
    for said in ["2 messages in 2 writes: 3 B, 5ms, 7 B ●", "the first 2 of 5 B in 1 write; the rest was"] {
        let picture = done.screen.split_once("> flow\n").unwrap().1;
        assert!(picture.contains(said), "no `{said}` in:\n{picture}");
    }
}
