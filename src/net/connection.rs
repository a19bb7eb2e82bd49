//! A connection that owns its buffer: a wait that is cancelled loses no byte, in either direction.

use std::cell::RefCell;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::framing::{Found, Framer, Framing};
use super::writer::Writer;
use crate::platform::{self, Idle, TcpFacts};

/// An idle connection is probed after this long, so that a peer that is gone without a word is noticed within 5 seconds.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(4);
/// Unanswered probes are this far apart ...
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// ... and after this many the connection counts as dead: half a minute, enough for a laptop that changes its access point.
const KEEPALIVE_PROBES: u32 = 6;
/// The least room for one read, in bytes: one class message and more.
const READ_MIN: usize = 4096;
/// The most room for one read, in bytes: beyond this a larger read is not faster.
const READ_MAX: usize = 256 << 10;
/// An empty buffer larger than this is given back, so that ten thousand connections do not each keep their largest message.
const KEEP_MAX: usize = 64 << 10;

/// The most that is read only to be thrown away, in bytes: more than any kernel keeps, so a peer that never stops sending ends it.
const FORGET_MAX: usize = 64 << 20;

/// How long an eager connection waits in the kernel itself before it waits through the runtime. A peer on the same machine
/// answers within this, and the runtime's own sleeping and waking costs a quarter of such a round trip.
const EAGER: Duration = Duration::from_millis(1);

thread_local! {
    /// Room for one small read.
    static SMALL: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(READ_MIN));
}

/// How the peer's sending ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// FIN: the peer closed, or shut down its writing half.
    Closed,
    /// RST: the peer aborted the connection.
    Reset,
    /// The connection died without a word: keepalive had no answer.
    Dead,
}

/// Why no message came.
#[derive(Debug)]
pub enum StreamError {
    /// The stream ended; `partial` bytes of an unfinished message are still in the buffer, `wanted` is its least size.
    Ended {
        /// How.
        end: End,
        /// Bytes of the unfinished message.
        partial: usize,
        /// The least size that the unfinished message says it has.
        wanted: usize,
    },
    /// The bytes at the head of the buffer are no message.
    Corrupt {
        /// Offset of the wrong byte.
        at: usize,
        /// Why.
        why: String,
    },
    /// The message at the head of the buffer says it is larger than the limit.
    TooBig {
        /// The size it declares, in bytes.
        declared: u64,
    },
    /// This side has shut down its reading half.
    NotReading,
    /// Anything else that the kernel reports.
    Io(io::Error),
}

/// Where a whole message lies in the buffer.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    start: usize,
    end: usize,
    /// Bytes that it takes of the stream, its frame included.
    pub total: usize,
    /// How many reads brought its bytes.
    pub reads: u32,
}

/// A message whose first bytes were taken and that is not yet whole.
#[derive(Debug)]
struct Begun {
    framer: Framer,
    bytes: Vec<u8>,
}

/// An open TCP connection.
#[derive(Debug)]
pub struct Connection {
    stream: Arc<TcpStream>,
    writer: Writer,
    buffer: Vec<u8>,
    /// Offset of the first byte not yet taken by a step.
    head: usize,
    framer: Framer,
    /// Reads whose bytes the message at the head has.
    reads: u32,
    /// What `recv N` took of a message that is not yet whole.
    taken: Option<Box<Begun>>,
    end: Option<End>,
    /// Whether a read holds its thread for a moment before it waits through the runtime: for the few connections of a person or
    /// a script, which do one thing at a time, not for the thousands of a server.
    pub eager: bool,
    /// Whether this side still reads.
    pub can_read: bool,
    /// Bytes taken from the kernel.
    pub received: u64,
    /// The other end.
    pub peer: SocketAddr,
    /// This end.
    pub local: SocketAddr,
}

