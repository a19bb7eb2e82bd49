//! Help and the README's command table, made from the table of commands.

use crate::command::{Arg, GROUPS, Group, Names, Spec};
use crate::language::OPTIONS;

/// What help says about a line's form, for every verb.
const FORM: &str = "[!|?] [@NAME] VERB ARGUMENTS... [within DURATION] [as NAME]   # comment";

/// How a command is typed, its forms separated by `|`.
pub fn usage(spec: &Spec) -> String {
    usages(spec).join(" | ")
}

fn usages(spec: &Spec) -> Vec<String> {
    let mut suffix = String::new();
    if spec.within {
        suffix.push_str(" [within DURATION]");
    }
    if spec.names != Names::Nothing {
        suffix.push_str(" [as NAME]");
    }
    let mut lines: Vec<String> = Vec::new();
    for form in spec.forms {
        let mut line = spec.name.to_string();
        for arg in *form {
            line.push(' ');
            line.push_str(&arg_usage(*arg));
        }
        lines.push(line);
    }
    if let Some(last) = lines.last_mut() {
        last.push_str(&suffix);
    }
    lines
}

fn arg_usage(arg: Arg) -> String {
    let usage = match arg {
        Arg::Optional(word) => return format!("[{word}]"),
        Arg::Keyword(word) => word,
        Arg::Choice(what, _) | Arg::Value(what) | Arg::Count(what) => what,
        Arg::Address => "HOST PORT",
        Arg::Bind => "[HOST:]PORT",
        Arg::Socket | Arg::Name => "NAME",
        Arg::Points => "N",
        Arg::Pattern => "PATTERN",
        Arg::Operator => "OP",
        Arg::Duration => "DURATION",
        Arg::Text => "TEXT",
        Arg::Hex => "80 04 ..",
        Arg::File => "PATH",
        Arg::Script => "FILE [NAME=VALUE...]",
        Arg::Setting => "OPTION VALUE",
        Arg::Run => "FILE [NAME=VALUE...] [times N] [at once M]",
        Arg::Serving => "[with FILE] [journal FILE]",
        Arg::Verb => "VERB",
        Arg::Program => "PROGRAM ARGS...",
        Arg::Step => "STEP",
        Arg::StepPasses => "STEP passes",
        Arg::Block => "... end",
    };
    usage.to_string()
}

/// `help VERB`.
pub fn help(spec: &Spec) -> String {
    let mut text = format!("{}\n", spec.summary);
    for line in usages(spec) {
        text.push_str(&format!("  {line}\n"));
    }
    if !spec.aliases.is_empty() {
        text.push_str(&format!("also: {}\n", spec.aliases.join(", ")));
    }
    if spec.name == "set" {
        for (option, takes) in OPTIONS {
            text.push_str(&format!("  {option:<12} {takes}\n"));
        }
    }
    text.push_str("example:\n");
    for line in spec.example.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// `help`: every command in a line.
pub fn overview(table: &[&'static Spec]) -> String {
    let mut text = format!("{FORM}\n");
    for (group, title) in GROUPS {
        text.push_str(&format!("{title}\n"));
        for spec in of_group(table, group) {
            text.push_str(&format!("  {:<9} {}\n", spec.name, spec.summary));
        }
    }
    text.push_str("`help VERB` shows its forms and an example; values are JSON or Python literals\n");
    text
}

/// The README's command table.
pub fn markdown(table: &[&'static Spec]) -> String {
    let mut text = String::from("| group | command | what it does |\n|---|---|---|\n");
    for (group, title) in GROUPS {
        for spec in of_group(table, group) {
            let forms: Vec<String> =
                usages(spec).iter().map(|line| format!("`{}`", line.replace('|', "\\|"))).collect();
            text.push_str(&format!(
                "| {title} | {} | {} |\n",
                forms.join("<br>"),
                spec.summary.replace('|', "\\|")
            ));
        }
    }
    text
}

fn of_group<'a>(table: &'a [&'static Spec], group: Group) -> impl Iterator<Item = &'a &'static Spec> {
    table.iter().filter(move |spec| spec.group == group)
}
