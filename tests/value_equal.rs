//! Python's `==`, `<`, `in` and hashing.
// A test may fail by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lab2sh::pickle::decode;
use lab2sh::value::{Value, first_duplicate};
use num_bigint::BigInt;

fn int(number: i64) -> Value {
    Value::Int(number)
}

fn big(text: &str) -> Value {
    Value::from(text.parse::<BigInt>().unwrap())
}

fn list(items: &[Value]) -> Value {
    Value::List(items.into())
}

fn tuple(items: &[Value]) -> Value {
    Value::Tuple(items.into())
}

fn dict(pairs: &[(Value, Value)]) -> Value {
    Value::Dict(pairs.into())
}

fn set(items: &[Value]) -> Value {
    Value::Set(items.into())
}

fn bytes(text: &str) -> Arc<[u8]> {
    Arc::from(text.as_bytes())
}

#[test]
fn numbers_are_equal_across_types() {
    assert_eq!(int(1), Value::Float(1.0));
    assert_eq!(int(1), Value::Bool(true));
    assert_eq!(Value::Float(0.0), Value::Float(-0.0));
    assert_ne!(Value::Float(f64::NAN), Value::Float(f64::NAN));
    assert_ne!(int(1), Value::str("1"));
    assert_ne!(Value::None, Value::Bool(false));
    // Exactly: 2^53 + 1 has no float, 2^70 has.
    assert_ne!(int((1 << 53) + 1), Value::Float(9_007_199_254_740_992.0));
    assert_eq!(big("1180591620717411303424"), Value::Float(1_180_591_620_717_411_303_424.0));
    assert_ne!(big("1180591620717411303425"), Value::Float(1_180_591_620_717_411_303_424.0));
    assert_ne!(int(i64::MAX), Value::Float(9_223_372_036_854_775_808.0));
}

#[test]
fn containers_are_equal_as_in_python() {
    assert_ne!(list(&[int(1)]), tuple(&[int(1)]));
    assert_eq!(Value::Bytes(bytes("a")), Value::ByteArray(bytes("a")));
    assert_eq!(set(&[int(1), int(2)]), Value::FrozenSet([int(2), Value::Float(1.0)].into()));
    assert_ne!(set(&[int(1)]), set(&[int(1), int(2)]));
    let (a, b) = ((Value::str("a"), int(1)), (Value::str("b"), int(2)));
    assert_eq!(dict(&[a.clone(), b.clone()]), dict(&[b.clone(), a.clone()]));
    assert_ne!(dict(std::slice::from_ref(&a)), dict(std::slice::from_ref(&b)));
    assert_ne!(dict(&[a.clone(), b]), dict(&[a.clone(), (Value::str("b"), int(3))]));
    // One list object equals itself even with a NaN in it.
    let nan = list(&[Value::Float(f64::NAN)]);
    assert_eq!(nan, nan.clone());
    assert_ne!(nan, list(&[Value::Float(f64::NAN)]));
}

#[test]
fn order_is_pythons() {
    let less = Some(Ordering::Less);
    assert_eq!(int(1).compare(&Value::Float(1.5)), less);
    assert_eq!(Value::Float(-1.5).compare(&int(-1)), less);
    assert_eq!(int(-2).compare(&Value::Float(-1.5)), less);
    assert_eq!(Value::Bool(false).compare(&int(1)), less);
    assert_eq!(int(1).compare(&big("99999999999999999999")), less);
    assert_eq!(big("-99999999999999999999").compare(&int(1)), less);
    assert_eq!(big("99999999999999999999").compare(&Value::Float(f64::INFINITY)), less);
    assert_eq!(Value::Float(f64::NEG_INFINITY).compare(&big("-99999999999999999999")), less);
    assert_eq!(int(1).compare(&Value::Float(f64::NAN)), None);
    assert_eq!(Value::str("a").compare(&Value::str("ä")), less);
    assert_eq!(Value::Bytes(bytes("a")).compare(&Value::ByteArray(bytes("b"))), less);
    assert_eq!(list(&[int(1)]).compare(&list(&[int(1), int(0)])), less);
    assert_eq!(tuple(&[int(1), int(9)]).compare(&tuple(&[int(2)])), less);
    assert_eq!(list(&[int(1)]).compare(&tuple(&[int(1)])), None);
    assert_eq!(list(&[Value::str("a")]).compare(&list(&[int(1)])), None);
    assert_eq!(int(1).compare(&Value::str("1")), None);
    assert_eq!(Value::None.compare(&Value::None), None);
    // U+FFFF is after a surrogate, and a character beyond it after both.
    let lone = Value::Surrogates(Arc::from([0xed, 0xa0, 0x80].as_slice()));
    assert_eq!(lone.compare(&Value::str("\u{ffff}")), less);
    assert_eq!(Value::str("a").compare(&lone), less);
}

