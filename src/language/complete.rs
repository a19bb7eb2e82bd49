//! What can stand at the cursor: verbs, names, options, files and `$` names; and the usage that is still to be typed.

use super::delivery::WORDS as DELIVERY_WORDS;
use super::line::{Line, identifier_len};
use super::setting::{CODECS, FRAMINGS, ON_FAILURE, OPTIONS, SHOWN, SWITCH};
use crate::command::{Arg, Names, Spec};
use crate::language::expr::Key;
use crate::value::Value;

/// What completion knows of an interpreter.
#[derive(Clone, Default)]
pub struct Known {
    /// Sockets by name, each with its attributes.
    pub sockets: Vec<(String, &'static [&'static str])>,
    /// Values by name; `_` among them.
    pub values: Vec<(String, Value)>,
}

/// What is left of the line to complete.
pub enum Candidates {
    /// Words to put at this byte offset, each with the text that replaces what stands there.
    Words(usize, Vec<String>),
    /// File names.
    Files,
}

/// What can stand at the end of `before`, the line up to the cursor.
pub fn complete(before: &str, table: &'static [&'static Spec], known: &Known) -> Candidates {
    let start = before.rfind([' ', '\t', '[', '(', '{', ',', ':']).map_or(0, |space| space + 1);
    let dollar = before.rfind('$').filter(|at| {
        before[*at..].chars().all(|c| c == '$' || c == '.' || c == '{' || c == '_' || c.is_alphanumeric())
    });
    if let Some(dollar) = dollar {
        return references(before, dollar, known);
    }
    let word = &before[start..];
    let mut line = Line::new(before);
    line.skip_space();
    if matches!(line.peek(), Some('!' | '?')) {
        line.at += 1;
        line.skip_space();
    }
    if let Some(name) = line.rest().strip_prefix('@') {
        let len = identifier_len(name);
        if name.len() == len {
            let names = known.sockets.iter().map(|(name, _)| format!("@{name} "));
            return words(line.at, line.rest(), names);
        }
        line.at += 1 + len;
        line.skip_space();
    }
    let Some(spec) = verb(&mut line, table) else {
        let verbs =
            table.iter().flat_map(|spec| std::iter::once(spec.name).chain(spec.aliases.iter().copied()));
        return words(line.at, line.rest(), verbs.map(|verb| format!("{verb} ")));
    };
    argument(spec, line.rest(), start, word, table, known)
}

/// The command that the line begins with, once a space stands behind it.
fn verb(line: &mut Line, table: &'static [&'static Spec]) -> Option<&'static Spec> {
    let word = line.bare_word();
    let spec = table.iter().find(|spec| spec.name == word || spec.aliases.contains(&word))?;
    let behind = &line.rest()[word.len()..];
    if behind.is_empty() {
        return None;
    }
    line.at += word.len();
    Some(spec)
}

fn words(at: usize, typed: &str, candidates: impl Iterator<Item = String>) -> Candidates {
    let mut found: Vec<String> = candidates.filter(|candidate| candidate.starts_with(typed)).collect();
    found.sort();
    found.dedup();
    Candidates::Words(at, found)
}

fn argument(
    spec: &'static Spec,
    rest: &str,
    start: usize,
    word: &str,
    table: &'static [&'static Spec],
    known: &Known,
) -> Candidates {
    let before: Vec<&str> = rest[..rest.len() - word.len().min(rest.len())].split_whitespace().collect();
    let place = before.len();
    if before.last() == Some(&"within") || before.last() == Some(&"as") {
        return Candidates::Words(start, Vec::new());
    }
    let mut found: Vec<String> = Vec::new();
    for form in spec.forms {
        if form.first() == Some(&Arg::Program) {
            return Candidates::Files;
        }
        let form = match form.split_first() {
            Some((Arg::Optional(optional), rest)) if before.first() != Some(optional) => {
                if place == 0 {
                    found.push(format!("{optional} "));
                }
                rest
            }
            _ => form,
        };
        match form.get(place) {
            Some(Arg::Keyword(keyword)) => found.push(format!("{keyword} ")),
            Some(Arg::Choice(_, choices)) => found.extend(choices.iter().map(|choice| format!("{choice} "))),
            Some(Arg::Socket) => found.extend(known.sockets.iter().map(|(name, _)| format!("{name} "))),
            Some(Arg::Verb) => found.extend(table.iter().map(|spec| spec.name.to_string())),
            Some(Arg::Setting) => found.extend(OPTIONS.iter().map(|(option, _)| format!("{option} "))),
            Some(Arg::Step | Arg::StepPasses) => {
                found.extend(table.iter().map(|spec| format!("{} ", spec.name)))
            }
            Some(Arg::File | Arg::Script | Arg::Run) if matches_keywords(form, &before) => {
                return Candidates::Files;
            }
            _ => {}
        }
    }
    if spec.name == "set" && place == 1 {
        found.extend(option_values(before[0]));
    }
    if place > 0 && spec.forms.iter().any(|form| form.contains(&Arg::Delivery)) {
        let more = DELIVERY_WORDS.iter().filter(|word| !before.contains(word));
        found.extend(more.map(|word| format!("{word} ")));
        found.extend((before.last() == Some(&"split")).then(|| "every ".to_string()));
    }
    if place > 0 && spec.within {
        found.push("within ".into());
    }
    if place > 0 && spec.names != Names::Nothing {
        found.push("as ".into());
    }
    words(start, word, found.into_iter())
}

/// Whether the words so far are the form's keywords, so that a file's name can be next.
fn matches_keywords(form: &[Arg], before: &[&str]) -> bool {
    form.iter().zip(before).all(|(arg, word)| !matches!(arg, Arg::Keyword(keyword) if keyword != word))
}

