//! Keys: a canonical, typed encoding of a function's name and arguments, hashed with BLAKE3.
//!
//! The encoding is injective: every value begins with a tag for its type, text and bytes are
//! preceded by their length, and sequences end with a tag of their own. So `1`, `1.0`, `"1"` and
//! `true` are four keys, and no two argument lists can have the same encoding. Maps are written
//! with their entries sorted, so the order in which they were filled does not count.
//!
//! | Value | Encoding |
//! |---|---|
//! | `false`, `true` | `0`, `1` |
//! | integer | `u` and 16 bytes, or `i` and 16 bytes if it is negative |
//! | float | `f` and the 8 bytes of the `f64`; all NaNs are one |
//! | character | `c` and 4 bytes |
//! | text, bytes | `t` or `b`, the length in 8 bytes, the bytes |
//! | unit | `_` |
//! | option | `n`, or `s` and the value |
//! | sequence, tuple | `[`, the items, `]` |
//! | map, struct | `{`, the sorted entries, `]` |
//! | enum variant | `v`, the length and the name, the content |
//!
//! The encoding is part of the stored format: a change of it makes all stored entries unreachable.

use std::fmt::{self, Display};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::Selector;
use crate::error::debug_as_display;

/// The key of an entry: a 256-bit BLAKE3 hash of a name and typed arguments, with the function's
/// [`Selector`].
///
/// Two keys are equal if their hashes are.
///
/// - Integers of different types with the same value make the same key. A float is never equal to
///   an integer, and an `f32` counts as the `f64` of its value.
/// - A struct makes the same key as a map with the same names and values; the order of fields and
///   the name of the struct do not matter. A newtype makes the same key as its content.
/// - An enum variant is identified by its name.
/// - A `HashSet` serializes as a sequence in arbitrary order, so equal sets can make different
///   keys. Use a `BTreeSet`.
///
/// ```
/// use ferrodash_cache::Key;
///
/// assert_eq!(Key::of("rows", &("orders", 7_u8)), Key::of("rows", &("orders", 7_i64)));
/// assert_ne!(Key::of("rows", &("orders", 7)), Key::of("rows", &("orders", "7")));
/// ```
#[derive(Clone, Copy)]
pub struct Key {
    hash: [u8; 32],
    function: Selector,
}

impl Key {
    /// Creates the key of a call of `function` with `arguments`. Several arguments are passed as a
    /// tuple.
    ///
    /// # Panics
    /// If serializing the arguments fails; [`Key::try_of`] returns that error.
    pub fn of(function: &str, arguments: &(impl Serialize + ?Sized)) -> Self {
        match Self::try_of(function, arguments) {
            Ok(key) => key,
            Err(error) => panic!("the arguments of {function} cannot be a key: {error}"),
        }
    }

    /// Creates the key of a call of `function` with `arguments`. Several arguments are passed as a
    /// tuple.
    ///
    /// # Errors
    /// If the arguments' own `Serialize` fails.
    pub fn try_of(function: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Self, KeyError> {
        let (mut bytes, mut hasher) = (Vec::with_capacity(128), None);
        let mut encoder = Encoder {
            out: &mut bytes,
            hasher: Some(&mut hasher),
        };
        encoder.serialize_str(function)?;
        arguments.serialize(&mut encoder)?;
        let hash = match hasher {
            None => blake3::hash(&bytes),
            Some(mut hasher) => hasher.update(&bytes).finalize(),
        };
        Ok(Self {
            hash: *hash.as_bytes(),
            function: Selector::function(function),
        })
    }

    /// Creates a key from its bytes. It belongs to no function, so invalidations of a function do
    /// not reach its entry.
    pub fn from_bytes(hash: [u8; 32]) -> Self {
        Self {
            hash,
            function: Selector::ALL,
        }
    }

    /// Returns the 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Returns the selector of the function, or [`Selector::ALL`] if the function is not known.
    pub fn function(&self) -> Selector {
        self.function
    }

    /// Returns the selector of this key alone. Its mark ends copies of the entry in tiers before
    /// the one where it is removed.
    pub(crate) fn selector(&self) -> Selector {
        Selector::from_bytes(*self.hash.first_chunk().expect("32 bytes"))
    }
}

/// Compares the hashes. The function is part of what was hashed.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Any eight bytes of a digest are as good as all of them.
        state.write_u64(u64::from_le_bytes(
            *self.hash.first_chunk().expect("32 bytes"),
        ));
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl Display for Key {
    /// Writes the hash in lower-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.hash).to_hex())
    }
}

