//! The brief screen: what a phase shows is held back, and told only if something in it fails.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, Plan, What};
use crate::render::{self, Look};
use crate::results::{Phase, sum};

/// How much of a phase's screen is held back, in bytes; of more the first part is dropped.
const HELD_MAX: usize = 256 << 10;

/// What is known of the phase under way and of those before it.
pub struct Brief {
    /// Whether phases that pass take one line; else they are only counted, for their points.
    pub holds: bool,
    plan: Arc<Plan>,
    phase: Phase,
    held: String,
    /// Lines that there was no room for.
    dropped: usize,
    /// Whether something failed in the phase: from then on its lines are shown as they come.
    is_open: bool,
    done: Vec<Phase>,
}

/// What a brief screen shows of an event.
#[derive(Default)]
pub struct Shown {
    /// Lines that come first.
    pub before: String,
    /// Whether the event's own lines follow.
    pub own: bool,
}

impl Brief {
    /// A screen of a script that `holds` back what passes, or does not.
    pub fn new(plan: Arc<Plan>, holds: bool) -> Brief {
        Brief {
            holds,
            plan,
            phase: Phase::begin("", Duration::ZERO),
            held: String::new(),
            dropped: 0,
            is_open: false,
            done: Vec::new(),
        }
    }

    /// Hears an event.
    pub fn hear(&mut self, event: &Event, look: &Look) -> Shown {
        let shown = self.heard(event, look);
        if self.holds { shown } else { Shown { before: String::new(), own: true } }
    }

    /// From now on what passes is held back, or is not any more.
    pub fn hold_back(&mut self, holds: bool) {
        self.holds = holds;
        self.held.clear();
        self.dropped = 0;
    }

    fn heard(&mut self, event: &Event, look: &Look) -> Shown {
        match &event.what {
            What::Phase(title) => {
                let before = self.end(event.at, look);
                self.phase = Phase::begin(title, event.at);
                self.hold(event, look);
                Shown { before, own: false }
            }
            What::Summary(_) => Shown { before: self.end(event.at, look), own: true },
            What::Points(points) => {
                self.phase.points = Some(*points);
                Shown::default()
            }
            What::Result(result) => {
                self.phase.add(result, false);
                Shown::default()
            }
            What::NotRun(why) => {
                self.phase.give_up(why);
                self.is_open = true;
                Shown { before: self.take_held(), own: true }
            }
            _ if self.is_open => Shown { before: String::new(), own: true },
            // Whoever has to do something has to see what about.
            What::Failed(_) | What::Paused(_) => {
                self.is_open = true;
                Shown { before: self.take_held(), own: true }
            }
            _ => {
                self.hold(event, look);
                Shown::default()
            }
        }
    }

    fn hold(&mut self, event: &Event, look: &Look) {
        if !self.holds {
            return;
        }
        let Some(lines) = render::event(event, look) else { return };
        self.held += &lines;
        if self.held.len() > HELD_MAX {
            let half = self.held.len() - HELD_MAX / 2;
            let cut = self.held.char_indices().find(|(at, c)| *at >= half && *c == '\n');
            let cut = cut.map_or(self.held.len(), |(at, _)| at + 1);
            self.dropped += self.held[..cut].matches('\n').count();
            self.held.drain(..cut);
        }
    }

    /// What is held back of a phase, where the run has broken off in it.
    pub fn take_held(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        match std::mem::take(&mut self.dropped) {
            0 => held,
            lines => format!("  ... {lines} lines before these are not kept\n{held}"),
        }
    }

    /// Ends the phase under way and gives its line; one without a title that checked nothing has none.
    fn end(&mut self, at: Duration, look: &Look) -> String {
        self.phase.end(at);
        let mut phase = std::mem::replace(&mut self.phase, Phase::begin("", at));
        self.held.clear();
        (self.dropped, self.is_open) = (0, false);
        if phase.is_empty() {
            return String::new();
        }
        phase.number = self.done.len() + 1;
        let line = render::phase(&phase, look);
        self.done.push(phase);
        line
    }

    /// The points of the phases that have ended, and those that the script has to give; `None` where nothing that has points
    /// was begun.
    pub fn points(&self) -> Option<(f64, f64)> {
        let (score, of) = sum(self.done.iter())?;
        let planned: f64 = self.plan.phases.iter().filter_map(|phase| phase.points).sum();
        let of = of.max(planned);
        (of > 0.0).then_some((score, of))
    }
}
