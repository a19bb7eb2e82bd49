//! From the text of one step to a call of a command, or to a mistake with its place.

use std::sync::Arc;

use super::argument::{argument, new_name};
use super::delivery::WORDS as DELIVERY_WORDS;
use super::line::{Line, identifier_len};
use super::mistake::{Mistake, did_you_mean};
use super::script::Files;
use super::setting::duration;
use crate::command::{Arg, Call, Names, Parsed, Spec, Wanted};

/// How deep `repeat N repeat M ...` may nest.
const MAX_NESTED_STEPS: usize = 8;

/// Where a step stands, and what may be called in it.
pub struct Context<'a> {
    /// The commands.
    pub table: &'static [&'static Spec],
    /// The file's name as the user gave it.
    pub file: Arc<str>,
    /// The step's first line, from 1.
    pub line: usize,
    /// What `include` reads from.
    pub files: &'a Files,
}

/// Parses the text of one step. A text of only spaces and a comment is `None`.
/// `nested` counts the steps around it.
pub fn step(text: &str, context: &Context, nested: usize) -> Result<Option<Call>, Mistake> {
    let mut line = Line::new(text);
    if line.is_done() {
        return Ok(None);
    }
    call(&mut line, context, nested).map(Some)
}

/// Reads a whole step; `nested` counts the steps around it.
pub fn call(line: &mut Line, context: &Context, nested: usize) -> Result<Call, Mistake> {
    if nested > MAX_NESTED_STEPS {
        return Err(line.mistake(format!("steps nest deeper than {MAX_NESTED_STEPS}")));
    }
    let wanted = match line.peek() {
        Some('!') => Wanted::Fail,
        Some('?') => Wanted::Either,
        _ => Wanted::Pass,
    };
    if wanted != Wanted::Pass {
        line.at += 1;
        line.skip_space();
        if matches!(line.peek(), Some('!' | '?')) {
            let mistake = Mistake::new(line.at, 1, "a step is marked once, with `!` or with `?`");
            return Err(mistake.hint("`! STEP` has to fail, `? STEP` may fail"));
        }
    }
    let target = target(line)?;
    let verb_at = line.at;
    let spec = verb(line, context.table)?;
    line.skip_space();
    let written = line.text.trim_end();
    // Spaces behind the verb are not kept with the step.
    let args_at = line.at.min(written.len());
    let (form, args, within, name) = arguments(line, spec, context, nested)?;
    if let (Some(Parsed::Points(_)), true) = (args.first(), wanted != Wanted::Pass) {
        return Err(Mistake::new(verb_at, spec.name.len(), "`points` cannot fail, and takes no mark")
            .hint("`points N` alone says what the phase is worth"));
    }
    Ok(Call {
        text: Arc::from(written),
        file: context.file.clone(),
        line: context.line,
        wanted,
        target,
        spec,
        verb_at,
        form,
        args,
        args_at,
        within,
        name,
    })
}

fn target(line: &mut Line) -> Result<Option<(String, usize)>, Mistake> {
    if !line.eat('@') {
        return Ok(None);
    }
    let at = line.at;
    let name = line.identifier("the socket's name after `@`")?.to_string();
    line.skip_space();
    Ok(Some((name, at)))
}

/// Reads the command's name.
pub fn verb(line: &mut Line, table: &'static [&'static Spec]) -> Result<&'static Spec, Mistake> {
    let word = line.bare_word();
    if let Some(spec) = table.iter().find(|spec| spec.name == word || spec.aliases.contains(&word)) {
        line.at += word.len();
        return Ok(spec);
    }
    let shown = crate::value::escape(word).into_owned();
    if word == super::script::END {
        let mut behind = line.clone();
        behind.at += word.len();
        return Err(match behind.is_done() || behind.peek() == Some('\n') {
            true => line.mistake("`end` closes a block, and none is open"),
            false => line.mistake("`end` stands alone on its line").hint("it closes the block above it"),
        });
    }
    if word.is_empty() || word.starts_with('#') {
        return Err(line.mistake("a command is missing").hint("`help` lists the commands"));
    }
    if word.starts_with(['{', '[', '(', '"', '\'', '$']) {
        let mistake = Mistake::new(line.at, 1, "a value is not a command");
        return Err(mistake.hint("`send VALUE` sends it, `let NAME = VALUE` gives it a name"));
    }
    let mistake = line.mistake(format!("`{shown}` is not a command"));
    Err(match instead(word, &line.rest()[word.len()..], table) {
        Some(hint) => mistake.hint(hint),
        None => mistake.hint("`help` lists the commands"),
    })
}

