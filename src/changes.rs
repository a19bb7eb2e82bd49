//! Waiting for a state that others change.

use tokio::sync::Notify;

/// Tells everyone who waits for a state that it has changed.
#[derive(Debug, Default)]
pub struct Changes(Notify);

impl Changes {
    /// It has changed.
    pub fn tell(&self) {
        self.0.notify_waiters();
    }

    /// Looks at once and after each change, until `look` finds what is waited for.
    pub async fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            let told = self.0.notified();
            tokio::pin!(told);
            // Before the look, or a change between the two would be missed.
            told.as_mut().enable();
            if let Some(found) = look() {
                return found;
            }
            told.await;
        }
    }
}
