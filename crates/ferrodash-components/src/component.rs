//! The one value that all builders make: a component with its properties.
//!
//! [`ComponentExt`] is what all builders share. Serializing is where values that JSON cannot
//! express are reported, so builders never fail.

use std::borrow::Cow;

use serde::Deserialize;
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeStruct, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Children, Id};

/// A component: where its constructor is found in the browser, and its properties.
///
/// It is made by the builders of a suite, or by [`Component::new`] for one that has no builder. It
/// serializes to Dash's JSON form, `{"props": …, "type": …, "namespace": …}`. If a property is
/// [`Prop::Invalid`], serializing fails with the names of the property and the component.
#[derive(Debug, Clone)]
#[must_use = "a component does nothing until it is part of a layout or an answer"]
pub struct Component {
    namespace: Cow<'static, str>,
    name: Cow<'static, str>,
    /// The properties, each name once. There are few, so a list is quicker than a map.
    props: Vec<(Cow<'static, str>, Prop)>,
}

/// The value of a property.
///
/// Text, ids and components have variants of their own, so that they need not be turned into JSON
/// before they are written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Prop {
    /// Text.
    Text(Cow<'static, str>),
    /// An id, text or pattern.
    Id(Id),
    /// Components and text.
    Children(Children),
    /// A list of values.
    List(Vec<Prop>),
    /// Anything else.
    Json(Value),
    /// Anything else, serialized already.
    Raw(Box<RawValue>),
    /// No value: `null`, and no item in a list of children.
    Nothing,
    /// Infinity or NaN, which JSON has not: `null`, and text where it is shown.
    NotFinite(f64),
    /// A value that JSON cannot express, with the reason; serializing the component reports it.
    Invalid(String),
}

impl Component {
    /// Creates a component without properties: `window[namespace][name]` in the browser.
    ///
    /// ```
    /// use ferrodash_components::{Component, ComponentExt};
    ///
    /// let led = Component::new("dash_daq", "LEDDisplay").prop("value", 42);
    /// assert_eq!((led.namespace(), led.name()), ("dash_daq", "LEDDisplay"));
    /// ```
    pub fn new(
        namespace: impl Into<Cow<'static, str>>,
        name: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            props: Vec::new(),
        }
    }

    /// Returns the name of the global JavaScript object that holds the component.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the component's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the properties, in the order in which they were first set.
    pub fn props(&self) -> impl Iterator<Item = (&str, &Prop)> {
        self.props
            .iter()
            .map(|(name, value)| (name.as_ref(), value))
    }

    /// Returns the component's id, if it has one.
    pub fn id(&self) -> Option<&Id> {
        self.props.iter().find_map(|(_, value)| match value {
            Prop::Id(id) => Some(id),
            _ => None,
        })
    }

    /// Sets a property; the last value wins. The name is not checked: a property that the component
    /// does not have is ignored in the browser.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: Prop) {
        let name = name.into();
        match self.props.iter_mut().find(|(known, _)| *known == name) {
            Some((_, slot)) => *slot = value,
            None => self.props.push((name, value)),
        }
    }

    /// Sets the children; no content at all leaves the property as it is.
    pub fn set_children(&mut self, children: Children) {
        if !children.is_empty() {
            self.set("children", Prop::Children(children));
        }
    }

    /// Calls `visit` for this component and every component in its properties, in the order of the
    /// page: children, and components inside lists and data.
    ///
    /// Components inside data are JSON; what is visited is made from it, and owned. Such components
    /// are found by their form, so data can also look like one.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(Cow<'a, Component>)) {
        visit(Cow::Borrowed(self));
        for (_, value) in &self.props {
            value.walk(visit);
        }
    }

    /// Returns the component that a JSON value describes, if it has the form of one.
    fn from_json(value: &Value) -> Option<Self> {
        let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut component = Self::new(text("namespace")?, text("type")?);
        for (name, value) in value.get("props")?.as_object()? {
            let id = (name == "id")
                .then(|| Id::deserialize(value).ok())
                .flatten();
            component.set(
                name.clone(),
                id.map_or_else(|| Prop::Json(value.clone()), Prop::Id),
            );
        }
        Some(component)
    }
}

