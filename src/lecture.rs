//! Step mode: a script that a person walks through, one step at a time, with its comments as narration.

use std::sync::Arc;
use std::time::Duration;

use rustyline::{KeyCode, KeyEvent, Modifiers};
use unicode_width::UnicodeWidthStr;

use crate::command::{Call, Item, Script};
use crate::commands::{TABLE, announce, clean_up, register, settle};
use crate::event::{Failure, FailureKind, Name, Summary, What};
use crate::lab::{Lab, Phase};
use crate::output::Output;
use crate::platform::TerminalMode;
use crate::prompt::{Editing, Typed, pauser};
use crate::shell::{self, At};
use crate::step;

/// What a person can say instead of running the line that stands there, and what it does.
const WORDS: [(&str, &str); 5] = [
    ("skip", "leaves the step out"),
    ("phase", "runs up to the next phase"),
    ("rest", "runs up to the end"),
    ("again", "runs this phase again; at its first step, the one before"),
    ("quit", "ends the lecture"),
];

/// Keys for the words. The two page keys are what a presenter's remote control sends.
static KEYS: [(KeyEvent, &str); 7] = [
    (KeyEvent(KeyCode::Char('s'), Modifiers::ALT), "skip"),
    (KeyEvent(KeyCode::Char('p'), Modifiers::ALT), "phase"),
    (KeyEvent(KeyCode::Char('r'), Modifiers::ALT), "rest"),
    (KeyEvent(KeyCode::Char('a'), Modifiers::ALT), "again"),
    (KeyEvent(KeyCode::Char('q'), Modifiers::ALT), "quit"),
    (KeyEvent(KeyCode::PageDown, Modifiers::NONE), "run"),
    (KeyEvent(KeyCode::PageUp, Modifiers::NONE), "again"),
];

/// Who decides when the next step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A person, for each step.
    ByHand,
    /// The clock: each step stands on the screen this long before it runs.
    Paced(Duration),
    /// Nobody, up to the next phase.
    ToPhase,
    /// Nobody, up to the end.
    ToEnd,
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Next,
    /// The same step once more.
    Stay,
    /// The first step of this phase.
    Again,
    Quit,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    NotRun,
    Passed,
    Failed(FailureKind),
}

/// How the interpreter stood when a phase began, to run the phase again from there.
struct Start {
    item: usize,
    sockets: Vec<Name>,
    /// How far the streams of the connections had come.
    streams: Vec<(Name, u64)>,
    current: Option<Name>,
    handlers: usize,
}

struct Lecture<'a> {
    lab: &'a mut Lab,
    script: &'a Script,
    output: &'a Output,
    /// Nobody is there where there is none.
    editing: Option<Editing>,
    way: Way,
    /// How each phase so far began.
    starts: Vec<Start>,
    outcomes: Vec<Outcome>,
}

/// Walks through a script: by a person at the keyboard, or with a `pace` by itself. Gives the exit status.
pub async fn run(
    lab: &mut Lab,
    script: &Script,
    output: &Output,
    keyboard: Option<&Arc<TerminalMode>>,
    pace: Option<Duration>,
) -> u8 {
    let started = std::time::Instant::now();
    let color = output.look().color;
    let editing = keyboard.map(|mode| Editing::start(Vec::new(), mode.clone(), color, &KEYS));
    if editing.is_some() {
        lab.pauser = Some(pauser());
        if let Some(editing) = &editing {
            editing.lets_ask(lab);
        }
        output.write(&pace.map_or_else(greeting, |_| "step mode: Ctrl-C stops the clock\n".to_string()));
    }
    let starts = vec![Start::here(lab, 0)];
    let outcomes = vec![Outcome::NotRun; script.items.len()];
    let way = pace.map_or(Way::ByHand, Way::Paced);
    let mut lecture = Lecture { lab, script, output, editing, way, starts, outcomes };
    let registered = register(lecture.lab, script);
    lecture.walk().await;
    let mut summary = Summary { took: started.elapsed(), ..lecture.summary() };
    if let Err(failure) = clean_up(lecture.lab, registered).await {
        summary.failed += 1;
        summary.status = summary.status.max(failure.kind.status());
        lecture.lab.emit(What::Failed(failure));
    }
    // A person has seen how they went.
    let _ = settle(lecture.lab, true);
    lecture.lab.end_programs().await;
    let status = summary.status;
    lecture.lab.emit(What::Summary(summary));
    status
}

