//! The rows of `explain` for any bytes: opcodes as `pickletools` lists them, refused pickles marked, hostile ones bounded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::python_or_skip;
use lab2sh::event::{Event, Origin, What, Wire};
use lab2sh::explain::{Explanation, Folding, MAX_ROWS, explain};
use lab2sh::net::Framing;
use lab2sh::pickle::decode;
use lab2sh::render::{self, Look};

const RECORDED: &str = include_str!("fixtures/pickles/recorded.tsv");
const LISTINGS: &str = include_str!("fixtures/pickles/dis.tsv");
const MAKE_DIS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pickles/make_dis.py");
/// An argument that is longer is cut on the screen, and left out of a listing.
const LONG: usize = 1000;
/// Two screens of 24 lines, in 80 columns.
const SCREENS: usize = 2 * 24;
const COLUMNS: usize = 80;

fn wire(bytes: &[u8], codec: &'static str, framing: Framing) -> Wire {
    Wire { bytes: bytes.into(), total: bytes.len(), codec, framing, head: None }
}

fn explained(bytes: &[u8], folding: Folding) -> Explanation {
    explain(&wire(bytes, "pickle", Framing::Pickle), folding)
}

fn screen(explanation: Explanation) -> String {
    let what = What::Explained { origin: Origin::Given, explanation: Arc::new(explanation) };
    let event = Event { at: std::time::Duration::ZERO, what };
    render::event(&event, &Look::new(false).wide(Some(COLUMNS))).unwrap()
}

fn recorded() -> Vec<(String, Vec<u8>)> {
    let case = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        (format!("{} {}", fields[0], fields[1]), STANDARD.decode(fields[2]).unwrap())
    };
    RECORDED.lines().map(case).collect()
}

/// The opcodes as the recording script lists those of `pickletools`: `offset NAME argument`.
fn listing(pickle: &[u8]) -> String {
    let mut text = String::new();
    for row in explained(pickle, Folding::All).rows {
        let argument = match row.argument {
            // `pickletools` has an index of its own here, which is no argument.
            _ if row.name == "MEMOIZE" => String::new(),
            Some(argument) if argument.chars().count() + 1 > LONG => " long".to_owned(),
            Some(argument) => format!(" {argument}"),
            None => String::new(),
        };
        text += &format!("{} {}{argument}\n", row.start, row.name);
    }
    text
}

fn fnv(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

#[test]
fn opcodes_offsets_and_arguments_are_those_that_pickletools_lists() {
    let mut seen = 0;
    for ((case, pickle), line) in recorded().iter().zip(LISTINGS.lines()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, protocol, count, hash] = fields[..] else { panic!("four fields: {line}") };
        assert_eq!(*case, format!("{name} {protocol}"), "the recordings do not go together");
        if hash == fnv("not listed\n") {
            assert!(case.starts_with("int_4301_digits"), "{case}");
            continue;
        }
        let ours = listing(pickle);
        assert_eq!(ours.lines().count().to_string(), count, "{case}:\n{ours}");
        assert_eq!(fnv(&ours), hash, "{case}: `make_dis.py listing` shows the other text:\n{ours}");
        seen += 1;
    }
    assert!(seen > 1700, "{seen} listings");
}

/// The opcodes that CPython's pickler does not write today, each with what `pickletools.dis` prints for it.
#[test]
fn old_and_rare_opcodes_are_listed_as_pickletools_does() {
    let cases: [(&[u8], &str); 12] = [
        (b"S'a\\x62'\n.", "0 STRING 'ab'\n9 STOP\n"),
        (b"U\x03a\xe9b.", "0 SHORT_BINSTRING 'aéb'\n5 STOP\n"),
        (b"T\x02\0\0\0hi.", "0 BINSTRING 'hi'\n7 STOP\n"),
        (b"Pid 7\n.", "0 PERSID 'id 7'\n6 STOP\n"),
        (b"K\x07Q.", "0 BININT1 7\n2 BINPERSID\n3 STOP\n"),
        (
            b"\x80\x02\x82\x07\x83\x01\x02\x84\x01\x02\x03\x04\x87.",
            "0 PROTO 2\n2 EXT1 7\n4 EXT2 513\n7 EXT4 67305985\n12 TUPLE3\n13 STOP\n",
        ),
        (b"N2\x86.", "0 NONE\n1 DUP\n2 TUPLE2\n3 STOP\n"),
        (b"(imenu\nMenu\n.", "0 MARK\n1 INST 'menu Menu'\n12 STOP\n"),
        (b"(cmenu\nMenu\nI7\no.", "0 MARK\n1 GLOBAL 'menu Menu'\n12 INT 7\n15 OBJ\n16 STOP\n"),
        (b"Nr\x01\0\0\0j\x01\0\0\0\x86.", "0 NONE\n1 LONG_BINPUT 1\n6 LONG_BINGET 1\n11 TUPLE2\n12 STOP\n"),
        (
            b"\x80\x04\x8d\x02\0\0\0\0\0\0\0hi0\x8e\x01\0\0\0\0\0\0\0\xff\x98.",
            "0 PROTO 4\n2 BINUNICODE8 'hi'\n13 POP\n14 BINBYTES8 b'\\xff'\n24 READONLY_BUFFER\n25 STOP\n",
        ),
        (b"\x97", "0 NEXT_BUFFER\n"),
    ];
    for (pickle, wanted) in cases {
        assert_eq!(listing(pickle), wanted);
    }
}

