//! A value as CPython's `repr` prints it.

use num_bigint::BigInt;

use super::escape::{is_printable, push_code, wtf8_codes};
use super::{Container, Object, ObjectKind, Value, plain, standard};

/// CPython refuses to print an int of more decimal digits (`sys.int_info.default_max_str_digits`); printing takes
/// time that grows with their square.
pub(crate) const MAX_INT_DIGITS: u64 = 4300;

impl Value {
    /// CPython's `repr` of the value, whole. Objects of classes that are not plain data of the standard library are
    /// shown as `<menu.Menu {'client': 0}>` or `CALL os.system('...')`. Holds only printable characters.
    pub fn repr(&self) -> String {
        let mut writer = Writer::new(usize::MAX);
        writer.value(self);
        writer.out
    }

    /// The first `max_chars` characters of [`Value::repr`] or a few less, since no escape is split, and whether that
    /// is less than all. Work ends with the budget: a value of any size costs no more than what is shown of it.
    pub fn repr_cut(&self, max_chars: usize) -> (String, bool) {
        let mut writer = Writer::new(max_chars);
        writer.value(self);
        (writer.out, writer.cut)
    }
}

/// Text under a budget of characters.
pub(super) struct Writer {
    out: String,
    left: usize,
    cut: bool,
}

impl Writer {
    fn new(max_chars: usize) -> Writer {
        Writer { out: String::new(), left: max_chars, cut: false }
    }

    /// Text that may be cut anywhere.
    pub(super) fn put(&mut self, text: &str) {
        if self.cut {
            return;
        }
        // No character is shorter than a byte.
        if text.len() <= self.left {
            self.left -= if text.is_ascii() { text.len() } else { text.chars().count() };
            self.out.push_str(text);
            return;
        }
        for c in text.chars() {
            if self.left == 0 {
                self.cut = true;
                return;
            }
            self.left -= 1;
            self.out.push(c);
        }
    }

    /// Text of a few ASCII characters that stands whole or not at all.
    fn put_whole(&mut self, text: &str) {
        if self.cut || text.len() > self.left {
            self.cut = true;
        } else {
            self.left -= text.len();
            self.out.push_str(text);
        }
    }

    /// A name as a peer sent it.
    pub(super) fn name(&mut self, name: &str) {
        for c in name.chars() {
            if self.cut {
                return;
            }
            self.code(c as u32);
        }
    }