impl FromStr for Key {
    type Err = KeyError;

    /// Reads the hex that [`Display`] writes. The key's function is not known then.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let hash = blake3::Hash::from_hex(text)
            .map_err(|error| KeyError(format!("{text:?} is not a key: {error}")))?;
        Ok(Self::from_bytes(*hash.as_bytes()))
    }
}

/// The reason why arguments cannot be a key, as their `Serialize` reported it, or why a text is not
/// a key.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(String);

debug_as_display!(KeyError);

impl serde::ser::Error for KeyError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// The first byte of each encoded value, and the end of sequences and maps. The tags are distinct,
/// and none may change.
mod tag {
    pub(super) const FALSE: u8 = b'0';
    pub(super) const TRUE: u8 = b'1';
    pub(super) const UNSIGNED: u8 = b'u';
    pub(super) const NEGATIVE: u8 = b'i';
    pub(super) const FLOAT: u8 = b'f';
    pub(super) const CHAR: u8 = b'c';
    pub(super) const TEXT: u8 = b't';
    pub(super) const BYTES: u8 = b'b';
    pub(super) const UNIT: u8 = b'_';
    pub(super) const NONE: u8 = b'n';
    pub(super) const SOME: u8 = b's';
    pub(super) const SEQUENCE: u8 = b'[';
    pub(super) const MAP: u8 = b'{';
    pub(super) const VARIANT: u8 = b'v';
    pub(super) const END: u8 = b']';
}

/// Writes values in the canonical form.
struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    /// The hasher that takes the output when it becomes long. `None` for output that has to be
    /// sorted first.
    hasher: Option<&'a mut Option<blake3::Hasher>>,
}

/// Large arguments are hashed in pieces of this size, which fit in the processor's cache.
const PIECE: usize = 64 << 10;

impl Encoder<'_> {
    /// Hashes the output so far if it is long, and empties the buffer.
    fn spill(&mut self) {
        if self.out.len() >= PIECE
            && let Some(hasher) = &mut self.hasher
        {
            hasher.get_or_insert_default().update(self.out);
            self.out.clear();
        }
    }

    /// Writes bytes with their tag and their length.
    fn sized(&mut self, tag: u8, bytes: &[u8]) {
        self.out.push(tag);
        self.out
            .extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.out.extend_from_slice(bytes);
    }

    /// Writes the name of an enum variant. Its index is not written, so variants can be reordered.
    fn variant(&mut self, name: &str) {
        self.sized(tag::VARIANT, name.as_bytes());
    }
}

/// Methods for the smaller integers, which are written as the widest ones. So the type of a number
/// does not change the key.
macro_rules! integers {
    ($($method:ident: $type:ty => $wide:ident;)*) => {$(
        fn $method(self, value: $type) -> Result<(), KeyError> {
            self.$wide(value.into())
        }
    )*};
}

impl<'a, 'b> Serializer for &'b mut Encoder<'a> {
    type Ok = ();
    type Error = KeyError;
    type SerializeSeq = Sequence<'a, 'b>;
    type SerializeTuple = Sequence<'a, 'b>;
    type SerializeTupleStruct = Sequence<'a, 'b>;
    type SerializeTupleVariant = Sequence<'a, 'b>;
    type SerializeMap = Map<'a, 'b>;
    type SerializeStruct = Map<'a, 'b>;
    type SerializeStructVariant = Map<'a, 'b>;

    integers! {
        serialize_u8: u8 => serialize_u128;
        serialize_u16: u16 => serialize_u128;
        serialize_u32: u32 => serialize_u128;
        serialize_u64: u64 => serialize_u128;
        serialize_i8: i8 => serialize_i128;
        serialize_i16: i16 => serialize_i128;
        serialize_i32: i32 => serialize_i128;
        serialize_i64: i64 => serialize_i128;
    }

    fn serialize_u128(self, value: u128) -> Result<(), KeyError> {
        self.out.push(tag::UNSIGNED);
        self.out.extend(value.to_be_bytes());
        Ok(())
    }

    /// Writes numbers that are not negative in the form of `u128`, whatever their type.
    fn serialize_i128(self, value: i128) -> Result<(), KeyError> {
        match u128::try_from(value) {
            Ok(value) => self.serialize_u128(value),
            Err(_) => {
                self.out.push(tag::NEGATIVE);
                self.out.extend(value.to_be_bytes());
                Ok(())
            }
        }
    }

