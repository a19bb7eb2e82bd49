//! Phases that need each other, their points, and how the reports and the screen agree on them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::script;

/// Its first phase fails, and its second uses what that one would have named.
const NEEDS: &str = "set show phases
set on-failure next-phase
## The server speaks first
points 2
listen 0 as server
connect 127.0.0.1:$server.port as ada
accept as seat
send {\"client_id\": 7}
@ada expect {\"clientid\": int as id} within 2s
## It answers
points 1
@ada send {\"id\": $id}
@seat expect {\"id\": 7} within 2s
## Nothing of it is needed
points 3
check 1 == 1
";

#[test]
fn a_phase_that_needs_what_a_failed_one_would_have_named_is_not_run() {
    let done = script(NEEDS).arg("--report").arg("json=r.json").arg("--report").arg("junit=r.xml").run();
    let told = "failed 1. The server speaks first  0 passed, 1 failed, 0 of 2 points  MS

== It answers
seat> points 1
seat> @ada send {\"id\": $id}
  not run: line 9 in phase `The server speaks first` would have named `$id`
not run 2. It answers  0 of 1 points  MS
ok     3. Nothing of it is needed  1 check, 3 of 3 points  MS

test.lab: 1 failed, 10 steps passed, 2 not run in SEC
points: 3 of 6
";
    let screen = common::normal(&done.screen);
    assert!(screen.ends_with(&common::normal(told)), "{screen}");
    assert_eq!(done.status, 1);
    let read = |name: &str| std::fs::read_to_string(done.folder.path().join(name)).unwrap();
    let report: serde_json::Value = serde_json::from_str(&read("r.json")).unwrap();
    let second = &report["phases"][1];
    assert_eq!((&second["status"], &second["failed"]), (&"not run".into(), &0.into()));
    assert_eq!(
        second["results"][0]["message"],
        "not run: line 9 in phase `The server speaks first` would have named `$id`"
    );
    assert!(
        read("r.xml").contains("tests=\"3\" skipped=\"1\" failures=\"1\" errors=\"0\""),
        "{}",
        read("r.xml")
    );
}

#[test]
fn what_follows_a_failed_step_is_no_mistake_of_the_script() {
    let text = "connect 127.0.0.1 1 as ada within 2s\n@ada send 1\nrepeat 2\n    let x = 1\n    check $x == 1\nend\n";
    let done = script(text).arg("--keep-going").run();
    let told = "> @ada send 1
  not run: line 1 would have named `ada`
> repeat 2
";
    assert!(done.screen.contains(told), "{}", done.screen);
    assert_eq!(done.status, 3);
}

#[test]
fn a_socket_without_a_name_is_missed_as_well() {
    let text = "listen 0 as server\nconnect 127.0.0.1 1 within 2s\nrecv\n@c1 send 1\nexpect {'a': 1}\n";
    let done = script(text).arg("--keep-going").run();
    let told = "server> recv
  not run: line 2 would have opened a connection
server> @c1 send 1
  not run: line 2 would have named `c1`
server> expect {'a': 1}
  not run: line 2 would have opened a connection

test.lab: 1 failed, 1 step passed, 3 not run in ";
    assert!(done.screen.contains(told), "{}", done.screen);
    assert_eq!(done.status, 3);
}

#[test]
fn tap_skips_what_was_not_run() {
    let done = script(NEEDS).arg("--report").arg("tap=-").run_apart();
    let verdicts: Vec<&str> = done.screen.lines().filter(|line| line.contains("ok ")).collect();
    assert_eq!(
        verdicts,
        [
            "not ok 1 - @ada expect {\"clientid\": int as id} within 2s",
            "ok 2 - @seat expect {\"id\": 7} within 2s # SKIP not run: line 9 in phase `The server speaks first` would have named `$id`",
            "ok 3 - check 1 == 1",
        ]
    );
    // What was skipped makes no run good that was ended.
    let mut ended = script("say here\nsleep 60s\ncheck 1 == 1\n").arg("--report").arg("tap=r.tap").start();
    ended.wait_for("sleep");
    ended.signal("TERM");
    let ended = ended.finish();
    common::same(
        "TAP version 13
1..1
# before the first phase
ok 1 - check 1 == 1 # SKIP not run
Bail out! the run ended before its last step
",
        &std::fs::read_to_string(ended.folder.path().join("r.tap")).unwrap(),
    );
}

#[test]
fn a_phase_that_only_connects_is_a_result_where_it_has_points() {
    let text = "## It connects
points 1
listen 0 as server
connect 127.0.0.1:$server.port as ada
accept server as seat
## It never comes to this
check 1 == 2
## Nor to this
points 2
accept server as other
";
    let report = |format: &str| script(text).arg("--report").arg(&format!("{format}=-")).run_apart().screen;
    let results: serde_json::Value = serde_json::from_str(&report("gradescope")).unwrap();
    assert_eq!(results["tests"][0]["output"], "1 of 1 checks passed");
    assert_eq!(results["tests"][0]["score"], 1.0);
    let junit = report("junit");
    let told = "<testcase name=\"every step passes\" classname=\"It connects\"";
    assert!(junit.contains(told), "{junit}");
    assert!(junit.contains("tests=\"3\" skipped=\"1\" failures=\"1\" errors=\"0\""), "{junit}");
}

#[test]
fn points_are_told_whatever_the_screen_shows() {
    let text = "## One\npoints 2\ncheck 1 == 1\n## Two\npoints 7\ncheck 1 == 2\n";
    script(text).run().shows(
        1,
        "
== One
> points 2
> check 1 == 1
  ok 1 == 1

== Two
> points 7
> check 1 == 2
test.lab:6:7: error: the check does not hold
    check 1 == 2
          ^^^^^^
  left:  1 (int)
  right: 2 (int)

test.lab: 1 failed, 3 steps passed in SEC
points: 2 of 9
",
    );
}

#[test]
fn a_report_says_what_was_wanted_in_words() {
    let text = "run some.lab as l\n? wait l\nwait l\n! let a = 1\ncheck 1 == 2\n";
    let done = script(text)
        .file("some.lab", "check 1 == 2\n")
        .arg("--keep-going")
        .arg("--report")
        .arg("json=r.json")
        .run();
    let report = std::fs::read_to_string(done.folder.path().join("r.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let results = report["phases"][0]["results"].as_array().unwrap();
    let wanted: Vec<&str> = results.iter().map(|it| it["wanted"].as_str().unwrap()).collect();
    assert_eq!(wanted, ["that it passes", "that it fails", "1 == 2"]);
    let markdown = script("## One\ncheck 1 == 1\n").arg("--report").arg("markdown=-").run_apart().screen;
    assert!(markdown.contains("\n1 check passed, 0 failed, 0 not run"), "{markdown}");
}
