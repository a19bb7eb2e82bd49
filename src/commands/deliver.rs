//! How a message goes out: in pieces, cut short, late; and bytes that are no message at all.

use std::ops::Range;
use std::pin::pin;
use std::time::Duration;

use smallvec::smallvec;

use crate::command::{Delivery, Few, Span, Split, whole_number};
use crate::event::{Dispatch, Failure, Message};
use crate::lab::{Lab, Limit};
use crate::net::{self, Framing, Send, Writer};

use super::message::Outgoing;

/// The most pieces that a message is cut into: a message of 5,382 B, the largest of the class, goes byte by byte.
const PIECES_MAX: usize = 10_000;

/// What `split`, `gap`, `truncate` and `after` make of some bytes.
pub struct Plan {
    /// The pieces, in order; what is behind the last one never goes out.
    pub pieces: Few<Range<usize>>,
    /// How long to wait between two pieces.
    pub gap: Duration,
    /// How long to wait before the first.
    pub after: Duration,
}

impl Plan {
    /// The plan for `total` bytes.
    pub fn new(lab: &Lab, delivery: &Delivery, total: usize) -> Result<Plan, Failure> {
        let number = |expr| -> Result<usize, Failure> { whole_number(&lab.eval(expr)?) };
        let mut end = total;
        if let Some((bytes, span)) = &delivery.truncate {
            end = number(bytes)?;
            if !(1..total).contains(&end) {
                return Err(beyond(&format!("leave the first {end} B"), total, *span));
            }
        }
        let mut cuts: Few<usize> = smallvec![0];
        if let Some((split, span)) = &delivery.split {
            let places = match split {
                Split::At(places) => places.iter().map(number).collect::<Result<_, _>>()?,
                Split::Every(size) => every(number(size)?, end, *span)?,
            };
            for place in places {
                if !(1..end).contains(&place) {
                    return Err(beyond(&format!("cut at byte {place}"), end, *span));
                }
                if cuts.last().is_some_and(|last| place <= *last) {
                    let failure = Failure::script(format!(
                        "`split` cuts at byte {place} after a later or the same one"
                    ));
                    let hint = "the places count from the message's start: `split 3,10`";
                    return Err(failure.hint(hint).at(span.0, span.1));
                }
                cuts.push(place);
            }
        }
        let ends = cuts.iter().skip(1).copied().chain([end]);
        let pieces = cuts.iter().copied().zip(ends).map(|(from, to)| from..to).collect();
        Ok(Plan { pieces, gap: delivery.gap.unwrap_or_default(), after: delivery.after.unwrap_or_default() })
    }

    /// How many bytes go out.
    pub fn end(&self) -> usize {
        self.pieces.last().map_or(0, |last| last.end)
    }

    /// Whether this is what every message does: all at once.
    pub fn is_plain(&self, total: usize) -> bool {
        self.pieces.len() == 1 && self.end() == total && self.after.is_zero()
    }
}

/// The places that cut `end` bytes into pieces of `size`.
fn every(size: usize, end: usize, span: Span) -> Result<Vec<usize>, Failure> {
    if !(1..end).contains(&size) {
        return Err(beyond(&format!("cut into pieces of {size} B"), end, span));
    }
    let places: Vec<usize> = (size..end).step_by(size).take(PIECES_MAX).collect();
    if places.len() == PIECES_MAX {
        let failure =
            Failure::script(format!("`split every {size}` makes more than {PIECES_MAX} pieces of {end} B"));
        return Err(failure.hint("take larger pieces").at(span.0, span.1));
    }
    Ok(places)
}

fn beyond(what: &str, bytes: usize, span: Span) -> Failure {
    let there_are = if bytes == 1 { "there is" } else { "there are" };
    let failure = Failure::script(format!("cannot {what}: {there_are} {bytes} B to send"));
    let hint = match bytes {
        0 | 1 => "so few cannot be cut".to_string(),
        2 => "only 1 can stand here".to_string(),
        bytes => format!("1 to {} can stand here", bytes - 1),
    };
    failure.hint(hint).at(span.0, span.1)
}

/// The messages with the places that each ends at, and all their bytes.
pub fn framed(messages: Few<Outgoing>, framing: Framing) -> (Few<(Outgoing, usize)>, Vec<u8>) {
    let mut bytes = Vec::new();
    let framed = messages.into_iter().map(|mut message| {
        let mut framed = net::frame(framing, std::mem::take(&mut message.payload));
        if bytes.is_empty() {
            bytes = framed;
        } else {
            bytes.append(&mut framed);
        }
        (message, bytes.len())
    });
    (framed.collect(), bytes)
}

