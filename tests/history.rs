//! The history across runs: what the file holds, who may read it, and what can go wrong with it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
mod pty;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use common::Folder;
use pty::{CTRL_D, Setup, Terminal, UP, program, shell};

fn file(folder: &Folder) -> PathBuf {
    folder.path().join("lab2sh/history")
}

/// A history that is there before the program begins.
fn with_history(text: impl AsRef<[u8]>) -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("lab2sh")).unwrap();
    fs::write(file(&folder), text).unwrap();
    folder
}

/// lab2sh started by `sh` after these commands.
fn after(commands: &str, folder: &Folder) -> Setup {
    program("/bin/sh", folder).args(&["-c", &format!("{commands}; exec {}", env!("CARGO_BIN_EXE_lab2sh"))])
}

fn session(setup: Setup, lines: &[&str]) -> Terminal {
    let mut terminal = setup.start();
    terminal.at(">");
    for line in lines {
        terminal.run(line, ">");
    }
    terminal.keys(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    terminal
}

#[test]
fn lines_come_back_in_the_next_run() {
    let folder = Folder::new();
    session(shell(&folder), &["let x = 1", "let y = 'a\\nb'"]);
    let terminal = shell(&folder).start();
    terminal.at(">");
    terminal.keys(UP);
    terminal.typed("> let y = 'a\\nb'");
    terminal.keys(UP);
    terminal.typed("> let x = 1");
}

#[test]
fn a_step_of_several_lines_comes_back_as_one() {
    let folder = Folder::new();
    let mut terminal = shell(&folder).start();
    terminal.at(">");
    terminal.run("let x = {", ".");
    terminal.run("'a': 1}", ">");
    terminal.keys(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    assert_eq!(fs::read_to_string(file(&folder)).unwrap(), "let x = {\\n'a': 1}\n");
    let terminal = shell(&folder).start();
    terminal.at(">");
    terminal.keys(UP);
    terminal.sees("> let x = {\n'a': 1}");
}

#[test]
fn a_space_in_front_keeps_a_line_out_and_a_repeated_line_is_kept_once() {
    let folder = Folder::new();
    session(shell(&folder), &["let x = 1", " let secret = 2", "let x = 1", "let y = 3"]);
    assert_eq!(fs::read_to_string(file(&folder)).unwrap(), "let x = 1\nlet y = 3\n");
}

#[test]
fn only_the_owner_can_read_the_file_whatever_the_umask() {
    let folder = Folder::new();
    session(after("umask 000", &folder), &["let x = 1"]);
    assert_eq!(fs::metadata(file(&folder)).unwrap().permissions().mode() & 0o777, 0o600);
    // One that was readable to all is closed with the next line.
    fs::set_permissions(file(&folder), fs::Permissions::from_mode(0o644)).unwrap();
    session(shell(&folder), &["let y = 1"]);
    assert_eq!(fs::metadata(file(&folder)).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn two_prompts_at_once_lose_nothing() {
    let folder = Folder::new();
    let terminals = [shell(&folder).start(), shell(&folder).start()];
    terminals.iter().for_each(|terminal| terminal.at(">"));
    for turn in 0..50 {
        for (number, terminal) in terminals.iter().enumerate() {
            terminal.line(&format!("let v{number} = {turn}"));
        }
    }
    for (number, terminal) in terminals.iter().enumerate() {
        terminal.sees(&format!("\n  v{number} = 49\n"));
        terminal.at(">");
    }
    let text = fs::read_to_string(file(&folder)).unwrap();
    assert_eq!(text.lines().count(), 100);
    for turn in 0..50 {
        assert!(text.contains(&format!("let v0 = {turn}\n")) && text.contains(&format!("let v1 = {turn}\n")));
    }
}

#[test]
fn a_file_that_is_shortened_loses_no_line_of_another_prompt() {
    let old: String = (0..20_001).map(|n| format!("let old = {n}\n")).collect();
    let folder = with_history(&old[..old.len() / 2]);
    let first = shell(&folder).start();
    first.at(">");
    fs::write(file(&folder), &old).unwrap();
    first.run("let mine = 1", ">");
    let second = shell(&folder).start();
    second.at(">");
    first.run("let mine = 2", ">");
    second.run("let other = 3", ">");
    let text = fs::read_to_string(file(&folder)).unwrap();
    assert!(text.ends_with("let old = 20000\nlet mine = 1\nlet mine = 2\nlet other = 3\n"));
    assert_eq!(text.lines().count(), 10_002);
    assert!(!folder.path().join("lab2sh/history.new").exists());
}

#[test]
fn a_link_in_the_files_place_is_not_followed() {
    let folder = with_history("");
    let elsewhere = folder.write("elsewhere", "theirs\n");
    fs::remove_file(file(&folder)).unwrap();
    symlink(&elsewhere, file(&folder)).unwrap();
    let terminal = session(shell(&folder), &["let x = 1"]);
    assert!(terminal.screen().contains("warning: cannot keep the history: "), "{}", terminal.screen());
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs\n");
}

#[test]
fn a_pipe_or_a_folder_in_the_files_place_does_not_hold_the_prompt_up() {
    for command in ["mkfifo lab2sh/history", "mkdir lab2sh/history"] {
        let folder = Folder::new();
        let terminal = session(after(&format!("mkdir lab2sh; {command}"), &folder), &["let x = 1"]);
        assert_eq!(terminal.screen().matches("warning: cannot keep the history").count(), 1, "{command}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_told_once() {
    let folder = Folder::new();
    folder.write("lab2sh", "a file where the folder should be");
    let terminal = session(shell(&folder), &["let x = 1", "let y = 2"]);
    assert_eq!(terminal.screen().matches("warning: cannot keep the history").count(), 1);
}

#[test]
fn what_is_no_text_in_the_file_is_left_out() {
    let folder = with_history(b"let good = 1\n\xff\xfe\0\n\x1b[2Jevil\n\nlet cut = ");
    let terminal = shell(&folder).start();
    terminal.at(">");
    terminal.keys(UP);
    terminal.typed("> let cut =");
    terminal.keys(UP);
    terminal.typed("> let good = 1");
    terminal.keys("2\r");
    terminal.sees("good = 12");
    terminal.at(">");
    let bytes = fs::read(file(&folder)).unwrap();
    assert!(bytes.ends_with(b"\nlet cut = \nlet good = 12\n"), "a new line is glued to a half one");
}

#[test]
fn a_full_disk_leaves_the_old_lines_whole() {
    let old = "let old = 1\n".repeat(42);
    let folder = with_history(&old);
    // 504 bytes are there and 512 are allowed: a part of the line still fits.
    let terminal = session(after("ulimit -f 1", &folder), &["let much = 'longer'", "check 1 == 1"]);
    assert_eq!(fs::read_to_string(file(&folder)).unwrap(), old);
    let screen = terminal.screen();
    assert_eq!(screen.matches("warning: cannot keep the history").count(), 1, "{screen}");
    assert!(screen.contains("ok 1 == 1"), "{screen}");
}
