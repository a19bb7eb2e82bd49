//! What `expect` wants of a value: Python's `match`, with types, regular expressions and names.

use regex::Regex;

use crate::language::expr::{Expr, Lookup};
use crate::language::mistake::{Mistake, did_you_mean};
use crate::value::Value;

/// A pattern, with the place of its text in the line.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What it asks for.
    pub kind: Kind,
    /// Byte offset of its first character.
    pub at: usize,
    /// Bytes of its text.
    pub len: usize,
}

/// What a pattern asks for.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `_`: anything.
    Any,
    /// A type's name.
    Type(Type),
    /// `/regex/`: a str in which the expression finds something; a group `(?<NAME>...)` names what it found.
    Regex(Regex),
    /// A value equal to this one.
    Equal(Expr),
    /// A dict that has these keys; others are ignored.
    Dict(Vec<(Expr, Pattern)>),
    /// A list of just these items; more may follow if the flag is set (`...`).
    List(Vec<Pattern>, bool),
    /// A tuple of just these items; more may follow if the flag is set (`...`).
    Tuple(Vec<Pattern>, bool),
    /// `A | B`: the first that matches.
    Or(Vec<Pattern>),
    /// `PATTERN as NAME`.
    Bind(Box<Pattern>, String),
}

/// A type that a pattern can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the Python type of that name")]
pub enum Type {
    Int,
    Float,
    Str,
    Bool,
    Bytes,
    List,
    Tuple,
    Dict,
    Set,
}

/// The types by name.
pub const TYPES: [(&str, Type); 9] = [
    ("int", Type::Int),
    ("float", Type::Float),
    ("str", Type::Str),
    ("bool", Type::Bool),
    ("bytes", Type::Bytes),
    ("list", Type::List),
    ("tuple", Type::Tuple),
    ("dict", Type::Dict),
    ("set", Type::Set),
];

/// Why a value does not match.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// Where in the value: `['clientid'][0]`; empty for the whole value.
    pub path: String,
    /// Offset of the part of the pattern that was not met.
    pub at: usize,
    /// Bytes of that part.
    pub len: usize,
    /// What came instead there; `None` where nothing is.
    pub got: Option<Value>,
    /// A plain reason where "wanted, got" does not say it: a missing key, a wrong length.
    pub reason: Option<String>,
    /// The next thing to try.
    pub hint: Option<String>,
    /// Whether the hint names a slip: a key that is nearly right, a number that is a str.
    pub is_slip: bool,
}

impl Mismatch {
    /// The same mismatch, seen from the container that holds the place under this key or index.
    fn inside(mut self, key: &str) -> Mismatch {
        self.path.insert_str(0, &format!("[{key}]"));
        self
    }
}

/// The names that a match gave.
pub type Captures = Vec<(String, Value)>;

impl Type {
    /// Whether `value` is of this type. `True` is no `int` here: a student who sends one for the other made a mistake.
    fn holds(self, value: &Value) -> bool {
        match self {
            Type::Int => matches!(value, Value::Int(_) | Value::Big(_)),
            Type::Float => matches!(value, Value::Float(_)),
            Type::Str => matches!(value, Value::Str(_) | Value::Surrogates(_)),
            Type::Bool => matches!(value, Value::Bool(_)),
            Type::Bytes => matches!(value, Value::Bytes(_)),
            Type::List => matches!(value, Value::List(_)),
            Type::Tuple => matches!(value, Value::Tuple(_)),
            Type::Dict => matches!(value, Value::Dict(_)),
            Type::Set => matches!(value, Value::Set(_) | Value::FrozenSet(_)),
        }
    }
}

impl Pattern {
    /// Matches `value`: the names it gave, or why it does not match. A mistake is a `$name` that is not there.
    pub fn matches(&self, value: &Value, lookup: &Lookup) -> Result<Result<Captures, Mismatch>, Mistake> {
        let mut captures = Captures::new();
        Ok(self.walk(value, lookup, &mut captures)?.map(|()| captures))
    }

    fn walk(
        &self,
        value: &Value,
        lookup: &Lookup,
        captures: &mut Captures,
    ) -> Result<Result<(), Mismatch>, Mistake> {
        let met = match &self.kind {
            Kind::Any => true,
            Kind::Type(wanted) => wanted.holds(value),
            Kind::Regex(regex) => matches!(value, Value::Str(text) if found(regex, text, captures)),
            Kind::Equal(expr) => expr.eval(lookup)? == *value,
            Kind::Dict(pairs) => return self.walk_dict(pairs, value, lookup, captures),
            Kind::List(items, open) => match value {
                Value::List(got) => return self.walk_items(items, *open, got, lookup, captures),
                _ => false,
            },
            Kind::Tuple(items, open) => match value {
                Value::Tuple(got) => return self.walk_items(items, *open, got, lookup, captures),
                _ => false,
            },
            Kind::Or(alternatives) => {
                let before = captures.len();
                for alternative in alternatives {
                    if alternative.walk(value, lookup, captures)?.is_ok() {
                        return Ok(Ok(()));
                    }
                    captures.truncate(before);
                }
                false
            }
            Kind::Bind(inner, name) => {
                let inner = inner.walk(value, lookup, captures)?;
                captures.push((name.clone(), value.clone()));
                return Ok(inner);
            }
        };
        Ok(if met { Ok(()) } else { Err(self.mismatch(Some(value.clone()))) })
    }

