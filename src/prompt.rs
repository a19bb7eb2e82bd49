//! The prompt: the line editor in a thread of its own, history, completion, hints and colours.

use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::{History, MemHistory};
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::sync::oneshot;

use crate::commands::TABLE;
use crate::event::FailureKind;
use crate::lab::{Binding, Lab, OF_CONNECTION, OF_LISTENER, Pauser};
use crate::language::complete::{Candidates, Known, complete, usage_hint};
use crate::language::highlight::{Ink, inks};
use crate::output::Output;
use crate::platform;
use crate::shell;

/// How many lines of history are kept across runs.
const HISTORY_MAX: usize = 10_000;

/// What a line that was asked for turned out to be.
enum Typed {
    Line(String),
    /// Ctrl-C: the line is thrown away.
    Cleared,
    /// Ctrl-D on an empty line.
    End,
    /// The terminal is gone or broken.
    Broken(String),
}

struct Request {
    prompt: String,
    answer: oneshot::Sender<Typed>,
}

/// Reads lines and runs them until `quit`, Ctrl-D or the end of the terminal. Gives the exit status.
pub async fn run(lab: &mut Lab, output: &Output, history: Option<&Path>, color: bool) -> u8 {
    let known = Arc::new(Mutex::new(Known::default()));
    let mut kept = Kept::open(history);
    let (requests, inbox) = mpsc::channel();
    let editor_known = known.clone();
    let lines = kept.lines.clone();
    let (added, new_lines) = mpsc::channel::<String>();
    std::thread::spawn(move || edit(&inbox, &new_lines, lines, editor_known, color));
    output.write("lab2sh: `help` lists the commands, `connect HOST:PORT` begins, Ctrl-D leaves\n");
    let mut open = String::new();
    loop {
        *known.lock().unwrap_or_else(PoisonError::into_inner) = known_of(lab);
        lab.interrupt.clear();
        output.flush();
        let name = lab.current.clone().unwrap_or_default();
        let prompt = if open.is_empty() {
            format!("{name}> ")
        } else {
            format!("{}. ", " ".repeat(name.chars().count()))
        };
        let (answer, typed) = oneshot::channel();
        if requests.send(Request { prompt, answer }).is_err() {
            return FailureKind::Network.status();
        }
        let text = match typed.await {
            Ok(Typed::Line(line)) => line,
            Ok(Typed::Cleared) => {
                open.clear();
                continue;
            }
            Ok(Typed::End) if open.is_empty() => return 0,
            Ok(Typed::End) => {
                open.clear();
                continue;
            }
            Ok(Typed::Broken(why)) => {
                output.complain(&format!("error: cannot read the terminal: {why}\n"));
                return FailureKind::Network.status();
            }
            Err(_) => return FailureKind::Network.status(),
        };
        let text = if open.is_empty() { text } else { format!("{}\n{text}", std::mem::take(&mut open)) };
        open = run_block(lab, output, &mut kept, &added, &text).await;
        if lab.quitting {
            return 0;
        }
    }
}

/// Runs each step of a typed or pasted text; gives back what is still open at its end.
async fn run_block(
    lab: &mut Lab,
    output: &Output,
    kept: &mut Kept,
    added: &mpsc::Sender<String>,
    text: &str,
) -> String {
    let steps = shell::split(text, TABLE);
    let several = steps.len() > 1;
    for step in steps {
        if matches!(shell::parse(&step, "", TABLE), Ok(shell::Line::Unfinished)) {
            return step;
        }
        if step.trim().is_empty() {
            continue;
        }
        if !step.starts_with(' ') {
            if let Some(trouble) = kept.add(&step) {
                output.complain(&format!("warning: cannot keep the history: {trouble}\n"));
            }
            let _ = added.send(step.clone());
        }
        if several {
            // The pasted block stands on the screen in one piece: say which of its lines speaks now.
            output.write(&format!(
                "{}> {}\n",
                lab.current.clone().unwrap_or_default(),
                crate::value::escape(&step)
            ));
        }
        if shell::line(lab, &step, "", TABLE).await == Err(FailureKind::Interrupted) || lab.quitting {
            break;
        }
    }
    String::new()
}

/// What completion can offer now.
fn known_of(lab: &Lab) -> Known {
    let mut known = Known::default();
    for (name, binding) in lab.names() {
        match binding {
            Binding::Value(value) => known.values.push((name.to_string(), value.clone())),
            Binding::Connection(_) => known.sockets.push((name.to_string(), OF_CONNECTION)),
            Binding::Listener(_) => known.sockets.push((name.to_string(), OF_LISTENER)),
        }
    }
    known.values.extend(lab.last.clone().map(|last| ("_".to_string(), last)));
    known
}

