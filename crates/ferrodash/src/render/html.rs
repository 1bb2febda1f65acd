//! The HTML of tags. Everything that an app gives is escaped here, so that no value can end its
//! tag.

use std::fmt::Write as _;

use serde::Serialize;

use crate::config::Attributes;

/// Writes JSON as an element of the page. `<` is escaped, so that no value ends the element.
pub(super) fn data_block(id: &str, value: &impl Serialize) -> String {
    let json = serde_json::to_string(value)
        .expect("text and numbers are JSON")
        .replace('<', "\\u003c");
    format!("<script id=\"{id}\" type=\"application/json\">{json}</script>")
}

/// Borrows attributes as pairs, for [`tag`] and [`element`].
pub(super) fn pairs(attributes: &Attributes) -> impl Iterator<Item = (&str, &str)> {
    attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Writes an opening tag, with escaped values.
pub(super) fn tag<'a>(name: &str, attributes: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut tag = format!("<{name}");
    for (name, value) in attributes {
        let _ = write!(tag, " {name}=\"{}\"", escape(value));
    }
    tag.push('>');
    tag
}

/// Writes an empty element with its end tag.
pub(super) fn element<'a>(
    name: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    format!("{}</{name}>", tag(name, attributes.into_iter()))
}

pub(super) fn lines(tags: impl Iterator<Item = String>) -> String {
    tags.collect::<Vec<_>>().join("\n")
}

/// Returns whether a text can be the name of an attribute. Names, unlike values, cannot be escaped.
pub(super) fn is_attribute_name(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'<>/=".contains(c))
}

/// Escapes a text for an element or for a value in double quotes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
