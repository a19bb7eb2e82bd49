//! `explain` and `hex` as a person sees them: whole screens, and what to do where nothing can be shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::{Shell, script};

/// Two screens of 24 lines.
const SCREENS: usize = 2 * 24;
/// The lab's greeting: `{'clientid': <the client's port>}` in protocol 4.
const GREETING: &str =
    "80 04 95 12 00 00 00 00 00 00 00 7d 94 8c 08 63 6c 69 65 6e 74 69 64 94 4d 5a c5 73 2e";

/// The whole screen of some lines, each with nothing before it; columns count, so spaces do.
#[track_caller]
fn shows<'a>(lines: impl IntoIterator<Item = &'a str>, expected: &str) {
    let args = lines.into_iter().flat_map(|line| ["-c", line]);
    let done = Shell::new(args).run();
    assert_eq!(expected.trim_start_matches('\n'), done.screen, "it shows:\n{}", done.screen);
    assert_eq!(done.status, 0);
}

/// A call is shown where `pickle.loads` would make it, also one whose result is thrown away.
#[test]
fn a_call_is_marked_where_it_would_be_made() {
    shows(
        ["explain hex 63 6f 73 0a 73 79 73 74 65 6d 0a 28 53 27 69 64 27 0a 74 52 30 4e 2e"],
        r#"
  None                                                   23 B, pickle protocol 0
     0  63 6f 73 0a 73 79 73 74  GLOBAL 'os system': import a module and push a
        65 6d 0a                 class or function of it
                                 stack: <import os.system>
                                 ! here pickle.loads would import os.system
    11  28                       MARK: a mark: what follows belongs together
                                 stack: <import os.system> | MARK
    12  53 27 69 64 27 0a          STRING 'id': push a str of Python 2, spelled
                                   in quotes in a line of text
                                   stack: <import os.system> | MARK | 'id'
    18  74                       TUPLE: make a tuple of everything down to the
                                 mark
                                 stack: <import os.system> | ('id',)
    19  52                       REDUCE: call the function below the top; its
                                 arguments are the tuple on top
                                 stack: CALL os.system('id')
                                 ! here pickle.loads would call os.system('id')
    20  30                       POP: throw away the top
                                 stack: is empty
    21  4e                       NONE: push None
                                 stack: None
    22  2e                       STOP: the end: the top is the value
"#,
    );
}

#[test]
fn plain_data_of_the_standard_library_is_told_apart() {
    shows(
        ["explain hex 80 03 63 64 61 74 65 74 69 6d 65 0a 64 61 74 65 0a 43 04 07 e4 02 03 85 52 2e"],
        r#"
  datetime.date(2020, 2, 3)                              26 B, pickle protocol 3
     0  80 03                    PROTO 3: a pickle, written in this protocol
     2  63 64 61 74 65 74 69 6d  GLOBAL 'datetime date': import a module and
        65 0a 64 61 74 65 0a     push a class or function of it
                                 stack: <class 'datetime.date'>
                                 plain data: import datetime.date
    17  43 04 07 e4 02 03        SHORT_BINBYTES b'\x07\xe4\x02\x03': push bytes;
                                 the first byte is their length
                                 stack: ... | b'\x07\xe4\x02\x03'
    23  85                       TUPLE1: make a tuple of the one item on top
                                 stack: ... | (b'\x07\xe4\x02\x03',)
    24  52                       REDUCE: call the function below the top; its
                                 arguments are the tuple on top
                                 stack: datetime.date(2020, 2, 3)
                                 plain data: call
                                 datetime.date(b'\x07\xe4\x02\x03')
    25  2e                       STOP: the end: the top is the value
"#,
    );
}

