//! Events as JSON, one object a line, for `--json`; the names here are stable.
//!
//! Every object has `event` and `t`, seconds since the start. `socket` names a socket. Then:
//!
//! | event | more |
//! |---|---|
//! | `step` | `file`, `line`, `text` |
//! | `phase`, `said`, `paused`; in step mode `narrated`, `moved` | `text` |
//! | `connected`, `accepted`, `listening` | `peer`, `local`, `listener`, `ms` where they apply |
//! | `sent`, `received` | `repr`, `value` (see [`crate::value::to_json`]), `bytes`, `codec`, `protocol`, `reads`, `waiting`, `ms`, `calls`, `notes`, `expected`; `dispatch` of one that did not go out whole, at once and in one write: `messages` (that went out together), `writes` (bytes of each), `gap_ms`, `after_ms`, `whole` (bytes, where the last were never sent) |
//! | `read` (`recv N`) | `repr`, `asked`, `bytes`, `whole` (sizes of the messages that ended), `began_at`, `rest`, `size` (of the message that is not yet whole, where its length says it), `ms` |
//! | `ended` | `how` (`closed`, `reset`, `dead`), `messages`, `ms` |
//! | `listened`, `quiet` | `messages`, `ms` |
//! | `discarded` (unread bytes, in step mode) | `bytes` |
//! | `closed`, `shutdown`, `aborted`, `using` | `sent`, `received`, `unread`, `unsent`; `half` |
//! | `serving` | `class`, `local`, `port`, `script`, `kept` (rows that a journal brought back) |
//! | `arrival` | `class`, `seat`, `status` (`identified`, `passed`, `left early`, `failed`), `reason`, `name`, `student_id`, `github`, `email`, `duplicate_of`, `peer` |
//! | `status`, `class_closed` | `class`, `here`, `count`, `passed`, `failed`, `refused`, `messages` |
//! | `run`, `progress`, `runs_ended` | `name`, `script`, `times`, `at_once`; `ended`, `failed`, `rate`; `report` (what `--save` keeps: `script`, `times`, `at_once`, `ended`, `failed`, `seconds`, `steps`, `reasons`) |
//! | `broadcast`, `saved` | `reached`, `dropped`; `file`, `rows` of a roster, `messages` and `lanes` of a picture |
//! | `flow` | `lanes` (names), `dropped`, `rows`: `ms` and one of `phase`; `note`; `lane`, `mark`, `text`; `from`, `to`, `arrow`, `number`, `text`, `bytes`, `arrives` (index of the row where the last of it was taken), `entered` (another program sent it: its time is that of the read), `fate` |
//! | `spawned` | `program`, `pid`, `words` |
//! | `said_by` | `program`, `stream` (`out`, `err`), `text`, `cut` (bytes of the line that are not kept) |
//! | `typed` | `program`, `text` (`null`: the end of input) |
//! | `met` (an `expect output` or `expect exit`) | `program`, `text` |
//! | `ended_program` | `program`, `status`, `why` (`time`, `output`, `closed`, `session`, or `null`: by itself), `forced`, `left`, `hidden`, `ms` |
//! | `checked` | `text` |
//! | `result` | of an `expect`, a `check`, a `wait`, a `!` step, and of any step that failed: `text`, `file`, `line`, `passed`, `ms` |
//! | `watching`, `changed` (`--watch`) | `run` (from 1), `status`, `files` (how many); `file`, `gone`, `run` |
//! | `submission` (`--each`) | `name`, `score`, `points`, `passed`, `failed`, `not_run`, `result`, `status`, `first_failure`, `seconds` |
//! | `points` | `points`: what the phase under way is worth |
//! | `explained` | `how` (`sent`, `received`, `waiting`, `given`), `socket`, `form`, `bytes`, `kept` (of these), `repr`, `calls`, `notes`, `stopped` (`at`, `why`), `rows`: `start`, `end`, `depth`, `hex`, `name`, `argument`, `words`, `stack`, `effect`, `plain`, `folded`, `wrong` |
//! | `dumped` | `how`, `socket`, `bytes`, `hex` |
//! | `recording` | `file`, `steps` once it has ended |
//! | `bound` | `name`, `repr`, `value` |
//! | `option` | `option`, `value` |
//! | `table` | `kind`, `rows` (objects by column) |
//! | `connection` (`sockets NAME`) | `local`, `peer`, `state`, `sent`, `queued`, `received`, `buffered`, `unread`, `tcp`, `unacked`, `unsent` (of `unacked`), `rtt_ms`; null: not known here |
//! | `noticed` (at an idle prompt) | `bytes` (that wait), `how` (`open`, `closed`, `broken`) |
//! | `text` | `kind`, `text` |
//! | `warning` | `message`, `hint` |
//! | `failed`, `allowed` | `file`, `line`, `column`, `kind` (`check`, `script`, `network`, `interrupted`), `message`, `hint`, `details` |
//! | `not_run` (a step that uses what a failed one would have named) | as `failed` |
//! | `summary` | `file`, `passed`, `failed`, `not_run`, `seconds`, `status` |

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::event::{ClassStatus, Did, Event, Failure, Half, Message, Origin, Story, Submission, What, Why};
use crate::explain::{Explanation, Row};
use crate::net::{End, Idle, Size};
use crate::sequence::{Arrival, Row as SequenceRow, Sequence, Shown};
use crate::value::{Value, is_printable, to_json};

