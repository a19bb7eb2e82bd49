//! Results of a run as data, from its events: phases with their checks, and what was not come to. A file for each report's format.

mod gradescope;
mod html;
mod json;
mod junit;
mod markdown;
mod phase;
mod plan;
mod tap;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, Failure, Plan, Summary, What};
use crate::value::escape;

pub use html::HEAD as HTML_HEAD;
pub use phase::{Check, Phase, Status};
pub use plan::plan;

/// The names of standard output.
pub const STDOUT: [&str; 2] = ["-", "/dev/stdout"];
/// How many results of a run are kept whole: a loop of checks must not take all memory. Further ones are counted.
const KEPT_MAX: usize = 50_000;

/// A format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JUnit's XML, which CI servers read.
    Junit,
    /// The Test Anything Protocol, version 13.
    Tap,
    /// Our own, with everything.
    Json,
    /// A page for people.
    Html,
    /// Gradescope's `results.json`.
    Gradescope,
    /// A summary for GitHub's job page.
    Markdown,
}

/// The formats by the name that `--report` takes.
pub const FORMATS: [(&str, Format); 6] = [
    ("junit", Format::Junit),
    ("tap", Format::Tap),
    ("json", Format::Json),
    ("html", Format::Html),
    ("gradescope", Format::Gradescope),
    ("markdown", Format::Markdown),
];

/// A report that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its format.
    pub format: Format,
    /// Its file; `None` is standard output.
    pub file: Option<PathBuf>,
}

impl Wanted {
    /// Reads `junit=FILE`; `-` is standard output.
    pub fn read(text: &str) -> Result<Wanted, String> {
        let names = FORMATS.map(|(name, _)| name).join(", ");
        let Some((name, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
            return Err(format!("a report is FORMAT=FILE; the formats are {names}"));
        };
        let Some((_, format)) = FORMATS.iter().find(|(known, _)| *known == name) else {
            return Err(format!("there is no format `{}`; the formats are {names}", escape(name)));
        };
        let is_stdout = STDOUT.contains(&file);
        Ok(Wanted { format: *format, file: (!is_stdout).then(|| PathBuf::from(file)) })
    }
}

/// What a run has shown so far; it hears the run's events.
#[derive(Debug, Default)]
pub struct Results {
    plan: Option<Arc<Plan>>,
    phases: Vec<Phase>,
    kept: usize,
    summary: Option<Summary>,
    /// What went wrong outside every step: nothing was run, most often.
    trouble: Option<Failure>,
    /// Whether the failure that comes next is that of the last result.
    is_told: bool,
    last: Duration,
}

/// The results of a run that has ended: all that a report is made from. Every text in it is fit for a screen.
#[derive(Debug)]
pub struct Report {
    /// The script, as the user named it.
    pub script: String,
    /// The program's exit status.
    pub status: u8,
    /// From the first step to the last.
    pub took: Duration,
    /// The phases, in order, also those that were not run.
    pub phases: Vec<Phase>,
    /// What went wrong outside every step, and the way out of it.
    pub trouble: Option<(String, Option<String>)>,
}

impl Results {
    /// Hears what happened.
    pub fn hear(&mut self, event: &Event) {
        match &event.what {
            What::Waiting => return,
            What::Planned(plan) => {
                self.plan = Some(plan.clone());
                self.phase(event.at);
            }
            What::Phase(title) => {
                if let Some(phase) = self.phases.last_mut() {
                    phase.end(event.at);
                }
                self.phases.push(Phase::begin(title, event.at));
            }
            What::Points(points) => self.phase(event.at).points = Some(*points),
            What::Result(result) => {
                let is_kept = self.kept < KEPT_MAX;
                self.kept += usize::from(is_kept);
                self.phase(event.at).add(result, is_kept);
                self.is_told = result.failure.is_some();
            }
            What::Failed(failure) => {
                let is_told = std::mem::take(&mut self.is_told);
                self.trouble = self.trouble.take().or_else(|| (!is_told).then(|| failure.clone()));
            }
            What::NotRun(why) => self.phase(event.at).give_up(why),
            What::Summary(summary) => self.summary = Some(summary.clone()),
            _ => {}
        }
        self.last = self.last.max(event.at);
    }

