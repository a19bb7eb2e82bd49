//! Step mode: a script walked through at the keyboard of a real terminal, or by the clock.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;
mod pty;

use std::fs;

use common::{Folder, anywhere, normal, recorded, root, script};
use pty::{CTRL_C, CTRL_D, ENTER, Setup, Terminal, program, shell};

const ALT_A: &str = "\x1ba";
const ALT_P: &str = "\x1bp";
const ALT_Q: &str = "\x1bq";
const ALT_R: &str = "\x1br";
const ALT_S: &str = "\x1bs";
const PAGE_DOWN: &str = "\x1b[6~";
const BACKSPACE: &str = "\x7f";

fn handshake() -> String {
    root().join("scripts/handshake.lab").to_string_lossy().into_owned()
}

fn stepping(setup: Setup, file: &str) -> Terminal {
    setup.args(&["--step", file]).start()
}

/// Waits for a step in the editor, and presses a key.
#[track_caller]
fn press(terminal: &Terminal, line: &str, keys: &str) {
    terminal.typed(line);
    terminal.keys(keys);
}

/// A whole lecture: a step is edited, a command comes in between, a phase is run again, a step is skipped.
fn lecture(columns: u16, end_of_let: &str) {
    let folder = Folder::new();
    let mut terminal = stepping(shell(&folder).size(100, columns), &handshake());
    press(&terminal, "> listen 0 as server", ENTER);
    press(&terminal, "server> connect 127.0.0.1:$server.port as student", PAGE_DOWN);
    press(&terminal, "student> accept server as seat", ENTER);
    // An edit: another id.
    let edit = format!("{BACKSPACE}{BACKSPACE}8}}{ENTER}");
    press(&terminal, "seat> @seat send {\"clientid\": 7}", &edit);
    // A command of one's own in between.
    let expect = "seat> @student expect {\"clientid\": int as id} within 2s";
    press(&terminal, expect, CTRL_C);
    press(&terminal, "seat>", &format!("check $seat.sent > 0{ENTER}"));
    terminal.sees("ok $seat.sent > 0");
    press(&terminal, "seat>", ENTER);
    press(&terminal, expect, ENTER);
    // The phase that was just shown once more, from the first step of the next.
    press(&terminal, end_of_let, ALT_A);
    press(&terminal, "seat> @seat send {\"clientid\": 7}", ALT_P);
    press(&terminal, end_of_let, ENTER);
    press(&terminal, "seat> @student send $me", ENTER);
    press(
        &terminal,
        "seat> @seat expect {\"student_name\": str as name, \"sid\": int | str} within 2s",
        ENTER,
    );
    press(&terminal, "seat> @seat send {\"message\": \"welcome, ${name}\"}", ALT_S);
    press(&terminal, "seat> @seat send {\"message\": \"that is all for today\"}", ALT_R);
    assert_eq!(terminal.ends(), 0);
    recorded(&format!("step-{columns}"), &(anywhere(&terminal.screen()) + "\n"));
}

#[test]
fn a_lecture_on_80_columns() {
    lecture(80, " 900000001}");
}

#[test]
fn a_lecture_on_120_columns() {
    lecture(
        120,
        "seat> let me = {\"student_name\": \"Ada Lovelace\", \"github_username\": \"ada\", \"sid\": 900000001}",
    );
}

/// What a run shows of what happened: everything but the steps as they were typed.
fn effects(screen: &str) -> Vec<String> {
    let screen = normal(screen);
    let lines = screen.lines().filter(|line| line.starts_with("  ") || line.starts_with("== "));
    lines.map(|line| line.split("  MS").next().unwrap().to_string()).collect()
}

#[test]
fn enter_for_each_step_shows_what_a_replay_shows() {
    let folder = Folder::new();
    let mut terminal = stepping(shell(&folder).size(100, 120), &handshake());
    let text = fs::read_to_string(handshake()).unwrap();
    for step in text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', 's'])) {
        terminal.stands(step);
        terminal.keys(ENTER);
    }
    assert_eq!(terminal.ends(), 0);
    let by_hand = terminal.screen();
    let alone = common::Shell::new([handshake()]).run();
    assert_eq!(alone.status, 0);
    let (_, by_hand_began) = by_hand.split_once("\n== ").unwrap();
    let (_, alone_began) = alone.screen.split_once("== ").unwrap();
    let wide: Vec<String> = effects(&format!("== {by_hand_began}"));
    assert_eq!(wide, effects(&format!("== {alone_began}")));
    assert!(by_hand.contains("handshake.lab: 17 steps passed in "), "{by_hand}");
}

