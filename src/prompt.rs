//! The prompt: the line editor in a thread of its own, with completion, hints and colours.

use std::io::{IsTerminal, stdin, stdout};
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::{History as _, MemHistory};
use rustyline::{
    Behavior, Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Editor, Event, EventContext,
    EventHandler, ExternalPrinter, KeyEvent, RepeatCount,
};
use tokio::sync::oneshot;
use unicode_width::UnicodeWidthStr;

use crate::arrivals::Arrivals;
use crate::assistant::Assistant;
use crate::commands::{TABLE, announce};
use crate::event::{FailureKind, What};
use crate::history::{History, LINES_MAX};
use crate::lab::{
    Binding, Lab, OF_CLASS, OF_CONNECTION, OF_LISTENER, OF_LOAD, OF_PROGRAM, Pauser, Permission,
};
use crate::language::complete::Known;
use crate::output::Output;
use crate::platform::{self, Keyboard, TerminalMode, thread};
use crate::shell::{self, At};

/// How long `pause` waits for Enter before it looks whether it is still wanted.
const PAUSE_LOOK: Duration = Duration::from_millis(100);

/// How many texts may wait to be printed above the line that is typed.
const ABOVE_MAX: usize = 256;

/// What a line that was asked for turned out to be.
pub(crate) enum Typed {
    Line(String),
    /// A key that stands for a word, whatever stands in the line.
    Word(&'static str),
    /// Ctrl-C: the line is thrown away.
    Cleared,
    /// Ctrl-D on an empty line.
    End,
    /// The terminal is gone or broken.
    Broken(String),
}

struct Request {
    prompt: String,
    /// What stands in the line at first.
    initial: String,
    answer: oneshot::Sender<Typed>,
}

/// Reads lines and runs them until `quit`, Ctrl-D or the end of the terminal. Gives the exit status.
pub async fn run(lab: &mut Lab, output: &Output, history: Option<&Path>, terminal: &Arc<TerminalMode>) -> u8 {
    let (mut kept, trouble) = History::open(history);
    let editing = Editing::start(kept.lines.clone(), terminal.clone(), output.look().color, &[]);
    editing.lets_ask(lab);
    output.write("lab2sh: `help` lists the commands, `connect HOST:PORT` begins, Ctrl-D leaves\n");
    if let Some(trouble) = trouble {
        output.complain(&format!("warning: cannot keep the history: {trouble}\n"));
    }
    let mut open = String::new();
    let mut arrivals = Arrivals::default();
    loop {
        let name = lab.current.clone().unwrap_or_default();
        let prompt =
            if open.is_empty() { format!("{name}> ") } else { format!("{}. ", " ".repeat(name.width())) };
        let text = match arrivals.tell_while(lab, editing.read(lab, output, prompt, "")).await {
            Typed::Line(line) => line,
            Typed::Word(_) => continue,
            Typed::End if open.is_empty() => return 0,
            Typed::Cleared | Typed::End => {
                open.clear();
                continue;
            }
            Typed::Broken(why) => {
                if !output.is_broken() {
                    output.complain(&format!("error: cannot read the terminal: {why}\n"));
                }
                return FailureKind::Network.status();
            }
        };
        let text = if open.is_empty() { text } else { format!("{open}\n{text}") };
        if let Some(failure) = shell::mistake_in_block(&open, &text, TABLE) {
            lab.emit(What::Failed(failure));
            // To be called back and mended: the block is still open.
            let _ = editing.added.send(text[open.len()..].trim().to_string());
            continue;
        }
        open = run_block(lab, output, &mut kept, &editing.added, &text).await;
        if lab.quitting {
            return 0;
        }
    }
}

/// The line editor's thread, seen from outside.
pub(crate) struct Editing {
    requests: mpsc::Sender<Request>,
    /// Lines for its history.
    pub(crate) added: mpsc::Sender<String>,
    /// Texts to print above the line that is typed.
    above: mpsc::SyncSender<String>,
    /// What its completion knows.
    known: Arc<Mutex<Known>>,
}

impl Editing {
    /// Starts it with the lines of its history, and with keys that stand for words.
    pub(crate) fn start(
        lines: Vec<String>,
        mode: Arc<TerminalMode>,
        color: bool,
        words: &'static [(KeyEvent, &'static str)],
    ) -> Editing {
        let known = Arc::new(Mutex::new(Known::default()));
        let (requests, inbox) = mpsc::channel();
        let (added, new_lines) = mpsc::channel::<String>();
        let (above, texts) = mpsc::sync_channel::<String>(ABOVE_MAX);
        let assistant = Assistant::new(known.clone(), color);
        // Without a thread to edit on, the first line that is read says that the editor has ended.
        let _ = thread::start(move || match editor(lines, assistant) {
            Ok(mut editor) => {
                // Only while there is one does the editor wait for more than keys: for a text, and for what has it leave
                // the terminal when the program ends. The other goes when nobody is left to write above the line.
                let _kept = editor.create_external_printer();
                if let Ok(printer) = editor.create_external_printer() {
                    let _ = thread::start(move || print_above(printer, &texts));
                }
                edit(editor, &inbox, &new_lines, &mode, words);
            }
            Err(error) => refuse(&inbox, &error.to_string()),
        });
        Editing { requests, added, above, known }
    }

    /// From now on the first `spawn` asks the person who sits here.
    pub(crate) fn lets_ask(&self, lab: &mut Lab) {
        if matches!(lab.permission, Permission::Refused) {
            let requests = self.requests.clone();
            lab.permission = Permission::Ask(Arc::new(move || ask(&requests)));
        }
    }

    /// Reads a line, which a person may begin with `initial` in it; what is said meanwhile goes above it.
    pub(crate) async fn read(&self, lab: &Lab, output: &Output, prompt: String, initial: &str) -> Typed {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known_of(lab);
        output.flush();
        // From here on a signal is none of a step's: see `TerminalMode::is_editing`.
        lab.interrupt.clear();
        let gone = || Typed::Broken("the line editor has ended".to_string());
        let (answer, typed) = oneshot::channel();
        let initial = initial.to_string();
        if output.is_broken() || self.requests.send(Request { prompt, initial, answer }).is_err() {
            return gone();
        }
        let above = self.above.clone();
        // A full queue means a terminal that takes nothing: what would go there is dropped, and the class goes on.
        output.set_above(Some(Box::new(move |text| {
            !matches!(above.try_send(text), Err(mpsc::TrySendError::Disconnected(_)))
        })));
        let typed = typed.await;
        output.set_above(None);
        typed.unwrap_or_else(|_| gone())
    }
}