    /// The phase under way; what stands before the first title is one too.
    fn phase(&mut self, at: Duration) -> &mut Phase {
        if self.phases.is_empty() {
            self.phases.push(Phase::begin("", at));
        }
        let last = self.phases.len() - 1;
        &mut self.phases[last]
    }

    /// The report of the run, which has ended with this exit status; `script` is its name where none was begun.
    pub fn report(mut self, script: &str, status: u8) -> Report {
        if let Some(phase) = self.phases.last_mut() {
            phase.end(self.last);
        }
        let broke_off = self.summary.is_none() && self.plan.is_some();
        let plan = self.plan.take().unwrap_or_default();
        let script = if plan.file.is_empty() { script } else { &plan.file };
        let mut ahead = plan.phases.as_slice();
        let count = self.phases.len();
        for (index, phase) in self.phases.iter_mut().enumerate() {
            // A phase in a loop comes again, and stands in the plan once; one in a loop of 0 turns never comes.
            if let Some(at) = ahead.iter().position(|planned| phase.is(planned)) {
                phase.complete(&ahead[at], broke_off && index + 1 == count);
                ahead = &ahead[at + 1..];
            }
        }
        self.phases.extend(ahead.iter().map(Phase::not_run));
        self.phases.retain(|phase| !phase.is_empty());
        self.phases.iter_mut().for_each(Phase::judge);
        for (index, phase) in self.phases.iter_mut().enumerate() {
            phase.number = index + 1;
        }
        let trouble = self.trouble.as_ref().map(|failure| {
            (phase::text(&phase::with_place(failure)), failure.hint.as_deref().map(phase::text))
        });
        let took = self.summary.as_ref().map_or(self.last, |summary| summary.took);
        Report { script: phase::text(script), status, took, phases: self.phases, trouble }
    }
}

impl Report {
    /// The points that were reached and those that could be; `None` where no phase has points.
    pub fn points(&self) -> Option<(f64, f64)> {
        sum(self.phases.iter())
    }

    /// How many checks passed, failed, and were not run.
    pub fn counts(&self) -> (usize, usize, usize) {
        self.phases.iter().fold((0, 0, 0), |(passed, failed, not_run), phase| {
            (passed + phase.passed, failed + phase.failed, not_run + phase.not_run)
        })
    }

    /// The first thing that went wrong, in one line.
    pub fn first_failure(&self) -> Option<String> {
        let mut checks = self.phases.iter().flat_map(|phase| &phase.checks);
        let failed = checks.find(|check| !matches!(check.status, Status::Passed | Status::NotRun));
        let of_check = failed.and_then(|check| check.message.clone());
        of_check.or_else(|| self.trouble.as_ref().map(|(message, _)| message.clone()))
    }

    /// Writes a report, whole or not at all; one for standard output is given back.
    pub fn save(&self, wanted: &Wanted) -> Result<Option<String>, Failure> {
        let text = self.write(wanted.format);
        let Some(file) = &wanted.file else { return Ok(Some(text)) };
        crate::platform::write_whole(file, text.as_bytes()).map(|()| None).map_err(|error| {
            let shown = file.to_string_lossy();
            let message =
                format!("cannot write the report `{}`: {}", escape(&shown), crate::platform::reason(&error));
            Failure::network(message).hint(match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "the name starts from the folder you are in, which has to be there"
                }
                _ => "a report goes to a file that may be written, or to a pipe that somebody reads",
            })
        })
    }

    /// The whole report as a file of this format.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Junit => junit::write(self),
            Format::Tap => tap::write(self),
            Format::Json => json::write(self),
            Format::Html => html::write(self),
            Format::Gradescope => gradescope::write(self),
            Format::Markdown => markdown::write(self),
        }
    }
}

/// The points reached and possible in these phases; `None` where none has points.
pub fn sum<'a>(phases: impl Iterator<Item = &'a Phase>) -> Option<(f64, f64)> {
    phases
        .filter_map(|phase| Some((phase.score()?, phase.points?)))
        .reduce(|so_far, next| (tidy(so_far.0 + next.0), tidy(so_far.1 + next.1)))
}

/// A sum without the dust of binary fractions: 0.1 and 0.2 are 0.3.
fn tidy(points: f64) -> f64 {
    (points * 1e6).round() / 1e6
}
