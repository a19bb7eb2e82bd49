//! A scriptable shell for socket experiments. One road leads through it:
//!
//! ```text
//! line --parse--> Call --run--> effect on the Lab (sockets, names) --emit--> Event --> render (screen) | report (JSON)
//!   ^               ^
//! prompt, script  the table of commands
//! ```
//!
//! - [`language`]: a line's text to a [`command::Call`], or a mistake with its place
//! - [`command`]: what a command is; [`commands`]: the table, a file a family; [`mod@reference`]: help from it
//! - [`lab`]: the state that commands act on; [`step`]: runs one call; [`shell`]: the only way in
//! - [`net`]: sockets and message boundaries; [`pickle`]: scanning, decoding, encoding
//! - [`program`]: programs that a script starts
//! - [`value`]: Python values; [`pattern`]: what `expect` wants of one
//! - [`load`]: many runs of one script
//! - [`conversation`]: what is kept of it, to look back on; [`picture`]: it as a [`sequence`] diagram, and that as text, SVG, Mermaid and a page
//! - [`diagnosis`]: why a check failed, in the student's words
//! - [`explain`]: a message's bytes in rows
//! - [`record`]: a session that becomes a script
//! - [`results`]: checks as data, and the reports made of them
//! - [`event`]: what happened; [`render`] and [`report`]: events as text and as JSON; [`output`]: the one writer
//! - [`each`](mod@each): the same script on many submissions
//! - [`watch`]: the same script after each change of its files
//! - [`written`]: what may be written over at the end of a run
//! - [`prompt`], [`replay`], [`lecture`] (step mode): what drives the shell; [`assistant`]: what the line editor asks; [`arrivals`]: what arrives while nobody runs a step; [`history`]: the lines kept across runs; [`platform`]: what differs between operating systems

pub mod arrivals;
pub mod assistant;
pub mod changes;
pub mod class;
pub mod cli;
pub mod command;
pub mod commands;
pub mod conversation;
pub mod diagnosis;
pub mod each;
pub mod event;
pub mod explain;
pub mod history;
pub mod lab;
pub mod language;
pub mod lecture;
pub mod load;
pub mod net;
pub mod output;
pub mod pattern;
pub mod pickle;
pub mod picture;
pub mod platform;
pub mod program;
pub mod prompt;
pub mod record;
pub mod reference;
pub mod render;
pub mod replay;
pub mod report;
pub mod results;
pub mod sequence;
pub mod shell;
pub mod step;
pub mod value;
pub mod watch;
pub mod written;
