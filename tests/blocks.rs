//! Steps in blocks: repeated, tried until they pass, and run whatever happened.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::net::TcpListener;

use common::{Peer, Shell, script};

#[test]
fn a_block_is_repeated_and_counted() {
    script(
        "let sum = 0
repeat 2  # turns
    repeat 2
        let last = {
            'n': $n,
        }
    end
    check $last.n == 2
end
say done
",
    )
    .run()
    .shows(
        0,
        "
> let sum = 0
  sum = 0
> repeat 2  # turns
>     repeat 2
>         let last = {
.             'n': $n,
.         }
  last = {'n': 1}
>         let last = {
.             'n': $n,
.         }
  last = {'n': 2}
>     check $last.n == 2
  ok $last.n == 2
>     repeat 2
>         let last = {
.             'n': $n,
.         }
  last = {'n': 1}
>         let last = {
.             'n': $n,
.         }
  last = {'n': 2}
>     check $last.n == 2
  ok $last.n == 2
done

test.lab: 3 steps passed in 0.00 s
",
    );
}

#[test]
fn a_failure_in_a_block_has_its_own_line_and_says_which_turn() {
    script("let a = 1\nrepeat 3\n    # until the second\n    check $n < 2\nend\n").run().shows(
        1,
        "
> let a = 1
  a = 1
> repeat 3
>     check $n < 2
  ok $n < 2
>     check $n < 2
test.lab:4:11: error: the check does not hold
        check $n < 2
              ^^^^^^
  left:  2 (int)
  right: 2 (int)
  turn:  2 of 3
 
test.lab: 1 failed, 1 step passed in 0.00 s
",
    );
}

#[test]
fn a_block_that_is_never_closed_runs_nothing() {
    let open = script("say never shown\nrepeat 2\n    say hi\n").run();
    open.shows(
        2,
        "
test.lab:3:11: error: the block is not closed
        say hi
              ^
hint: a line that is `end` closes it, at most 1000 lines further
",
    );
    script("say never shown\nend\n").run().shows(
        2,
        "
test.lab:2:1: error: `end` closes a block, and none is open
    end
    ^^^
",
    );
    script("say never shown\nrepeat 2\n    sned 1\nend\n").run().shows(
        2,
        "
test.lab:3:5: error: `sned` is not a command
        sned 1
        ^^^^
hint: did you mean `send`?
",
    );
    script("say never shown\nrepeat until check 1 == 1\n").run().shows(
        2,
        "
test.lab:2:26: error: `passes` is missing behind the step
    repeat until check 1 == 1
                             ^
hint: repeat until STEP passes within DURATION
",
    );
}

#[test]
fn a_server_that_starts_late_is_waited_for() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut running = script(&format!(
        "say looking\nrepeat until connect 127.0.0.1:{port} as me passes within 20s\nexpect {{\"clientid\": 7}} within 5s\n"
    ))
    .start();
    running.wait_for("repeat until");
    let Some(server) = Peer::server("greeting_server.py", &["dict", "4", &port.to_string()]) else { return };
    let done = running.finish();
    assert_eq!(done.status, 0, "{}", done.screen);
    server.finish();
}

