//! What is told of a class: a client's row, and the counts.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Identity;

/// A client of a class whose status changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the roster's row")]
pub struct Arrival {
    pub seat: u64,
    pub status: &'static str,
    pub reason: String,
    pub identity: Arc<Identity>,
    pub duplicate_of: Option<u64>,
    pub peer: Option<SocketAddr>,
}

/// The counts of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassStatus {
    /// Clients that are here.
    pub here: usize,
    /// Students on the roster, each once.
    pub count: usize,
    /// Students who passed, each once.
    pub passed: usize,
    /// Clients that never became a student.
    pub failed: usize,
    /// Clients that were turned away.
    pub refused: u64,
    /// Messages received in listening mode.
    pub messages: u64,
    /// How many of them came within the last second; 0 where nobody counts by the second.
    pub rate: u64,
}
