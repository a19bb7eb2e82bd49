//! A file of steps: from its bytes to its phases and calls, with the files that it includes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::line::Line;
use super::mistake::{Mistake, excerpt};
use super::parse::{Context, step};
use crate::command::{Item, Script, Spec};
use crate::event::Failure;

/// The largest script, in bytes. A million lines fit.
const MAX_SCRIPT_BYTES: usize = 64 << 20;
/// The longest line of a script, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;
/// The most physical lines of one step: past it a bracket was forgotten far above.
const MAX_STEP_LINES: usize = 1000;
/// How deep blocks may stand in blocks.
pub const MAX_BLOCKS: usize = 8;
/// The line that closes a block.
pub const END: &str = "end";

/// The file that is being read and those that include it, outermost first.
#[derive(Clone, Default)]
pub struct Files {
    /// Paths as they were opened.
    pub chain: Vec<PathBuf>,
    opened: Arc<Mutex<Vec<PathBuf>>>,
}

impl Files {
    /// All that were opened so far, here and in every copy, also where one of them holds a mistake.
    pub fn opened(&self) -> Vec<PathBuf> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The folder that names in the current file start from.
    pub fn folder(&self) -> &Path {
        self.chain.last().and_then(|file| file.parent()).unwrap_or(Path::new(""))
    }
}

/// Reads and parses the script at `path`; nothing of it is run.
pub fn load(path: &Path, table: &'static [&'static Spec], files: &Files) -> Result<Script, Failure> {
    let shown = path.to_string_lossy().into_owned();
    let shown_safe = crate::value::escape(&shown).into_owned();
    let bytes = std::fs::read(path).map_err(|error| cannot_read(&error, path, &shown_safe))?;
    let mut files = files.clone();
    files.chain.push(path.to_path_buf());
    files.opened.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_path_buf());
    parse(&bytes, &shown_safe, table, &files)
}

fn cannot_read(error: &std::io::Error, path: &Path, shown: &str) -> Failure {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_string(),
        _ if path.is_dir() => "it is a folder".to_string(),
        _ => crate::net::reason(error),
    };
    Failure::network(format!("cannot read `{shown}`: {why}"))
}

/// Parses the bytes of a script called `name`.
pub fn parse(
    bytes: &[u8],
    name: &str,
    table: &'static [&'static Spec],
    files: &Files,
) -> Result<Script, Failure> {
    let file: Arc<str> = Arc::from(name);
    let text = decode(bytes, &file)?;
    let context = Context { table, file: file.clone(), line: 1, files };
    let located = |mistake: Mistake| failure(mistake, &text, &context);
    let (items, used) = items(&text, &context, 0).map_err(located)?;
    if used < text.len() {
        let line = 1 + text[..used].matches('\n').count();
        let stray = Mistake::new(0, END.len(), "`end` closes a block, and none is open");
        return Err(failure(stray, first_lines(&text[used..], 1).trim_end(), &Context { line, ..context }));
    }
    Ok(Script { file: file.clone(), items, ..Script::default() })
}

/// Parses steps up to the end of the text or to a line that is `end`. Gives them and the bytes before that line.
/// A mistake that a further line could mend is unfinished.
fn items(text: &str, context: &Context, nested: usize) -> Result<(Vec<Item>, usize), Mistake> {
    let mut items = Vec::new();
    let (mut at, mut line) = (0, context.line);
    while at < text.len() {
        let rest = &text[at..];
        let physical = first_lines(rest, 1);
        if let Some(title) = phase_title(physical) {
            items.push(Item::Phase(title.to_string()));
            at += physical.len();
            line += 1;
            continue;
        }
        if physical.trim_start().starts_with('#') {
            let (comment, lines) = comment(rest);
            line += lines;
            at += comment.len();
            items.push(Item::Comment(plain_comment(comment)));
            continue;
        }
        if is_end(physical) {
            return Ok((items, at));
        }
        let context =
            Context { table: context.table, file: context.file.clone(), line, files: context.files };
        let (call, used) = one_step(rest, &context, nested)?;
        items.extend(call.map(Item::Step));
        line += rest[..used].matches('\n').count();
        at += used;
    }
    Ok((items, at))
}