#[test]
fn a_step_that_fails_stands_there_again_and_can_be_mended() {
    let folder = Folder::new();
    folder.write("slip.lab", "# Two checks.\ncheck 1 == 2\ncheck 3 == 3\n");
    let mut terminal = stepping(shell(&folder).size(40, 80), "slip.lab");
    press(&terminal, "> check 1 == 2", ENTER);
    terminal.sees("slip.lab:2:7: error: the check does not hold");
    press(&terminal, "> check 1 == 2", &format!("{BACKSPACE}1{ENTER}"));
    press(&terminal, "> check 3 == 3", ENTER);
    assert_eq!(terminal.ends(), 0);
    let screen = terminal.screen();
    let (_, lecture) = screen.split_once("\nTwo checks.\n").unwrap();
    assert_eq!(
        normal(lecture),
        "> check 1 == 2\n\
         slip.lab:2:7: error: the check does not hold\n    check 1 == 2\n          ^^^^^^\n\
         \x20 left:  1 (int)\n  right: 2 (int)\n\
         > check 1 == 1\n  ok 1 == 1\n\
         > check 3 == 3\n  ok 3 == 3\n\n\
         slip.lab: 2 steps passed in SEC"
    );
}

#[test]
fn a_step_that_failed_and_was_left_decides_the_status() {
    let folder = Folder::new();
    folder.write("slip.lab", "check 1 == 2\ncheck 3 == 3\n");
    let mut terminal = stepping(shell(&folder).size(40, 80), "slip.lab");
    press(&terminal, "> check 1 == 2", ENTER);
    terminal.sees("does not hold");
    press(&terminal, "> check 1 == 2", ALT_S);
    press(&terminal, "> check 3 == 3", ENTER);
    assert_eq!(terminal.ends(), 1);
    assert!(terminal.screen().contains("slip.lab: 1 failed, 1 step passed in "), "{}", terminal.screen());
}

#[test]
fn the_first_phase_again_opens_its_sockets_again() {
    let folder = Folder::new();
    let mut terminal = stepping(shell(&folder).size(60, 80), &handshake());
    press(&terminal, "> listen 0 as server", ENTER);
    press(&terminal, "server> connect 127.0.0.1:$server.port as student", ENTER);
    press(&terminal, "student> accept server as seat", ALT_A);
    press(&terminal, "> listen 0 as server", ALT_R);
    assert_eq!(terminal.ends(), 0);
    let screen = normal(&terminal.screen());
    assert!(
        screen.contains(
            "student> accept server as seat\n  back to the start of a phase\n  student  closed\n  server  closed\n"
        ),
        "{screen}"
    );
    assert!(screen.ends_with("handshake.lab: 17 steps passed in SEC"), "{screen}");
}

#[test]
fn words_stand_for_keys_where_the_line_is_set_aside() {
    let folder = Folder::new();
    folder.write("three.lab", "## One\nlet a = 1\n## Two\nlet b = 2\n## Three\nlet c = 3\nlet d = 4\n");
    let mut terminal = stepping(shell(&folder).size(40, 80), "three.lab");
    press(&terminal, "> let a = 1", CTRL_C);
    press(&terminal, ">", &format!("skip{ENTER}"));
    press(&terminal, "> let b = 2", CTRL_C);
    press(&terminal, ">", &format!("phase{ENTER}"));
    press(&terminal, "> let c = 3", CTRL_C);
    press(&terminal, ">", &format!("let own = {{{ENTER}"));
    press(&terminal, ".", &format!("'a': 1}}{ENTER}"));
    press(&terminal, ">", &format!("quit{ENTER}"));
    assert_eq!(terminal.ends(), 0);
    let screen = terminal.screen();
    let (_, lecture) = screen.split_once("== One\n").unwrap();
    assert_eq!(
        normal(lecture),
        "> let a = 1\n  set aside; an empty line brings it back\n> skip\n  skipped\n\n\
         == Two\n> let b = 2\n  set aside; an empty line brings it back\n> phase\n  up to the next phase\n\
         > let b = 2\n  b = 2\n\n\
         == Three\n> let c = 3\n  set aside; an empty line brings it back\n> let own = {\n. 'a': 1}\n  own = {'a': 1}\n\
         > quit\n  not run\n\nthree.lab: 1 step passed, 3 not run in SEC"
    );
}

