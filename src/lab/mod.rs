//! The state that commands act on: sockets and values by name, settings, and where events go.

mod attribute;
mod interrupt;
mod kind;
mod phase;
mod programs;
mod recording;
mod runs;
mod settings;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use compact_str::format_compact;
use foldhash::fast::RandomState;
use indexmap::IndexMap;
use tokio::sync::oneshot;

use crate::class::Class;
use crate::command::{Call, Script, Setting};
use crate::conversation::Conversation;
use crate::event::{Event, Failure, Name, RunReport, Sink, What, Wire};
use crate::language::expr::{Expr, Lookup, Ref, Template, follow};
use crate::language::mistake::{Mistake, did_you_mean};
use crate::load::Load;
use crate::net::{Connection, Framing, Listener, Writer};
use crate::pattern::Pattern;
use crate::program::{Program, Programs};
use crate::record::Recorder;
use crate::value::Value;

pub use attribute::{OF_CLASS, OF_CONNECTION, OF_LISTENER, OF_LOAD, OF_PROGRAM, attribute, state};
pub use interrupt::Interrupt;
pub use kind::{Kind, is_taken, not_a_class, not_a_program};
pub use phase::Phase;
pub use programs::{Asker, Permission};
pub use settings::{Limit, MAX_CLIENTS_DEFAULT, Settings, shown_duration};

/// For how many names there is room at once: those of a class's client and of a short script.
const NAMES_EXPECTED: usize = 7;
/// How many lines `history` keeps of one interpreter.
const HISTORY_MAX: usize = 10_000;

/// Asks a person to go on, and answers when they did.
pub type Pauser = Arc<dyn Fn(&str) -> oneshot::Receiver<()> + Send + Sync>;

/// An interpreter's state. A prompt is one, a script is one; it is `Send` and holds no thread.
pub struct Lab {
    names: IndexMap<Name, Binding, RandomState>,
    /// The socket that steps without `@NAME` mean.
    pub current: Option<Name>,
    /// What holds for every socket that has nothing of its own.
    pub settings: Settings,
    /// The value received last: `$_`.
    pub last: Option<Value>,
    /// The lines that were run.
    pub history: Vec<Arc<str>>,
    /// Set by Ctrl-C.
    pub interrupt: Interrupt,
    /// Who waits for Enter at `pause`; `None` where nobody is there.
    pub pauser: Option<Pauser>,
    /// Whether programs may be started.
    pub permission: Permission,
    /// The programs that are running, so that they can be ended whatever happens.
    pub programs: Programs,
    /// Values given on the command line or by `include`, by the `param` they are for.
    pub given: Vec<(Name, String)>,
    /// The folder that a script's file names start from: that of the script, else the working one.
    pub folder: PathBuf,
    /// Set by `quit`.
    pub quitting: bool,
    /// Whether reads hold the thread for a moment before they wait: set for a prompt or a script of its own.
    pub eager: bool,
    /// What the phase under way has said.
    pub phase: Phase,
    /// Blocks that run at the end of what is under way, whatever happens.
    pub always: Vec<Arc<Script>>,
    /// What runs of scripts came to, in the order in which they were waited for.
    pub reports: Vec<(String, Arc<RunReport>)>,
    /// What `on` said, in order.
    pub handlers: Vec<Handler>,
    /// How many steps are under way whose failure is no failure: what fails inside them is no result.
    pub trials: usize,
    /// How many results of failed steps were told: a step whose failure was told inside it tells it no more.
    pub failures_told: usize,
    /// The class and the number of the seat whose script this interpreter runs.
    pub seat: Option<(Arc<Class>, u64)>,
    /// What is kept of the conversation.
    pub conversation: Option<Conversation>,
    /// What makes a script of the steps that are run.
    pub recorder: Option<Box<Mutex<Recorder>>>,
    /// `None` where nobody hears what happens.
    sink: Option<Sink>,
    /// When this interpreter began.
    pub started: Instant,
    connections: usize,
    listeners: usize,
    spawned: usize,
}

/// What a name stands for.
pub enum Binding {
    /// A value.
    Value(Value),
    /// A connection.
    Connection(Box<Link>),
    /// A listening socket.
    Listener(Box<Listener>),
    /// A class server.
    Class(Arc<Class>),
    /// Runs of a script.
    Load(LoadHandle),
    /// A program that was started.
    Program(Box<Program>),
}

