//! A pickle's opcodes one by one: where each lies, what it says, what it does to the stack and what it would call.

use super::arena::Ref;
use super::argument::argument;
use super::decode::{DecodeError, Decoded, conclude, scan_error};
use super::machine::Machine;
use super::opcode as op;
use super::opcode::Role;
use super::view::name_cut;
use crate::value::{ObjectKind, plain};

/// How many opcodes are told one by one; those behind them are run and counted. A person reads no more, and a message of
/// 16 MiB may have 16 million.
pub const MAX_STEPS: usize = 10_000;
/// How many characters of an argument a step holds.
pub const ARGUMENT_CHARS: usize = 1000;
/// How many characters of the stack a step holds. A screen of 80 columns shows half of them, from the top.
const STACK_CHARS: usize = 72;
/// How many characters of a name and of a call's arguments are shown.
const CALL_CHARS: usize = 100;

/// A pickle, opcode by opcode.
#[derive(Debug)]
pub struct Annotated {
    /// The opcodes in order, at most [`MAX_STEPS`] of them, and then the last one that was run.
    pub steps: Vec<Step>,
    /// How many opcodes before the last one are not among the steps.
    pub skipped: usize,
    /// What it says, or why it stopped.
    pub result: Result<Decoded, DecodeError>,
    /// The step that could not be run. If there is none although it stopped, the bytes end behind the last step.
    pub stopped: Option<usize>,
}

/// One opcode.
#[derive(Debug)]
pub struct Step {
    /// Offset of the opcode's byte.
    pub at: usize,
    /// Offset behind its argument, or behind the last byte of it that there is.
    pub end: usize,
    /// The byte.
    pub opcode: u8,
    /// What it means for the places on the stack.
    pub role: Role,
    /// What it makes, as in "98 more ints": `int`, `str`, `dict`; `item` where the opcode does not tell.
    pub makes: &'static str,
    /// The protocol's name for it.
    pub name: &'static str,
    /// What `pickletools.dis` prints behind the name: most opcodes take no argument. Ready for a screen.
    pub argument: Option<String>,
    /// What it does to the stack, for a beginner.
    pub words: &'static str,
    /// The stack after it, its top at the right; ready for a screen.
    pub stack: String,
    /// How many places the stack has after it, marks counted.
    pub places: usize,
    /// How many marks are below what it works on: what is behind a mark is inside of something.
    pub depth: usize,
    /// What `pickle.loads` does in the program at this opcode.
    pub effect: Option<Effect>,
}

/// Something that loading does besides building a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// `call os.system('id')`; ready for a screen.
    pub what: String,
    /// It only spells plain data of the standard library, such as a datetime.
    pub is_plain: bool,
}

/// Takes a pickle apart. A message that is not whole is read as far as it goes. Memory and work stay within those of
/// [`decode`](super::decode) and [`MAX_STEPS`].
pub fn annotate(message: &[u8]) -> Annotated {
    let mut machine = Machine::new(message);
    machine.is_part = true;
    let (mut steps, mut count) = (Vec::new(), 0);
    let (outcome, last) = loop {
        let (at, memo, marks) = (machine.at, machine.memo.len(), machine.marks.len());
        let is_kept = count < MAX_STEPS;
        let asked = if is_kept { machine.asks(message.get(at).copied()) } else { None };
        let outcome = machine.advance();
        let is_over = !matches!(outcome, Ok(None));
        if is_kept || is_over {
            let end = machine.at.min(message.len());
            let mut step = step(message, at, end);
            let has_run = outcome.is_ok();
            step.effect = asked.or_else(|| machine.asked(step.opcode)).filter(|_| has_run);
            if step.opcode == op::MEMOIZE {
                step.argument = Some(format!("(as {memo})"));
            }
            step.stack = machine.shown_stack(STACK_CHARS);
            step.places = machine.places();
            step.depth = marks.min(machine.marks.len());
            if is_over {
                break (outcome, step);
            }
            steps.push(step);
        }
        count += 1;
    };
    let skipped = count - steps.len();
    // Where the bytes end between two opcodes there is none that failed.
    let is_step = last.at < message.len();
    if is_step {
        steps.push(last);
    }
    let (result, stopped) = result(message, machine, outcome, &steps);
    Annotated { stopped: stopped.filter(|_| is_step), steps, skipped, result }
}

fn step(message: &[u8], at: usize, end: usize) -> Step {
    let bytes = message.get(at..end).unwrap_or_default();
    let opcode = bytes.first().copied().unwrap_or(op::STOP);
    Step {
        at,
        end,
        opcode,
        role: op::role(opcode),
        makes: op::makes(opcode),
        name: op::name(opcode),
        argument: argument(bytes, ARGUMENT_CHARS),
        words: op::words(opcode),
        stack: String::new(),
        places: 0,
        depth: 0,
        effect: None,
    }
}