#[test]
fn a_pause_stops_what_runs_by_itself_and_what_is_said_needs_no_key() {
    let folder = Folder::new();
    folder.write("talk.lab", "let a = 1\nsay Look here\npause Any questions?\nlet b = 2\n");
    let mut terminal = stepping(shell(&folder).size(40, 80), "talk.lab");
    press(&terminal, "> let a = 1", ALT_R);
    press(&terminal, "> let b = 2", ENTER);
    assert_eq!(terminal.ends(), 0);
    let screen = normal(&terminal.screen());
    assert!(screen.contains("  a = 1\nLook here\nAny questions?\n> let b = 2\n  b = 2\n"), "{screen}");
}

#[test]
fn a_script_on_stdin_leaves_the_keyboard_to_the_lecturer() {
    let folder = Folder::new();
    folder.write("two.lab", "let a = 1\npause Look\nlet b = 2\n");
    let lab2sh = env!("CARGO_BIN_EXE_lab2sh");
    let piped = |options: &str| {
        let line = format!("cat two.lab | {lab2sh} {options}");
        program("/bin/sh", &folder).size(40, 80).args(&["-c", &line]).start()
    };
    let mut terminal = piped("--step");
    press(&terminal, "> let a = 1", ENTER);
    press(&terminal, "> let b = 2", ALT_Q);
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.screen().contains("stdin: 2 steps passed, 1 not run in "), "{}", terminal.screen());
    // A replay's pause finds the keyboard too.
    let mut terminal = piped("-");
    terminal.sees("Look (Enter goes on)");
    terminal.keys(ENTER);
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.screen().contains("stdin: 3 steps passed in "), "{}", terminal.screen());
}

