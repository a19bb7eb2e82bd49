//! Whatever happens in whatever order, it can be drawn: no form fails, no line is too wide, no arrow leads nowhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use lab2sh::conversation::Conversation;
use lab2sh::event::{Event, Failure, Half, Message, Met, Name, What, Wire};
use lab2sh::net::{End, Framing, Size, Taken};
use lab2sh::picture::{self, Form};
use lab2sh::sequence::{Arrival, Sequence, Shown};
use lab2sh::value::Value;
use unicode_width::UnicodeWidthStr;

/// Conversations that are drawn, and things that happen in each.
const CONVERSATIONS: u64 = 80;
const EVENTS: usize = 60;

/// Small numbers in an order that a seed decides (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn name(&mut self) -> Name {
        ["ada", "srv", "seat", "日本語の名前", "seat1", "a_very_long_name_for_a_socket"]
            [self.roll(6) as usize]
            .into()
    }

    fn address(&mut self) -> SocketAddr {
        ([127, 0, 0, 1], 5000 + self.roll(3) as u16).into()
    }

    fn message(&mut self) -> Message {
        let bytes = [&b"\x80\x03K\x01."[..], b"\x80\x03K\x02.", b"{\"a\": 1}", b"", b"\xff\xff\xff\xff"]
            [self.roll(5) as usize];
        let codec = ["pickle", "json", "hex", "text"][self.roll(4) as usize];
        let framing = [Framing::Pickle, Framing::Length, Framing::Line, Framing::None][self.roll(4) as usize];
        let total = bytes.len() + self.roll(2) as usize;
        let wire = Wire { bytes: bytes.into(), total, codec, framing, head: None };
        Message {
            wire: Some(wire),
            reads: self.roll(3) as u32,
            ..Message::given(Value::None, bytes.len(), codec, None)
        }
    }

    fn event(&mut self) -> What {
        let (socket, took) = (self.name(), Duration::ZERO);
        let end = [End::Closed, End::Reset, End::Dead][self.roll(3) as usize];
        match self.roll(16) {
            0 => What::Phase(self.name().into()),
            1 => What::Listening { socket, local: self.address() },
            2 | 3 => What::Connected {
                socket,
                peer: self.address(),
                local: self.address(),
                host: "localhost".into(),
                took,
            },
            4 | 5 => What::Accepted { socket, listener: self.name(), peer: self.address(), took },
            6 | 7 => What::Sent { socket, message: self.message() },
            8 | 9 => What::Received { socket, message: self.message() },
            10 => {
                let wire = self.message().wire;
                let taken =
                    Taken { began_at: 0, whole: vec![1], rest: 0, is_message: true, size: Size::AtLeast(0) };
                What::Read { socket, bytes: Vec::new(), wire, asked: 4, taken, took }
            }
            11 => What::Ended { socket, end, messages: None, took },
            12 => What::Closed { socket, sent: 0, received: 0, dropped: self.roll(2) as usize, unsent: 0 },
            13 => {
                What::ShutDown { socket, half: [Half::Read, Half::Write, Half::Both][self.roll(3) as usize] }
            }
            14 => What::Aborted { socket },
            _ => {
                let met = [Met::Silence, Met::End(end)][self.roll(2) as usize];
                What::Failed(
                    Failure::network(format!("nothing on `{socket}`\u{1b}[31m")).met(met).on(&socket),
                )
            }
        }
    }
}

#[test]
fn every_conversation_can_be_drawn() {
    for seed in 0..CONVERSATIONS {
        let mut dice = Dice(seed);
        let conversation = Conversation::default();
        (0..EVENTS).for_each(|n| {
            conversation.keep(&Event { at: Duration::from_millis(n as u64), what: dice.event() })
        });
        let whole = picture::draw(&conversation.look());
        let mut parts = vec![whole.narrowed(2).0, whole.tail(10).0];
        parts.extend((0..whole.lanes.len()).map(|lane| whole.about(lane)));
        parts.push(whole);
        for sequence in &parts {
            leads_somewhere(sequence, seed);
            for width in [0, 39, 47, 80, 200] {
                let text = picture::text(sequence, width);
                let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
                assert!(widest <= width.max(70), "seed {seed}: {widest} columns of {width}:\n{text}");
            }
            roxmltree::Document::parse(&Form::Svg.write(sequence)).unwrap();
            assert!(Form::Page.write(sequence).ends_with("</html>\n"));
            assert!(Form::Mermaid.write(sequence).starts_with("sequenceDiagram\n"));
        }
    }
}

/// Every lane and every row that is spoken of is there, and no arrow ends before it begins.
fn leads_somewhere(sequence: &Sequence, seed: u64) {
    let (lanes, rows) = (sequence.lanes.len(), sequence.rows.len());
    for (index, row) in sequence.rows.iter().enumerate() {
        assert!(row.lanes().into_iter().all(|lane| lane < lanes), "seed {seed}, row {index}: {row:?}");
        if let Shown::Arrow(arrow) = &row.shown
            && let Arrival::Row(at) | Arrival::Lost(at) = arrow.arrival
        {
            assert!((index..rows).contains(&at), "seed {seed}, row {index}: {row:?}");
        }
    }
    for lane in &sequence.lanes {
        let mut before = 0;
        for span in &lane.spans {
            assert!(
                span.from >= before && span.to.is_none_or(|to| to >= span.from && to < rows),
                "seed {seed}: {lane:?}"
            );
            before = span.to.unwrap_or(rows);
        }
    }
}

#[test]
fn a_name_without_a_known_ending_has_no_form() {
    let form = |name: &str| Form::of(Path::new(name));
    assert_eq!(form("a.HTML"), Some(Form::Page));
    assert_eq!(form("a.b/c.svg"), Some(Form::Svg));
    assert_eq!((form("a.png"), form("svg"), form(".txt")), (None, None, None));
}
