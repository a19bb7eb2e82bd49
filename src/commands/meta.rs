//! The shell itself: options, names, help, history, the way out.

use crate::command::{Arg, Call, Codec, Group, Names, Parsed, Setting, Spec};
use crate::event::{Failure, What};
use crate::lab::{Binding, Lab, Settings};
use crate::language::shown_setting;
use crate::net::Framing;
use crate::reference;
use crate::value::Value;

/// How much of a value `vars` shows, in characters.
const SHOWN_VALUE: usize = 100;

/// How much of a type's name `vars` shows, in characters.
const SHOWN_TYPE: usize = 30;

pub static SET: Spec = Spec {
    name: "set",
    aliases: &[],
    group: Group::Shell,
    forms: &[&[], &[Arg::Setting]],
    summary: "set an option for all sockets, or for `@NAME`; alone: list them",
    example: "set timeout 2s\nset protocol 2\nset",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(set(lab, call))),
};

pub static VARS: Spec = Spec {
    name: "vars",
    aliases: &[],
    group: Group::Shell,
    forms: &[&[]],
    summary: "list the names with their values",
    example: "let id = 7\nvars",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(vars(lab, call))),
};

pub static HELP: Spec = Spec {
    name: "help",
    aliases: &[],
    group: Group::Shell,
    forms: &[&[], &[Arg::Verb]],
    summary: "list the commands, or show one with its forms and an example",
    example: "help\nhelp send",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(help(lab, call))),
};

pub static HISTORY: Spec = Spec {
    name: "history",
    aliases: &[],
    group: Group::Shell,
    forms: &[&[]],
    summary: "list the lines that were run",
    example: "history",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(history(lab, call))),
};

pub static QUIT: Spec = Spec {
    name: "quit",
    aliases: &["exit"],
    group: Group::Shell,
    forms: &[&[]],
    summary: "leave; every socket is closed (also Ctrl-D)",
    example: "quit",
    within: false,
    names: Names::Nothing,
    run: |lab, _| {
        lab.quitting = true;
        Box::pin(std::future::ready(Ok(())))
    },
};

fn set(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let target = match &call.target {
        Some((name, at)) => Some(lab.known_socket(name, *at)?),
        None => None,
    };
    match call.args.as_slice() {
        [] => {
            let settings = target.as_deref().map_or(lab.settings, |name| lab.settings_of(name));
            let rows = all(&settings).map(|(option, value)| vec![option.to_string(), value]).to_vec();
            lab.emit(What::Table { kind: "settings", titles: vec!["option", "value"], rows, empty: "" });
        }
        [Parsed::Setting(setting)] => {
            let before = target.as_deref().map_or(lab.settings, |name| lab.settings_of(name));
            let also = also(*setting, &before);
            for setting in std::iter::once(*setting).chain(also) {
                match &target {
                    Some(name) => {
                        let own = &mut lab.link(name)?.own;
                        own.retain(|old| std::mem::discriminant(old) != std::mem::discriminant(&setting));
                        own.push(setting);
                    }
                    None => lab.settings.set(setting),
                }
            }
            let (option, value) = shown_setting(*setting);
            let note = also.map(|also| {
                let (option, value) = shown_setting(also);
                format!(
                    "{option} is now {value}: a {} message does not show its own end",
                    shown_setting(*setting).1
                )
            });
            let note = note.filter(|_| !matches!(setting, Setting::Codec(Codec::Pickle)));
            lab.emit(What::OptionSet { socket: target, option, value, note });
        }
        _ => return Err(call.misread(0)),
    }
    Ok(())
}

fn all(settings: &Settings) -> [(&'static str, String); 11] {
    [
        Setting::Timeout(settings.timeout),
        Setting::Codec(settings.codec),
        Setting::Framing(settings.framing),
        Setting::Protocol(settings.protocol),
        Setting::MaxMessage(settings.max_message),
        Setting::MaxClients(settings.class.clients),
        Setting::MaxPerAddress(settings.class.per_address),
        Setting::Show(settings.show),
        Setting::OnFailure(settings.on_failure),
        Setting::ProgramTime(settings.program_time),
        Setting::ReuseAddress(settings.reuse_address),
    ]
    .map(shown_setting)
}

/// The options that hold for a connection; the others are a class's, a script's or a program's.
pub fn of_connection(settings: &Settings) -> Vec<(&'static str, String)> {
    const ITS: [&str; 5] = ["timeout", "codec", "framing", "protocol", "max-message"];
    all(settings).into_iter().filter(|(option, _)| ITS.contains(option)).collect()
}

/// The framing that goes with a codec where the framing so far cannot: only a pickle shows where it ends.
fn also(setting: Setting, before: &Settings) -> Option<Setting> {
    match (setting, before.framing) {
        (Setting::Codec(Codec::Json | Codec::Text), Framing::Pickle) => Some(Setting::Framing(Framing::Line)),
        (Setting::Codec(Codec::Hex), Framing::Pickle) => Some(Setting::Framing(Framing::None)),
        (Setting::Codec(Codec::Pickle), Framing::Line | Framing::None) => {
            Some(Setting::Framing(Framing::Pickle))
        }
        _ => None,
    }
}

fn vars(lab: &mut Lab, _call: &Call) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for (name, binding) in lab.names() {
        if let Binding::Value(value) = binding {
            rows.push(vec![name.to_string(), type_of(value), value.repr_cut(SHOWN_VALUE).0]);
        }
    }
    if let Some(last) = &lab.last {
        rows.push(vec!["_".to_string(), type_of(last), last.repr_cut(SHOWN_VALUE).0]);
    }
    let titles = vec!["name", "type", "value"];
    lab.emit(What::Table {
        kind: "vars",
        titles,
        rows,
        empty: "no value has a name; `let NAME = VALUE` gives one",
    });
    Ok(())
}

/// A value's type; the name of a class is the peer's and can be of any length.
fn type_of(value: &Value) -> String {
    let name = value.type_name();
    match name.char_indices().nth(SHOWN_TYPE) {
        Some((cut, _)) => format!("{}...", &name[..cut]),
        None => name.to_string(),
    }
}

fn help(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let table = super::TABLE;
    let text = match call.name_at(0).and_then(|verb| table.iter().find(|spec| spec.name == verb)) {
        Some(spec) => reference::help(spec),
        None => reference::overview(table),
    };
    lab.emit(What::Text { kind: "help", text });
    Ok(())
}

fn history(lab: &mut Lab, _call: &Call) -> Result<(), Failure> {
    let mut text = String::new();
    for (number, line) in lab.history.iter().enumerate() {
        text.push_str(&format!("{:>5}  {}\n", number + 1, crate::value::escape(line)));
    }
    lab.emit(What::Text { kind: "history", text });
    Ok(())
}
