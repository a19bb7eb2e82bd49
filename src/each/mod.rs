//! `--each`: the same script once for every submission that a pattern matches, several at once, and one table of them all.
//!
//! Each run is a process of its own of this same program: one that hangs, floods or crashes harms no other.

mod child;
mod find;
mod names;
mod table;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::task::JoinSet;

use crate::cli::Cli;
use crate::command::Script;
use crate::event::{Failure, FailureKind, Submission, What};
use crate::lab::{Interrupt, Lab, shown_duration};
use crate::replay::Files;
use crate::results;
use crate::value::escape;
use crate::{platform, replay};

use child::{Ran, Started};

/// The param that each submission's path is given as.
const PARAM: &str = "program";
/// How much of a first failure the table on the screen shows, in characters: more would wrap every row.
const SHOWN_FAILURE: usize = 60;

/// How a run is called that did not come to anything.
const NOT_RUN: &str = "not run";
/// How `listen` says that another program has the port.
const PORT_IN_USE: &str = " is in use";

/// What is to be run, on what, and where the reports go.
#[derive(Clone, Debug)]
pub struct Each {
    /// This program.
    pub exe: PathBuf,
    /// Options that go to each run.
    pub options: Vec<&'static str>,
    /// Which files are submissions, as a shell's pattern.
    pub pattern: String,
    /// The script.
    pub script: String,
    /// `NAME=VALUE` words for it.
    pub words: Vec<String>,
    /// The folder for the table and the reports.
    pub out: PathBuf,
    /// How many run at once; by the cores where nobody said.
    pub at_once: Option<usize>,
    /// How long one may run.
    pub limit: Duration,
    /// What has been started, to be ended.
    pub started: Started,
}

impl Each {
    /// What these options ask for; `exe` is this program.
    pub fn of(cli: &Cli, pattern: &str, exe: PathBuf) -> Result<Each, Failure> {
        let Some((script, words)) = cli.words.split_first() else {
            return Err(Failure::script("`--each` needs a script")
                .hint("`lab2sh --each 'submissions/*/client.py' FILE.lab`"));
        };
        check_words(words)?;
        let options = [(cli.keep_going, "--keep-going"), (cli.allow_spawn, "--allow-spawn")];
        Ok(Each {
            exe,
            options: options
                .into_iter()
                .filter(|(is_given, _)| *is_given)
                .map(|(_, option)| option)
                .collect(),
            pattern: pattern.to_string(),
            script: script.clone(),
            words: words.to_vec(),
            out: cli.out.clone(),
            at_once: cli.at_once,
            limit: cli.time_limit,
            started: Started::default(),
        })
    }
}

impl Each {
    /// How many run at once.
    fn at_once(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.at_once.unwrap_or_else(cores)
    }
}

/// Refuses words that are no params of the script, and the param that is not theirs to give.
fn check_words(words: &[String]) -> Result<(), Failure> {
    if let Some(word) = words.iter().find(|word| !word.contains('=')) {
        let shown = escape(word);
        return Err(Failure::script(format!(
            "`--each` takes one pattern and one script, and `{shown}` is no param"
        ))
        .hint("put the pattern in quotes: without them the shell makes words of it, one for each file"));
    }
    match words.iter().find(|word| word.split_once('=').is_some_and(|(name, _)| name == PARAM)) {
        Some(word) => Err(Failure::script(format!(
            "`{}`: `--each` gives this param, each file in its turn",
            escape(word)
        ))
        .hint("leave it out, or run this one alone: without `--each`")),
        None => Ok(()),
    }
}

/// A submission: its file, what it is called, and its own folder below the one for reports.
struct Entry {
    file: PathBuf,
    name: String,
    folder: PathBuf,
}

/// Runs the script on every submission and gives the exit status: the highest of all.
pub async fn run(lab: &mut Lab, each: Each) -> u8 {
    match prepare(lab, &each) {
        Ok((script, entries)) => {
            let points: Vec<f64> =
                results::plan(&script).phases.iter().filter_map(|phase| phase.points).collect();
            let points = (!points.is_empty()).then(|| points.iter().sum());
            let submissions = run_all(lab, &each, entries, points).await;
            finish(lab, &each, submissions)
        }
        Err(failure) => fail(lab, failure),
    }
}

fn fail(lab: &Lab, failure: Failure) -> u8 {
    let status = failure.kind.status();
    lab.emit(What::Failed(failure));
    status
}

/// Finds the submissions and checks the script once for all, before the first is run.
fn prepare(lab: &Lab, each: &Each) -> Result<(Script, Vec<Entry>), Failure> {
    let entries = entries(each)?;
    let script = replay::load(&each.script, &Files::default())?;
    let mut words = each.words.clone();
    if let Some(first) = entries.first() {
        words.push(format!("{PARAM}={}", first.file.display()));
    }
    replay::given(&script, &words)?;
    replay::check_names(&script, std::iter::empty())?;
    lab.check_allowed(&script)?;
    spare_submissions(&entries)?;
    std::fs::create_dir_all(&each.out).map_err(|error| cannot_write(&each.out, &error))?;
    Ok((script, entries))
}

