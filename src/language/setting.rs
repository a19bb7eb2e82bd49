//! Options and their values: durations, sizes and the words that `set` takes.

use std::time::Duration;

use super::line::Line;
use super::mistake::{Mistake, did_you_mean};
use crate::command::{Codec, OnFailure, Setting, Show};
use crate::lab::shown_duration;
use crate::net::Framing;

/// The options by name, each with what it takes.
pub const OPTIONS: [(&str, &str); 11] = [
    ("timeout", "a duration, or `none`: `set timeout 10s`"),
    ("codec", "`pickle`, `json`, `text` or `hex`"),
    ("framing", "`pickle`, `length`, `line` or `none`"),
    ("protocol", "`2` or `3`: the pickle protocol that is written"),
    ("max-message", "a size: `set max-message 16MiB`"),
    ("max-clients", "a number: how many clients a class may have"),
    ("max-per-address", "a number, or `none`: how many of them from one address"),
    ("show", "`steps`, or `phases`: a line for each phase that passed, the steps of one that failed"),
    ("on-failure", "`stop`, `next-phase` or `next-step`: what a script does when a step has failed"),
    ("program-time", "a duration, or `none`: how long a program may run"),
    (
        "reuse-address",
        "`on`, or `off`: `listen` waits out what rests on a port in TIME-WAIT, as a program without SO_REUSEADDR has to",
    ),
];

/// The codecs by name.
pub const CODECS: [(&str, Codec); 4] =
    [("pickle", Codec::Pickle), ("json", Codec::Json), ("text", Codec::Text), ("hex", Codec::Hex)];

/// The framings by name.
pub const FRAMINGS: [(&str, Framing); 4] = [
    ("pickle", Framing::Pickle),
    ("length", Framing::Length),
    ("line", Framing::Line),
    ("none", Framing::None),
];

/// What is on or off, by name.
pub const SWITCH: [(&str, bool); 2] = [("on", true), ("off", false)];

/// How much is shown, by name.
pub const SHOWN: [(&str, Show); 2] = [("steps", Show::Steps), ("phases", Show::Phases)];

/// What a script does when a step has failed, by name.
pub const ON_FAILURE: [(&str, OnFailure); 3] =
    [("stop", OnFailure::Stop), ("next-phase", OnFailure::NextPhase), ("next-step", OnFailure::NextStep)];

/// The longest duration that is taken: a day. A longer one is a slip of the unit.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// The largest message limit that can be set, in bytes: what a 2 GiB laptop still survives, decoded.
pub const MAX_MESSAGE_LIMIT: u64 = 1 << 30;

/// Reads `500ms`, `2s`, `1.5s`, `1m`; `none` is `None`.
pub fn duration(line: &mut Line) -> Result<Option<Duration>, Mistake> {
    let word = line.bare_word();
    let wrong =
        |message: String| line.mistake(message).hint("a duration has a unit: `500ms`, `2s`, `1m`, or `none`");
    if word == "none" {
        line.at += word.len();
        return Ok(None);
    }
    let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
    let unit_ms = match &word[digits.len()..] {
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        "" if !digits.is_empty() => return Err(wrong(format!("the duration `{word}` has no unit"))),
        "" => return Err(wrong("a duration is missing".to_string())),
        _ => return Err(wrong(format!("`{word}` is not a duration"))),
    };
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = match digits.parse() {
        Ok(number) if is_plain => number,
        _ => return Err(wrong(format!("`{word}` is not a duration"))),
    };
    let seconds = number * unit_ms / 1000.0;
    if seconds > MAX_DURATION.as_secs_f64() {
        return Err(wrong(format!("`{word}` is longer than a day")));
    }
    line.at += word.len();
    Ok(Some(Duration::from_secs_f64(seconds)))
}

/// Reads a size in bytes: `64KiB`, `16MiB`, `1000B`.
fn size(line: &mut Line) -> Result<usize, Mistake> {
    let word = line.bare_word();
    let wrong = |message: String| line.mistake(message).hint("a size has a unit: `1000B`, `64KiB`, `16MiB`");
    let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
    let unit = match &word[digits.len()..] {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong(format!("`{word}` is not a size"))),
    };
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match bytes {
        Some(bytes) if (1..=MAX_MESSAGE_LIMIT).contains(&bytes) => {
            line.at += word.len();
            Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
        }
        Some(_) => Err(wrong(format!("`{word}` is out of range: 1B to 1GiB"))),
        None => Err(wrong(format!("`{word}` is not a size"))),
    }
}

