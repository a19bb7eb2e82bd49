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
pub fn run<'a>(lab: &'a mut Lab, call: &'a Call) -> impl Future<Output = Result<(), Failure>> + Send + 'a {
    // How long a seat's step took is told to nobody.
    let started = if lab.seat.is_some() { lab.started } else { Instant::now() };
    run_from(lab, call, started)
}

/// The same for who knows what time it is: for a small step, to ask is a good part of what it costs.
pub async fn run_from(lab: &mut Lab, call: &Call, started: Instant) -> Result<(), Failure> {
    let is_trial = call.wanted != Wanted::Pass;
    let told = lab.failures_told;
    lab.trials += usize::from(is_trial);
    let ran = (call.spec.run)(lab, call).await;
    lab.trials = lab.trials.saturating_sub(usize::from(is_trial));
    // In a box: a class holds ten thousand steps that wait, and hardly one of them fails.
    let judged = match ran {
        Ok(()) if call.wanted == Wanted::Fail => {
            Err(Box::pin(explained(lab, call, wrongly_passed(call))).await)
        }
        Ok(()) => Ok(None),
        Err(failure) => {
            let failure = Box::pin(explained(lab, call, failure)).await;
            allowed(lab, call, failure)
        }
    };
    // The failure of a step inside this one is that step's result.
    let is_told = lab.failures_told > told;
    if lab.trials == 0 && !is_told && (judged.is_err() || is_check(call)) {
        let refusal = judged.as_ref().ok().and_then(Option::as_ref);
        tell(lab, call, started.elapsed(), judged.as_ref().err(), refusal);
    }
    judged.map(drop)
}

/// The failure with its place, and with why it happened where that is known.
async fn explained(lab: &Lab, call: &Call, failure: Failure) -> Failure {
    // Of an attempt that may be followed by another nobody asks why it failed, and to look takes time.
    let failure = if lab.trials > 0 { failure } else { diagnosis::explain(lab, call, failure).await };
    call.locate(lab.judged(call, failure))
}

fn wrongly_passed(call: &Call) -> Failure {
    // A step inside another has the text of the whole line.
    let text = call.text.get(call.verb_at..).unwrap_or(&call.text);
    let text = call.target.as_ref().map_or(text.to_string(), |(name, _)| format!("@{name} {text}"));
    Failure::check(format!("`{text}` passed, and `!` wants it to fail"))
        .hint("without `!` a step has to pass; with `?` it may do either")
}

/// What `!` and `?` make of a failure: allowed, and of a step that had to fail the reason it gave, or a failure still.
fn allowed(lab: &Lab, call: &Call, failure: Failure) -> Result<Option<String>, Failure> {
    let is_fault = matches!(failure.kind, FailureKind::Script | FailureKind::Interrupted);
    if call.wanted == Wanted::Pass || is_fault {
        return Err(failure);
    }
    let must = call.wanted == Wanted::Fail;
    let refusal = must.then(|| failure.message.clone());
    lab.emit(What::FailedAsAllowed { failure, must });
    Ok(refusal)
}

/// Tells how a step went that is a result.
fn tell(lab: &mut Lab, call: &Call, took: Duration, failure: Option<&Failure>, refusal: Option<&String>) {
    lab.failures_told += usize::from(failure.is_some());
    // Of a seat's steps nobody is told: the roster says how it stands there.
    if lab.seat.is_some() {
        return;
    }
    lab.emit(What::Result(Box::new(StepResult {
        text: call.text.clone(),
        file: call.file.clone(),
        line: call.line,
        args_at: call.args_at,
        took,
        failure: failure.cloned(),
        refusal: refusal.cloned(),
    })));
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
        let running = run_from(lab, call, started);
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
        if lab.connections().next().is_some() {
            failure = failure.hint("every socket is still open, and no byte that arrived is lost");
        } else if lab.sockets().next().is_some() {
            failure = failure.hint("what was begun goes on: `sockets` lists it");
        }
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
