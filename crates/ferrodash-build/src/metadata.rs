//! Reads `metadata.json`, the description of a suite's components that react-docgen writes.
//!
//! [`PropType`] is as much of a type as a builder needs; everything else is documentation.
//! Descriptions from Python classes are turned into the same form first (`classes.rs`).

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::flow::from_flow;
use crate::nodes::paths_of;
use crate::{Error, Result, describe};

/// A component: name, documentation, properties, and where they may contain further components.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentMeta {
    /// Name, as the browser knows it.
    pub name: String,
    /// Documentation.
    pub description: String,
    /// Properties: `children`, `id`, then by name; functions left out.
    pub props: Vec<PropMeta>,
    /// Paths of properties, other than `children`, that hold components (`label`,
    /// `options[].label`, …).
    pub children_props: Vec<String>,
    /// True if any `data-*` or `aria-*` property is accepted.
    pub wildcards: bool,
}

/// A property of a component.
#[derive(Debug, Clone, PartialEq)]
pub struct PropMeta {
    /// Name on the wire.
    pub name: String,
    /// Documentation.
    pub description: String,
    /// The values that it accepts.
    pub kind: PropType,
    /// True if the component needs it.
    pub required: bool,
    /// The value while it is not set, as the suite writes it in JavaScript.
    pub default: Option<String>,
}

/// The values that a property accepts, as far as a builder tells them apart.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PropType {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// Text or a number.
    TextOrNumber,
    /// Text, or true or false.
    TextOrBool,
    /// A number, or true or false.
    NumberOrBool,
    /// Text, a number, or true or false.
    Scalar,
    /// Components.
    Node,
    /// An id.
    Id,
    /// CSS properties by their names in JavaScript.
    Style,
    /// One of these texts.
    Choice(Vec<String>),
    /// A list of texts.
    TextList,
    /// A list of numbers.
    NumberList,
    /// A list of objects.
    ObjectList,
    /// The options of a list to choose from, as those of `dcc.Dropdown`.
    Options,
    /// The marks of a slider.
    Marks,
    /// Anything that JSON can express.
    Json,
}

/// Reads the components of one suite, in the order of their names. `file` is only for the message
/// of an error.
///
/// Properties that are functions are left out, as JSON has none.
///
/// # Errors
/// [`Error::Metadata`], naming component and property.
pub fn read_metadata(text: &str, file: &str) -> Result<Vec<ComponentMeta>> {
    let bad = |detail: String| Error::Metadata {
        file: file.to_owned(),
        detail,
    };
    let root: Value =
        serde_json::from_str(text).map_err(|error| bad(format!("not JSON ({error})")))?;
    let root = root
        .as_object()
        .ok_or_else(|| bad("the top level is not an object".into()))?;
    let components = root
        .iter()
        .map(|(path, value)| component(path, value).map_err(&bad));
    let mut components = components.collect::<Result<Vec<_>>>()?;
    components.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(components)
}

/// Reads one component; `path` is that of its source, from which its name follows.
///
/// Functions, symbols and instances of classes are left out, as JSON cannot express them. A
/// property without a type is left out, too.
fn component(path: &str, value: &Value) -> std::result::Result<ComponentMeta, String> {
    // The file's name up to its first dot; `displayName` is something else for some components.
    let name = path
        .rsplit('/')
        .next()
        .and_then(|file| file.split('.').next())
        .unwrap_or_default()
        .to_owned();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("{path:?} gives no component name"));
    }
    let described = value.get("props").and_then(Value::as_object);
    let described = described.ok_or_else(|| format!("component {name} has no \"props\" object"))?;
    let mut props = Vec::new();
    let mut children_props = Vec::new();
    for (prop, value) in described.iter().filter(|(prop, _)| !prop.ends_with("-*")) {
        let flow = || {
            value
                .get("flowType")
                .map(|kind| Cow::Owned(from_flow(kind)))
        };
        let Some(kind) = value.get("type").map(Cow::Borrowed).or_else(flow) else {
            continue;
        };
        let kind = kind.as_ref();
        let name_of = |kind: &Value| kind.get("name").and_then(Value::as_str).map(str::to_owned);
        let type_name =
            name_of(kind).ok_or_else(|| format!("{name}.{prop} has a type without a name"))?;
        if matches!(type_name.as_str(), "func" | "symbol" | "instanceOf") {
            continue;
        }
        if prop != "children" {
            children_props.extend(paths_of(prop, kind));
        }
        props.push(PropMeta {
            name: prop.clone(),
            description: describe::with_keys(prop, describe::text(value, "description"), kind),
            kind: prop_type(prop, kind),
            required: value
                .get("required")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            default: describe::default_of(value),
        });
    }
    sort_props(&mut props);
    let wildcards = described.keys().any(|prop| prop.ends_with("-*"));
    Ok(ComponentMeta {
        name,
        description: describe::text(value, "description"),
        props,
        children_props,
        wildcards,
    })
}

/// Sorts properties: `children`, `id`, then by name.
pub(crate) fn sort_props(props: &mut [PropMeta]) {
    let rank = |prop: &PropMeta| match prop.name.as_str() {
        "children" => 0,
        "id" => 1,
        _ => 2,
    };
    props.sort_by(|a, b| (rank(a), &a.name).cmp(&(rank(b), &b.name)));
}

