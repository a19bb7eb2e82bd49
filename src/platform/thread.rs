//! Work beside the thread that runs the steps; a system that refuses one more thread ends nothing.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

/// Starts a thread. `Err`: the system refuses one more.
pub fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().spawn(work).map(drop)
}

/// Does something that may take long on a thread of its own, or at once and here where there is none to be had. No answer
/// comes from work that panics.
pub fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (done, waits) = oneshot::channel();
    // A thread that cannot be started gives back nothing of what it was given.
    let once = Arc::new(Mutex::new(Some(move || drop(done.send(work())))));
    let there = once.clone();
    if start(move || do_once(&there)).is_err() {
        do_once(&once);
    }
    waits
}

fn do_once(work: &Mutex<Option<impl FnOnce()>>) {
    let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(work) = work {
        work();
    }
}
