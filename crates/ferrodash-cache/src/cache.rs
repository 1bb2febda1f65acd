//! The cache itself: the tiers in order, and what calls share.
//!
//! This file has the handle, what it shares, and the plain operations: get, set, add. The other
//! parts of [`Cache`] are in files of their own: `builder.rs` constructs it, `search.rs` looks into
//! the tiers, `compute.rs` answers calls, `execute.rs`, `lease.rs`, `keep.rs` and `improve.rs` run
//! flights, `invalidate.rs` removes entries, `state.rs` and `report.rs` report.

use std::convert::Infallible;
use std::fmt::{self, Debug};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::audit::Audit;
use crate::backoff::Backoff;
use crate::breaker::Breaker;
use crate::catalog::Catalog;
use crate::entry::LONGEST;
use crate::flight::Flights;
use crate::history::History;
use crate::improvements::Improvements;
use crate::invalidations::Invalidations;
use crate::near_cache::NearCache;
use crate::stats::Stats;
use crate::tier::{Change, Shared, TierResult};
use crate::tiers::MEMORY;
use crate::{Computed, Entry, Key, Marks, Parts, Policy, Selector, Status, Tier};

/// A cache. Cloning is cheap and shares everything.
#[derive(Clone)]
pub struct Cache {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    /// Memory in front of all tiers.
    pub(crate) near_cache: Option<NearCache>,
    /// How long a copy in memory of an entry in a shared tier is kept.
    pub(crate) near_age: Duration,
    pub(crate) tiers: Vec<Slot>,
    /// Whether entries are signed.
    pub(crate) is_signed: bool,
    /// The tier that keeps the marks and gives leases: the last of those that processes share.
    pub(crate) authority: Option<usize>,
    pub(crate) invalidations: Invalidations,
    /// What was seen of the marks of that tier.
    pub(crate) history: History,
    pub(crate) flights: Arc<Flights>,
    pub(crate) backoff: Backoff,
    pub(crate) stats: Stats,
    pub(crate) catalog: Catalog,
    pub(crate) audit: Audit,
    /// Whether hits are looked at: for the catalog, or for the audit.
    pub(crate) watched: AtomicBool,
    /// How many refreshes may run in the background.
    pub(crate) refreshes: Arc<Semaphore>,
    pub(crate) improvements: Improvements,
}

pub(crate) struct Slot {
    tier: Box<dyn Tier>,
    pub(crate) breaker: Breaker,
}

tokio::task_local! {
    static CURRENT: Cache;
}

/// The cache of functions that run outside any [`Cache::scope`].
static DEFAULT: OnceLock<Cache> = OnceLock::new();

/// The size of the cache that is used when none was configured.
pub(crate) const DEFAULT_MEMORY: u64 = 128 << 20;

/// How long copies are kept that were made while the shared tier could not be asked: nobody can say
/// when they change.
pub(crate) const OFFLINE: Duration = Duration::from_secs(2);

impl Cache {
    pub(crate) fn with_tiers(
        near_cache: Option<NearCache>,
        tiers: Vec<Box<dyn Tier>>,
        near_age: Option<Duration>,
        is_signed: bool,
    ) -> Self {
        let authority = tiers.iter().rposition(|tier| tier.shared().is_some());
        let slot = |tier: Box<dyn Tier>| Slot {
            breaker: Breaker::new(tier.name()),
            tier,
        };
        let tiers: Vec<Slot> = tiers.into_iter().map(slot).collect();
        let inner = Arc::new_cyclic(|inner: &Weak<Inner>| {
            let follows = near_cache.is_some()
                && authority
                    .and_then(|index| tiers[index].tier.shared())
                    .is_some_and(|shared| {
                        let inner = inner.clone();
                        shared.listen(Box::new(move |change| {
                            inner
                                .upgrade()
                                .iter()
                                .for_each(|inner| inner.follow(change))
                        }))
                    });
            let default_age = if follows {
                Duration::from_secs(30)
            } else {
                OFFLINE
            };
            Inner {
                near_cache,
                near_age: near_age.unwrap_or(default_age),
                tiers,
                is_signed,
                authority,
                invalidations: Invalidations::new(),
                history: History::default(),
                flights: Arc::default(),
                backoff: Backoff::default(),
                stats: Stats::default(),
                catalog: Catalog::default(),
                audit: Audit::default(),
                watched: AtomicBool::new(false),
                refreshes: Arc::new(Semaphore::new(64)),
                improvements: Improvements::default(),
            }
        });
        Self { inner }
    }

    /// Returns the fresh entry of `key` in the first tier that has one, and copies it into the
    /// tiers before that one.
    pub async fn get(&self, key: &Key) -> Option<Entry> {
        let selectors = self.selectors(key, &[]);
        let found = self.find(key, &selectors, None).await.found;
        found
            .map(|(entry, _)| entry)
            .filter(|entry| entry.remaining().is_some())
    }

