//! What was received as the pattern that a script expects.

use std::collections::HashMap;

use crate::language::expr::Expr;
use crate::language::line::Line;
use crate::language::literal;
use crate::value::Value;

/// The longest pattern of a recorded step, in characters: of what is longer only the type is expected.
const PATTERN_MAX: usize = 2_000;

/// The pattern for a value: itself, but `_` where no literal says it. A number that is the port of an open socket, which a server
/// may use as an id, is written as `$SOCKET.port`: it is another one in each run.
pub fn pattern(value: &Value, ports: &HashMap<String, u16>) -> String {
    if value.repr_cut(PATTERN_MAX).1 {
        return type_or_anything(value).to_string();
    }
    match value {
        Value::Int(number) => {
            let is_it = |(_, port): &(&String, &u16)| *number == i64::from(**port);
            // Of several the first by name: a script is the same in each run.
            let socket = ports.iter().filter(is_it).map(|(name, _)| name).min();
            socket.map_or_else(|| number.to_string(), |name| format!("${name}.port"))
        }
        Value::Dict(items) => {
            let item =
                |(key, value): &(Value, Value)| Some(format!("{}: {}", literal(key)?, pattern(value, ports)));
            match items.iter().map(item).collect::<Option<Vec<String>>>() {
                Some(items) => format!("{{{}}}", items.join(", ")),
                None => "dict".to_string(),
            }
        }
        Value::List(items) => format!("[{}]", patterns(items, ports)),
        Value::Tuple(items) if items.len() == 1 => format!("({},)", patterns(items, ports)),
        Value::Tuple(items) => format!("({})", patterns(items, ports)),
        other => literal(other).unwrap_or_else(|| type_or_anything(other).to_string()),
    }
}

fn patterns(items: &[Value], ports: &HashMap<String, u16>) -> String {
    items.iter().map(|item| pattern(item, ports)).collect::<Vec<_>>().join(", ")
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
        let ports = [("ada".to_string(), 50522)].into();
        assert_eq!(pattern(&value, &ports), "{'id': $ada.port, 'one': (1,), 'what': float, 'raw': _}");
        assert_eq!(pattern(&Value::str(&"x".repeat(3_000)), &ports), "str");
    }
}
