//! `framing length` against the two parts of Python's library that use it, in both directions.

mod common;

use common::{Peer, python_or_skip, same, script};
use regex::Regex;

#[test]
fn records_of_the_logging_socket_handler_are_read() {
    if python_or_skip().is_none() {
        return;
    }
    let mut shell = script(
        r#"set framing length
listen 0 as srv
accept as log
expect {"name": "lab", "levelname": "INFO", "msg": "client 7 says hello", "args": None}
expect {"levelname": "WARNING", "msg": "disk 93.5% full", "host": "lab-1"}
expect {"levelname": "ERROR", "exc_info": None, "exc_text": /ZeroDivisionError: division by zero$/}
expect eof
"#,
    )
    .start();
    let client = Peer::client("log_sender.py", &[&shell.port().to_string()]).unwrap();
    let mut done = shell.finish();
    // A record says when, where and by which thread it was written: only its kind is the same each time.
    let record = Regex::new(r"\{'name': 'lab'.*\}").unwrap();
    done.screen = record.replace_all(&done.screen, "{RECORD}").into_owned();
    let size = Regex::new(r"\d+ B(, pickle 1, 1 read)(, \d+ B more here)?").unwrap();
    done.screen = size.replace_all(&done.screen, "SIZE$1").into_owned();
    done.shows(
        0,
        r#"
> set framing length
  framing length
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept as log
  log  accepted by srv from 127.0.0.1:PORT  MS
log> expect {"name": "lab", "levelname": "INFO", "msg": "client 7 says hello", "args": None}
  log <- {RECORD}  SIZE, pickle 1, 1 read, as expected  MS
log> expect {"levelname": "WARNING", "msg": "disk 93.5% full", "host": "lab-1"}
  log <- {RECORD}  SIZE, pickle 1, 1 read, as expected  MS
log> expect {"levelname": "ERROR", "exc_info": None, "exc_text": /ZeroDivisionError: division by zero$/}
  log <- {RECORD}  SIZE, pickle 1, 1 read, as expected  MS
log> expect eof
  log  the peer closed  MS

test.lab: 7 steps passed in SEC
"#,
    );
    same("", &client.finish());
}

#[test]
fn pythons_log_receiver_reads_records_that_were_typed() {
    let Some(server) = Peer::server("log_receiver.py", &[]) else { return };
    let port = server.port;
    let done = script(&format!(
        r#"connect 127.0.0.1:{port} as log
@log set framing length
send {{"name": "lab.sh", "levelname": "WARNING", "levelno": 30, "msg": "typed by %s", "args": ("Ada",)}}
send {{"name": "lab.sh", "levelname": "INFO", "levelno": 20, "msg": "and again", "args": None}}
"#
    ))
    .run();
    done.shows(0, r#"
> connect 127.0.0.1:PORT as log
  log  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
log> @log set framing length
  log: framing length
log> send {"name": "lab.sh", "levelname": "WARNING", "levelno": 30, "msg": "typed by %s", "args": ("Ada",)}
  log -> {'name': 'lab.sh', 'levelname': 'WARNING', 'levelno': 30, 'msg': 'typed by %s', 'args': ('Ada',)}  113 B, pickle 3
log> send {"name": "lab.sh", "levelname": "INFO", "levelno": 20, "msg": "and again", "args": None}
  log -> {'name': 'lab.sh', 'levelname': 'INFO', 'levelno': 20, 'msg': 'and again', 'args': None}  99 B, pickle 3

test.lab: 4 steps passed in SEC
"#);
    same(
        r#"
lab.sh WARNING typed by Ada
lab.sh INFO and again
"#,
        &server.finish(),
    );
}

#[test]
fn a_multiprocessing_client_talks_to_a_listening_socket() {
    if python_or_skip().is_none() {
        return;
    }
    let mut shell = script(
        r#"set framing length
listen 0 as srv
accept as peer
expect exactly {"clientid": 7, "parts": (1, 2)}
recv as long
recv 13
send {"welcome": True}
send $long
close
"#,
    )
    .start();
    let client = Peer::client("mp_client.py", &[&shell.port().to_string()]).unwrap();
    let mut done = shell.finish();
    done.screen = done.screen.replace(&"x".repeat(999), "XXX");
    // How the kernel cuts what was written into reads is its own affair.
    let reads = Regex::new(r"(pickle 4), \d+ reads?(, \d+ B more here)?").unwrap();
    done.screen = reads.replace_all(&done.screen, "$1, SOME reads").into_owned();
    done.shows(
        0,
        r#"
> set framing length
  framing length
> listen 0 as srv
  srv  listening on 127.0.0.1:PORT
srv> accept as peer
  peer  accepted by srv from 127.0.0.1:PORT  MS
peer> expect exactly {"clientid": 7, "parts": (1, 2)}
  peer <- {'clientid': 7, 'parts': (1, 2)}  47 B, pickle 4, SOME reads, as expected  MS
peer> recv as long
  peer <- 'XXX ... (cut: 20022 B in all)  20022 B, pickle 4, SOME reads  MS
peer> recv 13
  peer <- b'\x00\x00\x00\tno pickle'  recv(13) gave 13 B  MS
  one whole message of 13 B
peer> send {"welcome": True}
  peer -> {'welcome': True}  23 B, pickle 3
peer> send $long
  peer -> 'XXX ... (cut: 20012 B in all)  20012 B, pickle 3
peer> close
  peer  closed  sent 20035 B, received 20082 B

test.lab: 9 steps passed in SEC
"#,
    );
    same(
        r#"
got {'welcome': True}
got str of 20000
the other end left
"#,
        &client.finish(),
    );
}

#[test]
fn a_multiprocessing_listener_sends_back_what_it_was_sent() {
    let Some(server) = Peer::server("mp_listener.py", &[]) else { return };
    let port = server.port;
    let long = "y".repeat(40_000);
    script(&format!(
        r#"set framing length
connect 127.0.0.1:{port} as peer
send {{"clientid": 7}}
expect exactly {{"clientid": 7}}
send [1, (2, 3), b"x", None]
expect exactly [1, (2, 3), b"x", None]
let long = "{long}"
send $long
expect exactly $long
close
"#
    ))
    .arg("-q")
    .run()
    .shows(0, "");
    same(
        r#"
got {'clientid': 7}
got [1, (2, 3), b'x', None]
got str of 40000
the other end left
"#,
        &server.finish(),
    );
}

#[test]
fn a_length_prefix_that_nobody_asked_for_is_named() {
    let Some(server) = Peer::server("faultpeer.py", &["framed"]) else { return };
    let port = server.port;
    let done = script(&format!(
        r#"connect 127.0.0.1:{port} as ada
! recv
set framing length
recv
"#
    ))
    .run();
    done.shows(
        0,
        r#"
> connect 127.0.0.1:PORT as ada
  ada  connected to 127.0.0.1:PORT from 127.0.0.1:PORT  MS
ada> ! recv
  failed, as it must: what arrived on `ada` is not a pickle: invalid load key 0x00, at byte 0
  hint: this looks like a pickle behind a 4-byte length (28); `@ada set framing length` reads such streams
ada> set framing length
  framing length
ada> recv
  ada <- {'clientid': 7}  32 B, pickle 4, 1 read  MS

test.lab: 4 steps passed in SEC
"#,
    );
}