#[test]
fn the_end_of_input_ends_the_lecture() {
    let folder = Folder::new();
    folder.write("two.lab", "let a = 1\nlet b = 2\n");
    let mut terminal = stepping(shell(&folder), "two.lab");
    press(&terminal, "> let a = 1", CTRL_C);
    // On the empty line it brings the step back, on the step it deletes.
    press(&terminal, ">", CTRL_D);
    press(&terminal, "> let a = 1", "\x15");
    press(&terminal, ">", CTRL_D);
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_pace_runs_by_itself_and_shows_what_a_replay_shows() {
    let script = "# Two names.\n## One\nlet a = 1\nsay a is $a\n## Two\n! check $a == 2\n";
    let paced = common::script(script).arg("--pace").arg("10ms").run();
    paced.shows(
        0,
        "
Two names.

== One
> let a = 1
  a = 1
a is 1

== Two
> ! check $a == 2
  failed, as it must: the check does not hold

test.lab: 3 steps passed in 0.02 s
",
    );
}

#[test]
fn a_pace_without_a_keyboard_ends_at_the_first_failure() {
    let done = script("check 1 == 2\nlet b = 2\n").arg("--pace").arg("1ms").run();
    assert_eq!(done.status, 1);
    assert!(done.screen.contains("1 failed, 0 steps passed, 1 not run"), "{}", done.screen);
}

#[test]
fn ctrl_c_stops_the_clock_and_gives_the_keys() {
    let folder = Folder::new();
    folder.write("two.lab", "let a = 1\nlet b = 2\n");
    let mut terminal = shell(&folder).size(40, 80).args(&["--pace", "60s", "two.lab"]).start();
    terminal.sees("> let a = 1");
    terminal.keys(CTRL_C);
    press(&terminal, "> let a = 1", ENTER);
    press(&terminal, "> let b = 2", ENTER);
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn step_mode_without_a_keyboard_or_a_script_says_what_to_do() {
    let folder = Folder::new();
    let terminal = |options: &[&str]| {
        let mut terminal = shell(&folder).args(options).start();
        let status = terminal.ends();
        (status, terminal.screen())
    };
    let (status, screen) = terminal(&["--step"]);
    assert_eq!(status, 2);
    assert_eq!(screen, "error: step mode needs a script\nhint: `lab2sh --step FILE.lab`");
}

#[test]
fn a_hint_ends_with_its_phase_and_where_the_lecture_goes_back_before_it() {
    let folder = Folder::new();
    let first = "listen 0 as srv\ncheck 1 == 1\n## One\nhint read page one\nclose srv\ncheck 2 == 3\n";
    folder.write("two.lab", format!("{first}## Two\ncheck 4 == 5\n"));
    let mut terminal = stepping(shell(&folder).size(80, 80), "two.lab");
    press(&terminal, "> listen 0 as srv", ENTER);
    press(&terminal, "srv> check 1 == 1", ENTER);
    press(&terminal, "srv> hint read page one", ENTER);
    press(&terminal, "srv> close srv", ENTER);
    press(&terminal, "> check 2 == 3", ENTER);
    terminal.sees("hint: read page one");
    // The phase began with a socket that is closed now: what opened it stands before the first title.
    press(&terminal, "> check 2 == 3", ALT_A);
    press(&terminal, "> listen 0 as srv", ENTER);
    press(&terminal, "srv> check 1 == 1", &format!("{BACKSPACE}0{ENTER}"));
    terminal.sees("right: 0 (int)\nsrv> check 1 == 1");
    press(&terminal, "srv> check 1 == 1", ALT_P);
    press(&terminal, "srv> hint read page one", ENTER);
    press(&terminal, "srv> close srv", ENTER);
    press(&terminal, "> check 2 == 3", ALT_S);
    press(&terminal, "> check 4 == 5", ENTER);
    terminal.sees("right: 5 (int)\n> check 4 == 5");
    terminal.keys(ALT_Q);
    assert_eq!(terminal.ends(), 1);
    let screen = terminal.screen();
    assert_eq!(screen.matches("hint: ").count(), 1, "{screen}");
}

const OPEN: &str = "## One\nlisten 0 as server\nconnect 127.0.0.1:$server.port as ada\naccept as seat\n";

#[test]
fn again_goes_back_to_the_phase_that_opened_what_is_closed_by_now() {
    let folder = Folder::new();
    folder.write("bye.lab", format!("{OPEN}## Two\n@seat send 1\nclose seat\n## Three\n@ada expect 1\n"));
    let mut terminal = stepping(shell(&folder).size(80, 80), "bye.lab");
    press(&terminal, "> listen 0 as server", ALT_P);
    press(&terminal, "seat> @seat send 1", ENTER);
    press(&terminal, "seat> close seat", ENTER);
    press(&terminal, "ada> @ada expect 1", ALT_A);
    press(&terminal, "> listen 0 as server", ALT_R);
    assert_eq!(terminal.ends(), 0);
    let screen = normal(&terminal.screen());
    let (_, screen) = screen.split_once("== Three\n").unwrap();
    assert_eq!(
        screen,
        "ada> @ada expect 1
  back to the start of a phase
  it began with a socket that is closed now: back to the phase that opened it
  ada  closed; 5 B were never read
  server  closed

== One
> listen 0 as server
  up to the end
> listen 0 as server
  server  listening on 127.0.0.1:PORT
server> connect 127.0.0.1:$server.port as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> accept as seat
  seat  accepted by server from 127.0.0.1:PORT  MS

== Two
seat> @seat send 1
  seat -> 1  5 B, pickle 3
seat> close seat
  seat  closed  sent 5 B, received 0 B

== Three
ada> @ada expect 1
  ada <- 1  5 B, pickle 3, 1 read, as expected  MS

bye.lab: 6 steps passed in SEC"
    );
}

#[test]
fn what_an_earlier_run_left_unread_is_thrown_away() {
    let folder = Folder::new();
    let steps = "## Two\n@seat send {\"clientid\": 7}\n@ada recv 10\n@ada recv 10\n";
    folder.write("parts.lab", format!("{OPEN}@ada send 5\n{steps}@seat recv\nflow save flow.txt\n"));
    let mut terminal = stepping(shell(&folder).size(80, 80), "parts.lab");
    press(&terminal, "> listen 0 as server", ALT_P);
    press(&terminal, "seat> @seat send {\"clientid\": 7}", ENTER);
    press(&terminal, "seat> @ada recv 10", ENTER);
    press(&terminal, "seat> @ada recv 10", ALT_A);
    press(&terminal, "seat> @seat send {\"clientid\": 7}", ALT_R);
    assert_eq!(terminal.ends(), 0);
    let screen = normal(&terminal.screen());
    let (_, screen) = screen.split_once("  back to the start of a phase\n").unwrap();
    assert_eq!(
        screen,
        r#"  ada  11 B of the earlier run were thrown away

== Two
seat> @seat send {"clientid": 7}
  up to the end
seat> @seat send {"clientid": 7}
  seat -> {'clientid': 7}  21 B, pickle 3
seat> @ada recv 10
  ada <- b'\x80\x03}(X\x08\x00\x00\x00c'  recv(10) gave 10 B  MS
  bytes 0-9 of a message of 18 B or more
seat> @ada recv 10
  ada <- b'lientidK\x07u'  recv(10) gave 10 B  MS
  bytes 10-19 of a message that goes on
seat> @seat recv
  seat <- 5  5 B, pickle 3, 1 read  MS
seat> flow save flow.txt
  picture saved as flow.txt: 3 messages on 3 lanes

parts.lab: 9 steps passed in SEC"#
    );
    let picture = fs::read_to_string(folder.path().join("flow.txt")).unwrap();
    // Each read is of the message of its own run, and what was kept is still there.
    let told =
        ["of (2)", "11 B thrown away, unread", "(3) {'clientid': 7}", "bytes 0 to 9 of (3)", "read (1)"];
    let mut rest = picture.as_str();
    for text in told {
        rest = rest
            .split_once(text)
            .unwrap_or_else(|| panic!("`{text}` is not where it should be:\n{picture}"))
            .1;
    }
}

#[test]
fn a_line_that_a_person_typed_names_files_of_the_working_folder() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("sub")).unwrap();
    folder.write("sub/two.lab", "let a = 1\nrecord script.lab\n");
    let mut terminal = stepping(shell(&folder).size(40, 80), "sub/two.lab");
    press(&terminal, "> let a = 1", CTRL_C);
    press(&terminal, ">", &format!("record typed.lab{ENTER}"));
    press(&terminal, ">", &format!("record stop{ENTER}"));
    press(&terminal, ">", ENTER);
    press(&terminal, "> let a = 1", ENTER);
    press(&terminal, "> record script.lab", ENTER);
    assert_eq!(terminal.ends(), 0);
    let is_there = |name: &str| folder.path().join(name).exists();
    let files = ["typed.lab", "sub/typed.lab", "script.lab", "sub/script.lab"];
    assert_eq!(files.map(is_there), [true, false, false, true], "{}", terminal.screen());
}

