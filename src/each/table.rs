//! The table of all submissions as CSV and as a page, and a submission's row from the report that its run wrote.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value as Json;

use crate::event::Submission;
use crate::results::HTML_HEAD;
use crate::value::{escape, escape_markup, spreadsheet_cell};

/// The columns of the CSV file.
const COLUMNS: [&str; 10] = [
    "submission",
    "score",
    "points",
    "passed",
    "failed",
    "not_run",
    "result",
    "status",
    "seconds",
    "first_failure",
];

/// What a run's report says; `None` where there is none.
pub fn read(file: &Path) -> Option<Submission> {
    let report: Json = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let count =
        |field: &str| report[field].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    Some(Submission {
        score: report["score"].as_f64(),
        points: report["points"].as_f64(),
        passed: count("passed"),
        failed: count("failed"),
        not_run: count("not_run"),
        first_failure: report["first_failure"].as_str().map(str::to_string),
        ..Submission::default()
    })
}

/// The table as CSV.
pub fn csv(submissions: &[Submission]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(COLUMNS);
    let number = |number: Option<f64>| number.map_or(String::new(), |number| number.to_string());
    for it in submissions {
        let _ = writer.write_record([
            spreadsheet_cell(&it.name),
            number(it.score),
            number(it.points),
            it.passed.to_string(),
            it.failed.to_string(),
            it.not_run.to_string(),
            it.outcome.to_string(),
            it.status.to_string(),
            format!("{:.2}", it.took.as_secs_f64()),
            spreadsheet_cell(it.first_failure.as_deref().unwrap_or_default()),
        ]);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// The table as a page, with a link to each submission's own reports.
pub fn html(submissions: &[Submission], script: &str) -> String {
    let title = escape_markup(&escape(script));
    let mut page = format!(
        "{HTML_HEAD}<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n<table>\n<tr><th>submission</th><th>points</th>\
         <th>passed</th><th>failed</th><th>result</th><th>first failure</th><th>screen</th></tr>\n"
    );
    for it in submissions {
        let points = it.score.zip(it.points).map_or(String::new(), |(score, of)| format!("{score} of {of}"));
        // The folder's name is one of ours: letters, digits and `-_.`, nothing that HTML gives a meaning.
        let _ = writeln!(
            page,
            "<tr><td><a href=\"{folder}/results.html\">{}</a></td><td>{points}</td><td>{}</td><td>{}</td>\
             <td class=\"{}\">{}</td><td>{}</td><td><a href=\"{folder}/screen.txt\">screen</a></td></tr>",
            escape_markup(&it.name),
            it.passed,
            it.failed,
            if it.status == 0 { "passed" } else { "failed" },
            it.outcome,
            escape_markup(it.first_failure.as_deref().unwrap_or_default()),
            folder = it.folder
        );
    }
    page + "</table>\n</body>\n</html>\n"
}
