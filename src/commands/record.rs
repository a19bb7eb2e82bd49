//! Making a script of what is run: `record`.

use crate::command::{Arg, Call, Group, Names, Parsed, Spec};
use crate::event::{Failure, What};
use crate::lab::Lab;
use crate::record::Recorder;

pub static RECORD: Spec = Spec {
    name: "record",
    aliases: &[],
    group: Group::Shell,
    forms: &[&[Arg::Keyword("stop")], &[Arg::File]],
    summary: "make a script of the steps that are run from here on",
    example: "record session.lab\nlet a = 1\nrecord stop",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(std::future::ready(record(lab, call))),
};

fn record(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    if let [Parsed::Word(_)] = call.args.as_slice() {
        return if lab.recorder.is_some() {
            lab.end_recording()
        } else {
            Err(Failure::script("nothing is recorded").hint("`record FILE.lab` begins"))
        };
    }
    if let Some(file) = lab.recording() {
        return Err(Failure::script(format!("`{file}` is being recorded")).hint("`record stop` ends it"));
    }
    let file = call.text(lab, 0)?;
    let path = call.path(lab, &file);
    let shown = crate::value::escape(&file).into_owned();
    if path.exists() {
        return Err(Failure::network(format!("`{shown}` is there already"))
            .hint("take another name; a recording overwrites nothing"));
    }
    let recorder = Recorder::begin(lab, path).map_err(|why| {
        Failure::network(why)
            .hint("a script's name starts from the folder of the script, one that is typed from the folder you are in")
    })?;
    lab.begin_recording(recorder);
    lab.emit(What::Recording { file: shown, steps: None });
    Ok(())
}
