//! What a command is: its entry in the table, the kinds of its arguments, and a call of it that was parsed.

mod setting;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::event::Failure;
use crate::lab::Lab;
use crate::language::expr::{Expr, Ref, Template};
use crate::language::mistake::excerpt;
use crate::pattern::Pattern;
use crate::value::Value;

pub use setting::{Codec, OnFailure, Setting, Show};

/// Most often one: of what a `send` sends.
pub type Few<T> = SmallVec<[T; 1]>;

/// A command that is under way. Dropping it cancels it; what it awaits is cancel-safe.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// One entry of the table of commands. Help, completion, hints and the README's table are made from it, and its example is its test.
pub struct Spec {
    /// The verb.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// The heading it stands under.
    pub group: Group,
    /// The forms it takes, tried in order.
    pub forms: &'static [&'static [Arg]],
    /// One line: what it does.
    pub summary: &'static str,
    /// Lines that show it; they pass when run as a script of their own.
    pub example: &'static str,
    /// Whether `within` bounds it.
    pub within: bool,
    /// What `as` calls: a socket, a value, or nothing.
    pub names: Names,
    /// What it does.
    pub run: for<'a> fn(&'a mut Lab, &'a Call) -> Running<'a>,
}

/// What `as NAME` names behind a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `as` cannot stand here.
    Nothing,
    /// The socket that the command makes.
    Socket,
    /// The value that the command receives.
    Value,
}

/// A heading of the command table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Opening, closing and choosing sockets.
    Sockets,
    /// Sending and receiving.
    Messages,
    /// Wanting something of what came.
    Checks,
    /// Serving a class.
    Class,
    /// Starting programs.
    Programs,
    /// What a script does between messages.
    Flow,
    /// The shell itself.
    Shell,
}

/// The headings in order, with their text.
pub const GROUPS: [(Group, &str); 7] = [
    (Group::Sockets, "sockets"),
    (Group::Messages, "messages"),
    (Group::Checks, "checks"),
    (Group::Class, "class"),
    (Group::Programs, "programs"),
    (Group::Flow, "flow"),
    (Group::Shell, "shell"),
];

