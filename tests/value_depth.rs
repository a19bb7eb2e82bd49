//! Values nest to a bound, and whatever walks one stays on a small stack at that bound.
// A test may fail by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use lab2sh::pickle::{MAX_DEPTH, decode, encode};
use lab2sh::value::{from_json_text, to_json, to_json_text};

/// Smaller than any thread's stack: Windows gives the main thread 1 MiB, tokio and Rust give 2 MiB. A debug build takes
/// several times as much for each level, most of it in serde_json's printing.
const STACK_BYTES: usize = if cfg!(debug_assertions) { 8 << 20 } else { 768 << 10 };

fn nested(head: &[u8], level: &[u8], tail: &[u8], depth: u32) -> Vec<u8> {
    [b"\x80\x04", head, &level.repeat(depth as usize - 1), tail].concat()
}

/// Lists, tuples, dicts by value, sets of tuples, instances by state: each as opcodes for one level.
fn shapes(depth: u32) -> Vec<(&'static str, Vec<u8>)> {
    let appended = b"a".repeat(depth as usize - 1);
    let listed = [&appended[..], b"."].concat();
    let keyed = [b"s".repeat(depth as usize - 1), b".".to_vec()].concat();
    vec![
        ("list", nested(b"]", b"]", &listed, depth)),
        ("tuple", nested(b")", b"\x85", b".", depth)),
        ("dict", [&b"\x80\x04"[..], &b"}K\x01".repeat(depth as usize - 1), b"}", &keyed].concat()),
        (
            "frozenset",
            [&b"\x80\x04"[..], &b"(".repeat(depth as usize), &b"\x91".repeat(depth as usize), b"."].concat(),
        ),
    ]
}

#[test]
fn the_deepest_value_is_walked_on_a_small_stack() {
    for (name, pickle) in shapes(MAX_DEPTH) {
        let walk = move || {
            let value = decode(&pickle).unwrap_or_else(|error| panic!("{name}: {error}")).value;
            let other = decode(&pickle).unwrap().value;
            assert!(value == other, "{name}");
            assert!(!first_chars(&value.repr()).is_empty());
            assert!(!value.repr_cut(usize::MAX).1);
            let _ = value.is_hashable();
            let _ = value.compare(&other);
            let _ = to_json(&value).to_string();
            let _ = to_json_text(&value);
            let _ = encode(&value, 3);
            drop(value);
        };
        std::thread::Builder::new().stack_size(STACK_BYTES).spawn(walk).unwrap().join().unwrap();
    }
}

fn first_chars(text: &str) -> &str {
    text.get(..10).unwrap_or(text)
}

#[test]
fn one_level_more_is_refused() {
    for (name, pickle) in shapes(MAX_DEPTH + 1) {
        let error = decode(&pickle).unwrap_err();
        assert_eq!(error.why, "it is nested more than 1000 deep (limit)", "{name}");
    }
    assert!(from_json_text(&"[".repeat(100_000)).is_err());
}

#[test]
fn an_objects_parts_count_as_levels() {
    // An instance whose state is an instance ...
    let level = b"cm\nC\n)\x81";
    let chain =
        |depth: usize| [&b"\x80\x02"[..], &level.repeat(depth), b"N", &b"b".repeat(depth), b"."].concat();
    let deepest = chain(MAX_DEPTH as usize);
    let walk = move || {
        // The innermost has an empty tuple of arguments, one level more.
        assert!(decode(&chain(MAX_DEPTH as usize + 1)).is_err());
        if let Ok(decoded) = decode(&deepest) {
            let _ = decoded.value.repr();
            let _ = to_json(&decoded.value).to_string();
        }
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(walk).unwrap().join().unwrap();
}

#[test]
fn instances_that_all_know_each_other_are_shown() {
    // 40 instances, each with all of them as its state: far too many ways through, were each gone.
    let mut pickle = b"\x80\x02cm\nPeer\nq\x000".to_vec();
    for n in 1..=40_u8 {
        pickle.extend([b'h', 0, b')', 0x81, b'q', n, b'0']);
    }
    for n in 1..=40_u8 {
        pickle.extend([b'h', n, b'(']);
        (1..=40_u8).for_each(|m| pickle.extend([b'h', m]));
        pickle.extend(b"lb0");
    }
    pickle.extend(b"h\x01.");
    let repr = decode(&pickle).unwrap().value.repr_cut(100).0;
    assert!(repr.starts_with("<m.Peer [..., <m.Peer [..., ..."), "{repr}");
}
