//! What was received as the pattern that a script expects.

use std::collections::HashMap;

use crate::event::Name;
use crate::language::expr::Expr;
use crate::language::line::Line;
use crate::language::literal;
use crate::value::Value;

/// The longest pattern of a recorded step, in bytes: of what is longer only the type is expected.
const PATTERN_MAX: usize = 2_000;

/// Writes the pattern for a value: itself, but `_` where no literal says it. A number that is the port of an open socket, which a
/// server may use as an id, is written as `$SOCKET.port`: it is another one in each run.
pub fn pattern(value: &Value, ports: &HashMap<Name, u16>, text: &mut String) {
    let before = text.len();
    if !write(value, ports, text, before + PATTERN_MAX) {
        text.truncate(before);
        text.push_str(type_or_anything(value));
    }
}

/// Writes as long as the text is no longer than `most`; whether it stayed so.
fn write(value: &Value, ports: &HashMap<Name, u16>, text: &mut String, most: usize) -> bool {
    match value {
        Value::Int(number) => {
            let is_it = |(_, port): &(&Name, &u16)| *number == i64::from(**port);
            // Of several the first by name: a script is the same in each run.
            match ports.iter().filter(is_it).map(|(name, _)| name).min() {
                Some(name) => text.extend(["$", name, ".port"]),
                None => text.push_str(&number.to_string()),
            }
        }
        Value::Dict(items) => {
            let before = text.len();
            text.push('{');
            for (at, (key, value)) in items.iter().enumerate() {
                let Some(key) = literal(key) else {
                    text.truncate(before);
                    text.push_str("dict");
                    return true;
                };
                text.extend([if at > 0 { ", " } else { "" }, &key, ": "]);
                if !write(value, ports, text, most) {
                    return false;
                }
            }
            text.push('}');
        }
        Value::List(items) => return all(items, ["[", "]"], ports, text, most),
        Value::Tuple(items) if items.len() == 1 => return all(items, ["(", ",)"], ports, text, most),
        Value::Tuple(items) => return all(items, ["(", ")"], ports, text, most),
        other => match literal(other) {
            Some(literal) => text.push_str(&literal),
            None => text.push_str(type_or_anything(other)),
        },
    }
    text.len() <= most
}

fn all(
    items: &[Value],
    [open, close]: [&str; 2],
    ports: &HashMap<Name, u16>,
    text: &mut String,
    most: usize,
) -> bool {
    text.push_str(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        if !write(item, ports, text, most) {
            return false;
        }
    }
    text.push_str(close);
    text.len() <= most
}

/// What can be said of a value that is too long, or that no literal equals.
fn type_or_anything(value: &Value) -> &'static str {
    match value {
        Value::Int(_) | Value::Big(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) | Value::Surrogates(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Tuple(_) => "tuple",
        Value::Dict(_) => "dict",
        Value::Set(_) => "set",
        _ => "_",
    }
}

/// The literal that means just this value; `None` where there is none, as for an instance, or where it does not equal itself.
pub fn literal(value: &Value) -> Option<String> {
    let text = value.repr();
    // Of these repr is what the language reads too; an escape is looked at more closely.
    let is_plain = match value {
        Value::None | Value::Bool(_) | Value::Int(_) => true,
        Value::Str(_) => !text.contains('\\'),
        _ => false,
    };
    if is_plain {
        return Some(text);
    }
    let mut line = Line::new(&text);
    match literal::value(&mut line, 0) {
        Ok(Expr::Const(read))
            if line.is_done() && read == *value && read.type_name() == value.type_name() =>
        {
            Some(text)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_literal_says_is_left_open() {
        let dict = |items: &[(&str, Value)]| {
            Value::Dict(items.iter().map(|(key, value)| (Value::str(key), value.clone())).collect())
        };
        let value = dict(&[
            ("id", Value::Int(50522)),
            ("one", Value::Tuple([Value::Int(1)].into())),
            ("what", Value::Float(f64::NAN)),
            ("raw", Value::ByteArray(b"x".as_slice().into())),
        ]);
        let ports = [("ada".into(), 50522)].into();
        let shown = |value: Value| {
            let mut text = String::new();
            pattern(&value, &ports, &mut text);
            text
        };
        assert_eq!(shown(value), "{'id': $ada.port, 'one': (1,), 'what': float, 'raw': _}");
        assert_eq!(shown(Value::str(&"x".repeat(3_000))), "str");
    }
}
