//! Cases: requests that both servers get, as `conformance/cases/` has them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::files;

/// One request, and what of its answer counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows; unique within its file.
    pub name: String,
    /// The app that is asked.
    pub app: String,
    /// The path of a GET; without it the request is a POST.
    pub get: Option<String>,
    /// The path of a POST; that of callbacks by default.
    pub path: Option<String>,
    /// The JSON that is sent.
    pub body: Option<Value>,
    /// The text that is sent, for what is no JSON.
    pub text: Option<String>,
    /// Headers besides the content type.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers of the answer that are compared.
    #[serde(default)]
    pub compare: Vec<String>,
    /// The file it is from.
    #[serde(skip)]
    pub area: String,
}

impl Case {
    /// `area: name`, by which reports and the list of differences know the case.
    pub fn title(&self) -> String {
        format!("{}: {}", self.area, self.name)
    }

    /// The request's method and path.
    pub fn line(&self) -> (&'static str, &str) {
        match &self.get {
            Some(path) => ("GET", path),
            None => (
                "POST",
                self.path.as_deref().unwrap_or("/_dash-update-component"),
            ),
        }
    }

    /// The bytes that are sent.
    pub fn bytes(&self) -> Vec<u8> {
        match (&self.body, &self.text) {
            (Some(body), _) => body.to_string().into_bytes(),
            (None, Some(text)) => text.clone().into_bytes(),
            (None, None) => Vec::new(),
        }
    }

    /// The headers that are sent.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        let mut all: BTreeMap<&str, &str> = BTreeMap::new();
        if self.get.is_none() {
            all.insert("content-type", "application/json");
        }
        all.extend(
            self.headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        all.into_iter().collect()
    }
}

/// All cases, in the order in which they are sent.
///
/// # Panics
/// When a file is no list of cases, or two cases have one title.
pub fn all() -> Vec<Case> {
    let folder = std::fs::read_dir(files::path("cases")).expect("conformance/cases can be read");
    let mut areas: Vec<String> = folder
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()
                .and_then(|name| name.strip_suffix(".json").map(str::to_owned))
        })
        .collect();
    areas.sort();
    let mut titles = BTreeSet::new();
    let mut cases = Vec::new();
    for area in areas {
        for mut case in files::read_json::<Vec<Case>>(&format!("cases/{area}.json")) {
            case.area.clone_from(&area);
            assert!(
                titles.insert(case.title()),
                "two cases are called {}",
                case.title()
            );
            cases.push(case);
        }
    }
    cases
}
