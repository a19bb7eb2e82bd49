//! Lines that come faster than a person reads: some are shown, the rest is counted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Lines of a class that come faster than a person reads: some are shown, the rest is counted.
#[derive(Default)]
pub struct Crowd {
    since: Option<Instant>,
    shown: usize,
    /// Lines of one seat; as many seats as lines are shown.
    of_seat: HashMap<u64, usize>,
    /// Lines that were not shown since that was told last.
    pub held: usize,
}

impl Crowd {
    /// Whether one more line of this seat may be shown now, when each seat may have `of_seat` a second and all `of_all`.
    pub fn admits(&mut self, seat: u64, of_seat: usize, of_all: usize) -> bool {
        if self.since.is_none_or(|since| since.elapsed() >= Duration::from_secs(1)) {
            (self.since, self.shown) = (Some(Instant::now()), 0);
            self.of_seat.clear();
        }
        let so_far = self.of_seat.get(&seat).copied().unwrap_or(0);
        let admits = self.shown < of_all && so_far < of_seat;
        if admits {
            self.shown += 1;
            self.of_seat.insert(seat, so_far + 1);
        }
        self.held += usize::from(!admits);
        admits
    }
}
