//! Programs that a script starts: what they say, what they are typed, how they end, and that a script has to be allowed to.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;
mod pty;

use common::{Done, Folder, Shell, python_or_skip, same};
use pty::{ENTER, shell};
use regex::Regex;

/// A script that may start programs.
fn allowed(text: &str) -> Shell {
    Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", text)
}

/// The whole screen is `expected`, numbers of processes aside, and so is the exit status.
#[track_caller]
fn shows(done: &Done, status: i32, expected: &str) {
    same(expected, &Regex::new(r"\bpid \d+").unwrap().replace_all(&done.screen, "pid PID"));
    assert_eq!(done.status, status, "the exit status; the screen was:\n{}", done.screen);
}

#[test]
fn a_conversation_with_a_program() {
    let text = r#"
spawn sh -c 'echo "who is there?"; read name; echo "hello $name"; read all; echo "no more" >&2; read end; exit 3' as porter
@porter expect output /who/
@porter type Ada Lovelace
@porter expect output "hello Ada Lovelace"
type that is all
@porter expect output str as last
check $last == "no more"
type eof
@porter expect exit int as status
check $status == 3
check $porter.exit == 3
wait porter
close porter
"#;
    shows(
        &allowed(text).run(),
        0,
        r#"
> spawn sh -c 'echo "who is there?"; read name; echo "hello $name"; read all; echo "no more" >&2; read end; exit 3' as porter
  porter  runs sh -c 'echo "who is there?"; read name; echo "hello $name"; read all; echo "no more" >&2; read end; exit 3'  pid PID
> @porter expect output /who/
  porter | who is there?
  ok porter said 'who is there?'
> @porter type Ada Lovelace
  porter > Ada Lovelace
> @porter expect output "hello Ada Lovelace"
  porter | hello Ada Lovelace
  ok porter said 'hello Ada Lovelace'
> type that is all
  porter > that is all
> @porter expect output str as last
  porter ! no more
  ok porter said 'no more'
> check $last == "no more"
  ok $last == "no more"
> type eof
  porter > end of input
> @porter expect exit int as status
  porter  ended: exit 3  MS
  ok porter exit 3, as expected
> check $status == 3
  ok $status == 3
> check $porter.exit == 3
  ok $porter.exit == 3
> wait porter
> close porter

test.lab: 13 steps passed in SEC
"#,
    );
}

#[test]
fn words_are_the_shells_and_names_are_filled_in() {
    let text = r#"
let who = "Ada L."
listen 0 as srv
spawn printf '%s|' two\ words "and $who" '$who' $srv.port * as words
@words expect output /^two words\|and Ada L.\|\$who\|\d+\|\*\|$/
spawn echo as as as
@as expect output "as"
spawn echo no name
@p1 expect output "no name"
"#;
    let done = allowed(text).run();
    assert_eq!(done.status, 0, "{}", done.screen);
}

#[test]
fn a_question_without_a_newline_is_seen() {
    let done = allowed(
        "spawn sh -c 'printf \"Name: \"; read name; echo \"hi $name\"' as it\n@it expect output \"Name: \"\n\
         @it type Ada\n@it expect output \"hi Ada\"\n@it expect exit 0\n",
    )
    .run();
    assert_eq!(done.status, 0, "{}", done.screen);
}

#[test]
fn input_can_end() {
    shows(
        &allowed("spawn cat as cat\ntype eof\nwait cat\n! type more\n! type eof\n").run(),
        2,
        r#"
> spawn cat as cat
  cat  runs cat  pid PID
> type eof
  cat > end of input
> wait cat
  cat  ended: exit 0  MS
> ! type more
  failed, as it must: `cat` reads no more input: broken pipe
  hint: it has ended, or its input was ended with `type eof`
> ! type eof
test.lab:5:3: error: the input of `cat` has ended before
    ! type eof
      ^^^^
hint: what it reads next is the end; `spawn` it again to type more

test.lab: 1 failed, 4 steps passed in SEC
"#,
    );
}

