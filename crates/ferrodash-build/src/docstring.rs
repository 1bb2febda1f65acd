//! Reads the docstrings of generated classes: the purpose of a component, and the type, default and
//! text of each property.
//!
//! A property is an entry `- name (type; optional): text`, the text on the same line or indented
//! below it. Classes of older generators have no types but these. Formatters indent the whole
//! docstring. What cannot be read is documentation without a type; nothing here fails.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::python::{Cursor, Expr};

/// The documentation of a property.
#[derive(Debug, Default)]
pub(crate) struct Documented {
    /// True if the entry says `required`.
    pub(crate) required: bool,
    /// The default in one line, as the docstring has it.
    pub(crate) default: Option<String>,
    pub(crate) text: String,
    /// Its type in the form of `metadata.json`.
    pub(crate) kind: Value,
}

/// The words of Dash's generator for components and the alternatives to them.
const NODE: &str = "a list of or a singular dash component, string or number";

/// Returns the description of the component, and the documentation of each property.
///
/// The map is by the name on the wire. It is empty if the docstring does not contain
/// `Keyword arguments:`, and an entry without an opening bracket is left out.
pub(crate) fn read(docstring: &str) -> (String, BTreeMap<String, Documented>) {
    let docstring = without_indentation(docstring);
    let (description, list) = docstring
        .split_once("Keyword arguments:")
        .unwrap_or((&docstring, ""));
    let mut props = BTreeMap::new();
    for entry in format!("\n{list}").split("\n- ").skip(1) {
        let Some((name, rest)) = entry.split_once(" (") else {
            continue;
        };
        props.insert(name.trim_end_matches(" |").to_owned(), read_entry(rest));
    }
    // The first line only names the class; some suites say no more.
    let more = description
        .trim()
        .split_once('\n')
        .map(|(_, more)| more)
        .filter(|more| more.trim().contains(' '));
    let described = more.unwrap_or_else(|| description.trim().lines().next().unwrap_or_default());
    (dedent(described), props)
}

/// Reads an entry after its name and the bracket: `string; optional): text`.
///
/// A default can itself have brackets and semicolons, so its end is looked for by what follows it.
/// An entry of another form is text without a type.
fn read_entry(rest: &str) -> Documented {
    let flag = ["optional)", "required)"]
        .iter()
        .filter_map(|flag| Some((rest.find(flag)?, *flag)))
        .min();
    let default = rest
        .find("; default ")
        .or_else(|| rest.starts_with("default ").then_some(0));
    let is_default = |at: usize| flag.is_none_or(|(flag, _)| at < flag);
    match (default, flag) {
        (Some(at), _) if is_default(at) => {
            // A default is source text: its bracket is closed at the end of a line or before a
            // colon.
            let ends = ["):\n", ")\n", "): "]
                .iter()
                .filter_map(|end| rest.find(end));
            let end = ends
                .min()
                .unwrap_or_else(|| rest.trim_end().trim_end_matches([')', ':']).len());
            let default = rest[at..end]
                .trim_start_matches("; ")
                .trim_start_matches("default ");
            let text = rest[end..].trim_start_matches([')', ':']);
            Documented {
                required: false,
                default: Some(default.split_whitespace().collect::<Vec<_>>().join(" ")),
                text: dedent(text),
                kind: described(&rest[..at]),
            }
        }
        (_, Some((at, flag))) => Documented {
            required: flag.starts_with("required"),
            default: None,
            text: dedent(rest[at + flag.len()..].trim_start_matches(':')),
            kind: described(rest[..at].trim_end().trim_end_matches(';')),
        },
        _ => Documented {
            text: dedent(rest),
            ..Documented::default()
        },
    }
}

/// Turns a type in Dash's words into the form of `metadata.json`; `null` if it says nothing.
///
/// ```text
/// string | list of numbers → {"name": "union", "value": [{"name": "string"},
///                              {"name": "arrayOf", "value": {"name": "number"}}]}
/// ```
fn described(text: &str) -> Value {
    let parts = alternatives(text.trim());
    match parts.as_slice() {
        [] => Value::Null,
        [only] => one(only),
        several => {
            json!({"name": "union", "value": several.iter().map(|part| one(part)).collect::<Vec<_>>()})
        }
    }
}

