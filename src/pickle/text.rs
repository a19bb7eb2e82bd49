//! Text inside opcodes: the numbers and strings that protocol 0 spells out, and the encodings of str.

use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::Num;

use crate::value::{MAX_INT_DIGITS, Value};

/// A str from UTF-8 that may hold surrogates, as CPython's `utf-8` codec with `surrogatepass` reads it.
pub(super) fn utf8(bytes: &[u8]) -> Result<Value, String> {
    let wrong = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(Value::Str(Arc::from(text))),
        Err(wrong) => wrong,
    };
    let mut at = wrong.valid_up_to();
    loop {
        let rest = &bytes[at..];
        match rest {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => at += 3,
            _ => match std::str::from_utf8(rest) {
                Ok(_) => return Ok(Value::Surrogates(Arc::from(bytes))),
                Err(wrong) if wrong.valid_up_to() > 0 => at += wrong.valid_up_to(),
                Err(wrong) => {
                    let byte = rest.first().copied().unwrap_or_default();
                    let why = match (wrong.error_len(), byte) {
                        (None, _) => "unexpected end of data",
                        (_, 0xc2..=0xf4) => "invalid continuation byte",
                        _ => "invalid start byte",
                    };
                    return Err(format!(
                        "'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {why}"
                    ));
                }
            },
        }
    }
}

/// A str from code points, some of which may be surrogates.
fn from_codes(codes: &[u32]) -> Value {
    let text: Option<String> = codes.iter().map(|&code| char::from_u32(code)).collect();
    if let Some(text) = text {
        return Value::Str(text.into());
    }
    let mut bytes = Vec::with_capacity(codes.len() * 3);
    for &code in codes {
        match char::from_u32(code) {
            Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => bytes.extend([
                0xe0 | (code >> 12) as u8,
                0x80 | (code >> 6 & 0x3f) as u8,
                0x80 | (code & 0x3f) as u8,
            ]),
        }
    }
    Value::Surrogates(bytes.into())
}

/// The argument of `UNICODE`: CPython's `raw-unicode-escape`, which is Latin-1 with `\u0000` and `\U00000000`.
pub(super) fn raw_unicode_escape(line: &[u8]) -> Result<Value, String> {
    let mut codes = Vec::with_capacity(line.len());
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        let digits = match (byte, line.get(at + 1)) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            // A backslash keeps its next character from being looked at.
            (b'\\', Some(&next)) => {
                codes.extend([u32::from(byte), u32::from(next)]);
                at += 2;
                continue;
            }
            _ => {
                codes.push(u32::from(byte));
                at += 1;
                continue;
            }
        };
        let hex = line.get(at + 2..at + 2 + digits).and_then(hex);
        let code = hex.ok_or_else(|| {
            format!("'rawunicodeescape' codec can't decode bytes in position {at}: truncated escape")
        })?;
        if code > 0x10_ffff {
            return Err(format!(
                "'rawunicodeescape' codec can't decode bytes in position {at}: \\Uxxxxxxxx out of range"
            ));
        }
        codes.push(code);
        at += 2 + digits;
    }
    Ok(from_codes(&codes))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |code, &digit| Some(code << 4 | char::from(digit).to_digit(16)?))
}

/// The argument of `STRING`: a quoted Python 2 str with backslash escapes.
pub(super) fn quoted(line: &[u8]) -> Result<Vec<u8>, String> {
    let (Some(&first), Some(&last)) = (line.first(), line.last()) else {
        return Err("the STRING opcode argument must be quoted".to_owned());
    };
    if line.len() < 2 || first != last || !matches!(first, b'\'' | b'"') {
        return Err("the STRING opcode argument must be quoted".to_owned());
    }
    let body = &line[1..line.len() - 1];
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let next = *body.get(at).ok_or("Trailing \\ in string")?;
        at += 1;
        match next {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => out.push(next),
            b'a' => out.push(0x07),
            b'b' => out.push(0x08),
            b't' => out.push(b'\t'),
            b'n' => out.push(b'\n'),
            b'v' => out.push(0x0b),
            b'f' => out.push(0x0c),
            b'r' => out.push(b'\r'),
            b'0'..=b'7' => {
                let more = body[at..].iter().take(2).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
                let digits = &body[at - 1..at + more];
                at += more;
                let code = digits.iter().fold(0_u32, |code, digit| code << 3 | u32::from(digit - b'0'));
                out.push(code as u8);
            }
            b'x' => {
                let code = body.get(at..at + 2).and_then(hex);
                out.push(code.ok_or_else(|| format!("invalid \\x escape at position {}", at - 2))? as u8);
                at += 2;
            }
            other => out.extend([b'\\', other]),
        }
    }
    Ok(out)
}

