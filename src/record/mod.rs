//! A session that becomes a script: what was run, with `expect` lines for what was received, as a `.lab` that replays.

mod pattern;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::command::{Call, Names, Parsed, Wanted};
use crate::event::{Failure, FailureKind, Message, Name, What};
use crate::lab::{Binding, Lab, shown_duration};
use crate::net::{End, Listener};
use crate::value::escape;

use self::pattern::{literal, pattern};

/// The largest recording, in bytes: past it nobody reads the script, and a session may run for days.
pub const RECORDING_MAX: usize = 16 << 20;
/// How often the file is brought up to date while steps are run, so that a computer that stops loses little.
const SAVE_EVERY: Duration = Duration::from_secs(2);
/// Steps that look at a session and are no part of it.
const LOOKS: [&str; 8] = ["record", "help", "history", "vars", "sockets", "explain", "hex", "flow"];

/// A recording that is under way.
pub struct Recorder {
    path: PathBuf,
    text: String,
    steps: usize,
    /// Whether messages are to be written down as `expect` lines: the step under way takes whatever comes.
    takes: bool,
    /// The block that is under way: it is written down as it was typed.
    block: Option<Arc<str>>,
    /// What the step under way heard, as steps, and how many they are.
    heard: String,
    heard_steps: usize,
    /// What stands behind each of them.
    suffix: String,
    /// The socket that the step under way made.
    made: Option<Name>,
    /// Sockets that are open and their port, where the kernel chose it.
    ports: HashMap<Name, u16>,
    /// Ports that were chosen, and the param that each became.
    params: Vec<(String, String)>,
    /// Values that had a name before the recording and are not written down yet.
    unknown: HashSet<String>,
    /// How many bytes the socket of a `send` under way was given before it.
    before: u64,
    /// When the step under way began.
    began: Instant,
    saved: Instant,
    is_full: bool,
}

impl Recorder {
    /// Begins a recording with the sockets that are open. `Err` says why the file cannot be written.
    pub fn begin(lab: &Lab, path: PathBuf) -> Result<Recorder, String> {
        let mut recorder = Recorder {
            path,
            text: String::new(),
            steps: 0,
            takes: false,
            block: None,
            heard: String::new(),
            heard_steps: 0,
            suffix: String::new(),
            made: None,
            ports: HashMap::new(),
            params: Vec::new(),
            unknown: HashSet::new(),
            before: 0,
            began: Instant::now(),
            saved: Instant::now(),
            is_full: false,
        };
        let name = recorder.path.file_name().map(|name| name.to_string_lossy().into_owned());
        recorder.text =
            format!("# A recorded session; `lab2sh {}` replays it.\n", escape(&name.unwrap_or_default()));
        recorder.open_what_is_open(lab);
        recorder.save()?;
        Ok(recorder)
    }

    /// Steps that open what is open now, and the names that have a value.
    fn open_what_is_open(&mut self, lab: &Lab) {
        let mut last = None;
        for (name, binding) in lab.names() {
            let step = match binding {
                // Runs are begun by the step that begins them.
                Binding::Load(_) => continue,
                Binding::Value(_) => {
                    self.unknown.insert(name.to_string());
                    continue;
                }
                Binding::Listener(listener) => format!("listen {} as {name}", asked_for(listener)),
                Binding::Class(class) => format!("serve {} as {name}", class.local),
                Binding::Program(program) => {
                    self.tell_of_spawn();
                    // A word with a NUL started no program.
                    let words = shlex::try_join(program.words.iter().map(String::as_str)).unwrap_or_default();
                    format!("spawn {words} as {name}")
                }
                Binding::Connection(link) => {
                    let connection = &link.connection;
                    let accepted_by = lab.names().find(|(_, other)| {
                        matches!(other, Binding::Listener(it) if it.local.port() == connection.local.port())
                    });
                    match accepted_by {
                        Some((listener, _)) => format!("accept {listener} as {name}"),
                        None => {
                            self.ports.insert(name.into(), connection.local.port());
                            format!("connect {} as {name}", connection.peer)
                        }
                    }
                }
            };
            if last.is_none() {
                self.text += "\n# Open before the recording began.\n";
            }
            last = Some(name);
            let port = match binding {
                Binding::Listener(listener) if !listener.is_any_port => Some(listener.local.port()),
                Binding::Class(class) => Some(class.local.port()),
                Binding::Connection(link) if step.starts_with("connect") => Some(link.connection.peer.port()),
                _ => None,
            };
            let step = port.map_or(step.clone(), |port| self.with_param(lab, &step, &port.to_string()));
            self.add(&step);
        }
        if let Some(current) =
            lab.current.as_deref().filter(|current| last.is_some_and(|last| last != *current))
        {
            self.add(&format!("use {current}"));
        }
        if last.is_some() {
            self.text.push('\n');
        }
    }

