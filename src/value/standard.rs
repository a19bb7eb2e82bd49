//! How CPython prints plain data of the standard library.

use num_bigint::{BigInt, Sign};

use super::repr::{Writer, float};
use super::{Object, ObjectKind, Value, plain};

/// Writes an object as CPython 3.11 prints it, if it is plain data of the shape that `pickle.dumps` gives it. `None` if it
/// is not; then nothing was written.
pub(super) fn write(object: &Object, to: &mut Writer) -> Option<()> {
    if let (ObjectKind::Global, Some(constant)) = (object.kind, plain::constant(&object.name)) {
        to.put(constant);
        return Some(());
    }
    if !plain::is_plain(&object.name) || object.kind == ObjectKind::Global || !object.kwargs.is_empty() {
        return None;
    }
    let args = &*object.args;
    let (module, name) = object.name.rsplit_once('.')?;
    match (module, name) {
        ("collections", _) => return collection(name, object, to),
        ("uuid", _) => return uuid(object, to),
        ("types", _) => return namespace(object, to),
        ("builtins", _) if plain::is_exception(&object.name) => {
            to.put(name);
            match args {
                [only] => to.bracketed("(", std::slice::from_ref(only), ")"),
                // An OSError keeps its file names apart from what it prints.
                [number, text, _] | [number, text, _, _, _] if OS_ERRORS.contains(&name) => {
                    to.tuple(&[number.clone(), text.clone()]);
                }
                _ => to.tuple(args),
            }
            return Some(());
        }
        _ if object.state.is_some() || !object.items.is_empty() || !object.pairs.is_empty() => return None,
        _ => {}
    }
    match (module, name) {
        ("builtins", "complex") => complex(args, to),
        ("builtins", "range") => range(args, to),
        ("builtins", "slice") => (args.len() == 3).then(|| to.bracketed("slice(", args, ")")),
        ("datetime", _) => datetime(name, args, to),
        ("decimal", _) => match args {
            [Value::Str(_)] => {
                to.bracketed("Decimal(", args, ")");
                Some(())
            }
            _ => None,
        },
        ("fractions", _) => fraction(args, to),
        ("pathlib" | "pathlib._local", _) => path(name, args, to),
        ("array", _) => array(args, to),
        _ => None,
    }
}

/// OSError and its subclasses. Which subclass CPython makes of an errno depends on the system, so the name is kept as sent.
const OS_ERRORS: &[&str] = &[
    "BlockingIOError",
    "BrokenPipeError",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "FileExistsError",
    "FileNotFoundError",
    "InterruptedError",
    "IsADirectoryError",
    "NotADirectoryError",
    "OSError",
    "PermissionError",
    "ProcessLookupError",
    "TimeoutError",
];

fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

fn complex(args: &[Value], to: &mut Writer) -> Option<()> {
    let [Value::Float(real), Value::Float(imaginary)] = args else { return None };
    let short = |number: f64| float(number).trim_end_matches(".0").to_owned();
    let imaginary_text = short(*imaginary);
    if *real == 0.0 && real.is_sign_positive() {
        to.put(&format!("{imaginary_text}j"));
    } else {
        let sign = if imaginary_text.starts_with('-') { "" } else { "+" };
        to.put(&format!("({}{sign}{imaginary_text}j)", short(*real)));
    }
    Some(())
}

fn range(args: &[Value], to: &mut Writer) -> Option<()> {
    let [Value::Int(_), Value::Int(_), Value::Int(step)] = args else { return None };
    let shown = if *step == 1 { &args[..2] } else { args };
    to.bracketed("range(", shown, ")");
    Some(())
}

/// The packed form of dates and times: bytes, or the text that Python 2 made of them.
fn packed(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes.to_vec()),
        Value::Str(text) => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
        _ => None,
    }
}

