//! A line of a terminal as columns: text is put where it belongs, wide characters take the two columns that they take there.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A line of so many columns.
pub struct Line {
    /// What stands in each column; nothing in the second one of a wide character.
    cells: Vec<String>,
}

impl Line {
    /// An empty line.
    pub fn new(width: usize) -> Line {
        Line { cells: vec![" ".to_string(); width] }
    }

    /// Puts text from a column on; what does not fit is cut off.
    pub fn put(&mut self, column: usize, text: &str) {
        let mut at = column;
        for cluster in text.graphemes(true) {
            let wide = cluster.width();
            if at + wide > self.cells.len() {
                return;
            }
            if wide == 0 {
                // Something that goes onto the character before it.
                if let Some(before) = at.checked_sub(1).and_then(|before| self.cells.get_mut(before)) {
                    before.push_str(cluster);
                }
                continue;
            }
            self.split(at);
            self.split(at + wide);
            self.cells[at] = cluster.to_string();
            self.cells[at + 1..at + wide].iter_mut().for_each(String::clear);
            at += wide;
        }
    }

    /// Makes a column the first of what stands there: half of a wide character is a space.
    fn split(&mut self, column: usize) {
        if self.cells.get(column).is_some_and(String::is_empty) {
            let first = self.cells[..column].iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
            let end = self.cells[column..].iter().position(|cell| !cell.is_empty());
            let end = end.map_or(self.cells.len(), |end| column + end);
            self.cells[first..end].iter_mut().for_each(|cell| *cell = " ".to_string());
        }
    }

    /// The line without the spaces at its end.
    pub fn finish(self) -> String {
        self.cells.concat().trim_end().to_string()
    }
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The text in so many columns at most: what is left out shows as `...`.
pub fn cut(text: &str, columns: usize) -> String {
    const MORE: &str = "...";
    if width(text) <= columns {
        return text.to_string();
    }
    let room = columns.saturating_sub(MORE.len());
    let mut shown = String::new();
    let mut at = 0;
    for cluster in text.graphemes(true) {
        at += cluster.width();
        if at > room {
            break;
        }
        shown.push_str(cluster);
    }
    shown + &MORE[..MORE.len().min(columns)]
}

/// A name in so many columns at most: names that begin alike differ at their ends, so what is left out is its middle.
pub fn cut_middle(name: &str, columns: usize) -> String {
    const MORE: &str = "..";
    if width(name) <= columns || columns <= MORE.len() + 1 {
        return cut(name, columns);
    }
    let room = columns - MORE.len();
    let (mut first, mut at) = (String::new(), 0);
    for cluster in name.graphemes(true) {
        at += cluster.width();
        if at > room / 2 {
            break;
        }
        first.push_str(cluster);
    }
    let (mut last, mut at) = (Vec::new(), width(&first));
    for cluster in name.graphemes(true).rev() {
        at += cluster.width();
        if at > room {
            break;
        }
        last.push(cluster);
    }
    first + MORE + &last.into_iter().rev().collect::<String>()
}

/// Text in lines of so many columns, broken between words.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => *line = format!("{line} {word}"),
            None => lines.push(cut(word, columns)),
            Some(_) => lines.push(cut(&format!("  {word}"), columns)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_keep_the_columns() {
        let mut line = Line::new(10);
        line.put(0, "日本語");
        line.put(7, "|");
        assert_eq!(line.finish(), "日本語 |");
        let mut line = Line::new(10);
        line.put(0, "日本語");
        line.put(3, "|");
        assert_eq!(line.finish(), "日 |語");
        let mut line = Line::new(4);
        line.put(3, "日");
        assert_eq!(line.finish(), "");
    }

    #[test]
    fn a_cut_never_takes_half_a_character() {
        assert_eq!(cut("日本語日本語", 8), "日本...");
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "ab...");
        assert_eq!(cut("abcdef", 2), "..");
        assert_eq!(cut("e\u{301}e\u{301}", 2), "e\u{301}e\u{301}");
    }

    #[test]
    fn a_name_keeps_its_beginning_and_its_end() {
        assert_eq!(cut_middle("student_number_12", 12), "stude..er_12");
        assert_eq!(cut_middle("日本語日本語", 9), "日..本語");
        assert_eq!(cut_middle("ada", 3), "ada");
        assert_eq!(cut_middle("abcdef", 3), "...");
    }

    #[test]
    fn a_long_text_breaks_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "  three"]);
        assert_eq!(wrap("one", 8), ["one"]);
    }
}