#[test]
fn an_instance_is_marked_where_it_would_be_made_and_filled() {
    shows(
        ["explain hex 80 04 8c 04 6d 65 6e 75 8c 04 4d 65 6e 75 93 29 81 7d 8c 01 6e 4b 01 73 62 2e"],
        r#"
  <menu.Menu {'n': 1}>                                   26 B, pickle protocol 4
     0  80 04                    PROTO 4: a pickle, written in this protocol
     2  8c 04 6d 65 6e 75        SHORT_BINUNICODE 'menu': push a str; the first
                                 byte is its length
                                 stack: 'menu'
     8  8c 04 4d 65 6e 75        SHORT_BINUNICODE 'Menu': push a str; the first
                                 byte is its length
                                 stack: 'menu' | 'Menu'
    14  93                       STACK_GLOBAL: import a module and push a class
                                 or function of it: the two names on top
                                 stack: <import menu.Menu>
                                 ! here pickle.loads would import menu.Menu
    15  29                       EMPTY_TUPLE: push the empty tuple
                                 stack: <import menu.Menu> | ()
    16  81                       NEWOBJ: make an object of the class below the
                                 top; its arguments are the tuple on top
                                 stack: <menu.Menu>
                                 ! here pickle.loads would make an instance:
                                 menu.Menu()
    17  7d                       EMPTY_DICT: push a new, empty dict
                                 stack: <menu.Menu> | {}
    18  8c 01 6e                 SHORT_BINUNICODE 'n': push a str; the first
                                 byte is its length
                                 stack: <menu.Menu> | {} | 'n'
    21  4b 01                    BININT1 1: push an int of 1 byte
                                 stack: <menu.Menu> | {} | 'n' | 1
    23  73                       SETITEM: put key and value into the dict below
                                 stack: <menu.Menu> | {'n': 1}
    24  62                       BUILD: give the object below the attributes
                                 that are on top
                                 stack: <menu.Menu {'n': 1}>
                                 ! here pickle.loads would set the attributes of
                                 menu.Menu or call its __setstate__
    25  2e                       STOP: the end: the top is the value
"#,
    );
}

#[test]
fn a_message_that_is_not_whole_ends_with_why() {
    shows(
        [
            "explain hex 80 04 95 12 00 00 00 00 00 00 00 7d 94 8c",
            "explain hex 80 04",
            "explain hex 80 04 4b 01 2e 80 04",
        ],
        r#"
  not whole                                                         14 B, pickle
     0  80 04                    PROTO 4: a pickle, written in this protocol
     2  95 12 00 00 00 00 00 00  FRAME 18: one frame of so many bytes follows
        00
    11  7d                       EMPTY_DICT: push a new, empty dict
                                 stack: {}
    12  94                       MEMOIZE (as 0): keep the top in the memo
    13  8c                       SHORT_BINUNICODE: push a str; the first byte is
                                 its length
                                 ! the bytes end here: pickle data was truncated
  note: at least 15 B more belong to it
  not whole                                                          2 B, pickle
     0  80 04                    PROTO 4: a pickle, written in this protocol
     2                           end: no STOP has come
                                 ! the bytes end here: pickle data was truncated
  note: at least 1 B more belong to it
  1                                                       7 B, pickle protocol 4
     0  80 04                    PROTO 4: a pickle, written in this protocol
     2  4b 01                    BININT1 1: push an int of 1 byte
                                 stack: 1
     4  2e                       STOP: the end: the top is the value
     5  80 04                    rest: 2 B behind the pickle: `pickle.loads`
                                 drops them
"#,
    );
}

