//! JSON text as rows: its brackets, keys and values, each with what Python makes of it.

use super::fold::{Part, Tree};
use super::{MAX_ROWS, Read, Row, Stopped};
use crate::value::{Value, escape, from_json_text};

/// How many characters of a token a row shows.
const TOKEN_CHARS: usize = 200;

/// The rows of JSON text, whole or not.
pub(super) fn read(payload: &[u8]) -> Read {
    let mut reader = Reader { payload, read: Read::new("JSON", "parts"), open: Vec::new() };
    reader.run();
    let mut read = reader.read;
    let outcome = match std::str::from_utf8(payload) {
        Ok(text) => from_json_text(text).map_err(|why| (place(text, &why), why)),
        Err(wrong) => Err((wrong.valid_up_to(), "not UTF-8 text, so not JSON".to_owned())),
    };
    match outcome {
        Ok(value) => read.value = Some(value),
        Err((at, why)) => {
            match read.rows.iter_mut().find(|row| row.start <= at && at < row.end) {
                Some(row) => row.is_wrong = true,
                None => {
                    read.tree.add(Tree::ROOT, Part::Row(read.rows.len()));
                    let words = "the text ends here, and the value is not whole";
                    read.rows.push(Row::new(payload.len(), payload.len(), "end", words).wrong());
                }
            }
            read.stopped = Some(Stopped { at, why });
        }
    }
    read
}

/// The offset that serde_json's `... at line 1 column 5` means; the end where the text ends too early.
fn place(text: &str, why: &str) -> usize {
    let number = |word: &str| -> Option<usize> {
        let (_, behind) = why.rsplit_once(word)?;
        behind.split(' ').next()?.parse().ok()
    };
    let (Some(line), Some(column)) = (number(" line "), number(" column ")) else { return 0 };
    if why.starts_with("EOF") {
        return text.len();
    }
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column.saturating_sub(1)
}

/// Splits JSON text into its tokens. What is not JSON is a token too: which is wrong, the decoder says.
struct Reader<'p> {
    payload: &'p [u8],
    read: Read,
    /// The containers that are open, from the outermost.
    open: Vec<Open>,
}

struct Open {
    node: usize,
    is_object: bool,
    /// The next string is a key.
    wants_key: bool,
}

impl Reader<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while let Some(&first) = self.payload.get(at) {
            let mut end = at + self.token(at, first);
            while let Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b':') = self.payload.get(end) {
                end += 1;
            }
            if self.read.rows.len() >= MAX_ROWS {
                let words = format!("{} B more are not shown (limit)", self.payload.len() - at);
                let row = Row { folded: 1, ..Row::new(at, self.payload.len(), "", words) };
                self.add(row);
                return;
            }
            self.row(at, end, first);
            at = end;
        }
    }

    /// How many bytes the token has that begins here.
    fn token(&self, at: usize, first: u8) -> usize {
        let rest = &self.payload[at..];
        match first {
            b'"' => {
                let mut end = 1;
                while let Some(&byte) = rest.get(end) {
                    end += if byte == b'\\' { 2 } else { 1 };
                    if byte == b'"' {
                        break;
                    }
                }
                end.min(rest.len())
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                let is_inside =
                    |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
                rest.iter().take_while(is_inside).count()
            }
            _ => 1,
        }
    }

    fn row(&mut self, at: usize, end: usize, first: u8) {
        let wants_key = self.open.last().is_some_and(|open| open.wants_key);
        let row = |name, words: &str| Row::new(at, end, name, words);
        let token = || shown(&self.payload[at..end]);
        match first {
            b'{' => self.begin(row("object begins", "in Python a dict"), "object", true),
            b'[' => self.begin(row("array begins", "in Python a list"), "array", false),
            b'}' => self.end(row("object ends", "")),
            b']' => self.end(row("array ends", "")),
            b'"' if wants_key => {
                let row = row("key", "its value follows").argument(token());
                self.item(row, "key");
            }
            b'"' => {
                let row = row("string", "in Python a str").argument(token());
                self.item(row, "string");
            }
            b'-' | b'0'..=b'9' => {
                let is_int = self.payload[at..end].iter().all(|byte| !matches!(byte, b'.' | b'e' | b'E'));
                let row = row("number", if is_int { "in Python an int" } else { "in Python a float" });
                self.item(row.argument(token()), "number");
            }
            b't' | b'f' | b'n' => {
                let words = match first {
                    b't' => "in Python True",
                    b'f' => "in Python False",
                    _ => "in Python None",
                };
                let row = row("word", words).argument(token());
                self.item(row, "word");
            }
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => {
                self.item(row("space", "between two parts"), "space")
            }
            _ => {
                let row = row("stray", "no part of JSON").argument(token());
                self.item(row, "stray");
            }
        }
    }

    fn parent(&self) -> usize {
        self.open.last().map_or(Tree::ROOT, |open| open.node)
    }

    /// Adds a bracket, or the row for all that is left out.
    fn add(&mut self, row: Row) {
        let node = self.parent();
        self.read.tree.add(node, Part::Row(self.read.rows.len()));
        self.read.rows.push(row);
    }

    fn begin(&mut self, row: Row, makes: &'static str, is_object: bool) {
        let node = self.read.tree.node(makes);
        self.place(node);
        if is_object {
            self.read.tree.pair(node);
        }
        let depth = self.open.len();
        self.open.push(Open { node, is_object, wants_key: is_object });
        self.add(Row { depth, ..row });
    }

    fn end(&mut self, row: Row) {
        self.add(Row { depth: self.open.len().saturating_sub(1), ..row });
        self.open.pop();
    }

    fn item(&mut self, row: Row, makes: &'static str) {
        let node = self.read.tree.node(makes);
        self.place(node);
        self.read.tree.add(node, Part::Row(self.read.rows.len()));
        self.read.rows.push(Row { depth: self.open.len(), ..row });
    }

    /// Makes a node part of the innermost container; in an object keys and values take turns.
    fn place(&mut self, node: usize) {
        let parent = self.parent();
        self.read.tree.add(parent, Part::Node(node));
        if let Some(open) = self.open.last_mut().filter(|open| open.is_object) {
            open.wants_key = !open.wants_key;
        }
    }
}

/// A token for a screen, without the spaces, commas and colons behind it.
fn shown(token: &[u8]) -> String {
    let is_part = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':');
    let end = token.iter().rposition(is_part).map_or(0, |last| last + 1);
    let (text, cut) = match std::str::from_utf8(&token[..end]) {
        Ok(text) => match text.char_indices().nth(TOKEN_CHARS) {
            Some((end, _)) => (escape(&text[..end]).into_owned(), true),
            None => (escape(text).into_owned(), false),
        },
        // No text at all: as Python shows bytes.
        Err(_) => Value::Bytes(token[..end.min(TOKEN_CHARS)].into()).repr_cut(TOKEN_CHARS),
    };
    if cut { text + "..." } else { text }
}
