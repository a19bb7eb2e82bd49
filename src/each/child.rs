//! One run as a process: what it shows is bounded, its time is bounded, and nothing of it is left.

use std::collections::BTreeSet;
use std::io::{self, PipeReader, Read};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::lab::Interrupt;
use crate::platform::Left;
use crate::platform::orphans::{Orphans, sweep};
use crate::platform::process::{self, Ending as Signal};
use crate::platform::thread;

/// How much of a run's screen is kept, in bytes; the brief screen of a script is a few KiB.
const SCREEN_MAX: usize = 1 << 20;
/// How long a run that was told to end may take to end the programs it started and to write its reports.
const GRACE: Duration = Duration::from_secs(3);
/// How long the end of its output is waited for: whoever it started may hold the pipe open for ever.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Own,
    /// Its time was up.
    TimeUp,
    /// A person interrupted all of them.
    Interrupted,
}

/// A run that has ended.
pub struct Ran {
    /// Why it ended.
    pub ending: Ending,
    /// Its exit status; `None` where a signal ended it.
    pub status: Option<i32>,
    /// How long it took.
    pub took: Duration,
    shown: Arc<Mutex<Shown>>,
}

#[derive(Default)]
struct Shown {
    bytes: Vec<u8>,
    /// Bytes that there was no room for.
    dropped: u64,
}

impl Ran {
    /// What it showed, as far as it was kept.
    pub fn screen(&self) -> Vec<u8> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = shown.bytes.clone();
        if shown.dropped > 0 {
            bytes.extend_from_slice(format!("\n... and {} B more\n", shown.dropped).as_bytes());
        }
        bytes
    }
}

/// The runs that have been started and not reaped. A run ends what it started; of one that was killed itself (a submission
/// can do that), the programs become children of this process, and are ended as what is neither.
#[derive(Clone, Debug, Default)]
pub struct Started(Arc<Mutex<Processes>>);

#[derive(Debug, Default)]
struct Processes {
    runs: BTreeSet<u32>,
    orphans: Orphans,
}

impl Started {
    fn lock(&self) -> MutexGuard<'_, Processes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a run.
    fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let mut started = self.lock();
        started.orphans.adopt();
        let child = command.spawn()?;
        started.runs.extend(child.id());
        Ok(child)
    }

    /// Takes note of the end of a run, whose number may be anybody's from now on.
    async fn reap(&self, child: &mut Child) -> io::Result<std::process::ExitStatus> {
        let run = child.id();
        let status = child.wait().await;
        // Nothing else runs between the two: there is one thread.
        let mut started = self.lock();
        if let Some(run) = run {
            started.runs.remove(&run);
        }
        status
    }

    /// What runs that have ended have left.
    fn left(&self) -> Vec<Left> {
        let started = self.lock();
        started.orphans.found(&started.runs)
    }
}

/// Whoever lets go of a run that has not ended tells it to: it ends the programs that it started.
struct Reins {
    child: Child,
    leader: Option<u32>,
}

impl Drop for Reins {
    fn drop(&mut self) {
        self.end(Signal::Asked);
    }
}

impl Reins {
    fn end(&mut self, how: Signal) {
        if let Some(leader) = self.leader {
            process::end_group(leader, how);
        }
        // Where there are no groups, there is this.
        #[cfg(not(unix))]
        if how == Signal::Forced {
            let _ = self.child.start_kill();
        }
    }
}

/// Runs a command to its end, or ends it after `limit`.
pub async fn run(
    mut command: Command,
    limit: Duration,
    interrupt: &Interrupt,
    started_here: &Started,
) -> io::Result<Ran> {
    let started = Instant::now();
    let (reader, writer) = io::pipe()?;
    process::in_own_group(&mut command);
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let child = started_here.spawn(&mut command)?;
    // From here on it is told to end where this cannot go on.
    let mut reins = Reins { leader: child.id(), child };
    // It holds the pipe's writing end, and the reader is to see the end with the child's.
    drop(command);
    let shown = Arc::<Mutex<Shown>>::default();
    let kept = shown.clone();
    let (done, reading) = oneshot::channel::<()>();
    thread::start(move || {
        keep(reader, &kept);
        drop(done);
    })?;
    let ending = tokio::select! {
        ended = process::exited(&mut reins.child) => ended.map(|()| Ending::Own)?,
        () = tokio::time::sleep(limit) => Ending::TimeUp,
        () = interrupt.raised() => Ending::Interrupted,
    };
    if ending != Ending::Own {
        reins.end(Signal::Asked);
        let _ = tokio::time::timeout(GRACE, process::exited(&mut reins.child)).await;
    }
    // Also after an end of its own: whatever it left in its group ends with it.
    reins.end(Signal::Forced);
    let status = started_here.reap(&mut reins.child).await?;
    reins.leader = None;
    sweep(|| started_here.left()).await;
    let _ = tokio::time::timeout(LAST_WORDS, reading).await;
    Ok(Ran { ending, status: status.code(), took: started.elapsed(), shown })
}

/// Keeps what comes from a pipe, as far as there is room, and reads on to its end: one that floods must not wait for us.
fn keep(mut reader: PipeReader, shown: &Mutex<Shown>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let room = SCREEN_MAX.saturating_sub(shown.bytes.len()).min(count);
        shown.bytes.extend_from_slice(&buffer[..room]);
        shown.dropped += (count - room) as u64;
    }
}
