//! The picture of a conversation as people see it on a screen.

use super::Look;
use crate::pattern::count;
use crate::picture;
use crate::sequence::Sequence;

/// How many rows a screen is given: with the names above and below them and what is said of the others, two screens of 24 lines.
const ROWS_MAX: usize = 44;

/// The picture, or its last rows.
pub fn flow(sequence: &Sequence, look: &Look) -> String {
    let (sequence, earlier) = sequence.tail(ROWS_MAX);
    let drawn: String =
        picture::text(&sequence, look.width).lines().map(|line| painted(line, look) + "\n").collect();
    if earlier == 0 {
        return drawn;
    }
    let earlier = count(earlier as u64, "earlier row");
    let told = format!("{earlier} not shown here; `flow save FILE` keeps all that there is");
    look.dim(&told).into_owned() + "\n" + &drawn
}

/// Titles and names stand out, times stand back.
fn painted(line: &str, look: &Look) -> String {
    match line.split_at_checked(picture::TIMES) {
        Some((times, rest)) if times.ends_with(' ') && times.contains('+') => {
            look.dim(times).into_owned() + rest
        }
        _ if line.starts_with("==") || line.starts_with("   ") => look.bold(line).into_owned(),
        _ => line.to_string(),
    }
}

/// Where a picture went.
pub fn saved(file: &str, messages: usize, lanes: usize) -> String {
    let (messages, lanes) = (count(messages as u64, "message"), count(lanes as u64, "lane"));
    format!("  picture saved as {file}: {messages} on {lanes}\n")
}
