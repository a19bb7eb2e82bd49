//! Arguments in, exit status out: a prompt on a terminal, a script otherwise. The only reader of the environment.

use std::io::{IsTerminal, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Parser;
use lab2sh::cli::{Cli, Color};
use lab2sh::command::{Call, Script};
use lab2sh::commands::{TABLE, clean_up, settle};
use lab2sh::each::{self, Each};
use lab2sh::event::{Event, Failure, FailureKind, Sink, What};
use lab2sh::lab::{Interrupt, Lab, Permission};
use lab2sh::output::{Form, Output, Trouble};
use lab2sh::platform::{self, EndingSignals, Keyboard, TerminalMode};
use lab2sh::program::Programs;
use lab2sh::render::Look;
use lab2sh::replay::Files;
use lab2sh::results::{Results, Wanted};
use lab2sh::shell::At;
use lab2sh::watch::{self, Watch};
use lab2sh::written::{self, Sources};
use lab2sh::{lecture, load, prompt, replay, shell};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Arc::new(TerminalMode::save());
    let interrupt = Interrupt::default();
    let output = Arc::new(output(&cli, &interrupt));
    let programs = Programs::default();
    let (guarded, guarded_programs) = (terminal.clone(), programs.clone());
    output.before_it_can_block(move || end_in_any_case(guarded, guarded_programs));
    // One thread: a round trip costs no wake-up of another, and a script is one conversation at a time.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let status = match runtime {
        Ok(runtime) => {
            let status = runtime.block_on(async {
                let ctrl_c = async {
                    while tokio::signal::ctrl_c().await.is_ok() {
                        if !terminal.is_editing() {
                            interrupt.raise();
                        }
                    }
                    std::future::pending::<u8>().await
                };
                tokio::select! {
                    biased;
                    // First, so that the signal is ours before anything runs.
                    status = ctrl_c => status,
                    status = work(&cli, &output, &interrupt, &terminal, &programs) => status,
                }
            });
            runtime.shutdown_background();
            status
        }
        Err(error) => {
            output.complain(&format!("error: cannot start: {}\n", platform::reason(&error)));
            FailureKind::Network.status()
        }
    };
    // By now they have ended; where a step or a panic has left one, it is not asked.
    programs.end_at_once();
    // What is written next must not meet a terminal in the line editor's mode.
    terminal.restore();
    ExitCode::from(finish(&output, status))
}

/// How long a signal that ends the program may take to do so in good order: a class gives its clients half a second.
const GRACE: Duration = Duration::from_millis(950);

/// Ends the program on a signal when the main thread cannot: it may be writing to a pipe that nobody reads, or to a
/// terminal that Ctrl-S has stopped, and such a write cannot be called back.
fn end_in_any_case(terminal: Arc<TerminalMode>, programs: Programs) {
    let (listens, ready) = std::sync::mpsc::channel();
    let watch = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let status = runtime.block_on(async {
            let mut signals = EndingSignals::listen();
            // Nobody has gone: main waits for this.
            let _ = listens.send(());
            signals.next().await
        });
        std::thread::park_timeout(GRACE);
        programs.end_at_once();
        terminal.restore();
        #[allow(clippy::disallowed_methods, reason = "main would have returned by now if it could")]
        std::process::exit(i32::from(status));
    };
    // Without it a signal ends the program all the same, unless it writes where nobody reads.
    let _ = platform::thread::start(watch);
    // Only then may main begin to write. Without a thread or a runtime there is nothing to wait for.
    let _ = ready.recv();
}

/// The last of the output; a trouble with it decides the status.
fn finish(output: &Output, status: u8) -> u8 {
    match output.finish() {
        None => status,
        // The reader of a pipe has what it wanted: 128 and SIGPIPE's number, as for any program in a pipe.
        Some(Trouble::Closed) => 128 + 13,
        Some(Trouble::Failed(why)) => {
            output.complain(&format!("error: cannot write output: {why}\n"));
            FailureKind::Network.status()
        }
    }
}

