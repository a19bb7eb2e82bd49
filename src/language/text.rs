//! Strings and bytes as JSON and Python write them, with their escapes and `${name}`.

use super::expr::{Expr, Part, Template};
use super::line::Line;
use super::mistake::Mistake;
use crate::value::Value;

/// What an escape stands for.
enum Escape {
    Char(char),
    Byte(u8),
    /// A backslash before a newline joins the two lines, as in Python.
    Nothing,
}

/// Reads a string in either kind of quotes; `${name}` in it is filled in when the step runs, `\$` is a dollar.
pub fn string(line: &mut Line) -> Result<Expr, Mistake> {
    let start = line.at;
    let quote = opening_quote(line);
    let mut parts = Vec::new();
    let mut text = String::new();
    loop {
        let rest = line.rest();
        let plain = rest.find(['\\', '$', quote]).unwrap_or(rest.len());
        text.push_str(&rest[..plain]);
        line.at += plain;
        match line.peek() {
            None => return Err(never_closed(start, quote)),
            Some('\\') => match escape(line, true)? {
                Escape::Char(c) => text.push(c),
                Escape::Byte(byte) => text.push(char::from(byte)),
                Escape::Nothing => {}
            },
            Some('$') if line.rest().starts_with("${") => {
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Ref(line.reference()?));
            }
            Some(c) => {
                line.at += c.len_utf8();
                if c == quote {
                    break;
                }
                text.push(c);
            }
        }
    }
    if parts.is_empty() {
        return Ok(Expr::Const(Value::str(&text)));
    }
    parts.push(Part::Text(text));
    Ok(Expr::Text(Template::from_parts(parts)))
}

/// Free text, `$name` and `${name}` filled in when the step runs, nothing else special; it lies at `start` of `whole`.
pub fn filled_in(text: &str, start: usize, whole: &str) -> Result<Template, Mistake> {
    let end = start + text.len();
    let mut parts = Vec::new();
    let mut line = Line::new(&whole[..end]).at(start);
    let mut plain = String::new();
    while let Some(c) = line.peek() {
        let after = &line.rest()[c.len_utf8()..];
        if c == '$' && (after.starts_with('{') || super::line::identifier_len(after) > 0) {
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(Part::Ref(line.reference()?));
        } else {
            plain.push(c);
            line.at += c.len_utf8();
        }
    }
    parts.push(Part::Text(plain));
    // A `$name` alone is known as such, for what makes more of a list than its text.
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    Ok(if parts.iter().all(|part| matches!(part, Part::Text(_))) {
        Template::text(text.to_string())
    } else {
        Template::from_parts(parts)
    })
}

/// Reads `b'...'`: ASCII and escapes.
pub fn bytes(line: &mut Line) -> Result<Value, Mistake> {
    let start = line.at;
    line.at += 1;
    let quote = opening_quote(line);
    let mut bytes = Vec::new();
    loop {
        match line.peek() {
            None => return Err(never_closed(start, quote)),
            Some('\\') if matches!(line.rest().as_bytes().get(1), Some(b'u' | b'U')) => {
                return Err(Mistake::new(line.at, 2, "bytes have no `\\u` escape")
                    .hint("write each byte as `\\x` and two hex digits"));
            }
            Some('\\') => match escape(line, false)? {
                Escape::Byte(byte) => bytes.push(byte),
                Escape::Char(c) => bytes.push(c as u8),
                Escape::Nothing => {}
            },
            Some(c) if !c.is_ascii() => {
                return Err(Mistake::new(
                    line.at,
                    c.len_utf8(),
                    "bytes hold only ASCII characters and `\\x` escapes",
                ));
            }
            Some(c) => {
                line.at += 1;
                if c == quote {
                    return Ok(Value::Bytes(bytes.into()));
                }
                bytes.push(c as u8);
            }
        }
    }
}

fn opening_quote(line: &mut Line) -> char {
    let quote = line.peek().unwrap_or('"');
    line.at += quote.len_utf8();
    quote
}

fn never_closed(start: usize, quote: char) -> Mistake {
    Mistake::new(start, 1, format!("the string opened here is never closed by `{quote}`")).unfinished()
}

/// Reads one escape, with the backslash next.
fn escape(line: &mut Line, in_text: bool) -> Result<Escape, Mistake> {
    let at = line.at;
    line.at += 1;
    let Some(c) = line.peek() else {
        return Err(Mistake::new(at, 1, "the string ends in a backslash").unfinished());
    };
    line.at += c.len_utf8();
    Ok(match c {
        'n' => Escape::Char('\n'),
        't' => Escape::Char('\t'),
        'r' => Escape::Char('\r'),
        'b' => Escape::Char('\u{8}'),
        'f' => Escape::Char('\u{c}'),
        'a' => Escape::Char('\u{7}'),
        'v' => Escape::Char('\u{b}'),
        '0' if !line.rest().starts_with(|next: char| next.is_ascii_digit()) => Escape::Char('\0'),
        '\\' | '\'' | '"' | '/' => Escape::Char(c),
        '$' if in_text => Escape::Char('$'),
        '\n' => Escape::Nothing,
        'x' => Escape::Byte(u8::try_from(hex(line, at, 2)?).unwrap_or(0)),
        'u' => Escape::Char(unicode(line, at)?),
        'U' => {
            let code = hex(line, at, 8)?;
            let no_character = || Mistake::new(at, 10, format!("`\\U{code:08x}` is no character"));
            Escape::Char(char::from_u32(code).ok_or_else(no_character)?)
        }
        _ => {
            let shown = crate::value::escape(&c.to_string()).into_owned();
            return Err(Mistake::new(at, 1 + c.len_utf8(), format!("`\\{shown}` is no escape"))
                .hint("a backslash itself is `\\\\`"));
        }
    })
}

fn hex(line: &mut Line, at: usize, digits: usize) -> Result<u32, Mistake> {
    let text = line.rest().get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let Some(text) = text else {
        return Err(Mistake::new(at, line.at - at, format!("this escape takes {digits} hex digits")));
    };
    line.at += digits;
    Ok(u32::from_str_radix(text, 16).unwrap_or(0))
}

/// `\uXXXX`, or JSON's pair of two for a character beyond U+FFFF (RFC 8259, section 7).
fn unicode(line: &mut Line, at: usize) -> Result<char, Mistake> {
    let first = hex(line, at, 4)?;
    if let Some(c) = char::from_u32(first) {
        return Ok(c);
    }
    if (0xd800..0xdc00).contains(&first) && line.rest().starts_with("\\u") {
        line.at += 2;
        let second = hex(line, at, 4)?;
        if (0xdc00..0xe000).contains(&second) {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
    Err(Mistake::new(at, 6, format!("`\\u{first:04x}` is half of a surrogate pair"))
        .hint("write both halves, or the character itself"))
}
