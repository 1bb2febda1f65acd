//! Compares all cases, and tells what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::answer::{Answer, Recording};
use crate::case::Case;
use crate::compare::differences;
use crate::differences::Differences;

/// What the comparison of all cases found.
#[derive(Debug, Default)]
pub struct Report {
    /// How many cases there are.
    pub cases: usize,
    /// Cases without any difference.
    pub equal: usize,
    /// Cases with listed differences only.
    pub listed: usize,
    /// What is wrong, to be read by people.
    pub wrong: Vec<String>,
    unlisted: usize,
}

impl Report {
    /// Compares the answers to cases with those of Python.
    pub fn new(cases: &[Case], python: &BTreeMap<String, Recording>, ours: &[Answer]) -> Self {
        let mut known = Differences::read();
        let mut report = Self {
            cases: cases.len(),
            ..Self::default()
        };
        for (case, answer) in cases.iter().zip(ours) {
            let title = case.title();
            let Some(recorded) = python.get(&case.area).and_then(|area| area.get(&case.name))
            else {
                report.wrong.push(format!(
                    "{title} is not recorded; run: UPDATE=1 scripts/test conformance"
                ));
                continue;
            };
            let found = differences(&recorded.value(), &answer.value());
            let unlisted: Vec<_> = found
                .iter()
                .filter(|found| !known.is_listed(&title, found))
                .collect();
            match (found.is_empty(), unlisted.is_empty()) {
                (true, _) => report.equal += 1,
                (false, true) => report.listed += 1,
                (false, false) => report.unlisted += 1,
            }
            report.wrong.extend(
                unlisted
                    .iter()
                    .map(|difference| format!("{title}\n  at {difference}")),
            );
        }
        let titles: BTreeSet<String> = cases.iter().map(Case::title).collect();
        let recorded = python
            .iter()
            .flat_map(|(area, all)| all.keys().map(move |name| format!("{area}: {name}")));
        let gone = recorded.filter(|title| !titles.contains(title));
        report
            .wrong
            .extend(gone.map(|title| format!("{title} is recorded, but no case any more")));
        report.wrong.extend(known.stale());
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cases,
            equal,
            listed,
            unlisted,
            ..
        } = self;
        write!(
            f,
            "cases {cases}, equal {equal}, listed differences {listed}, unlisted {unlisted}"
        )
    }
}
