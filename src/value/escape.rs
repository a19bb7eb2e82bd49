//! Which characters a screen may get as they are, and how the others are spelled.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// CPython's `str.isprintable` for one character: everything but the categories "Other" (control, format,
/// surrogate, private use, unassigned) and "Separator" other than the space.
/// (<https://docs.python.org/3/library/stdtypes.html#str.isprintable>)
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    !matches!(c.general_category_group(), GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator)
}

/// A character that turns the direction of what stands around it, so that a line can show another order than it has
/// (CVE-2021-42574).
pub fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text for a screen: every character that is not printable as `\n`, `\x1b`, `\u202e` or `\U000e0041`.
/// Spaces and backslashes stay as they are.
pub fn escape(text: &str) -> Cow<'_, str> {
    // Printable ASCII needs no table to look into.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let Some(first) = text.find(|c| !is_printable(c)) else {
        return Cow::Borrowed(text);
    };
    let (clean, rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(clean);
    for c in rest.chars() {
        if is_printable(c) {
            out.push(c);
        } else {
            push_code(&mut out, c as u32);
        }
    }
    Cow::Owned(out)
}

/// Text that HTML and XML take for nothing else, in an element or in a quoted attribute. Control characters are [`escape`]'s.
pub fn escape_markup(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// A cell that a spreadsheet takes for text: what would begin a formula gets an apostrophe before it, and no control character is left.
pub fn spreadsheet_cell(text: &str) -> String {
    let text = escape(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.into_owned() }
}

/// The escape that Python's `repr` uses for a code point, surrogates included.
pub(crate) fn push_code(out: &mut String, code: u32) {
    // Writing to a String cannot fail.
    let _ = match code {
        0x09 => out.write_str("\\t"),
        0x0a => out.write_str("\\n"),
        0x0d => out.write_str("\\r"),
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// The code points of WTF-8 text (UTF-8 that also encodes U+D800 to U+DFFF); bytes that are neither end it.
pub(crate) fn wtf8_codes(bytes: &[u8]) -> impl Iterator<Item = u32> + Clone + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (&first, _) = rest.split_first()?;
        let (len, lead) = match first {
            0x00..=0x7f => (1, u32::from(first)),
            0xc2..=0xdf => (2, u32::from(first & 0x1f)),
            0xe0..=0xef => (3, u32::from(first & 0x0f)),
            0xf0..=0xf4 => (4, u32::from(first & 0x07)),
            _ => return None,
        };
        let (head, tail) = rest.split_at_checked(len)?;
        rest = tail;
        let more = head.iter().skip(1);
        Some(more.fold(lead, |code, byte| code << 6 | u32::from(byte & 0x3f)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_sees_text() {
        assert_eq!(spreadsheet_cell("=cmd()"), "'=cmd()");
        assert_eq!(spreadsheet_cell("@x"), "'@x");
        assert_eq!(spreadsheet_cell("Ada\r\nBob"), "Ada\\r\\nBob");
    }
}
