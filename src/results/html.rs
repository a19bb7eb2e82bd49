//! Results as a page for people: one file, no script in it, nothing loaded from elsewhere.

use std::fmt::Write;

use super::{Check, Phase, Report, Status};
use crate::pattern::count;
use crate::value::escape_markup;

/// What every page of ours begins with. The policy forbids scripts and loading, should an escape ever be forgotten.
pub const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width\">
<style>
body { font: 16px/1.4 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ccc; vertical-align: top; overflow-wrap: anywhere; }
.passed { color: #176317; } .failed, .error, .interrupted { color: #a40000; } .not-run { color: #595959; }
pre, code { font: 14px/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { background: #f5f5f5; padding: .6rem; margin: .3rem 0; }
</style>
";

/// The whole page.
pub fn write(report: &Report) -> String {
    let script = escape_markup(&report.script);
    let (passed, failed, not_run) = report.counts();
    let passed = count(passed as u64, "check");
    let points =
        report.points().map_or(String::new(), |(score, of)| format!("<b>{score} of {of} points</b>, "));
    let took = report.took.as_secs_f64();
    let mut page = format!(
        "{HEAD}<title>{script}</title>\n</head>\n<body>\n<h1>{script}</h1>\n\
         <p>{points}{passed} passed, {failed} failed, {not_run} not run in {took:.2} s; exit status {}</p>\n",
        report.status
    );
    if let Some((message, hint)) = &report.trouble {
        let hint = hint.as_ref().map_or(String::new(), |hint| format!("\nhint: {hint}"));
        let _ = writeln!(page, "<pre class=\"error\">{}</pre>", escape_markup(&format!("{message}{hint}")));
    }
    report.phases.iter().for_each(|phase| page += &section(phase));
    page + "</body>\n</html>\n"
}

fn section(phase: &Phase) -> String {
    let status = phase.status();
    let points = match (phase.score(), phase.points) {
        (Some(score), Some(points)) => format!(", {score} of {points} points"),
        _ => String::new(),
    };
    let mut section = format!(
        "<h2>{}. {}</h2>\n<p class=\"{}\">{}: {} of {} checks passed{points}, {:.2} s</p>\n",
        phase.number,
        escape_markup(phase.name()),
        class(status),
        status.word(),
        phase.passed,
        phase.total(),
        phase.took.as_secs_f64()
    );
    if !phase.checks.is_empty() {
        section += "<table>\n<tr><th>line</th><th>step</th><th>result</th><th>time</th></tr>\n";
        phase.checks.iter().for_each(|check| section += &row(check));
        section += "</table>\n";
    }
    section
}

fn row(check: &Check) -> String {
    let told = check.told();
    // The first two lines stand in the row already.
    let details = match (&check.message, told.get(2..)) {
        (Some(message), Some(rest)) => {
            let lines = [std::slice::from_ref(message), rest].concat().join("\n");
            format!("<pre>{}</pre>", escape_markup(&lines))
        }
        _ => String::new(),
    };
    format!(
        "<tr><td>{}</td><td><code>{}</code>{details}</td><td class=\"{}\">{}</td><td>{:.1} ms</td></tr>\n",
        escape_markup(&check.place()),
        escape_markup(&check.text),
        class(check.status),
        check.status.word(),
        check.took.as_secs_f64() * 1000.0
    )
}

/// A status as the name of a CSS class.
fn class(status: Status) -> &'static str {
    if status == Status::NotRun { "not-run" } else { status.word() }
}
