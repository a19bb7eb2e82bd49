//! `record`: a session becomes a script, and the script replays.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;
mod pty;

use std::fs;

use common::{Folder, Peer, Shell, normal, script};
use pty::{CTRL_C, CTRL_D, shell};

#[test]
fn ten_steps_typed_against_a_python_server_replay_against_a_fresh_one() {
    let Some(server) = Peer::server("lab_server.py", &[]) else { return };
    let folder = Folder::new();
    let mut terminal = shell(&folder).size(60, 100).start();
    terminal.at(">");
    terminal.run("record session.lab", ">");
    terminal.run(&format!("connect 127.0.0.1 {} as ada", server.port), "ada>");
    terminal.run("recv as hello", "ada>");
    terminal.run("let me = {\"name\": \"Ada\"}", "ada>");
    terminal.run("send {\"name\": $me.name, \"id\": $hello.clientid}", "ada>");
    terminal.run("recv", "ada>");
    terminal.run("recv", "ada>");
    terminal.run("check $_[0] == 1", "ada>");
    terminal.run("check 1 == 2", "ada>");
    terminal.run("recv within 5s", "ada>");
    terminal.run("send ('bye', 7)", "ada>");
    terminal.run("listen", "ada>");
    // The recording is written when the session ends, also without `record stop`.
    terminal.keys(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.screen().contains("  recorded 12 steps in `session.lab`"), "{}", terminal.screen());
    let recorded = fs::read_to_string(folder.path().join("session.lab")).unwrap();
    assert_eq!(
        recorded.replace(&server.port.to_string(), "PORT"),
        r#"# A recorded session; `lab2sh session.lab` replays it.
param port = PORT
connect 127.0.0.1 $port as ada
@ada expect {'clientid': $ada.port} as hello  # 29 B, pickle 4
let me = {"name": "Ada"}
send {"name": $me.name, "id": $hello.clientid}
@ada expect {'message': 'welcome, Ada', 'bytes': b'\x00\xff', 'none': None}  # 62 B, pickle 4
@ada expect [1.0, (2,), {3}]  # 35 B, pickle 4
check $_[0] == 1
# failed: the check does not hold
#   check 1 == 2
@ada expect '# not a comment' within 5s  # 30 B, pickle 4
send ('bye', 7)
@ada expect ('bye', 7)  # 22 B, pickle 4
@ada expect eof
"#
    );
    server.finish();

    let Some(fresh) = Peer::server("lab_server.py", &[]) else { return };
    let replay = Shell::new([folder.path().join("session.lab")]).arg(&format!("port={}", fresh.port)).run();
    assert_eq!(replay.status, 0, "{}", replay.screen);
    assert!(normal(&replay.screen).ends_with("session.lab: 12 steps passed in SEC"), "{}", replay.screen);
    fresh.finish();
}

