//! A reading position in one line of the language: spaces, comments, words and the places of mistakes.

use super::expr::{Part, Ref, Template};
use super::literal;
use super::mistake::Mistake;

/// A position in the text of one step. A step's text may hold newlines where a bracket or a string goes on.
#[derive(Clone)]
pub struct Line<'a> {
    /// The whole text of the step.
    pub text: &'a str,
    /// Byte offset of the next character.
    pub at: usize,
}

impl<'a> Line<'a> {
    /// The start of `text`.
    pub fn new(text: &'a str) -> Line<'a> {
        Line { text, at: 0 }
    }

    /// The same text at another place.
    pub fn at(mut self, at: usize) -> Line<'a> {
        self.at = at;
        self
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Moves past `c` if it is next.
    pub fn eat(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// Skips spaces and tabs, and a comment, which runs to the end of the physical line.
    pub fn skip_space(&mut self) {
        self.skip(|c| c == ' ' || c == '\t');
    }

    /// Skips spaces, newlines and comments, as inside an open bracket.
    pub fn skip_space_and_newlines(&mut self) {
        self.skip(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
    }

    fn skip(&mut self, is_space: impl Fn(char) -> bool) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(&is_space).len();
            let after_space =
                self.at == 0 || self.text[..self.at].ends_with([' ', '\t', '\n', '\r', ',', '[', '{', '(']);
            if !after_space || !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// Whether nothing but spaces and a comment is left.
    pub fn is_done(&mut self) -> bool {
        self.skip_space();
        self.at == self.text.len()
    }

    /// The word at this place as it stands, up to a space: not unquoted, not moved past.
    pub fn bare_word(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find([' ', '\t', '\n']).unwrap_or(rest.len())]
    }

    /// Moves past `word` if it stands here as a whole word.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.bare_word() == word;
        if found {
            self.at += word.len();
        }
        found
    }

    /// A mistake at this place that underlines the word here.
    pub fn mistake(&self, message: impl Into<String>) -> Mistake {
        let word = self.bare_word();
        let len = if word.is_empty() { 1 } else { word.len() };
        Mistake::new(self.at, len, message)
    }

    /// An identifier: a letter or `_`, then letters, digits and `_`.
    pub fn identifier(&mut self, what: &str) -> Result<&'a str, Mistake> {
        let rest = self.rest();
        let len = identifier_len(rest);
        if len == 0 {
            let found = self.bare_word();
            let wanted = if found.is_empty() {
                format!("{what} is missing")
            } else {
                format!("`{found}` cannot be {what}")
            };
            return Err(self.mistake(wanted).hint("a name is a letter, then letters, digits and `_`"));
        }
        self.at += len;
        Ok(&rest[..len])
    }

    /// A word as a POSIX shell reads it, `$name` filled in later. Quotes are the shell's; `'...'` keeps `$` as it is.
    pub fn word(&mut self, what: &str) -> Result<Template, Mistake> {
        let start = self.at;
        let extent = self.word_extent()?;
        if extent == 0 {
            return Err(self.mistake(format!("{what} is missing")));
        }
        let raw = &self.text[start..start + extent];
        self.at += extent;
        if raw.starts_with('\'') || !raw.contains('$') {
            return Ok(Template::text(unquote(raw, start)?));
        }
        let mut parts = Vec::new();
        let mut inner = Line { text: self.text, at: start };
        let end = start + extent;
        while inner.at < end {
            let until_dollar =
                inner.rest()[..end - inner.at].find('$').map_or(end, |offset| inner.at + offset);
            if until_dollar > inner.at {
                parts.push(Part::Text(unquote(raw_piece(self.text, inner.at, until_dollar), inner.at)?));
                inner.at = until_dollar;
            } else {
                parts.push(Part::Ref(inner.reference()?));
            }
        }
        Ok(Template::from_parts(parts))
    }

