//! Hostile and odd pickles: what CPython loads lab2sh reads, what it refuses lab2sh refuses, except as listed here; each
//! at once and in little memory.
// A test may fail by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lab2sh::pickle::{Scan, Scanner, decode, encode};
use lab2sh::value::{to_json, to_json_text};

const BAD: &str = include_str!("fixtures/pickles/bad.tsv");
const LIMIT: usize = 16 << 20;
/// To find, read and show one of them; a debug build gets ten times as long.
const EACH: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });

/// Where lab2sh decides otherwise than CPython 3.11, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("deep_list_30k", "deeper than MAX_DEPTH; CPython's own repr fails on it"),
    ("deep_tuple_30k", "deeper than MAX_DEPTH"),
    ("deep_dict_20k", "deeper than MAX_DEPTH"),
    ("laughs_dup_9", "unfolds to more than MAX_VALUES; CPython shares, and hangs in print"),
    ("laughs_memo_30", "unfolds to more than MAX_VALUES"),
    (
        "memo_put_4g",
        "read: the memo is a map beyond its dense part, so a high index costs one entry, not MemoryError",
    ),
    ("S_hi", "read: a Python 2 byte string that is not ASCII is shown as bytes, with a note"),
    ("py2_latin1_str", "read: as above"),
    ("text_http", "refused: CPython's oracle stopped at a persistent id, before the byte that is no opcode"),
    ("ext1", "read: shown as its number; which class it means is in CPython's registry only"),
    ("ext2", "read: as above"),
    ("ext4", "read: as above"),
];

fn pickles() -> Vec<(String, String, Vec<u8>)> {
    let mut pickles: Vec<(String, String, Vec<u8>)> = BAD.lines().map(pickle).collect();
    pickles.push(("shape_100k_keys".to_owned(), "OK dict left=0".to_owned(), many_keys()));
    assert_eq!(pickles.len(), 174);
    pickles
}

fn pickle(line: &str) -> (String, String, Vec<u8>) {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, verdict, pieces] = fields[..] else { panic!("three fields: {line}") };
    let mut data = Vec::new();
    for piece in pieces.split(' ').filter(|piece| !piece.is_empty()) {
        let (piece, times) = piece.split_once('*').unwrap_or((piece, "1"));
        data.extend(STANDARD.decode(piece).unwrap().repeat(times.parse().unwrap()));
    }
    (name.to_owned(), verdict.to_owned(), data)
}

/// `{i: i for i in range(100_000)}`
fn many_keys() -> Vec<u8> {
    let mut data = b"\x80\x04}".to_vec();
    for batch in 0..100_u32 {
        data.push(b'(');
        for number in batch * 1000..(batch + 1) * 1000 {
            let pair = [&b"J"[..], &number.to_le_bytes()].concat();
            data.extend(pair.repeat(2));
        }
        data.push(b'u');
    }
    data.push(b'.');
    data
}

