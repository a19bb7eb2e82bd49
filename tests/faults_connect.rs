//! What can go wrong before there is a connection: each way has its own sentence, and none hangs.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed; one that is skipped says so"
)]

mod common;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use common::{Shell, namespace_or_skip, same, script, strace_or_skip};
use socket2::{Domain, Protocol, Socket, Type};

/// A socket that is bound and, with a backlog, listens.
fn bound(backlog: Option<i32>) -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    if let Some(backlog) = backlog {
        socket.listen(backlog).unwrap();
    }
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

#[test]
fn a1_nothing_listens() {
    let (_socket, address) = bound(None);
    let done = script(&format!("connect {address}\nrecv\n")).run();
    done.shows(
        3,
        r#"
> connect 127.0.0.1:PORT
test.lab:1:1: error: connect refused: 127.0.0.1:PORT — is the server running?
    connect 127.0.0.1:PORT
    ^^^^^^^

test.lab: 1 failed, 0 steps passed, 1 not run in SEC
"#,
    );
    assert!(done.seconds() <= 0.05, "{}", done.screen);
}

#[test]
fn a1_nothing_listens_for_a_step_that_may_fail() {
    let (_socket, address) = bound(None);
    script(&format!("? connect {address}\n! connect {address}\n")).run().shows(
        0,
        r#"
> ? connect 127.0.0.1:PORT
  failed, as it may: connect refused: 127.0.0.1:PORT — is the server running?
> ! connect 127.0.0.1:PORT
  failed, as it must: connect refused: 127.0.0.1:PORT — is the server running?

test.lab: 2 steps passed in SEC
"#,
    );
}

#[test]
fn a2_a_host_that_nobody_knows() {
    script("connect no.such.invalid 1\n").run().shows(
        3,
        r#"
> connect no.such.invalid 1
test.lab:1:1: error: cannot resolve host `no.such.invalid`: no address is known for it — is it spelled right?
    connect no.such.invalid 1
    ^^^^^^^

test.lab: 1 failed, 0 steps passed in SEC
"#,
    );
}

#[test]
fn a3_no_way_to_the_host() {
    let Some(wrapper) = namespace_or_skip("ip route add unreachable 10.9.8.0/24") else { return };
    let wrapper = wrapper.each_ref().map(String::as_str);
    let done = Shell::under(&wrapper, ["test.lab"])
        .file("test.lab", "? connect 10.9.8.1 12000\nconnect 192.0.2.1 12000\n")
        .run();
    done.shows(
        3,
        r#"
> ? connect 10.9.8.1 12000
  failed, as it may: connect unreachable: no route to 10.9.8.1:12000 — is the network up, and the address right?
> connect 192.0.2.1 12000
test.lab:2:1: error: connect unreachable: no route to 192.0.2.1:12000 — is the network up, and the address right?
    connect 192.0.2.1 12000
    ^^^^^^^

test.lab: 1 failed, 1 step passed in SEC
"#,
    );
    assert!(done.seconds() <= 1.0, "{}", done.screen);
}

/// A listening socket that answers no further connection: its backlog of one is taken.
#[cfg(target_os = "linux")]
fn full() -> (Socket, SocketAddr, Vec<TcpStream>) {
    let (socket, address) = bound(Some(0));
    let mut waiting = Vec::new();
    while let Ok(client) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        waiting.push(client);
        assert!(waiting.len() < 100, "the backlog does not fill");
    }
    (socket, address, waiting)
}

