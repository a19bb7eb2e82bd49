//! The opcodes that would import, call or make something. Here they only note what was asked.

use std::sync::Arc;

use super::arena::{Items, Node, Ref, Thing};
use super::compat::fix_import;
use super::machine::Machine;
use super::opcode::{self as op, little_endian};
use crate::value::{ObjectKind, Value, plain};

impl Machine<'_> {
    pub(super) fn step_object(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            op::GLOBAL => {
                let (module, name) = (self.name_line()?, self.name_line()?);
                self.global(&module, &name)
            }
            op::STACK_GLOBAL => self.stack_global(),
            op::REDUCE => {
                let (args, callee) = (self.pop()?, self.pop()?);
                self.reduce(callee, args)
            }
            op::NEWOBJ => {
                let (args, class) = (self.pop()?, self.pop()?);
                self.new_object(class, args, None)
            }
            op::NEWOBJ_EX => {
                let (kwargs, args, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.new_object(class, args, Some(kwargs))
            }
            op::INST => {
                let (module, name) = (self.name_line()?, self.name_line()?);
                let items = self.marked()?;
                self.global(&module, &name)?;
                let class = self.pop()?;
                self.instance_of(class, items)
            }
            op::OBJ => {
                let mut items = self.marked()?;
                if items.is_empty() {
                    return Err(self.underflow());
                }
                let class = items.remove(0);
                self.instance_of(class, items)
            }
            op::BUILD => self.build(),
            op::PERSID => {
                let id = std::str::from_utf8(self.line()).ok().filter(|id| id.is_ascii());
                let id = id.ok_or("persistent IDs in protocol 0 must be ASCII strings")?;
                let id = self.arena.add_value(Value::str(id))?;
                self.persistent(id)
            }
            op::BINPERSID => {
                let id = self.pop()?;
                self.persistent(id)
            }
            op::EXT1 => self.extension(1),
            op::EXT2 => self.extension(2),
            op::EXT4 => self.extension(4),
            op::NEXT_BUFFER => {
                Err("pickle stream refers to out-of-band data but no *buffers* argument was given".to_owned())
            }
            op::READONLY_BUFFER => match self.arena.get(self.top()?) {
                Some(Node::Done { value: Value::Bytes(_) | Value::ByteArray(_), .. }) => Ok(()),
                _ => {
                    let name = self.arena.type_name(self.top()?);
                    Err(format!("memoryview: a bytes-like object is required, not '{name}'"))
                }
            },
            // The scanner lets no other byte through.
            other => Err(format!("invalid load key 0x{other:02x}")),
        }
    }

    fn name_line(&mut self) -> Result<String, String> {
        let line = self.line();
        if line.is_empty() {
            return Err("pickle data was truncated".to_owned());
        }
        let name =
            std::str::from_utf8(line).map_err(|_| "a module's or class's name is not UTF-8".to_owned())?;
        Ok(name.to_owned())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), String> {
        let dotted = self.dotted(module, name)?;
        self.push_thing(Thing::new(ObjectKind::Global, dotted, None))
    }

    fn dotted(&mut self, module: &str, name: &str) -> Result<Arc<str>, String> {
        let (module, name) = if self.is_old() { fix_import(module, name) } else { (module, name) };
        self.charge(module.len() + name.len() + 1)?;
        Ok(Arc::from(format!("{module}.{name}")))
    }

    fn stack_global(&mut self) -> Result<(), String> {
        let (name, module) = (self.pop()?, self.pop()?);
        let dotted = match self.names.get(&(module, name)) {
            Some(dotted) => dotted.clone(),
            None => {
                let texts = self.arena.text(module).zip(self.arena.text(name));
                let (module_text, name_text) = texts.ok_or("STACK_GLOBAL requires str")?;
                let (module_text, name_text) = (module_text.clone(), name_text.clone());
                let dotted = self.dotted(&module_text, &name_text)?;
                self.names.insert((module, name), dotted.clone());
                dotted
            }
        };
        self.push_thing(Thing::new(ObjectKind::Global, dotted, None))
    }

    fn push_thing(&mut self, mut thing: Thing) -> Result<(), String> {
        thing.quiet |= match thing.kind {
            ObjectKind::Global => {
                plain::is_class(&thing.name)
                    || plain::is_helper(&thing.name)
                    || plain::constant(&thing.name).is_some()
            }
            ObjectKind::Instance | ObjectKind::Call => plain::is_plain(&thing.name),
            ObjectKind::Persistent | ObjectKind::Extension => false,
        };
        self.told |= !thing.quiet;
        self.add(Node::Thing(Box::new(thing)))
    }

    fn reduce(&mut self, callee: Ref, args: Ref) -> Result<(), String> {
        let name = self
            .called(callee)?
            .ok_or_else(|| format!("'{}' object is not callable", self.arena.type_name(callee)))?;
        if self.arena.tuple(args).is_none() {
            return Err(format!("argument list must be a tuple, not {}", self.arena.type_name(args)));
        }
        let global = self.arena.thing(callee).is_some_and(|thing| thing.kind == ObjectKind::Global);
        if global && self.known_call(&name, args)? {
            return Ok(());
        }
        self.push_thing(Thing::new(ObjectKind::Call, name, Some(args)))
    }

    /// The name by which a call or a new instance of `callee` is shown; the action then tells of the import too.
    fn called(&mut self, callee: Ref) -> Result<Option<Arc<str>>, String> {
        let Some(Node::Thing(thing)) = self.arena.get_mut(callee) else { return Ok(None) };
        let name = match thing.kind {
            ObjectKind::Global => {
                thing.quiet = true;
                thing.name.clone()
            }
            ObjectKind::Extension => Arc::from(format!("<extension code {}>", thing.name)),
            ObjectKind::Persistent => Arc::from("<persistent id>"),
            // The result of a call is called: `getattr(...)('x')`.
            _ if thing.name.ends_with("(...)") => thing.name.clone(),
            _ => {
                let name = Arc::from(format!("{}(...)", thing.name));
                self.charge(str::len(&name))?;
                name
            }
        };
        Ok(Some(name))
    }

    /// Calls that only spell a value: done here, where CPython would do them. Whether it was one.
    fn known_call(&mut self, name: &str, args: Ref) -> Result<bool, String> {
        let items: Vec<Ref> = match self.arena.tuple(args) {
            // No helper takes more.
            Some(items) if items.len() <= 3 => items.to_vec(),
            _ => return Ok(false),
        };
        // What is built here may refer to what the arguments still refer to.
        items.iter().for_each(|&item| self.arena.share(item));
        match (name, items.as_slice()) {
            ("_codecs.encode", &[text, encoding]) => self.encode_latin1(text, encoding),
            (
                "builtins.set" | "builtins.frozenset" | "builtins.list" | "builtins.tuple" | "builtins.dict",
                [],
            ) => self.empty(name),
            ("builtins.set" | "builtins.frozenset", &[items]) => {
                self.set_from(items, name == "builtins.frozenset")
            }
            ("builtins.bytes", []) => self.push_value(Value::Bytes(Arc::default())).map(|()| true),
            ("builtins.bytearray", []) => self.push_value(Value::ByteArray(Arc::default())).map(|()| true),
            ("builtins.bytearray", &[bytes]) => match self.arena.get(bytes) {
                Some(Node::Done { value: Value::Bytes(bytes), .. }) => {
                    let bytes = bytes.clone();
                    self.push_value(Value::ByteArray(bytes)).map(|()| true)
                }
                _ => Ok(false),
            },
            ("builtins.bytearray", &[text, encoding]) => {
                let made = self.latin1(text, encoding)?;
                let Some(bytes) = made else { return Ok(false) };
                self.push_value(Value::ByteArray(bytes)).map(|()| true)
            }
            ("copyreg._reconstructor", &[class, base, state]) => self.reconstruct(class, base, state),
            ("copyreg.__newobj_ex__", &[class, args, kwargs]) => {
                self.new_object(class, args, Some(kwargs)).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// What `bytes` are in protocols 0 to 2: text that is to be encoded as Latin-1.
    fn encode_latin1(&mut self, text: Ref, encoding: Ref) -> Result<bool, String> {
        let made = self.latin1(text, encoding)?;
        let Some(bytes) = made else { return Ok(false) };
        self.push_value(Value::Bytes(bytes)).map(|()| true)
    }

    fn latin1(&mut self, text: Ref, encoding: Ref) -> Result<Option<Arc<[u8]>>, String> {
        let (Some(text), Some(encoding)) = (self.arena.text(text), self.arena.text(encoding)) else {
            return Ok(None);
        };
        if !matches!(&**encoding, "latin1" | "latin-1") {
            return Ok(None);
        }
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let bytes = bytes.ok_or("'latin-1' codec can't encode characters: ordinal not in range(256)")?;
        self.charge(bytes.len())?;
        Ok(Some(bytes.into()))
    }

    fn empty(&mut self, name: &str) -> Result<bool, String> {
        let node = match name {
            "builtins.set" => Node::Set(Items::EMPTY),
            "builtins.frozenset" => Node::FrozenSet(Items::EMPTY),
            "builtins.list" => Node::List(Items::EMPTY),
            "builtins.tuple" => Node::Tuple { items: Items::EMPTY, hashable: true },
            "builtins.dict" => Node::Dict(Items::EMPTY),
            _ => return Ok(false),
        };
        self.add(node).map(|()| true)
    }

    fn set_from(&mut self, items: Ref, frozen: bool) -> Result<bool, String> {
        let items: Vec<Ref> = match self.arena.get(items) {
            Some(
                Node::List(items) | Node::Set(items) | Node::FrozenSet(items) | Node::Tuple { items, .. },
            ) => items.of(&self.arena.pool).to_vec(),
            _ => return Ok(false),
        };
        self.charge(items.len() * size_of::<Ref>())?;
        self.check_all_hashable(&items)?;
        items.iter().for_each(|&item| self.arena.share(item));
        self.add_filled(&items, if frozen { Node::FrozenSet } else { Node::Set }).map(|()| true)
    }

    /// An instance in protocols 0 and 1. For a subclass of a built-in type `state` is that type's value.
    fn reconstruct(&mut self, class: Ref, base: Ref, state: Ref) -> Result<bool, String> {
        let object = self.arena.thing(base).is_some_and(|thing| &*thing.name == "builtins.object");
        let args = if object { Vec::new() } else { vec![state] };
        self.instance_of(class, args).map(|()| true)
    }

    fn instance_of(&mut self, class: Ref, args: Vec<Ref>) -> Result<(), String> {
        let args = self.arena.add_tuple(&args)?;
        self.new_object(class, args, None)
    }

    fn new_object(&mut self, class: Ref, args: Ref, kwargs: Option<Ref>) -> Result<(), String> {
        let opcode = if kwargs.is_some() { "NEWOBJ_EX" } else { "NEWOBJ" };
        let name = self.called(class)?.ok_or_else(|| {
            format!("{opcode} class argument must be a type, not {}", self.arena.type_name(class))
        })?;
        let Some(items) = self.arena.tuple(args) else {
            return Err(format!(
                "{opcode} args argument must be a tuple, not {}",
                self.arena.type_name(args)
            ));
        };
        if let Some(kwargs) = kwargs.filter(|&kwargs| !self.arena.is_dict(kwargs)) {
            return Err(format!(
                "NEWOBJ_EX kwargs argument must be a dict, not {}",
                self.arena.type_name(kwargs)
            ));
        }
        if items.is_empty() && self.empty(&name)? {
            return Ok(());
        }
        let mut thing = Thing::new(ObjectKind::Instance, name, Some(args));
        thing.kwargs = kwargs;
        self.push_thing(thing)
    }

    fn build(&mut self) -> Result<(), String> {
        if self.above_fence() < 2 {
            return Err(self.underflow());
        }
        let (state, instance) = (self.pop()?, self.top()?);
        match self.arena.get_mut(instance) {
            Some(Node::Thing(thing)) => {
                let again = thing.state.replace(state).is_some();
                // To give a class or function a state is to change it for the whole program.
                if thing.kind == ObjectKind::Global {
                    thing.quiet = false;
                    self.told = true;
                }
                self.rebuilt += usize::from(again);
                Ok(())
            }
            _ => Err(format!("'{}' object has no attribute '__dict__'", self.arena.type_name(instance))),
        }
    }

    fn persistent(&mut self, id: Ref) -> Result<(), String> {
        let args = self.arena.add_tuple(&[id])?;
        self.push_thing(Thing::new(ObjectKind::Persistent, Arc::from("persistent id"), Some(args)))
    }

    fn extension(&mut self, width: usize) -> Result<(), String> {
        let code = little_endian(self.take(width)) as u32 as i32;
        if code <= 0 {
            return Err("EXT specifies code <= 0".to_owned());
        }
        self.push_thing(Thing::new(ObjectKind::Extension, Arc::from(code.to_string()), None))
    }
}