/// Asks whether programs may be started; whatever is no yes is a no.
fn ask(requests: &mpsc::Sender<Request>) -> oneshot::Receiver<bool> {
    let (told, yes) = oneshot::channel();
    let (answer, typed) = oneshot::channel();
    let prompt = "run programs from this session? (y/N) ".to_string();
    // Without an editor nobody is asked: the sender that is dropped with the request is a no.
    if requests.send(Request { prompt, initial: String::new(), answer }).is_ok() {
        tokio::spawn(async move {
            let is_yes =
                matches!(typed.await, Ok(Typed::Line(line)) if matches!(line.trim(), "y" | "Y" | "yes"));
            let _ = told.send(is_yes);
        });
    }
    yes
}

/// Runs each step of a typed or pasted text; gives back what is still open at its end.
async fn run_block(
    lab: &mut Lab,
    output: &Output,
    kept: &mut History,
    added: &mpsc::Sender<String>,
    text: &str,
) -> String {
    let steps = shell::split(text, TABLE);
    let several = steps.len() > 1;
    for step in steps {
        let parsed = shell::parse(&step, At::PROMPT, TABLE);
        if matches!(parsed, Ok(shell::Line::Unfinished)) {
            return step;
        }
        if step.trim().is_empty() {
            continue;
        }
        if !step.starts_with(' ') {
            if let Some(trouble) = kept.add(&step) {
                output.complain(&format!("warning: cannot keep the history: {trouble}\n"));
            }
            // Without an editor there is no next line either.
            let _ = added.send(step.clone());
        }
        if let (true, Ok(shell::Line::Step(call))) = (several, parsed) {
            // The pasted block stands on the screen in one piece: say which of its lines speaks now.
            announce(lab, &call);
        }
        if shell::line(lab, &step, At::PROMPT, TABLE).await == Err(FailureKind::Interrupted) || lab.quitting {
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
            Binding::Load(_) => known.sockets.push((name.to_string(), OF_LOAD)),
            Binding::Class(_) => known.sockets.push((name.to_string(), OF_CLASS)),
            Binding::Program(_) => known.sockets.push((name.to_string(), OF_PROGRAM)),
            Binding::Listener(_) => known.sockets.push((name.to_string(), OF_LISTENER)),
        }
    }
    known.values.extend(lab.last.clone().map(|last| ("_".to_string(), last)));
    known
}

