//! The parts of a typed line by kind, for colours; never wrong about what runs, because it decides nothing.

use super::line::identifier_len;

/// What a part of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Anything else.
    Plain,
    /// The verb.
    Verb,
    /// `@name` and `$name`.
    Name,
    /// A string.
    Text,
    /// A number.
    Number,
    /// A comment.
    Comment,
}

/// The parts of a line in order; together they are the line.
pub fn inks(line: &str) -> Vec<(Ink, &str)> {
    let mut parts = Vec::new();
    let mut rest = line;
    let mut verb_seen = false;
    while let Some(c) = rest.chars().next() {
        let at_word = rest.len() == line.len()
            || line[..line.len() - rest.len()].ends_with([' ', '\t', '\n', '[', '(', '{', ',', ':']);
        let (ink, len) = match c {
            '#' if at_word => (Ink::Comment, rest.find('\n').unwrap_or(rest.len())),
            '"' | '\'' => (Ink::Text, string_len(rest, c)),
            '$' | '@' => (Ink::Name, 1 + identifier_len(&rest[1..])),
            '0'..='9' if at_word => {
                (Ink::Number, rest.find(|c: char| !(c.is_alphanumeric() || c == '.')).unwrap_or(rest.len()))
            }
            _ if identifier_len(rest) > 0 => {
                let ink = if verb_seen { Ink::Plain } else { Ink::Verb };
                verb_seen = true;
                (ink, identifier_len(rest))
            }
            _ => (Ink::Plain, c.len_utf8()),
        };
        let (part, behind) = rest.split_at(len);
        parts.push((ink, part));
        rest = behind;
    }
    parts
}

fn string_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return offset + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_the_line() {
        let line = "@ada send {\"a\": 1.5, 'b': $id.x} # é note";
        let parts = inks(line);
        assert_eq!(parts.iter().map(|(_, text)| *text).collect::<String>(), line);
        let kinds: Vec<_> = parts.iter().filter(|(ink, _)| *ink != Ink::Plain).cloned().collect();
        let wanted = [
            (Ink::Name, "@ada"),
            (Ink::Verb, "send"),
            (Ink::Text, "\"a\""),
            (Ink::Number, "1.5"),
            (Ink::Text, "'b'"),
            (Ink::Name, "$id"),
            (Ink::Comment, "# é note"),
        ];
        assert_eq!(kinds, wanted);
    }
}