#[test]
fn what_is_missing_is_shown_with_what_came() {
    let text = "spawn sh -c 'echo one; echo two; exit 7' as it\n? @it expect output \"three\"\n? @it expect exit 0\n@it expect output /o/\n@it expect exit 0\n";
    shows(
        &allowed(text).run(),
        1,
        r#"
> spawn sh -c 'echo one; echo two; exit 7' as it
  it  runs sh -c 'echo one; echo two; exit 7'  pid PID
> ? @it expect output "three"
  it | one
  it | two
  it  ended: exit 7  MS
  failed, as it may: `it` ended (exit 7) and had said nothing that matches
  hint: each `expect output` looks at the lines after the one that the last took; a string has to be the whole line, a /regex/ a part of it
> ? @it expect exit 0
  failed, as it may: `it` ended otherwise than expected: exit 7
  hint: a program's status is 0 when all went well; Python gives 1 for an error that nobody caught
> @it expect output /o/
  ok it said 'one'
> @it expect exit 0
test.lab:5:17: error: `it` ended otherwise than expected: exit 7
    @it expect exit 0
                    ^
  wanted:    exit 0
  got:       exit 7
  said last: 'two'
hint: a program's status is 0 when all went well; Python gives 1 for an error that nobody caught

test.lab: 1 failed, 4 steps passed in SEC
"#,
    );
}

