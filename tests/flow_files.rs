//! `flow save`: SVG and Mermaid are what their parsers take, and say what the picture says; files are written whole.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fs;

use common::{ENDS, Shell, script};
use merman_core::{Engine, ParseOptions};

/// What is markup, a command or the end of something in one of the formats.
const HOSTILE: &str = "<img src=x onerror=alert(1)>]]></text></svg>&amp;-->;#35;\\n%%{init: {}}%% end\\\"\\x1b[31m\\u202e style: x#";

/// A script that saves all forms, run in a folder that lives as long as the result.
struct Saved {
    svg: String,
    mermaid: String,
    text: String,
}

fn save(lines: &str) -> Saved {
    let text = format!("{lines}\nflow save p.svg\nflow save p.mmd\nflow save p.TXT\n");
    let shell = script(&text).arg("-i").stdin("quit\n");
    let folder = shell.path().to_path_buf();
    let mut running = shell.start();
    running.wait_for("picture saved as p.TXT");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    Saved { svg: read("p.svg"), mermaid: read("p.mmd"), text: read("p.TXT") }
}

fn lesson() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/handshake.lab")).unwrap()
}

/// Every text of an image, in order.
fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.map(|node| node.text().unwrap_or_default().to_string()).collect()
}

#[test]
fn the_image_is_xml_and_has_lanes_and_arrows() {
    let saved = save(&lesson());
    let document = roxmltree::Document::parse(&saved.svg).unwrap();
    let root = document.root_element();
    assert_eq!(
        (root.tag_name().name(), root.tag_name().namespace()),
        ("svg", Some("http://www.w3.org/2000/svg"))
    );
    let class =
        |name: &str| document.descendants().filter(|node| node.attribute("class") == Some(name)).count();
    // Four messages, a connect and an accept, one FIN that was heard.
    assert_eq!((class("message"), class("setup"), class("end"), class("lane")), (4, 2, 1, 3));
    let texts = texts(&saved.svg);
    for wanted in [
        "student",
        "server",
        "seat",
        "connect",
        "accept",
        "(1) {'clientid': 7}  21 B",
        "read (1), as expected",
        "end of stream",
    ] {
        assert!(texts.iter().any(|text| text == wanted), "no `{wanted}` in {texts:?}");
    }
    // Every number in it is one, so that nothing lies outside.
    let (width, height) = (number(&root, "width"), number(&root, "height"));
    for node in document.descendants().filter(|node| node.has_tag_name("text")) {
        assert!(number(&node, "x") <= width && number(&node, "y") <= height, "{node:?}");
    }
    // It fetches nothing.
    assert!(!saved.svg.contains("href") && !saved.svg.contains("@import") && !saved.svg.contains("url(h"));
}

