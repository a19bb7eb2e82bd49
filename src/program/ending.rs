//! How programs end: by themselves, at a limit, or with the script; and all that they started with them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Teller;
use super::output::State;
use crate::event::{Did, Failure, Why};
use crate::platform::orphans::{Orphans, sweep};
use crate::platform::{self, Ending, Left};

/// How long a program may take to end after SIGTERM. A signal that ends lab2sh leaves it less than a second for everything.
const GRACE: Duration = Duration::from_millis(400);
/// How long what a program said last may take to arrive once it has ended: its pipes may be held by a process that left it.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How many programs may run at a time: a classroom's, and far from what a system allows.
const PROGRAMS_MAX: usize = 256;
/// How many processes that a program left are named.
const LEFT_NAMED: usize = 4;

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit status; of one that a signal ended, the signal's number, negative.
    pub status: i32,
    /// Why it was ended here; `None`: it ended by itself.
    pub why: Option<Why>,
}

impl Ended {
    /// `exit 1`, `signal 15`.
    pub fn shown(&self) -> String {
        match self.status {
            status @ ..0 => format!("signal {}", -status),
            status => format!("exit {status}"),
        }
    }

    /// Nobody is there who could tell.
    pub fn unknown() -> Ended {
        Ended { status: -1, why: Some(Why::Session) }
    }
}

/// The programs of a run, so that all of them can be ended whatever happens; and who says that they may run.
#[derive(Clone, Default)]
pub struct Programs(Arc<Registry>);

#[derive(Default)]
struct Registry(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// The leaders of the groups. None of them is reaped, so that no number in here is a stranger's.
    groups: BTreeSet<u32>,
    orphans: Orphans,
}

impl Programs {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes ready for one more program.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        let mut table = self.table();
        table.orphans.adopt();
        if table.groups.len() >= PROGRAMS_MAX {
            return Err(Failure::network(format!("{PROGRAMS_MAX} programs run already, and no more may"))
                .hint("`close NAME` ends one, `wait NAME` waits for its end"));
        }
        Ok(())
    }

    pub(super) fn enter(&self, pid: u32) {
        self.table().groups.insert(pid);
    }

    fn signal(&self, pid: u32, how: Ending) {
        let table = self.table();
        if table.groups.contains(&pid) {
            platform::end_group(pid, how);
        }
    }

    /// Reaps a program that has ended; its number may be anybody's from now on.
    fn reap(&self, child: &mut Child, pid: u32) -> Option<std::process::ExitStatus> {
        let mut table = self.table();
        table.groups.remove(&pid);
        child.try_wait().ok().flatten()
    }

    /// Processes that left their group and whose parents have ended; none while a program runs, whose they could be.
    fn orphans(&self) -> Vec<Left> {
        let table = self.table();
        if table.groups.is_empty() { table.orphans.found(&table.groups) } else { Vec::new() }
    }

    /// Ends every program at once, without grace and without waiting: where this process is about to end.
    pub fn end_at_once(&self) {
        let groups = std::mem::take(&mut self.table().groups);
        groups.into_iter().for_each(|group| platform::end_group(group, Ending::Forced));
        // One round: what it uncovers has nobody left to end it.
        self.orphans().iter().for_each(|orphan| platform::end_child(orphan.pid));
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let table = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        table.groups.iter().for_each(|group| platform::end_group(*group, Ending::Forced));
    }
}

/// Watches over a program until it has ended, and tells how.
pub async fn supervise(
    mut child: Child,
    time: Option<Duration>,
    readers: Vec<JoinHandle<()>>,
    state: watch::Sender<State>,
    programs: Programs,
    teller: Teller,
) {
    let began = Instant::now();
    let pid = child.id().unwrap_or_default();
    let why = tokio::select! {
        biased;
        _ = platform::exited(&mut child) => None,
        why = asked(&state) => Some(why),
        why = time_is_up(time) => Some(why),
    };
    let mut forced = false;
    let mut left = Vec::new();
    if why.is_some() {
        programs.signal(pid, Ending::Asked);
        forced = tokio::time::timeout(GRACE, platform::exited(&mut child)).await.is_err();
    } else {
        left = platform::group_members(pid);
    }
    // What it started does not outlive it.
    programs.signal(pid, Ending::Forced);
    let _ = tokio::time::timeout(GRACE, platform::exited(&mut child)).await;
    let status = programs.reap(&mut child, pid).map_or(-9, platform::status_number);
    // What it started in its group ended with it, as it should; what had left the group is told of.
    left.extend(sweep(|| programs.orphans()).await.into_iter().filter(|it| it.group != pid && !it.is_dead));
    last_words(readers).await;
    let hidden = state.borrow().hidden();
    teller.tell(Did::End { status, why, forced, left: named(&left), hidden, took: began.elapsed() });
    state.send_modify(|state| state.ended = Some(Ended { status, why }));
}

async fn asked(state: &watch::Sender<State>) -> Why {
    let mut states = state.subscribe();
    loop {
        if let Some(why) = states.borrow_and_update().asked {
            return why;
        }
        if states.changed().await.is_err() {
            return Why::Closed;
        }
    }
}

async fn time_is_up(time: Option<Duration>) -> Why {
    match time {
        Some(time) => {
            tokio::time::sleep(time).await;
            Why::Time(time)
        }
        None => std::future::pending().await,
    }
}

/// Lets what was said last arrive, from pipes that nobody may ever close.
async fn last_words(readers: Vec<JoinHandle<()>>) {
    let until = tokio::time::Instant::now() + LAST_WORDS;
    for mut reader in readers {
        if tokio::time::timeout_at(until, &mut reader).await.is_err() {
            reader.abort();
        }
    }
}

/// `2 processes: sleep (4711), python3 (4712)`; empty for none.
fn named(left: &[Left]) -> String {
    if left.is_empty() {
        return String::new();
    }
    let names: Vec<String> = left
        .iter()
        .take(LEFT_NAMED)
        .map(|it| format!("{} (pid {})", crate::value::escape(&it.name), it.pid))
        .collect();
    let more = if left.len() > LEFT_NAMED { ", ..." } else { "" };
    let what = if left.len() == 1 { "1 process".to_string() } else { format!("{} processes", left.len()) };
    format!("{what} that it left: {}{more}", names.join(", "))
}
