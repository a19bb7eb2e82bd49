//! What a student was told is kept: through SIGKILL, torn and corrupt files, full disks, and two servers at once.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::disallowed_methods, reason = "these clients are threads, and come when they come")]
#![allow(clippy::print_stderr, reason = "what was measured is told")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use common::class::{Class, all_honest, honest, row, rows, serving, until};
use common::{Folder, Peer, Shell, script};
use serde_json::Value as Json;

const SERVE: &str = "serve 0 journal class.journal as class\nwait class\n";

/// A server whose script, journal and table are in this folder.
#[track_caller]
fn server(folder: &Folder, lines: &str) -> Class {
    serving(script_in(folder, lines))
}

fn script_in(folder: &Folder, lines: &str) -> Shell {
    let script = folder.write("here.lab", lines);
    Shell::new([script])
}

/// The journal's lines, each an object.
#[track_caller]
fn journal(folder: &Path) -> Vec<Json> {
    let text = fs::read_to_string(folder.join("class.journal")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("torn: {line}"))).collect()
}

/// How often each student is in the journal, and the seats that were given.
fn identities(lines: &[Json]) -> (BTreeMap<String, usize>, Vec<u64>) {
    let (mut of, mut seats) = (BTreeMap::new(), Vec::new());
    for line in lines.iter().filter(|line| line.get("identity").is_some()) {
        *of.entry(line["identity"]["student_id"].as_str().unwrap().to_string()).or_default() += 1;
        seats.push(line["seat"].as_u64().unwrap());
    }
    (of, seats)
}

/// So many clients in all, with the server killed so often at a moment that nobody chose.
fn killed(clients: usize, kills: usize) {
    let folder = Folder::new();
    let acked = Arc::new(AtomicUsize::new(0));
    let each = clients.div_ceil(kills);
    let mut told: Vec<usize> = Vec::new();
    for round in 0..kills {
        let mut class = server(&folder, SERVE);
        let before = acked.load(Ordering::Relaxed);
        let threads: Vec<_> = (round * each..(round + 1) * each)
            .map(|number| {
                let (port, acked) = (class.port, acked.clone());
                thread::spawn(move || {
                    // They do not all come at once: the kill meets each at another point.
                    thread::sleep(Duration::from_millis(number as u64 * 7919 % 300));
                    let passed = honest(port, 1 + number).is_ok();
                    acked.fetch_add(usize::from(passed), Ordering::Relaxed);
                    passed.then_some(1 + number)
                })
            })
            .collect();
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos() as usize;
        let enough = nanos / 1000 % each;
        until("enough were told", || acked.load(Ordering::Relaxed) - before >= enough);
        class.running.signal("KILL");
        told.extend(threads.into_iter().filter_map(|thread| thread.join().unwrap()));
        class.running.screen();
        assert_eq!(class.running.finish().status, 137);
    }
    // A torn last line is set aside by the next start; so the file is read after one.
    let class = server(&folder, &format!("{SERVE}roster save all.json\n"));
    let lines = journal(folder.path());
    let (of, mut seats) = identities(&lines);
    for number in &told {
        assert_eq!(of.get(&number.to_string()), Some(&1), "client {number} was told that it passed");
    }
    assert!(of.values().all(|times| *times == 1));
    seats.sort_unstable();
    let given = seats.len();
    seats.dedup();
    assert_eq!(seats.len(), given, "a seat was given twice");
    eprintln!("{clients} clients, {kills} kills: {} told, {given} kept, 0 lost, 0 twice", told.len());
    let newest = seats.last().copied().unwrap_or(0);
    all_honest(class.port, clients + 1..clients + 2);
    let (_, seats) = identities(&journal(folder.path()));
    assert!(seats.last().unwrap() > &newest, "a seat was given again");
    let done = class.interrupt();
    assert!(done.screen.contains(&format!("the journal brought back {given} row")), "{}", done.screen);
    let table = fs::read_to_string(folder.path().join("class.csv")).unwrap();
    assert_eq!(table.lines().count(), given + 2, "the table has the same rows");
    for number in &told {
        let row = format!(",passed,,Student {number},{number},student{number},,,\n");
        assert!(table.contains(&row), "client {number} was told that it passed");
    }
}

#[test]
fn what_two_thousand_were_told_is_kept_once_through_ten_kills() {
    killed(2000, 10);
}