    /// Whether the budget is spent, so that a loop can end.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    pub(super) fn value(&mut self, value: &Value) {
        if self.cut {
            return;
        }
        match value {
            Value::None => self.put("None"),
            Value::Bool(true) => self.put("True"),
            Value::Bool(false) => self.put("False"),
            Value::Int(number) => self.put(&number.to_string()),
            Value::Big(number) => self.big(number),
            Value::Float(number) => self.put(&float(*number)),
            Value::Str(text) => {
                if !self.plain_text(text) {
                    self.text(text.chars().map(u32::from));
                }
            }
            Value::Surrogates(bytes) => self.text(wtf8_codes(bytes)),
            Value::Bytes(bytes) => self.bytes(bytes, false),
            Value::ByteArray(bytes) => {
                self.put("bytearray(");
                self.bytes(bytes, true);
                self.put(")");
            }
            Value::List(items) => self.bracketed("[", items, "]"),
            Value::Tuple(items) => self.tuple(items),
            Value::Dict(pairs) => self.dict(pairs),
            Value::Set(items) if items.is_empty() => self.put("set()"),
            Value::Set(items) => self.bracketed("{", items, "}"),
            Value::FrozenSet(items) if items.is_empty() => self.put("frozenset()"),
            Value::FrozenSet(items) => self.bracketed("frozenset({", items, "})"),
            Value::Object(object) => self.object(object),
            Value::Cycle(Container::List) => self.put("[...]"),
            Value::Cycle(Container::Tuple) => self.put("(...)"),
            Value::Cycle(Container::Dict) => self.put("{...}"),
            Value::Cycle(Container::Other) => self.put("..."),
        }
    }

    pub(super) fn tuple(&mut self, items: &[Value]) {
        let close = if items.len() == 1 { ",)" } else { ")" };
        self.bracketed("(", items, close);
    }

    pub(super) fn bracketed(&mut self, open: &str, items: &[Value], close: &str) {
        self.separated(open, items, close, Self::value);
    }

    pub(super) fn dict(&mut self, pairs: &[(Value, Value)]) {
        self.separated("{", pairs, "}", |to, (key, value)| {
            to.value(key);
            to.put(": ");
            to.value(value);
        });
    }

    /// Items with commas between them, as far as there is room.
    fn separated<T>(&mut self, open: &str, items: &[T], close: &str, item: impl Fn(&mut Self, &T)) {
        self.put(open);
        for (at, it) in items.iter().enumerate() {
            if self.cut {
                return;
            }
            if at > 0 {
                self.put(", ");
            }
            item(self, it);
        }
        self.put(close);
    }

    fn big(&mut self, number: &BigInt) {
        match int_digits(number) {
            Some(digits) => self.put(&digits),
            None => self.put(&format!("<int of {} bits>", number.bits())),
        }
    }

    /// A str of printable ASCII without quotes or backslashes, which most are; `false` if it is none, or too long.
    fn plain_text(&mut self, text: &str) -> bool {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'\'' && byte != b'\\';
        if self.cut || text.len() + 2 > self.left || !text.bytes().all(is_plain) {
            return false;
        }
        self.left -= text.len() + 2;
        self.out.push('\'');
        self.out.push_str(text);
        self.out.push('\'');
        true
    }

    /// A str. CPython prefers single quotes, unless the text has some and no double quote.
    fn text(&mut self, codes: impl Iterator<Item = u32> + Clone) {
        // Under a budget only what may be shown is looked at; a text that long is cut anyway.
        let mut looked = codes.clone().take(self.left);
        let single = looked.clone().any(|code| code == u32::from(b'\''));
        let quote = if single && !looked.any(|code| code == u32::from(b'"')) { '"' } else { '\'' };
        self.put(if quote == '"' { "\"" } else { "'" });
        for code in codes {
            if self.cut {
                return;
            }
            match char::from_u32(code) {
                Some('\\') => self.put_whole("\\\\"),
                Some(c) if c == quote => self.put_whole("\\'"),
                _ => self.code(code),
            }
        }
        self.put(if quote == '"' { "\"" } else { "'" });
    }

    /// A code point as it is, or its escape.
    fn code(&mut self, code: u32) {
        match char::from_u32(code) {
            Some(c) if is_printable(c) => {
                if self.left == 0 {
                    self.cut = true;
                } else {
                    self.left -= 1;
                    self.out.push(c);
                }
            }
            _ => {
                let mut escape = String::new();
                push_code(&mut escape, code);
                self.put_whole(&escape);
            }
        }
    }

    /// In a bytearray CPython escapes single quotes even between double quotes.
    fn bytes(&mut self, bytes: &[u8], array: bool) {
        let looked = &bytes[..bytes.len().min(self.left)];
        let quote = if looked.contains(&b'\'') && !looked.contains(&b'"') { b'"' } else { b'\'' };
        self.put(if quote == b'"' { "b\"" } else { "b'" });
        for &byte in bytes {
            if self.cut {
                return;
            }
            match byte {
                b'\\' => self.put_whole("\\\\"),
                b'\'' if array || byte == quote => self.put_whole("\\'"),
                _ if byte.is_ascii() => self.code(u32::from(byte)),
                _ => self.put_whole(&format!("\\x{byte:02x}")),
            }
        }
        self.put(if quote == b'"' { "\"" } else { "'" });
    }

    fn object(&mut self, object: &Object) {
        if standard::write(object, self).is_some() {
            return;
        }
        match object.kind {
            ObjectKind::Global => {
                self.put(if plain::is_class(&object.name) { "<class '" } else { "<import " });
                self.name(plain::shown_class(&object.name));
                self.put(if plain::is_class(&object.name) { "'" } else { "" });
                self.rest(object);
                self.put(">");
            }
            ObjectKind::Instance => {
                self.put("<");
                self.name(&object.name);
                if !object.args.is_empty() || !object.kwargs.is_empty() {
                    self.arguments(object);
                }
                self.rest(object);
                self.put(">");
            }
            ObjectKind::Call => {
                self.put("CALL ");
                self.name(&object.name);
                self.arguments(object);
                self.rest(object);
            }
            ObjectKind::Persistent => {
                self.bracketed("<persistent id ", &object.args, "");
                self.rest(object);
                self.put(">");
            }
            ObjectKind::Extension => {
                self.put("<extension code ");
                self.name(&object.name);
                self.rest(object);
                self.put(">");
            }
        }
    }

    /// `(1, 2, x=3)`
    pub(super) fn arguments(&mut self, object: &Object) {
        self.bracketed("(", &object.args, "");
        for (at, (key, value)) in object.kwargs.iter().enumerate() {
            if self.cut {
                return;
            }
            if at > 0 || !object.args.is_empty() {
                self.put(", ");
            }
            match key {
                Value::Str(name) => self.name(name),
                key => self.value(key),
            }
            self.put("=");
            self.value(value);
        }
        self.put(")");
    }

    /// What an object was given after it was made: its state, then items, then pairs.
    pub(super) fn rest(&mut self, object: &Object) {
        if let Some(state) = &object.state {
            self.put(" ");
            self.state(state);
        }
        if !object.items.is_empty() {
            self.bracketed(" [", &object.items, "]");
        }
        if !object.pairs.is_empty() {
            self.put(" ");
            self.dict(&object.pairs);
        }
    }

    /// A class with `__slots__` has the state `(None or its __dict__, its slots)`; both are shown as one dict.
    fn state(&mut self, state: &Value) {
        match state {
            Value::Tuple(parts) => match &**parts {
                [Value::None, Value::Dict(slots)] => self.dict(slots),
                [Value::Dict(own), Value::Dict(slots)] => {
                    let both: Vec<(Value, Value)> = own.iter().chain(slots.iter()).cloned().collect();
                    self.dict(&both);
                }
                _ => self.value(state),
            },
            _ => self.value(state),
        }
    }
}