#[test]
fn output_that_does_not_come_is_missed_in_time() {
    let text = "spawn sh -c 'echo one; echo two; read x' as it\n@it expect output \"two\"\n@it type go\nwait it\n\
                spawn sh -c 'echo hello; sleep 60' as other\n@other expect output /bye/ within 300ms\n";
    shows(
        &allowed(text).run(),
        1,
        r#"
> spawn sh -c 'echo one; echo two; read x' as it
  it  runs sh -c 'echo one; echo two; read x'  pid PID
> @it expect output "two"
  it | one
  it | two
  ok it said 'two'
> @it type go
  it > go
> wait it
  it  ended: exit 0  MS
> spawn sh -c 'echo hello; sleep 60' as other
  other  runs sh -c 'echo hello; sleep 60'  pid PID
> @other expect output /bye/ within 300ms
  other | hello
test.lab:6:8: error: `other` said nothing that matches within 300ms (the step's `within`)
    @other expect output /bye/ within 300ms
           ^^^^^^
  wanted:    /bye/
  new lines: 'hello'
hint: it is still running: a longer `within` waits on, `@other type TEXT` answers what it may ask
  other  was ended with the session  MS

test.lab: 1 failed, 5 steps passed in SEC
"#,
    );
}

#[test]
fn the_last_lines_are_all_in_the_report() {
    let done =
        allowed("spawn sh -c 'echo one; echo two; exit 1' as it\n@it expect exit 0\n").arg("--json").run();
    let failed = done.screen.lines().find(|line| line.contains("\"failed\"")).unwrap();
    let failed: serde_json::Value = serde_json::from_str(failed).unwrap();
    assert_eq!(failed["details"]["said last"], "'one'\n'two'");
}

#[test]
fn a_wait_that_is_too_short_says_so() {
    shows(
        &allowed("spawn sleep 20 as it\nwait it within 50ms\n").run(),
        1,
        r#"
> spawn sleep 20 as it
  it  runs sleep 20  pid PID
> wait it within 50ms
test.lab:2:1: error: `it` is still running after 50ms (the step's `within`)
    wait it within 50ms
    ^^^^
  said last: none
hint: `close it` ends it; a longer `within` waits on
  it  was ended with the session  MS

test.lab: 1 failed, 1 step passed in SEC
"#,
    );
}

#[test]
fn a_program_that_runs_too_long_is_ended() {
    shows(
        &allowed("set program-time 100ms\nspawn sleep 20 as it\nexpect exit 0\n").run(),
        1,
        r#"
> set program-time 100ms
  program-time 100ms
> spawn sleep 20 as it
  it  runs sleep 20  pid PID
> expect exit 0
  it  was ended: it ran longer than 100ms (`set program-time`)  MS
test.lab:3:1: error: `it` did not end by itself: it ran longer than 100ms (`set program-time`)
    expect exit 0
    ^^^^^^
  said last: none
hint: a loop without an end looks like this; `set program-time` before `spawn` gives more time

test.lab: 1 failed, 2 steps passed in SEC
"#,
    );
}

#[test]
fn what_a_program_writes_cannot_move_the_cursor() {
    let done =
        allowed("spawn printf '\\033[2Jclear\\r\\n\\342\\200\\256turned\\n\\377\\n' as it\nwait it\n").run();
    let said: Vec<&str> = done.lines_after("it | ").collect();
    assert_eq!(said, ["\\x1b[2Jclear", "\\u202eturned", "\u{fffd}"], "{}", done.screen);
}

/// A program that is not there, and one that is none.
#[test]
fn what_cannot_be_started_is_named() {
    let shell = allowed("? spawn nowhere\n? spawn client.py\n? spawn ./client.py\n? spawn .\n");
    shows(
        &shell.file("client.py", "print()").run(),
        0,
        r#"
> ? spawn nowhere
  failed, as it may: cannot start `nowhere`: no such program
  hint: `./NAME` starts a program that lies in the working folder
> ? spawn client.py
  failed, as it may: cannot start `client.py`: no such file
  hint: a Python program is started with `spawn python3 client.py`
> ? spawn ./client.py
  failed, as it may: cannot start `./client.py`: it is not executable
  hint: Python starts it: `spawn python3 FILE.py`
> ? spawn .
  failed, as it may: cannot start `.`: it is a folder
  hint: a program is a file, in the folder or elsewhere

test.lab: 4 steps passed in SEC
"#,
    );
}

#[test]
fn a_script_that_may_not_start_programs_runs_nothing() {
    let refused = |text: &str, at: &str, line: &str, caret: &str| {
        let done = Shell::new(["test.lab"])
            .file("test.lab", format!("say never shown\n{text}\n"))
            .file("inner.lab", "say inner\nrepeat 2 ? spawn touch evil\n")
            .run();
        let expected = format!(
            "{at}: error: this would start a program, and `--allow-spawn` was not given\n    {line}\n    {caret}\n\
             hint: a script from someone else could start anything: read it, then run `lab2sh --allow-spawn ...`\n"
        );
        done.shows(2, &expected);
        assert!(!done.folder.path().join("evil").exists());
    };
    refused("spawn touch evil", "test.lab:2:1", "spawn touch evil", "^^^^^");
    refused("! spawn touch evil", "test.lab:2:3", "! spawn touch evil", "  ^^^^^");
    refused("on 1 spawn touch evil", "test.lab:2:6", "on 1 spawn touch evil", "     ^^^^^");
    refused("include inner.lab", "inner.lab:2:12", "repeat 2 ? spawn touch evil", "           ^^^^^");
    let done = Shell::new(["-c", "say never", "-c", "repeat 2 spawn touch evil"]).run();
    assert!(done.screen.starts_with("-c:2:10: error: this would start a program"), "{}", done.screen);
    assert_eq!(done.status, 2);
    // Looking at a script starts nothing.
    let done = Shell::new(["--check", "test.lab"]).file("test.lab", "spawn touch evil\n").run();
    assert_eq!((done.status, done.screen.as_str()), (0, ""));
}

#[test]
fn a_seat_script_starts_no_programs() {
    let shell = allowed("say never shown\nserve 0 with seat.lab\n").file("seat.lab", "spawn touch evil\n");
    shell.run().shows(
        2,
        r#"
seat.lab:1:1: error: a seat script starts no programs: it would start one for each client
    spawn touch evil
    ^^^^^
hint: `spawn` it in the script that serves
"#,
    );
}

#[test]
fn there_is_no_shell() {
    common::refused(
        "spawn echo hello > out.txt",
        r#"
test.lab:2:18: error: `>` is for a shell, and a program is started without one
    spawn echo hello > out.txt
                     ^
hint: quoted, '>' is an argument like any other
"#,
    );
    common::refused(
        "spawn sleep 20 within 5s as student",
        r#"
test.lab:2:16: error: `spawn` does not wait, so `within` has no meaning here
    spawn sleep 20 within 5s as student
                   ^^^^^^
hint: `set program-time 5s` says how long a program may run; quoted, 'within' is an argument
"#,
    );
    common::refused(
        "spawn as student",
        r#"
test.lab:2:7: error: a program is missing
    spawn as student
          ^^
hint: `spawn python3 client.py 12000 as student`
"#,
    );
}

#[test]
fn programs_stand_among_the_sockets() {
    let text = "spawn cat as cat\ntype hello\nexpect output \"hello\"\nspawn sh -c 'exit 3' as gone\nwait gone\nsockets\n";
    let done = allowed(text).run();
    let table: Vec<&str> = done.screen.split("> sockets\n").nth(1).unwrap().lines().take(3).collect();
    let pids = Regex::new(r"pid \d+").unwrap();
    let table: Vec<String> = table
        .iter()
        .map(|line| pids.replace(line, "pid PID").split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        table,
        [
            "name state local peer sent received unread tcp unacked rtt",
            "cat running pid PID 6 B",
            "gone exit 3 pid PID 0 B"
        ],
        "{}",
        done.screen
    );
}

/// Nobody reads what lab2sh writes, so that it cannot end in good order.
#[test]
#[cfg(target_os = "linux")]
fn programs_end_also_when_the_screen_is_stuck() {
    let text = "spawn sleep 300 as it\nlet pid = $it.pid\nrepeat 100000 say a line that nobody reads, to fill the pipe\n";
    let (mut command, _folder) = allowed(text).into_command();
    let (screen, out) = std::io::pipe().unwrap();
    let mut child = command.stdin(std::process::Stdio::null()).stdout(out).spawn().unwrap();
    drop(command);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(&screen));
    let bound = lines.find_map(|line| line.unwrap().strip_prefix("  pid = ").map(str::to_string)).unwrap();
    let program = rustix::process::Pid::from_raw(bound.parse().unwrap()).unwrap();
    let own = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(143));
    // It was ended at once and not waited for: whoever inherits it takes note of its end.
    let began = std::time::Instant::now();
    while rustix::process::test_kill_process(program).is_ok() && !is_dead(program) {
        assert!(began.elapsed() < common::LIMIT, "{program:?} is still there");
        std::thread::yield_now();
    }
}

