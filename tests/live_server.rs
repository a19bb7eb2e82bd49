//! lab2sh as the server's end: it listens, and clients written in Python come.

mod common;

use common::{Peer, python_or_skip, same, script};

#[test]
fn the_hand_out_client_is_served_to_its_end() {
    if python_or_skip().is_none() {
        return;
    }
    let mut shell = script(
        r#"listen 0 as srv
accept as seat
send {"clientid": 7, "client_id": 7}
expect {"student_name": str as name, "sid": int} within 10s
sleep 100ms
send 1
sleep 100ms
send None
expect eof
close
"#,
    )
    .start();
    let client = Peer::client("handout_client.py", &[&shell.port().to_string()]).unwrap();
    shell.finish().shows(0, r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept as seat
  seat  accepted by srv from 127.0.0.1:PORT  MS
seat> send {"clientid": 7, "client_id": 7}
  seat -> {'clientid': 7, 'client_id': 7}  37 B, pickle 3
seat> expect {"student_name": str as name, "sid": int} within 10s
  seat <- {'student_name': 'Ada', 'github_username': 'ada', 'sid': 900000001}  72 B, pickle 4, 1 read, as expected  MS
seat> sleep 100ms
seat> send 1
  seat -> 1  5 B, pickle 3
seat> sleep 100ms
seat> send None
  seat -> None  4 B, pickle 3
seat> expect eof
  seat  the peer closed  MS
seat> close
  seat  closed  sent 46 B, received 72 B

test.lab: 10 steps passed in SEC
"#);
    same(
        r#"
my id is 7
got 1
the server said None
"#,
        &client.finish(),
    );
}

#[test]
fn a_client_that_speaks_first_is_understood() {
    if python_or_skip().is_none() {
        return;
    }
    let mut shell = script(
        r#"listen 0 as srv
accept as seat
send {"clientid": 7}
expect {"name": "Ada"}
expect eof
"#,
    )
    .start();
    let client = Peer::client("other_clients.py", &[&shell.port().to_string(), "first"]).unwrap();
    shell.finish().shows(
        0,
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept as seat
  seat  accepted by srv from 127.0.0.1:PORT  MS
seat> send {"clientid": 7}
  seat -> {'clientid': 7}  21 B, pickle 3
seat> expect {"name": "Ada"}
  seat <- {'name': 'Ada', 'email': 'ada@example.edu'}  55 B, pickle 4, 1 read, as expected  MS
seat> expect eof
  seat  the peer closed  MS

test.lab: 5 steps passed in SEC
"#,
    );
    same(
        r#"
my id is {'clientid': 7}
"#,
        &client.finish(),
    );
}

#[test]
fn a_client_that_leaves_at_once_is_told_from_one_that_says_nothing() {
    if python_or_skip().is_none() {
        return;
    }
    let mut shell = script("listen 0 as srv\naccept as seat\nexpect {\"name\": str}\n").start();
    let client = Peer::client("other_clients.py", &[&shell.port().to_string(), "early"]).unwrap();
    shell.finish().shows(
        1,
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept as seat
  seat  accepted by srv from 127.0.0.1:PORT  MS
seat> expect {"name": str}
test.lab:3:1: error: `seat` was closed by its peer before it sent anything
    expect {"name": str}
    ^^^^^^
  wanted: {"name": str}
hint: the program at the other end has ended, serves one client only, or has shut down its sending half

test.lab: 1 failed, 2 steps passed in SEC
"#,
    );
    same(r#""#, &client.finish());
}

#[test]
fn a_client_that_half_closes_still_gets_its_answer() {
    if python_or_skip().is_none() {
        return;
    }
    let mut shell = script(
        r#"listen 0 as srv
accept as seat
expect {"name": str as name}
expect eof
send "hello ${name}"
sockets
close
"#,
    )
    .start();
    let client = Peer::client("other_clients.py", &[&shell.port().to_string(), "half"]).unwrap();
    let mut done = shell.finish();
    // The other kernel may acknowledge a little later.
    done.screen = regex::Regex::new("unacked (0|17) B").unwrap().replace(&done.screen, "SOME").into_owned();
    done.shows(
        0,
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept as seat
  seat  accepted by srv from 127.0.0.1:PORT  MS
seat> expect {"name": str as name}
  seat <- {'name': 'Ada'}  28 B, pickle 4, 1 read, as expected  MS
seat> expect eof
  seat  the peer closed  MS
seat> send "hello ${name}"
  seat -> 'hello Ada'  17 B, pickle 3
  note: the peer sends no more; if it has closed, nobody reads this
seat> sockets
  name  state  local  peer  sent  received  unread
  srv  listening  127.0.0.1:PORT  1 accepted
          tcp LISTEN
  seat *  peer closed  127.0.0.1:PORT  127.0.0.1:PORT  17 B  28 B  0 B
          tcp CLOSE-WAIT, SOME, rtt  MS
seat> close
  seat  closed  sent 17 B, received 28 B

test.lab: 7 steps passed in SEC
"#,
    );
    same(
        r#"
got 'hello Ada'
the server left
"#,
        &client.finish(),
    );
}

#[test]
fn a_client_that_resets_is_told_from_one_that_closes() {
    if python_or_skip().is_none() {
        return;
    }
    let mut shell = script(
        r#"listen 0 as srv
accept as seat
send {"clientid": 7}
! expect eof
expect reset
sockets
! send 1
! recv
"#,
    )
    .start();
    let client = Peer::client("other_clients.py", &[&shell.port().to_string(), "reset"]).unwrap();
    shell.finish().shows(
        0,
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept as seat
  seat  accepted by srv from 127.0.0.1:PORT  MS
seat> send {"clientid": 7}
  seat -> {'clientid': 7}  21 B, pickle 3
seat> ! expect eof
  failed, as it must: `seat` was reset by its peer, not closed
seat> expect reset
  seat  the peer reset the connection  MS
seat> sockets
  name  state  local  peer  sent  received
  srv  listening  127.0.0.1:PORT  1 accepted
          tcp LISTEN
  seat *  reset by peer  127.0.0.1:PORT  127.0.0.1:PORT  21 B  0 B
          unread 0 B, tcp CLOSED
seat> ! send 1
  failed, as it must: cannot send on `seat`: it was reset by its peer
  hint: nothing of this message was sent; `connect` opens a new connection
seat> ! recv
  failed, as it must: `seat` was reset by its peer before it sent anything
  hint: the program at the other end may have crashed

test.lab: 8 steps passed in SEC
"#,
    );
    client.finish();
}

#[test]
fn a_client_that_resets_before_it_is_accepted_leaves_what_it_sent() {
    let done = script(
        r#"listen 0 as srv
connect 127.0.0.1:$srv.port as ada
send {"name": "Ada"}
reset
accept srv as seat within 5s
recv
expect reset
"#,
    )
    .run();
    done.shows(
        0,
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> connect 127.0.0.1:$srv.port as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> send {"name": "Ada"}
  ada -> {'name': 'Ada'}  23 B, pickle 3
ada> reset
  ada  aborted (RST sent)
srv> accept srv as seat within 5s
  seat  accepted by srv from 127.0.0.1:PORT  MS
seat> recv
  seat <- {'name': 'Ada'}  23 B, pickle 3, 1 read  MS
seat> expect reset
  seat  the peer reset the connection  MS

test.lab: 7 steps passed in SEC
"#,
    );
}

const TWO_CLIENTS: &str = r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept srv as one
  one  accepted by srv from 127.0.0.1:PORT  MS
one> accept srv as two
  two  accepted by srv from 127.0.0.1:PORT  MS
two> @one send {"clientid": 1}
  one -> {'clientid': 1}  21 B, pickle 3
two> @two send {"clientid": 2}
  two -> {'clientid': 2}  21 B, pickle 3
two> @one expect {"sid": int}
  one <- {'student_name': 'Ada', 'github_username': 'ada', 'sid': 900000001}  72 B, pickle 4, 1 read, as expected  MS
two> @two expect {"sid": int}
  two <- {'student_name': 'Ada', 'github_username': 'ada', 'sid': 900000001}  72 B, pickle 4, 1 read, as expected  MS
two> @two send None
  two -> None  4 B, pickle 3
two> @one send "only for one"
  one -> 'only for one'  20 B, pickle 3
two> @one expect nothing within 100ms
  one  nothing arrived, as wanted  MS
two> @one send None
  one -> None  4 B, pickle 3
two> @one expect eof
  one  the peer closed  MS
two> @two expect eof
  two  the peer closed  MS

test.lab: 13 steps passed in SEC
"#;

#[test]
fn two_clients_are_two_sockets_in_one_script() {
    if python_or_skip().is_none() {
        return;
    }
    let mut shell = script(
        r#"listen 0 as srv
accept srv as one
accept srv as two
@one send {"clientid": 1}
@two send {"clientid": 2}
@one expect {"sid": int}
@two expect {"sid": int}
@two send None
@one send "only for one"
@one expect nothing within 100ms
@one send None
@one expect eof
@two expect eof
"#,
    )
    .start();
    let port = shell.port().to_string();
    let one = Peer::client("handout_client.py", &[&port]).unwrap();
    shell.wait_for("one  accepted by srv");
    let two = Peer::client("handout_client.py", &[&port]).unwrap();
    shell.finish().shows(0, TWO_CLIENTS);
    same(
        r#"
my id is 1
got 'only for one'
the server said None
"#,
        &one.finish(),
    );
    same(
        r#"
my id is 2
the server said None
"#,
        &two.finish(),
    );
}

#[test]
fn listening_mode_shows_everything_until_the_client_leaves() {
    if python_or_skip().is_none() {
        return;
    }
    let mut shell = script("listen 0 as srv\naccept as seat\nsend {\"clientid\": 7}\nlisten\n").start();
    let client = Peer::client("other_clients.py", &[&shell.port().to_string(), "first"]).unwrap();
    shell.finish().shows(
        0,
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept as seat
  seat  accepted by srv from 127.0.0.1:PORT  MS
seat> send {"clientid": 7}
  seat -> {'clientid': 7}  21 B, pickle 3
seat> listen
  seat <- {'name': 'Ada', 'email': 'ada@example.edu'}  55 B, pickle 4, 1 read  MS
  seat  the peer closed after 1 message  MS

test.lab: 4 steps passed in SEC
"#,
    );
    same(
        r#"
my id is {'clientid': 7}
"#,
        &client.finish(),
    );
}

#[test]
fn a_client_that_never_comes_is_waited_for_within_the_limit() {
    script("listen 0 as srv\naccept within 100ms\n").run().shows(
        3,
        r#"
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept within 100ms
test.lab:2:1: error: no client came to `srv` within 100ms (the step's `within`)
    accept within 100ms
    ^^^^^^
hint: a client reaches it with `connect 127.0.0.1:PORT`

test.lab: 1 failed, 1 step passed in SEC
"#,
    );
}
