//! The options of a socket, and how long a step may wait.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use crate::class::Limits;
use crate::command::{Call, Codec, OnFailure, Setting, Show};
use crate::net::{Framing, MAX_MESSAGE_DEFAULT};

/// How long a step waits unless `set timeout` or `within` says otherwise.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// How long a program may run unless `set program-time` says otherwise: a handshake takes a second, and a program that waits
/// for ever is not to hold a grader.
const PROGRAM_TIME_DEFAULT: Duration = Duration::from_secs(60);
/// How many clients a class may have unless `set max-clients` says otherwise: ten thousand and those who come twice.
pub const MAX_CLIENTS_DEFAULT: usize = 20_000;

/// The options of a socket.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a step waits; `None` for ever.
    pub timeout: Option<Duration>,
    /// How values are written.
    pub codec: Codec,
    /// How messages are told apart.
    pub framing: Framing,
    /// The pickle protocol that is written.
    pub protocol: u8,
    /// The largest message that is read, in bytes.
    pub max_message: usize,
    /// How many clients a class may have.
    pub class: Limits,
    /// How much a script shows of what passes.
    pub show: Show,
    /// What a script does when a step has failed.
    pub on_failure: OnFailure,
    /// How long a program may run; `None` for ever.
    pub program_time: Option<Duration>,
    /// Whether a port may be listened on while connections of before rest there.
    pub reuse_address: bool,
}

/// How long a step may wait, and where the limit comes from.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// `None` for ever.
    pub duration: Option<Duration>,
    /// What set it: the step, or the option `timeout`.
    pub from: &'static str,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timeout: Some(TIMEOUT_DEFAULT),
            codec: Codec::Pickle,
            framing: Framing::Pickle,
            protocol: 3,
            max_message: MAX_MESSAGE_DEFAULT,
            class: Limits { clients: MAX_CLIENTS_DEFAULT, per_address: None },
            show: Show::Steps,
            on_failure: OnFailure::Stop,
            program_time: Some(PROGRAM_TIME_DEFAULT),
            reuse_address: true,
        }
    }
}

impl Settings {
    /// How long a step may wait: `within`, else `timeout`.
    pub fn limit(&self, call: &Call) -> Limit {
        match call.within {
            Some(duration) => Limit { duration, from: "the step's `within`" },
            None => Limit { duration: self.timeout, from: "timeout" },
        }
    }

    /// Sets one option.
    pub fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Timeout(timeout) => self.timeout = timeout,
            Setting::Codec(codec) => self.codec = codec,
            Setting::Framing(framing) => self.framing = framing,
            Setting::Protocol(protocol) => self.protocol = protocol,
            Setting::MaxMessage(bytes) => self.max_message = bytes,
            Setting::Show(show) => self.show = show,
            Setting::OnFailure(on_failure) => self.on_failure = on_failure,
            Setting::MaxClients(clients) => self.class.clients = clients,
            Setting::ProgramTime(time) => self.program_time = time,
            Setting::ReuseAddress(reuse) => self.reuse_address = reuse,
            Setting::MaxPerAddress(most) => self.class.per_address = most,
        }
    }
}

impl Limit {
    /// Waits for `future` this long; `None` is time's up.
    pub async fn wait<T>(self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        // Most often it is done at once, and a timer would cost more than the wait.
        let at_once = std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context)));
        match (at_once.await, self.duration) {
            (Poll::Ready(done), _) => Some(done),
            (Poll::Pending, None) => Some(future.await),
            // In a box, for a step that has to wait: a timer is large, and most waits need none.
            (Poll::Pending, Some(duration)) => Box::pin(tokio::time::timeout(duration, future)).await.ok(),
        }
    }

    /// `10s (timeout)`.
    pub fn shown(self) -> String {
        match self.duration {
            Some(duration) => format!("{} ({})", shown_duration(duration), self.from),
            None => "ever".to_string(),
        }
    }
}

/// A duration as it is typed: `500ms`, `2s`, `1m`.
pub fn shown_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0 => "0ms".to_string(),
        _ if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        _ if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}
