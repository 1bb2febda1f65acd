//! The JSON shapes of requests and answers, and only here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use ferrodash_components::{Id, Prop};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::callback::{Property, Slot};

/// `POST _dash-update-component`: one call of a callback.
#[derive(Debug, Deserialize)]
pub(super) struct Call<'a> {
    /// Absent where an address says it.
    #[serde(borrow, default)]
    pub(super) output: Option<Cow<'a, str>>,
    /// An item for one output, a list for several or for one with `ALL`.
    #[serde(borrow, default)]
    pub(super) outputs: Option<Item<'a>>,
    #[serde(borrow, default)]
    pub(super) inputs: Vec<Item<'a>>,
    #[serde(borrow, default)]
    pub(super) state: Vec<Item<'a>>,
    #[serde(borrow, default, rename = "changedPropIds")]
    pub(super) changed: Vec<Cow<'a, str>>,
}

/// `POST _ferrodash/batch`: many of them.
#[derive(Debug)]
pub(super) struct Batch<'a>(pub(super) Vec<Call<'a>>);

/// More than this is not a page: 500 rows with a call each are the most that is known of.
pub(super) const MOST_CALLS: usize = 1000;

impl<'de: 'a, 'a> Deserialize<'de> for Batch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BatchVisitor).map(Self)
    }
}

/// Stops before a short text has become a long list.
struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Vec<Call<'de>>;

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

/// One dependency of a call: a component's property, or a list of them (which for outputs can hold lists).
#[derive(Debug)]
pub(super) enum Item<'a> {
    One(Dependency<'a>),
    Many(Vec<Item<'a>>),
}

/// One component's property.
#[derive(Debug, Deserialize)]
pub(super) struct Dependency<'a> {
    /// A text or an object.
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    property: Cow<'a, str>,
    /// Absent where the property is unset, which is not the same as `null`.
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    /// The component of an optional dependency is missing, as the renderer then says with a value of `null`.
    #[serde(default)]
    allow_optional: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'de: 'a, 'a> Deserialize<'de> for Item<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with id and property, or a list of such")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item<'de>, A::Error> {
        Dependency::deserialize(MapAccessDeserializer::new(map)).map(Item::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Item<'de>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Item::Many)
    }
}

impl<'a> Dependency<'a> {
    /// The property's value; `None` where it is unset.
    pub(super) fn value(&self) -> Option<&'a RawValue> {
        self.value.filter(|value| !self.allow_optional || value.get() != "null")
    }

    /// Whether this is the property that was declared, whose id has no wildcard.
    pub(super) fn is(&self, property: &Property) -> bool {
        self.name() == property.name && same_id(self.id.get(), &property.id)
    }

    /// The id, if this is a property that the declared one, with its wildcards, can stand for.
    pub(super) fn id_for(&self, property: &Property) -> Option<Id> {
        let id: Id = serde_json::from_str(self.id.get()).ok()?;
        (self.name() == property.name && property.id.matches(&id)).then_some(id)
    }

    /// The property without the mark of one with several writers.
    fn name(&self) -> &str {
        self.property.split('@').next().unwrap_or_default()
    }
}

fn same_id(json: &str, id: &Id) -> bool {
    match id {
        Id::Text(id) => serde_json::from_str::<Cow<'_, str>>(json).is_ok_and(|text| text == *id),
        id => serde_json::from_str::<Id>(json).is_ok_and(|sent| sent == *id),
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
        Self { allow_optional: slot.optional, ..Self::from(&slot.property) }
    }
}

impl From<&Property> for DeclaredProperty {
    fn from(property: &Property) -> Self {
        Self { id: property.id.to_string(), property: property.name.to_string(), allow_optional: false }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch: Option<ScriptBatch<'a>>,
    /// Whether a page of an older build reloads itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) reload: bool,
    /// How many bytes a call has at most.
    pub(super) most: usize,
    /// Whether charts offer to upload themselves.
    pub(super) cloud: bool,
}

/// What may travel in one request.
#[derive(Debug, Serialize)]
pub(super) struct ScriptBatch<'a> {
    /// The callbacks, by their outputs.
    pub(super) outputs: Vec<&'a str>,
    /// How long the text of a request may become, in UTF-16 code units as the page counts.
    pub(super) characters: usize,
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
    /// Whether the answer depends on which components the call is about.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) pattern: bool,
    /// Outputs of the callback whose answers are shared, and of this one, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) rename: Vec<[String; 4]>,
}

/// A gate of a debounced input.
#[derive(Debug, Serialize)]
pub(super) struct ScriptGate {
    /// The name of its function, as in `_dash-dependencies`.
    pub(super) name: String,
    pub(super) carrier: String,
    /// In milliseconds.
    pub(super) wait: u64,
}
