//! Keys that are one to Python: hashing, and containers without duplicates.

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::equal::same_object;
use super::{Value, plain};

/// Up to here comparing every pair beats hashing.
const FEW: usize = 8;

/// The index of the first item that equals an earlier one. Takes time in proportion to the number of items.
pub fn first_duplicate<'v>(keys: impl Iterator<Item = &'v Value>) -> Option<usize> {
    let keys: Vec<&Value> = keys.collect();
    let mut index = Index::new(keys.len(), Objects::Contents);
    keys.iter().position(|key| index.place(key, |earlier| keys[earlier] == *key).is_some())
}

/// Whether two of a container's keys are one to Python.
pub(crate) fn repeats<'v>(keys: impl ExactSizeIterator<Item = &'v Value> + Clone) -> bool {
    if keys.len() < 2 || plainly_distinct(keys.clone()) {
        return false;
    }
    let keys: Vec<&Value> = keys.collect();
    let mut index = Index::new(keys.len(), Objects::Identity);
    keys.iter().any(|key| index.place(key, |earlier| same_key(keys[earlier], key)).is_some())
}

/// The pairs with each key once, at its first place with its last value, as a Python dict keeps them.
pub(crate) fn unique_pairs(pairs: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut index = Index::new(pairs.len(), Objects::Identity);
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        match index.place(&key, |earlier| same_key(&kept[earlier].0, &key)) {
            Some(earlier) => kept[earlier].1 = value,
            None => kept.push((key, value)),
        }
    }
    kept
}

/// The items with each once, the first of equals kept, as a Python set keeps them.
pub(crate) fn unique_items(items: Vec<Value>) -> Vec<Value> {
    if !repeats(items.iter()) {
        return items;
    }
    let mut index = Index::new(items.len(), Objects::Identity);
    let mut kept: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        if index.place(&item, |earlier| same_key(&kept[earlier], &item)).is_none() {
            kept.push(item);
        }
    }
    kept
}

/// A quick look that settles the common cases: few different texts, or small integers in rising order.
fn plainly_distinct<'v>(keys: impl ExactSizeIterator<Item = &'v Value> + Clone) -> bool {
    if keys.len() <= FEW && keys.clone().all(|key| matches!(key, Value::Str(_))) {
        return keys
            .clone()
            .enumerate()
            .all(|(at, key)| !keys.clone().take(at).any(|earlier| earlier == key));
    }
    let mut last = None;
    keys.into_iter().all(|key| match key {
        Value::Int(number) if last < Some(*number) => {
            last = Some(*number);
            true
        }
        _ => false,
    })
}

/// Whether Python would take two keys for one. Instances count by identity, as Python's default `__eq__` does:
/// a set of two instances with one state has two items.
fn same_key(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            Arc::ptr_eq(a, b) || (plain::is_plain(&a.name) && plain::is_plain(&b.name) && same_object(a, b))
        }
        (Value::Tuple(a), Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same_key(a, b))
        }
        (Value::Cycle(_), Value::Cycle(_)) => false,
        _ => a == b,
    }
}

/// How objects that are not plain data enter a hash.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Objects {
    /// By identity, for the keys of one container.
    Identity,
    /// By what they hold, for `==`.
    Contents,
}

/// Places of keys by hash. The hash is seeded at random, so a peer cannot choose keys that collide.
pub(super) struct Index {
    seed: RandomState,
    objects: Objects,
    /// Eight bytes a key: the keys themselves are looked at where they lie.
    table: HashTable<Place>,
    len: usize,
    hashed: bool,
}

struct Place {
    code: u32,
    /// Values have far fewer items than 2^32.
    at: u32,
}

impl Index {
    pub(super) fn new(len: usize, objects: Objects) -> Index {
        let hashed = len > FEW;
        let table = HashTable::with_capacity(if hashed { len } else { 0 });
        Index { seed: RandomState::new(), objects, table, len: 0, hashed }
    }