#[test]
fn python_on_this_machine_lists_the_same() {
    let Some(python) = python_or_skip() else { return };
    let mut child = Command::new(python)
        .args([MAKE_DIS, "listing"])
        .env("PYTHONIOENCODING", "utf-8:backslashreplace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, RECORDED.as_bytes()));
    let theirs = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    writer.join().unwrap().unwrap();
    let mut listings = theirs.split("\n\n");
    for (case, pickle) in recorded() {
        let theirs = listings.next().unwrap();
        let ours = format!("{case}\n{}", listing(&pickle));
        if !theirs.ends_with("not listed") {
            assert_eq!(theirs, ours.trim_end());
        }
    }
}

#[test]
fn every_message_fits_two_screens_and_every_line_the_width() {
    let pickles = recorded().into_iter().chain(bad());
    for (case, pickle) in pickles.filter(|(_, pickle)| pickle.len() <= 6000) {
        let shown = screen(explained(&pickle, Folding::Folded));
        let lines = shown.lines().count();
        assert!(lines <= SCREENS, "{case}, {} B: {lines} lines\n{shown}", pickle.len());
        // An argument or a name may be wider in columns than in characters; a line that is broken between words is not.
        for line in shown.lines().filter(|line| line.is_ascii()) {
            assert!(line.len() <= COLUMNS, "{case}: {} columns\n{line}", line.len());
        }
    }
}

/// Nothing is left out of a short message, and nothing of any message by `explain all`.
#[test]
fn rows_cover_every_byte_in_order() {
    for (case, pickle) in recorded() {
        for folding in [Folding::Folded, Folding::All] {
            let explanation = explained(&pickle, folding);
            let mut at = 0;
            for row in &explanation.rows {
                assert_eq!(row.start, at, "{case}, {folding:?}: {row:?}");
                at = row.end;
                assert!(folding == Folding::Folded || row.folded == 0, "{case}: {row:?}");
            }
            assert_eq!(at, pickle.len(), "{case}, {folding:?}");
        }
    }
}

/// The pickles of `pickle_bad.rs`: what CPython refuses, and what it loads though it is odd.
fn bad() -> Vec<(String, Vec<u8>)> {
    let case = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let mut data = Vec::new();
        for piece in fields[2].split(' ').filter(|piece| !piece.is_empty()) {
            let (piece, times) = piece.split_once('*').unwrap_or((piece, "1"));
            data.extend(STANDARD.decode(piece).unwrap().repeat(times.parse().unwrap()));
        }
        (fields[0].to_owned(), data)
    };
    include_str!("fixtures/pickles/bad.tsv").lines().map(case).collect()
}

/// Where decoding says that bytes are missing at the end, `explain` points at the frame that wants them.
const ELSEWHERE: [(&str, usize); 2] = [("frame_2p63", 2), ("frame_in_frame", 12)];

