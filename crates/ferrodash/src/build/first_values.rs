//! Checks the arguments of the calls that the page makes when it is loaded.
//!
//! Their values are known when the app is built: they are in the layout, or are defaults. A
//! function that cannot take them would fail for every user, so it is a mistake. Values that may be
//! others by then, such as those that a component sets itself, are left out.

use bytes::Bytes;
use ferrodash_components::Component;

use super::layout::Components;
use crate::callback::{ErasedHandler, InitialCall, Parameter, Property, Registered, Registry};
use crate::error::Mistake;

/// Properties that components of `dash_core_components` set themselves when they are shown.
const SET_BY_ITSELF: &[(&str, &[&str])] = &[
    (
        "Geolocation",
        &["local_date", "position", "position_error", "timestamp"],
    ),
    ("Graph", &["relayoutData"]),
    ("Location", &["hash", "href", "pathname", "search"]),
    ("RangeSlider", &["drag_value", "value"]),
    ("Slider", &["drag_value", "value"]),
    ("Store", &["data", "modified_timestamp"]),
    ("Tabs", &["value"]),
];

/// Adds a mistake for each argument that cannot be read from its value in the layout.
pub(super) fn check(registry: &Registry, components: &Components<'_>, mistakes: &mut Vec<Mistake>) {
    let called: Vec<&Registered> = registry
        .iter()
        .map(|registered| &**registered)
        .filter(|registered| registered.callback.spec.initial_call != InitialCall::Prevented)
        .collect();
    let outputs = called
        .iter()
        .flat_map(|registered| &registered.callback.spec.outputs);
    // A property that another callback writes when the page is loaded has that value in the call,
    // not the one of the layout.
    let written: Vec<&Property> = outputs.map(|output| &output.property).collect();
    for registered in called {
        if let Some(handler) = registered.callback.handler() {
            let values = first_values(registered, &written, components);
            check_callback(registered, handler, &values, mistakes);
        }
    }
}

/// Returns the values of all inputs, then all states; `None` where the page may have another one by
/// then.
fn first_values(
    registered: &Registered,
    written: &[&Property],
    components: &Components<'_>,
) -> Vec<Option<First>> {
    let spec = &registered.callback.spec;
    let properties = spec.properties().skip(spec.outputs.len());
    properties
        .enumerate()
        .map(|(index, property)| {
            if written.iter().any(|output| output.overlaps(property)) {
                return None;
            }
            first_value(registered, index, property, components)
        })
        .collect()
}

/// Reads each argument of a function from the first values, as its first call would.
fn check_callback(
    registered: &Registered,
    handler: &ErasedHandler,
    values: &[Option<First>],
    mistakes: &mut Vec<Mistake>,
) {
    let spec = &registered.callback.spec;
    let (parameters, inputs) = (spec.all_parameters(), spec.inputs.len());
    // The wrong number of arguments is a mistake of its own, found in `callback`.
    if handler.arguments() != parameters.len() {
        return;
    }
    let properties: Vec<&Property> = spec.properties().skip(spec.outputs.len()).collect();
    let text = |value: &Option<First>| value.as_ref().map(|value| value.text.clone());
    let texts: Vec<Bytes> = values
        .iter()
        .map(|value| text(value).unwrap_or_default())
        .collect();
    for (index, parameter) in parameters.iter().enumerate() {
        let mut fields = Vec::new();
        collect_fields(parameter, inputs, &mut fields);
        // A struct is read whole, so all of its fields must be known.
        let known = fields.iter().map(|field| values[*field].as_ref());
        let Some(known) = known.collect::<Option<Vec<_>>>() else {
            continue;
        };
        let value = parameter.value(&texts, inputs);
        let Some((wanted, error)) = handler.refuses(index, &value) else {
            continue;
        };
        let text = match (parameter, &known[..]) {
            (Parameter::Input(_) | Parameter::State(_), [value]) => {
                value.problem(properties[fields[0]], wanted, &error)
            }
            _ => problem_of_struct(wanted, &error),
        };
        mistakes.push(registered.callback.mistake(text));
    }
}