#[test]
fn what_was_there_before_is_opened_and_named_first() {
    let more = "param word = \"\"\n## Another file\n@seat send $word\nrecv as said\nrepeat 2 send 2\nrepeat 2 @seat recv\n";
    let done = script(
        "listen 0 as srv
connect 127.0.0.1:$srv.port as ada
accept srv as seat
let me = {\"name\": \"Ada\", \"raw\": b\"\\x00\"}
let unused = 1
use ada
record out.lab
send $me
@seat recv
include more.lab word=\"hi\"
record stop
send 3
",
    )
    .file("more.lab", more)
    .run();
    let folder = done.folder.path();
    assert_eq!(done.status, 0, "{}", done.screen);
    let recorded = fs::read_to_string(folder.join("out.lab")).unwrap();
    assert_eq!(
        recorded,
        r#"# A recorded session; `lab2sh out.lab` replays it.

# Open before the recording began.
listen 0 as srv
connect 127.0.0.1:$srv.port as ada
accept srv as seat
use ada

let me = {'name': 'Ada', 'raw': b'\x00'}
send $me
@seat expect {'name': 'Ada', 'raw': b'\x00'}  # 34 B, pickle 3
param word = 'hi'

## Another file
@seat send $word
@ada expect 'hi' as said  # 10 B, pickle 3
repeat 2 send 2
@seat expect 2  # 5 B, pickle 3
@seat expect 2  # 5 B, pickle 3
"#
    );
    let replay = Shell::new([folder.join("out.lab")]).run();
    assert_eq!(replay.status, 0, "{}", replay.screen);
}

#[test]
fn a_recording_overwrites_nothing_and_one_is_enough() {
    let done = script("record taken.lab\nsay never shown\n").file("taken.lab", "say mine\n").run();
    done.shows(
        3,
        "
> record taken.lab
test.lab:1:1: error: `taken.lab` is there already
    record taken.lab
    ^^^^^^
hint: take another name; a recording overwrites nothing

test.lab: 1 failed, 0 steps passed, 1 not run in SEC
",
    );
    assert_eq!(fs::read_to_string(done.folder.path().join("taken.lab")).unwrap(), "say mine\n");
    script("record a.lab\nrecord b.lab\n").run().shows(
        2,
        "
> record a.lab
  recording to `a.lab`; `record stop` ends it
> record b.lab
test.lab:2:1: error: `a.lab` is being recorded
    record b.lab
    ^^^^^^
hint: `record stop` ends it

test.lab: 1 failed, 1 step passed in SEC
  recorded 0 steps in `a.lab`
",
    );
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_recorded() {
    let done = script("record no/such/folder.lab\n").run();
    done.shows(
        3,
        "
> record no/such/folder.lab
test.lab:1:1: error: cannot write `no/such/folder.lab`: no such file or directory
    record no/such/folder.lab
    ^^^^^^
hint: a script's name starts from the folder of the script, one that is typed from the folder you are in

test.lab: 1 failed, 0 steps passed in SEC
",
    );
}

/// Two connected sockets, at the start of a script or typed at a prompt.
const BOTH_ENDS: &str = "listen 0 as srv\nconnect 127.0.0.1:$srv.port as a\naccept as b\n";

#[test]
fn a_port_that_the_kernel_chose_is_never_written_down() {
    let steps = "record out.lab\nlisten 127.0.0.1:0 as other\nconnect 127.0.0.1:$other.port as c\naccept other as d\n@d send $d.local\n@c recv\nrecord stop\n";
    let done = script(&format!("{BOTH_ENDS}{steps}")).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let recorded = fs::read_to_string(done.folder.path().join("out.lab")).unwrap();
    let (before, _) = recorded.split_once("@c expect").unwrap();
    assert_eq!(
        before,
        "# A recorded session; `lab2sh out.lab` replays it.

# Open before the recording began.
listen 0 as srv
connect 127.0.0.1:$srv.port as a
accept srv as b

listen 127.0.0.1:0 as other
connect 127.0.0.1:$other.port as c
accept other as d
@d send $d.local
"
    );
}

#[test]
fn a_send_whose_rest_went_out_later_is_a_step_of_the_recording() {
    let steps = "record out.lab\n@a send {\"n\": 1} split every 5 gap 3s within 50ms\n@a send {\"n\": 2}\n@b recv\n@b recv\nrecord stop\n";
    let done = script(&format!("{BOTH_ENDS}{steps}")).arg("--keep-going").run();
    let (_, screen) = done.screen.split_once("b> record out.lab\n").unwrap();
    assert_eq!(
        normal(screen),
        r#"  recording to `out.lab`; `record stop` ends it
b> @a send {"n": 1} split every 5 gap 3s within 50ms
test.lab:5:4: error: `a` sent 5 of 14 B within 50ms (the step's `within`): a `gap` was not over
    @a send {"n": 1} split every 5 gap 3s within 50ms
       ^^^^
hint: `within` bounds the whole step; the rest goes out before the next `send` on it
b> @a send {"n": 2}
  a -> {'n': 2}  14 B, pickle 3
  note: 9 B of an earlier `send` went out before it
b> @b recv
  b <- {'n': 1}  14 B, pickle 3, 1 read, 14 B more here  MS
b> @b recv
  b <- {'n': 2}  14 B, pickle 3, 1 read  MS
b> record stop
  recorded 7 steps in `out.lab`

test.lab: 1 failed, 8 steps passed in SEC"#
    );
    let recorded = fs::read_to_string(done.folder.path().join("out.lab")).unwrap();
    let (_, recorded) = recorded.split_once("accept srv as b\n\n").unwrap();
    assert_eq!(
        recorded,
        r#"# `a` sent 5 of 14 B within 50ms (the step's `within`): a `gap` was not over; its rest goes out before the next `send`
? @a send {"n": 1} split every 5 gap 3s within 50ms
@a send {"n": 2}
@b expect {'n': 1}  # 14 B, pickle 3
@b expect {'n': 2}  # 14 B, pickle 3
"#
    );
    let replay = Shell::new([done.folder.path().join("out.lab")]).run();
    assert_eq!(replay.status, 0, "{}", replay.screen);
}

#[test]
fn a_send_that_ctrl_c_cut_short_is_whole_in_the_recording() {
    let folder = Folder::new();
    let mut terminal = shell(&folder).size(60, 80).start();
    terminal.at(">");
    terminal.run("listen 0 as srv", "srv>");
    terminal.run("connect 127.0.0.1:$srv.port as a", "a>");
    terminal.run("accept as b", "b>");
    terminal.run("record out.lab", "b>");
    terminal.line("@a send {\"n\": 1} split every 5 gap 60s");
    terminal.is_running();
    terminal.keys(CTRL_C);
    terminal.at("b>");
    terminal.run("@a send {\"n\": 2}", "b>");
    terminal.run("@b recv", "b>");
    terminal.run("@b recv", "b>");
    terminal.keys(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    let recorded = fs::read_to_string(folder.path().join("out.lab")).unwrap();
    let (_, recorded) = recorded.split_once("accept srv as b\n\n").unwrap();
    let (before, behind) = recorded.split_once("gap 60s within ").unwrap();
    assert_eq!(
        before,
        "# `send` was interrupted; its rest goes out before the next `send`\n? @a send {\"n\": 1} split every 5 "
    );
    let (_, behind) = behind.split_once("ms\n").unwrap();
    assert_eq!(
        behind,
        "@a send {\"n\": 2}\n@b expect {'n': 1}  # 14 B, pickle 3\n@b expect {'n': 2}  # 14 B, pickle 3\n"
    );
    let replay = Shell::new([folder.path().join("out.lab")]).run();
    assert_eq!(replay.status, 0, "{}", replay.screen);
}
