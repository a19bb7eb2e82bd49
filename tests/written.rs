//! Files that a run writes (`--report`, `--save`): what stood there before, and what must not be overwritten.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use common::{Done, Shell};

const SCRIPT: &str = "check 1 == 1\n";

fn quiet(words: &[&str]) -> Shell {
    Shell::new([&["-q", "x.lab"], words].concat()).file("x.lab", SCRIPT)
}

fn named_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn is_report(text: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(text).is_ok_and(|report| report["passed"] == 1)
}

/// The folder holds these files and no other, one that was half written above all.
#[track_caller]
fn holds(done: &Done, expected: &[&str]) {
    let entries = fs::read_dir(done.folder.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, expected);
}

#[test]
fn a_named_pipe_is_written_through() {
    for option in ["--report", "--save"] {
        let shell = quiet(&[option, if option == "--save" { "pipe" } else { "json=pipe" }]);
        let pipe = shell.path().join("pipe");
        named_pipe(&pipe);
        let reads = {
            let pipe = pipe.clone();
            std::thread::spawn(move || fs::read(pipe).unwrap())
        };
        let done = shell.run();
        done.shows(0, "");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        let text = reads.join().unwrap();
        assert!(if option == "--save" { text == b"{}\n" } else { is_report(&text) }, "{text:?}");
        holds(&done, &["pipe", "x.lab"]);
    }
}

#[test]
fn a_pipe_that_nobody_reads_is_told() {
    let shell = quiet(&["--report", "json=pipe"]);
    let pipe = shell.path().join("pipe");
    named_pipe(&pipe);
    let done = shell.run();
    done.shows(
        3,
        "error: cannot write the report `pipe`: nobody reads from it\n\
         hint: a report goes to a file that may be written, or to a pipe that somebody reads\n",
    );
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn a_link_still_leads_to_the_file_that_is_written() {
    let shell = quiet(&["--report", "json=link", "--report", "tap=to-nothing-yet"])
        .file("deep/target.json", "an older report, which is longer than the new one will be or not");
    fs::create_dir(shell.path().join("links")).unwrap();
    symlink("deep/target.json", shell.path().join("links.json")).unwrap();
    symlink("links.json", shell.path().join("link")).unwrap();
    symlink("deep/new.tap", shell.path().join("to-nothing-yet")).unwrap();
    let done = shell.run();
    done.shows(0, "");
    let folder = done.folder.path();
    assert_eq!(fs::read_link(folder.join("link")).unwrap(), Path::new("links.json"));
    assert_eq!(fs::read_link(folder.join("links.json")).unwrap(), Path::new("deep/target.json"));
    assert!(is_report(&fs::read(folder.join("deep/target.json")).unwrap()));
    assert!(fs::read_to_string(folder.join("deep/new.tap")).unwrap().starts_with("TAP version"));
}

#[test]
fn standard_output_by_its_name_is_written_to() {
    let shell = quiet(&["--report", "json=/dev/stdout"]);
    let done = shell.run_apart();
    assert!(is_report(done.screen.as_bytes()), "{}", done.screen);
    // Where it is a file, that is written on from where it is, whether it was opened to append or not.
    for (name, is_error) in [("/dev/stdout", false), ("/dev/stderr", true), ("link", true)] {
        let (mut command, folder) = Shell::new(["x.lab", "--report", &format!("tap={name}")])
            .file("x.lab", "check 1 == 2\n")
            .into_command();
        symlink("/dev/stderr", folder.path().join("link")).unwrap();
        let path = folder.path().join("screen.txt");
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(b"before\n").unwrap();
        let other = std::process::Stdio::null();
        let status = if is_error {
            command.stdout(other).stderr(file.try_clone().unwrap()).status()
        } else {
            command.stdout(file.try_clone().unwrap()).stderr(other).status()
        };
        assert_eq!(status.unwrap().code(), Some(1));
        file.write_all(b"after\n").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("before\n") && text.ends_with("after\n"), "{name}: {text}");
        assert_eq!(text.matches("TAP version 13\n1..1\n").count(), 1, "{name}: {text}");
        assert_eq!(text.matches("error: the check does not hold").count(), usize::from(is_error), "{text}");
    }
}