    /// How many steps were written down.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The file's name, ready for a screen.
    pub fn file(&self) -> String {
        escape(&self.path.to_string_lossy()).into_owned()
    }

    /// Whether the recording has reached its limit.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// A step begins: names that it uses and that are not written down get their value as a literal.
    pub fn step_begins(&mut self, lab: &Lab, call: &Call) {
        if self.block.is_some() {
            return;
        }
        self.block = call.is_block().then(|| call.text.clone());
        self.heard.clear();
        self.heard_steps = 0;
        self.made = None;
        self.takes = takes_messages(call);
        self.before = given(lab, call);
        self.began = Instant::now();
        if self.takes {
            self.suffix = suffix(call);
        }
        let mut used = Vec::new();
        if !self.unknown.is_empty() {
            call.each_reference(&mut |reference| used.push(reference.name.clone()));
        }
        for name in used {
            if self.unknown.remove(&name)
                && let Some(Binding::Value(value)) = lab.get(&name)
            {
                match literal(value) {
                    Some(text) => self.add(&format!("let {name} = {text}")),
                    None => {
                        self.comment(&format!("no literal says what `{name}` was: {}", value.repr_cut(200).0))
                    }
                }
            }
        }
    }

    /// Something happened while a step ran.
    pub fn hear(&mut self, what: &What) {
        match what {
            What::Connected { socket, local, .. } | What::Listening { socket, local } => {
                self.ports.insert(socket.clone(), local.port());
                self.made = Some(socket.clone());
            }
            What::Accepted { socket, .. } => self.made = Some(socket.clone()),
            What::Closed { socket, .. } | What::Aborted { socket } => {
                self.ports.remove(socket);
            }
            What::Serving { class, .. } => self.made = Some(class.clone()),
            What::Received { socket, message } if self.takes && !self.is_full => {
                self.expect(socket, |text, ports| pattern(&message.value, ports, text), Some(message));
            }
            What::Ended { socket, end, .. } if self.takes => {
                let wanted = if *end == End::Closed { "eof" } else { "reset" };
                self.expect(socket, |text, _| text.push_str(wanted), None);
            }
            What::Phase(title) => self.text += &format!("\n## {}\n", escape(title)),
            _ => {}
        }
    }

    /// A step has ended: writes it down, and the file now and then. `Err` says why the file cannot be written.
    pub fn step_ends(&mut self, lab: &Lab, call: &Call, outcome: &Result<(), Failure>) -> Result<(), String> {
        match &self.block {
            Some(block) if Arc::ptr_eq(block, &call.text) => self.block = None,
            Some(_) => return Ok(()),
            None => {}
        }
        if self.is_full || LOOKS.contains(&call.spec.name) || call.spec.name == "quit" {
            return Ok(());
        }
        match outcome {
            // Its steps were written down as they were run.
            Ok(()) if call.spec.name == "include" => {}
            Err(_) if call.spec.name == "include" => self.expect_heard(),
            Ok(()) if becomes_expects(self, lab, call) => {
                self.expect_heard();
            }
            Ok(()) => {
                self.add_step(lab, call);
            }
            Err(failure) if given(lab, call) > self.before => self.begun(call, failure),
            Err(failure) => {
                self.expect_heard();
                self.failed(call, failure);
            }
        }
        if self.text.len() > RECORDING_MAX {
            self.is_full = true;
            self.comment("the recording reached its limit here");
            return self.save();
        }
        if self.saved.elapsed() >= SAVE_EVERY { self.save() } else { Ok(()) }
    }

