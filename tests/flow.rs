//! `flow`: the conversation as lanes and arrows, as a terminal shows it. Ports and times are made equal in width, nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fmt::Write;

use common::{ENDS, Peer, Shell, draws, picture, same_picture, script};

#[test]
fn a_message_leaves_when_it_is_sent_and_arrives_when_it_is_read() {
    let text = format!(
        "## 1. The id\n{ENDS}@seat send {{\"clientid\": 7}}\n@ada expect {{\"clientid\": int}}\n\
         ## 2. Two answers\n@ada send {{\"name\": \"Ada Lovelace\", \"github\": \"ada\"}}\n@ada send None\n\
         @seat recv\nclose ada\n@seat recv\n@seat expect eof\n"
    );
    draws(
        &text,
        r#"
   time    step   ada                        server                        seat
== 1. The id ===================================================================
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├───────── accept ──────────>│
                   │ ╭────────────── (1) {'clientid': 7}  21 B ──────────────┤
                   ●<╯ read (1), as expected    │                            │
== 2. Two answers ==============================================================
                   ├─ (2) {'name': 'Ada Lovelace', 'github': 'ada'}  51 B ─╮ │
                   ├──────────────────── (3) None  4 B ────────────────────┤ │
                   │                            │                 read (2) ├>●
                   └───────────────────── close (FIN) ─────────────────────┤ │
                                                │                 read (3) ├>●
                                                │            end of stream ╰>●
"#,
    );
}

#[test]
fn silence_shows_on_its_lane() {
    draws(
        &format!(
            "{ENDS}? @ada recv within 20ms\n@ada expect nothing within 20ms\n@seat send hex 80 03\n? @ada recv within 20ms\n"
        ),
        r#"
   time    step   ada                        server                        seat
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├───────── accept ──────────>│
                   ~ no message in 20ms         │                            │
                   ~ nothing arrived, as wanted │                            │
                   │ ╭────────────── (1) 80 03  2 B, not read ───────────────┤
                   ~ ┊ only 2 B of a message came in time                    │
"#,
    );
}

#[test]
fn ends_show_as_what_they_are() {
    let text = format!(
        "{ENDS}@ada shutdown write\n@seat expect eof\n@seat send \"late\"\n@ada recv\nclose seat\n! @ada recv\n! @ada recv\nclose ada\n\
         connect 127.0.0.1:$server.port as bob\naccept as seat\n@seat send 1\n@bob reset\n! @seat recv\n@seat close\n"
    );
    draws(
        &text,
        r#"
   time    step   ada                bob              server               seat
                            listening on 127.0.0.1:PORT0 ┬
                   ┌───────────── connect ──────────────>│
                   │                                     ├───── accept ─────>│
                   ├────────────────── half-close (FIN) ───────────────────╮ │
                   │                                     │   end of stream ╰>●
                   │ ╭────────────────── (1) 'late'  12 B ───────────────────┤
                   ●<╯ read (1)                          │                   │
                   │ ╭───────────────────── close (FIN) ─────────────────────┘
                   ●<╯ end of stream                     │
                   ● end of stream                       │
                   ┴ close                               │
                                      ┌──── connect ────>│
                                      │                  ├───── accept ─────>│
                                      │ ╭────── (2) 1  5 B, never read ──────┤
                                      └─x───────── reset (RST) ────────────╮ │
                                                         │           reset ╰>●
                                                         │             close ┴
"#,
    );
}

#[test]
fn what_nobody_read_is_seen() {
    let text = format!("{ENDS}@ada send 1\n@ada send 2\n@seat recv\n@seat send \"waits\"\nclose seat\n");
    draws(
        &text,
        r#"
   time    step   ada                        server                        seat
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├───────── accept ──────────>│
                   ├───────────────────── (1) 1  5 B ──────────────────────╮ │
                   ├─────────────── (2) 2  5 B, never read ────────────────┤ │
                   │                            │                 read (1) ├>●
                   │ ╭───────────── (3) 'waits'  13 B, not read ───────────┼─┤
                   │<┼─────────────── close, 5 B never read ───────────────x─┘
"#,
    );
}

