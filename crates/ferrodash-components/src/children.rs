//! The content of components: text, numbers, components, and any sequence of these.
//!
//! [`IntoChildren`] turns everything that can be content into [`Children`], which is flat:
//! sequences within sequences become one list.

use std::borrow::Cow;
use std::iter::{Chain, Enumerate, Filter, FilterMap, FlatMap, Map, Rev, Take, Zip};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::Component;
use crate::value::Scalar;

/// The content of a component.
///
/// One item is written as it is, several as an array. Nested sequences are flattened, as the
/// renderer knows none.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Children {
    /// Nothing.
    #[default]
    None,
    /// One item.
    One(Child),
    /// Any number of items.
    Many(Vec<Child>),
}

/// One item of content.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Child {
    /// Text.
    Text(Cow<'static, str>),
    /// A number, shown as JavaScript shows it.
    Number(serde_json::Number),
    /// A component.
    Component(Component),
}

/// A type that can be the content of a component: strings, numbers, components and their builders,
/// `()`, `Option`, tuples of up to twelve, arrays, vectors and the usual iterators.
///
/// `()` and `None` are no content at all. Infinities and NaN become text.
///
/// ```
/// use ferrodash_components::{Children, IntoChildren, html};
///
/// let rows = vec![html::Li::new("UA"), html::Li::new("DL")];
/// let content: Children = ("Carriers", html::Ul::new(rows), None::<String>).into_children();
/// assert_eq!(content.items().len(), 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be inside a component",
    note = "text, numbers, components, options, tuples, arrays, vectors and iterators of \
            these can; for another iterator, `collect::<Vec<_>>()` first"
)]
pub trait IntoChildren {
    /// Turns the value into content.
    fn into_children(self) -> Children;
}

impl Children {
    /// Returns whether there is nothing. An empty list is something: it is written as `[]`.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Returns the items, none for [`Children::None`].
    pub fn items(&self) -> &[Child] {
        match self {
            Self::None => &[],
            Self::One(child) => std::slice::from_ref(child),
            Self::Many(children) => children,
        }
    }

    /// Returns the items that are components, without those inside of them.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.items().iter().filter_map(|child| match child {
            Child::Component(component) => Some(component),
            _ => None,
        })
    }

    /// Adds the items to a list.
    fn append_to(self, list: &mut Vec<Child>) {
        match self {
            Self::None => {}
            Self::One(child) => list.push(child),
            Self::Many(children) => list.extend(children),
        }
    }
}

/// Writes `null`, the item, or an array.
impl Serialize for Children {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_none(),
            Self::One(child) => child.serialize(serializer),
            Self::Many(children) => children.serialize(serializer),
        }
    }
}

/// Collects content into one flat list.
impl<T: IntoChildren> FromIterator<T> for Children {
    /// Makes one list of the content of all items, also of a single one.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Vec::new();
        for item in items {
            item.into_children().append_to(&mut list);
        }
        Self::Many(list)
    }
}

impl IntoChildren for Children {
    fn into_children(self) -> Children {
        self
    }
}

impl IntoChildren for Component {
    fn into_children(self) -> Children {
        Children::One(Child::Component(self))
    }
}

impl<T: IntoChildren> IntoChildren for Option<T> {
    fn into_children(self) -> Children {
        self.map_or(Children::None, IntoChildren::into_children)
    }
}

impl IntoChildren for () {
    fn into_children(self) -> Children {
        Children::None
    }
}

/// Lets a builder be a child of a component. For generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! children_from {
    ($builder:ty) => {
        impl $crate::IntoChildren for $builder {
            fn into_children(self) -> $crate::Children {
                $crate::IntoChildren::into_children($crate::Component::from(self))
            }
        }
        impl $crate::IntoProp for $builder {
            fn into_prop(self) -> $crate::Prop {
                $crate::IntoProp::into_prop($crate::Component::from(self))
            }
        }
        impl $crate::__private::serde::Serialize for $builder {
            fn serialize<S: $crate::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::__private::serde::Serialize::serialize(&self.0, serializer)
            }
        }
    };
}

macro_rules! text {
    ($($type:ty),*) => {$(
        impl IntoChildren for $type {
            fn into_children(self) -> Children {
                Children::One(Child::Text(self.into()))
            }
        }
    )*};
}
text!(&'static str, String, Cow<'static, str>);

macro_rules! number {
    ($($type:ty),*) => {$(
        impl IntoChildren for $type {
            fn into_children(self) -> Children {
                Children::One(Child::Number(self.into()))
            }
        }
    )*};
}
number!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

macro_rules! float {
    ($($type:ty),*) => {$(
        impl IntoChildren for $type {
            /// Infinities and NaN, which JSON has not, become text.
            fn into_children(self) -> Children {
                Children::One(match Scalar::into_json(self) {
                    Value::Number(number) => Child::Number(number),
                    _ => Child::Text(self.to_string().into()),
                })
            }
        }
    )*};
}
float!(f32, f64);

macro_rules! sequence {
    ($(<$($parameter:ident),* $(; const $size:ident)?> $type:ty),* $(,)?) => {$(
        impl<$($parameter,)* $(const $size: usize)?> IntoChildren for $type
        where
            $type: IntoIterator<Item: IntoChildren>,
        {
            fn into_children(self) -> Children {
                self.into_iter().collect()
            }
        }
    )*};
}
sequence!(
    <T> Vec<T>, <T; const N> [T; N], <T> std::vec::IntoIter<T>,
    <I, F> Map<I, F>, <I, F> Filter<I, F>, <I, F> FilterMap<I, F>,
    <A, B> Chain<A, B>, <I> Rev<I>, <I> Take<I>, <A, B> Zip<A, B>, <I> Enumerate<I>,
);

impl<I, U: IntoIterator, F> IntoChildren for FlatMap<I, U, F>
where
    FlatMap<I, U, F>: Iterator<Item: IntoChildren>,
{
    fn into_children(self) -> Children {
        self.collect()
    }
}

macro_rules! tuple {
    ($($item:ident),+) => {
        impl<$($item: IntoChildren),+> IntoChildren for ($($item,)+) {
            #[expect(non_snake_case, reason = "the items are named after their types")]
            fn into_children(self) -> Children {
                let ($($item,)+) = self;
                let mut list = Vec::new();
                $($item.into_children().append_to(&mut list);)+
                Children::Many(list)
            }
        }
    };
}
tuple!(A);
tuple!(A, B);
tuple!(A, B, C);
tuple!(A, B, C, D);
tuple!(A, B, C, D, E);
tuple!(A, B, C, D, E, F);
tuple!(A, B, C, D, E, F, G);
tuple!(A, B, C, D, E, F, G, H);
tuple!(A, B, C, D, E, F, G, H, I);
tuple!(A, B, C, D, E, F, G, H, I, J);
tuple!(A, B, C, D, E, F, G, H, I, J, K);
tuple!(A, B, C, D, E, F, G, H, I, J, K, L);
