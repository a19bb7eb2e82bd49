//! A value as it stands in a line, with the `$name` parts that are filled in when the step runs.

use std::sync::Arc;

use super::mistake::Mistake;
use crate::value::{Value, first_duplicate};

/// A value in a line.
#[derive(Clone, Debug)]
pub enum Expr {
    /// No `$` inside.
    Const(Value),
    /// `$name...`
    Ref(Ref),
    /// `"hello ${name}"`
    Text(Template),
    /// A list with a `$` somewhere inside.
    List(Vec<Expr>),
    /// A tuple with a `$` somewhere inside.
    Tuple(Vec<Expr>),
    /// A set with a `$` somewhere inside; the offset is its `{`.
    Set(Vec<Expr>, usize),
    /// A dict with a `$` somewhere inside; the offset is its `{`.
    Dict(Vec<(Expr, Expr)>, usize),
}

/// `$name`, with the keys and indices behind it.
#[derive(Clone, Debug)]
pub struct Ref {
    /// The name after `$`.
    pub name: String,
    /// `.key` and `[index]` in order.
    pub path: Vec<Key>,
    /// Byte offset of the `$`.
    pub at: usize,
    /// Bytes up to the end of the path.
    pub len: usize,
}

/// One step of a path.
#[derive(Clone, Debug)]
pub enum Key {
    /// `.key`: a dict's str key or a socket's attribute.
    Name(String),
    /// `[index]`: a place in a list, tuple, str or bytes, or a dict's key.
    Index(Expr),
}

/// Text with `$name` parts.
#[derive(Clone, Debug, Default)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// Filled in as text.
    Ref(Ref),
}

/// Finds what `$name` stands for.
pub type Lookup<'a> = dyn Fn(&Ref) -> Result<Value, Mistake> + Sync + 'a;

impl Template {
    /// Text without a `$`.
    pub fn text(text: String) -> Template {
        Template { parts: vec![Part::Text(text)] }
    }

    /// Text and references in order.
    pub fn from_parts(parts: Vec<Part>) -> Template {
        Template { parts }
    }

    /// The text, if nothing has to be filled in.
    pub fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with every `$name` filled in: a str as it is, anything else as Python's `repr` shows it.
    pub fn fill(&self, lookup: &Lookup) -> Result<String, Mistake> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Ref(reference) => match lookup(reference)? {
                    Value::Str(text) => filled.push_str(&text),
                    other => filled.push_str(&other.repr()),
                },
            }
        }
        Ok(filled)
    }

    /// The same text with every `$name` filled in but this one.
    pub fn fill_but(&self, name: &str, lookup: &Lookup) -> Result<Template, Mistake> {
        let part = |part: &Part| match part {
            Part::Ref(reference) if reference.name != name => {
                let filled = Template { parts: vec![part.clone()] }.fill(lookup)?;
                Ok(Part::Text(filled))
            }
            _ => Ok(part.clone()),
        };
        Ok(Template { parts: self.parts.iter().map(part).collect::<Result<_, Mistake>>()? })
    }

    /// The `$name` that is all there is of it.
    pub fn alone(&self) -> Option<&Ref> {
        match self.parts.as_slice() {
            [Part::Ref(reference)] => Some(reference),
            _ => None,
        }
    }

    /// Every `$name` in it.
    pub fn references(&self) -> impl Iterator<Item = &Ref> {
        self.parts.iter().filter_map(|part| match part {
            Part::Ref(reference) => Some(reference),
            Part::Text(_) => None,
        })
    }
}

impl Expr {
    /// The value with every `$name` filled in.
    pub fn eval(&self, lookup: &Lookup) -> Result<Value, Mistake> {
        let all = |items: &[Expr]| items.iter().map(|item| item.eval(lookup)).collect::<Result<Vec<_>, _>>();
        Ok(match self {
            Expr::Const(value) => value.clone(),
            Expr::Ref(reference) => lookup(reference)?,
            Expr::Text(template) => Value::str(&template.fill(lookup)?),
            Expr::List(items) => Value::List(all(items)?.into()),
            Expr::Tuple(items) => Value::Tuple(all(items)?.into()),
            Expr::Set(items, at) => set(all(items)?, *at)?,
            Expr::Dict(pairs, at) => {
                let pairs = pairs
                    .iter()
                    .map(|(key, value)| Ok((key.eval(lookup)?, value.eval(lookup)?)))
                    .collect::<Result<Vec<_>, Mistake>>()?;
                dict(pairs, *at)?
            }
        })
    }

