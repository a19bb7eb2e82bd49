//! The table of signatures: one mistake each, how it is known, and what to say of it. The first that fits is told.

use std::sync::LazyLock;

use regex::Regex;

use super::absent::*;
use super::{Role, Seen, Traceback};
use crate::language::mistake::did_you_mean;
use crate::pickle;
use crate::value::{Value, escape};

/// How much of a value or of a line of source a sentence shows, in characters.
const SHOWN: usize = 60;

/// A mistake that can be told from what was seen.
pub struct Signature {
    /// What its test is called.
    pub name: &'static str,
    /// Whether the bytes, the traceback or the system prove it; what is only likely stands behind what the script says itself.
    pub is_sure: bool,
    /// The sentence, if what was seen is this mistake.
    pub tells: Tells,
}

/// Every signature. What a traceback says comes first, then what a message looks like, then what did not happen, the sure ones
/// before the likely ones.
pub static SIGNATURES: &[Signature] = &[
    sure("bytes_are_indexed", bytes_are_indexed),
    sure("an_int_is_read_as_a_dict", an_int_is_read_as_a_dict),
    sure("a_dict_is_read_as_an_int", a_dict_is_read_as_an_int),
    sure("a_key_is_missing", a_key_is_missing),
    sure("a_message_came_in_two_reads", a_message_came_in_two_reads),
    sure("json_was_unpickled", json_was_unpickled),
    sure("no_pickle_was_unpickled", no_pickle_was_unpickled),
    sure("the_end_was_unpickled", the_end_was_unpickled),
    sure("the_listening_socket_was_used", the_listening_socket_was_used),
    sure("a_client_that_left_ended_the_server", a_client_that_left_ended_the_server),
    sure("the_port_is_wrong", the_port_is_wrong),
    sure("nothing_listened", nothing_listened),
    sure("a_client_binds", a_client_binds),
    sure("the_port_is_taken", the_port_is_taken),
    sure("what_is_sent_is_not_bytes", what_is_sent_is_not_bytes),
    sure("a_pickle_was_decoded_as_text", a_pickle_was_decoded_as_text),
    sure("the_port_is_a_str", the_port_is_a_str),
    sure("listen_is_missing", listen_is_missing),
    sure("accept_gives_two", accept_gives_two),
    sure("nobody_answered_input", nobody_answered_input),
    sure("it_was_pickled_twice", it_was_pickled_twice),
    sure("a_set_was_meant_as_a_dict", a_set_was_meant_as_a_dict),
    sure("json_was_sent", json_was_sent),
    sure("the_id_is_a_bare_int", the_id_is_a_bare_int),
    sure("the_id_is_in_a_dict", the_id_is_in_a_dict),
    sure("what_was_received_was_sent_back", what_was_received_was_sent_back),
    sure("the_hand_outs_keys_were_sent", the_hand_outs_keys_were_sent),
    sure("the_message_has_a_slip", the_message_has_a_slip),
    sure("any_traceback", any_traceback),
    sure("it_waits_for_input", it_waits_for_input),
    sure("the_server_has_ended", the_server_has_ended),
    sure("the_server_listens_elsewhere", the_server_listens_elsewhere),
    likely("the_second_message_was_dropped", the_second_message_was_dropped),
    likely("it_goes_on_after_the_end", it_goes_on_after_the_end),
    likely("the_second_client_is_not_served", the_second_client_is_not_served),
    likely("the_server_does_not_listen", the_server_does_not_listen),
];

type Tells = fn(&Seen) -> Option<String>;

const fn sure(name: &'static str, tells: Tells) -> Signature {
    Signature { name, is_sure: true, tells }
}

const fn likely(name: &'static str, tells: Tells) -> Signature {
    Signature { name, is_sure: false, tells }
}

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
    let has = match dict_without(seen, it.message.trim_matches(['\'', '"'])) {
        Some(keys) => format!("it has {}", keys.iter().map(|key| cut(key)).collect::<Vec<_>>().join(", ")),
        None => "look at what came with `print`".to_string(),
    };
    Some(format!(
        "{} read `{}`, and the dict that came has no {}: {has}; `.get(key)` gives None where a key may be missing",
        seen.who,
        indexed(it),
        escape(&it.message)
    ))
}

