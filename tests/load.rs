//! `run`: a script in the background, once or a thousand times, and the table at the end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;

use common::{Done, script};
use serde_json::Value as Json;

/// A client of a class: it connects, says who it is, and leaves with its answer.
const CLIENT: &str = "param port = 1
param sid = 0
connect 127.0.0.1:$port as me
expect {'clientid': int}
send {'student_name': 'Ada', 'sid': $sid}
expect 1
close me
";

/// The screen with the figures that differ from run to run made equal.
fn shown(done: &Done) -> String {
    let screen = common::normal(&done.screen);
    let figures = [
        (r"in SEC: \d+/s", "in SEC: RATE"),
        (r"  load  \[[#-]+\] \d+ of \d+, \d+ failed, \d+/s\n", ""),
        (r"(  MS){2,}", "  MS"),
    ];
    figures.iter().fold(screen, |screen, (pattern, with)| {
        regex::Regex::new(pattern).unwrap().replace_all(&screen, *with).into_owned()
    })
}

#[test]
fn clients_of_a_class_run_at_once_and_the_table_agrees_with_the_server() {
    let text = "serve 0 as class
run client.lab port=$class.port sid=$n times 40 at once 8 as load
wait load within 20s
check $load.failed == 0
wait class for 40 passed within 20s
check $class.count == 40
";
    let done = script(text).file("client.lab", CLIENT).arg("--save").arg("figures.json").run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let screen = shown(&done);
    assert!(screen.contains("  load  40 runs of client.lab, 8 at once\n"), "{screen}");
    let table = "  load  40 runs ended, 0 failed, in SEC: RATE
  line  step  count  failed  p50  p90  p99
  1  param port = 1  40  0  MS
  2  param sid = 0  40  0  MS
  3  connect 127.0.0.1:PORT as me  40  0  MS
";
    assert!(screen.contains(&table.replace("PORT", "$port")), "{screen}");
    let saved = std::fs::read_to_string(done.folder.path().join("figures.json")).unwrap();
    let saved: Json = serde_json::from_str(&saved).unwrap();
    let load = &saved["load"];
    assert_eq!((load["ended"].as_u64(), load["failed"].as_u64()), (Some(40), Some(0)));
    assert_eq!(load["steps"][3]["count"], 40);
    assert_eq!(load["steps"][3]["text"], "expect {'clientid': int}");
    assert!(load["steps"][3]["p99_ms"].as_f64().unwrap() >= load["steps"][3]["p50_ms"].as_f64().unwrap());
}