/// Turns a type without alternatives into the form of `metadata.json`.
///
/// Words that the generator does not write become `any`, which accepts every value. An enumeration
/// ends at the first value that cannot be read, and the values before it are kept.
fn one(text: &str) -> Value {
    if let Some(values) = text.strip_prefix("a value equal to: ") {
        let mut cursor = Cursor::new(values);
        let mut members = Vec::new();
        while let Ok(value) = cursor.expr() {
            members.push(json!({"value": literal(&value)}));
            if !cursor.take(",") {
                break;
            }
        }
        return json!({"name": "enum", "value": members});
    }
    if let Some(items) = text.strip_prefix("list of ") {
        // The plural's s comes after the item's own words.
        return match items.strip_suffix('s') {
            Some(item) => json!({"name": "arrayOf", "value": described(item)}),
            None => json!({"name": "array"}),
        };
    }
    if let Some(values) = text.strip_prefix("dict with strings as keys and values of type ") {
        return json!({"name": "objectOf", "value": described(values)});
    }
    json!({"name": match text {
        "string" | "str" => "string",
        "number" => "number",
        "boolean" | "bool" => "bool",
        "dict" => "object",
        "list" => "array",
        "dash component" => "element",
        NODE => "node",
        _ => "any",
    }})
}

/// Splits a type into its alternatives.
///
/// A bar between quotes is text, and one in a list's items belongs to them: in
/// `list of string | numbers` only the last word has the plural.
fn alternatives(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut quote = None;
    let mut part = String::new();
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            _ => {}
        }
        if c == '|' && quote.is_none() {
            parts.push(std::mem::take(&mut part).trim().to_owned());
        } else {
            part.push(c);
        }
    }
    parts.push(part.trim().to_owned());
    parts.retain(|part| !part.is_empty());
    let mut joined: Vec<String> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(open) if is_open(open) => *open = format!("{open} | {part}"),
            _ => joined.push(part),
        }
    }
    joined
}

/// Returns whether a list's items go on after a bar.
///
/// The generator puts the plural on the last alternative only, so `list of string` is not complete.
/// Everything after `values of type` belongs to the dictionary.
fn is_open(part: &str) -> bool {
    let is_list = part.starts_with("list of ") && !part.ends_with(['s', ']', '}']);
    is_list || part.starts_with("dict with strings as keys and values of type ")
}

/// Returns a value as JavaScript writes it.
///
/// Python's `True` and `False` become lower case. Everything else that is not a text or a number
/// becomes `null`, which `choice` in `metadata.rs` ignores.
pub(crate) fn literal(value: &Expr) -> String {
    match value {
        Expr::Text(text) => format!("'{text}'"),
        Expr::Number(number) => number.clone(),
        Expr::Name(name) if matches!(name.as_str(), "True" | "False" | "true" | "false") => {
            name.to_lowercase()
        }
        _ => "null".into(),
    }
}

/// Removes the indentation that a formatter gave to the docstring: as much as the headline of the
/// properties has.
///
/// A line that is indented less loses only what it has. Without a headline nothing is removed.
fn without_indentation(docstring: &str) -> String {
    let headline = docstring
        .lines()
        .find(|line| line.trim() == "Keyword arguments:")
        .unwrap_or_default();
    let width = headline.len() - headline.trim_start().len();
    let cut = |line: &str| {
        let blank = line.len() - line.trim_start().len();
        // White space can be a character of several bytes.
        line[line.floor_char_boundary(blank.min(width))..].to_owned()
    };
    docstring.lines().map(cut).collect::<Vec<_>>().join("\n")
}

/// Removes the indentation that all lines of a text after the first have in common. The first line
/// has none, as it follows the name.
fn dedent(text: &str) -> String {
    let text = text.trim_end();
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let (first, rest) = match text.strip_prefix('\n') {
        Some(rest) => ("", rest),
        None => text.split_once('\n').unwrap_or((text, "")),
    };
    let width = rest
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(indentation)
        .min()
        .unwrap_or(0);
    let rest = rest
        .lines()
        .map(|line| line.get(width..).unwrap_or_default().trim_end());
    let lines: Vec<&str> = std::iter::once(first.trim()).chain(rest).collect();
    lines.join("\n").trim().to_owned()
}
