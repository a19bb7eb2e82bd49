//! Running a script in the background, once or many times, and waiting for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::command::{Arg, Call, Group, Item, Names, Parsed, Spec};
use crate::event::{Event, Failure, Name, RunReport, Sink, What};
use crate::lab::{Lab, Limit, LoadHandle, Permission, Settings};
use crate::language::expr::{Expr, Template};
use crate::language::other::{AT_ONCE_MAX, TIMES_MAX, not_so_many, runs};
use crate::load::{Load, Run};
use crate::platform;
use crate::program::Programs;
use crate::step::{self, STEPS_PER_TURN};
use crate::value::Value;

use super::block::{clean_up, register};

/// How often it is told how the runs stand.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// How many reasons a failed `wait` names.
const SHOWN_REASONS: usize = 5;

pub static RUN: Spec = Spec {
    name: "run",
    aliases: &[],
    group: Group::Flow,
    forms: &[&[Arg::Run]],
    summary: "run a script in the background, N times, M at once; `$n` counts",
    example: "run connect.lab name=\"Ada\" times 10 at once 2 as load\nwait load within 5s",
    within: false,
    names: Names::Socket,
    run: |lab, call| Box::pin(std::future::ready(run(lab, call))),
};

/// What each run is given.
struct Setup {
    settings: Settings,
    folder: std::path::PathBuf,
    given: Vec<(Name, Template)>,
    permission: Permission,
    programs: Programs,
}

fn run(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(Parsed::Run { script, times, at_once }) = call.args.first() else { return Err(call.misread(0)) };
    let count = |expr: &Option<Expr>, most: usize, what: &str| match expr {
        None => Ok(1),
        Some(expr) => {
            let value = lab.eval(expr)?;
            runs(&value, most).ok_or_else(|| {
                let (message, hint) = not_so_many(&value, what, most);
                Failure::script(message).hint(hint)
            })
        }
    };
    let times = count(times, TIMES_MAX, "times")?;
    let at_once = count(at_once, AT_ONCE_MAX, "at once")?.min(times);
    let lookup = |reference: &_| lab.lookup(reference);
    let given = script.params.iter().map(|(name, text)| Ok((Name::from(name), text.fill_but("n", &lookup)?)));
    let given = given.collect::<Result<Vec<_>, crate::language::mistake::Mistake>>()?;
    let folder = std::path::Path::new(&*script.file).parent().map(Into::into).unwrap_or_default();
    // Nobody can be asked by many at once.
    let permission = match lab.permission {
        Permission::Given => Permission::Given,
        Permission::Refused | Permission::Ask(_) => Permission::Refused,
    };
    let setup = Setup { settings: lab.settings, folder, given, permission, programs: lab.programs.clone() };
    let setup = Arc::new(setup);
    platform::raise_descriptors();
    lab.check_free(call.name.as_deref())?;
    let name = lab.new_crowd_name(call.name.as_deref());
    let load = Load::new(name.clone(), script.clone(), times, at_once).map_err(Failure::script)?;
    let load = Arc::new(load);
    lab.emit(What::RunBegan { name, script: script.file.to_string(), times, at_once });
    // Others live on this thread from now on: no step may hold it.
    lab.eager = false;
    let workers = (0..at_once).map(|_| tokio::spawn(work(load.clone(), setup.clone())).abort_handle());
    let mut tasks: Vec<_> = workers.collect();
    tasks.push(tokio::spawn(tell(load.clone(), lab.sink())).abort_handle());
    lab.add_load(LoadHandle { load, tasks });
    Ok(())
}

/// One run after another, until all have begun.
async fn work(load: Arc<Load>, setup: Arc<Setup>) {
    while let Some(number) = load.next_run() {
        let run = one_run(&load, &setup, number).await;
        load.run_ended(run);
        tokio::task::yield_now().await;
    }
}

