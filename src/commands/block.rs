//! Blocks of steps: repeating them, and running them whatever happened before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::command::{Arg, Call, Group, Item, Names, Parsed, Script, Spec};
use crate::event::{Failure, FailureKind, What};
use crate::lab::{Binding, Lab, shown_duration};
use crate::step::{self, STEPS_PER_TURN};
use crate::value::Value;

use super::flow::run_items;

/// What `repeat until` waits between two attempts at first, and at most: a server that is starting is met soon, one that takes
/// long is not asked a thousand times.
const FIRST_REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_millis(500);
/// What is kept of the whole time for the last attempt: a connection on this machine takes less than a millisecond, one across a
/// continent a hundred, and that has been tried for longer before.
const LAST_TRY: Duration = Duration::from_millis(20);

pub static REPEAT: Spec = Spec {
    name: "repeat",
    aliases: &[],
    group: Group::Flow,
    forms: &[
        &[Arg::Count("N"), Arg::Block],
        &[Arg::Count("N"), Arg::Step],
        &[Arg::Keyword("until"), Arg::StepPasses],
    ],
    summary: "run steps N times, `$n` counts; or one step until it passes",
    example: "listen 0 as srv\nrepeat until connect 127.0.0.1:$srv.port as ada passes within 2s\naccept srv as seat\n\
              repeat 3\n    @ada send {\"turn\": $n}\n    @seat expect {\"turn\": $n}\nend",
    within: true,
    names: Names::Nothing,
    run: |lab, call| Box::pin(repeat(lab, call)),
};

pub static ALWAYS: Spec = Spec {
    name: "always",
    aliases: &[],
    group: Group::Flow,
    forms: &[&[Arg::Block]],
    summary: "run these steps at the end, whatever happened before",
    example: "listen 0 as srv\nalways\n    close srv\nend\nsay The listener is closed in any case",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(always(lab, call))),
};

async fn repeat(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    if let [Parsed::Word(_), Parsed::Step(inner)] = call.args.as_slice() {
        return Box::pin(until(lab, call, inner)).await;
    }
    if call.within.is_some() {
        return Err(Failure::script("`within` bounds `repeat until`; here each step has its own")
            .hint("repeat until STEP passes within DURATION"));
    }
    let times = call.count(lab, 0)?;
    if let Some(Parsed::Step(inner)) = call.args.get(1)
        && times > 1
        && inner.spec.names == Names::Socket
        && inner.name.as_deref().is_some_and(|name| !matches!(lab.get(name), Some(Binding::Value(_))))
    {
        return Err(Failure::script("a name is for one socket, and this step would make several")
            .hint("leave `as` out: they are called c1, c2, ..."));
    }
    for turn in 1..=times {
        lab.bind_value("n", Value::Int(i64::try_from(turn).unwrap_or(i64::MAX)))?;
        let outcome = match call.args.get(1) {
            Some(Parsed::Step(inner)) => step::run(lab, inner).await,
            Some(Parsed::Script(block)) => Box::pin(run_items(lab, block)).await,
            _ => return Err(call.misread(1)),
        };
        outcome.map_err(|failure| {
            if times > 1 { failure.detail("turn", format!("{turn} of {times}")) } else { failure }
        })?;
        if turn % STEPS_PER_TURN == 0 {
            tokio::task::yield_now().await;
        }
        if lab.quitting {
            break;
        }
    }
    Ok(())
}

/// Tries a step until it passes or the time is up; then the last failure says why.
async fn until(lab: &mut Lab, call: &Call, inner: &Call) -> Result<(), Failure> {
    let limit = lab.settings.limit(call);
    let started = Instant::now();
    let mut rest = FIRST_REST;
    let (mut tried, mut is_last, mut before) = (0, false, None);
    loop {
        tried += 1;
        // Whom a connection is to reach: a program that has ended will not listen any more.
        let has_nobody = inner.spec.name == "connect" && lab.is_nobody_left();
        let left = limit.duration.map(|whole| whole.saturating_sub(started.elapsed()));
        let attempt = crate::lab::Limit { duration: left, from: limit.from };
        // That an attempt fails is no result; that all of them did is.
        let trials = lab.trials;
        lab.trials += 1;
        let outcome = attempt.wait(step::run(lab, inner)).await;
        // One that was given up has left its own open.
        lab.trials = trials;
        let failure = match outcome {
            Some(Ok(())) => return Ok(()),
            Some(Err(failure)) if !matches!(failure.kind, FailureKind::Check | FailureKind::Network) => {
                return Err(failure);
            }
            Some(Err(failure)) => failure,
            // The last attempt has little time, and those before it know more.
            None => before
                .take()
                .filter(|_| is_last)
                .unwrap_or_else(|| inner.locate(Failure::check("it was still waiting when the time was up"))),
        };
        if has_nobody {
            return Err(failure.detail("tried", "until every program that was started had ended"));
        }
        let left = limit.duration.map(|whole| whole.saturating_sub(started.elapsed()));
        is_last |= left.is_some_and(|left| left.is_zero());
        if is_last {
            let within = limit.duration.map_or(String::new(), shown_duration);
            let tried = if tried == 1 { "once".to_string() } else { format!("{tried} times") };
            return Err(failure.detail("tried", format!("{tried} within {within} ({})", limit.from)));
        }
        if let Some(left) = left {
            let most = left.saturating_sub(LAST_TRY.min(left / 2));
            is_last = rest >= most;
            rest = rest.min(most);
        }
        before = Some(failure);
        tokio::time::sleep(rest).await;
        rest = (rest * 2).min(LONGEST_REST);
    }
}

/// At a prompt the block waits for the end of the session; a script has registered its own before its first step.
fn always(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(Parsed::Script(block)) = call.args.first() else { return Err(call.misread(0)) };
    if !lab.always.iter().any(|registered| Arc::ptr_eq(registered, block)) {
        lab.always.push(block.clone());
    }
    Ok(())
}

/// Registers the `always` blocks of a script. Gives how many were registered before, for [`clean_up`].
pub fn register(lab: &mut Lab, script: &Script) -> usize {
    let before = lab.always.len();
    for item in &script.items {
        if let Item::Step(call) = item
            && call.spec.name == ALWAYS.name
            && let Some(Parsed::Script(block)) = call.args.first()
        {
            lab.always.push(block.clone());
        }
    }
    before
}

/// Runs the `always` blocks that were registered since; each step is tried, also behind one that fails and after Ctrl-C. A second
/// Ctrl-C gives them up. Of several failures the one that decides the exit status is given, the others are told.
pub async fn clean_up(lab: &mut Lab, before: usize) -> Result<(), Failure> {
    let mut outcome: Result<(), Failure> = Ok(());
    // The block itself was recorded.
    let recorder = lab.recorder.take();
    while lab.always.len() > before {
        lab.interrupt.clear();
        let block = lab.always.remove(before);
        for item in &block.items {
            let Item::Step(call) = item else { continue };
            super::announce(lab, call);
            let Err(failure) = Box::pin(step::run_interruptible(lab, call)).await else { continue };
            let is_interrupted = failure.kind == FailureKind::Interrupted;
            match &outcome {
                Err(worst) if worst.kind.status() > failure.kind.status() => lab.emit(What::Failed(failure)),
                _ => {
                    if let Err(earlier) = std::mem::replace(&mut outcome, Err(failure)) {
                        lab.emit(What::Failed(earlier));
                    }
                }
            }
            if is_interrupted {
                lab.always.truncate(before);
                break;
            }
        }
    }
    lab.recorder = recorder;
    outcome
}
