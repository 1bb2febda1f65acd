//! Ids of components: text, or a dictionary.
//!
//! How an id is written matters, as the renderer compares ids as text. Where ids with wildcards may
//! be used is checked by `ferrodash`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::{self, Display, Write as _};
use std::hash::{Hash, Hasher};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a component: text, or a dictionary of keys and values, as Dash's pattern-matching ids
/// are.
///
/// [`Display`] writes the form in which the renderer names components: text as it is, a dictionary
/// as JSON with its keys sorted and without white space. Any text can be made an id;
/// [`problem`](Self::problem) says whether the renderer can address it.
///
/// ```
/// use ferrodash_components::Id;
/// let id = Id::from([("type", "out".into()), ("index", 1.into())]);
/// assert_eq!(id.to_string(), r#"{"index":1,"type":"out"}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Id {
    /// Text.
    Text(Cow<'static, str>),
    /// Keys and values, sorted as JavaScript sorts strings. Conversions sort them; a variant that
    /// is written by hand must be sorted, or it equals no id of the page.
    Keys(Vec<(String, IdValue)>),
}

/// A value in a dictionary id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum IdValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A number with a fraction.
    Float(Float),
    /// Text.
    Text(String),
    /// In a callback's dependency, any value: [`MATCH`], [`ALL`] or [`ALLSMALLER`].
    Wildcard(Wildcard),
}

/// A finite number, equal to and ordered among others by its value. `IdValue::from` makes it of an
/// `f64` with a fraction.
#[derive(Debug, Clone, Copy)]
pub struct Float(f64);

impl Float {
    /// Returns the number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// The values that a wildcard in the id of a callback's dependency stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wildcard {
    /// One value, the same in all ids of the call.
    Match,
    /// Every value.
    All,
    /// Every value smaller than that of `Match` for the same key.
    AllSmaller,
}

/// A wildcard in the id of a callback's dependency: any one value. There is a call for each, with
/// the component of that value.
pub const MATCH: IdValue = IdValue::Wildcard(Wildcard::Match);

/// A wildcard in the id of a callback's dependency: all values. A call has the components of all of
/// them, in the order of the page.
pub const ALL: IdValue = IdValue::Wildcard(Wildcard::All);

/// A wildcard in the id of a callback's dependency: all values smaller than the one that [`MATCH`]
/// stands for in the outputs.
pub const ALLSMALLER: IdValue = IdValue::Wildcard(Wildcard::AllSmaller);

/// Makes a dictionary id, as Dash's pattern-matching ids are: `id!{ type: "row", index: 3 }`.
///
/// Keys are identifiers; values are text, numbers, booleans and wildcards.
///
/// ```
/// use ferrodash_components::{MATCH, id};
/// assert_eq!(id! { type: "row", index: 3 }.to_string(), r#"{"index":3,"type":"row"}"#);
/// let pattern = id! { type: "row", index: MATCH };
/// assert_eq!(pattern.to_string(), r#"{"index":["MATCH"],"type":"row"}"#);
/// ```
#[macro_export]
macro_rules! id {
    ($($key:ident : $value:expr),+ $(,)?) => {
        $crate::Id::from([$(
            // A raw identifier names the key without its `r#`.
            (
                ::core::stringify!($key).trim_start_matches("r#"),
                $crate::IdValue::from($value),
            )
        ),+])
    };
}

impl Id {
    /// Returns what is wrong with the id of a component, if the renderer could not address it: it
    /// is empty, has a dot, begins with a brace, has a wildcard, or a number beyond 2^53.
    pub fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Keys(keys)
                if keys
                    .iter()
                    .any(|(_, value)| matches!(value, IdValue::Wildcard(_))) =>
            {
                Some("wildcards are allowed only in the inputs, states and outputs of callbacks")
            }
            id => id.pattern_problem(),
        }
    }

    /// Returns what is wrong with the id in a callback's dependency, where it may have wildcards.
    pub fn pattern_problem(&self) -> Option<&'static str> {
        match self {
            Self::Text(text) if text.is_empty() => Some("an id must not be empty"),
            Self::Text(text) if text.contains('.') => Some("an id must not contain a dot"),
            Self::Text(text) if text.starts_with('{') => Some("an id must not begin with a brace"),
            Self::Keys(keys) if keys.iter().any(|(_, value)| value.is_beyond_the_browser()) => {
                Some("a number beyond 2^53 is another one in the browser; write it as text")
            }
            Self::Keys(keys) if keys.is_empty() => Some("an id must have at least one key"),
            Self::Keys(keys) if keys.windows(2).any(|pair| pair[0].0 == pair[1].0) => {
                Some("an id must not have a key twice")
            }
            _ => None,
        }
    }

    /// Returns the text, if the id is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Keys(_) => None,
        }
    }

    /// Returns the value of a key of a dictionary id.
    pub fn get(&self, key: &str) -> Option<&IdValue> {
        match self {
            Self::Text(_) => None,
            Self::Keys(keys) => keys
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, value)| value),
        }
    }

    /// Returns the wildcards in the id, with their keys.
    pub fn wildcards(&self) -> impl Iterator<Item = (&str, Wildcard)> {
        let keys = match self {
            Self::Text(_) => &[][..],
            Self::Keys(keys) => keys,
        };
        keys.iter().filter_map(|(key, value)| match value {
            IdValue::Wildcard(wildcard) => Some((key.as_str(), *wildcard)),
            _ => None,
        })
    }

    /// Returns whether this id, with its wildcards, can stand for `id`: the same keys, and the same
    /// values where there is no wildcard.
    ///
    /// The relation of several wildcards, such as [`ALLSMALLER`] to [`MATCH`], is not looked at.
    pub fn matches(&self, id: &Self) -> bool {
        match (self, id) {
            (Self::Keys(pattern), Self::Keys(keys)) => {
                pattern.len() == keys.len()
                    && pattern
                        .iter()
                        .zip(keys)
                        .all(|((name, wanted), (key, value))| {
                            name == key
                                && (wanted == value || matches!(wanted, IdValue::Wildcard(_)))
                        })
            }
            _ => self == id,
        }
    }
}

