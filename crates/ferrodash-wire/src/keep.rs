//! What a page must know to keep answers, and to learn that they count no longer.

use serde::Serialize;

/// The header of an answer that the page may keep. Its value is a [`Keep`] as JSON.
pub const KEEP: &str = "x-ferrodash-keep";

/// How long a page may use an answer, and what ends that earlier. Times are in milliseconds, from
/// the moment at which the answer was sent.
///
/// ```
/// let keep = ferrodash_wire::Keep {
///     fresh: 60_000,
///     stale: 0,
///     error: 0,
///     on: vec!["5f1c".into()],
///     scope: None,
/// };
/// assert_eq!(keep.to_json(), r#"{"fresh":60000,"on":["5f1c"]}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Keep {
    /// The time for which the answer is used without asking.
    pub fresh: u64,
    /// The time after that for which it is shown while the page asks for a newer one.
    #[serde(skip_serializing_if = "is_zero")]
    pub stale: u64,
    /// The time after `fresh` for which it is shown if the server fails.
    #[serde(skip_serializing_if = "is_zero")]
    pub error: u64,
    /// The names of what can be invalidated, such as tags. The answer counts no longer when one of
    /// them is among the changes that the page learns of.
    pub on: Vec<String>,
    /// The name of those for whom the answer was made. It counts for nobody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl Keep {
    /// Returns the value of the header.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts are JSON")
    }
}

impl PageChanges {
    /// Returns the JSON, which takes one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What has changed since a page last knew, as JSON: the answer of `_ferrodash/changes`, and each
/// event of `_ferrodash/events`.
///
/// ```
/// let changes = ferrodash_wire::PageChanges {
///     seen: "5f.7".into(),
///     changed: None,
///     scopes: None,
///     fresh: false,
/// };
/// assert_eq!(changes.to_json(), r#"{"seen":"5f.7","changed":null}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageChanges {
    /// The moment up to which this is known. The page sends it when it asks again.
    pub seen: String,
    /// The names of what was invalidated; `None` if that is not known, so that each answer must be
    /// compared with that of the server.
    pub changed: Option<Vec<String>>,
    /// The present name of each scope, for the user of this request. Events about changes have
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// `true` if the user has reloaded the page without caches.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
}