#[test]
fn a_server_that_was_killed_goes_on_with_the_same_rows() {
    let folder = Folder::new();
    let class = server(&folder, SERVE);
    let clients = all_honest(class.port, 1..6);
    class.running.signal("KILL");
    class.running.finish();
    drop(clients);
    let lines = "serve 0 journal class.journal as class\nwait class for 6 passed within 20s\nroster\nroster save all.json\n";
    let class = server(&folder, lines);
    all_honest(class.port, 6..7);
    let done = class.running.finish();
    assert_eq!(done.status, 0, "{}", done.screen);
    assert!(done.screen.contains("  the journal brought back 5 rows\n"), "{}", done.screen);
    let rows = rows(folder.path(), "all.json");
    for number in 1..7 {
        assert_eq!(row(&rows, &number.to_string())["status"], "passed");
    }
    let seats: Vec<u64> = rows.iter().map(|row| row["seat"].as_u64().unwrap()).collect();
    assert!(seats[5] > *seats[..5].iter().max().unwrap(), "{seats:?}");
}

const KEPT: &str = "{\"seats\":1001}\n\
    {\"seat\":1,\"identity\":{\"name\":\"Ada\",\"student_id\":\"1\",\"github\":\"\",\"email\":\"\",\"more\":{}}}\n\
    {\"seat\":1,\"passed\":true}\n";

#[test]
fn a_torn_last_line_is_set_aside_and_said() {
    let folder = Folder::new();
    let torn = "{\"seat\":2,\"identity\":{\"name\":\"Bo";
    folder.write("class.journal", format!("{KEPT}{torn}"));
    let mut class = server(&folder, SERVE);
    let screen = class.running.screen().to_string();
    assert!(screen.contains(&format!("warning: the last {} B of the journal `", torn.len())), "{screen}");
    assert!(screen.contains("class.journal` are torn: set aside in `"), "{screen}");
    assert!(screen.contains("class.journal.bad`; every other line is kept"), "{screen}");
    assert!(screen.contains("  the journal brought back 1 row\n"), "{screen}");
    assert_eq!(fs::read_to_string(folder.path().join("class.journal.bad")).unwrap(), torn);
    all_honest(class.port, 2..3);
    let (of, seats) = identities(&journal(folder.path()));
    assert_eq!(of.into_iter().collect::<Vec<_>>(), [("1".to_string(), 1), ("2".to_string(), 1)]);
    assert_eq!(seats, [1, 1002]);
}

#[test]
fn a_corrupt_line_is_set_aside_and_the_others_are_kept() {
    let folder = Folder::new();
    folder.write("class.journal", format!("\0\0\0garbage\n{KEPT}{{\"what\":1}}\n{{\"seats\":2001}}\n"));
    let mut class = server(&folder, SERVE);
    let screen = class.running.screen().to_string();
    assert!(screen.contains("warning: 2 lines of the journal `"), "{screen}");
    assert!(screen.contains("class.journal` cannot be read: set aside in `"), "{screen}");
    let bad = fs::read_to_string(folder.path().join("class.journal.bad")).unwrap();
    assert_eq!(bad, "\0\0\0garbage\n{\"what\":1}\n");
    all_honest(class.port, 2..3);
    let (of, seats) = identities(&journal(folder.path()));
    assert_eq!(of.len(), 2);
    assert_eq!(seats, [1, 2002]);
    // The file that took its place is locked as the first was.
    let second = script_in(&folder, "serve 0 journal class.journal as again\n").run();
    assert!(second.screen.contains("class.journal` is in use by another server"), "{}", second.screen);
}

#[test]
fn two_servers_on_one_journal_are_refused() {
    let folder = Folder::new();
    let class = server(&folder, SERVE);
    let second = script_in(&folder, SERVE).run();
    assert!(second.screen.contains("the journal `"), "{}", second.screen);
    assert!(second.screen.contains("class.journal` is in use by another server"), "{}", second.screen);
    assert_eq!(second.status, 3);
    all_honest(class.port, 1..4);
    class.interrupt();
    // Its end frees the journal.
    let third = script_in(&folder, "serve 0 journal class.journal as class\n").run();
    assert!(third.screen.contains("the journal brought back 3 rows"), "{}", third.screen);
}

#[test]
fn a_journal_that_cannot_be_opened_is_named() {
    let done = script("serve 0 journal nowhere/class.journal as class\n").run();
    assert!(
        done.screen
            .contains("error: cannot open the journal `nowhere/class.journal`: no such file or directory"),
        "{}",
        done.screen
    );
    assert_eq!(done.status, 3);
}

/// Nobody was told that it passed who is not in the journal, which holds whole lines only.
#[track_caller]
fn told_is_kept(told: &[usize], text: &str) {
    for line in text.lines() {
        assert!(serde_json::from_str::<Json>(line).is_ok(), "torn: {line}");
    }
    assert!(text.ends_with('\n'));
    for number in told {
        assert_eq!(text.matches(&format!("\"student_id\":\"{number}\"")).count(), 1, "{number}:\n{text}");
    }
}

