//! Programs that a script starts: their output line by line, their standard input, their end.

mod ending;
mod output;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, Command};
use tokio::sync::watch;

use crate::event::{Did, Event, Failure, Name, Sink, What, Why};
use crate::platform;

pub use ending::{Ended, Programs};
pub use output::Kept;

use output::State;

/// A program that was started here. Dropping it ends it, as `close` does, without waiting for it.
pub struct Program {
    /// Its number, and that of its process group.
    pub pid: u32,
    /// What was typed to start it: the program and its arguments.
    pub words: Vec<String>,
    /// When it was started.
    pub began: Instant,
    state: watch::Sender<State>,
    stdin: Option<ChildStdin>,
}

/// What a program is started with.
pub struct Start {
    /// What it is called here.
    pub name: Name,
    /// The program and its arguments.
    pub words: Vec<String>,
    /// How long it may run; `None` for ever.
    pub time: Option<Duration>,
    /// Where its output goes.
    pub sink: Sink,
    /// When the interpreter began.
    pub since: Instant,
}

/// Tells what a program does.
#[derive(Clone)]
struct Teller {
    program: Name,
    sink: Sink,
    since: Instant,
}

impl Teller {
    fn tell(&self, did: Did) {
        let what = What::Program { program: self.program.clone(), did };
        (self.sink)(Event { at: self.since.elapsed(), what });
    }
}

impl Program {
    /// Starts a program in a process group of its own. What it says is told from now on, and its end is.
    pub fn start(start: Start, programs: &Programs) -> Result<Program, Failure> {
        let Some((program, arguments)) = start.words.split_first() else {
            return Err(Failure::script("`spawn` needs a program"));
        };
        if let Some(file) = missing_file(program, arguments) {
            return Err(cannot_start(file, NO_SUCH_FILE, HINT_FOLDER));
        }
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A Python program's prints come as they are made, not when 8 KiB of them are full.
        command.env("PYTHONUNBUFFERED", "1");
        platform::in_own_group(&mut command);
        programs.prepare()?;
        let mut child = command.spawn().map_err(|error| not_started(program, &error))?;
        let pid = child.id().unwrap_or_default();
        programs.enter(pid);
        let state = watch::Sender::new(State::default());
        let teller = Teller { program: start.name, sink: start.sink, since: start.since };
        let stdin = child.stdin.take();
        let readers = output::read_both(&mut child, &state, &teller);
        tokio::spawn(ending::supervise(child, start.time, readers, state.clone(), programs.clone(), teller));
        Ok(Program { pid, words: start.words, began: Instant::now(), state, stdin })
    }

    /// Its end, once it has come.
    pub fn ended(&self) -> Option<Ended> {
        self.state.borrow().ended.clone()
    }

    /// Waits until it has ended and all that it said is told; the wait borrows nothing of it.
    pub fn wait(&self) -> impl Future<Output = Ended> + Send + use<> {
        let mut states = self.state.subscribe();
        async move {
            loop {
                if let Some(ended) = &states.borrow_and_update().ended {
                    return ended.clone();
                }
                if states.changed().await.is_err() {
                    // Who would tell of the end is gone: nothing runs any more.
                    return Ended::unknown();
                }
            }
        }
    }

    /// Ends it and all that it started, and waits for that.
    pub async fn end(&self, why: Why) -> Ended {
        self.ask_to_end(why);
        self.wait().await
    }

    /// Has it end, without waiting for it.
    pub fn ask_to_end(&self, why: Why) {
        self.state.send_modify(|state| {
            state.asked.get_or_insert(why);
        });
    }

    /// Gives a line to its standard input.
    pub async fn type_line(&mut self, text: &str) -> std::io::Result<()> {
        let Some(stdin) = &mut self.stdin else {
            return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        };
        stdin.write_all(format!("{text}\n").as_bytes()).await?;
        stdin.flush().await
    }

    /// Ends its standard input; `false` if that has ended before.
    pub fn type_end(&mut self) -> bool {
        self.stdin.take().is_some()
    }

    /// Waits for a line of output, after those that earlier waits took, that `look` takes; it is taken with those before it.
    /// `None`: the program ended, and no line was the one.
    pub async fn line<T>(&self, mut look: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut states = self.state.subscribe();
        let mut looked = 0;
        loop {
            let (lines, has_ended) = {
                let state = states.borrow_and_update();
                (state.after(looked), state.ended.is_some())
            };
            for (number, line) in lines {
                looked = number + 1;
                if let Some(found) = look(&line) {
                    self.state.send_if_modified(|state| {
                        state.taken = looked;
                        false
                    });
                    return Some(found);
                }
            }
            if has_ended || states.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Its process and those that it started in its group.
    pub fn processes(&self) -> Vec<u32> {
        let members = platform::group_members(self.pid).into_iter().map(|it| it.pid);
        std::iter::once(self.pid).chain(members).collect()
    }

    /// What it said, as far as it is kept.
    pub fn said(&self) -> Kept {
        self.state.borrow().kept()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.ask_to_end(Why::Closed);
    }
}

const NO_SUCH_FILE: &str = "no such file";
const HINT_FOLDER: &str = "a program's name starts from the working folder, not from the script's";

/// The file that a Python is told to run, if it is not there: Python would say so only when it runs, as a program does that fails.
fn missing_file<'a>(program: &str, arguments: &'a [String]) -> Option<&'a str> {
    let is_python = program.rsplit(['/', '\\']).next().is_some_and(|name| name.starts_with("python"));
    // Behind `-c` and `-m` no file is named.
    let options = arguments.iter().take_while(|argument| !matches!(argument.as_str(), "-c" | "-m"));
    let file = options.map(String::as_str).find(|argument| !argument.starts_with('-'))?;
    let is_missing = || Path::new(file).try_exists().is_ok_and(|exists| !exists);
    (is_python && file.ends_with(".py") && is_missing()).then_some(file)
}

fn not_started(program: &str, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let is_python = program.ends_with(".py");
    let of_python =
        format!("a Python program is started with `spawn python3 {}`", crate::value::escape(program));
    match error.kind() {
        ErrorKind::NotFound if is_python => cannot_start(program, NO_SUCH_FILE, &of_python),
        ErrorKind::NotFound if program.contains('/') => cannot_start(program, NO_SUCH_FILE, HINT_FOLDER),
        ErrorKind::NotFound => cannot_start(
            program,
            "no such program",
            "`./NAME` starts a program that lies in the working folder",
        ),
        ErrorKind::PermissionDenied if Path::new(program).is_dir() => {
            cannot_start(program, "it is a folder", "a program is a file, in the folder or elsewhere")
        }
        ErrorKind::PermissionDenied if is_python => {
            cannot_start(program, "it is not executable", "Python starts it: `spawn python3 FILE.py`")
        }
        ErrorKind::PermissionDenied => {
            cannot_start(program, "it is not executable", "is it a program? `chmod +x` makes it one")
        }
        _ => cannot_start(program, &platform::reason(error), "the system says so; no program was started"),
    }
}

fn cannot_start(program: &str, why: &str, hint: &str) -> Failure {
    Failure::network(format!("cannot start `{}`: {why}", crate::value::escape(program))).hint(hint)
}
