//! A mistake in what the user typed: where it is, what is wrong, and what to type instead.

use std::sync::Arc;

use crate::event::FailurePlace;

/// What is wrong with a line, and where. `at` and `len` are bytes of the line's text.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// Byte offset of the first wrong character.
    pub at: usize,
    /// How many bytes the caret underlines; 0 shows one caret.
    pub len: usize,
    /// Lower case, without a full stop.
    pub message: String,
    /// The next thing to type.
    pub hint: Option<String>,
    /// A bracket or a string was still open when the text ended: the next line may close it.
    pub unfinished: bool,
    /// The mistake is in a file that this line includes: what to report instead.
    pub elsewhere: Option<crate::event::Failure>,
}

impl Mistake {
    /// A mistake at a byte offset.
    pub fn new(at: usize, len: usize, message: impl Into<String>) -> Mistake {
        Mistake { at, len, message: message.into(), hint: None, unfinished: false, elsewhere: None }
    }

    /// The same mistake with a way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Mistake {
        self.hint = Some(hint.into());
        self
    }

    /// The same mistake, marked as one that a further line could mend.
    pub fn unfinished(mut self) -> Mistake {
        self.unfinished = true;
        self
    }
}

/// A place in a file as people count: from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// The place of byte `at` of `text`, whose first line is line `first_line` of its file.
pub fn place(text: &str, at: usize, first_line: usize) -> Place {
    let before = &text[..floor_boundary(text, at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place {
        line: first_line + before.matches('\n').count(),
        column: before[line_start..].chars().count() + 1,
    }
}

/// The physical line of `text` that byte `at` is on, with what to underline.
pub fn excerpt(text: &str, file: &Arc<str>, first_line: usize, at: usize, len: usize) -> FailurePlace {
    let at = at.min(text.len());
    let place = place(text, at, first_line);
    let line_text = text.split('\n').nth(place.line - first_line).unwrap_or("").trim_end_matches('\r');
    let underlined = text.get(at..(at + len).min(text.len())).unwrap_or("").split('\n').next().unwrap_or("");
    FailurePlace {
        file: (!file.is_empty()).then(|| file.clone()),
        line: place.line,
        column: place.column,
        text: line_text.to_string(),
        len: underlined.chars().count().max(1),
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// How much of a word has to be there to be its beginning, in bytes.
const BEGUN: usize = 3;

/// The candidate that `typed` most likely meant, where one is close.
pub fn did_you_mean<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let is_begun = |candidate: &str| typed.len() >= BEGUN && candidate.starts_with(typed);
    candidates
        // Who wrote the beginning of a word meant that word, however much is missing.
        .map(|candidate| {
            (if is_begun(candidate) { 0 } else { strsim::osa_distance(typed, candidate) }, candidate)
        })
        .filter(|(distance, candidate)| {
            let len = candidate.chars().count();
            // A word of which no letter is left is not near.
            *distance <= 1 + len / 4 && *distance < len
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_go_on() {
        assert_eq!(place("send é x", 8, 3), Place { line: 3, column: 8 });
        assert_eq!(place("send {\n  \"a\" 1}", 13, 3), Place { line: 4, column: 7 });
    }

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("sned", ["send", "recv"].into_iter()), Some("send"));
        assert_eq!(did_you_mean("prog", ["port", "program"].into_iter()), Some("program"));
        assert_eq!(did_you_mean("xyzzy", ["send", "recv"].into_iter()), None);
    }
}
