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
pub(super) struct Call<'a> {
    /// Absent where an address says it.
    #[serde(borrow, default)]
    pub(super) output: Option<Cow<'a, str>>,
    /// An item for one output, a list for several or for one with `ALL`.
    #[serde(borrow, default)]
    pub(super) outputs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) inputs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) state: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "changedPropIds")]
    pub(super) changed: Option<&'a RawValue>,
}

/// `POST _ferrodash/batch`: the texts of many calls.
#[derive(Debug)]
pub(super) struct Batch<'a>(pub(super) Vec<&'a RawValue>);

/// The largest number of calls in a batch. A page of 500 rows with a call each is the largest that
/// is known.
pub(super) const MOST_CALLS: usize = 1000;

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
pub(super) struct Specification<'a> {
    pub(super) output: &'a str,
    pub(super) inputs: Vec<DeclaredProperty>,
    pub(super) state: Vec<DeclaredProperty>,
    pub(super) clientside_function: Option<ClientsideFunction<'a>>,
    pub(super) prevent_initial_call: bool,
    pub(super) background: (),
    pub(super) dynamic_creator: Option<bool>,
    pub(super) no_output: bool,
    pub(super) optional: bool,
    pub(super) hidden: bool,
    pub(super) websocket: bool,
    pub(super) persistent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) running: Option<Running<'a>>,
}

/// An input or a state, with a dictionary id as text.
#[derive(Debug, Serialize)]
pub(super) struct DeclaredProperty {
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
pub(super) struct ClientsideFunction<'a> {
    pub(super) namespace: &'a str,
    pub(super) function_name: &'a str,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plotlyjs_url: Option<String>,
    pub(super) dash_version: &'a str,
    pub(super) plotly_cloud_installed: bool,
    pub(super) validate_callbacks: bool,
    pub(super) csrf_token_name: &'a str,
    pub(super) csrf_header_name: &'a str,
}
