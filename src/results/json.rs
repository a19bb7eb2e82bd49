//! Results as JSON, with everything there is; tests/fixtures/results.schema.json says what stands in it.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Check, Phase, Report};

/// What stands first in the file, so that a reader knows it. The number grows when a field changes its meaning.
const FORMAT: &str = "lab2sh results 1";

/// The whole file.
pub fn write(report: &Report) -> String {
    let (passed, failed, not_run) = report.counts();
    let points = report.points();
    let trouble = report.trouble.as_ref();
    let json = json!({
        "format": FORMAT,
        "script": report.script,
        "status": report.status,
        "seconds": seconds(report.took),
        "score": points.map(|(score, _)| score),
        "points": points.map(|(_, points)| points),
        "passed": passed,
        "failed": failed,
        "not_run": not_run,
        "first_failure": report.first_failure(),
        "trouble": trouble.map(|(message, hint)| json!({"message": message, "hint": hint})),
        "phases": report.phases.iter().map(phase).collect::<Vec<_>>(),
    });
    format!("{json:#}\n")
}

fn phase(phase: &Phase) -> Json {
    json!({
        "number": phase.number,
        "title": phase.title,
        "status": phase.status().word(),
        "score": phase.score(),
        "points": phase.points,
        "passed": phase.passed,
        "failed": phase.failed,
        "not_run": phase.not_run,
        "seconds": seconds(phase.took),
        "results": phase.checks.iter().map(check).collect::<Vec<_>>(),
    })
}

fn check(check: &Check) -> Json {
    // A list: a word may come again, as that of each line that a program said last.
    let details: Vec<Json> =
        check.details.iter().map(|(word, said)| json!({"word": word, "text": said})).collect();
    json!({
        "step": check.text,
        "file": check.file,
        "line": check.line,
        "status": check.status.word(),
        "wanted": check.wanted,
        "got": check.got,
        "message": check.message,
        "hint": check.hint,
        "details": details,
        "seconds": seconds(check.took),
    })
}

fn seconds(took: Duration) -> f64 {
    took.as_micros() as f64 / 1_000_000.0
}
