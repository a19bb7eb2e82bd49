//! The grading scripts where something else than the student is at fault, and where a program wants more than a start.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::{Done, Shell, python_or_skip, root, script};

/// A run of a grading script with these params.
fn grader(script: &str, params: &[&str]) -> Shell {
    let shell = Shell::new([root().join("scripts").join(script)]).arg("--allow-spawn");
    params.iter().fold(shell, |shell, param| shell.arg(param))
}

/// Nothing was graded, and this is why.
#[track_caller]
fn stops(done: &Done, why: &str) {
    assert_eq!(done.status, 3, "{}", done.screen);
    assert!(done.screen.contains(why), "{}", done.screen);
    assert_eq!(done.screen.matches("error: ").count(), 1, "{}", done.screen);
    assert!(!done.screen.contains("\n== "), "{}", done.screen);
}

#[test]
fn a_program_that_is_not_there_is_no_students_fault() {
    let Some(python) = python_or_skip() else { return };
    let python = format!("python={python}");
    for script in ["grade-client.lab", "grade-server.lab"] {
        let done = grader(script, &["program=cleint.py", &python, "port=0"]).run();
        stops(&done, "error: cannot start `cleint.py`: no such file\n");
        let done = grader(script, &["python=pyton3", "port=0"]).run();
        stops(&done, "error: cannot start `pyton3`: no such program\n");
    }
}

#[test]
fn a_spawn_says_what_is_not_a_program() {
    let text = "? spawn /usr\n? spawn python3 -u no/such.py 1\n? spawn ./own\n";
    script(text).file("own", "text").arg("--allow-spawn").run().shows(
        0,
        r#"
> ? spawn /usr
  failed, as it may: cannot start `/usr`: it is a folder
  hint: a program is a file, in the folder or elsewhere
> ? spawn python3 -u no/such.py 1
  failed, as it may: cannot start `no/such.py`: no such file
  hint: a program's name starts from the working folder, not from the script's
> ? spawn ./own
  failed, as it may: cannot start `./own`: it is not executable
  hint: is it a program? `chmod +x` makes it one

test.lab: 3 steps passed in SEC
"#,
    );
}

#[test]
fn a_line_that_is_cut_says_so() {
    let done = script("spawn printf '%0150d' 7\nexpect exit 1\n").arg("--allow-spawn").run();
    let cut = format!("  said last: '{}...\n", "0".repeat(119));
    assert!(done.screen.contains(&cut), "{}", done.screen);
}
