//! A sequence diagram as a page of its own: it opens from disk, fetches nothing, and what a peer sent is data in it, never markup.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::text;
use crate::event::Wire;
use crate::explain::{Explanation, Folding, Row as Part, explain};
use crate::sequence::{Arrival, Body, Role, Row, Sequence, Shown};

/// How many bytes of messages' details a page holds: a browser opens so much in a second. The arrows beyond it keep their values.
const DETAILS_MAX: usize = 12 << 20;
/// How many rows of an explanation a page shows; a folded message of 5 KB has some 40.
const PARTS_MAX: usize = 200;
/// How many bytes stand in one of those rows.
const PART_BYTES: usize = 16;
/// How many lanes a page has: more do not fit any screen, and every row draws each of them.
const LANES_MAX: usize = 40;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const FRAME: &str = include_str!("page.html");

/// The page.
pub fn page(sequence: &Sequence) -> String {
    let (sequence, left_out) = sequence.narrowed(LANES_MAX);
    let mut bodies = Bodies::default();
    let rows: Vec<Json> = sequence.rows.iter().map(|it| row(it, &mut bodies)).collect();
    let lanes: Vec<Json> = sequence
        .lanes
        .iter()
        .map(|lane| {
            let spans: Vec<Json> = lane.spans.iter().map(|span| json!([span.from, span.to])).collect();
            json!({"name": lane.name, "party": lane.role == Role::Party, "spans": spans})
        })
        .collect();
    let mut notes: Vec<String> =
        sequence.says_dropped().into_iter().chain(text::says_left_out(&left_out)).collect();
    if bodies.left_out > 0 {
        notes.push(format!("{} messages have no details: the page would be too large", bodies.left_out));
    }
    let data = json!({"lanes": lanes, "rows": rows, "bodies": bodies.all, "notes": notes, "messages": sequence.messages()});
    // Nothing but this style and this script is let run or fetch anything, whatever the data says.
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    FRAME
        .replace("{{mark}}", super::MARK)
        .replace("{{policy}}", &policy)
        .replace("{{style}}", STYLE)
        .replace("{{script}}", SCRIPT)
        .replace("{{data}}", &in_a_script(&data))
}

/// JSON in which no tag can begin or end.
fn in_a_script(data: &Json) -> String {
    data.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A text as a content security policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn row(row: &Row, bodies: &mut Bodies) -> Json {
    let body = row.body().map(|body| bodies.place(body));
    let (at, since) = (text::time(row.at), format!("+{}", text::time(row.since)));
    match &row.shown {
        Shown::Phase(title) => json!({"kind": "phase", "text": title}),
        Shown::Note(note) => json!({"kind": "note", "text": note, "at": at, "since": since}),
        Shown::Mark(mark) => json!({"kind": "mark", "mark": mark.kind.name(), "lane": mark.lane,
            "text": mark.text, "at": at, "since": since, "body": body}),
        Shown::Arrow(arrow) => {
            let (ends, is_lost) = match arrow.arrival {
                Arrival::Here | Arrival::Read => (Some(None), false),
                Arrival::Row(at) => (Some(Some(at)), false),
                Arrival::Lost(at) => (Some(Some(at)), true),
                Arrival::Waits => (None, true),
            };
            let label = if body.is_some() { None } else { Some(&arrow.label) };
            json!({"kind": "arrow", "travels": arrow.kind.name(), "from": arrow.from, "to": arrow.to, "number": arrow.number,
                "text": label, "at": at, "since": since, "body": body, "fate": arrow.fate(), "lost": is_lost,
                "waits": ends.is_none(), "entered": arrow.arrival == Arrival::Read, "ends": ends.flatten()})
        }
    }
}

/// What stands behind the arrows. Equal messages share one.
#[derive(Default)]
struct Bodies {
    all: Vec<Json>,
    known: HashMap<Wire, usize>,
    size: usize,
    left_out: usize,
}

impl Bodies {
    /// Where the body of a message stands.
    fn place(&mut self, body: &Body) -> usize {
        let place = self.all.len();
        if let Some(known) =
            self.known.get(&body.wire).filter(|known| self.all[**known]["value"] == body.value)
        {
            return *known;
        }
        let mut it =
            json!({"value": body.value, "size": body.size, "bytes": body.wire.total, "notes": body.notes});
        if self.size < DETAILS_MAX {
            let explanation = explain(&body.wire, Folding::Folded);
            it["form"] = json!(explanation.form);
            it["stopped"] = json!(explanation.stopped.as_ref().map(|stopped| &stopped.why));
            it["calls"] = json!(explanation.calls);
            it["parts"] =
                explanation.rows.iter().take(PARTS_MAX).map(|row| part(&explanation, row)).collect();
            it["more"] = json!(explanation.rows.len().saturating_sub(PARTS_MAX));
            self.size += it.to_string().len();
        } else {
            self.left_out += 1;
        }
        self.all.push(it);
        self.known.insert(body.wire.clone(), place);
        place
    }
}

/// A row of a message's annotated bytes.
fn part(explanation: &Explanation, part: &Part) -> Json {
    let bytes = explanation.bytes.get(part.start..part.end).unwrap_or_default();
    let mut hex: Vec<String> = bytes.iter().take(PART_BYTES).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > PART_BYTES {
        hex.push("...".to_string());
    }
    let does = part.effect.as_ref().map(|effect| {
        if effect.is_plain {
            format!("plain data: {}", effect.what)
        } else {
            format!("pickle.loads would {}", effect.what)
        }
    });
    let is_alarm = part.effect.as_ref().is_some_and(|effect| !effect.is_plain);
    json!({"at": part.start, "hex": hex.join(" "), "depth": part.depth, "name": part.name, "argument": part.argument,
        "words": part.words, "stack": part.stack, "does": does, "alarm": is_alarm || part.is_wrong})
}
