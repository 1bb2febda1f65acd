//! The part of [`Cache`] that stores what a flight computed: it builds the entry of a result and
//! puts it into the tiers.
//!
//! A result that was invalidated, removed or replaced while the function ran is not stored. The
//! rules are checked here, in this order: what the function and the policy decided, the marks, the
//! lease, and the cancellation of the flight.

use std::time::Duration;

use crate::answer::{Computed, Improvement};
use crate::cache::Cache;
use crate::call::Call;
use crate::flight::Departure;
use crate::lease::Lease;
use crate::run::Run;
use crate::tier::Filled;
use crate::{Entry, Key, Marks, Parts, Selector};

/// The result of a function, as an entry.
pub(crate) struct Made {
    pub(crate) entry: Entry,
    /// `true` if the entry is to be stored.
    pub(crate) keep: bool,
    /// Makes a better form of the value once it is stored.
    pub(crate) improvement: Option<Improvement>,
}

/// The state of the cache when a flight began, against which changes in the meantime are detected.
#[derive(Clone, Copy)]
pub(crate) struct Began {
    /// The epoch of invalidations.
    pub(crate) epoch: u64,
    /// The version of the key in memory. `None` without memory.
    pub(crate) version: Option<u32>,
    /// The marks of the key's selectors. `None` if the authority did not answer.
    pub(crate) marks: Option<Marks>,
}

/// The outcome of storing a result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// At least one tier stored it.
    Yes,
    /// No tier stored it, or it was not to be stored.
    No,
    /// The result is too old: something was removed or replaced while the function ran.
    Lost,
}

impl Cache {
    /// Makes the entry of a result, and decides whether it is to be stored.
    ///
    /// The function's own decisions take precedence over the policy, and the timeout of a negative
    /// value over both.
    pub(crate) fn made(
        &self,
        call: &Call,
        computed: Computed,
        cost: Duration,
        run: &Run,
        marks: Option<Marks>,
    ) -> Made {
        let (decisions, again) = run.take();
        let timeout = computed
            .negative
            .or(decisions.timeout)
            .unwrap_or(call.policy.timeout);
        let keep = computed.keep
            && !decisions.pass
            && !timeout.is_zero()
            && cost >= call.policy.slower_than;
        let mut selectors = call.selectors.clone();
        // A value that its source confirmed depends on the same things as before, so it keeps its
        // selectors.
        let of_again = again
            .iter()
            .flat_map(|again| again.parts().selectors.iter());
        let mut more: Vec<Selector> = decisions.tags.iter().chain(of_again).copied().collect();
        if !more.is_empty() {
            more.extend_from_slice(&selectors);
            more.sort_unstable();
            more.dedup();
            selectors = more.into();
        }
        let keep = keep && has_few_selectors(&selectors, &call.options.name);
        // A value that is not stored is not fresh for anybody else either, such as a browser.
        let timeout = if keep { timeout } else { Duration::ZERO };
        let mut parts = Parts {
            cost,
            negative: computed.negative.is_some(),
            fingerprint: call.options.fingerprint,
            selectors,
            validator: decisions.validator,
            compressed: computed.compressed,
            ..Parts::new(computed.bytes, timeout)
        };
        if let Some(again) = again {
            parts.bytes = again.bytes().clone();
            parts.validator = parts.validator.or_else(|| again.parts().validator.clone());
        }
        let entry = self.entry_of(parts, &call.policy, marks);
        // Nobody waits for a refresh in the background, so nobody would take its decoded value.
        let is_awaited = again.is_none() && !call.patience.is_zero();
        if let Some(value) = computed.prepared.filter(|_| is_awaited) {
            entry.prepare(value);
        }
        Made {
            entry,
            keep,
            improvement: computed.improvement,
        }
    }