#[test]
fn a_refused_pickle_is_marked_where_it_stops() {
    let (mut refused, mut wrong) = (0, Vec::new());
    for (case, pickle) in bad() {
        for folding in [Folding::Folded, Folding::All] {
            let explanation = explained(&pickle, folding);
            let marked: Vec<_> = explanation.rows.iter().filter(|row| row.is_wrong).collect();
            match (decode(&pickle), &explanation.stopped) {
                (Ok(decoded), None) => {
                    assert_eq!(
                        explanation.value.map(|value| value.repr_cut(500)),
                        Some(decoded.value.repr_cut(500))
                    );
                    assert!(marked.is_empty(), "{case}");
                }
                (Err(error), Some(stopped)) => {
                    refused += 1;
                    let [row] = marked[..] else { panic!("{case}: {} rows are marked", marked.len()) };
                    let inside = row.start <= stopped.at && stopped.at <= row.end;
                    let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == case);
                    if !inside || stopped.at != elsewhere.map_or(error.at, |(_, at)| *at) {
                        wrong.push(format!("{case}: {folding:?} {stopped:?}, not {error:?}; {row:?}"));
                    }
                }
                (decoded, stopped) => wrong.push(format!("{case}: {decoded:?} but {stopped:?}")),
            }
        }
    }
    assert!(refused > 160, "{refused}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_peers_control_characters_reach_no_screen() {
    let evil = b"cos\x1b[2J\nsys\x1b]0;x\x07tem\n(S'\x1b[31m'\n(d\x8c\x04\x1b[2Jb\x93I\x1b\n.";
    for end in 0..=evil.len() {
        for codec in ["pickle", "json", "text", "hex"] {
            for framing in [Framing::Pickle, Framing::Length, Framing::Line] {
                for folding in [Folding::Folded, Folding::All] {
                    let shown = screen(explain(&wire(&evil[..end], codec, framing), folding));
                    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
                }
            }
        }
    }
}

/// No message makes it build more than its rows, or takes much longer than decoding.
#[test]
fn a_hostile_message_costs_little() {
    const LEN: usize = 1 << 18;
    let kinds: [(&str, Vec<u8>); 7] = [
        ("None", [vec![b'N'; LEN], b".".to_vec()].concat()),
        ("marks", vec![b'('; LEN]),
        ("lists in lists", vec![b']'; LEN]),
        ("tuples in tuples", [b"N".to_vec(), vec![0x85; LEN], b".".to_vec()].concat()),
        ("memo", [b"N".to_vec(), vec![0x94; LEN], b".".to_vec()].concat()),
        ("calls", [b"(".to_vec(), b"cos\nsystem\n)R".repeat(LEN / 13), b"l.".to_vec()].concat()),
        ("one str", [&b"X"[..], &(LEN as u32).to_le_bytes(), &vec![b'a'; LEN], b"."].concat()),
    ];
    for (kind, pickle) in kinds {
        for codec in ["pickle", "json", "text", "hex"] {
            for folding in [Folding::Folded, Folding::All] {
                let explanation = explain(&wire(&pickle, codec, Framing::Pickle), folding);
                let rows = explanation.rows.len();
                assert!(rows <= MAX_ROWS + 3, "{kind}, {codec}: {rows} rows");
                let text: usize = explanation
                    .rows
                    .iter()
                    .map(|row| row.words.len() + row.stack.as_ref().map_or(0, String::len))
                    .sum();
                assert!(text <= 300 * rows, "{kind}, {codec}: {text} B of text");
                let lines = if folding == Folding::Folded { screen(explanation).lines().count() } else { 0 };
                assert!(lines <= SCREENS, "{kind}, {codec}: {lines} lines");
            }
        }
    }
}

/// Bytes that nobody wrote: some of each recorded pickle are changed, the same ones in each run.
#[test]
fn changed_bytes_are_explained_as_they_are_decoded() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    for (case, mut pickle) in recorded().into_iter().filter(|(_, pickle)| pickle.len() < 500) {
        for _ in 0..4 {
            let at = next(pickle.len());
            pickle[at] = next(256) as u8;
        }
        pickle.truncate(1 + next(2 * pickle.len()));
        let explanation = explained(&pickle, Folding::All);
        let end = explanation.rows.iter().fold(0, |at, row| {
            assert_eq!(row.start, at, "{case}: {pickle:02x?}");
            row.end
        });
        assert_eq!(end, pickle.len(), "{case}: {pickle:02x?}");
        match (decode(&pickle), &explanation.stopped) {
            (Ok(decoded), None) => {
                assert_eq!(explanation.value.unwrap().repr(), decoded.value.repr(), "{case}")
            }
            (Err(_), Some(stopped)) => {
                assert_eq!(explanation.rows.iter().filter(|row| row.is_wrong).count(), 1, "{case}");
                assert!(stopped.at <= pickle.len());
            }
            (decoded, stopped) => panic!("{case}: {decoded:?}, but {stopped:?}: {pickle:02x?}"),
        }
        for codec in ["json", "text"] {
            let rows = explain(&wire(&pickle, codec, Framing::Line), Folding::All).rows;
            assert_eq!(
                rows.iter().fold(0, |at, row| if row.start == at { row.end } else { usize::MAX }),
                pickle.len(),
                "{codec} {pickle:02x?}"
            );
        }
    }
}