/// The keys of the dict that was read for a key which it has not: the one with a key that is nearly that, else the first.
fn dict_without<'a>(seen: &'a Seen, missing: &str) -> Option<Vec<&'a Value>> {
    let keys = |value: &'a Value| match value {
        Value::Dict(pairs) => Some(pairs.iter().map(|(key, _)| key).collect::<Vec<_>>()),
        _ => None,
    };
    let lacks = |keys: &Vec<&Value>| keys.iter().all(|key| **key != Value::str(missing));
    let dicts: Vec<Vec<&Value>> = seen.sent_together.iter().filter_map(keys).filter(lacks).collect();
    let has_near = |keys: &&Vec<&Value>| {
        let names =
            keys.iter().filter_map(|key| if let Value::Str(name) = key { Some(&**name) } else { None });
        did_you_mean(missing, names).is_some()
    };
    dicts.iter().find(has_near).or(dicts.first()).cloned()
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
    let it = seen.error.as_ref().filter(|_| seen.role == Role::Server)?;
    let calls: Vec<_> = CALLED.as_ref()?.captures_iter(&it.source).collect();
    let listening = LISTENING_NAMES.as_ref()?;
    // Of several calls in one line, the one on what is called as such sockets are.
    let is_named =
        |found: &&regex::Captures| found.get(1).is_some_and(|name| listening.is_match(name.as_str()));
    let named = calls.iter().find(is_named);
    let found = named.or(calls.first())?;
    let is_unconnected = it.message.contains("Transport endpoint is not connected")
        || it.message.contains("Socket is not connected");
    // A pipe breaks where a client has left, or where none ever was.
    let is_broken = it.kind == "BrokenPipeError" && (named.is_some() || !seen.has_left);
    (is_unconnected || is_broken).then(|| {
        format!(
            "your server calls `{}.{}(...)` on the socket that listens: use the connection that `accept` returned",
            &found[1], &found[2]
        )
    })
}

fn a_client_that_left_ended_the_server(seen: &Seen) -> Option<String> {
    let it = error(seen, &["ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError"], "")?;
    Some(match seen.role {
        Role::Server => format!(
            "{} because one client left ({}): catch `ConnectionError` around that client's code, and go on with `accept`",
            if seen.ended.is_some() { "your server ended" } else { "a thread of your server ended" },
            it.kind
        ),
        _ => format!(
            "the connection was gone when {} used it ({}): catch `ConnectionError` and end in good order",
            seen.who, it.kind
        ),
    })
}

fn the_port_is_wrong(seen: &Seen) -> Option<String> {
    let it = error(seen, &["ConnectionRefusedError"], "")?;
    let server = seen.server.filter(|_| seen.role != Role::Server)?;
    Some(format!(
        "nothing listens where {} connects ({}): the server is at {} and port {}",
        seen.who,
        line_of(it),
        server.ip(),
        server.port()
    ))
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

fn a_client_binds(seen: &Seen) -> Option<String> {
    let it = error(seen, &["OSError"], "Address already in use")?;
    let server = seen.server.filter(|_| seen.is_accept)?;
    Some(format!(
        "your client calls `bind` ({}), as a server does: a client calls `connect(('{}', {}))` and no `bind`, `listen` or \
         `accept`",
        it.place(),
        server.ip(),
        server.port()
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

fn a_pickle_was_decoded_as_text(seen: &Seen) -> Option<String> {
    let it = error(seen, &["UnicodeDecodeError"], "byte 0x80 in position 0")?;
    Some(format!(
        "{} read what came as text ({}), and the byte 0x80 begins a pickle: `pickle.loads(data)` reads it, without `decode`",
        seen.who,
        line_of(it)
    ))
}

fn the_port_is_a_str(seen: &Seen) -> Option<String> {
    let it = error(seen, &["TypeError"], "'str' object cannot be interpreted as an integer")?;
    let is_address = it.source.contains("connect") || it.source.contains("bind");
    is_address.then(|| {
        format!(
            "{} gave the port as a str ({}): a port is an int, `int(port)` makes one",
            seen.who,
            line_of(it)
        )
    })
}

fn listen_is_missing(seen: &Seen) -> Option<String> {
    let it = error(seen, &["OSError"], "Invalid argument").filter(|it| it.source.contains("accept("))?;
    Some(format!(
        "your server calls `accept` on a socket that does not listen ({}): call `listen()` first",
        it.place()
    ))
}

fn accept_gives_two(seen: &Seen) -> Option<String> {
    let it = error(seen, &["AttributeError"], "'tuple' object has no attribute")?;
    let is_of_socket = ["'send'", "'sendall'", "'recv'", "'close'", "'makefile'"]
        .iter()
        .any(|name| it.message.contains(name));
    is_of_socket.then(|| {
        format!(
            "{} used what `accept` gave as a connection ({}): it gives two, `connection, address = server.accept()`",
            seen.who,
            line_of(it)
        )
    })
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

fn the_message_has_a_slip(seen: &Seen) -> Option<String> {
    seen.failure.hint.clone().filter(|_| seen.failure.is_slip)
}

fn any_traceback(seen: &Seen) -> Option<String> {
    let it = seen.error.as_ref()?;
    Some(format!("{} stopped with {} at {}", seen.who, it.kind, line_of(it)))
}

/// ``client.py line 12: `sock.connect(...)` ``.
fn line_of(it: &Traceback) -> String {
    let source: String = escape(&it.source).chars().take(SHOWN).collect();
    let line = if source.is_empty() { String::new() } else { format!(": `{source}`") };
    format!("{}{line}", escape(&it.place()))
}
