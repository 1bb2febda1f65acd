//! The JSON shapes of requests and answers, and only here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use ferrodash_components::Prop;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::callback::{Property, Slot};

/// `POST _dash-update-component`: one call of a callback, split into its fields.
///
/// What the fields hold stays text until the callback is known: only what it declares is then read,
/// so that a request takes no more memory than a few times its own size, whatever it holds.
#[derive(Debug, Deserialize)]
pub(crate) struct Call<'a> {
    /// Absent where an address says it.
    #[serde(borrow, default)]
    pub(crate) output: Option<Cow<'a, str>>,
    /// An item for one output, a list for several or for one with `ALL`.
    #[serde(borrow, default)]
    pub(crate) outputs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) inputs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) state: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "changedPropIds")]
    pub(crate) changed: Option<&'a RawValue>,
}

/// `POST _ferrodash/batch`: the texts of many calls.
#[derive(Debug)]
pub(crate) struct Batch<'a>(pub(crate) Vec<&'a RawValue>);

/// The largest number of calls in a batch. A page of 500 rows with a call each is the largest that
/// is known.
pub(crate) const MOST_CALLS: usize = 1000;

impl<'de: 'a, 'a> Deserialize<'de> for Batch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BatchVisitor).map(Self)
    }
}

/// Stops before a short text has become a long list.
struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of up to {MOST_CALLS} calls")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut calls = Vec::new();
        while let Some(call) = list.next_element()? {
            if calls.len() == MOST_CALLS {
                return Err(serde::de::Error::invalid_length(MOST_CALLS + 1, &self));
            }
            calls.push(call);
        }
        Ok(calls)
    }
}

/// One item of `GET _dash-dependencies`.
#[derive(Debug, Serialize)]
pub(crate) struct Specification<'a> {
    pub(crate) output: &'a str,
    pub(crate) inputs: Vec<DeclaredProperty>,
    pub(crate) state: Vec<DeclaredProperty>,
    pub(crate) clientside_function: Option<ClientsideFunction<'a>>,
    pub(crate) prevent_initial_call: bool,
    pub(crate) background: (),
    pub(crate) dynamic_creator: Option<bool>,
    pub(crate) no_output: bool,
    pub(crate) optional: bool,
    pub(crate) hidden: bool,
    pub(crate) websocket: bool,
    pub(crate) persistent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) running: Option<Running<'a>>,
}

/// An input or a state, with a dictionary id as text.
#[derive(Debug, Serialize)]
pub(crate) struct DeclaredProperty {
    id: String,
    property: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allow_optional: bool,
}

impl From<&Slot> for DeclaredProperty {
    fn from(slot: &Slot) -> Self {
        Self {
            allow_optional: slot.optional,
            ..Self::from(&slot.property)
        }
    }
}

impl From<&Property> for DeclaredProperty {
    fn from(property: &Property) -> Self {
        Self {
            id: property.id.to_string(),
            property: property.name.to_string(),
            allow_optional: false,
        }
    }
}

/// A function of the page that answers a callback.
#[derive(Debug, Serialize)]
pub(crate) struct ClientsideFunction<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) function_name: &'a str,
}

/// What is set while a callback runs, and afterwards.
#[derive(Debug, Serialize)]
pub(crate) struct Running<'a> {
    pub(crate) running: BTreeMap<String, &'a Prop>,
    #[serde(rename = "runningOff")]
    pub(crate) running_off: BTreeMap<String, &'a Prop>,
}

/// `_dash-config`: what the renderer must know.
#[derive(Debug, Serialize)]
pub(crate) struct RendererConfig<'a> {
    pub(crate) requests_pathname_prefix: &'a str,
    pub(crate) ui: bool,
    pub(crate) props_check: bool,
    pub(crate) disable_version_check: bool,
    pub(crate) show_undo_redo: bool,
    pub(crate) suppress_callback_exceptions: bool,
    pub(crate) update_title: Option<&'a str>,
    pub(crate) children_props: BTreeMap<&'a str, BTreeMap<&'a str, &'a [&'a str]>>,
    pub(crate) serve_locally: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plotlyjs_url: Option<String>,
    pub(crate) dash_version: &'a str,
    pub(crate) plotly_cloud_installed: bool,
    pub(crate) validate_callbacks: bool,
    pub(crate) csrf_token_name: &'a str,
    pub(crate) csrf_header_name: &'a str,
}
