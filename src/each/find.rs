//! Which files a pattern matches, also those whose names are no UTF-8 text; and why it matches none.

use std::path::{Component, Path, PathBuf};

use glob::{Pattern, PatternError};

/// A part of a pattern, between two `/`.
enum Part {
    /// As it stands: also the root, and the folder above.
    Fixed(PathBuf),
    /// Names that match.
    Open(Pattern),
    /// `**`: any folders, or none.
    Any,
}

/// What a pattern matches.
pub struct Found {
    /// The files, by name in each folder.
    pub files: Vec<PathBuf>,
    /// What it matches and is no file.
    others: usize,
}

/// The files that a shell's pattern matches.
pub fn files(pattern: &str) -> Result<Found, PatternError> {
    // Its mistakes are told as those of the whole.
    Pattern::new(pattern)?;
    let mut parts = Vec::new();
    for component in Path::new(pattern).components() {
        let text = component.as_os_str().to_string_lossy();
        match component {
            Component::CurDir => {}
            Component::Normal(_) if text == "**" => parts.push(Part::Any),
            Component::Normal(_) if text.contains(['*', '?', '[']) => {
                parts.push(Part::Open(Pattern::new(&text)?));
            }
            _ => parts.push(Part::Fixed(PathBuf::from(component.as_os_str()))),
        }
    }
    // Any folders are of no use without a name in them.
    if let Some(Part::Any) = parts.last() {
        parts.push(Part::Open(Pattern::new("*")?));
    }
    let mut found = Found { files: Vec::new(), others: 0 };
    walk(PathBuf::new(), &parts, &mut found);
    Ok(found)
}

fn walk(at: PathBuf, parts: &[Part], found: &mut Found) {
    let Some((part, rest)) = parts.split_first() else {
        match at.is_file() {
            true => found.files.push(at),
            false => found.others += usize::from(at.exists()),
        }
        return;
    };
    match part {
        Part::Fixed(name) => walk(at.join(name), rest, found),
        Part::Open(pattern) => {
            for (name, _) in entries(&at) {
                if pattern.matches(&name.to_string_lossy()) {
                    walk(at.join(name), rest, found);
                }
            }
        }
        Part::Any => {
            walk(at.clone(), rest, found);
            // A link to a folder above would lead round and round.
            for (name, is_folder) in entries(&at) {
                if is_folder {
                    walk(at.join(name), parts, found);
                }
            }
        }
    }
}

/// What is in a folder, by name, and whether it is a folder; of one that cannot be looked into, nothing.
fn entries(folder: &Path) -> Vec<(PathBuf, bool)> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let read = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<(PathBuf, bool)> = read
        .map(|entry| (PathBuf::from(entry.file_name()), entry.file_type().is_ok_and(|it| it.is_dir())))
        .collect();
    entries.sort();
    entries
}

impl Found {
    /// Why a pattern matched no file, as a person may mend it.
    pub fn why_none(&self, pattern: &str) -> String {
        if self.others > 0 {
            return "what it matches is no file: a submission is one, as `submissions/*/client.py` has it"
                .to_string();
        }
        let mut head = PathBuf::new();
        for component in Path::new(pattern).components() {
            if component.as_os_str().to_string_lossy().contains(['*', '?', '[']) {
                break;
            }
            head.push(component);
            if !head.exists() {
                let shown = crate::value::escape(&head.to_string_lossy()).into_owned();
                return format!("there is no `{shown}`; a pattern starts from the folder you are in");
            }
        }
        match head.as_os_str().is_empty() {
            true => "nothing in the folder you are in matches it".to_string(),
            false => {
                format!(
                    "`{}` is there, and nothing in it matches",
                    crate::value::escape(&head.to_string_lossy())
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_as_a_shells_does() {
        let root = env!("CARGO_MANIFEST_DIR");
        let found = |pattern: &str| {
            let files = files(&format!("{root}/{pattern}")).unwrap().files;
            let name = |file: PathBuf| file.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.into_iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(found("Cargo.t?ml"), ["Cargo.toml"]);
        assert_eq!(found("src/each/../each/fin[ad].rs"), ["src/each/../each/find.rs"]);
        assert_eq!(found("src/**/find.rs"), ["src/each/find.rs"]);
        assert_eq!(found("src/each/**/find.rs"), ["src/each/find.rs"]);
        assert_eq!(found("src/each/**"), found("src/each/*"));
        assert_eq!(found("src/*/nothing.rs"), [""; 0]);
        assert!(files("in/[").is_err() && files("a**b").is_err());
    }
}
