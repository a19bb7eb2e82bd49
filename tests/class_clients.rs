//! What the class's programs do, each as a small Python program, at the class server: everyone is on the roster with the right
//! row, and everyone ends cleanly.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::class::{Class, class, row, rows, serving};
use common::{Peer, Shell};
use serde_json::{Value as Json, json};

/// Starts a student's program.
fn student(class: &Class, how: &str, id: &str, more: &[&str]) -> Option<Peer> {
    let port = class.port.to_string();
    Peer::client("class_client.py", &[&[how, &port, id], more].concat())
}

/// The program has ended as a program should: status 0, and no traceback among what it printed.
#[track_caller]
fn cleanly(how: &str, peer: Peer) -> String {
    let (status, said) = peer.ends();
    assert_eq!(status, Some(0), "{how}:\n{said}");
    assert!(!said.contains("Traceback"), "{how}:\n{said}");
    said
}

/// The class is closed after `passed` students, each has ended cleanly, and these are the rows.
#[track_caller]
fn rows_of(students: &[(&str, &str, &[&str])]) -> Option<(Vec<Json>, String)> {
    common::python_or_skip()?;
    let class = class(&format!(
        "serve 0 as class\nwait class for {} passed within 25s\nroster\nroster save all.json\nclose class\n",
        students.len()
    ));
    let peers: Vec<_> =
        students.iter().map(|(how, id, more)| (*how, student(&class, how, id, more).unwrap())).collect();
    for (how, peer) in peers {
        let said = cleanly(how, peer);
        assert!(said.contains("got 1\n"), "{how}: no ack:\n{said}");
        assert!(said.ends_with("got None\n"), "{how}: no farewell:\n{said}");
        assert_eq!(said.matches("got 1\n").count(), 1, "{how}: more than one ack:\n{said}");
    }
    let done = class.running.finish();
    assert_eq!(done.status, 0, "{}", done.screen);
    Some((rows(done.folder.path(), "all.json"), done.screen))
}

/// The row of this student says so, and nothing of it is lost.
#[track_caller]
fn holds(rows: &[Json], field: &str, id: &str, fields: &Json) {
    let row = rows.iter().find(|row| row[field] == id).unwrap_or_else(|| panic!("no {id} in {rows:#?}"));
    assert_eq!(row["status"], "passed");
    for (name, value) in fields.as_object().unwrap() {
        assert_eq!(&row[name], value, "{name} of {id}");
    }
}

#[test]
fn the_template_and_its_variants_pass() {
    let students: [(&str, &str, &[&str]); 8] = [
        ("template", "900000001", &[]),
        ("echo", "900000002", &[]),
        ("sid-str", "900000003", &[]),
        ("half-close", "900000004", &[]),
        ("one-byte", "900000005", &[]),
        ("two", "900000006", &[]),
        ("handout", "900000007", &[]),
        ("bare-str", "Grace Hopper", &[]),
    ];
    let Some((rows, screen)) = rows_of(&students) else { return };
    assert_eq!(rows.len(), students.len(), "{rows:#?}");
    for (_, id, _) in &students[..6] {
        holds(&rows, "student_id", id, &json!({"name": "Ada Lovelace", "github": "ada", "more": {}}));
        assert!(screen.contains(&format!("Ada Lovelace, {id}, github ada\n")), "{id}:\n{screen}");
    }
    holds(&rows, "email", "900000007@example.edu", &json!({"name": "Ada Lovelace", "student_id": ""}));
    holds(&rows, "name", "Grace Hopper", &json!({"student_id": "", "email": "", "more": {}}));
}

