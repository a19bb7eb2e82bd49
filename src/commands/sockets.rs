//! Listing sockets, and telling all that is known of one.

use crate::command::{Arg, Call, Group, Names, Spec};
use crate::event::{Failure, Story, What};
use crate::lab::{Binding, Lab, state};
use crate::load::Load;
use crate::net::{Connection, Listener, NOT_KNOWN};
use crate::pattern::count;
use crate::program::Program;

use super::meta;

pub static SOCKETS: Spec = Spec {
    name: "sockets",
    aliases: &[],
    group: Group::Sockets,
    forms: &[&[], &[Arg::Socket]],
    summary: "list the sockets with what the kernel knows, or tell all of one",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\nsockets\nsockets ada",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(sockets(lab, call))),
};

/// The columns; those that a narrow screen has no room for stand below their row.
const TITLES: [&str; 10] =
    ["name", "state", "local", "peer", "sent", "received", "unread", "tcp", "unacked", "rtt"];

fn sockets(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    if let Some(name) = call.name_at(0) {
        let name = lab.known_socket(name, call.args_at)?;
        if let Some(Binding::Connection(link)) = lab.get(&name) {
            let options = meta::of_connection(&lab.settings_of(&name));
            let story = Box::new(story(&link.connection, options));
            lab.emit(What::Connection { socket: name, story });
            return Ok(());
        }
        table(lab, Some(&name));
    } else {
        table(lab, None);
    }
    Ok(())
}

fn story(connection: &Connection, options: Vec<(&'static str, String)>) -> Story {
    let (buffered, unread) = connection.waiting();
    Story {
        local: connection.local,
        peer: connection.peer,
        state: state(connection),
        sent: connection.writer().sent(),
        queued: connection.writer().unsent(),
        received: connection.received,
        buffered,
        unread,
        tcp: connection.facts(),
        options,
    }
}

fn table(lab: &Lab, only: Option<&str>) {
    let mut rows = Vec::new();
    for (name, binding) in lab.names().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        let mark = if lab.current.as_deref() == Some(name) { format!("{name} *") } else { name.to_string() };
        let cells = match binding {
            Binding::Value(_) => continue,
            Binding::Load(handle) => of_runs(&handle.load),
            Binding::Class(class) => {
                vec![
                    "serving".into(),
                    class.local.to_string(),
                    String::new(),
                    format!("{} here", class.status().here),
                ]
            }
            Binding::Program(program) => of_program(program),
            Binding::Listener(listener) => of_listener(listener),
            Binding::Connection(link) => of_connection(&link.connection),
        };
        let mut row = vec![mark];
        row.extend(cells);
        row.resize(TITLES.len(), String::new());
        rows.push(row);
    }
    lab.emit(What::Table { kind: "sockets", titles: TITLES.to_vec(), rows, empty: "no socket is open" });
}

fn of_program(program: &Program) -> Vec<String> {
    vec![
        program.ended().map_or("running".to_string(), |it| format!("exit {}", it.status)),
        format!("pid {}", program.pid),
        String::new(),
        String::new(),
        format!("{} B", program.said().total),
    ]
}

fn of_runs(load: &Load) -> Vec<String> {
    let (ended, failed, _) = load.progress();
    let state = if load.is_done() { "ended" } else { "running" };
    // Under `local` and `peer`, of which runs have none of their own.
    vec![state.into(), format!("{ended} of {}", count(load.times, "run")), format!("{failed} failed")]
}

fn of_listener(listener: &Listener) -> Vec<String> {
    let waiting = listener.waiting();
    vec![
        "listening".into(),
        listener.local.to_string(),
        // Under `peer`, which a listening socket has none of: the line then fits 80 columns.
        format!("{} accepted", listener.accepted),
        String::new(),
        String::new(),
        // What it has not taken yet are clients, not bytes.
        waiting.filter(|clients| *clients > 0).map_or(String::new(), |clients| count(clients, "client")),
        if waiting.is_some() { "LISTEN" } else { NOT_KNOWN }.into(),
    ]
}

fn of_connection(connection: &Connection) -> Vec<String> {
    let (buffered, kernel) = connection.waiting();
    let facts = connection.facts();
    // Of a connection that is gone the kernel tells that it is gone, and no more.
    let untold = if facts.is_some() { "" } else { NOT_KNOWN };
    let known = |told: Option<String>| told.unwrap_or_else(|| untold.to_string());
    vec![
        state(connection).into(),
        connection.local.to_string(),
        connection.peer.to_string(),
        format!("{} B", connection.writer().sent()),
        format!("{} B", connection.received),
        match kernel {
            Some(kernel) => format!("{} B", buffered as u64 + kernel),
            None => format!("{buffered} B and more: {NOT_KNOWN}"),
        },
        known(facts.as_ref().map(|facts| facts.state.to_string())),
        known(facts.as_ref().and_then(|facts| facts.unacked).map(|bytes| format!("{bytes} B"))),
        known(facts.and_then(|facts| facts.round_trip).map(shown_ms)),
    ]
}

/// A round trip on one machine takes some hundredths of a millisecond.
fn shown_ms(round_trip: std::time::Duration) -> String {
    format!("{:.2} ms", round_trip.as_secs_f64() * 1000.0)
}
