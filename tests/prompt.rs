//! The prompt on a real terminal: keys in, the screen compared.
#![cfg(unix)]

mod common;
mod pty;

use std::io::Write;
use std::net::TcpListener;

use common::{Folder, GREETING};
use pty::{CTRL_C, CTRL_D, ENTER, Setup, Signal, TAB, Terminal, pasted, program, shell};

/// lab2sh at its first prompt.
fn ready(folder: &Folder) -> Terminal {
    started(shell(folder))
}

fn started(setup: Setup) -> Terminal {
    let terminal = setup.start();
    terminal.at(">");
    terminal
}

/// What stands on the screen below the greeting.
fn below(terminal: &Terminal) -> String {
    terminal.screen().split_once('\n').map_or(String::new(), |(_, rest)| rest.to_string())
}

#[test]
fn a_line_runs_and_ctrl_d_leaves_with_0() {
    let folder = Folder::new();
    let mut terminal = ready(&folder);
    terminal.run("let x = {'a': 1}", ">");
    assert_eq!(
        terminal.screen(),
        "lab2sh: `help` lists the commands, `connect HOST:PORT` begins, Ctrl-D leaves\n\
         > let x = {'a': 1}\n  x = {'a': 1}\n>"
    );
    terminal.keys(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_sane());
}

#[test]
fn quit_leaves_with_0_even_after_a_failure() {
    let folder = Folder::new();
    let mut terminal = ready(&folder);
    terminal.run("check 1 == 2", ">");
    terminal.line("quit");
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_sane());
}

#[test]
fn a_wrong_line_is_pointed_at_and_the_shell_goes_on() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.run("sned {\"a\": 1}", ">");
    terminal.run("check 1 == 1", ">");
    assert_eq!(
        below(&terminal),
        "> sned {\"a\": 1}\n\
         error: `sned` is not a command\n    sned {\"a\": 1}\n    ^^^^\nhint: did you mean `send`?\n\
         > check 1 == 1\n  ok 1 == 1\n>"
    );
}

#[test]
fn an_unfinished_dict_goes_on_at_a_continuation_prompt() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.run("let ada = {", ".");
    terminal.run("  'name': 'Ada }',", ".");
    terminal.run("}", ">");
    assert!(terminal.screen().ends_with("\n. }\n  ada = {'name': 'Ada }'}\n>"), "{}", terminal.screen());
}

#[test]
fn a_slip_in_a_typed_block_leaves_the_block_open() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.run("repeat 2", ".");
    terminal.run("repeat 1", ".");
    terminal.run("sya x", ".");
    terminal.run("say $n", ".");
    terminal.run("end", ".");
    terminal.run("end", ">");
    terminal.run("end", ">");
    terminal.run("end repeat", ">");
    assert_eq!(
        terminal.screen(),
        "> repeat 2\n. repeat 1\n. sya x\n\
         error: `sya` is not a command\n    sya x\n    ^^^\nhint: did you mean `say`?\n\
         . say $n\n. end\n. end\n> repeat 1\n1\n> repeat 1\n1\n\
         > end\nerror: `end` closes a block, and none is open\n    end\n    ^^^\n\
         > end repeat\nerror: `end` stands alone on its line\n    end repeat\n    ^^^\nhint: it closes the block above it\n>"
    );
}

#[test]
fn a_slip_in_a_pasted_block_runs_nothing_of_it() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    let block = "repeat 2\nsya x\nrepeat 1\nsay never\nend\nsay never\nend\nsay behind";
    terminal.keys(&format!("{}{ENTER}", pasted(block)));
    terminal.sees("\nbehind\n");
    let screen = terminal.screen();
    assert!(screen.contains("error: `sya` is not a command\n    sya x\n    ^^^\n"), "{screen}");
    assert!(!screen.contains("\nnever\n") && screen.matches("error:").count() == 1, "{screen}");
}

#[test]
fn ctrl_c_drops_an_unfinished_dict() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.run("let ada = {", ".");
    terminal.keys(CTRL_C);
    terminal.at(">");
    terminal.run("check 1 == 1", ">");
    assert!(terminal.screen().ends_with("> check 1 == 1\n  ok 1 == 1\n>"), "{}", terminal.screen());
}

