//! What a name can stand for, as far as a step has to know it: a script's steps are asked before they run, a session's while they do.

use super::{Binding, OF_CLASS, OF_CONNECTION, OF_LISTENER, OF_LOAD, OF_PROGRAM};
use crate::event::Failure;
use crate::language::expr::{Key, Ref};
use crate::language::mistake::Mistake;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value.
    Value,
    /// A connection.
    Connection,
    /// A listening socket.
    Listener,
    /// A class server.
    Class,
    /// Runs of a script.
    Load,
    /// A program that was started.
    Program,
}

impl Kind {
    /// What a name stands for now.
    pub fn of(binding: &Binding) -> Kind {
        match binding {
            Binding::Value(_) => Kind::Value,
            Binding::Connection(_) => Kind::Connection,
            Binding::Listener(_) => Kind::Listener,
            Binding::Class(_) => Kind::Class,
            Binding::Load(_) => Kind::Load,
            Binding::Program(_) => Kind::Program,
        }
    }

    /// What it is called, the verb that goes with that, and its attributes.
    fn words(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Kind::Value => ("a value", "has", &[]),
            Kind::Connection => ("a connection", "has", OF_CONNECTION),
            Kind::Listener => ("a listening socket", "has", OF_LISTENER),
            Kind::Class => ("a class", "has", OF_CLASS),
            Kind::Load => ("runs of a script", "have", OF_LOAD),
            Kind::Program => ("a program", "has", OF_PROGRAM),
        }
    }

    /// The attribute that `$name.attribute` means; what stands for no value has to be asked for one that it has.
    pub fn attribute(self, reference: &Ref) -> Result<&str, Mistake> {
        let (what, has, known) = self.words();
        let mistake = |message: String| Mistake::new(reference.at, reference.len, message);
        let choices = known.iter().map(|name| format!("`.{name}`")).collect::<Vec<_>>().join(", ");
        let it = if self == Kind::Load { "they have" } else { "it has" };
        match reference.path.as_slice() {
            [Key::Name(name)] if known.contains(&name.as_str()) => Ok(name),
            [Key::Name(name)] => {
                Err(mistake(format!("{what} {has} no `.{name}`")).hint(format!("{it} {choices}")))
            }
            _ => {
                let are = if self == Kind::Load { "are" } else { "is" };
                Err(mistake(format!("`{}` {are} {what}, not a value", reference.name))
                    .hint(format!("{it} {choices}")))
            }
        }
    }

    /// Why nothing can be sent to it or received from it.
    pub fn carries_nothing(self, name: &str) -> Failure {
        match self {
            Kind::Class => Failure::script(format!("`{name}` is a class: it carries no messages itself"))
                .hint("`broadcast VALUE` sends to everyone in it, `@seat3 send VALUE` to one"),
            Kind::Load => Failure::script(format!("`{name}` is runs of a script, not a socket"))
                .hint(format!("`wait {name}` waits for them")),
            Kind::Program => Failure::script(format!("`{name}` is a program, not a connection"))
                .hint("`type TEXT` gives it a line, `expect output PATTERN` looks at what it says"),
            _ => Failure::script(format!("`{name}` is a listening socket: it carries no messages"))
                .hint("`accept` takes its next client, and that connection carries them"),
        }
    }
}

/// Why nothing can be typed to what has this name, nor its output or its end be expected.
pub fn not_a_program(name: &str) -> Failure {
    Failure::script(format!("`{name}` is not a program")).hint("`spawn PROGRAM ARGS... as NAME` starts one")
}

/// Why `wait` has nothing to wait for, or nobody who could pass.
pub fn not_a_class(name: &str) -> Failure {
    Failure::script(format!("`{name}` is not a class")).hint("`serve PORT as NAME` serves one")
}

/// Why a name cannot be given.
pub fn is_taken(name: &str, kind: Kind) -> Failure {
    let what = match kind {
        Kind::Load => "of runs that were begun before",
        _ => "of an open socket or of a program",
    };
    Failure::script(format!("`{name}` is the name {what}"))
        .hint(format!("take another name, or `close {name}` first"))
}
