//! What a lab has to do with the programs that it started: who may start them, which one is meant, their end.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Binding, Lab, not_a_program};
use crate::command::{Call, Script};
use crate::event::{Did, Failure, Name, What, Why};
use crate::language::expr::Template;
use crate::program::{Program, Start};
use crate::value::Value;

/// Asks a person whether programs may be started, and says what they answered.
pub type Asker = Arc<dyn Fn() -> oneshot::Receiver<bool> + Send + Sync>;

/// Whether programs may be started.
#[derive(Clone, Default)]
pub enum Permission {
    /// Nobody said so: scripts are handed around.
    #[default]
    Refused,
    /// A person is there to be asked once.
    Ask(Asker),
    /// `--allow-spawn`, or the answer was yes.
    Given,
}

/// A str as it is, anything else as Python shows it.
fn word_of(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        other => other.repr(),
    }
}

/// Programs are not to be started unless a person said so.
fn not_allowed() -> Failure {
    Failure::script("this would start a program, and `--allow-spawn` was not given")
        .hint("a script from someone else could start anything: read it, then run `lab2sh --allow-spawn ...`")
}

impl Lab {
    /// A word of a program's line with every `$name` filled in; the name of a list alone is a word for each of its items.
    pub fn fill_words(&self, word: &Template) -> Result<Vec<String>, Failure> {
        let list = word.alone().map(|reference| self.lookup(reference)).transpose().map_err(Failure::from)?;
        match list {
            Some(Value::List(items)) => Ok(items.iter().map(word_of).collect()),
            _ => Ok(vec![self.fill(word)?]),
        }
    }

    /// Refuses a script that would start a program, before anything of it runs.
    pub fn check_allowed(&self, script: &Script) -> Result<(), Failure> {
        let mut refused = None;
        script.each_call(&mut |call| {
            if refused.is_none() {
                refused = self.check_call_allowed(call).err();
            }
        });
        refused.map_or(Ok(()), Err)
    }

    /// Refuses a step that would start a program, or that holds one which would.
    pub fn check_call_allowed(&self, call: &Call) -> Result<(), Failure> {
        let mut refused = None;
        call.each_call(&mut |step| {
            if refused.is_none() && step.starts_program() && !matches!(self.permission, Permission::Given) {
                refused = Some(step.locate(not_allowed()));
            }
            for script in step.run_scripts() {
                refused = refused.take().or_else(|| self.check_allowed(script).err());
            }
        });
        refused.map_or(Ok(()), Err)
    }

    /// Whether a program may be started now; at the prompt, a person is asked once.
    async fn may_start(&mut self) -> Result<(), Failure> {
        match self.permission.clone() {
            Permission::Given => Ok(()),
            Permission::Refused => Err(not_allowed()),
            Permission::Ask(asker) => {
                // What was said so far stands above the question.
                self.emit(What::Waiting);
                if asker().await.unwrap_or(false) {
                    self.permission = Permission::Given;
                    return Ok(());
                }
                Err(Failure::script("no program was started: the answer was not yes")
                    .hint("the next `spawn` asks again; `lab2sh --allow-spawn` asks no more"))
            }
        }
    }

    /// Starts a program and keeps it under `name`, or the next free `p1`, `p2`, ...
    pub async fn start_program(&mut self, name: Option<&str>, words: Vec<String>) -> Result<(), Failure> {
        self.may_start().await?;
        let name = self.new_name(name, 'p');
        let start = Start {
            name: name.clone(),
            words: words.clone(),
            time: self.settings.program_time,
            sink: self.sink(),
            since: self.started,
        };
        let program = Program::start(start, &self.programs)?;
        // Its output is read on this thread from now on: no step may hold it.
        self.eager = false;
        let pid = program.pid;
        self.names.insert(name.clone(), Binding::Program(Box::new(program)));
        self.emit(What::Program { program: name, did: Did::Start { pid, words } });
        Ok(())
    }

    /// The program of that name.
    pub fn program(&mut self, name: &str) -> Result<&mut Program, Failure> {
        match self.names.get_mut(name) {
            Some(Binding::Program(program)) => Ok(program),
            _ => Err(not_a_program(name)),
        }
    }

    /// The name of the program that a step means: `@NAME`, else the current one, else the newest.
    pub fn program_name(&self, call: &Call) -> Result<Name, Failure> {
        if let Some((name, at)) = &call.target {
            return self.known_socket(name, *at);
        }
        let is_program = |name: &&str| matches!(self.names.get(*name), Some(Binding::Program(_)));
        let current = self.current.as_deref().filter(is_program);
        let newest = || self.names.keys().rev().map(Name::as_str).find(is_program);
        current.or_else(newest).map(Name::from).ok_or_else(|| {
            Failure::script(format!("`{}` needs a program, and none was started", call.spec.name))
                .hint("`spawn PROGRAM ARGS... as NAME` starts one")
        })
    }

    /// Every program that was started here and not closed, by name.
    pub fn each_program(&self) -> impl Iterator<Item = (&str, &Program)> {
        self.names().filter_map(|(name, binding)| match binding {
            Binding::Program(program) => Some((name, &**program)),
            _ => None,
        })
    }

    /// Whether a program is judged whose end leaves nobody who could do what this step waits for: in a phase without points, and
    /// beside runs, anybody may come.
    fn waits_for_programs(&self) -> bool {
        let runs = |(_, it): (_, &Binding)| matches!(it, Binding::Load(runs) if !runs.load.is_done());
        // Most steps are in no such phase, and a script may have ten thousand names.
        self.phase.has_points && self.each_program().next().is_some() && !self.names().any(runs)
    }

    /// Whether all programs that are judged have ended, so that nobody is left to wait for.
    pub fn is_nobody_left(&self) -> bool {
        self.waits_for_programs() && self.each_program().all(|(_, program)| program.ended().is_some())
    }

    /// Waits until nobody is left; for ever where others may come.
    pub fn nobody_left(&self) -> impl Future<Output = ()> + Send + use<> {
        let ends: Option<Vec<_>> = self
            .waits_for_programs()
            .then(|| self.each_program().map(|(_, program)| program.wait()).collect());
        async move {
            match ends {
                None => std::future::pending().await,
                Some(ends) => {
                    for end in ends {
                        end.await;
                    }
                }
            }
        }
    }

    /// Ends every program with the session.
    pub async fn end_programs(&self) {
        self.end_each_program(Why::Session).await;
    }

    /// Ends every program, all at once, and waits until they are gone.
    pub async fn end_each_program(&self, why: Why) {
        self.each_program().for_each(|(_, program)| program.ask_to_end(why));
        for (_, program) in self.each_program() {
            program.wait().await;
        }
    }
}
