//! Reads the Python classes that `dash-generate-components` writes, for packages that have no `metadata.json`.
//!
//! They are regular enough to be read without Python: a class of `Component` with a docstring that lists the
//! properties, `_type`, `_namespace` and `_children_props`, and an `__init__` with types that sets `_prop_names`. The
//! types are turned into the form of `metadata.json`, so that both descriptions lead to the same builders.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::metadata::{prop_type, sort_props};
use crate::python::{Cursor, Expr};
use crate::{ComponentMeta, Error, PropMeta, PropType, Result};

type Read<T> = std::result::Result<T, String>;

/// What the docstring says of a property.
#[derive(Default)]
struct Documented {
    required: bool,
    text: String,
}

/// Reads the component of one Python file; `None` if it has none. `file` is for the message of an error, `namespace` is
/// what the class must name as its own.
///
/// # Errors
/// [`Error::Class`], with what was expected where.
pub fn read_class(source: &str, file: &str, namespace: &str) -> Result<Option<ComponentMeta>> {
    let is_component = |line: &str| line.starts_with("class ") && line.trim_end().ends_with("(Component):");
    let Some(line) = source.split_inclusive('\n').find(|line| is_component(line)) else { return Ok(None) };
    let start = source.find(line).unwrap_or_default() + line.len();
    let component = read_body(&source[start..], namespace);
    component.map(Some).map_err(|detail| Error::Class { file: file.to_owned(), detail })
}

/// Reads what follows the line `class Name(Component):`.
fn read_body(body: &str, namespace: &str) -> Read<ComponentMeta> {
    let mut cursor = Cursor::new(body);
    let (description, mut documented) = split_docstring(&cursor.text()?);
    let body = cursor.rest();
    let name = text_of(body, "_type")?;
    let found = text_of(body, "_namespace")?;
    if found != namespace {
        return Err(format!("{name} is in the namespace {found:?}, and the manifest says {namespace:?}"));
    }
    let names = texts_of(body, "self._prop_names")?;
    // Classes of older generators do not say which properties are components.
    let nodes = texts_of(body, "_base_nodes").unwrap_or_default();
    let annotations = annotations(body).map_err(|detail| format!("__init__ of {name}: {detail}"))?;
    let mut props = Vec::new();
    for prop in names.iter().filter(|prop| !prop.ends_with("-*")) {
        let Documented { required, text } = documented.remove(prop).unwrap_or_default();
        let kind = match annotations.get(prop) {
            Some(annotation) => prop_type(prop, &described(annotation)),
            // Words of Python cannot be arguments of `__init__`, and old classes have no types.
            None if nodes.contains(prop) => PropType::Node,
            None => prop_type(prop, &Value::Null),
        };
        props.push(PropMeta { name: prop.clone(), description: text, kind, required });
    }
    sort_props(&mut props);
    let wildcards = names.iter().any(|prop| prop.ends_with("-*"));
    Ok(ComponentMeta { name, description, props, children_props: texts_of(body, "_children_props")?, wildcards })
}

/// The value that a line gives to a name, with a type (`_children_props: typing.List[str] = []`) or without.
fn value_of(body: &str, name: &str) -> Read<Expr> {
    let assignments = body.match_indices(name).filter_map(|(at, _)| {
        let (before, after) = (&body[..at], &body[at + name.len()..]);
        let first = before.rsplit('\n').next().unwrap_or_default().trim().is_empty();
        let (head, value) = after.split_once('=').filter(|_| first)?;
        let is_type = head.starts_with(':') && !head.contains('\n');
        (head.trim().is_empty() || is_type).then_some(value)
    });
    let value = assignments.into_iter().next().ok_or_else(|| format!("`{name} = …` is missing"))?;
    Cursor::new(value).expr().map_err(|detail| format!("{name}: {detail}"))
}

fn text_of(body: &str, name: &str) -> Read<String> {
    match value_of(body, name)? {
        Expr::Text(text) => Ok(text),
        other => Err(format!("{name} is {other:?}, not a text")),
    }
}