/// What every connection is: no delay, keepalive on.
///
/// The peer may have reset it by now. What it sent before that is still to be read, so this is no error here: the kernel no
/// longer knows the peer and may refuse options, and the first read tells the reset.
pub fn set_options(socket: SockRef<'_>) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
    #[cfg(not(target_os = "openbsd"))]
    let keepalive = keepalive.with_retries(KEEPALIVE_PROBES);
    let _ = socket.set_tcp_keepalive(&keepalive);
    let _ = socket.set_tcp_nodelay(true);
}

impl Connection {
    /// Takes over a connected stream that has its options (`set_options`) and the address of this end.
    pub fn new(stream: TcpStream, peer: SocketAddr, local: SocketAddr) -> Connection {
        let stream = Arc::new(stream);
        Connection {
            writer: Writer::new(stream.clone()),
            stream,
            buffer: Vec::new(),
            head: 0,
            framer: Framer::new(Framing::Pickle, super::MAX_MESSAGE_DEFAULT),
            reads: 0,
            taken: None,
            end: None,
            eager: false,
            can_read: true,
            received: 0,
            peer,
            local,
        }
    }

    /// Waits until a whole message is at the head of the buffer. It stays there until [`Connection::take`]. Cancel-safe.
    pub async fn message(&mut self, framing: Framing, max: usize) -> Result<Message, StreamError> {
        if !self.framer.is_for(framing, max) {
            self.framer = Framer::new(framing, max);
        }
        loop {
            let wanted = match self.framer.look(&self.buffer[self.head..]) {
                Found::Whole { start, end, total } => {
                    return Ok(Message { start, end, total, reads: self.reads });
                }
                Found::More(wanted) => wanted,
                Found::Corrupt { at, why } => return Err(StreamError::Corrupt { at, why }),
                Found::TooBig { declared, .. } => return Err(StreamError::TooBig { declared }),
            };
            let partial = self.buffer.len() - self.head;
            let room = wanted.saturating_sub(partial).clamp(READ_MIN, READ_MAX);
            if let Some(end) = self.read(room, None).await? {
                return Err(StreamError::Ended { end, partial, wanted });
            }
        }
    }

    /// The payload of a message that is at the head.
    pub fn payload(&self, message: &Message) -> &[u8] {
        &self.buffer[self.head + message.start..self.head + message.end]
    }

    /// All bytes of a message that is at the head, its frame included.
    pub fn bytes(&self, message: &Message) -> &[u8] {
        &self.buffer[self.head..self.head + message.total]
    }

    /// Bytes that were read and not yet taken by a step.
    pub fn buffered(&self) -> &[u8] {
        &self.buffer[self.head..]
    }

    /// Bytes that were read and not yet taken, and bytes that wait in the kernel, where it can tell.
    pub fn waiting(&self) -> (usize, Option<u64>) {
        (self.buffer.len() - self.head, platform::unread(&self.stream))
    }

    /// How many bytes of the stream have arrived here, read or not.
    pub fn arrived(&self) -> u64 {
        self.received + platform::unread(&self.stream).unwrap_or(0)
    }

    /// Throws away what arrived behind so many bytes of the stream and was not taken by a step; how many bytes that were.
    pub fn forget(&mut self, arrived: u64) -> usize {
        if platform::unread(&self.stream).is_some_and(|unread| self.received + unread <= arrived) {
            return 0;
        }
        let mut left = FORGET_MAX;
        // The end of the stream stays for a step to meet.
        while left > 0
            && self.can_read
            && let Ok(n @ 1..) = self.read_at_most(left.min(READ_MAX))
        {
            self.received += n as u64;
            self.reads += 1;
            left -= n;
        }
        let taken = self.received - self.buffered().len() as u64;
        let kept = usize::try_from(arrived.saturating_sub(taken)).unwrap_or(usize::MAX);
        let bytes = self.buffered().len().saturating_sub(kept);
        if kept == 0 {
            self.taken = None;
        }
        if bytes > 0 {
            self.buffer.truncate(self.head + kept);
            self.advance(0);
        }
        bytes
    }