#[test]
fn every_spelling_of_a_key_gives_the_row() {
    let students: [(&str, &str, &[&str]); 16] = [
        ("key", "K1", &["client_name"]),
        ("key", "K2", &["clientName"]),
        ("key", "K3", &["id_key"]),
        ("key", "K4", &["client_key"]),
        ("key", "K5", &["name"]),
        ("key", "K6", &["Client Name"]),
        ("key", "K7", &["student_name"]),
        ("key", "K8", &["student_id"]),
        ("with-id", "W1", &["clientid"]),
        ("with-id", "W2", &["client_id"]),
        ("datetime", "D1", &[]),
        ("headers", "H1", &["0"]),
        ("headers", "H2", &["'0'"]),
        ("menu-option", "M1", &[]),
        ("instance", "900000009", &[]),
        ("int-keys", "I1", &[]),
    ];
    let Some((rows, screen)) = rows_of(&students) else { return };
    assert_eq!(rows.len(), students.len(), "{rows:#?}");
    for id in ["K1", "K2", "K5", "K6", "K7"] {
        holds(&rows, "name", id, &json!({"student_id": "", "more": {}}));
    }
    for id in ["K3", "K4", "K8"] {
        holds(&rows, "student_id", id, &json!({"name": "", "more": {}}));
    }
    holds(&rows, "name", "W1", &json!({"more": {"clientid": "51234"}}));
    holds(&rows, "name", "W2", &json!({"more": {"client_id": "51234"}}));
    holds(&rows, "name", "H1", &json!({"more": {"option": "0", "payload": "None"}}));
    holds(&rows, "name", "H2", &json!({"more": {"option": "0", "payload": "None"}}));
    let time = "datetime.datetime(2026, 11, 23, 10, 0)";
    holds(&rows, "name", "M1", &json!({"more": {"msg": "hi", "menu_option": "1", "timestamp": time}}));
    holds(&rows, "name", "I1", &json!({"more": {"1": "one", "2": "two"}}));
    holds(
        &rows,
        "student_id",
        "900000009",
        &json!({"name": "Ada Lovelace", "more": {"class": "__main__.Student"}}),
    );
    // A password is on no screen and in no file.
    assert_eq!(rows.iter().find(|row| row["name"] == "D1").unwrap()["more"]["sent_on"], time);
    assert!(!screen.contains("hunter2"), "{screen}");
    assert!(!format!("{rows:?}").contains("hunter2"));
}

#[test]
fn every_protocol_of_pickle_passes() {
    let students: [(&str, &str, &[&str]); 6] = [
        ("protocol", "900000010", &["0"]),
        ("protocol", "900000011", &["1"]),
        ("protocol", "900000012", &["2"]),
        ("protocol", "900000013", &["3"]),
        ("protocol", "900000014", &["4"]),
        ("protocol", "900000015", &["5"]),
    ];
    let Some((rows, _)) = rows_of(&students) else { return };
    for (_, id, _) in students {
        holds(&rows, "student_id", id, &json!({"name": "Ada Lovelace", "github": "ada"}));
    }
}

#[test]
fn a_client_that_speaks_first_hears_its_ack_fifty_times() {
    if common::python_or_skip().is_none() {
        return;
    }
    let class =
        class("serve 0 as class\nwait class for 50 passed within 28s\nroster save all.json\nclose class\n");
    // Some beside each other, as in a class.
    let ids: Vec<String> = (0..50).map(|n| format!("9000001{n:02}")).collect();
    for some in ids.chunks(5) {
        let peers: Vec<Peer> = some.iter().map(|id| student(&class, "first", id, &[]).unwrap()).collect();
        for peer in peers {
            let said = cleanly("first", peer);
            assert!(said.starts_with("got {'clientid': ") && said.ends_with("}\ngot 1\n"), "{said}");
        }
    }
    let done = class.running.finish();
    assert_eq!(done.status, 0, "{}", done.screen);
    let rows = rows(done.folder.path(), "all.json");
    ids.iter().for_each(|id| assert_eq!(row(&rows, id)["status"], "passed"));
}

