//! `--json`: every line of standard output is one object, and its fields are those that are documented.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::{Done, Folder, Peer, script};
use serde_json::{Value, json};

/// The events of a run, each checked to be an object with `event` and a `t` that never goes back.
fn events(done: &Done) -> Vec<Value> {
    let mut last = 0.0;
    let read = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["event"].is_string(), "{line}");
        let t = event["t"].as_f64().unwrap_or_else(|| panic!("no `t`: {line}"));
        assert!(t >= last, "time goes back: {line}");
        last = t;
        event
    };
    done.screen.lines().map(read).collect()
}

fn only<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

/// The names of an object's fields, in order.
fn fields(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

const MESSAGE_FIELDS: [&str; 14] = [
    "event", "t", "socket", "repr", "value", "bytes", "codec", "protocol", "reads", "waiting", "ms", "calls",
    "notes", "expected",
];

#[test]
fn a_message_is_an_object_with_its_value_and_its_measures() {
    let Some(server) = Peer::server("greeting_server.py", &["dict"]) else { return };
    let port = server.port;
    let done = script(&format!(
        "connect 127.0.0.1:{port} as ada\nexpect {{\"clientid\": int as id}}\nsend {{\"sid\": $id}}\nclose\n"
    ))
    .arg("--json")
    .run_apart();
    assert_eq!((done.status, done.errors.as_str()), (0, ""));
    let events = events(&done);
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let expected =
        ["step", "connected", "step", "received", "result", "step", "sent", "step", "closed", "summary"];
    assert_eq!(names, expected);
    let mut received = events[3].clone();
    assert_eq!(fields(&received), MESSAGE_FIELDS);
    assert!(received["ms"].take().is_f64() && received["t"].take().is_f64());
    let expected = json!({
        "event": "received", "t": null, "socket": "ada", "repr": "{'clientid': 7}", "value": {"clientid": 7},
        "bytes": 28, "codec": "pickle", "protocol": 4, "reads": 1, "waiting": 0, "ms": null, "calls": [], "notes": [],
        "expected": true,
    });
    assert_eq!(received, expected);
    let sent = &events[6];
    assert_eq!(fields(sent), MESSAGE_FIELDS);
    let seen = json!([sent["repr"], sent["value"], sent["bytes"], sent["protocol"], sent["reads"]]);
    assert_eq!(seen, json!(["{'sid': 7}", {"sid": 7}, 16, 3, 0]));
    assert_eq!(server.finish(), "got {'sid': 7}\nthe client left\n");
}

#[test]
fn the_summary_is_the_last_line_and_counts_the_steps() {
    let done = script("check 1 == 1\ncheck 1 == 2\ncheck 1 == 3\n").arg("--json").run_apart();
    assert_eq!(done.status, 1);
    let events = events(&done);
    let mut summary = events.last().unwrap().clone();
    assert!(summary["seconds"].take().is_f64() && summary["t"].take().is_f64());
    let expected = json!({
        "event": "summary", "t": null, "file": "test.lab", "passed": 1, "failed": 1, "not_run": 1, "seconds": null,
        "status": 1,
    });
    assert_eq!(summary, expected);
}

/// The one failure of a run, without its time.
fn failed(done: &Done) -> Value {
    let events = events(done);
    let failed = only(&events, "failed");
    assert_eq!(failed.len(), 1, "{}", done.screen);
    let mut failed = failed[0].clone();
    assert!(failed["t"].take().is_f64());
    failed
}

#[test]
fn a_check_that_fails_says_where_and_why() {
    let done = script("let id = 7\ncheck $id == 8\n").arg("--json").run_apart();
    assert_eq!((done.status, done.errors.as_str()), (1, ""));
    let expected = json!({
        "event": "failed", "t": null, "file": "test.lab", "line": 2, "column": 7, "kind": "check",
        "message": "the check does not hold", "hint": null, "details": {"left": "7 (int)", "right": "8 (int)"},
    });
    assert_eq!(failed(&done), expected);
}

#[test]
fn a_script_mistake_is_an_object_too() {
    let done = script("listen 0\nsned 1\n").arg("--json").run_apart();
    assert_eq!((done.status, done.errors.as_str()), (2, ""));
    let failed = failed(&done);
    let seen = json!([failed["file"], failed["line"], failed["column"], failed["kind"], failed["hint"]]);
    assert_eq!(seen, json!(["test.lab", 2, 1, "script", "did you mean `send`?"]));
    assert_eq!(events(&done).len(), 1, "nothing was run: {}", done.screen);
}

#[test]
fn a_network_error_is_of_another_kind() {
    let done = script("connect no.such.invalid 1\n").arg("--json").run_apart();
    assert_eq!((done.status, failed(&done)["kind"].as_str().unwrap()), (3, "network"));
}

#[test]
fn a_step_that_fails_as_it_must_is_allowed() {
    let done = script("! check 1 == 2\n").arg("--json").run_apart();
    assert_eq!(done.status, 0);
    let events = events(&done);
    let allowed = only(&events, "allowed");
    let seen = json!([allowed[0]["kind"], allowed[0]["message"], allowed[0]["line"]]);
    assert_eq!(seen, json!(["check", "the check does not hold", 1]));
}

#[test]
fn what_json_cannot_say_is_tagged_and_nothing_is_lost() {
    let Some(server) = Peer::server("greeting_server.py", &["values", "4"]) else { return };
    let port = server.port;
    let done =
        script(&format!("connect 127.0.0.1:{port} as ada\nrepeat 15 recv\n")).arg("--json").run_apart();
    assert_eq!(done.status, 0, "{}", done.screen);
    let events = events(&done);
    let values: Vec<&Value> = only(&events, "received").into_iter().map(|event| &event["value"]).collect();
    let object = |value: &Value| value["$object"]["name"].clone();
    assert_eq!(object(&values[0]["sent_on"]), "datetime.datetime");
    assert_eq!(object(values[1]), "builtins.range");
    let rest = json!([
        {"$set": ["TERMINATE"]}, {"$tuple": [1, {"$tuple": [2]}, {"$tuple": []}]},
        {"$dict": [[1, "a"], [2, "b"]]}, [{"name": "Ada"}, {"name": "Ada"}], {"$bytes": "AGJ5dGVz/w=="}, 1.0, -3,
        {"$int": "1180591620717411303424"}, true, "caf\u{e9} \u{1f600}", [], {}, "",
    ]);
    assert_eq!(json!(values[2..]), rest);
    server.finish();
}

#[test]
fn every_kind_of_event_is_one_line() {
    let steps = r#"## a phase
say hello
let id = 7
set timeout 2s
listen 0 as srv
connect 127.0.0.1:$srv.port as ada
accept as seat
send "x\ny"
@ada recv 100
@ada expect nothing within 10ms
sockets
vars
help send
history
pause look here
use ada
shutdown write
@seat expect eof
@seat listen
@seat reset
close ada
"#;
    let done = script(steps).arg("--json").run_apart();
    assert_eq!((done.status, done.errors.as_str()), (0, ""), "{}", done.screen);
    let mut names: Vec<String> =
        events(&done).iter().map(|event| event["event"].as_str().unwrap().to_string()).collect();
    names.sort();
    names.dedup();
    let expected = "aborted accepted bound closed connected ended listening option phase quiet read result said sent shutdown \
                    step summary table text using";
    assert_eq!(names.join(" "), expected);
}

#[test]
fn what_a_peer_would_have_had_called_is_in_calls() {
    let folder = Folder::new();
    let Some(server) = Peer::server("faultpeer.py", &["exec"]) else { return };
    let port = server.port;
    let done = script(&format!("connect 127.0.0.1:{port} as ada\nrecv\n")).arg("--json").run_apart();
    let events = events(&done);
    let received = only(&events, "received");
    assert_eq!(received[0]["calls"], json!(["call os.system('touch lab2sh_pwned')"]));
    assert!(
        !folder.path().join("lab2sh_pwned").exists() && !done.folder.path().join("lab2sh_pwned").exists()
    );
}
