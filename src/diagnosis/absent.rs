//! Signatures of what did not happen: a message that is not answered, a server that is not there, an end that does not come.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Role, Seen};

/// From here on a system chooses ports by itself (Linux; elsewhere from 49152 on, RFC 6335).
const CHOSEN_FROM: u16 = 32_768;

pub fn it_waits_for_input(seen: &Seen) -> Option<String> {
    let question = seen.asks.as_ref().filter(|_| seen.waited_in_vain() || is_refused(seen))?;
    let what = if question.is_empty() {
        "for its input".to_string()
    } else {
        format!("for an answer to `{question}`")
    };
    Some(format!(
        "{} waits {what}, and nobody types any: `@NAME type TEXT` does; a program that is checked takes its values from variables \
         or arguments",
        seen.who
    ))
}

pub fn the_second_message_was_dropped(seen: &Seen) -> Option<String> {
    let took_one = seen.together && seen.spoke && !seen.closed;
    (seen.is_spawned && took_one && seen.ended.is_none() && seen.waited_in_vain()).then(|| {
        "two messages came in one recv and yours dropped the second: `pickle.loads` reads the first and forgets the rest; \
         `pickle.load(sock.makefile('rb'))` reads one after the other"
            .to_string()
    })
}

pub fn it_goes_on_after_the_end(seen: &Seen) -> Option<String> {
    let went_on = seen.ended.as_ref().is_none_or(|ended| ended.why.is_some());
    (seen.is_spawned && seen.closed && went_on && seen.waited_in_vain() && seen.role != Role::Server).then(|| {
        "the connection was closed and your program goes on: recv gives b'' from then on, and an `except: pass` around it hides \
         the error that says so; leave the loop on `if not data: break`"
            .to_string()
    })
}

pub fn the_second_client_is_not_served(seen: &Seen) -> Option<String> {
    (seen.is_spawned && seen.is_second && seen.ended.is_none() && seen.waited_in_vain()).then(|| {
        "your server serves one client only: this one is connected, because the system took it into the queue, but nobody \
         accepted it; call `accept` in a loop, with a thread for each client"
            .to_string()
    })
}

fn is_refused(seen: &Seen) -> bool {
    seen.is_spawned && seen.failure.message.contains("refused")
}

pub fn the_server_has_ended(seen: &Seen) -> Option<String> {
    let ended = seen.ended.as_ref().filter(|_| is_refused(seen))?;
    Some(format!("your server has ended ({}), so nothing listens there", ended.shown()))
}

pub fn the_server_listens_elsewhere(seen: &Seen) -> Option<String> {
    let (wanted, found) = (seen.port?, seen.listens.first().filter(|_| is_refused(seen))?);
    let is_chosen = found.ip().is_unspecified() && found.port() >= CHOSEN_FROM && found.port() != wanted;
    let own = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), wanted);
    Some(match is_chosen {
        true => format!(
            "your server listens on a port that the system chose ({}): call `bind(('127.0.0.1', {wanted}))` before `listen`",
            found.port()
        ),
        false => format!("your server listens on {found}, and {own} is asked for"),
    })
}

pub fn the_server_does_not_listen(seen: &Seen) -> Option<String> {
    // Where the script itself says what is to be done, this is no more.
    (is_refused(seen) && !seen.has_lesson).then(|| {
        "your server runs and does not listen there: another port or address, or it is not ready yet (wait for what it \
         prints with `expect output`)"
            .to_string()
    })
}
