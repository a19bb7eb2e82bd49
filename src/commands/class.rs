//! The class server's commands: serving, the roster, a word to everyone, waiting for a class.

use std::path::PathBuf;
use std::sync::Arc;

use crate::class::{Class, Journal, Status};
use crate::command::{Arg, Call, Group, Names, Parsed, Spec};
use crate::event::{Failure, Identity, What};
use crate::lab::{Binding, Lab, Limit, MAX_CLIENTS_DEFAULT, not_a_class};
use crate::pickle;
use crate::platform;

use super::seat;

/// Descriptors that a server needs beside its clients': the listener, the journal, the terminal, the runtime's own.
const DESCRIPTORS_KEPT: u64 = 32;

/// A limit below this is told at the start also when nobody asked for more.
const FEW_CLIENTS: usize = 1000;

pub static SERVE: Spec = Spec {
    name: "serve",
    aliases: &[],
    group: Group::Class,
    forms: &[&[Arg::Bind, Arg::Serving]],
    summary: "a class server: run a seat script once for each client",
    example: "serve 0 as class\nconnect 127.0.0.1:$class.port as ada\nexpect {\"clientid\": int}\n\
              send {\"student_name\": \"Ada\", \"sid\": 7}\nexpect 1 within 2s\nwait class for 1 passed within 2s\nclose class\nexpect None",
    within: false,
    names: Names::Socket,
    run: |lab, call| Box::pin(serve(lab, call)),
};

pub static ROSTER: Spec = Spec {
    name: "roster",
    aliases: &[],
    group: Group::Class,
    forms: &[&[], &[Arg::Keyword("passed")], &[Arg::Keyword("save"), Arg::File], &[Arg::Value("VALUE")]],
    summary: "show the roster, save it; in a seat script: put a client on it",
    example: "serve 0 as class\nroster",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(roster(lab, call)),
};

pub static BROADCAST: Spec = Spec {
    name: "broadcast",
    aliases: &[],
    group: Group::Class,
    forms: &[&[Arg::Value("VALUE")]],
    summary: "send a value to every client of the class",
    example: "serve 0 as class\nbroadcast {\"message\": \"five minutes left\"}",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(broadcast(lab, call))),
};

pub static WAIT: Spec = Spec {
    name: "wait",
    aliases: &[],
    group: Group::Class,
    forms: &[&[Arg::Socket], &[Arg::Socket, Arg::Keyword("for"), Arg::Count("N"), Arg::Keyword("passed")]],
    summary: "wait for a class's, program's or run's end, or N who passed",
    example: "serve 0 as class\nwait class for 0 passed within 1s",
    within: true,
    names: Names::Nothing,
    run: |lab, call| Box::pin(wait(lab, call)),
};

async fn serve(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let Some(Parsed::Serving { script, journal }) = call.args.get(1) else { return Err(call.misread(1)) };
    lab.check_free(call.name.as_deref())?;
    let listener = super::socket::bind(lab, call).await?;
    let local = listener.local;
    let journal = match journal {
        Some(template) => Some(call.path(lab, &lab.fill(template)?)),
        None => None,
    };
    let opened = match &journal {
        Some(path) => Some(Journal::open(path).map_err(Failure::network)?),
        None => None,
    };
    if let Some((_, kept)) = &opened
        && let Some(warning) = &kept.warning
    {
        lab.emit(What::Warning { socket: None, message: warning.clone(), hint: None });
    }
    let limits = limits(lab);
    let kept = opened.as_ref().map_or(0, |(_, kept)| kept.rows.len());
    let name = lab.new_crowd_name(call.name.as_deref());
    let table = journal.map(|path| path.with_extension("csv"));
    let class = Arc::new(Class::new(lab, name.clone(), local, limits, opened, table));
    lab.emit(What::Serving {
        class: name,
        local,
        addresses: platform::addresses_for(local),
        script: script.file.to_string(),
        kept,
    });
    // One thread serves everyone from now on: no step may hold it.
    lab.eager = false;
    lab.add_class(class.clone());
    seat::start(class, listener, script.clone(), lab.settings);
    Ok(())
}

/// The limits that are set, and that the descriptors allow.
fn limits(lab: &Lab) -> crate::class::Limits {
    let mut limits = lab.settings.class;
    if let Some(descriptors) = platform::raise_descriptors() {
        let possible =
            usize::try_from(descriptors.saturating_sub(DESCRIPTORS_KEPT)).unwrap_or(usize::MAX).max(1);
        let was_asked = limits.clients != MAX_CLIENTS_DEFAULT;
        let is_few = possible < FEW_CLIENTS || was_asked;
        if possible < limits.clients {
            limits.clients = possible;
        }
        if limits.clients == possible && is_few {
            let message =
                format!("this system allows {descriptors} open files here: {possible} clients are possible");
            lab.emit(What::Warning {
                socket: None,
                message,
                hint: Some("`ulimit -n` raises it before the start".into()),
            });
        }
    }
    limits
}

/// The class that a step means: a seat's own, the one named by `@NAME`, else the newest.
fn class_of(lab: &Lab, call: &Call) -> Result<Arc<Class>, Failure> {
    if let Some((name, _)) = &call.target
        && let Some(Binding::Class(class)) = lab.get(name)
    {
        return Ok(class.clone());
    }
    lab.class().ok_or_else(|| {
        Failure::script(format!("`{}` needs a class, and none is served", call.spec.name))
            .hint("`serve PORT as class` serves one")
    })
}

