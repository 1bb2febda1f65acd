//! The names of those for whom an answer was made, and of what can be invalidated, as pages know
//! them.
//!
//! A page that keeps answers cannot read sessions or users. It learns the name of each scope, which
//! is another one as soon as somebody else uses the browser, and keeps answers under it. The names
//! are keyed hashes, so they say nothing about the values.

use ferrodash_cache::Selector;

use crate::callback::run::parts::RequestParts;
use crate::callback::{Registered, Registry, Vary};

/// The different sets of values that answers in browsers vary by, apart from the trigger.
#[derive(Debug)]
pub(crate) struct Scopes {
    key: [u8; blake3::KEY_LEN],
    sets: Vec<Vec<Vary>>,
}

impl Scopes {
    /// Collects the sets of all callbacks with `cache(client)`. Processes with the same secret, or
    /// without one the same build, give the same names.
    pub(crate) fn of(registry: &Registry, secret: Option<&str>, build: &str) -> Self {
        let mut sets: Vec<Vec<Vary>> = Vec::new();
        for callback in registry
            .iter()
            .filter(|callback| callback.is_cached_by_clients())
        {
            let set: Vec<Vary> = unseen(callback).cloned().collect();
            if !set.is_empty() && !sets.contains(&set) {
                sets.push(set);
            }
        }
        let material = secret.unwrap_or(build).as_bytes();
        let key = blake3::derive_key("ferrodash names in pages 1", material);
        Self { key, sets }
    }

    /// Returns the place of a callback's set in the list of names; `None` if its answers are for
    /// everybody.
    pub(crate) fn place(&self, callback: &Registered) -> Option<usize> {
        // On the path of each hit, so nothing is copied.
        let is_own = |set: &Vec<Vary>| set.iter().eq(unseen(callback));
        self.sets.iter().position(is_own)
    }

    /// Returns `true` if all answers that browsers keep are for everybody.
    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Returns the names of all scopes for the sender of a request.
    pub(crate) fn names(&self, request: &RequestParts) -> Vec<String> {
        (0..self.sets.len())
            .map(|place| self.name(place, request))
            .collect()
    }

    /// Returns the name of a scope for the sender of a request.
    pub(crate) fn name(&self, place: usize, request: &RequestParts) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for by in &self.sets[place] {
            let value = request.value_of(by);
            // An absent value differs from an empty one, and no two sets of values run together.
            let length = value.as_ref().map_or(u64::MAX, |value| value.len() as u64);
            hasher.update(&length.to_be_bytes());
            hasher.update(value.unwrap_or_default().as_bytes());
        }
        short(&hasher.finalize())
    }

    /// Returns the name of what can be invalidated.
    pub(crate) fn selector(&self, selector: &Selector) -> String {
        short(&blake3::keyed_hash(&self.key, selector.as_bytes()))
    }
}

/// Returns what a page cannot see of what a callback varies by.
fn unseen(callback: &Registered) -> impl Iterator<Item = &Vary> {
    callback.vary.iter().filter(|by| **by != Vary::Trigger)
}

/// Returns the first 64 bits in hex, which do not collide by accident.
fn short(hash: &blake3::Hash) -> String {
    hash.to_hex()[..16].to_owned()
}
