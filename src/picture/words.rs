//! The words of a picture: short, since they stand beside lanes.

use super::stream::Taken;
use crate::event::{Dispatch, Failure};
use crate::lab::shown_duration;
use crate::net;
use crate::pattern::count;
use crate::sequence::Travels;
use crate::value::escape;

/// How much of a text that is no value a mark shows, in characters.
pub const TEXT_MAX: usize = 200;

/// How many of a message's writes are shown with their sizes.
const SHOWN_WRITES: usize = 6;

/// How the end that another program sent is called.
pub fn goes(kind: Travels) -> &'static str {
    if kind == Travels::Fin { "end of stream (FIN)" } else { "reset (RST)" }
}

/// Bytes that a close leaves behind; empty if there are none.
pub fn lost(unsent: usize, unread: usize) -> String {
    let part =
        |bytes: usize, how: &str| if bytes > 0 { format!(", {bytes} B never {how}") } else { String::new() };
    part(unsent, "sent") + &part(unread, "read")
}

/// How an end is seen.
pub fn seen(how: net::End) -> &'static str {
    match how {
        net::End::Closed => "end of stream",
        net::End::Reset => "reset",
        net::End::Dead => "the peer no longer answers",
    }
}

/// `bytes 0 to 9 of (1)`, `all of (2)`, `(3) and part of (4)`.
pub fn of(taken: &[Taken]) -> String {
    if let [part] = taken {
        let Taken { number, from, to, .. } = *part;
        return match to - from {
            _ if part.is_whole() => format!("all of ({number})"),
            1 => format!("byte {from} of ({number})"),
            _ => format!("bytes {from} to {} of ({number})", to.max(1) - 1),
        };
    }
    let one = |part: &Taken| {
        let much = if part.is_whole() { "" } else { "part of " };
        format!("{much}({})", part.number)
    };
    taken.iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// A failure in a few words, without the socket's name, which its lane says.
pub fn short(failure: &Failure) -> String {
    let said = failure.brief.clone().unwrap_or_else(|| {
        let name = failure.socket.as_deref().unwrap_or_default();
        failure.message.replace(&format!(" on `{name}`"), "").replace(&format!("`{name}` "), "")
    });
    text(&said)
}

/// Text from a script or a peer, cut and escaped.
pub fn text(text: &str) -> String {
    let cut: String = text.chars().take(TEXT_MAX).collect();
    escape(&cut).into_owned()
}

/// How a message went out: late, with others, in pieces, or only its first bytes.
pub fn went_out(dispatch: &Dispatch) -> String {
    let Dispatch { messages, writes, gap, after, whole } = dispatch;
    let mut text = String::new();
    if !after.is_zero() {
        text += &format!("after {}, ", shown_duration(*after));
    }
    let sent: usize = writes.iter().sum();
    text += &match (messages, whole) {
        (1, None) => String::new(),
        (1, Some(whole)) => format!("the first {sent} of {whole} B "),
        (several, None) => format!("{several} messages "),
        (several, Some(whole)) => format!("the first {sent} of the {whole} B of {several} messages "),
    };
    text += &format!("in {}", count(writes.len() as u64, "write"));
    let evenly = writes.split_last().filter(|(last, all)| {
        all.len() > 1 && all.windows(2).all(|two| two[0] == two[1]) && **last <= all[0]
    });
    if let Some((last, all)) = evenly {
        text += &format!(" of {} B", all[0]);
        if *last < all[0] {
            text += &format!(", the last of {last} B");
        }
        if !gap.is_zero() {
            text += &format!(", {} apart", shown_duration(*gap));
        }
    } else if writes.len() > 1 {
        let between = if gap.is_zero() { ", ".to_string() } else { format!(", {}, ", shown_duration(*gap)) };
        let sizes: Vec<String> = writes.iter().take(SHOWN_WRITES).map(|bytes| format!("{bytes} B")).collect();
        let more = if writes.len() > SHOWN_WRITES { ", ..." } else { "" };
        text += &format!(": {}{more}", sizes.join(&between));
    }
    if whole.is_some() {
        text += "; the rest was never sent";
    }
    text
}
