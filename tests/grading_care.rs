//! The grading scripts where something else than the student is at fault, and where a program wants more than a start.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use common::{Done, Folder, Shell, python_or_skip, root, same, script, student, unnumbered};

/// A run of a grading script with these params.
fn grader(script: &str, params: &[&str]) -> Shell {
    let shell = Shell::new([root().join("scripts").join(script)]).arg("--allow-spawn");
    params.iter().fold(shell, |shell, param| shell.arg(param))
}

/// Nothing was graded, and this is why.
#[track_caller]
fn stops(done: &Done, why: &str) {
    assert_eq!(done.status, 3, "{}", done.screen);
    assert!(done.screen.contains(why), "{}", done.screen);
    assert_eq!(done.screen.matches("error: ").count(), 1, "{}", done.screen);
    assert!(!done.screen.contains("\n== "), "{}", done.screen);
}

#[test]
fn a_program_that_is_not_there_is_no_students_fault() {
    let Some(python) = python_or_skip() else { return };
    let python = format!("python={python}");
    for script in ["grade-client.lab", "grade-server.lab"] {
        let done = grader(script, &["program=cleint.py", &python, "port=0"]).run();
        stops(&done, "error: cannot start `cleint.py`: no such file\n");
        let done = grader(script, &["python=pyton3", "port=0"]).run();
        stops(&done, "error: cannot start `pyton3`: no such program\n");
    }
}

#[test]
fn a_spawn_says_what_is_not_a_program() {
    let text = "? spawn /usr\n? spawn python3 -u no/such.py 1\n? spawn ./own\n";
    script(text).file("own", "text").arg("--allow-spawn").run().shows(
        0,
        r#"
> ? spawn /usr
  failed, as it may: cannot start `/usr`: it is a folder
  hint: a program is a file, in the folder or elsewhere
> ? spawn python3 -u no/such.py 1
  failed, as it may: cannot start `no/such.py`: no such file
  hint: a program's name starts from the working folder, not from the script's
> ? spawn ./own
  failed, as it may: cannot start `./own`: it is not executable
  hint: is it a program? `chmod +x` makes it one

test.lab: 3 steps passed in SEC
"#,
    );
}

#[test]
fn a_line_that_is_cut_says_so() {
    let done = script("spawn printf '%0150d' 7\nexpect exit 1\n").arg("--allow-spawn").run();
    let cut = format!("  said last: '{}...\n", "0".repeat(119));
    assert!(done.screen.contains(&cut), "{}", done.screen);
}

#[test]
fn a_program_that_asks_is_answered() {
    let Some(python) = python_or_skip() else { return };
    let program = format!("program={}", student("client_asks.py").display());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (port, input) = (format!("port={free}"), format!("input=[\"127.0.0.1\", {free}]"));
    let done = grader("grade-client.lab", &[&program, &format!("python={python}"), &port, &input]).run();
    assert!(done.screen.ends_with("\npoints: 12 of 12\n"), "{}", done.screen);
}

#[test]
fn a_list_is_typed_line_by_line() {
    let text = "let lines = [\"one\", 2, \"\"]\nlet none = []\nspawn cat as it\n@it type $none\n@it type $lines\n@it type <$none>\n@it type eof\nwait it\n";
    let done = script(text).arg("--allow-spawn").run();
    assert_eq!(done.status, 0, "{}", done.screen);
    let said: Vec<&str> = done.screen.lines().filter_map(|line| line.strip_prefix("  it |")).collect();
    assert_eq!(said, [" one", " 2", "", " <[]>"], "{}", done.screen);
}

/// A port that a connection of before still rests on: who listened there closed it first.
fn resting_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = std::net::TcpStream::connect(address).unwrap();
    drop(listener.accept().unwrap());
    // The end is here, so that this side's is the second.
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    address.port()
}

#[test]
fn a_port_that_rests_is_refused_without_reuse_address() {
    let port = resting_port();
    let text =
        format!("set reuse-address off\n? listen {port}\nset reuse-address on\nlisten {port} as srv\n");
    let screen = script(&text).run().screen.replace(&port.to_string(), "PORT");
    same(
        r#"
> set reuse-address off
  reuse-address off
> ? listen PORT
  failed, as it may: cannot listen on 127.0.0.1:PORT: connections of before still rest on port PORT
  hint: who closes a connection first keeps its port for a minute (TIME-WAIT): try again then, or `set reuse-address on`
> set reuse-address on
  reuse-address on
> listen PORT as srv
  srv  listening on 127.0.0.1:PORT

test.lab: 4 steps passed in SEC
"#,
        &unnumbered(&screen),
    );
}

/// A right server is graded where it can listen, and where it cannot a part of the minute is waited out, and then it is the
/// grader's error.
#[test]
fn a_port_that_rests_is_no_students_fault() {
    let Some(python) = python_or_skip() else { return };
    let python = format!("python={python}");
    let right = student("server_right.py");
    let graded = |program: &Path| {
        let program = format!("program={}", program.display());
        let port = format!("port={}", resting_port());
        grader("grade-server.lab", &[&program, &python, &port]).limit(Duration::from_secs(60)).run()
    };
    let done = graded(&right);
    assert_eq!(done.status, 0, "{}", done.screen);
    assert!(done.screen.ends_with("\npoints: 12 of 12\n"), "{}", done.screen);

    let text = fs::read_to_string(&right).unwrap();
    let careless = text.replace("server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n", "");
    assert_ne!(text, careless);
    let folder = Folder::new();
    let program = folder.path().join("server.py");
    fs::write(&program, careless).unwrap();
    let done = graded(&program);
    stops(&done, "connections of before still rest on port ");
    assert!(!done.screen.contains("points:"), "nothing was graded: {}", done.screen);
}
