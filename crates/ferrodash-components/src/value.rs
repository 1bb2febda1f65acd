//! The values that setters accept.
//!
//! Each trait is one set of JSON types, so that a value of another type does not compile. Generated
//! builders use them; an app rarely names one.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::Prop;

mod lists;

pub use lists::{Marks, OptionItem, OptionValue, Options};

/// Returns any value that serializes, as a property. What JSON cannot express is reported when the
/// component is serialized.
pub fn json(value: impl Serialize) -> Prop {
    match serde_json::to_value(value) {
        Ok(value) => Prop::Json(value),
        Err(error) => Prop::Invalid(error.to_string()),
    }
}

/// Returns a list of texts or numbers, as a property.
pub fn list<V: Scalar>(values: impl IntoIterator<Item = V>) -> Prop {
    Prop::Json(values.into_iter().map(Scalar::into_json).collect())
}

/// Returns a list of objects, as a property.
///
/// A list whose items are lists or tuples is reported when the component is serialized, as it does
/// not say which field each item is.
pub fn objects(value: impl Serialize) -> Prop {
    match json(value) {
        Prop::Json(Value::Array(items)) if items.iter().any(Value::is_array) => {
            let problem = "it is a list of objects, and an item is a list or a tuple; \
                           name its fields, as in a struct";
            Prop::Invalid(problem.into())
        }
        value => value,
    }
}

/// Any value that serializes: a `serde_json::Value`, a list, a type with `#[derive(Serialize)]`.
#[diagnostic::on_unimplemented(
    message = "this property takes what serializes (`serde::Serialize`), \
               which `{Self}` does not"
)]
pub trait Any: Serialize {}

impl<T: Serialize + ?Sized> Any for T {}

/// Text, a number, or true or false.
#[diagnostic::on_unimplemented(
    message = "this property takes text, a number or a boolean, not `{Self}`"
)]
pub trait Scalar {
    /// Returns the value as JSON. Infinities and NaN are `null`.
    fn into_json(self) -> Value;

    /// Returns the value as a property.
    fn into_prop(self) -> Prop
    where
        Self: Sized,
    {
        Prop::Json(self.into_json())
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident, $message:literal: $($type:ty),+;)*) => {$(
        $(#[$doc])*
        #[diagnostic::on_unimplemented(message = $message)]
        pub trait $name: Scalar {}
        $(impl $name for $type {})+
    )*};
}

kinds! {
    /// Text.
    Text, "this property takes text, not `{Self}`":
        &'static str, String, Cow<'static, str>;
    /// A number.
    Number, "this property takes a number, not `{Self}`":
        i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64;
    /// Text or a number.
    TextOrNumber, "this property takes text or a number, not `{Self}`":
        &'static str, String, Cow<'static, str>,
        i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64;
    /// Text, or true or false.
    TextOrBool, "this property takes text or a boolean, not `{Self}`":
        &'static str, String, Cow<'static, str>, bool;
    /// A number, or true or false.
    NumberOrBool, "this property takes a number or a boolean, not `{Self}`":
        bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64;
}

macro_rules! scalar {
    ($($type:ty),*) => {$(
        impl Scalar for $type {
            fn into_json(self) -> Value {
                self.into()
            }
        }
    )*};
}
scalar!(bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl Scalar for f32 {
    fn into_json(self) -> Value {
        shortest(self).into()
    }

    fn into_prop(self) -> Prop {
        shortest(self).into_prop()
    }
}

impl Scalar for f64 {
    fn into_json(self) -> Value {
        self.into()
    }

    fn into_prop(self) -> Prop {
        if self.is_finite() {
            Prop::Json(self.into())
        } else {
            Prop::NotFinite(self)
        }
    }
}

/// Returns the number that a person would write: 0.1, and not 0.10000000149011612, which is nearest
/// to it in 32 bits.
pub(crate) fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| number.into())
}

impl Scalar for &'static str {
    fn into_json(self) -> Value {
        self.into()
    }

    fn into_prop(self) -> Prop {
        Prop::Text(Cow::Borrowed(self))
    }
}

impl Scalar for String {
    fn into_json(self) -> Value {
        self.into()
    }

    fn into_prop(self) -> Prop {
        Prop::Text(Cow::Owned(self))
    }
}

impl Scalar for Cow<'static, str> {
    fn into_json(self) -> Value {
        self.into_owned().into()
    }

    fn into_prop(self) -> Prop {
        Prop::Text(self)
    }
}
