//! Results as Gradescope's `results.json`: a test for a phase, all its points or none.
//! The fields are those of <https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format>.

use serde_json::{Value as Json, json};

use super::{Phase, Report, Status};
use crate::pattern::count;

/// What a phase is worth where no phase of the script has points: Gradescope wants a score.
const POINTS_EACH: f64 = 1.0;

/// The whole file.
pub fn write(report: &Report) -> String {
    let each = if report.points().is_none() { POINTS_EACH } else { 0.0 };
    let mut tests: Vec<Json> = report.phases.iter().map(|phase| test(phase, each)).collect();
    if let Some((message, hint)) = &report.trouble {
        let hint = hint.as_ref().map_or(String::new(), |hint| format!("\nhint: {hint}"));
        tests.push(json!({
            "name": "the run", "score": 0.0, "max_score": 0.0, "status": "failed",
            "output": format!("{message}{hint}"), "output_format": "text",
            "number": (report.phases.len() + 1).to_string(), "visibility": "visible",
        }));
    }
    let (passed, failed, not_run) = report.counts();
    let json = json!({
        "output": format!("{}: {} passed, {failed} failed, {not_run} not run", report.script, count(passed as u64, "check")),
        "output_format": "text",
        "execution_time": report.took.as_micros() as f64 / 1e6,
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    });
    format!("{json:#}\n")
}

fn test(phase: &Phase, each: f64) -> Json {
    let points = phase.points.unwrap_or(each);
    let is_passed = phase.status() == Status::Passed;
    json!({
        "name": phase.name(),
        "name_format": "text",
        "score": if is_passed { points } else { 0.0 },
        "max_score": points,
        "status": if is_passed { "passed" } else { "failed" },
        "output": output(phase),
        "output_format": "text",
        "number": phase.number.to_string(),
        "visibility": "visible",
    })
}

fn output(phase: &Phase) -> String {
    let told: Vec<String> = phase
        .checks
        .iter()
        .filter(|check| check.message.is_some() && check.status != Status::NotRun)
        .map(|check| check.told().join("\n"))
        .collect();
    let count = match (phase.status(), phase.total(), phase.not_run) {
        (Status::NotRun, ..) => {
            phase.given_up.clone().unwrap_or_else(|| "not run: the run ended before".to_string())
        }
        (_, total, 0) => format!("{} of {total} checks passed", phase.passed),
        (_, total, not_run) => format!("{} of {total} checks passed, {not_run} not run", phase.passed),
    };
    told.into_iter().chain([count]).collect::<Vec<_>>().join("\n\n")
}
