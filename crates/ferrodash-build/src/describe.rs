//! The documentation of a property's type: the keys of dictionaries, with their types and texts,
//! and the default.
//!
//! Classes of Python have these in their docstrings; for `metadata.json` they are written here, in
//! Markdown.

use serde_json::{Map, Value};

/// Limits, so that the documentation of a property stays readable: how deep dictionaries are
/// described, how many keys of one, and how many values of an enumeration are named.
const DEPTH: usize = 5;
const KEYS: usize = 80;
const VALUES: usize = 24;

/// The longest default that is shown whole, in characters.
const DEFAULT: usize = 160;

/// Returns the description of a property, and below it the keys of each dictionary that it can be:
///
/// ```text
/// The marks of the slider.
///
/// `marks` is a dict with keys:
///
/// - `label` (text; optional): What the mark says.
/// - `style` (dict; optional)
/// ```
///
/// A type without a dictionary of known keys leaves the description as it is.
pub(crate) fn with_keys(prop: &str, description: String, kind: &Value) -> String {
    let mut described = description;
    let mut intro = format!("`{prop}` is {} with keys:\n", phrase(kind));
    for shape in shapes(kind) {
        if !described.is_empty() {
            described.push_str("\n\n");
        }
        described.push_str(&intro);
        keys(&mut described, shape, 0);
        intro = "Or with keys:\n".into();
    }
    described
}

/// Returns a type that has a dictionary, in words and with an article: `a list of dicts`.
fn phrase(kind: &Value) -> String {
    let words = words(kind);
    let with_article = words.split(" or ").map(|word| match word {
        "dict" => "a dict",
        "list of dict" => "a list of dicts",
        "dict of dict" => "a dict of dicts",
        other => other,
    });
    with_article.collect::<Vec<_>>().join(" or ")
}

/// Returns the default of a property or a key, in one line, unless it is empty or null.
///
/// Reads `defaultValue.value` of react-docgen, which is JavaScript source. A default of more than
/// [`DEFAULT`] characters is cut and ends in an ellipsis.
pub(crate) fn default_of(value: &Value) -> Option<String> {
    let source = value.get("defaultValue")?.get("value")?;
    let source = source
        .as_str()
        .map_or_else(|| source.to_string(), str::to_owned);
    let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_nothing = matches!(
        source.as_str(),
        "" | "null" | "undefined" | "{}" | "[]" | "''" | "\"\""
    );
    (!is_nothing).then(|| match source.char_indices().nth(DEFAULT) {
        Some((end, _)) => format!("{}…", &source[..end]),
        None => source,
    })
}

/// Writes the keys of a dictionary as a list, with the dictionaries inside it as lists below. Keys
/// beyond the limit are only counted.
///
/// `depth` is the level of the list, from 0; below [`DEPTH`] levels nothing is written, which also
/// ends recursive shapes.
fn keys(text_of: &mut String, shape: &Map<String, Value>, depth: usize) {
    let margin = " ".repeat(depth * 2);
    for (index, (key, value)) in shape.iter().enumerate() {
        if index == KEYS {
            text_of.push_str(&format!("\n{margin}- … and {} more", shape.len() - KEYS));
            break;
        }
        // The field of a recursive shape has its type in a field of its own.
        let kind = value
            .get("type")
            .filter(|kind| kind.is_object())
            .unwrap_or(value);
        let words = words(kind);
        let needed = if value
            .get("required")
            .and_then(Value::as_bool)
            .unwrap_or(false)
        {
            "required"
        } else {
            "optional"
        };
        let flag = default_of(value).map_or_else(
            || needed.to_owned(),
            |default| format!("default `{default}`"),
        );
        let separator = if words.is_empty() { "" } else { "; " };
        text_of.push_str(&format!("\n{margin}- `{key}` ({words}{separator}{flag})"));
        let description = text(value, "description");
        if !description.is_empty() {
            // In one line: an empty one would end the list.
            text_of.push_str(&format!(
                ": {}",
                description.split_whitespace().collect::<Vec<_>>().join(" ")
            ));
        }
        if depth + 1 < DEPTH {
            for shape in shapes(kind) {
                keys(text_of, shape, depth + 1);
            }
        }
    }
}

/// Returns the dictionaries with known keys that a type is or contains.
///
/// Lists, dictionaries by any key and unions are searched through; dictionaries inside the fields
/// of one that is found are not, as [`keys`] descends into those.
fn shapes(kind: &Value) -> Vec<&Map<String, Value>> {
    let inner = kind.get("value").unwrap_or(&Value::Null);
    match name_of(kind) {
        "shape" | "exact" => inner
            .as_object()
            .filter(|shape| !shape.is_empty())
            .into_iter()
            .collect(),
        "arrayOf" | "objectOf" => shapes(inner),
        "union" => inner
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(shapes)
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns a type in words, such as `text or list of number`; nothing for a type that accepts
/// everything.
///
/// Shapes are only called `dict` here; their keys are listed by [`keys`]. Literals of a union are
/// joined into one enumeration and come first.
fn words(kind: &Value) -> String {
    let inner = kind.get("value").unwrap_or(&Value::Null);
    match name_of(kind) {
        "string" => "text".into(),
        "number" => "number".into(),
        "bool" => "boolean".into(),
        "node" | "element" => "components".into(),
        "array" => "list".into(),
        "object" | "shape" | "exact" => "dict".into(),
        "enum" => {
            let values = inner
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|member| member.get("value"));
            let values: Vec<String> = values
                .map(|value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                })
                .collect();
            one_of(&values)
        }
        "literal" => one_of(&[inner.to_string()]),
        "arrayOf" => match words(inner) {
            items if items.is_empty() => "list".into(),
            items => format!("list of {items}"),
        },
        "objectOf" => match words(inner) {
            values if values.is_empty() => "dict".into(),
            values => format!("dict of {values}"),
        },
        "union" => {
            let (mut members, mut literals) = (Vec::new(), Vec::new());
            for member in inner.as_array().into_iter().flatten() {
                match name_of(member) {
                    "literal" => {
                        literals.push(member.get("value").unwrap_or(&Value::Null).to_string())
                    }
                    _ => members.push(words(member)),
                }
            }
            if !literals.is_empty() {
                members.insert(0, one_of(&literals));
            }
            members.retain(|member| !member.is_empty());
            members.dedup();
            members.join(" or ")
        }
        _ => String::new(),
    }
}

/// Joins the values of an enumeration, each as code.
///
/// At most [`VALUES`] are named, and the number of the others follows them.
fn one_of(values: &[String]) -> String {
    let mut named: Vec<String> = values
        .iter()
        .take(VALUES)
        .map(|value| format!("`{}`", value.replace('`', "'")))
        .collect();
    if values.len() > VALUES {
        named.push(format!("{} more", values.len() - VALUES));
    }
    named.join(", ")
}

/// Returns the name of a type in react-docgen's form, or an empty text if it has none.
fn name_of(kind: &Value) -> &str {
    kind.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Returns a text of a JSON object, or an empty one.
///
/// White space around the text is removed. A value that is not a text counts as missing.
pub(crate) fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