#[test]
fn ctrl_d_drops_an_unfinished_dict_and_stays() {
    let folder = Folder::new();
    let mut terminal = ready(&folder);
    terminal.run("let ada = {", ".");
    terminal.keys(CTRL_D);
    terminal.at(">");
    terminal.keys(CTRL_D);
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn ctrl_c_clears_a_line_and_never_leaves() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.keys("let half = ");
    terminal.typed("> let half =");
    // Keys that arrive right behind it are kept.
    terminal.keys(&format!("{CTRL_C}{CTRL_C}let whole = 1{ENTER}"));
    terminal.sees("  whole = 1");
    terminal.at(">");
    assert_eq!(below(&terminal), "> let half =\n>\n> let whole = 1\n  whole = 1\n>");
}

#[test]
fn a_signal_from_outside_at_the_prompt_does_not_stop_the_next_step() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.signal(Signal::INT);
    terminal.run("check 1 == 1", ">");
    terminal.sees("  ok 1 == 1");
}

#[test]
fn ctrl_c_cancels_a_recv_and_loses_no_byte() {
    let folder = Folder::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let terminal = ready(&folder);
    terminal.run(&format!("connect 127.0.0.1 {port} as ada"), "ada>");
    let (mut peer, _) = server.accept().unwrap();
    let (early, late) = GREETING.split_at(9);
    peer.write_all(early).unwrap();
    // Two steps pasted at once: when the first has spoken, the second waits.
    terminal.keys(&format!("{}{ENTER}", pasted("say go\nrecv")));
    terminal.sees("\ngo\n");
    terminal.keys(CTRL_C);
    terminal.sees("note: `recv` was interrupted");
    terminal.at("ada>");
    peer.write_all(late).unwrap();
    terminal.run("recv", "ada>");
    terminal.sees("ada <- {'clientid': 1}");
    terminal.run("let x = 1", "ada>");
    assert!(terminal.screen().contains("every socket is still open, and no byte that arrived is lost"));
}

#[test]
fn ctrl_c_stops_what_was_pasted_behind() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.keys(&format!("{}{ENTER}", pasted("say go\nsleep 1m\nsay never shown")));
    terminal.sees("\ngo\n");
    terminal.keys(CTRL_C);
    terminal.sees("note: `sleep` was interrupted");
    terminal.at(">");
    assert!(!terminal.screen().contains("\nnever shown"), "{}", terminal.screen());
}

#[test]
fn a_pasted_block_waits_for_enter_and_runs_line_by_line() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.keys(&pasted("let a = 1\nlet b = {\n  'k': 2}\n# done\ncheck $a == 1"));
    terminal.typed("check $a == 1");
    assert!(!terminal.screen().contains("a = 1\n  a"), "nothing runs before Enter");
    terminal.keys(ENTER);
    terminal.sees("ok $a == 1");
    terminal.at(">");
    assert_eq!(
        below(&terminal),
        "> let a = 1\nlet b = {\n  'k': 2}\n# done\ncheck $a == 1\n\
         > let a = 1\n  a = 1\n\
         > let b = {\n.   'k': 2}\n  b = {'k': 2}\n\
         > check $a == 1\n  ok $a == 1\n>"
    );
}

#[test]
fn lines_that_arrive_together_all_run() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.keys("let a = 1\rlet b = 2\rlet c = 3\r");
    terminal.sees("  c = 3");
    for line in ["  a = 1", "  b = 2"] {
        assert!(terminal.screen().contains(line), "{line} is lost:\n{}", terminal.screen());
    }
}

#[test]
fn what_is_typed_while_a_step_runs_is_not_lost() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.keys(&format!("{}{ENTER}", pasted("say go\nsleep 300ms")));
    terminal.sees("\ngo\n");
    terminal.keys("let a = 1\rlet b = ");
    terminal.sees("  a = 1");
    terminal.typed("> let b =");
    terminal.keys("2\r");
    terminal.sees("  b = 2");
}

#[test]
fn pasted_control_characters_do_nothing_and_are_named() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.keys(&pasted("say a\x07 \x1b]0;evil\x07 \u{202e}b"));
    terminal.sees("say a");
    terminal.keys(ENTER);
    terminal.sees("error: the control character `\\x07` stands here");
    terminal.at(">");
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    for hostile in ["\x07", "\x1b]", "\u{202e}"] {
        assert!(!raw.contains(hostile), "{hostile:?} reached the terminal: {raw:?}");
    }
}

