//! Sockets: bytes, message boundaries and reasons. Nothing here knows of values, names or the screen.

mod address;
mod connection;
mod framing;
mod listener;
mod writer;

pub use crate::platform::reason;
pub use address::{connect, resolve, split_address};
pub use connection::{Connection, End, Message, StreamError, Taken};
pub use framing::{Framing, MAX_MESSAGE_DEFAULT, frame};
pub use listener::{BACKLOG, Listener};
pub use writer::{Offer, Send, WeakWriter, Writer};