    /// What the kernel knows of this connection, where it can tell.
    pub fn facts(&self) -> Option<TcpFacts> {
        platform::tcp_facts(&self.stream, self.local, self.peer)
    }

    /// How it stands with the peer's sending, found out without a read; `None`: not known here.
    pub fn look(&self) -> Option<Idle> {
        match self.end {
            Some(End::Closed) => Some(Idle::Ended),
            Some(End::Reset | End::Dead) => Some(Idle::Broken),
            // Reading that was shut down here looks to the kernel like an end.
            None if !self.can_read => None,
            None => platform::look(&self.stream),
        }
    }

    /// Whether the peer has reset the connection behind the end of its sending: it has closed both halves, and answered so to
    /// what was sent to it since. False where that is not known.
    pub fn is_broken(&self) -> bool {
        platform::look(&self.stream) == Some(Idle::Broken)
    }

    /// Takes a message off the stream.
    pub fn take(&mut self, message: &Message) {
        self.advance(message.total);
        self.taken = None;
    }

    /// Exactly one `recv(n)`: what is buffered first, as the kernel would give it, else one read of at most `n` bytes.
    /// An empty answer is the end of the stream.
    pub async fn recv(&mut self, n: usize) -> Result<(Vec<u8>, Option<End>), StreamError> {
        if self.buffer.len() == self.head
            && let Some(end) = self.read(0, Some(n)).await?
        {
            return Ok((Vec::new(), Some(end)));
        }
        let n = n.min(self.buffer.len() - self.head);
        let bytes = self.buffer[self.head..self.head + n].to_vec();
        self.advance(n);
        Ok((bytes, None))
    }

    /// Says what `bytes`, just taken by `recv N`, are of the message they belong to: how many whole messages, where in an
    /// unfinished one they began, and how far it has come.
    pub fn place_of(&mut self, bytes: &[u8], framing: Framing, max: usize) -> Taken {
        let begun = self.taken.take().filter(|begun| begun.framer.is_for(framing, max));
        let mut begun =
            begun.unwrap_or_else(|| Box::new(Begun { framer: Framer::new(framing, max), bytes: Vec::new() }));
        let began_at = begun.bytes.len();
        begun.bytes.extend_from_slice(bytes);
        let mut whole = Vec::new();
        loop {
            let rest = begun.bytes.len();
            let taken = Taken { began_at, whole, rest, is_message: true, size: Size::AtLeast(rest) };
            if rest == 0 {
                return taken;
            }
            match begun.framer.look(&begun.bytes) {
                Found::Whole { total, .. } => {
                    whole = taken.whole;
                    whole.push(total);
                    begun.bytes.drain(..total);
                    begun.framer = Framer::new(framing, max);
                }
                Found::More(least) => {
                    let is_said = begun.framer.says_size(&begun.bytes);
                    let size = if is_said { Size::Exact(least) } else { Size::AtLeast(least) };
                    self.taken = Some(begun);
                    return Taken { size, ..taken };
                }
                Found::Corrupt { .. } | Found::TooBig { .. } => {
                    return Taken { is_message: false, ..taken };
                }
            }
        }
    }

    /// How many bytes of an unfinished message `recv N` took: the rest of the stream begins in its middle.
    pub fn taken_of_message(&self) -> usize {
        self.taken.as_ref().map_or(0, |taken| taken.bytes.len())
    }

    /// Waits until at least one byte or the end of the stream is there. Cancel-safe; takes nothing.
    pub async fn anything(&mut self) -> Result<Option<End>, StreamError> {
        if self.buffer.len() > self.head { Ok(None) } else { self.read(READ_MIN, None).await }
    }

