//! Imports go one way: what stands lower never names what stands higher.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// The modules from the bottom up. Those in one row may name each other.
const LAYERS: &[&[&str]] = &[
    &["changes", "platform", "value"],
    &["history"],
    &["pickle"],
    &["net"],
    // The picture and the explanation of what happened are told as something that happens.
    &["event", "explain", "sequence"],
    &["conversation", "program"],
    // What a line means: a command needs the lab it runs on, the lab the calls it is given.
    &["language", "pattern", "command", "lab", "reference", "class", "record", "load"],
    &["picture", "diagnosis"],
    &["step"],
    &["commands"],
    &["results"],
    &["shell"],
    &["render", "report"],
    &["output"],
    &["assistant", "arrivals"],
    &["replay", "prompt", "lecture"],
    &["cli"],
    &["each", "watch", "written"],
];

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let Some(module) = module_of(&file) else { continue };
        let own = layer(&module).unwrap_or_else(|| panic!("src/{module} stands in no row of LAYERS"));
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for named in text.split("crate::").skip(1) {
            let named: String = named.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let Some(other) = layer(&named) else { continue };
            seen += 1;
            if other > own {
                wrong.push(format!("{} names crate::{named}, which stands above it", file.display()));
            }
        }
    }
    assert!(seen > 100, "only {seen} imports were found: is this test still reading the sources?");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn only_the_program_reads_the_environment() {
    for file in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if !file.ends_with("main.rs") {
            let text = fs::read_to_string(&file).unwrap();
            let reads = text.contains("env::var") || text.contains("env::args");
            assert!(!reads, "{} reads the environment", file.display());
        }
    }
}

#[test]
fn files_stay_small_and_open_with_a_sentence() {
    for file in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(lines <= 500, "{} has {lines} lines: which of its jobs is another file's?", file.display());
        assert!(text.starts_with("//! "), "{} does not say what it holds", file.display());
    }
}

#[test]
fn the_readme_names_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let named: Vec<&str> =
        readme.split('`').filter(|it| it.starts_with("src/") && !it.contains(' ')).collect();
    assert!(named.len() > 20, "only {} were found: is this test still reading the map?", named.len());
    let missing: Vec<&str> = named.into_iter().filter(|it| !root.join(it).exists()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// `src/net/listener.rs` is in `net`; `lib.rs` and `main.rs` are in none.
fn module_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().replace(".rs", "");
    (first != "lib" && first != "main").then_some(first)
}

fn sources(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}
