//! Against the CPython on this machine: random values both ways, and every character's printability.
//!
//! Without python3 these tests say so and pass; where the variable `CI` is set they fail.
// A test may fail by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use lab2sh::pickle::{decode, encode};
use lab2sh::value::{from_json_text, is_printable, to_json_text};

/// Random values of plain types; `wire` leaves out what lab2sh does not write.
const RANDOM: &str = r#"
import json, pickle, random, sys
r = random.Random(int(sys.argv[1])); wire = sys.argv[2] == "wire"
chars = "abcXYZ 019'\"\\\n\t\0\x1b\x7f\x9b\xe9\u0301\u200d\u202e中\U0001f469\U000e0041\ud800"
def text(): return "".join(r.choice(chars[:-1] if wire else chars) for _ in range(r.choice([0, 1, 3, 8, 300])))
def integer():
    n = r.choice([r.randrange(-3, 4), r.getrandbits(r.choice([8, 16, 31, 32, 63])) * r.choice([1, -1])])
    return n if wire else r.choice([n, n * r.getrandbits(200)])
def floating(): return r.choice([r.random(), r.uniform(-1e20, 1e20), r.gauss(0, 1) * 10.0 ** r.randrange(-300, 300), float(r.randrange(1000)), 0.0, -0.0, float("inf")])
def octets(): return bytes(r.randrange(256) for _ in range(r.choice([0, 2, 9, 260])))
def leaf(): return r.choice([lambda: None, lambda: r.random() < 0.5, integer, integer, floating, text, text, octets])()
def key(): return r.choice([text, text, integer, floating, octets, lambda: (integer(), text()), lambda: None])()
shared = [[1, "shared"], {"k": ()}, "again"]
def value(depth):
    if depth == 0 or r.random() < 0.2: return leaf()
    kinds = [lambda: [value(depth - 1) for _ in range(r.randrange(5))], lambda: tuple(value(depth - 1) for _ in range(r.randrange(5))),
             lambda: {key(): value(depth - 1) for _ in range(r.randrange(5))}, leaf, lambda: r.choice(shared)]
    if not wire: kinds += [lambda: {key() for _ in range(r.randrange(5))}, lambda: frozenset(key() for _ in range(3)), lambda: bytearray(octets())]
    return r.choice(kinds)()
for n in range(int(sys.argv[3])):
    v = value(4)
    print(pickle.dumps(v, n % 6).hex(), json.dumps(repr(v)), sep="\t")
"#;

/// Reads pickles and what they should print as; prints what differs.
const LOADS: &str = r#"
import json, pickle, sys
for line in sys.stdin:
    data, wanted = line.rstrip("\n").split("\t")
    got = repr(pickle.loads(bytes.fromhex(data)))
    if got != json.loads(wanted): print(data, got, json.loads(wanted))
print("done")
"#;

/// The characters that are printable, as ranges, leaving out those that this Python's Unicode does not know.
const PRINTABLE: &str = r#"
import unicodedata
for n in range(0x110000):
    c = chr(n)
    print("?" if unicodedata.category(c) == "Cn" else "s" if 0xd800 <= n < 0xe000 else "y" if c.isprintable() else "n", end="")
"#;

/// JSON texts and what Python's json.loads reads, written again by json.dumps.
const JSON: &str = r#"
import json
for text in ['1', '-0', '0', '18446744073709551615', '18446744073709551616', '-9223372036854775809', '1e5', '1E-7', '0.1', '-0.0', '123456789012345678901234567890', '"a\\u00e9\\ud83d\\ude00\\n"', '[1, 2.50, [], {}]', '{"b": 1, "a": 2, "b": 3}', ' [ null , true , false ] ', '[99999999999999999999, 1.5, -99999999999999999999, "7.0", 2e0]', '"\u4e2d\\\\ \\" \\/ 12345678901234567890.5"', '1.7976931348622838e308']:
    print(text, json.dumps(json.loads(text)), sep="\t")
"#;

/// What a Python program prints; `None` if there is no Python.
fn python(script: &str, arguments: &[&str], input: &str) -> Option<String> {
    let child = Command::new("python3")
        .arg("-c")
        .arg(script)
        .args(arguments)
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(std::env::var_os("CI").is_none(), "python3 is needed where CI is set");
        println!("skipped: there is no python3 here");
        return None;
    };
    // The input is written while the output is read, so that neither pipe fills up.
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || pipe.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap())
}

fn random(seed: &str, what: &str, number: &str) -> Option<Vec<(Vec<u8>, String)>> {
    let lines = python(RANDOM, &[seed, what, number], "")?;
    let line = |line: &str| {
        let (pickle, repr) = line.split_once('\t').unwrap();
        (unhex(pickle), serde_json::from_str(repr).unwrap())
    };
    Some(lines.lines().map(line).collect())
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn random_values_print_as_in_python() {
    for seed in ["1", "2"] {
        for (pickle, repr) in random(seed, "all", "3000").unwrap_or_default() {
            let decoded = decode(&pickle).unwrap_or_else(|error| panic!("{error}: {}", hex(&pickle)));
            assert_eq!(decoded.value.repr(), repr, "{}", hex(&pickle));
            assert!(decoded.actions.is_empty() && decoded.notes.is_empty(), "{decoded:?}");
        }
    }
}

#[test]
fn python_reads_what_is_written() {
    let mut lines = String::new();
    for (pickle, repr) in random("3", "wire", "3000").unwrap_or_default() {
        let value = decode(&pickle).unwrap().value;
        for protocol in [2, 3] {
            let written = encode(&value, protocol).unwrap_or_else(|error| panic!("{error}: {repr}"));
            assert_eq!(decode(&written).unwrap().value.repr(), repr);
            lines += &format!("{}\t{}\n", hex(&written), serde_json::to_string(&repr).unwrap());
        }
    }
    if let Some(output) = python(LOADS, &[], &lines) {
        assert_eq!(output, "done\n");
    }
}

#[test]
fn batches_are_read_by_python() {
    // serde-pickle writes 1000 items at a time; 999 to 1001 and 2000 are where a batch could go wrong.
    let mut lines = String::new();
    for count in [0_i64, 1, 999, 1000, 1001, 2000, 2500] {
        let list = format!("[{}]", (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(", "));
        let dict =
            format!("{{{}}}", (0..count).map(|n| format!("\"{n}\": {n}")).collect::<Vec<_>>().join(", "));
        for text in [list, dict] {
            let value = from_json_text(&text).unwrap();
            for protocol in [2, 3] {
                let written = encode(&value, protocol).unwrap();
                lines += &format!("{}\t{}\n", hex(&written), serde_json::to_string(&value.repr()).unwrap());
            }
        }
    }
    if let Some(output) = python(LOADS, &[], &lines) {
        assert_eq!(output, "done\n");
    }
}

#[test]
fn every_character_is_printable_where_python_says_so() {
    let Some(table) = python(PRINTABLE, &[], "") else { return };
    assert_eq!(table.len(), 0x11_0000);
    for (code, flag) in (0_u32..).zip(table.bytes()) {
        if let (Some(c), b'y' | b'n') = (char::from_u32(code), flag) {
            assert_eq!(is_printable(c), flag == b'y', "U+{code:04X}");
        }
    }
}

#[test]
fn json_is_read_and_written_as_in_python() {
    let Some(lines) = python(JSON, &[], "") else { return };
    for line in lines.lines() {
        let (text, again) = line.split_once('\t').unwrap();
        let value = from_json_text(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        // `-0` is the one number that serde_json reads as a float and Python as an int.
        assert_eq!(to_json_text(&value).unwrap(), again, "{text}");
    }
}