#[test]
fn reads_say_which_bytes_they_took() {
    let text = format!(
        "{ENDS}@seat send {{\"clientid\": 7}}\n@ada recv 10\n@ada recv 4096\n@seat send 1\n@seat send 2\n@ada recv 4096\n\
         @seat send hex 80 03 4b\n@seat send hex 01 2e\n@ada recv\n"
    );
    draws(
        &text,
        r#"
   time    step   ada                        server                        seat
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├───────── accept ──────────>│
                   │ ╭────────────── (1) {'clientid': 7}  21 B ──────────────┤
                   ● ┊ recv(10): bytes 0 to 9 of (1)                         │
                   ●<╯ recv(4096): bytes 10 to 20 of (1)                     │
                   │ ╭───────────────────── (2) 1  5 B ──────────────────────┤
                   │ ├───────────────────── (3) 2  5 B ──────────────────────┤
                   ●<╯ recv(4096): (2) and (3), 2 messages in one            │
                   │ ╭────────────────── (4) 80 03 4b  3 B ──────────────────┤
                   │ ├─────────────────── (5) 01 2e  2 B ────────────────────┤
                   ●<╯ read 1: (4) and (5)      │                            │
"#,
    );
}

#[test]
fn what_was_sent_before_the_accept_waits_for_it() {
    let text = "listen 0 as server\nconnect 127.0.0.1:$server.port as ada\n@ada send 1\naccept server as seat\n@seat recv\n";
    draws(
        text,
        r#"
   time    step   ada                        server                        seat
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   ├───────────────────── (1) 1  5 B ──────────────────────╮
                   │                            ├───────── accept ─────────┼>│
                   │                            │                 read (1) ╰>●
"#,
    );
}

#[test]
fn two_clients_of_one_server_have_a_lane_each() {
    let text = format!(
        "{ENDS}connect 127.0.0.1:$server.port as bob\naccept server as other\n@ada send 1\n@bob send 2\n@other recv\n@seat recv\n"
    );
    draws(
        &text,
        r#"
   time    step   ada           bob         server         seat           other
                                               ┬ listening on 127.0.0.1:PORT0
                   ┌──────── connect ─────────>│
                   │                           ├── accept ──>│
                   │             ┌─ connect ──>│             │
                   │             │             ├───────── accept ──────────>│
                   ├───────────── (1) 1  5 B ──────────────╮ │              │
                   │             ├────────────── (2) 2  5 B ──────────────╮ │
                   │             │             │           ┊ │   read (2) ╰>●
                   │             │             │  read (1) ╰>●              │
"#,
    );
}

#[test]
fn wide_characters_keep_the_lanes_straight() {
    let text = format!(
        "{ENDS}## 日本語の部\n@seat send {{\"名前\": \"山田太郎\", \"🎉\": \"e\\u0301\"}}\n@ada recv\n\
         @ada send \"日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語\"\n@seat recv\n\
         @ada send [\"❤️\", \"👍🏽\", \"\\u200b\\x1b[31m\"]\n@seat recv\n"
    );
    let done = script(&format!("{text}flow\n")).run();
    // The lane of the listening socket goes through where nothing stands on it, in one column.
    let shown = picture(&done);
    same_picture(
        r#"
   time    step   ada                        server                        seat
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├───────── accept ──────────>│
== 日本語の部 ==================================================================
                   │ ╭────── (1) {'名前': '山田太郎', '🎉': 'é'}  51 B ──────┤
                   ●<╯ read (1)                 │                            │
                   ├─ (2) '日本語日本語日本語日本語日本語日本語...  116 B ─╮ │
                   │                            │                 read (2) ╰>●
                   ├────── (3) ['❤️', '👍🏽', '\u200b\x1b[31m']  43 B ───────╮ │
                   │                            │                 read (3) ╰>●
"#,
        &shown,
    );
}

#[test]
fn another_program_is_called_as_it_was_reached() {
    let Some(server) = Peer::server("greeting_server.py", &["dict"]) else { return };
    let text = format!(
        "connect localhost:{} as ada\nrecv\nsend {{\"name\": \"Ada\"}}\nexpect nothing within 20ms\nclose\nflow\n",
        server.port
    );
    let done = script(&text).run();
    let shown = picture(&done);
    same_picture(
        r#"
   time    step   ada                                           localhost:PORT0
                   ┌──────────────────── connect ─────────────────────>│
                   ●<─────────── (1) {'clientid': 7}  28 B ──────────··│
                   ├─────────── (2) {'name': 'Ada'}  23 B ────────────>│
                   ~ nothing arrived, as wanted                        │
                   └────────────────── close (FIN) ───────────────────>│
"#,
        &shown,
    );
}

