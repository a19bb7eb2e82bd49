//! Help and the README's command table, made from the table of commands.

use crate::command::{Arg, GROUPS, Group, Names, Spec};
use crate::lab::{OF_CLASS, OF_CONNECTION, OF_LISTENER, OF_LOAD, OF_PROGRAM};
use crate::language::OPTIONS;

/// What help says about a line's form, for every verb.
const FORM: &str = "[!|?] [@NAME] VERB ARGUMENTS... [within DURATION] [as NAME]   # comment";

/// How a message can go out, for every form of `send`.
const DELIVERY: &str = "[split N,..] [gap DURATION] [truncate N] [after DURATION]";
/// What help says of each way.
const DELIVERIES: [(&str, &str); 6] = [
    ("V1 + V2", "both messages in one write"),
    ("split 3,10", "in pieces, cut behind bytes 3 and 10"),
    ("split every 7", "in pieces of 7 bytes"),
    ("gap 200ms", "waiting 200 ms between two pieces"),
    ("truncate 10", "only the first 10 bytes"),
    ("after 1s", "a second later"),
];

/// What help says of a text.
const TEXT_RULE: &str =
    "TEXT is the rest of the line, up to a `#` behind a space; in quotes, \"port #1\", it may hold one\n";

/// How a command is typed, its forms separated by `|`.
pub fn usage(spec: &Spec) -> String {
    usages(spec).join(" | ")
}

/// How the form is typed that begins with this word, or all forms where none does.
pub fn usage_with(spec: &Spec, word: &str) -> String {
    let begins = |form: &&[Arg]| matches!(form.first(), Some(Arg::Keyword(keyword)) if *keyword == word);
    let usages = usages(spec);
    let meant = spec.forms.iter().zip(&usages).find(|(form, _)| begins(form));
    meant.map_or_else(|| usages.join(" | "), |(_, usage)| usage.clone())
}

/// How a command is typed in short, for the line editor: without its name and without what can go along with any form.
pub fn short_usage(spec: &Spec) -> String {
    let is_shown = |arg: &&Arg| !matches!(arg, Arg::Delivery | Arg::Seed);
    let short = |arg: &Arg| match arg {
        Arg::Values(what) => (*what).to_string(),
        _ => arg_usage(*arg),
    };
    let forms = spec.forms.iter().map(|form| form.iter().filter(is_shown).map(short).collect::<Vec<_>>());
    let mut forms: Vec<String> = forms.map(|words| words.join(" ")).collect();
    if let Some(last) = forms.last_mut() {
        last.push_str(&suffix(spec));
    }
    forms.retain(|form| !form.is_empty());
    forms.join(" | ").trim().to_string()
}

/// What may stand at the end of every form.
fn suffix(spec: &Spec) -> String {
    let within = if spec.within { " [within DURATION]" } else { "" };
    let name = if spec.names == Names::Nothing { "" } else { " [as NAME]" };
    [within, name].concat()
}

fn usages(spec: &Spec) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let last = spec.forms.last().unwrap_or(&(&[] as &[Arg]));
    for form in spec.forms {
        let mut line = spec.name.to_string();
        for arg in *form {
            // As with `within`, once is enough.
            if *arg == Arg::Delivery && form != last {
                continue;
            }
            line.push(' ');
            line.push_str(&arg_usage(*arg));
        }
        lines.push(line);
    }
    if let Some(last) = lines.last_mut() {
        last.push_str(&suffix(spec));
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
        Arg::Values("STRING") => "STRING [+ STRING...]",
        Arg::Values(_) => "VALUE [+ VALUE...]",
        Arg::Seed => "[seed N]",
        Arg::Delivery => DELIVERY,
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
    if spec.forms.iter().any(|form| form.contains(&Arg::Delivery)) {
        for (typed, goes_out) in DELIVERIES {
            text.push_str(&format!("  {typed:<14} {goes_out}\n"));
        }
    }
    let attributes = attributes(spec);
    if !attributes.is_empty() {
        text.push_str(&format!("$NAME has .{}\n", attributes.join(", .")));
    }
    if spec.forms.iter().any(|form| form.contains(&Arg::Text)) {
        text.push_str(TEXT_RULE);
    }
    text.push_str("example:\n");
    for line in spec.example.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// What can be asked of what a command makes, as `$NAME.port`.
fn attributes(spec: &Spec) -> &'static [&'static str] {
    match spec.name {
        "connect" | "accept" => OF_CONNECTION,
        "listen" => OF_LISTENER,
        "serve" => OF_CLASS,
        "spawn" => OF_PROGRAM,
        "run" => OF_LOAD,
        _ => &[],
    }
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