/// The title of a line that begins a phase; a row of `#` is a comment.
fn phase_title(physical: &str) -> Option<&str> {
    let title = physical.trim_start().strip_prefix("##")?.trim_matches(['#', ' ', '\t', '\n']);
    Some(title).filter(|title| !title.is_empty())
}

/// Whether a line closes a block.
fn is_end(physical: &str) -> bool {
    let mut line = Line::new(physical.trim_end_matches('\n'));
    line.skip_space();
    line.eat_word(END) && line.is_done()
}

/// Reads the steps of a block: what is left of this line is empty, and a line that is `end` closes it.
pub fn block(line: &mut Line, context: &Context, nested: usize) -> Result<Arc<Script>, Mistake> {
    let open = line.at;
    if !line.is_done() && line.peek() != Some('\n') {
        return Err(line.mistake("a block begins on the next line"));
    }
    let missing = |text: &str| {
        Mistake::new(text.len(), 1, "the block is not closed")
            .hint(format!("a line that is `end` closes it, at most {MAX_STEP_LINES} lines further"))
            .unfinished()
    };
    if line.peek().is_none() {
        return Err(missing(line.text));
    }
    line.at += 1;
    if nested >= MAX_BLOCKS {
        return Err(Mistake::new(open, 1, format!("blocks nest deeper than {MAX_BLOCKS}")));
    }
    let first = context.line + line.text[..line.at].matches('\n').count();
    let inner =
        Context { table: context.table, file: context.file.clone(), line: first, files: context.files };
    let (items, used) = items(line.rest(), &inner, nested + 1)?;
    line.at += used;
    if line.rest().is_empty() {
        return Err(missing(line.text));
    }
    line.at += line.rest().find(END).unwrap_or(0) + END.len();
    Ok(Arc::new(Script { file: context.file.clone(), items, ..Script::default() }))
}

/// The lines of comment at the head of `text`, and how many they are.
fn comment(text: &str) -> (&str, usize) {
    let is_comment = |line: &&str| line.trim_start().starts_with('#') && phase_title(line).is_none();
    let lines: Vec<&str> = text.split_inclusive('\n').take_while(is_comment).collect();
    let len = lines.iter().map(|line| line.len()).sum();
    (&text[..len], lines.len())
}