    /// The earlier place for which `same` holds; if there is none, `key` is noted at the next place.
    pub(super) fn place(&mut self, key: &Value, same: impl Fn(usize) -> bool) -> Option<usize> {
        let at = self.len;
        if self.hashed {
            let code = self.code(key);
            let is_same = |place: &Place| place.code == code && same(place.at as usize);
            match self.table.entry(spread(code), is_same, |place| spread(place.code)) {
                Entry::Occupied(earlier) => return Some(earlier.get().at as usize),
                Entry::Vacant(vacant) => drop(vacant.insert(Place { code, at: at as u32 })),
            }
        } else if let Some(earlier) = (0..at).find(|&earlier| same(earlier)) {
            return Some(earlier);
        }
        self.len += 1;
        None
    }

    /// The place for which `same` holds, without noting anything.
    pub(super) fn find(&self, key: &Value, same: impl Fn(usize) -> bool) -> Option<usize> {
        if !self.hashed {
            return (0..self.len).find(|&place| same(place));
        }
        let code = self.code(key);
        let is_same = |place: &Place| place.code == code && same(place.at as usize);
        self.table.find(spread(code), is_same).map(|place| place.at as usize)
    }

    fn code(&self, key: &Value) -> u32 {
        let mut hasher = self.seed.build_hasher();
        hash(key, self.objects, &mut hasher);
        (hasher.finish() >> 32) as u32
    }
}

/// The table takes its tags from the high bits of a hash and its places from the low ones.
fn spread(code: u32) -> u64 {
    u64::from(code).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Feeds a hasher so that equal values feed it equally. NaN goes by address, and in one container so do instances:
/// they equal nothing else, and a peer's thousand NaN keys must not all meet in one place.
fn hash(value: &Value, objects: Objects, into: &mut impl Hasher) {
    use Value::*;
    match value {
        None => 0_u8.hash(into),
        Bool(bit) => i64::from(*bit).hash(into),
        Int(number) => number.hash(into),
        Big(number) => number.hash(into),
        Float(number) => hash_float(*number, value, into),
        Str(text) => text.as_bytes().hash(into),
        Surrogates(bytes) | Bytes(bytes) | ByteArray(bytes) => bytes.hash(into),
        List(items) | Tuple(items) => {
            items.len().hash(into);
            items.iter().for_each(|item| hash(item, objects, into));
        }
        Dict(pairs) => hash_pairs(pairs, objects, into),
        Set(items) | FrozenSet(items) => hash_unordered(items.iter(), objects, into),
        Object(object) if objects == Objects::Contents || plain::is_plain(&object.name) => {
            object.name.hash(into);
            let parts = object.args.iter().chain(&object.state).chain(object.items.iter());
            parts.for_each(|item| hash(item, objects, into));
            hash_pairs(&object.pairs, objects, into);
        }
        Object(object) => Arc::as_ptr(object).addr().hash(into),
        Cycle(_) => 1_u8.hash(into),
    }
}

fn hash_pairs(pairs: &[(Value, Value)], objects: Objects, into: &mut impl Hasher) {
    hash_unordered(pairs.iter().map(|(key, _)| key), objects, into);
    hash_unordered(pairs.iter().map(|(_, value)| value), objects, into);
}

fn hash_unordered<'v>(items: impl Iterator<Item = &'v Value>, objects: Objects, into: &mut impl Hasher) {
    // The keys are fixed here, since the sum must not depend on the hasher's state.
    let sum = items.fold(0_u64, |sum, item| {
        let mut one = DefaultHasher::new();
        hash(item, objects, &mut one);
        sum.wrapping_add(one.finish())
    });
    sum.hash(into);
}

fn hash_float(number: f64, place: &Value, into: &mut impl Hasher) {
    if number.is_nan() {
        std::ptr::from_ref(place).addr().hash(into);
    } else if number.fract() == 0.0 {
        match exact_i64(number) {
            Some(small) => small.hash(into),
            None => BigInt::from_f64(number).hash(into),
        }
    } else {
        number.to_bits().hash(into);
    }
}

fn exact_i64(number: f64) -> Option<i64> {
    // 2^63 as a float is exact; every integral float below it in size fits.
    (number.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number))
        .then_some(number as i64)
}