#[test]
fn membership_is_pythons() {
    assert_eq!(list(&[int(1)]).contains(&Value::Float(1.0)), Some(true));
    assert_eq!(Value::str("hello").contains(&Value::str("ell")), Some(true));
    assert_eq!(Value::str("hello").contains(&Value::str("")), Some(true));
    assert_eq!(Value::str("1").contains(&int(1)), None);
    assert_eq!(Value::Bytes(bytes("abc")).contains(&int(97)), Some(true));
    assert_eq!(Value::Bytes(bytes("abc")).contains(&Value::Bytes(bytes("bc"))), Some(true));
    assert_eq!(Value::Bytes(bytes("abc")).contains(&int(256)), None);
    let names = dict(&[(Value::str("a"), int(1))]);
    assert_eq!(names.contains(&Value::str("a")), Some(true));
    assert_eq!(names.contains(&list(&[])), None);
    assert_eq!(set(&[int(1)]).contains(&list(&[])), None);
    assert_eq!(int(1).contains(&int(1)), None);
    assert_eq!(names.get(&Value::str("a")), Some(&int(1)));
    assert_eq!(dict(&[(int(1), int(2))]).get(&Value::Bool(true)), Some(&int(2)));
}

#[test]
fn hashable_as_in_python() {
    assert!(tuple(&[int(1), Value::str("a")]).is_hashable());
    assert!(!tuple(&[list(&[])]).is_hashable());
    assert!(!set(&[]).is_hashable());
    assert!(Value::FrozenSet(Arc::default()).is_hashable());
    assert!(Value::Bytes(bytes("")).is_hashable());
    assert!(!Value::ByteArray(bytes("")).is_hashable());
}

#[test]
fn duplicates_are_found_in_few_and_in_many() {
    let keys = [int(1), Value::str("1"), Value::Float(1.0)];
    assert_eq!(first_duplicate(keys.iter()), Some(2));
    assert_eq!(first_duplicate(keys[..2].iter()), None);
    let mut many: Vec<Value> = (0..100_000).map(|n| Value::str(&n.to_string())).collect();
    assert_eq!(first_duplicate(many.iter()), None);
    many.push(Value::str("77"));
    assert_eq!(first_duplicate(many.iter()), Some(100_000));
    // Equal numbers of all three kinds meet in one place.
    let mut mixed: Vec<Value> = (0..20).map(int).collect();
    mixed.push(Value::Float(7.0));
    assert_eq!(first_duplicate(mixed.iter()), Some(20));
}

#[test]
fn large_dicts_and_sets_compare_in_linear_time() {
    let pairs: Vec<(Value, Value)> = (0..100_000).map(|n| (Value::str(&n.to_string()), int(n))).collect();
    let mut turned = pairs.clone();
    turned.reverse();
    let start = Instant::now();
    assert_eq!(dict(&pairs), dict(&turned));
    let items: Vec<Value> = pairs.into_iter().map(|(key, _)| key).collect();
    let mut turned = items.clone();
    turned.reverse();
    assert_eq!(set(&items), set(&turned));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_peers_many_unequal_keys_do_not_meet_in_one_place() {
    // NaN equals nothing, and so do two instances; both would be one hash if they went by what they hold.
    let nans = [b"\x80\x02}(".as_slice(), &b"G\x7f\xf8\0\0\0\0\0\0N".repeat(50_000), b"u."].concat();
    let instances =
        [b"\x80\x02cm\nC\nq\x000\x8f(".as_slice(), &b"h\x00)\x81".repeat(50_000), b"\x90."].concat();
    let start = Instant::now();
    for (pickle, count) in [(nans, 50_000), (instances, 50_000)] {
        match decode(&pickle).unwrap().value {
            Value::Dict(pairs) => assert_eq!(pairs.len(), count),
            Value::Set(items) => assert_eq!(items.len(), count),
            other => panic!("{}", other.type_name()),
        }
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}
