//! What reaches the screen, a pipe or a file: nothing that a peer, a script or a file name chose to do to a terminal.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use common::{Folder, Shell};
use unicode_width::UnicodeWidthStr;

/// What would clear the screen, set its title, fill the clipboard, make it answer, move the cursor, or hide and turn text.
const HOSTILE: &[&str] = &[
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP+q544e\x1b\\",
    "\u{9b}2J",
    "\x05",
    "\x1b[6n",
    "\x1bc",
    "\r",
    "\n",
    "\x08",
    "\x7f",
    "\0",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{200f}",
    "\u{feff}",
    "\u{e0041}",
    "\u{fff9}",
    "\u{e000}",
    "\x0e",
    "\t",
    "\x0b",
];

/// The pickle of a str.
fn pickle_of(text: &str) -> Vec<u8> {
    let len = u32::try_from(text.len()).unwrap().to_le_bytes();
    [b"\x80\x03X", len.as_slice(), text.as_bytes(), b"."].concat()
}

/// A server that gives its first client these bytes and then reads until the client leaves.
fn server(bytes: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(&bytes).unwrap();
        let _ = client.read_to_end(&mut Vec::new());
    });
    port
}

/// The characters that a terminal would act on, or that hide or turn text.
fn active(text: &str) -> Vec<char> {
    text.chars().filter(|c| *c != '\n' && !lab2sh::value::is_printable(*c)).collect()
}

/// Without the colours that lab2sh sets: `ESC [ numbers m`.
fn without_color(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap().to_string();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        plain += rest.strip_prefix('m').unwrap_or("\x1b[not a colour");
    }
    plain
}