async fn one_run(load: &Load, setup: &Setup, number: u64) -> Run {
    // What a run tells is in its figures.
    let mut lab = Box::new(Lab::unheard());
    lab.settings = setup.settings;
    lab.permission = setup.permission.clone();
    lab.programs = setup.programs.clone();
    lab.folder.clone_from(&setup.folder);
    // A new interpreter has no socket of that name that could be in the way.
    let _ = lab.bind_value("n", Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
    lab.given.reserve_exact(setup.given.len());
    for (name, text) in &setup.given {
        match lab.fill(text) {
            Ok(text) => lab.given.push((name.clone(), text)),
            Err(failure) => return Run { number, failure: Some(failure), ..Run::default() },
        }
    }
    let mut run = Run { number, took: Vec::with_capacity(load.script.items.len()), failure: None };
    let registered = register(&mut lab, &load.script);
    let mut began = Instant::now();
    for item in &load.script.items {
        let Item::Step(call) = item else { continue };
        let outcome = step::run_from(&mut lab, call, began).await;
        // The next step begins where this one ends.
        let now = Instant::now();
        run.took.push(now.duration_since(began));
        began = now;
        run.failure = outcome.err();
        if run.failure.is_some() || lab.quitting {
            break;
        }
        if run.took.len().is_multiple_of(STEPS_PER_TURN) {
            tokio::task::yield_now().await;
        }
    }
    if let Err(failure) = Box::pin(clean_up(&mut lab, registered)).await {
        run.failure.get_or_insert(failure);
    }
    if let Err(failure) = settle(&mut lab, false) {
        run.failure.get_or_insert(failure);
    }
    Box::pin(lab.end_programs()).await;
    run
}

/// Tells how the runs stand, as long as some are under way.
async fn tell(load: Arc<Load>, sink: Sink) {
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick is now, when there is nothing to tell.
    ticks.tick().await;
    while !load.is_done() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = load.done() => return,
        }
        let (ended, failed, took) = load.progress();
        let rate = ended as f64 / took.as_secs_f64().max(f64::EPSILON);
        let what = What::RunProgress { name: load.name.clone(), times: load.times, ended, failed, rate };
        sink(Event { at: took, what });
    }
}

/// `wait NAME` for runs: until all have ended.
pub async fn wait(lab: &mut Lab, load: Arc<Load>, limit: Limit, is_typed: bool) -> Result<(), Failure> {
    let is_done = limit.wait(load.done()).await.is_some();
    let report = Arc::new(load.report());
    tell_report(lab, &load.name, report.clone());
    let name = &load.name;
    if !is_done {
        let message =
            format!("{} of {} runs of `{name}` ended within {}", report.ended, report.times, limit.shown());
        // At the prompt they go on; the end of a script ends them.
        let hint = match is_typed {
            true => format!("they go on; `close {name}` gives them up"),
            false => format!(
                "a longer `within` waits on; after `? wait {name} within ...` the script goes on, and so do they"
            ),
        };
        return Err(Failure::check(message).hint(hint));
    }
    if report.failed == 0 {
        return Ok(());
    }
    Err(with_reasons(Failure::check(failed_of(&report)), &report))
}

/// Runs that no `wait` came to, at the end of what began them: how far they are, and a failure if some failed. One that a person
/// interrupted is told how far they are, and no more.
pub fn settle(lab: &mut Lab, is_interrupted: bool) -> Result<(), Failure> {
    let mut outcome: Result<(), Failure> = Ok(());
    for load in lab.loads() {
        if lab.reports.iter().any(|(name, _)| *name == load.name) {
            continue;
        }
        let report = Arc::new(load.report());
        tell_report(lab, &load.name, report.clone());
        if report.failed == 0 || is_interrupted {
            continue;
        }
        let name = &load.name;
        let message = format!("{}, and nobody waited for `{name}`", failed_of(&report));
        let failure = Failure::check(message)
            .hint(format!("`wait {name}` waits for all of them; `? wait {name}` where they may fail"));
        let failure = with_reasons(failure, &report);
        // The last one is told by who asked.
        if let Err(earlier) = std::mem::replace(&mut outcome, Err(failure)) {
            lab.emit(What::Failed(earlier));
        }
    }
    outcome
}

/// Shows how far runs are, and keeps it for `--save`.
fn tell_report(lab: &mut Lab, name: &str, report: Arc<RunReport>) {
    lab.emit(What::RunEnded { name: name.into(), report: report.clone() });
    lab.keep_report(name, report);
}

fn failed_of(report: &RunReport) -> String {
    let runs = if report.times == 1 { "run" } else { "runs" };
    format!("{} of {} {runs} of `{}` failed", report.failed, report.times, report.script)
}

fn with_reasons(failure: Failure, report: &RunReport) -> Failure {
    report.reasons.iter().take(SHOWN_REASONS).fold(failure, |failure, reason| {
        failure.detail("why", format!("{}: {}", crate::pattern::count(reason.count, "time"), reason.told()))
    })
}
