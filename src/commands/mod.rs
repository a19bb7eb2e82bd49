//! The table of commands. A new command is one entry in the file of its family and one line here.

mod block;
mod check;
mod class;
mod deliver;
mod explain;
mod flow;
mod listen;
mod message;
mod meta;
mod picture;
mod program;
mod receive;
mod record;
mod run;
mod seat;
mod socket;
mod sockets;

use crate::command::Spec;

pub use block::{clean_up, register};
pub use flow::{announce, given_value};
pub use run::settle;

/// Every command, in the order that help lists them.
pub static TABLE: &[&Spec] = &[
    &socket::CONNECT,
    &socket::LISTEN,
    &socket::ACCEPT,
    &socket::SHUTDOWN,
    &socket::CLOSE,
    &socket::RESET,
    &socket::USE,
    &sockets::SOCKETS,
    &message::SEND,
    &message::RECV,
    &explain::EXPLAIN,
    &explain::HEX,
    &check::EXPECT,
    &check::CHECK,
    &listen::ON,
    &class::SERVE,
    &class::ROSTER,
    &class::BROADCAST,
    &class::WAIT,
    &check::POINTS,
    &check::HINT,
    &program::SPAWN,
    &program::TYPE,
    &flow::LET,
    &flow::PARAM,
    &flow::SAY,
    &flow::PAUSE,
    &flow::SLEEP,
    &flow::INCLUDE,
    &block::REPEAT,
    &block::ALWAYS,
    &run::RUN,
    &picture::FLOW,
    &meta::SET,
    &meta::VARS,
    &meta::HELP,
    &meta::HISTORY,
    &record::RECORD,
    &meta::QUIT,
];