async fn roster(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let class = class_of(lab, call)?;
    match call.args.as_slice() {
        [] => {
            show(lab, &class);
            Ok(())
        }
        [Parsed::Word("passed")] => {
            let (class, seat) = seat_of(lab, call)?;
            class.pass(seat).await.map_err(|why| Failure::network(why.clone()).brief(why))
        }
        [Parsed::Word(_), Parsed::Text(_)] => {
            let file = call.text(lab, 1)?;
            let path: PathBuf = call.path(lab, &file);
            let shown = crate::value::escape(&file).into_owned();
            let rows = class
                .save(&path)
                .map_err(|why| Failure::network(format!("cannot save the roster as `{shown}`: {why}")))?;
            lab.emit(What::RosterSaved { file: shown, rows });
            Ok(())
        }
        _ => {
            let (class, seat) = seat_of(lab, call)?;
            let value = call.value(lab, 0)?;
            let refused = |why: String| Failure::check(format!("no row for the roster: {why}")).brief(why);
            let identity = Identity::of(&value).map_err(refused)?;
            class.identify(seat, identity).await.map_err(|why| Failure::network(why.clone()).brief(why))
        }
    }
}

fn seat_of(lab: &Lab, call: &Call) -> Result<(Arc<Class>, u64), Failure> {
    lab.seat.clone().ok_or_else(|| {
        Failure::script(format!(
            "`{}` is for a seat script: it puts that script's client on the roster",
            call.text.trim()
        ))
        .hint("`serve PORT with FILE` runs FILE for each client; `roster` alone shows the table")
    })
}

fn show(lab: &Lab, class: &Class) {
    let cut = |text: &str| crate::value::escape(&text.chars().take(40).collect::<String>()).into_owned();
    let rows = class.with_roster(|roster| {
        let row = |row: &crate::class::Row| {
            let status = match (row.duplicate_of, row.status, row.reason.as_str()) {
                (Some(first), status, _) => format!("{}, again: seat {first}", status.word()),
                (None, status @ Status::LeftEarly, reason) => format!("{}: {}", status.word(), cut(reason)),
                (None, status, _) => status.word().to_string(),
            };
            let identity = &row.identity;
            let more: Vec<String> =
                identity.more.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            vec![
                row.seat.to_string(),
                status,
                cut(&identity.name),
                cut(&identity.student_id),
                cut(&identity.github),
                cut(&identity.email),
                cut(&more.join(", ")),
            ]
        };
        roster.rows().map(row).collect()
    });
    let titles = vec!["seat", "status", "name", "student id", "github", "e-mail", "more"];
    lab.emit(What::Table { kind: "roster", titles, rows, empty: "nobody is on the roster yet" });
}

fn broadcast(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let class = class_of(lab, call)?;
    let value = call.value(lab, 0)?;
    let refused = |why: String| Failure::script(why).at(call.args_at, call.text.len() - call.args_at);
    let payload = pickle::encode(&value, lab.settings.protocol).map_err(refused)?;
    let outcome = class.broadcast(&payload, lab.seat.as_ref().map(|(_, seat)| *seat));
    let class = class.name.clone();
    lab.emit(What::Broadcast { class, value, reached: outcome.reached, dropped: outcome.dropped });
    Ok(())
}

async fn wait(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let name = lab.known_socket(call.name_at(0).unwrap_or_default(), call.args_at)?;
    let wanted = if call.form == 1 { Some(call.count(lab, 2)?) } else { None };
    let class = match (lab.get(&name), wanted) {
        (Some(Binding::Class(class)), _) => class.clone(),
        (Some(Binding::Program(_)), None) => return super::program::wait(lab, call, &name).await,
        (Some(Binding::Load(handle)), None) => {
            let load = handle.load.clone();
            let limit = Limit { duration: call.within.flatten(), from: "the step's `within`" };
            return super::run::wait(lab, load, limit, call.file.is_empty()).await;
        }
        _ => {
            return Err(not_a_class(&name));
        }
    };
    // A class takes its time: only `within` bounds the wait, not the option `timeout`.
    let limit = Limit { duration: call.within.flatten(), from: "the step's `within`" };
    let holds = |status: &crate::event::ClassStatus| wanted.is_some_and(|wanted| status.passed >= wanted);
    let outcome = limit.wait(class.wait_until(holds)).await;
    let status = class.status();
    lab.emit(What::ClassStatus { class: name.clone(), status, is_tick: false });
    match (outcome, wanted) {
        (Some(true), _) | (Some(false), None) => Ok(()),
        (Some(false), Some(wanted)) => {
            Err(Failure::check(format!("`{name}` was closed when {} of {wanted} had passed", status.passed)))
        }
        (None, Some(wanted)) => Err(Failure::check(format!(
            "{} of {wanted} students of `{name}` passed within {}",
            status.passed,
            limit.shown()
        ))
        .hint("`roster` shows who passed and how the others stand")
        .on(&name)),
        (None, None) => Err(Failure::check(format!("`{name}` is still open after {}", limit.shown()))
            .hint("`close` ends a class; `wait NAME for N passed` ends when N students have passed")),
    }
}
