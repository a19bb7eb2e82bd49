//! Results of steps as data: what a script means to check, and how each check went.

use std::sync::Arc;
use std::time::Duration;

use super::Failure;

/// How a step went that is a result: an `expect`, a `check`, a `wait`, a `!` step, or any step that failed.
#[derive(Clone, Debug)]
pub struct StepResult {
    /// The step's text.
    pub text: Arc<str>,
    /// The file it stands in; empty at the prompt.
    pub file: Arc<str>,
    /// Its line, from 1.
    pub line: usize,
    /// Byte offset in the text where the arguments begin.
    pub args_at: usize,
    /// From its begin to its end.
    pub took: Duration,
    /// Why it failed; `None`: it passed.
    pub failure: Option<Failure>,
    /// What a `!` step failed with, as it must.
    pub refusal: Option<String>,
}

/// What a script will check, known before it runs: what a run that ends early did not come to.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The script, as the user named it.
    pub file: Arc<str>,
    /// Its phases in order; the first has no title and holds what stands before the first `##`.
    pub phases: Vec<PlannedPhase>,
    /// Whether the script's first word on it is `set show phases`.
    pub shows_phases: bool,
}

/// A phase of a plan.
#[derive(Clone, Debug, Default)]
pub struct PlannedPhase {
    /// Its title; empty before the first one.
    pub title: String,
    /// What it is worth, where it says so.
    pub points: Option<f64>,
    /// The steps in it that are results.
    pub checks: Vec<PlannedCheck>,
}

/// A step that is a result, whatever comes of it.
#[derive(Clone, Debug)]
pub struct PlannedCheck {
    /// The step's text.
    pub text: Arc<str>,
    /// The file it stands in.
    pub file: Arc<str>,
    /// Its line, from 1.
    pub line: usize,
}

/// How the run of one submission of many went.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    /// What it is called, fit for a screen.
    pub name: String,
    /// Its folder below that of the reports.
    pub folder: String,
    /// The points that it reached.
    pub score: Option<f64>,
    /// The points that it could reach.
    pub points: Option<f64>,
    /// Checks that passed.
    pub passed: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Checks that the run did not come to.
    pub not_run: usize,
    /// `passed`, `failed`, `error`, `not run`, `timed out`, `interrupted`.
    pub outcome: &'static str,
    /// What it adds to the exit status.
    pub status: u8,
    /// The first thing that went wrong.
    pub first_failure: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// How much of a submission's name has room in a row, in characters: one long name must not part all columns.
const SHOWN_NAME: usize = 40;

impl Submission {
    /// Its name, as far as there is room in a row.
    pub fn shown_name(&self) -> String {
        match self.name.char_indices().nth(SHOWN_NAME) {
            Some((end, _)) => format!("{}...", &self.name[..end]),
            None => self.name.clone(),
        }
    }
}