/// Whether a process has ended and is only not reaped.
#[cfg(target_os = "linux")]
fn is_dead(pid: rustix::process::Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

#[test]
fn a_socket_and_a_program_are_told_apart() {
    let text = "listen 0 as srv\nspawn cat as cat\n? check $cat.port == 1\n";
    let done = allowed(text).run();
    assert!(done.screen.contains("error: a program has no `.port`\n"), "{}", done.screen);
    assert!(done.screen.contains("hint: it has `.pid`, `.exit`, `.said`\n"), "{}", done.screen);
    let done = allowed("spawn cat as cat\n@cat send 1\n").run();
    assert!(done.screen.contains("error: `cat` is a program, not a connection\n"), "{}", done.screen);
    let done = allowed("listen 0 as srv\n@srv expect output \"x\"\n").run();
    assert!(done.screen.contains("error: `srv` is not a program\n"), "{}", done.screen);
}

#[test]
fn programs_are_events_for_a_program_too() {
    let text = "spawn sh -c 'echo out; echo err >&2' as it\nwait it\n@it expect output /out|err/\nspawn cat as cat\ntype x\nclose cat\n";
    let done = allowed(text).arg("--json").run();
    let events: Vec<serde_json::Value> =
        done.screen.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    assert_eq!(of("spawned")[0]["words"], serde_json::json!(["sh", "-c", "echo out; echo err >&2"]));
    let mut said: Vec<_> = of("said_by")
        .iter()
        .take(2)
        .map(|it| (it["stream"].as_str().unwrap(), it["text"].as_str().unwrap()))
        .collect();
    said.sort_unstable();
    assert_eq!(said, [("err", "err"), ("out", "out")]);
    assert_eq!(of("ended_program")[0]["status"], 0);
    assert!(of("ended_program")[0]["why"].is_null());
    assert_eq!(of("typed")[0]["text"], "x");
    assert_eq!(of("ended_program")[1]["why"], "closed");
    assert_eq!(events.last().unwrap()["event"], "summary");
}

#[test]
fn a_recording_with_a_program_replays() {
    let text = "spawn cat as before\nrecord session.lab\nspawn cat\n@p1 type hello\n@p1 expect output \"hello\"\n\
                @before type eof\nwait before\nrecord stop\n";
    let done = allowed(text).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let session = std::fs::read_to_string(done.folder.path().join("session.lab")).unwrap();
    same(
        "# A recorded session; `lab2sh session.lab` replays it.\n\
         # programs are started here: `lab2sh --allow-spawn` replays it\n\n\
         # Open before the recording began.\nspawn cat as before\n\n\
         spawn cat\n@p1 type hello\n@p1 expect output \"hello\"\n@before type eof\nwait before\n",
        &session,
    );
    let again = Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", session).run();
    assert_eq!(again.status, 0, "{}", again.screen);
}

#[test]
fn at_the_prompt_a_person_is_asked_once() {
    let folder = Folder::new();
    let mut terminal = shell(&folder).start();
    terminal.at(">");
    terminal.line("spawn touch no");
    terminal.sees("run programs from this session? (y/N)");
    terminal.keys(ENTER);
    terminal.sees("hint: the next `spawn` asks again; `lab2sh --allow-spawn` asks no more");
    terminal.at(">");
    terminal.line("spawn sh -c 'echo one' as it");
    terminal.stands("run programs from this session? (y/N)");
    terminal.line("y");
    terminal.sees("ended: exit 0");
    terminal.at(">");
    terminal.line("spawn sh -c 'read x; echo \"got $x\"' as other");
    terminal.sees("other  runs sh");
    terminal.at(">");
    terminal.line("@other type hello");
    terminal.line("@other expect output \"got hello\"");
    terminal.sees("ok other said 'got hello'");
    terminal.line("quit");
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_sane());
    assert_eq!(terminal.screen().matches("(y/N)").count(), 2, "{}", terminal.screen());
    assert!(!folder.path().join("no").exists());
}

