//! What a stream is when it is not a pickle.

use crate::value::escape;

/// How many characters of a text are quoted.
const SHOWN_CHARS: usize = 40;

/// Names what a stream's first bytes look like, as in "this looks like ...": for a message that is no pickle, or that
/// never became whole. `None` if they look like nothing known. A hint that sets an option sets it for `socket` alone, where
/// that is known. Ready for a screen.
pub fn sniff(head: &[u8], socket: Option<&str>) -> Option<String> {
    let set = &socket.map_or("set".to_string(), |socket| format!("@{socket} set"));
    let found = match head {
        [] => return None,
        [0x16, 0x03, 0..=4, ..] => "a TLS handshake: the peer expects an encrypted connection".to_owned(),
        [0x15, 0x03, 0..=4, ..] => "a TLS alert: the peer expects an encrypted connection".to_owned(),
        [0x1f, 0x8b, ..] => "gzip data; nothing is unpacked here".to_owned(),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => "zlib data; nothing is unpacked here".to_owned(),
        _ if head.starts_with(b"SSH-") => {
            format!("an SSH server's greeting: {}; is this the right port?", shown(head))
        }
        _ if is_http(head) => format!("HTTP: {}; is this the right port?", shown(head)),
        _ if head.iter().all(|&byte| byte == 0) => "zero bytes".to_owned(),
        _ => match length_prefix(head) {
            Some(length) => {
                format!(
                    "a pickle behind a 4-byte length ({length}); `{set} framing length` reads such streams"
                )
            }
            None if is_json(head) => format!("JSON text: {}; {}", shown(head), codec(head, "json", set)),
            None if is_text(head) => format!("plain text: {}; {}", shown(head), codec(head, "text", set)),
            None => return None,
        },
    };
    Some(found)
}

/// How to read such a stream. Without a newline its messages are not lines, so a codec alone would wait for one for ever.
fn codec(head: &[u8], name: &str, set: &str) -> String {
    if head.contains(&b'\n') {
        format!("`{set} codec {name}` reads it")
    } else {
        format!("`{set} codec {name}`, then `{set} framing none` reads it")
    }
}

fn is_http(head: &[u8]) -> bool {
    const STARTS: [&[u8]; 9] =
        [b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"CONNECT ", b"HTTP/"];
    STARTS.iter().any(|start| head.starts_with(start))
}

/// The big-endian length that SocketHandler, multiprocessing and carbon put before a pickle, if a pickle follows it.
fn length_prefix(head: &[u8]) -> Option<u32> {
    let (length, rest) = head.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length);
    let pickle = match rest {
        // Protocols 2 to 5 start with PROTO; of the older ones these are what logging and carbon send.
        [0x80, 0..=5, ..] | [b'}' | b']' | b'(' | b')', ..] => true,
        _ => false,
    };
    // A larger first byte would be a message of 16 MiB and more, and is text much more often.
    (pickle && length > 0 && head[0] == 0).then_some(length)
}

fn is_json(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    match text {
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [b'"' | b'}', ..] | []),
        [b'[', rest @ ..] => {
            matches!(
                rest.trim_ascii_start(),
                [b'"' | b'{' | b'[' | b']' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n', ..] | []
            )
        }
        [b'"', rest @ ..] => rest.contains(&b'"') && is_text(head),
        _ => false,
    }
}

/// Whether the bytes are readable text: UTF-8, a character at the end possibly cut, without control characters but the usual.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(wrong) if wrong.error_len().is_none() => {
            std::str::from_utf8(&head[..wrong.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

fn shown(head: &[u8]) -> String {
    let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let text = String::from_utf8_lossy(&first[..first.len().min(SHOWN_CHARS * 4)]);
    let cut: String = text.chars().take(SHOWN_CHARS).collect();
    let more = if cut.len() < text.len() { "..." } else { "" };
    format!("`{}{more}`", escape(&cut))
}