/// What comment lines say, as one paragraph.
fn plain_comment(comment: &str) -> String {
    let lines = comment.lines().map(|line| line.trim_start().trim_start_matches('#').trim());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Parses the step at the head of `text`, going on to further lines while a bracket or a string is open.
/// Gives the call and the bytes it takes, its newline included.
fn one_step(
    text: &str,
    context: &Context,
    nested: usize,
) -> Result<(Option<crate::command::Call>, usize), Mistake> {
    let mut lines = 1;
    loop {
        let taken = first_lines(text, lines);
        let step_text = taken.trim_end_matches('\n');
        if step_text.len() > MAX_LINE_BYTES {
            let long = Mistake::new(0, 1, format!("this line is longer than {} KiB", MAX_LINE_BYTES >> 10));
            return Err(located(long, &step_text[..floor(step_text, 60)], context));
        }
        match step(step_text, context, nested) {
            Ok(call) => return Ok((call, taken.len())),
            Err(mistake) if mistake.unfinished && taken.len() < text.len() && lines < MAX_STEP_LINES => {
                lines += 1
            }
            Err(mistake) => return Err(located(mistake, step_text, context)),
        }
    }
}

/// The mistake with its place in the file, for whoever reads a longer text than this step's.
fn located(mistake: Mistake, text: &str, context: &Context) -> Mistake {
    let unfinished = mistake.unfinished;
    let elsewhere = Some(failure(mistake, text, context));
    Mistake { elsewhere, unfinished, ..Mistake::new(text.len(), 1, "") }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn first_lines(text: &str, count: usize) -> &str {
    match text.match_indices('\n').nth(count - 1) {
        Some((newline, _)) => &text[..=newline],
        None => text,
    }
}

/// A mistake as the failure that a person sees.
pub fn failure(mistake: Mistake, text: &str, context: &Context) -> Failure {
    if let Some(elsewhere) = mistake.elsewhere {
        return elsewhere;
    }
    let place = excerpt(text, &context.file, context.line, mistake.at, mistake.len);
    let mut failure = Failure::script(mistake.message).placed(place);
    failure.hint = mistake.hint;
    failure
}

/// The text of a script: UTF-8 with or without a byte-order mark, lines that end in `\n` or `\r\n`, no NUL.
fn decode(bytes: &[u8], file: &Arc<str>) -> Result<String, Failure> {
    if bytes.len() > MAX_SCRIPT_BYTES {
        return Err(Failure::script(format!("`{file}` is larger than {} MiB", MAX_SCRIPT_BYTES >> 20)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            let message = format!("the byte 0x{:02x} is not UTF-8 text", bytes[at]);
            return Err(bad_byte(bytes, at, file, message).hint("save the script as UTF-8"));
        }
    };
    let text = text.replace("\r\n", "\n");
    match unseen(&text) {
        Some((at, message, hint)) => Err(bad_byte(text.as_bytes(), at, file, message).hint(hint)),
        None => Ok(text),
    }
}

/// The first character that no editor shows as it is, and so could make a line another than it looks: a control
/// character, or one that turns the direction of the text around it (CVE-2021-42574).
pub fn unseen(text: &str) -> Option<(usize, String, String)> {
    let is_unseen = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || crate::value::is_bidi(c);
    let (at, c) = text.char_indices().find(|(_, c)| is_unseen(*c))?;
    let shown = crate::value::escape(c.encode_utf8(&mut [0; 4])).into_owned();
    let what = if c.is_control() { "control character" } else { "text-turning character" };
    let hint = match c {
        '\0' => "is this a text file?".to_string(),
        _ => format!("in a string, write it as `{shown}`"),
    };
    Some((at, format!("the {what} `{shown}` stands here"), hint))
}

fn bad_byte(bytes: &[u8], at: usize, file: &Arc<str>, message: String) -> Failure {
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    // What stands before a bad byte is good, and what stands behind it does not matter.
    let before = String::from_utf8_lossy(&bytes[start..at]).into_owned();
    let shown = match bytes[at..].utf8_chunks().next() {
        Some(chunk) if !chunk.valid().is_empty() => {
            chunk.valid().chars().next().map_or(String::new(), |c| c.to_string())
        }
        _ => format!("\\x{:02x}", bytes[at]),
    };
    let place = excerpt(&format!("{before}{shown}"), file, line, before.len(), shown.len());
    Failure::script(message).placed(place)
}

/// `its params are host, port`.
pub fn has_params(names: &[&str]) -> String {
    if names.is_empty() {
        "it has no params".to_string()
    } else {
        format!("its params are {}", names.join(", "))
    }
}

/// The params that a script and the scripts it includes declare, each with its default where that is plain.
pub fn params(script: &Script) -> Vec<(String, Option<crate::value::Value>)> {
    let mut found = Vec::new();
    script.each_call(&mut |call| {
        if call.spec.name == "param"
            && let [crate::command::Parsed::Name(name), _, crate::command::Parsed::Value(default)] =
                call.args.as_slice()
        {
            let default =
                if let super::expr::Expr::Const(value) = default { Some(value.clone()) } else { None };
            found.push((name.clone(), default));
        }
    });
    found
}
