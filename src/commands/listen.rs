//! Listening mode, the lab's `while True: recv()`, and what `on` has it do.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use crate::command::{Arg, Call, Group, Names, Parsed, Spec};
use crate::event::{Failure, Message, What};
use crate::lab::{Handler, Lab, Limit};
use crate::net::{End, StreamError};
use crate::pattern::count;
use crate::step::{self, STEPS_PER_TURN};
use crate::value::Value;

use super::receive::{look, no_message, take};

pub static ON: Spec = Spec {
    name: "on",
    aliases: &[],
    group: Group::Checks,
    forms: &[&[Arg::Pattern, Arg::Step]],
    summary: "what listening mode does with a message that matches; `$n` counts",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\n@ada send {\"option\": 1}\n\
              on {\"option\": 1} send {\"clients\": [\"Nina\"]}\n@ada shutdown write\n@seat listen\n@ada expect {\"clients\": list}",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(on(lab, call))),
};

fn on(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let [Parsed::Pattern(pattern), Parsed::Step(step)] = call.args.as_slice() else {
        return Err(call.misread(0));
    };
    let (pattern, step) = (pattern.clone(), step.clone());
    lab.handlers.push(Handler { pattern, step });
    Ok(())
}

/// Shows messages, or does with them what `on` says, until the peer closes, the time is up, or Ctrl-C.
pub async fn listening_mode(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let name = lab.socket_name(call)?;
    let started = Instant::now();
    let deadline = call.within.flatten().map(|duration| started + duration);
    let mut messages = 0;
    loop {
        let waiting = Instant::now();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let settings = lab.settings_of(&name);
        let limit = Limit { duration: left, from: "the step's `within`" };
        let connection = &mut lab.link(&name)?.connection;
        // Pinned here, or the wait would hold it twice, for each of ten thousand clients.
        let outcome = limit.wait(pin!(connection.message(settings.framing, settings.max_message))).await;
        match outcome {
            None => {
                lab.emit(What::ListenedOut { socket: name, messages, took: started.elapsed() });
                return Ok(());
            }
            Some(Err(StreamError::Ended { end: end @ End::Closed, partial: 0, .. })) => {
                lab.emit(What::Ended {
                    socket: name,
                    end,
                    messages: Some(messages),
                    took: started.elapsed(),
                });
                return Ok(());
            }
            Some(Err(error)) => {
                let failure = no_message(lab, &name, &error, &settings);
                return Err(failure.detail("before it", count(messages, "message")));
            }
            Some(Ok(place)) => {
                let arrived = look(lab, &name, place, &settings, waiting.elapsed())?;
                let message = take(lab, &name, arrived)?;
                messages += 1;
                handle(lab, &name, message, messages).await?;
                if lab.quitting || lab.get(&name).is_none() {
                    return Ok(());
                }
                if messages % STEPS_PER_TURN as u64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// Runs the step of the first `on` whose pattern matches, on this socket; a message that none takes is shown.
async fn handle(lab: &mut Lab, name: &str, message: Message, number: u64) -> Result<(), Failure> {
    if let Some((class, _)) = &lab.seat {
        class.count_message();
    }
    let Some((step, captures)) = matching(lab, &message.value)? else {
        lab.emit(What::Received { socket: name.into(), message });
        return Ok(());
    };
    lab.emit(What::Received { socket: name.into(), message: Message { expected: true, ..message } });
    for (capture, value) in captures {
        lab.bind_value(&capture, value)?;
    }
    lab.bind_value("n", Value::Int(i64::try_from(number).unwrap_or(i64::MAX)))?;
    let before = lab.current.replace(name.into());
    // In a box: most of ten thousand clients that are listened to have no step like this.
    let outcome = Box::pin(step::run(lab, &step)).await;
    if before.as_deref().is_some_and(|before| lab.get(before).is_some()) {
        lab.current = before;
    }
    outcome
}

type Match = (Arc<Call>, Vec<(String, Value)>);

fn matching(lab: &Lab, value: &Value) -> Result<Option<Match>, Failure> {
    for handler in &lab.handlers {
        if let Ok(captures) = handler.pattern.matches(value, &|reference| lab.lookup(reference))? {
            return Ok(Some((handler.step.clone(), captures)));
        }
    }
    Ok(None)
}
