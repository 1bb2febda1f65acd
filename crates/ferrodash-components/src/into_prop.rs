//! The values that a callback can return for a property.
//!
//! Setters of builders take narrower types (`value.rs`), as they know the property; a callback may
//! write any property, so here only what can be JSON counts.

use std::borrow::Cow;
use std::iter::{Chain, Filter, FilterMap, FlatMap, Map, Rev, Take};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::to_raw_value;

use crate::value::Scalar;
use crate::{Child, Children, Component, Prop, Style};

/// A value that can be written to a property.
///
/// | value | JSON |
/// |---|---|
/// | `&'static str`, `String`, `Cow<'static, str>` | text |
/// | `bool` and numbers | the same; infinities and NaN are `null` |
/// | components, their builders and [`Children`] | components |
/// | `serde_json::Value`, [`Json`] | as it serializes |
/// | [`Style`] | an object |
/// | `Option<T>`, `()` | `null` for `None` and `()` |
/// | `Vec`, arrays and the usual iterators | a list |
#[diagnostic::on_unimplemented(
    message = "a callback cannot write `{Self}` to a property",
    note = "text, numbers, booleans, components, `serde_json::Value`, and options and \
            lists of these can; wrap any other value that serializes in `Json`"
)]
pub trait IntoProp {
    /// Turns the value into that of a property. A value that JSON cannot express becomes
    /// [`Prop::Invalid`].
    fn into_prop(self) -> Prop;
}

/// Any value that serializes, as a property.
///
/// ```
/// use ferrodash_components::{IntoProp, Json};
/// #[derive(serde::Serialize)]
/// struct Row { carrier: &'static str, flights: u32 }
/// let data = Json([Row { carrier: "UA", flights: 58665 }]).into_prop();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A value that serde refuses becomes [`Prop::Invalid`], which makes the call fail.
impl<T: Serialize> IntoProp for Json<T> {
    /// Serializes the value at once and only once: the text is copied into the answer as it is.
    fn into_prop(self) -> Prop {
        match to_raw_value(&self.0) {
            Ok(value) => Prop::Raw(value),
            Err(error) => Prop::Invalid(error.to_string()),
        }
    }
}

impl IntoProp for Prop {
    fn into_prop(self) -> Prop {
        self
    }
}

impl IntoProp for Component {
    fn into_prop(self) -> Prop {
        Prop::Children(Children::One(Child::Component(self)))
    }
}

impl IntoProp for Children {
    fn into_prop(self) -> Prop {
        self.into()
    }
}

impl IntoProp for Value {
    fn into_prop(self) -> Prop {
        Prop::Json(self)
    }
}

impl IntoProp for Style {
    fn into_prop(self) -> Prop {
        self.into()
    }
}

/// `()` takes the property's value away.
impl IntoProp for () {
    /// `null`, which takes the property's value away.
    fn into_prop(self) -> Prop {
        Prop::Nothing
    }
}

impl<T: IntoProp> IntoProp for Option<T> {
    /// `None` is `null`.
    fn into_prop(self) -> Prop {
        self.map_or(Prop::Nothing, IntoProp::into_prop)
    }
}

// The sequences that can be inside a component.
macro_rules! sequence {
    ($(<$($parameter:ident),* $(; const $size:ident)?> $type:ty),* $(,)?) => {$(
        impl<$($parameter,)* $(const $size: usize)?> IntoProp for $type
        where
            $type: IntoIterator<Item: IntoProp>,
        {
            fn into_prop(self) -> Prop {
                Prop::List(self.into_iter().map(IntoProp::into_prop).collect())
            }
        }
    )*};
}
sequence!(
    <T> Vec<T>, <T; const N> [T; N], <T> std::vec::IntoIter<T>,
    <I, F> Map<I, F>, <I, F> Filter<I, F>, <I, F> FilterMap<I, F>,
    <A, B> Chain<A, B>, <I> Rev<I>, <I> Take<I>,
);

impl<I, U: IntoIterator, F> IntoProp for FlatMap<I, U, F>
where
    FlatMap<I, U, F>: Iterator<Item: IntoProp>,
{
    fn into_prop(self) -> Prop {
        Prop::List(self.map(IntoProp::into_prop).collect())
    }
}

#[cfg(feature = "plotly")]
impl IntoProp for plotly::Plot {
    fn into_prop(self) -> Prop {
        Json(self).into_prop()
    }
}

macro_rules! scalar {
    ($($type:ty),*) => {$(
        impl IntoProp for $type {
            fn into_prop(self) -> Prop {
                Scalar::into_prop(self)
            }
        }
    )*};
}
scalar!(
    &'static str,
    String,
    Cow<'static, str>,
    bool,
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
