//! The scopes of answers that browsers keep: the values of requests by which they vary.

use ferrodash_cache::Selector;
use ferrodash_serve::Names;

use crate::callback::run::parts::RequestParts;
use crate::callback::{Registered, Registry, Vary};

/// The different sets of values that answers in browsers vary by, apart from the trigger.
#[derive(Debug)]
pub(crate) struct Scopes {
    names: Names,
    sets: Vec<Vec<Vary>>,
}

impl Scopes {
    /// Collects the sets of all callbacks with `cache(client)`.
    pub(crate) fn of(registry: &Registry, names: Names) -> Self {
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
        Self { names, sets }
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
        let values = self.sets[place].iter().map(|by| request.value_of(by));
        self.names.scope(values)
    }

    /// Returns the name of what can be invalidated.
    pub(crate) fn selector(&self, selector: &Selector) -> String {
        self.names.selector(selector)
    }
}

/// Returns what a page cannot see of what a callback varies by.
fn unseen(callback: &Registered) -> impl Iterator<Item = &Vary> {
    callback.vary.iter().filter(|by| **by != Vary::Trigger)
}