impl PartialEq<str> for Id {
    /// Returns whether it is this text id.
    fn eq(&self, text: &str) -> bool {
        matches!(self, Self::Text(id) if id == text)
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}

impl IdValue {
    /// Returns whether the browser, whose numbers have 53 bits, would not tell it from its
    /// neighbours.
    fn is_beyond_the_browser(&self) -> bool {
        const LARGEST: u64 = (1 << 53) - 1;
        matches!(self, Self::Number(number) if number.unsigned_abs() > LARGEST)
    }

    /// Returns the text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number, if it is a whole one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Writes the id as the renderer does; equal ids have equal texts.
impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Keys(keys) => {
                f.write_char('{')?;
                for (index, (key, value)) in keys.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(
                        f,
                        "{comma}{}:{value}",
                        serde_json::Value::from(key.as_str())
                    )?;
                }
                f.write_char('}')
            }
        }
    }
}

impl Display for IdValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{}", serde_json::Value::from(value.0)),
            Self::Text(value) => write!(f, "{}", serde_json::Value::from(value.as_str())),
            Self::Wildcard(wildcard) => write!(f, "[\"{}\"]", wildcard.name()),
        }
    }
}

impl Wildcard {
    /// Returns its name, as on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "MATCH",
            Self::All => "ALL",
            Self::AllSmaller => "ALLSMALLER",
        }
    }
}

/// Writes the id as a component has it: a text, or an object.
impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Keys(keys) => {
                serializer.collect_map(keys.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}

/// Writes the value; a wildcard is a list with its name.
impl Serialize for IdValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(value.0),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Wildcard(wildcard) => [wildcard.name()].serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    /// Reads the id of a component: text, or an object of texts, numbers and booleans. Wildcards
    /// cannot be read, as no component has one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

/// Reads an id without an intermediate JSON value: ids come from requests and may be large.
struct IdVisitor;

impl<'de> Visitor<'de> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id: text, or an object of texts, numbers and booleans")
    }

    fn visit_str<E>(self, text: &str) -> Result<Id, E> {
        Ok(Id::from(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Id, A::Error> {
        let mut keys = Vec::with_capacity(map.size_hint().unwrap_or(2));
        while let Some((key, ReadValue(value))) = map.next_entry()? {
            keys.push((key, value));
        }
        Ok(Id::sorted(keys))
    }
}

/// A value of an id as it is sent: never a wildcard, and nothing that could be nested.
struct ReadValue(IdValue);

impl<'de> Deserialize<'de> for ReadValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

/// Reads one value of a dictionary id.
struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = IdValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of a key in an id: a text, a number or a boolean")
    }

    fn visit_bool<E>(self, value: bool) -> Result<IdValue, E> {
        Ok(IdValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<IdValue, E> {
        Ok(IdValue::Number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<IdValue, E> {
        // Browsers have no such number; the nearest one that they have is what they would send.
        Ok(i64::try_from(value).map_or_else(|_| IdValue::from(value as f64), IdValue::Number))
    }

    fn visit_f64<E>(self, value: f64) -> Result<IdValue, E> {
        Ok(IdValue::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<IdValue, E> {
        Ok(IdValue::Text(value.to_owned()))
    }
}

impl From<&'static str> for Id {
    fn from(id: &'static str) -> Self {
        Self::Text(Cow::Borrowed(id))
    }
}

impl From<String> for Id {
    fn from(id: String) -> Self {
        Self::Text(Cow::Owned(id))
    }
}

impl<K: Into<String>, const N: usize> From<[(K, IdValue); N]> for Id {
    fn from(keys: [(K, IdValue); N]) -> Self {
        Self::sorted(
            keys.into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }
}

impl Id {
    /// Sorts the keys as JavaScript does: by UTF-16 code units, which differs from UTF-8 beyond the
    /// basic plane.
    fn sorted(mut keys: Vec<(String, IdValue)>) -> Self {
        keys.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        Self::Keys(keys)
    }
}

impl From<bool> for IdValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for IdValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for IdValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl From<$type> for IdValue {
            fn from(value: $type) -> Self {
                Self::Number(value.into())
            }
        }
    )*};
}
number!(i8, i16, i32, i64, u8, u16, u32);

impl From<f64> for IdValue {
    /// Converts a number as the browser has it: a whole one up to 2^53 is [`IdValue::Number`]. NaN
    /// and infinity, which JSON has not, count as 0.
    fn from(value: f64) -> Self {
        const LARGEST: f64 = 9_007_199_254_740_992.0;
        match value {
            value if !value.is_finite() => Self::Number(0),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole, and below 2^53"
            )]
            value if value.fract() == 0.0 && value.abs() <= LARGEST => Self::Number(value as i64),
            value => Self::Float(Float(value)),
        }
    }
}

macro_rules! wide_number {
    ($($type:ty),*) => {$(
        impl From<$type> for IdValue {
            /// Converts a number; one that does not fit is the nearest that does. The browser
            /// cannot tell numbers beyond 2^53 apart anyway, see [`Id::problem`].
            fn from(value: $type) -> Self {
                Self::Number(i64::try_from(value).unwrap_or(i64::MAX))
            }
        }
    )*};
}
wide_number!(usize, isize, u64);
