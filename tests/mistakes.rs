//! Wrong lines: what is underlined, what is said and what is advised.

mod common;

use common::{refused, script};

#[test]
fn an_unknown_command_is_pointed_at_with_what_was_meant() {
    for (line, len, hint) in [
        ("sned {\"a\": 1}", 4, "did you mean `send`?"),
        ("CONNECT a 1", 7, "did you mean `connect`?"),
        ("xyzzy", 5, "`help` lists the commands"),
        ("recv(1024)", 10, "a command takes no brackets: recv | recv N [within DURATION] [as NAME]"),
        ("x = 5", 1, "`let x = VALUE` gives a value a name"),
    ] {
        let (word, carets) = (&line[..len], "^".repeat(len));
        refused(
            line,
            &format!(
                "test.lab:2:1: error: `{word}` is not a command\n    {line}\n    {carets}\nhint: {hint}\n"
            ),
        );
    }
}

/// A wrong line, the carets below it, what is said and what is advised.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("connect", "       ^", "an address is missing", "usage: connect HOST PORT [within DURATION] [as NAME]"),
    ("connect h", "        ^", "`h` has no port", "`connect h 12000` or `connect h:12000`"),
    ("connect h 99999", "          ^^^^^", "`99999` is not a port", "a port is a number from 0 to 65535"),
    ("connect h:x", "          ^", "`x` is not a port", "a port is a number from 0 to 65535"),
    (
        "recv -1",
        "     ^^",
        "N is a whole number of 0 or more, not -1",
        "usage: recv | recv N [within DURATION] [as NAME]",
    ),
    (
        "repeat x say a",
        "       ^",
        "N is a whole number of 0 or more",
        "usage: repeat N ... end | repeat N STEP | repeat until STEP passes [within DURATION]",
    ),
    ("repeat 2 sya a", "         ^^^", "`sya` is not a command", "did you mean `say`?"),
    (
        "set timeout 5",
        "            ^",
        "the duration `5` has no unit",
        "a duration has a unit: `500ms`, `2s`, `1m`, or `none`",
    ),
    ("set tmeout 5s", "    ^^^^^^", "`tmeout` is not an option", "did you mean `timeout`?"),
    (
        "set codec pickel",
        "          ^^^^^^",
        "`pickel` cannot stand here",
        "this option takes `pickle`, `json`, `text` or `hex`",
    ),
    (
        "check 1 = 1",
        "        ^",
        "an operator is missing",
        "check A OP B, where OP is one of == != < <= > >= in",
    ),
    ("let 1a = 3", "    ^^", "`1a` cannot be a name", "a name is a letter, then letters, digits and `_`"),
    (
        "send {'a': 1 'b': 2}",
        "             ^",
        "expected `,` or `}`, found `'`",
        "a comma stands between two items",
    ),
    (
        "send {'a' 1}",
        "          ^",
        "expected `,` or `}`, found `1`",
        "a dict has a `:` behind each key, a set has commas alone",
    ),
    (
        "send hello",
        "     ^^^^^",
        "`hello` is not a value",
        "a string takes quotes: \"hello\"; a name takes a dollar: $hello",
    ),
    ("send hex 8", "         ^", "`8` is half a byte", "each byte is two hex digits: 80 04 4b 01 2e"),
    ("expect {'a': itn}", "             ^^^", "`itn` is not a value", "did you mean `int`?"),
    (
        "! ? recv",
        "  ^",
        "a step is marked once, with `!` or with `?`",
        "`! STEP` has to fail, `? STEP` may fail",
    ),
    (
        "{\"a\": 1}",
        "^",
        "a value is not a command",
        "`send VALUE` sends it, `let NAME = VALUE` gives it a name",
    ),
    (
        "@bob recv",
        " ^^^",
        "no earlier step gives a socket the name `bob`",
        "`as NAME`, `let NAME = VALUE` and `expect ... as NAME` give names",
    ),
    (
        "check $x == 1",
        "      ^^",
        "no earlier step gives anything the name `x`",
        "`as NAME`, `let NAME = VALUE` and `expect ... as NAME` give names",
    ),
    ("let a = 1e999", "        ^^^^^", "`1e999` is too large for a float", "write `inf` for infinity"),
    (
        "let a = {'x': 1, 'x': 2}",
        "        ^",
        "the key 'x' stands twice in this dict",
        "Python would keep only the last; leave one out",
    ),
    (
        "let a = {1: 1, True: 2}",
        "        ^",
        "the key True stands twice in this dict",
        "Python would keep only the last; leave one out",
    ),
    (
        "let a = '\\ud800'",
        "         ^^^^^^",
        "`\\ud800` is half of a surrogate pair",
        "write both halves, or the character itself",
    ),
    (
        "let a = {[1]: 2}",
        "        ^",
        "a list cannot be a dict's key",
        "as in Python, a key does not change: a str, a number, a tuple",
    ),
];

#[test]
fn each_wrong_line_is_underlined_where_it_is_wrong() {
    for (line, carets, message, hint) in WRONG {
        let column = carets.len() - carets.trim_start().len() + 1;
        refused(
            line,
            &format!("test.lab:2:{column}: error: {message}\n    {line}\n    {carets}\nhint: {hint}\n"),
        );
    }
}

