//! A class server under test, and honest clients beside whoever else is there.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use lab2sh::pickle;
use lab2sh::value::Value;
use serde_json::Value as Json;

use super::{LIMIT, Running, Shell};

/// The ack `1`, as the server pickles it.
pub const ACK: &[u8] = b"\x80\x03K\x01.";
/// The farewell `None`.
pub const NONE: &[u8] = b"\x80\x03N.";

/// A server that runs, and where.
pub struct Class {
    pub running: Running,
    pub port: u16,
}

/// Runs these lines as a script and waits until its class is served.
#[track_caller]
pub fn class(lines: &str) -> Class {
    serving(super::script(lines))
}

/// Waits until the class of a run that is prepared is served.
#[track_caller]
pub fn serving(shell: Shell) -> Class {
    let mut running = shell.start();
    let port = port(&mut running);
    Class { running, port }
}

/// The port in `students type: connect HOST:PORT`.
#[track_caller]
pub fn port(running: &mut Running) -> u16 {
    let line = running.wait_for("students type: connect ");
    line.rsplit_once(':').unwrap().1.parse().unwrap()
}

impl Class {
    /// Ctrl-C, and what is on the screen at the end.
    #[track_caller]
    pub fn interrupt(self) -> super::Done {
        self.running.signal("INT");
        self.running.finish()
    }
}

/// The rows that `roster save FILE.json` wrote.
#[track_caller]
pub fn rows(folder: &Path, file: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The one row with this student id.
#[track_caller]
pub fn row<'a>(rows: &'a [Json], student_id: &str) -> &'a Json {
    let mut found = rows.iter().filter(|row| row["student_id"] == student_id);
    let row = found.next().unwrap_or_else(|| panic!("no row of {student_id} in {rows:#?}"));
    assert!(found.next().is_none(), "two rows of {student_id}");
    row
}

/// The identity of the hand-out's client, pickled.
pub fn identity(number: usize) -> Vec<u8> {
    let pairs = [
        (Value::str("student_name"), Value::str(&format!("Student {number}"))),
        (Value::str("github_username"), Value::str(&format!("student{number}"))),
        (Value::str("sid"), Value::Int(i64::try_from(number).unwrap())),
    ];
    pickle::encode(&Value::Dict(pairs.into()), 3).unwrap()
}

/// A client as the hand-out has it: reads its id, says who it is, reads the ack.
pub struct Honest {
    pub stream: TcpStream,
    /// From the connect to the ack.
    pub took: Duration,
}

/// Connects, with a limit on every wait.
pub fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One read, as `recv(4090)`; nothing at the end of the stream.
pub fn recv(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut buffer = vec![0; 4090];
    loop {
        match stream.read(&mut buffer) {
            Ok(n) => {
                buffer.truncate(n);
                return Ok(buffer);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// One honest client; `Err` says what came in place of the ack.
pub fn honest(port: u16, number: usize) -> Result<Honest, String> {
    let started = Instant::now();
    let run = || -> std::io::Result<(TcpStream, Vec<u8>)> {
        let mut stream = connect(port)?;
        recv(&mut stream)?;
        stream.write_all(&identity(number))?;
        let ack = recv(&mut stream)?;
        Ok((stream, ack))
    };
    match run() {
        Ok((stream, ack)) if ack == ACK => Ok(Honest { stream, took: started.elapsed() }),
        Ok((_, other)) => Err(format!("client {number} got {other:?} in place of the ack")),
        Err(error) => Err(format!("client {number}: {error}")),
    }
}

/// Many at once; every one has to pass. They stay connected until they are dropped.
#[track_caller]
pub fn all_honest(port: u16, numbers: std::ops::Range<usize>) -> Vec<Honest> {
    let threads: Vec<_> = numbers.map(|number| thread::spawn(move || honest(port, number))).collect();
    let outcomes: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let wrong: Vec<&String> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    outcomes.into_iter().flatten().collect()
}

/// The slowest of them.
pub fn slowest(clients: &[Honest]) -> Duration {
    clients.iter().map(|client| client.took).max().unwrap_or_default()
}

/// Processor time that a process has used, in seconds; `None` where the system does not tell.
pub fn cpu_seconds(id: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Behind the command's name, which may hold spaces: the fields from the third on.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    // USER_HZ, which is 100 on every Linux of today.
    Some(ticks / 100.0)
}

/// How many descriptors a process has open.
pub fn descriptors(id: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{id}/fd")).ok()?.count())
}

/// Waits until something holds, asking again and again.
#[track_caller]
#[allow(
    clippy::disallowed_methods,
    reason = "between two looks at another process there is nothing to await"
)]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < LIMIT, "{what} did not come to hold");
        thread::sleep(Duration::from_millis(10));
    }
}