#[test]
fn a_step_that_ctrl_c_ends_stops_the_clock_and_gives_the_keys() {
    let folder = Folder::new();
    folder.write("wait.lab", format!("{OPEN}@seat send 1\n@ada listen\n"));
    let mut terminal = shell(&folder).size(60, 80).args(&["--pace", "1ms", "wait.lab"]).start();
    terminal.sees("  ada <- 1 ");
    terminal.keys(CTRL_C);
    press(&terminal, "seat> @ada listen", ALT_Q);
    assert_eq!(terminal.ends(), 130);
    let screen = normal(&terminal.screen());
    let (_, screen) = screen.split_once("  ada <- 1 ").unwrap();
    assert_eq!(
        screen,
        " 5 B, pickle 3, 1 read  MS
^Cwait.lab:6:6: error: `listen` was interrupted
    @ada listen
         ^^^^^^
step mode: Enter runs the line that stands there, also when you have changed it.
Ctrl-C sets it aside for commands of your own, an empty line brings it back.
These can be typed then, or come at once with Alt and their first letter:
  skip  leaves the step out
  phase  runs up to the next phase
  rest  runs up to the end
  again  runs this phase again; at its first step, the one before
  quit  ends the lecture
seat> @ada listen
  not run

wait.lab: 1 failed, 4 steps passed in SEC"
    );
}
