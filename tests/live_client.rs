//! lab2sh as the client of real Python programs: what they send is shown as they print it, and they load what it sends.

mod common;

use common::{Peer, same, script};

#[test]
fn the_hand_out_handshake_goes_both_ways() {
    let Some(server) = Peer::server("greeting_server.py", &["dict"]) else { return };
    let port = server.port;
    let done = script(&format!(
        r#"connect 127.0.0.1 {port} as ada
expect {{"clientid": int as id}} within 5s
send {{"student_name": "Ada", "github_username": "ada", "sid": $id}}
close
"#
    ))
    .run();
    done.shows(
        0,
        r#"
> connect 127.0.0.1 PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> expect {"clientid": int as id} within 5s
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read, as expected  MS
ada> send {"student_name": "Ada", "github_username": "ada", "sid": $id}
  ada -> {'student_name': 'Ada', 'github_username': 'ada', 'sid': 7}  69 B, pickle 3
ada> close
  ada  closed  sent 69 B, received 28 B

test.lab: 4 steps passed in SEC
"#,
    );
    same(
        r#"
got {'student_name': 'Ada', 'github_username': 'ada', 'sid': 7}
the client left
"#,
        &server.finish(),
    );
}

#[test]
fn a_bare_int_where_a_dict_is_expected_is_told_and_stays_on_the_stream() {
    let Some(server) = Peer::server("greeting_server.py", &["int"]) else { return };
    let port = server.port;
    let done = script(&format!(
        r#"connect 127.0.0.1:{port} as ada
! expect {{"clientid": int}}
recv as id
check $id == 7
"#
    ))
    .run();
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> ! expect {"clientid": int}
  failed, as it must: `ada` received what was not expected: the message is not {"clientid": int}
  hint: the peer sends the int 7; the lab asks for {'clientid': 7}
ada> recv as id
  ada <- 7  5 B, pickle 4, 1 read  MS
ada> check $id == 7
  ok $id == 7

test.lab: 4 steps passed in SEC
"#,
    );
    same(
        r#"
the client left
"#,
        &server.finish(),
    );
}

#[test]
fn a_nested_dict_is_reached_by_its_path() {
    let Some(server) = Peer::server("greeting_server.py", &["nested"]) else { return };
    let port = server.port;
    let done = script(&format!(
        r#"connect 127.0.0.1:{port} as ada
recv as greeting
check $greeting.clientid.clientid == 7
expect {{"clientid": int}} within 50ms
"#
    ))
    .run();
    done.shows(
        1,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv as greeting
  ada <- {'clientid': {'clientid': 7}}  33 B, pickle 4, 1 read  MS
ada> check $greeting.clientid.clientid == 7
  ok $greeting.clientid.clientid == 7
ada> expect {"clientid": int} within 50ms
test.lab:4:1: error: nothing arrived on `ada` within 50ms (the step's `within`)
    expect {"clientid": int} within 50ms
    ^^^^^^
  wanted: {"clientid": int} within 50ms
hint: the connection is open and 0 bytes are waiting; a longer `within` or `within none` waits on

test.lab: 1 failed, 3 steps passed in SEC
"#,
    );
    same(
        r#"
the client left
"#,
        &server.finish(),
    );
}

#[test]
fn an_instance_of_the_servers_own_class_is_shown_and_not_made() {
    let Some(server) = Peer::server("greeting_server.py", &["instance"]) else { return };
    let port = server.port;
    let done = script(&format!("connect 127.0.0.1:{port} as ada\nrecv as greeting\n")).run();
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv as greeting
  ada <- {'menu': <__main__.Menu {'client': 7, 'options': ['users', 'chat']}>}  90 B, pickle 4, 1 read  MS
warning: `ada`: pickle.loads would have done something here; lab2sh did not:
    import __main__.Menu and make an instance

test.lab: 2 steps passed in SEC
"#,
    );
    same(
        r#"
the client left
"#,
        &server.finish(),
    );
}

#[test]
fn three_messages_in_one_segment_are_three_messages() {
    let Some(server) = Peer::server("greeting_server.py", &["three"]) else { return };
    let port = server.port;
    let done = script(&format!(
        r#"connect 127.0.0.1:{port} as ada
recv
recv
recv
expect nothing within 50ms
"#
    ))
    .run();
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv
  ada <- {'clientid': 7}  28 B, pickle 4, 1 read, 44 B more here  MS
ada> recv
  ada <- 'welcome'  22 B, pickle 4, 1 read, 22 B more here  MS
ada> recv
  ada <- [1, 2, 3]  22 B, pickle 4, 1 read  MS
ada> expect nothing within 50ms
  ada  nothing arrived, as wanted  MS

test.lab: 5 steps passed in SEC
"#,
    );
    same(
        r#"
the client left
"#,
        &server.finish(),
    );
}