#[test]
fn lab2sh_decides_as_cpython_does() {
    let mut wrong = Vec::new();
    for (name, verdict, data) in pickles() {
        // The oracle's unpickler forbids to import; lab2sh shows what would be imported.
        let theirs = verdict.starts_with("OK") || verdict.contains("forbidden");
        let ours = decode(&data);
        let listed = DIFFERENCES.iter().any(|(listed, _)| *listed == name);
        if ours.is_ok() != theirs && !listed {
            wrong.push(format!(
                "{name}: CPython {verdict}; lab2sh {:?}",
                ours.map(|decoded| decoded.value.repr())
            ));
        }
        // The type is CPython's, too.
        if let (Ok(decoded), Some(rest)) = (decode(&data), verdict.strip_prefix("OK ")) {
            assert_eq!(decoded.value.type_name(), rest.split(' ').next().unwrap(), "{name}");
            let left: usize = rest.rsplit('=').next().unwrap().parse().unwrap();
            assert_eq!(data.len() - decoded.len, left, "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_is_done_with_at_once() {
    for (name, _, data) in pickles() {
        let start = Instant::now();
        let whole = Scanner::new(LIMIT).scan(&data);
        let decoded = decode(&data);
        let _ = decoded.as_ref().map(|decoded| decoded.value.repr_cut(1000));
        assert!(start.elapsed() < EACH, "{name} took {:?}", start.elapsed());
        if let Ok(decoded) = decoded {
            assert!(matches!(whole, Scan::Done(len) if len == decoded.len), "{name}: {whole:?}");
            let repr = decoded.value.repr();
            assert!(repr.chars().all(|c| !c.is_control()), "{name}");
            let _ = to_json(&decoded.value).to_string();
            let _ = to_json_text(&decoded.value);
            let _ = encode(&decoded.value, 3);
            assert!(decoded.value == decoded.value.clone() || repr.contains("nan"), "{name}");
        }
    }
}

#[test]
fn each_is_refused_the_same_in_pieces() {
    for (name, _, data) in pickles().iter().filter(|(_, _, data)| data.len() < 1000) {
        let whole = Scanner::new(LIMIT).scan(data);
        let mut scanner = Scanner::new(LIMIT);
        let early =
            (0..data.len()).map(|end| scanner.scan(&data[..end])).find(|scan| *scan != Scan::NeedMore);
        assert_eq!(early.unwrap_or_else(|| scanner.scan(data)), whole, "{name}");
    }
}

/// A declared length allocates nothing: all of the above within 1 GiB of address space.
#[cfg(unix)]
#[test]
fn each_is_done_with_in_little_memory() {
    let test = std::env::current_exe().unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 1048576 && exec \"$@\"", "sh"])
        .arg(test)
        .args(["--exact", "each_is_done_with_at_once", "--test-threads=1"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_declared_length_is_refused_before_its_bytes_come() {
    let too_big = |head: &[u8]| Scanner::new(LIMIT).scan(head);
    let declared = |declared| Scan::TooBig { at: 2, declared };
    assert_eq!(too_big(b"\x80\x02X\xff\xff\xff\xff"), declared(u64::from(u32::MAX)));
    assert_eq!(too_big(b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff"), declared(u64::MAX));
    assert_eq!(too_big(b"\x80\x04\x96\x00\x00\x00\x00\x00\x01\x00\x00"), declared(1 << 40));
    assert_eq!(too_big(b"\x80\x04\x95\x00\x00\x00\x00\x00\x01\x00\x00"), declared(1 << 40));
    // Without a declared length the limit counts what came.
    let line = [b"V".as_slice(), &[b'x'; 100]].concat();
    assert_eq!(Scanner::new(50).scan(&line), Scan::TooBig { at: 0, declared: 102 });
    assert_eq!(Scanner::new(3).scan(b"((((("), Scan::TooBig { at: 3, declared: 4 });
    // What fits exactly is whole.
    assert_eq!(Scanner::new(3).scan(b"K\x01."), Scan::Done(3));
}

#[test]
fn frames_are_strict() {
    let corrupt = |data: &[u8]| match Scanner::new(LIMIT).scan(data) {
        Scan::Corrupt { at, why } => format!("{at}: {why}"),
        other => panic!("{other:?}"),
    };
    let frame = |length: u64| [b"\x80\x04\x95".as_slice(), &length.to_le_bytes()].concat();
    // A text, a number and a line that go beyond their frame; said as soon as it is known.
    assert_eq!(corrupt(&[&frame(3)[..], b"\x8c\x05h"].concat()), "11: pickle exhausted before end of frame");
    assert_eq!(corrupt(&[&frame(3)[..], b"J\x01\x02"].concat()), "11: pickle exhausted before end of frame");
    assert_eq!(corrupt(&[&frame(2)[..], b"Vabc"].concat()), "11: pickle exhausted before end of frame");
    // The protocol number lies beyond the frame, whatever it is.
    assert_eq!(corrupt(&[&frame(1)[..], b"\x80."].concat()), "11: pickle exhausted before end of frame");
    assert_eq!(
        corrupt(&[&frame(20)[..], b"N", &frame(1)[2..]].concat()),
        "12: beginning of a new frame before end of current frame"
    );
    // A frame's bytes have to come before its pickle is whole.
    let early = [&frame(4)[..], b"N.NN"].concat();
    assert_eq!(Scanner::new(LIMIT).scan(&early[..13]), Scan::NeedMore);
    assert_eq!(Scanner::new(LIMIT).scan(&early), Scan::Done(13));
}
