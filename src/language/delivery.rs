//! What stands behind the values of `send`: more values, and how the message goes out.

use super::argument::value;
use super::expr::Expr;
use super::line::Line;
use super::mistake::Mistake;
use super::setting::duration;
use crate::command::{Arg, Delivery, Split};

/// The words that say how a message goes out.
pub const WORDS: [&str; 4] = ["split", "gap", "truncate", "after"];

const SPLIT_HINT: &str =
    "`split 3` cuts behind byte 3, `split 3,10` behind byte 10 too, `split every 7` makes pieces of 7 bytes";

/// Reads `VALUE + VALUE ...`.
pub fn values(line: &mut Line) -> Result<Vec<Expr>, Mistake> {
    let mut values = Vec::new();
    loop {
        values.push(value(line, Arg::Value("VALUE"))?);
        line.skip_space();
        if !line.eat('+') {
            return Ok(values);
        }
        line.skip_space();
    }
}

/// Reads `seed N`, if it stands here.
pub fn seed(line: &mut Line) -> Result<Vec<Expr>, Mistake> {
    if !line.eat_word("seed") {
        return Ok(Vec::new());
    }
    line.skip_space();
    Ok(vec![number(line, "a seed", "`seed 7` gives the same bytes each time")?])
}

/// Reads `split N,.. gap DURATION truncate N after DURATION`: each or none, in any order.
pub fn delivery(line: &mut Line) -> Result<Delivery, Mistake> {
    let mut delivery = Delivery::default();
    let mut gap_at = 0;
    loop {
        line.skip_space();
        let at = line.at;
        let Some(word) = WORDS.into_iter().find(|word| line.eat_word(word)) else { break };
        line.skip_space();
        let is_again = match word {
            "split" => {
                let split = split(line)?;
                delivery.split.replace((split, (at, line.at - at))).is_some()
            }
            "truncate" => {
                let bytes = number(
                    line,
                    "what `truncate` leaves",
                    "`truncate 10` sends the first 10 bytes and no more",
                )?;
                delivery.truncate.replace((bytes, (at, line.at - at))).is_some()
            }
            "gap" => {
                gap_at = at;
                delivery.gap.replace(time(line)?).is_some()
            }
            _ => delivery.after.replace(time(line)?).is_some(),
        };
        if is_again {
            let mistake = Mistake::new(at, word.len(), format!("`{word}` stands twice"));
            return Err(mistake.hint("each stands once: `split 3,10 gap 200ms truncate 20 after 1s`"));
        }
    }
    if delivery.gap.is_some() && delivery.split.is_none() {
        let mistake = Mistake::new(gap_at, "gap".len(), "`gap` is a wait between pieces, and nothing is cut");
        return Err(mistake.hint(
            "`send VALUE split 3 gap 200ms` cuts behind byte 3; `after 1s` waits before the first byte",
        ));
    }
    Ok(delivery)
}

/// `3`, `3,10` or `every 7`.
fn split(line: &mut Line) -> Result<Split, Mistake> {
    if line.eat_word("every") {
        line.skip_space();
        return Ok(Split::Every(number(line, "the size of a piece", SPLIT_HINT)?));
    }
    let mut cuts = Vec::new();
    loop {
        // A comma may stand right behind a place, so each is read from a text that ends there.
        let end = line.at + line.bare_word().find(',').unwrap_or(line.bare_word().len());
        let mut place = Line::new(&line.text[..end]).at(line.at);
        cuts.push(number(&mut place, "a place to cut at", SPLIT_HINT)?);
        line.at = place.at;
        if !line.eat(',') {
            return Ok(Split::At(cuts));
        }
        line.skip_space();
    }
}

/// A whole number; `what` it is, and what to type.
fn number(line: &mut Line, what: &'static str, hint: &str) -> Result<Expr, Mistake> {
    value(line, Arg::Count(what)).map_err(|mistake| mistake.hint(hint))
}

fn time(line: &mut Line) -> Result<std::time::Duration, Mistake> {
    let at = line.at;
    match duration(line)? {
        Some(duration) => Ok(duration),
        None => {
            let mistake = Mistake::new(at, "none".len(), "`none` would never end");
            Err(mistake.hint("`after 1s` waits before the first byte, `gap 200ms` between two pieces"))
        }
    }
}