#[test]
fn no_color_means_no_color_at_the_prompt_too() {
    let has_color = |terminal: &Terminal| {
        let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
        raw.split("\x1b[")
            .skip(1)
            .any(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'))
    };
    let folder = Folder::new();
    for (no_color, colored) in [("", true), ("1", false)] {
        let terminal = started(shell(&folder).env("NO_COLOR", no_color));
        terminal.keys("connect ");
        terminal.sees("HOST PORT");
        terminal.keys(CTRL_C);
        terminal.at(">");
        terminal.run("check 1 == '1'", ">");
        assert_eq!(has_color(&terminal), colored, "NO_COLOR={no_color:?}");
    }
}

#[test]
fn tab_completes_verbs_names_options_files_and_values() {
    let folder = Folder::new();
    folder.write("handshake.lab", "");
    folder.write("bad\x1b[2Jname.lab", "");
    let terminal = ready(&folder);
    terminal.run("let alpha = {'beta': 1}", ">");
    terminal.run("listen 0 as server", "server>");
    for (typed, completed) in [
        ("conn", "connect HOST PORT [within DURATION] [as NAME]"),
        ("set fr", "set framing"),
        ("help sle", "help sleep"),
        ("use se", "use server"),
        ("explain a", "explain all"),
        ("explain all se", "explain all server"),
        ("explain se", "explain server"),
        ("explain all file hand", "explain all file handshake.lab"),
        ("@se", "@server"),
        ("include hand", "include handshake.lab"),
        ("include bad", "include bad"),
        ("check $al", "check $alpha"),
        ("check $alpha.b", "check $alpha.beta"),
        ("connect 127.0.0.1:$server.p", "connect 127.0.0.1:$server.port"),
    ] {
        terminal.keys(&format!("{typed}{TAB}"));
        terminal.typed(&format!("server> {completed}"));
        terminal.keys(CTRL_C);
        terminal.at("server>");
    }
}

#[test]
fn two_tabs_list_what_can_stand_here() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.keys(&format!("set framing {TAB}{TAB}"));
    terminal.sees("pickle");
    for framing in ["length", "line", "none"] {
        assert!(terminal.screen().contains(framing), "{}", terminal.screen());
    }
}

#[test]
fn vars_history_and_help_answer_at_the_prompt() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.run("let id = 7", ">");
    terminal.run(" let hidden = 8", ">");
    terminal.run("vars", ">");
    terminal.run("history", ">");
    assert!(
        below(&terminal).ends_with(
            "> vars\n  name    type  value\n  id      int   7\n  hidden  int   8\n\
             > history\n      1  let id = 7\n      2  vars\n      3  history\n>"
        ),
        "{}",
        terminal.screen()
    );
    terminal.run("help sleep", ">");
    terminal.sees("sleep DURATION");
}

#[test]
fn narrow_windows_and_windows_without_a_size_do_no_harm() {
    let folder = Folder::new();
    for columns in [40, 10, 0] {
        let rows = if columns == 0 { 0 } else { 24 };
        let mut terminal = shell(&folder).size(rows, columns).start();
        let long = "let name = 'a value that is longer than a narrow window'";
        terminal.sees(">");
        terminal.line(long);
        terminal.line("check 1 == 1");
        terminal.sees("ok");
        terminal.at(">");
        terminal.keys(CTRL_D);
        assert_eq!(terminal.ends(), 0, "{columns} columns");
    }
}

#[test]
fn forty_columns_wrap_a_line_and_keep_it_whole() {
    let folder = Folder::new();
    let terminal = started(shell(&folder).size(24, 40));
    terminal.run("let name = 'a value that is longer than a window'", ">");
    assert!(
        terminal.screen().ends_with(
            "\n> let name = 'a value that is longer tha\nn a window'\n\
             \x20 name = 'a value that is longer than a\n    window'\n>"
        ),
        "{}",
        terminal.screen()
    );
}

#[test]
fn a_storm_of_resizes_keeps_the_typed_line() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.keys("let a = ");
    for turn in 0..200 {
        terminal.resize(24, 60 + turn % 40);
    }
    terminal.resize(24, 80);
    terminal.keys("7\r");
    terminal.sees("a = 7");
    terminal.at(">");
    terminal.keys(&format!("{}{ENTER}", pasted("say go\nsleep 200ms")));
    terminal.sees("\ngo\n");
    for turn in 0..200 {
        terminal.resize(24, 60 + turn % 40);
    }
    terminal.resize(24, 80);
    terminal.run("let b = 8", ">");
    terminal.sees("b = 8");
}

#[test]
fn the_width_follows_the_window() {
    let folder = Folder::new();
    let terminal = ready(&folder);
    terminal.run("listen 0 as srv", "srv>");
    for columns in [100, 60] {
        terminal.resize(24, columns);
        terminal.run("connect 127.0.0.1:$srv.port", if columns == 100 { "c1>" } else { "c2>" });
        let screen = terminal.screen();
        let line = screen.lines().rfind(|line| line.ends_with(" ms")).unwrap();
        assert_eq!(line.len(), usize::from(columns), "{screen}");
    }
}

