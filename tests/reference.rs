//! Every command's example runs, and README shows what the program does: its table, its `lab` blocks, its screens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fs;
use std::path::Path;

use common::{Peer, Shell, same, script, timeless};
use lab2sh::commands::TABLE;
use lab2sh::reference;

#[test]
fn every_commands_example_passes() {
    for spec in TABLE {
        let shell =
            script(spec.example).file("connect.lab", "param name = \"Grace\"\ncheck $name == \"Ada\"\n");
        let done = shell.arg("--allow-spawn").run();
        assert_eq!(done.status, 0, "the example of `{}`:\n{}", spec.name, done.screen);
        let verbs: Vec<&str> = spec
            .example
            .lines()
            .filter_map(|line| line.split(' ').find(|word| !word.starts_with('@')))
            .collect();
        assert!(verbs.contains(&spec.name), "the example of `{}` does not use it", spec.name);
    }
}

#[test]
fn help_shows_every_command() {
    let done = Shell::new(["-c", "help"]).run();
    for spec in TABLE {
        assert!(done.screen.contains(&format!("  {:<9} {}", spec.name, spec.summary)), "{}", spec.name);
        assert!(spec.summary.len() <= 66, "`help` is wider than 80 columns at `{}`", spec.name);
        let help = Shell::new(["-c", &format!("help {}", spec.name)]).run();
        assert!(help.screen.contains(spec.summary), "help {}", spec.name);
    }
    let run = Shell::new(["-c", "help run"]).run();
    assert!(run.screen.contains("\n  $NAME has .times, .ended, .failed\n"), "{}", run.screen);
}

#[test]
fn readme_has_the_command_table() {
    let table = reference::markdown(TABLE);
    if std::env::var_os("LAB2SH_RECORD").is_some() {
        let readme = readme();
        let (before, rest) = readme.split_once("## Commands\n\n").unwrap();
        let (_, after) = rest.split_once("\n## ").unwrap();
        let text = format!("{before}## Commands\n\n{table}\n## {after}");
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), text).unwrap();
    }
    assert!(readme().contains(&table), "README's command table should be:\n{table}");
}

#[test]
fn readmes_scripts_run_and_show_its_screens() {
    let blocks = blocks(&readme());
    let mut ran = 0;
    for (number, (kind, text)) in blocks.iter().enumerate() {
        if kind != "lab" {
            continue;
        }
        let done = script(text).run();
        assert_eq!(done.status, 0, "{text}\n{}", done.screen);
        ran += 1;
        if let Some((kind, screen)) = blocks.get(number + 1)
            && kind == "screen"
        {
            same(screen, &done.screen.replace("test.lab", "lesson.lab"));
        }
    }
    assert!(ran >= 2, "README has {ran} `lab` blocks");
}

#[test]
fn readmes_picture_is_what_flow_draws() {
    let blocks = blocks(&readme());
    let text = |kind: &str| &blocks.iter().find(|(it, _)| it == kind).unwrap().1;
    let done = script(&format!("{}flow\n", text("lab"))).run();
    let shown = done.screen.split("> flow\n").nth(1).unwrap().split("\ntest.lab").next().unwrap();
    assert_eq!(timeless(text("picture")), timeless(shown));
}

#[test]
fn readmes_session_is_what_a_student_sees() {
    let Some(server) = Peer::server("greeting_server.py", &["dict"]) else { return };
    let blocks = blocks(&readme());
    let (_, session) = blocks.iter().find(|(kind, _)| kind == "session").expect("README has a session");
    let typed: Vec<&str> = session.lines().filter_map(typed_line).collect();
    let text = typed.join("\n").replace("12000", &server.port.to_string());
    let done = Shell::new(["--keep-going", "-"]).stdin(text).run();
    let shown: String = session
        .lines()
        .filter(|line| !line.starts_with("lab2sh: ") && !line.starts_with('$'))
        .fold(String::new(), |all, line| all + line + "\n");
    let got = done.screen.split("\nstdin: ").next().unwrap();
    let got: String = got
        .lines()
        .map(|line| line.strip_prefix("stdin:4:1: ").unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n");
    same(&shown, &got);
}

#[test]
fn readmes_clients_visit_a_class() {
    let blocks = blocks(&readme());
    let of = |kind: &str| blocks.iter().find(|(it, _)| it == kind).map(|(_, text)| text.clone()).unwrap();
    let done = script(&of("lab-load")).file("client.lab", of("lab-client")).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    assert!(done.screen.contains("  load  200 runs ended, 0 failed, in "), "{}", done.screen);
}

/// A client as README's check of one wants it.
const CLIENT: &str = r#"
import pickle, socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("my id is", pickle.loads(client.recv(4090))["clientid"])
client.sendall(pickle.dumps({"name": "Ada"}))
sys.exit(0 if input() == "bye" else 1)
"#;

#[test]
fn readmes_check_of_a_program_passes_and_its_failure_is_shown() {
    if common::python_or_skip().is_none() {
        return;
    }
    let blocks = blocks(&readme());
    let of = |kind: &str| &blocks.iter().find(|(it, _)| it == kind).expect(kind).1;
    let check = |text: &str, client: &str| {
        Shell::new(["--allow-spawn", "check.lab"]).file("check.lab", text).file("client.py", client).run()
    };
    let done = check(of("lab-spawn"), CLIENT);
    assert_eq!(done.status, 0, "{}", done.screen);
    let student = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/students/client_bytes_indexed.py");
    let begins = "listen 0 as server\nspawn python3 client.py $server.port as student\naccept as seat within 10s\n\
                  send {\"clientid\": 7}\nexpect {\"student_name\": str}\n";
    let done = check(begins, &fs::read_to_string(student).unwrap());
    let at = done.screen.find("check.lab:5:1: ").unwrap_or_else(|| panic!("{}", done.screen));
    let failure = done.screen[at..].split("\n\n").next().unwrap();
    same(of("failure"), failure);
}

#[test]
fn readmes_client_is_graded_as_it_shows() {
    if common::python_or_skip().is_none() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let done = Shell::new(["--allow-spawn", "scripts/grade-client.lab", "program=client.py", "port=0"])
        .file("scripts/grade-client.lab", file("scripts/grade-client.lab"))
        .file("client.py", file("tests/students/client_forgets_rest.py"))
        .run();
    assert_eq!(done.status, 1, "{}", done.screen);
    let readme = readme();
    let (_, shown) = blocks(&readme).into_iter().find(|(kind, _)| kind == "graded").expect("README grades");
    let shown = shown.split_once('\n').unwrap().1;
    same(&common::unnumbered(shown), &common::unnumbered(&done.screen));
}

/// What was typed behind a prompt: `> ` or `ada> `.
fn typed_line(line: &str) -> Option<&str> {
    let (name, typed) = line.split_once("> ").or(line.strip_suffix('>').map(|name| (name, "")))?;
    name.chars().all(|c| c.is_alphanumeric()).then_some(typed)
}

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The fenced blocks: the word behind the fence, and the text.
fn blocks(markdown: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some((kind.to_string(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}
