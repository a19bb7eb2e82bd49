//! The sending half of a connection, which others may hold too: what is queued goes out in order, and a cancelled send loses nothing.

use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;

/// What became of a send.
#[derive(Debug)]
pub enum Send {
    /// All of it was given to the kernel.
    All,
    /// The peer has closed, reset or died, or this side has shut down its writing half.
    Broken(io::Error),
}

/// What became of bytes that were offered without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The kernel has all of it.
    Sent,
    /// Some of it is queued: somebody has to [`Writer::drain`].
    Queued,
    /// More bytes would wait than are allowed: the peer does not read.
    Full,
    /// The connection cannot send any more.
    Broken,
}

/// The sending half.
#[derive(Clone, Debug)]
pub struct Writer {
    stream: Arc<TcpStream>,
    queue: Arc<Mutex<Queue>>,
}

/// A sending half that does not keep the connection open.
#[derive(Clone, Debug)]
pub struct WeakWriter {
    stream: Weak<TcpStream>,
    queue: Arc<Mutex<Queue>>,
}

impl WeakWriter {
    /// The sending half, while the connection is open.
    pub fn upgrade(&self) -> Option<Writer> {
        Some(Writer { stream: self.stream.upgrade()?, queue: self.queue.clone() })
    }
}

#[derive(Debug, Default)]
struct Queue {
    unsent: Vec<u8>,
    sent: u64,
    is_shut: bool,
}

impl Writer {
    /// The sending half of a stream.
    pub fn new(stream: Arc<TcpStream>) -> Writer {
        Writer { stream, queue: Arc::default() }
    }

    /// A handle that does not keep the connection open.
    pub fn downgrade(&self) -> WeakWriter {
        WeakWriter { stream: Arc::downgrade(&self.stream), queue: self.queue.clone() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues bytes and waits until the kernel has all that is queued. If the wait is cancelled the rest stays queued, and
    /// the next send takes it along, so the stream stays whole.
    pub async fn send(&self, bytes: &[u8]) -> Send {
        let pushed = {
            let mut queue = self.queue();
            if queue.is_shut {
                let why = "the writing half was shut down here";
                return Send::Broken(io::Error::new(io::ErrorKind::NotConnected, why));
            }
            self.push(&mut queue, bytes)
        };
        match pushed {
            Ok(true) => Send::All,
            Ok(false) => self.drain().await,
            Err(error) => Send::Broken(error),
        }
    }

    /// Queues bytes for the next send to take along.
    pub fn keep(&self, bytes: &[u8]) {
        self.queue().unsent.extend_from_slice(bytes);
    }

    /// Waits until the kernel has all that is queued.
    pub async fn drain(&self) -> Send {
        loop {
            let pushed = self.push(&mut self.queue(), &[]);
            match pushed {
                Ok(true) => return Send::All,
                Ok(false) => {
                    if let Err(error) = self.stream.writable().await {
                        return Send::Broken(error);
                    }
                }
                Err(error) => return Send::Broken(error),
            }
        }
    }

    /// Sends without waiting; at most `most` bytes may be left queued.
    pub fn offer(&self, bytes: &[u8], most: usize) -> Offer {
        let mut queue = self.queue();
        if queue.is_shut {
            return Offer::Broken;
        }
        if queue.unsent.len() + bytes.len() > most {
            return Offer::Full;
        }
        match self.push(&mut queue, bytes) {
            Ok(true) => Offer::Sent,
            Ok(false) => Offer::Queued,
            Err(_) => Offer::Broken,
        }
    }

    /// Gives the kernel what it takes now of what is queued and of `bytes` behind that, and queues the rest of them; whether
    /// that was all. Where nothing is queued they go straight to the kernel: most messages are never queued.
    fn push(&self, queue: &mut Queue, bytes: &[u8]) -> io::Result<bool> {
        let Queue { unsent, sent, .. } = queue;
        if !unsent.is_empty() {
            unsent.extend_from_slice(bytes);
        }
        let going = if unsent.is_empty() { bytes } else { &unsent[..] };
        let mut gone = 0;
        let outcome = loop {
            if gone == going.len() {
                break Ok(true);
            }
            match self.stream.try_write(&going[gone..]) {
                Ok(n) => {
                    gone += n;
                    *sent += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        match outcome {
            Ok(false) if unsent.is_empty() => unsent.extend_from_slice(&bytes[gone..]),
            Ok(false) => drop(unsent.drain(..gone)),
            // What a broken connection was to send will never go out.
            Ok(true) | Err(_) => *unsent = Vec::new(),
        }
        outcome
    }

    /// Bytes that are queued.
    pub fn unsent(&self) -> usize {
        self.queue().unsent.len()
    }

    /// Bytes given to the kernel.
    pub fn sent(&self) -> u64 {
        self.queue().sent
    }

    /// Whether this side may still send.
    pub fn can_write(&self) -> bool {
        !self.queue().is_shut
    }

    /// Half-close: shutting down the writing half sends FIN, the reading half tells the peer nothing.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        SockRef::from(&*self.stream).shutdown(how)?;
        self.queue().is_shut |= how != Shutdown::Read;
        Ok(())
    }

    /// Makes the close that follows an abort: the peer gets RST instead of FIN.
    pub fn abort_on_close(&self) -> io::Result<()> {
        SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO))
    }
}