impl Prop {
    /// Calls `visit` for every component inside the value.
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(Cow<'a, Component>)) {
        match self {
            Self::Children(children) => children
                .components()
                .for_each(|component| component.walk(visit)),
            Self::List(values) => values.iter().for_each(|value| value.walk(visit)),
            Self::Json(value) => walk_json(value, visit),
            // Data without the word has no component, and is not read.
            Self::Raw(raw) if raw.get().contains("\"namespace\"") => {
                if let Ok(value) = serde_json::from_str(raw.get()) {
                    walk_json(&value, visit);
                }
            }
            Self::Raw(_)
            | Self::Text(_)
            | Self::Id(_)
            | Self::Nothing
            | Self::NotFinite(_)
            | Self::Invalid(_) => {}
        }
    }
}

/// Calls `visit` for every component inside a JSON value.
fn walk_json<'a>(value: &Value, visit: &mut dyn FnMut(Cow<'a, Component>)) {
    if let Some(component) = Component::from_json(value) {
        visit(Cow::Owned(component));
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk_json(item, visit)),
        Value::Object(fields) => fields.values().for_each(|field| walk_json(field, visit)),
        _ => {}
    }
}

/// The methods that every builder has besides the properties of its component. Bring it into scope
/// to set ids and attributes.
pub trait ComponentExt: Into<Component> + Sized {
    /// Returns the component that is being built.
    fn component_mut(&mut self) -> &mut Component;

    /// Sets the id by which callbacks know the component: text, or a pattern such as
    /// `[("type", "row"), ("page", "home")]`.
    ///
    /// An id that the renderer cannot address, such as one with a dot, is reported when an app with
    /// it is built; see [`Id::problem`].
    #[must_use]
    fn id(mut self, id: impl Into<Id>) -> Self {
        self.component_mut().set("id", Prop::Id(id.into()));
        self
    }

    /// Sets a property by its name on the wire, for one that the builder does not have. A value
    /// that is not JSON is reported when the component is serialized.
    #[must_use]
    fn prop(mut self, name: impl Into<Cow<'static, str>>, value: impl Serialize) -> Self {
        self.component_mut().set(name, crate::value::json(value));
        self
    }

    /// Sets the attribute `data-<name>`. A value that is not JSON is reported when the component is
    /// serialized.
    #[must_use]
    fn data(self, name: &str, value: impl Serialize) -> Self {
        self.prop(format!("data-{name}"), value)
    }

    /// Sets the attribute `aria-<name>`. A value that is not JSON is reported when the component is
    /// serialized.
    #[must_use]
    fn aria(self, name: &str, value: impl Serialize) -> Self {
        self.prop(format!("aria-{name}"), value)
    }

    /// Ends the building and returns the component.
    fn into_component(self) -> Component {
        self.into()
    }
}

impl ComponentExt for Component {
    fn component_mut(&mut self) -> &mut Component {
        self
    }
}

impl From<&'static str> for Prop {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<bool> for Prop {
    fn from(value: bool) -> Self {
        Self::Json(value.into())
    }
}

impl From<Children> for Prop {
    fn from(children: Children) -> Self {
        Self::Children(children)
    }
}

/// Writes the component in Dash's form.
impl Serialize for Component {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Component", 3)?;
        object.serialize_field("props", &Props(self))?;
        object.serialize_field("type", &self.name)?;
        object.serialize_field("namespace", &self.namespace)?;
        object.end()
    }
}

/// The properties of a component, as an object.
struct Props<'a>(&'a Component);

impl Serialize for Props<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.props.len()))?;
        for (name, value) in &self.0.props {
            if let Prop::Invalid(reason) = value {
                let component = &self.0.name;
                return Err(S::Error::custom(format!(
                    "property {name:?} of {component}: {reason}"
                )));
            }
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

/// Writes the value; [`Prop::Invalid`] is an error with its reason.
impl Serialize for Prop {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Id(id) => id.serialize(serializer),
            Self::Children(children) => children.serialize(serializer),
            Self::List(values) => values.serialize(serializer),
            Self::Json(value) => value.serialize(serializer),
            Self::Raw(value) => value.serialize(serializer),
            Self::Nothing | Self::NotFinite(_) => serializer.serialize_unit(),
            Self::Invalid(reason) => Err(S::Error::custom(reason)),
        }
    }
}