/// The decimal digits of an integer; `None` beyond [`MAX_INT_DIGITS`].
pub(crate) fn int_digits(number: &BigInt) -> Option<String> {
    // A decimal digit is more than 3 bits: this many bits are surely too many, without printing them.
    if number.bits() > (MAX_INT_DIGITS + 1) * 10 / 3 {
        return None;
    }
    let digits = number.to_string();
    let count = digits.strip_prefix('-').unwrap_or(&digits).len();
    (count as u64 <= MAX_INT_DIGITS).then_some(digits)
}

/// A float as Python's `repr`: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e16.
pub(crate) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let shortest = format!("{number:e}");
    let places = shortest
        .split('e')
        .next()
        .and_then(|digits| digits.split_once('.'))
        .map_or(0, |(_, places)| places.len());
    // Where two shortest texts are equally near, CPython takes the even digit. So does rounding to their length.
    let rounded = format!("{number:.places$e}");
    let scientific = if rounded.parse() == Ok(number) { rounded } else { shortest };
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.unsigned_abs());
    }
    // The places after the point when the exponent is written out; a float always shows one.
    let places = usize::try_from(places as i32 - exponent).unwrap_or(0);
    let plain = format!("{number:.places$}");
    if places == 0 { plain + ".0" } else { plain }
}
