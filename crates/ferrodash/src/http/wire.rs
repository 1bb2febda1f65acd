//! The JSON shapes of requests and answers, and only here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ferrodash_components::Prop;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::callback::Property;

/// `POST _dash-update-component`: one call of a callback.
#[derive(Debug, Deserialize)]
pub(super) struct Call<'a> {
    #[serde(borrow)]
    pub(super) output: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) inputs: Vec<Dependency<'a>>,
    #[serde(borrow, default)]
    pub(super) state: Vec<Dependency<'a>>,
    #[serde(borrow, default, rename = "changedPropIds")]
    pub(super) changed: Vec<Cow<'a, str>>,
}

/// One input or state of a call.
#[derive(Debug, Deserialize)]
pub(super) struct Dependency<'a> {
    /// A text or an object.
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    property: Cow<'a, str>,
    /// Absent where the property is unset, which is not the same as `null`.
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) value: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Dependency<'_> {
    /// Whether this is the property that was declared.
    pub(super) fn is(&self, property: &Property) -> bool {
        self.property == property.name && same_id(self.id.get(), property)
    }
}

fn same_id(json: &str, property: &Property) -> bool {
    use ferrodash_components::Id;
    match &property.id {
        Id::Text(id) => match serde_json::from_str::<Cow<'_, str>>(json) {
            Ok(text) => text == *id,
            Err(_) => false,
        },
        id => {
            let sent: Result<serde_json::Value, _> = serde_json::from_str(json);
            sent.is_ok_and(|sent| serde_json::to_value(id).is_ok_and(|id| id == sent))
        }
    }
}

/// One item of `GET _dash-dependencies`.
#[derive(Debug, Serialize)]
pub(super) struct Specification<'a> {
    pub(super) output: &'a str,
    pub(super) inputs: Vec<Property>,
    pub(super) state: Vec<Property>,
    pub(super) clientside_function: Option<ClientsideFunction>,
    pub(super) prevent_initial_call: bool,
    pub(super) background: (),
    pub(super) dynamic_creator: (),
    pub(super) no_output: bool,
    pub(super) optional: bool,
    pub(super) hidden: bool,
    pub(super) websocket: bool,
    pub(super) persistent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) running: Option<Running<'a>>,
}

/// A function of the page that answers a callback.
#[derive(Debug, Serialize)]
pub(super) struct ClientsideFunction {
    pub(super) namespace: &'static str,
    pub(super) function_name: String,
}

/// What is set while a callback runs, and afterwards.
#[derive(Debug, Serialize)]
pub(super) struct Running<'a> {
    pub(super) running: BTreeMap<String, &'a Prop>,
    #[serde(rename = "runningOff")]
    pub(super) running_off: BTreeMap<String, &'a Prop>,
}

/// `_dash-config`: what the renderer must know.
#[derive(Debug, Serialize)]
pub(super) struct RendererConfig<'a> {
    pub(super) requests_pathname_prefix: &'a str,
    pub(super) ui: bool,
    pub(super) props_check: bool,
    pub(super) disable_version_check: bool,
    pub(super) show_undo_redo: bool,
    pub(super) suppress_callback_exceptions: bool,
    pub(super) update_title: Option<&'a str>,
    pub(super) children_props: BTreeMap<&'a str, BTreeMap<&'a str, &'a [&'a str]>>,
    pub(super) serve_locally: bool,
    pub(super) dash_version: &'a str,
    pub(super) plotly_cloud_installed: bool,
    pub(super) validate_callbacks: bool,
    pub(super) csrf_token_name: &'a str,
    pub(super) csrf_header_name: &'a str,
}

/// `_ferrodash-config`: what our own script must know.
#[derive(Debug, Serialize)]
pub(super) struct ScriptConfig<'a> {
    pub(super) prefix: &'a str,
    pub(super) build: &'a str,
    pub(super) client: BTreeMap<&'a str, ClientCallback<'a>>,
    pub(super) gates: Vec<ScriptGate>,
}

/// A callback that is cached in the browser.
#[derive(Debug, Serialize)]
pub(super) struct ClientCallback<'a> {
    pub(super) token: &'a str,
    /// Where its arguments stand in a request: `i0` is the first input, `s0` the first state.
    pub(super) arguments: Vec<String>,
    /// Whether the answer depends on what triggered the call.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) trigger: bool,
    /// Outputs of the callback whose answers are shared, and of this one, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) rename: Vec<[String; 4]>,
}

/// A gate of a debounced input.
#[derive(Debug, Serialize)]
pub(super) struct ScriptGate {
    /// The name of its function, as in `_dash-dependencies`.
    pub(super) name: String,
    pub(super) id: ferrodash_components::Id,
    pub(super) carrier: String,
    /// In milliseconds.
    pub(super) wait: u64,
}
