//! The load client: thousands of students' programs in one thread, on the kernel's own readiness queue.

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use lab2sh::pickle::{self, Scan, Scanner};
use lab2sh::value::Value;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use socket2::{Domain, Socket, Type};

/// How many clients may be between connecting and their greeting.
const WINDOW: usize = 256;
/// How long one wait for readiness may be.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// How many clients one wait may report.
const EVENTS: usize = 1024;
/// Longer than any message of a class server here, in bytes.
const MESSAGE_MAX: usize = 1 << 16;

/// Clients that are connected.
pub struct Load {
    queue: OwnedFd,
    clients: Vec<Client>,
    /// Clients whose connection ended although they wanted to stay.
    pub lost: usize,
}

struct Client {
    stream: TcpStream,
    arrived: Vec<u8>,
    id: Option<i64>,
    is_lost: bool,
}

/// How clients are to arrive.
#[derive(Clone, Copy)]
pub struct Arrival {
    /// How many.
    pub clients: usize,
    /// How many of them may wait for their greeting at once.
    pub window: usize,
    /// Whether they say who they are.
    pub speaks: bool,
    /// How long all of it may take.
    pub within: Duration,
}

impl Arrival {
    /// This many, a few hundred at a time.
    pub fn of(clients: usize) -> Arrival {
        Arrival { clients, window: WINDOW, speaks: true, within: Duration::from_secs(30) }
    }
}

impl Load {
    /// Connects, reads each greeting and says who it is; how many were greeted a second.
    pub fn arrive(server: SocketAddr, arrival: Arrival) -> (Load, f64) {
        let identities: Vec<Vec<u8>> = (0..arrival.clients).map(identity).collect();
        let queue = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let mut load = Load { queue, clients: Vec::with_capacity(arrival.clients), lost: 0 };
        let mut greeted = 0;
        let begun = Instant::now();
        while greeted + load.lost < arrival.clients && begun.elapsed() < arrival.within {
            while load.clients.len() < arrival.clients
                && load.clients.len() - greeted - load.lost < arrival.window
            {
                load.connect(server);
            }
            load.ready(|client, index| {
                let Some(message) = client.message() else { return };
                if client.id.is_none() {
                    client.id = Some(id(&message));
                    greeted += 1;
                    if arrival.speaks {
                        client.stream.write_all(&identities[index]).unwrap();
                    }
                }
            });
        }
        (load, greeted as f64 / begun.elapsed().as_secs_f64())
    }

    fn connect(&mut self, server: SocketAddr) {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        match socket.connect(&server.into()) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
                panic!("cannot connect: {error}")
            }
            _ => {}
        }
        let stream = TcpStream::from(socket);
        let data = epoll::EventData::new_u64(self.clients.len() as u64);
        epoll::add(&self.queue, &stream, data, epoll::EventFlags::IN).unwrap();
        self.clients.push(Client { stream, arrived: Vec::new(), id: None, is_lost: false });
    }

    /// Waits for readiness and reads what came; `each` is called for every client that got something.
    fn ready(&mut self, mut each: impl FnMut(&mut Client, usize)) {
        let mut events = Vec::with_capacity(EVENTS);
        match epoll::wait(&self.queue, spare_capacity(&mut events), Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("cannot wait: {error}"),
        }
        for event in events {
            let index = usize::try_from(event.data.u64()).unwrap();
            let client = &mut self.clients[index];
            match client.read() {
                Ok(true) => each(client, index),
                Ok(false) => {}
                Err(_) => {
                    epoll::delete(&self.queue, &client.stream).unwrap();
                    client.is_lost = true;
                    self.lost += 1;
                }
            }
        }
    }

    /// How many different ids the greetings had.
    pub fn ids(&self) -> usize {
        self.clients.iter().filter_map(|client| client.id).collect::<HashSet<_>>().len()
    }

    /// Clients that were neither greeted nor turned away.
    pub fn hung(&self) -> usize {
        self.clients.iter().filter(|client| client.id.is_none() && !client.is_lost).count()
    }

    /// Every client sends `each` messages and waits for the answer to one before the next; round trips a second.
    pub fn round_trips(&mut self, each: usize, within: Duration) -> f64 {
        let text = "abcdefghijklmnopqrstuvwxyz012345";
        let ping = encode(&[("cmd", "ping"), ("text", text)]);
        let mut left = vec![each; self.clients.len()];
        let mut answered = 0;
        let begun = Instant::now();
        for client in &mut self.clients {
            client.stream.write_all(&ping).unwrap();
        }
        while answered < each * left.len() && begun.elapsed() < within {
            self.ready(|client, index| {
                while client.message().is_some() {
                    answered += 1;
                    left[index] -= 1;
                    if left[index] > 0 {
                        client.stream.write_all(&ping).unwrap();
                    }
                }
            });
        }
        assert_eq!(answered, each * left.len(), "answers that came");
        answered as f64 / begun.elapsed().as_secs_f64()
    }

    /// Reads on for a time: who is given up meanwhile is lost.
    pub fn stay(&mut self, time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.ready(|client, _| client.arrived.clear());
        }
    }
}

impl Client {
    /// Reads what is there; `Err` is the end.
    fn read(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                self.arrived.extend_from_slice(&chunk[..length]);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The next whole message.
    fn message(&mut self) -> Option<Vec<u8>> {
        match Scanner::new(MESSAGE_MAX).scan(&self.arrived) {
            Scan::Done(end) => Some(self.arrived.drain(..end).collect()),
            _ => None,
        }
    }
}

/// The number in a greeting; a refusal has none and counts as -1.
fn id(message: &[u8]) -> i64 {
    match pickle::decode(message).unwrap().value {
        Value::Dict(pairs) => match pairs.first() {
            Some((_, Value::Int(id))) => *id,
            _ => -1,
        },
        other => panic!("a greeting: {}", other.repr()),
    }
}

fn identity(number: usize) -> Vec<u8> {
    encode(&[
        ("name", &format!("Student {number:06}")),
        ("student_id", &format!("9{number:08}")),
        ("github", &format!("gh-user-{number:06}")),
    ])
}

fn encode(pairs: &[(&str, &str)]) -> Vec<u8> {
    let pairs = pairs.iter().map(|(key, value)| (Value::str(key), Value::str(value)));
    pickle::encode(&Value::Dict(pairs.collect()), 3).unwrap()
}
