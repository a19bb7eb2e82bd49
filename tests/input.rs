//! Scripts and lines that are wrong, hostile or endless: what the screen shows, and the exit status.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::{Duration, Instant};

use common::{Shell, refused, script};

mod bytes {
    use super::*;

    #[test]
    fn a_byte_that_is_no_text_is_named_with_its_line_and_nothing_runs() {
        let expected = r#"
2:7: error: the byte 0xff is not UTF-8 text
    send "\xff
          ^^^^
hint: save the script as UTF-8"#;
        refused(b"send \"\xff\"", &format!("test.lab:{}", expected.trim_start()));
        let piped = Shell::new(["-q"]).stdin(b"say ok\nsend \"\xff\"\nsay after\n").run();
        piped.shows(2, &format!("stdin:{}", expected.trim_start()));
    }

    #[test]
    fn windows_line_ends_and_a_byte_order_mark_are_text() {
        let run = script("\u{feff}say one\r\nlet a = [1,\r\n  2]\r\nsay two").run();
        run.shows(0, "one\n> let a = [1,\n.   2]\n  a = [1, 2]\ntwo\n\ntest.lab: 3 steps passed in SEC\n");
    }

    #[test]
    fn control_and_text_turning_characters_are_named() {
        refused(
            "# a\0b",
            r#"
test.lab:2:4: error: the control character `\x00` stands here
    # a\x00
       ^^^^
hint: is this a text file?"#,
        );
        refused(
            "say \x1b[2J",
            r#"
test.lab:2:5: error: the control character `\x1b` stands here
    say \x1b
        ^^^^
hint: in a string, write it as `\x1b`"#,
        );
        refused(
            "check 'user\u{202e}' == 'user' # \u{2066}",
            r#"
test.lab:2:12: error: the text-turning character `\u202e` stands here
    check 'user\u202e
               ^^^^^^
hint: in a string, write it as `\u202e`"#,
        );
    }

    #[test]
    fn text_of_every_script_is_read_by_characters() {
        let run = script("say naïve 日本語 👩‍💻 é\nlet naïve = 'ö'\ncheck $naïve == 'ö'\n").run();
        run.shows(
            0,
            r#"
naïve 日本語 👩\u200d💻 é
> let naïve = 'ö'
  naïve = 'ö'
> check $naïve == 'ö'
  ok $naïve == 'ö'

test.lab: 3 steps passed in SEC
"#,
        );
    }

    #[test]
    fn no_line_that_is_cut_or_spoilt_anywhere_makes_the_parser_panic() {
        use lab2sh::commands::TABLE;
        for spec in TABLE {
            for line in
                spec.example.lines().chain(["@a expect {'k': [int, ...] as x} | /a(b)/ within 1s as y"])
            {
                for (at, _) in line.char_indices() {
                    for spoilt in [
                        "é",
                        "\u{301}",
                        "👩‍💻",
                        "\"",
                        "'",
                        "$",
                        "${",
                        "[",
                        "\\",
                        "#",
                        "\0",
                        "\u{202e}",
                        "9e9",
                        "\n",
                    ] {
                        let text = format!("{}{spoilt}{}", &line[..at], &line[at..]);
                        // Whether it is a step or a mistake does not matter here.
                        let _ = lab2sh::shell::check(&text, lab2sh::shell::At { file: "x", line: 1 }, TABLE);
                        let _ = lab2sh::shell::check(
                            &text[..at + spoilt.len()],
                            lab2sh::shell::At { file: "x", line: 1 },
                            TABLE,
                        );
                    }
                }
            }
        }
    }
}

mod size {
    use super::*;

    #[test]
    fn a_line_of_more_than_a_megabyte_is_refused_with_a_text() {
        refused(
            format!("say {}", "a".repeat(1 << 20)),
            &format!(
                "test.lab:2:1: error: this line is longer than 1024 KiB\n    say {}\n    ^\n",
                "a".repeat(56)
            ),
        );
    }

    #[test]
    fn a_line_of_a_megabyte_is_shown() {
        let long = "a".repeat(1_000_000);
        let run = script(&format!("say {long}\n")).run();
        assert!(run.screen.starts_with(&format!("{long}\n\ntest.lab: 1 step passed")));
        assert_eq!(run.status, 0);
    }

    #[test]
    fn a_hundred_thousand_lines_run() {
        let text: String = (0..100_000).map(|n| format!("check {n} == {n}\n")).collect();
        let run = Shell::new(["-q", "test.lab"]).file("test.lab", text).run();
        run.shows(0, "");
    }

