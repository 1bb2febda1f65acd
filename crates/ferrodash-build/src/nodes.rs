//! The places in a component's properties that may contain further components, by the rules that
//! Dash's own generator has.
//!
//! The renderer turns only what is at these places into components.

use serde_json::{Map, Value};

/// Returns the paths below one property, in the renderer's notation: `.` descends into an object,
/// `[]` means each item of an array, `{}` each value of an object. `options[].label` means the
/// field `label` of each item of `options`.
pub(crate) fn paths_of(prop: &str, kind: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(kind, prop, &mut found);
    found
}

/// Adds the paths inside a type.
///
/// `kind` is a type in react-docgen's form and `path` the place where it is. A type that cannot
/// contain components adds nothing, and neither does one that is malformed.
fn collect(kind: &Value, path: &str, found: &mut Vec<String>) {
    let inner = kind.get("value").unwrap_or(&Value::Null);
    match name_of(kind) {
        "node" | "element" => push_new(found, path),
        "union" => inner
            .as_array()
            .into_iter()
            .flatten()
            .for_each(|member| collect(member, path, found)),
        "arrayOf" => collect_items(inner, path, found),
        "objectOf" => collect(inner, &format!("{path}{{}}"), found),
        "shape" | "exact" => {
            for (field, kind) in inner.as_object().unwrap_or(&Map::new()) {
                // The field of a recursive shape has its type in a field of its own.
                collect(
                    kind.get("type").unwrap_or(kind),
                    &format!("{path}.{field}"),
                    found,
                );
            }
        }
        _ => {}
    }
}

/// Adds the paths inside the items of an array.
///
/// The renderer looks at the items of a list of components by itself, also where a list is one of
/// several things that a property can be, so those have the path of the list.
fn collect_items(item: &Value, path: &str, found: &mut Vec<String>) {
    let below = format!("{path}[]");
    match name_of(item) {
        "node" | "element" => push_new(found, path),
        "union" => {
            for member in item
                .get("value")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                match name_of(member) {
                    "node" | "element" => push_new(found, path),
                    // An array in an array has no notation.
                    "arrayOf" => {}
                    _ => collect(member, &below, found),
                }
            }
        }
        "arrayOf" => {}
        _ => collect(item, &below, found),
    }
}

/// Returns the name of a type in react-docgen's form, such as `arrayOf`; an empty text if it has
/// none, which no rule matches.
fn name_of(kind: &Value) -> &str {
    kind.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Adds a path that is not there yet.
///
/// Several members of a union can lead to the same path; it is listed once.
fn push_new(found: &mut Vec<String>, path: &str) {
    if !found.iter().any(|known| known == path) {
        found.push(path.to_owned());
    }
}
