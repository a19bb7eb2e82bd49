//! The arguments of a command, each read by its kind.

use std::sync::Arc;

use super::expr::{Expr, Template};
use super::line::{Line, identifier_len};
use super::literal;
use super::mistake::Mistake;
use super::parse::Context;
use super::pattern::pattern;
use super::setting::{duration, setting};
use crate::command::{Arg, Call, Parsed};
use crate::value::Value;

/// The operators of `check`, longest first.
pub const OPERATORS: [&str; 7] = ["==", "!=", "<=", ">=", "<", ">", "in"];
/// The most points of a phase: what is above is a slip, and sums of it would lose their half points.
const POINTS_MAX: f64 = 1_000_000.0;

/// Reads a name that a result can get.
pub fn new_name(line: &mut Line) -> Result<String, Mistake> {
    let at = line.at;
    let name = line.identifier("a name")?;
    if name == "_" {
        return Err(Mistake::new(at, 1, "`_` is the value received last and cannot be given"));
    }
    Ok(name.to_string())
}

/// Reads what may stand at one place of a form.
pub fn argument(line: &mut Line, place: Arg, context: &Context, nested: usize) -> Result<Parsed, Mistake> {
    Ok(match place {
        Arg::Keyword(word) => {
            if !line.eat_word(word) {
                return Err(line.mistake(format!("`{word}` is missing")));
            }
            Parsed::Word(word)
        }
        Arg::Optional(word) if line.eat_word(word) => Parsed::Word(word),
        Arg::Optional(_) => Parsed::Nothing,
        Arg::Choice(what, words) => choice(line, what, words)?,
        Arg::Address => address(line, false)?,
        Arg::Bind => address(line, true)?,
        Arg::Socket | Arg::Name => {
            line.eat('@');
            Parsed::Name(new_name(line)?)
        }
        Arg::Value(_) | Arg::Count(_) => Parsed::Value(value(line, place)?),
        Arg::Points => Parsed::Points(points(line)?),
        Arg::Values(_) => Parsed::Values(super::delivery::values(line)?),
        Arg::Seed => Parsed::Values(super::delivery::seed(line)?),
        Arg::Delivery => Parsed::Delivery(Box::new(super::delivery::delivery(line)?)),
        Arg::Pattern => Parsed::Pattern(Arc::new(pattern(line, 0)?)),
        Arg::Operator => operator(line)?,
        Arg::Duration => match duration(line)? {
            Some(duration) => Parsed::Duration(duration),
            None => return Err(line.mistake("`none` would never end")),
        },
        Arg::Text => Parsed::Text(free_text(line)?),
        Arg::Hex => Parsed::Bytes(hex(line)?),
        Arg::File => Parsed::Text(line.word("a file's name")?),
        Arg::Script => Parsed::Script(super::other::included(line, context)?),
        Arg::Run => super::other::run(line, context)?,
        Arg::Serving => super::other::serving(line, context)?,
        Arg::Program => Parsed::Program(program(line)?),
        Arg::Setting => Parsed::Setting(setting(line)?),
        Arg::Verb => {
            let spec = super::parse::verb(line, context.table)?;
            Parsed::Name(spec.name.to_string())
        }
        Arg::Step => Parsed::Step(Arc::new(super::parse::call(line, context, nested + 1)?)),
        Arg::StepPasses => Parsed::Step(Arc::new(step_that_passes(line, context, nested)?)),
        Arg::Block => Parsed::Script(super::script::block(line, context, nested)?),
    })
}

/// `STEP passes`: the step ends before the last word `passes` of its line.
fn step_that_passes(line: &mut Line, context: &Context, nested: usize) -> Result<Call, Mistake> {
    const WORD: &str = "passes";
    let is_word = |at: &usize| {
        let (before, behind) = (&line.text[..*at], &line.text[*at + WORD.len()..]);
        before.ends_with([' ', '\t']) && (behind.is_empty() || behind.starts_with([' ', '\t', '\n']))
    };
    let found = line.rest().rmatch_indices(WORD).map(|(at, _)| line.at + at).find(is_word);
    let Some(end) = found else {
        return Err(Mistake::new(line.text.len(), 1, "`passes` is missing behind the step")
            .hint("repeat until STEP passes within DURATION"));
    };
    let mut step = Line::new(&line.text[..end]).at(line.at);
    let call = super::parse::call(&mut step, context, nested + 1)?;
    line.at = end + WORD.len();
    Ok(call)
}

