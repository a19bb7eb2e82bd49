//! The lines kept across runs: one a step, appended as it is typed, so that two prompts lose nothing of each other.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::platform;

/// How many lines of history are kept across runs.
pub const LINES_MAX: usize = 10_000;
/// The end of the file that is read; what a person types in years is far less, in bytes.
const READ_BYTES_MAX: u64 = 16 << 20;
/// How often an append looks for the file again when another prompt has just shortened it.
const TRIES: usize = 5;

/// The lines of earlier runs, and the file that takes those of this one.
pub struct History {
    /// The lines of earlier runs, oldest first.
    pub lines: Vec<String>,
    file: Option<PathBuf>,
    last: String,
    /// The file ends within a line, as one that was cut short does: ours must not be glued to it.
    is_cut: bool,
}

impl History {
    /// Reads the lines of `file`; says what is wrong if it cannot be used. A missing one is made by the first line.
    pub fn open(file: Option<&Path>) -> (History, Option<String>) {
        let mut history = History { lines: Vec::new(), file: None, last: String::new(), is_cut: false };
        let Some(file) = file else { return (history, None) };
        if let Some(folder) = file.parent() {
            // If it cannot be made, opening the file says why.
            let _ = fs::create_dir_all(folder);
        }
        match platform::open_own(file).and_then(|mut opened| read(&mut opened)) {
            Ok((lines, is_cut)) => (history.lines, history.is_cut) = (lines, is_cut),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return (history, Some(trouble(file, &error))),
        }
        if history.lines.len() > 2 * LINES_MAX
            && let Ok(lines) = shorten(file)
        {
            history.lines = lines;
        }
        history.last = history.lines.last().cloned().unwrap_or_default();
        history.file = Some(file.to_path_buf());
        (history, None)
    }

    /// Keeps a line; says what is wrong the first time that it cannot.
    pub fn add(&mut self, line: &str) -> Option<String> {
        if self.last == line {
            return None;
        }
        self.last = line.to_string();
        let file = self.file.as_ref()?;
        let newline = if std::mem::take(&mut self.is_cut) { "\n" } else { "" };
        let error = append(file, &format!("{newline}{}\n", entry(line))).err()?;
        let trouble = trouble(file, &error);
        self.file = None;
        Some(trouble)
    }
}

fn trouble(file: &Path, error: &io::Error) -> String {
    format!("`{}`: {}", crate::value::escape(&file.to_string_lossy()), platform::reason(error))
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    for _ in 0..TRIES {
        let mut file = platform::open_private(path, true)?;
        // Where a file system has no locks, a short append is still written in one piece.
        let _ = file.lock();
        if platform::is_deleted(&file) {
            continue;
        }
        let before = file.metadata()?.len();
        return file.write_all(text.as_bytes()).inspect_err(|_| {
            // A full disk can take half a line: take that half out again.
            let _ = file.set_len(before);
        });
    }
    Err(io::Error::other("it is replaced again and again"))
}

/// The lines of a file, and whether it ends within one. What is no text is left out.
fn read(file: &mut File) -> io::Result<(Vec<String>, bool)> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    let skipped = file.metadata()?.len().saturating_sub(READ_BYTES_MAX);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
    let is_cut = bytes.last().is_some_and(|last| *last != b'\n');
    let lines = bytes.split(|byte| *byte == b'\n').skip(usize::from(skipped > 0));
    let text = lines.filter_map(|line| std::str::from_utf8(line).ok());
    let usable =
        text.filter(|line| !line.is_empty() && !line.contains(|c: char| c.is_control() && c != '\t'));
    Ok((usable.map(line_of).collect(), is_cut))
}

/// Keeps the newest lines: writes a file beside and renames it, so that a full disk leaves the old one whole.
fn shorten(path: &Path) -> io::Result<Vec<String>> {
    let mut old = platform::open_own(path)?;
    // Held until the rename, so that no line of another prompt falls between reading and renaming.
    old.lock()?;
    if platform::is_deleted(&old) {
        // Another prompt did it meanwhile.
        return Ok(read(&mut platform::open_own(path)?)?.0);
    }
    let (mut lines, _) = read(&mut old)?;
    lines.drain(..lines.len().saturating_sub(LINES_MAX));
    let text: String = lines.iter().map(|line| entry(line) + "\n").collect();
    let beside = path.with_extension("new");
    let mut new = platform::open_private(&beside, false)?;
    let written = new.write_all(text.as_bytes()).and_then(|()| new.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&beside, path)) {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    Ok(lines)
}

/// A step as a line of the file: a newline stands as `\n`, a backslash as `\\`.
fn entry(step: &str) -> String {
    step.replace('\\', "\\\\").replace('\n', "\\n")
}

fn line_of(entry: &str) -> String {
    let mut line = String::with_capacity(entry.len());
    let mut characters = entry.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n') => line.push('\n'),
                Some(other) => line.push(other),
                None => line.push('\\'),
            },
            _ => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_several_lines_comes_back_as_it_was() {
        for step in ["send {\n  1: 2\n}", r#"send "a\n\\b""#, "send \"a\\\nb\"", "say x\\"] {
            assert_eq!(line_of(&entry(step)), step);
            assert!(!entry(step).contains('\n'));
        }
    }
}