fn number(node: &roxmltree::Node, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

/// merman-core is a port of Mermaid's own grammar to Rust. What is checked with it: that the source is a sequence
/// diagram, and what its participants, messages and notes are. How Mermaid draws them is not.
fn parsed(source: &str) -> serde_json::Value {
    let engine = Engine::new();
    let parsed = engine.parse_diagram_sync(source, ParseOptions::strict()).unwrap().expect("a diagram");
    assert_eq!(parsed.meta.diagram_type, "sequence");
    parsed.model
}

/// The diagram as its parser understood it, a line each: who takes part, then the messages and the notes in order.
fn told(source: &str) -> String {
    /// Mermaid's numbers for the kinds of lines.
    const SOLID: u64 = 0;
    const DOTTED: u64 = 1;
    const NOTE: u64 = 2;
    const CROSS: u64 = 3;
    let model = parsed(source);
    // Between reading and drawing, Mermaid keeps `#58;` so.
    let entity = regex::Regex::new("ﬂ°°([0-9]+)¶ß").unwrap();
    let decoded = |text: &str| {
        let of = |found: &regex::Captures| char::from_u32(found[1].parse().unwrap()).unwrap().to_string();
        entity.replace_all(text, of).into_owned()
    };
    let name = |lane: &str| decoded(model["actors"][lane]["description"].as_str().unwrap());
    let lanes: Vec<String> =
        model["actorOrder"].as_array().unwrap().iter().map(|lane| name(lane.as_str().unwrap())).collect();
    let mut told = lanes.join(", ") + "\n";
    for message in model["messages"].as_array().unwrap() {
        let (from, to) = (name(message["from"].as_str().unwrap()), name(message["to"].as_str().unwrap()));
        let text = decoded(message["message"].as_str().unwrap());
        told += &match message["type"].as_u64().unwrap() {
            NOTE if from == to => format!("over {from}: {text}\n"),
            NOTE => format!("over {from} and {to}: {text}\n"),
            SOLID => format!("{from} -> {to}: {text}\n"),
            DOTTED => format!("{from} --> {to}: {text}\n"),
            CROSS => format!("{from} -x {to}: {text}\n"),
            other => panic!("a line of kind {other}"),
        };
    }
    told
}

#[test]
fn the_mermaid_source_is_a_sequence_diagram() {
    let saved = save(&lesson());
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    let told = port.replace_all(&told(&saved.mermaid), "127.0.0.1:PORT").into_owned();
    assert_eq!(
        told,
        "\
student, server, seat
over student and seat: 1. The server listens, the student connects
over server: listening on 127.0.0.1:PORT
student --> server: connect
server --> seat: accept
over student and seat: 2. The server speaks first: the client id
seat -> student: (1) {'clientid': 7}  21 B
over student: read (1), as expected
over student and seat: 3. The student answers with name and id
student -> seat: (2) {'student_name': 'Ada Lovelace', 'github_userna...  81 B
over seat: read (2), as expected
over student and seat: 4. The student listens until the server closes
seat -> student: (3) {'message': 'welcome, Ada Lovelace'}  44 B
seat -> student: (4) {'message': 'that is all for today'}  44 B
seat --> student: close (FIN)
over student: read (3)
over student: read (4)
over student: end of stream
over student: close
over server: close
"
    );
}

#[test]
fn a_long_diagram_stays_within_what_mermaid_reads() {
    /// Mermaid's own `maxTextSize`: it draws nothing of a longer source.
    const MERMAID_MAX: usize = 50_000;
    let saved = save(&format!("{ENDS}repeat 2000 @ada send {{\"name\": \"Ada Lovelace\"}}\n"));
    assert!((MERMAID_MAX - 1_000..MERMAID_MAX).contains(&saved.mermaid.len()), "{}", saved.mermaid.len());
    let told = told(&saved.mermaid);
    let drawn = told.lines().filter(|line| line.starts_with("ada -x seat: (")).count();
    assert!(
        told.ends_with(&format!("over ada and seat: {} more rows are left out here\n", 2000 - drawn)),
        "{told}"
    );
    assert_eq!(texts(&saved.svg).iter().filter(|text| text.contains("'Ada Lovelace'")).count(), 2000);
}

#[test]
fn what_a_peer_sent_is_text_in_every_form() {
    let hostile = format!(
        "{ENDS}## {HOSTILE}\n@ada send {{\"{HOSTILE}\": 1}}\n@seat recv\n@ada send text \"{HOSTILE}\"\n? @seat recv within 20ms\n"
    );
    let saved = save(&hostile);
    for (form, text) in [("svg", &saved.svg), ("mermaid", &saved.mermaid), ("text", &saved.text)] {
        let strange = text.chars().find(|c| *c != '\n' && !lab2sh::value::is_printable(*c));
        assert_eq!(strange, None, "in the {form}");
    }
    let document = roxmltree::Document::parse(&saved.svg).unwrap();
    assert!(!document.descendants().any(|node| node.has_tag_name("img")));
    assert!(
        texts(&saved.svg).iter().any(|text| text.starts_with("(1) {'<img src=x onerror=alert(1)>]]></text>"))
    );
    let told = told(&saved.mermaid);
    let lines: Vec<&str> = told.lines().filter(|line| line.contains("img")).collect();
    let [phase, value, text] = lines.as_slice() else { panic!("{told}") };
    assert_eq!(*phase, "over ada and seat: <img src=x onerror=alert(1)>]]></text></svg>&amp;-->;#35;...");
    assert_eq!(*value, "ada -> seat: (1) {'<img src=x onerror=alert(1)>]]></text></svg>...  108 B");
    assert_eq!(*text, "ada -x seat: (2) '<img src=x onerror=alert(1)>]]></tex...  95 B, not read");
    assert_eq!(told.lines().next(), Some("ada, server, seat"));
}

#[test]
fn a_file_is_whole_or_as_it_was() {
    let done = Shell::new(["-c", "listen 0 as s", "-c", "flow save p.svg"]).file("p.svg/old", "kept").run();
    assert_eq!(done.status, 3);
    assert!(done.screen.contains("cannot save the picture as `p.svg`: it is a folder"), "{}", done.screen);
    assert!(!done.screen.contains("hint"), "{}", done.screen);
}