/// A number that is known before anything runs: a phase that is not run has its points too.
fn points(line: &mut Line) -> Result<f64, Mistake> {
    let at = line.at;
    let word = line.bare_word();
    let is_plain = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match word.parse() {
        Ok(points) if is_plain && points <= POINTS_MAX => {
            line.at += word.len();
            Ok(points)
        }
        _ => {
            let shown = crate::value::escape(word);
            Err(Mistake::new(at, word.len().max(1), format!("points are a number, not `{shown}`"))
                .hint(format!("a plain number up to {POINTS_MAX}: `points 2`, `points 0.5`")))
        }
    }
}

fn choice(line: &mut Line, what: &str, words: &'static [&'static str]) -> Result<Parsed, Mistake> {
    let word = line.bare_word();
    match words.iter().find(|choice| **choice == word) {
        Some(choice) => {
            line.at += word.len();
            Ok(Parsed::Word(choice))
        }
        None => Err(line.mistake(format!("{what} is one of {}", words.join(", ")))),
    }
}

/// Reads one value; nothing but an operator may stand right behind it.
pub fn value(line: &mut Line, place: Arg) -> Result<Expr, Mistake> {
    let at = line.at;
    let read = match (literal::value(line, 0), place) {
        // Where only a number can stand, advice on strings would lead astray.
        (Err(mistake), Arg::Count(what)) if mistake.at == at && !mistake.unfinished => {
            return Err(Mistake {
                hint: None,
                message: format!("{what} is a whole number of 0 or more"),
                ..mistake
            });
        }
        (read, _) => read?,
    };
    let is_count = |value: &crate::value::Value| matches!(value, Value::Int(0..));
    match (&read, place) {
        (Expr::Const(value), Arg::Count(what)) if !is_count(value) => Err(Mistake::new(
            at,
            line.at - at,
            format!("{what} is a whole number of 0 or more, not {}", value.repr_cut(40).0),
        )),
        _ => match line.peek() {
            Some(c) if !matches!(c, ' ' | '\t' | '\n' | '#') && !matches!(c, '=' | '!' | '<' | '>' | '+') => {
                let shown = crate::value::escape(line.bare_word()).into_owned();
                Err(line.mistake(format!("`{shown}` stands right behind the value")))
            }
            _ => Ok(read),
        },
    }
}

fn operator(line: &mut Line) -> Result<Parsed, Mistake> {
    let found = OPERATORS.iter().find(|operator| {
        line.rest().starts_with(**operator) && (**operator != "in" || identifier_len(line.rest()) == 2)
    });
    match found {
        Some(operator) => {
            line.at += operator.len();
            Ok(Parsed::Word(operator))
        }
        None => Err(line
            .mistake("an operator is missing")
            .hint("check A OP B, where OP is one of == != < <= > >= in")),
    }
}

/// What a shell would act on: here it would be an argument like any other, and nobody means that.
const SHELL_SIGNS: [&str; 12] = ["|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1", "&>", "<<"];

/// A program and its arguments, each a word; `as NAME` at the end is the step's.
fn program(line: &mut Line) -> Result<Vec<Template>, Mistake> {
    let mut words = Vec::new();
    loop {
        line.skip_space();
        if line.is_done() || is_name_next(line) {
            break;
        }
        if SHELL_SIGNS.contains(&line.bare_word()) {
            let sign = line.bare_word();
            return Err(line
                .mistake(format!("`{sign}` is for a shell, and a program is started without one"))
                .hint(format!("quoted, '{sign}' is an argument like any other")));
        }
        if line.bare_word() == "within" && is_duration_next(line) {
            return Err(line.mistake("`spawn` does not wait, so `within` has no meaning here").hint(
                "`set program-time 5s` says how long a program may run; quoted, 'within' is an argument",
            ));
        }
        words.push(line.word("a program")?);
    }
    if words.is_empty() {
        return Err(line.mistake("a program is missing").hint("`spawn python3 client.py 12000 as student`"));
    }
    Ok(words)
}

fn is_duration_next(line: &Line) -> bool {
    let mut rest = line.clone();
    rest.eat_word("within");
    rest.skip_space();
    duration(&mut rest).is_ok()
}

/// Whether `as NAME` and nothing more stands here.
fn is_name_next(line: &Line) -> bool {
    let mut rest = line.clone();
    if !rest.eat_word("as") {
        return false;
    }
    rest.skip_space();
    rest.identifier("a name").is_ok() && rest.is_done()
}

