//! The table of signatures: one mistake each, how it is known, and what to say of it. The first that fits is told.

use std::sync::LazyLock;

use regex::Regex;

use super::{Role, Seen, Traceback};
use crate::pickle;
use crate::value::{Value, escape};

/// How much of a value or of a line of source a sentence shows, in characters.
const SHOWN: usize = 60;

/// A mistake that can be told from what was seen.
pub struct Signature {
    /// What its test is called.
    pub name: &'static str,
    /// The sentence, if what was seen is this mistake.
    pub tells: fn(&Seen) -> Option<String>,
}

/// Every signature. What a traceback says comes first, then what a message looks like, then what did not happen; the last one
/// fits any traceback.
pub static SIGNATURES: &[Signature] = &[
    Signature { name: "bytes_are_indexed", tells: bytes_are_indexed },
    Signature { name: "an_int_is_read_as_a_dict", tells: an_int_is_read_as_a_dict },
    Signature { name: "a_dict_is_read_as_an_int", tells: a_dict_is_read_as_an_int },
    Signature { name: "a_key_is_missing", tells: a_key_is_missing },
    Signature { name: "a_message_came_in_two_reads", tells: a_message_came_in_two_reads },
    Signature { name: "json_was_unpickled", tells: json_was_unpickled },
    Signature { name: "no_pickle_was_unpickled", tells: no_pickle_was_unpickled },
    Signature { name: "the_end_was_unpickled", tells: the_end_was_unpickled },
    Signature { name: "the_listening_socket_was_used", tells: the_listening_socket_was_used },
    Signature { name: "a_client_that_left_ended_the_server", tells: a_client_that_left_ended_the_server },
    Signature { name: "nothing_listened", tells: nothing_listened },
    Signature { name: "the_port_is_taken", tells: the_port_is_taken },
    Signature { name: "what_is_sent_is_not_bytes", tells: what_is_sent_is_not_bytes },
    Signature { name: "nobody_answered_input", tells: nobody_answered_input },
    Signature { name: "it_was_pickled_twice", tells: it_was_pickled_twice },
    Signature { name: "a_set_was_meant_as_a_dict", tells: a_set_was_meant_as_a_dict },
    Signature { name: "json_was_sent", tells: json_was_sent },
    Signature { name: "the_id_is_a_bare_int", tells: the_id_is_a_bare_int },
    Signature { name: "the_id_is_in_a_dict", tells: the_id_is_in_a_dict },
    Signature { name: "what_was_received_was_sent_back", tells: what_was_received_was_sent_back },
    Signature { name: "the_hand_outs_keys_were_sent", tells: the_hand_outs_keys_were_sent },
    Signature { name: "any_traceback", tells: any_traceback },
    Signature { name: "the_second_message_was_dropped", tells: the_second_message_was_dropped },
    Signature { name: "it_goes_on_after_the_end", tells: it_goes_on_after_the_end },
    Signature { name: "the_second_client_is_not_served", tells: the_second_client_is_not_served },
    Signature { name: "the_server_does_not_listen", tells: the_server_does_not_listen },
];

/// The traceback, if its error is of one of these types and says this.
fn error<'a>(seen: &'a Seen, kinds: &[&str], says: &str) -> Option<&'a Traceback> {
    seen.error.as_ref().filter(|it| kinds.contains(&it.kind.as_str()) && it.message.contains(says))
}

/// What the line of source matches, ready for a sentence.
fn part_of(source: &str, expression: &Regex) -> Option<String> {
    expression.find(source).map(|found| escape(found.as_str()).into_owned())
}

fn cut(value: &Value) -> String {
    let (shown, is_cut) = value.repr_cut(SHOWN);
    if is_cut { shown + "..." } else { shown }
}

