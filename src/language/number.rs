//! Numbers as JSON and Python write them.

use num_bigint::BigInt;
use num_traits::Num;

use super::line::Line;
use super::mistake::Mistake;
use crate::value::Value;

/// The most decimal digits of an integer: CPython's own limit for turning text into an int (`sys.int_info.default_max_str_digits`).
const MAX_INT_DIGITS: usize = 4300;

/// Reads a number: `12`, `-1.5e3`, `0x1f`, `1_000`, `-inf`.
pub fn number(line: &mut Line) -> Result<Value, Mistake> {
    let start = line.at;
    let sign = if line.eat('-') {
        -1
    } else {
        line.eat('+');
        1
    };
    if line.rest().starts_with("inf") || line.rest().starts_with("Infinity") {
        line.at += if line.rest().starts_with("inf") { 3 } else { 8 };
        return Ok(Value::Float(f64::from(sign) * f64::INFINITY));
    }
    let rest = line.rest();
    let len = number_len(rest);
    if let Some(plain) = plain_integer(&rest[..len]) {
        line.at += len;
        return Ok(Value::Int(i64::from(sign) * plain));
    }
    let text = &rest[..len];
    let shown = &line.text[start..line.at + len];
    let wrong = |message: String| Mistake::new(start, shown.len().max(1), message);
    line.at += len;
    if text.starts_with(['.', 'e', 'E']) && !text[1..].starts_with(|c: char| c.is_ascii_digit())
        || text.is_empty()
    {
        return Err(wrong(format!("`{shown}` is not a number")));
    }
    let digits = text.replace('_', "");
    if text.ends_with('_') || text.contains("__") || text.starts_with('_') {
        return Err(wrong(format!("`{shown}` is not a number")).hint("`_` stands between two digits"));
    }
    let is_based = text.len() > 1 && text.starts_with('0') && text.as_bytes()[1].is_ascii_alphabetic();
    let is_float = !is_based && text.contains(['.', 'e', 'E']);
    if is_float { float(&digits, sign, &wrong, shown) } else { integer(&digits, sign, &wrong, shown) }
}

/// The usual case: a few decimal digits.
fn plain_integer(text: &str) -> Option<i64> {
    let is_plain = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain && (text.len() == 1 || !text.starts_with('0')) { text.parse().ok() } else { None }
}

fn number_len(rest: &str) -> usize {
    let is_based = rest.starts_with("0x") || rest.starts_with("0X");
    let bytes = rest.as_bytes();
    (0..bytes.len())
        .find(|&i| {
            let is_exponent_sign =
                matches!(bytes[i], b'+' | b'-') && i > 0 && matches!(bytes[i - 1], b'e' | b'E') && !is_based;
            !(bytes[i].is_ascii_alphanumeric() || matches!(bytes[i], b'.' | b'_') || is_exponent_sign)
        })
        .unwrap_or(bytes.len())
}

fn float(digits: &str, sign: i32, wrong: &dyn Fn(String) -> Mistake, shown: &str) -> Result<Value, Mistake> {
    match digits.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Value::Float(f64::from(sign) * number)),
        Ok(_) => Err(wrong(format!("`{shown}` is too large for a float")).hint("write `inf` for infinity")),
        Err(_) => Err(wrong(format!("`{shown}` is not a number"))),
    }
}

fn integer(
    digits: &str,
    sign: i32,
    wrong: &dyn Fn(String) -> Mistake,
    shown: &str,
) -> Result<Value, Mistake> {
    let (base, body) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    if base == 10 && body.len() > 1 && body.starts_with('0') && body.bytes().any(|digit| digit != b'0') {
        return Err(wrong(format!("`{shown}` has a leading zero"))
            .hint("an id that begins with 0 is a string: put it in quotes"));
    }
    if body.len() > MAX_INT_DIGITS {
        return Err(wrong(format!(
            "an integer of {} digits is over the limit of {MAX_INT_DIGITS}",
            body.len()
        )));
    }
    let number =
        BigInt::from_str_radix(body, base).map_err(|_| wrong(format!("`{shown}` is not a number")))?;
    Ok(Value::from(number * sign))
}
