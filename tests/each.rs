//! `--each`: one script on many submissions, some of which misbehave.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Done, Shell, normal, python_or_skip, same};

const GRADE: &str = "param program = \"client.py\"
set show phases
set on-failure next-phase
## It says hello
points 2
spawn python3 -u $program as student
@student expect output /hello/ within 20s
## It ends well
points 1
@student expect exit 0 within 20s
";

/// A file in the folder that the program starts in, folders above it made.
fn put(shell: &Shell, name: &str, text: &str) {
    let path = shell.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn grade(words: &[&str]) -> Shell {
    let all = [&["--each", "in/*/client.py", "--allow-spawn"], words, &["grade.lab"]].concat();
    Shell::new(all).file("grade.lab", GRADE)
}

/// The table at the end of the screen, its columns parted by two spaces; lines of single runs come as they end.
fn table(done: &Done) -> String {
    done.screen
        .lines()
        .skip_while(|line| !line.starts_with("  submission"))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn read(done: &Done, name: &str) -> String {
    let path = done.folder.path().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether the process whose number a submission wrote down is still there.
fn is_there(file: &Path) -> bool {
    let pid = fs::read_to_string(file).unwrap();
    let asked = std::process::Command::new("kill").args(["-0", pid.trim()]).output().unwrap();
    asked.status.success()
}

#[test]
fn one_that_hangs_floods_or_is_called_badly_harms_no_other() {
    if python_or_skip().is_none() {
        return;
    }
    let shell = grade(&["--time-limit", "5s", "--at-once", "3"]);
    put(&shell, "in/ada/client.py", "print('hello')\n");
    put(&shell, "in/bob/client.py", "raise SystemExit('<b>no</b>')\n");
    put(&shell, "in/=cmd()<script>\u{202e}\n/client.py", "print('hello')\n");
    put(&shell, &format!("in/{}/client.py", "x".repeat(200)), "print('hello')\n");
    put(&shell, "in/flood/client.py", "while True: print('x' * 10000)\n");
    let hangs = "import os, signal\nopen(__file__ + '.pid', 'w').write(str(os.getpid()))\n\
                 signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()\n";
    put(&shell, "in/hang/client.py", hangs);
    let done = shell.run();
    let long = "x".repeat(40) + "...";
    same(
        &format!(
            "  submission  points  passed  failed  result  first failure
  =cmd()<script>\\u202e\\n  3 of 3  2  0  passed
  ada  3 of 3  2  0  passed
  bob  0 of 3  0  2  failed  `student` ended (exit 1) and had said nothing that matches
  flood  0 of 3  0  2  failed  `student` ended (signal 15) and had said nothing that matche...
  hang  0 of 3  0  0  timed out  it was still running after 5s (`--time-limit`) and was ended
  {long}  3 of 3  2  0  passed
"
        ),
        &table(&done),
    );
    assert_eq!(done.status, 1);
    assert!(
        !is_there(&done.folder.path().join("in/hang/client.py.pid")),
        "the one that hangs is still there"
    );
    let csv = read(&done, "reports/results.csv");
    assert!(csv.contains("\n'=cmd()<script>\\u202e\\n,3,3,2,0,0,passed,0,"), "{csv}");
    assert!(csv.contains("\nhang,0,3,0,0,2,timed out,1,"), "{csv}");
    let page = read(&done, "reports/index.html");
    assert!(page.contains(">=cmd()&lt;script&gt;\\u202e\\n</a>") && !page.contains("<script"), "{page}");
    // What a run showed is there to be looked at, also of one that was ended, and none takes the disk.
    assert!(read(&done, "reports/hang/screen.txt").contains("spawn python3 -u $program as student"));
    assert!(read(&done, "reports/bob/screen.txt").contains("<b>no</b>"));
    assert!(read(&done, "reports/flood/screen.txt").len() < 2 << 20);
    let report: serde_json::Value = serde_json::from_str(&read(&done, "reports/bob/results.json")).unwrap();
    assert_eq!((report["score"].as_f64(), report["points"].as_f64()), (Some(0.0), Some(3.0)));
    let folders = fs::read_dir(done.folder.path().join("reports")).unwrap();
    // The name of a folder is cut, but what the table's files say is whole.
    assert!(csv.contains(&"x".repeat(200)), "{csv}");
    let odd: Vec<PathBuf> = folders
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            !path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        })
        .collect();
    assert_eq!(odd, Vec::<PathBuf>::new());
}

/// A submission that ends with this status, or cannot be started at all.
fn kind(shell: &Shell, name: &str) {
    match name {
        "good" => put(shell, "in/good/client", "#!/bin/sh\nexit 0\n"),
        "bad" => put(shell, "in/bad/client", "#!/bin/sh\nexit 1\n"),
        _ => put(shell, "in/broken/client", "no program\n"),
    }
    if name != "broken" {
        let path = shell.path().join(format!("in/{name}/client"));
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn the_highest_status_of_all_wins() {
    let status = |names: &[&str]| {
        let shell = Shell::new(["--each", "in/*/client", "--allow-spawn", "run.lab"])
            .file("run.lab", "param program = \"\"\nspawn $program\nexpect exit 0 within 20s\n");
        names.iter().for_each(|name| kind(&shell, name));
        let done = shell.run();
        (done.status, table(&done).lines().count())
    };
    assert_eq!(status(&["good"]), (0, 2));
    assert_eq!(status(&["good", "bad"]), (1, 3));
    assert_eq!(status(&["broken"]), (3, 3));
    assert_eq!(status(&["good", "bad", "broken"]), (3, 5));
}

#[test]
fn a_mistake_is_told_once_and_nothing_is_run() {
    let run = |args: &[&str], script: &str| {
        let shell = Shell::new(args).file("run.lab", script);
        kind(&shell, "good");
        shell.run()
    };
    let each = ["--each", "in/*/client", "run.lab"];
    run(&["--each", "out/*", "run.lab"], "").shows(
        2,
        "error: no file matches `out/*`\nhint: there is no `out`; a pattern starts from the folder you are in\n",
    );
    run(&["--each", "in/*/none.py", "run.lab"], "")
        .shows(2, "error: no file matches `in/*/none.py`\nhint: `in` is there, and nothing in it matches\n");
    run(&["--each", "in/*", "run.lab"], "").shows(
        2,
        "error: no file matches `in/*`\n\
         hint: what it matches is no file: a submission is one, as `submissions/*/client.py` has it\n",
    );
    run(&["--each", "in/a/client", "in/b/client", "run.lab"], "").shows(
        2,
        "error: `--each` takes one pattern and one script, and `run.lab` is no param\n\
         hint: put the pattern in quotes: without them the shell makes words of it, one for each file\n",
    );
    run(&["--each", "in/*/client", "run.lab", "program=x"], "param program = \"\"\n").shows(
        2,
        "error: `program=x`: `--each` gives this param, each file in its turn\n\
         hint: leave it out, or run this one alone: without `--each`\n",
    );
    let no_time = run(&["--each", "in/*/client", "--time-limit", "0s", "run.lab"], "");
    assert!(no_time.screen.contains("nothing ends in no time: 60s"), "{}", no_time.screen);
    run(&["--each", "in/*/client", "--out", "in", "run.lab"], "param program = \"\"\n").shows(
        2,
        "error: the reports would be written to `in/good`, which holds a submission\n\
         hint: `--out FOLDER` puts them elsewhere\n",
    );
    run(&["--each", "in/[", "run.lab"], "").shows(
        2,
        "error: `in/[` is not a pattern: invalid range pattern\n\
         hint: `*` is any part of a name, `?` one character, `[ab]` one of these, `**` any folders\n",
    );
    run(&each, "say hello\n").shows(2, "error: `run.lab` has no param `program`\nhint: it has no params\n");
    run(&each, "param program = \"\"\nsned\n").shows(
        2,
        "run.lab:2:1: error: `sned` is not a command\n    sned\n    ^^^^\nhint: did you mean `send`?\n",
    );
    run(&each, "param program = \"\"\nspawn $program\n").shows(
        2,
        "run.lab:2:1: error: this would start a program, and `--allow-spawn` was not given\n    spawn $program\n    ^^^^^\n\
         hint: a script from someone else could start anything: read it, then run `lab2sh --allow-spawn ...`\n",
    );
    run(&["--each", "in/*/client"], "").shows(
        2,
        "error: `--each` needs a script\nhint: `lab2sh --each 'submissions/*/client.py' FILE.lab`\n",
    );
    run(&["--each", "in/*/client", "--out", "run.lab", "run.lab"], "param program = \"\"\n").shows(
        3,
        "error: cannot write `run.lab`: file exists\nhint: `--out FOLDER` puts the reports elsewhere\n",
    );
}

#[test]
fn ctrl_c_ends_all_and_the_table_is_written() {
    let Some((done, is_left)) = ended_by("INT") else { return };
    assert_eq!(done.status, 130, "{}", done.screen);
    assert!(read(&done, "reports/results.csv").contains("\nbob,,3,0,0,2,interrupted,130,"));
    assert!(!is_left);
}

#[test]
fn a_signal_that_ends_it_leaves_no_submission_behind() {
    let Some((done, is_left)) = ended_by("TERM") else { return };
    assert_eq!(done.status, 143, "{}", done.screen);
    assert!(!is_left);
}

/// Two submissions, one of which hangs when the signal comes: the run, and whether that one's process is left.
fn ended_by(signal: &str) -> Option<(Done, bool)> {
    python_or_skip()?;
    let shell = grade(&["--at-once", "2"]);
    let hangs = "import os, signal\nopen(__file__ + '.pid', 'w').write(str(os.getpid()))\nwhile True: signal.pause()\n";
    put(&shell, "in/ada/client.py", "print('hello')\n");
    put(&shell, "in/bob/client.py", hangs);
    let pid = shell.path().join("in/bob/client.py.pid");
    let mut running = shell.start();
    running.wait_for("ok     ada");
    // Its number is written once it runs.
    let started = std::time::Instant::now();
    while !fs::read_to_string(&pid).is_ok_and(|pid| !pid.is_empty()) {
        assert!(started.elapsed() < common::LIMIT, "the second one never ran");
        std::thread::yield_now();
    }
    running.signal(signal);
    let done = running.finish();
    // A run that was only asked to end may take a moment longer than the one that asked.
    let asked = std::time::Instant::now();
    while is_there(&pid) && asked.elapsed() < common::LIMIT {
        std::thread::yield_now();
    }
    Some((done, is_there(&pid)))
}

#[test]
fn a_path_that_is_no_text_has_a_row() {
    use std::os::unix::ffi::OsStrExt;
    let shell = Shell::new(["--each", "in/*/client", "--allow-spawn", "run.lab"])
        .file("run.lab", "param program = \"\"\nspawn $program\nexpect exit 0 within 20s\n");
    kind(&shell, "good");
    let folder = shell.path().join("in").join(std::ffi::OsStr::from_bytes(b"bad\xff"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("client"), "").unwrap();
    let done = shell.run();
    same(
        "  submission  points  passed  failed  result  first failure
  bad\u{fffd}    0  0  error  the path is not UTF-8 text
  good    1  0  passed
warning: 1 of 2 graded; the others have no score
",
        &table(&done),
    );
    assert_eq!(done.status, 3);
}

#[test]
fn those_that_an_interrupt_left_out_have_rows_too() {
    if python_or_skip().is_none() {
        return;
    }
    let shell = grade(&["--at-once", "1"]);
    put(&shell, "in/ada/client.py", "print('hello')\n");
    put(&shell, "in/bob/client.py", "print('waiting')\nwhile True: pass\n");
    put(&shell, "in/eve/client.py", "print('hello')\n");
    let mut running = shell.start();
    running.wait_for("ok     ada");
    running.signal("INT");
    let done = running.finish();
    let told = table(&done);
    assert!(told.contains("\nwarning: 1 of 3 graded; the others have no score\n"), "{told}");
    assert!(normal(&told).contains("\n  eve  0  0  not run\n"), "{told}");
    assert!(read(&done, "reports/results.csv").contains("\neve,,3,0,0,0,not run,130,0.00,\n"));
    assert_eq!(done.status, 130);
}

#[test]
fn programs_that_want_one_port_are_told_how_to_be_graded() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let script = format!("param program = \"\"\n## One\npoints 2\nlisten {port}\n");
    let run = |at_once: &str| {
        let shell =
            Shell::new(["--each", "in/*/client", "--at-once", at_once, "run.lab"]).file("run.lab", &script);
        kind(&shell, "good");
        shell.run()
    };
    let warning = "warning: 0 of 1 graded; the others have no score\n";
    let hint = "hint: they took each other's port: `--at-once 1` grades one after the other\n";
    let done = run("2");
    assert!(table(&done).ends_with(&format!("{warning}{hint}")), "{}", done.screen);
    assert!(read(&done, "reports/results.csv").contains("\ngood,,2,0,1,0,error,3,"));
    // One after the other already: the port is somebody else's.
    assert!(table(&run("1")).ends_with(warning));
}

#[test]
fn one_that_kills_its_grader_leaves_nothing_behind() {
    if python_or_skip().is_none() {
        return;
    }
    let kills = "import os, subprocess, signal, time\nopen(__file__ + '.pid', 'w').write(str(os.getpid()))\n\
                 other = subprocess.Popen(['sleep', '300'], start_new_session=True)\n\
                 open(__file__ + '.other.pid', 'w').write(str(other.pid))\n\
                 os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(300)\n";
    let shell = grade(&["--at-once", "2"]);
    put(&shell, "in/eve/client.py", kills);
    put(&shell, "in/ada/client.py", "import time\ntime.sleep(1)\nprint('hello')\n");
    let done = shell.run();
    let told = table(&done);
    same(
        "  submission  points  passed  failed  result  first failure
  ada  3 of 3  2  0  passed
  eve    0  0  error  the grading run itself was killed: a submission can do that,...
warning: 1 of 2 graded; the others have no score
",
        &told,
    );
    assert!(read(&done, "reports/results.csv").contains("\neve,,3,"));
    if cfg!(target_os = "linux") {
        for pid in ["pid", "other.pid"] {
            assert!(!is_there(&done.folder.path().join(format!("in/eve/client.py.{pid}"))), "{pid} is left");
        }
    }
}

#[test]
fn quiet_tells_those_that_did_not_pass() {
    let shell = Shell::new(["-q", "--each", "in/*/client", "--allow-spawn", "run.lab"])
        .file("run.lab", "param program = \"\"\nspawn $program\nexpect exit 0 within 20s\n");
    kind(&shell, "good");
    kind(&shell, "bad");
    let done = shell.run_apart();
    same("failed bad  MS", &done.errors);
    assert_eq!((done.screen.as_str(), done.status), ("", 1));
}
