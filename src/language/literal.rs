//! Values as they are written in a line: JSON, Python literals beside it, and `$` references.

use super::expr::{Expr, dict, set};
use super::line::{Line, identifier_len};
use super::mistake::{Mistake, did_you_mean};
use super::number;
use super::text;
use crate::value::Value;

/// How deep brackets may nest in a line. serde_json's own limit; a person writes 3 or 4, and the parser's stack stays small.
pub const MAX_DEPTH: usize = 128;

/// The words that are values: Python's spelling, and JSON's.
const WORDS: [&str; 10] = ["True", "true", "False", "false", "None", "null", "inf", "Infinity", "nan", "NaN"];

fn value_word(word: &str) -> Option<Value> {
    Some(match word {
        "True" | "true" => Value::Bool(true),
        "False" | "false" => Value::Bool(false),
        "None" | "null" => Value::None,
        "inf" | "Infinity" => Value::Float(f64::INFINITY),
        "nan" | "NaN" => Value::Float(f64::NAN),
        _ => return None,
    })
}

/// Reads one value; the position is left just behind it.
pub fn value(line: &mut Line, depth: usize) -> Result<Expr, Mistake> {
    if depth > MAX_DEPTH {
        return Err(Mistake::new(line.at, 1, format!("brackets nest deeper than {MAX_DEPTH}"))
            .hint("`send file PATH` sends a message of any depth from a file"));
    }
    match line.peek() {
        Some('[') => {
            let (items, _) = sequence(line, depth, '[', ']')?;
            Ok(list_of(items, Expr::List, |items| Value::List(items.into())))
        }
        Some('(') => parenthesized(line, depth),
        Some('{') => braced(line, depth),
        Some('"' | '\'') => text::string(line),
        Some('b' | 'B') if matches!(line.rest().as_bytes().get(1), Some(b'"' | b'\'')) => {
            text::bytes(line).map(Expr::Const)
        }
        Some('$') => Ok(Expr::Ref(line.reference()?)),
        Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => {
            number::number(line).map(Expr::Const)
        }
        _ => word(line).map(Expr::Const),
    }
}

/// A value word, if one stands here.
pub fn eat_value_word(line: &mut Line) -> Option<Value> {
    let word = &line.rest()[..identifier_len(line.rest())];
    let value = value_word(word)?;
    line.at += word.len();
    Some(value)
}

fn word(line: &mut Line) -> Result<Value, Mistake> {
    if let Some(value) = eat_value_word(line) {
        return Ok(value);
    }
    if line.rest().starts_with("set()") {
        line.at += "set()".len();
        return Ok(Value::Set([].into()));
    }
    let len = identifier_len(line.rest());
    let found = &line.rest()[..len];
    if found.is_empty() {
        return Err(match line.peek() {
            None | Some('#') => Mistake::new(line.at, 1, "a value is missing"),
            Some(c) => Mistake::new(
                line.at,
                c.len_utf8(),
                format!("`{}` cannot begin a value", crate::value::escape(&c.to_string())),
            ),
        }
        .hint(VALUE_HINT));
    }
    let mistake = Mistake::new(line.at, len, format!("`{found}` is not a value"));
    Err(match did_you_mean(found, WORDS.into_iter()) {
        Some(near) => mistake.hint(format!("did you mean `{near}`?")),
        None => mistake.hint(format!("a string takes quotes: \"{found}\"; a name takes a dollar: ${found}")),
    })
}

const VALUE_HINT: &str =
    "a value is JSON or a Python literal: {\"name\": \"Ada\"}, [1, 2], 'text', b'\\x80', None, $name";

/// The items between brackets, and whether a comma stood behind the last.
fn sequence(line: &mut Line, depth: usize, open: char, close: char) -> Result<(Vec<Expr>, bool), Mistake> {
    let start = line.at;
    line.eat(open);
    let mut items = Vec::new();
    let mut comma = false;
    loop {
        line.skip_space_and_newlines();
        if line.eat(close) {
            return Ok((items, comma));
        }
        if !items.is_empty() && !comma {
            return Err(between(line, start, open, close));
        }
        unfinished_here(line, start, open)?;
        items.push(value(line, depth + 1)?);
        line.skip_space_and_newlines();
        comma = line.eat(',');
    }
}

/// What to say where a comma or the closing bracket is missing.
pub fn between(line: &Line, start: usize, open: char, close: char) -> Mistake {
    if line.at == line.text.len() {
        return never_closed(start, open);
    }
    let found = line.peek().unwrap_or(' ');
    let shown = crate::value::escape(&found.to_string()).into_owned();
    let opened = super::mistake::place(line.text, start, 1);
    let mistake =
        Mistake::new(line.at, found.len_utf8(), format!("expected `,` or `{close}`, found `{shown}`"));
    if line.text[start..line.at].contains('\n') {
        let lines = crate::pattern::count(line.text[start..line.at].matches('\n').count() as u64, "line");
        mistake.hint(format!("the `{open}` opened {lines} above, at column {}, is still open", opened.column))
    } else {
        mistake.hint("a comma stands between two items")
    }
}

fn never_closed(start: usize, open: char) -> Mistake {
    Mistake::new(start, 1, format!("the `{open}` opened here is never closed")).unfinished()
}

/// An error if the text ends inside the bracket opened at `start`.
pub fn unfinished_here(line: &Line, start: usize, open: char) -> Result<(), Mistake> {
    if line.at == line.text.len() { Err(never_closed(start, open)) } else { Ok(()) }
}

