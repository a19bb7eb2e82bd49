//! The program's options.

use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::language::duration;
use crate::language::line::Line;

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

    /// Step mode: comments are told, each step stands in the editor until Enter runs it
    #[arg(long, conflicts_with_all = ["json", "quiet", "check"])]
    pub step: bool,

    /// Step mode that runs by itself, each step after this time: `--pace 1.5s`
    #[arg(long, value_name = "TIME", value_parser = pace, conflicts_with_all = ["step", "check"])]
    pub pace: Option<Duration>,

    /// Run on after a failed step
    #[arg(long)]
    pub keep_going: bool,

    /// When to use colours; NO_COLOR is obeyed
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

fn pace(text: &str) -> Result<Duration, String> {
    let mut line = Line::new(text);
    match duration(&mut line) {
        Ok(Some(pace)) if line.is_done() => Ok(pace),
        _ => Err("a time has a unit: 500ms, 1.5s".to_string()),
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