/// What the pickle says or why it stopped, and the step that is to blame.
fn result(
    message: &[u8],
    mut machine: Machine,
    outcome: Result<Option<Ref>, String>,
    steps: &[Step],
) -> (Result<Decoded, DecodeError>, Option<usize>) {
    let last = steps.len().checked_sub(1);
    match outcome {
        Ok(Some(root)) if machine.frame_end <= message.len() => match conclude(machine, root) {
            Ok(decoded) => (Ok(decoded), None),
            Err(error) => (Err(error), last),
        },
        // Everything is there but the rest of a frame, for which `pickle.loads` waits.
        Ok(_) => {
            let ends = |step: &Step| {
                let length: usize = step.argument.as_deref()?.parse().ok()?;
                step.end.checked_add(length)
            };
            let is_it = |step: &Step| step.opcode == op::FRAME && ends(step) == Some(machine.frame_end);
            let frame = steps.iter().rposition(is_it).or(last);
            let why = format!(
                "the frame is to end at byte {}, and there are {} bytes",
                machine.frame_end,
                message.len()
            );
            let at = frame.map_or(0, |frame| steps[frame].at);
            (Err(DecodeError { at, why }), frame)
        }
        Err(why) => {
            let (here, is_cut) = (machine.op_at, machine.at > message.len());
            let error = machine.error(why);
            // The scanner has more to say of the same opcode; what it sees behind it does not matter any more.
            let scanned = scan_error(message).filter(|scanned| scanned.at <= here || is_cut);
            (Err(scanned.unwrap_or(error)), last)
        }
    }
}

impl Machine<'_> {
    /// What running `opcode` will make `pickle.loads` call, seen before it runs.
    fn asks(&self, opcode: Option<u8>) -> Option<Effect> {
        let from_top = |down: usize| self.stack.get(self.stack.len().checked_sub(down)?).copied();
        let (callee, args) = match opcode? {
            op::REDUCE => return self.call_of(from_top(2)?, from_top(1), "call "),
            op::NEWOBJ => (from_top(2)?, from_top(1)),
            op::NEWOBJ_EX => (from_top(3)?, from_top(2)),
            op::OBJ => (self.stack.get(self.fence()).copied()?, None),
            op::BUILD => {
                let thing = self.arena.thing(from_top(2)?)?;
                let name = name_cut(&thing.name, CALL_CHARS);
                return Some(match thing.kind {
                    ObjectKind::Global => {
                        Effect { what: format!("change {name} for the whole program"), is_plain: false }
                    }
                    _ => Effect {
                        what: format!("set the attributes of {name} or call its __setstate__"),
                        is_plain: thing.quiet,
                    },
                });
            }
            _ => return None,
        };
        self.call_of(callee, args, "make an instance: ")
    }

    fn call_of(&self, callee: Ref, args: Option<Ref>, how: &str) -> Option<Effect> {
        let thing = self.arena.thing(callee)?;
        let (name, is_plain) = match thing.kind {
            ObjectKind::Global => (thing.name.to_string(), is_plain(&thing.name)),
            ObjectKind::Extension => (format!("<extension code {}>", thing.name), false),
            ObjectKind::Persistent => ("<persistent id>".to_owned(), false),
            ObjectKind::Call | ObjectKind::Instance => (format!("{}(...)", thing.name), false),
        };
        let call = self.arena.shown_call(&name, args, CALL_CHARS);
        Some(Effect { what: format!("{how}{call}"), is_plain })
    }

    /// What the opcode that was just run made `pickle.loads` import or look up, seen on top of the stack.
    fn asked(&self, opcode: u8) -> Option<Effect> {
        let looks = matches!(
            opcode,
            op::GLOBAL
                | op::STACK_GLOBAL
                | op::INST
                | op::PERSID
                | op::BINPERSID
                | op::EXT1
                | op::EXT2
                | op::EXT4
        );
        let thing = self.stack.last().filter(|_| looks).and_then(|&top| self.arena.thing(top))?;
        let name = name_cut(&thing.name, CALL_CHARS);
        let what = match thing.kind {
            ObjectKind::Global => format!("import {name}"),
            ObjectKind::Extension => format!("import what extension code {name} stands for"),
            ObjectKind::Persistent => "ask the program for the object".to_owned(),
            ObjectKind::Call | ObjectKind::Instance => {
                format!("import and call {}", self.arena.shown_call(&name, thing.args, CALL_CHARS))
            }
        };
        Some(Effect { what, is_plain: is_plain(&thing.name) })
    }
}

fn is_plain(name: &str) -> bool {
    plain::is_class(name)
        || plain::is_plain(name)
        || plain::is_helper(name)
        || plain::constant(name).is_some()
}
