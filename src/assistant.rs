//! What the line editor asks while a line is typed: completion, the usage hint, colours.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use crate::commands::TABLE;
use crate::language::complete::{Candidates, Known, complete, usage_hint};
use crate::language::highlight::{Ink, inks};
use crate::value::{is_bidi, is_printable};

/// What the editor asks while a line is typed.
pub struct Assistant {
    known: Arc<Mutex<Known>>,
    files: FilenameCompleter,
    color: bool,
}

impl Assistant {
    /// One that offers what is known when it is asked; without colours it still keeps invisible characters away.
    pub fn new(known: Arc<Mutex<Known>>, color: bool) -> Assistant {
        Assistant { known, files: FilenameCompleter::new(), color }
    }
}

impl Helper for Assistant {}

impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match complete(&line[..pos], TABLE, &known) {
            Candidates::Files => {
                let (at, mut files) = self.files.complete_path(line, pos)?;
                // A file's name can hold what would move the cursor, and could not be typed anyway.
                files.retain(|file| file.display.chars().all(is_printable));
                Ok((at, files))
            }
            Candidates::Words(at, words) => {
                let pair = |word: String| Pair { display: word.trim_end().to_string(), replacement: word };
                Ok((at, words.into_iter().map(pair).collect()))
            }
        }
    }
}

impl Hinter for Assistant {
    type Hint = String;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<String> {
        if pos < line.len() { None } else { usage_hint(line, TABLE) }
    }
}

impl Highlighter for Assistant {
    /// Colours, and leaves out what is invisible: pasted control characters reach the line as they are, and the
    /// editor reckons with no width for them. The parser names them when the line is run.
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let is_shown =
            |c: char| is_printable(c) || matches!(c, '\n' | '\t') || !(c.is_control() || is_bidi(c));
        if !line.chars().all(is_shown) {
            return Cow::Owned(line.chars().filter(|c| is_shown(*c)).collect());
        }
        if !self.color {
            return Cow::Borrowed(line);
        }
        let mut painted = String::new();
        for (ink, text) in inks(line) {
            let style = style(ink);
            painted.push_str(&format!("{style}{text}{style:#}"));
        }
        Cow::Owned(painted)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        let dim = Style::new().dimmed();
        if self.color { Cow::Owned(format!("{dim}{hint}{dim:#}")) } else { Cow::Borrowed(hint) }
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.color && kind != CmdKind::MoveCursor
    }
}

fn style(ink: Ink) -> Style {
    let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    match ink {
        Ink::Plain => Style::new(),
        Ink::Verb => Style::new().bold(),
        Ink::Name => color(AnsiColor::Cyan),
        Ink::Text => color(AnsiColor::Green),
        Ink::Number => color(AnsiColor::Magenta),
        Ink::Comment => Style::new().dimmed(),
    }
}
