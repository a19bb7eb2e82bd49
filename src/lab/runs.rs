//! What a lab has to do with the runs of scripts that it began: their names, and what they came to.

use std::sync::Arc;

use super::{Binding, Lab, LoadHandle};
use crate::event::RunReport;
use crate::load::Load;

impl Lab {
    /// Keeps runs under their name. They carry no messages, so the current socket stays.
    pub fn add_load(&mut self, handle: LoadHandle) {
        // Runs that had the name before are another story.
        self.reports.retain(|(name, _)| *name != handle.load.name);
        self.names.insert(handle.load.name.as_str().into(), Binding::Load(handle));
    }

    /// Runs that were begun here and not closed.
    pub fn loads(&self) -> Vec<Arc<Load>> {
        let loads = self.names().filter_map(|(_, binding)| match binding {
            Binding::Load(handle) => Some(handle.load.clone()),
            _ => None,
        });
        loads.collect()
    }

    /// Keeps what runs came to, for `--save`.
    pub fn keep_report(&mut self, name: &str, report: Arc<RunReport>) {
        match self.reports.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = report,
            None => self.reports.push((name.to_string(), report)),
        }
    }

    /// Keeps how far all runs are, whatever has ended the session.
    pub fn keep_reports(&mut self) {
        for load in self.loads() {
            self.keep_report(&load.name, Arc::new(load.report()));
        }
    }
}
