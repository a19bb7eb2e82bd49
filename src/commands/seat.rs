//! The seats of a class: accepting clients for ever, and one interpreter for each.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use compact_str::format_compact;

use crate::class::Class;
use crate::command::Script;
use crate::conversation::SEAT_SOCKET;
use crate::event::{ClassStatus, Event, Failure, Message, Name, Sink, What};
use crate::lab::{Lab, Settings};
use crate::net::{Connection, End, Listener, Offer, frame};
use crate::value::Value;

use super::flow;

/// How long a client has to leave once it was told that the class ends.
const FAREWELL: Duration = Duration::from_millis(500);
/// Class programs take two messages that come in one read for one: so far apart they are sent.
const APART: Duration = Duration::from_millis(100);
/// What a client still sends then is read in pieces this large, in bytes: ten thousand may be told at once.
const HEARD_AT_ONCE: usize = 4096;
/// How many clients are told that there is no room before it is looked whether there is some again.
const TOLD_AT_ONCE: usize = 16;
/// How often it is told how a class stands.
const STATUS_EVERY: Duration = Duration::from_millis(500);
/// The largest message of a client, in bytes, unless `set max-message` asks for less. Class programs send up to 5,382 B, and
/// ten thousand clients may send at once.
const MESSAGE_MAX: usize = 1 << 20;

/// Accepts clients in the background until the class is closed.
pub fn start(class: Arc<Class>, listener: Listener, script: Arc<Script>, settings: Settings) {
    let settings = Settings { max_message: settings.max_message.min(MESSAGE_MAX), ..settings };
    tokio::spawn(report(class.clone()));
    tokio::spawn(async move {
        tokio::select! {
            () = class.closing() => {}
            () = accept(&class, listener, &script, settings) => {}
        }
    });
}

/// Tells how the class stands, when that has changed.
async fn report(class: Arc<Class>) {
    let mut told = class.status();
    let (mut messages, mut counted) = (told.messages, Instant::now());
    let mut ticks = tokio::time::interval(STATUS_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !class.is_closing() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = class.closing() => return,
        }
        let status = class.status();
        let rate = (status.messages - messages) as f64 / counted.elapsed().as_secs_f64().max(f64::EPSILON);
        (messages, counted) = (status.messages, Instant::now());
        let status = ClassStatus { rate: rate.round() as u64, ..status };
        if status != told {
            told = status;
            class.emit(What::ClassStatus { class: class.name.clone(), status, is_tick: true });
        } else {
            // Nothing new: what is not yet written out is.
            class.emit(What::Waiting);
        }
    }
}

async fn accept(class: &Arc<Class>, mut listener: Listener, script: &Arc<Script>, settings: Settings) {
    // Given up for a moment when descriptors run out, so that a client can be told and does not wait for ever.
    let mut reserve = UdpSocket::bind("127.0.0.1:0").ok();
    loop {
        match listener.accept().await {
            Ok(connection) => match class.refuses(connection.peer.ip()) {
                Some(why) => refuse(class, &connection, &settings, &why),
                None => sit(class, connection, script, settings).await,
            },
            Err(error) => {
                drop(reserve.take());
                // One after another in the one place that is free; each is closed at once.
                for _ in 0..TOLD_AT_ONCE {
                    let Ok(Ok(connection)) = tokio::time::timeout(Duration::ZERO, listener.accept()).await
                    else {
                        break;
                    };
                    refuse(class, &connection, &settings, &format!("class full: {error:#}"));
                }
                reserve = UdpSocket::bind("127.0.0.1:0").ok();
            }
        }
    }
}

/// Tells a client as a pickle why it cannot come in.
fn refuse(class: &Class, connection: &Connection, settings: &Settings, why: &str) {
    let told = Value::Dict([(Value::str("error"), Value::str(why))].into());
    let payload = crate::pickle::encode(&told, settings.protocol).unwrap_or_default();
    // The client may be gone already; that it was refused is counted in any case.
    let _ = connection.writer().offer(&frame(settings.framing, payload), MESSAGE_MAX);
    if let Some(refused) = class.refuse() {
        let were = if refused == 1 { "client was" } else { "clients were" };
        let message = format!("{refused} {were} turned away so far: {why}");
        class.emit(What::Warning { socket: Some(class.name.clone()), message, hint: None });
    }
}

async fn sit(class: &Arc<Class>, connection: Connection, script: &Arc<Script>, settings: Settings) {
    match class.next_seat().await {
        Ok(number) => {
            class.sit(number, connection.peer, connection.writer(), settings.framing);
            if let Some(conversation) = &class.conversation {
                let (socket, peer) = (format_compact!("seat{number}"), connection.peer);
                let listener = class.name.clone();
                let what = What::Accepted { socket, listener, peer, took: Duration::ZERO };
                conversation.keep(&Event { at: class.started.elapsed(), what });
            }
            let lab = Box::new(interpreter(class, connection, settings, number));
            tokio::spawn(seat(class.clone(), lab, script.clone(), number));
        }
        Err(why) => refuse(class, &connection, &settings, &format!("the journal cannot keep a seat: {why}")),
    }
}

/// Stands up in any case, also if the seat's task is ended in its middle.
struct Sitting {
    class: Arc<Class>,
    number: u64,
    reason: Option<String>,
}