fn output(cli: &Cli, interrupt: &Interrupt) -> Output {
    // A report on standard output stands there alone.
    let is_quiet = cli.quiet || cli.on_stdout() > 0;
    let form = match (cli.json, is_quiet) {
        (true, _) => Form::Json,
        (false, true) => Form::Quiet,
        (false, false) => Form::Text,
    };
    let color = match cli.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            stdout().is_terminal() && !refused && !dumb
        }
    };
    let output = Output::new(form, Look::new(color), interrupt.clone());
    if cli.brief { output.brief() } else { output }
}

/// What was asked for, where it is seen, and which files it reads.
struct Run<'a> {
    cli: &'a Cli,
    output: &'a Output,
    terminal: &'a Arc<TerminalMode>,
    sources: Sources,
}

async fn work(
    cli: &Cli,
    output: &Arc<Output>,
    interrupt: &Interrupt,
    terminal: &Arc<TerminalMode>,
    programs: &Programs,
) -> u8 {
    let results = Arc::new(Mutex::new(Results::default()));
    let wants_reports = !cli.reports.is_empty();
    let sink: Sink = {
        let (output, results) = (output.clone(), results.clone());
        Arc::new(move |event: Event| {
            if wants_reports {
                results.lock().unwrap_or_else(PoisonError::into_inner).hear(&event);
            }
            output.show(&event);
        })
    };
    let mut lab = Lab::new(sink);
    lab.interrupt = interrupt.clone();
    lab.eager = true;
    lab.programs = programs.clone();
    if cli.allow_spawn {
        lab.permission = Permission::Given;
    }
    lab.keep_conversation();
    let run = Run { cli, output, terminal, sources: Sources::default() };
    cli.words.iter().take(1).for_each(|script| run.sources.add_script(Path::new(script)));
    if let Err(failure) = written::check(cli).and_then(|()| run.sources.check(cli)) {
        return not_run(&lab, failure);
    }
    let mut signals = EndingSignals::listen();
    let status = tokio::select! {
        biased;
        status = signals.next() => status,
        status = drive(&mut lab, &run) => status,
    };
    let status = match clean_up(&mut lab, 0).await {
        Ok(()) => status,
        Err(failure) => status.max(not_run(&lab, failure)),
    };
    // Side by side: a signal leaves less than a second for both.
    tokio::join!(end_classes(&lab, output), lab.end_programs());
    lab.keep_reports();
    let status = match lab.end_recording() {
        Ok(()) => status,
        Err(failure) => status.max(not_run(&lab, failure)),
    };
    if cli.watch {
        // Each run has written its own.
        return status;
    }
    let results = std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
    let status = reports(&lab, &run, results, status);
    status.max(tables(&lab, &run))
}

/// Writes the tables of load runs where they are wanted.
fn tables(lab: &Lab, run: &Run) -> u8 {
    let Run { cli, output, sources, .. } = run;
    let saved = match cli.save_file() {
        Some(file) if sources.spare(file) => load::save(file, &lab.reports),
        None if cli.save.is_some() => {
            output.write(&load::json(&lab.reports));
            Ok(())
        }
        _ => Ok(()),
    };
    let hint = "`--save FILE.json` writes to a file in a folder that is there, `--save -` to standard output";
    saved.map_or_else(|why| not_run(lab, Failure::network(why).hint(hint)), |()| 0)
}

/// Writes the reports that are wanted; one that cannot be written decides the status.
fn reports(lab: &Lab, run: &Run, results: Results, status: u8) -> u8 {
    let Run { cli, output, sources, .. } = run;
    let report = results.report(cli.words.first().map_or("-c", String::as_str), status);
    let mut worst = status;
    // One that would write over a file that was read has been refused by now.
    let may_be_written = |wanted: &&Wanted| wanted.file.as_deref().is_none_or(|file| sources.spare(file));
    for wanted in cli.reports.iter().filter(may_be_written) {
        match report.save(wanted) {
            Ok(None) => {}
            Ok(Some(text)) => output.write(&text),
            Err(failure) => worst = worst.max(not_run(lab, failure)),
        }
    }
    worst
}

