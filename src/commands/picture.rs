//! `flow`: the conversation so far as a picture, shown or saved.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::command::{Arg, Call, Group, Names, Parsed, Spec};
use crate::event::{Failure, What};
use crate::lab::Lab;
use crate::picture::{self, Form};
use crate::sequence::Sequence;

pub static FLOW: Spec = Spec {
    name: "flow",
    aliases: &[],
    group: Group::Messages,
    forms: &[
        &[],
        &[Arg::Keyword("save"), Arg::File],
        &[Arg::Socket],
        &[Arg::Socket, Arg::Keyword("save"), Arg::File],
    ],
    summary: "draw the conversation as lanes and arrows, or only NAME's",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\nsend {\"clientid\": 7}\n@ada recv\nflow\nflow ada save ada.html",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(flow(lab, call))),
};

fn flow(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let (name, file) = match call.args.as_slice() {
        [] => (None, None),
        [Parsed::Name(name)] => (Some(name), None),
        [Parsed::Word(_), _] => (None, Some(1)),
        [Parsed::Name(name), _, _] => (Some(name), Some(2)),
        _ => return Err(call.misread(0)),
    };
    let sequence = sequence(lab, call, name.map(String::as_str))?;
    match file {
        None => lab.emit(What::Flow(Arc::new(sequence))),
        Some(index) => save(lab, call, index, &sequence)?,
    }
    Ok(())
}

/// The conversation's, or one socket's part of it.
fn sequence(lab: &Lab, call: &Call, name: Option<&str>) -> Result<Sequence, Failure> {
    let sequence = match &lab.conversation {
        Some(conversation) => picture::draw(&conversation.look()),
        None => Sequence::default(),
    };
    let Some(name) = name else { return Ok(sequence) };
    match sequence.lanes.iter().position(|lane| lane.name == name) {
        Some(lane) => Ok(sequence.about(lane)),
        None => {
            let names: Vec<&str> = sequence.lanes.iter().take(8).map(|lane| lane.name.as_str()).collect();
            let hint = match names.as_slice() {
                [] => "nothing has happened yet: `connect HOST:PORT` or `listen PORT` begins".to_string(),
                names => format!("its lanes are: {}", names.join(", ")),
            };
            let failure = Failure::script(format!("the picture has no lane called `{name}`")).hint(hint);
            Err(failure.at(call.args_at, name.len()))
        }
    }
}

/// Whether nothing is lost where the picture goes: no file is there, an empty one, or a picture.
fn may_write(path: &Path) -> bool {
    // What is no file, or cannot be looked at, writing has the words for.
    if !path.is_file() {
        return true;
    }
    let mut begin = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(picture::MARK_WITHIN as u64).read_to_end(&mut begin));
    read.is_ok() && (begin.is_empty() || picture::is_drawn(&begin))
}

fn save(lab: &Lab, call: &Call, index: usize, sequence: &Sequence) -> Result<(), Failure> {
    let file = call.text(lab, index)?;
    let path = call.path(lab, &file);
    let shown = crate::value::escape(&file).into_owned();
    let Some(form) = Form::of(&path) else {
        let endings: Vec<String> = Form::ALL.iter().map(|form| format!("`.{}`", form.ending())).collect();
        return Err(Failure::network(format!("cannot save the picture as `{shown}`: its name says no form"))
            .hint(format!("a name that ends in one of {} does", endings.join(", "))));
    };
    if !may_write(&path) {
        let failure =
            Failure::network(format!("`{shown}` is there already, and is no picture that lab2sh drew"));
        return Err(failure.hint("take another name; `flow save` overwrites its own pictures only"));
    }
    let bytes = form.write(sequence);
    crate::platform::write_whole(&path, bytes.as_bytes()).map_err(|error| {
        let why = crate::platform::reason(&error);
        Failure::network(format!("cannot save the picture as `{shown}`: {why}"))
    })?;
    lab.emit(What::FlowSaved { file: shown, messages: sequence.messages(), lanes: sequence.lanes.len() });
    Ok(())
}