/// Refuses a folder for the reports where they would lie among the files of a submission.
fn spare_submissions(entries: &[Entry]) -> Result<(), Failure> {
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    let files: Vec<PathBuf> = entries.iter().filter_map(|entry| whole(&entry.file)).collect();
    for entry in entries {
        if let Some(folder) = whole(&entry.folder)
            && files.iter().any(|file| file.starts_with(&folder))
        {
            let shown = entry.folder.to_string_lossy();
            return Err(Failure::script(format!(
                "the reports would be written to `{}`, which holds a submission",
                escape(&shown)
            ))
            .hint("`--out FOLDER` puts them elsewhere"));
        }
    }
    Ok(())
}

fn entries(each: &Each) -> Result<Vec<Entry>, Failure> {
    let shown = escape(&each.pattern).into_owned();
    let found = find::files(&each.pattern).map_err(|error| {
        Failure::script(format!("`{shown}` is not a pattern: {}", error.msg))
            .hint("`*` is any part of a name, `?` one character, `[ab]` one of these, `**` any folders")
    })?;
    if found.files.is_empty() {
        let hint = found.why_none(&each.pattern);
        return Err(Failure::script(format!("no file matches `{shown}`")).hint(hint));
    }
    let files = found.files;
    let names = names::names(&each.pattern, &files);
    let folders = names::folders(&names);
    let made = files.into_iter().zip(names).zip(folders);
    Ok(made.map(|((file, name), folder)| Entry { file, name, folder: each.out.join(folder) }).collect())
}

/// Runs them, so many at a time, in their order.
async fn run_all(lab: &Lab, each: &Each, entries: Vec<Entry>, points: Option<f64>) -> Vec<Submission> {
    let at_once = each.at_once();
    let mut waiting = entries.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut done: Vec<(usize, Submission)> = Vec::new();
    loop {
        while running.len() < at_once && !lab.interrupt.is_raised() {
            let Some((index, entry)) = waiting.next() else { break };
            let (each, interrupt) = (each.clone(), lab.interrupt.clone());
            running.spawn(async move { (index, one(&each, entry, points, &interrupt).await) });
        }
        match running.join_next().await {
            Some(Ok((index, submission))) => {
                lab.emit(What::Submission(Box::new(submission.clone())));
                // Whoever watches sees each as it ends.
                lab.emit(What::Waiting);
                done.push((index, submission));
            }
            // A run that could not be followed is told by the row that it has not.
            Some(Err(_)) => {}
            None => break,
        }
    }
    // After Ctrl-C: those that nobody came to.
    done.extend(waiting.map(|(index, entry)| (index, not_come_to(&entry, points))));
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, submission)| submission).collect()
}

/// The row of a submission before anything is known of it.
fn blank(entry: &Entry, points: Option<f64>) -> Submission {
    Submission {
        name: escape(&entry.name).into_owned(),
        folder: entry.folder.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned()),
        score: points.map(|_| 0.0),
        points,
        ..Submission::default()
    }
}

/// The row of a submission that was not run, because a person interrupted the rest.
fn not_come_to(entry: &Entry, points: Option<f64>) -> Submission {
    let status = FailureKind::Interrupted.status();
    Submission { score: None, outcome: NOT_RUN, status, ..blank(entry, points) }
}

/// One submission, from its start to its row.
async fn one(each: &Each, entry: Entry, points: Option<f64>, interrupt: &Interrupt) -> Submission {
    let ran = match command(each, &entry) {
        Ok(command) => child::run(command, each.limit, interrupt, &each.started)
            .await
            .map_err(|error| platform::reason(&error)),
        Err(why) => Err(why),
    };
    let blank = blank(&entry, points);
    match ran {
        Ok(ran) => {
            let saved = platform::write_whole(&entry.folder.join("screen.txt"), &ran.screen());
            let why = saved
                .err()
                .map(|error| format!("its screen cannot be written: {}", platform::reason(&error)));
            row(blank, &ran, table::read(&entry.folder.join("results.json")), each.limit, why)
        }
        Err(why) => Submission {
            outcome: "error",
            status: FailureKind::Network.status(),
            first_failure: Some(why),
            score: None,
            ..blank
        },
    }
}

/// The run of one submission as a command.
fn command(each: &Each, entry: &Entry) -> Result<Command, String> {
    let file = std::path::absolute(&entry.file).map_err(|error| platform::reason(&error))?;
    let Some(file) = file.to_str() else { return Err("the path is not UTF-8 text".to_string()) };
    std::fs::create_dir_all(&entry.folder).map_err(|error| platform::reason(&error))?;
    let mut command = Command::new(&each.exe);
    command.args(["--brief", "--color", "never"]).args(&each.options);
    for (format, name) in [("json", "results.json"), ("html", "results.html")] {
        let report = entry.folder.join(name);
        // What an earlier run left is none of this one's.
        let _ = std::fs::remove_file(&report);
        let mut option = OsString::from(format!("{format}="));
        option.push(&report);
        command.arg("--report").arg(option);
    }
    command.arg("--").arg(&each.script).args(&each.words).arg(format!("{PARAM}={file}"));
    Ok(command)
}