    #[test]
    fn a_bracket_forgotten_far_above_is_the_one_that_is_named() {
        let text = format!("let a = [\n{}", "say x\n".repeat(3));
        script(&text).run().shows(
            2,
            r#"
test.lab:2:1: error: `say` is not a value
    say x
    ^^^
hint: a string takes quotes: "say"; a name takes a dollar: $say"#,
        );
        let text = format!("let a = [1,\n{}", "2,\n".repeat(2000));
        script(&text).run().shows(
            2,
            "test.lab:1:9: error: the `[` opened here is never closed\n    let a = [1,\n            ^",
        );
    }

    #[test]
    fn a_script_beyond_its_limit_is_refused_before_it_is_parsed() {
        let run = Shell::new(["test.lab"]).file("test.lab", "#".repeat((64 << 20) + 1)).run();
        run.shows(2, "error: `test.lab` is larger than 64 MiB\n");
    }
}

mod files {
    use super::*;

    #[test]
    fn a_script_that_cannot_be_read_is_named() {
        Shell::new(["nope.lab"]).run().shows(3, "error: cannot read `nope.lab`: no such file\n");
        Shell::new(["."]).run().shows(3, "error: cannot read `.`: it is a folder\n");
        Shell::new(["a\x1b[2Jb"]).run().shows(3, "error: cannot read `a\\x1b[2Jb`: no such file\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_script_that_may_not_be_read_is_named() {
        // Root may read everything, so a link that leads to itself stands for the other reasons.
        let shell = Shell::new(["loop.lab"]);
        std::os::unix::fs::symlink("loop.lab", shell.path().join("loop.lab")).unwrap();
        shell.run().shows(3, "error: cannot read `loop.lab`: too many levels of symbolic links\n");
    }

    #[test]
    fn a_script_that_includes_itself_is_told_with_the_chain() {
        Shell::new(["a.lab"])
            .file("a.lab", "say one\ninclude b.lab\n")
            .file("b.lab", "include a.lab\n")
            .run()
            .shows(
                2,
                r#"
b.lab:1:9: error: `a.lab` includes itself: a.lab -> b.lab -> a.lab
    include a.lab
            ^^^^^
hint: leave one of the includes out"#,
            );
    }

    #[test]
    fn includes_end_at_sixteen() {
        let mut shell = Shell::new(["0.lab"]);
        for n in 0..20 {
            shell = shell.file(&format!("{n}.lab"), format!("include {}.lab\n", n + 1));
        }
        shell.run().shows(
            2,
            r#"
15.lab:1:9: error: scripts include scripts deeper than 16
    include 16.lab
            ^^^^^^
hint: put their lines into fewer files"#,
        );
    }

    #[test]
    fn a_mistake_in_an_included_script_runs_nothing_and_has_its_own_place() {
        Shell::new(["a.lab"])
            .file("a.lab", "say never shown\ninclude sub/b.lab\n")
            .file("sub/b.lab", "say x\nsned 1\n")
            .run()
            .shows(
                2,
                "sub/b.lab:2:1: error: `sned` is not a command\n    sned 1\n    ^^^^\nhint: did you mean `send`?\n",
            );
    }
}

#[cfg(unix)]
mod endless {
    use super::*;

    /// Generous, because the tests share their cores; alone an interruption takes a few milliseconds.
    const LIMIT: Duration = Duration::from_secs(2);

    #[test]
    fn a_signal_ends_a_loop_and_a_sleep_at_once_with_the_transcript_complete() {
        for step in ["repeat 1000000000 check 1 == 1", "sleep 1m", "repeat 1000 sleep 1m"] {
            let mut run =
                Shell::new(["test.lab"]).file("test.lab", format!("say begun\n{step}\nsay never\n")).start();
            run.wait_for("begun");
            // The loop writes without end; what it wrote has to be read, or it waits for the reader.
            run.wait_for(if step.contains("check") { "  ok 1 == 1" } else { step });
            let started = Instant::now();
            run.signal("INT");
            let done = run.finish();
            let took = started.elapsed();
            let (column, verb) = (1, step.split(' ').next().unwrap());
            let end = format!(
                "test.lab:2:{column}: error: `{verb}` was interrupted\n    {step}\n    {}\n\n\
                 test.lab: 1 failed, 1 step passed, 1 not run in ",
                "^".repeat(verb.len())
            );
            assert!(done.screen.contains(&end), "{}", &done.screen[done.screen.len().saturating_sub(600)..]);
            assert_eq!(done.status, 130);
            assert!(took < LIMIT, "{step}: {took:?}");
        }
    }

    #[test]
    fn a_script_that_never_comes_ends_with_a_signal() {
        for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
            let (mut run, _held) = Shell::new(["-c", "say ready", "-"]).start_waiting();
            run.wait_for("ready");
            let started = Instant::now();
            run.signal(signal);
            let done = run.finish();
            assert_eq!(done.status, status, "{signal}: {}", done.screen);
            assert!(started.elapsed() < Duration::from_secs(1));
        }
    }
}
