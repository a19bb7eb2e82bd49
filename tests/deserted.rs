//! What waits for another program gives up once every program that was started has ended, unless the script counts on others.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::{Shell, unnumbered};

/// Steps that would wait as long as a test may take, if they waited.
fn script(text: &str) -> Shell {
    Shell::new(["--allow-spawn", "test.lab"])
        .file("test.lab", format!("set timeout 60s\nlisten 0 as srv\n{text}"))
}

#[test]
fn accept_gives_up_when_the_last_program_has_ended() {
    // One that goes on may still come, whatever became of the other.
    let done = script("spawn cat as other\nspawn false as student\naccept srv as seat within 300ms\n").run();
    assert!(done.screen.contains("no client came to `srv` within 300ms"), "{}", done.screen);
    let done = script("spawn true as other\nspawn false as student\naccept srv as seat\n").run();
    assert_eq!(done.status, 3, "{}", done.screen);
    let wanted = "error: no client came to `srv`, and none will: `other` has ended (exit 0), `student` has ended (exit 1)\n";
    assert!(done.screen.contains(wanted), "{}", done.screen);
}

#[test]
fn a_client_that_came_before_it_ended_is_taken() {
    let text = "spawn bash -c 'exec 3<>/dev/tcp/127.0.0.1/$0' $srv.port as student\naccept srv as seat\nexpect eof\n";
    let done = script(text).run();
    assert_eq!(done.status, 0, "{}", done.screen);
}

#[test]
fn repeat_until_gives_up_when_the_last_program_has_ended() {
    let done = script("let port = $srv.port\nclose srv\nspawn false as student\nrepeat until connect 127.0.0.1:$port passes\n").run();
    assert_eq!(done.status, 3, "{}", done.screen);
    let screen = unnumbered(&done.screen);
    let tried =
        regex::Regex::new("tried: (once|[0-9]+ times), no more since `student` has ended \\(exit 1\\)")
            .unwrap();
    assert!(tried.is_match(&screen), "{screen}");
    // What no program is needed for is tried on.
    let text = "spawn false as student\nrepeat until check 1 == 2 passes within 300ms\n";
    let done = script(text).run();
    assert!(done.screen.contains(" within 300ms (the step's `within`)"), "{}", done.screen);
}

#[test]
fn a_script_that_waited_for_the_end_counts_on_others() {
    for wait in ["wait student", "@student expect exit 1"] {
        let done =
            script(&format!("spawn false as student\n{wait}\naccept srv as seat within 100ms\n")).run();
        assert!(done.screen.contains("no client came to `srv` within 100ms"), "{}", done.screen);
    }
}

#[test]
fn runs_that_are_under_way_may_still_come() {
    let done = script(
        "spawn false as student\nrun late.lab port=$srv.port as runs\naccept srv as seat\nexpect {\"late\": 1}\nwait runs\n",
    )
    .file("late.lab", "param port = 0\nsleep 500ms\nconnect 127.0.0.1:$port\nsend {\"late\": 1}\n")
    .run();
    assert_eq!(done.status, 0, "{}", done.screen);
}