#[test]
#[cfg(target_os = "linux")]
fn a4_a_connect_that_is_never_answered_ends_within_its_limit() {
    let (_socket, address, _waiting) = full();
    script(&format!("! connect {address} within 200ms\nset timeout 300ms\nconnect {address}\n")).run().shows(
        3,
        r#"
> ! connect 127.0.0.1:PORT within 200ms
  failed, as it must: connect timed out: 127.0.0.1:PORT did not answer within 200ms (the step's `within`)
  hint: a firewall that drops packets, a wrong address, or a server whose backlog is full looks like this
> set timeout 300ms
  timeout 300ms
> connect 127.0.0.1:PORT
test.lab:3:1: error: connect timed out: 127.0.0.1:PORT did not answer within 300ms (timeout)
    connect 127.0.0.1:PORT
    ^^^^^^^
hint: a firewall that drops packets, a wrong address, or a server whose backlog is full looks like this

test.lab: 1 failed, 2 steps passed in SEC
"#,
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a4_ctrl_c_ends_a_connect_that_is_never_answered() {
    let (_socket, address, _waiting) = full();
    let mut shell = script(&format!("connect {address}\n")).start();
    shell.wait_for("> connect");
    shell.signal("INT");
    shell.finish().shows(
        130,
        r#"
> connect 127.0.0.1:PORT
test.lab:1:1: error: `connect` was interrupted
    connect 127.0.0.1:PORT
    ^^^^^^^

test.lab: 1 failed, 0 steps passed in SEC
"#,
    );
}

#[test]
fn a31_localhost_falls_back_to_the_family_that_answers() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    script(&format!("connect localhost {port} as ada\n")).run().shows(
        0,
        r#"
> connect localhost PORT as ada
  ada  connected to 127.0.0.1:PORT (localhost) from 127.0.0.1:PORT  MS

test.lab: 1 step passed in SEC
"#,
    );
}

#[test]
fn a31_an_address_of_the_newer_family_is_written_in_brackets() {
    let Ok(server) = TcpListener::bind("[::1]:0") else {
        eprintln!("skipped: no IPv6 here");
        return;
    };
    let port = server.local_addr().unwrap().port();
    script(&format!("connect [::1]:{port} as ada\nconnect ::1 {port} as eve\n")).run().shows(
        0,
        r#"
> connect [::1]:PORT as ada
  ada  connected to [::1]:PORT from [::1]:PORT  MS
ada> connect ::1 42543 as eve
  eve  connected to [::1]:PORT from [::1]:PORT  MS

test.lab: 2 steps passed in SEC
"#,
    );
}

#[test]
fn a32_a_connection_to_itself_is_refused() {
    // With one port to choose from, the kernel gives the connection the port that it goes to.
    let setup = "echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range";
    let Some(wrapper) = namespace_or_skip(setup) else { return };
    let wrapper = wrapper.each_ref().map(String::as_str);
    Shell::under(&wrapper, ["test.lab"]).file("test.lab", "connect 127.0.0.1 40000\n").run().shows(
        3,
        r#"
> connect 127.0.0.1 PORT
test.lab:1:1: error: connect refused: 127.0.0.1:PORT: the connection met itself, so no server is listening
    connect 127.0.0.1 PORT
    ^^^^^^^

test.lab: 1 failed, 0 steps passed in SEC
"#,
    );
}

#[test]
fn a15_a_slow_line_gives_its_message_bit_by_bit() {
    // Half a message a second; a segment is larger than what the line lets through at once, if it is not made small.
    let setup =
        "ip link set lo mtu 1000 && tc qdisc add dev lo root tbf rate 16kbit burst 2kb latency 2000ms";
    let Some(wrapper) = namespace_or_skip(setup) else { return };
    let wrapper = wrapper.each_ref().map(String::as_str);
    let text = "x".repeat(4000);
    let done = Shell::under(&wrapper, ["test.lab"])
        .file(
            "test.lab",
            format!(
                "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\nlet text = \"{text}\"\n\
                 @seat send $text\n! @ada recv within 100ms\n@ada expect exactly $text within 20s\n"
            ),
        )
        .run();
    assert_eq!(done.status, 0, "{}", done.screen);
    assert!(done.screen.contains("only part of a message arrived on `ada`"), "{}", done.screen);
}

#[test]
fn d4_a_port_in_use_is_named_with_a_way_out() {
    let done = script("listen 0 as srv\nlisten $srv.port\n").run();
    let port = done.screen.split_once("port ").map_or("", |(_, rest)| rest.split(' ').next().unwrap_or(""));
    let screen = done.screen.replace(&format!("port {port} "), "port PORT ");
    same(
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> listen $srv.port
test.lab:2:1: error: cannot listen on 127.0.0.1:PORT: port PORT is in use
    listen $srv.port
    ^^^^^^
hint: a program listens there already, maybe an earlier lab2sh; end it, or take another port (0 takes a free one)

test.lab: 1 failed, 1 step passed in SEC
"#,
        &screen,
    );
    assert_eq!(done.status, 3);
}

/// The system gives no thread beside the first one.
const NO_THREADS: &str = "inject=clone,clone3:error=EAGAIN";

#[test]
fn d7_without_threads_a_script_and_a_name_are_read_all_the_same() {
    let Some(wrapper) = strace_or_skip(NO_THREADS) else { return };
    let text = "listen 0 as srv\nconnect localhost:$srv.port as ada\naccept as seat\nsend 7\n@ada expect 7\n";
    Shell::under(&wrapper, ["test.lab"]).file("test.lab", text).run().shows(
        0,
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> connect localhost:$srv.port as ada
  ada  connected to 127.0.0.1:PORT (localhost) from 127.0.0.1:PORT  MS
ada> accept as seat
  seat  accepted by srv from 127.0.0.1:PORT  MS
seat> send 7
  seat -> 7  5 B, pickle 3
seat> @ada expect 7
  ada <- 7  5 B, pickle 3, 1 read, as expected  MS

test.lab: 5 steps passed in SEC
"#,
    );
}

#[test]
fn d7_without_threads_a_journal_says_so() {
    let Some(wrapper) = strace_or_skip(NO_THREADS) else { return };
    Shell::under(&wrapper, ["test.lab"]).file("test.lab", "serve 0 journal class.journal\n").run().shows(
        3,
        r#"
> serve 0 journal class.journal
test.lab:1:1: error: cannot open the journal `class.journal`: resource temporarily unavailable
    serve 0 journal class.journal
    ^^^^^

test.lab: 1 failed, 0 steps passed in SEC
"#,
    );
}