#[test]
fn a_name_is_used_as_what_it_is_before_anything_runs() {
    let slip = |lines: &str, expected: &str| {
        let done = script(&format!("say never shown\n{lines}\n")).arg("--allow-spawn").run();
        done.shows(2, expected);
    };
    slip(
        "spawn cat as it\n@it recv",
        "
test.lab:3:2: error: `it` is a program, not a connection
    @it recv
     ^^
hint: `type TEXT` gives it a line, `expect output PATTERN` looks at what it says
",
    );
    slip(
        "spawn cat as it\ntype $it",
        "
test.lab:3:6: error: `it` is a program, not a value
    type $it
         ^^^
hint: it has `.pid`, `.exit`, `.said`
",
    );
    slip(
        "spawn cat as it\nspawn cat as it",
        "
test.lab:3:1: error: `it` is the name of an open socket or of a program
    spawn cat as it
    ^^^^^
hint: take another name, or `close it` first
",
    );
    slip(
        "listen 0 as srv\n@srv expect output \"x\"",
        "
test.lab:3:2: error: `srv` is not a program
    @srv expect output \"x\"
     ^^^
hint: `spawn PROGRAM ARGS... as NAME` starts one
",
    );
    // What is ended, may be tried, or is two things in turn is known only when it runs.
    let good = "listen 0 as a\nclose a\nlisten 0 as a\nreset all\nlet a = 1\n? connect 127.0.0.1 1 as b\nlisten 0 as b\n";
    let good = script(good).run();
    assert_eq!(good.status, 0, "{}", good.screen);
}

#[test]
fn points_are_said_once_in_a_phase_and_a_row_of_signs_is_no_phase() {
    refused(
        "## One\npoints 2\n## Two\npoints 1\npoints 2",
        "
test.lab:6:1: error: this phase has its points already, in line 5
    points 2
    ^^^^^^
hint: `points` stands once behind each `## Title`
",
    );
    refused(
        "? points 2",
        "
test.lab:2:3: error: `points` cannot fail, and takes no mark
    ? points 2
      ^^^^^^
hint: `points N` alone says what the phase is worth
",
    );
    script("##########\n## One\n##########\nsay one\n##\nsay still one\n")
        .run()
        .shows(0, "== One\none\nstill one\n\ntest.lab: 2 steps passed in SEC\n");
}

#[test]
fn a_text_takes_no_limit_and_keeps_a_number_sign_in_quotes() {
    common::refused(
        "type \"x\" within 1s",
        "
test.lab:2:10: error: `within` has no meaning behind a text
    type \"x\" within 1s
             ^^^^^^
hint: the text is the rest of the line: leave `within` out, or quote the whole of it
",
    );
    script("let port = 5\nsay \"port #${port}\"  # a comment\nsay \"use #1\"\nsay use #1\n")
        .run()
        .shows(0, "> let port = 5\n  port = 5\nport #5\nuse #1\nuse\n\ntest.lab: 4 steps passed in SEC\n");
    let help = common::Shell::new(["-c", "help hint"]).run();
    let rule =
        "TEXT is the rest of the line, up to a `#` behind a space; in quotes, \"port #1\", it may hold one";
    assert!(help.screen.contains(rule), "{}", help.screen);
}

#[test]
fn deep_brackets_are_refused_with_their_place_and_no_stack_runs_over() {
    for text in ["[".repeat(10_000), "[".repeat(10_000) + &"]".repeat(10_000), "{1: (".repeat(5_000)] {
        let run = script(&format!("let a = {text}\n")).run();
        assert!(run.screen.contains(": error: brackets nest deeper than 128\n"), "{}", run.screen);
        assert_eq!(run.status, 2);
        assert!(run.screen.lines().all(|line| line.len() <= 80), "{}", run.screen);
    }
    let deepest = format!("let a = {}{}\ncheck $a != 1\n", "[".repeat(128), "]".repeat(128));
    assert_eq!(script(&deepest).run().status, 0);
}

#[test]
fn spaces_at_the_end_of_a_line_are_nothing() {
    let lines = "listen 0 as srv\nconnect 127.0.0.1:$srv.port as me  \nsockets  \n! recv within 1ms \nclose \t \nclose  \n";
    let done = script(lines).run();
    assert_eq!(done.status, 0, "{}", done.screen);
}

#[test]
fn the_place_inside_a_value_does_not_look_like_a_name_that_is_open() {
    let screen =
        script("listen 0 as s\nconnect 127.0.0.1:$s.port as ada\nsend {\"port\": $s.port, \"s\": {1, 2}}\n")
            .run()
            .screen;
    let (_, screen) = screen.split_once("\nada> ").unwrap_or_default();
    common::same(
        r#"send {"port": $s.port, "s": {1, 2}}
test.lab:3:6: error: `VALUE.s` is a set; send a list, or a tuple
    send {"port": $s.port, "s": {1, 2}}
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

test.lab: 1 failed, 2 steps passed in SEC"#,
        screen,
    );
}