/// Adds the places of the inputs and states that an argument is made of, among all of them.
fn collect_fields(parameter: &Parameter, inputs: usize, fields: &mut Vec<usize>) {
    match parameter {
        Parameter::Input(index) => fields.push(*index),
        Parameter::State(index) => fields.push(inputs + index),
        Parameter::Struct(more) => more
            .iter()
            .for_each(|(_, field)| collect_fields(field, inputs, fields)),
    }
}

/// The mistake for a struct; a single field cannot be named, as serde reads the struct as a whole.
fn problem_of_struct(wanted: &str, error: &serde_json::Error) -> String {
    format!(
        "its function takes `{}`, which cannot be read from the values that the page is \
         loaded with: {error}; give the inputs and states of its fields a default, or \
         make a field an `Option` where the property is unset",
        short(wanted)
    )
}

/// The value of an input or state in the first call.
struct First {
    /// The JSON text, as the function would get it.
    text: Bytes,
    origin: Origin,
}

/// The origin of a first value, which decides what the message advises.
enum Origin {
    /// The property is unset, and there is no default.
    Unset,
    /// The property is unset, and the callback has a default.
    Default,
    /// The property is set in the layout.
    Layout,
}

/// Returns the value that the page has for a property when it is loaded; `None` if that is not
/// known.
///
/// It is not known for wildcards, for components that the layout does not have, for ids that
/// several pages share, and for properties that a component sets itself.
fn first_value(
    registered: &Registered,
    index: usize,
    property: &Property,
    components: &Components<'_>,
) -> Option<First> {
    if property.is_pattern() {
        return None;
    }
    let spec = &registered.callback.spec;
    let default = match spec.inputs.get(index) {
        Some(input) => &input.default,
        None => &spec.states[index - spec.inputs.len()].default,
    };
    // Pages that share an id can have different values for it.
    let [component] = &components.get(&property.id.to_string())?[..] else {
        return None;
    };
    match component.props().find(|(name, _)| *name == property.name) {
        _ if is_set_by_itself(component, &property.name) => None,
        Some((_, value)) => Some(First {
            text: serde_json::to_vec(value).ok()?.into(),
            origin: Origin::Layout,
        }),
        None => {
            let origin = if default.is_some() {
                Origin::Default
            } else {
                Origin::Unset
            };
            Some(First {
                text: registered.unset(index).clone(),
                origin,
            })
        }
    }
}

/// Returns whether a component may give the property a value before any callback is called.
/// Components of suites that are not Dash's own may.
fn is_set_by_itself(component: &Component, property: &str) -> bool {
    match component.namespace() {
        "dash_html_components" => false,
        "dash_core_components" => SET_BY_ITSELF
            .iter()
            .any(|(name, properties)| *name == component.name() && properties.contains(&property)),
        _ => true,
    }
}

impl First {
    /// The text of the mistake: the property, its value, the wanted type, and what to change.
    fn problem(&self, property: &Property, wanted: &str, error: &serde_json::Error) -> String {
        let (text, wanted) = (String::from_utf8_lossy(&self.text), short(wanted));
        let text: String = text.chars().take(60).collect();
        match self.origin {
            Origin::Unset => format!(
                "{property} is unset when the page is loaded, and its function takes \
                 `{wanted}`, which cannot be null; give it a default (`default = …` in \
                 the attribute, `default_value` in the builder), take an \
                 `Option<{wanted}>`, or set the property in the layout"
            ),
            Origin::Default => {
                format!(
                    "the default of {property} is {text}, which is no `{wanted}`, \
                     as its function takes: {error}"
                )
            }
            Origin::Layout => format!(
                "{property} is {text} in the layout, and its function takes `{wanted}`: \
                 {error}; change the value or the type"
            ),
        }
    }
}

/// Returns the name of a type without its modules: `Option<String>` for
/// `core::option::Option<alloc::string::String>`.
fn short(name: &str) -> String {
    let mut short = String::new();
    let mut word = String::new();
    for c in name.chars() {
        match c {
            ':' => word.clear(),
            // Also `{{closure}}`, which stands among the modules.
            c if c.is_alphanumeric() || "_{}".contains(c) => word.push(c),
            c => {
                short.push_str(&word);
                short.push(c);
                word.clear();
            }
        }
    }
    short + &word
}