#[test]
fn a_file_that_may_not_grow_is_said_and_serving_goes_on() {
    let shell = Shell::under(&["sh", "-c", "ulimit -f 4; exec \"$0\" \"$@\""], ["test.lab"]);
    let mut class = serving(shell.file("test.lab", SERVE));
    let outcomes: Vec<usize> = (1..31).filter(|number| honest(class.port, *number).is_ok()).collect();
    assert!(!outcomes.is_empty() && outcomes.len() < 30, "{outcomes:?}");
    class.running.wait_for("failed: the journal cannot keep it: file too large");
    let done = class.interrupt();
    assert_eq!(done.status, 130, "{}", done.screen);
    let text = fs::read_to_string(done.folder.path().join("class.journal")).unwrap();
    told_is_kept(&outcomes, &text);
}

#[test]
fn a_full_disk_is_said_serving_goes_on_and_room_helps() {
    let folder = Folder::new();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount =
        format!("mount -t tmpfs -o size=8k none {0} && head -c 4000 /dev/zero > {0}/filler", disk.display());
    let may = Command::new("unshare").args(["-rm", "sh", "-c", &mount]).output();
    if !may.is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: no mount of one's own is permitted here");
        return;
    }
    let lines = SERVE.replace("class.journal", &disk.join("class.journal").display().to_string());
    let lines = lines.replace("journal /", "journal \"/").replace(".journal as", ".journal\" as");
    let setup = format!("{mount} && exec \"$0\" \"$@\"");
    let shell = Shell::under(&["unshare", "-rm", "sh", "-c", &setup], ["test.lab"]).file("test.lab", lines);
    let mut class = serving(shell);
    let inside = format!("/proc/{}/root{}", class.running.id(), disk.display());
    let mut told: Vec<usize> = (1..51).filter(|number| honest(class.port, *number).is_ok()).collect();
    assert!(!told.is_empty() && told.len() < 50, "{told:?}");
    class.running.wait_for("failed: the journal cannot keep it: no space left on device");
    if fs::remove_file(format!("{inside}/filler")).is_ok() {
        all_honest(class.port, 60..63);
        told.extend(60..63);
    }
    if let Ok(text) = fs::read_to_string(format!("{inside}/class.journal")) {
        told_is_kept(&told, &text);
    }
    assert_eq!(class.interrupt().status, 130);
}

#[test]
fn a_table_is_safe_in_a_spreadsheet() {
    if common::python_or_skip().is_none() {
        return;
    }
    let folder = Folder::new();
    let mut class = server(&folder, SERVE);
    Peer::client("faultpeer.py", &["attack", "formula", &class.port.to_string()]).unwrap().finish();
    class.running.wait_for("=cmd");
    class.interrupt();
    let table = fs::read_to_string(folder.path().join("class.csv")).unwrap();
    let expected = "seat,status,reason,name,student_id,github,email,duplicate_of,more\n\
                    1,passed,,'=cmd|' /C calc'!A0,'+1,'@SUM(A1),,,\"x,\"\"y=-2\\t=1\"\n";
    assert_eq!(table, expected);
}

#[test]
fn a_roster_is_saved_whole_or_not_at_all() {
    let saves = "serve 0 as class\nwait class for 40 passed within 20s\n? roster save all.csv\n? roster save all.txt\n\
                 ? roster save folder.json\nroster save deep/all.json\n";
    let shell = Shell::under(&["sh", "-c", "ulimit -f 2; exec \"$0\" \"$@\""], ["test.lab"]);
    fs::create_dir(shell.path().join("folder.json")).unwrap();
    let shell = shell.file("test.lab", saves).file("all.csv", "the old one\n");
    let class = serving(shell);
    let started = Instant::now();
    all_honest(class.port, 1..41);
    let done = class.running.finish();
    assert!(started.elapsed() < common::LIMIT);
    for words in [
        "cannot save the roster as `all.csv`: file too large",
        "cannot save the roster as `all.txt`: the file's name ends in neither `.csv` nor `.json`",
        "cannot save the roster as `folder.json`: it is a folder",
        "cannot save the roster as `deep/all.json`: no such file or directory",
    ] {
        assert!(done.screen.contains(words), "no {words:?} in:\n{}", done.screen);
    }
    assert_eq!(done.status, 3);
    let folder = done.folder.path();
    assert_eq!(fs::read_to_string(folder.join("all.csv")).unwrap(), "the old one\n");
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");
}