/// Runs of a script, given up with the interpreter that began them.
pub struct LoadHandle {
    /// How they stand.
    pub load: Arc<Load>,
    /// What runs them.
    pub tasks: Vec<tokio::task::AbortHandle>,
}

impl Drop for LoadHandle {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::AbortHandle::abort);
    }
}

/// What listening mode does with a message that matches.
pub struct Handler {
    /// What it matches.
    pub pattern: Arc<Pattern>,
    /// The step that is run.
    pub step: Arc<Call>,
}

/// A connection with the options set for it alone.
pub struct Link {
    /// The socket.
    pub connection: Connection,
    /// Options that differ from the interpreter's.
    pub own: Vec<Setting>,
}

impl Lab {
    /// A new interpreter without names or sockets.
    pub fn new(sink: Sink) -> Lab {
        Lab { sink: Some(sink), ..Lab::unheard() }
    }

    /// One of whose events nobody hears.
    pub fn unheard() -> Lab {
        Lab {
            names: IndexMap::with_capacity_and_hasher(NAMES_EXPECTED, RandomState::default()),
            current: None,
            settings: Settings::default(),
            last: None,
            history: Vec::new(),
            interrupt: Interrupt::default(),
            pauser: None,
            permission: Permission::default(),
            programs: Programs::default(),
            given: Vec::new(),
            folder: PathBuf::new(),
            quitting: false,
            eager: false,
            phase: Phase::default(),
            always: Vec::new(),
            reports: Vec::new(),
            handlers: Vec::new(),
            trials: 0,
            failures_told: 0,
            seat: None,
            conversation: None,
            recorder: None,
            sink: None,
            started: Instant::now(),
            connections: 0,
            listeners: 0,
            spawned: 0,
        }
    }

    /// Tells that something happened.
    pub fn emit(&self, what: What) {
        if let Some(recorder) = &self.recorder {
            recorder.lock().unwrap_or_else(PoisonError::into_inner).hear(&what);
        }
        if let Some(sink) = &self.sink {
            sink(Event { at: self.started.elapsed(), what });
        }
    }

    /// Keeps what happens from now on, to be looked back on.
    pub fn keep_conversation(&mut self) {
        let conversation = Conversation::since(self.started);
        let (kept, told) = (conversation.clone(), self.sink());
        self.sink = Some(Arc::new(move |event: Event| {
            kept.keep(&event);
            told(event);
        }));
        self.conversation = Some(conversation);
    }

    /// Bytes that were on the wire, to be kept with the conversation; `None` where none is kept.
    pub fn wire(&self, bytes: &[u8], codec: &'static str, framing: Framing) -> Option<Wire> {
        Some(self.conversation.as_ref()?.wire(bytes, codec, framing))
    }

    /// Where this interpreter's events go.
    pub fn sink(&self) -> Sink {
        self.sink.clone().unwrap_or_else(|| Arc::new(|_: Event| {}))
    }

    /// Keeps a line for `history`.
    pub fn remember(&mut self, line: Arc<str>) {
        if self.history.len() >= HISTORY_MAX {
            self.history.drain(..HISTORY_MAX / 2);
        }
        self.history.push(line);
    }

    /// A value with every `$name` filled in.
    pub fn eval(&self, expr: &Expr) -> Result<Value, Failure> {
        match expr {
            Expr::Const(value) => Ok(value.clone()),
            _ => expr.eval(&|reference| self.lookup(reference)).map_err(Failure::from),
        }
    }

    /// Text with every `$name` filled in.
    pub fn fill(&self, template: &Template) -> Result<String, Failure> {
        template.fill(&|reference| self.lookup(reference)).map_err(Failure::from)
    }

