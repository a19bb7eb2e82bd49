//! Patterns as they are written behind `expect`.

use regex::RegexBuilder;

use super::expr::Expr;
use super::line::{Line, identifier_len};
use super::literal::{self, MAX_DEPTH, between, unfinished_here};
use super::mistake::{Mistake, did_you_mean};
use crate::pattern::{Kind, Pattern, TYPES};

/// The most memory a compiled regular expression may take, in bytes; the regex crate's own default is ten times this.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// Reads a pattern with its `|` and `as`.
pub fn pattern(line: &mut Line, depth: usize) -> Result<Pattern, Mistake> {
    let start = line.at;
    let mut alternatives = vec![single(line, depth)?];
    loop {
        let before = line.at;
        skip(line, depth);
        if !line.eat('|') {
            line.at = before;
            break;
        }
        line.skip_space_and_newlines();
        alternatives.push(single(line, depth)?);
    }
    let mut read = match alternatives.len() {
        1 => alternatives.remove(0),
        _ => Pattern { kind: Kind::Or(alternatives), at: start, len: line.at - start },
    };
    loop {
        let before = line.at;
        skip(line, depth);
        if !line.eat_word("as") {
            line.at = before;
            return Ok(read);
        }
        skip(line, depth);
        let name = line.identifier("the name after `as`")?.to_string();
        read = Pattern { kind: Kind::Bind(Box::new(read), name), at: start, len: line.at - start };
    }
}

/// Inside a bracket a pattern may go on on the next line; outside it the line's end is the step's.
fn skip(line: &mut Line, depth: usize) {
    if depth == 0 {
        line.skip_space();
    } else {
        line.skip_space_and_newlines();
    }
}

fn single(line: &mut Line, depth: usize) -> Result<Pattern, Mistake> {
    if depth > MAX_DEPTH {
        return Err(Mistake::new(line.at, 1, format!("brackets nest deeper than {MAX_DEPTH}")));
    }
    let at = line.at;
    let kind = match line.peek() {
        Some('[') => {
            let (items, open, _) = items(line, depth, '[', ']')?;
            Kind::List(items, open)
        }
        Some('(') => {
            let (mut items, open, comma) = items(line, depth, '(', ')')?;
            if items.len() == 1 && !open && !comma { items.remove(0).kind } else { Kind::Tuple(items, open) }
        }
        Some('{') => braced(line, depth)?,
        Some('/') => regex(line)?,
        _ => word_or_value(line, depth)?,
    };
    Ok(Pattern { kind, at, len: line.at - at })
}

fn word_or_value(line: &mut Line, depth: usize) -> Result<Kind, Mistake> {
    let len = identifier_len(line.rest());
    let word = &line.rest()[..len];
    let quoted = line.rest()[len..].starts_with(['"', '\'']);
    if word == "_" {
        line.at += 1;
        return Ok(Kind::Any);
    }
    if let Some((_, wanted)) = TYPES.iter().find(|(name, _)| *name == word && !quoted)
        && !line.rest().starts_with("set()")
    {
        line.at += len;
        return Ok(Kind::Type(*wanted));
    }
    literal::value(line, depth).map(Kind::Equal).map_err(|mistake| {
        if len == 0 || quoted || mistake.unfinished {
            return mistake;
        }
        match did_you_mean(word, TYPES.iter().map(|(name, _)| *name)) {
            Some(near) => mistake.hint(format!("did you mean `{near}`?")),
            None => mistake.hint("a pattern is a value, a type (int, str, dict, ...), `_`, /regex/ or $name"),
        }
    })
}