fn number(line: &mut Line) -> Result<usize, Mistake> {
    let word = line.bare_word();
    match word.parse() {
        Ok(number) if number > 0 => {
            line.at += word.len();
            Ok(number)
        }
        _ => Err(line.mistake(format!("`{word}` is not a number of 1 or more"))),
    }
}

/// Reads an option's name and its value.
pub fn setting(line: &mut Line) -> Result<Setting, Mistake> {
    let name = line.bare_word();
    let Some((name, takes)) = OPTIONS.iter().find(|(option, _)| *option == name) else {
        let names = OPTIONS.map(|(option, _)| option);
        let mistake = line.mistake(if name.is_empty() {
            "an option is missing".into()
        } else {
            format!("`{name}` is not an option")
        });
        return Err(match did_you_mean(name, names.into_iter()) {
            Some(near) => mistake.hint(format!("did you mean `{near}`?")),
            None => mistake.hint(format!("the options are {}", names.join(", "))),
        });
    };
    line.at += name.len();
    line.skip_space();
    if line.is_done() {
        return Err(line.mistake(format!("`{name}` needs a value")).hint(format!("`{name}` takes {takes}")));
    }
    Ok(match *name {
        "timeout" => Setting::Timeout(duration(line)?),
        "codec" => Setting::Codec(one_of(line, &CODECS, takes)?),
        "framing" => Setting::Framing(one_of(line, &FRAMINGS, takes)?),
        "show" => Setting::Show(one_of(line, &SHOWN, takes)?),
        "on-failure" => Setting::OnFailure(one_of(line, &ON_FAILURE, takes)?),
        "program-time" => Setting::ProgramTime(duration(line)?),
        "reuse-address" => Setting::ReuseAddress(one_of(line, &SWITCH, takes)?),
        "protocol" => Setting::Protocol(one_of(line, &[("2", 2), ("3", 3)], takes)?),
        "max-clients" => Setting::MaxClients(number(line)?),
        "max-per-address" if line.eat_word("none") => Setting::MaxPerAddress(None),
        "max-per-address" => Setting::MaxPerAddress(Some(number(line)?)),
        _ => Setting::MaxMessage(size(line)?),
    })
}

fn one_of<T: Copy>(line: &mut Line, choices: &[(&str, T)], takes: &str) -> Result<T, Mistake> {
    let word = line.bare_word();
    match choices.iter().find(|(name, _)| *name == word) {
        Some((name, choice)) => {
            line.at += name.len();
            Ok(*choice)
        }
        None => Err(line
            .mistake(format!("`{word}` cannot stand here"))
            .hint(format!("this option takes {takes}"))),
    }
}

/// An option's name and value as they are typed.
pub fn shown_setting(setting: Setting) -> (&'static str, String) {
    fn word<T: PartialEq>(choices: &[(&'static str, T)], value: &T) -> String {
        choices.iter().find(|(_, choice)| choice == value).map_or("", |(name, _)| name).to_string()
    }
    match setting {
        Setting::Timeout(None) => ("timeout", "none".to_string()),
        Setting::Timeout(Some(duration)) => ("timeout", shown_duration(duration)),
        Setting::ProgramTime(None) => ("program-time", "none".to_string()),
        Setting::ProgramTime(Some(duration)) => ("program-time", shown_duration(duration)),
        Setting::Codec(codec) => ("codec", word(&CODECS, &codec)),
        Setting::Framing(framing) => ("framing", word(&FRAMINGS, &framing)),
        Setting::Protocol(protocol) => ("protocol", protocol.to_string()),
        Setting::MaxMessage(bytes) => ("max-message", shown_size(bytes)),
        Setting::Show(show) => ("show", word(&SHOWN, &show)),
        Setting::OnFailure(on_failure) => ("on-failure", word(&ON_FAILURE, &on_failure)),
        Setting::ReuseAddress(reuse) => ("reuse-address", word(&SWITCH, &reuse)),
        Setting::MaxClients(clients) => ("max-clients", clients.to_string()),
        Setting::MaxPerAddress(None) => ("max-per-address", "none".to_string()),
        Setting::MaxPerAddress(Some(most)) => ("max-per-address", most.to_string()),
    }
}

fn shown_size(bytes: usize) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes}B"),
    }
}