    /// What `$name` and the path behind it stand for.
    pub fn lookup(&self, reference: &Ref) -> Result<Value, Mistake> {
        let lookup: &Lookup = &|inner| self.lookup(inner);
        if reference.name == "_" {
            let Some(last) = &self.last else {
                return Err(Mistake::new(
                    reference.at,
                    reference.len,
                    "`$_` is the value received last, and none was received",
                ));
            };
            return follow(last.clone(), reference, lookup);
        }
        match self.names.get(reference.name.as_str()) {
            Some(Binding::Value(value)) => follow(value.clone(), reference, lookup),
            Some(socket) => attribute(socket, reference),
            None => {
                if let Some(class) = self.class().filter(|_| reference.name == "roster") {
                    return attribute(&Binding::Class(class), reference);
                }
                let mistake = Mistake::new(
                    reference.at,
                    reference.len,
                    format!("nothing is called `${}`", reference.name),
                );
                Err(match did_you_mean(&reference.name, self.names.keys().map(Name::as_str)) {
                    Some(near) => mistake.hint(format!("did you mean `${near}`?")),
                    None => mistake.hint("`let NAME = VALUE`, `as NAME` and `expect ... as NAME` give names; `vars` lists them"),
                })
            }
        }
    }

    /// Every name with what it stands for, oldest first.
    pub fn names(&self) -> impl Iterator<Item = (&str, &Binding)> {
        self.names.iter().map(|(name, binding)| (name.as_str(), binding))
    }

    /// The names of the sockets, oldest first.
    pub fn sockets(&self) -> impl Iterator<Item = &str> {
        self.names().filter(|(_, binding)| !matches!(binding, Binding::Value(_))).map(|(name, _)| name)
    }

    /// The connections with their names, oldest first.
    pub fn connections(&self) -> impl Iterator<Item = (&str, &Connection)> {
        self.names().filter_map(|(name, binding)| match binding {
            Binding::Connection(link) => Some((name, &link.connection)),
            _ => None,
        })
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&Binding> {
        self.names.get(name)
    }

    /// Gives a value a name. A socket's name is not taken from it.
    pub fn bind_value(&mut self, name: &str, value: Value) -> Result<(), Failure> {
        match self.names.get_mut(name) {
            Some(Binding::Value(old)) => *old = value,
            Some(taken) => return Err(is_taken(name, Kind::of(taken))),
            None => {
                self.names.insert(name.into(), Binding::Value(value));
            }
        }
        Ok(())
    }

    /// Refuses a name that an open socket has, before anything is done that would need it.
    pub fn check_free(&self, name: Option<&str>) -> Result<(), Failure> {
        match name.and_then(|name| self.names.get(name).map(|binding| (name, binding))) {
            None | Some((_, Binding::Value(_))) => Ok(()),
            Some((name, binding)) => Err(is_taken(name, Kind::of(binding))),
        }
    }

    /// Keeps a connection under `name`, or the next free `c1`, `c2`, ..., and makes it the current socket.
    pub fn add_connection(&mut self, name: Option<&str>, mut connection: Connection) -> Name {
        connection.eager = self.eager;
        let name = self.new_name(name, 'c');
        let link = Box::new(Link { connection, own: Vec::new() });
        self.names.insert(name.clone(), Binding::Connection(link));
        self.current = Some(name.clone());
        name
    }

    /// Keeps a listener under `name`, or the next free `s1`, `s2`, ..., and makes it the current socket.
    pub fn add_listener(&mut self, name: Option<&str>, listener: Listener) -> Name {
        let name = self.new_name(name, 's');
        self.names.insert(name.clone(), Binding::Listener(Box::new(listener)));
        self.current = Some(name.clone());
        name
    }

    /// The name for a new class or new runs: the one asked for, or the next free `s1`, `s2`, ...
    pub fn new_crowd_name(&mut self, name: Option<&str>) -> Name {
        self.new_name(name, 's')
    }

    /// Keeps a class under its name. It carries no messages of its own, so the current socket stays.
    pub fn add_class(&mut self, class: Arc<Class>) {
        self.names.insert(class.name.clone(), Binding::Class(class));
    }

    /// The class that is meant when none is named: a seat's own, else the newest.
    pub fn class(&self) -> Option<Arc<Class>> {
        let seat = self.seat.as_ref().map(|(class, _)| class);
        seat.or_else(|| self.each_class().next_back()).cloned()
    }

    /// Every class that is served here.
    pub fn classes(&self) -> Vec<Arc<Class>> {
        self.each_class().cloned().collect()
    }

    fn each_class(&self) -> impl DoubleEndedIterator<Item = &Arc<Class>> {
        self.names.values().filter_map(|binding| match binding {
            Binding::Class(class) => Some(class),
            _ => None,
        })
    }

    /// The sending half of a class's client: `seat3`.
    pub fn seat_writer(&self, name: &str) -> Option<(Writer, Framing)> {
        let number = name.strip_prefix("seat")?.parse().ok()?;
        self.class()?.seat(number)
    }

    fn new_name(&mut self, name: Option<&str>, letter: char) -> Name {
        if let Some(name) = name {
            return name.into();
        }
        loop {
            let counter = match letter {
                'c' => &mut self.connections,
                'p' => &mut self.spawned,
                _ => &mut self.listeners,
            };
            *counter += 1;
            let name = format_compact!("{letter}{counter}");
            if !self.names.contains_key(&name) {
                return name;
            }
        }
    }

    /// Removes a socket; the one made before it becomes current.
    pub fn remove_socket(&mut self, name: &str) -> Option<Binding> {
        let removed = self.names.shift_remove(name);
        if self.current.as_deref() == Some(name) {
            let carries =
                |it: &Binding| !matches!(it, Binding::Value(_) | Binding::Load(_) | Binding::Program(_));
            let before = self.names.iter().rev().find(|(_, binding)| carries(binding));
            self.current = before.map(|(name, _)| name.clone());
        }
        removed
    }

    /// The name of the socket that a step means: `@NAME`, else the current one.
    pub fn socket_name(&self, call: &Call) -> Result<Name, Failure> {
        if let Some((name, at)) = &call.target {
            return self.known_socket(name, *at);
        }
        self.current.clone().ok_or_else(|| {
            Failure::script(format!("`{}` needs a socket, and none is open", call.spec.name))
                .hint("`connect HOST:PORT` or `listen PORT` opens one")
        })
    }

    /// Checks that a socket of this name is open.
    pub fn known_socket(&self, name: &str, at: usize) -> Result<Name, Failure> {
        let problem = match self.names.get(name) {
            Some(Binding::Value(_)) => format!("`{name}` is a value, not a socket"),
            Some(_) => return Ok(name.into()),
            None => format!("no socket is called `{name}`"),
        };
        let sockets: Vec<&str> = self.sockets().collect();
        let hint = match (did_you_mean(name, sockets.iter().copied()), sockets.is_empty()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, true) => "no socket is open; `connect HOST:PORT as NAME` opens one".to_string(),
            (None, false) => {
                format!("open are: {}", sockets.iter().take(8).copied().collect::<Vec<_>>().join(", "))
            }
        };
        Err(Failure::script(problem).hint(hint).at(at, name.len()))
    }

