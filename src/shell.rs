//! One line in, its events out: the only way in, for a prompt, for `-c` and for a script.

use std::sync::Arc;

use crate::command::{Call, Item, OnFailure, Script, Spec};
use crate::commands::{announce, clean_up, register};
use crate::event::{Failure, FailureKind, Summary, What};
use crate::lab::{Binding, Lab};
use crate::language::mistake::Mistake;
use crate::language::names::Missing;
use crate::language::parse::{Context, step};
use crate::language::script::{self, Files};
use crate::results;
use crate::step::{self, STEPS_PER_TURN};

/// What a line that was typed turned out to be.
pub enum Line {
    /// Nothing but spaces and a comment.
    Empty,
    /// A bracket or a string is still open.
    Unfinished,
    /// A step.
    Step(Box<Call>),
}

/// Where a line stands that is no script's.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// What failures call it; empty at the prompt.
    pub file: &'a str,
    /// Its number, from 1.
    pub line: usize,
}

impl At<'_> {
    /// At the prompt.
    pub const PROMPT: At<'static> = At { file: "", line: 1 };
}

/// Parses a typed line.
pub fn parse(text: &str, at: At, table: &'static [&'static Spec]) -> Result<Line, Failure> {
    let files = Files::default();
    let context = Context { table, file: Arc::from(at.file), line: at.line, files: &files };
    if let Some((column, message, hint)) = script::unseen(text) {
        return Err(script::failure(Mistake::new(column, 1, message).hint(hint), text, &context));
    }
    match step(text, &context, 0) {
        Ok(Some(call)) => Ok(Line::Step(Box::new(call))),
        Ok(None) => Ok(Line::Empty),
        Err(mistake) if mistake.unfinished => Ok(Line::Unfinished),
        Err(mistake) => Err(script::failure(mistake, text, &context)),
    }
}

/// Says what is wrong with a line without running it; gives its step, if it holds one.
pub fn check(text: &str, at: At, table: &'static [&'static Spec]) -> Result<Option<Box<Call>>, Failure> {
    match parse(text, at, table)? {
        Line::Unfinished => Err(unfinished(text, at, table)),
        Line::Empty => Ok(None),
        Line::Step(call) => Ok(Some(call)),
    }
}

/// Splits pasted or piped text into steps, each with its text; what is still open at the end is the last one. A block with a mistake
/// in it goes up to its `end`: the steps behind the mistake are not meant to be run alone.
pub fn split(text: &str, table: &'static [&'static Spec]) -> Vec<String> {
    let mut steps = Vec::new();
    let mut open = String::new();
    let mut blocks = 0;
    for line in text.lines() {
        let before = open.len();
        if !open.is_empty() {
            open.push('\n');
        }
        open.push_str(line);
        match parse(&open, At::PROMPT, table) {
            Ok(Line::Unfinished) => continue,
            Err(_) => {
                let around = if blocks > 0 { blocks } else { open_blocks(&open[..before], table) };
                let closes = usize::from(line.trim() == script::END);
                blocks = (around + open_blocks(line, table)).saturating_sub(closes);
            }
            Ok(_) => blocks = 0,
        }
        if blocks == 0 {
            steps.push(std::mem::take(&mut open));
        }
    }
    if !open.is_empty() {
        steps.push(open);
    }
    steps
}

/// How many blocks are open at the end of a text; none where a bracket is.
fn open_blocks(text: &str, table: &'static [&'static Spec]) -> usize {
    let mut closed = text.to_string();
    if text.is_empty() || !matches!(parse(text, At::PROMPT, table), Ok(Line::Unfinished)) {
        return 0;
    }
    let closes = |_: &usize| {
        closed += "\n";
        closed += script::END;
        matches!(parse(&closed, At::PROMPT, table), Ok(Line::Step(call)) if call.is_block())
    };
    (1..=script::MAX_BLOCKS).find(closes).unwrap_or(0)
}

/// What is wrong with a line that was typed into the block `open`; `text` is the block with that line. The block itself is as
/// good as it was.
pub fn mistake_in_block(open: &str, text: &str, table: &'static [&'static Spec]) -> Option<Failure> {
    let is_block = open_blocks(open, table) > 0;
    let first = split(text, table).into_iter().next().filter(|_| is_block)?;
    parse(&first, At::PROMPT, table).err()
}