#[test]
fn a_byte_that_is_no_opcode_is_marked() {
    shows(
        [
            "explain hex 7b 22 61 22 3a 20 31 7d",
            "explain hex 80 03 7d 4b 01 ff 73 2e",
            "explain hex 80 03 29 29 52 2e",
        ],
        r#"
  stops at byte 0                                                    8 B, pickle
     0  7b                       no opcode: no pickle has this byte here
                                 ! it stops here: invalid load key '{' (0x7b)
     1  22 61 22 3a 20 31 7d     rest: 7 B behind it are not looked at
  note: this looks like JSON text: `{"a": 1}`; `set codec json`, then `set framing none` reads it
  stops at byte 5                                                    8 B, pickle
     0  80 03                    PROTO 3: a pickle, written in this protocol
     2  7d                       EMPTY_DICT: push a new, empty dict
                                 stack: {}
     3  4b 01                    BININT1 1: push an int of 1 byte
                                 stack: {} | 1
     5  ff                       no opcode: no pickle has this byte here
                                 ! it stops here: invalid load key 0xff
     6  73 2e                    rest: 2 B behind it are not looked at
  stops at byte 4                                                    6 B, pickle
     0  80 03                    PROTO 3: a pickle, written in this protocol
     2  29                       EMPTY_TUPLE: push the empty tuple
                                 stack: ()
     3  29                       EMPTY_TUPLE: push the empty tuple
                                 stack: () | ()
     4  52                       REDUCE: call the function below the top; its
                                 arguments are the tuple on top
                                 ! it stops here: 'tuple' object is not callable
     5  2e                       rest: 1 B behind it are not looked at
"#,
    );
}

#[test]
fn what_a_framing_adds_has_rows_of_its_own() {
    shows(
        [
            "set framing length",
            "explain [7]",
            "explain hex 00 00 00 09 80 04",
            "explain hex 00 00",
            "explain hex ff ff ff fe 00",
            "explain hex 00 00 00 04 80 04 4e 2e 00 00",
        ],
        r#"
  framing length
  [7]                                                    12 B, pickle protocol 3
     0  00 00 00 08              length 8: so many bytes follow; the highest
                                 byte comes first
     4  80 03                    PROTO 3: a pickle, written in this protocol
     6  5d                       EMPTY_LIST: push a new, empty list
                                 stack: []
     7  28                       MARK: a mark: what follows belongs together
                                 stack: [] | MARK
     8  4b 07                      BININT1 7: push an int of 1 byte
                                   stack: [] | MARK | 7
    10  65                       APPENDS: append all down to the mark to the
                                 list below
                                 stack: [7]
    11  2e                       STOP: the end: the top is the value
  not whole                                                          6 B, pickle
     0  00 00 00 09              length 9: so many bytes follow; the highest
                                 byte comes first
     4  80 04                    PROTO 4: a pickle, written in this protocol
     6                           end: no STOP has come
                                 ! the bytes end here: pickle data was truncated
  note: its length says that 7 B more belong to it
  not whole                                                          2 B, pickle
     0  00 00                    length: so many bytes follow; the highest byte
                                 comes first
     2                           end: the message is longer
                                 ! the bytes end here: its length takes 4 bytes,
                                 and 2 came
  stops at byte 0                                                    5 B, pickle
     0  ff ff ff fe 00           length: so many bytes follow; the highest byte
                                 comes first
                                 ! it stops here: the 4-byte length prefix is
                                 -2, below zero
  None                                                   10 B, pickle protocol 4
     0  00 00 00 04              length 4: so many bytes follow; the highest
                                 byte comes first
     4  80 04                    PROTO 4: a pickle, written in this protocol
     6  4e                       NONE: push None
                                 stack: None
     7  2e                       STOP: the end: the top is the value
     8  00 00                    rest: 2 B behind it: the next message
"#,
    );
}

#[test]
fn a_line_has_a_row_for_its_newline_and_for_what_is_behind() {
    shows(
        ["set framing line", "explain None", "set codec json", "explain hex 31 0d 0a 32 0a"],
        r#"
  framing line
  None                                                    5 B, pickle protocol 3
     0  80 03                    PROTO 3: a pickle, written in this protocol
     2  4e                       NONE: push None
                                 stack: None
     3  2e                       STOP: the end: the top is the value
     4  0a                       newline: ends the message
  codec json
  1                                                                    5 B, JSON
     0  31                       number 1: in Python an int
     1  0d 0a                    newline: ends the message
     3  32 0a                    rest: 2 B behind it: the next message
"#,
    );
}

