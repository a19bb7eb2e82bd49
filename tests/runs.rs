//! How a run goes: its steps, its options and params, its summary and its exit status.

mod common;

use common::{Shell, script};

#[test]
fn the_first_failing_step_ends_a_script() {
    script("## One\nsay hello\ncheck 1 == 2\nsay never\nsay never\n").run().shows(
        1,
        r#"
== One
hello
> check 1 == 2
test.lab:3:7: error: the check does not hold
    check 1 == 2
          ^^^^^^
  left:  1 (int)
  right: 2 (int)

test.lab: 1 failed, 1 step passed, 2 not run in SEC
"#,
    );
}

#[test]
fn keep_going_runs_on_and_the_worst_status_wins() {
    let run = Shell::new(["--keep-going", "test.lab"])
        .file("test.lab", "connect 127.0.0.1 1 within 2s\ncheck 1 == 2\nsay still here\n")
        .run();
    assert!(run.screen.contains("\nstill here\n"), "{}", run.screen);
    assert!(run.screen.contains("test.lab: 2 failed, 1 step passed in"), "{}", run.screen);
    assert_eq!(run.status, 3);
}

#[test]
fn marks_turn_failures_into_passes() {
    script("! check 1 == 2\n? check 1 == 3\n? check 1 == 1\n! check 1 == 1\n").run().shows(
        1,
        r#"
> ! check 1 == 2
  failed, as it must: the check does not hold
> ? check 1 == 3
  failed, as it may: the check does not hold
> ? check 1 == 1
  ok 1 == 1
> ! check 1 == 1
  ok 1 == 1
test.lab:4:3: error: `check 1 == 1` passed, and `!` wants it to fail
    ! check 1 == 1
      ^^^^^
hint: without `!` a step has to pass; with `?` it may do either

test.lab: 1 failed, 3 steps passed in SEC
"#,
    );
}

#[test]
fn quit_ends_a_script_and_passes() {
    script("say one\nquit\nsay never\n").run().shows(0, "one\n> quit\n\ntest.lab: 2 steps passed in SEC\n");
}

#[test]
fn quiet_shows_only_failures() {
    let run = Shell::new(["-q", "test.lab"]).file("test.lab", "say one\ncheck 1 == 2\n").run_apart();
    assert_eq!(run.screen, "");
    common::same(
        "test.lab:2:7: error: the check does not hold\n    check 1 == 2\n          ^^^^^^\n  left:  1 (int)\n  right: 2 (int)",
        &run.errors,
    );
    assert_eq!(run.status, 1);
}

#[test]
fn check_parses_and_runs_nothing() {
    let check = |text: &str| Shell::new(["--check", "test.lab"]).file("test.lab", text).run();
    check("say hello\nconnect 127.0.0.1 1\n").shows(0, "");
    assert_eq!(check("say hello\nsned\n").status, 2);
    Shell::new(["--check", "-c", "say hello"]).run().shows(0, "");
}

#[test]
fn lines_of_the_command_line_are_all_read_before_the_first_runs() {
    Shell::new(["-c", "let a = 1", "-c", "say $a"]).run().shows(0, "  a = 1\n1\n");
    Shell::new(["-c", "say one", "-c", "sned"])
        .run()
        .shows(2, "-c:2:1: error: `sned` is not a command\n    sned\n    ^^^^\nhint: did you mean `send`?\n");
    Shell::new(["-c", "check 1 == 2", "-c", "say never"]).run().shows(
        1,
        "-c:1:7: error: the check does not hold\n    check 1 == 2\n          ^^^^^^\n  left:  1 (int)\n  right: 2 (int)\n",
    );
    Shell::new(["-c", "say one\n\nsay two", "-c", "say three\nsend {"])
        .run()
        .shows(2, "-c:5:6: error: the `{` opened here is never closed\n    send {\n         ^\n");
    let done = Shell::new(["-c", "", "-c", "let a = [1,\n2]\nlet b = 1", "-c", "check 1 == 2"]).run();
    assert!(done.screen.contains("-c:5:7: error: the check does not hold"), "{}", done.screen);
    Shell::new(["-c", "quit", "-c", "say never"]).run().shows(0, "");
    Shell::new(["-c", "let a = [1,\n2]\nsay $a"]).run().shows(0, "  a = [1, 2]\n[1, 2]\n");
}

#[test]
fn a_script_can_come_from_standard_input() {
    let expected = "hello\n\nstdin: 1 step passed in SEC\n";
    Shell::new(["-"]).stdin("say hello\n").run().shows(0, expected);
    Shell::new([] as [&str; 0]).stdin("say hello\n").run().shows(0, expected);
    Shell::new(["-i"]).stdin("say hello\n").run().shows(0, expected);
    // The other programs of a pipe may leave it empty.
    Shell::new([] as [&str; 0]).stdin("").run().shows(0, "\nstdin: 0 steps passed in SEC\n");
}

#[test]
fn params_are_typed_as_their_defaults_are() {
    let run = |words: &[&str]| {
        Shell::new([&["p.lab"], words].concat())
            .file("p.lab", "param port = 1\nparam who = \"x\"\ncheck [$port, $who] == [7, \"7\"]\n")
            .run()
    };
    run(&["port=7", "who=7"]).shows(
        0,
        "> param port = 1\n  port = 7\n> param who = \"x\"\n  who = '7'\n\
         > check [$port, $who] == [7, \"7\"]\n  ok [$port, $who] == [7, \"7\"]\n\np.lab: 3 steps passed in SEC\n",
    );
    run(&["prot=7"]).shows(2, "error: `p.lab` has no param `prot`\nhint: did you mean `port`?\n");
    run(&["nothing=7"]).shows(2, "error: `p.lab` has no param `nothing`\nhint: its params are port, who\n");
    run(&["junk"])
        .shows(2, "error: `junk` is no param: a param is NAME=VALUE\nhint: its params are port, who\n");
    run(&["port=abc"]).shows(
        2,
        "error: the param `port` is like 1; `abc` is no value\nhint: give a number or another literal: port=1\n",
    );
}

#[test]
fn a_wrong_option_is_a_usage_mistake() {
    let run = Shell::new(["--bogus"]).run();
    assert_eq!(run.status, 2);
    assert!(run.screen.starts_with("error: unexpected argument '--bogus' found"), "{}", run.screen);
}
