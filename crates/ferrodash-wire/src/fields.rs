//! A JSON object whose values stay text, and whose keys stay in their order.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON object whose values stay text.
///
/// A gateway reads some keys of what passes, changes some, and leaves all others as they are: also
/// those of versions of Dash that it does not know.
///
/// ```
/// use ferrodash_wire::Fields;
///
/// let mut fields: Fields<'_> = serde_json::from_str(r#"{"b": [1, 2], "a": "x"}"#)?;
/// assert_eq!(fields.text("a").as_deref(), Some("x"));
/// fields.set("a", serde_json::value::to_raw_value(&true)?);
/// assert_eq!(serde_json::to_string(&fields)?, r#"{"b":[1, 2],"a":true}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Fields<'a>(pub Vec<(Cow<'a, str>, Cow<'a, RawValue>)>);

impl<'a> Fields<'a> {
    /// Returns the text of a value.
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        let (_, value) = self.0.iter().find(|(known, _)| known == key)?;
        Some(value)
    }

    /// Reads a value. `None` if there is none or if it has another type.
    pub fn read<'b, T: Deserialize<'b>>(&'b self, key: &str) -> Option<T> {
        serde_json::from_str(self.get(key)?.get()).ok()
    }

    /// Reads a string.
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.read(key)
    }

    /// Returns whether a value is there and neither `null`, `false` nor empty.
    pub fn is_set(&self, key: &str) -> bool {
        let text = self.get(key).map(RawValue::get);
        text.is_some_and(|text| !matches!(text, "null" | "false" | "\"\"" | "[]" | "{}"))
    }

    /// Returns whether a key is there more than once. Readers of JSON differ in which value counts.
    pub fn has_duplicates(&self) -> bool {
        let mut keys = self.0.iter().enumerate();
        keys.any(|(place, (key, _))| self.0[..place].iter().any(|(other, _)| other == key))
    }

    /// Replaces the value of a key in its place, or adds it at the end.
    pub fn set(&mut self, key: &str, value: Box<RawValue>) {
        let value = Cow::Owned(value);
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((Cow::Owned(key.to_owned()), value)),
        }
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) -> Option<Cow<'a, RawValue>> {
        let place = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(place).1)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(8));
                while let Some(Name(name)) = map.next_key()? {
                    let value: &'de RawValue = map.next_value()?;
                    fields.push((name, Cow::Borrowed(value)));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A key, which is borrowed unless it has escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_stays_as_it_was() {
        for text in [
            "{}",
            r#"{"z":1,"a":[1, 2,  {"x":null}],"n":1.00,"big":123456789012345678901234567890}"#,
            r#"{"a":"line\nbreak","k\"ey":"\u00e9","a":2}"#,
        ] {
            let fields: Fields<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&fields).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "\"text\"", "null", "{\"a\":}", "{\"a\":1", "{1:2}"] {
            assert!(serde_json::from_str::<Fields<'_>>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_read_by_their_type() {
        let text = r#"{"a":"\u0061b","n":null,"f":false,"e":{},"t":[0]}"#;
        let fields: Fields<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(fields.text("a").as_deref(), Some("ab"));
        assert_eq!(fields.text("t"), None);
        let set = ["a", "n", "f", "e", "t", "x"].map(|key| fields.is_set(key));
        assert_eq!(set, [true, false, false, false, true, false]);
    }

    #[test]
    fn a_key_that_is_there_twice_is_noticed() {
        for (text, is_twice) in [
            (r#"{"a":1,"b":2}"#, false),
            (r#"{"a":1,"b":2,"a":1}"#, true),
            (r#"{"a":1,"\u0061":2}"#, true),
        ] {
            let fields: Fields<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(fields.has_duplicates(), is_twice, "{text}");
        }
    }
}