#[test]
fn json_has_a_row_for_each_part() {
    shows(
        [
            "set codec json",
            r#"explain {"menu": [1, 2.5, true, null], "né": "x"}"#,
            "explain hex 5b 31 20 32 5d 0a",
            "explain hex 7b 22 61",
            "explain hex 80 04 4e 2e",
        ],
        r#"
  codec json
  framing is now line: a json message does not show its own end
  {'menu': [1, 2.5, True, None], 'né': 'x'}                           47 B, JSON
     0  7b                       object begins: in Python a dict
     1  22 6d 65 6e 75 22 3a 20    key "menu": its value follows
     9  5b                         array begins: in Python a list
    10  31 2c 20                     number 1: in Python an int
    13  32 2e 35 2c 20               number 2.5: in Python a float
    18  74 72 75 65 2c 20            word true: in Python True
    24  6e 75 6c 6c                  word null: in Python None
    28  5d 2c 20                   array ends
    31  22 6e 5c 75 30 30 65 39    key "n\u00e9": its value follows
        22 3a 20
    42  22 78 22                   string "x": in Python a str
    45  7d                       object ends
    46  0a                       newline: ends the message
  stops at byte 3                                                      6 B, JSON
     0  5b                       array begins: in Python a list
     1  31 20                      number 1: in Python an int
     3  32                         number 2: in Python an int
                                   ! it stops here: expected `,` or `]` at line
                                   1 column 4
     4  5d                       array ends
     5  0a                       newline: ends the message
  not whole                                                            3 B, JSON
     0  7b                       object begins: in Python a dict
     1  22 61                      key "a: its value follows
     3                           end: the text ends here, and the value is not
                                 whole
                                 ! the bytes end here: EOF while parsing a
                                 string at line 1 column 3
  stops at byte 0                                                      4 B, JSON
     0  80                       stray b'\x80': no part of JSON
                                 ! it stops here: not UTF-8 text, so not JSON
     1  04                       stray \x04: no part of JSON
     2  4e 2e                    stray N.: no part of JSON
  note: this is a pickle: `set codec pickle` reads it
"#,
    );
}

#[test]
fn text_has_a_row_for_each_character_that_takes_more_than_a_byte() {
    shows(
        [
            "set codec text",
            r#"explain "na\u00efve \x1b[2J""#,
            "explain hex 61 ff 62",
            "set codec hex",
            r#"explain b"\x00hello\xff world""#,
            r#"explain b"\x80\x04K\x01.""#,
        ],
        r#"
  codec text
  framing is now line: a text message does not show its own end
  'naïve \x1b[2J'                                                     12 B, text
     0  6e 61                    ASCII 'na': one byte for each character
     2  c3 af                    UTF-8 'ï': U+00EF in 2 bytes
     4  76 65 20                 ASCII 've ': one byte for each character
     7  1b                       control '\x1b': a control character
     8  5b 32 4a                 ASCII '[2J': one byte for each character
    11  0a                       newline: ends the message
  stops at byte 1                                                      3 B, text
     0  61                       ASCII 'a': one byte
     1  ff 62                    stray: no character of UTF-8: the text cannot
                                 be read from here
                                 ! it stops here: byte 0xff is not UTF-8 text
  codec hex
  b'\x00hello\xff world'                                             14 B, bytes
     0  00 68 65 6c 6c 6f ff 20  bytes b'\x00hello\xff ': as they are
     8  77 6f 72 6c 64           bytes b'world': as they are
    13  0a                       newline: ends the message
  1                                                       6 B, pickle protocol 4
     0  80 04                    PROTO 4: a pickle, written in this protocol
     2  4b 01                    BININT1 1: push an int of 1 byte
                                 stack: 1
     4  2e                       STOP: the end: the top is the value
     5  0a                       newline: ends the message
"#,
    );
}

