//! Lists that have several forms in Dash: the options of a list to choose from, and the marks of a
//! slider.
//!
//! The traits accept the forms that Rust's types can express; [`Json`] accepts the others without a
//! check.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::json;
use crate::{Json, Prop};

/// The options of a list to choose from: a list of values, of pairs of a value and its label, or a
/// map from values to labels.
///
/// ```
/// use ferrodash_components::dcc;
///
/// let _ = dcc::Dropdown::new().options(["Oslo", "Bergen"]);
/// let _ = dcc::Dropdown::new().options([(1, "Oslo"), (2, "Bergen")]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of options",
    label = "not the options of a list to choose from",
    note = "options are a list of values, such as [\"a\", \"b\"], a list of pairs of a \
            value and its label, such as [(1, \"one\")], or a map from values to labels; \
            wrap a list of structs with the fields `value` and `label` in `Json`"
)]
pub trait Options {
    /// Returns the options as a property.
    fn into_options(self) -> Prop;
}

impl<T: OptionItem> Options for Vec<T> {
    fn into_options(self) -> Prop {
        Prop::Json(self.into_iter().map(OptionItem::into_option).collect())
    }
}

impl<T: OptionItem, const N: usize> Options for [T; N] {
    fn into_options(self) -> Prop {
        Prop::Json(self.into_iter().map(OptionItem::into_option).collect())
    }
}

impl<'a, T> Options for &'a [T]
where
    &'a T: OptionItem,
{
    fn into_options(self) -> Prop {
        Prop::Json(self.iter().map(OptionItem::into_option).collect())
    }
}

/// One option: a value that is its own label, a pair of both, or an object.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an option of a list to choose from",
    label = "neither a value, nor a pair of a value and its label",
    note = "an option is text or a number, a pair of these, value and label, or a \
            `serde_json::Value`; wrap a list of structs with the fields `value` and \
            `label` in `Json`"
)]
pub trait OptionItem {
    /// Returns the option as JSON.
    fn into_option(self) -> Value;
}

impl OptionItem for &str {
    fn into_option(self) -> Value {
        self.into()
    }
}

/// An object, which is not checked.
impl OptionItem for Value {
    fn into_option(self) -> Value {
        self
    }
}

impl OptionItem for &Value {
    fn into_option(self) -> Value {
        self.clone()
    }
}

/// A pair of the value and its label.
impl<V: OptionValue, L: OptionValue> OptionItem for (V, L) {
    fn into_option(self) -> Value {
        json!({ "value": self.0.into_value(), "label": self.1.into_value() })
    }
}

impl<V: OptionValue + Clone, L: OptionValue + Clone> OptionItem for &(V, L) {
    fn into_option(self) -> Value {
        self.clone().into_option()
    }
}

/// The value or the label of an option: text, a number, or true or false.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a value nor a label of an option",
    label = "not text, a number, or a boolean"
)]
pub trait OptionValue {
    /// Returns the value as JSON.
    fn into_value(self) -> Value;
}

impl OptionValue for &str {
    fn into_value(self) -> Value {
        self.into()
    }
}

impl OptionValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

macro_rules! option_values {
    ($($type:ty),*) => {$(
        impl OptionValue for $type {
            fn into_value(self) -> Value {
                self.into()
            }
        }
        impl OptionValue for &$type {
            fn into_value(self) -> Value {
                self.clone().into()
            }
        }
        impl OptionItem for $type {
            fn into_option(self) -> Value {
                self.into_value()
            }
        }
        impl OptionItem for &$type {
            fn into_option(self) -> Value {
                self.into_value()
            }
        }
    )*};
}
option_values!(
    bool,
    String,
    Cow<'_, str>,
    i8,
    i16,
    i32,
    i64,
    isize,
    u8,
    u16,
    u32,
    u64,
    usize,
    f32,
    f64
);

/// The marks of a slider: their places, and their labels. `Value::Null` means no marks.
///
/// ```
/// use ferrodash_components::dcc;
///
/// let _ = dcc::Slider::new().min(0).max(10).marks([(0, "none"), (10, "all")]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the marks of a slider",
    label = "not pairs of a number and a label",
    note = "marks are a list of pairs of a number and its label, such as [(0, \
            \"none\")], a map from numbers to labels, or `Value::Null` for no marks; \
            wrap anything else that serializes in `Json`"
)]
pub trait Marks {
    /// Returns the marks as a property.
    fn into_marks(self) -> Prop;
}

impl<K: OptionValue, L: OptionValue> Marks for Vec<(K, L)> {
    fn into_marks(self) -> Prop {
        marks(self)
    }
}

impl<K: OptionValue, L: OptionValue, const N: usize> Marks for [(K, L); N] {
    fn into_marks(self) -> Prop {
        marks(self)
    }
}

/// Makes the object of marks, whose keys are numbers as text.
fn marks<K: OptionValue, L: OptionValue>(pairs: impl IntoIterator<Item = (K, L)>) -> Prop {
    let marks = pairs
        .into_iter()
        .map(|(at, label)| (key(&at.into_value()), label.into_value()));
    Prop::Json(Value::Object(marks.collect::<Map<_, _>>()))
}

/// Returns a number as JavaScript writes it: without a fraction if it has none.
fn key(at: &Value) -> String {
    match at {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .map_or_else(String::new, |number| number.to_string()),
        other => other.to_string(),
    }
}

/// Implements a trait for values that are written as they are.
macro_rules! as_json {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for Value {
            fn $method(self) -> Prop {
                Prop::Json(self)
            }
        }

        impl<T: Serialize> $trait for Json<T> {
            fn $method(self) -> Prop {
                json(self.0)
            }
        }

        impl<K: Serialize, V: Serialize> $trait for BTreeMap<K, V> {
            fn $method(self) -> Prop {
                json(self)
            }
        }

        impl<K: Serialize, V: Serialize, S> $trait for HashMap<K, V, S> {
            fn $method(self) -> Prop {
                json(self)
            }
        }

        impl<T: $trait> $trait for Option<T> {
            fn $method(self) -> Prop {
                self.map_or(Prop::Json(Value::Null), $trait::$method)
            }
        }

        impl<T: $trait + Clone> $trait for &T {
            fn $method(self) -> Prop {
                self.clone().$method()
            }
        }
    )*};
}
as_json!(Options into_options, Marks into_marks);
