//! Documents, comments and messages use the terms of the field: a list of expressions that they
//! avoid.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::tidy::{files, is_test, root, sources};

/// Expressions that the documents do not use, and what to write instead.
///
/// They match as whole words, in upper and lower case, outside of code.
const REFUSED: [(&[&str], &str); 12] = [
    (
        &["void", "voids", "voided", "voiding"],
        "cancel, discard, invalid, or: the result is not stored",
    ),
    (&["told"], "is notified of, learns, or: is called with"),
    (&["anew"], "again, or the verb: recomputed, rewritten"),
    (
        &["taken back", "takes back", "take back", "taking back"],
        "invalidated, or: removed",
    ),
    (
        &["passed by", "passes by", "pass by", "passed over"],
        "skipped, or: ignored",
    ),
    (
        &["given back", "gives back", "give back", "giving back"],
        "returned, served, or: released",
    ),
    (
        &["lies in", "lie in", "lies under", "stands in", "stand in"],
        "is stored in, is in, or: is returned instead",
    ),
    (
        &["who asks", "whoever", "who waits", "who computes"],
        "the caller, callers, or: a request",
    ),
    (&["its word", "their word"], "guarantee"),
    (
        &["under way"],
        "in progress, in flight, or: computations in progress",
    ),
    (&["has it alone", "has them alone"], "owns, or: contains"),
    (
        &["values past their timeout", "value past its timeout"],
        "stale values, or: the stale value",
    ),
];

/// Terms that contain a refused expression and are right.
const FINE: [&str; 2] = ["passed by value", "passed by reference"];

/// The documents, relative to the root.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    files(&root(), "md", &mut found);
    let name = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
    found.iter().map(|path| name(path)).collect()
}

/// The lines of a document with their numbers, in lower case and without code.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut in_fence = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        } else if !in_fence {
            // Between an even and an odd backtick there is a code span.
            let outside: Vec<&str> = line.split('`').step_by(2).collect();
            lines.push((index + 1, outside.join("`").to_lowercase()));
        }
    }
    lines
}

fn has_words(line: &str, words: &str) -> bool {
    line.match_indices(words).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + words.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// The comments and the texts in a Rust file, with the numbers of their lines, in lower case and
/// without code.
fn texts_of_source(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        // Comments are outside of code spans, texts are inside of quotation marks.
        let (mark, skipped) = if line.starts_with("//") {
            ('`', 0)
        } else {
            ('"', 1)
        };
        let texts: Vec<&str> = line.split(mark).skip(skipped).step_by(2).collect();
        lines.push((index + 1, texts.join("`").to_lowercase()));
    }
    lines
}

/// The refused expressions in some lines: number of the line, expression, what to write.
fn refused(lines: Vec<(usize, String)>) -> Vec<(usize, &'static str, &'static str)> {
    let mut found = Vec::new();
    for (number, mut line) in lines {
        for fine in FINE {
            line = line.replace(fine, "");
        }
        for (expressions, instead) in REFUSED {
            let here = expressions.iter().filter(|words| has_words(&line, words));
            found.extend(here.map(|words| (number, *words, instead)));
        }
    }
    found
}

#[test]
fn documents_use_the_terms_of_the_field() {
    let documents = documents();
    assert!(
        documents.iter().any(|name| name == "README.md"),
        "{documents:?}"
    );
    let mut report = String::new();
    for name in documents {
        let text = fs::read_to_string(root().join(&name)).unwrap();
        for (number, words, instead) in refused(prose(&text)) {
            writeln!(report, "{name}:{number}: \"{words}\"; write: {instead}").unwrap();
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn messages_and_comments_use_the_terms_of_the_field() {
    let mut report = String::new();
    for (name, text) in sources().iter().filter(|(name, _)| !is_test(name)) {
        for (number, words, instead) in refused(texts_of_source(text)) {
            writeln!(report, "{name}:{number}: \"{words}\"; write: {instead}").unwrap();
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn refused_words_are_found_outside_of_code_only() {
    let text = "A lease is Given back.\n\
                `void` is a type; avoid it.\n\
                ```c\nvoid run(void);\n```\n\
                It relies in part on \"under way\", an argument passed by value.";
    let found: Vec<_> = refused(prose(text))
        .into_iter()
        .map(|(number, words, _)| (number, words))
        .collect();
    assert_eq!(found, [(1, "given back"), (6, "under way")]);
    let source = "// Made anew by `void`.\n\
                  let voided = \"the store was told\";\n";
    let found: Vec<_> = refused(texts_of_source(source))
        .into_iter()
        .map(|(number, words, _)| (number, words))
        .collect();
    assert_eq!(found, [(1, "anew"), (2, "told")]);
}