#[test]
fn a_class_shows_its_seats_and_who_sat_down() {
    let text = "serve 0 as class\nconnect 127.0.0.1:$class.port as ada\nexpect {\"clientid\": int}\n\
                send {\"student_name\": \"Ada\", \"sid\": 7}\nexpect 1 within 2s\nwait class for 1 passed within 2s\n\
                broadcast {\"message\": \"five minutes left\"}\nexpect {\"message\": str} within 2s\nclose class\nexpect None within 2s\n";
    draws(
        text,
        r#"
   time    step   ada                        class                        seat1
                                               ┬ serving on 127.0.0.1:PORT0
                   ┌──────── connect ─────────>│
                   │                           ├───────── accept ──────────>│
                   │ ╭───── (1) {'clientid': 1, 'client_id': 1}  37 B ──────┤
                   ●<╯ read (1), as expected   │                            │
                   ├──── (2) {'student_name': 'Ada', 'sid': 7}  41 B ─────╮ │
                   │                           │    read (2), as expected ╰>●
                   │                           │         identified: Ada, 7 ●
                   │                           │             passed: Ada, 7 ●
                   │ ╭───────────────────── (3) 1  5 B ─────────────────────┤
                   ●<╯ read (3), as expected   │                            │
                   │                           ● broadcast {'message': 'five ...
                   ●<───── (4) {'message': 'five minutes left'}  40 B ────··│
                   │ ╭─────────────────── (5) None  4 B ────────────────────┤
                   │<┼──────────────────── close (FIN) ─────────────────────┘
                   │ ┊                         ┴ close
                   ●<╯ read (5), as expected
"#,
    );
}

#[test]
fn one_name_shows_one_conversation() {
    let text = format!(
        "{ENDS}connect 127.0.0.1:$server.port as bob\naccept server as other\n@ada send 1\n## For bob\n@bob send 2\n@other recv\n## For ada\n@seat recv\nflow bob\n"
    );
    let done = script(&text).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    same_picture(
        r#"
   time    step   bob                       server                        other
                   ┌──────── connect ─────────>│
                   │                           ├───────── accept ──────────>│
== For bob =====================================================================
                   ├───────────────────── (2) 2  5 B ─────────────────────╮ │
                   │                           │                 read (2) ╰>●
"#,
        &picture(&done),
    );
}

#[test]
fn lanes_that_do_not_fit_are_counted() {
    let mut text = String::from("listen 0 as server\n");
    for number in 1..=10 {
        let _ = write!(
            text,
            "connect 127.0.0.1:$server.port as a{number}\naccept server as b{number}\n@a{number} send {number}\n@b{number} recv\n"
        );
    }
    draws(
        &text,
        r#"
   time    step   a1            a2           server          b1             b2
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├── accept ──>│
                   ├────────────── (1) 1  5 B ──────────────╮ │
                   │                            │  read (1) ╰>●
                   │             ┌── connect ──>│             │
                   │             │              ├───────── accept ──────────>│
                   │             ├────────────── (2) 2  5 B ───────────────╮ │
                   │             │              │             │   read (2) ╰>●
16 more lanes do not fit: a3, a4, a5, ...; `flow NAME` draws one
"#,
    );
}

#[test]
fn what_was_dropped_is_said_and_a_screen_gets_the_last_rows() {
    let text = format!("{ENDS}repeat 4200 @ada send 1\nrepeat 4200 @seat recv\nflow\nflow save all.txt\n");
    let done = script(&text).run();
    assert_eq!(done.status, 0);
    let shown = done.screen.rsplit_once("> flow\n").unwrap().1;
    let mut lines = shown.lines();
    assert_eq!(
        lines.next(),
        Some("8148 earlier rows not shown here; `flow save FILE` keeps all that there is")
    );
    assert_eq!(lines.next(), Some("211 earlier entries were dropped (limit: 8192 entries or 16 MiB)"));
    assert_eq!(
        lines.next().unwrap().trim_end(),
        "   time    step   ada                        server                        seat"
    );
    // The connection is older than the first row: its lanes are there all the same.
    assert!(
        lines.next().unwrap().ends_with("│                            │                read (4157) ●"),
        "{shown}"
    );
    assert_eq!(shown.lines().filter(|line| line.contains("read (")).count(), 44);
    assert!(shown.contains("read (4200) ●\n"), "{shown}");
}

#[test]
fn a_file_shows_the_pickle_that_it_holds() {
    let text = format!("{ENDS}@ada send file one.pickle\n@ada send file one.text\nflow\n");
    let shell = script(&text).file("one.pickle", b"\x80\x03K\x01.").file("one.text", b"K\x01. and more");
    same_picture(
        r#"
   time    step   ada                        server                        seat
                                                ┬ listening on 127.0.0.1:PORT0
                   ┌───────── connect ─────────>│
                   │                            ├───────── accept ──────────>│
                   ├──────────────── (1) 1  5 B, not read ─────────────────╮ │
                   ├─────── (2) b'K\x01. and more'  12 B, not read ────────┤ │
"#,
        &picture(&shell.run()),
    );
}

#[test]
fn a_file_that_cannot_be_saved_says_why() {
    let errors = |line: &str| {
        let done = script(&format!("{ENDS}{line}\n")).run();
        assert_eq!(done.status, 3, "{}", done.screen);
        done.screen.split("test.lab:4:1: ").nth(1).unwrap().split("\n\n").next().unwrap().to_string()
    };
    assert_eq!(
        errors("flow save picture.png"),
        "error: cannot save the picture as `picture.png`: its name says no form\n    flow save picture.png\n    ^^^^\n\
         hint: a name that ends in one of `.txt`, `.svg`, `.mmd`, `.html` does"
    );
    assert_eq!(
        errors("flow save nowhere/picture.svg"),
        "error: cannot save the picture as `nowhere/picture.svg`: no such file or directory\n    flow save nowhere/picture.svg\n    ^^^^"
    );
    let unknown = Shell::new([
        "-c",
        "listen 0 as server",
        "-c",
        "close server",
        "-c",
        "listen 0 as other",
        "-c",
        "flow c9",
    ])
    .run();
    assert!(unknown.screen.contains("the picture has no lane called `c9`"), "{}", unknown.screen);
    assert!(unknown.screen.contains("hint: its lanes are: server, other"), "{}", unknown.screen);
}

#[test]
fn an_empty_picture_says_how_to_begin() {
    let done = Shell::new(["-c", "flow"]).run();
    assert_eq!(done.screen, "nothing has happened yet: `connect HOST:PORT` or `listen PORT` begins\n");
}

#[test]
fn a_program_gets_the_picture_as_data() {
    let text = format!("## One\n{ENDS}@ada send 1\n@seat recv\nflow\n");
    let done = script(&text).arg("--json").run();
    let flow = done.screen.lines().find(|line| line.starts_with("{\"event\":\"flow\"")).unwrap();
    let mut flow: serde_json::Value = serde_json::from_str(flow).unwrap();
    assert_eq!(flow["lanes"], serde_json::json!(["ada", "server", "seat"]));
    let rows = flow["rows"].as_array_mut().unwrap();
    rows.iter_mut().for_each(|row| row["ms"] = 0.into());
    assert_eq!(rows[0], serde_json::json!({"ms": 0, "phase": "One"}));
    assert_eq!(
        rows[4],
        serde_json::json!({"ms": 0, "from": "ada", "to": "seat", "arrow": "message", "number": 1, "text": "1", "bytes": 5, "arrives": 5, "entered": false, "fate": null})
    );
    assert_eq!(rows[5], serde_json::json!({"ms": 0, "lane": "seat", "mark": "reads", "text": "read (1)"}));
}

#[test]
fn a_terminal_gets_names_that_stand_out_and_times_that_stand_back() {
    let done = script(&format!("## One\n{ENDS}flow\n")).arg("--color").arg("always").run();
    let shown = done.screen.rsplit_once("flow\n").unwrap().1;
    let starts: Vec<String> = shown.lines().map(|line| line.chars().take(4).collect()).collect();
    let (bold, dim) = ("\u{1b}[1m", "\u{1b}[2m");
    assert_eq!(starts[..5], [bold, bold, dim, dim, dim].map(str::to_string), "{shown}");
}