#[test]
fn a_plain_terminal_gets_a_plain_prompt() {
    let folder = Folder::new();
    for term in ["dumb", ""] {
        let mut terminal = shell(&folder).env("TERM", term).start();
        terminal.sees(">");
        terminal.line("let a = 1");
        terminal.sees("a = 1\n>");
        terminal.keys(CTRL_D);
        assert_eq!(terminal.ends(), 0);
    }
}

#[test]
fn the_prompt_stays_on_the_terminal_when_the_output_goes_to_a_file() {
    let folder = Folder::new();
    let log = folder.path().join("log");
    let mut terminal = shell(&folder).stdout(&log).start();
    terminal.at(">");
    terminal.run("let a = 1", ">");
    terminal.keys(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.ends_with("leaves\n  a = 1\n") && !text.contains('\x1b'), "{text:?}");
}

#[test]
fn ctrl_c_at_a_pause_leaves_every_key_to_the_prompt() {
    let folder = Folder::new();
    folder.write("talk.lab", "say one\npause\nsay two\n");
    let terminal = shell(&folder).args(&["-i", "talk.lab"]).start();
    terminal.sees("Enter goes on");
    terminal.keys(CTRL_C);
    terminal.sees("interrupted");
    terminal.at(">");
    terminal.keys("let a = 1\r");
    terminal.sees("  a = 1");
}

#[test]
fn enter_goes_on_at_a_pause() {
    let folder = Folder::new();
    folder.write("talk.lab", "say one\npause Look here\nsay two\n");
    let mut terminal = shell(&folder).args(&["talk.lab"]).start();
    terminal.sees("Look here (Enter goes on)");
    terminal.keys(ENTER);
    terminal.sees("two");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_step_that_fails_is_not_shown_twice_and_sentences_break_between_words() {
    let folder = Folder::new();
    let terminal = started(shell(&folder).size(24, 50));
    terminal.run("connect no-such-host-anywhere.invalid 12000", ">");
    let screen = below(&terminal);
    assert_eq!(screen.matches("connect no-such-host").count(), 1, "{screen}");
    let error = screen.split_once("error: ").unwrap().1;
    assert!(error.starts_with("cannot resolve host\n  `no-such-host-anywhere.invalid`: "), "{screen}");
}

#[test]
fn steps_of_an_included_script_are_shown_at_the_prompt() {
    let folder = Folder::new();
    folder.write("two.lab", "let a = 1\ncheck $a == 1\n");
    let terminal = ready(&folder);
    terminal.run("include two.lab", ">");
    assert_eq!(below(&terminal), "> include two.lab\n> let a = 1\n  a = 1\n> check $a == 1\n  ok $a == 1\n>");
}

mod signals {
    use super::*;
    use pty::{CTRL_Q, CTRL_S, CTRL_Z};
    use std::time::{Duration, Instant};

    /// The longest that a signal may take to end the program.
    const LIMIT: Duration = Duration::from_secs(1);

    /// Whether the editor drew nothing behind the end of its line.
    fn is_left(terminal: &Terminal) -> bool {
        terminal.raw().ends_with(b"\x1b[?2004l\r\n")
    }

    #[test]
    fn sigterm_and_sighup_at_the_prompt_leave_a_sane_terminal() {
        let folder = Folder::new();
        for (signal, status) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
            let mut terminal = ready(&folder);
            terminal.keys("let half");
            terminal.typed("> let half");
            let started = Instant::now();
            terminal.signal(signal);
            assert_eq!(terminal.ends(), status);
            assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
            assert!(terminal.is_sane());
            assert!(is_left(&terminal), "{:?}", String::from_utf8_lossy(&terminal.raw()));
        }
    }

    /// The editor reads a line, draws its prompt, or is between the two, when the signal comes.
    #[test]
    fn a_signal_right_behind_enter_leaves_a_sane_terminal() {
        let folder = Folder::new();
        for round in 0..30 {
            let mut terminal = ready(&folder);
            terminal.keys(ENTER);
            std::thread::park_timeout(Duration::from_micros(round * 20));
            terminal.signal(Signal::TERM);
            assert_eq!(terminal.ends(), 143);
            assert!(terminal.is_sane());
            assert!(is_left(&terminal), "round {round}: {:?}", String::from_utf8_lossy(&terminal.raw()));
        }
    }

    /// Behind Escape the editor waits for the rest of a key and hears nothing else: it is not waited for.
    #[test]
    fn a_signal_in_the_middle_of_a_key_leaves_a_sane_terminal() {
        let folder = Folder::new();
        let mut terminal = ready(&folder);
        terminal.keys("let half\x1b");
        terminal.typed("> let half");
        let started = Instant::now();
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.ends(), 143);
        assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
        assert!(terminal.is_sane());
    }

    #[test]
    fn sigterm_and_sighup_end_a_step_under_way() {
        let folder = Folder::new();
        for (signal, status) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
            let mut terminal = ready(&folder);
            terminal.keys(&format!("{}{ENTER}", pasted("say go\nsleep 1m")));
            terminal.sees("\ngo\n");
            let started = Instant::now();
            terminal.signal(signal);
            assert_eq!(terminal.ends(), status);
            assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
            assert!(terminal.is_sane());
        }
    }

    #[test]
    fn a_terminal_stopped_by_ctrl_s_gets_every_line_after_ctrl_q() {
        let folder = Folder::new();
        let terminal = ready(&folder);
        terminal.keys(&format!("{}{ENTER}", pasted("say go\nrepeat 3000 say a line of text")));
        terminal.sees("\na line of text\n");
        terminal.keys(CTRL_S);
        terminal.keys(CTRL_Q);
        terminal.at(">");
        let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
        // Each in colour; the pasted text and its echo hold it too, without.
        assert_eq!(raw.matches("ma line of text").count(), 3000);
    }

    #[test]
    fn ctrl_z_stops_the_prompt_and_fg_brings_the_line_back() {
        let folder = Folder::new();
        let Some(terminal) = bash(&folder) else { return };
        terminal.line(env!("CARGO_BIN_EXE_lab2sh"));
        terminal.at(">");
        terminal.keys("let a = ");
        terminal.typed("> let a =");
        terminal.keys(CTRL_Z);
        terminal.sees("Stopped");
        terminal.line("fg");
        terminal.typed("> let a =");
        terminal.keys("1\r");
        terminal.sees("  a = 1");
        terminal.at(">");
    }

    #[test]
    fn a_prompt_in_the_background_waits_for_the_foreground() {
        let folder = Folder::new();
        let Some(terminal) = bash(&folder) else { return };
        terminal.line(&format!("{} &", env!("CARGO_BIN_EXE_lab2sh")));
        terminal.sees("leaves");
        terminal.line("echo bash is here; wait -n");
        terminal.sees("Stopped");
        terminal.line("fg");
        terminal.at(">");
        terminal.run("let a = 1", ">");
        terminal.sees("  a = 1");
    }

    /// A shell with job control, or nothing where there is none.
    fn bash(folder: &Folder) -> Option<Terminal> {
        let terminal = std::path::Path::new("/bin/bash").exists().then(|| {
            program("/bin/bash", folder).args(&["--norc", "--noprofile", "-i"]).env("PS1", "bash$ ").start()
        })?;
        terminal.sees("bash$");
        Some(terminal)
    }
}