    /// How many bytes the shell word here takes.
    fn word_extent(&self) -> Result<usize, Mistake> {
        let mut quote = None;
        let mut characters = self.rest().char_indices();
        while let Some((offset, c)) = characters.next() {
            match (quote, c) {
                (None, ' ' | '\t' | '\n') => return Ok(offset),
                (None, '\'' | '"') => quote = Some((c, offset)),
                (Some((open, _)), _) if open == c => quote = None,
                (None | Some(('"', _)), '\\') => {
                    characters.next();
                }
                _ => {}
            }
        }
        match quote {
            Some((open, offset)) => {
                Err(Mistake::new(self.at + offset, 1, format!("the `{open}` opened here is never closed"))
                    .unfinished())
            }
            None => Ok(self.rest().len()),
        }
    }

    /// `$name`, `$name.key`, `$name[0]` or `${name...}`, with `$` next.
    pub fn reference(&mut self) -> Result<Ref, Mistake> {
        let at = self.at;
        self.eat('$');
        let braced = self.eat('{');
        let name = self.identifier("a name after `$`")?.to_string();
        let mut path = Vec::new();
        loop {
            if self.rest().starts_with('.') && identifier_len(&self.rest()[1..]) > 0 {
                self.at += 1;
                path.push(super::expr::Key::Name(self.identifier("a key")?.to_string()));
            } else if self.rest().starts_with('[') {
                self.at += 1;
                let key = literal::value(self, 0)?;
                if !self.eat(']') {
                    return Err(self.mistake("`]` is missing after the index"));
                }
                path.push(super::expr::Key::Index(key));
            } else {
                break;
            }
        }
        if braced && !self.eat('}') {
            return Err(Mistake::new(at, 2, "the `${` opened here is never closed by `}`"));
        }
        Ok(Ref { name, path, at, len: self.at - at })
    }

    /// The text up to the end of the step, without a comment and the spaces before it.
    pub fn text_to_end(&mut self) -> (usize, &'a str) {
        self.skip(|c| c == ' ' || c == '\t');
        let start = self.at;
        let rest = self.rest();
        let comment = rest
            .match_indices('#')
            .map(|(offset, _)| offset)
            .find(|offset| *offset == 0 || rest[..*offset].ends_with([' ', '\t']))
            .unwrap_or(rest.len());
        self.at = self.text.len();
        (start, rest[..comment].trim_end())
    }
}

fn raw_piece(text: &str, from: usize, to: usize) -> &str {
    // A double quote that opens before `$` closes after it; each piece is unquoted alone.
    text[from..to].trim_matches('"')
}

fn unquote(raw: &str, at: usize) -> Result<String, Mistake> {
    if !raw.contains(['\'', '"', '\\']) {
        return Ok(raw.to_string());
    }
    match shlex::split(raw) {
        Some(words) => Ok(words.concat()),
        None => Err(Mistake::new(at, raw.len(), format!("`{raw}` has a quote that is never closed"))),
    }
}

/// How many bytes of an identifier `text` starts with.
pub fn identifier_len(text: &str) -> usize {
    let mut characters = text.char_indices();
    match characters.next() {
        Some((_, c)) if c.is_alphabetic() || c == '_' => {}
        _ => return 0,
    }
    characters.find(|(_, c)| !(c.is_alphanumeric() || *c == '_')).map_or(text.len(), |(offset, _)| offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_shells() {
        let mut line = Line::new(r#"a\ b 'c d' "e f"g # note"#);
        let mut words = Vec::new();
        while !line.is_done() {
            words.push(line.word("a word").unwrap().constant().unwrap().to_string());
        }
        assert_eq!(words, ["a b", "c d", "e fg"]);
    }

    #[test]
    fn a_hash_inside_a_word_is_no_comment() {
        let mut line = Line::new("x#y z");
        assert_eq!(line.word("a word").unwrap().constant(), Some("x#y"));
    }

    #[test]
    fn an_open_quote_can_go_on() {
        let mistake = Line::new("'abc").word("a word").unwrap_err();
        assert!(mistake.unfinished);
        assert_eq!(mistake.at, 0);
    }
}