    /// Writes the file, whole or not at all.
    pub fn save(&mut self) -> Result<(), String> {
        self.saved = Instant::now();
        let saved = crate::platform::write_whole(&self.path, self.text.as_bytes());
        saved.map_err(|error| format!("cannot write `{}`: {}", self.file(), crate::platform::reason(&error)))
    }

    /// What the step heard stands in its place.
    fn expect_heard(&mut self) {
        self.text += &self.heard;
        self.steps += self.heard_steps;
    }

    /// One more thing that came on a socket.
    fn expect(
        &mut self,
        socket: &str,
        wanted: impl FnOnce(&mut String, &HashMap<Name, u16>),
        note: Option<&Message>,
    ) {
        // Writing to a String cannot fail.
        let _ = write!(self.heard, "@{socket} expect ");
        wanted(&mut self.heard, &self.ports);
        self.heard += &self.suffix;
        if let Some(message) = note {
            let _ = write!(self.heard, "  # {} B, {}", message.bytes, message.codec);
            if let Some(protocol) = message.protocol {
                let _ = write!(self.heard, " {protocol}");
            }
        }
        self.heard.push('\n');
        self.heard_steps += 1;
    }

    /// A `send` that ended before all was sent, whose rest goes out before the next one: the peer gets it whole.
    fn begun(&mut self, call: &Call, failure: &Failure) {
        self.comment(&format!("{}; its rest goes out before the next `send`", failure.message));
        // Its time is up in a replay too, and then its rest waits there as it did here.
        let text = call.text.trim();
        let within = match call.within {
            // Behind a `#` it would be a comment.
            None if failure.kind == FailureKind::Interrupted && !text.contains('#') => {
                let millis = self.began.elapsed().as_millis() as u64 + 1;
                format!(" within {}", shown_duration(Duration::from_millis(millis)))
            }
            _ => String::new(),
        };
        self.add(&format!("? {text}{within}"));
    }

    fn failed(&mut self, call: &Call, failure: &Failure) {
        self.comment(&format!("failed: {}", failure.message));
        for line in call.text.lines() {
            self.comment(&format!("  {line}"));
        }
    }

    fn comment(&mut self, text: &str) {
        self.text += &format!("# {}\n", escape(text));
    }

    fn add(&mut self, step: &str) {
        self.text += step;
        self.text.push('\n');
        self.steps += 1;
    }

    /// The step as it replays: its chosen port is a param, and its socket has the name that it got by itself.
    fn add_step(&mut self, lab: &Lab, call: &Call) {
        let text = call.text.trim();
        if let ("param", Some(name)) = (call.spec.name, call.name_at(0))
            && let Some(Binding::Value(value)) = lab.get(name)
            && let Some(value) = literal(value)
        {
            return self.add(&format!("param {name} = {value}"));
        }
        if call.starts_program() {
            self.tell_of_spawn();
        }
        if call.spec.names != Names::Socket {
            return self.add(text);
        }
        let port = match call.args.first() {
            Some(Parsed::Address(_, port)) => port.constant().filter(|port| *port != "0"),
            _ => None,
        };
        let text = port.map_or(text.to_string(), |port| self.with_param(lab, text, port));
        let text = match &self.made {
            Some(made) if call.name.is_none() => named(&text, made),
            _ => text,
        };
        self.add(&text);
    }

    /// Who replays it needs to know that it starts programs.
    fn tell_of_spawn(&mut self) {
        const NEEDS: &str = "programs are started here: `lab2sh --allow-spawn` replays it";
        if !self.text.contains(NEEDS) {
            self.comment(NEEDS);
        }
    }

