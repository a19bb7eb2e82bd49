//! What submissions are called: the part of their paths that differs, and a folder's name that is safe on any system.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// The longest name of a folder, in bytes; file systems allow 255, and a number may be added.
const FOLDER_MAX: usize = 80;
/// Names below the folder of reports that are taken.
const TAKEN: [&str; 2] = ["index.html", "results.csv"];

/// The part of each path that stands where the pattern leaves it open.
pub fn names(pattern: &str, files: &[PathBuf]) -> Vec<String> {
    let parts: Vec<String> = parts(Path::new(pattern));
    let is_fixed = |part: &&String| !part.contains(['*', '?', '[']);
    let head = parts.iter().take_while(is_fixed).count();
    let tail = parts.iter().rev().take_while(is_fixed).count();
    let name = |file: &PathBuf| {
        let own = self::parts(file);
        let open = own.get(head..own.len().saturating_sub(tail)).unwrap_or_default();
        // A pattern that leaves nothing open matches one file: it and its folder say most.
        if open.is_empty() { own[own.len().saturating_sub(2)..].join("/") } else { open.join("/") }
    };
    files.iter().map(name).collect()
}

/// Whether a character is as good in a folder's name as in a person's: a letter, an accent of one, a digit, or one of `-_.`.
fn is_plain(c: char) -> bool {
    let is_mark = c.general_category_group() == GeneralCategoryGroup::Mark;
    c.is_alphanumeric() || is_mark || matches!(c, '-' | '_' | '.')
}

fn parts(path: &Path) -> Vec<String> {
    let is_part = |part: &Component| !matches!(part, Component::CurDir);
    path.components().filter(is_part).map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
}

/// A folder's name for each: letters and digits of any script and `-_.`, no two alike whatever the file system does with capitals.
pub fn folders(names: &[String]) -> Vec<String> {
    let mut taken: HashSet<String> = TAKEN.map(str::to_string).into();
    let mut folder = |name: &String| {
        let ends = name.char_indices().map(|(at, c)| at + c.len_utf8());
        let len = ends.take_while(|end| *end <= FOLDER_MAX).last().unwrap_or(0);
        let plain: String = name[..len].chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        // A name that begins with a dot would be hidden, or be the folder above.
        let plain = if plain.starts_with('.') || plain.is_empty() { format!("_{plain}") } else { plain };
        let mut found = plain.clone();
        let mut number = 1;
        while !taken.insert(found.to_lowercase()) {
            number += 1;
            found = format!("{plain}-{number}");
        }
        found
    };
    names.iter().map(&mut folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(pattern: &str, files: &[&str]) -> Vec<String> {
        names(pattern, &files.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_submission_is_called_by_what_differs() {
        assert_eq!(called("submissions/*/client.py", &["submissions/ada/client.py"]), ["ada"]);
        assert_eq!(called("./in/*.py", &["in/ada.py", "in/bob.py"]), ["ada.py", "bob.py"]);
        assert_eq!(called("in/**/client.py", &["in/a/b/client.py", "in/client.py"]), ["a/b", "in/client.py"]);
        assert_eq!(called("in/one/client.py", &["in/one/client.py"]), ["one/client.py"]);
        assert_eq!(called("client.py", &["client.py"]), ["client.py"]);
    }

    #[test]
    fn folders_are_safe_and_differ() {
        let names = ["../etc", "Ada", "ada", "index.html", "a/b", "a b", "<script>", ""].map(str::to_string);
        let expected = ["_.._etc", "Ada", "ada-2", "index.html-2", "a_b", "a_b-2", "_script_", "_"];
        assert_eq!(folders(&names), expected);
        let names = ["Jürgen Weiß", "Ju\u{308}rgen", "王小明", "Зоя\u{202e}", "\u{feff}x\u{fffd}"]
            .map(str::to_string);
        assert_eq!(folders(&names), ["Jürgen_Weiß", "Ju\u{308}rgen", "王小明", "Зоя_", "_x_"]);
        assert!(folders(&["x".repeat(300)])[0].len() <= FOLDER_MAX);
        assert_eq!(folders(&["王".repeat(300)])[0], "王".repeat(FOLDER_MAX / 3));
    }
}
