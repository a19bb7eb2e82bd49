//! Ctrl-C as the steps under way see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Ctrl-C: a flag for steps that never wait and a wake-up for those that do.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<(AtomicBool, Notify)>);

impl Interrupt {
    /// Interrupts the step under way.
    pub fn raise(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.notify_waiters();
    }

    /// Forgets an interruption, before a new line is run.
    pub fn clear(&self) {
        self.0.0.store(false, Ordering::Release);
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }

    /// Waits until it is raised.
    pub async fn raised(&self) {
        let notified = self.0.1.notified();
        if !self.is_raised() {
            notified.await;
        }
    }
}
