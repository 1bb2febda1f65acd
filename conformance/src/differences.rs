//! The list of known differences, `conformance/differences.toml`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::compare::{Difference, matches};
use crate::files;

/// A known difference.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The cases that have it: `area: name`, `area: *` for a whole area, `*` for all. Each must
    /// have it; of an area, or of all, at least one.
    pub cases: Vec<String>,
    /// Where it is; see [`matches()`].
    pub pointers: Vec<String>,
    /// What Python must have there, as JSON, or `absent`; anything if not given.
    pub python: Option<String>,
    /// The same of Ferrodash.
    pub ours: Option<String>,
    /// Why it is so.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    difference: Vec<Known>,
}

/// The list, and which parts of it occurred.
#[derive(Debug)]
pub struct Differences {
    known: Vec<Known>,
    /// Indices of an entry and of one of its cases or pointers.
    cases: BTreeSet<(usize, usize)>,
    pointers: BTreeSet<(usize, usize)>,
}

impl Differences {
    /// Reads the list.
    ///
    /// # Panics
    /// When the file is damaged or an entry has no reason.
    pub fn read() -> Self {
        let list: List = toml::from_str(&files::read("differences.toml"))
            .unwrap_or_else(|error| panic!("conformance/differences.toml: {error}"));
        let known = list.difference;
        assert!(
            known.iter().all(|known| known.reason.len() > 10),
            "every listed difference has a reason"
        );
        Self {
            known,
            cases: BTreeSet::new(),
            pointers: BTreeSet::new(),
        }
    }

    /// Whether a difference of a case is listed. Remembers that it occurred.
    pub fn is_listed(&mut self, title: &str, difference: &Difference) -> bool {
        let mut listed = false;
        for (index, known) in self.known.iter().enumerate() {
            if !is_value(known.python.as_deref(), difference.python.as_ref())
                || !is_value(known.ours.as_deref(), difference.ours.as_ref())
            {
                continue;
            }
            let case = known
                .cases
                .iter()
                .position(|pattern| is_case(pattern, title));
            let pointer = known
                .pointers
                .iter()
                .position(|pattern| matches(pattern, &difference.pointer));
            if let (Some(case), Some(pointer)) = (case, pointer) {
                self.cases.insert((index, case));
                self.pointers.insert((index, pointer));
                listed = true;
            }
        }
        listed
    }

    /// What is listed and did not occur.
    pub fn stale(&self) -> Vec<String> {
        let mut stale = Vec::new();
        for (index, known) in self.known.iter().enumerate() {
            let cases = known
                .cases
                .iter()
                .enumerate()
                .filter(|(case, _)| !self.cases.contains(&(index, *case)));
            let pointers = known
                .pointers
                .iter()
                .enumerate()
                .filter(|(place, _)| !self.pointers.contains(&(index, *place)));
            for (_, what) in cases.chain(pointers) {
                stale.push(format!(
                    "{what:?} of the listed difference {:?} no longer occurs",
                    known.reason
                ));
            }
        }
        stale
    }
}

fn is_case(pattern: &str, title: &str) -> bool {
    pattern == title
        || pattern
            .strip_suffix('*')
            .is_some_and(|start| title.starts_with(start))
}

fn is_value(wanted: Option<&str>, value: Option<&Value>) -> bool {
    match (wanted, value) {
        (None, _) | (Some("absent"), None) => true,
        (Some(wanted), Some(value)) => {
            serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *value)
        }
        (Some(_), None) => false,
    }
}
