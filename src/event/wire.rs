//! The bytes of a message as they were on the wire, and how much of a long one is kept.

use std::sync::Arc;

use crate::net::Framing;
use crate::value::Value;

/// Bytes as they were on the wire, frame included, to be looked at later.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    /// The bytes; of a very long message the first ones only.
    pub bytes: Arc<[u8]>,
    /// How many there were.
    pub total: usize,
    /// How their value is written: `pickle`, `json`, `text`, `hex`, `file`.
    pub codec: &'static str,
    /// What tells them apart from the next message.
    pub framing: Framing,
    /// How the value begins, as Python prints it, where not all of the bytes are here to read it from.
    pub head: Option<Arc<str>>,
}

/// How many characters of a value's beginning are kept where its bytes are not: as many as a picture's page shows.
const HEAD_MAX: usize = 2_000;

impl Wire {
    /// Whether not all bytes were kept.
    pub fn is_cut(&self) -> bool {
        self.total > self.bytes.len()
    }

    /// The same with the value's beginning, if its bytes cannot tell it any more.
    pub fn headed(self, value: &Value) -> Wire {
        if !self.is_cut() || self.head.is_some() {
            return self;
        }
        let (text, is_short) = value.repr_cut(HEAD_MAX);
        Wire { head: Some(if is_short { text + "..." } else { text }.into()), ..self }
    }

    /// `lab2sh kept only the first 1 MiB of 5002790 B`, if it did.
    pub fn says_kept(&self) -> Option<String> {
        const MIB: usize = 1 << 20;
        let kept = match self.bytes.len() {
            bytes if bytes > 0 && bytes % MIB == 0 => format!("{} MiB", bytes / MIB),
            bytes => format!("{bytes} B"),
        };
        self.is_cut().then(|| format!("lab2sh kept only the first {kept} of {} B", self.total))
    }
}
