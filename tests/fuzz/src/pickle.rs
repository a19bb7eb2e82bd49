//! Any bytes: the scanner says the same wherever they are split, what is read prints and can be written again, and
//! `explain` has a row for every byte.
#![no_main]

use lab2sh::event::Wire;
use lab2sh::explain::{Folding, explain};
use lab2sh::net::Framing;
use lab2sh::pickle::{Scan, Scanner, decode, encode, sniff};
use lab2sh::value::{Value, first_duplicate, from_json_text, is_printable, to_json, to_json_text};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let whole = Scanner::new(LIMIT).scan(data);
    // Two places to split at, chosen by the data itself.
    let seed = data.iter().fold(7_usize, |seed, byte| seed.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    for split in [seed % (data.len() + 1), seed / 7 % (data.len() + 1)] {
        let mut scanner = Scanner::new(LIMIT);
        let first = scanner.scan(&data[..split]);
        if first == Scan::NeedMore {
            assert!(scanner.wanted() > split);
            assert_eq!(scanner.scan(data), whole);
        } else {
            assert_eq!(first, whole);
        }
    }
    if let Some(text) = sniff(data, None) {
        assert!(text.chars().all(is_printable));
    }
    rows(data, seed);
    let decoded = match decode(data) {
        Ok(decoded) => decoded,
        Err(error) => {
            assert!(error.why.chars().all(is_printable), "{}", error.why);
            return;
        }
    };
    assert_eq!(whole, Scan::Done(decoded.len));
    for line in decoded.actions.iter().chain(&decoded.notes) {
        assert!(line.chars().all(is_printable), "{line}");
    }
    check(&decoded.value);
});

fn check(value: &Value) {
    let (repr, cut) = value.repr_cut(100_000);
    assert!(repr.chars().all(is_printable));
    assert!(cut || repr == value.repr());
    // NaN equals nothing.
    assert!(repr.contains("nan") || value.clone() == *value);
    if cut {
        return;
    }
    let _ = to_json(value).to_string();
    if let Ok(text) = to_json_text(value) {
        // Nesting beyond 127 is not read again.
        if let Ok(again) = from_json_text(&text) {
            assert_eq!(to_json_text(&again).as_ref(), Ok(&text));
        }
    }
    if let Value::Dict(pairs) = value {
        let objects = |key: &Value| matches!(key, Value::Object(_) | Value::Tuple(_));
        // Two instances with one state are equal here and two keys in Python.
        assert!(first_duplicate(pairs.iter().map(|(key, _)| key)).is_none_or(|at| objects(&pairs[at].0)));
    }
    for protocol in [2, 3] {
        if let Ok(pickle) = encode(value, protocol) {
            let again = decode(&pickle).expect("what is written can be read").value;
            assert_eq!(again.repr(), repr);
        }
    }
}

/// The rows of `explain` lie side by side, are few when folded, and hold nothing that a screen must not get.
fn rows(data: &[u8], seed: usize) {
    let codec = ["pickle", "pickle", "json", "text", "hex"][seed % 5];
    let framing = [Framing::Pickle, Framing::Length, Framing::Line][seed / 5 % 3];
    let wire = Wire { bytes: data.into(), total: data.len(), codec, framing, head: None };
    for folding in [Folding::Folded, Folding::All] {
        let explanation = explain(&wire, folding);
        let mut at = 0;
        for row in &explanation.rows {
            assert_eq!(row.start, at, "{row:?}");
            at = row.end;
            let texts = [&row.argument, &row.stack, &row.effect.as_ref().map(|effect| effect.what.clone())];
            for text in texts.into_iter().flatten().chain([&row.words]) {
                assert!(text.chars().all(is_printable), "{text:?}");
            }
        }
        assert_eq!(at, data.len());
        let wrong = explanation.rows.iter().filter(|row| row.is_wrong).count();
        assert_eq!(wrong, usize::from(explanation.stopped.is_some()));
        assert!(folding == Folding::All || explanation.rows.len() <= 48);
        if framing == Framing::Pickle && codec == "pickle" {
            assert_eq!(explanation.value.is_some(), decode(data).is_ok());
        }
    }
}