/// One place in a form: what may stand there, and what help calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// Just this word.
    Keyword(&'static str),
    /// This word, or nothing.
    Optional(&'static str),
    /// One of these words.
    Choice(&'static str, &'static [&'static str]),
    /// `HOST PORT` or `HOST:PORT`.
    Address,
    /// `PORT` or `HOST:PORT`, for listening.
    Bind,
    /// The name of a socket that is there.
    Socket,
    /// A name to give.
    Name,
    /// A value.
    Value(&'static str),
    /// One value, or several with `+` between them.
    Values(&'static str),
    /// A value that is a whole number, 0 or more.
    Count(&'static str),
    /// What a phase is worth: a number, 0 or more.
    Points,
    /// A pattern.
    Pattern,
    /// One of `== != < <= > >= in`.
    Operator,
    /// A duration with its unit.
    Duration,
    /// The rest of the line.
    Text,
    /// Bytes as hex digits.
    Hex,
    /// A file's name.
    File,
    /// A script's name, then `NAME=VALUE`s; the script is read and parsed with this line.
    Script,
    /// The name of an option and its value.
    Setting,
    /// A script's name, `NAME=VALUE`s, then `times N` and `at once M`, each or neither.
    Run,
    /// `with FILE` and `journal FILE`, each or neither, in any order.
    Serving,
    /// `seed N`, or nothing.
    Seed,
    /// How a message goes out: `split`, `gap`, `truncate`, `after`, each or none.
    Delivery,
    /// A verb.
    Verb,
    /// A program and its arguments, up to the end of the line or `as NAME`.
    Program,
    /// A whole step.
    Step,
    /// A whole step, then the word `passes`.
    StepPasses,
    /// Steps on lines of their own, up to a line that is `end`.
    Block,
}

/// An argument that was parsed.
#[derive(Clone, Debug)]
pub enum Parsed {
    /// A keyword, or one of a choice.
    Word(&'static str),
    /// Nothing, where a word may stand.
    Nothing,
    /// A host and a port; without a host the usual one.
    Address(Option<Template>, Template),
    /// A name.
    Name(String),
    /// A value, a count.
    Value(Expr),
    /// What a phase is worth.
    Points(f64),
    /// Values with `+` between them; a seed, or none.
    Values(Vec<Expr>),
    /// How a message goes out.
    Delivery(Box<Delivery>),
    /// A pattern.
    Pattern(Arc<Pattern>),
    /// A duration.
    Duration(Duration),
    /// Text or a file's name.
    Text(Template),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A script's steps.
    Script(Arc<Script>),
    /// What each client of a class is served with, and the journal's file.
    Serving {
        /// The seat script.
        script: Arc<Script>,
        /// The journal's name.
        journal: Option<Template>,
    },
    /// A script that further interpreters run.
    Run {
        /// The script with the params given to it.
        script: Arc<Script>,
        /// How often; once if it is not said.
        times: Option<Expr>,
        /// How many at the same time; one if it is not said.
        at_once: Option<Expr>,
    },
    /// A program and its arguments.
    Program(Vec<Template>),
    /// An option with its value.
    Setting(Setting),
    /// A step.
    Step(Arc<Call>),
}

/// How a message goes out, where not whole, at once and in one write.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// `split`: where it is cut.
    pub split: Option<(Split, Span)>,
    /// `gap`: how long to wait between its pieces.
    pub gap: Option<Duration>,
    /// `truncate`: how many of its bytes go out.
    pub truncate: Option<(Expr, Span)>,
    /// `after`: how long to wait before the first byte.
    pub after: Option<Duration>,
}

/// Where a message is cut.
#[derive(Clone, Debug)]
pub enum Split {
    /// `split 3,10`: behind these many bytes from its start.
    At(Vec<Expr>),
    /// `split every 7`: into pieces of so many bytes.
    Every(Expr),
}

/// A byte offset in a step's text, and how many bytes to underline.
pub type Span = (usize, usize);

/// What a step's outcome has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It passes.
    Pass,
    /// `!`: it fails.
    Fail,
    /// `?`: either.
    Either,
}

/// One step, parsed.
pub struct Call {
    /// Its text, without the newline behind it.
    pub text: Arc<str>,
    /// The file it stands in, as the user named it.
    pub file: Arc<str>,
    /// Its first line, from 1.
    pub line: usize,
    /// What its outcome has to be.
    pub wanted: Wanted,
    /// `@NAME`, with its byte offset.
    pub target: Option<(String, usize)>,
    /// The command.
    pub spec: &'static Spec,
    /// Byte offset of the verb.
    pub verb_at: usize,
    /// Which of the command's forms.
    pub form: usize,
    /// The arguments, one for each place of the form.
    pub args: Vec<Parsed>,
    /// Byte offset where the arguments begin.
    pub args_at: usize,
    /// `within`: how long; `None` inside for `none`.
    pub within: Option<Option<Duration>>,
    /// `as NAME`.
    pub name: Option<String>,
}

/// The steps of a file, in order.
#[derive(Debug, Default)]
pub struct Script {
    /// The name the user gave.
    pub file: Arc<str>,
    /// Phases and steps.
    pub items: Vec<Item>,
    /// The params given to it, by name: text from a command line or an `include` line.
    pub params: Vec<(String, Template)>,
}

/// A line of a script that means something.
#[derive(Debug)]
pub enum Item {
    /// `## Title`.
    Phase(String),
    /// Lines of comment that stand together: the narration of step mode.
    Comment(String),
    /// A step.
    Step(Call),
}

impl Script {
    /// How many steps there are, included ones not counted.
    pub fn steps(&self) -> usize {
        self.items.iter().filter(|item| matches!(item, Item::Step(_))).count()
    }

    /// Every step, with those of included scripts and of `repeat`.
    pub fn each_call(&self, visit: &mut dyn FnMut(&Call)) {
        for item in &self.items {
            if let Item::Step(call) = item {
                call.each_call(visit);
            }
        }
    }
}

impl Call {
    /// Argument `index` as a value.
    pub fn value(&self, lab: &Lab, index: usize) -> Result<Value, Failure> {
        match self.args.get(index) {
            Some(Parsed::Value(expr)) => lab.eval(expr),
            _ => Err(self.misread(index)),
        }
    }

    /// Argument `index` as the values with `+` between them.
    pub fn values(&self, lab: &Lab, index: usize) -> Result<Few<Value>, Failure> {
        match self.args.get(index) {
            Some(Parsed::Values(exprs)) => exprs.iter().map(|expr| lab.eval(expr)).collect(),
            _ => Err(self.misread(index)),
        }
    }

    /// Argument `index` as a whole number.
    pub fn count(&self, lab: &Lab, index: usize) -> Result<usize, Failure> {
        whole_number(&self.value(lab, index)?)
    }

    /// Argument `index` as text, `$name` filled in.
    pub fn text(&self, lab: &Lab, index: usize) -> Result<String, Failure> {
        match self.args.get(index) {
            Some(Parsed::Text(template)) => lab.fill(template),
            _ => Err(self.misread(index)),
        }
    }

    /// A file that this step names: from the script's folder, in a line that a person typed from the working one.
    pub fn path(&self, lab: &Lab, file: &str) -> PathBuf {
        if self.file.is_empty() { PathBuf::from(file) } else { lab.folder.join(file) }
    }

    /// Argument `index` as a name.
    pub fn name_at(&self, index: usize) -> Option<&str> {
        match self.args.get(index) {
            Some(Parsed::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// A form and its `run` that disagree: a fault of the table, told rather than panicked about.
    pub fn misread(&self, index: usize) -> Failure {
        Failure::script(format!("`{}` has no argument {index} of that kind", self.spec.name))
    }

    /// The failure with its place in the script; one that has a place keeps it (a step of an included file).
    pub fn locate(&self, mut failure: Failure) -> Failure {
        if failure.place.is_none() {
            let verb = self.text[self.verb_at..].split(' ').next().map_or(1, str::len);
            let (at, len) = failure.span.unwrap_or((self.verb_at, verb));
            failure.place = Some(excerpt(&self.text, &self.file, self.line, at, len));
        }
        failure
    }

    /// Whether steps on lines of their own belong to it.
    pub fn is_block(&self) -> bool {
        matches!(self.spec.forms[self.form].last(), Some(Arg::Block))
    }

    /// Whether it is `repeat until`: one step that is tried until it passes.
    pub fn is_until(&self) -> bool {
        matches!(self.spec.forms[self.form].last(), Some(Arg::StepPasses))
    }

    /// Its text as it is told that it begins: of a block only the first line, because its steps tell of themselves.
    pub fn head(&self) -> Arc<str> {
        match self.text.split_once('\n') {
            Some((first, _)) if self.is_block() => Arc::from(first),
            _ => self.text.clone(),
        }
    }

    /// The scripts that further interpreters would run.
    pub fn run_scripts(&self) -> impl Iterator<Item = &Script> {
        self.args.iter().filter_map(|arg| match arg {
            Parsed::Run { script, .. } => Some(&**script),
            _ => None,
        })
    }

    /// Whether it starts a program.
    pub fn starts_program(&self) -> bool {
        self.args.iter().any(|arg| matches!(arg, Parsed::Program(_)))
    }

    /// This step, with those of an included script or of `repeat`.
    pub fn each_call(&self, visit: &mut dyn FnMut(&Call)) {
        visit(self);
        for arg in &self.args {
            match arg {
                Parsed::Step(step) => step.each_call(visit),
                Parsed::Script(script) => script.each_call(visit),
                // A seat script runs in interpreters of its own: its names are checked where it is read.
                _ => {}
            }
        }
    }

    /// Calls `visit` with every `$name` in the arguments.
    pub fn each_reference(&self, visit: &mut dyn FnMut(&Ref)) {
        for arg in &self.args {
            match arg {
                Parsed::Value(expr) => expr.each_reference(visit),
                Parsed::Values(exprs) => exprs.iter().for_each(|expr| expr.each_reference(visit)),
                Parsed::Delivery(delivery) => {
                    delivery.exprs().into_iter().for_each(|expr| expr.each_reference(visit));
                }
                Parsed::Pattern(pattern) => pattern.each_expr(&mut |expr| expr.each_reference(visit)),
                Parsed::Text(template) => template.references().for_each(&mut *visit),
                Parsed::Address(host, port) => {
                    host.iter().flat_map(Template::references).for_each(&mut *visit);
                    port.references().for_each(&mut *visit);
                }
                Parsed::Step(step) => step.each_reference(visit),
                Parsed::Program(words) => words.iter().flat_map(Template::references).for_each(&mut *visit),
                Parsed::Word(_)
                | Parsed::Nothing
                | Parsed::Name(_)
                | Parsed::Duration(_)
                | Parsed::Bytes(_)
                | Parsed::Points(_)
                | Parsed::Script(_)
                | Parsed::Setting(_) => {}
                Parsed::Run { script, times, at_once } => {
                    times.iter().chain(at_once).for_each(|expr| expr.each_reference(visit));
                    let given = script.params.iter().flat_map(|(_, text)| text.references());
                    // Each run has a number of its own.
                    given.filter(|reference| reference.name != "n").for_each(&mut *visit);
                }
                Parsed::Serving { journal, .. } => {
                    journal.iter().flat_map(Template::references).for_each(&mut *visit)
                }
            }
        }
    }
}

impl Delivery {
    /// Every number in it.
    fn exprs(&self) -> Vec<&Expr> {
        let cuts: &[Expr] = match &self.split {
            Some((Split::At(cuts), _)) => cuts,
            Some((Split::Every(size), _)) => std::slice::from_ref(size),
            None => &[],
        };
        cuts.iter().chain(self.truncate.as_ref().map(|(bytes, _)| bytes)).collect()
    }
}

/// A value that has to be a whole number, 0 or more.
pub fn whole_number(value: &Value) -> Result<usize, Failure> {
    match value {
        Value::Int(count @ 0..) => Ok(usize::try_from(*count).unwrap_or(usize::MAX)),
        other => Err(Failure::script(format!("{} is not a whole number of 0 or more", other.repr_cut(60).0))),
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}
