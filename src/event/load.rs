//! What many runs of a script came to: the table of their steps, and why some failed.

/// What many runs of a script came to.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct RunReport {
    /// The script, ready for a screen.
    pub script: String,
    /// Runs that were wanted.
    pub times: u64,
    /// Runs at the same time.
    pub at_once: u64,
    /// Runs that have ended.
    pub ended: u64,
    /// How many of them failed.
    pub failed: u64,
    /// From the first to the last, in seconds.
    pub seconds: f64,
    /// Each step of the script, in order.
    pub steps: Vec<RunStep>,
    /// Why runs failed, the most frequent first: the line, the reason, how often.
    pub reasons: Vec<RunReason>,
}

/// One step of a script in many runs.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct RunStep {
    /// Its line.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// How often it was run.
    pub count: u64,
    /// How often it failed.
    pub failed: u64,
    /// Half of them took at most so long, in milliseconds.
    pub p50_ms: f64,
    /// Nine of ten.
    pub p90_ms: f64,
    /// All but one in a hundred.
    pub p99_ms: f64,
}

/// Why runs failed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunReason {
    /// The line of the step that failed; 0 where reasons are taken together.
    pub line: usize,
    /// Its message.
    pub message: String,
    /// How many runs it ended.
    pub count: u64,
    /// The number of the first of them; 0 where reasons are taken together.
    pub first: u64,
    /// What came there instead of what was wanted: `left: 8 (int), right: 8 (int)`.
    pub detail: String,
}

impl RunReason {
    /// The reason in one line: where, what, and what it was like in the first run that it ended.
    pub fn told(&self) -> String {
        let line = if self.line > 0 { format!("line {}: ", self.line) } else { String::new() };
        let first = match (self.first, self.detail.as_str()) {
            (0, _) => String::new(),
            (run, "") => format!("; first in run {run}"),
            (run, detail) => format!("; first in run {run}: {detail}"),
        };
        format!("{line}{}{first}", self.message)
    }
}
