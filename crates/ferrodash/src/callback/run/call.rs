//! One call of a callback, as it was requested: the components it is about, and the values of its
//! arguments.
//!
//! Values stay JSON text until the function's types are known. What a context shows of a call
//! ([`Trigger`], [`Grouping`], [`Argument`]) is made from it on demand.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use ferrodash_components::{Id, IdValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::callback::describe::arguments::Parameter;
use crate::callback::{Property, Registered};

/// One call. Cloning shares the bytes of the values.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) callback: Arc<Registered>,
    /// The JSON texts of all inputs, then all states, in the order of their declaration; slices of
    /// the request's bytes where that is possible. A list of components has an array.
    pub(crate) values: Vec<Bytes>,
    /// The components that wildcards stand for; `None` for a callback without any.
    pub(crate) ids: Option<CallIds>,
    /// The inputs that triggered it; none for the call when the page is loaded.
    pub(crate) triggers: Vec<Trigger>,
}

/// The components of a call whose callback has wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CallIds {
    /// Those of the outputs, in their order.
    pub(crate) outputs: Vec<Ids>,
    /// Of all inputs, then all states.
    pub(crate) arguments: Vec<Ids>,
}

/// The component, or the components, that one dependency stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Ids {
    One(Id),
    Many(Vec<Id>),
}

/// A property whose change triggered the call, see
/// [`Context::triggered`](crate::Context::triggered).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trigger {
    /// The component's id.
    pub id: Id,
    /// The property.
    pub property: Cow<'static, str>,
    /// The JSON text of the new value.
    value: Option<Bytes>,
}

impl Trigger {
    pub(crate) fn new(id: Id, property: Cow<'static, str>, value: Option<Bytes>) -> Self {
        Self {
            id,
            property,
            value,
        }
    }

    /// Returns `id.property`, Dash's `prop_id`. A dictionary id is written as JSON, with its keys
    /// sorted.
    pub fn prop_id(&self) -> String {
        format!("{}.{}", self.id, self.property)
    }

    /// Reads the property's new value as `T`; an unset one is read as its declared default, or else
    /// as `null`.
    ///
    /// # Errors
    /// The error of serde, if the value is not a `T`.
    pub fn value<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(self.value.as_deref().unwrap_or(b"null"))
    }
}

/// An argument of a call as it was declared: a property of one component, of a list of components,
/// or a struct of these. Dash's `args_grouping` has the same shape.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grouping {
    /// One component's property.
    One(Argument),
    /// The same property of all components that an id with `ALL` or `ALLSMALLER` stands for.
    Many(Vec<Argument>),
    /// The fields of [`Args`](crate::Args), by name.
    Struct(Vec<(Cow<'static, str>, Grouping)>),
}

/// One component's property in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Argument {
    /// The component's id.
    pub id: Id,
    /// The property.
    pub property: Cow<'static, str>,
    /// True if its change is among what triggered the call.
    pub triggered: bool,
    /// The JSON text of the value.
    value: Bytes,
}

impl Argument {
    /// Returns the id as text; a dictionary id is written as the renderer writes it, as JSON with
    /// its keys sorted.
    pub fn str_id(&self) -> String {
        self.id.to_string()
    }

    /// Reads the property's value as `T`; an unset one is read as its declared default, or else as
    /// `null`.
    ///
    /// # Errors
    /// The error of serde, if the value is not a `T`.
    pub fn value<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.value)
    }
}

impl Grouping {
    /// Returns the argument, if it is one component's.
    pub fn one(&self) -> Option<&Argument> {
        match self {
            Self::One(argument) => Some(argument),
            _ => None,
        }
    }

    /// Returns the arguments: one, or those of the list. A struct has none itself.
    pub fn many(&self) -> &[Argument] {
        match self {
            Self::One(argument) => std::slice::from_ref(argument),
            Self::Many(arguments) => arguments,
            Self::Struct(_) => &[],
        }
    }

    /// Returns a field of a struct; `None` if there is no such field, or if this is no struct.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, field)| field),
            _ => None,
        }
    }
}