fn greeting() -> String {
    let words: Vec<String> = WORDS.iter().map(|(word, does)| format!("  {word:<6} {does}\n")).collect();
    format!(
        "step mode: Enter runs the line that stands there, also when you have changed it.\n\
         Ctrl-C sets it aside for commands of your own, an empty line brings it back.\n\
         These can be typed then, or come at once with Alt and their first letter:\n{}",
        words.concat()
    )
}

impl Start {
    fn here(lab: &Lab, item: usize) -> Start {
        Start {
            item,
            sockets: lab.sockets().map(Name::from).collect(),
            streams: lab.connections().map(|(name, it)| (Name::from(name), it.arrived())).collect(),
            current: lab.current.clone(),
            handlers: lab.handlers.len(),
        }
    }
}

impl Lecture<'_> {
    async fn walk(&mut self) {
        let script = self.script;
        let mut at = 0;
        while let Some(item) = script.items.get(at) {
            let next = match item {
                Item::Phase(title) => {
                    if self.starts.last().is_none_or(|start| start.item != at) {
                        self.starts.push(Start::here(self.lab, at));
                    }
                    if self.way == Way::ToPhase {
                        self.way = Way::ByHand;
                    }
                    self.lab.begin_phase(title);
                    Move::Next
                }
                Item::Comment(text) => {
                    self.lab.emit(What::Narrated(text.clone()));
                    Move::Next
                }
                Item::Step(call) => self.step(call, at).await,
            };
            match next {
                Move::Next => at += 1,
                Move::Stay => {}
                Move::Again => at = self.go_back().await,
                Move::Quit => return,
            }
        }
    }

    /// Goes back to the start of the phase, or of the one before where nothing of this one was run yet; further back where a
    /// socket that a phase began with is closed by now. Sockets that were opened since are closed, so that they can be opened
    /// again, and what arrived since and nobody read is thrown away. Gives the place in the script.
    async fn go_back(&mut self) -> usize {
        let is_fresh = |start: &Start| self.outcomes[start.item..].iter().all(|it| *it == Outcome::NotRun);
        if self.starts.len() > 1 && self.starts.last().is_some_and(is_fresh) {
            self.starts.pop();
        }
        let is_closed = |start: &Start| start.sockets.iter().any(|name| self.lab.get(name).is_none());
        if self.starts.len() > 1 && self.starts.last().is_some_and(is_closed) {
            self.lab.emit(What::Moved(
                "it began with a socket that is closed now: back to the phase that opened it",
            ));
            while self.starts.len() > 1 && self.starts.last().is_some_and(is_closed) {
                self.starts.pop();
            }
        }
        let Some(start) = self.starts.last() else { return 0 };
        let since: Vec<Name> = self.lab.sockets().map(Name::from).collect();
        for name in since.iter().rev().filter(|name| !start.sockets.contains(name)) {
            let _ = shell::line(self.lab, &format!(" close {name}"), At::PROMPT, TABLE).await;
        }
        for (name, arrived) in &start.streams {
            let Ok(link) = self.lab.link(name) else { continue };
            if let bytes @ 1.. = link.connection.forget(*arrived) {
                self.lab.emit(What::Discarded { socket: name.clone(), bytes });
            }
        }
        let is_open = |name: &&Name| self.lab.get(name).is_some();
        self.lab.current = start.current.as_ref().filter(is_open).cloned();
        self.lab.handlers.truncate(start.handlers);
        // What stands before the first title has none that would end what a later phase said.
        self.lab.phase = Phase::default();
        self.outcomes[start.item..].fill(Outcome::NotRun);
        start.item
    }

    async fn step(&mut self, call: &Call, at: usize) -> Move {
        if matches!(call.spec.name, "say" | "pause") {
            return self.narrate(call, at).await;
        }
        match self.way {
            Way::ByHand => self.by_hand(call, at).await,
            Way::Paced(pace) => {
                announce(self.lab, call);
                self.lab.emit(What::Waiting);
                tokio::select! {
                    () = tokio::time::sleep(pace) => {}
                    () = self.lab.interrupt.raised() => {}
                }
                if self.is_stopped() { Move::Stay } else { self.run_unattended(call, at).await }
            }
            Way::ToPhase | Way::ToEnd => {
                announce(self.lab, call);
                self.run_unattended(call, at).await
            }
        }
    }

    /// What is said is narration, as comments are: nobody is asked. A pause is where a person goes on, also after `rest`.
    async fn narrate(&mut self, call: &Call, at: usize) -> Move {
        let is_pause = call.spec.name == "pause" && self.editing.is_some();
        if is_pause && matches!(self.way, Way::ToPhase | Way::ToEnd) {
            self.way = Way::ByHand;
        }
        // The next step waits for Enter anyway.
        let pauser = if self.way == Way::ByHand { self.lab.pauser.take() } else { None };
        let next = self.run_unattended(call, at).await;
        self.lab.pauser = self.lab.pauser.take().or(pauser);
        next
    }

    /// Whether Ctrl-C took a person from the clock to the keyboard.
    fn is_stopped(&mut self) -> bool {
        let is_stopped = self.editing.is_some() && self.lab.interrupt.is_raised();
        if is_stopped {
            self.lab.interrupt.clear();
            self.output.write("\n");
            self.stop();
        }
        is_stopped
    }

    /// From here on a person decides. Who had the clock decide has not been told how.
    fn stop(&mut self) {
        if let Way::Paced(_) = self.way {
            self.output.write(&greeting());
        }
        self.way = Way::ByHand;
    }

    /// Runs a step that nobody was asked about. One that fails is a person's to go on from, or the end.
    async fn run_unattended(&mut self, call: &Call, at: usize) -> Move {
        match self.run(call, at).await {
            Move::Stay if self.editing.is_none() => Move::Quit,
            Move::Stay => {
                self.stop();
                Move::Stay
            }
            next => next,
        }
    }

    /// Shows the step in the editor and does what the person there says.
    async fn by_hand(&mut self, call: &Call, at: usize) -> Move {
        loop {
            match self.read(&call.text).await {
                Typed::Line(text) if text == *call.text => return self.run(call, at).await,
                Typed::Word("run") => return self.run(call, at).await,
                Typed::Line(text) if text.trim().is_empty() => {}
                Typed::Line(text) => match shell::parse(&text, At::PROMPT, TABLE) {
                    Ok(shell::Line::Step(call)) => return self.run(&call, at).await,
                    Ok(shell::Line::Empty) => return Move::Next,
                    Ok(shell::Line::Unfinished) => {
                        let why = Failure::script("a bracket or a string is still open");
                        self.lab.emit(What::Failed(
                            why.hint("the step stands there again, as the script has it"),
                        ));
                    }
                    Err(failure) => self.lab.emit(What::Failed(failure)),
                },
                Typed::Cleared => {
                    self.lab.emit(What::Moved("set aside; an empty line brings it back"));
                    if let Some(next) = self.aside().await {
                        return next;
                    }
                }
                Typed::Word(word) => return self.word(word),
                Typed::End => return Move::Quit,
                Typed::Broken(why) => return self.broken(&why),
            }
        }
    }

    /// Commands of the person's own, until an empty line. Gives where to go on, if they said so.
    async fn aside(&mut self) -> Option<Move> {
        let mut open = String::new();
        loop {
            let text = match self.read_on(&open).await {
                Typed::Line(text) => text,
                Typed::Word("run") => return None,
                Typed::Word(word) => return Some(self.word(word)),
                Typed::Cleared if open.is_empty() => return None,
                Typed::Cleared => String::new(),
                Typed::End => return None,
                Typed::Broken(why) => return Some(self.broken(&why)),
            };
            if open.is_empty() && text.trim().is_empty() {
                return None;
            }
            if let Some((word, _)) = WORDS.iter().find(|(word, _)| *word == text.trim()) {
                return Some(self.word(word));
            }
            let text = if open.is_empty() { text } else { format!("{open}\n{text}") };
            open.clear();
            if matches!(shell::parse(&text, At::PROMPT, TABLE), Ok(shell::Line::Unfinished)) {
                open = text;
                continue;
            }
            let _ = shell::line(self.lab, &text, At::PROMPT, TABLE).await;
            if self.lab.quitting {
                return Some(Move::Quit);
            }
        }
    }

    fn word(&mut self, word: &str) -> Move {
        let (how, next) = match word {
            "skip" => ("skipped", Move::Next),
            "phase" => {
                self.way = Way::ToPhase;
                ("up to the next phase", Move::Stay)
            }
            "rest" => {
                self.way = Way::ToEnd;
                ("up to the end", Move::Stay)
            }
            "again" => ("back to the start of a phase", Move::Again),
            _ => ("not run", Move::Quit),
        };
        self.lab.emit(What::Moved(how));
        next
    }

    fn broken(&self, why: &str) -> Move {
        self.output.complain(&format!("error: cannot read the terminal: {why}\n"));
        Move::Quit
    }

    async fn read(&mut self, initial: &str) -> Typed {
        let prompt = format!("{}> ", self.lab.current.as_deref().unwrap_or_default());
        self.ask(prompt, initial).await
    }

    /// Reads a line of the person's own; `open` are those before it that it goes on from.
    async fn read_on(&mut self, open: &str) -> Typed {
        if open.is_empty() {
            return self.read("").await;
        }
        let name = self.lab.current.as_deref().unwrap_or_default();
        self.ask(format!("{}. ", " ".repeat(name.width())), "").await
    }

    async fn ask(&mut self, prompt: String, initial: &str) -> Typed {
        match &self.editing {
            Some(editing) => {
                let typed = editing.read(self.lab, self.output, prompt, initial).await;
                if let Typed::Line(line) = &typed {
                    // Without an editor there is no next line either.
                    let _ = editing.added.send(line.clone());
                }
                typed
            }
            None => Typed::End,
        }
    }

    /// Runs a step; one that failed stays.
    async fn run(&mut self, call: &Call, at: usize) -> Move {
        self.lab.remember(call.text.clone());
        match step::run_interruptible(self.lab, call).await {
            Ok(()) => {
                self.outcomes[at] = Outcome::Passed;
                if self.lab.quitting { Move::Quit } else { Move::Next }
            }
            Err(failure) => {
                self.outcomes[at] = Outcome::Failed(failure.kind);
                self.lab.emit(What::Failed(failure));
                Move::Stay
            }
        }
    }

    fn summary(&self) -> Summary {
        let count =
            |wanted: fn(&Outcome) -> bool| self.outcomes.iter().filter(|outcome| wanted(outcome)).count();
        let passed = count(|outcome| *outcome == Outcome::Passed);
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let kinds = self.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Failed(kind) => Some(kind.status()),
            _ => None,
        });
        Summary {
            passed,
            failed,
            not_run: self.script.steps() - passed - failed,
            status: kinds.max().unwrap_or(0),
            file: self.script.file.to_string(),
            ..Summary::default()
        }
    }
}
