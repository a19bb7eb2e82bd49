//! The program's options.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::language::duration;
use crate::language::line::Line;
use crate::results::{STDOUT, Wanted};

/// The most submissions at once: each is two processes or more, and a handful of descriptors.
const AT_ONCE_MAX: usize = 256;

/// A scriptable shell for socket experiments: JSON literals go in, pickles go over the wire, Python values come out.
#[derive(Debug, Parser)]
#[command(
    name = "lab2sh",
    version,
    after_help = "Exit status: 0 every step passed, 1 a check failed, 2 usage or script mistake (nothing was run), \
                  3 network or file error, 130 interrupted."
)]
pub struct Cli {
    /// A .lab script, then NAME=VALUE for its params; `-` reads the script from standard input. Without one: the prompt
    #[arg(value_name = "FILE.lab [NAME=VALUE...]")]
    pub words: Vec<String>,

    /// Run this line; may be given several times
    #[arg(short = 'c', value_name = "LINE", allow_hyphen_values = true)]
    pub lines: Vec<String>,

    /// Stay at the prompt afterwards
    #[arg(short = 'i', long)]
    pub interactive: bool,

    /// Parse only, run nothing
    #[arg(long)]
    pub check: bool,

    /// One JSON object an event on standard output
    #[arg(long)]
    pub json: bool,

    /// Only failures
    #[arg(short = 'q', long, conflicts_with = "json")]
    pub quiet: bool,

    /// A line for each phase that passed, every step of one that failed
    #[arg(long, conflicts_with_all = ["json", "quiet", "step", "pace"])]
    pub brief: bool,

    /// Write a report: junit, tap, json, html, gradescope or markdown; `-` is standard output. May be given several times
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = Wanted::read)]
    pub reports: Vec<Wanted>,

    /// Step mode: comments are told, each step stands in the editor until Enter runs it
    #[arg(long, conflicts_with_all = ["json", "quiet", "check"])]
    pub step: bool,

    /// Step mode that runs by itself, each step after this time: `--pace 1.5s`
    #[arg(long, value_name = "TIME", value_parser = pace, conflicts_with_all = ["step", "check"])]
    pub pace: Option<Duration>,

    /// Keep the tables of load runs (`run FILE times N`) as JSON; `-` is standard output
    #[arg(long, value_name = "FILE.json", conflicts_with = "each")]
    pub save: Option<PathBuf>,

    /// Run on after a failed step
    #[arg(long)]
    pub keep_going: bool,

    /// Let the script start programs (`spawn`); without it, one that would is refused before it runs
    #[arg(long)]
    pub allow_spawn: bool,

    /// Run the script once for each file that this pattern matches, as its param `program`, and make a table of them all
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["reports", "lines", "interactive", "step", "pace", "check", "brief"])]
    pub each: Option<String>,

    /// With --each: how many at once [default: as many as there are cores]
    #[arg(long, value_name = "N", requires = "each", value_parser = at_once)]
    pub at_once: Option<usize>,

    /// With --each: how long one may run
    #[arg(long, value_name = "TIME", requires = "each", value_parser = time_limit, default_value = "60s")]
    pub time_limit: Duration,

    /// With --each: the folder for the table and the reports
    #[arg(long, value_name = "FOLDER", requires = "each", default_value = "reports")]
    pub out: PathBuf,

    /// Run the script again whenever it, what it includes, or a file that a param names has changed
    #[arg(long, conflicts_with_all = ["each", "lines", "interactive", "step", "pace", "check"])]
    pub watch: bool,

    /// When to use colours; NO_COLOR is obeyed
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

impl Cli {
    /// The file for the tables of load runs; none where there is none, or where it is standard output.
    pub fn save_file(&self) -> Option<&Path> {
        self.save.as_deref().filter(|file| STDOUT.iter().all(|name| file.as_os_str() != *name))
    }

    /// How many things are to stand on standard output alone.
    pub fn on_stdout(&self) -> usize {
        let reports = self.reports.iter().filter(|report| report.file.is_none()).count();
        reports + usize::from(self.save.is_some() && self.save_file().is_none())
    }
}

fn at_once(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=AT_ONCE_MAX) => Ok(count),
        _ => Err(format!("a number from 1 to {AT_ONCE_MAX}")),
    }
}

fn pace(text: &str) -> Result<Duration, String> {
    let mut line = Line::new(text);
    match duration(&mut line) {
        Ok(Some(pace)) if line.is_done() => Ok(pace),
        _ => Err("a time has a unit: 500ms, 1.5s".to_string()),
    }
}

fn time_limit(text: &str) -> Result<Duration, String> {
    match pace(text)? {
        Duration::ZERO => Err("nothing ends in no time: 60s".to_string()),
        limit => Ok(limit),
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