/// The object of an event and its newline; empty for an event that is none for a program.
pub fn line(event: &Event) -> String {
    let Some((name, mut fields)) = fields(&event.what) else { return String::new() };
    let mut object = Map::new();
    object.insert("event".into(), json!(name));
    object.insert("t".into(), json!(event.at.as_micros() as f64 / 1_000_000.0));
    object.append(&mut fields);
    seen(&Json::Object(object).to_string()) + "\n"
}

/// The same JSON with every character escaped that a terminal might act on: somebody will `cat` the file.
fn seen(json: &str) -> String {
    let Some(first) = json.find(|c| !is_printable(c)) else { return json.to_string() };
    let (clean, rest) = json.split_at(first);
    let mut text = clean.to_string();
    for c in rest.chars() {
        if is_printable(c) {
            text.push(c);
        } else {
            // Such a character stands only inside a string, where JSON writes it as one or two UTF-16 units.
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

fn fields(what: &What) -> Option<(&'static str, Map<String, Json>)> {
    let (name, fields) = match what {
        What::Waiting | What::Planned(_) => return None,
        What::Step { text, file, line, .. } => {
            ("step", json!({"file": &**file, "line": line, "text": &**text}))
        }
        What::Phase(text) => ("phase", json!({"text": text})),
        What::Said(text) => ("said", json!({"text": text})),
        What::Recording { file, steps } => ("recording", json!({"file": file, "steps": steps})),
        What::Narrated(text) => ("narrated", json!({"text": text})),
        What::Moved(how) => ("moved", json!({"text": how})),
        What::Paused(text) => ("paused", json!({"text": text})),
        What::Sent { socket, message: it } => ("sent", message(socket, it)),
        What::Received { socket, message: it } => ("received", message(socket, it)),
        What::Program { program, did } => program_fields(program, did),
        What::Checked { text } => ("checked", json!({"text": text})),
        What::Bound { name, value } => {
            ("bound", json!({"name": name, "repr": value.repr(), "value": to_json(value)}))
        }
        What::OptionSet { socket, option, value, .. } => {
            ("option", json!({"socket": socket, "option": option, "value": value}))
        }
        What::Table { kind, titles, rows, .. } => {
            ("table", json!({"kind": kind, "rows": table(titles, rows)}))
        }
        What::Connection { socket, story } => ("connection", connection(socket, story)),
        What::Noticed { socket, bytes, how, .. } => {
            let how = match how {
                Idle::Open => "open",
                Idle::Ended => "closed",
                Idle::Broken => "broken",
            };
            ("noticed", json!({"socket": socket, "bytes": bytes, "how": how}))
        }
        What::Text { kind, text } => ("text", json!({"kind": kind, "text": text})),
        What::Warning { socket, message, hint } => {
            ("warning", json!({"socket": socket, "message": message, "hint": hint}))
        }
        What::Flow(it) => ("flow", flow(it)),
        What::FlowSaved { file, messages, lanes } => {
            ("saved", json!({"file": file, "messages": messages, "lanes": lanes}))
        }
        What::FailedAsAllowed { failure: it, .. } => ("allowed", failure(it)),
        What::Failed(it) => ("failed", failure(it)),
        What::NotRun(it) => ("not_run", failure(it)),
        What::Explained { origin, explanation } => ("explained", explained(origin, explanation)),
        What::Dumped { origin, wire, .. } => {
            let (how, socket) = whose(origin);
            ("dumped", json!({"how": how, "socket": socket, "bytes": wire.total, "hex": hex(&wire.bytes)}))
        }
        other => result_fields(other).or_else(|| class_fields(other)).or_else(|| socket_fields(other))?,
    };
    match fields {
        Json::Object(fields) => Some((name, fields)),
        _ => None,
    }
}

fn result_fields(what: &What) -> Option<(&'static str, Json)> {
    Some(match what {
        What::Watching { run, status, files } => {
            ("watching", json!({"run": run, "status": status, "files": files}))
        }
        What::Changed { file, is_gone, run } => {
            ("changed", json!({"file": file, "gone": is_gone, "run": run}))
        }
        What::Submission(it) => ("submission", submission(it)),
        What::Points(points) => ("points", json!({"points": points})),
        What::Result(it) => (
            "result",
            json!({"text": &*it.text, "file": &*it.file, "line": it.line, "passed": it.failure.is_none(), "ms": ms(it.took)}),
        ),
        What::Summary(it) => (
            "summary",
            json!({"file": it.file, "passed": it.passed, "failed": it.failed, "not_run": it.not_run,
                "seconds": it.took.as_micros() as f64 / 1_000_000.0, "status": it.status}),
        ),
        _ => return None,
    })
}

fn submission(it: &Submission) -> Json {
    json!({"name": it.name, "score": it.score, "points": it.points, "passed": it.passed, "failed": it.failed,
        "not_run": it.not_run, "result": it.outcome, "status": it.status, "first_failure": it.first_failure,
        "seconds": it.took.as_micros() as f64 / 1_000_000.0})
}

fn class_fields(what: &What) -> Option<(&'static str, Json)> {
    Some(match what {
        What::Serving { class, local, script, kept, .. } => (
            "serving",
            json!({"class": class, "local": local.to_string(), "port": local.port(), "script": script, "kept": kept}),
        ),
        What::Arrival { class, arrival: it } => (
            "arrival",
            json!({"class": class, "seat": it.seat, "status": it.status, "reason": it.reason, "name": it.identity.name,
                "student_id": it.identity.student_id, "github": it.identity.github, "email": it.identity.email,
                "duplicate_of": it.duplicate_of,
                "peer": it.peer.map(|peer| peer.to_string())}),
        ),
        What::SeatMessage { class, seat, message: it } => {
            let mut fields = message(&format!("seat{seat}"), it);
            fields["class"] = json!(class);
            ("received", fields)
        }
        What::ClassStatus { class, status, .. } => ("status", counts(class, status)),
        What::ClassClosed { class, status } => ("class_closed", counts(class, status)),
        What::Broadcast { class, value, reached, dropped } => (
            "broadcast",
            json!({"class": class, "repr": value.repr(), "value": to_json(value), "reached": reached, "dropped": dropped}),
        ),
        What::RunBegan { name, script, times, at_once } => {
            ("run", json!({"name": name, "script": script, "times": times, "at_once": at_once}))
        }
        What::RunProgress { name, times, ended, failed, rate } => (
            "progress",
            json!({"name": name, "times": times, "ended": ended, "failed": failed, "rate": rate}),
        ),
        What::RunEnded { name, report } => ("runs_ended", json!({"name": name, "report": **report})),
        What::RosterSaved { file, rows } => ("saved", json!({"file": file, "rows": rows})),
        _ => return None,
    })
}

fn program_fields(program: &str, did: &Did) -> (&'static str, Json) {
    match did {
        Did::Start { pid, words } => ("spawned", json!({"program": program, "pid": pid, "words": words})),
        Did::Say { is_error, line, cut } => {
            let stream = if *is_error { "err" } else { "out" };
            ("said_by", json!({"program": program, "stream": stream, "text": &**line, "cut": cut}))
        }
        Did::Type { text } => ("typed", json!({"program": program, "text": text})),
        Did::Meet { what } => ("met", json!({"program": program, "text": what})),
        Did::End { status, why, forced, left, hidden, took } => {
            let why = why.map(|why| match why {
                Why::Time(_) => "time",
                Why::Output(_) => "output",
                Why::Closed => "closed",
                Why::Session => "session",
            });
            let fields = json!({"program": program, "status": status, "why": why, "forced": forced, "left": left,
                "hidden": hidden, "ms": ms(*took)});
            ("ended_program", fields)
        }
    }
}

fn counts(class: &str, status: &ClassStatus) -> Json {
    json!({"class": class, "here": status.here, "count": status.count, "passed": status.passed, "failed": status.failed,
        "refused": status.refused, "messages": status.messages})
}

fn socket_fields(what: &What) -> Option<(&'static str, Json)> {
    let address = |address: &std::net::SocketAddr| address.to_string();
    Some(match what {
        What::Connected { socket, peer, local, took, .. } => (
            "connected",
            json!({"socket": socket, "peer": address(peer), "local": address(local), "ms": ms(*took)}),
        ),
        What::Listening { socket, local } => {
            ("listening", json!({"socket": socket, "local": address(local), "port": local.port()}))
        }
        What::Accepted { socket, listener, peer, took } => (
            "accepted",
            json!({"socket": socket, "listener": listener, "peer": address(peer), "ms": ms(*took)}),
        ),
        What::Read { socket, bytes, asked, taken, took, .. } => {
            let size = if let Size::Exact(size) = taken.size { Some(size) } else { None };
            (
                "read",
                json!({"socket": socket, "repr": Value::Bytes(bytes.as_slice().into()).repr(), "asked": asked, "bytes": bytes.len(),
                "whole": taken.whole, "began_at": taken.began_at, "rest": taken.rest, "size": size, "ms": ms(*took)}),
            )
        }
        What::Ended { socket, end, messages, took } => {
            let how = match end {
                End::Closed => "closed",
                End::Reset => "reset",
                End::Dead => "dead",
            };
            ("ended", json!({"socket": socket, "how": how, "messages": messages, "ms": ms(*took)}))
        }
        What::ListenedOut { socket, messages, took } => {
            ("listened", json!({"socket": socket, "messages": messages, "ms": ms(*took)}))
        }
        What::Quiet { socket, took } => ("quiet", json!({"socket": socket, "ms": ms(*took)})),
        What::Closed { socket, sent, received, dropped, unsent } => (
            "closed",
            json!({"socket": socket, "sent": sent, "received": received, "unread": dropped, "unsent": unsent}),
        ),
        What::Discarded { socket, bytes } => ("discarded", json!({"socket": socket, "bytes": bytes})),
        What::ShutDown { socket, half } => {
            let half = match half {
                Half::Read => "read",
                Half::Write => "write",
                Half::Both => "both",
            };
            ("shutdown", json!({"socket": socket, "half": half}))
        }
        What::Aborted { socket } => ("aborted", json!({"socket": socket})),
        What::Using { socket } => ("using", json!({"socket": socket})),
        _ => return None,
    })
}

fn whose(origin: &Origin) -> (&'static str, Option<&str>) {
    match origin {
        Origin::Sent(socket) => ("sent", Some(socket)),
        Origin::Received(socket) => ("received", Some(socket)),
        Origin::Waiting(socket) => ("waiting", Some(socket)),
        Origin::Given => ("given", None),
    }
}

fn explained(origin: &Origin, it: &Explanation) -> Json {
    let (how, socket) = whose(origin);
    let row = |row: &Row| {
        json!({"start": row.start, "end": row.end, "depth": row.depth,
            "hex": hex(it.bytes.get(row.start..row.end).unwrap_or_default()), "name": row.name,
            "argument": row.argument, "words": row.words, "stack": row.stack,
            "effect": row.effect.as_ref().map(|effect| &effect.what),
            "plain": row.effect.as_ref().map(|effect| effect.is_plain), "folded": row.folded, "wrong": row.is_wrong})
    };
    json!({"how": how, "socket": socket, "form": it.form, "bytes": it.total, "kept": it.bytes.len(),
        "repr": it.value.as_ref().map(Value::repr), "calls": it.calls, "notes": it.notes,
        "stopped": it.stopped.as_ref().map(|stopped| json!({"at": stopped.at, "why": stopped.why})),
        "rows": it.rows.iter().map(row).collect::<Vec<Json>>()})
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn connection(socket: &str, story: &Story) -> Json {
    let tcp = story.tcp.as_ref();
    json!({
        "socket": socket,
        "local": story.local.to_string(),
        "peer": story.peer.to_string(),
        "state": story.state,
        "sent": story.sent,
        "queued": story.queued,
        "received": story.received,
        "buffered": story.buffered,
        "unread": story.unread,
        "tcp": tcp.map(|tcp| tcp.state),
        "unacked": tcp.and_then(|tcp| tcp.unacked),
        "unsent": tcp.and_then(|tcp| tcp.unsent),
        "rtt_ms": tcp.and_then(|tcp| tcp.round_trip).map(ms),
    })
}

fn message(socket: &str, message: &Message) -> Json {
    let mut fields = json!({
        "socket": socket,
        "repr": message.value.repr(),
        "value": to_json(&message.value),
        "bytes": message.bytes,
        "codec": message.codec,
        "protocol": message.protocol,
        "reads": message.reads,
        "waiting": message.waiting,
        "ms": ms(message.took),
        "calls": message.actions,
        "notes": message.notes,
        "expected": message.expected,
    });
    if let Some(it) = &message.dispatch {
        fields["dispatch"] = json!({"messages": it.messages, "writes": it.writes, "gap_ms": ms(it.gap),
            "after_ms": ms(it.after), "whole": it.whole});
    }
    fields
}

fn flow(sequence: &Sequence) -> Json {
    let name = |lane: usize| sequence.lanes.get(lane).map(|lane| &lane.name);
    let row = |(index, row): (usize, &SequenceRow)| {
        let at = ms(row.at);
        match &row.shown {
            Shown::Phase(title) => json!({"ms": at, "phase": title}),
            Shown::Note(note) => json!({"ms": at, "note": note}),
            Shown::Mark(mark) => {
                json!({"ms": at, "lane": name(mark.lane), "mark": mark.kind.name(), "text": mark.text})
            }
            Shown::Arrow(arrow) => {
                let arrives = match arrow.arrival {
                    Arrival::Row(row) => Some(row),
                    Arrival::Read => Some(index),
                    _ => None,
                };
                json!({"ms": at, "from": name(arrow.from), "to": name(arrow.to), "arrow": arrow.kind.name(),
                    "number": arrow.number, "text": arrow.label, "bytes": row.body().map(|body| body.wire.total),
                    "arrives": arrives, "entered": arrow.arrival == Arrival::Read, "fate": arrow.fate()})
            }
        }
    };
    let lanes: Vec<&String> = sequence.lanes.iter().map(|lane| &lane.name).collect();
    let rows: Vec<Json> = sequence.rows.iter().enumerate().map(row).collect();
    json!({"lanes": lanes, "dropped": sequence.dropped, "rows": rows})
}

fn failure(failure: &Failure) -> Json {
    let place = failure.place.as_ref();
    let mut details: Map<String, Json> = Map::new();
    for (word, text) in &failure.details {
        match details.get_mut(*word) {
            // A word that stands for several lines: the last lines of a program.
            Some(Json::String(lines)) => *lines += &format!("\n{text}"),
            _ => {
                details.insert((*word).to_string(), json!(text));
            }
        }
    }
    json!({
        "file": place.and_then(|place| place.file.as_deref()),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "kind": failure.kind.to_string(),
        "message": failure.message,
        "hint": failure.hint,
        "details": details,
    })
}

fn table(titles: &[&str], rows: &[Vec<String>]) -> Vec<Json> {
    let object = |row: &Vec<String>| -> Json {
        titles
            .iter()
            .zip(row)
            .map(|(title, cell)| ((*title).to_string(), json!(cell)))
            .collect::<Map<String, Json>>()
            .into()
    };
    rows.iter().map(object).collect()
}

fn ms(took: Duration) -> f64 {
    // Whole microseconds: what is below is noise, and binary fractions of it fill the line.
    took.as_micros() as f64 / 1000.0
}
