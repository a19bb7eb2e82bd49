//! What counts as a result, the brief screen, points, and exit statuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::{Shell, script};
use serde_json::Value;

/// Runs a script with a report as JSON, and gives the report with the exit status.
fn results(text: &str) -> (Value, i32) {
    let done = script(text).arg("--report").arg("json=results.json").run();
    let file = std::fs::read_to_string(done.folder.path().join("results.json"));
    let file = file.unwrap_or_else(|_| panic!("no report; the screen was:\n{}", done.screen));
    (serde_json::from_str(&file).unwrap(), done.status)
}

/// `status step` of each result.
fn steps(results: &Value) -> Vec<String> {
    let phases = results["phases"].as_array().unwrap();
    let all = phases.iter().flat_map(|phase| phase["results"].as_array().unwrap());
    all.map(|it| format!("{} {}", it["status"].as_str().unwrap(), it["step"].as_str().unwrap())).collect()
}

const GRADED: &str = "set show phases
set on-failure next-phase
let a = 5

## The server speaks first
points 2
listen 0 as server
connect 127.0.0.1:$server.port as ada
accept as seat
send {\"clientid\": 7}
@ada expect {\"clientid\": int as id} within 1s
check $id == 7

## Its id is an int
points 3
check $a == 5
@seat send {\"order\": {\"count\": \"7\"}}
@ada expect {\"order\": {\"count\": int}} within 1s
check 1 == 1

## Nothing to say
say hello
";

#[test]
fn a_phase_that_passes_takes_one_line_and_one_that_fails_is_shown_whole() {
    script(GRADED).run().shows(
        1,
        r#"
ok     1. The server speaks first  2 checks, 2 of 2 points  MS

== Its id is an int
seat> points 3
seat> check $a == 5
  ok $a == 5
seat> @seat send {"order": {"count": "7"}}
  seat -> {'order': {'count': '7'}}  35 B, pickle 3
seat> @ada expect {"order": {"count": int}} within 1s
test.lab:18:33: error: `ada` received what was not expected: the message's ['order']['count'] is not int
    @ada expect {"order": {"count": int}} within 1s
                                    ^^^
  wanted:  int
  got:     '7' (str)
  whole:   {'order': {'count': '7'}} (dict)
  message: 35 B, pickle 3, 1 read, after MS (limit 1s, the step's `within`); it is still waiting
hint: this is the number written as a str: leave out the quotes, or `int(...)` it
failed 2. Its id is an int  1 passed, 1 failed, 0 of 3 points  MS
ok     3. Nothing to say  MS

test.lab: 1 failed, 14 steps passed, 1 not run in SEC
points: 2 of 5
"#,
    );
}

#[test]
fn brief_is_asked_for_on_the_command_line_too_and_a_script_may_take_it_back() {
    let text = "say head\n## One\ncheck 1 == 1\n## Two\nset show steps\nsay shown\n";
    script(text)
        .arg("--brief")
        .run()
        .shows(0, "ok     1. One  1 check  MS\nok     2. Two  MS\n\ntest.lab: 4 steps passed in SEC\n");
    script("set show phases\n## One\ncheck 1 == 1\n## Two\nset show steps\nsay shown\n")
        .run()
        .shows(0, "ok     1. One  1 check  MS\n  show steps\nshown\n\ntest.lab: 4 steps passed in SEC\n");
}

#[test]
fn a_phase_that_says_too_much_before_it_fails_shows_the_end_of_it() {
    let run =
        script("set show phases\n## Loud\nrepeat 20000 say a line of some length\ncheck 1 == 2\n").run();
    assert!(run.screen.starts_with("  ... "), "{}", &run.screen[..200]);
    assert!(run.screen.contains(" lines before these are not kept\n"), "{}", &run.screen[..200]);
    assert!(run.screen.contains("\nfailed 1. Loud"), "the line of the phase");
    assert!((100_000..300_000).contains(&run.screen.len()), "{} bytes are shown", run.screen.len());
}

#[test]
fn a_run_that_is_ended_in_the_middle_of_a_phase_shows_that_phase() {
    // Into a pipe it is written once a step waits, and that is when the signal comes.
    let mut running =
        script("set show phases\n## One\ncheck 1 == 1\n## Two\nlisten 0\naccept within none\n").start();
    running.wait_for("1. One");
    running.signal("TERM");
    running.finish().shows(
        143,
        "ok     1. One  1 check  MS\n\n== Two\n> listen 0\n  s1  listening on 127.0.0.1:PORT\ns1> accept within none\n",
    );
}

#[test]
fn checks_waits_and_musts_are_results_and_so_is_every_failure() {
    let (report, status) = results(
        "check 1 == 1\n? check 1 == 2\n! check 1 == 2\nrepeat 2 check 2 == 2\n! repeat 2 check 1 == 2\nsay x\n\
         serve 0 as class\nwait class for 0 passed within 1s\nconnect 127.0.0.1 1 within 2s\ncheck 3 == 3\n",
    );
    assert_eq!(status, 3);
    let expected = [
        "passed check 1 == 1",
        "passed ! check 1 == 2",
        "passed repeat 2 check 2 == 2",
        "passed repeat 2 check 2 == 2",
        "passed ! repeat 2 check 1 == 2",
        "passed wait class for 0 passed within 1s",
        "error connect 127.0.0.1 1 within 2s",
        "not run check 3 == 3",
    ];
    assert_eq!(steps(&report), expected);
    let refused = &report["phases"][0]["results"][1];
    assert_eq!(
        (refused["wanted"].as_str(), refused["got"].as_str()),
        (Some("that it fails"), Some("the check does not hold"))
    );
}

#[test]
fn blocks_and_background_runs_are_results_where_they_check() {
    let text = "## Up\nlisten 0 as srv\nrepeat until connect 127.0.0.1:$srv.port as ada passes within 2s\n\
                repeat 2\n    check $n > 0\nend\nrun inner.lab times 3 as load\nwait load\nalways\n    check \"always\" == \"always\"\nend\n\
                ## Down\nlisten 0 as other\nlet port = $other.port\nclose other\n\
                repeat until connect 127.0.0.1:$port passes within 50ms\ncheck 2 == 2\n";
    let done = script(text)
        .file("inner.lab", "## Inner\ncheck 1 == 1\n")
        .arg("--report")
        .arg("json=results.json")
        .run();
    let file = std::fs::read_to_string(done.folder.path().join("results.json")).unwrap();
    let report: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(
        steps(&report),
        [
            "passed repeat until connect 127.0.0.1:$srv.port as ada passes within 2s",
            "passed check $n > 0",
            "passed check $n > 0",
            "passed wait load",
            "error repeat until connect 127.0.0.1:$port passes within 50ms",
            "passed check \"always\" == \"always\"",
            "not run check 2 == 2",
        ],
        "{}",
        done.screen
    );
    assert_eq!((report["phases"].as_array().unwrap().len(), done.status), (2, 3));
}

#[test]
fn a_result_says_where_it_stands_what_was_wanted_and_what_came() {
    let done = script("## Included\ninclude inner.lab\n")
        .file("inner.lab", "check 1 == 1\ncheck [1] == [2]\ncheck 3 == 3\n")
        .arg("--report")
        .arg("json=results.json")
        .run();
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(done.folder.path().join("results.json")).unwrap())
            .unwrap();
    assert_eq!(steps(&report), ["passed check 1 == 1", "failed check [1] == [2]", "not run check 3 == 3"]);
    let mut failed = report["phases"][0]["results"][1].clone();
    assert!(failed["seconds"].take().as_f64().unwrap() >= 0.0);
    let expected = serde_json::json!({
        "step": "check [1] == [2]", "file": "inner.lab", "line": 2, "status": "failed", "wanted": "[1] == [2]", "got": null,
        "message": "the check does not hold", "hint": null, "details": [{"word": "left", "text": "[1] (list)"}, {"word": "right", "text": "[2] (list)"}],
        "seconds": null,
    });
    assert_eq!(failed, expected);
    assert_eq!(report["first_failure"], "the check does not hold");
}

#[test]
fn phases_that_were_not_come_to_have_their_points_and_give_none() {
    let (report, status) =
        results("## One\npoints 1\ncheck 1 == 2\n## Two\npoints 2.5\ncheck 1 == 1\n## Three\npoints 0.1\n");
    assert_eq!(status, 1);
    assert_eq!((&report["score"], &report["points"]), (&Value::from(0.0), &Value::from(3.6)));
    let phases: Vec<_> =
        report["phases"].as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(phases, ["failed", "not run", "not run"]);
    assert_eq!(steps(&report), ["failed check 1 == 2", "not run check 1 == 1", "not run every step passes"]);
}

#[test]
fn points_are_a_plain_number() {
    common::refused(
        "points many",
        "test.lab:2:8: error: points are a number, not `many`\n    points many\n           ^^^^\n\
         hint: a plain number up to 1000000: `points 2`, `points 0.5`\n",
    );
    common::refused(
        "points -1",
        "test.lab:2:8: error: points are a number, not `-1`\n    points -1\n           ^^\n\
         hint: a plain number up to 1000000: `points 2`, `points 0.5`\n",
    );
}

#[test]
fn a_loop_of_checks_is_counted_where_it_is_too_long_to_keep() {
    let (report, _) = results("repeat 60000 check 1 == 1\n");
    assert_eq!(report["passed"], 60_000);
    assert_eq!(report["phases"][0]["results"].as_array().unwrap().len(), 50_000);
}

#[test]
fn what_a_script_does_after_a_failure_is_an_option() {
    let run = |after: &str| {
        let text = format!("set on-failure {after}\n## One\ncheck 1 == 2\nsay in one\n## Two\nsay in two\n");
        let run = script(&text).run();
        (run.screen.contains("\nin one\n"), run.screen.contains("\nin two\n"), run.status)
    };
    assert_eq!(run("stop"), (false, false, 1));
    assert_eq!(run("next-phase"), (false, true, 1));
    assert_eq!(run("next-step"), (true, true, 1));
}

#[test]
fn each_exit_status_comes_from_a_failure_of_its_kind() {
    let status = |text: &str| script(text).arg("--brief").arg("--report").arg("tap=results.tap").run().status;
    assert_eq!(status("check 1 == 1\n"), 0);
    assert_eq!(status("check 1 == 2\n"), 1);
    assert_eq!(status("chekc 1 == 1\n"), 2);
    assert_eq!(status("connect 127.0.0.1 1 within 2s\n"), 3);
    // Of two kinds the higher.
    assert_eq!(status("set on-failure next-step\nconnect 127.0.0.1 1 within 2s\ncheck 1 == 2\n"), 3);
    assert_eq!(status("set on-failure next-step\ncheck 1 == 2\nconnect 127.0.0.1 1 within 2s\n"), 3);
    let text = "set on-failure next-step\ncheck 1 == 2\nlisten 0\naccept within none\n";
    let mut running = script(text).arg("--report").arg("tap=results.tap").start();
    running.wait_for("accept within none");
    running.signal("INT");
    let done = running.finish();
    assert_eq!(done.status, 130, "{}", done.screen);
}

#[test]
fn a_report_is_whole_also_when_the_run_is_interrupted() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let text = "## One\ncheck 1 == 1\nlisten 0\naccept within none\n## Two\npoints 1\ncheck 2 == 2\n";
        let mut running = script(text).arg("--report").arg("json=results.json").start();
        running.wait_for("accept within none");
        running.signal(signal);
        let done = running.finish();
        assert_eq!(done.status, status, "{}", done.screen);
        let file = std::fs::read_to_string(done.folder.path().join("results.json")).unwrap();
        let report: Value = serde_json::from_str(&file).unwrap();
        let phases = report["phases"].as_array().unwrap();
        assert_eq!(phases.len(), 2, "{report:#}");
        assert_ne!(phases[0]["status"], "passed", "{report:#}");
        assert_eq!((phases[1]["status"].as_str(), phases[1]["score"].as_f64()), (Some("not run"), Some(0.0)));
        assert_eq!(report["status"], status);
    }
}

#[test]
fn a_report_that_cannot_be_written_is_told_and_decides_the_status() {
    script("check 1 == 2\n").arg("--report").arg("junit=nowhere/results.xml").run().shows(
        3,
        "> check 1 == 2\ntest.lab:1:7: error: the check does not hold\n    check 1 == 2\n          ^^^^^^\n  left:  1 (int)\n  \
         right: 2 (int)\n\ntest.lab: 1 failed, 0 steps passed in SEC\n\
         error: cannot write the report `nowhere/results.xml`: no such file or directory\n\
         hint: the name starts from the folder you are in, which has to be there\n",
    );
}

#[test]
fn a_report_on_standard_output_stands_there_alone() {
    let run =
        script("say hello\ncheck 1 == 1\n## Two\ncheck 1 == 2\n").arg("--report").arg("tap=-").run_apart();
    common::same(
        "TAP version 13\n1..2\n# before the first phase\nok 1 - check 1 == 1\n# Two\nnot ok 2 - check 1 == 2\n  ---\n  \
         status: \"failed\"\n  at: \"test.lab:4\"\n  message: \"the check does not hold\"\n  wanted: \"1 == 2\"\n  \
         details:\n    - left: \"1 (int)\"\n    - right: \"2 (int)\"\n  ...\n",
        &run.screen,
    );
    assert!(run.errors.contains("error: the check does not hold"), "{}", run.errors);
    assert_eq!(run.status, 1);
    script("say x\n").arg("--report").arg("tap=-").arg("--report").arg("json=-").run().shows(
        2,
        "error: standard output is for one report, for `--save` or for `--json`\n\
         hint: give the others files: `--report json=results.json`\n",
    );
    let wrong = Shell::new(["--report", "pdf=x"]).run();
    assert!(
        wrong.screen.contains(
            "there is no format `pdf`; the formats are junit, tap, json, html, gradescope, markdown"
        ),
        "{}",
        wrong.screen
    );
    assert_eq!(wrong.status, 2);
}
