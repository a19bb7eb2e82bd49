//! Pickles that CPython wrote, decoded and printed, and found in a stream wherever it is split.
// A test may fail by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lab2sh::pickle::{Scan, Scanner, decode};

const RECORDED: &str = include_str!("fixtures/pickles/recorded.tsv");
const LIMIT: usize = 16 << 20;

struct Case {
    name: String,
    protocol: u8,
    pickle: Vec<u8>,
    shown: String,
}

fn cases() -> Vec<Case> {
    let case = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, protocol, pickle, shown] = fields[..] else { panic!("four fields: {line}") };
        Case {
            name: format!("{name} (protocol {protocol})"),
            protocol: protocol.parse().unwrap(),
            pickle: STANDARD.decode(pickle).unwrap(),
            shown: serde_json::from_str(shown).unwrap(),
        }
    };
    let cases: Vec<Case> = RECORDED.lines().map(case).collect();
    assert!(cases.len() > 1000, "{} recorded", cases.len());
    cases
}

#[test]
fn each_prints_as_in_python() {
    let mut wrong = Vec::new();
    for case in cases() {
        match decode(&case.pickle) {
            Ok(decoded) => {
                let repr = decoded.value.repr();
                if repr != case.shown {
                    let (got, wanted): (String, String) =
                        (repr.chars().take(300).collect(), case.shown.chars().take(300).collect());
                    wrong.push(format!("{}\n  wanted {wanted}\n  got    {got}", case.name));
                }
                assert_eq!(decoded.len, case.pickle.len(), "{}", case.name);
                // Without PROTO the opcodes tell, and some values are spelled alike in 0 and 1.
                assert!(decoded.protocol <= case.protocol, "{}", case.name);
                assert!(case.protocol < 2 || decoded.protocol == case.protocol, "{}", case.name);
                assert!(
                    decoded.actions.is_empty()
                        || case.name.contains("own")
                        || case.name.starts_with("function"),
                    "{}: {:?}",
                    case.name,
                    decoded.actions
                );
            }
            Err(error) => wrong.push(format!("{}: {error}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_proper_prefix_needs_more() {
    for case in cases().iter().filter(|case| case.pickle.len() <= 4000) {
        let whole = &case.pickle;
        let mut growing = Scanner::new(LIMIT);
        for end in 0..whole.len() {
            let mut fresh = Scanner::new(LIMIT);
            assert_eq!(fresh.scan(&whole[..end]), Scan::NeedMore, "{} cut at {end}", case.name);
            assert_eq!(growing.scan(&whole[..end]), Scan::NeedMore, "{} grown to {end}", case.name);
            assert_eq!(fresh.wanted(), growing.wanted(), "{} at {end}", case.name);
            assert!(end > 500 || decode(&whole[..end]).is_err(), "{} cut at {end}", case.name);
            assert!(fresh.wanted() > end && fresh.wanted() <= whole.len(), "{} at {end}", case.name);
            // Split in two: the rest is found by the scanner that saw the first part.
            assert_eq!(fresh.scan(whole), Scan::Done(whole.len()), "{} split at {end}", case.name);
        }
        assert_eq!(growing.scan(whole), Scan::Done(whole.len()), "{}", case.name);
        // What follows belongs to the next message.
        let two = [whole.as_slice(), whole].concat();
        assert_eq!(Scanner::new(LIMIT).scan(&two), Scan::Done(whole.len()), "{}", case.name);
    }
}

#[test]
fn large_messages_are_found_in_pieces() {
    for case in cases().iter().filter(|case| case.pickle.len() > 4000) {
        let mut scanner = Scanner::new(LIMIT);
        let pieces = (0..case.pickle.len()).step_by(997);
        for end in pieces {
            assert_eq!(scanner.scan(&case.pickle[..end]), Scan::NeedMore, "{} at {end}", case.name);
        }
        assert_eq!(scanner.scan(&case.pickle), Scan::Done(case.pickle.len()), "{}", case.name);
    }
}

#[test]
fn a_cut_repr_is_a_prefix_that_splits_no_escape() {
    for case in cases() {
        let value = decode(&case.pickle).unwrap().value;
        let whole = value.repr();
        let chars = whole.chars().count();
        for most in [0, 1, 2, 5, 17, 100] {
            let (cut, was_cut) = value.repr_cut(most);
            assert!(cut.chars().count() <= most, "{}", case.name);
            assert_eq!(was_cut, chars > most, "{} at {most}", case.name);
            assert!(whole.starts_with(&cut) || most < 20, "{} at {most}: {cut}", case.name);
        }
    }
}

#[test]
fn what_loading_would_do_is_told() {
    let told = |pickle: &[u8]| decode(pickle).unwrap().actions;
    assert_eq!(told(b"cos\nsystem\n(S'id'\ntR."), ["call os.system('id')"]);
    // The result is thrown away.
    assert_eq!(told(b"\x80\x02cos\nsystem\nU\x02id\x85R0N."), ["call os.system('id')"]);
    assert_eq!(told(b"cos\nsystem\n."), ["import os.system"]);
    assert_eq!(told(b"cmenu\nMenu\n)\x81."), ["import menu.Menu and make an instance"]);
    assert_eq!(told(b"(cmenu\nMenu\n)\x812l."), ["import menu.Menu and make an instance"]);
    assert_eq!(
        told(b"\x80\x02cmenu\nMenu\nq\x00)\x81h\x00)\x81\x86."),
        ["import menu.Menu and make 2 instances"]
    );
    assert_eq!(told(b"\x80\x02\x82\x07."), ["import what extension code 7 stands for"]);
    assert_eq!(told(b"Pabc\n."), ["look up the persistent id 'abc'"]);
    assert_eq!(told(b"cos\nsys\x1b[2Jtem\n(S'\\x1b'\ntR."), ["call os.sys\\x1b[2Jtem('\\x1b')"]);
    // A Python 2 name, and a callable that a call gave.
    assert_eq!(
        told(b"c__builtin__\ngetattr\n(cos\npath\nS'x'\ntR(S'y'\ntR."),
        ["import os.path", "call builtins.getattr(<import os.path>, 'x')", "call builtins.getattr(...)('y')"]
    );
}

#[test]
fn actions_are_few() {
    let mut many = b"\x80\x02(".to_vec();
    for _ in 0..250 {
        many.extend(b"cos\nsystem\n)R");
    }
    many.extend(b"l.");
    let actions = decode(&many).unwrap().actions;
    assert_eq!(actions.len(), 101);
    assert_eq!(actions[100], "and 150 more of such");
}

/// What fuzzing found, each mended since.
#[test]
fn what_was_found_stays_mended() {
    // A made-up exception's name was printed raw.
    let printed = decode(b"\x80\x03cbuiltins\nOops\x1b[2JError\n)R.").unwrap().value.repr();
    assert_eq!(printed, "CALL builtins.Oops\\x1b[2JError()");
    // serde_json reads floats off by a digit.
    let float = lab2sh::value::from_json_text("1.797693134862284e+308").unwrap();
    assert_eq!(float.repr(), "1.797693134862284e+308");
    // Two shortest texts equally near; the even one is Python's.
    assert_eq!(
        lab2sh::value::Value::Float("1138395290807300.25".parse().unwrap()).repr(),
        "1138395290807300.2"
    );
    // Keys that JSON cannot tell apart.
    let keys = decode(b"\x80\x02}(K\x01NX\x01\0\0\x001Nu.").unwrap().value;
    assert!(lab2sh::value::to_json_text(&keys).is_err());
    // A length that crosses its frame and is beyond the limit: the verdict hung on where a read ended.
    let both = b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8f\x94(K\x01K\x02\x8b\xff\xff\xff\x55";
    let verdict = Scanner::new(1 << 20).scan(both);
    for end in 0..both.len() {
        let mut scanner = Scanner::new(1 << 20);
        if scanner.scan(&both[..end]) == Scan::NeedMore {
            assert_eq!(scanner.scan(both), verdict, "split at {end}");
        }
    }
}