/// Starts `rogue.py HOW` as `it`.
fn rogue(how: &str, rest: &str) -> Option<Shell> {
    let python = python_or_skip()?;
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/rogue.py");
    Some(allowed(&format!("spawn {python} {program} {how} as it\n@it expect output /^pids/\n{rest}\n")))
}

/// Every process that the program named is gone.
#[track_caller]
fn nothing_is_left(screen: &str) {
    let (_, pids) = screen.split_once("| pids ").unwrap_or_else(|| panic!("no pids:\n{screen}"));
    for pid in pids.lines().next().unwrap().split(' ') {
        let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
        let asked = rustix::process::test_kill_process(pid);
        assert_eq!(asked, Err(rustix::io::Errno::SRCH), "{pid:?} is still there:\n{screen}");
    }
}

#[test]
fn a_program_that_forks_ends_with_all_it_started() {
    let Some(shell) = rogue("fork", "close it") else { return };
    let done = shell.run();
    assert!(done.screen.contains("  it  was ended by `close`"), "{}", done.screen);
    assert_eq!(done.status, 0);
    nothing_is_left(&done.screen);
}

#[test]
fn what_a_program_leaves_behind_is_ended_and_named() {
    let Some(shell) = rogue("orphan", "wait it") else { return };
    let done = shell.run();
    assert!(done.screen.contains("  it  ended: exit 0"), "{}", done.screen);
    nothing_is_left(&done.screen);
    // Only Linux says what else is in a group.
    #[cfg(target_os = "linux")]
    assert!(done.screen.contains("  with it ended 2 processes that it left: python"), "{}", done.screen);
}

#[test]
#[cfg(target_os = "linux")]
fn what_has_left_the_group_is_found_all_the_same() {
    let Some(shell) = rogue("daemon", "wait it") else { return };
    let done = shell.run();
    assert!(
        done.screen.contains("processes that it left: python")
            || done.screen.contains("process that it left: python"),
        "{}",
        done.screen
    );
    nothing_is_left(&done.screen);
}

#[test]
fn a_program_that_ignores_sigterm_is_killed() {
    let Some(shell) = rogue("ignore", "") else { return };
    let done = shell.run();
    assert!(
        done.screen.contains("  it  was ended with the session; SIGTERM did not end it, SIGKILL did"),
        "{}",
        done.screen
    );
    nothing_is_left(&done.screen);
}

#[test]
fn a_program_that_floods_is_ended_and_its_lines_are_bounded() {
    for how in ["flood", "line"] {
        let Some(shell) = rogue(how, "wait it") else { return };
        let done = shell.run();
        assert!(
            done.screen.contains("error: `it` did not end by itself: it wrote more than 64 MiB\n"),
            "{how}: {}",
            &done.screen[done.screen.len().saturating_sub(2000)..]
        );
        assert!(done.screen.len() < 2 << 20, "{how}: {} B on the screen", done.screen.len());
        assert!(done.screen.contains("more bytes were not kept"), "{how}");
        assert_eq!(done.status, 1);
        nothing_is_left(&done.screen);
    }
}

#[test]
fn a_program_that_reads_for_ever_ends_with_its_time() {
    let Some(python) = python_or_skip() else { return };
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/rogue.py");
    let text = format!("set program-time 2s\nspawn {python} {program} read as it\nwait it\n");
    let done = allowed(&text).run();
    assert!(
        done.screen.contains("error: `it` did not end by itself: it ran longer than 2s"),
        "{}",
        done.screen
    );
    nothing_is_left(&done.screen);
}

#[test]
fn a_program_that_exits_at_once_has_said_all() {
    let Some(shell) = rogue("exit", "expect exit 0") else { return };
    let done = shell.run();
    assert_eq!(done.status, 0, "{}", done.screen);
    nothing_is_left(&done.screen);
}

#[test]
fn a_signal_that_ends_lab2sh_ends_its_programs() {
    for (signal, status) in [("TERM", 143), ("INT", 130), ("HUP", 129), ("QUIT", 131)] {
        for how in ["fork", "ignore"] {
            let Some(shell) = rogue(how, "wait it") else { return };
            let mut running = shell.start();
            running.wait_for("> wait it");
            running.signal(signal);
            let done = running.finish();
            assert_eq!(done.status, status, "{signal} {how}:\n{}", done.screen);
            nothing_is_left(&done.screen);
        }
    }
}