impl Drop for Sitting {
    fn drop(&mut self) {
        self.class.leave(self.number, self.reason.as_deref().unwrap_or("the server dropped it"));
    }
}

/// The interpreter of one client.
fn interpreter(class: &Arc<Class>, connection: Connection, settings: Settings, number: u64) -> Lab {
    let mut lab = Lab::new(sink(class, number));
    lab.conversation = class.conversation.clone();
    lab.started = class.started;
    lab.settings = settings;
    lab.seat = Some((class.clone(), number));
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let facts = [
        ("seat", Value::Int(i64::try_from(number).unwrap_or(i64::MAX))),
        ("peer", Value::str(&connection.peer.to_string())),
        ("started", Value::Float(started)),
    ];
    for (name, value) in facts {
        // A new interpreter has no socket of that name that could be in the way.
        let _ = lab.bind_value(name, value);
    }
    lab.add_connection(Some(SEAT_SOCKET), connection);
    lab
}

/// One client from its seat to its leaving. What this future holds, ten thousand clients hold: whatever is large and
/// would lie in it twice, as an argument and as a variable, or is needed at the end only, stands in a box.
async fn seat(class: Arc<Class>, mut lab: Box<Lab>, script: Arc<Script>, number: u64) {
    let mut sitting = Sitting { class: class.clone(), number, reason: None };
    let ended = tokio::select! {
        biased;
        () = class.closing() => None,
        outcome = flow::run_items(&mut lab, &script) => {
            Some(outcome.map_err(|failure| {
                lab.emit(What::Failed(failure.clone()));
                brief(failure)
            }))
        }
    };
    let is_well = !matches!(ended, Some(Err(_)));
    sitting.reason = Some(match ended {
        None => "the class ended first".to_string(),
        Some(Ok(())) => "closed".to_string(),
        Some(Err(reason)) => reason,
    });
    if Box::pin(farewell(&mut lab, is_well)).await {
        keep_farewell(&lab);
    }
    if let Ok(link) = lab.link(SEAT_SOCKET) {
        let (sent, received) = (link.connection.writer().sent(), link.connection.received);
        lab.emit(What::Closed {
            socket: Name::const_new(SEAT_SOCKET),
            sent,
            received,
            dropped: 0,
            unsent: 0,
        });
    }
}

fn brief(mut failure: Failure) -> String {
    failure.brief.take().unwrap_or_else(|| failure.message.replace("`me` ", "").replace(" on `me`", ""))
}

/// A pickled None, as class programs know it, and a moment to leave: then nobody meets a reset or an end without a word.
/// Whether the None was sent.
async fn farewell(lab: &mut Lab, is_well: bool) -> bool {
    let settings = lab.settings;
    // Without a connection the script has closed it.
    let Ok(link) = lab.link(SEAT_SOCKET) else { return false };
    let connection = &mut link.connection;
    let is_there = match connection.end() {
        None => true,
        // It may have closed its half only, and wait for the rest of the conversation.
        Some(End::Closed) => is_well && !connection.is_broken(),
        Some(_) => false,
    };
    if !is_there || !connection.writer().can_write() {
        return false;
    }
    // The ack may have been sent just now.
    tokio::time::sleep(APART).await;
    let payload = crate::pickle::encode(&Value::None, settings.protocol).unwrap_or_default();
    let offered = connection.writer().offer(&frame(settings.framing, payload), MESSAGE_MAX);
    let leaves = async {
        // What it sends now goes nowhere; one that sends without end is not listened to.
        let mut heard = 0;
        while let Ok((bytes, None)) = connection.recv(HEARD_AT_ONCE).await {
            heard += bytes.len();
            if heard > MESSAGE_MAX {
                break;
            }
        }
    };
    // One that stays is closed all the same.
    let _ = tokio::time::timeout(FAREWELL, leaves).await;
    offered == Offer::Sent
}

/// Keeps the None that was sent with the conversation.
fn keep_farewell(lab: &Lab) {
    let (framing, protocol) = (lab.settings.framing, lab.settings.protocol);
    let bytes = frame(framing, crate::pickle::encode(&Value::None, protocol).unwrap_or_default());
    let message = Message {
        wire: lab.wire(&bytes, "pickle", framing),
        ..Message::given(Value::None, bytes.len(), "pickle", Some(protocol))
    };
    lab.emit(What::Sent { socket: Name::const_new(SEAT_SOCKET), message });
}

/// What a seat's interpreter tells: messages that nobody took, and warnings. The roster tells the rest.
fn sink(class: &Arc<Class>, number: u64) -> Sink {
    let class = class.clone();
    let name = format_compact!("seat{number}");
    Arc::new(move |event: Event| {
        if let Some(conversation) = &class.conversation {
            conversation.keep_of_seat(&event, &name);
        }
        tell(&class, number, event.what);
    })
}

fn tell(class: &Class, number: u64, what: What) {
    match what {
        What::Received { message, .. } if !message.expected => {
            class.emit(What::SeatMessage { class: class.name.clone(), seat: number, message });
        }
        What::Said(text) => class.emit(What::Said(format!("seat {number}: {text}"))),
        _ => {}
    }
}