    fn walk_dict(
        &self,
        pairs: &[(Expr, Pattern)],
        value: &Value,
        lookup: &Lookup,
        captures: &mut Captures,
    ) -> Result<Result<(), Mismatch>, Mistake> {
        if !matches!(value, Value::Dict(_)) {
            return Ok(Err(self.mismatch(Some(value.clone()))));
        }
        for (key, pattern) in pairs {
            let key = key.eval(lookup)?;
            let Some(item) = value.get(&key) else {
                return Ok(Err(self.missing_key(&key, value)));
            };
            if let Err(mismatch) = pattern.walk(item, lookup, captures)? {
                return Ok(Err(mismatch.inside(&key.repr_cut(60).0)));
            }
        }
        Ok(Ok(()))
    }

    fn walk_items(
        &self,
        wanted: &[Pattern],
        open: bool,
        got: &[Value],
        lookup: &Lookup,
        captures: &mut Captures,
    ) -> Result<Result<(), Mismatch>, Mistake> {
        if got.len() < wanted.len() || (got.len() > wanted.len() && !open) {
            let at_least = if open { "at least " } else { "" };
            let reason =
                format!("wanted {at_least}{}, got {}", count(wanted.len() as u64, "item"), got.len());
            return Ok(Err(Mismatch { reason: Some(reason), ..self.mismatch(None) }));
        }
        for (index, (pattern, item)) in wanted.iter().zip(got).enumerate() {
            if let Err(mismatch) = pattern.walk(item, lookup, captures)? {
                return Ok(Err(mismatch.inside(&index.to_string())));
            }
        }
        Ok(Ok(()))
    }

    fn missing_key(&self, key: &Value, value: &Value) -> Mismatch {
        let Value::Dict(pairs) = value else { return self.mismatch(None) };
        let near = match key {
            Value::Str(wanted) => {
                let keys = pairs
                    .iter()
                    .filter_map(|(key, _)| if let Value::Str(key) = key { Some(&**key) } else { None });
                did_you_mean(wanted, keys)
            }
            _ => None,
        };
        let hint = match near {
            Some(near) => format!("the dict has the key {}: a typo?", Value::str(near).repr_cut(60).0),
            None if pairs.is_empty() => "the dict is empty".to_string(),
            None => {
                let keys: Vec<String> = pairs.iter().take(6).map(|(key, _)| key.repr_cut(40).0).collect();
                format!("its keys are {}{}", keys.join(", "), if pairs.len() > 6 { ", ..." } else { "" })
            }
        };
        let reason = format!("the key {} is missing", key.repr_cut(60).0);
        Mismatch { reason: Some(reason), hint: Some(hint), is_slip: near.is_some(), ..self.mismatch(None) }
    }

    fn mismatch(&self, got: Option<Value>) -> Mismatch {
        let hint = match (&self.kind, &got) {
            (Kind::Type(Type::Int), Some(Value::Bool(_))) => {
                Some("in a pattern `int` is a number and not True or False; `bool` is those two".to_string())
            }
            (Kind::Type(Type::Int), Some(Value::Str(text))) if text.trim().parse::<i64>().is_ok() => Some(
                "this is the number written as a str: leave out the quotes, or `int(...)` it".to_string(),
            ),
            _ => None,
        };
        let is_slip = hint.is_some();
        Mismatch { path: String::new(), at: self.at, len: self.len, got, reason: None, hint, is_slip }
    }

    /// Calls `visit` with every name that this pattern binds.
    pub fn each_binding(&self, visit: &mut dyn FnMut(&str)) {
        match &self.kind {
            Kind::Any | Kind::Type(_) | Kind::Equal(_) => {}
            Kind::Regex(regex) => regex.capture_names().flatten().for_each(visit),
            Kind::Dict(pairs) => pairs.iter().for_each(|(_, pattern)| pattern.each_binding(visit)),
            Kind::List(items, _) | Kind::Tuple(items, _) | Kind::Or(items) => {
                items.iter().for_each(|item| item.each_binding(visit));
            }
            Kind::Bind(inner, name) => {
                inner.each_binding(visit);
                visit(name);
            }
        }
    }

    /// Calls `visit` with every value expression in it.
    pub fn each_expr(&self, visit: &mut dyn FnMut(&Expr)) {
        match &self.kind {
            Kind::Any | Kind::Type(_) | Kind::Regex(_) => {}
            Kind::Equal(expr) => visit(expr),
            Kind::Dict(pairs) => {
                for (key, pattern) in pairs {
                    visit(key);
                    pattern.each_expr(visit);
                }
            }
            Kind::List(items, _) | Kind::Tuple(items, _) | Kind::Or(items) => {
                items.iter().for_each(|item| item.each_expr(visit));
            }
            Kind::Bind(inner, _) => inner.each_expr(visit),
        }
    }
}

/// `1 item`, `2 items`.
pub fn count(n: impl Into<u64>, what: &str) -> String {
    let n = n.into();
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Whether the expression finds something; its named groups give names. One that took no part has found None.
fn found(regex: &Regex, text: &str, captures: &mut Captures) -> bool {
    let Some(groups) = regex.captures(text) else { return false };
    for name in regex.capture_names().flatten() {
        let value = groups.name(name).map_or(Value::None, |group| Value::str(group.as_str()));
        captures.push((name.to_string(), value));
    }
    true
}
