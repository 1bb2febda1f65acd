//! Values from addresses: variables of the path and of the query, as text or as types of the app.
//!
//! The reader for serde takes each variable as text and parses it by the type that is wanted, so
//! `u32` and `bool` work as fields.

use std::collections::HashMap;
use std::fmt::{self, Display};

use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::error::debug_as_display;

/// Named texts from an address: the variables of a path, or those of a query. They are in the order
/// of the address; a name of a query can have several values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(Vec<(String, Vec<String>)>);

impl Variables {
    /// Makes the variables of a path, each with one value.
    pub(crate) fn of_path(variables: Vec<(String, String)>) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name, vec![value]))
                .collect(),
        )
    }

    /// Parses a query, with or without its question mark. Names and values are decoded, empty
    /// values are kept.
    pub(crate) fn of_query(query: &str) -> Self {
        let mut variables = Self::default();
        let mut places = HashMap::new();
        let query = query.trim_start_matches('?');
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = *places.entry(name.clone()).or_insert_with(|| {
                variables.0.push((name.into_owned(), Vec::new()));
                variables.0.len() - 1
            });
            variables.0[place].1.push(value.into_owned());
        }
        variables
    }

    /// Returns the first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// Returns all values of a name, in their order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self
            .0
            .iter()
            .filter(move |(known, _)| known == name)
            .flat_map(|(_, values)| values);
        values.map(String::as_str)
    }

    /// Returns the names, each once, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads all variables as a struct with their names as fields.
    ///
    /// A field that is a list takes all values of its name; another one must be there once.
    /// Numbers, booleans and enumerations are parsed from their text. Names without a field are
    /// ignored.
    ///
    /// # Errors
    /// [`VariableError`] that names the variable which does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, VariableError> {
        let variables = self
            .0
            .iter()
            .map(|(name, values)| (name.as_str(), Variable { name, values }));
        T::deserialize(MapDeserializer::new(variables))
    }
}

/// A variable of an address that is not what the page takes.
///
/// With `?` in a function that returns `Result<_, NotFound>` it shows the page for paths that are
/// not found.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VariableError(String);

debug_as_display!(VariableError);

impl VariableError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl serde::de::Error for VariableError {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("{field:?} is missing"))
    }
}

/// The values of one name, as serde reads them.
#[derive(Clone, Copy)]
struct Variable<'a> {
    name: &'a str,
    values: &'a [String],
}

impl<'a> Variable<'a> {
    /// Returns the only value; several are an error.
    fn value(&self) -> Result<&'a str, VariableError> {
        match self.values {
            [value] => Ok(value),
            values => Err(VariableError(format!(
                "{:?} is there {} times",
                self.name,
                values.len()
            ))),
        }
    }

    /// Adds the name and the value to an error, unless it names the variable already.
    fn named<T>(&self, result: Result<T, VariableError>) -> Result<T, VariableError> {
        result.map_err(|VariableError(reason)| {
            // It names the variable already.
            if reason.starts_with('"') {
                return VariableError(reason);
            }
            let values = self.values.join(", ");
            VariableError(format!("{:?} is {values:?}: {reason}", self.name))
        })
    }
}

/// A variable is its own deserializer.
impl<'de> IntoDeserializer<'de, VariableError> for Variable<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, VariableError> {
            let value = self.value()?;
            let parsed = value.parse::<$type>().map_err(VariableError::custom);
            self.named(parsed.and_then(|value| visitor.$visit(value)))
        }
    )*};
}

/// Parses the text by the type that is asked for.
impl<'de> Deserializer<'de> for Variable<'de> {
    type Error = VariableError;

    parsed! {
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
        deserialize_f32 visit_f32 f32, deserialize_f64 visit_f64 f64,
        deserialize_char visit_char char,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, VariableError> {
        match self.values {
            [value] => self.named(visitor.visit_borrowed_str(value)),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, VariableError> {
        let value = self.value()?;
        self.named(visitor.visit_borrowed_str(value))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, VariableError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, VariableError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, VariableError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, VariableError> {
        let each = self.values.iter().map(|value| Variable {
            name: self.name,
            values: std::slice::from_ref(value),
        });
        self.named(visitor.visit_seq(SeqDeserializer::new(each)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, VariableError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, VariableError> {
        let value: StrDeserializer<'de, VariableError> = self.value()?.into_deserializer();
        self.named(visitor.visit_enum(value))
    }

    forward_to_deserialize_any! {
        bytes byte_buf unit unit_struct tuple_struct map struct identifier ignored_any
    }
}

/// Writes `name=value` pairs joined by `&`, for the log; they are not encoded again.
impl Display for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self
            .0
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
            .map(|(name, value)| format!("{name}={value}"));
        f.write_str(&pairs.collect::<Vec<_>>().join("&"))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Asset {
        id: u32,
        part: Part,
        #[serde(default)]
        tags: Vec<String>,
        factor: Option<f64>,
        on: Option<bool>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Part {
        Hr,
        Sales,
    }

    /// Answers of Python's `parse_qs` with blank values.
    #[test]
    fn queries_are_read_as_python_does() {
        for (query, expected) in [
            (
                "?a=1&b=2&b=3",
                vec![("a", vec!["1"]), ("b", vec!["2", "3"])],
            ),
            ("a", vec![("a", vec![""])]),
            ("=1", vec![("", vec!["1"])]),
            ("a=%zz", vec![("a", vec!["%zz"])]),
            ("a=1;b=2", vec![("a", vec!["1;b=2"])]),
            ("&&a=b=c", vec![("a", vec!["b=c"])]),
            ("%61=+%2B", vec![("a", vec![" +"])]),
            ("a=%ff", vec![("a", vec!["\u{fffd}"])]),
            ("", vec![]),
        ] {
            let read = Variables::of_query(query);
            let shown: Vec<(&str, Vec<&str>)> = read
                .names()
                .map(|name| (name, read.get_all(name).collect()))
                .collect();
            assert_eq!(shown, expected, "{query}");
        }
    }

    #[test]
    fn variables_become_types() {
        let read = |query: &str| Variables::of_query(query).read::<Asset>();
        let expected = Asset {
            id: 12,
            part: Part::Hr,
            tags: vec!["a".into(), "b".into()],
            factor: Some(0.5),
            on: Some(true),
        };
        assert_eq!(
            read("id=12&part=hr&tags=a&tags=b&factor=0.5&on=true&more=1"),
            Ok(expected)
        );
        let bare = Asset {
            id: 1,
            part: Part::Sales,
            tags: vec![],
            factor: None,
            on: None,
        };
        assert_eq!(read("id=1&part=sales"), Ok(bare));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = |query: &str| {
            Variables::of_query(query)
                .read::<Asset>()
                .expect_err("it does not fit")
                .to_string()
        };
        assert_eq!(
            text("id=x&part=hr"),
            "\"id\" is \"x\": invalid digit found in string"
        );
        assert_eq!(text("id=1&id=2&part=hr"), "\"id\" is there 2 times");
        assert_eq!(text("part=hr"), "\"id\" is missing");
        assert_eq!(
            text("id=1&part=it"),
            "\"part\" is \"it\": unknown variant `it`, expected `hr` or `sales`"
        );
    }
}
