//! Many runs of a script as people see them: the bar while they are under way, the table at the end.

use super::{Look, table};
use crate::event::{RunReport, What};
use crate::pattern::count;
use crate::value::escape;

/// How wide the bar is, in columns.
const BAR: usize = 20;
/// How much of a step the table shows, in columns.
const SHOWN_STEP: usize = 32;
/// How many reasons it shows.
const SHOWN_REASONS: usize = 8;

/// The lines that tell an event of runs.
pub fn event(what: &What, look: &Look) -> Option<String> {
    Some(match what {
        What::RunBegan { name, script, times, at_once } => {
            let at_once = if *at_once > 1 { format!(", {at_once} at once") } else { String::new() };
            format!("  {}  {} of {}{at_once}\n", look.bold(name), count(*times, "run"), escape(script))
        }
        What::RunProgress { name, times, ended, failed, rate } => {
            let done = usize::try_from(ended * BAR as u64 / (*times).max(1)).unwrap_or(BAR).min(BAR);
            let bar = format!("[{}{}]", "#".repeat(done), "-".repeat(BAR - done));
            format!("  {}  {bar} {ended} of {times}, {failed} failed, {rate:.0}/s\n", look.bold(name))
        }
        What::RunEnded { name, report } => ended(name, report, look),
        _ => return None,
    })
}

fn ended(name: &str, report: &RunReport, look: &Look) -> String {
    if (report.times, report.ended, report.failed) == (1, 1, 0) {
        let took = super::ms(std::time::Duration::from_secs_f64(report.seconds));
        return super::row(
            &format!("  {}  1 run of {} passed", look.bold(name), escape(&report.script)),
            &took,
            look,
        );
    }
    let rate = report.ended as f64 / report.seconds.max(f64::EPSILON);
    let runs = match report.times {
        times if times == report.ended => count(times, "run"),
        times => format!("{} of {}", report.ended, count(times, "run")),
    };
    if report.ended == 0 {
        return format!("  {}  {runs} ended in {:.2} s\n", look.bold(name), report.seconds);
    }
    let mut text = format!(
        "  {}  {runs} ended, {} failed, in {:.2} s: {rate:.0}/s\n",
        look.bold(name),
        report.failed,
        report.seconds
    );
    let rows: Vec<Vec<String>> = report
        .steps
        .iter()
        .filter(|step| step.count > 0)
        .map(|step| {
            let shown: String = step.text.chars().take(SHOWN_STEP).collect();
            let ms = |ms: f64| format!("{ms:.1} ms");
            vec![
                step.line.to_string(),
                shown,
                step.count.to_string(),
                step.failed.to_string(),
                ms(step.p50_ms),
                ms(step.p90_ms),
                ms(step.p99_ms),
            ]
        })
        .collect();
    let titles = ["line", "step", "count", "failed", "p50", "p90", "p99"];
    text += &table(&titles, &rows, "no step was run", look);
    for reason in report.reasons.iter().take(SHOWN_REASONS) {
        let times = format!("  {}  ", count(reason.count, "time"));
        text += &super::folded(&format!("{times}{}", escape(&reason.told())), times.len(), look);
        text.push('\n');
    }
    if report.reasons.len() > SHOWN_REASONS {
        text += &format!("  ... and {} other reasons\n", report.reasons.len() - SHOWN_REASONS);
    }
    text
}
