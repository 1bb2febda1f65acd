//! Answers, in the form in which they are recorded and compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::case::Case;
use crate::files;

/// What counts of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The content type; none if there is no content.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", default)]
    pub content_type: Option<String>,
    /// The headers that the case compares.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub headers: BTreeMap<String, Value>,
    /// The content, if it is JSON. Other content is text for people and does not count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub json: Option<Value>,
}

impl Answer {
    /// The answer to a case, from the parts of a response; `headers` has all values of a name.
    pub fn new(
        case: &Case,
        status: u16,
        headers: impl Fn(&str) -> Vec<String>,
        body: &[u8],
    ) -> Self {
        let content_type = headers("content-type").pop().filter(|_| !body.is_empty());
        let is_json = content_type
            .as_deref()
            .is_some_and(|kind| kind.starts_with("application/json"));
        let json = is_json
            .then(|| serde_json::from_slice(body).unwrap_or_else(|error| json!(error.to_string())));
        let compared = |name: &String| {
            let values = headers(name);
            let value = match name.as_str() {
                "set-cookie" => values.iter().map(|cookie| cookie_parts(cookie)).collect(),
                _ => json!(values),
            };
            (name.clone(), value)
        };
        Self {
            status,
            content_type,
            headers: case.compare.iter().map(compared).collect(),
            json,
        }
    }

    /// The answer as one JSON value, to point into.
    pub fn value(&self) -> Value {
        serde_json::to_value(self).expect("an answer is JSON")
    }
}

/// A cookie with its attributes by name: their order and spelling mean nothing, and a date tells
/// only that it is there.
fn cookie_parts(cookie: &str) -> Value {
    let mut parts = cookie.split(';').map(str::trim);
    let mut all: serde_json::Map<String, Value> = [("cookie".to_owned(), json!(parts.next()))]
        .into_iter()
        .collect();
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = name.to_ascii_lowercase();
        let value = if name == "expires" { "a date" } else { value };
        all.insert(name, json!(value));
    }
    all.into()
}

/// The answers of one area by the cases' names.
pub type Recording = BTreeMap<String, Answer>;

/// The recorded answers of Python, by area.
///
/// # Panics
/// When a recording is missing or damaged.
pub fn recorded(cases: &[Case]) -> BTreeMap<String, Recording> {
    let areas = cases.iter().map(|case| case.area.clone());
    areas
        .map(|area| {
            (
                area.clone(),
                files::read_json(&format!("recorded/{area}.json")),
            )
        })
        .collect()
}

/// A recording as text, a line an answer, so that changes can be read.
pub fn to_text(recording: &Recording) -> String {
    let lines: Vec<String> = recording
        .iter()
        .map(|(name, answer)| format!("  {}: {}", json!(name), answer.value()))
        .collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}
