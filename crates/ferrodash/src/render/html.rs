//! The HTML of tags.

use std::fmt::Write as _;

use serde::Serialize;

use crate::config::Attributes;

/// JSON in the page. `<` is escaped, so that no value ends the element.
pub(super) fn data_block(id: &str, value: &impl Serialize) -> String {
    let json = serde_json::to_string(value)
        .expect("text and numbers are JSON")
        .replace('<', "\\u003c");
    format!("<script id=\"{id}\" type=\"application/json\">{json}</script>")
}

pub(super) fn pairs(attributes: &Attributes) -> impl Iterator<Item = (&str, &str)> {
    attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

pub(super) fn tag<'a>(name: &str, attributes: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut tag = format!("<{name}");
    for (name, value) in attributes {
        let _ = write!(tag, " {name}=\"{}\"", escape(value));
    }
    tag.push('>');
    tag
}

pub(super) fn element<'a>(
    name: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    format!("{}</{name}>", tag(name, attributes.into_iter()))
}

pub(super) fn lines(tags: impl Iterator<Item = String>) -> String {
    tags.collect::<Vec<_>>().join("\n")
}

/// Names, unlike values, cannot be escaped.
pub(super) fn is_attribute_name(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'<>/=".contains(c))
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