#[test]
fn why_runs_failed_is_grouped_by_line_and_reason() {
    let text = "run some.lab n=$n times 10 at once 3 as load\nwait load\n";
    let some = "param n = 0\nlet half = {1: 'a', 2: 'b', 3: 'c'}\ncheck $n < 8\ncheck $n != 2\n";
    let done = script(text).file("some.lab", some).run();
    common::same(
        "
> run some.lab n=$n times 10 at once 3 as load
  load  10 runs of some.lab, 3 at once
> wait load
  load  10 runs ended, 4 failed, in SEC: RATE
  line  step                              count  failed  p50       p90       p99
  1     param n = 0                       10     0  MS
  2     let half = {1: 'a', 2: 'b', 3: '  10     0  MS
  3     check $n < 8                      10     3  MS
  4     check $n != 2                     7      1  MS
  3 times  line 3: the check does not hold; first in run 8: left: 8 (int), right: 8 (int)
  1 time  line 4: the check does not hold; first in run 2: left: 2 (int), right: 2 (int)
test.lab:2:1: error: 4 of 10 runs of `some.lab` failed
    wait load
    ^^^^
  why: 3 times: line 3: the check does not hold; first in run 8: left: 8 (int), right: 8 (int)
  why: 1 time: line 4: the check does not hold; first in run 2: left: 2 (int), right: 2 (int)

test.lab: 1 failed, 1 step passed in SEC
",
        &shown(&done),
    );
    assert_eq!(done.status, 1);
}

#[test]
fn one_run_in_the_background_meets_the_script_that_began_it() {
    let text = "listen 0 as srv
run client.lab port=$srv.port as ada
accept srv as seat
send {'clientid': 7}
expect {'student_name': 'Ada', 'sid': 0}
send 1
expect eof within 5s
wait ada within 5s
";
    let done = script(text).file("client.lab", CLIENT).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    assert!(shown(&done).contains("  ada  1 run of client.lab passed  MS\n"), "{}", done.screen);
}

#[test]
fn runs_that_hang_are_told_and_given_up() {
    let text =
        "listen 0 as srv\nrun client.lab port=$srv.port times 3 at once 2 as load\nwait load within 100ms\n";
    let done = script(text).file("client.lab", CLIENT).run();
    assert_eq!(done.status, 1);
    let screen = common::normal(&done.screen);
    let told = "test.lab:3:1: error: 0 of 3 runs of `load` ended within 100ms (the step's `within`)
    wait load within 100ms
    ^^^^
hint: a longer `within` waits on; after `? wait load within ...` the script goes on, and so do they
";
    assert!(screen.contains(told), "{screen}");
}

/// Behind a step that would be seen, a mistake runs nothing.
#[track_caller]
fn slip(line: &str, expected: &str) {
    script(&format!("say never shown\n{line}\n")).file("client.lab", CLIENT).run().shows(2, expected);
}

#[test]
fn a_slip_in_the_line_runs_nothing() {
    slip(
        "run client.lab hots=1 times 3",
        "
test.lab:2:5: error: `client.lab` has no param `hots`
    run client.lab hots=1 times 3
        ^^^^^^^^^^
hint: its params are port, sid
",
    );
    slip(
        "run client.lab times 3 at twice 2",
        "
test.lab:2:27: error: `once` is missing
    run client.lab times 3 at twice 2
                              ^^^^^
hint: at once M: how many at the same time
",
    );
    slip(
        "run client.lab times 0",
        "
test.lab:2:22: error: `times` takes 1 to 100000000, not 0
    run client.lab times 0
                         ^
hint: run FILE times N at once M: N runs in all, M of them at the same time
",
    );
    slip(
        "run client.lab times 2 at once 0",
        "
test.lab:2:32: error: `at once` takes 1 to 20000, not 0
    run client.lab times 2 at once 0
                                   ^
hint: run FILE times N at once M: N runs in all, M of them at the same time
",
    );
    slip(
        "run client.lab as l\nwait l for 2 passed",
        "
test.lab:3:6: error: `l` is not a class
    wait l for 2 passed
         ^
hint: `serve PORT as NAME` serves one
",
    );
    slip(
        "run client.lab as l\ncheck $l.passed == 1",
        "
test.lab:3:7: error: runs of a script have no `.passed`
    check $l.passed == 1
          ^^^^^^^^^
hint: they have `.times`, `.ended`, `.failed`
",
    );
}

#[test]
fn a_script_that_cannot_be_run_runs_nothing() {
    slip(
        "run test.lab",
        "
test.lab:2:5: error: `test.lab` runs itself: test.lab -> test.lab
    run test.lab
        ^^^^^^^^
hint: it would never end: `run` another script, or `repeat` the steps
",
    );
    slip(
        "run nothing.lab",
        "
test.lab:2:5: error: cannot read `nothing.lab`: no such file
    run nothing.lab
        ^^^^^^^^^^^
hint: the name starts from the folder of the script that this line stands in
",
    );
    let inside = script("run bad.lab\n").file("bad.lab", "send $nothing\n").run();
    assert_eq!(inside.status, 2);
    assert!(inside.screen.starts_with("bad.lab:1:6: error: no earlier step gives"), "{}", inside.screen);
    assert!(Path::new("scripts/client.lab").exists());
}

#[test]
fn a_script_that_starts_programs_is_refused_in_the_background_too() {
    let refused = script("say never shown\nrun other.lab times 2\n").file("other.lab", "spawn true\n").run();
    refused.shows(
        2,
        "
other.lab:1:1: error: this would start a program, and `--allow-spawn` was not given
    spawn true
    ^^^^^
hint: a script from someone else could start anything: read it, then run `lab2sh --allow-spawn ...`
",
    );
    let allowed = script("run other.lab times 4 at once 2 as load\nwait load within 20s\n")
        .file("other.lab", "spawn true as it\nexpect exit 0 within 10s\n")
        .arg("--allow-spawn")
        .run();
    assert_eq!(allowed.status, 0, "{}", allowed.screen);
}

/// The first two runs end at once, the others not before they are given up.
const HANGS: &str = "param n = 0\nrepeat until check $n < 3 passes within 60s\n";

#[test]
fn what_ended_before_ctrl_c_is_told_and_saved() {
    let text = "run hangs.lab n=$n times 5 at once 3 as load
repeat until check $load.ended == 2 passes within 20s
sockets
wait load
";
    let mut run = script(text).file("hangs.lab", HANGS).arg("--save").arg("figures.json").start();
    run.wait_for("wait load");
    run.signal("INT");
    let done = run.finish();
    common::same(
        "
> run hangs.lab n=$n times 5 at once 3 as load
  load  5 runs of hangs.lab, 3 at once
> repeat until check $load.ended == 2 passes within 20s
  ok $load.ended == 2
> sockets
  name  state    local        peer      sent  received  unread  tcp  unacked
  load  running  2 of 5 runs  0 failed
> wait load
test.lab:4:1: error: `wait` was interrupted
    wait load
    ^^^^
  load  2 of 5 runs ended, 0 failed, in SEC: RATE
  line  step                              count  failed  p50       p90       p99
  1     param n = 0                       2      0  MS
  2     repeat until check $n < 3 passes  2      0  MS

test.lab: 1 failed, 3 steps passed in SEC
",
        &shown(&done),
    );
    assert_eq!(done.status, 130);
    let saved = std::fs::read_to_string(done.folder.path().join("figures.json")).unwrap();
    let saved: Json = serde_json::from_str(&saved).unwrap();
    assert_eq!((&saved["load"]["ended"], &saved["load"]["times"]), (&2.into(), &5.into()));
}

#[test]
fn a_run_that_failed_fails_the_script_that_does_not_wait_for_it() {
    let text = "run some.lab n=$n times 5 at once 5 as load\nsleep 300ms\n";
    let done = script(text).file("some.lab", "param n = 0\ncheck $n != 3\n").run();
    common::same(
        "
> run some.lab n=$n times 5 at once 5 as load
  load  5 runs of some.lab, 5 at once
> sleep 300ms
  load  5 runs ended, 1 failed, in SEC: RATE
  line  step           count  failed  p50       p90       p99
  1     param n = 0    5      0  MS
  2     check $n != 3  5      1  MS
  1 time  line 2: the check does not hold; first in run 3: left: 3 (int), right: 3 (int)
error: 1 of 5 runs of `some.lab` failed, and nobody waited for `load`
  why: 1 time: line 2: the check does not hold; first in run 3: left: 3 (int), right: 3 (int)
hint: `wait load` waits for all of them; `? wait load` where they may fail

test.lab: 1 failed, 2 steps passed in SEC
",
        &shown(&done),
    );
    assert_eq!(done.status, 1);
    let two = "run some.lab n=3 as one\nrun some.lab n=3 as two\nsleep 100ms\n";
    let two = script(two).file("some.lab", "param n = 0\ncheck $n != 3\n").run();
    let place = |name: &str| two.screen.find(&format!("failed, and nobody waited for `{name}`")).unwrap();
    assert!(place("one") < place("two"), "{}", two.screen);
    // Those that the end of the script has cut off have not failed.
    let cut = script("run some.lab n=3 as load\n").file("some.lab", "param n = 0\nsleep 60s\n").run();
    cut.shows(
        0,
        "
> run some.lab n=3 as load
  load  1 run of some.lab
  load  0 of 1 run ended in SEC

test.lab: 1 step passed in SEC
",
    );
    let lines = ["-c", "run some.lab as load", "-c", "sleep 100ms"];
    let lines = common::Shell::new(lines).file("some.lab", "check 1 == 2\n").run();
    assert!(lines.screen.contains("and nobody waited for `load`"), "{}", lines.screen);
    assert_eq!(lines.status, 1);
}

#[test]
fn runs_keep_their_name() {
    let again = |between: &str| {
        let text = format!("run some.lab as load\nwait load\n{between}run some.lab as load\nwait load\n");
        script(&text).file("some.lab", "say hello\n").run()
    };
    again("").shows(
        2,
        "
test.lab:3:1: error: `load` is the name of runs that were begun before
    run some.lab as load
    ^^^
hint: take another name, or `close load` first
",
    );
    assert_eq!(again("close load\n").status, 0);
    // In a loop it is known when it comes to that.
    let text = "repeat 2\n    run some.lab as load\n    wait load\nend\n";
    let turns = script(text).file("some.lab", "say hello\n").run();
    assert!(turns.screen.contains("error: `load` is the name of runs"), "{}", turns.screen);
    assert_eq!(turns.status, 2);
}