    /// Like [`get`](Self::get), but skips the memory of this process. For a caller that knows that
    /// there is a newer value.
    pub async fn get_anew(&self, key: &Key) -> Option<Entry> {
        if let (Some(near), false) = (&self.inner.near_cache, self.inner.tiers.is_empty()) {
            near.changed(key);
        }
        self.get(key).await
    }

    /// Returns the fresh entries of several keys, which are read concurrently.
    pub async fn get_many(&self, keys: &[Key]) -> Vec<Option<Entry>> {
        join_all(keys.iter().map(|key| self.get(key))).await
    }

    /// Stores a value in every tier. A `timeout` above ten years counts as ten years.
    ///
    /// Returns `false` if the last tier that processes share did not store it. If there is no such
    /// tier, returns `false` if no tier stored it.
    ///
    /// A computation of this key that is in progress does not overwrite the value.
    pub async fn set(&self, key: &Key, bytes: Bytes, timeout: Duration) -> bool {
        self.set_with(key, bytes, &Policy::new(timeout)).await
    }

    /// Like [`set`](Self::set), with all settings of a policy.
    pub async fn set_with(&self, key: &Key, bytes: Bytes, policy: &Policy) -> bool {
        if policy.timeout.is_zero() {
            return false;
        }
        self.inner.flights.cancel(key);
        if self.inner.marks_keys() && self.invalidate(&[key.selector()]).await.is_err() {
            return false;
        }
        let (epoch, selectors) = (
            self.inner.invalidations.epoch(),
            self.selectors(key, policy.tags()),
        );
        let marks = self.marks(key, &selectors).await;
        let entry = self.entry_of(
            Parts {
                fingerprint: policy.fingerprint,
                selectors,
                ..Parts::new(bytes, policy.timeout)
            },
            policy,
            marks,
        );
        self.put(key, &entry, epoch, marks.is_some()).await
    }

    /// Puts an entry into every tier. A holder of its lease loses it.
    pub(crate) async fn put(&self, key: &Key, entry: &Entry, epoch: u64, online: bool) -> bool {
        let inner = &*self.inner;
        entry.mark_checked(epoch);
        let Some(near) = &inner.near_cache else {
            return self.put_into_tiers(key, entry).await;
        };
        if inner.tiers.is_empty() {
            return near.replace(key, entry, self.near_age(online));
        }
        // From here on, a change by another process raises the version. So no copy is kept of an
        // entry that was replaced meanwhile.
        near.changed(key);
        let version = near.version(key);
        let stored = self.put_into_tiers(key, entry).await;
        if stored || inner.authority.is_none() {
            return near.keep(key, entry, self.near_age(online), version) || stored;
        }
        stored
    }

    /// Puts an entry into the tiers behind memory; whether it is kept where all find it.
    async fn put_into_tiers(&self, key: &Key, entry: &Entry) -> bool {
        let inner = &*self.inner;
        let mut stored = false;
        for (index, slot) in inner.tiers.iter().enumerate() {
            let taken = slot.call(inner, key, slot.tier.set(key, entry)).await == Some(true);
            stored = if inner.authority == Some(index) {
                taken
            } else {
                stored | (taken && inner.authority.is_none())
            };
        }
        stored
    }

    /// Stores a value unless there is a fresh one. Returns whether it was stored.
    pub async fn add(&self, key: &Key, bytes: Bytes, timeout: Duration) -> bool {
        let policy = Policy::new(timeout);
        let compute = || async { Ok::<_, Infallible>(Computed::keep(bytes)) };
        matches!(
            self.get_or_compute(*key, &policy, compute).await.status,
            Status::Miss { stored: true }
        )
    }

    /// What the value of a key can be invalidated by.
    pub(crate) fn selectors(&self, key: &Key, tags: &[Selector]) -> Arc<[Selector]> {
        let mut selectors = Vec::with_capacity(3 + tags.len());
        selectors.push(Selector::ALL);
        if key.function() != Selector::ALL {
            selectors.push(key.function());
        }
        if self.inner.marks_keys() {
            selectors.push(key.selector());
        }
        selectors.extend_from_slice(tags);
        selectors.into()
    }

    /// Completes the parts of an entry.
    pub(crate) fn entry_of(
        &self,
        mut parts: Parts,
        policy: &Policy,
        marks: Option<Marks>,
    ) -> Entry {
        parts.timeout = policy.jittered(parts.timeout.min(LONGEST));
        parts.lifetime = parts.timeout;
        if !parts.negative {
            parts.lifetime += policy
                .stale_while_revalidate
                .max(policy.stale_if_error)
                .min(LONGEST);
        }
        parts.born = marks.map(|marks| marks.now).unwrap_or_default();
        Entry::new(parts)
    }

    /// The present marks of selectors for the entry of a key; `None` while the tier that keeps them
    /// cannot be asked.
    pub(crate) async fn marks(&self, key: &Key, selectors: &[Selector]) -> Option<Marks> {
        match self.inner.authority() {
            None => Some(self.inner.invalidations.own_marks(selectors)),
            Some((slot, shared)) => {
                slot.call(
                    &self.inner,
                    key,
                    self.inner.history.marks(shared, key, selectors),
                )
                .await
            }
        }
    }

