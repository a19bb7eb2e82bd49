//! Python's `==`, `<`, `in` and hashing for values.

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::unique::{Index, Objects};
use super::{Object, ObjectKind, Value, plain};

/// Python's `==`, with two additions: objects that would have to be imported are equal when the pickle says the
/// same about both, and places where a container holds itself are equal when they are of one kind.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        use Value::*;
        match (self, other) {
            (None, None) => true,
            (Str(a), Str(b)) => a == b,
            (Surrogates(a), Surrogates(b)) => a == b,
            (Bytes(a) | ByteArray(a), Bytes(b) | ByteArray(b)) => a == b,
            (List(a), List(b)) | (Tuple(a), Tuple(b)) => Arc::ptr_eq(a, b) || a == b,
            (Dict(a), Dict(b)) => Arc::ptr_eq(a, b) || same_pairs(a, b),
            (Set(a) | FrozenSet(a), Set(b) | FrozenSet(b)) => Arc::ptr_eq(a, b) || same_items(a, b),
            (Object(a), Object(b)) => Arc::ptr_eq(a, b) || same_object(a, b),
            (Cycle(a), Cycle(b)) => a == b,
            _ => compare_numbers(self, other) == Some(Ordering::Equal),
        }
    }
}

impl Value {
    /// Python's order: numbers, str, bytes, lists and tuples. `None` where Python would raise TypeError, and for NaN.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        use Value::*;
        match (self, other) {
            (Str(a), Str(b)) => Some(a.cmp(b)),
            // UTF-8 sorts as its code points do, and so does WTF-8.
            (Str(a), Surrogates(b)) => Some(a.as_bytes().cmp(b)),
            (Surrogates(a), Str(b)) => Some((**a).cmp(b.as_bytes())),
            (Surrogates(a), Surrogates(b)) => Some(a.cmp(b)),
            (Bytes(a) | ByteArray(a), Bytes(b) | ByteArray(b)) => Some(a.cmp(b)),
            (List(a), List(b)) | (Tuple(a), Tuple(b)) => compare_items(a, b),
            _ => compare_numbers(self, other),
        }
    }

    /// Python's `item in self`; `None` where Python would raise TypeError.
    pub fn contains(&self, item: &Value) -> Option<bool> {
        use Value::*;
        match self {
            List(items) | Tuple(items) => Some(items.contains(item)),
            Set(items) | FrozenSet(items) => {
                (item.is_hashable() || matches!(item, Set(_))).then(|| items.contains(item))
            }
            Dict(_) => item.is_hashable().then(|| self.get(item).is_some()),
            Str(_) | Surrogates(_) => {
                let (text, part) = (self.text_bytes()?, item.text_bytes()?);
                Some(holds(text, part))
            }
            Bytes(bytes) | ByteArray(bytes) => match item {
                Bytes(part) | ByteArray(part) => Some(holds(bytes, part)),
                Int(byte) => u8::try_from(*byte).ok().map(|byte| bytes.contains(&byte)),
                Bool(byte) => Some(bytes.contains(&u8::from(*byte))),
                _ => Option::None,
            },
            _ => Option::None,
        }
    }

    /// Whether Python could use the value as a dict key.
    pub fn is_hashable(&self) -> bool {
        use Value::*;
        match self {
            List(_) | Dict(_) | Set(_) | ByteArray(_) => false,
            Tuple(items) => items.iter().all(Value::is_hashable),
            Object(object) => object.kind == ObjectKind::Global || !plain::is_unhashable(&object.name),
            Cycle(kind) => !matches!(kind, super::Container::List | super::Container::Dict),
            _ => true,
        }
    }

    /// The dict's value for a key that equals `key`; `None` for anything but a dict.
    pub fn get(&self, key: &Value) -> Option<&Value> {
        match self {
            Value::Dict(pairs) => pairs.iter().find(|(k, _)| k == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The UTF-8 or WTF-8 bytes of a str.
    pub(crate) fn text_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Str(text) => Some(text.as_bytes()),
            Value::Surrogates(bytes) => Some(bytes),
            _ => None,
        }
    }
}

fn same_pairs(a: &[(Value, Value)], b: &[(Value, Value)]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // Mostly the order is the same too.
    let mut left = a.iter().zip(b).skip_while(|((ak, av), (bk, bv))| ak == bk && av == bv);
    if left.next().is_none() {
        return true;
    }
    let mut index = Index::new(a.len(), Objects::Contents);
    for (key, _) in a {
        index.place(key, |_| false);
    }
    b.iter().all(|(key, value)| {
        index.find(key, |place| a[place].0 == *key).is_some_and(|place| a[place].1 == *value)
    })
}

fn same_items(a: &[Value], b: &[Value]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index = Index::new(a.len(), Objects::Contents);
    for item in a {
        index.place(item, |_| false);
    }
    b.iter().all(|item| index.find(item, |place| a[place] == *item).is_some())
}

pub(super) fn same_object(a: &Object, b: &Object) -> bool {
    a.kind == b.kind
        && a.name == b.name
        && a.args == b.args
        && same_pairs(&a.kwargs, &b.kwargs)
        && a.state == b.state
        && a.items == b.items
        && same_pairs(&a.pairs, &b.pairs)
}

fn compare_items(a: &[Value], b: &[Value]) -> Option<Ordering> {
    match a.iter().zip(b).find(|(a, b)| a != b) {
        Some((a, b)) => a.compare(b),
        None => Some(a.len().cmp(&b.len())),
    }
}

fn compare_numbers(a: &Value, b: &Value) -> Option<Ordering> {
    use Value::*;
    match (a, b) {
        (Float(a), Float(b)) => a.partial_cmp(b),
        (Float(a), _) => compare_to_float(b, *a).map(Ordering::reverse),
        (_, Float(b)) => compare_to_float(a, *b),
        (Big(a), Big(b)) => Some(a.cmp(b)),
        (Big(a), _) => small(b)
            .map(|_| if a.sign() == num_bigint::Sign::Minus { Ordering::Less } else { Ordering::Greater }),
        (_, Big(_)) => compare_numbers(b, a).map(Ordering::reverse),
        _ => Some(small(a)?.cmp(&small(b)?)),
    }
}

fn small(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Bool(bit) => Some(i64::from(*bit)),
        _ => None,
    }
}

/// An integer against a float, exactly: `2**53 + 1 > float(2**53)`.
fn compare_to_float(number: &Value, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    let whole = match number {
        Value::Big(big) => (**big).clone(),
        _ => BigInt::from(small(number)?),
    };
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let floor = BigInt::from_f64(float.floor())?;
    let above = float.fract() != 0.0;
    Some(whole.cmp(&floor).then(if above { Ordering::Less } else { Ordering::Equal }))
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
