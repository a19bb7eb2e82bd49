//! Who a student says to be: any of the shapes that class programs send, as one typed record.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::de::value::MapDeserializer;
use serde::{Deserialize, Serialize};
use serde_value::{DeserializerError, Value as Loose};

use crate::value::{Object, ObjectKind, Value};

/// The longest text of one field that is kept, in characters; class programs send up to some dozens.
const FIELD_MAX: usize = 200;
/// How many unknown keys of one identity are kept.
const MORE_MAX: usize = 32;
/// What such a key holds is on no projector and in no file: some class programs send one.
const SECRET: [&str; 4] = ["password", "passwd", "secret", "token"];

/// The spellings of each field that class programs use.
const SPELLINGS: [(&str, &[&str]); 4] = [
    ("name", &["student_name", "name", "client_name", "clientName", "Client Name", "username", "full_name"]),
    ("student_id", &["sid", "student_id", "studentid", "id_key", "client_key", "student id", "id"]),
    ("github", &["github_username", "github", "github_name", "git"]),
    ("email", &["email", "e-mail", "mail"]),
];

/// A student as the roster keeps one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What the student is called.
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    /// The student id; a text, because ids have leading zeros and letters.
    #[serde(default, deserialize_with = "text")]
    pub student_id: String,
    /// The name on github.
    #[serde(default, deserialize_with = "text")]
    pub github: String,
    /// The e-mail address.
    #[serde(default, deserialize_with = "text")]
    pub email: String,
    /// Every other key, with its value as Python shows it.
    #[serde(default)]
    pub more: BTreeMap<String, String>,
}

