//! The settings of the script, as they are written into a page.

use std::collections::BTreeMap;

use serde::Serialize;

/// The settings of the script in one page. Their JSON is the content of the element
/// `_ferrodash-config`.
///
/// `browser/settings.js` has the same types for the script.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScriptConfig<'a> {
    /// The path that the app's addresses begin with, as browsers see it.
    pub prefix: &'a str,
    /// The build of the server that renders the page.
    pub build: &'a str,
    /// The callbacks whose answers the browser may keep, by their outputs.
    pub client: BTreeMap<&'a str, ClientCallback<'a>>,
    /// The gates of debounced inputs.
    pub gates: Vec<ScriptGate>,
    /// The calls that may travel together. Without it each call is a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<ScriptBatch<'a>>,
    /// `true` if a page of an older build reloads itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reload: bool,
    /// The limit of the length of a call in bytes. Longer calls are not sent.
    pub most: usize,
    /// `true` if charts offer to upload themselves.
    pub cloud: bool,
}

/// The calls that may travel in one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScriptBatch<'a> {
    /// The callbacks, by their outputs.
    pub outputs: Vec<&'a str>,
    /// The limit of the length of a request, in UTF-16 code units as the page counts.
    pub characters: usize,
}

/// A callback whose answers the browser may keep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClientCallback<'a> {
    /// The name of the callback in addresses.
    pub token: &'a str,
    /// The places of its arguments in a request: `i0` is the first input, `s0` the first state.
    pub arguments: Vec<String>,
    /// `true` if the answer depends on what triggered the call.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub trigger: bool,
    /// `true` if the answer depends on the components that the call is about.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pattern: bool,
    /// The outputs that answers name if this callback shares them with another one. Each has the
    /// id and property in the answer, then the id and property of this callback.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rename: Vec<[String; 4]>,
}

/// The gate of a debounced input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScriptGate {
    /// The name of its function, as in `_dash-dependencies`.
    pub name: String,
    /// The property that the gate sets once the input has been still.
    pub carrier: String,
    /// The wait in milliseconds.
    pub wait: u64,
}