fn parenthesized(line: &mut Line, depth: usize) -> Result<Expr, Mistake> {
    let (mut items, comma) = sequence(line, depth, '(', ')')?;
    if items.len() == 1 && !comma {
        return Ok(items.remove(0));
    }
    Ok(list_of(items, Expr::Tuple, |items| Value::Tuple(items.into())))
}

fn list_of(items: Vec<Expr>, dynamic: fn(Vec<Expr>) -> Expr, constant: fn(Vec<Value>) -> Value) -> Expr {
    match constants(items) {
        Ok(values) => Expr::Const(constant(values)),
        Err(items) => dynamic(items),
    }
}

/// The items as values if no `$` is among them.
fn constants(items: Vec<Expr>) -> Result<Vec<Value>, Vec<Expr>> {
    if !items.iter().all(|item| matches!(item, Expr::Const(_))) {
        return Err(items);
    }
    Ok(items
        .into_iter()
        .filter_map(|item| if let Expr::Const(value) = item { Some(value) } else { None })
        .collect())
}

/// A dict or a set: the first `:` decides.
fn braced(line: &mut Line, depth: usize) -> Result<Expr, Mistake> {
    let start = line.at;
    line.eat('{');
    let mut keys = Vec::new();
    let mut values = Vec::new();
    let mut comma = true;
    loop {
        line.skip_space_and_newlines();
        if line.eat('}') {
            break;
        }
        if !comma {
            let mistake = between(line, start, '{', '}');
            // Behind the first item it is still open whether this is a dict or a set.
            return Err(match values.is_empty() && keys.len() == 1 && !mistake.unfinished {
                true => mistake.hint("a dict has a `:` behind each key, a set has commas alone"),
                false => mistake,
            });
        }
        unfinished_here(line, start, '{')?;
        let key_at = line.at;
        keys.push(value(line, depth + 1)?);
        line.skip_space_and_newlines();
        if values.len() + 1 == keys.len() && (keys.len() == 1 || !values.is_empty()) {
            if line.eat(':') {
                line.skip_space_and_newlines();
                unfinished_here(line, start, '{')?;
                values.push(value(line, depth + 1)?);
                line.skip_space_and_newlines();
            } else if keys.len() > 1 {
                unfinished_here(line, start, '{')?;
                let key = &line.text[key_at..line.at];
                return Err(Mistake::new(line.at, 1, format!("`:` is missing after the key {}", key.trim())));
            }
        } else if line.peek() == Some(':') {
            return Err(line
                .mistake("a set has no `:`")
                .hint("the first item has no `:`, so this is a set; a dict needs one in each item"));
        }
        comma = line.eat(',');
    }
    build_braced(keys, values, start)
}

fn build_braced(keys: Vec<Expr>, values: Vec<Expr>, start: usize) -> Result<Expr, Mistake> {
    if values.is_empty() && !keys.is_empty() {
        return match constants(keys) {
            Ok(items) => set(items, start).map(Expr::Const),
            Err(items) => Ok(Expr::Set(items, start)),
        };
    }
    match (constants(keys), constants(values)) {
        (Ok(keys), Ok(values)) => dict(keys.into_iter().zip(values).collect(), start).map(Expr::Const),
        (keys, values) => {
            let expr = |side: Result<Vec<Value>, Vec<Expr>>| match side {
                Ok(values) => values.into_iter().map(Expr::Const).collect(),
                Err(exprs) => exprs,
            };
            let pairs: Vec<(Expr, Expr)> = expr(keys).into_iter().zip(expr(values)).collect();
            Ok(Expr::Dict(pairs, start))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let mut line = Line::new(text);
        match value(&mut line, 0) {
            Ok(Expr::Const(value)) if line.is_done() => Ok(value.repr()),
            Ok(Expr::Const(_)) => Err(format!("stopped at {}", line.at)),
            Ok(other) => Ok(format!("{other:?}")),
            Err(mistake) => Err(format!("{}: {}", mistake.at, mistake.message)),
        }
    }

    #[test]
    fn json_and_python_read_the_same() {
        for (text, repr) in [
            (r#"{"a": [1, 2.0, true, null], 'b': (1,)}"#, "{'a': [1, 2.0, True, None], 'b': (1,)}"),
            ("{1, 2, 1}", "{1, 2}"),
            ("{}", "{}"),
            ("set()", "set()"),
            ("(1)", "1"),
            ("()", "()"),
            ("[1, 2,]", "[1, 2]"),
            ("{1: 'x', (1, 2): b'\\x80'}", "{1: 'x', (1, 2): b'\\x80'}"),
            ("-inf", "-inf"),
            ("99999999999999999999", "99999999999999999999"),
            ("0x1F", "31"),
            ("[1, # one\n 2]", "[1, 2]"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(repr), "{text}");
        }
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, mistake) in [
            (r#"{"a" 1}"#, "5: expected `,` or `}`, found `1`"),
            (r#"{"a": 1, "b" 2}"#, "13: `:` is missing after the key \"b\""),
            (r#"{"a": 1, "a": 2}"#, "0: the key 'a' stands twice in this dict"),
            ("{1: 2, True: 3}", "0: the key True stands twice in this dict"),
            ("[1 2]", "3: expected `,` or `]`, found `2`"),
            ("{[1]: 2}", "0: a list cannot be a dict's key"),
            ("Ada", "0: `Ada` is not a value"),
            ("[1, 2", "0: the `[` opened here is never closed"),
            ("1e999", "0: `1e999` is too large for a float"),
            (r#""\ud800""#, "1: `\\ud800` is half of a surrogate pair"),
        ] {
            assert_eq!(read(text), Err(mistake.to_string()), "{text}");
        }
        assert_eq!(read(&"[".repeat(10_000)), Err("129: brackets nest deeper than 128".to_string()));
    }
}