/// What is told of messages that went out; of one that was cut short its first bytes, of one behind it nothing.
pub fn told(
    lab: &Lab,
    messages: Few<(Outgoing, usize)>,
    framing: Framing,
    bytes: &[u8],
    plan: &Plan,
) -> Few<Message> {
    let together = messages.len();
    let mut start = 0;
    let mut told = Few::new();
    for (message, end) in messages {
        let sent = end.min(plan.end());
        if start == sent && sent < end {
            break;
        }
        let wire = lab.wire(&bytes[start..sent], message.codec, framing);
        let given = Message::given(message.value, sent - start, message.codec, message.protocol);
        told.push(Message { wire, ..given });
        start = sent;
    }
    if let Some(last) = told.last_mut() {
        last.dispatch = (together > 1 || !plan.is_plain(bytes.len())).then(|| {
            Box::new(Dispatch {
                messages: together,
                writes: plan.pieces.iter().map(ExactSizeIterator::len).collect(),
                gap: plan.gap,
                after: plan.after,
                whole: (plan.end() < bytes.len()).then_some(bytes.len()),
            })
        });
    }
    told
}

/// What a sending that is under way waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// `after`: nothing went out yet.
    Before,
    /// `gap`.
    Between,
    /// The kernel's buffer is full.
    ForKernel,
}

/// Pieces on their way. Where it is dropped before the end, by Ctrl-C or because time is up, a message that was begun is
/// queued to its end and the next `send` takes it along, so the stream stays whole; one that was not begun is forgotten.
pub struct Sending<'a> {
    writer: &'a Writer,
    bytes: &'a [u8],
    given: usize,
    /// What it waits for now.
    pub waits: Waits,
}

impl<'a> Sending<'a> {
    /// Nothing of `bytes` is sent yet.
    pub fn new(writer: &'a Writer, bytes: &'a [u8]) -> Sending<'a> {
        Sending { writer, bytes, given: 0, waits: Waits::Before }
    }

    /// Sends the pieces; a limit that was asked for bounds all of it, the option `timeout` only each wait for the kernel: a wait
    /// that was asked for is none that it is there for. `None`: time is up.
    pub async fn within(&mut self, plan: &Plan, limit: Limit, is_asked: bool) -> Option<Send> {
        if !is_asked {
            return self.run(plan, limit).await;
        }
        // In a box, because few steps have it and all would be larger by it.
        let run = self.run(plan, Limit { duration: None, ..limit });
        limit.wait(Box::pin(run)).await.flatten()
    }

    /// Sends the pieces; `limit` bounds how long each may wait for the kernel. `None`: time is up.
    async fn run(&mut self, plan: &Plan, limit: Limit) -> Option<Send> {
        if !plan.after.is_zero() {
            tokio::time::sleep(plan.after).await;
        }
        for piece in &plan.pieces {
            if piece.start > 0 {
                self.waits = Waits::Between;
                // Without a gap it is still a write of its own.
                tokio::time::sleep(plan.gap).await;
            }
            self.waits = Waits::ForKernel;
            self.given = piece.end;
            let sent = limit.wait(pin!(self.writer.send(&self.bytes[piece.clone()]))).await?;
            if let Send::Broken(_) = sent {
                self.given = self.bytes.len();
                return Some(sent);
            }
        }
        Some(Send::All)
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if self.given > 0 {
            self.writer.keep(&self.bytes[self.given..]);
        }
    }
}

/// Bytes that are no message, the same ones for the same seed: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014; the constants are those of Vigna's splitmix64.c), each number little-endian.
pub fn garbage(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// What a step says whose time was up before all was sent.
pub fn not_in_time(name: &str, waits: Waits, sent: (u64, u64), after: Duration, limit: Limit) -> Failure {
    let limit = limit.shown();
    let (given, all) = sent;
    match waits {
        Waits::Before => {
            let after = crate::lab::shown_duration(after);
            Failure::network(format!(
                "nothing was sent on `{name}` within {limit}: it was to wait {after} first"
            ))
            .hint("`within` bounds the whole step, its `after` and `gap` too")
        }
        Waits::Between => {
            Failure::network(format!("`{name}` sent {given} of {all} B within {limit}: a `gap` was not over"))
                .hint("`within` bounds the whole step; the rest goes out before the next `send` on it")
        }
        Waits::ForKernel => Failure::network(format!(
            "`{name}` sent {given} of {all} B within {limit}: its peer does not read"
        ))
        .hint("the rest goes out before the next `send` on it; `reset` gives up"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_splitmix64s() {
        // The first two numbers for the seed 1234567, as published with the generator.
        let wanted = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973];
        assert_eq!(garbage(16, 1_234_567), wanted.map(u64::to_le_bytes).concat());
        assert_eq!(garbage(3, 1_234_567), wanted[0].to_le_bytes()[..3]);
        assert!(garbage(0, 7).is_empty());
    }
}
