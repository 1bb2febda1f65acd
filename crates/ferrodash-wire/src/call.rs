//! A call of a callback, as the renderer sends it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The body of `POST _dash-update-component`, split into its fields.
///
/// The fields stay text until the callback is known. Only what the callback declares is read then,
/// so a request takes no more memory than a few times its own size, whatever it contains.
#[derive(Debug, Deserialize)]
pub struct Call<'a> {
    /// The name of the callback: its outputs as one text. Absent if the address says it.
    #[serde(borrow, default)]
    pub output: Option<Cow<'a, str>>,
    /// The outputs: an item for one output, a list for several or for one with `ALL`.
    #[serde(borrow, default)]
    pub outputs: Option<&'a RawValue>,
    /// The inputs, each with its id, its property and its value.
    #[serde(borrow, default)]
    pub inputs: Option<&'a RawValue>,
    /// The states, in the same form.
    #[serde(borrow, default)]
    pub state: Option<&'a RawValue>,
    /// The properties that triggered the call, as `id.property`.
    #[serde(borrow, default, rename = "changedPropIds")]
    pub changed: Option<&'a RawValue>,
}