    /// How long a copy is kept in memory.
    pub(crate) fn near_age(&self, online: bool) -> Duration {
        match self.inner.authority {
            None => LONGEST,
            Some(_) if online => self.inner.near_age,
            Some(_) => self.inner.near_age.min(OFFLINE),
        }
    }

    /// Runs a future with this cache as the [`current`](Self::current) one.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), future)
    }

    /// Calls a function that blocks with this cache as the [`current`](Self::current) one.
    pub fn sync_scope<T>(&self, function: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), function)
    }

    /// Returns the cache of the surrounding [`scope`](Self::scope). Outside of any scope, returns
    /// the default cache of the process.
    pub fn current() -> Self {
        CURRENT
            .try_with(Clone::clone)
            .unwrap_or_else(|_| DEFAULT.get_or_init(|| Self::memory(DEFAULT_MEMORY)).clone())
    }

    /// Makes this the default cache of the process, for functions that run outside of any scope.
    /// Only the first call has an effect. Later calls return `false`.
    pub fn make_default(&self) -> bool {
        DEFAULT.set(self.clone()).is_ok()
    }

    /// The names of the tiers, in the order in which they are asked, each with how often it has
    /// failed.
    pub(crate) fn tier_failures(&self) -> Vec<(&'static str, u64)> {
        let near = self.inner.near_cache.iter().map(|_| (MEMORY, 0));
        near.chain(
            self.inner
                .tiers
                .iter()
                .map(|slot| (slot.tier.name(), slot.breaker.failures())),
        )
        .collect()
    }
}

impl Inner {
    /// The tier that keeps the marks and gives leases.
    pub(crate) fn authority(&self) -> Option<(&Slot, &dyn Shared)> {
        let slot = &self.tiers[self.authority?];
        Some((
            slot,
            slot.tier
                .shared()
                .expect("only shared tiers are authorities"),
        ))
    }

    /// The tiers behind memory that only store: all but the authority.
    pub(crate) fn storage(&self) -> impl Iterator<Item = &Slot> {
        let slots = self.tiers.iter().enumerate();
        slots
            .filter(|(index, _)| Some(*index) != self.authority)
            .map(|(_, slot)| slot)
    }

    /// Follows a change that came to be known.
    fn follow(&self, change: Change) {
        let Some(near) = &self.near_cache else { return };
        match change {
            Change::Entry(key) => near.changed(&key),
            Change::Marks => self.invalidations.advance(),
            Change::Unknown => self.forget_copies(),
        }
    }

    /// Forgets the copies in memory of what a shared tier has.
    pub(crate) fn forget_copies(&self) {
        if let (Some(near), Some(_)) = (&self.near_cache, self.authority) {
            self.invalidations.advance();
            near.flush();
        }
    }

    /// Whether removing a key has to be marked: when a tier may have what another one no longer
    /// has, and when entries are signed, as a removed one could be put back by anyone who can write
    /// to the store.
    pub(crate) fn marks_keys(&self) -> bool {
        self.tiers.len() > 1 || (self.is_signed && !self.tiers.is_empty())
    }

    /// Whether hits are looked at.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }
}

impl Slot {
    pub(crate) fn tier(&self) -> &dyn Tier {
        &*self.tier
    }

    /// Makes a call for a key, unless its part of the tier is skipped at the moment; `None` if it
    /// gave no answer.
    pub(crate) async fn call<T>(
        &self,
        inner: &Inner,
        key: &Key,
        call: impl Future<Output = TierResult<T>>,
    ) -> Option<T> {
        self.ask(inner, key, call).await.flatten()
    }

    /// The same; the outer `None` means that the tier was not asked.
    pub(crate) async fn ask<T>(
        &self,
        inner: &Inner,
        key: &Key,
        call: impl Future<Output = TierResult<T>>,
    ) -> Option<Option<T>> {
        let part = self.tier.part(Some(key));
        if !self.breaker.allows(part) {
            return None;
        }
        Some(
            self.breaker
                .note(part, call.await, || inner.forget_copies()),
        )
    }

    /// Makes a call for a key in any case, which is repeated until it is answered.
    pub(crate) async fn repeat<T>(
        &self,
        inner: &Inner,
        key: &Key,
        call: impl Future<Output = TierResult<T>>,
    ) -> Option<T> {
        self.breaker
            .note_repeated(self.tier.part(Some(key)), call.await, || {
                inner.forget_copies()
            })
    }

    /// Makes a call in any case, for a key or for all of the tier.
    pub(crate) async fn insist<T>(
        &self,
        inner: &Inner,
        key: Option<&Key>,
        call: impl Future<Output = TierResult<T>>,
    ) -> Option<T> {
        self.breaker
            .note(self.tier.part(key), call.await, || inner.forget_copies())
    }
}

impl Default for Cache {
    /// A cache in memory of at most 128 MiB.
    fn default() -> Self {
        Self::memory(DEFAULT_MEMORY)
    }
}

impl Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("tiers", &self.tiers())
            .finish()
    }
}