    /// Calls `visit` with every `$name` in it.
    pub fn each_reference(&self, visit: &mut dyn FnMut(&Ref)) {
        match self {
            Expr::Const(_) => {}
            Expr::Ref(reference) => visit_reference(reference, visit),
            Expr::Text(template) => {
                template.references().for_each(|reference| visit_reference(reference, visit))
            }
            Expr::List(items) | Expr::Tuple(items) | Expr::Set(items, _) => {
                items.iter().for_each(|item| item.each_reference(visit));
            }
            Expr::Dict(pairs, _) => {
                for (key, value) in pairs {
                    key.each_reference(visit);
                    value.each_reference(visit);
                }
            }
        }
    }
}

fn visit_reference(reference: &Ref, visit: &mut dyn FnMut(&Ref)) {
    visit(reference);
    for key in &reference.path {
        if let Key::Index(index) = key {
            index.each_reference(visit);
        }
    }
}

/// A dict of `pairs`; a key that Python would not take or that stands twice is a mistake.
pub fn dict(pairs: Vec<(Value, Value)>, at: usize) -> Result<Value, Mistake> {
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !key.is_hashable()) {
        return Err(Mistake::new(at, 1, format!("a {} cannot be a dict's key", key.type_name()))
            .hint("as in Python, a key does not change: a str, a number, a tuple"));
    }
    if let Some(index) = first_duplicate(pairs.iter().map(|(key, _)| key)) {
        let message = format!("the key {} stands twice in this dict", pairs[index].0.repr());
        return Err(Mistake::new(at, 1, message).hint("Python would keep only the last; leave one out"));
    }
    Ok(Value::Dict(pairs.into()))
}

/// A set of `items`, each once; an item that Python would not take is a mistake.
pub fn set(items: Vec<Value>, at: usize) -> Result<Value, Mistake> {
    if let Some(item) = items.iter().find(|item| !item.is_hashable()) {
        return Err(Mistake::new(at, 1, format!("a {} cannot be in a set", item.type_name()))
            .hint("as in Python, an item of a set does not change: a str, a number, a tuple"));
    }
    let mut distinct = items;
    while let Some(index) = first_duplicate(distinct.iter()) {
        distinct.remove(index);
    }
    Ok(Value::Set(Arc::from(distinct)))
}

/// What `path` finds inside `value`; `reference` is where to point if it finds nothing.
pub fn follow(mut value: Value, reference: &Ref, lookup: &Lookup) -> Result<Value, Mistake> {
    if reference.path.is_empty() {
        return Ok(value);
    }
    let mut seen = format!("${}", reference.name);
    for key in &reference.path {
        let (index, shown) = match key {
            Key::Name(name) => (Value::str(name), format!(".{name}")),
            Key::Index(index) => {
                let index = index.eval(lookup)?;
                let shown = format!("[{}]", index.repr());
                (index, shown)
            }
        };
        let Some(found) = item(&value, &index) else {
            return Err(nothing_there(&value, &index, &seen, &shown, reference));
        };
        value = found;
        seen.push_str(&shown);
    }
    Ok(value)
}

fn item(value: &Value, index: &Value) -> Option<Value> {
    match (value, index) {
        (Value::Dict(_), _) => value.get(index).cloned(),
        (Value::List(items) | Value::Tuple(items), Value::Int(i)) => {
            items.get(position(*i, items.len())?).cloned()
        }
        (Value::Bytes(bytes) | Value::ByteArray(bytes), Value::Int(i)) => {
            bytes.get(position(*i, bytes.len())?).map(|byte| Value::Int(i64::from(*byte)))
        }
        (Value::Str(text), Value::Int(i)) => {
            let c = text.chars().nth(position(*i, text.chars().count())?)?;
            Some(Value::str(c.encode_utf8(&mut [0; 4])))
        }
        (Value::Object(object), Value::Str(_)) => match &object.state {
            Some(state) => state.get(index).cloned(),
            None => None,
        },
        _ => None,
    }
}

/// A Python index as an offset: negative ones count from the end.
fn position(index: i64, len: usize) -> Option<usize> {
    let len = i64::try_from(len).ok()?;
    usize::try_from(if index < 0 { index + len } else { index }).ok()
}

fn nothing_there(value: &Value, index: &Value, seen: &str, shown: &str, reference: &Ref) -> Mistake {
    let kind = value.type_name();
    let mistake =
        Mistake::new(reference.at, reference.len, format!("`{seen}` has no `{shown}`: it is a {kind}"));
    match value {
        Value::Dict(pairs) => {
            let keys: Vec<String> = pairs.iter().take(8).map(|(key, _)| key.repr()).collect();
            let more = if pairs.len() > keys.len() { ", ..." } else { "" };
            Mistake { message: format!("`{seen}` has no key {}", index.repr()), ..mistake }
                .hint(format!("its keys are {}{more}", keys.join(", ")))
        }
        Value::List(items) | Value::Tuple(items) => {
            mistake.hint(format!("it has {} items, counted from 0", items.len()))
        }
        _ => mistake.hint(format!("its value is {}", value.repr_cut(60).0)),
    }
}
