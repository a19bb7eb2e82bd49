//! Many runs of one script: how they stand, and what each step took.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hdrhistogram::Histogram;
use indexmap::IndexMap;

use crate::changes::Changes;
use crate::command::{Item, Script};
use crate::event::{Failure, Name, RunReason, RunReport, RunStep};
use crate::value::escape;

/// How many different reasons are told apart; further ones are counted together.
const REASONS_MAX: usize = 50;
/// Digits of a time that are kept: 1 in a hundred is less than two runs differ by.
const DIGITS: u8 = 2;

/// The words of a failure's details that say what came.
const CAME_INSTEAD: [&str; 4] = ["left", "right", "got", "arrived"];

/// Runs of a script that are under way or have ended.
pub struct Load {
    /// Its name.
    pub name: Name,
    /// The script that each run runs.
    pub script: Arc<Script>,
    /// How many runs.
    pub times: u64,
    /// How many at the same time.
    pub at_once: u64,
    next: AtomicU64,
    figures: Mutex<Figures>,
    changes: Changes,
    started: Instant,
}

struct Figures {
    steps: Vec<(Histogram<u64>, u64)>,
    ended: u64,
    failed: u64,
    reasons: IndexMap<(usize, String), RunReason, RandomState>,
    more_reasons: u64,
    took: Option<Duration>,
}

/// What one run came to: the time of each step that was run, by its place among the steps, and why the last one failed.
#[derive(Default)]
pub struct Run {
    /// Its number, from 1.
    pub number: u64,
    /// Times of the steps, in order.
    pub took: Vec<Duration>,
    /// Why it ended before the last step.
    pub failure: Option<Failure>,
}

impl Load {
    /// Runs that have not begun.
    pub fn new(name: Name, script: Arc<Script>, times: u64, at_once: u64) -> Result<Load, String> {
        let steps = (0..script.steps()).map(|_| Ok((Histogram::new(DIGITS)?, 0))).collect::<Result<_, _>>();
        let steps = steps.map_err(|error: hdrhistogram::CreationError| error.to_string())?;
        let figures =
            Figures { steps, ended: 0, failed: 0, reasons: IndexMap::default(), more_reasons: 0, took: None };
        Ok(Load {
            name,
            script,
            times,
            at_once,
            next: AtomicU64::new(1),
            figures: Mutex::new(figures),
            changes: Changes::default(),
            started: Instant::now(),
        })
    }

    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the next run, from 1; `None` when all have begun.
    pub fn next_run(&self) -> Option<u64> {
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number <= self.times)
    }

    /// One run has ended.
    pub fn run_ended(&self, run: Run) {
        let mut guard = self.figures();
        let figures = &mut *guard;
        for (took, (times, _)) in run.took.iter().zip(&mut figures.steps) {
            // It grows as far as a u64 of microseconds goes.
            let _ = times.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
        if let Some(mut failure) = run.failure {
            figures.failed += 1;
            if let Some((_, failed)) = run.took.len().checked_sub(1).and_then(|at| figures.steps.get_mut(at))
            {
                *failed += 1;
            }
            let line = failure.place.as_ref().map_or(0, |place| place.line);
            let key = (line, std::mem::take(&mut failure.message));
            let has_room = figures.reasons.len() < REASONS_MAX;
            match figures.reasons.get_mut(&key) {
                Some(reason) => reason.count += 1,
                None if has_room => {
                    let detail = came_instead(&failure.details);
                    let message = key.1.clone();
                    let reason = RunReason { line, message, count: 1, first: run.number, detail };
                    figures.reasons.insert(key, reason);
                }
                None => figures.more_reasons += 1,
            }
        }
        figures.ended += 1;
        if figures.ended == self.times {
            figures.took = Some(self.started.elapsed());
            drop(guard);
            self.changes.tell();
        }
    }

    /// How many have ended, how many of them failed, and how long it has taken.
    pub fn progress(&self) -> (u64, u64, Duration) {
        let figures = self.figures();
        (figures.ended, figures.failed, figures.took.unwrap_or_else(|| self.started.elapsed()))
    }

    /// Whether all have ended.
    pub fn is_done(&self) -> bool {
        self.figures().took.is_some()
    }

    /// Waits until all have ended.
    pub async fn done(&self) {
        self.changes.until(|| self.is_done().then_some(())).await;
    }

    /// The figures so far.
    pub fn report(&self) -> RunReport {
        let figures = self.figures();
        let calls = self.script.items.iter().filter_map(|item| match item {
            Item::Step(call) => Some(call),
            _ => None,
        });
        let ms = |times: &Histogram<u64>, part: f64| times.value_at_quantile(part) as f64 / 1000.0;
        let steps = calls.zip(&figures.steps).map(|(call, (times, failed))| RunStep {
            line: call.line,
            text: escape(call.head().trim()).into_owned(),
            count: times.len(),
            failed: *failed,
            p50_ms: ms(times, 0.5),
            p90_ms: ms(times, 0.9),
            p99_ms: ms(times, 0.99),
        });
        let mut reasons: Vec<RunReason> = figures.reasons.values().cloned().collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        if figures.more_reasons > 0 {
            let message = "other reasons".to_string();
            let (count, detail) = (figures.more_reasons, String::new());
            reasons.push(RunReason { line: 0, message, count, first: 0, detail });
        }
        RunReport {
            script: self.script.file.to_string(),
            times: self.times,
            at_once: self.at_once,
            ended: figures.ended,
            failed: figures.failed,
            seconds: figures.took.unwrap_or_else(|| self.started.elapsed()).as_secs_f64(),
            steps: steps.collect(),
            reasons,
        }
    }
}

/// What a failure says of what came; what was wanted stands in the script.
fn came_instead(details: &[(&'static str, String)]) -> String {
    let told = details.iter().filter(|(word, _)| CAME_INSTEAD.contains(word));
    told.map(|(word, text)| format!("{word}: {text}")).collect::<Vec<_>>().join(", ")
}

/// What runs came to as JSON, an object by name.
pub fn json(reports: &[(String, Arc<RunReport>)]) -> String {
    let object: serde_json::Map<String, serde_json::Value> =
        reports.iter().map(|(name, report)| (name.clone(), serde_json::json!(**report))).collect();
    format!("{:#}\n", serde_json::Value::Object(object))
}

/// Writes what runs came to, whole or not at all. `Err` says why it could not be written.
pub fn save(path: &Path, reports: &[(String, Arc<RunReport>)]) -> Result<(), String> {
    crate::platform::write_whole(path, json(reports).as_bytes()).map_err(|error| {
        format!("cannot write `{}`: {}", escape(&path.to_string_lossy()), crate::platform::reason(&error))
    })
}
