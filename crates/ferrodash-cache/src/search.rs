//! The part of [`Cache`] that reads the tiers, one after the other.
//!
//! It decides which entry of a key is the best one, and copies it into the tiers before. An entry
//! counts only if the marks of its selectors allow it. What is done with a stale entry is decided
//! in `compute.rs`.

use std::sync::Arc;

use crate::cache::{Cache, Slot};
use crate::call::Call;
use crate::clock::now;
use crate::entry::LONGEST;
use crate::tier::{Reading, Shared};
use crate::tiers::MEMORY;
use crate::{Entry, Key, Marks, Policy, Selector};

/// The result of reading the tiers.
#[derive(Default)]
pub(crate) struct Search {
    /// The best entry that counts, and its tier: a fresh one, or else the youngest.
    pub(crate) found: Option<(Entry, &'static str)>,
    /// The id of the entry in the authority, with which a lease is requested.
    pub(crate) observed: Option<u64>,
    /// The marks of the key's selectors. `None` if the authority did not answer, or if the search
    /// ended in memory.
    pub(crate) marks: Option<Marks>,
}

impl Search {
    /// Takes an entry if it is the best one so far. Returns `true` if it is fresh, so that none can
    /// be better.
    fn take(&mut self, entry: Entry, tier: &'static str) -> bool {
        let fresh = entry.remaining().is_some();
        if self
            .found
            .as_ref()
            .is_none_or(|(best, _)| fresh || entry.age() < best.age())
        {
            self.found = Some((entry, tier));
        }
        fresh
    }
}

impl Policy {
    /// Returns `true` if a stale entry may be served while it is refreshed.
    pub(crate) fn may_revalidate(&self, entry: &Entry) -> bool {
        entry.age()
            < entry
                .parts()
                .timeout
                .saturating_add(self.stale_while_revalidate)
    }

    /// Returns the entry that was found, if it may be served instead of a failure.
    pub(crate) fn stand_in(&self, search: Search) -> Option<(Entry, &'static str)> {
        if self.may_stand_in(&search) {
            search.found
        } else {
            None
        }
    }

    /// Returns `true` if the entry that was found may be served instead of a failure.
    pub(crate) fn may_stand_in(&self, search: &Search) -> bool {
        search.found.as_ref().is_some_and(|(entry, _)| {
            entry.age() < entry.parts().timeout.saturating_add(self.stale_if_error)
                && entry.lifetime_left().is_some()
        })
    }
}

/// Returns `true` if a copy in memory can be read. A copy that was not made for a call, for example
/// by [`Cache::set`], may never have been checked; it is checked once.
fn is_readable(entry: &Entry, call: Option<&Call>) -> bool {
    let Some(call) = call.filter(|_| entry.stats().is_none()) else {
        return true;
    };
    let readable = (call.options.readable)(entry);
    if readable {
        entry.count_in(&call.stats);
    }
    readable
}

impl Cache {
    /// Reads only the marks, which a refresh needs.
    pub(crate) async fn skip(&self, key: &Key, selectors: &Arc<[Selector]>) -> Search {
        Search {
            marks: self.marks(key, selectors).await,
            ..Search::default()
        }
    }

    /// Reads the tiers until one has a fresh entry, and copies what is found into the tiers before
    /// it.
    ///
    /// With a call, entries of another kind and unreadable ones count as absent. A tier that is
    /// skipped or fails counts as one without the entry. The order is that of the tiers, memory
    /// first; a stale entry does not end the search, because a later tier can have a newer one.
    pub(crate) async fn find(
        &self,
        key: &Key,
        selectors: &Arc<[Selector]>,
        call: Option<&Call>,
    ) -> Search {
        let inner = &*self.inner;
        // Both are read before any tier: a change that comes later is then noticed when the copy is
        // stored or read.
        let epoch = inner.invalidations.epoch();
        let version = inner.near_cache.as_ref().map(|near| near.version(key));
        let suits =
            |entry: &Entry| call.is_none_or(|call| call.options.fingerprint == entry.fingerprint());
        let mut search = Search::default();
        if let Some(near) = &inner.near_cache
            && let Some(entry) = near.get(key, now()).filter(&suits)
            && self.copy_counts(key, &entry, epoch).await
            && is_readable(&entry, call)
            && search.take(entry, MEMORY)
        {
            return search;
        }
        let mut from = 0;
        for (index, slot) in inner.tiers.iter().enumerate() {
            let entry = match slot
                .tier()
                .shared()
                .filter(|_| inner.authority == Some(index))
            {
                Some(shared) => self.read(slot, shared, key, selectors, &mut search).await,
                None => self.read_storage(slot, key).await,
            };
            let readable = |entry: &Entry| call.is_none_or(|call| (call.options.readable)(entry));
            // Memory is not filled with entries that this program cannot use.
            let Some(entry) = entry.filter(&suits).filter(readable) else {
                continue;
            };
            from = index;
            if search.take(entry, slot.tier().name()) {
                break;
            }
        }
        if let Some((entry, tier)) = &search.found
            && *tier != MEMORY
        {
            if let Some(call) = call {
                entry.count_in(&call.stats);
            }
            self.copy(key, entry, from, epoch, version).await;
        }
        if inner.authority.is_none() {
            search.marks = Some(inner.invalidations.own_marks(selectors));
        }
        search
    }

