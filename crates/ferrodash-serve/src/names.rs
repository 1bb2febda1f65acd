//! The names of those for whom an answer was made, and of what can be invalidated, as pages know
//! them.
//!
//! A page that keeps answers cannot read sessions or users. It learns the name of each scope, which
//! is another one as soon as somebody else uses the browser, and keeps answers under it. The names
//! are keyed hashes, so they say nothing about the values.

use ferrodash_cache::Selector;

/// Names of scopes and of what can be invalidated.
#[derive(Clone)]
pub struct Names {
    key: [u8; blake3::KEY_LEN],
}

impl Names {
    /// Creates the names. Processes with the same secret, or without one the same build, give the
    /// same names.
    pub fn new(secret: Option<&str>, build: &str) -> Self {
        let material = secret.unwrap_or(build).as_bytes();
        let key = blake3::derive_key("ferrodash names in pages 1", material);
        Self { key }
    }

    /// Returns the name of what can be invalidated.
    pub fn selector(&self, selector: &Selector) -> String {
        short(&blake3::keyed_hash(&self.key, selector.as_bytes()))
    }

    /// Returns the name of a scope with the values that it has for the sender of a request.
    pub fn scope<T: AsRef<str>>(&self, values: impl Iterator<Item = Option<T>>) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for value in values {
            let value = value.as_ref().map(AsRef::as_ref);
            // An absent value differs from an empty one, and no two sets of values run together.
            let length = value.map_or(u64::MAX, |value| value.len() as u64);
            hasher.update(&length.to_be_bytes());
            hasher.update(value.unwrap_or_default().as_bytes());
        }
        short(&hasher.finalize())
    }
}

/// Does not show the key.
impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

/// Returns the first 64 bits in hex, which do not collide by accident.
fn short(hash: &blake3::Hash) -> String {
    hash.to_hex()[..16].to_owned()
}
