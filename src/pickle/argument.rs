//! An opcode's argument as text: what `pickletools.dis` prints behind the opcode's name.

use num_bigint::BigInt;

use super::opcode::{self as op, SHAPES, Shape, little_endian};
use super::text;
use crate::value::Value;

/// The argument, at most `most` characters of it, and `...` if there are more. `bytes` is the opcode with its argument;
/// `None` for an opcode that takes none, and for an argument that is not whole or says nothing.
pub(super) fn argument(bytes: &[u8], most: usize) -> Option<String> {
    let (&opcode, rest) = bytes.split_first()?;
    let (text, cut) = match (opcode, SHAPES[usize::from(opcode)]) {
        // Two names, which pickletools joins with a space.
        (_, Shape::Lines(2)) => {
            let names: Vec<&[u8]> = rest.split(|&byte| byte == b'\n').take(2).collect();
            Value::str(&String::from_utf8_lossy(&names.join(&b' '))).repr_cut(most)
        }
        (_, Shape::Lines(_)) => line(opcode, rest.strip_suffix(b"\n")?)?.repr_cut(most),
        (_, Shape::Counted(width)) => counted(opcode, rest, usize::from(width), most)?,
        (_, Shape::Signed) => counted(opcode, rest, 4, most)?,
        (_, Shape::Fixed(0) | Shape::Stop | Shape::Unknown) => return None,
        (_, shape) if rest.len() != fixed(shape) => return None,
        (op::BINFLOAT, _) => Value::Float(f64::from_be_bytes(rest.try_into().ok()?)).repr_cut(most),
        (op::BININT | op::EXT4, _) => (i32::from_le_bytes(rest.try_into().ok()?).to_string(), false),
        _ => (little_endian(rest).to_string(), false),
    };
    Some(if cut { text + "..." } else { text })
}

/// How many bytes an argument of fixed length takes.
fn fixed(shape: Shape) -> usize {
    match shape {
        Shape::Fixed(bytes) => usize::from(bytes),
        Shape::Frame => 8,
        _ => 1,
    }
}

/// The argument of an opcode that is spelled in a line of text.
fn line(opcode: u8, line: &[u8]) -> Option<Value> {
    let read = match opcode {
        op::INT => text::int(line),
        op::LONG => text::long(line),
        op::FLOAT => text::float(line),
        op::GET | op::PUT => text::index(line).map(Value::Int),
        op::UNICODE => text::raw_unicode_escape(line),
        op::STRING => text::quoted(line).map(|bytes| latin1(&bytes)),
        _ => Ok(latin1(line)),
    };
    read.ok()
}

/// The argument of an opcode that says how long it is. No more bytes are looked at than are shown.
fn counted(opcode: u8, rest: &[u8], width: usize, most: usize) -> Option<(String, bool)> {
    let (length, body) = rest.split_at_checked(width)?;
    if little_endian(length) != body.len() as u64 {
        return None;
    }
    // A character has at most 4 bytes.
    let head = &body[..body.len().min(most.saturating_mul(4).saturating_add(4))];
    let is_number = matches!(opcode, op::LONG1 | op::LONG4);
    let value = match opcode {
        _ if is_number => Value::from(BigInt::from_signed_bytes_le(body)),
        op::BINBYTES | op::SHORT_BINBYTES | op::BINBYTES8 => Value::Bytes(head.into()),
        op::BYTEARRAY8 => Value::ByteArray(head.into()),
        op::BINSTRING | op::SHORT_BINSTRING => latin1(head),
        _ => {
            let whole = match std::str::from_utf8(head) {
                Err(cut) if head.len() < body.len() && cut.error_len().is_none() => {
                    &head[..cut.valid_up_to()]
                }
                _ => head,
            };
            text::utf8(whole).unwrap_or_else(|_| Value::Bytes(whole.into()))
        }
    };
    let (text, cut) = value.repr_cut(most);
    Some((text, cut || !is_number && head.len() < body.len()))
}

/// The bytes as the first 256 characters of Unicode, as `pickletools` shows a Python 2 str.
fn latin1(bytes: &[u8]) -> Value {
    Value::str(&bytes.iter().map(|&byte| char::from(byte)).collect::<String>())
}
