//! Sockets: bytes, message boundaries and reasons. Nothing here knows of values, names or the screen.

/// What stands where a kernel cannot tell.
pub const NOT_KNOWN: &str = "not known here";

mod address;
mod connection;
mod framing;
mod listener;
mod writer;

pub use crate::platform::{Idle, TcpFacts, reason};
pub use address::{connect, resolve, split_address};
pub use connection::{Connection, End, Message, Size, StreamError, Taken};
pub use framing::{Framing, MAX_MESSAGE_DEFAULT, frame};
pub use listener::{BACKLOG, Listener};
pub use writer::{Offer, Send, WeakWriter, Writer};
