//! Rules of the project that a test can check.

use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 60;
/// In bytes, compressed with Brotli as it is sent.
const LARGEST_SCRIPT: u64 = 10 * 1024;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/ferrodash")
        .to_owned()
}

/// Files below a folder with an ending, build output left out.
pub(crate) fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != ".git" {
            files(&path, ending, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            found.push(path);
        }
    }
}

pub(crate) fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&root(), "rs", &mut found);
    let name = |path: &Path| {
        path.strip_prefix(root())
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    found
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect()
}

pub(crate) fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("/tests.rs")
}

/// The lines of code, without documentation, comments, blank lines and tests inside the file.
fn code(text: &str) -> Vec<&str> {
    let before_tests = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines = before_tests.lines().map(str::trim_end);
    lines
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"))
        .collect()
}

#[test]
fn files_and_functions_stay_small() {
    let mut long = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| !is_test(name)) {
        let code = code(text);
        if code.len() > LONGEST_FILE {
            long.push(format!("{name} has {} lines of code", code.len()));
        }
        for (start, line) in code.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let is_function = [
                "fn ",
                "pub fn ",
                "async fn ",
                "pub async fn ",
                "pub(crate) fn ",
                "pub(super) fn ",
                "pub(crate) async fn ",
                "pub(super) async fn ",
            ]
            .iter()
            .any(|begin| line.trim_start().starts_with(begin));
            if is_function {
                let end = format!("{}}}", " ".repeat(indent));
                let length = code[start..]
                    .iter()
                    .position(|line| *line == end)
                    .unwrap_or(0)
                    + 1;
                if length > LONGEST_FUNCTION {
                    long.push(format!("{name}: {} has {length} lines", line.trim()));
                }
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn modules_say_what_they_are_for_and_nothing_is_left_for_later() {
    let mut wrong = Vec::new();
    for (name, text) in sources()
        .iter()
        .filter(|(name, _)| !name.contains("/tests/ui/"))
    {
        if !text.starts_with("//!") {
            wrong.push(format!("{name} does not begin with its purpose"));
        }
        for word in ["#[ign\u{6f}re", "t\u{6f}do!(", "unimpl\u{65}mented!("] {
            if text.contains(word) {
                wrong.push(format!("{name} has {word}"));
            }
        }
        if name.contains("/src/callback/") && text.contains("crate::http") {
            wrong.push(format!("{name}: callbacks know nothing of HTTP"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_script_of_the_page_stays_small() {
    let all = ferrodash_browser::Script {
        waits: true,
        cache: true,
        guest: false,
    };
    let mut script = all.text().as_bytes();
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut script, &mut compressed, &Default::default()).unwrap();
    let size = compressed.len() as u64;
    assert!(size < LARGEST_SCRIPT, "it has {size} bytes");
}

#[test]
fn the_map_names_every_crate_and_feature() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for entry in fs::read_dir(root().join("crates")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            map.contains(&format!("`{name}`")),
            "ARCHITECTURE.md does not name {name}"
        );
        let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
        let features = manifest
            .split("[features]")
            .nth(1)
            .and_then(|rest| rest.split("\n[").next())
            .unwrap_or_default();
        for feature in features
            .lines()
            .filter_map(|line| line.split_once(" = "))
            .map(|(feature, _)| feature)
        {
            assert!(
                feature == "default" || map.contains(&format!("`{feature}`")),
                "{name}: feature {feature}"
            );
        }
    }
}

#[test]
fn options_of_the_attributes_are_in_the_guide() {
    let mut guide = String::new();
    let mut pages = Vec::new();
    files(&root().join("docs/guide"), "md", &mut pages);
    pages
        .iter()
        .for_each(|page| guide.push_str(&fs::read_to_string(page).unwrap()));
    for option in [
        "output",
        "input",
        "state",
        "debounce",
        "default",
        "cache",
        "client",
        "timeout",
        "vary",
        "running",
        "prevent_initial_call",
        "args",
        "allow_duplicate",
        "optional",
        "hidden",
        "on_error",
        "api_endpoint",
        "dynamic_callbacks",
        "batch",
        "stale_while_revalidate",
        "stale_if_error",
        "soft_timeout",
        "hard_timeout",
        "slower_than",
        "lease",
        "jitter",
        "early",
        "tags",
        "negative_timeout",
        "negative",
        "ignore",
        "key",
        "blocking",
        "refresh",
        "invalidates",
    ] {
        assert!(
            guide.contains(option),
            "the guide does not mention {option}"
        );
    }
}

#[test]
fn links_in_the_documentation_lead_somewhere() {
    let mut pages = Vec::new();
    files(&root(), "md", &mut pages);
    let mut dead = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = link.split('#').next().unwrap_or_default();
            let local = !target.is_empty() && !target.contains("://");
            if local && !page.parent().unwrap().join(target).exists() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}