/// `HOST PORT`, `HOST:PORT`, `[IPV6]:PORT`; for listening also `PORT` alone.
fn address(line: &mut Line, port_alone: bool) -> Result<Parsed, Mistake> {
    let at = line.at;
    let first = line.word("an address")?;
    let end = line.at;
    let written = &line.text[at..end];
    if let Some((host, port)) = split_written(written) {
        let host_len = host.len();
        let host = Line::new(&line.text[..at + host_len]).at(at).word("a host")?;
        let host = host
            .constant()
            .map(|text| Template::text(text.trim_matches(['[', ']']).to_string()))
            .unwrap_or(host);
        let port_at = end - port.len();
        let port = Line::new(&line.text[..end]).at(port_at).word("a port")?;
        check_port(&port, port_at, end)?;
        return Ok(Parsed::Address(Some(host), port));
    }
    if port_alone {
        check_port(&first, at, end)?;
        return Ok(Parsed::Address(None, first));
    }
    line.skip_space();
    let port_at = line.at;
    let is_port_next = !line.is_done() && !matches!(line.bare_word(), "as" | "within");
    if !is_port_next {
        return Err(Mistake::new(at, end - at, format!("`{}` has no port", crate::value::escape(written)))
            .hint(format!("`connect {written} 12000` or `connect {written}:12000`")));
    }
    let port = line.word("a port")?;
    check_port(&port, port_at, line.at)?;
    Ok(Parsed::Address(Some(first), port))
}

/// Splits a written address at the colon before its port; colons inside `[...]` or of a bare IPv6 address do not count.
fn split_written(written: &str) -> Option<(&str, &str)> {
    let (host, port) = written.rsplit_once(':')?;
    let is_bare_ipv6 = host.contains(':') && !host.starts_with('[');
    (!is_bare_ipv6 && !host.is_empty() && !port.ends_with(']')).then_some((host, port))
}

fn check_port(port: &Template, at: usize, end: usize) -> Result<(), Mistake> {
    match port.constant() {
        Some(text) if text.parse::<u16>().is_err() => {
            let shown = crate::value::escape(text).into_owned();
            Err(Mistake::new(at, end - at, format!("`{shown}` is not a port"))
                .hint("a port is a number from 0 to 65535"))
        }
        _ => Ok(()),
    }
}

/// The rest of the line: a quoted string where it begins with a quote and ends with it, else the text as it stands.
fn free_text(line: &mut Line) -> Result<Template, Mistake> {
    let mut quoted = line.clone();
    if matches!(line.peek(), Some('"' | '\''))
        && let Ok(value) = literal::value(&mut quoted, 0)
    {
        let (start, end) = (line.at, quoted.at);
        if quoted.is_done() {
            line.at = quoted.at;
            return match value {
                Expr::Const(Value::Str(text)) => Ok(Template::text(text.to_string())),
                _ => super::text::filled_in(&line.text[start + 1..end - 1], start + 1, line.text),
            };
        }
        if quoted.bare_word() == "within" && is_duration_next(&quoted) {
            return Err(quoted
                .mistake("`within` has no meaning behind a text")
                .hint("the text is the rest of the line: leave `within` out, or quote the whole of it"));
        }
    }
    let (start, text) = line.text_to_end();
    let text = text
        .strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
        .map_or((start, text), |inner| (start + 1, inner));
    if text.1.is_empty() {
        return Err(Mistake::new(start, 1, "the text is missing"));
    }
    super::text::filled_in(text.1, text.0, line.text)
}

fn hex(line: &mut Line) -> Result<Vec<u8>, Mistake> {
    let mut digits = String::new();
    loop {
        line.skip_space();
        let word = line.bare_word();
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            break;
        }
        digits.push_str(word);
        line.at += word.len();
        if !word.len().is_multiple_of(2) {
            return Err(Mistake::new(line.at - word.len(), word.len(), format!("`{word}` is half a byte"))
                .hint("each byte is two hex digits: 80 04 4b 01 2e"));
        }
    }
    if digits.is_empty() {
        let word = line.bare_word();
        let why = match word {
            "" => "bytes are missing".to_string(),
            word => format!("`{}` is not two hex digits", crate::value::escape(word)),
        };
        return Err(
            Mistake::new(line.at, word.len().max(1), why).hint("each byte is two hex digits: 80 04 4b 01 2e")
        );
    }
    Ok((0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap_or(0)).collect())
}