/// The editor's thread: one line for each request.
fn edit(
    inbox: &mpsc::Receiver<Request>,
    new_lines: &mpsc::Receiver<String>,
    lines: Vec<String>,
    known: Arc<Mutex<Known>>,
    color: bool,
) {
    let mut editor = match editor(lines, known, color) {
        Ok(editor) => editor,
        Err(error) => {
            if let Ok(request) = inbox.recv() {
                let _ = request.answer.send(Typed::Broken(error.to_string()));
            }
            return;
        }
    };
    for request in inbox {
        for line in new_lines.try_iter() {
            let _ = editor.add_history_entry(line);
        }
        let typed = match editor.readline(&request.prompt) {
            Ok(line) => Typed::Line(line),
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Typed::Cleared,
            Err(ReadlineError::Eof) => Typed::End,
            Err(error) => Typed::Broken(error.to_string()),
        };
        let _ = request.answer.send(typed);
    }
}

fn editor(
    lines: Vec<String>,
    known: Arc<Mutex<Known>>,
    color: bool,
) -> rustyline::Result<Editor<Assistant, MemHistory>> {
    let config = Config::builder()
        .max_history_size(HISTORY_MAX)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .auto_add_history(false)
        .build();
    let mut history = MemHistory::with_config(&config);
    for line in lines {
        history.add_owned(line)?;
    }
    let mut editor = Editor::with_history(config, history)?;
    editor.set_helper(Some(Assistant { known, files: FilenameCompleter::new(), color }));
    Ok(editor)
}

/// What the editor asks while a line is typed.
struct Assistant {
    known: Arc<Mutex<Known>>,
    files: FilenameCompleter,
    color: bool,
}

impl Helper for Assistant {}

impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match complete(&line[..pos], TABLE, &known) {
            Candidates::Files => self.files.complete_path(line, pos),
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
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
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

/// The lines kept across runs: a line a step, appended as it is typed, so that two prompts lose nothing of each other.
struct Kept {
    lines: Vec<String>,
    file: Option<PathBuf>,
    last: String,
}

impl Kept {
    fn open(file: Option<&Path>) -> Kept {
        let mut kept = Kept { lines: Vec::new(), file: None, last: String::new() };
        let Some(file) = file else { return kept };
        if let Some(folder) = file.parent() {
            let _ = fs::create_dir_all(folder);
        }
        if let Ok(bytes) = fs::read(file) {
            let text = String::from_utf8_lossy(&bytes);
            let usable = text.lines().filter(|line| !line.contains(['\u{fffd}', '\0']) && !line.is_empty());
            kept.lines = usable.map(|line| line.replace("\\n", "\n").replace("\\\n", "\\n")).collect();
            if kept.lines.len() > 2 * HISTORY_MAX {
                kept.lines.drain(..kept.lines.len() - HISTORY_MAX);
                let _ = rewrite(file, &kept.lines);
            }
        }
        kept.file = Some(file.to_path_buf());
        kept
    }

    /// Keeps a line; says what is wrong the first time that it cannot.
    fn add(&mut self, line: &str) -> Option<String> {
        if self.last == line {
            return None;
        }
        self.last = line.to_string();
        let file = self.file.as_ref()?;
        let mut entry = entry(line);
        entry.push('\n');
        let outcome =
            platform::open_private(file, true).and_then(|mut file| file.write_all(entry.as_bytes()));
        let trouble =
            outcome.err().map(|error| format!("`{}`: {}", file.display(), platform::reason(&error)));
        if trouble.is_some() {
            self.file = None;
        }
        trouble
    }
}

/// A line of the file: the newlines inside a step stand as `\n`, and a `\n` that was typed as `\\n`.
fn entry(line: &str) -> String {
    line.replace("\\n", "\\\\n").replace('\n', "\\n")
}

/// Writes the file beside and renames it, so that a full disk leaves the old one whole.
fn rewrite(file: &Path, lines: &[String]) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    let text: String = lines.iter().map(|line| entry(line) + "\n").collect();
    let mut new = platform::open_private(&beside, false)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    fs::rename(&beside, file)
}

/// Waits for Enter on the terminal, in a thread of its own.
pub fn pauser() -> Pauser {
    Arc::new(|_| {
        let (done, waited) = oneshot::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = std::io::stdin().read_line(&mut line);
            let _ = done.send(());
        });
        waited
    })
}