    /// The text with `$PARAM` for the port; a port that was not met before gets a param of its own.
    fn with_param(&mut self, lab: &Lab, text: &str, port: &str) -> String {
        let known = self.params.iter().find(|(number, _)| number == port).map(|(_, param)| param.clone());
        let param = any_port(lab, port).or(known).unwrap_or_else(|| {
            let count = self.params.len() + 1;
            let mut names = (count..).map(|n| if n == 1 { "port".to_string() } else { format!("port{n}") });
            let is_free =
                |name: &String| lab.get(name).is_none() && self.params.iter().all(|(_, it)| it != name);
            let param = names.find(is_free).unwrap_or_default();
            self.params.push((port.to_string(), param.clone()));
            self.add(&format!("param {param} = {port}"));
            param
        });
        let is_whole = |at: &usize| {
            let before = text[..*at].chars().next_back();
            let behind = text[at + port.len()..].chars().next();
            matches!(before, Some(' ' | ':' | '\t')) && matches!(behind, None | Some(' ' | '\t'))
        };
        match text.match_indices(port).map(|(at, _)| at).find(is_whole) {
            Some(at) => format!("{}${param}{}", &text[..at], &text[at + port.len()..]),
            None => text.to_string(),
        }
    }
}

/// What opens such a listener again: one whose port the kernel chose gets another one.
fn asked_for(listener: &Listener) -> String {
    let local = listener.local;
    match (listener.is_any_port, local.ip()) {
        (false, _) => local.to_string(),
        (true, IpAddr::V4(Ipv4Addr::LOCALHOST)) => "0".to_string(),
        (true, ip) => SocketAddr::new(ip, 0).to_string(),
    }
}

/// `NAME.port` of the open listener whose port this is, where the kernel chose it: it is another one in each run.
fn any_port(lab: &Lab, port: &str) -> Option<String> {
    lab.names().find_map(|(name, binding)| match binding {
        Binding::Listener(it) if it.is_any_port && it.local.port().to_string() == port => {
            Some(format!("{name}.port"))
        }
        _ => None,
    })
}

/// `as NAME` at the end of a step, before its comment.
fn named(text: &str, name: &str) -> String {
    // What stands behind an address or a listener's name holds no string, so a `#` begins the comment.
    match text.split_once(" #") {
        Some((step, comment)) => format!("{} as {name}  #{comment}", step.trim_end()),
        None => format!("{text} as {name}"),
    }
}

/// Whether what a step heard stands for it. Listening mode with an `on` also answers, which no `expect` does.
fn becomes_expects(recorder: &Recorder, lab: &Lab, call: &Call) -> bool {
    let answers = call.spec.name == "listen" && !lab.handlers.is_empty();
    recorder.takes && call.wanted == Wanted::Pass && !answers
}

/// How many bytes the socket of a `send` has been given, those that are still queued among them.
fn given(lab: &Lab, call: &Call) -> u64 {
    let name = call.target.as_ref().map(|(name, _)| name.as_str()).or(lab.current.as_deref());
    match name.and_then(|name| lab.get(name)) {
        Some(Binding::Connection(link)) if call.spec.name == "send" && call.wanted == Wanted::Pass => {
            let writer = link.connection.writer();
            writer.sent() + writer.unsent() as u64
        }
        _ => 0,
    }
}

fn takes_messages(call: &Call) -> bool {
    match call.spec.name {
        "recv" => call.form == 0,
        "listen" => call.args.is_empty(),
        "repeat" => matches!(call.args.as_slice(), [_, Parsed::Step(step)] if takes_messages(step)),
        _ => false,
    }
}

/// What stands behind each `expect` that a step becomes: its `as` and its `within`.
fn suffix(call: &Call) -> String {
    let name = call.name.as_ref().map_or(String::new(), |name| format!(" as {name}"));
    match call.within {
        Some(Some(duration)) => format!("{name} within {}", shown_duration(duration)),
        Some(None) => format!("{name} within none"),
        None => name,
    }
}
