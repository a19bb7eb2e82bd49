//! `flow`, `explain` and `hex` say what is known and no more: of what another program sent, of what did not go out whole, of
//! what nobody can read, of a message that was not kept whole.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use common::{ENDS, draws, script, timeless};

#[test]
fn another_programs_message_enters_when_it_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"\x80\x03X\x05\0\0\0first.").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    draws(
        &format!("connect 127.0.0.1:{port} as ada\nsend \"question\"\nrecv\nclose\n"),
        r#"
   time    step   ada                                           127.0.0.1:PORT0
                   ┌──────────────────── connect ─────────────────────>│
                   ├────────────── (1) 'question'  16 B ──────────────>│
                   ●<─────────────── (2) 'first'  13 B ──────────────··│
                   └────────────────── close (FIN) ───────────────────>│
"#,
    );
    peer.join().unwrap();
}

#[test]
fn what_is_sent_to_a_closed_end_is_lost_and_answered_by_a_reset() {
    draws(
        &format!(
            "{ENDS}close seat\n@ada recv 10\n@ada send \"anybody there?\"\nsleep 200ms\n! @ada send \"hello?\"\nclose ada\n"
        ),
        r#"
   time    step   ada                        server                        seat
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├───────── accept ──────────>│
                   │ ╭───────────────────── close (FIN) ─────────────────────┘
                   ●<╯ recv(10): b''            │
                   ├─────── (1) 'anybody there?'  22 B, never read ────────x
                   ●<───────────────────── reset (RST) ────────────────────··
                   x cannot send: closed        │
                   ┴ close                      │
"#,
    );
}

#[test]
fn a_close_after_a_reset_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Not before the connection is made on the other side too.
        stream.read_exact(&mut [0; 5]).unwrap();
        socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    });
    draws(
        &format!("connect 127.0.0.1:{port} as ada\nsend 1\nexpect reset\nclose\n"),
        r#"
   time    step   ada                                           127.0.0.1:PORT0
                   ┌──────────────────── connect ─────────────────────>│
                   ├─────────────────── (1) 1  5 B ───────────────────>│
                   ●<────────────────── reset (RST) ─────────────────··│
                   ┴ close                                             │
"#,
    );
    peer.join().unwrap();
}

#[test]
fn a_message_that_did_not_go_out_whole_is_drawn_where_it_began() {
    draws(
        &format!(
            "{ENDS}? @ada send 1 after 1m within 20ms\n? @ada recv 3 within 20ms\n\
             ? @ada send {{\"n\": 1}} split 5 gap 1m within 20ms\n@ada send {{\"n\": 2}}\n@seat recv\n@seat recv\n"
        ),
        r#"
   time    step   ada                        server                        seat
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├───────── accept ──────────>│
                   x nothing was sent within 20ms (the step's `within`): it w...
                   ~ nothing arrived within 20ms (the step's `within`)       │
                   ├───────────────── (1) {'n': 1}  14 B ──────────────────╮ │
                   ● only 5 of 14 B were sent so far                       ┊ │
                   x sent 5 of 14 B within 20ms (the step's `within`): a `gap...
                   ├───────────────── (2) {'n': 2}  14 B ──────────────────┤ │
                   │                            │                 read (1) ├>●
                   │                            │                 read (2) ╰>●
"#,
    );
}

#[test]
fn equal_writes_are_counted_and_a_message_waits_for_its_last_byte() {
    draws(
        &format!(
            "{ENDS}send {{\"n\": 1}} + {{\"n\": 2}} split every 4 gap 5ms\n@ada recv 10\n@ada recv 10\nclose ada\n"
        ),
        r#"
   time    step   ada                        server                        seat
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├───────── accept ──────────>│
                   │ ╭───────────────── (1) {'n': 1}  14 B ──────────────────┤
                   │ ├──────── (2) {'n': 2}  14 B, never read whole ─────────┤
                   │ ┊              2 messages in 7 writes of 4 B, 5ms apart ●
                   ● ┊ recv(10): bytes 0 to 9 of (1)                         │
                   ●<┤ recv(10): part of (1) and part of (2)                 │
                   └─x────────────── close, 8 B never read ─────────────────>│
"#,
    );
}

#[test]
fn long_names_keep_their_ends_and_a_hint_is_whole() {
    let mut text = String::from("listen 0 as server\n");
    for number in 1..=4 {
        text += &format!(
            "connect 127.0.0.1:$server.port as student_number_{number}\naccept server as seat_number_{number}\n"
        );
    }
    draws(
        &text,
        r#"
   time    step   stud..ber_1 stud..ber_2    server    seat..ber_1  seat..ber_2
                                                ┬ listening on 127.0.0.1:PORT0
                       ┌─────── connect ───────>│
                       │                        ├─ accept ─>│
                       │           ┌─ connect ─>│           │
                       │           │            ├─────── accept ────────>│
4 more lanes do not fit: student_number_3, student_number_4, seat_number_3, ...;
  `flow NAME` draws one
"#,
    );
}

#[test]
fn a_file_that_lab2sh_did_not_draw_is_left_alone() {
    for ending in ["txt", "svg", "mmd", "html"] {
        let text =
            format!("{ENDS}flow save new.{ending}\nflow save new.{ending}\n! flow save notes.{ending}\n");
        let notes = format!("notes.{ending}");
        let shell = script(&text).file(&notes, b"mine, all mine");
        let folder = shell.path().to_path_buf();
        let mut running = shell.arg("-i").stdin("quit\n").start();
        running.wait_for(&format!("`notes.{ending}` is there already, and is no picture that lab2sh drew"));
        running.wait_for("take another name; `flow save` overwrites its own pictures only");
        assert_eq!(fs::read(folder.join(notes)).unwrap(), b"mine, all mine");
    }
}

#[test]
fn a_message_that_was_not_kept_whole_is_not_called_broken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // A list of 600,000 ones: 1,200,006 B.
    let message = [&b"\x80\x03]("[..], &b"K\x01".repeat(600_000), b"e."].concat();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&message).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let text = format!("connect 127.0.0.1:{port} as ada\nrecv\nexplain\nhex\nflow\n");
    let done = script(&text).run();
    assert_eq!(done.status, 0);
    let part = |from: &str| done.screen.rsplit_once(from).unwrap().1.split("\nada> ").next().unwrap();
    let (explained, dumped, flow) = (part("> explain\n"), part("> hex\n"), part("> flow\n"));
    assert!(
        explained.starts_with(
            "  ada <- [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...\n\
             \x20                                                              1200006 B, pickle\n\
             \x20 lab2sh kept only the first 1 MiB of 1200006 B\n\
             \x20       0  80 03                    PROTO 3: a pickle, written in this protocol\n"
        ),
        "{explained}"
    );
    assert!(
        explained.ends_with("1048576                           end: lab2sh kept nothing from here on"),
        "{explained}"
    );
    let offset = |line: &str| line.get(..9).and_then(|offset| offset.trim().parse::<usize>().ok());
    assert!(explained.lines().filter_map(offset).is_sorted(), "{explained}");
    assert!(!explained.contains("truncated") && !explained.contains("more belong to it"), "{explained}");
    assert!(
        dumped.ends_with("|K.K.K.K.K.K.K.K.|\n  ... 65492 more rows; `hex all` shows them\n  note: lab2sh kept only the first 1 MiB of 1200006 B"),
        "{dumped}"
    );
    assert!(timeless(flow).contains("●<─ (1) [1, 1, 1, 1, 1, 1, 1, 1, 1,...  1200006 B ··│"), "{flow}");
    peer.join().unwrap();
}