fn texts_of(body: &str, name: &str) -> Read<Vec<String>> {
    let Expr::List(items) = value_of(body, name)? else { return Err(format!("{name} is not a list")) };
    let text = |item| match item {
        Expr::Text(text) => Ok(text),
        other => Err(format!("{name} has {other:?}, which is not a text")),
    };
    items.into_iter().map(text).collect()
}

/// The types of the arguments of `__init__`, by their names.
fn annotations(body: &str) -> Read<BTreeMap<String, Expr>> {
    let (_, after) = body.split_once("def __init__(").ok_or("it is missing")?;
    let mut cursor = Cursor::new(after);
    let mut found = BTreeMap::new();
    while !cursor.take(")") {
        let stars = cursor.take("**") || cursor.take("*");
        if let Some(name) = cursor.name() {
            if cursor.take(":") {
                found.insert(name, cursor.expr()?);
            }
            if cursor.take("=") {
                cursor.expr()?;
            }
        } else if !stars {
            return Err(format!("an argument was expected where it says {:?}", cursor.ahead()));
        }
        if !cursor.take(",") {
            cursor.expect(")")?;
            break;
        }
    }
    Ok(found)
}

/// A type in the form of `metadata.json`.
fn described(annotation: &Expr) -> Value {
    match annotation {
        Expr::Name(name) => json!({"name": match name.as_str() {
            "str" => "string",
            "NumberType" | "int" | "float" => "number",
            "bool" => "bool",
            "ComponentType" | "ComponentSingleType" | "Component" => "node",
            _ => "any",
        }}),
        Expr::Subscript(name, items) => match (name.trim_start_matches("typing."), items.as_slice()) {
            ("Optional", [inner]) => described(inner),
            ("Sequence" | "List", [item]) => json!({"name": "arrayOf", "value": described(item)}),
            ("Union", members) => json!({"name": "union", "value": members.iter().map(member).collect::<Vec<_>>()}),
            ("Literal", values) => {
                let values: Vec<_> = values.iter().map(|value| json!({"value": literal(value)})).collect();
                json!({"name": "enum", "value": values})
            }
            _ => json!({"name": "any"}),
        },
        // A text is the name of a dictionary's type.
        _ => json!({"name": "any"}),
    }
}

/// A member of a union. `Literal` with one value is what a literal in TypeScript became.
fn member(annotation: &Expr) -> Value {
    match annotation {
        Expr::Subscript(name, values) if name.ends_with("Literal") => match values.as_slice() {
            [Expr::Text(text)] => json!({"name": "literal", "value": text}),
            _ => described(annotation),
        },
        other => described(other),
    }
}

/// A value as JavaScript writes it.
fn literal(value: &Expr) -> String {
    match value {
        Expr::Text(text) => format!("'{text}'"),
        Expr::Number(number) => number.clone(),
        Expr::Name(name) if matches!(name.as_str(), "True" | "False") => name.to_lowercase(),
        _ => "null".into(),
    }
}

/// The description of the component, and of each property: `- name (type; optional):` and indented lines.
fn split_docstring(docstring: &str) -> (String, BTreeMap<String, Documented>) {
    let (description, list) = docstring.split_once("Keyword arguments:").unwrap_or((docstring, ""));
    let mut props = BTreeMap::new();
    for entry in format!("\n{list}").split("\n- ").skip(1) {
        let Some((name, rest)) = entry.split_once(" (") else { continue };
        // The bracket of the type is closed at the end of a line, which need not be the first: defaults are source text.
        let ends = [rest.find("):\n"), rest.find(")\n")];
        let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
        let (kind, text) = rest.split_at(end);
        let text = text.trim_start_matches([')', ':']);
        let required = kind.trim_end_matches([')', ':']).ends_with("; required");
        props.insert(name.to_owned(), Documented { required, text: dedent(text) });
    }
    // The first line only names the class; some suites say no more.
    let more = description.trim().split_once('\n').map(|(_, more)| more).filter(|more| more.trim().contains(' '));
    let described = more.unwrap_or_else(|| description.trim().lines().next().unwrap_or_default());
    (dedent(described), props)
}

fn dedent(text: &str) -> String {
    text.trim().lines().map(str::trim).collect::<Vec<_>>().join("\n")
}
