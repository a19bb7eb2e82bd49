//! What a Python traceback says: which error, and on which line of the student's own program.

use std::sync::Arc;

/// The last error that a program told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceback {
    /// Its type, without the module: `UnpicklingError`.
    pub kind: String,
    /// What it says.
    pub message: String,
    /// The last part of the file's name.
    pub file: String,
    /// The line's number, as the traceback has it.
    pub line: String,
    /// The line's text; empty where the traceback does not show it.
    pub source: String,
}

/// Where Python's own modules lie: a frame in there is not the student's line.
const LIBRARIES: [&str; 4] = ["/lib/python", "/site-packages/", "<frozen ", "\\Lib\\"];

impl Traceback {
    /// The last traceback among these lines of standard error.
    pub fn read(lines: &[Arc<str>]) -> Option<Traceback> {
        let begins = lines.iter().rposition(|line| line.starts_with("Traceback (most recent call last)"));
        // A mistake of the syntax has no such head: only its place and its text.
        let from = begins.map_or(0, |head| head + 1);
        let frames = &lines[from..];
        let is_error = |line: &&Arc<str>| error_of(line).is_some();
        let (kind, message) = frames.iter().find(is_error).and_then(|line| error_of(line))?;
        let places: Vec<usize> =
            (0..frames.len()).filter(|at| frames[*at].trim_start().starts_with("File \"")).collect();
        let is_own = |at: &&usize| !LIBRARIES.iter().any(|library| frames[**at].contains(library));
        let at = *places.iter().rev().find(is_own).or(places.last())?;
        let (path, rest) = frames[at].trim_start().strip_prefix("File \"")?.split_once('"')?;
        let line = rest.strip_prefix(", line ")?.chars().take_while(char::is_ascii_digit).collect();
        let source = frames.get(at + 1).filter(|next| next.starts_with("    "));
        Some(Traceback {
            kind: kind.to_string(),
            message: message.to_string(),
            file: path.rsplit(['/', '\\']).next().unwrap_or(path).to_string(),
            line,
            source: source.map_or(String::new(), |source| source.trim().to_string()),
        })
    }

    /// `client.py line 12`.
    pub fn place(&self) -> String {
        format!("{} line {}", self.file, self.line)
    }

    /// `TypeError: ...`, or the type alone.
    pub fn error(&self) -> String {
        match self.message.as_str() {
            "" => self.kind.clone(),
            message => format!("{}: {message}", self.kind),
        }
    }
}

/// The type and the message of a line that ends a traceback: `_pickle.UnpicklingError: invalid load key, '{'.`
fn error_of(line: &str) -> Option<(&str, &str)> {
    let (name, message) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let kind = name.rsplit('.').next().unwrap_or(name);
    let is_error =
        ["Error", "Exception", "Interrupt", "Exit", "timeout"].iter().any(|ending| kind.ends_with(ending));
    (is_name && is_error).then_some((kind, message.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Traceback> {
        Traceback::read(&text.lines().map(Arc::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_line_of_the_students_own_program_is_found() {
        let found = read(
            "connecting\nTraceback (most recent call last):\n  File \"/home/ada/client.py\", line 12, in <module>\n    \
             data = listen(sock)\n           ^^^^^^^^^^^^\n  File \"/usr/lib/python3.11/socket.py\", line 706, in readinto\n    \
             return self._sock.recv_into(b)\n_pickle.UnpicklingError: invalid load key, '{'.",
        );
        let found = found.unwrap();
        assert_eq!(found.place(), "client.py line 12");
        assert_eq!(found.source, "data = listen(sock)");
        assert_eq!(found.error(), "UnpicklingError: invalid load key, '{'.");
    }

    #[test]
    fn of_several_the_last_counts_and_text_that_is_none_is_none() {
        let one = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\nKeyError: 'x'\n";
        let two = one.replace("KeyError: 'x'", "EOFError").replace("line 1", "line 2");
        assert_eq!(read(&format!("{one}{two}")).unwrap().error(), "EOFError");
        assert_eq!(read("Error: something\nhello"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_mistake_of_the_syntax_has_a_place_too() {
        let found = read(
            "  File \"/x/client.py\", line 3\n    print(\n         ^\nSyntaxError: '(' was never closed",
        )
        .unwrap();
        assert_eq!((found.place().as_str(), found.kind.as_str()), ("client.py line 3", "SyntaxError"));
    }
}
