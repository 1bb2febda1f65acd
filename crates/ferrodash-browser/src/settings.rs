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
    /// The gates of inputs whose changes are held back.
    pub gates: Vec<ScriptGate>,
    /// The packages of components, if there are gates: their components get the carriers as
    /// properties.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<&'a str>,
    /// What happens to calls that overlap, by the callback's output: a name, and for `queue` how
    /// many calls may wait.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overlap: BTreeMap<&'a str, ScriptOverlap>,
    /// The callbacks that only read, by their outputs. Calls that failed may be made again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pure: Vec<&'a str>,
    /// The calls that may travel together. Without it each call is a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<ScriptBatch<'a>>,
    /// `true` if the page listens to events about changes, beside asking for them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub push: bool,
    /// `true` if intervals call their callbacks while the page is hidden.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ticks: bool,
    /// `true` if a page of an older build reloads itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reload: bool,
    /// `true` if the page is that of another app, and a gateway has added the script to it. Calls
    /// that are not declared then work as without the script.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub guest: bool,
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

/// What happens to calls of a callback that overlap: its name, and how many may wait.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScriptOverlap(pub &'static str, pub u32);

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
    /// The place of its scope in the list of names that the page learns. `None` if its answers are
    /// for everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<usize>,
    /// The outputs that answers name if this callback shares them with another one. Each has the
    /// id and property in the answer, then the id and property of this callback.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rename: Vec<[String; 4]>,
}

/// The gate of an input whose changes are held back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScriptGate {
    /// The name of its function, as in `_dash-dependencies`.
    pub name: String,
    /// The name of the property whose changes are held back.
    pub property: String,
    /// The property that the gate sets when a change passes.
    pub carrier: String,
    /// The time in milliseconds for which the property must not have changed.
    pub wait: u64,
    /// The longest time in milliseconds that a change is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest: Option<u64>,
    /// `true` if the first change passes at once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leading: bool,
    /// `true` if changes that are held back are dropped at the end of the wait.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_trailing: bool,
    /// What ends the wait before its time, a letter each: `b`lur, `e`nter, `s`ubmit, the page is
    /// `h`idden, the component is `u`nmounted.
    pub flush: String,
    /// `true` if changes that callbacks make are held back too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hold_callbacks: bool,
    /// `true` if the carrier is that of one callback, so that a call of it ends the wait.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}