/// Runs a typed line and tells its failure. Gives the failure's kind.
pub async fn line(
    lab: &mut Lab,
    text: &str,
    at: At<'_>,
    table: &'static [&'static Spec],
) -> Result<(), FailureKind> {
    let outcome = match parse(text, at, table) {
        Ok(Line::Step(call)) => {
            // As in other shells, a space in front keeps a line out of the history.
            if !text.starts_with(' ') {
                lab.remember(call.text.clone());
            }
            step::run_interruptible(lab, &call).await
        }
        Ok(Line::Empty) => Ok(()),
        Ok(Line::Unfinished) => Err(unfinished(text, at, table)),
        Err(failure) => Err(failure),
    };
    outcome.map_err(|failure| {
        let kind = failure.kind;
        lab.emit(What::Failed(failure));
        kind
    })
}

fn unfinished(text: &str, at: At, table: &'static [&'static Spec]) -> Failure {
    // As many empty lines stand above it as lines do.
    let text = "\n".repeat(at.line.saturating_sub(1)) + text;
    match script::parse(text.as_bytes(), at.file, table, &Files::default()) {
        Err(failure) => failure,
        Ok(_) => Failure::script("the line is not finished"),
    }
}

/// Runs a script's steps in order to the end, or as far as `set on-failure` has it.
pub async fn run(lab: &mut Lab, script: &Script, keep_going: bool) -> Summary {
    let started = std::time::Instant::now();
    let mut summary = Summary { file: script.file.to_string(), ..Summary::default() };
    let steps = script.steps();
    let registered = register(lab, script);
    lab.emit(What::Planned(Arc::new(results::plan(script))));
    let mut course = Course { keep_going, ..Course::default() };
    let mut done = 0;
    for item in &script.items {
        let Some(call) = course.next(lab, item) else {
            if course.is_over {
                break;
            }
            continue;
        };
        let outcome = step::run_interruptible(lab, call).await;
        done += 1;
        match outcome {
            Ok(()) => summary.passed += 1,
            Err(failure) => {
                summary.failed += 1;
                summary.status = worst(summary.status, failure.kind);
                let is_interrupted = failure.kind == FailureKind::Interrupted;
                lab.emit(What::Failed(failure));
                course.lost(lab, call);
                if is_interrupted || course.is_over {
                    break;
                }
            }
        }
        if lab.quitting {
            done = steps;
            break;
        }
        if done % STEPS_PER_TURN == 0 {
            tokio::task::yield_now().await;
        }
    }
    if let Err(failure) = clean_up(lab, registered).await {
        summary.failed += 1;
        summary.status = worst(summary.status, failure.kind);
        lab.emit(What::Failed(failure));
    }
    summary.not_run = steps - done;
    summary.took = started.elapsed();
    summary
}

/// How a script goes on after a failure.
#[derive(Default)]
struct Course<'a> {
    keep_going: bool,
    /// The title of the phase under way.
    phase: &'a str,
    /// What failed steps, and those left out behind them, would have named.
    missing: Missing,
    /// Whether the rest of the phase is left out.
    skips: bool,
    /// Whether the rest of the script is.
    is_over: bool,
}

impl<'a> Course<'a> {
    /// The step that is to be run, if this is one.
    fn next(&mut self, lab: &mut Lab, item: &'a Item) -> Option<&'a Call> {
        let call = match item {
            Item::Phase(title) => {
                (self.skips, self.phase) = (false, title);
                lab.begin_phase(title);
                return None;
            }
            Item::Comment(_) => return None,
            Item::Step(call) => call,
        };
        if self.skips {
            self.missing.lose(call, self.phase);
            return None;
        }
        announce(lab, call);
        let current = lab.current.as_deref().and_then(|name| lab.get(name));
        let has_connection = matches!(current, Some(Binding::Connection(_)));
        let is_known = |name: &str| lab.get(name).is_some();
        if let Some(why) = self.missing.needed_by(call, has_connection, is_known) {
            lab.emit(What::NotRun(why));
            self.lost(lab, call);
            return None;
        }
        lab.remember(call.text.clone());
        Some(call)
    }

    /// A step has failed, or was not run because an earlier one had.
    fn lost(&mut self, lab: &Lab, call: &Call) {
        self.missing.lose(call, self.phase);
        match lab.settings.on_failure {
            _ if self.keep_going => {}
            OnFailure::Stop => self.is_over = true,
            // What stands before the first phase is what all of them need.
            OnFailure::NextPhase if self.phase.is_empty() => self.is_over = true,
            OnFailure::NextPhase => self.skips = true,
            OnFailure::NextStep => {}
        }
    }
}

/// Of two kinds of failure in one run the higher status wins: 130 over 3 over 2 over 1.
fn worst(so_far: u8, kind: FailureKind) -> u8 {
    so_far.max(kind.status())
}