fn datetime(name: &str, args: &[Value], to: &mut Writer) -> Option<()> {
    if name == "timedelta" {
        return timedelta(args, to);
    }
    if name == "timezone" {
        return timezone(args, to);
    }
    let (first, zone) = match args {
        [first] => (packed(first)?, None),
        [first, zone] => (packed(first)?, Some(zone)),
        _ => return None,
    };
    // The fold is the highest bit of the month or the hour.
    let (date, time, fold) = match (name, first.as_slice()) {
        ("date", &[high, low, month, day]) => (Some([high, low, month, day]), None, false),
        ("datetime", &[high, low, month, day, h, m, s, us1, us2, us3]) => {
            (Some([high, low, month & 0x7f, day]), Some([h, m, s, us1, us2, us3]), month & 0x80 != 0)
        }
        ("time", &[h, m, s, us1, us2, us3]) => (None, Some([h & 0x7f, m, s, us1, us2, us3]), h & 0x80 != 0),
        _ => return None,
    };
    let mut fields: Vec<u32> = Vec::new();
    if let Some([high, low, month, day]) = date {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        fields.extend([u32::from(high) << 8 | u32::from(low), u32::from(month), u32::from(day)]);
    }
    if let Some([hour, minute, second, us1, us2, us3]) = time {
        let micros = u32::from(us1) << 16 | u32::from(us2) << 8 | u32::from(us3);
        if hour > 23 || minute > 59 || second > 59 || micros > 999_999 {
            return None;
        }
        fields.extend([u32::from(hour), u32::from(minute)]);
        if second > 0 || micros > 0 {
            fields.push(u32::from(second));
        }
        if micros > 0 {
            fields.push(micros);
        }
    }
    let fields: Vec<String> = fields.iter().map(u32::to_string).collect();
    to.put(&format!("datetime.{name}({}", fields.join(", ")));
    to.put(if fold { ", fold=1" } else { "" });
    if let Some(zone) = zone {
        to.put(", tzinfo=");
        to.value(zone);
    }
    to.put(")");
    Some(())
}

fn timedelta(args: &[Value], to: &mut Writer) -> Option<()> {
    let [days, seconds, micros] = args else { return None };
    let (days, seconds, micros) = (int(days)?, int(seconds)?, int(micros)?);
    // Others would be normalized, which no pickle needs.
    if !(0..86_400).contains(&seconds) || !(0..1_000_000).contains(&micros) {
        return None;
    }
    let parts: Vec<String> = [("days", days), ("seconds", seconds), ("microseconds", micros)]
        .iter()
        .filter(|(_, number)| *number != 0)
        .map(|(name, number)| format!("{name}={number}"))
        .collect();
    let parts = if parts.is_empty() { "0".to_owned() } else { parts.join(", ") };
    to.put(&format!("datetime.timedelta({parts})"));
    Some(())
}

fn timezone(args: &[Value], to: &mut Writer) -> Option<()> {
    let (offset, named) = match args {
        [Value::Object(offset)] => (offset, false),
        [Value::Object(offset), Value::Str(_)] => (offset, true),
        _ => return None,
    };
    if &*offset.name != "datetime.timedelta" {
        return None;
    }
    let zero = offset.args.iter().all(|part| int(part) == Some(0));
    if zero && !named {
        to.put("datetime.timezone.utc");
    } else {
        to.bracketed("datetime.timezone(", args, ")");
    }
    Some(())
}

/// Python 3.11 and older pickle a fraction as text.
fn fraction(args: &[Value], to: &mut Writer) -> Option<()> {
    match args {
        [Value::Int(_) | Value::Big(_), Value::Int(_) | Value::Big(_)] => {
            to.bracketed("Fraction(", args, ")")
        }
        [Value::Str(text)] => {
            let (over, under) = text.split_once('/').unwrap_or((text, "1"));
            let digits = |text: &str| {
                !text.is_empty() && text.len() < 4000 && text.bytes().all(|b| b.is_ascii_digit())
            };
            if !digits(over.strip_prefix('-').unwrap_or(over)) || !digits(under) {
                return None;
            }
            to.put(&format!("Fraction({over}, {under})"));
        }
        _ => return None,
    }
    Some(())
}

fn path(name: &str, args: &[Value], to: &mut Writer) -> Option<()> {
    let parts: Option<Vec<&str>> = args
        .iter()
        .map(|part| match part {
            Value::Str(part) => Some(&**part),
            _ => None,
        })
        .collect();
    let parts = parts?;
    let slashed = |part: &&str| part.is_empty() || *part == "." || part.contains('/');
    if parts.iter().skip(1).any(slashed) {
        return None;
    }
    let windows = name.contains("Windows");
    let mut joined = match parts.split_first() {
        None => ".".to_owned(),
        Some((first, rest)) if rest.is_empty() || first.ends_with(['/', '\\']) => {
            format!("{first}{}", rest.join("/"))
        }
        Some(_) => parts.join("/"),
    };
    if windows {
        joined = joined.replace('\\', "/");
    }
    to.put(name);
    to.bracketed("(", &[Value::str(&joined)], ")");
    Some(())
}

