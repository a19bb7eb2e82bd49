//! What happens to a program that was started here.

use std::sync::Arc;
use std::time::Duration;

/// What a program did, or what was done to it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are named for what they hold")]
pub enum Did {
    /// It was started: its process number and what was typed to start it.
    Start { pid: u32, words: Vec<String> },
    /// It wrote a line; `cut` more bytes of it are not kept.
    Say { is_error: bool, line: Arc<str>, cut: u64 },
    /// It was given a line of input, or the end of it (`None`).
    Type { text: Option<String> },
    /// It said or did what was wanted of it.
    Meet { what: String },
    /// It has ended: by itself, or here (`why`, after SIGTERM was not enough if `forced`). `left` says what it had started and
    /// left behind, `hidden` how many of its lines were not shown.
    End { status: i32, why: Option<Why>, forced: bool, left: String, hidden: u64, took: Duration },
}

/// Why a program was ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It ran as long as it may.
    Time(Duration),
    /// It wrote as much as it may, in bytes.
    Output(u64),
    /// `close`.
    Closed,
    /// The script, or what was typed at the prompt, has ended.
    Session,
}

impl Why {
    /// The limit that the program broke; `None` where it broke none.
    pub fn limit(self) -> Option<String> {
        match self {
            Why::Time(time) => Some(format!("it ran longer than {time:?} (`set program-time`)")),
            Why::Output(most) => Some(format!("it wrote more than {} MiB", most >> 20)),
            Why::Closed | Why::Session => None,
        }
    }
}
