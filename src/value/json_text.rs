//! The `json` codec: JSON text as Python's `json` reads and writes it.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use num_bigint::BigInt;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::escape::wtf8_codes;
use super::repr::{float, int_digits};
use super::{Value, unique_pairs};

/// Reads JSON text as Python's `json.loads` does: the last of equal keys wins, integers of any size stay exact.
/// Stricter in three things: NaN, Infinity and lone surrogates are refused, and so is nesting beyond 127.
pub fn from_json_text(text: &str) -> Result<Value, String> {
    // serde_json hands an integer beyond 64 bits over as a float; the digits are found here and read again in order.
    let numbers = RefCell::new(wide_numbers(text));
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Reader { numbers: &numbers }.deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// The number tokens of the text that serde_json reads as floats, in order.
fn wide_numbers(text: &str) -> VecDeque<&str> {
    let mut found = VecDeque::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'"' => {
                while let Some(&byte) = bytes.get(at) {
                    at += if byte == b'\\' { 2 } else { 1 };
                    if byte == b'"' {
                        break;
                    }
                }
            }
            b'-' | b'0'..=b'9' => {
                while bytes
                    .get(at)
                    .is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
                {
                    at += 1;
                }
                let token = text.get(start..at).unwrap_or_default();
                let narrow = token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok();
                // serde_json reads `-0` as the float -0.0.
                if !narrow || token == "-0" {
                    found.push_back(token);
                }
            }
            _ => {}
        }
    }
    found
}

#[derive(Clone, Copy)]
struct Reader<'a, 't> {
    numbers: &'a RefCell<VecDeque<&'t str>>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_, '_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_, '_> {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_bool<E>(self, bit: bool) -> Result<Value, E> {
        Ok(Value::Bool(bit))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(BigInt::from(number)))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        let token = self.numbers.borrow_mut().pop_front().unwrap_or_default();
        if token.contains(['.', 'e', 'E']) {
            // serde_json's own reading may be off in the last digit.
            return Ok(Value::Float(token.parse().unwrap_or(number)));
        }
        if token.len() as u64 > super::MAX_INT_DIGITS {
            return Err(E::custom(format!("an integer of more than {} digits", super::MAX_INT_DIGITS)));
        }
        token.parse::<BigInt>().map(Value::from).map_err(|_| E::custom("invalid number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::str(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::List(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = from.next_key::<String>()? {
            pairs.push((Value::str(&key), from.next_value_seed(self)?));
        }
        Ok(Value::Dict(Arc::from(unique_pairs(pairs))))
    }
}

/// The text that Python's `json.dumps` makes of the value, with two differences: NaN and the infinities are refused,
/// since they are not JSON, and keys that JSON would make equal are too. Tuples become lists; keys that are numbers, booleans or
/// `None` become text; everything else that JSON has no word for is refused with its place.
pub fn to_json_text(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    let mut path = "VALUE".to_owned();
    dump(value, &mut path, &mut out)?;
    Ok(out)
}

fn dump(value: &Value, path: &mut String, out: &mut String) -> Result<(), String> {
    match value {
        Value::None => out.push_str("null"),
        Value::Bool(bit) => out.push_str(if *bit { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Big(number) => match int_digits(number) {
            Some(digits) => out.push_str(&digits),
            None => return Err(format!("`{path}` is an int of more than {} digits", super::MAX_INT_DIGITS)),
        },
        Value::Float(number) if number.is_finite() => out.push_str(&float(*number)),
        Value::Float(number) => return Err(format!("`{path}` is {}, which JSON cannot say", float(*number))),
        Value::Str(text) => dump_text(text.chars().map(u32::from), out),
        Value::Surrogates(bytes) => dump_text(wtf8_codes(bytes), out),
        Value::List(items) | Value::Tuple(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                let length = path.len();
                path.push_str(&format!("[{at}]"));
                dump(item, path, out)?;
                path.truncate(length);
            }
            out.push(']');
        }
        Value::Dict(pairs) => dump_pairs(pairs, path, out)?,
        other => {
            return Err(format!("`{path}` is a {}, which JSON cannot say", super::escape(other.type_name())));
        }
    }
    Ok(())
}

fn dump_pairs(pairs: &[(Value, Value)], path: &mut String, out: &mut String) -> Result<(), String> {
    // Only where numbers become text can two keys become one.
    let mixed = !pairs.iter().all(|(key, _)| matches!(key, Value::Str(_)));
    let mut seen = HashSet::new();
    out.push('{');
    for (at, (key, value)) in pairs.iter().enumerate() {
        out.push_str(if at > 0 { ", " } else { "" });
        let length = path.len();
        let key_at = out.len();
        path.push_str(&step(key));
        match key {
            Value::Str(_) | Value::Surrogates(_) => dump(key, path, out)?,
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => {
                out.push('"');
                dump(key, path, out)?;
                out.push('"');
            }
            key => return Err(format!("`{path}` has a key that is a {}", super::escape(key.type_name()))),
        }
        if mixed && !seen.insert(out.get(key_at..).unwrap_or_default().to_owned()) {
            return Err(format!("`{path}` is a key that JSON cannot tell from an earlier one"));
        }
        out.push_str(": ");
        dump(value, path, out)?;
        path.truncate(length);
    }
    out.push('}');
    Ok(())
}

/// One step of a path into a dict: `.name` or `[1]`.
pub(crate) fn step(key: &Value) -> String {
    match key {
        Value::Str(name)
            if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && name.len() < 40 =>
        {
            format!(".{name}")
        }
        key => format!("[{}]", key.repr_cut(40).0),
    }
}

/// As `json.dumps` with its `ensure_ascii`: everything beyond ASCII as UTF-16 escapes.
fn dump_text(codes: impl Iterator<Item = u32>, out: &mut String) {
    out.push('"');
    for code in codes {
        match code {
            0x22 => out.push_str("\\\""),
            0x5c => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x09 => out.push_str("\\t"),
            0x0a => out.push_str("\\n"),
            0x0c => out.push_str("\\f"),
            0x0d => out.push_str("\\r"),
            0x20..=0x7e => out.push(code as u8 as char),
            // CPython leaves DEL as it is; so that nothing invisible gets out, here it is escaped like the others.
            0..=0xffff => out.push_str(&format!("\\u{code:04x}")),
            _ => {
                let low = code - 0x1_0000;
                out.push_str(&format!("\\u{:04x}\\u{:04x}", 0xd800 + (low >> 10), 0xdc00 + (low & 0x3ff)));
            }
        }
    }
    out.push('"');
}