    /// One read into the buffer, of `limit` bytes at most if there is one; the end of the stream is remembered.
    /// Cancel-safe: nothing is awaited once bytes were read.
    async fn read(&mut self, room: usize, limit: Option<usize>) -> Result<Option<End>, StreamError> {
        if !self.can_read {
            return Err(StreamError::NotReading);
        }
        if self.end.is_some() {
            return Ok(self.end);
        }
        self.give_back();
        if self.eager {
            platform::wait_readable(&self.stream, EAGER);
        }
        let end = loop {
            let read = match limit {
                None if room <= READ_MIN => self.read_small(),
                None => {
                    self.buffer.reserve(room);
                    self.stream.try_read_buf(&mut self.buffer)
                }
                Some(limit) => self.read_at_most(limit),
            };
            match read {
                Ok(0) => break End::Closed,
                Ok(n) => {
                    self.received += n as u64;
                    self.reads += 1;
                    return Ok(None);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => {
                        if self.buffer.is_empty() && !self.eager {
                            self.buffer = Vec::new();
                        }
                        self.stream.readable().await.map_err(StreamError::Io)?;
                    }
                    io::ErrorKind::ConnectionReset => break End::Reset,
                    io::ErrorKind::TimedOut => break End::Dead,
                    _ => return Err(StreamError::Io(error)),
                },
            }
        };
        self.end = Some(end);
        Ok(Some(end))
    }

    /// Through room that all connections share, so that what is kept is as large as what came.
    fn read_small(&mut self) -> io::Result<usize> {
        SMALL.with_borrow_mut(|bytes| {
            bytes.clear();
            let read = self.stream.try_read_buf(bytes)?;
            self.buffer.extend_from_slice(bytes);
            Ok(read)
        })
    }

    fn read_at_most(&mut self, limit: usize) -> io::Result<usize> {
        let before = self.buffer.len();
        self.buffer.resize(before + limit, 0);
        let read = self.stream.try_read(&mut self.buffer[before..]);
        self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Room that bytes had which were taken.
    fn give_back(&mut self) {
        if self.head > 0 && (self.head == self.buffer.len() || self.head >= self.buffer.len() / 2) {
            self.buffer.drain(..self.head);
            self.head = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > KEEP_MAX {
            self.buffer = Vec::new();
        }
    }

    fn advance(&mut self, n: usize) {
        self.head += n;
        if self.head == self.buffer.len() {
            self.buffer.clear();
            if !self.eager {
                // What a step of a server waits for next may be a timer or a disk, and ten thousand wait for it.
                self.buffer = Vec::new();
            }
            self.head = 0;
            self.reads = 0;
        } else {
            // What is left came with the last read, unless a step left whole messages behind; either way one read brought it here.
            self.reads = 1;
        }
        let (framing, max) = (self.framer.framing(), self.framer.max());
        self.framer = Framer::new(framing, max);
    }

    #[cfg(test)]
    pub(super) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&*self.stream)
    }

    /// The sending half, for others to hold.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// How the peer's sending ended, if a read has met it.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Half-close. Shutting down the writing half sends FIN; shutting down the reading half tells the peer nothing.
    pub fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        self.writer.shutdown(how)?;
        self.can_read &= how == Shutdown::Write;
        Ok(())
    }

    /// Aborts: the peer gets RST instead of FIN.
    pub fn reset(self) -> io::Result<()> {
        self.writer.abort_on_close()
    }
}

/// What the bytes of one `recv N` were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many bytes of the message had been taken before.
    pub began_at: usize,
    /// Sizes of the messages that ended within these bytes.
    pub whole: Vec<usize>,
    /// Bytes of a message that is not yet whole.
    pub rest: usize,
    /// Whether the bytes can be told apart as messages at all.
    pub is_message: bool,
    /// The size of the message that is not yet whole.
    pub size: Size,
}

/// How large a message is that is not yet whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A length says it.
    Exact(usize),
    /// Its end is where its own bytes say so; this is the least that it can be.
    AtLeast(usize),
}