#[test]
fn three_messages_taken_by_one_recv_n_are_counted() {
    let Some(server) = Peer::server("greeting_server.py", &["three"]) else { return };
    let port = server.port;
    let done = script(&format!("connect 127.0.0.1:{port} as ada\nrecv 4090\n")).run();
    done.shows(0, r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> recv 4090
  ada <- b'\x80\x04\x95\x11\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x08clientid\x94K\x07s.\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07welcome\x94.\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02K\x03e.'  recv(4090) gave 72 B  MS
  3 messages in one read: `pickle.loads` would take the first and drop the rest

test.lab: 2 steps passed in SEC
"#);
    same(
        r#"
the client left
"#,
        &server.finish(),
    );
}

#[test]
fn a_message_that_comes_byte_by_byte_is_one_message() {
    let Some(server) = Peer::server("greeting_server.py", &["slow"]) else { return };
    let port = server.port;
    let done = script(&format!(
        r#"connect 127.0.0.1:{port} as ada
expect exactly {{"clientid": 7, "option": 0}}
"#
    ))
    .run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let reads = done.screen.split("pickle 4, ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(reads.parse::<u32>().unwrap() > 1, "{}", done.screen);
    same(
        r#"
the client left
"#,
        &server.finish(),
    );
}

#[test]
fn every_protocol_that_python_writes_is_read() {
    for protocol in 0..=5 {
        let which = protocol.to_string();
        let Some(server) = Peer::server("greeting_server.py", &["dict", &which]) else { return };
        let port = server.port;
        let done = script(&format!(
            "connect 127.0.0.1:{port} as ada\nexpect exactly {{\"clientid\": 7}}\ncheck $ada.received > 0\n"
        ))
        .run();
        assert_eq!(done.status, 0, "{}", done.screen);
        assert!(done.screen.contains(&format!("B, pickle {protocol}, 1 read")), "{}", done.screen);
        server.finish();
    }
}

#[test]
fn values_look_as_python_prints_them_in_every_protocol() {
    let mut screens = Vec::new();
    for protocol in 0..=5 {
        let Some(server) = Peer::server("greeting_server.py", &["values", &protocol.to_string()]) else {
            return;
        };
        let port = server.port;
        let done = script(&format!("connect 127.0.0.1:{port} as ada\nrepeat 15 recv\n")).run();
        assert_eq!(done.status, 0, "{}", done.screen);
        let shown = done.screen.lines().filter_map(|line| line.trim().strip_prefix("ada <- "));
        screens.push(shown.map(|line| line.split("  ").next().unwrap()).collect::<Vec<_>>().join("\n"));
        server.finish();
    }
    for screen in &screens {
        same(
            r#"
{'sent_on': datetime.datetime(2020, 2, 3, 10, 0), 'password': None}
range(0, 10, 2)
{'TERMINATE'}
(1, (2,), ())
{1: 'a', 2: 'b'}
[{'name': 'Ada'}, {'name': 'Ada'}]
b'\x00bytes\xff'
1.0
-3
1180591620717411303424
True
'café 😀'
[]
{}
''
"#,
            screen,
        );
    }
}

#[test]
fn three_megabytes_are_one_message() {
    let Some(server) = Peer::server("greeting_server.py", &["big"]) else { return };
    let port = server.port;
    let done = script(&format!(
        r#"connect 127.0.0.1:{port} as ada
expect {{"blob": /^x+$/}} as greeting
check $ada.received == 3000028
"#
    ))
    .run();
    assert_eq!(done.status, 0, "{}", done.screen);
    assert!(done.screen.contains("x ... (cut: 3000028 B in all)"), "{}", done.screen);
    same("the client left", &server.finish());
}

/// Every kind of value that can be written, as Python spells it.
const PLAIN: [&str; 22] = [
    "None",
    "True",
    "False",
    "0",
    "-1",
    "255",
    "65536",
    "2147483648",
    "-9223372036854775808",
    "9223372036854775807",
    "1.0",
    "-0.5",
    "1e+16",
    "''",
    "'caf\u{e9} \u{1f600}'",
    r#""it's \\ \n""#,
    r"b'\x00\x80\xff'",
    "[]",
    "[1, [2, [3]]]",
    "(1, (2,), ())",
    "{'b': 1, 'a': {'c': None}}",
    "{1: 'a', (2, 3): b'', 'k': [1.5, inf, -inf]}",
];

#[test]
fn python_loads_what_is_sent_to_the_equal_value_in_order() {
    for protocol in [2, 3] {
        let Some(server) = Peer::server("greeting_server.py", &["dict"]) else { return };
        let port = server.port;
        let sends: String = PLAIN.iter().map(|value| format!("send {value}\n")).collect();
        let done =
            script(&format!("set protocol {protocol}\nconnect 127.0.0.1:{port} as ada\nrecv\n{sends}")).run();
        assert_eq!(done.status, 0, "{}", done.screen);
        let shown = done.screen.lines().filter_map(|line| line.trim().strip_prefix("ada -> "));
        let shown: Vec<&str> = shown.map(|line| line.split("  ").next().unwrap()).collect();
        same(&PLAIN.join("\n"), &shown.join("\n"));
        same(&format!("got {}\nthe client left", PLAIN.join("\ngot ")), &server.finish());
    }
}

#[test]
fn what_an_echo_server_sends_back_is_what_was_sent() {
    let Some(server) = Peer::server("echo_server.py", &[]) else { return };
    let port = server.port;
    let steps: String = PLAIN.iter().map(|value| format!("send {value}\nexpect exactly {value}\n")).collect();
    script(&format!("connect 127.0.0.1:{port} as ada\n{steps}")).arg("-q").run().shows(0, "");
    assert_eq!(server.finish().lines().count(), PLAIN.len());
}
