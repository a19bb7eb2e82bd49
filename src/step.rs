//! Runs one step: `!` and `?`, the place of a failure, and Ctrl-C.

use std::future::Future;
use std::time::Duration;

use crate::command::{Call, Wanted};
use crate::diagnosis;
use crate::event::{Event, Failure, FailureKind, What};
use crate::lab::{Binding, Lab};

/// After this many steps or messages without a wait, others get their turn: Ctrl-C above all, and the other
/// interpreters of this thread. A read from a socket that always has bytes is no wait.
pub const STEPS_PER_TURN: usize = 64;

/// Runs a step and gives its failure a place.
pub async fn run(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let outcome = match (call.spec.run)(lab, call).await {
        Ok(()) => Ok(()),
        Err(failure) => Err(call.locate(diagnosis::explain(lab, call, failure).await)),
    };
    match (call.wanted, outcome) {
        (Wanted::Pass, outcome) => outcome,
        (Wanted::Fail, Ok(())) => {
            let text = call.text.trim_start_matches(['!', ' ']);
            let failure = Failure::check(format!("`{text}` passed, and `!` wants it to fail"));
            Err(call.locate(failure.hint("without `!` a step has to pass; with `?` it may do either")))
        }
        (Wanted::Either, Ok(())) => Ok(()),
        (wanted, Err(failure)) => match failure.kind {
            FailureKind::Check | FailureKind::Network => {
                lab.emit(What::FailedAsAllowed { failure, must: wanted == Wanted::Fail });
                Ok(())
            }
            FailureKind::Script | FailureKind::Interrupted => Err(failure),
        },
    }
}

/// Runs a step that Ctrl-C can cancel. What it awaited is cancel-safe, so sockets and their bytes stay as they were.
pub async fn run_interruptible(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let interrupt = lab.interrupt.clone();
    if interrupt.is_raised() {
        return Err(interrupted(lab, call));
    }
    let sink = lab.sink();
    lab.step_begins(call);
    let done = {
        let mut waits = false;
        let running = run(lab, call);
        tokio::pin!(running);
        // The first time the step has to wait, what was said so far is written out.
        let watched = std::future::poll_fn(|context| {
            let polled = running.as_mut().poll(context);
            if polled.is_pending() && !std::mem::replace(&mut waits, true) {
                sink(Event { at: Duration::ZERO, what: What::Waiting });
            }
            polled
        });
        tokio::select! {
            biased;
            outcome = watched => Some(outcome),
            () = interrupt.raised() => None,
        }
    };
    let outcome = done.unwrap_or_else(|| Err(interrupted(lab, call)));
    lab.step_ends(call, &outcome);
    if !lab.eager {
        // Others live on this thread, a class above all, and a step that never waits would keep them from their turn.
        tokio::task::yield_now().await;
    }
    outcome
}

/// Ctrl-C: what it means for the sockets, and the bytes of a message that was begun and not sent to its end.
fn interrupted(lab: &Lab, call: &Call) -> Failure {
    let mut failure = Failure::new(FailureKind::Interrupted, format!("`{}` was interrupted", call.spec.name));
    // A script ends here, and its sockets with it; at the prompt they live on.
    if call.file.is_empty() {
        failure = failure.hint("every socket is still open, and no byte that arrived is lost");
        for (name, binding) in lab.names() {
            if let Binding::Connection(link) = binding
                && let unsent @ 1.. = link.connection.writer().unsent()
            {
                let owed = format!("{unsent} B on `{name}`: they go out before the next `send` on it");
                failure = failure.detail("not sent", owed);
            }
        }
    }
    call.locate(failure)
}
