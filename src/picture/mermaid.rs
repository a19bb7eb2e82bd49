//! A sequence diagram as Mermaid's source, for a Markdown page that draws it.

use std::fmt::Write;

use super::text::{self, line};
use crate::sequence::{Arrow, Sequence, Shown, Travels};

/// How much of a value a line shows, in columns: Mermaid makes its lanes as wide as the widest.
const LABEL: usize = 60;
/// Mermaid lays out no more than so many characters (its `maxTextSize`).
const SOURCE_MAX: usize = 50_000;
/// How many lanes a diagram has: Mermaid gives each at least 200 pixels.
const LANES_MAX: usize = 40;

/// The diagram's source.
pub fn mermaid(sequence: &Sequence) -> String {
    let (sequence, left_out) = sequence.narrowed(LANES_MAX);
    let mut out = format!("sequenceDiagram\n    %% {}\n", super::MARK);
    for (lane, it) in sequence.lanes.iter().enumerate() {
        let _ = writeln!(out, "    participant L{lane} as {}", plain(&it.name, LABEL));
    }
    let all = match sequence.lanes.len() {
        0 => return out,
        1 => "L0".to_string(),
        lanes => format!("L0,L{}", lanes - 1),
    };
    let notes = sequence.says_dropped().into_iter().chain(text::says_left_out(&left_out));
    for note in notes {
        let _ = writeln!(out, "    Note over {all}: {}", plain(&note, LABEL * 2));
    }
    for (index, row) in sequence.rows.iter().enumerate() {
        let line = match &row.shown {
            Shown::Phase(title) => format!("Note over {all}: {}", plain(title, LABEL)),
            Shown::Note(note) => format!("Note over {all}: {}", plain(note, LABEL)),
            Shown::Mark(mark) => format!("Note over L{}: {}", mark.lane, plain(&mark.text, LABEL)),
            Shown::Arrow(arrow) => {
                let caption = plain(&text::caption(arrow, LABEL), usize::MAX);
                format!("L{}{}L{}: {caption}", arrow.from, stroke(arrow), arrow.to)
            }
        };
        if out.len() + line.len() > SOURCE_MAX - LABEL * 4 {
            let more = sequence.rows.len() - index;
            let _ = writeln!(out, "    Note over {all}: {more} more rows are left out here");
            break;
        }
        let _ = writeln!(out, "    {line}");
    }
    out
}

/// Solid for bytes, dotted for what the kernels say to each other, a cross for what nobody took.
fn stroke(arrow: &Arrow) -> &'static str {
    match arrow.kind {
        Travels::Message if arrow.fate().is_some() => "-x",
        Travels::Message => "->>",
        Travels::Rst => "--x",
        Travels::Connect | Travels::Accept | Travels::Fin => "-->>",
    }
}

/// Text that Mermaid takes for text: what could mean something to it, or to the HTML it makes, is written as `#58;`.
fn plain(text: &str, columns: usize) -> String {
    let mut out = String::new();
    for c in line::cut(text, columns).chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '(' | ')' | '_' | '\'' | '/') {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}