/// The items between brackets, whether `...` ended them, and whether a comma stood behind the last.
fn items(
    line: &mut Line,
    depth: usize,
    open: char,
    close: char,
) -> Result<(Vec<Pattern>, bool, bool), Mistake> {
    let start = line.at;
    line.eat(open);
    let mut items = Vec::new();
    let mut comma = true;
    let mut more = false;
    loop {
        line.skip_space_and_newlines();
        if line.eat(close) {
            return Ok((items, more, comma));
        }
        if !comma {
            return Err(between(line, start, open, close));
        }
        unfinished_here(line, start, open)?;
        if more {
            return Err(line.mistake("`...` stands only as the last item"));
        }
        if line.rest().starts_with("...") {
            line.at += 3;
            more = true;
        } else {
            items.push(pattern(line, depth + 1)?);
        }
        line.skip_space_and_newlines();
        comma = line.eat(',');
    }
}

/// A dict pattern, or a set's value.
fn braced(line: &mut Line, depth: usize) -> Result<Kind, Mistake> {
    let start = line.at;
    if is_set(line, depth) {
        return literal::value(line, depth).map(Kind::Equal);
    }
    line.eat('{');
    let mut pairs: Vec<(Expr, Pattern)> = Vec::new();
    let mut comma = true;
    loop {
        line.skip_space_and_newlines();
        if line.eat('}') {
            return Ok(Kind::Dict(pairs));
        }
        if !comma {
            return Err(between(line, start, '{', '}'));
        }
        unfinished_here(line, start, '{')?;
        let key_at = line.at;
        let key = literal::value(line, depth + 1)?;
        duplicate(&pairs, &key, key_at, line.at)?;
        line.skip_space_and_newlines();
        if !line.eat(':') {
            unfinished_here(line, start, '{')?;
            let shown = line.text[key_at..line.at].trim();
            return Err(Mistake::new(line.at, 1, format!("`:` is missing after the key {shown}")));
        }
        line.skip_space_and_newlines();
        unfinished_here(line, start, '{')?;
        pairs.push((key, pattern(line, depth + 1)?));
        line.skip_space_and_newlines();
        comma = line.eat(',');
    }
}

/// Whether the braces here hold a set: a first item without a `:` behind it.
fn is_set(line: &Line, depth: usize) -> bool {
    let mut ahead = line.clone();
    ahead.eat('{');
    ahead.skip_space_and_newlines();
    if ahead.peek() == Some('}') || literal::value(&mut ahead, depth + 1).is_err() {
        return false;
    }
    ahead.skip_space_and_newlines();
    matches!(ahead.peek(), Some(',' | '}'))
}

fn duplicate(pairs: &[(Expr, Pattern)], key: &Expr, from: usize, to: usize) -> Result<(), Mistake> {
    let Expr::Const(key) = key else { return Ok(()) };
    let stands = pairs.iter().any(|(earlier, _)| matches!(earlier, Expr::Const(earlier) if earlier == key));
    if stands {
        return Err(Mistake::new(
            from,
            to - from,
            format!("the key {} stands twice in this pattern", key.repr()),
        ));
    }
    Ok(())
}

/// `/regex/`; `\/` is a slash.
fn regex(line: &mut Line) -> Result<Kind, Mistake> {
    let start = line.at;
    line.eat('/');
    let mut source = String::new();
    loop {
        match line.peek() {
            None | Some('\n') => return Err(Mistake::new(start, 1, "the `/` opened here is never closed")),
            Some('\\') if line.rest().starts_with("\\/") => {
                source.push('/');
                line.at += 2;
            }
            Some('\\') if line.rest().len() > 1 => {
                let pair = line.rest().chars().take(2).collect::<String>();
                line.at += pair.len();
                source.push_str(&pair);
            }
            Some(c) => {
                line.at += c.len_utf8();
                if c == '/' {
                    break;
                }
                source.push(c);
            }
        }
    }
    let compiled = RegexBuilder::new(&source).size_limit(MAX_REGEX_BYTES).build();
    compiled.map(Kind::Regex).map_err(|error| {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
        Mistake::new(start, line.at - start, format!("this regular expression does not compile: {why}"))
    })
}
