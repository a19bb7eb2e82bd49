//! How a run went: a phase in one line, its points, the summary.

use anstyle::AnsiColor;

use super::{Look, row};
use crate::event::{Submission, Summary};
use crate::pattern::count;
use crate::results::Phase;
use crate::value::escape;

/// A phase that has ended, in one line.
pub fn phase(phase: &Phase, look: &Look) -> String {
    let is_passed = phase.failed == 0;
    let (color, word) = match (is_passed, &phase.given_up) {
        (true, None) => (AnsiColor::Green, "ok"),
        (true, Some(_)) => (AnsiColor::Yellow, "not run"),
        (false, _) => (AnsiColor::Red, "failed"),
    };
    let left = format!("{} {}. {}", look.colored(color, &format!("{word:<6}")), phase.number, phase.name());
    let mut parts = Vec::new();
    match (is_passed, phase.passed) {
        (true, 0) => {}
        (true, passed) => parts.push(count(passed as u64, "check")),
        (false, passed) => parts.push(format!("{passed} passed, {} failed", phase.failed)),
    }
    if let (Some(score), Some(points)) = (phase.score(), phase.points) {
        parts.push(format!("{score} of {points} points"));
    }
    row(&left, &format!("{}  {:.1} s", parts.join(", "), phase.took.as_secs_f64()), look)
}

/// A submission of many whose run has ended, in one line.
pub fn submission(it: &Submission, look: &Look) -> String {
    let color = if it.status == 0 { AnsiColor::Green } else { AnsiColor::Red };
    let word = if it.status == 0 { "ok" } else { it.outcome };
    let left = format!("{} {}", look.colored(color, &format!("{word:<6}")), it.shown_name());
    let points =
        it.score.zip(it.points).map_or(String::new(), |(score, of)| format!("{score} of {of} points  "));
    row(&left, &format!("{points}{:.1} s", it.took.as_secs_f64()), look)
}

/// A run of a watched script that has ended.
pub fn watching(run: usize, status: u8, files: usize, look: &Look) -> String {
    let files = count(files as u64, "file");
    let told = format!("run {run} ended with exit status {status}; watching {files}, Ctrl-C ends");
    format!("{}\n", look.dim(&told))
}

/// What parts a run of a watched script from the one before.
pub fn changed(file: &str, is_gone: bool, run: usize, look: &Look) -> String {
    let how = if is_gone { "is gone" } else { "has changed" };
    format!("\n{}\n", look.bold(&format!("==== `{file}` {how}: run {run} ====")))
}

/// The points of a whole run.
pub fn points(score: f64, of: f64) -> String {
    format!("points: {score} of {of}\n")
}

/// The end of a script.
pub fn summary(summary: &Summary, look: &Look) -> String {
    let mut parts = Vec::new();
    if summary.failed > 0 {
        parts.push(look.colored(AnsiColor::Red, &format!("{} failed", summary.failed)).into_owned());
    }
    parts.push(format!("{} passed", count(summary.passed as u64, "step")));
    if summary.not_run > 0 {
        parts.push(format!("{} not run", summary.not_run));
    }
    let took = summary.took.as_secs_f64();
    format!("\n{}: {} in {took:.2} s\n", escape(&summary.file), parts.join(", "))
}