fn option_values(option: &str) -> Vec<String> {
    match option {
        "codec" => CODECS.iter().map(|(name, _)| (*name).to_string()).collect(),
        "framing" => FRAMINGS.iter().map(|(name, _)| (*name).to_string()).collect(),
        "show" => SHOWN.iter().map(|(name, _)| (*name).to_string()).collect(),
        "reuse-address" => SWITCH.iter().map(|(name, _)| (*name).to_string()).collect(),
        "on-failure" => ON_FAILURE.iter().map(|(name, _)| (*name).to_string()).collect(),
        "protocol" => vec!["2".into(), "3".into()],
        "timeout" => vec!["10s".into(), "none".into()],
        "max-message" => vec!["16MiB".into()],
        _ => Vec::new(),
    }
}

/// `$na`, `$ada.p`, `$id.client`: names, then attributes and keys.
fn references(before: &str, dollar: usize, known: &Known) -> Candidates {
    let typed = &before[dollar..];
    let Some(dot) = typed.rfind('.') else {
        let brace = if typed.starts_with("${") { "{" } else { "" };
        let names =
            known.values.iter().map(|(name, _)| name).chain(known.sockets.iter().map(|(name, _)| name));
        return words(dollar, typed, names.map(|name| format!("${brace}{name}")));
    };
    let path = typed[..dot].trim_start_matches(['$', '{']);
    let names = keys_of(path, known).into_iter().map(|key| format!("{}.{key}", &typed[..dot]));
    words(dollar, typed, names)
}

fn keys_of(path: &str, known: &Known) -> Vec<String> {
    let Ok(reference) = Line::new(&format!("${path}")).reference() else { return Vec::new() };
    if let Some((_, attributes)) = known.sockets.iter().find(|(name, _)| *name == reference.name) {
        return attributes.iter().map(|attribute| (*attribute).to_string()).collect();
    }
    let Some((_, value)) = known.values.iter().find(|(name, _)| *name == reference.name) else {
        return Vec::new();
    };
    let mut value = value.clone();
    for key in &reference.path {
        let Key::Name(name) = key else { return Vec::new() };
        match value.get(&Value::str(name)) {
            Some(inner) => value = inner.clone(),
            None => return Vec::new(),
        }
    }
    let Value::Dict(pairs) = &value else { return Vec::new() };
    let keys = pairs
        .iter()
        .filter_map(|(key, _)| if let Value::Str(key) = key { Some(key.to_string()) } else { None });
    keys.filter(|key| identifier_len(key) == key.len() && !key.is_empty()).collect()
}

/// The usage of the verb that the line begins with, as far as it is still to be typed.
pub fn usage_hint(line: &str, table: &'static [&'static Spec]) -> Option<String> {
    let mut read = Line::new(line);
    read.skip_space();
    if let Some(name) = read.rest().strip_prefix('@') {
        read.at += 1 + identifier_len(name);
        read.skip_space();
    }
    let spec = verb(&mut read, table)?;
    if !read.rest().trim().is_empty() {
        return None;
    }
    let shown = crate::reference::short_usage(spec);
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::TABLE;

    fn complete_words(before: &str) -> Vec<String> {
        let ada = Value::Dict(
            [(Value::str("clientid"), Value::Int(7)), (Value::str("name"), Value::str("Ada"))].into(),
        );
        let known = Known {
            sockets: vec![("ada".into(), &["peer", "port"]), ("srv".into(), &["port"])],
            values: vec![("id".into(), ada)],
        };
        match complete(before, TABLE, &known) {
            Candidates::Words(at, words) => {
                words.into_iter().map(|word| format!("{}{word}", &before[..at])).collect()
            }
            Candidates::Files => vec!["FILES".into()],
        }
    }

    #[test]
    fn the_hint_is_what_can_still_be_typed() {
        let hint = |line| usage_hint(line, TABLE).unwrap_or_default();
        let send =
            "json VALUE | text STRING | hex 80 04 .. | file PATH | garbage N | VALUE [within DURATION]";
        assert_eq!(hint("@ada send "), send);
        assert_eq!(hint("recv "), "N [within DURATION] [as NAME]");
        assert_eq!(hint("accept "), "NAME [within DURATION] [as NAME]");
        assert_eq!(hint("send 1"), "");
        assert_eq!(hint("reset "), "all");
        assert_eq!(hint("vars "), "");
    }

    #[test]
    fn each_place_has_its_own_words() {
        assert_eq!(complete_words("conn"), ["connect "]);
        assert_eq!(complete_words("@a"), ["@ada "]);
        assert_eq!(complete_words("@ada se"), ["@ada send ", "@ada serve ", "@ada set "]);
        assert_eq!(complete_words("set fr"), ["set framing "]);
        assert_eq!(complete_words("set framing l"), ["set framing length", "set framing line"]);
        assert_eq!(complete_words("use s"), ["use srv "]);
        assert_eq!(complete_words("help sl"), ["help sleep"]);
        assert_eq!(complete_words("send file x"), ["FILES"]);
        assert_eq!(complete_words("send 1 s"), ["send 1 split "]);
        assert_eq!(complete_words("send 1 split e"), ["send 1 split every "]);
        assert_eq!(complete_words("send 1 split 3 g"), ["send 1 split 3 gap "]);
        assert_eq!(complete_words("include x"), ["FILES"]);
        assert_eq!(complete_words("spawn python3 x"), ["FILES"]);
        assert_eq!(complete_words("send $i"), ["send $id"]);
        assert_eq!(complete_words("check $id.c"), ["check $id.clientid"]);
        assert_eq!(complete_words("connect 127.0.0.1:$srv.p"), ["connect 127.0.0.1:$srv.port"]);
        assert_eq!(complete_words("! @ada recv"), ["! @ada recv "]);
    }
}
