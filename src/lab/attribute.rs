//! What a socket can be asked for by name: `$srv.port`, `$ada.peer`.

use crate::language::expr::Ref;
use crate::language::mistake::Mistake;
use crate::net::{Connection, End};
use crate::value::Value;

use super::{Binding, Kind};

/// A connection's attributes.
pub const OF_CONNECTION: &[&str] =
    &["port", "peer", "local", "sent", "received", "state", "unread", "unacked", "acked", "tcp", "rtt"];
/// A listening socket's attributes.
pub const OF_LISTENER: &[&str] = &["port", "local", "accepted"];

/// A program's attributes.
pub const OF_PROGRAM: &[&str] = &["pid", "exit", "said"];

/// A class's attributes; `$roster` has them too.
pub const OF_CLASS: &[&str] = &["port", "local", "here", "count", "passed", "failed", "refused", "messages"];

/// The attributes of runs of a script.
pub const OF_LOAD: &[&str] = &["times", "ended", "failed"];

/// `$srv.port`, `$ada.peer`, ...
pub fn attribute(socket: &Binding, reference: &Ref) -> Result<Value, Mistake> {
    let name = Kind::of(socket).attribute(reference)?;
    Ok(match (socket, name) {
        (Binding::Listener(listener), "port") => Value::Int(i64::from(listener.local.port())),
        (Binding::Listener(listener), "local") => Value::str(&listener.local.to_string()),
        (Binding::Listener(listener), "accepted") => number(listener.accepted),
        (Binding::Connection(link), "port") => Value::Int(i64::from(link.connection.local.port())),
        (Binding::Connection(link), "peer") => Value::str(&link.connection.peer.to_string()),
        (Binding::Connection(link), "local") => Value::str(&link.connection.local.to_string()),
        (Binding::Connection(link), "sent") => number(link.connection.writer().sent()),
        (Binding::Connection(link), "received") => number(link.connection.received),
        (Binding::Load(handle), "times") => number(handle.load.times),
        (Binding::Load(handle), "ended") => number(handle.load.progress().0),
        (Binding::Load(handle), "failed") => number(handle.load.progress().1),
        (Binding::Program(program), "pid") => Value::Int(i64::from(program.pid)),
        (Binding::Program(program), "exit") => {
            program.ended().map_or(Value::None, |ended| Value::Int(i64::from(ended.status)))
        }
        (Binding::Program(program), "said") => number(program.said().total),
        (Binding::Connection(link), name) => of_kernel(&link.connection, name),
        (Binding::Class(class), "port") => Value::Int(i64::from(class.local.port())),
        (Binding::Class(class), "local") => Value::str(&class.local.to_string()),
        (Binding::Class(class), name) => {
            let status = class.status();
            number(match name {
                "here" => status.here as u64,
                "count" => status.count as u64,
                "passed" => status.passed as u64,
                "failed" => status.failed as u64,
                "refused" => status.refused,
                _ => status.messages,
            })
        }
        // Its own attributes are all that is left.
        _ => Value::None,
    })
}

fn number(n: u64) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// How it stands with a connection, the kernel asked; None where it does not tell.
fn of_kernel(connection: &Connection, name: &str) -> Value {
    let facts = connection.facts();
    let (buffered, unread) = connection.waiting();
    let told = match name {
        "state" => Some(Value::str(state(connection))),
        "unread" => unread.map(|unread| number(unread + buffered as u64)),
        "unacked" => facts.and_then(|facts| facts.unacked).map(number),
        "acked" => {
            let sent = connection.writer().sent();
            facts.and_then(|facts| facts.unacked).map(|unacked| number(sent.saturating_sub(unacked)))
        }
        "tcp" => facts.map(|facts| Value::str(facts.state)),
        // In milliseconds.
        _ => facts.and_then(|facts| facts.round_trip).map(|rtt| Value::Float(rtt.as_secs_f64() * 1000.0)),
    };
    told.unwrap_or(Value::None)
}

/// Open, closed, half-closed: as far as steps have learned of it.
pub fn state(connection: &Connection) -> &'static str {
    match (connection.end(), connection.writer().can_write(), connection.can_read) {
        (Some(End::Reset), ..) => "reset by peer",
        (Some(End::Dead), ..) => "dead",
        (Some(End::Closed), false, _) => "closed both ways",
        (Some(End::Closed), true, _) => "peer closed",
        (None, false, false) => "shut down",
        (None, false, true) => "open, not sending",
        (None, true, false) => "open, not reading",
        (None, true, true) => "open",
    }
}
