//! Results as TAP version 13: a line for a check, with a YAML block where it failed (<https://testanything.org>).

use std::fmt::Write;

use super::{Check, Phase, Report, Status};

/// The whole file.
pub fn write(report: &Report) -> String {
    let checks: Vec<(&Phase, &Check)> =
        report.phases.iter().flat_map(|phase| phase.checks.iter().map(move |check| (phase, check))).collect();
    let mut text = format!("TAP version 13\n1..{}\n", checks.len());
    let mut titled = 0;
    for (number, (phase, check)) in (1..).zip(checks) {
        if phase.number != titled {
            titled = phase.number;
            // A comment; its sign within the title means nothing.
            let _ = writeln!(text, "# {}", phase.name());
        }
        let what = description(&check.text);
        let _ = match check.status {
            Status::Passed => writeln!(text, "ok {number} - {what}"),
            Status::NotRun => {
                let why = check.message.as_deref().unwrap_or("not run");
                writeln!(text, "ok {number} - {what} # SKIP {}", description(why))
            }
            _ => writeln!(text, "not ok {number} - {what}\n{}", diagnostics(check).trim_end_matches('\n')),
        };
    }
    if let Some((message, _)) = &report.trouble {
        let _ = writeln!(text, "Bail out! {message}");
    } else if report.status != 0 && report.counts().1 == 0 {
        // What was skipped must not make a run good that has broken off.
        let _ = writeln!(text, "Bail out! the run ended before its last step");
    }
    text
}

/// A description in which `#` starts no directive: `# SKIP` would make a failed check a passed one.
fn description(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}

/// JSON strings are YAML's double-quoted ones.
fn diagnostics(check: &Check) -> String {
    let mut block = String::from("  ---\n");
    let mut line = |key: &str, said: &str| {
        let _ = writeln!(block, "  {key}: {}", serde_json::Value::from(said));
    };
    line("status", check.status.word());
    line("at", &check.place());
    if let Some(message) = &check.message {
        line("message", message);
        line("wanted", &check.wanted);
    }
    check.got.iter().for_each(|got| line("got", got));
    check.hint.iter().for_each(|hint| line("hint", hint));
    if !check.details.is_empty() {
        // A list: a word may come again, as that of each line that a program said last.
        block += "  details:\n";
        for (word, said) in &check.details {
            let _ = writeln!(block, "    - {word}: {}", serde_json::Value::from(said.as_str()));
        }
    }
    block + "  ...\n"
}
