//! Values of the property `children`, as callbacks return them: lists within lists become one list, as in layouts.

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::{Child, Children, Prop};

impl Prop {
    /// The value as the property `children` can have it: one list in the place of lists within lists, which the renderer
    /// cannot show, and nothing for `null` in a list. [`IntoChildren`](crate::IntoChildren) does the same for layouts.
    #[must_use]
    pub fn flatten_children(self) -> Self {
        match self {
            Self::List(values) => {
                let mut list = Vec::with_capacity(values.len());
                values.into_iter().for_each(|value| append(value, &mut list));
                Self::List(list)
            }
            Self::Json(Value::Array(values)) if values.iter().any(|value| value.is_array() || value.is_null()) => {
                let mut list = Vec::with_capacity(values.len());
                values.into_iter().for_each(|value| append_json(value, &mut list));
                Self::Json(Value::Array(list))
            }
            Self::Raw(text) => match flat_text(&text) {
                Some(flat) => Self::Raw(flat),
                None => Self::Raw(text),
            },
            Self::NotFinite(number) => Self::Text(number.to_string().into()),
            other => other,
        }
    }
}

/// Adds the items of a value to a list.
fn append(value: Prop, list: &mut Vec<Prop>) {
    let one = |child: Child| Prop::Children(Children::One(child));
    match value.flatten_children() {
        Prop::List(values) => list.extend(values),
        Prop::Children(Children::None) | Prop::Json(Value::Null) => {}
        Prop::Children(Children::Many(children)) => list.extend(children.into_iter().map(one)),
        Prop::Json(Value::Array(values)) => list.extend(values.into_iter().map(Prop::Json)),
        Prop::Raw(text) if text.get() == "null" => {}
        Prop::Raw(text) => match items(&text) {
            Some(values) => list.extend(values.into_iter().map(|value| Prop::Raw(value.to_owned()))),
            None => list.push(Prop::Raw(text)),
        },
        other => list.push(other),
    }
}

fn append_json(value: Value, list: &mut Vec<Value>) {
    match value {
        Value::Null => {}
        Value::Array(values) => values.into_iter().for_each(|value| append_json(value, list)),
        other => list.push(other),
    }
}

/// A list that is text already, with the lists within it made part of it; `None` if there are none.
fn flat_text(text: &RawValue) -> Option<Box<RawValue>> {
    let list = items(text)?;
    let is_plain = |item: &&RawValue| item.get() != "null" && !item.get().starts_with('[');
    if list.iter().all(|item| is_plain(item)) {
        return None;
    }
    let mut flat = Vec::with_capacity(list.len());
    append_texts(list, &mut flat);
    // What was JSON is JSON.
    to_raw_value(&flat).ok()
}

fn append_texts<'a>(list: Vec<&'a RawValue>, flat: &mut Vec<&'a RawValue>) {
    for item in list {
        match items(item) {
            Some(inner) => append_texts(inner, flat),
            None if item.get() == "null" => {}
            None => flat.push(item),
        }
    }
}

/// The items of a list; `None` if it is none.
fn items(text: &RawValue) -> Option<Vec<&RawValue>> {
    if text.get().starts_with('[') { serde_json::from_str(text.get()).ok() } else { None }
}