impl Call {
    /// Returns the same call with objects and arrays in the form in which the cache's key has them,
    /// so that a function never sees a difference between calls that share a key, such as the order
    /// of an object's keys.
    pub(crate) fn canonical(&self) -> Self {
        let mut call = self.clone();
        let values = call.values.iter_mut().chain(
            call.triggers
                .iter_mut()
                .filter_map(|trigger| trigger.value.as_mut()),
        );
        for text in values.filter(|text| is_read(text)) {
            if let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) {
                *text = value.to_string().into();
            }
        }
        call
    }

    /// Returns the JSON texts of the function's arguments.
    pub(crate) fn arguments(&self) -> Vec<Bytes> {
        let spec = &self.callback.callback.spec;
        match &spec.parameters {
            None => self.values.clone(),
            Some(parameters) => parameters
                .iter()
                .map(|it| it.value(&self.values, spec.inputs.len()))
                .collect(),
        }
    }

    /// Returns the components behind each of the function's arguments.
    pub(crate) fn args_grouping(&self) -> Vec<Grouping> {
        let spec = &self.callback.callback.spec;
        match &spec.parameters {
            None => (0..self.values.len())
                .map(|index| self.leaf(index))
                .collect(),
            Some(parameters) => parameters
                .iter()
                .map(|it| self.grouping(it, spec.inputs.len()))
                .collect(),
        }
    }

    /// The components behind one argument; `inputs` is the number of inputs.
    fn grouping(&self, parameter: &Parameter, inputs: usize) -> Grouping {
        match parameter {
            Parameter::Input(index) => self.leaf(*index),
            Parameter::State(index) => self.leaf(inputs + index),
            Parameter::Struct(fields) => Grouping::Struct(
                fields
                    .iter()
                    .map(|(name, field)| (name.clone(), self.grouping(field, inputs)))
                    .collect(),
            ),
        }
    }

    /// Returns the components behind each input.
    pub(crate) fn inputs_list(&self) -> Vec<Grouping> {
        (0..self.callback.callback.spec.inputs.len())
            .map(|index| self.leaf(index))
            .collect()
    }

    /// Returns the components behind each state.
    pub(crate) fn states_list(&self) -> Vec<Grouping> {
        (self.callback.callback.spec.inputs.len()..self.values.len())
            .map(|index| self.leaf(index))
            .collect()
    }

    /// The components of the input or state with this index, counted over both.
    ///
    /// States never count as triggers, even if an input with the same id and property triggered the
    /// call.
    fn leaf(&self, index: usize) -> Grouping {
        let spec = &self.callback.callback.spec;
        let property = match spec.inputs.get(index) {
            Some(input) => &input.property,
            None => &spec.states[index - spec.inputs.len()].property,
        };
        let triggers = self
            .triggers
            .iter()
            .filter(|trigger| trigger.property == property.name);
        let triggers: HashSet<&Id> = if index < spec.inputs.len() {
            triggers.map(|trigger| &trigger.id).collect()
        } else {
            HashSet::new()
        };
        let argument = |id: &Id, value: Bytes| {
            let triggered = triggers.contains(id);
            Argument {
                id: id.clone(),
                property: property.name.clone(),
                triggered,
                value,
            }
        };
        // A call of an `api_endpoint` has no properties.
        let value = self
            .values
            .get(index)
            .cloned()
            .unwrap_or(Bytes::from_static(b"null"));
        match self.ids.as_ref().map(|ids| &ids.arguments[index]) {
            None => Grouping::One(argument(&property.id, value)),
            Some(Ids::One(id)) => Grouping::One(argument(id, value)),
            Some(Ids::Many(ids)) => {
                let values: Vec<&RawValue> = serde_json::from_slice(&value).unwrap_or_default();
                let value = |text: &RawValue| Bytes::copy_from_slice(text.get().as_bytes());
                Grouping::Many(
                    ids.iter()
                        .zip(values)
                        .map(|(id, text)| argument(id, value(text)))
                        .collect(),
                )
            }
        }
    }

    /// Returns the declared outputs with the components that the call has for each. They have no
    /// values.
    pub(crate) fn outputs_grouping(&self) -> Vec<Grouping> {
        let outputs = self.callback.callback.spec.outputs.iter().enumerate();
        let argument = |id: &Id, property: &Property| Argument {
            id: id.clone(),
            property: property.name.clone(),
            triggered: false,
            value: Bytes::from_static(b"null"),
        };
        outputs
            .map(
                |(index, output)| match self.ids.as_ref().map(|ids| &ids.outputs[index]) {
                    None => Grouping::One(argument(&output.property.id, &output.property)),
                    Some(Ids::One(id)) => Grouping::One(argument(id, &output.property)),
                    Some(Ids::Many(ids)) => Grouping::Many(
                        ids.iter()
                            .map(|id| argument(id, &output.property))
                            .collect(),
                    ),
                },
            )
            .collect()
    }

    /// Returns the value that `MATCH` stands for at a key, from the outputs or else the inputs.
    pub(crate) fn matched(&self, key: &str) -> Option<&IdValue> {
        let ids = self.ids.as_ref()?;
        let spec = &self.callback.callback.spec;
        let outputs = spec
            .outputs
            .iter()
            .map(|output| &output.property)
            .zip(&ids.outputs);
        let inputs = spec
            .inputs
            .iter()
            .map(|input| &input.property)
            .zip(&ids.arguments);
        let (_, ids) = outputs
            .chain(inputs)
            .find(|(property, _)| property.match_keys().contains(&key))?;
        match ids {
            Ids::One(id) => id.get(key),
            Ids::Many(ids) => ids.first()?.get(key),
        }
    }
}

/// The size of the largest text, in bytes, that is parsed to be written in a canonical form.
const LARGEST: usize = 64 * 1024;

/// Returns whether a text can be written in more than one way and is small enough to be parsed.
pub(crate) fn is_read(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'{' | b'[')) && text.len() <= LARGEST
}