/// `data['clientid']`.
static INDEXED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\w[\w.]*\[('[^']*'|"[^"]*")\]"#).ok());
/// `server_socket.send(`.
static CALLED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(\w+)\.(send|sendall|recv)\(").ok());
/// What beginners call the socket that listens.
static LISTENING_NAMES: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^(s|sock|ss)$|serv|listen").ok());

fn indexed(it: &Traceback) -> String {
    let part = INDEXED.as_ref().and_then(|expression| part_of(&it.source, expression));
    part.unwrap_or_else(|| escape(&it.source).chars().take(SHOWN).collect())
}

fn bytes_are_indexed(seen: &Seen) -> Option<String> {
    let it = error(seen, &["TypeError"], "byte indices must be integers")?;
    Some(format!("{} read `{}`: index the result of `pickle.loads`, not the bytes", seen.who, indexed(it)))
}

fn an_int_is_read_as_a_dict(seen: &Seen) -> Option<String> {
    let it = error(seen, &["TypeError"], "'int' object is not subscriptable")?;
    let came = match &seen.sent {
        Some(sent @ Value::Int(_)) => format!("the int {}", cut(sent)),
        _ => "an int".to_string(),
    };
    Some(format!(
        "{} read `{}`, and what came is {came}, no dict: `print` what `pickle.loads` gives before you index it",
        seen.who,
        indexed(it)
    ))
}

fn a_dict_is_read_as_an_int(seen: &Seen) -> Option<String> {
    let it = seen.error.as_ref().filter(|it| it.kind == "TypeError")?;
    let says =
        ["not dict", "not 'dict'", "'dict' object cannot", "'dict' and", "and 'dict'", "(not \"dict\")"];
    if !says.iter().any(|part| it.message.contains(part)) {
        return None;
    }
    let came = match &seen.sent {
        Some(sent @ Value::Dict(_)) => format!("the dict {}", cut(sent)),
        _ => "a dict".to_string(),
    };
    Some(format!(
        "{} took what came for a number, and it is {came}: `data['clientid']` is the number ({})",
        seen.who,
        it.place()
    ))
}

fn a_key_is_missing(seen: &Seen) -> Option<String> {
    let it = error(seen, &["KeyError"], "")?;
    let has = match &seen.sent {
        Some(Value::Dict(pairs)) => {
            let keys: Vec<String> = pairs.iter().map(|(key, _)| cut(key)).collect();
            format!("it has {}", keys.join(", "))
        }
        _ => "look at what came with `print`".to_string(),
    };
    Some(format!(
        "{} read `{}`, and the dict that came has no {}: {has}; `.get(key)` gives None where a key may be missing",
        seen.who,
        indexed(it),
        escape(&it.message)
    ))
}

fn a_message_came_in_two_reads(seen: &Seen) -> Option<String> {
    error(seen, &["UnpicklingError"], "truncated")?;
    Some(format!(
        "one message came in two reads, and {} unpickled the first part: TCP is a stream, so read on until the message is whole \
         (`pickle.load(sock.makefile('rb'))` does)",
        seen.who
    ))
}

fn json_was_unpickled(seen: &Seen) -> Option<String> {
    let it = error(seen, &["UnpicklingError"], "invalid load key, '")?;
    let is_json = ["'{'", "'['", "'\"'"].iter().any(|key| it.message.contains(key));
    is_json.then(|| {
        format!(
            "{} unpickled JSON text, which begins with {}: one side sends JSON where the other reads pickles",
            seen.who,
            escape(it.message.trim_start_matches("invalid load key, ").trim_end_matches('.'))
        )
    })
}

fn no_pickle_was_unpickled(seen: &Seen) -> Option<String> {
    error(seen, &["UnpicklingError"], "")?;
    Some(format!(
        "{} unpickled bytes that are no pickle: text that was sent as it is, or the rest of a message whose beginning an \
         earlier recv took",
        seen.who
    ))
}

fn the_end_was_unpickled(seen: &Seen) -> Option<String> {
    error(seen, &["EOFError"], "Ran out of input")?;
    Some(match seen.role {
        Role::Server => "your server ended when a client left: recv gave b'' and `pickle.loads(b'')` fails; leave that client's \
                         loop on `if not data: break`, and go on with `accept`"
            .to_string(),
        _ => format!(
            "the connection was closed, recv gave b'', and {} unpickled that: leave the loop on `if not data: break`",
            seen.who
        ),
    })
}

fn the_listening_socket_was_used(seen: &Seen) -> Option<String> {
    let it = seen.error.as_ref()?;
    let found = CALLED.as_ref()?.captures(&it.source)?;
    let (name, call) = (found.get(1)?.as_str(), found.get(2)?.as_str());
    let is_unconnected = it.message.contains("Transport endpoint is not connected")
        || it.message.contains("Socket is not connected");
    let is_broken = it.kind == "BrokenPipeError" && LISTENING_NAMES.as_ref()?.is_match(name);
    (seen.role == Role::Server && (is_unconnected || is_broken)).then(|| {
        format!(
            "your server calls `{name}.{call}(...)` on the socket that listens: use the connection that `accept` returned"
        )
    })
}

fn a_client_that_left_ended_the_server(seen: &Seen) -> Option<String> {
    let it = error(seen, &["ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError"], "")?;
    Some(match seen.role {
        Role::Server => format!(
            "your server ended because one client left ({}): catch `ConnectionError` around that client's code, and go on \
             with `accept`",
            it.kind
        ),
        _ => format!(
            "the connection was gone when {} used it ({}): catch `ConnectionError` and end in good order",
            seen.who, it.kind
        ),
    })
}

fn nothing_listened(seen: &Seen) -> Option<String> {
    let it = error(seen, &["ConnectionRefusedError"], "")?;
    Some(format!(
        "nothing listened where {} connected ({}), and it ended with a traceback: catch `ConnectionRefusedError` and say \
         which server is missing",
        seen.who,
        it.place()
    ))
}

fn the_port_is_taken(seen: &Seen) -> Option<String> {
    error(seen, &["OSError"], "Address already in use")?;
    Some("the port is taken, often by an earlier run of the same server: end that one, and set SO_REUSEADDR before `bind`".into())
}

fn what_is_sent_is_not_bytes(seen: &Seen) -> Option<String> {
    let it = error(seen, &["TypeError"], "a bytes-like object is required, not")?;
    Some(format!(
        "a socket sends bytes, and {} gave it something else ({}): `pickle.dumps(value)` makes bytes of any value",
        seen.who,
        it.place()
    ))
}

fn nobody_answered_input(seen: &Seen) -> Option<String> {
    let it = error(seen, &["EOFError"], "EOF when reading a line")?;
    Some(format!(
        "{} asks with `input()` ({}) and nobody answered: `@NAME type TEXT` does; a program that is checked takes its values \
         from variables or arguments",
        seen.who,
        it.place()
    ))
}

fn it_was_pickled_twice(seen: &Seen) -> Option<String> {
    let Some(Value::Bytes(bytes)) = &seen.received else { return None };
    let inner = pickle::decode(bytes).ok().filter(|_| bytes.first() == Some(&0x80))?;
    Some(format!(
        "{} pickled twice: the message holds the bytes of another pickle, of {}; call `pickle.dumps` once",
        seen.who,
        cut(&inner.value)
    ))
}

fn a_set_was_meant_as_a_dict(seen: &Seen) -> Option<String> {
    let Some(set @ Value::Set(_)) = &seen.received else { return None };
    Some(format!(
        "{} sent the set {}: a dict has a colon between key and value, {{'key': value}}",
        seen.who,
        cut(set)
    ))
}

fn json_was_sent(seen: &Seen) -> Option<String> {
    let bytes = seen.bytes.as_ref().filter(|wire| seen.is_spawned && wire.codec == "pickle")?;
    let is_json = matches!(bytes.bytes.first(), Some(b'{' | b'[' | b'"'));
    is_json.then(|| {
        format!("{} sends JSON text, and this lab reads pickles: `sock.send(pickle.dumps(value))`", seen.who)
    })
}

fn the_id_is_a_bare_int(seen: &Seen) -> Option<String> {
    let Some(Value::Int(id)) = &seen.received else { return None };
    let key = ["clientid", "client_id"].into_iter().find(|key| seen.wanted().contains(key))?;
    Some(format!("{} sends the int {id}; the lab asks for {{'{key}': {id}}}", seen.who))
}

fn the_id_is_in_a_dict(seen: &Seen) -> Option<String> {
    let Some(dict @ Value::Dict(pairs)) = &seen.received else { return None };
    let is_id = pairs.iter().any(|(key, _)| [Value::str("clientid"), Value::str("client_id")].contains(key));
    // Where a part of the message was looked at, the whole stands beside it.
    let is_whole = seen.failure.details.iter().all(|(word, _)| *word != "whole");
    (is_id && is_whole && seen.wanted() == "int")
        .then(|| format!("{} sends the dict {}; a bare int is asked for", seen.who, cut(dict)))
}

fn what_was_received_was_sent_back(seen: &Seen) -> Option<String> {
    let (received, sent) = (seen.received.as_ref()?, seen.sent.as_ref()?);
    (received == sent && received.type_name() == sent.type_name()).then(|| {
        format!(
            "{} sent back what it had received, {}: that was an answer, and wants none",
            seen.who,
            cut(received)
        )
    })
}

fn the_hand_outs_keys_were_sent(seen: &Seen) -> Option<String> {
    let Some(Value::Dict(pairs)) = &seen.received else { return None };
    let has = |name: &str| pairs.iter().any(|(key, _)| *key == Value::str(name));
    let is_hand_out = has("name") && has("email") && !has("student_name");
    (is_hand_out && seen.wanted().contains("student_name")).then(|| {
        format!(
            "{} sends 'name' and 'email' as the hand-out shows; this server asks for 'student_name', 'github_username' and \
             'sid'",
            seen.who
        )
    })
}

fn any_traceback(seen: &Seen) -> Option<String> {
    let it = seen.error.as_ref()?;
    let source: String = escape(&it.source).chars().take(SHOWN).collect();
    let line = if source.is_empty() { String::new() } else { format!(": `{source}`") };
    Some(format!("{} stopped with {} at {}{line}", seen.who, it.kind, escape(&it.place())))
}

fn the_second_message_was_dropped(seen: &Seen) -> Option<String> {
    let took_one = seen.together && seen.spoke && !seen.closed;
    (seen.is_spawned && took_one && seen.ended.is_none() && seen.waited_in_vain()).then(|| {
        "two messages came in one recv and yours dropped the second: `pickle.loads` reads the first and forgets the rest; \
         `pickle.load(sock.makefile('rb'))` reads one after the other"
            .to_string()
    })
}

fn it_goes_on_after_the_end(seen: &Seen) -> Option<String> {
    let went_on = seen.ended.as_ref().is_none_or(|ended| ended.why.is_some());
    (seen.is_spawned && seen.closed && went_on && seen.waited_in_vain() && seen.role != Role::Server).then(|| {
        "the connection was closed and your program goes on: recv gives b'' from then on, and an `except: pass` around it hides \
         the error that says so; leave the loop on `if not data: break`"
            .to_string()
    })
}

fn the_second_client_is_not_served(seen: &Seen) -> Option<String> {
    (seen.is_spawned && seen.is_second && seen.ended.is_none() && seen.waited_in_vain()).then(|| {
        "your server serves one client only: this one is connected, because the system took it into the queue, but nobody \
         accepted it; call `accept` in a loop, with a thread for each client"
            .to_string()
    })
}

fn the_server_does_not_listen(seen: &Seen) -> Option<String> {
    (seen.is_spawned && seen.failure.message.contains("refused")).then(|| match &seen.ended {
        Some(ended) => format!("your server has ended (exit {}), so nothing listens there", ended.status),
        None => "your server runs and does not listen there: another port or address, or it is not ready yet (wait for what it \
                 prints with `expect output`)"
            .to_string(),
    })
}