    /// Reads an entry from the authority, together with the marks of the key's selectors.
    async fn read(
        &self,
        slot: &Slot,
        shared: &dyn Shared,
        key: &Key,
        selectors: &Arc<[Selector]>,
        search: &mut Search,
    ) -> Option<Entry> {
        let reading = self.inner.history.read(shared, key, selectors);
        let Reading { entry, marks } = slot.call(&self.inner, key, reading).await?;
        search.marks = Some(marks);
        let entry = entry?;
        search.observed = Some(entry.id());
        let parts = entry.parts();
        // A function can give its value tags that no caller knows, so their marks are read
        // separately.
        let marks = if parts
            .selectors
            .iter()
            .all(|selector| selectors.contains(selector))
        {
            marks
        } else {
            let marks = self.inner.history.marks(shared, key, &parts.selectors);
            slot.call(&self.inner, key, marks).await?
        };
        marks.allow(parts.born).then_some(entry)
    }

    /// Reads an entry from a tier that only stores. The marks are in the authority.
    async fn read_storage(&self, slot: &Slot, key: &Key) -> Option<Entry> {
        let entry = slot.call(&self.inner, key, slot.tier().get(key)).await??;
        let marks = self.marks(key, &entry.parts().selectors).await?;
        marks.allow(entry.parts().born).then_some(entry)
    }

    /// Returns `true` if a copy in memory still counts. A copy that was checked in this epoch needs
    /// no look at the marks.
    async fn copy_counts(&self, key: &Key, entry: &Entry, epoch: u64) -> bool {
        let (inner, parts) = (&*self.inner, entry.parts());
        if entry.checked() == epoch {
            return true;
        }
        let part = inner
            .authority()
            .map_or(0, |(slot, _)| slot.tier().part(Some(key)));
        let marks = match (
            inner.authority,
            inner.invalidations.known(epoch, part, &parts.selectors),
        ) {
            (Some(_), Some(marks)) => marks,
            (shared, _) => {
                let Some(marks) = self.marks(key, &parts.selectors).await else {
                    return false;
                };
                if shared.is_some() {
                    inner
                        .invalidations
                        .learn(epoch, part, &parts.selectors, marks);
                }
                marks
            }
        };
        let counts = marks.allow(parts.born);
        if counts {
            // An invalidation after the look at the marks has begun another epoch, so this cannot
            // hide it.
            entry.mark_checked(epoch);
        }
        counts
    }

    /// Copies an entry into the tiers before the one with the index `from`, and into memory.
    async fn copy(&self, key: &Key, entry: &Entry, from: usize, epoch: u64, version: Option<u32>) {
        let inner = &*self.inner;
        for slot in &inner.tiers[..from] {
            slot.call(inner, key, slot.tier().set(key, entry)).await;
        }
        self.copy_to_memory(key, entry, epoch, version);
    }

    /// Copies an entry into memory, unless its key has changed since `version`.
    pub(crate) fn copy_to_memory(
        &self,
        key: &Key,
        entry: &Entry,
        epoch: u64,
        version: Option<u32>,
    ) {
        let (Some(near), Some(version)) = (&self.inner.near_cache, version) else {
            return;
        };
        let age = if self.inner.authority.is_some() {
            self.inner.near_age
        } else {
            LONGEST
        };
        entry.mark_checked(epoch);
        near.keep(key, entry, age, version);
    }
}
