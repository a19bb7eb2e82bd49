//! Processes that left the group of whatever started them: found among the children of this one, and ended.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::process::{Left, adopt_orphans, children, end_child};

/// How long they are searched for and ended. Each round finds those that the last one uncovered.
const SWEEP: Duration = Duration::from_millis(300);
/// How long between two such rounds.
const SWEEP_PAUSE: Duration = Duration::from_millis(5);

/// Which children of this process were there before it started any.
#[derive(Debug, Default)]
pub struct Orphans {
    /// Those that are none of ours; `None` before the first that is.
    strangers: Option<BTreeSet<u32>>,
}

impl Orphans {
    /// Makes ready for a child of our own: what it leaves behind becomes a child of this process.
    pub fn adopt(&mut self) {
        if self.strangers.is_none() {
            adopt_orphans();
            self.strangers = Some(children().into_iter().map(|child| child.pid).collect());
        }
    }

    /// The children that are neither strangers nor of `ours`.
    pub fn found(&self, ours: &BTreeSet<u32>) -> Vec<Left> {
        let Some(strangers) = &self.strangers else { return Vec::new() };
        let is_left = |child: &Left| !strangers.contains(&child.pid) && !ours.contains(&child.pid);
        children().into_iter().filter(is_left).collect()
    }
}

/// Ends what `look` finds, in rounds, because the children of what is ended become ours; gives what it has ended.
pub async fn sweep(look: impl Fn() -> Vec<Left>) -> Vec<Left> {
    let began = Instant::now();
    let mut ended: Vec<Left> = Vec::new();
    loop {
        let orphans = look();
        if orphans.is_empty() || began.elapsed() > SWEEP {
            return ended;
        }
        for orphan in orphans {
            end_child(orphan.pid);
            if ended.iter().all(|it| it.pid != orphan.pid) {
                ended.push(orphan);
            }
        }
        tokio::time::sleep(SWEEP_PAUSE).await;
    }
}