#[test]
fn what_never_passes_says_why_and_how_often_it_was_tried() {
    let done = script("repeat until check 1 == 2 passes within 100ms\n").run();
    assert_eq!(done.status, 1);
    let screen = regex::Regex::new(r"\d+ times").unwrap().replace(&done.screen, "N times").into_owned();
    common::same(
        "
> repeat until check 1 == 2 passes within 100ms
test.lab:1:20: error: the check does not hold
    repeat until check 1 == 2
                       ^^^^^^
  left:  1 (int)
  right: 2 (int)
  tried: N times within 100ms (the step's `within`)

test.lab: 1 failed, 0 steps passed in 0.07 s
",
        &screen,
    );
    let waits =
        script("listen 0 as srv\nconnect 127.0.0.1:$srv.port as me\nrepeat until recv passes within 50ms\n")
            .run();
    assert_eq!(waits.status, 1);
    assert!(waits.screen.contains("it was still waiting when the time was up"), "{}", waits.screen);
}

#[test]
fn the_last_attempt_is_made_when_the_time_is_up() {
    let started = std::time::Instant::now();
    let done = script("repeat until check 1 == 2 passes within 300ms\n").run();
    assert!(started.elapsed() >= std::time::Duration::from_millis(270), "{:?}", started.elapsed());
    assert_eq!(done.status, 1);
}

#[test]
fn what_has_to_fail_and_never_does_is_called_by_its_own_name() {
    let done = script("repeat until ! check 1 == 1 passes within 50ms\nrepeat 2 ! let a = 1\n")
        .arg("--keep-going")
        .run();
    for passed in ["`check 1 == 1`", "`let a = 1`"] {
        let told = format!("error: {passed} passed, and `!` wants it to fail\n");
        assert!(done.screen.contains(&told), "{}", done.screen);
    }
}

#[test]
fn always_runs_after_a_failure_and_tries_each_of_its_steps() {
    script("always\n    check 1 == 3\n    say cleaned\nend\nlet a = 1\ncheck $a == 2\nsay never\n")
        .run()
        .shows(
            1,
            "
> always
> let a = 1
  a = 1
> check $a == 2
test.lab:6:7: error: the check does not hold
    check $a == 2
          ^^^^^^^
  left:  1 (int)
  right: 2 (int)
>     check 1 == 3
cleaned
test.lab:2:11: error: the check does not hold
        check 1 == 3
              ^^^^^^
  left:  1 (int)
  right: 3 (int)

test.lab: 2 failed, 2 steps passed, 1 not run in 0.00 s
",
        );
}

#[test]
fn always_runs_where_the_script_never_came_to_it_and_after_an_include() {
    let done = script("include inner.lab\nalways\n    say outer\nend\n")
        .file("inner.lab", "check 1 == 2\nalways\n    say inner\nend\n")
        .run();
    let screen = &done.screen;
    let (inner, outer) = (screen.find("\ninner\n"), screen.find("\nouter\n"));
    assert!(inner.is_some() && inner < outer, "{screen}");
    assert_eq!(done.status, 1);
}

#[cfg(unix)]
#[test]
fn always_runs_after_ctrl_c_and_after_a_signal() {
    for (signal, status) in [("INT", 130), ("TERM", 128 + 15)] {
        let mut running = script("always\n    say cleaned\nend\nsay waiting\nsleep 60s\n").start();
        running.wait_for("waiting");
        running.signal(signal);
        let done = running.finish();
        assert_eq!(done.status, status, "{}", done.screen);
        assert!(done.screen.contains("\ncleaned\n"), "{signal}: {}", done.screen);
    }
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_gives_up_what_always_runs() {
    let text = "always\n    say cleaning\n    sleep 60s\n    say never\nend\nsay waiting\nsleep 60s\n";
    let mut running = script(text).start();
    running.wait_for("waiting");
    running.signal("INT");
    running.wait_for("cleaning");
    running.signal("INT");
    running.finish().shows(
        130,
        "
> always
waiting
> sleep 60s
test.lab:7:1: error: `sleep` was interrupted
    sleep 60s
    ^^^^^
cleaning
>     sleep 60s
test.lab:3:5: error: `sleep` was interrupted
        sleep 60s
        ^^^^^

test.lab: 2 failed, 2 steps passed in SEC
",
    );
}

#[test]
fn a_block_typed_in_pieces_is_one_step_and_is_recorded_as_typed() {
    let done = Shell::new(["-"])
        .stdin("record out.lab\nrepeat 2\n    let a = $n\nend\nalways\n    say bye\nend\nrecord stop\n")
        .run();
    assert_eq!(done.status, 0, "{}", done.screen);
    assert!(done.screen.contains("  a = 2\n"), "{}", done.screen);
    let recorded = fs::read_to_string(done.folder.path().join("out.lab")).unwrap();
    assert_eq!(
        recorded,
        "# A recorded session; `lab2sh out.lab` replays it.\nrepeat 2\n    let a = $n\nend\nalways\n    say bye\nend\n"
    );
}