/// Returns the values that a property accepts, by its name and its type in react-docgen's form.
///
/// `id` and `style` have their own types in every suite, whatever the description says. Items and
/// members are read with an empty `prop`, so that the rule for these names holds for properties
/// only. A type that is not known accepts any JSON.
pub(crate) fn prop_type(prop: &str, kind: &Value) -> PropType {
    match prop {
        "id" => return PropType::Id,
        "style" => return PropType::Style,
        _ => {}
    }
    match kind.get("name").and_then(Value::as_str).unwrap_or_default() {
        "string" => PropType::Text,
        "number" => PropType::Number,
        "bool" => PropType::Bool,
        "node" | "element" => PropType::Node,
        "enum" => choice(kind),
        "union" => union(prop, kind),
        "arrayOf" => match kind.get("value").map(|item| prop_type("", item)) {
            Some(PropType::Text) => PropType::TextList,
            Some(PropType::Number) => PropType::NumberList,
            _ => match kind.pointer("/value/name").and_then(Value::as_str) {
                Some("shape" | "exact" | "objectOf") => PropType::ObjectList,
                _ => PropType::Json,
            },
        },
        _ => PropType::Json,
    }
}

/// Returns the type of an enumeration. Its members are JavaScript source: `'a'`, `true`, `1`,
/// `null`.
///
/// Only texts make an enumeration in Rust; texts and booleans, numbers, or booleans alone are the
/// types that accept them.
///
/// Texts and numbers together make any JSON. Members without a value are ignored.
fn choice(kind: &Value) -> PropType {
    let members = kind
        .get("value")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let sources = members
        .filter_map(|member| member.get("value"))
        .filter(|value| !value.is_null());
    let sources: Vec<String> = sources
        .map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
        .collect();
    let quoted = |source: &String| source.trim_matches(['\'', '"']).len() + 2 == source.len();
    let choices: Vec<String> = sources
        .iter()
        .filter(|source| quoted(source))
        .map(|s| unquote(s))
        .collect();
    let booleans = sources
        .iter()
        .any(|source| matches!(source.as_str(), "true" | "false"));
    let numbers = sources.iter().any(|source| source.parse::<f64>().is_ok());
    match (choices.is_empty(), booleans, numbers) {
        (false, false, false) => PropType::Choice(choices),
        (false, true, false) => PropType::TextOrBool,
        (true, false, true) => PropType::Number,
        (true, true, false) => PropType::Bool,
        _ => PropType::Json,
    }
}

/// Removes the quotes of a text in JavaScript.
///
/// `source` must begin and end with a quote; escapes inside are kept as they are.
fn unquote(source: &str) -> String {
    source[1..source.len() - 1].to_owned()
}

/// Returns the type of a union: one with a name of its own if its members are of few kinds, else
/// any JSON.
///
/// ```text
/// string, number → TextOrNumber      node, string → Node      string, shape → Json
/// ```
///
/// `prop` is the name of the property, which HTML uses as another spelling of `true`; see
/// [`is_alias`]. A union of one member is that member.
fn union(prop: &str, kind: &Value) -> PropType {
    let members: Vec<&Value> = kind
        .get("value")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    if let [only] = members.as_slice() {
        return prop_type("", only);
    }
    let has_nodes = members
        .iter()
        .any(|member| prop_type("", member) == PropType::Node);
    let mut kinds = BTreeSet::new();
    for member in &members {
        kinds.insert(
            match member
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
            {
                "string" => "text",
                "number" => "number",
                "bool" => "bool",
                "node" | "element" => "node",
                // What takes a component or several of them takes children.
                "arrayOf" if has_nodes && is_list_of_nodes(member) => "node",
                "literal" => match member.get("value") {
                    Some(Value::Bool(_)) => "bool",
                    Some(Value::Number(_)) => "number",
                    Some(Value::String(text)) if is_alias(text, prop) => "bool",
                    _ => "text",
                },
                "enum" => match choice(member) {
                    PropType::Choice(choices)
                        if choices.iter().all(|text| is_alias(text, prop)) =>
                    {
                        "bool"
                    }
                    PropType::Choice(_) => "text",
                    _ => "json",
                },
                _ => "json",
            },
        );
    }
    let kinds: Vec<&str> = kinds.into_iter().collect();
    match kinds.as_slice() {
        ["text"] => PropType::Text,
        ["number"] => PropType::Number,
        ["bool"] => PropType::Bool,
        ["node"] | ["node", "text"] | ["node", "number"] | ["node", "number", "text"] => {
            PropType::Node
        }
        ["number", "text"] => PropType::TextOrNumber,
        ["bool", "text"] => PropType::TextOrBool,
        ["bool", "number"] => PropType::NumberOrBool,
        ["bool", "number", "text"] => PropType::Scalar,
        _ => PropType::Json,
    }
}

/// Returns whether the items of an `arrayOf` are components, alone or with texts and numbers, as
/// `children` accepts them.
fn is_list_of_nodes(kind: &Value) -> bool {
    kind.get("value")
        .is_some_and(|item| prop_type("", item) == PropType::Node)
}

/// Returns whether a text is another spelling of `true`: HTML's boolean attributes list their own
/// name as one.
fn is_alias(text: &str, prop: &str) -> bool {
    text.eq_ignore_ascii_case(prop) || matches!(text, "true" | "false")
}