    /// Stores the result of a flight, unless its key was removed meanwhile or its lease is lost.
    ///
    /// The authority comes first, because it alone can tell that a lease was lost. The other tiers
    /// follow only if it did not report a loss.
    pub(crate) async fn keep(
        &self,
        call: &Call,
        entry: &Entry,
        lease: Option<Lease>,
        began: Began,
        flight: &Departure,
    ) -> Kept {
        let inner = &*self.inner;
        let shared = inner.authority.is_some();
        let online = began.marks.is_some();
        // The function added tags that nobody knew before. Something may have been invalidated by
        // them meanwhile. A store that creates marks when they are first read also has to be asked
        // for them before it stores the entry.
        if entry.parts().selectors != call.selectors
            && !self.still_counts(&call.key, entry, began.marks).await
        {
            return Kept::Lost;
        }
        let filled = match lease {
            Some(lease) => lease.fill(entry).await,
            // Without a lease, nothing may be stored where other processes find it.
            None if shared && online => return Kept::No,
            None => Some(Filled::Refused),
        };
        // `None` means that the authority did not answer, so it is not known whether it stored the
        // entry.
        let mut stored = filled == Some(Filled::Stored);
        if filled == Some(Filled::Lost) || flight.is_canceled() {
            return Kept::Lost;
        }
        if online {
            stored |= self.put_into_storage(&call.key, entry).await;
        }
        if let (Some(near), Some(version)) = (&inner.near_cache, began.version) {
            entry.mark_checked(began.epoch);
            entry.count_in(&call.stats);
            // The shared tier sends no notices about entries that it does not have, so such copies
            // expire soon.
            let age = self.near_age(online && (!shared || filled == Some(Filled::Stored)));
            stored |= near.keep(&call.key, entry, age, version);
        }
        // The removal may have come between the look at the mark and the write. An entry that the
        // remover stored stays, as only this very entry is removed.
        if flight.is_canceled() {
            self.remove_from_storage(&call.key, entry).await;
            return Kept::Lost;
        }
        if stored { Kept::Yes } else { Kept::No }
    }

    /// Puts an entry into the tiers that only store. Returns `true` if one of them stored it.
    async fn put_into_storage(&self, key: &Key, entry: &Entry) -> bool {
        let inner = &*self.inner;
        let mut stored = false;
        for slot in inner.storage() {
            stored |= slot.call(inner, key, slot.tier().set(key, entry)).await == Some(true);
        }
        stored
    }

    /// Removes this very entry, and no other one under its key, from the tiers that only store.
    async fn remove_from_storage(&self, key: &Key, entry: &Entry) {
        let inner = &*self.inner;
        for slot in inner.storage() {
            let kept = slot.call(inner, key, slot.tier().get(key)).await.flatten();
            if kept.is_some_and(|kept| kept.id() == entry.id()) {
                slot.call(inner, key, slot.tier().remove(key)).await;
            }
        }
    }

    /// Returns `true` if nothing was invalidated on which an entry depends. Without its store
    /// nobody can tell, and the entry counts.
    pub(crate) async fn still_counts(
        &self,
        key: &Key,
        entry: &Entry,
        marks: Option<Marks>,
    ) -> bool {
        marks.is_none() || !self.was_invalidated(key, entry).await
    }

    /// Returns `true` if something was invalidated on which an entry depends. Without an answer of
    /// the store that is not known, and the result is `false`.
    pub(crate) async fn was_invalidated(&self, key: &Key, entry: &Entry) -> bool {
        let parts = entry.parts();
        let marks = self.marks(key, &parts.selectors).await;
        marks.is_some_and(|marks| !marks.allow(parts.born))
    }
}

/// Returns `true` if the stored form has room for all selectors. An entry with more cannot be
/// invalidated by each of them, so it is not stored.
fn has_few_selectors(selectors: &[Selector], function: &str) -> bool {
    let few = selectors.len() <= usize::from(u16::MAX);
    if !few {
        let tags = selectors.len();
        tracing::warn!(
            function,
            tags,
            "the value has too many tags and is not stored"
        );
    }
    few
}