fn collection(name: &str, object: &Object, to: &mut Writer) -> Option<()> {
    let (args, items, pairs) = (&*object.args, &*object.items, &*object.pairs);
    match (name, args) {
        ("OrderedDict", []) if items.is_empty() && pairs.is_empty() => to.put("OrderedDict()"),
        ("OrderedDict", []) if items.is_empty() => {
            to.put("OrderedDict([");
            for (at, (key, value)) in pairs.iter().enumerate() {
                to.put(if at > 0 { ", (" } else { "(" });
                to.value(key);
                to.put(", ");
                to.value(value);
                to.put(")");
                if to.is_cut() {
                    return Some(());
                }
            }
            to.put("])");
        }
        ("defaultdict", [] | [_]) if items.is_empty() => {
            to.put("defaultdict(");
            to.value(args.first().unwrap_or(&Value::None));
            to.put(", ");
            to.dict(pairs);
            to.put(")");
        }
        ("deque", []) => to.bracketed("deque([", items, "])"),
        ("deque", [Value::Tuple(first) | Value::List(first), Value::Int(most)]) if first.is_empty() => {
            let most = usize::try_from(*most).ok()?;
            let last = &items[items.len().saturating_sub(most)..];
            to.bracketed("deque([", last, &format!("], maxlen={most})"));
        }
        ("Counter", [Value::Dict(counts)]) if items.is_empty() && pairs.is_empty() => {
            if counts.is_empty() {
                to.put("Counter()");
                return Some(());
            }
            let mut counts: Vec<(Value, Value)> = counts.to_vec();
            // By falling count; CPython keeps the order if the counts cannot be compared.
            if counts.iter().all(|(_, count)| matches!(count, Value::Int(_))) {
                counts.sort_by_key(|(_, count)| std::cmp::Reverse(int(count)));
            }
            to.put("Counter(");
            to.dict(&counts);
            to.put(")");
        }
        _ => return None,
    }
    Some(())
}

fn uuid(object: &Object, to: &mut Writer) -> Option<()> {
    let Some(Value::Dict(state)) = &object.state else { return None };
    let number = state.iter().find(|(key, _)| matches!(key, Value::Str(key) if &**key == "int"));
    let number = match number.map(|(_, number)| number)? {
        Value::Int(number) => BigInt::from(*number),
        Value::Big(number) => (**number).clone(),
        _ => return None,
    };
    if number.sign() == Sign::Minus || number.bits() > 128 || !object.args.is_empty() {
        return None;
    }
    let hex = format!("{number:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    to.put(&format!("UUID('{}')", parts.join("-")));
    Some(())
}

fn namespace(object: &Object, to: &mut Writer) -> Option<()> {
    let none = Value::Dict(Default::default());
    let Value::Dict(state) = object.state.as_ref().unwrap_or(&none) else { return None };
    if !object.args.is_empty() || !object.items.is_empty() || !object.pairs.is_empty() {
        return None;
    }
    to.put("namespace(");
    for (at, (key, value)) in state.iter().enumerate() {
        if to.is_cut() {
            return Some(());
        }
        to.put(if at > 0 { ", " } else { "" });
        match key {
            Value::Str(name) => to.name(name),
            key => to.value(key),
        }
        to.put("=");
        to.value(value);
    }
    to.put(")");
    Some(())
}

/// Protocols 0 to 2 hold a list, the others packed numbers with a code for their form (PEP 3154's `machine format`).
fn array(args: &[Value], to: &mut Writer) -> Option<()> {
    let (code, numbers) = match args {
        [Value::Str(code), Value::List(numbers)] => (code, numbers.to_vec()),
        [_, Value::Str(code), Value::Int(form), Value::Bytes(bytes)] => (code, unpack(*form, bytes)?),
        _ => return None,
    };
    if code.len() != 1 || &**code == "u" {
        return None;
    }
    to.put("array(");
    to.value(&Value::Str(code.clone()));
    if !numbers.is_empty() {
        to.bracketed(", [", &numbers, "]");
    }
    to.put(")");
    Some(())
}

fn unpack(form: i64, bytes: &[u8]) -> Option<Vec<Value>> {
    // 0 and 1 are bytes; then 2, 4 and 8 byte integers, unsigned and signed; then 4 and 8 byte floats; each as little
    // and as big endian.
    let (size, signed, floats) = match form {
        0 | 1 => (1, form == 1, false),
        2..=5 => (2, form >= 4, false),
        6..=9 => (4, form >= 8, false),
        10..=13 => (8, form >= 12, false),
        14 | 15 => (4, true, true),
        16 | 17 => (8, true, true),
        _ => return None,
    };
    let big = form > 1 && form % 2 == 1;
    if !bytes.len().is_multiple_of(size) {
        return None;
    }
    let number = |chunk: &[u8]| {
        let mut bits: u64 = 0;
        for at in 0..size {
            let byte = chunk[if big { at } else { size - 1 - at }];
            bits = bits << 8 | u64::from(byte);
        }
        let unused = 64 - 8 * size as u32;
        match (floats, size) {
            (true, 4) => Value::Float(f64::from(f32::from_bits(bits as u32))),
            (true, _) => Value::Float(f64::from_bits(bits)),
            // Shifting up and down again spreads the sign.
            _ if signed => Value::Int((bits << unused) as i64 >> unused),
            _ => Value::from(BigInt::from(bits)),
        }
    };
    Some(bytes.chunks_exact(size).map(number).collect())
}