#[test]
fn the_mode_of_a_file_stays() {
    let shell = quiet(&["--report", "json=out.json"]).file("out.json", "old");
    let file = shell.path().join("out.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let done = shell.run();
    done.shows(0, "");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(is_report(&fs::read(&file).unwrap()));
    holds(&done, &["out.json", "x.lab"]);
}

#[test]
fn a_file_beside_with_a_name_like_a_new_ones_is_nobodys_business() {
    let done = quiet(&["--report", "json=out.json"]).file("out.json.new", "mine").run();
    done.shows(0, "");
    assert_eq!(fs::read_to_string(done.folder.path().join("out.json.new")).unwrap(), "mine");
}

/// Nothing was run, and the file holds what it held.
#[track_caller]
fn refused(shell: Shell, file: &str, expected: &str) {
    let before = fs::read(shell.path().join(file)).unwrap();
    let done = shell.run();
    done.shows(2, expected);
    assert_eq!(fs::read(done.folder.path().join(file)).unwrap(), before);
}

const HINT: &str = "hint: take a name that no other file has\n";

#[test]
fn what_the_run_reads_is_not_written_over() {
    let inner = "let a = 1\n";
    let run = |words: &[&str], script: &str| {
        let shell = Shell::new([&["x.lab"], words].concat()).file("x.lab", script).file("in/a.lab", inner);
        shell.file("client.py", "print(1)\n")
    };
    let told = |option: &str, what: &str| format!("error: `{option}` would write over {what}\n{HINT}");
    refused(
        run(&["--report", "junit=x.lab"], "say hello\n"),
        "x.lab",
        &told("--report junit=x.lab", "the script `x.lab`"),
    );
    // By another name, and where the script holds a mistake as well.
    refused(
        run(&["--save", "in/../x.lab"], "sya hello\n"),
        "x.lab",
        &told("--save in/../x.lab", "the script `x.lab`"),
    );
    for script in
        ["include in/a.lab\n", "run in/a.lab\n", "repeat 2 include in/a.lab\n", "include in/a.lab\nsya x\n"]
    {
        refused(
            run(&["--report", "tap=in/a.lab"], script),
            "in/a.lab",
            &told("--report tap=in/a.lab", "the script `in/a.lab`"),
        );
    }
    let param = "param program = \"client.py\"\n";
    let file = "`client.py`, which the param `program` names";
    refused(run(&["--report", "html=client.py"], param), "client.py", &told("--report html=client.py", file));
    refused(
        run(&["program=client.py", "--report", "html=./client.py"], "param program = \"x\"\n"),
        "client.py",
        &told("--report html=./client.py", file),
    );
    refused(
        Shell::new(["-c", "include a.lab", "--report", "json=a.lab"]).file("a.lab", inner),
        "a.lab",
        &told("--report json=a.lab", "the script `a.lab`"),
    );
    let linked = run(&["--report", "json=link"], "say hello\n");
    symlink("x.lab", linked.path().join("link")).unwrap();
    refused(linked, "x.lab", &told("--report json=link", "the script `x.lab`"));
    // A script's mistake is still reported to where it harms nothing.
    let done = run(&["--report", "json=in/a.lab", "--report", "tap=good.tap"], "include in/a.lab\n").run();
    assert_eq!(done.status, 2);
    assert!(fs::read_to_string(done.folder.path().join("good.tap")).unwrap().contains("would write over"));
}

#[test]
fn two_things_do_not_go_to_one_file() {
    let run = |words: &[&str]| Shell::new([&["x.lab"], words].concat()).file("x.lab", "say hello\n").run();
    let done = run(&["--report", "json=Z.x", "--report", "tap=./Z.x"]);
    done.shows(
        2,
        "error: `--report json=Z.x` and `--report tap=./Z.x` would write to the same file\n\
         hint: each needs a file of its own\n",
    );
    holds(&done, &["x.lab"]);
    run(&["--report", "json=Z.x", "--save", "Z.x"]).shows(
        2,
        "error: `--report json=Z.x` and `--save Z.x` would write to the same file\nhint: each needs a file of its own\n",
    );
    // A device takes whatever comes.
    assert_eq!(run(&["-q", "--report", "json=/dev/null", "--report", "tap=/dev/null"]).status, 0);
}

#[test]
fn the_tables_of_load_runs_can_go_to_standard_output() {
    let script = "run a.lab times 3 as load\nwait load\n";
    let shell = |words: &[&str]| {
        Shell::new([&["x.lab"], words].concat()).file("x.lab", script).file("a.lab", "check 1 == 1\n")
    };
    let done = shell(&["--save", "-"]).run();
    let tables: serde_json::Value = serde_json::from_str(&done.screen).unwrap();
    assert_eq!((tables["load"]["times"].as_u64(), done.status), (Some(3), 0));
    holds(&done, &["a.lab", "x.lab"]);
    let done = shell(&["-q", "--save", "nowhere/x.json"]).run();
    done.shows(
        3,
        "error: cannot write `nowhere/x.json`: no such file or directory\n\
         hint: `--save FILE.json` writes to a file in a folder that is there, `--save -` to standard output\n",
    );
    shell(&["--save", "-", "--report", "tap=-"]).run().shows(
        2,
        "error: standard output is for one report, for `--save` or for `--json`\n\
         hint: give the others files: `--report json=results.json`\n",
    );
}