/// Every way in which a value from a peer is shown.
const SHOWN: &str = "\
recv
let x = $_
say got $x
say \"got ${x}\"
vars
? check $x == 1
? expect 1 within 20ms
? expect nothing within 20ms
? expect {\"a\": /x/} within 20ms
recv 4
recv 1000000
sockets
connect $x 1 within 1s
send file $x
check $x.a == 1
use $x
";

fn shown(options: &[&str], hostile: &str) -> String {
    let value = format!("a{hostile}b");
    let port = server([pickle_of(&value), pickle_of(&value), pickle_of(&value)].concat());
    let text = format!("connect 127.0.0.1 {port} as ada\n{SHOWN}").replace("use $x\n", "");
    let run = Shell::new([options, &["--keep-going", "test.lab"]].concat()).file("test.lab", text).run();
    assert_eq!(run.status, 3, "{}", run.screen);
    run.screen
}

#[test]
fn nothing_that_a_peer_sends_reaches_the_terminal_as_it_is() {
    // A right-hand part that does not fit stands on a line of its own; `normal` puts it back.
    let lines = |text: &str| common::normal(text).lines().count();
    let harmless = shown(&[], "-");
    for hostile in HOSTILE {
        let screen = shown(&[], hostile);
        assert_eq!(active(&screen), [], "{hostile:?}:\n{screen}");
        assert_eq!(lines(&screen), lines(&harmless), "{hostile:?} starts a line:\n{screen}");
        assert!(screen.contains("ada <- 'a\\"), "{hostile:?} is shown as an escape:\n{screen}");
    }
}

#[test]
fn colours_json_and_quiet_are_as_safe() {
    let all = HOSTILE.concat();
    let colored = shown(&["--color", "always"], &all);
    assert!(colored.contains("\x1b[1mada\x1b[0m"), "{colored}");
    assert_eq!(active(&without_color(&colored)), []);
    assert_eq!(active(&shown(&["-q"], &all)), []);
    let json = shown(&["--json"], &all);
    assert_eq!(active(&json), [], "{json}");
    assert!(json.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{json}");
}

#[test]
fn names_of_classes_and_keys_are_shown_as_escapes() {
    let name = HOSTILE.iter().filter(|text| !text.contains('\n')).copied().collect::<String>();
    let class = [b"cos", name.as_bytes(), b"\nsystem", name.as_bytes(), b"\n(S'x'\ntR."].concat();
    let key = [b"}".as_slice(), &pickle_of(&name)[2..pickle_of(&name).len() - 1], b"K\x01s."].concat();
    let persistent = [b"P", name.as_bytes(), b"\n."].concat();
    for message in [class, key, persistent] {
        let port = server(message);
        let text = format!("connect 127.0.0.1 {port} as ada\nrecv within 1s\nvars\n");
        let run = Shell::new(["test.lab"]).file("test.lab", text).run();
        assert_eq!(active(&run.screen), [], "{}", run.screen);
        assert!(run.screen.contains("\\x1b[2J"), "{}", run.screen);
    }
}

#[test]
fn bytes_that_are_no_pickle_and_text_of_other_codecs_are_shown_as_escapes() {
    let all = HOSTILE.iter().filter(|text| !text.contains('\n')).copied().collect::<String>();
    for option in ["protocol 3", "codec text", "codec json", "codec hex", "framing none", "framing length"] {
        for text in
            [format!("GET /{all} HTTP/1.1\r\n\r\n"), format!("{all}\n{all}\n"), format!("{{\"{all}\": 1}}\n")]
        {
            let port = server(text.into_bytes());
            let text = format!(
                "set {option}\nconnect 127.0.0.1 {port} as ada\n? recv within 50ms\n? recv within 50ms\n? expect 1 within 50ms\nclose\n"
            );
            let run = Shell::new(["test.lab"]).file("test.lab", text).run();
            assert_eq!(active(&run.screen), [], "{option}:\n{}", run.screen);
        }
    }
}

#[test]
fn names_of_files_are_shown_as_escapes() {
    let name = "a\x1b[2J\u{202e}\r\x07b.lab";
    for args in
        [vec![name], vec!["-c", "quit", "--", name, "x\x1b[2J=\u{202e}"], vec!["ok.lab", "x\x1b[2J=\u{202e}"]]
    {
        let run = Shell::new(args).file("ok.lab", "say hello\n").file("b\x07.lab", "sned\n").run();
        assert_eq!(active(&run.screen), [], "{}", run.screen);
    }
    let run = Shell::new([name]).file(name, "sned\n").run();
    assert_eq!(active(&run.screen), [], "{}", run.screen);
    assert_eq!(run.status, 2);
}

#[test]
fn columns_stay_aligned_with_wide_and_combining_characters() {
    for name in ["Ada", "日本語", "Zo\u{308}e\u{301}\u{302}\u{303}\u{304}", "👩👩👩", "한국어 이름"]
    {
        let port = server(pickle_of(name));
        let text = format!("connect 127.0.0.1 {port} as ada\nrecv\nlet a = $_\nlet bb = '日本'\nvars\n");
        let run = Shell::new(["test.lab"]).file("test.lab", text).run();
        let received = run.screen.lines().find(|line| line.starts_with("  ada <- ")).unwrap();
        assert_eq!(received.width(), 80, "{received}");
    }
    let text = "let a = ['日本', 1]\nlet 日本 = 2\nvars\n";
    let run = Shell::new(["test.lab"]).file("test.lab", text).run();
    let table: Vec<&str> = run.screen.lines().skip_while(|line| !line.contains("type")).take(3).collect();
    let column = |line: &str, word: &str| line.split_once(word).unwrap().0.width();
    assert_eq!(column(table[0], "type"), column(table[1], "list"), "{table:?}");
    assert_eq!(column(table[0], "type"), column(table[2], "int"), "{table:?}");
    assert_eq!(column(table[0], "value"), column(table[2], "2"), "{table:?}");
}

#[test]
fn a_long_value_is_cut_with_its_size() {
    let port = server(pickle_of(&"x".repeat(1_000_000)));
    let text = format!("connect 127.0.0.1 {port} as ada\nrecv\n");
    let run = Shell::new(["test.lab"]).file("test.lab", text).run();
    assert!(run.screen.len() < 3000, "{} bytes of screen", run.screen.len());
    assert!(run.screen.contains("... (cut: 1000008 B in all)"), "{}", run.screen);
}

#[test]
fn a_pipe_gets_colours_only_if_it_is_told_to() {
    let screen = |options: &[&str], no_color: &str| {
        Shell::new([options, &["-c", "check 1 == 1"]].concat()).env("NO_COLOR", no_color).run().screen
    };
    assert_eq!(screen(&[], ""), "  ok 1 == 1\n");
    assert_eq!(screen(&["--color", "never"], ""), "  ok 1 == 1\n");
    assert_eq!(screen(&["--color", "always"], ""), "  \x1b[32mok\x1b[0m 1 == 1\n");
    assert_eq!(screen(&["--color", "auto"], "1"), "  ok 1 == 1\n");
}

/// The program with a million lines to say.
fn talker(options: &[&str]) -> (Command, Folder) {
    let args = [options, &["-c", "repeat 1000000 say line after line"]].concat();
    Shell::new(args).into_command()
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    for options in [&[] as &[&str], &["--json"], &["--keep-going"]] {
        let (mut command, _folder) = talker(options);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let done = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{options:?}");
        assert_eq!(done.status.code(), Some(141), "{options:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_stands_still_does_not_keep_it_from_ending() {
    let (mut command, _folder) = talker(&[]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut unread = BufReader::new(child.stdout.take().unwrap());
    unread.read_line(&mut String::new()).unwrap();
    let started = std::time::Instant::now();
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(started.elapsed().as_secs_f64() < 2.0, "{:?}", started.elapsed());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_once_and_ends_it_with_3() {
    for options in [&[] as &[&str], &["--json"], &["--keep-going"]] {
        let (mut command, _folder) = talker(options);
        let done =
            command.stdout(File::create("/dev/full").unwrap()).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&done.stderr),
            "error: cannot write output: no space left on device\n",
            "{options:?}"
        );
        assert_eq!(done.status.code(), Some(3), "{options:?}");
    }
    // What is said at the very end counts too.
    let (mut command, _folder) = Shell::new(["-c", "say one"]).into_command();
    let done = command.stdout(File::create("/dev/full").unwrap()).output().unwrap();
    assert_eq!(done.status.code(), Some(3));
}

#[cfg(target_os = "linux")]
#[test]
fn errors_that_cannot_be_written_change_no_status() {
    let (mut command, _folder) = Shell::new(["-c", "check 1 == 2"]).into_command();
    let done = command.stderr(File::create("/dev/full").unwrap()).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn closed_standard_files_do_no_harm() {
    for (closed, status) in [("<&-", 0), ("</dev/null", 0), (">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0)] {
        let (_, folder) = Shell::new([""]).into_command();
        let command =
            format!("exec {} -c 'listen 0' -c 'say $s1.port' {closed}", env!("CARGO_BIN_EXE_lab2sh"));
        let done =
            Command::new("/bin/sh").arg("-c").arg(command).current_dir(folder.path()).output().unwrap();
        assert_eq!(done.status.code(), Some(status), "{closed}: {done:?}");
    }
}
