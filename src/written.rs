//! The files that a run writes at its end: each is for one thing, and none of them is a file that the run reads.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cli::Cli;
use crate::command::{Call, Parsed, Script};
use crate::event::{Failure, Name};
use crate::platform::replaced;
use crate::replay;
use crate::results::FORMATS;
use crate::value::escape;

/// The files that a run reads, each with what it is for a person.
#[derive(Debug, Default)]
pub struct Sources(Mutex<Vec<(PathBuf, String)>>);

impl Sources {
    fn lock(&self) -> MutexGuard<'_, Vec<(PathBuf, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, file: &Path, what: impl FnOnce() -> String) {
        if file.is_file()
            && let Some(file) = replaced(file)
        {
            self.lock().push((file, what()));
        }
    }

    /// A script is read.
    pub fn add_script(&self, file: &Path) {
        self.add(file, || format!("the script `{}`", escape(&file.to_string_lossy())));
    }

    /// A step includes scripts, serves with them or runs them; what these include is not seen.
    pub fn add_step(&self, step: &Call) {
        step.each_call(&mut |call| {
            for arg in &call.args {
                if let Parsed::Script(script) | Parsed::Serving { script, .. } | Parsed::Run { script, .. } =
                    arg
                {
                    self.add_script(Path::new(&*script.file));
                }
            }
        });
    }

    /// The params of a script name files, perhaps.
    pub fn add_params(&self, script: &Script, given: &[(Name, String)]) {
        for (name, text) in replay::texts(script, given) {
            let shown = escape(&text).into_owned();
            self.add(Path::new(&text), || format!("`{shown}`, which the param `{name}` names"));
        }
    }

    /// What a file is that would be written over.
    fn holds(&self, file: &Path) -> Option<String> {
        let file = replaced(file)?;
        self.lock().iter().find(|(read, _)| *read == file).map(|(_, what)| what.clone())
    }

    /// Whether nothing that was read is lost where this file is written.
    pub fn spare(&self, file: &Path) -> bool {
        self.holds(file).is_none()
    }

    /// Refuses options that would write over a file that is read.
    pub fn check(&self, cli: &Cli) -> Result<(), Failure> {
        for (option, file) in written(cli) {
            if let Some(what) = self.holds(file) {
                return Err(Failure::script(format!("`{option}` would write over {what}"))
                    .hint("take a name that no other file has"));
            }
        }
        Ok(())
    }
}

/// Refuses options that would write two things to one place.
pub fn check(cli: &Cli) -> Result<(), Failure> {
    if cli.on_stdout() > 1 || (cli.on_stdout() == 1 && cli.json) {
        return Err(Failure::script("standard output is for one report, for `--save` or for `--json`")
            .hint("give the others files: `--report json=results.json`"));
    }
    let mut taken: Vec<(String, PathBuf)> = Vec::new();
    for (option, file) in written(cli) {
        let Some(file) = replaced(file) else { continue };
        if let Some((other, _)) = taken.iter().find(|(_, it)| *it == file) {
            return Err(Failure::script(format!("`{other}` and `{option}` would write to the same file"))
                .hint("each needs a file of its own"));
        }
        taken.push((option, file));
    }
    Ok(())
}

/// The options that name a file to be written, as they were given, each with that file.
fn written(cli: &Cli) -> Vec<(String, &Path)> {
    let shown = |file: &Path| escape(&file.to_string_lossy()).into_owned();
    let report = |report: &'_ crate::results::Wanted| {
        FORMATS.iter().find(|(_, format)| *format == report.format).map_or("", |(name, _)| name)
    };
    let reports = cli.reports.iter().filter_map(|it| {
        let file = it.file.as_deref()?;
        Some((format!("--report {}={}", report(it), shown(file)), file))
    });
    let save = cli.save_file().map(|file| (format!("--save {}", shown(file)), file));
    reports.chain(save).collect()
}
