//! The cache key of one call.
//!
//! Two calls have one key only if their function cannot see a difference between them. Keys that
//! differ for equal calls only cost a run; the reverse would show one user the answer of another.

use bytes::Bytes;
use ferrodash_cache::Key;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use crate::callback::Context;
use crate::callback::run::call::is_read;

/// Makes the key: the callback, the version of its function, its arguments, the components that its
/// wildcards stand for, and what it varies by.
pub(crate) fn call_key(context: &Context) -> Key {
    let call = context.call();
    let callback = &call.callback;
    let vary = if callback.vary.is_empty() {
        Vec::new()
    } else {
        context.values(&callback.vary)
    };
    let arguments = Canonical(&call.values);
    match &call.ids {
        None => Key::of(&callback.identity, &(arguments, vary)),
        Some(ids) => Key::of(&callback.identity, &(arguments, vary, ids)),
    }
}

/// Arguments in a form in which equal values are equal bytes.
///
/// The JSON text of a scalar is that form already, as the browser writes a value always the same
/// way; two texts of one value (`1e2` and `100`) would only miss each other. Objects and arrays are
/// parsed, so that the order of keys does not count. A large one is taken as it was sent: a parsed
/// value takes many times the memory of its text, and a browser writes the same value the same way.
struct Canonical<'a>(&'a [Bytes]);

/// Texts that cannot be parsed are taken as bytes; the function will refuse them.
impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        for text in self.0 {
            let value = is_read(text).then(|| serde_json::from_slice::<serde_json::Value>(text));
            match value {
                Some(Ok(value)) => sequence.serialize_element(&value)?,
                Some(Err(_)) | None => sequence.serialize_element(&Raw(text))?,
            }
        }
        sequence.end()
    }
}

/// A text as bytes, which differs from a JSON value of the same text.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
