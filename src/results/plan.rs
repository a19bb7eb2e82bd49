//! What a script means to check, read off its steps before they run.

use crate::command::{Call, Item, Parsed, Script, Setting, Show, Wanted};
use crate::event::{Plan, PlannedCheck, PlannedPhase};
use crate::step::is_check;

/// More checks than this are not planned one by one, as more results than this are not kept.
const PLANNED_MAX: usize = 50_000;

/// The plan of a script, with what it includes.
pub fn plan(script: &Script) -> Plan {
    let mut reader = Reader { phases: vec![PlannedPhase::default()], checks: 0, show: None };
    reader.script(script);
    Plan { file: script.file.clone(), phases: reader.phases, shows_phases: reader.show == Some(Show::Phases) }
}

struct Reader {
    phases: Vec<PlannedPhase>,
    checks: usize,
    /// What the script says first of how much is shown.
    show: Option<Show>,
}

impl Reader {
    fn script(&mut self, script: &Script) {
        for item in &script.items {
            match item {
                Item::Phase(title) => {
                    self.phases.push(PlannedPhase { title: title.clone(), ..PlannedPhase::default() })
                }
                Item::Comment(_) => {}
                Item::Step(call) => self.step(call),
            }
        }
    }

    fn step(&mut self, call: &Call) {
        if is_check(call) {
            self.check(call);
        }
        // What `!` and `?` stand before is one step, whatever is in it.
        if call.wanted != Wanted::Pass {
            return;
        }
        for arg in &call.args {
            match arg {
                // The attempts of `repeat until` are no results.
                Parsed::Step(inner) if call.spec.name == "repeat" && !call.is_until() => self.step(inner),
                // What `run` runs has figures of its own, and `always` runs after the last phase.
                Parsed::Script(inner) if matches!(call.spec.name, "include" | "repeat") => self.script(inner),
                Parsed::Points(points) => {
                    if let Some(phase) = self.phases.last_mut() {
                        phase.points = Some(*points);
                    }
                }
                Parsed::Setting(Setting::Show(show)) => {
                    self.show.get_or_insert(*show);
                }
                _ => {}
            }
        }
    }

    fn check(&mut self, call: &Call) {
        if self.checks < PLANNED_MAX
            && let Some(phase) = self.phases.last_mut()
        {
            self.checks += 1;
            phase.checks.push(PlannedCheck {
                text: call.text.clone(),
                file: call.file.clone(),
                line: call.line,
            });
        }
    }
}
