//! The cache key of one call.

use ferrodash_cache::Key;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use super::{Arguments, Context, Registered};

/// The key: the callback, the version of its function, its arguments, and what it varies by.
pub(crate) fn call_key(callback: &Registered, arguments: &Arguments, context: &Context) -> Key {
    let vary = if callback.vary.is_empty() { Vec::new() } else { context.values(&callback.vary) };
    Key::of(&callback.identity, &(Canonical(arguments), vary))
}

/// Arguments in a form in which equal values are equal bytes.
///
/// The JSON text of a scalar is that form already, as the browser writes a value always the same way; two texts of one
/// value (`1e2` and `100`) would only miss each other. Objects and arrays are read, so that the order of keys does not
/// count.
struct Canonical<'a>(&'a Arguments);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.values.len()))?;
        for text in &self.0.values {
            match text.first() {
                Some(b'{' | b'[') => match serde_json::from_slice::<serde_json::Value>(text) {
                    Ok(value) => sequence.serialize_element(&value)?,
                    Err(_) => sequence.serialize_element(&Raw(text))?,
                },
                _ => sequence.serialize_element(&Raw(text))?,
            }
        }
        sequence.end()
    }
}

struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
