//! The bytes of a message as a picture shows them: the value, the size, what there is to note.

use crate::event::{Message, Wire};
use crate::net::Framing;
use crate::pickle;
use crate::sequence::Body;
use crate::value::{Value, escape, from_json_text};

/// How much of a value a picture keeps, in characters: a page shows it whole up to here, an arrow as much as fits.
const VALUE_MAX: usize = 2_000;

/// What a message's bytes say.
pub fn of_message(message: &Message, wire: &Wire) -> Body {
    let mut size = format!("{} B, {}", message.bytes, message.codec);
    if let Some(protocol) = message.protocol {
        size += &format!(" {protocol}");
    }
    let calls = message.actions.iter().map(|call| format!("pickle.loads would have done this: {call}"));
    let notes = wire.says_kept().into_iter().chain(message.notes.iter().cloned()).chain(calls);
    let notes = notes.map(|note| escape(&note).into_owned()).collect();
    Body { value: value(wire), size, notes, wire: wire.clone() }
}

/// What the bytes of a message say that did not go out whole.
pub fn of_begun(wire: &Wire) -> Body {
    let notes = wire.says_kept().into_iter().collect();
    Body { value: value(wire), size: format!("{} B, {}", wire.total, wire.codec), notes, wire: wire.clone() }
}

/// What the bytes of a `recv N`, or of a message that could not be read, say.
pub fn of_bytes(wire: &Wire) -> Body {
    let value = shown(&Value::Bytes(wire.bytes.clone()));
    Body { value, size: format!("{} B", wire.total), notes: Vec::new(), wire: wire.clone() }
}

/// The value as Python prints it; where it cannot be read again, the bytes.
fn value(wire: &Wire) -> String {
    if let Some(head) = wire.head.as_ref().filter(|_| wire.is_cut()) {
        return head.to_string();
    }
    let payload = payload(wire);
    let text = || std::str::from_utf8(payload).ok();
    let value = match wire.codec {
        "pickle" => pickle::decode(payload).ok().map(|decoded| decoded.value),
        "json" => text().and_then(|text| from_json_text(text).ok()),
        "text" => text().map(Value::str),
        // A file may hold anything, a pickle most of all.
        "file" => {
            pickle::decode(payload).ok().filter(|it| it.len == payload.len()).map(|decoded| decoded.value)
        }
        "hex" => return hex(payload),
        _ => None,
    };
    shown(&value.unwrap_or_else(|| Value::Bytes(payload.into())))
}

fn shown(value: &Value) -> String {
    let (shown, is_cut) = value.repr_cut(VALUE_MAX);
    if is_cut { shown + "..." } else { shown }
}

/// `80 04 4b 01 2e`.
fn hex(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes.iter().take(VALUE_MAX / 3).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > shown.len() { " ..." } else { "" };
    shown.join(" ") + more
}

/// The bytes without their frame.
fn payload(wire: &Wire) -> &[u8] {
    let bytes = &wire.bytes[..];
    match wire.framing {
        Framing::Pickle | Framing::None => bytes,
        // A length of -1 stands before a longer length.
        Framing::Length if bytes.starts_with(&[0xff; 4]) => bytes.get(12..).unwrap_or_default(),
        Framing::Length => bytes.get(4..).unwrap_or_default(),
        Framing::Line => {
            let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            line.strip_suffix(b"\r").unwrap_or(line)
        }
    }
}
