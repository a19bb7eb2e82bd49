//! `--watch`: runs the script again when it, a script that it includes, or a file that a param names has changed.
//!
//! Files are looked at in turn rather than reported by the kernel: a dozen files cost nothing, and it works where no kernel tells
//! of a change: on a network drive, in a shared folder of a virtual machine, behind an editor that puts a new file in the old one's place.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::process::{Child, Command};

use crate::cli::Cli;
use crate::event::{Failure, FailureKind, Name, What};
use crate::lab::Lab;
use crate::platform::{self, process};
use crate::replay::{self, Files};
use crate::value::escape;

/// How often the files are looked at: soon enough for a person who has just saved.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long nothing may change before it is run: editors and formatters write more than once.
const SETTLED: Duration = Duration::from_millis(150);
/// How long a run that Ctrl-C reached as well has to end by itself.
const OWN_END: Duration = Duration::from_millis(300);
/// How long a run that was asked to end may take to end its programs and to write its reports.
const GRACE: Duration = Duration::from_secs(3);

/// What is run, and what is watched beside the script.
pub struct Watch {
    /// This program.
    pub exe: PathBuf,
    /// Its arguments, without `--watch`.
    pub args: Vec<OsString>,
    /// The script.
    pub script: String,
    /// `NAME=VALUE` words.
    pub words: Vec<String>,
}

impl Watch {
    /// What these options ask for; `exe` is this program, and `args` its arguments.
    pub fn of(cli: &Cli, exe: PathBuf, args: impl Iterator<Item = OsString>) -> Result<Watch, Failure> {
        let Some((script, words)) = cli.words.split_first().filter(|(script, _)| *script != "-") else {
            return Err(Failure::script("`--watch` needs a script's file").hint("`lab2sh --watch FILE.lab`"));
        };
        let args = args.filter(|arg| arg != "--watch").collect();
        Ok(Watch { exe, args, script: script.clone(), words: words.to_vec() })
    }
}

/// A run under way. Whoever lets go of it asks it to end.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        self.ask_to_end();
    }
}

impl Run {
    fn ask_to_end(&self) {
        if let Some(pid) = self.0.id() {
            process::ask_to_end(pid);
        }
    }

    /// Waits for its end and gives its exit status.
    async fn ends(&mut self) -> u8 {
        match self.0.wait().await {
            // One that a signal ended: 128 and the signal's number, as a shell has it.
            Ok(status) => u8::try_from(match process::status_number(status) {
                signal @ ..0 => 128 - signal,
                code => code,
            })
            .unwrap_or(u8::MAX),
            Err(_) => FailureKind::Network.status(),
        }
    }

    /// Has it end, in good order if it can.
    async fn end(&mut self) -> u8 {
        self.ask_to_end();
        match tokio::time::timeout(GRACE, self.ends()).await {
            Ok(status) => status,
            Err(_) => {
                let _ = self.0.start_kill();
                self.ends().await
            }
        }
    }
}

/// When a file was last changed, and how long it is; `None` where there is none.
type State = Option<(Option<SystemTime>, u64)>;

/// The files as they stand. A folder is none: reports that are written to it would be a change.
fn look(files: &BTreeSet<PathBuf>) -> Vec<State> {
    let state = |file: &PathBuf| {
        let data = std::fs::metadata(file).ok().filter(|data| !data.is_dir())?;
        Some((data.modified().ok(), data.len()))
    };
    files.iter().map(state).collect()
}

/// Runs the script, again after each change, until Ctrl-C; gives the exit status of the last run.
pub async fn run(lab: &Lab, watch: Watch) -> u8 {
    let mut files = BTreeSet::new();
    // Those that are or were there: most texts of params name no file.
    let mut known = BTreeSet::new();
    for number in 1.. {
        watched(&watch, &mut files);
        let before = look(&files);
        let there = files.iter().zip(&before).filter(|(_, state)| state.is_some());
        known.extend(there.map(|(file, _)| file.clone()));
        // What was said so far stands above what the run says.
        lab.emit(What::Waiting);
        let mut command = Command::new(&watch.exe);
        let mut run = match command.args(&watch.args).spawn() {
            Ok(child) => Run(child),
            Err(error) => return fail(lab, &error),
        };
        let (status, changed) = tokio::select! {
            biased;
            () = lab.interrupt.raised() => {
                // Ctrl-C on a terminal has reached it as well; a second one would be an order to drop everything.
                if tokio::time::timeout(OWN_END, run.ends()).await.is_err() {
                    run.end().await;
                }
                return FailureKind::Interrupted.status();
            }
            status = run.ends() => (status, None),
            changed = change(&files, &before) => (run.end().await, Some(changed)),
        };
        let changed = match changed {
            Some(changed) => changed,
            None => {
                lab.emit(What::Watching { run: number, status, files: files.intersection(&known).count() });
                lab.emit(What::Waiting);
                tokio::select! {
                    biased;
                    () = lab.interrupt.raised() => return status,
                    changed = change(&files, &before) => changed,
                }
            }
        };
        let is_gone = !changed.is_file();
        let file = escape(&changed.to_string_lossy()).into_owned();
        lab.emit(What::Changed { file, is_gone, run: number + 1 });
    }
    0
}

fn fail(lab: &Lab, error: &std::io::Error) -> u8 {
    let failure = Failure::network(format!("cannot start the run: {}", platform::reason(error)));
    let status = failure.kind.status();
    lab.emit(What::Failed(failure));
    status
}

/// Waits until a file differs and nothing differs further, and gives the first that does.
async fn change(files: &BTreeSet<PathBuf>, before: &[State]) -> PathBuf {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let mut now = look(files);
        if now == before {
            continue;
        }
        loop {
            tokio::time::sleep(SETTLED).await;
            let again = look(files);
            if again == now {
                break;
            }
            now = again;
        }
        let changed = files.iter().zip(now.iter().zip(before)).find(|(_, (now, before))| now != before);
        if let Some((file, _)) = changed {
            return file.clone();
        }
    }
}

/// Adds what is to be watched now. A script that cannot be read has what it had before: its next change may mend it.
fn watched(watch: &Watch, files: &mut BTreeSet<PathBuf>) {
    let given: Vec<(Name, String)> = watch
        .words
        .iter()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.into(), value.to_string()))
        .collect();
    let opened = Files::default();
    let named = match replay::load(&watch.script, &opened) {
        Ok(script) => {
            files.clear();
            replay::texts(&script, &given)
        }
        // The mistake may stand in a script that this one includes.
        Err(_) => given,
    };
    files.extend(opened.opened());
    files.insert(PathBuf::from(&watch.script));
    // Also one that is not there: it may come, or come back.
    files.extend(named.iter().map(|(_, text)| PathBuf::from(text)));
}
