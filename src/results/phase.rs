//! A phase of a run and the checks in it; what a peer or a script brought is made harmless here, once for every format.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Failure, FailureKind, PlannedCheck, PlannedPhase, StepResult};
use crate::value::escape;

/// How much of one text a report holds, in characters. A failure shows 200 of a value; a step's own text may be long.
const TEXT_MAX: usize = 1000;

/// How a check or a phase went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It held.
    Passed,
    /// It did not hold.
    Failed,
    /// The network, a file or the script was at fault.
    Error,
    /// A person interrupted it.
    Interrupted,
    /// The run ended before.
    NotRun,
}

impl Status {
    /// Its word in every report.
    pub fn word(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Failed => "failed",
            Status::Error => "error",
            Status::Interrupted => "interrupted",
            Status::NotRun => "not run",
        }
    }
}

/// A step that is a result.
#[derive(Clone, Debug)]
pub struct Check {
    /// The step's text, in one line.
    pub text: String,
    /// The file it stands in; empty at the prompt.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// How it went.
    pub status: Status,
    /// What was wanted: the failure's words, else what a check wants to hold.
    pub wanted: String,
    /// What came instead, with its type; for a `!` step how it failed.
    pub got: Option<String>,
    /// What else the failure says: a word and what goes with it.
    pub details: Vec<(&'static str, String)>,
    /// What is wrong.
    pub message: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// A phase of a run.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Its place among the phases, from 1.
    pub number: usize,
    /// Its title; empty for what stands before the first one.
    pub title: String,
    /// What it is worth.
    pub points: Option<f64>,
    /// The results that are kept.
    pub checks: Vec<Check>,
    /// How many checks passed.
    pub passed: usize,
    /// How many steps failed, of whatever kind.
    pub failed: usize,
    /// How many checks the run did not come to.
    pub not_run: usize,
    /// How long it took.
    pub took: Duration,
    began: Duration,
    was_begun: bool,
    /// Why a step of it was not run, where an earlier phase is to blame.
    pub given_up: Option<String>,
    /// The title as the script has it, to find the phase in the plan.
    raw_title: String,
    /// Where the kept results stand, to tell them from those that were not run.
    places: HashSet<(Arc<str>, usize)>,
}

impl Phase {
    /// A phase that begins.
    pub fn begin(title: &str, at: Duration) -> Phase {
        Phase {
            number: 0,
            title: text(title),
            points: None,
            checks: Vec::new(),
            passed: 0,
            failed: 0,
            not_run: 0,
            took: Duration::ZERO,
            began: at,
            was_begun: true,
            given_up: None,
            raw_title: title.to_string(),
            places: HashSet::new(),
        }
    }

    /// A phase that the run did not come to.
    pub fn not_run(planned: &PlannedPhase) -> Phase {
        let mut phase = Phase::begin(&planned.title, Duration::ZERO);
        phase.was_begun = false;
        phase.complete(planned, true);
        phase
    }

    /// The phase has ended.
    pub fn end(&mut self, at: Duration) {
        self.took = at.saturating_sub(self.began);
    }

    /// One more result; one that is not kept is counted.
    pub fn add(&mut self, result: &StepResult, is_kept: bool) {
        if result.failure.is_some() {
            self.failed += 1;
        } else {
            self.passed += 1;
        }
        if is_kept {
            self.places.insert((result.file.clone(), result.line));
            self.checks.push(Check::of(result));
        }
    }

    /// A step of it was not run.
    pub fn give_up(&mut self, why: &Failure) {
        self.given_up.get_or_insert_with(|| format!("not run: {}", text(&why.message)));
    }

    /// Whether this is the phase that was planned.
    pub fn is(&self, planned: &PlannedPhase) -> bool {
        self.raw_title == planned.title
    }

    /// Takes from the plan what the run did not come to: after a failure, or where the whole run `broke_off`.
    pub fn complete(&mut self, planned: &PlannedPhase, broke_off: bool) {
        self.points = self.points.or(planned.points);
        if self.failed == 0 && !broke_off && self.given_up.is_none() {
            return;
        }
        let missing =
            planned.checks.iter().filter(|check| !self.places.contains(&(check.file.clone(), check.line)));
        let why = &self.given_up;
        let missing: Vec<Check> =
            missing.map(|check| Check { message: why.clone(), ..Check::not_run(check) }).collect();
        self.not_run += missing.len();
        self.checks.extend(missing);
        // Without a check to miss, a phase that broke off is not one that passed.
        self.was_begun &= !broke_off || self.failed > 0;
    }

