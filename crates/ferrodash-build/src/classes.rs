//! Reads the Python classes that `dash-generate-components` writes, for packages that have no
//! `metadata.json`.
//!
//! They are regular enough to be read without Python: a class of `Component` with a docstring that
//! lists the properties, its name, namespace and `_children_props`, and an `__init__` that sets
//! `_prop_names`. Types are those of `__init__`, or in classes of older generators those of the
//! docstring; they are turned into the form of `metadata.json`, so that all descriptions lead to
//! the same builders.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::docstring::{self, Documented, literal};
use crate::metadata::{prop_type, sort_props};
use crate::nodes::paths_of;
use crate::python::{Cursor, Expr};
use crate::{ComponentMeta, Error, PropMeta, Result};

/// A result whose error is a text; [`read_class`] adds the file.
type Read<T> = std::result::Result<T, String>;

/// Reads the component of one Python file; `None` if it has none.
///
/// `file` is for the message of an error. `namespace` is the one that the class must name as its
/// own, or empty for any.
///
/// # Errors
/// [`Error::Class`], with what was expected where.
pub fn read_class(source: &str, file: &str, namespace: &str) -> Result<Option<ComponentMeta>> {
    let Some((name, body)) = class_of(source) else {
        return Ok(None);
    };
    let component = read_body(name, body, namespace);
    component.map(Some).map_err(|detail| Error::Class {
        file: file.to_owned(),
        detail,
    })
}

/// Returns the namespace of the component in a Python file, if it has one.
///
/// Returns `None` also if the class cannot be read: a package may have other files that look like a
/// component, and the caller tries the next one.
pub(crate) fn namespace_of(source: &str) -> Option<String> {
    let (_, body) = class_of(source)?;
    attribute(body, "_namespace").ok()
}

/// Returns the names that a Python module exports: its `__all__`, where that is a list of texts,
/// and what it imports from modules of its own package.
pub(crate) fn exported(source: &str) -> Vec<String> {
    let mut names = texts_of(source, "__all__").unwrap_or_default();
    for import in source
        .split("\nfrom .")
        .skip(usize::from(!source.starts_with("from .")))
    {
        let Some((_, list)) = import.split_once(" import ") else {
            continue;
        };
        let list = match list.trim_start().strip_prefix('(') {
            Some(list) => list.split(')').next(),
            None => list.lines().next(),
        };
        for item in list.unwrap_or_default().split(',') {
            // `Deep as Shallow` is exported under its second name.
            let name = item
                .split_whitespace()
                .take_while(|word| !word.starts_with('#'))
                .last();
            names.extend(name.map(str::to_owned));
        }
    }
    names
}

/// Finds the component class in a file: its name, and the text after its first line. The first such
/// class counts.
fn class_of(source: &str) -> Option<(&str, &str)> {
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        start += line.len();
        let name = line
            .strip_prefix("class ")
            .and_then(|line| line.trim_end().strip_suffix("(Component):"));
        if let Some(name) = name {
            return Some((name, &source[start..]));
        }
    }
    None
}

/// Reads the text after the line `class Name(Component):`.
///
/// Names of properties are those of `_prop_names`; a type comes from `__init__` where it has one,
/// else from the docstring. Entries such as `data-*` are wildcards, not properties.
///
/// # Errors
/// What is missing or of another form, and a namespace that is not the wanted one.
fn read_body(class: &str, body: &str, namespace: &str) -> Read<ComponentMeta> {
    let mut cursor = Cursor::new(body);
    let (description, mut documented) = docstring::read(&cursor.text()?);
    let body = cursor.rest();
    let name = attribute(body, "_type").unwrap_or_else(|_| class.to_owned());
    let found = attribute(body, "_namespace")?;
    if !namespace.is_empty() && found != namespace {
        return Err(format!(
            "{name} is in the namespace {found:?}, and the manifest says {namespace:?}"
        ));
    }
    let names = texts_of(body, "self._prop_names")?;
    // Classes of older generators do not say which properties are components.
    let nodes = texts_of(body, "_base_nodes").unwrap_or_default();
    let annotations =
        annotations(body).map_err(|detail| format!("__init__ of {name}: {detail}"))?;
    let mut props = Vec::new();
    let mut children_props = Vec::new();
    for prop in names.iter().filter(|prop| !prop.ends_with("-*")) {
        let Documented {
            required,
            default,
            text,
            kind,
        } = documented.remove(prop).unwrap_or_default();
        let kind = match annotations.get(prop) {
            Some(annotation) => described(annotation),
            // Words of Python cannot be arguments of `__init__`, and old classes have no types.
            None if nodes.contains(prop) => json!({"name": "node"}),
            None => kind,
        };
        if prop != "children" {
            children_props.extend(paths_of(prop, &kind));
        }
        let kind = prop_type(prop, &kind);
        props.push(PropMeta {
            name: prop.clone(),
            description: text,
            kind,
            required,
            default,
        });
    }
    sort_props(&mut props);
    if body.contains("_children_props") {
        children_props = texts_of(body, "_children_props")?;
    }
    let wildcards = names.iter().any(|prop| prop.ends_with("-*"));
    Ok(ComponentMeta {
        name,
        description,
        props,
        children_props,
        wildcards,
    })
}