#[test]
fn hex_is_the_plain_dump() {
    shows(
        [r#"hex {"clientid": 50522, "name": "\u00e9"}"#, "set codec text", r#"hex "0123456789abcde""#],
        r#"
  38 B as it would be sent
  00000000  80 03 7d 28 58 08 00 00  00 63 6c 69 65 6e 74 69  |..}(X....clienti|
  00000010  64 4d 5a c5 58 04 00 00  00 6e 61 6d 65 58 02 00  |dMZ.X....nameX..|
  00000020  00 00 c3 a9 75 2e                                 |....u.|
  codec text
  framing is now line: a text message does not show its own end
  16 B as it would be sent
  00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 0a  |0123456789abcde.|
"#,
    );
}

/// Two connections; `shows` cannot compare these lines, which have ports in them.
const CONNECTED: &str = "listen 0 as server\nconnect 127.0.0.1:$server.port as ada\naccept as seat\n";

/// What the last step of a script shows, above the summary.
#[track_caller]
fn last_step(steps: &str) -> String {
    let done = script(&format!("{CONNECTED}{steps}\n")).run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let prompts = ["\nseat> ", "\nada> "].into_iter().filter_map(|prompt| done.screen.rfind(prompt));
    let last = &done.screen[prompts.max().unwrap() + 1..];
    let (shown, _) = last.split_once("\n\ntest.lab: ").unwrap();
    shown.split_once('\n').unwrap().1.to_string()
}

#[test]
fn the_message_that_was_last_on_the_wire_is_meant() {
    let sent = "send 7\n@ada recv\n";
    let received = last_step(&format!("{sent}explain"));
    assert_eq!(
        received,
        r"  ada <- 7                                                5 B, pickle protocol 3
     0  80 03                    PROTO 3: a pickle, written in this protocol
     2  4b 07                    BININT1 7: push an int of 1 byte
                                 stack: 7
     4  2e                       STOP: the end: the top is the value"
    );
    for step in ["explain ada", "@ada explain", "explain all ada"] {
        assert_eq!(last_step(&format!("{sent}{step}")), received, "{step}");
    }
    // The socket's own last one, also when it is closed.
    let of_seat = received.replacen("ada <- 7 ", "seat -> 7", 1);
    assert_eq!(last_step(&format!("{sent}explain seat")), of_seat);
    assert_eq!(last_step(&format!("{sent}close seat\nexplain seat")), of_seat);
    // A value's name means what `send` would send.
    let given = last_step("let id = 7\nexplain id");
    assert_eq!(given, last_step("explain 7"));
    assert_eq!(given, last_step("let id = 7\nexplain $id"));
    assert_eq!(given.lines().skip(1).collect::<Vec<_>>(), received.lines().skip(1).collect::<Vec<_>>());
    assert_eq!(
        last_step(&format!("{sent}hex ada")),
        "  ada <- 5 B on the wire\n  00000000  80 03 4b 07 2e                                    |..K..|"
    );
}

#[test]
fn a_part_of_a_message_is_explained_and_then_the_whole_of_it() {
    let part = format!("send hex {GREETING}\n@ada recv 14\n");
    let first = last_step(&format!("{part}explain ada"));
    assert!(first.starts_with("  ada <- not whole "), "{first}");
    let end = r"    13  8c                       SHORT_BINUNICODE: push a str; the first byte is
                                 its length
                                 ! the bytes end here: pickle data was truncated
  note: at least 15 B more belong to it";
    assert!(first.ends_with(end), "{first}");
    // The rest came with the next reads: they are put together.
    for reads in ["@ada recv 100", "@ada recv 10\n@ada recv 1\n@ada recv 100"] {
        let whole = last_step(&format!("{part}{reads}\nexplain ada"));
        let given = last_step(&format!("explain hex {GREETING}"));
        let (head, rows) = whole.split_once('\n').unwrap();
        assert_eq!(rows, given.split_once('\n').unwrap().1);
        assert_eq!(head, "  ada <- {'clientid': 50522}                             29 B, pickle protocol 4");
    }
}

#[test]
fn what_waits_unread_is_explained_after_a_failed_step() {
    let shown = last_step("send json {\"a\": 1}\n? @ada recv\nexplain");
    assert_eq!(
        shown,
        r#"  ada <- unread: stops at byte 0                                     8 B, pickle
     0  7b                       no opcode: no pickle has this byte here
                                 ! it stops here: invalid load key '{' (0x7b)
     1  22 61 22 3a 20 31 7d     rest: 7 B behind it are not looked at
  note: this looks like JSON text: `{"a": 1}`; `set codec json`, then `set framing none` reads it"#
    );
    // A whole message that was not what was wanted.
    let shown = last_step("send 7\n? @ada expect 8\nexplain");
    assert!(shown.starts_with("  ada <- unread: 7  "), "{shown}");
}

/// A wrong line, on a prompt of its own.
#[track_caller]
fn prompt(line: &str, expected: &str) {
    Shell::new(["-c", line]).run().shows(2, expected);
}

#[test]
fn what_is_wrong_is_underlined_and_named() {
    prompt(
        "explain all ll",
        r"
-c:1:13: error: no socket is called `ll`
    explain all ll
                ^^
hint: no socket is open; `connect HOST:PORT as NAME` opens one",
    );
    prompt(
        "explain hex zz",
        r"
-c:1:13: error: `zz` is not two hex digits
    explain hex zz
                ^^
hint: each byte is two hex digits: 80 04 4b 01 2e",
    );
}

#[test]
fn what_cannot_be_explained_says_what_to_do() {
    prompt(
        "explain",
        r"
-c:1:1: error: nothing was sent or received yet
    explain
    ^^^^^^^
hint: `explain VALUE` shows what `send VALUE` would send",
    );
    prompt(
        "explain ada",
        r"
-c:1:9: error: no socket is called `ada`
    explain ada
            ^^^
hint: no socket is open; `connect HOST:PORT as NAME` opens one",
    );
    prompt(
        "explain all hex",
        r"
-c:1:16: error: bytes are missing
    explain all hex
                   ^
hint: each byte is two hex digits: 80 04 4b 01 2e",
    );
    let screen = script(&format!("{CONNECTED}hex seat")).run().screen;
    assert!(
        screen.ends_with(
            r"
test.lab:4:1: error: nothing was sent or received on `seat` yet
    hex seat
    ^^^
hint: `hex VALUE` shows what `send VALUE` would send

test.lab: 1 failed, 3 steps passed in 0.00 s
"
        ),
        "{screen}"
    );
    common::refused(
        "explain all adam",
        r"
test.lab:2:13: error: no earlier step gives a socket the name `adam`
    explain all adam
                ^^^^
hint: `as NAME`, `let NAME = VALUE` and `expect ... as NAME` give names",
    );
}

#[test]
fn json_has_the_rows() {
    let done = Shell::new(["--json", "-c", "explain hex 80 04 29 52", "-c", "hex 7"]).run();
    let lines: Vec<serde_json::Value> =
        done.screen.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| lines.iter().find(|line| line["event"] == event).unwrap().clone();
    let explained = of("explained");
    assert_eq!(explained["how"], "given");
    assert_eq!(explained["stopped"], serde_json::json!({"at": 3, "why": "unpickling stack underflow"}));
    assert_eq!(
        explained["rows"],
        serde_json::json!([
            {"start": 0, "end": 2, "depth": 0, "hex": "8004", "name": "PROTO", "argument": "4",
             "words": "a pickle, written in this protocol", "stack": null, "effect": null, "plain": null,
             "folded": 0, "wrong": false},
            {"start": 2, "end": 3, "depth": 0, "hex": "29", "name": "EMPTY_TUPLE", "argument": null,
             "words": "push the empty tuple", "stack": "()", "effect": null, "plain": null, "folded": 0, "wrong": false},
            {"start": 3, "end": 4, "depth": 0, "hex": "52", "name": "REDUCE", "argument": null,
             "words": "call the function below the top; its arguments are the tuple on top", "stack": null,
             "effect": null, "plain": null, "folded": 0, "wrong": true},
        ])
    );
    let dumped = of("dumped");
    assert_eq!((&dumped["hex"], &dumped["bytes"]), (&"80034b072e".into(), &5.into()));
}

const LARGEST: &str = r"  {'menu': {'1': {'title': 'Option number 1', 'args': [1, 2.5, True], 'help' ...
                                                       5448 B, pickle protocol 3
     0  80 03                    PROTO 3: a pickle, written in this protocol
     2  7d                       EMPTY_DICT: push a new, empty dict
                                 stack: {}
     3  28                       MARK: a mark: what follows belongs together
                                 stack: {} | MARK
     4  58 04 00 00 00 6d 65 6e    BINUNICODE 'menu': push a str; the first 4
        75                         bytes are its length
                                   stack: {} | MARK | 'menu'
    13  7d                         EMPTY_DICT
                                   stack: {} | MARK | 'menu' | {}
    14  28                         MARK
                                   stack: {} | MARK | 'menu' | {} | MARK
    15  58 01 00 00 00 31            BINUNICODE '1'
                                     stack: {} | MARK | 'menu' | {} | MARK | '1'
    21  7d                           EMPTY_DICT
                                     stack: ... | 'menu' | {} | MARK | '1' | {}
    22  28                           MARK
                                     stack: ... | {} | MARK | '1' | {} | MARK
    23  58 05 00 00 00 74 69 74        BINUNICODE 'title'
        6c 65                          stack: ... | '1' | {} | MARK | 'title'
    33  58 0f 00 00 00 4f 70 74        BINUNICODE 'Option number 1'
        69 6f 6e 20 6e 75 6d 62        stack: ... | 'title' | 'Option number 1'
        65 72 20 31
    53  58 04 00 00 00 61 72 67        2 more keys with their values: 9 opcodes
        73 5d 28 4b 01 47 40 ..        stack: ... | 'help' | None
    87  75                           SETITEMS: put keys and values down to the
                                     mark into the dict below
                                     stack: ... | '1' | {..., 'help': None}
    88  58 01 00 00 00 32 7d 28      71 more keys with their values: 1065
        58 05 00 00 00 74 69 ..      opcodes
                                     stack: ... | '72' | {..., 'help': None}
  5397  75                         SETITEMS
                                   stack: ... | 'menu' | {..., '72': {...}}
  5398  58 07 00 00 00 68 65 61    BINUNICODE 'headers'
        64 65 72 73                stack: ... | {..., '72': {...}} | 'headers'
  5410  7d 28 58 08 00 00 00 63    a whole dict: 7 opcodes
        6c 69 65 6e 74 69 64 ..    stack: ... | {'clientid': 50522, 'user':
                                   'ada'}
  5446  75                       SETITEMS
                                 stack: {..., 'headers': {...}}
  5447  2e                       STOP: the end: the top is the value
";

/// The size of the largest message that class programs were seen to send: a menu in dicts and lists.
#[test]
fn the_largest_message_of_a_class_fits_two_screens_and_teaches() {
    let option = |number: usize| {
        format!(
            "'{number}': {{'title': 'Option number {number}', 'args': [{number}, 2.5, True], 'help': None}}"
        )
    };
    let options: Vec<String> = (1..=72).map(option).collect();
    let value =
        format!("{{'menu': {{{}}}, 'headers': {{'clientid': 50522, 'user': 'ada'}}}}", options.join(", "));
    let shown = Shell::new(["-c", &format!("explain {value}")]).run().screen;
    assert!(shown.lines().count() <= SCREENS);
    assert_eq!(shown, LARGEST);
    let all = Shell::new(["-c", &format!("explain all {value}")]).run().screen;
    assert!(!all.contains(" more "), "{all}");
    assert_eq!(all.matches("BINUNICODE 'title'").count(), 72);
}
