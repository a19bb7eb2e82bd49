//! Processes and their groups: how a program is started apart, watched, and ended with everything that it started.

use std::io;
use std::process::ExitStatus;

use tokio::process::{Child, Command};

/// How processes are asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// SIGTERM: they may clean up first.
    Asked,
    /// SIGKILL: they are not asked.
    Forced,
}

/// A process that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its number.
    pub pid: u32,
    /// Its program's name as the system has it, not yet escaped.
    pub name: String,
    /// The number of its group.
    pub group: u32,
    /// It has ended and is not reaped.
    pub is_dead: bool,
}

/// Has the program start in a process group of its own: a signal to the group reaches what it starts, and no signal of the
/// terminal reaches either.
pub fn in_own_group(command: &mut Command) {
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Waits until a child has ended and, on Unix, leaves it unreaped: until it is reaped, its number and that of its group are
/// given to nobody else, so that a signal cannot reach a stranger.
pub async fn exited(child: &mut Child) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else { return Ok(()) };
        // Heard from before the first look, so that no end falls between the two.
        let mut changes = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child())?;
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        while waitid(WaitId::Pid(pid), look)?.is_none() {
            changes.recv().await;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    child.wait().await.map(drop)
}

/// Ends every process of the group that `leader` began. The leader must not have been reaped.
pub fn end_group(leader: u32, how: Ending) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signals: &[Signal] = match how {
            // One that is stopped hears nothing until it goes on.
            Ending::Asked => &[Signal::TERM, Signal::CONT],
            Ending::Forced => &[Signal::KILL],
        };
        if let Some(group) = Pid::from_raw(leader.cast_signed()) {
            // A group that is gone already is what was wanted.
            for signal in signals {
                let _ = kill_process_group(group, *signal);
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (leader, how);
}

/// Asks one process to end, and no other of its group. It must not have been reaped.
pub fn ask_to_end(pid: u32) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process};
        if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
    #[cfg(not(unix))]
    let _ = pid;
}

/// The living processes of a group, its leader left out; none where the system does not tell.
pub fn group_members(leader: u32) -> Vec<Left> {
    let is_other = |it: &Left| it.group == leader && it.pid != leader && !it.is_dead;
    processes().map(|(_, it)| it).filter(is_other).collect()
}

/// Has processes whose parent ends become children of this one: one that leaves its group to outlive it (a daemon) is found
/// again. Only Linux can.
pub(super) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    {
        // Where it is refused, the groups are still ended.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

/// The children of this process, dead ones included; none where the system does not tell.
pub(super) fn children() -> Vec<Left> {
    let own = std::process::id();
    processes().filter(|(parent, _)| *parent == own).map(|(_, it)| it).collect()
}

/// Ends a child at once and takes note of its end. As nobody else reaps it, its number is still its own.
pub fn end_child(pid: u32) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
        if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
    #[cfg(not(unix))]
    let _ = pid;
}

/// An exit status as Python's `returncode` has it: the code, or the number of the signal that ended it, negative.
pub fn status_number(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return -signal;
    }
    // Without a code and without a signal there is no third way to end.
    status.code().unwrap_or(-1)
}

/// Every process that can be seen, with its parent's number before it. Linux alone shows them as files.
fn processes() -> impl Iterator<Item = (u32, Left)> {
    #[cfg(target_os = "linux")]
    let folder = std::fs::read_dir("/proc").ok();
    #[cfg(not(target_os = "linux"))]
    let folder: Option<std::fs::ReadDir> = None;
    folder.into_iter().flatten().flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        // One that has gone meanwhile has no row.
        let row = std::fs::read(entry.path().join("stat")).ok()?;
        process(pid, &String::from_utf8_lossy(&row))
    })
}

/// Reads `PID (NAME) STATE PARENT GROUP ...`; the name may hold spaces and brackets (proc(5)).
fn process(pid: u32, row: &str) -> Option<(u32, Left)> {
    let (head, rest) = row.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_string();
    let mut fields = rest.split_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some((parent, Left { pid, name, group, is_dead }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_read_whole() {
        let (parent, row) = process(7, "7 (a) b (c) S 3 5 5 0 -1").unwrap();
        assert_eq!((row.name.as_str(), parent, row.group, row.is_dead), ("a) b (c", 3, 5, false));
        assert!(process(8, "8 (x) Z 3 5 5 0 -1").unwrap().1.is_dead);
    }
}
