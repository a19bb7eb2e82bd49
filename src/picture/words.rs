//! The words of a picture: short, since they stand beside lanes.

use super::stream::Taken;
use crate::event::Failure;
use crate::net;
use crate::sequence::Travels;
use crate::value::escape;

/// How much of a text that is no value a mark shows, in characters.
pub const TEXT_MAX: usize = 200;

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
        failure.message.replace(&format!("`{name}` "), "").replace(&format!(" on `{name}`"), "")
    });
    text(&said)
}

/// Text from a script or a peer, cut and escaped.
pub fn text(text: &str) -> String {
    let cut: String = text.chars().take(TEXT_MAX).collect();
    escape(&cut).into_owned()
}
