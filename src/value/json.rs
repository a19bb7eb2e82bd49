//! Values as JSON for `--json`, where nothing may get lost.
//!
//! [`to_json`] writes plain JSON where JSON can say a value exactly, and else an object with one key that starts with `$`:
//!
//! | value | JSON |
//! |---|---|
//! | bytes, bytearray | `{"$bytes": BASE64}`, `{"$bytearray": BASE64}` |
//! | tuple, set, frozenset | `{"$tuple": [...]}`, `{"$set": [...]}`, `{"$frozenset": [...]}` |
//! | int beyond 64 bits | `{"$int": "DIGITS"}`; beyond 4300 digits `{"$int": "0xHEX"}` |
//! | nan, inf, -inf | `{"$float": "nan"}`, `{"$float": "inf"}`, `{"$float": "-inf"}` |
//! | str with lone surrogates | `{"$str": TEXT}`, in which `\` is `\\` and a surrogate is `\ud800` |
//! | dict with a key that is no str or starts with `$` | `{"$dict": [[KEY, VALUE], ...]}` |
//! | object | `{"$object": {"kind": "instance", "name": "menu.Menu", "args": [...], ...}}`; parts that are empty are left out |
//! | a container inside itself | `{"$cycle": "list"}` (`tuple`, `dict`, `other`) |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::escape::{push_code, wtf8_codes};
use super::repr::{float, int_digits};
use super::{Container, Object, ObjectKind, Value};

/// The value for `--json`; see the table above. Holds nothing that JSON cannot say, and forgets nothing.
pub fn to_json(value: &Value) -> Json {
    // Plain loops and functions apart: values nest, and each level takes its frames from the stack.
    match value {
        Value::List(items) => list(items),
        Value::Tuple(items) => tagged("$tuple", list(items)),
        Value::Set(items) => tagged("$set", list(items)),
        Value::FrozenSet(items) => tagged("$frozenset", list(items)),
        Value::Dict(pairs) if pairs.iter().all(|(key, _)| is_plain_key(key)) => plain_dict(pairs),
        Value::Dict(pairs) => tagged("$dict", pairs_json(pairs)),
        Value::Object(object) => tagged("$object", object_json(object)),
        leaf => leaf_json(leaf),
    }
}

#[inline(never)]
fn leaf_json(value: &Value) -> Json {
    match value {
        Value::Bool(bit) => Json::Bool(*bit),
        Value::Int(number) => json!(number),
        Value::Big(number) => {
            json!({ "$int": int_digits(number).unwrap_or_else(|| format!("{:#x}", **number)) })
        }
        Value::Float(number) if number.is_finite() => json!(number),
        Value::Float(number) => json!({ "$float": float(*number) }),
        Value::Str(text) => Json::String(text.to_string()),
        Value::Surrogates(bytes) => json!({ "$str": surrogates(bytes) }),
        Value::Bytes(bytes) => json!({ "$bytes": STANDARD.encode(bytes) }),
        Value::ByteArray(bytes) => json!({ "$bytearray": STANDARD.encode(bytes) }),
        Value::Cycle(kind) => json!({ "$cycle": cycle(*kind) }),
        _ => Json::Null,
    }
}

fn tagged(tag: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([(tag.to_owned(), value)]))
}

fn list(items: &[Value]) -> Json {
    let mut list = Vec::with_capacity(items.len());
    for item in items {
        list.push(to_json(item));
    }
    Json::Array(list)
}

fn is_plain_key(key: &Value) -> bool {
    matches!(key, Value::Str(key) if !key.starts_with('$'))
}

fn plain_dict(pairs: &[(Value, Value)]) -> Json {
    let mut map = Map::new();
    for (key, value) in pairs {
        if let Value::Str(key) = key {
            map.insert(key.to_string(), to_json(value));
        }
    }
    Json::Object(map)
}

#[inline(never)]
fn pairs_json(pairs: &[(Value, Value)]) -> Json {
    let mut list = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        list.push(Json::Array(vec![to_json(key), to_json(value)]));
    }
    Json::Array(list)
}

#[inline(never)]
fn object_json(object: &Object) -> Json {
    let kind = match object.kind {
        ObjectKind::Global => "global",
        ObjectKind::Instance => "instance",
        ObjectKind::Call => "call",
        ObjectKind::Persistent => "persistent",
        ObjectKind::Extension => "extension",
    };
    let mut map = Map::new();
    map.insert("kind".to_owned(), json!(kind));
    map.insert("name".to_owned(), json!(&*object.name));
    if !object.args.is_empty() {
        map.insert("args".to_owned(), list(&object.args));
    }
    if !object.kwargs.is_empty() {
        map.insert("kwargs".to_owned(), pairs_json(&object.kwargs));
    }
    if let Some(state) = &object.state {
        map.insert("state".to_owned(), to_json(state));
    }
    if !object.items.is_empty() {
        map.insert("items".to_owned(), list(&object.items));
    }
    if !object.pairs.is_empty() {
        map.insert("pairs".to_owned(), pairs_json(&object.pairs));
    }
    Json::Object(map)
}

fn cycle(kind: Container) -> &'static str {
    match kind {
        Container::List => "list",
        Container::Tuple => "tuple",
        Container::Dict => "dict",
        Container::Other => "other",
    }
}

fn surrogates(bytes: &[u8]) -> String {
    let mut out = String::new();
    for code in wtf8_codes(bytes) {
        match char::from_u32(code) {
            Some('\\') => out.push_str("\\\\"),
            Some(c) => out.push(c),
            None => push_code(&mut out, code),
        }
    }
    out
}