/// All of the lab's greeting: no opcode is left out, and nothing has scrolled away.
#[test]
fn the_greeting_is_explained_on_one_screen() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let terminal = ready(&folder);
    terminal.run(&format!("connect 127.0.0.1:{port} as ada"), "ada>");
    let (mut client, _) = listener.accept().unwrap();
    client.write_all(GREETING).unwrap();
    terminal.run("recv", "ada>");
    terminal.run("explain", "ada>");
    let screen = terminal.screen();
    let (_, shown) = screen.split_once("ada> explain\n").expect("the line that was typed is still there");
    assert_eq!(
        shown,
        r"  ada <- {'clientid': 1}                                 28 B, pickle protocol 4
     0  80 04                    PROTO 4: a pickle, written in this protocol
     2  95 11 00 00 00 00 00 00  FRAME 17: one frame of so many bytes follows
        00
    11  7d                       EMPTY_DICT: push a new, empty dict
                                 stack: {}
    12  94                       MEMOIZE (as 0): keep the top in the memo
    13  8c 08 63 6c 69 65 6e 74  SHORT_BINUNICODE 'clientid': push a str; the
        69 64                    first byte is its length
                                 stack: {} | 'clientid'
    23  94                       MEMOIZE (as 1): keep the top in the memo
    24  4b 01                    BININT1 1: push an int of 1 byte
                                 stack: {} | 'clientid' | 1
    26  73                       SETITEM: put key and value into the dict below
                                 stack: {'clientid': 1}
    27  2e                       STOP: the end: the top is the value
ada>"
    );
}
