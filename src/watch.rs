//! `--watch`: runs the script again when it, a script that it includes, or a file that a param names has changed.
//!
//! Files are looked at in turn rather than reported by the kernel: a dozen files cost nothing, and it works where no kernel tells
//! of a change: on a network drive, in a shared folder of a virtual machine, behind an editor that puts a new file in the old one's place.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::process::{Child, Command};

use crate::cli::Cli;
use crate::command::{Parsed, Script};
use crate::event::{Failure, FailureKind, What};
use crate::lab::Lab;
use crate::language::script::params;
use crate::platform::{self, process};
use crate::replay;
use crate::value::{Value, escape};

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

/// The files as they stand.
fn look(files: &BTreeSet<PathBuf>) -> Vec<State> {
    files.iter().map(|file| std::fs::metadata(file).ok().map(|it| (it.modified().ok(), it.len()))).collect()
}

/// Runs the script, again after each change, until Ctrl-C; gives the exit status of the last run.
pub async fn run(lab: &Lab, watch: Watch) -> u8 {
    let mut files = BTreeSet::new();
    for number in 1.. {
        watched(&watch, &mut files);
        let before = look(&files);
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
                lab.emit(What::Watching { run: number, status, files: files.len() });
                lab.emit(What::Waiting);
                tokio::select! {
                    biased;
                    () = lab.interrupt.raised() => return status,
                    changed = change(&files, &before) => changed,
                }
            }
        };
        lab.emit(What::Changed { file: changed, run: number + 1 });
    }
    0
}

fn fail(lab: &Lab, error: &std::io::Error) -> u8 {
    let failure = Failure::network(format!("cannot start the run: {}", platform::reason(error)));
    let status = failure.kind.status();
    lab.emit(What::Failed(failure));
    status
}

/// Waits until a file differs and nothing differs further, and gives the first that does, fit for a screen.
async fn change(files: &BTreeSet<PathBuf>, before: &[State]) -> String {
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
            return escape(&file.to_string_lossy()).into_owned();
        }
    }
}

/// Adds what is to be watched now. A script that cannot be read has what it had before: its next change may mend it.
fn watched(watch: &Watch, files: &mut BTreeSet<PathBuf>) {
    let given =
        watch.words.iter().filter_map(|word| word.split_once('=')).map(|(_, value)| value.to_string());
    let mut named: Vec<String> = given.collect();
    match replay::load(&watch.script) {
        Ok(script) => {
            files.clear();
            add_scripts(&script, files);
            let defaults = params(&script).into_iter().filter_map(|(_, default)| match default {
                Some(Value::Str(text)) => Some(text.to_string()),
                _ => None,
            });
            named.extend(defaults);
        }
        // The mistake may stand in a script that this one includes.
        Err(failure) => {
            files.extend(failure.place.and_then(|place| place.file).map(|file| PathBuf::from(&*file)))
        }
    }
    files.insert(PathBuf::from(&watch.script));
    files.extend(named.iter().map(PathBuf::from).filter(|file| Path::is_file(file)));
}

/// The scripts that a script includes or serves with.
fn add_scripts(script: &Script, files: &mut BTreeSet<PathBuf>) {
    script.each_call(&mut |call| {
        for arg in &call.args {
            if let Parsed::Script(inner) | Parsed::Serving { script: inner, .. } = arg {
                let file = PathBuf::from(&*inner.file);
                // The seat script that is built in is no file.
                if file.is_file() {
                    files.insert(file);
                }
            }
        }
    });
}
