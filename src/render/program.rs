//! A program as people see it: its start, what it says, its end.

use anstyle::AnsiColor;

use super::{Look, ms, row};
use crate::event::{Did, Why};
use crate::pattern::count;
use crate::value::escape;

/// The names of the signals that programs end by, as POSIX numbers them on Linux and macOS alike.
const SIGNALS: [(i32, &str); 11] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (6, "SIGABRT"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
];

/// The lines that tell an event of a program.
pub fn event(program: &str, did: &Did, look: &Look) -> String {
    match did {
        Did::Start { pid, words } => {
            let words = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            row(&format!("  {}  runs {words}", look.bold(program)), &format!("pid {pid}"), look)
        }
        Did::Say { is_error, line, cut } => {
            let sign = if *is_error {
                look.colored(AnsiColor::Red, "!")
            } else {
                look.colored(AnsiColor::Green, "|")
            };
            let cut = if *cut > 0 { format!(" ... ({cut} more bytes were not kept)") } else { String::new() };
            format!("  {} {sign} {}{}", look.bold(program), escape(line), look.dim(&cut))
                .trim_end()
                .to_string()
                + "\n"
        }
        Did::Type { text } => {
            let text = text
                .as_ref()
                .map_or_else(|| look.dim("end of input").into_owned(), |text| escape(text).into_owned());
            format!("  {} {} {text}", look.bold(program), look.colored(AnsiColor::Blue, ">"))
                .trim_end()
                .to_string()
                + "\n"
        }
        Did::Meet { what } => {
            format!("  {} {program} {}\n", look.colored(AnsiColor::Green, "ok"), escape(what))
        }
        Did::End { status, why, forced, left, hidden, took } => {
            let left_over = if left.is_empty() { String::new() } else { format!("  with it ended {left}\n") };
            let hidden = match hidden {
                0 => String::new(),
                n => format!("  {} of it were not shown\n", count(*n, "more line")),
            };
            let text = ending(*status, *why, *forced);
            row(&format!("  {}  {text}", look.bold(program)), &ms(*took), look)
                + &look.dim(&hidden)
                + &look.colored(AnsiColor::Yellow, &left_over)
        }
    }
}

fn ending(status: i32, why: Option<Why>, forced: bool) -> String {
    let forced = if forced { "; SIGTERM did not end it, SIGKILL did" } else { "" };
    match why {
        None if status < 0 => format!("was ended by {}", signal(-status)),
        None => format!("ended: exit {status}"),
        Some(Why::Closed) => format!("was ended by `close`{forced}"),
        Some(Why::Session) => format!("was ended with the session{forced}"),
        Some(why) => format!("was ended: {}{forced}", why.limit().unwrap_or_default()),
    }
}

fn signal(number: i32) -> String {
    match SIGNALS.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => format!("{name} (signal {number})"),
        None => format!("signal {number}"),
    }
}

/// A word as a shell would need it, ready for a screen.
fn quoted(word: &str) -> String {
    // A word with a NUL has no such form, and starts no program either.
    let quoted = shlex::try_quote(word).map_or_else(|_| word.to_string(), |quoted| quoted.into_owned());
    escape(&quoted).into_owned()
}