/// A submission's row, from how its process ended and from the report that it wrote.
fn row(
    blank: Submission,
    ran: &Ran,
    report: Option<Submission>,
    limit: Duration,
    why: Option<String>,
) -> Submission {
    let has_report = report.is_some();
    let report = report.unwrap_or_default();
    let mut row = Submission { name: blank.name, folder: blank.folder, took: ran.took, ..report };
    row.points = row.points.or(blank.points);
    row.score = row.score.or(blank.score);
    (row.outcome, row.status) = match (ran.ending, ran.status) {
        (child::Ending::TimeUp, _) => {
            let limit = shown_duration(limit);
            row.first_failure =
                Some(format!("it was still running after {limit} (`--time-limit`) and was ended"));
            // Of what it was about to do nothing is known.
            ("timed out", FailureKind::Check.status())
        }
        (child::Ending::Interrupted, _) => ("interrupted", FailureKind::Interrupted.status()),
        (child::Ending::Own, Some(0)) => ("passed", 0),
        (child::Ending::Own, Some(1)) => ("failed", 1),
        (child::Ending::Own, Some(2)) => (NOT_RUN, 2),
        (child::Ending::Own, Some(130)) => ("interrupted", 130),
        (child::Ending::Own, _) => ("error", FailureKind::Network.status()),
    };
    if ran.ending == child::Ending::Own && !has_report {
        (row.outcome, row.status) = ("error", row.status.max(FailureKind::Network.status()));
        row.first_failure = Some(match ran.status {
            Some(_) => "it ended without a report; its screen says more".to_string(),
            None => {
                "the grading run itself was killed: a submission can do that, and so can a lack of memory"
                    .to_string()
            }
        });
    }
    if let Some(why) = why {
        row.status = row.status.max(FailureKind::Network.status());
        row.first_failure.get_or_insert(why);
    }
    if !is_graded(&row) {
        // 0 would be a grade.
        row.score = None;
    }
    row
}

/// Whether a row says something of the submission, and not of the grading alone.
fn is_graded(row: &Submission) -> bool {
    matches!(row.outcome, "passed" | "failed" | "timed out")
}

/// What a person has to know beside the table: that it is not of all, and what would mend that.
fn warn(lab: &Lab, each: &Each, submissions: &[Submission]) {
    let (graded, all) = (submissions.iter().filter(|it| is_graded(it)).count(), submissions.len());
    let at_one_port = |it: &&Submission| {
        it.outcome == "error" && it.first_failure.as_deref().is_some_and(|why| why.contains(PORT_IN_USE))
    };
    let hint = match submissions.iter().find(at_one_port) {
        Some(_) if each.at_once() > 1 => {
            Some("they took each other's port: `--at-once 1` grades one after the other")
        }
        _ => None,
    };
    if graded < all {
        let message = format!("{graded} of {all} graded; the others have no score");
        lab.emit(What::Warning { socket: None, message, hint: hint.map(str::to_string) });
    }
}

/// The table, on the screen and as files, and the exit status.
fn finish(lab: &Lab, each: &Each, submissions: Vec<Submission>) -> u8 {
    let mut status = submissions.iter().map(|it| it.status).max().unwrap_or(0);
    if lab.interrupt.is_raised() {
        status = FailureKind::Interrupted.status();
    }
    lab.emit(What::Table {
        kind: "submissions",
        titles: vec!["submission", "points", "passed", "failed", "result", "first failure"],
        rows: submissions.iter().map(cells).collect(),
        empty: "no submission was run",
    });
    warn(lab, each, &submissions);
    let files =
        [("results.csv", table::csv(&submissions)), ("index.html", table::html(&submissions, &each.script))];
    for (name, text) in files {
        let path = each.out.join(name);
        if let Err(error) = platform::write_whole(&path, text.as_bytes()) {
            status = status.max(fail(lab, cannot_write(&path, &error)));
        }
    }
    status
}

fn cells(it: &Submission) -> Vec<String> {
    let points = it.score.zip(it.points).map_or(String::new(), |(score, of)| format!("{score} of {of}"));
    let failure = it.first_failure.as_deref().unwrap_or_default();
    let shown: String = failure.chars().take(SHOWN_FAILURE).collect();
    let mark = if shown.len() < failure.len() { "..." } else { "" };
    vec![
        it.shown_name(),
        points,
        it.passed.to_string(),
        it.failed.to_string(),
        it.outcome.to_string(),
        format!("{shown}{mark}"),
    ]
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    let shown = path.to_string_lossy();
    Failure::network(format!("cannot write `{}`: {}", escape(&shown), platform::reason(error)))
        .hint("`--out FOLDER` puts the reports elsewhere")
}
