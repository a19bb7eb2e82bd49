//! Runs one step: `!` and `?`, the place of a failure, its result, and Ctrl-C.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::command::{Call, Wanted};
use crate::diagnosis;
use crate::event::{Event, Failure, FailureKind, StepResult, What};
use crate::lab::{Binding, Lab};

/// After this many steps or messages without a wait, others get their turn: Ctrl-C above all, and the other
/// interpreters of this thread. A read from a socket that always has bytes is no wait.
pub const STEPS_PER_TURN: usize = 64;

/// The commands that check something: each time one is run is a result, also when it passes.
const CHECKS: [&str; 3] = ["expect", "check", "wait"];

/// Whether a step is a result when it passes. What `?` marks may do either, and so is none.
pub fn is_check(call: &Call) -> bool {
    match call.wanted {
        // `repeat until STEP passes` waits for what it wants, as `wait` does.
        Wanted::Pass => CHECKS.contains(&call.spec.name) || call.is_until(),
        Wanted::Fail => true,
        Wanted::Either => false,
    }
}

/// Runs a step, gives its failure a place, and tells its result.
pub async fn run(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let started = Instant::now();
    let is_trial = call.wanted != Wanted::Pass;
    let told = lab.failures_told;
    lab.trials += usize::from(is_trial);
    let ran = (call.spec.run)(lab, call).await;
    lab.trials = lab.trials.saturating_sub(usize::from(is_trial));
    // The failure of a step inside this one is that step's result.
    let is_told = lab.failures_told > told;
    // What was not to be seen was seen: a failure like any other, and that may be telling.
    let is_wrongly_passed = call.wanted == Wanted::Fail && ran.is_ok();
    let ran = if is_wrongly_passed { Err(wrongly_passed(call)) } else { ran };
    let ran = match ran {
        Ok(()) => Ok(()),
        // Of an attempt that may be followed by another nobody asks why it failed, and to look takes time.
        Err(failure) if lab.trials > 0 => Err(call.locate(lab.judged(call, failure))),
        Err(failure) => {
            let explained = diagnosis::explain(lab, call, failure).await;
            Err(call.locate(lab.judged(call, explained)))
        }
    };
    let refusal = match (call.wanted, &ran) {
        (Wanted::Fail, Err(failure)) if !is_wrongly_passed => Some(failure.message.clone()),
        _ => None,
    };
    let outcome = if is_wrongly_passed { ran } else { judge(lab, call, ran) };
    if lab.trials == 0 && !is_told {
        let failure = outcome.as_ref().err();
        if failure.is_some() || is_check(call) {
            tell(lab, call, started.elapsed(), failure, refusal);
        }
    }
    outcome
}

/// Tells how a step went that is a result.
fn tell(lab: &mut Lab, call: &Call, took: Duration, failure: Option<&Failure>, refusal: Option<String>) {
    lab.failures_told += usize::from(failure.is_some());
    lab.emit(What::Result(Box::new(StepResult {
        text: call.text.clone(),
        file: call.file.clone(),
        line: call.line,
        args_at: call.args_at,
        took,
        failure: failure.cloned().map(Box::new),
        refusal,
    })));
}

fn wrongly_passed(call: &Call) -> Failure {
    let text = call.text.trim_start_matches(['!', ' ']);
    Failure::check(format!("`{text}` passed, and `!` wants it to fail"))
        .hint("without `!` a step has to pass; with `?` it may do either")
}

/// What `!` and `?` make of a failure.
fn judge(lab: &Lab, call: &Call, outcome: Result<(), Failure>) -> Result<(), Failure> {
    match outcome {
        Err(failure)
            if call.wanted != Wanted::Pass
                && matches!(failure.kind, FailureKind::Check | FailureKind::Network) =>
        {
            lab.emit(What::FailedAsAllowed { failure, must: call.wanted == Wanted::Fail });
            Ok(())
        }
        outcome => outcome,
    }
}

/// Runs a step that Ctrl-C can cancel. What it awaited is cancel-safe, so sockets and their bytes stay as they were.
pub async fn run_interruptible(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let interrupt = lab.interrupt.clone();
    let trials = lab.trials;
    let started = Instant::now();
    if interrupt.is_raised() {
        let failure = interrupted(lab, call);
        tell(lab, call, Duration::ZERO, Some(&failure), None);
        return Err(failure);
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
    // A step that was interrupted has left those open that it was trying.
    lab.trials = trials;
    if let Err(failure) = &outcome
        && failure.kind == FailureKind::Interrupted
    {
        tell(lab, call, started.elapsed(), Some(failure), None);
    }
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