/// A str as it is, a number as its digits, anything else as Python shows it.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Loose::deserialize(deserializer)? {
        Loose::String(text) => text,
        Loose::I64(number) => number.to_string(),
        Loose::U64(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

impl Identity {
    /// The identity that a message is; `Err` says why it is none.
    pub fn of(value: &Value) -> Result<Identity, String> {
        let mut fields = Fields::default();
        match value {
            Value::Str(name) if !name.trim().is_empty() => fields.add("name", value),
            Value::Dict(pairs) if !pairs.is_empty() => {
                pairs.iter().for_each(|(key, value)| fields.add_pair(key, value))
            }
            Value::Object(object) if object.kind == ObjectKind::Instance => fields.add_instance(object),
            Value::Object(object) => {
                return Err(format!("a call to {}, not run", crate::value::escape(&object.name)));
            }
            other => {
                let shown = other.repr_cut(40).0;
                return Err(format!(
                    "the first message was {shown} ({}), not an identity",
                    other.type_name()
                ));
            }
        }
        fields.into_identity().map_err(|error| format!("not an identity: {error}"))
    }

    /// What tells two students apart: the student id, else the github name, the e-mail address, the name.
    pub fn key(&self) -> Option<CompactString> {
        let fields = [("0", &self.student_id), ("1", &self.github), ("2", &self.email), ("3", &self.name)];
        let (place, field) = fields.iter().find(|(_, field)| !field.is_empty())?;
        let mut key = CompactString::from_str_to_lowercase(field);
        key.insert_str(0, place);
        Some(key)
    }

    /// The fields that are there, for one line of a screen; not yet escaped.
    pub fn shown(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (field, label) in
            [(&self.name, ""), (&self.student_id, ""), (&self.github, "github "), (&self.email, "")]
        {
            if !field.is_empty() {
                parts.push(format!("{label}{field}"));
            }
        }
        parts.extend(self.more.iter().map(|(key, value)| format!("{key}: {value}")));
        parts.join(", ")
    }
}

/// Fields by their usual names, and what is left over.
#[derive(Default)]
struct Fields {
    /// In the order of `SPELLINGS`.
    known: [Option<Loose>; SPELLINGS.len()],
    more: BTreeMap<String, String>,
}

impl Fields {
    fn add_pair(&mut self, key: &Value, value: &Value) {
        let shown;
        let key: &str = match key {
            Value::Str(key) => key,
            other => {
                shown = other.repr_cut(FIELD_MAX).0;
                &shown
            }
        };
        match (key, value) {
            // A request with headers: the student is named in them.
            ("headers", Value::Dict(pairs)) => {
                pairs.iter().for_each(|(key, value)| self.add_pair(key, value))
            }
            _ => self.add(key, value),
        }
    }

    fn add_instance(&mut self, object: &Object) {
        self.more("class", &Value::str(&object.name));
        if let Some(Value::Dict(pairs)) = &object.state {
            pairs.iter().for_each(|(key, value)| self.add_pair(key, value));
        }
    }

    fn add(&mut self, key: &str, value: &Value) {
        let is_spelled = |spellings: &[&str]| spellings.iter().any(|it| it.eq_ignore_ascii_case(key));
        let field = SPELLINGS.iter().position(|(_, spellings)| is_spelled(spellings));
        let Some(field @ None) = field.map(|field| &mut self.known[field]) else {
            return self.more(key, value);
        };
        *field = Some(match value {
            Value::Str(text) => Loose::String(cut(text.trim().trim_start_matches("SID:").trim())),
            Value::Int(number) => Loose::I64(*number),
            Value::None => Loose::String(String::new()),
            other => Loose::String(other.repr_cut(FIELD_MAX).0),
        });
    }

    fn more(&mut self, key: &str, value: &Value) {
        let is_secret = |key: &str| {
            let key = key.to_lowercase();
            SECRET.iter().any(|secret| key.contains(secret))
        };
        if self.more.len() < MORE_MAX {
            let key = cut(key);
            let shown = match value {
                _ if is_secret(&key) => "(not kept)".to_string(),
                Value::Str(text) => cut(text),
                _ => value.repr_cut(FIELD_MAX).0,
            };
            self.more.insert(key, shown);
        }
    }

    fn into_identity(self) -> Result<Identity, DeserializerError> {
        let names = SPELLINGS.iter().map(|(field, _)| *field);
        let known = names.zip(self.known).filter_map(|(field, value)| Some((field, value?)));
        let identity = Identity::deserialize(MapDeserializer::new(known))?;
        Ok(Identity { more: self.more, ..identity })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(FIELD_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::expr::Expr;
    use crate::language::line::Line;
    use crate::language::literal;

    fn identity(text: &str) -> Result<String, String> {
        match literal::value(&mut Line::new(text), 0).unwrap() {
            Expr::Const(value) => Identity::of(&value).map(|identity| identity.shown()),
            _ => unreachable!(),
        }
    }

    #[test]
    fn every_spelling_gives_a_row() {
        for (sent, row) in [
            (
                r#"{"student_name": "Ada", "github_username": "ada", "sid": 900000001}"#,
                "Ada, 900000001, github ada",
            ),
            (r#"{"sid": "SID: 900000001", "student_name": "Ada"}"#, "Ada, 900000001"),
            (r#"{"name": "Ada", "email": "ada@example.edu"}"#, "Ada, ada@example.edu"),
            (r#""Ada""#, "Ada"),
            (r#"{"Client Name": "Ada"}"#, "Ada"),
            (r#"{"clientName": "Ada", "client_id": 7}"#, "Ada, client_id: 7"),
            (
                r#"{"payload": None, "headers": {"option": "0", "username": "ada"}}"#,
                "ada, option: 0, payload: None",
            ),
            (r#"{1: "x", "name": "Ada"}"#, "Ada, 1: x"),
            (r#"{"client_name": "Ada", "password": "hunter2"}"#, "Ada, password: (not kept)"),
            (r#"{"name": "Ada", "student_name": "Lovelace"}"#, "Ada, student_name: Lovelace"),
        ] {
            assert_eq!(identity(sent).as_deref(), Ok(row), "{sent}");
        }
        assert_eq!(identity("7"), Err("the first message was 7 (int), not an identity".to_string()));
        assert!(identity("{}").is_err());
    }
}
