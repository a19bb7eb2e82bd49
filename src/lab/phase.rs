//! What a phase makes of its steps' failures: who is at fault, and what to tell the student.

use super::Lab;
use crate::command::Call;
use crate::event::{Failure, FailureKind, What};

/// The commands that need the other program to do its part. Listening and files are this side's own.
const NEED_A_PEER: [&str; 5] = ["connect", "accept", "shutdown", "send", "recv"];

/// What the phase under way has said so far.
#[derive(Debug, Default)]
pub struct Phase {
    /// Whether it has points: then it judges the other program.
    pub has_points: bool,
    /// What `hint` said last.
    pub hint: Option<String>,
}

impl Lab {
    /// A phase begins: what the one before it said holds no more.
    pub fn begin_phase(&mut self, title: &str) {
        self.phase = Phase::default();
        self.emit(What::Phase(title.to_string()));
    }

    /// The failure as this phase sees it: where a program is judged, a peer that does not do its part is no fault of the
    /// network.
    pub fn judged(&self, call: &Call, mut failure: Failure) -> Failure {
        let needs_a_peer = NEED_A_PEER.contains(&call.spec.name) || call.is_until();
        if failure.kind == FailureKind::Network && self.phase.has_points && needs_a_peer {
            failure.kind = FailureKind::Check;
        }
        failure
    }
}
