//! The picture of a conversation: its sequence diagram, and that as text, as SVG, as Mermaid, as a page.

mod body;
mod draw;
mod mermaid;
mod page;
mod people;
mod sheet;
mod stream;
mod svg;
mod text;
mod words;

use std::path::Path;

use crate::sequence::Sequence;

pub use draw::draw;
pub use text::{TIMES, text};
pub use words::went_out;

/// What a picture can be saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines of text.
    Text,
    /// An image that any browser shows.
    Svg,
    /// The source of a diagram, for a Markdown page that draws Mermaid.
    Mermaid,
    /// A page to look into: it needs nothing but itself.
    Page,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 4] = [Form::Text, Form::Svg, Form::Mermaid, Form::Page];

    /// How the names of its files end.
    pub fn ending(self) -> &'static str {
        match self {
            Form::Text => "txt",
            Form::Svg => "svg",
            Form::Mermaid => "mmd",
            Form::Page => "html",
        }
    }

    /// The form that a file's name asks for.
    pub fn of(path: &Path) -> Option<Form> {
        let ending = path.extension()?.to_str()?.to_lowercase();
        Form::ALL.into_iter().find(|form| form.ending() == ending)
    }

    /// The file's text, which says in its first two lines what drew it.
    pub fn write(self, sequence: &Sequence) -> String {
        match self {
            Form::Text => format!("# {MARK}\n{}", text::file(sequence)),
            Form::Svg => format!("<!-- {MARK} -->\n{}", svg::svg(sequence)),
            Form::Mermaid => mermaid::mermaid(sequence),
            Form::Page => page::page(sequence),
        }
    }
}

/// What a picture's file says of itself, so that it is known again and nothing else is overwritten.
const MARK: &str = "drawn by lab2sh: `flow save` may overwrite this";
/// Where that stands, in bytes from the file's start, at most.
pub const MARK_WITHIN: usize = 256;

/// Whether a file that begins so is a picture that was saved before.
pub fn is_drawn(begin: &[u8]) -> bool {
    let begin = &begin[..begin.len().min(MARK_WITHIN)];
    begin.windows(MARK.len()).any(|part| part == MARK.as_bytes())
}
