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
    pub failure: Option<Box<Failure>>,
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
