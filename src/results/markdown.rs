//! Results as Markdown, for GitHub's job page: a table of the phases, then what failed.

use std::fmt::Write;

use super::{Phase, Report, Status};
use crate::pattern::count;

/// The whole file.
pub fn write(report: &Report) -> String {
    let sign = if report.status == 0 { "✅" } else { "❌" };
    let mut text = format!("## {sign} {}\n\n", plain(&report.script));
    let (passed, failed, not_run) = report.counts();
    let points = report.points().map_or(String::new(), |(score, of)| format!("**{score} of {of} points**, "));
    let took = report.took.as_secs_f64();
    let passed = count(passed as u64, "check");
    let _ = writeln!(text, "{points}{passed} passed, {failed} failed, {not_run} not run in {took:.2} s\n");
    if let Some((message, hint)) = &report.trouble {
        text += &fenced(
            &[Some(message.clone()), hint.as_ref().map(|hint| format!("hint: {hint}"))]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>(),
        );
    }
    if !report.phases.is_empty() {
        text += "| | phase | checks | points | time |\n|---|---|---|---|---|\n";
        report.phases.iter().for_each(|phase| text += &row(phase));
    }
    for phase in report.phases.iter().filter(|phase| phase.failed > 0) {
        let _ = writeln!(text, "\n### {}\\. {}\n", phase.number, plain(phase.name()));
        for check in phase.checks.iter().filter(|check| check.message.is_some()) {
            text += &fenced(&check.told());
        }
    }
    text
}

fn row(phase: &Phase) -> String {
    let sign = match phase.status() {
        Status::Passed => "✅",
        Status::NotRun => "⚪",
        Status::Failed | Status::Error | Status::Interrupted => "❌",
    };
    let points = match (phase.score(), phase.points) {
        (Some(score), Some(points)) => format!("{score} of {points}"),
        _ => String::new(),
    };
    let name = plain(phase.name());
    let (passed, total, took) = (phase.passed, phase.total(), phase.took.as_secs_f64());
    format!("| {sign} | {}\\. {name} | {passed} of {total} | {points} | {took:.2} s |\n", phase.number)
}

/// Text that Markdown takes for nothing else: every ASCII punctuation character may stand behind a backslash.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Lines as they are, between fences longer than any row of backticks in them.
fn fenced(lines: &[String]) -> String {
    let mut longest = 0;
    for line in lines {
        let mut row = 0;
        for c in line.chars() {
            row = if c == '`' { row + 1 } else { 0 };
            longest = longest.max(row);
        }
    }
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n\n", lines.join("\n"))
}
