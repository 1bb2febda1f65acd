//! Ids of components: text, or a dictionary.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};

use serde::{Serialize, Serializer};

/// The id of a component: text, or a dictionary of keys and values, as Dash's pattern-matching ids are.
///
/// [`Display`] writes the form in which the renderer names components: text as it is, a dictionary as JSON with its
/// keys sorted and without white space.
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
    /// Keys and values, sorted as JavaScript sorts strings.
    Keys(Vec<(String, IdValue)>),
}

/// A value in a dictionary id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum IdValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// Text.
    Text(String),
}

impl Id {
    /// What is wrong with the id, if anything: the renderer could not address it.
    pub fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Text(text) if text.is_empty() => Some("an id must not be empty"),
            Self::Text(text) if text.contains('.') => Some("an id must not contain a dot"),
            Self::Text(text) if text.starts_with('{') => Some("an id must not begin with a brace"),
            Self::Keys(keys) if keys.is_empty() => Some("an id must have at least one key"),
            Self::Keys(keys) if keys.windows(2).any(|pair| pair[0].0 == pair[1].0) => {
                Some("an id must not have a key twice")
            }
            _ => None,
        }
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Keys(keys) => {
                f.write_char('{')?;
                for (index, (key, value)) in keys.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{value}", serde_json::Value::from(key.as_str()))?;
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
            Self::Text(value) => write!(f, "{}", serde_json::Value::from(value.as_str())),
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Keys(keys) => serializer.collect_map(keys.iter().map(|(key, value)| (key, value))),
        }
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
        let mut keys: Vec<(String, IdValue)> = keys.into_iter().map(|(key, value)| (key.into(), value)).collect();
        // JavaScript orders strings by UTF-16 code units, which differs from UTF-8 beyond the basic plane.
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