/// Reads a text that the class has as its own, or that older generators set in `__init__`.
///
/// If neither form can be read, the error is that of the first one, which is the form of current
/// generators.
fn attribute(body: &str, name: &str) -> Read<String> {
    text_of(body, name).or_else(|error| text_of(body, &format!("self.{name}")).map_err(|_| error))
}

/// Reads the value that a line gives to a name, with a type
/// (`_children_props: typing.List[str] = []`) or without.
///
/// The first such line counts. A mention of the name inside a line, such as in a comment or in
/// another name, is no assignment.
///
/// # Errors
/// If there is no such line, or the value is not one of the expressions of `python.rs`.
fn value_of(body: &str, name: &str) -> Read<Expr> {
    let assignments = body.match_indices(name).filter_map(|(at, _)| {
        let (before, after) = (&body[..at], &body[at + name.len()..]);
        let first = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .trim()
            .is_empty();
        let (head, value) = after.split_once('=').filter(|_| first)?;
        let is_type = head.starts_with(':') && !head.contains('\n');
        (head.trim().is_empty() || is_type).then_some(value)
    });
    let value = assignments
        .into_iter()
        .next()
        .ok_or_else(|| format!("`{name} = …` is missing"))?;
    Cursor::new(value)
        .expr()
        .map_err(|detail| format!("{name}: {detail}"))
}

/// Reads the value of a name that must be a text.
///
/// # Errors
/// Those of [`value_of`], and a value of another kind, which the message shows.
fn text_of(body: &str, name: &str) -> Read<String> {
    match value_of(body, name)? {
        Expr::Text(text) => Ok(text),
        other => Err(format!("{name} is {other:?}, not a text")),
    }
}

/// Reads the value of a name that must be a list of texts.
///
/// A tuple counts as a list.
///
/// # Errors
/// Those of [`value_of`], a value that is not a list, and the first item that is not a text.
fn texts_of(body: &str, name: &str) -> Read<Vec<String>> {
    let Expr::List(items) = value_of(body, name)? else {
        return Err(format!("{name} is not a list"));
    };
    let text = |item| match item {
        Expr::Text(text) => Ok(text),
        other => Err(format!("{name} has {other:?}, which is not a text")),
    };
    items.into_iter().map(text).collect()
}

/// Reads the types of the arguments of `__init__`, by their names. Arguments without a type are
/// left out.
///
/// Defaults are read and dropped; `*` and `**kwargs` have no type.
///
/// # Errors
/// A class without `__init__`, an argument without a name, or a type or default that is not one of
/// the expressions of `python.rs`.
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
            return Err(format!(
                "an argument was expected where it says {:?}",
                cursor.ahead()
            ));
        }
        if !cursor.take(",") {
            cursor.expect(")")?;
            break;
        }
    }
    Ok(found)
}

/// Returns a type in the form of `metadata.json`. A type that is not known accepts everything.
///
/// ```text
/// typing.Optional[typing.Sequence[str]] → {"name": "arrayOf", "value": {"name": "string"}}
/// ```
///
/// `None` is removed from a union, and `Optional` is the type inside it. The prefix of a module is
/// ignored, so `typing.Union` and `Union` are the same.
fn described(annotation: &Expr) -> Value {
    match annotation {
        Expr::Name(name) => json!({"name": match name.rsplit('.').next().unwrap_or_default() {
            "str" => "string",
            // `numbers.Number` is what generators before Dash 4 wrote beside `int` and `float`.
            "NumberType" | "Number" | "int" | "float" => "number",
            "bool" => "bool",
            "ComponentType" | "ComponentSingleType" | "Component" => "node",
            _ => "any",
        }}),
        Expr::Subscript(name, items) => match (
            name.rsplit('.').next().unwrap_or_default(),
            items.as_slice(),
        ) {
            ("Optional", [inner]) => described(inner),
            ("Sequence" | "List" | "list", [item]) => {
                json!({"name": "arrayOf", "value": described(item)})
            }
            ("Dict" | "dict", [_, value]) => json!({"name": "objectOf", "value": described(value)}),
            ("Union", members) => {
                let members = members
                    .iter()
                    .filter(|member| **member != Expr::Name("None".into()));
                match members.collect::<Vec<_>>().as_slice() {
                    [only] => described(only),
                    members => {
                        let members: Vec<_> = members
                            .iter()
                            .map(|annotation| member(annotation))
                            .collect();
                        json!({"name": "union", "value": members})
                    }
                }
            }
            ("Literal", values) => {
                let values: Vec<_> = values
                    .iter()
                    .map(|value| json!({"value": literal(value)}))
                    .collect();
                json!({"name": "enum", "value": values})
            }
            _ => json!({"name": "any"}),
        },
        // A text is the name of a dictionary's type.
        _ => json!({"name": "any"}),
    }
}

/// Returns a member of a union. `Literal` with one value is what the generator makes of a literal
/// in TypeScript.
fn member(annotation: &Expr) -> Value {
    match annotation {
        Expr::Subscript(name, values) if name.ends_with("Literal") => match values.as_slice() {
            [Expr::Text(text)] => json!({"name": "literal", "value": text}),
            _ => described(annotation),
        },
        other => described(other),
    }
}