/// Lets every class say farewell; a second Ctrl-C ends at once.
async fn end_classes(lab: &Lab, output: &Output) {
    output.set_above(None);
    lab.interrupt.clear();
    let classes = lab.classes();
    // All at once: each gives its clients half a second.
    classes.iter().for_each(|class| class.close());
    for class in classes {
        tokio::select! {
            () = class.end() => {}
            () = lab.interrupt.raised() => return,
        }
    }
}

/// What runs a script in processes of its own: on many submissions, or again after each change.
async fn in_processes(lab: &mut Lab, cli: &Cli) -> u8 {
    let exe = match std::env::current_exe() {
        Ok(exe) => exe,
        Err(error) => {
            let why = platform::reason(&error);
            return not_run(lab, Failure::network(format!("cannot find this program's own file: {why}")));
        }
    };
    let wrong = match &cli.each {
        Some(pattern) => match Each::of(cli, pattern, exe) {
            Ok(each) => return each::run(lab, each).await,
            Err(failure) => failure,
        },
        None => match Watch::of(cli, exe, std::env::args_os().skip(1)) {
            Ok(watch) => return watch::run(lab, watch).await,
            Err(failure) => failure,
        },
    };
    not_run(lab, wrong)
}

/// The lines of `-c`, then a script, then the prompt, as far as they are asked for.
async fn drive(lab: &mut Lab, run: &Run<'_>) -> u8 {
    let cli = run.cli;
    if cli.watch || cli.each.is_some() {
        return in_processes(lab, cli).await;
    }
    let mut status = lines(lab, run).await;
    let script = match cli.words.first() {
        Some(name) => Some(name.as_str()),
        None if cli.lines.is_empty() && !cli.interactive && !stdin().is_terminal() => Some("-"),
        None => None,
    };
    let goes_on = status == 0 || (cli.keep_going && status != FailureKind::Interrupted.status());
    if let Some(name) = script
        && goes_on
        && !lab.quitting
    {
        status = status.max(script_file(lab, run, name).await);
    }
    if script.is_none() && (cli.step || cli.pace.is_some()) {
        let failure = Failure::script("step mode needs a script");
        return not_run(lab, failure.hint("`lab2sh --step FILE.lab`"));
    }
    let is_done = (script.is_some() || !cli.lines.is_empty() || cli.check) && !cli.interactive;
    if is_done || lab.quitting {
        let settled = settle(lab, status == FailureKind::Interrupted.status());
        return settled.map_or_else(|failure| status.max(not_run(lab, failure)), |()| status);
    }
    at_prompt(lab, run).await
}

/// The lines of `-c`, numbered through: all are parsed before the first is run, as those of a script are.
async fn lines(lab: &mut Lab, run: &Run<'_>) -> u8 {
    let Run { cli, sources, .. } = run;
    let mut steps = Vec::new();
    let mut next = 1;
    for text in &cli.lines {
        let mut line = next;
        for step in shell::split(text, TABLE) {
            let at = At { file: "-c", line };
            line += step.lines().count().max(1);
            steps.push((step, at));
        }
        next += text.lines().count().max(1);
    }
    for (step, at) in &steps {
        let checked = shell::check(step, *at, TABLE);
        let allowed = checked.and_then(|step| {
            step.iter().for_each(|step| sources.add_step(step));
            sources.check(cli).and_then(|()| lab_allows(lab, cli, step.as_deref()))
        });
        if let Err(failure) = allowed {
            return not_run(lab, failure);
        }
    }
    let mut status = 0;
    for (step, at) in steps.iter().filter(|_| !cli.check) {
        if let Err(kind) = shell::line(lab, step, *at, TABLE).await {
            status = status.max(kind.status());
            if !cli.keep_going || kind == FailureKind::Interrupted {
                break;
            }
        }
        if lab.quitting {
            break;
        }
    }
    status
}

