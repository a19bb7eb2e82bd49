//! A Python value as lab2sh holds it: what a literal in a line means and what a pickle from a peer turns into.

mod equal;
mod escape;
mod json;
mod json_text;
pub(crate) mod plain;
mod repr;
mod standard;
mod unique;

use std::sync::Arc;

use num_bigint::BigInt;

pub use escape::{escape, escape_markup, is_bidi, is_printable, spreadsheet_cell};
pub use json::to_json;
pub(crate) use json_text::step as path_step;
pub use json_text::{from_json_text, to_json_text};
pub(crate) use repr::MAX_INT_DIGITS;
pub use unique::first_duplicate;
pub(crate) use unique::{repeats, unique_items, unique_pairs};

/// A Python value. Containers are shared (`Arc`), so a clone costs one counter; nothing in a value changes after it was made.
///
/// A dict has no two equal keys (Python's equality: `1 == 1.0 == True`) and keeps insertion order; a set has no two equal items.
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer that fits 64 bits; every integer that does is held this way.
    Int(i64),
    /// An integer beyond 64 bits.
    Big(Arc<BigInt>),
    /// A float.
    Float(f64),
    /// A str that UTF-8 can hold.
    Str(Arc<str>),
    /// A str with lone surrogates, as WTF-8 (UTF-8 that also encodes U+D800 to U+DFFF).
    Surrogates(Arc<[u8]>),
    /// A bytes object.
    Bytes(Arc<[u8]>),
    /// A bytearray.
    ByteArray(Arc<[u8]>),
    /// A list.
    List(Arc<[Value]>),
    /// A tuple.
    Tuple(Arc<[Value]>),
    /// A dict, in insertion order.
    Dict(Arc<[(Value, Value)]>),
    /// A set, in the order it arrived or was written in.
    Set(Arc<[Value]>),
    /// A frozenset, in the order it arrived in.
    FrozenSet(Arc<[Value]>),
    /// Anything that Python would have to import or call something for.
    Object(Arc<Object>),
    /// A place where a container holds itself again; Python's repr shows `[...]`.
    Cycle(Container),
}

/// What kind of container a [`Value::Cycle`] leads back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `[...]`
    List,
    /// `(...)`
    Tuple,
    /// `{...}`
    Dict,
    /// A set, frozenset or object: `...`
    Other,
}

/// Something that loading the pickle would have imported, called or built. Nothing of it was ever run.
#[derive(Clone, Debug)]
pub struct Object {
    /// What loading would have done.
    pub kind: ObjectKind,
    /// The dotted name as the peer sent it (`menu.Menu`), not yet escaped for a screen; for [`ObjectKind::Extension`] the code.
    pub name: Arc<str>,
    /// Positional arguments; for [`ObjectKind::Persistent`] the one id.
    pub args: Arc<[Value]>,
    /// Keyword arguments.
    pub kwargs: Arc<[(Value, Value)]>,
    /// What `BUILD` would have handed to `__setstate__` or `__dict__`.
    pub state: Option<Value>,
    /// Items appended or added afterwards (a deque, a list subclass).
    pub items: Arc<[Value]>,
    /// Items set by key afterwards (an OrderedDict, a dict subclass).
    pub pairs: Arc<[(Value, Value)]>,
}

/// How a pickle asked for an [`Object`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A class or function by name, not called.
    Global,
    /// An instance: `NEWOBJ`, `NEWOBJ_EX`, `OBJ`, `INST` or `copyreg._reconstructor`.
    Instance,
    /// The result of calling `name` with `args`: `REDUCE`.
    Call,
    /// A persistent id.
    Persistent,
    /// A copyreg extension code.
    Extension,
}

impl Value {
    /// The name of the value's Python type: `dict`, `int`, ...; for an object its class where the pickle tells it.
    pub fn type_name(&self) -> &str {
        match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Big(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) | Value::Surrogates(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::ByteArray(_) => "bytearray",
            Value::List(_) | Value::Cycle(Container::List) => "list",
            Value::Tuple(_) | Value::Cycle(Container::Tuple) => "tuple",
            Value::Dict(_) | Value::Cycle(Container::Dict) => "dict",
            Value::Set(_) => "set",
            Value::FrozenSet(_) => "frozenset",
            Value::Object(object) => match object.kind {
                ObjectKind::Global => "global",
                ObjectKind::Persistent => "persistent id",
                ObjectKind::Extension => "extension",
                ObjectKind::Instance | ObjectKind::Call => &object.name,
            },
            Value::Cycle(Container::Other) => "object",
        }
    }

    /// A str.
    pub fn str(text: &str) -> Value {
        Value::Str(Arc::from(text))
    }
}

impl From<BigInt> for Value {
    fn from(number: BigInt) -> Value {
        match i64::try_from(&number) {
            Ok(small) => Value::Int(small),
            Err(_) => Value::Big(Arc::new(number)),
        }
    }
}