    /// A phase that has points and checks nothing judges by its steps: that they all pass is its result.
    pub fn judge(&mut self) {
        if self.points.is_none() || self.total() > 0 {
            return;
        }
        let planned = PlannedCheck { text: Arc::from("every step passes"), file: Arc::from(""), line: 0 };
        let check =
            Check { status: self.status(), message: self.given_up.clone(), ..Check::not_run(&planned) };
        match check.status {
            Status::Passed => self.passed += 1,
            _ => self.not_run += 1,
        }
        self.checks.push(check);
    }

    /// Whether there is nothing to tell of it.
    pub fn is_empty(&self) -> bool {
        self.raw_title.is_empty() && self.points.is_none() && self.passed + self.failed + self.not_run == 0
    }

    /// Its name for people: the title, or what stands for it.
    pub fn name(&self) -> &str {
        if self.title.is_empty() { "before the first phase" } else { &self.title }
    }

    /// How it went.
    pub fn status(&self) -> Status {
        let worst = |status| self.checks.iter().any(|check| check.status == status);
        if self.failed == 0 {
            let is_whole = self.was_begun && self.not_run == 0 && self.given_up.is_none();
            return if is_whole { Status::Passed } else { Status::NotRun };
        }
        let found = [Status::Interrupted, Status::Error].into_iter().find(|status| worst(*status));
        found.unwrap_or(Status::Failed)
    }

    /// The points it gave: all or nothing; `None` where it has none.
    pub fn score(&self) -> Option<f64> {
        let points = self.points?;
        Some(if self.status() == Status::Passed { points } else { 0.0 })
    }

    /// How many checks there are in it.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.not_run
    }
}

impl Check {
    fn of(result: &StepResult) -> Check {
        let failure = result.failure.as_deref();
        let detail = |wanted: &str| {
            let found = failure?.details.iter().find(|(word, _)| *word == wanted)?;
            Some(text(&found.1))
        };
        let wanted = || {
            let (before, arguments) = result.text.split_at_checked(result.args_at).unwrap_or_default();
            match before.split_whitespace().next_back() {
                _ if before.starts_with('!') => "that it fails".to_string(),
                Some("check" | "expect") => text(arguments),
                _ => "that it passes".to_string(),
            }
        };
        let others = failure.map_or(&[][..], |failure| &failure.details);
        Check {
            text: text(&result.text),
            file: text(&result.file),
            line: result.line,
            status: failure.map_or(Status::Passed, |failure| match failure.kind {
                FailureKind::Check => Status::Failed,
                FailureKind::Script | FailureKind::Network => Status::Error,
                FailureKind::Interrupted => Status::Interrupted,
            }),
            wanted: detail("wanted").unwrap_or_else(wanted),
            got: detail("got").or_else(|| result.refusal.as_deref().map(text)),
            details: others
                .iter()
                .filter(|(word, _)| !matches!(*word, "wanted" | "got"))
                .map(|(word, said)| (*word, text(said)))
                .collect(),
            message: failure.map(|failure| text(&failure.message)),
            hint: failure.and_then(|failure| failure.hint.as_deref()).map(text),
            took: result.took,
        }
    }

    fn not_run(planned: &PlannedCheck) -> Check {
        Check {
            text: text(&planned.text),
            file: text(&planned.file),
            line: planned.line,
            status: Status::NotRun,
            wanted: String::new(),
            got: None,
            details: Vec::new(),
            message: None,
            hint: None,
            took: Duration::ZERO,
        }
    }

    /// `test.lab:3`, or nothing at the prompt.
    pub fn place(&self) -> String {
        if self.file.is_empty() { String::new() } else { format!("{}:{}", self.file, self.line) }
    }

    /// What a failure says, line by line: the message with its place, what was wanted and what came, the way out.
    pub fn told(&self) -> Vec<String> {
        let Some(message) = &self.message else { return Vec::new() };
        let mut lines = vec![format!("{}: {message}", self.place()), format!("step: {}", self.text)];
        if self.status == Status::Failed {
            lines.push(format!("wanted: {}", self.wanted));
        }
        lines.extend(self.got.iter().map(|got| format!("got: {got}")));
        lines.extend(self.details.iter().map(|(word, said)| format!("{word}: {said}")));
        lines.extend(self.hint.iter().map(|hint| format!("hint: {hint}")));
        lines
    }
}

/// A failure outside every step, in one line.
pub fn with_place(failure: &Failure) -> String {
    match &failure.place {
        Some(place) if place.file.is_some() => {
            let file = place.file.as_deref().unwrap_or_default();
            format!("{file}:{}:{}: {}", place.line, place.column, failure.message)
        }
        _ => failure.message.clone(),
    }
}

/// Text for a report: in one line, without a character that could act on a screen, and not without end.
pub fn text(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((cut, _)) => {
            format!("{} ... (cut: {} characters in all)", escape(&text[..cut]), text.chars().count())
        }
        None => escape(text.trim()).into_owned(),
    }
}
