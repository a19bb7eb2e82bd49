//! Screens as they are compared: without what differs from run to run.

use std::fs;
use std::sync::LazyLock;

use regex::Regex;

use super::root;

/// A right-hand part that did not fit stands alone, at least this far to the right.
const FAR_RIGHT: usize = 12;

/// The screen with ports, times and gaps made equal: `PORT`, `MS`, `SEC`, two spaces. A right-hand part that the
/// length of a port has pushed to a line of its own is put back behind its left-hand part.
pub fn normal(screen: &str) -> String {
    static PARTS: LazyLock<[(Regex, &str); 6]> = LazyLock::new(|| {
        [
            (r"((?:127\.0\.0\.1|\[?::1\]?|localhost|0\.0\.0\.0)[: ])\d+", "${1}PORT"),
            (r"after \d+\.\d ms\b", "after MS"),
            (r" *\b\d+\.\d{1,2} ms\b", "  MS"),
            (r" *\b\d+\.\d s\b", "  MS"),
            (r" in \d+\.\d\d s", " in SEC"),
            (r"(\S) {2,}", "${1}  "),
        ]
        .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
    });
    let mut lines: Vec<String> = Vec::new();
    for line in screen.lines() {
        let text = line.trim_start();
        let far = line.len() - text.len() >= FAR_RIGHT && !text.starts_with('^');
        match lines.last_mut() {
            Some(left) if far => left.push_str(&format!("  {}", text)),
            _ => lines.push(line.to_string()),
        }
    }
    let mut text = lines.join("\n");
    for (pattern, with) in PARTS.iter() {
        text = pattern.replace_all(&text, *with).into_owned();
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_string()
}

/// The same screen without what a program on it says at a moment of its own, and with `N` for its process and port.
pub fn unnumbered(screen: &str) -> String {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(pid|\.py) \d+\b").unwrap());
    let lines = screen.lines().filter(|line| !line.starts_with("  student | "));
    let lines: Vec<_> = lines.map(|line| NUMBER.replace_all(line, "$1 N")).collect();
    lines.join("\n")
}

/// Compares whole texts, both made [`normal`], and shows where they part.
#[track_caller]
pub fn same(expected: &str, got: &str) {
    let (expected, got) = (normal(expected.trim_start_matches('\n')), normal(got));
    if expected == got {
        return;
    }
    let (wanted, came): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let equal_head = wanted.iter().zip(&came).take_while(|(wanted, came)| wanted == came).count();
    let left = wanted.len().min(came.len()) - equal_head;
    let tails = wanted.iter().rev().zip(came.iter().rev());
    let equal_tail = tails.take(left).take_while(|(wanted, came)| wanted == came).count();
    let mut diff = String::new();
    let mut add =
        |mark: &str, lines: &[&str]| lines.iter().for_each(|line| diff += &format!("{mark} {line}\n"));
    add(" ", &wanted[..equal_head]);
    add("-", &wanted[equal_head..wanted.len() - equal_tail]);
    add("+", &came[equal_head..came.len() - equal_tail]);
    add(" ", &wanted[wanted.len() - equal_tail..]);
    panic!("the screen is another one (- wanted, + got):\n{diff}");
}

/// A screen, made [`normal`] and more where it is to be, is the one recorded under this name; `LAB2SH_RECORD=1` records it anew.
#[track_caller]
pub fn recorded(name: &str, screen: &str) {
    let file = root().join("tests/fixtures/screens").join(format!("{name}.txt"));
    if std::env::var_os("LAB2SH_RECORD").is_some() {
        fs::write(&file, screen).unwrap();
    }
    let wanted = fs::read_to_string(&file).unwrap_or_else(|_| panic!("{} is not recorded", file.display()));
    assert!(wanted == screen, "{} shows something else now:\n{screen}", file.display());
}

/// The screen as [`normal`] has it, without the folder that the scripts are in.
pub fn anywhere(screen: &str) -> String {
    normal(&screen.replace(&format!("{}/", root().join("scripts").display()), "scripts/"))
}

/// A picture without its times, and with its ports made equal, in the columns that they had.
pub fn timeless(picture: &str) -> String {
    static ROW: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^ *[0-9hms.]+[ms] +\+[0-9hms.]+[ms](?: |$)").unwrap());
    static PORT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"((?:127\.0\.0\.1|localhost):)\d{5}\b").unwrap());
    let line = |line: &str| {
        let line = PORT.replace_all(line, "${1}PORT0");
        match ROW.find(&line) {
            Some(times) => " ".repeat(times.end()) + &line[times.end()..] + "\n",
            None => line.into_owned() + "\n",
        }
    };
    picture.trim_end().lines().map(line).collect()
}