    /// The connection of that name.
    pub fn link(&mut self, name: &str) -> Result<&mut Link, Failure> {
        match self.names.get_mut(name) {
            Some(Binding::Connection(link)) => Ok(link),
            other => Err(other.map_or(Kind::Listener, |other| Kind::of(other)).carries_nothing(name)),
        }
    }

    /// The listener of that name.
    pub fn listener(&mut self, name: &str) -> Result<&mut Listener, Failure> {
        match self.names.get_mut(name) {
            Some(Binding::Listener(listener)) => Ok(listener),
            Some(Binding::Program(_)) => {
                Err(Failure::script(format!("`{name}` is a program, not a listening socket"))
                    .hint("`listen PORT as NAME` opens one that can accept"))
            }
            _ => Err(Failure::script(format!("`{name}` is a connection, not a listening socket"))
                .hint("`listen PORT as NAME` opens one that can accept")),
        }
    }

    /// The listener that `accept` means when none is named: the current socket, else the newest listener.
    pub fn default_listener(&self) -> Option<Name> {
        let is_listener = |name: &str| matches!(self.names.get(name), Some(Binding::Listener(_)));
        match &self.current {
            Some(current) if is_listener(current) => Some(current.clone()),
            _ => self.names.keys().rev().find(|name| is_listener(name)).cloned(),
        }
    }

    /// The options that hold for a socket.
    pub fn settings_of(&self, name: &str) -> Settings {
        let mut settings = self.settings;
        if let Some(Binding::Connection(link)) = self.names.get(name) {
            link.own.iter().for_each(|setting| settings.set(*setting));
        }
        settings
    }
}

impl From<Mistake> for Failure {
    fn from(mistake: Mistake) -> Failure {
        let mut failure = Failure::script(mistake.message).at(mistake.at, mistake.len);
        failure.hint = mistake.hint;
        failure
    }
}