/// What somebody who typed `word` most likely wants to type; who thinks in Python writes brackets and `x = 5`.
fn instead(word: &str, behind: &str, table: &'static [&'static Spec]) -> Option<String> {
    let called = word.split_once('(').map(|(name, _)| name.rsplit('.').next().unwrap_or(name));
    if let Some(spec) = table.iter().find(|spec| called == Some(spec.name)) {
        return Some(format!("a command takes no brackets: {}", crate::reference::usage(spec)));
    }
    if behind.trim_start().starts_with('=') && identifier_len(word) == word.len() {
        return Some(format!("`let {word} = VALUE` gives a value a name"));
    }
    let names = table.iter().flat_map(|spec| std::iter::once(spec.name).chain(spec.aliases.iter().copied()));
    did_you_mean(&word.to_lowercase(), names).map(|near| format!("did you mean `{near}`?"))
}

type Read = (usize, Vec<Parsed>, Option<Option<std::time::Duration>>, Option<String>);

/// Tries each form; of several that fail, the one that came furthest says why.
fn arguments(
    line: &mut Line,
    spec: &'static Spec,
    context: &Context,
    nested: usize,
) -> Result<Read, Mistake> {
    let mut furthest: Option<Mistake> = None;
    let word = line.bare_word();
    for (form, places) in spec.forms.iter().enumerate() {
        // Another keyword than the one typed cannot be meant.
        if matches!(places.first(), Some(Arg::Keyword(keyword)) if *keyword != word)
            && (form + 1 < spec.forms.len() || furthest.is_some())
        {
            continue;
        }
        let mut attempt = line.clone();
        match one_form(&mut attempt, spec, places, context, nested) {
            Ok((args, within, name)) => {
                line.at = attempt.at;
                return Ok((form, args, within, name));
            }
            Err(mistake) => {
                let is_further = furthest.as_ref().is_none_or(|so_far| {
                    mistake.elsewhere.is_some()
                        || (so_far.elsewhere.is_none() && rank(&mistake) >= rank(so_far))
                });
                if is_further {
                    furthest = Some(mistake);
                }
            }
        }
    }
    let mistake = furthest.unwrap_or_else(|| line.mistake("this command takes no arguments"));
    Err(match mistake.hint {
        None if !mistake.unfinished && mistake.elsewhere.is_none() => {
            mistake.hint(format!("usage: {}", crate::reference::usage_with(spec, word)))
        }
        _ => mistake,
    })
}

fn rank(mistake: &Mistake) -> (usize, bool) {
    (mistake.at + if mistake.unfinished { mistake.len.max(1) } else { 0 }, mistake.unfinished)
}

type OneForm = (Vec<Parsed>, Option<Option<std::time::Duration>>, Option<String>);

fn one_form(
    line: &mut Line,
    spec: &'static Spec,
    places: &[Arg],
    context: &Context,
    nested: usize,
) -> Result<OneForm, Mistake> {
    let mut args = Vec::with_capacity(places.len());
    for (index, place) in places.iter().enumerate() {
        line.skip_space();
        let word = line.bare_word();
        let is_keyword =
            |form: &&[Arg]| matches!(form.get(index), Some(Arg::Keyword(keyword)) if *keyword == word);
        if *place == Arg::Socket && spec.forms.iter().any(is_keyword) {
            return Err(line.mistake(format!("`{word}` is no name here")));
        }
        args.push(argument(line, *place, context, nested)?);
    }
    let (mut within, mut name) = (None, None);
    loop {
        line.skip_space();
        let at = line.at;
        if line.is_done() {
            return Ok((args, within, name));
        }
        if line.eat_word("within") {
            line.skip_space();
            if !spec.within {
                return Err(Mistake::new(
                    at,
                    6,
                    format!("`{}` does not wait, so `within` has no meaning here", spec.name),
                ));
            }
            within = Some(duration(line)?);
        } else if line.eat_word("as") {
            line.skip_space();
            if spec.names == Names::Nothing {
                return Err(Mistake::new(
                    at,
                    2,
                    format!("`{}` has no result that `as` could name", spec.name),
                ));
            }
            name = Some(new_name(line)?);
        } else {
            let word = crate::value::escape(line.bare_word()).into_owned();
            let mistake = line.mistake(format!("`{word}` is more than `{}` takes", spec.name));
            let known = DELIVERY_WORDS.into_iter().filter(|_| places.contains(&Arg::Delivery));
            return Err(match did_you_mean(&word, known.chain(["within"])) {
                Some(near) => mistake.hint(format!("did you mean `{near}`?")),
                None => mistake,
            });
        }
    }
}