    fn serialize_bool(self, value: bool) -> Result<(), KeyError> {
        self.out.push(if value { tag::TRUE } else { tag::FALSE });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), KeyError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), KeyError> {
        // NaN has many bit patterns. All of them make one key.
        let value = if value.is_nan() { f64::NAN } else { value };
        let mut bytes = [tag::FLOAT; 1 + size_of::<u64>()];
        bytes[1..].copy_from_slice(&value.to_bits().to_be_bytes());
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), KeyError> {
        self.out.push(tag::CHAR);
        self.out.extend(u32::from(value).to_be_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), KeyError> {
        self.sized(tag::TEXT, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), KeyError> {
        self.sized(tag::BYTES, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), KeyError> {
        self.out.push(tag::NONE);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), KeyError> {
        self.out.push(tag::SOME);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), KeyError> {
        self.out.push(tag::UNIT);
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), KeyError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), KeyError> {
        self.variant(variant);
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), KeyError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), KeyError> {
        self.variant(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence<'a, 'b>, KeyError> {
        self.out.push(tag::SEQUENCE);
        Ok(Sequence { encoder: self })
    }

    fn serialize_tuple(self, _: usize) -> Result<Sequence<'a, 'b>, KeyError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Sequence<'a, 'b>, KeyError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Sequence<'a, 'b>, KeyError> {
        self.variant(variant);
        self.serialize_seq(None)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Map<'a, 'b>, KeyError> {
        Ok(Map {
            encoder: self,
            key: None,
            entries: Vec::new(),
        })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Map<'a, 'b>, KeyError> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Map<'a, 'b>, KeyError> {
        self.variant(variant);
        self.serialize_map(None)
    }
}

/// Writes the items of a sequence, a tuple or a tuple variant.
struct Sequence<'a, 'b> {
    encoder: &'b mut Encoder<'a>,
}

impl Sequence<'_, '_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), KeyError> {
        value.serialize(&mut *self.encoder)?;
        self.encoder.spill();
        Ok(())
    }

    fn close(self) -> Result<(), KeyError> {
        self.encoder.out.push(tag::END);
        Ok(())
    }
}

/// Implements the serde traits for sequences with the methods of [`Sequence`].
macro_rules! sequence {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for Sequence<'_, '_> {
            type Ok = ();
            type Error = KeyError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), KeyError> {
                self.item(value)
            }

            fn end(self) -> Result<(), KeyError> {
                self.close()
            }
        }
    )*};
}
sequence!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

/// Collects the entries of a map or a struct, which are encoded apart and sorted before they are
/// written.
struct Map<'a, 'b> {
    encoder: &'b mut Encoder<'a>,
    key: Option<Vec<u8>>,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Encodes a value on its own, without hashing it.
fn encoded<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, KeyError> {
    let mut out = Vec::new();
    value.serialize(&mut Encoder {
        out: &mut out,
        hasher: None,
    })?;
    Ok(out)
}

impl Map<'_, '_> {
    /// Sorts the entries by their encoded keys and writes them.
    fn close(mut self) -> Result<(), KeyError> {
        self.entries.sort_unstable();
        self.encoder.out.push(tag::MAP);
        for (key, value) in self.entries {
            self.encoder.out.extend(key);
            self.encoder.out.extend(value);
        }
        self.encoder.out.push(tag::END);
        Ok(())
    }
}

impl SerializeMap for Map<'_, '_> {
    type Ok = ();
    type Error = KeyError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), KeyError> {
        self.key = Some(encoded(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), KeyError> {
        let key = self
            .key
            .take()
            .ok_or_else(|| KeyError::custom("a map gave a value before its key"))?;
        self.entries.push((key, encoded(value)?));
        Ok(())
    }

    fn end(self) -> Result<(), KeyError> {
        self.close()
    }
}

/// Implements the serde traits for structs, whose fields are entries with text as the key.
macro_rules! structure {
    ($($trait:ident),*) => {$(
        impl $trait for Map<'_, '_> {
            type Ok = ();
            type Error = KeyError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), KeyError> {
                self.entries.push((encoded(name)?, encoded(value)?));
                Ok(())
            }

            fn end(self) -> Result<(), KeyError> {
                self.close()
            }
        }
    )*};
}
structure!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests;
