//! Asks live Python: records its answers again, and holds Ferrodash against them.
//! `scripts/test conformance` runs it.
//!
//! Usage: `conformance PYTHON`, with the interpreter that has the packages of `requirements.txt`.
//! With `UPDATE=1` in the environment the recordings are replaced, else one that changed is a
//! failure.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use conformance::answer::{self, Recording};
use conformance::case::Case;
use conformance::python::Python;
use conformance::report::Report;
use conformance::{apps, case, files, page, twins};
use e2e::Site;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(interpreter) = std::env::args().nth(1) else {
        say("usage: conformance PYTHON");
        return ExitCode::FAILURE;
    };
    let python = Python(Path::new(&interpreter));
    let cases = case::all();
    let mut wrong = Vec::new();
    let answers = python.answers(&cases).await;
    wrong.extend(keep_answers(&cases, &answers));
    let report = Report::new(&cases, &answers, &twins::answers(&cases).await);
    say(&report.to_string());
    wrong.extend(report.wrong);
    wrong.extend(visit_pages(python).await);
    for each in &wrong {
        say(each);
    }
    say(&format!("{} wrong", wrong.len()));
    if wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(clippy::print_stdout, reason = "the result")]
fn say(text: &str) {
    println!("{text}");
}

/// Replaces a recording that changed, or tells that it did.
fn keep(name: &str, text: &str) -> Option<String> {
    if std::fs::read_to_string(files::path(name)).is_ok_and(|old| old == text) {
        return None;
    }
    if std::env::var_os("UPDATE").is_some() {
        files::write(name, text);
        return None;
    }
    Some(format!(
        "Python answers otherwise than conformance/{name} has it; to accept that, run: UPDATE=1 scripts/test conformance"
    ))
}

fn keep_answers(cases: &[Case], answers: &BTreeMap<String, Recording>) -> Vec<String> {
    let changed = answers.iter().filter_map(|(area, recording)| {
        let message = keep(
            &format!("recorded/{area}.json"),
            &answer::to_text(recording),
        )?;
        let old: Option<Recording> =
            std::fs::read_to_string(files::path(&format!("recorded/{area}.json")))
                .ok()
                .and_then(|text| serde_json::from_str(&text).ok());
        let is_other = |name: &&String| {
            old.as_ref()
                .is_none_or(|old| old.get(*name) != recording.get(*name))
        };
        let names: Vec<&String> = recording.keys().filter(is_other).collect();
        Some(format!("{message}\n  cases: {names:?}"))
    });
    let mut all: Vec<String> = changed.collect();
    all.extend(
        (cases.len() != answers.values().map(BTreeMap::len).sum::<usize>())
            .then(|| "cases are lost".to_owned()),
    );
    all
}

/// Visits Python's page and ours.
async fn visit_pages(python: Python<'_>) -> Vec<String> {
    let server = python.serve("page");
    let theirs = page::visit(&server.url("/")).await;
    let mut wrong: Vec<String> = keep("recorded/page.json", &page::to_text(&theirs))
        .into_iter()
        .collect();
    let site = Site::start(apps::app("page").expect("the page has a twin")).await;
    let ours = page::visit(&site.url("/")).await;
    let differences = page::compare(&theirs, &ours);
    let bodies: usize = theirs.steps.iter().map(|sent| sent.bodies.len()).sum();
    say(&format!(
        "page: {} steps, {bodies} bodies, {} differences",
        theirs.steps.len(),
        differences.len()
    ));
    wrong.extend(
        differences
            .into_iter()
            .map(|difference| format!("page at {difference}")),
    );
    wrong
}
