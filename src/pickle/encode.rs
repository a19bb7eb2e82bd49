//! Writes a value as a pickle, with serde-pickle.

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, SerializeTuple, Serializer};
use serde_pickle::SerOptions;

use super::finish::MAX_DEPTH;
use crate::value::{Value, escape, path_step};

/// How large most messages of class programs are.
const USUAL_BYTES: usize = 128;

/// The value as a pickle of protocol 2 or 3 that Python reads back equal and in order. What serde-pickle cannot write
/// exactly is refused with its place: `VALUE.a[2]` is a set.
pub fn encode(value: &Value, protocol: u8) -> Result<Vec<u8>, String> {
    let options = match protocol {
        2 => SerOptions::new().proto_v2(),
        3 => SerOptions::new(),
        other => return Err(format!("protocol {other} cannot be written, only 2 and 3")),
    };
    check(value, &mut "VALUE".to_owned(), 0)?;
    let mut pickle = Vec::with_capacity(USUAL_BYTES);
    serde_pickle::to_writer(&mut pickle, value, options)
        .map_err(|error| escape(&error.to_string()).into_owned())?;
    Ok(pickle)
}

/// Refuses what cannot be written, before a byte is.
fn check(value: &Value, path: &mut String, depth: u32) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("the value is nested more than {MAX_DEPTH} deep"));
    }
    let length = path.len();
    match value {
        Value::List(items) | Value::Tuple(items) => {
            for (at, item) in items.iter().enumerate() {
                if is_leaf(item) {
                    continue;
                }
                path.push_str(&format!("[{at}]"));
                check(item, path, depth + 1)?;
                path.truncate(length);
            }
        }
        Value::Dict(pairs) => {
            for (key, item) in pairs.iter() {
                if is_leaf(key) && is_leaf(item) {
                    continue;
                }
                path.push_str(&path_step(key));
                check(key, path, depth + 1)?;
                check(item, path, depth + 1)?;
                path.truncate(length);
            }
        }
        _ => {}
    }
    match refusal(value) {
        Some(what) => Err(format!("`{path}` is {what}")),
        None => Ok(()),
    }
}

fn is_leaf(value: &Value) -> bool {
    matches!(value, Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_)) || short_text(value)
}

fn short_text(value: &Value) -> bool {
    matches!(value, Value::Str(text) if text.len() <= MAX_TEXT_BYTES)
}

/// Lengths have 4 bytes in protocols 2 and 3.
const MAX_TEXT_BYTES: usize = u32::MAX as usize;

/// Why a value that stands by itself cannot be written.
fn refusal(value: &Value) -> Option<String> {
    let what = match value {
        Value::Big(_) => "an int beyond 64 bits; pickles written here hold at most 64".to_owned(),
        Value::Set(_) => "a set; send a list, or a tuple".to_owned(),
        Value::FrozenSet(_) => "a frozenset; send a list, or a tuple".to_owned(),
        Value::ByteArray(_) => "a bytearray; send bytes".to_owned(),
        Value::Surrogates(_) => "a str with lone surrogates, which UTF-8 cannot hold".to_owned(),
        Value::Object(object) => format!("an object of another program ({})", escape(&object.name)),
        Value::Cycle(_) => "a place where a container holds itself".to_owned(),
        Value::Str(text) if text.len() > MAX_TEXT_BYTES => "a str of more than 4 GiB".to_owned(),
        Value::Bytes(bytes) if bytes.len() > MAX_TEXT_BYTES / 2 => {
            "a bytes object of more than 2 GiB".to_owned()
        }
        _ => return None,
    };
    Some(what)
}

/// As serde's data model has it. What it has no word for is an error, which [`encode`] names beforehand with its place.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // Each kind in its own function: values nest, and a debug build reserves stack for all arms of a match.
        match self {
            Value::List(items) => list(items, to),
            Value::Tuple(items) => tuple(items, to),
            Value::Dict(pairs) => dict(pairs, to),
            leaf => serialize_leaf(leaf, to),
        }
    }
}

fn serialize_leaf<S: Serializer>(value: &Value, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::None => to.serialize_unit(),
        Value::Bool(bit) => to.serialize_bool(*bit),
        // serde-pickle writes what it is told is a byte or two in two or three bytes instead of five.
        Value::Int(number) => match (u8::try_from(*number), u16::try_from(*number)) {
            (Ok(byte), _) => to.serialize_u8(byte),
            (_, Ok(two)) => to.serialize_u16(two),
            _ => to.serialize_i64(*number),
        },
        Value::Float(number) => to.serialize_f64(*number),
        Value::Str(text) => to.serialize_str(text),
        Value::Bytes(bytes) => to.serialize_bytes(bytes),
        other => Err(S::Error::custom(format!("a {} cannot be written", other.type_name()))),
    }
}

fn list<S: Serializer>(items: &[Value], to: S) -> Result<S::Ok, S::Error> {
    let mut list = to.serialize_seq(Some(items.len()))?;
    for item in items {
        list.serialize_element(item)?;
    }
    list.end()
}

fn tuple<S: Serializer>(items: &[Value], to: S) -> Result<S::Ok, S::Error> {
    let mut tuple = to.serialize_tuple(items.len())?;
    for item in items {
        tuple.serialize_element(item)?;
    }
    tuple.end()
}

fn dict<S: Serializer>(pairs: &[(Value, Value)], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(pairs.len()))?;
    for (key, value) in pairs {
        map.serialize_entry(key, value)?;
    }
    map.end()
}