#[test]
fn one_that_leaves_at_once_or_is_killed_disturbs_no_other() {
    if common::python_or_skip().is_none() {
        return;
    }
    let mut class =
        class("serve 0 as class\nwait class for 2 passed within 25s\nroster save all.json\nwait class\n");
    let stays = student(&class, "template", "900000001", &[]).unwrap();
    class.running.wait_for("900000001");
    cleanly("leave", student(&class, "leave", "900000002", &[]).unwrap());
    let line = class.running.wait_for("failed: ");
    // It has not read its greeting: most kernels reset such a connection.
    assert!(line.contains("closed before the identity") || line.contains("reset before"), "{line}");
    let mut killed = student(&class, "template", "900000003", &[]).unwrap();
    class.running.wait_for("900000003");
    killed.kill();
    class.running.wait_for("roster saved");
    let done = class.interrupt();
    assert!(cleanly("template", stays).ends_with("got None\n"));
    assert_eq!(done.status, 130, "{}", done.screen);
    let rows = rows(done.folder.path(), "all.json");
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert_eq!(row(&rows, "900000001")["status"], "passed");
}

#[test]
fn two_python_clients_and_lab2sh_sit_at_one_server() {
    if common::python_or_skip().is_none() {
        return;
    }
    let mut class = class("serve 0 as class\nwait class for 3 passed within 25s\nroster\nwait class\n");
    let first = student(&class, "template", "900000001", &[]).unwrap();
    let second = student(&class, "first-and-listen", "900000002", &[]).unwrap();
    let lesson = format!("{}/scripts/client.lab", env!("CARGO_MANIFEST_DIR"));
    let third = Shell::new([lesson]).arg(&format!("port={}", class.port)).arg("sid=900000003").start();
    class.running.wait_for("status");
    class.running.wait_for("3 passed");
    let done = class.interrupt();
    for id in ["900000001", "900000002", "900000003"] {
        assert!(done.screen.contains(&format!("Ada Lovelace, {id}, github ada\n")), "{}", done.screen);
    }
    cleanly("template", first);
    cleanly("first-and-listen", second);
    let third = third.finish();
    assert_eq!(third.status, 0, "{}", third.screen);
    assert!(third.screen.contains("This is client") || third.screen.contains("calls this connection client"));
}

#[test]
fn the_menu_assignment_is_served() {
    if common::python_or_skip().is_none() {
        return;
    }
    let seat = format!("{}/scripts/menu-seat.lab", env!("CARGO_MANIFEST_DIR"));
    let shell = Shell::new(["test.lab"]).file("menu-seat.lab", std::fs::read(seat).unwrap()).file(
        "test.lab",
        "serve 0 with menu-seat.lab as class\nwait class for 2 passed within 25s\nroster save all.json\nwait class\n",
    );
    let mut class = serving(shell);
    let port = class.port.to_string();
    let mut listens = Peer::client("menu_client.py", &[&port, "Nina", "listens"]).unwrap();
    assert_eq!(listens.line(), "greeting ['client_id', 'clientid']");
    assert_eq!(listens.line(), "menu [1, 2, 3, 4, 5, 6]");
    let talks = Peer::client("menu_client.py", &[&port, "Omar", "talks"]).unwrap();
    let (status, said) = talks.ends();
    let expected = "greeting ['client_id', 'clientid']\n\
                    menu [1, 2, 3, 4, 5, 6]\n\
                    {'option': 1} -> {'clientid': 2}\n\
                    {'option': '2'} -> {'here': 2}\n\
                    {'option': 3} -> {'passed': 2}\n\
                    {'option': 5, 'payload': [1, 2]} -> {'echo': [1, 2]}\n\
                    {'option': 9} -> {'error': 'no such option', 'option': 9}\n\
                    end None\n";
    assert_eq!(said, expected);
    assert_eq!(status, Some(0));
    let (status, said) = listens.ends();
    assert_eq!(said, "chat {'from': 2, 'message': 'hello all'}\nend None\n");
    assert_eq!(status, Some(0));
    class.running.wait_for("roster saved");
    let done = class.interrupt();
    assert!(!done.screen.contains("failed:"), "{}", done.screen);
    assert_eq!(rows(done.folder.path(), "all.json").len(), 2);
}
