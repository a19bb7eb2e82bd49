//! What a student did wrong, told from the wire and from the program's own traceback: every mistake that was seen in class, as a
//! small program under tests/students, and the hint that its failure gives.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::{Done, Shell, python_or_skip, student};
use lab2sh::diagnosis::SIGNATURES;

#[test]
fn every_signature_has_a_test() {
    let source = include_str!("diagnosis.rs");
    for signature in SIGNATURES {
        assert!(
            source.contains(&format!("\nfn {}()", signature.name)),
            "no test is called {}",
            signature.name
        );
    }
}

/// Runs a script with a student's client, which connects to the listener `srv`; `seat` is its connection.
fn client(name: &str, script: &str) -> Option<Done> {
    let python = python_or_skip()?;
    let text = format!(
        "listen 0 as srv\nspawn {python} -B {} $srv.port as student\naccept srv as seat within 20s\n{script}",
        student(name).display()
    );
    Some(Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", text).run())
}

/// Runs a script with a student's server, which listens on `$port`.
fn server(name: &str, script: &str) -> Option<Done> {
    let python = python_or_skip()?;
    let text = format!(
        "spawn {python} -B {} 0 as student\nexpect output /port (?<port>[0-9]+)/ within 20s\n{script}",
        student(name).display()
    );
    Some(Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", text).run())
}

/// A program of the test's own, as a file beside the script.
fn program(text: &str, script: &str) -> Option<Done> {
    let python = python_or_skip()?;
    let script = script.replace("PYTHON", python);
    Some(Shell::new(["--allow-spawn", "test.lab"]).file("own.py", text).file("test.lab", script).run())
}

/// The step failed, and this is the hint.
#[track_caller]
fn hints(done: Option<Done>, hint: &str) {
    let Some(done) = done else { return };
    assert_eq!(done.status, 1, "{}", done.screen);
    let hints: Vec<&str> = done.lines_after("hint: ").collect();
    assert_eq!(hints, [hint], "the screen was:\n{}", done.screen);
}

/// Whatever the step, it failed with this hint.
#[track_caller]
fn passes(done: Option<Done>) {
    let Some(done) = done else { return };
    assert_eq!(done.status, 0, "{}", done.screen);
}

const GREET: &str = "send {\"clientid\": 7}\n";
const IDENTITY: &str = "expect {\"student_name\": str, \"github_username\": str, \"sid\": int} within 10s\n";
const FROM_ADA: &str = "send {\"student_name\": \"Ada\", \"github_username\": \"ada\", \"sid\": 7}\n";

#[test]
fn a_right_client_passes() {
    passes(client(
        "client_right.py",
        &format!(
            "{GREET}{IDENTITY}send 1\nsend {{\"menu\": \"tea\"}}\n@student expect output /menu/ within 10s\nsend None\n\
             @student expect exit 0 within 10s\n"
        ),
    ));
}

#[test]
fn a_right_server_passes() {
    let conversation =
        "expect {\"clientid\": int} within 10s\n".to_string() + FROM_ADA + "expect 1 within 10s\n";
    passes(server(
        "server_right.py",
        &format!(
            "connect 127.0.0.1:$port as ada\n{conversation}connect 127.0.0.1:$port as bob\n{conversation}reset\n\
             connect 127.0.0.1:$port as eve\n{conversation}"
        ),
    ));
}

#[test]
fn bytes_are_indexed() {
    hints(
        client("client_bytes_indexed.py", &format!("{GREET}{IDENTITY}")),
        "your client read `serialized_data[\"clientid\"]`: index the result of `pickle.loads`, not the bytes",
    );
}

#[test]
fn an_int_is_read_as_a_dict() {
    hints(
        client("client_reads_dict.py", &format!("send 50522\n{IDENTITY}")),
        "your client read `greeting[\"clientid\"]`, and what came is the int 50522, no dict: `print` what `pickle.loads` gives \
         before you index it",
    );
}

#[test]
fn a_dict_is_read_as_an_int() {
    hints(
        client("client_reads_int.py", &format!("{GREET}{IDENTITY}")),
        "your client took what came for a number, and it is the dict {'clientid': 7}: `data['clientid']` is the number \
         (client_reads_int.py line 13)",
    );
}

#[test]
fn a_key_is_missing() {
    hints(
        server(
            "server_wants_keys.py",
            "connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\n\
             send {\"name\": \"Ada\", \"email\": \"ada@example.edu\"}\nexpect 1 within 10s\n",
        ),
        "your server read `identity[\"student_name\"]`, and the dict that came has no 'student_name': it has 'name', 'email'; \
         `.get(key)` gives None where a key may be missing",
    );
}

#[test]
fn a_message_came_in_two_reads() {
    let told = |who: &str| {
        format!(
            "one message came in two reads, and {who} unpickled the first part: TCP is a stream, so read on until the message \
             is whole (`pickle.load(sock.makefile('rb'))` does)"
        )
    };
    hints(client("client_truncates.py", &format!("{GREET}{IDENTITY}")), &told("your client"));
    // The first seven bytes of an identity, and the rest never.
    hints(
        server(
            "server_one_recv.py",
            "connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\nsend hex 80 03 7d 71 00 28 58\n\
             expect 1 within 10s\n",
        ),
        &told("your server"),
    );
}

#[test]
fn json_was_unpickled() {
    hints(
        server(
            "server_one_recv.py",
            "connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\nsend json {\"student_name\": \"Ada\"}\n\
             expect 1 within 10s\n",
        ),
        "your server unpickled JSON text, which begins with '{': one side sends JSON where the other reads pickles",
    );
}

#[test]
fn no_pickle_was_unpickled() {
    hints(
        server(
            "server_one_recv.py",
            "connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\nsend hex ff ff\nexpect 1 within 10s\n",
        ),
        "your server unpickled bytes that are no pickle: text that was sent as it is, or the rest of a message whose beginning an \
         earlier recv took",
    );
}

#[test]
fn the_end_was_unpickled() {
    hints(
        client(
            "client_unpickles_end.py",
            &format!("{GREET}{IDENTITY}close\n@student expect exit 0 within 10s\n"),
        ),
        "the connection was closed, recv gave b'', and your client unpickled that: leave the loop on `if not data: break`",
    );
    hints(
        server(
            "server_dies_with_client.py",
            "connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\nclose ada\n\
             @student expect output /the next client/ within 10s\n",
        ),
        "your server ended when a client left: recv gave b'' and `pickle.loads(b'')` fails; leave that client's loop on \
         `if not data: break`, and go on with `accept`",
    );
}

#[test]
fn the_listening_socket_was_used() {
    hints(
        server(
            "server_acks_wrong_socket.py",
            &format!(
                "connect 127.0.0.1:$port as ada\nexpect {{\"clientid\": int}} within 10s\n{FROM_ADA}expect 1 within 10s\n"
            ),
        ),
        "your server calls `server.send(...)` on the socket that listens: use the connection that `accept` returned",
    );
}

#[test]
fn a_client_that_left_ended_the_server() {
    hints(
        server(
            "server_dies_with_client.py",
            "connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\nreset\n\
             @student expect output /the next client/ within 10s\n",
        ),
        "your server ended because one client left (ConnectionResetError): catch `ConnectionError` around that client's code, and \
         go on with `accept`",
    );
}

#[test]
fn nothing_listened() {
    let Some(python) = python_or_skip() else { return };
    // Closed again, so that nothing listens there.
    let text = format!(
        "listen 0 as srv\nlet port = $srv.port\nclose srv\nspawn {python} -B {} $port as student\nexpect exit 0 within 10s\n",
        student("client_reads_dict.py").display()
    );
    hints(
        Some(Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", text).run()),
        "nothing listened where your client connected (client_reads_dict.py line 10), and it ended with a traceback: catch \
         `ConnectionRefusedError` and say which server is missing",
    );
}

#[test]
fn the_port_is_taken() {
    let Some(python) = python_or_skip() else { return };
    let text = format!(
        "listen 0 as srv\nspawn {python} -B {} $srv.port as student\nexpect output /listening/ within 10s\n",
        student("server_one_shot.py").display()
    );
    hints(
        Some(Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", text).run()),
        "the port is taken, often by an earlier run of the same server: end that one, and set SO_REUSEADDR before `bind`",
    );
}

#[test]
fn what_is_sent_is_not_bytes() {
    hints(
        client("client_sends_str.py", &format!("{GREET}{IDENTITY}")),
        "a socket sends bytes, and your client gave it something else (client_sends_str.py line 13): `pickle.dumps(value)` makes \
         bytes of any value",
    );
}

#[test]
fn nobody_answered_input() {
    hints(
        program(
            "name = input('your name: ')\nprint('hello', name)\n",
            "spawn PYTHON own.py as student\ntype eof\nexpect output /hello/ within 10s\n",
        ),
        "your program asks with `input()` (own.py line 1) and nobody answered: `@NAME type TEXT` does; a program that is checked \
         takes its values from variables or arguments",
    );
}

#[test]
fn it_was_pickled_twice() {
    hints(
        client("client_pickles_twice.py", &format!("{GREET}{IDENTITY}")),
        "your client pickled twice: the message holds the bytes of another pickle, of {'student_name': 'Ada Lovelace', \
         'github_username': 'ada', '...; call `pickle.dumps` once",
    );
}

#[test]
fn a_set_was_meant_as_a_dict() {
    let Some(done) = client("client_sends_set.py", &format!("{GREET}{IDENTITY}")) else { return };
    let hint = done.lines_after("hint: ").next().unwrap_or_default();
    assert!(hint.starts_with("your client sent the set {'"), "{}", done.screen);
    assert!(hint.ends_with("}: a dict has a colon between key and value, {'key': value}"), "{}", done.screen);
}

/// At a class server, which wants nothing of one message: what it could not use is told all the same.
#[test]
fn a_class_that_waits_in_vain_says_why() {
    let Some(python) = python_or_skip() else { return };
    for (name, hint) in [
        ("client_sends_set.py", "your client sent the set {'"),
        (
            "client_pickles_twice.py",
            "your client pickled twice: the message holds the bytes of another pickle",
        ),
        ("client_sends_json.py", "your client sends JSON text, and this lab reads pickles"),
        ("client_bytes_indexed.py", "your client read `serialized_data[\"clientid\"]`: index the result"),
    ] {
        let text = format!(
            "serve 0 as class\nspawn {python} -B {} $class.port as student\nwait student within 10s\n\
             wait class for 1 passed within 300ms\n",
            student(name).display()
        );
        let done = Shell::new(["--allow-spawn", "test.lab"]).file("test.lab", text).run();
        assert_eq!(done.status, 1, "{}", done.screen);
        let told = done.lines_after("hint: ").next().unwrap_or_default();
        assert!(told.starts_with(hint), "{name}:\n{}", done.screen);
    }
}

#[test]
fn json_was_sent() {
    hints(
        client("client_sends_json.py", &format!("{GREET}{IDENTITY}")),
        "your client sends JSON text, and this lab reads pickles: `sock.send(pickle.dumps(value))`",
    );
}

#[test]
fn the_id_is_a_bare_int() {
    let Some(done) = server(
        "server_bare_int.py",
        "connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\n",
    ) else {
        return;
    };
    let hint = done.lines_after("hint: ").next().unwrap_or_default();
    let id: u16 =
        hint.rsplit(' ').next().unwrap_or_default().trim_end_matches('}').parse().unwrap_or_default();
    assert_eq!(
        hint,
        format!("your server sends the int {id}; the lab asks for {{'clientid': {id}}}"),
        "{}",
        done.screen
    );
}

/// The peer was not started here, and its message is telling all the same.
#[test]
fn the_id_is_in_a_dict() {
    let text = "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\nsend {\"clientid\": 7}\n@ada expect int\n";
    hints(
        Some(common::script(text).run()),
        "the peer sends the dict {'clientid': 7}; a bare int is asked for",
    );
}

#[test]
fn what_was_received_was_sent_back() {
    hints(
        client(
            "client_echoes_ack.py",
            &format!("{GREET}{IDENTITY}send 1\nexpect {{\"option\": int}} within 10s\n"),
        ),
        "your client sent back what it had received, 1: that was an answer, and wants none",
    );
}

#[test]
fn the_hand_outs_keys_were_sent() {
    hints(
        client("client_hand_out_keys.py", &format!("{GREET}{IDENTITY}")),
        "your client sends 'name' and 'email' as the hand-out shows; this server asks for 'student_name', 'github_username' and \
         'sid'",
    );
}

#[test]
fn any_traceback() {
    hints(
        program(
            "print('starting')\nprint(undefined)\n",
            "spawn PYTHON own.py as student\nexpect exit 0 within 10s\n",
        ),
        "your program stopped with NameError at own.py line 2: `print(undefined)`",
    );
}

#[test]
fn the_second_message_was_dropped() {
    // Both in one write: 1 and 2.
    let two = "send hex 80 03 4b 01 2e 80 03 4b 02 2e\n@student expect output /the menu is/ within 2s\n";
    hints(
        client("client_drops_second.py", &format!("{GREET}{IDENTITY}{two}")),
        "two messages came in one recv and yours dropped the second: `pickle.loads` reads the first and forgets the rest; \
         `pickle.load(sock.makefile('rb'))` reads one after the other",
    );
}

#[test]
fn it_goes_on_after_the_end() {
    hints(
        client("client_passes_errors.py", &format!("{GREET}{IDENTITY}close\nwait student within 1s\n")),
        "the connection was closed and your program goes on: recv gives b'' from then on, and an `except: pass` around it hides \
         the error that says so; leave the loop on `if not data: break`",
    );
}

#[test]
fn the_second_client_is_not_served() {
    hints(
        server(
            "server_one_shot.py",
            "connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\n\
             connect 127.0.0.1:$port as bob\nexpect {\"clientid\": int} within 1s\n",
        ),
        "your server serves one client only: this one is connected, because the system took it into the queue, but nobody accepted \
         it; call `accept` in a loop, with a thread for each client",
    );
}

#[test]
fn the_server_has_ended() {
    let Some(done) = program(
        "print('ready')\n",
        "listen 0 as srv\nlet port = $srv.port\nclose srv\nspawn PYTHON own.py as student\nwait student\nconnect 127.0.0.1:$port\n",
    ) else {
        return;
    };
    let hints: Vec<&str> = done.lines_after("hint: ").collect();
    assert_eq!(hints, ["your server has ended (exit 0), so nothing listens there"], "{}", done.screen);
}

/// A program that runs, and a connection to a port where it does not listen; whatever the lesson says, it knows better or says
/// nothing.
fn not_there(text: &str, lesson: &str) -> Option<Vec<String>> {
    let script = "listen 0 as srv\nlet port = $srv.port\nclose srv\nspawn PYTHON own.py as student\nexpect output /ready/\n";
    let done = program(text, &format!("{script}{lesson}connect 127.0.0.1:$port\n"))?;
    let hints = done.lines_after("hint: ").map(|hint| {
        let numbers = regex::Regex::new("[0-9]{4,5}").unwrap();
        numbers.replace_all(hint, "N").into_owned()
    });
    Some(hints.collect())
}

#[test]
fn the_server_does_not_listen() {
    let text = "import time\nprint('ready')\ntime.sleep(60)\n";
    let Some(hints) = not_there(text, "") else { return };
    assert_eq!(
        hints,
        [
            "your server runs and does not listen there: another port or address, or it is not ready yet (wait for what it prints \
          with `expect output`)"
        ]
    );
    assert_eq!(not_there(text, "hint listen there\n").unwrap(), ["listen there"]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_server_listens_elsewhere() {
    let listen = |bind: &str| {
        format!(
            "import socket, time\ns = socket.socket()\n{bind}s.listen()\nprint('ready')\ntime.sleep(60)\n"
        )
    };
    let Some(hints) = not_there(&listen("s.bind(('127.0.0.1', 0))\n"), "hint listen there\n") else { return };
    assert_eq!(hints, ["your server listens on 127.0.0.1:N, and 127.0.0.1:N is asked for"]);
    assert_eq!(
        not_there(&listen(""), "").unwrap(),
        [
            "your server listens on a port that the system chose (N): call `bind(('127.0.0.1', N))` before `listen`"
        ]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn it_waits_for_input() {
    let of = |question: &str| {
        let text = format!("name = input({question})\n");
        program(
            &text,
            "## Phase\nhint read the lab\nspawn PYTHON own.py as student\nwait student within 1s\n",
        )
    };
    let told = |what: &str| {
        format!(
            "your program waits {what}, and nobody types any: `@NAME type TEXT` does; a program that is checked takes its values \
             from variables or arguments"
        )
    };
    hints(of("'your name: '"), &told("for an answer to `your name:`"));
    hints(of(""), &told("for its input"));
}

/// What is only likely stands behind what the script says itself.
#[test]
fn a_lesson_comes_before_a_guess() {
    let two = "send hex 80 03 4b 01 2e 80 03 4b 02 2e\nhint print each message\n@student expect output /the menu is/ within 2s\n";
    hints(
        client("client_drops_second.py", &format!("{GREET}{IDENTITY}{two}")),
        "print each message; it may be that two messages came in one recv and yours dropped the second: `pickle.loads` reads the \
         first and forgets the rest; `pickle.load(sock.makefile('rb'))` reads one after the other",
    );
}

#[test]
fn the_port_is_wrong() {
    hints(
        program(
            "import socket\ns = socket.socket()\ns.connect(('127.0.0.1', 1))\n",
            "points 1\nlisten 0 as srv\nspawn PYTHON own.py as student\naccept srv\n",
        )
        .map(numbered),
        "nothing listens where your client connects (own.py line 3: `s.connect(('127.0.0.1', 1))`): the server is at 127.0.0.1 \
         and port N",
    );
}

#[test]
fn a_client_binds() {
    let python = "points 1\nlisten 0 as srv\nspawn PYTHON own.py $srv.port as student\naccept srv\n";
    hints(
        program("import socket, sys\ns = socket.socket()\ns.bind(('127.0.0.1', int(sys.argv[1])))\n", python)
            .map(numbered),
        "your client calls `bind` (own.py line 3), as a server does: a client calls `connect(('127.0.0.1', N))` and no `bind`, \
         `listen` or `accept`",
    );
}

/// Ports are other ones each time.
fn numbered(done: Done) -> Done {
    let ports = regex::Regex::new("(?m)port [0-9]+$|, [0-9]{4,5}\\)").unwrap();
    let screen = ports.replace_all(
        &done.screen,
        |found: &regex::Captures| {
            if found[0].starts_with(',') { ", N)" } else { "port N" }
        },
    );
    Done { screen: screen.into_owned(), ..done }
}

#[test]
fn a_pickle_was_decoded_as_text() {
    hints(
        client("client_decodes.py", &format!("{GREET}{IDENTITY}")),
        "your client read what came as text (client_decodes.py line 8: `greeting = client.recv(4096).decode()`), and the byte \
         0x80 begins a pickle: `pickle.loads(data)` reads it, without `decode`",
    );
}

#[test]
fn the_port_is_a_str() {
    hints(
        program(
            "import socket\ns = socket.socket()\ns.connect(('127.0.0.1', '12000'))\n",
            "points 1\nlisten 0 as srv\nspawn PYTHON own.py as student\naccept srv\n",
        ),
        "your client gave the port as a str (own.py line 3: `s.connect(('127.0.0.1', '12000'))`): a port is an int, `int(port)` \
         makes one",
    );
}

#[test]
fn listen_is_missing() {
    hints(
        program(
            "import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\nc, a = s.accept()\n",
            "spawn PYTHON own.py as student\nexpect exit 0\n",
        ),
        "your server calls `accept` on a socket that does not listen (own.py line 4): call `listen()` first",
    );
}

#[test]
fn accept_gives_two() {
    hints(
        server(
            "server_keeps_pair.py",
            "connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\n",
        ),
        "your server used what `accept` gave as a connection (server_keeps_pair.py line 14: \
         `connection.send(pickle.dumps({\"clientid\": 1}))`): it gives two, `connection, address = server.accept()`",
    );
}

#[test]
fn the_message_has_a_slip() {
    hints(
        server(
            "server_misspells_key.py",
            "## Phase\nhint the server speaks first\nconnect 127.0.0.1:$port as ada\nexpect {\"clientid\": int} within 10s\n",
        ),
        "the dict has the key 'clientID': a typo?",
    );
}

/// Nobody has left: what broke is no client's connection, and the thread has told it while the server goes on.
#[test]
fn a_broken_pipe_without_a_client_that_left_is_the_listening_socket() {
    let text = "import pickle, socket, threading\ndoor = socket.socket()\ndoor.bind(('127.0.0.1', 0))\ndoor.listen()\n\
                print('port', door.getsockname()[1])\ndef one(c):\n    c.send(pickle.dumps({'clientid': 1})); c.recv(4096); door.send(b'1')\n\
                while True:\n    c, a = door.accept(); threading.Thread(target=one, args=(c,)).start()\n";
    let script = "spawn PYTHON own.py as student\nexpect output /port (?<port>[0-9]+)/ within 20s\n\
                  connect 127.0.0.1:$port as ada\nexpect {\"clientid\": int}\nsend 1\nexpect _ within 1s\n";
    let Some(done) = program(text, script) else { return };
    let hint = done.lines_after("hint: ").next().unwrap_or_default();
    assert!(
        hint.contains("on the socket that listens: use the connection that `accept` returned"),
        "{}",
        done.screen
    );
}