/// The editor's thread: one line for each request.
fn edit(
    mut editor: Editor<Assistant, MemHistory>,
    inbox: &mpsc::Receiver<Request>,
    new_lines: &mpsc::Receiver<String>,
    mode: &TerminalMode,
    words: &[(KeyEvent, &'static str)],
) {
    let ended = Arc::new(Mutex::new(Ended::Entered));
    let take = |ended: &Mutex<Ended>| {
        std::mem::replace(&mut *ended.lock().unwrap_or_else(PoisonError::into_inner), Ended::Entered)
    };
    let keys = [(KeyEvent::ctrl('C'), Ended::Cleared), (KeyEvent::ctrl('Z'), Ended::Stopped(0))];
    let words = words.iter().map(|(key, word)| (*key, Ended::Word(word)));
    for (key, how) in keys.into_iter().chain(words) {
        let ends = EventHandler::Conditional(Box::new(Ends { how, ended: ended.clone() }));
        editor.bind_sequence(key, ends);
    }
    for request in inbox {
        for line in new_lines.try_iter() {
            // Memory is all that could refuse it.
            let _ = editor.add_history_entry(line);
        }
        if !mode.begin_editing() {
            return;
        }
        let mut read = editor.readline_with_initial(&request.prompt, (&request.initial, ""));
        let mut how = take(&ended);
        while let (Ok(line), Ended::Stopped(at)) = (&read, how) {
            mode.end_editing();
            platform::stop();
            if !mode.begin_editing() {
                return;
            }
            read = editor.readline_with_initial(&request.prompt, line.split_at(at));
            how = take(&ended);
        }
        mode.end_editing();
        let typed = match read {
            Ok(line) => match how {
                Ended::Cleared => Typed::Cleared,
                Ended::Word(word) => Typed::Word(word),
                Ended::Entered | Ended::Stopped(_) => Typed::Line(line),
            },
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Typed::Cleared,
            Err(ReadlineError::Eof) => Typed::End,
            Err(error) => Typed::Broken(error.to_string()),
        };
        // Nobody waits for the answer any more when the program ends.
        let _ = request.answer.send(typed);
    }
}

/// How a line came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Enter.
    Entered,
    /// Ctrl-C: it is to be thrown away.
    Cleared,
    /// A key that stands for this word.
    Word(&'static str),
    /// Ctrl-Z, with the cursor at this byte: it goes on after `fg`.
    Stopped(usize),
}

/// A key that ends the line as Enter does, and leaves word how it is meant. The editor's own Ctrl-C throws away the
/// keys behind it; its own Ctrl-Z goes on before the process, which has other threads, has really stopped.
struct Ends {
    how: Ended,
    ended: Arc<Mutex<Ended>>,
}

impl ConditionalEventHandler for Ends {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let how = match self.how {
            Ended::Stopped(_) => Ended::Stopped(context.pos()),
            how => how,
        };
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = how;
        Some(Cmd::AcceptLine)
    }
}

/// Prints texts above the line that is being typed, in a thread of its own: a terminal that is stopped stops only this.
fn print_above(mut printer: impl ExternalPrinter, texts: &mpsc::Receiver<String>) {
    for text in texts {
        if printer.print(text).is_err() {
            return;
        }
    }
}

/// Says why there is no editor.
fn refuse(inbox: &mpsc::Receiver<Request>, why: &str) {
    if let Ok(request) = inbox.recv() {
        let _ = request.answer.send(Typed::Broken(why.to_string()));
    }
}

fn editor(lines: Vec<String>, assistant: Assistant) -> rustyline::Result<Editor<Assistant, MemHistory>> {
    // Where standard output goes to a file, the prompt belongs on the terminal all the same; and there is the keyboard where
    // standard input is a script.
    let stdio = stdout().is_terminal() && stdin().is_terminal();
    let behavior = if stdio { Behavior::Stdio } else { Behavior::PreferTerm };
    let config = Config::builder()
        .max_history_size(LINES_MAX)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .auto_add_history(false)
        .behavior(behavior)
        // Our highlighter runs without colours too: it keeps invisible characters off the screen.
        .color_mode(ColorMode::Forced)
        .build();
    let mut history = MemHistory::with_config(&config);
    for line in lines {
        history.add_owned(line)?;
    }
    let mut editor = Editor::with_history(config, history)?;
    editor.set_helper(Some(assistant));
    Ok(editor)
}

/// Waits for Enter on the terminal, in a thread of its own that ends with the wait: a later prompt reads from there.
pub fn pauser() -> Pauser {
    Arc::new(|_| {
        let (done, waited) = oneshot::channel();
        // Where none can be started, nobody is waited for.
        let _ = thread::start(move || {
            let Some(keyboard) = Keyboard::open() else { return };
            while !done.is_closed() {
                // A line that came after the pause was given up is the prompt's.
                if keyboard.has_line(PAUSE_LOOK) && !done.is_closed() {
                    keyboard.read_line();
                    let _ = done.send(());
                    return;
                }
            }
        });
        waited
    })
}
