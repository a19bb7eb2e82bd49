//! Pictures of a conversation as `flow` shows them on a screen.

use unicode_width::UnicodeWidthStr;

use super::{Done, script, timeless};

/// Both ends of a connection, named as the pictures have them.
pub const ENDS: &str = "listen 0 as server\nconnect 127.0.0.1:$server.port as ada\naccept as seat\n";

/// The last picture that a run shows, its times left out.
#[track_caller]
pub fn picture(done: &Done) -> String {
    let Some((_, shown)) = done.screen.rsplit_once("> flow") else { panic!("no picture:\n{}", done.screen) };
    let shown = shown.split_once('\n').unwrap().1.split("\ntest.lab: ").next().unwrap();
    for line in shown.lines() {
        assert!(line.width() <= 80, "wider than 80 columns: {line}");
    }
    timeless(shown)
}

/// A script's picture is this one.
#[track_caller]
pub fn draws(text: &str, expected: &str) {
    let done = script(&format!("{text}flow\n")).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    same_picture(expected, &picture(&done));
}

/// Compares pictures, each column.
#[track_caller]
pub fn same_picture(expected: &str, got: &str) {
    let expected = expected.trim_start_matches('\n');
    assert!(expected == got, "the picture is another one:\n{got}\nand should be:\n{expected}");
}
