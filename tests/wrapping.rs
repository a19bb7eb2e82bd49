//! Lines that are longer than the terminal is wide: broken where a person can go on reading, with carets that still point.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
mod pty;

use common::{Folder, normal, same};
use pty::shell;

/// The screen of a script on so many columns.
fn on(columns: u16, script: &str) -> String {
    let folder = Folder::new();
    folder.write("x.lab", script);
    let mut terminal = shell(&folder).size(80, columns).args(&["x.lab"]).start();
    terminal.ends();
    terminal.screen()
}

#[test]
fn values_go_on_with_an_indent() {
    let value = r#"{"name": "Ada Lovelace", "raw": b"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f", "sid": 900000001}"#;
    let screen = on(
        50,
        &format!(
            "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\n@ada send {value}\nrecv as got\n@ada send \"1234567890\"\nexpect {{\"a\": 1}} within 50ms\n"
        ),
    );
    let (_, screen) = screen.split_once("\n  ada ->").unwrap();
    same(
        r#" {'name': 'Ada Lovelace', 'raw':
    b'\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a
    \x8b\x8c\x8d\x8e\x8f', 'sid': 900000001}  71 B, pickle 3
seat> recv as got
  seat <- {'name': 'Ada Lovelace', 'raw':
    b'\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a
    \x8b\x8c\x8d\x8e\x8f', 'sid': 900000001}  71 B, pickle 3, 1 read  MS
seat> @ada send "1234567890"
  ada -> '1234567890'  18 B, pickle 3
seat> expect {"a": 1} within 50ms
x.lab:7:8: error: `seat` received what was not
  expected: the message is not {"a": 1}
    expect {"a": 1} within 50ms
           ^^^^^^^^
  wanted:  {"a": 1}
  got:  '1234567890' (str)
  message: 18 B, pickle 3, 1 read, after MS
           (limit 50ms, the step's `within`); it
           is still waiting

x.lab: 1 failed, 6 steps passed in SEC"#,
        screen,
    );
}

#[test]
fn usage_goes_on_with_an_indent() {
    same(
        r#"> help send
  pickle a value and send all of it, or send it another way
    send json VALUE [+ VALUE...]
    send text STRING [+ STRING...]
    send hex 80 04 ..
    send file PATH
    send garbage N [seed N]
    send VALUE [+ VALUE...] [split N,..] [gap DURATION]
        [truncate N] [after DURATION] [within DURATION]
    V1 + V2  both messages in one write
    split 3,10  in pieces, cut behind bytes 3 and 10
    split every 7  in pieces of 7 bytes
    gap 200ms  waiting 200 ms between two pieces
    truncate 10  only the first 10 bytes
    after 1s  a second later
  example:
    listen 0 as srv
    connect 127.0.0.1:$srv.port as ada
    send {"name": "Ada", "id": 7}
    send hex 80 04 4b 01 2e
    send [1, 2] + "two" split 3 gap 10ms

x.lab: 1 step passed in SEC"#,
        &on(60, "help send\n"),
    );
}

#[test]
fn carets_count_columns() {
    let wide = "漢字".repeat(20);
    let expected = r#"x.lab:2:49: error: `nonsense` is more than `send` takes
    ...字漢字漢字漢字漢字漢字漢字漢字漢字" nonsense "漢字...
                                           ^^^^^^^^
hint: usage: send json VALUE [+ VALUE...] | send text STRING
  [+ STRING...] | send hex 80 04 .. | send file PATH | send
  garbage N [seed N] | send VALUE [+ VALUE...] [split N,..]
  [gap DURATION] [truncate N] [after DURATION] [within
  DURATION]"#;
    same(expected, &on(60, &format!("say {wide}\nsend \"{wide}\" nonsense \"{wide}\"\n")));
}

#[test]
fn a_long_name_leaves_room_for_the_rest_of_its_row() {
    let name = format!("student_{}_1", "n".repeat(60));
    let screen = on(90, &format!("listen 0 as srv\nconnect 127.0.0.1:$srv.port as {name}\nsockets\n"));
    let (_, screen) = screen.split_once("> sockets\n").unwrap();
    assert_eq!(
        normal(screen),
        "  name  state  local  peer  sent
  srv  listening  127.0.0.1:PORT  0 accepted  unread 1 client, tcp LISTEN
  student_nnnnnn...nnnnnnnnn_1 *  open  127.0.0.1:PORT  127.0.0.1:PORT  0 B  \
received 0 B, unread 0 B, tcp ESTABLISHED, unacked 0 B,  rtt  MS

x.lab: 3 steps passed in SEC"
    );
}