/// What C takes for the text: up to the first NUL.
fn c_text(line: &[u8]) -> Option<&str> {
    let end = line.iter().position(|&byte| byte == 0).unwrap_or(line.len());
    std::str::from_utf8(&line[..end]).ok()
}

/// The argument of `INT`: `01` and `00` are bools, `010` is octal as C's `strtol` reads it, the rest is Python's `int(text, 0)`.
pub(super) fn int(line: &[u8]) -> Result<Value, String> {
    let text = c_text(line).ok_or("could not convert string to int")?;
    let number = strtol(text).or_else(|| python_int(text, 0).ok());
    match number {
        Some(Value::Int(bit @ (0 | 1))) if line.len() == 2 => Ok(Value::Bool(bit == 1)),
        Some(number) => Ok(number),
        None => Err("could not convert string to int".to_owned()),
    }
}

/// C's `strtol` with base 0 where it takes the whole text and Python's `int` does not: octal with a leading zero.
fn strtol(text: &str) -> Option<Value> {
    let text = text.trim_start_matches(is_space);
    let (negative, digits) = sign(text);
    let octal = digits.strip_prefix('0').filter(|octal| !octal.is_empty())?;
    if !octal.bytes().all(|byte| matches!(byte, b'0'..=b'7')) {
        return None;
    }
    let number = i64::from_str_radix(octal, 8).ok()?;
    Some(Value::Int(if negative { -number } else { number }))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The argument of `LONG`: Python's `int(text, 0)` without the `L` at its end.
pub(super) fn long(line: &[u8]) -> Result<Value, String> {
    let line = line.strip_suffix(b"L").unwrap_or(line);
    python_int(c_text(line).ok_or("invalid literal for int()")?, 0)
}

/// The argument of `GET` and `PUT`.
pub(super) fn index(line: &[u8]) -> Result<i64, String> {
    match python_int(c_text(line).ok_or("invalid literal for int()")?, 10)? {
        Value::Int(number) => Ok(number),
        _ => Err("Python int too large to convert to C ssize_t".to_owned()),
    }
}

/// Python's `int(text, base)` for base 0 and 10: spaces around, a sign, `0x 0o 0b`, single underscores between digits.
fn python_int(text: &str, base: u32) -> Result<Value, String> {
    let shown: String = text.chars().take(40).collect();
    let invalid =
        || format!("invalid literal for int() with base {base}: '{}'", crate::value::escape(&shown));
    let (negative, body) = sign(text.trim_matches(is_space));
    let prefix = body.get(..2).unwrap_or_default().to_ascii_lowercase();
    let (radix, digits) = match prefix.as_str() {
        "0x" if base == 0 => (16, &body[2..]),
        "0o" if base == 0 => (8, &body[2..]),
        "0b" if base == 0 => (2, &body[2..]),
        _ => (10, body),
    };
    // After a prefix one underscore may stand: 0x_ff.
    let digits = if radix == 10 { digits } else { digits.strip_prefix('_').unwrap_or(digits) };
    let well_formed = !digits.is_empty()
        && digits.split('_').all(|part| !part.is_empty() && part.chars().all(|c| c.is_digit(radix)));
    let octal = base == 0
        && radix == 10
        && digits.starts_with('0')
        && digits.bytes().any(|b| matches!(b, b'1'..=b'9'));
    if !well_formed || octal {
        return Err(invalid());
    }
    let digits: String = digits.chars().filter(|&c| c != '_').collect();
    if radix == 10 && digits.len() as u64 > MAX_INT_DIGITS {
        return Err(format!(
            "exceeds the limit ({MAX_INT_DIGITS} digits) for integer string conversion: value has {} digits",
            digits.len()
        ));
    }
    let number = BigInt::from_str_radix(&digits, radix).map_err(|_| invalid())?;
    Ok(Value::from(if negative { -number } else { number }))
}

/// The argument of `FLOAT`.
pub(super) fn float(line: &[u8]) -> Result<Value, String> {
    let text = c_text(line).ok_or("could not convert string to float")?;
    let number: f64 = text.parse().map_err(|_| "could not convert string to float".to_owned())?;
    if number.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err("value too large to convert to float".to_owned());
    }
    Ok(Value::Float(number))
}
