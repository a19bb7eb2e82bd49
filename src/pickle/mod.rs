//! Pickles: where one ends in a stream, what it says, and how to write one.
//!
//! Reading is split in two. [`Scanner`] walks the opcodes of a message that may still be arriving and says where it
//! ends: it is the framing. [`decode`] runs the opcodes of a whole message over an arena of nodes and gives a
//! [`Value`](crate::value::Value). Nothing is ever imported or called; [`Decoded::actions`] tells what would have been.
//! [`annotate`] takes the same road step by step, for whoever wants to see it.
//!
//! The format: `pickletools.py` of CPython, which documents each opcode, and PEP 307, 3154 and 574 (protocols 2, 4, 5).

mod actions;
mod annotate;
mod arena;
mod argument;
mod assemble;
mod build;
mod compat;
mod decode;
mod encode;
mod finish;
mod machine;
mod memo;
mod object;
mod opcode;
mod scan;
mod sniff;
mod text;
mod view;

pub use annotate::{Annotated, Effect, MAX_STEPS, Step, annotate};
pub use decode::{DecodeError, Decoded, decode};
pub use encode::encode;
pub use finish::{MAX_DEPTH, MAX_VALUES};
pub use opcode::Role;
pub use scan::{Scan, Scanner};
pub use sniff::sniff;