/// Whether a step may run as far as programs go: `--check` runs nothing.
fn lab_allows(lab: &Lab, cli: &Cli, step: Option<&Call>) -> Result<(), Failure> {
    step.filter(|_| !cli.check).map_or(Ok(()), |step| lab.check_call_allowed(step))
}

async fn script_file(lab: &mut Lab, run: &Run<'_>, name: &str) -> u8 {
    let Run { cli, output, terminal, sources } = run;
    let files = Files::default();
    let loaded = load(lab, name, &files).await;
    files.opened().iter().for_each(|file| sources.add_script(file));
    let loaded = sources.check(cli).and(loaded).and_then(|script| {
        let given = replay::given(&script, cli.words.get(1..).unwrap_or_default())?;
        sources.add_params(&script, &given);
        sources.check(cli)?;
        replay::check_names(&script, lab.names().map(|(name, _)| name))?;
        if !cli.check {
            lab.check_allowed(&script)?;
        }
        Ok((script, given))
    });
    let (script, given) = match loaded {
        Ok(loaded) => loaded,
        Err(failure) => return not_run(lab, failure),
    };
    if cli.check {
        return 0;
    }
    lab.given = given;
    lab.folder = Path::new(name).parent().map(PathBuf::from).unwrap_or_default();
    // A script that comes from a pipe leaves the keyboard free as well.
    let has_keyboard = stdin().is_terminal() || (name == "-" && Keyboard::open().is_some());
    let is_attended = has_keyboard && stdout().is_terminal() && !cli.json && !cli.quiet;
    if cli.step && !has_keyboard {
        let failure = Failure::script("`--step` needs a keyboard, and there is no terminal");
        return not_run(lab, failure.hint("`--pace 1s` runs by itself"));
    }
    if cli.step || cli.pace.is_some() {
        let keyboard = (is_attended || cli.step).then_some(*terminal);
        return lecture::run(lab, &script, output, keyboard, cli.pace).await;
    }
    if is_attended {
        lab.pauser = Some(prompt::pauser());
    }
    replay::run(lab, &script, cli.keep_going, cli.interactive).await
}

/// Reads a script aside, because a pipe may never end and signals have to be heard meanwhile.
async fn load(lab: &Lab, name: &str, files: &Files) -> Result<Script, Failure> {
    // What was said so far is shown before a wait that may be long.
    lab.emit(What::Waiting);
    let (name, files) = (name.to_string(), files.clone());
    let loading = platform::thread::aside(move || replay::load(&name, &files));
    tokio::select! {
        loaded = loading => loaded.unwrap_or_else(|_| Err(Failure::script("cannot read the script"))),
        () = lab.interrupt.raised() => {
            Err(Failure::new(FailureKind::Interrupted, "interrupted before the script was read"))
        }
    }
}

fn not_run(lab: &Lab, failure: Failure) -> u8 {
    let status = failure.kind.status();
    lab.emit(What::Failed(failure));
    status
}

async fn at_prompt(lab: &mut Lab, run: &Run<'_>) -> u8 {
    let history = state_folder().map(|folder| folder.join("history"));
    if stdin().is_terminal() {
        return prompt::run(lab, run.output, history.as_deref(), run.terminal).await;
    }
    // `-i` without a terminal: the rest of standard input is a script.
    script_file(lab, run, "-").await
}

/// `$XDG_STATE_HOME/lab2sh`, or what stands for it on this system.
fn state_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let strategy = etcetera::choose_base_strategy().ok()?;
    let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Some(folder.join("lab2sh"))
}
