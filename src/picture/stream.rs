//! Which read took which message: what one end sent, in order, beside what the other end reads.

use std::collections::VecDeque;
use std::sync::Arc;

/// What one end of a connection has sent and the other has not yet read.
#[derive(Debug, Default)]
pub struct Stream {
    /// Bytes that were sent before anything that is known of, and not read.
    before: u64,
    unread: VecDeque<Unread>,
}

/// A message, or what is left of it.
#[derive(Debug)]
pub struct Unread {
    /// The row of its arrow.
    pub row: usize,
    /// Its number.
    pub number: usize,
    /// Its bytes; of a very long message the first ones only.
    bytes: Arc<[u8]>,
    /// How many there were.
    pub total: usize,
    /// How many of them were read.
    pub read: usize,
}

/// What a read took of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The row of the message's arrow.
    pub row: usize,
    /// Its number.
    pub number: usize,
    /// The first byte of the message that the read took.
    pub from: usize,
    /// The byte behind the last one.
    pub to: usize,
    /// How many bytes the message has.
    pub total: usize,
}

impl Stream {
    /// Bytes were sent.
    pub fn send(&mut self, row: usize, number: usize, bytes: Arc<[u8]>, total: usize) {
        self.unread.push_back(Unread { row, number, bytes, total, read: 0 });
    }

    /// So many bytes were sent, and not read, before anything that is known of.
    pub fn begins_with(&mut self, bytes: u64) {
        self.before = bytes;
    }

    /// Whether a read of so many bytes takes only such; they are taken.
    pub fn is_older(&mut self, bytes: u64) -> bool {
        let is_older = bytes > 0 && self.before >= bytes;
        self.before -= if is_older { bytes } else { self.before };
        is_older
    }

    /// Bytes were read: what they are of what was sent. Not everything that is sent is known (a broadcast goes to many at
    /// once, entries are dropped), so the bytes themselves decide; empty where they were never seen being sent.
    pub fn read(&mut self, bytes: &[u8], total: usize) -> Vec<Taken> {
        let Some(first) = self.unread.iter().position(|unread| unread.begins(bytes)) else {
            return Vec::new();
        };
        // A stream keeps its order: what was sent before was read before, unseen.
        self.unread.drain(..first);
        let (mut taken, mut done) = (Vec::new(), 0);
        while done < total
            && let Some(unread) = self.unread.front_mut()
        {
            if !unread.begins(bytes.get(done..).unwrap_or_default()) {
                break;
            }
            let (from, count) = (unread.read, (unread.total - unread.read).min(total - done));
            unread.read += count;
            done += count;
            let Unread { row, number, total, read, .. } = *unread;
            taken.push(Taken { row, number, from, to: from + count, total });
            if read == total {
                self.unread.pop_front();
            } else if count == 0 {
                break;
            }
        }
        taken
    }

    /// The last bytes that were sent were thrown away unread: the messages that are gone.
    pub fn forget(&mut self, mut bytes: usize) -> Vec<Unread> {
        let mut gone = Vec::new();
        while let Some(left) = self.unread.back().map(|last| last.total - last.read)
            && left <= bytes
        {
            bytes -= left;
            gone.extend(self.unread.pop_back());
        }
        gone
    }

    /// What was not read, or not all of it.
    pub fn rest(&mut self) -> impl Iterator<Item = Unread> + '_ {
        self.unread.drain(..)
    }
}

impl Unread {
    /// Whether these bytes go on where the last read stopped, as far as both are known.
    fn begins(&self, bytes: &[u8]) -> bool {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        let both = rest.len().min(bytes.len());
        rest[..both] == bytes[..both]
    }
}

impl Taken {
    /// Whether the read took the whole message.
    pub fn is_whole(&self) -> bool {
        self.from == 0 && self.to == self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(sent: &[&[u8]]) -> Stream {
        let mut stream = Stream::default();
        for (row, bytes) in sent.iter().enumerate() {
            stream.send(row, row + 1, (*bytes).into(), bytes.len());
        }
        stream
    }

    fn read(stream: &mut Stream, bytes: &[u8]) -> Vec<(usize, usize, usize)> {
        stream
            .read(bytes, bytes.len())
            .into_iter()
            .map(|taken| (taken.number, taken.from, taken.to))
            .collect()
    }

    #[test]
    fn reads_cut_messages_anywhere() {
        let mut stream = stream(&[b"abcde", b"fg", b"hi"]);
        assert_eq!(read(&mut stream, b"abc"), [(1, 0, 3)]);
        assert_eq!(read(&mut stream, b"defgh"), [(1, 3, 5), (2, 0, 2), (3, 0, 1)]);
        assert_eq!(stream.rest().map(|unread| unread.number).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn what_was_never_seen_being_sent_takes_nothing() {
        let mut stream = stream(&[b"one", b"two"]);
        assert_eq!(read(&mut stream, b"broadcast"), []);
        assert_eq!(read(&mut stream, b"two"), [(2, 0, 3)]);
        assert_eq!(read(&mut stream, b"one"), []);
    }

    #[test]
    fn nothing_is_read_of_nothing() {
        assert_eq!(read(&mut stream(&[]), b"x"), []);
        assert_eq!(read(&mut stream(&[b"", b"x"]), b"x"), [(1, 0, 0), (2, 0, 1)]);
    }
}
