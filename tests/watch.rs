//! `--watch`: a script runs again after a change of its files.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fs;

use common::Shell;

fn watching(script: &str) -> Shell {
    Shell::new(["--watch", "test.lab"]).file("test.lab", script)
}

#[test]
fn a_change_of_the_script_an_include_or_a_program_runs_it_again() {
    let shell = watching("param program = \"student.txt\"\ninclude value.lab\ncheck $a == 2\n")
        .file("value.lab", "let a = 1\n")
        .file("student.txt", "one\n");
    let folder = shell.path().to_path_buf();
    let mut running = shell.start();
    running.wait_for("run 1 ended with exit status 1; watching 3 files, Ctrl-C ends");
    fs::write(folder.join("value.lab"), "let a = 2 # mended\n").unwrap();
    running.wait_for("==== `value.lab` has changed: run 2 ====");
    running.wait_for("run 2 ended with exit status 0");
    fs::write(folder.join("student.txt"), "two, now longer\n").unwrap();
    running.wait_for("==== `student.txt` has changed: run 3 ====");
    running.wait_for("run 3 ended with exit status 0");
    // As many editors save: a new file in the old one's place.
    fs::write(folder.join("new"), "check 1 == 2 # all anew\n").unwrap();
    fs::rename(folder.join("new"), folder.join("test.lab")).unwrap();
    running.wait_for("run 4 ended with exit status 1; watching 1 file,");
    running.signal("INT");
    let done = running.finish();
    // That of the last run.
    assert_eq!(done.status, 1, "{}", done.screen);
    assert_eq!(done.screen.matches("ended with exit status").count(), 4, "{}", done.screen);
}

#[test]
fn a_mistake_is_told_and_mended() {
    let shell = watching("include value.lab\n").file("value.lab", "lte a = 1\n");
    let folder = shell.path().to_path_buf();
    let mut running = shell.start();
    running.wait_for("value.lab:1:1: error: `lte` is not a command");
    running.wait_for("run 1 ended with exit status 2; watching 2 files");
    fs::write(folder.join("value.lab"), "let a = 1 # mended\n").unwrap();
    running.wait_for("run 2 ended with exit status 0");
    running.signal("INT");
    assert_eq!(running.finish().status, 0);
}

#[test]
fn a_run_that_has_not_ended_is_ended_by_a_change() {
    let shell = watching("say waiting\nlisten 0\naccept within none\n");
    let folder = shell.path().to_path_buf();
    let mut running = shell.start();
    running.wait_for("accept within none");
    fs::write(folder.join("test.lab"), "say done\n").unwrap();
    running.wait_for("==== `test.lab` has changed: run 2 ====");
    running.wait_for("run 2 ended with exit status 0");
    assert!(!running.screen().contains("run 1 ended"));
    running.signal("INT");
    assert_eq!(running.finish().status, 0);
}

#[test]
fn ctrl_c_ends_a_run_under_way_too() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let mut running = watching("listen 0\naccept within none\n").start();
        running.wait_for("accept within none");
        running.signal(signal);
        // The screen has ended once the run has let go of it as well.
        assert_eq!(running.finish().status, status);
    }
}

#[test]
fn there_has_to_be_a_file() {
    let expected = "error: `--watch` needs a script's file\nhint: `lab2sh --watch FILE.lab`\n";
    Shell::new(["--watch"]).run().shows(2, expected);
    Shell::new(["--watch", "-"]).stdin("say x\n").run().shows(2, expected);
}

#[test]
fn a_file_that_is_gone_and_comes_back_runs_it_again() {
    let shell =
        watching("param program = \"student.txt\"\nparam name = \"Ada\"\n").file("student.txt", "one\n");
    let student = shell.path().join("student.txt");
    let mut running = shell.start();
    running.wait_for("run 1 ended with exit status 0; watching 2 files, Ctrl-C ends");
    fs::remove_file(&student).unwrap();
    running.wait_for("==== `student.txt` is gone: run 2 ====");
    running.wait_for("run 2 ended with exit status 0; watching 2 files, Ctrl-C ends");
    fs::write(&student, "two\n").unwrap();
    running.wait_for("==== `student.txt` has changed: run 3 ====");
    running.wait_for("run 3 ended with exit status 0; watching 2 files");
    running.signal("INT");
    assert_eq!(running.finish().status, 0);
}

#[test]
fn a_program_that_is_not_there_yet_is_waited_for() {
    let shell =
        Shell::new(["--watch", "test.lab", "program=late.txt"]).file("test.lab", "param program = \"\"\n");
    let student = shell.path().join("late.txt");
    let mut running = shell.start();
    running.wait_for("run 1 ended with exit status 0; watching 1 file, Ctrl-C ends");
    fs::write(&student, "there\n").unwrap();
    running.wait_for("==== `late.txt` has changed: run 2 ====");
    running.wait_for("run 2 ended with exit status 0; watching 2 files");
    running.signal("INT");
    assert_eq!(running.finish().status, 0);
}
