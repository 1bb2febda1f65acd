//! The cache handle: its tiers in order, and the state that its calls share.
//!
//! This file contains the handle, the shared state, and the plain operations: get, set and add. The
//! other parts of [`Cache`] are in files of their own: `builder.rs` constructs it, `search.rs`
//! reads the tiers, `compute.rs` answers calls, `execute.rs`, `lease.rs`, `keep.rs` and
//! `improve.rs` run flights, `invalidate.rs` removes entries, `state.rs` and `report.rs` report.
//!
//! The cache knows tiers only through the traits [`Tier`] and [`Shared`]. It never depends on a
//! particular store.

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
use crate::change_log::ChangeLog;
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

/// A cache of one or more tiers.
///
/// A cache is a handle. Cloning it is cheap, and all clones share the tiers, the counters and the
/// computations in progress. It can be used from any number of tasks and threads at once.
///
/// Calls that compute need a Tokio runtime with time enabled, because the function runs in a task
/// of its own.
///
/// No operation of a built cache fails because a tier fails: the tier is skipped for one second and
/// tried again afterwards. Only removals and invalidations return an error
/// ([`Unreached`](crate::Unreached)), because an old value could be served otherwise.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::time::Duration;
/// use ferrodash_cache::{Cache, Key};
///
/// let cache = Cache::memory(64 << 20);
/// let key = Key::of("greeting", &"en");
/// assert!(cache.set(&key, "hello".into(), Duration::from_secs(60)).await);
/// assert_eq!(cache.get(&key).await.unwrap().bytes(), "hello");
/// # }
/// ```
#[derive(Clone)]
pub struct Cache {
    pub(crate) inner: Arc<Inner>,
}

/// The state behind all clones of a [`Cache`].
pub(crate) struct Inner {
    /// Memory of this process, in front of all tiers.
    pub(crate) near_cache: Option<NearCache>,
    /// Maximum age of a copy in memory of an entry in a shared tier.
    pub(crate) near_age: Duration,
    /// The tiers behind memory, in the order in which they are read.
    pub(crate) tiers: Vec<Slot>,
    /// `true` if entries are signed with a secret.
    pub(crate) is_signed: bool,
    /// Index of the tier that keeps the marks and grants leases: the last tier that several
    /// processes share. `None` if no tier is shared.
    pub(crate) authority: Option<usize>,
    /// The epoch, and the marks of a cache without an authority.
    pub(crate) invalidations: Invalidations,
    /// The last invalidations, for who follows them.
    pub(crate) changes: ChangeLog,
    /// `true` if the authority reports changes to this process.
    pub(crate) follows: bool,
    /// The part of the authority's invalidation history that this process has seen.
    pub(crate) history: History,
    /// The computations in progress in this process.
    pub(crate) flights: Arc<Flights>,
    /// The pauses of functions that fail.
    pub(crate) backoff: Backoff,
    /// The counters of all functions.
    pub(crate) stats: Stats,
    /// The entries that were seen, if they are watched.
    pub(crate) catalog: Catalog,
    /// The share of hits that is computed again to find impure functions.
    pub(crate) audit: Audit,
    /// `true` if hits are inspected, for the catalog or for the audit. Hits then skip the fast
    /// path.
    pub(crate) watched: AtomicBool,
    /// Limits the number of refreshes in the background.
    pub(crate) refreshes: Arc<Semaphore>,
    /// The queue of values that get a better form.
    pub(crate) improvements: Improvements,
}

/// A tier together with the breaker that skips it while it fails.
pub(crate) struct Slot {
    tier: Box<dyn Tier>,
    pub(crate) breaker: Breaker,
}

tokio::task_local! {
    /// The cache of the surrounding [`Cache::scope`].
    static CURRENT: Cache;
}

/// The cache of functions that run outside any [`Cache::scope`].
static DEFAULT: OnceLock<Cache> = OnceLock::new();

/// Size of the default cache of the process, and of memory whose address names no size: 128 MiB.
pub(crate) const DEFAULT_MEMORY: u64 = 128 << 20;

/// Maximum age of copies that were made while the shared tier did not answer. No notice of a change
/// can arrive for them.
pub(crate) const OFFLINE: Duration = Duration::from_secs(2);

impl Cache {
    /// Creates a cache and registers it as a listener of its authority.
    ///
    /// `near_age` defaults to 30 s if the authority reports changes, and to [`OFFLINE`] if it does
    /// not.
    pub(crate) fn with_tiers(
        near_cache: Option<NearCache>,
        tiers: Vec<Box<dyn Tier>>,
        near_age: Option<Duration>,
        is_signed: bool,
    ) -> Self {
        // The last shared tier is the one that the most processes have in common.
        let authority = tiers.iter().rposition(|tier| tier.shared().is_some());
        let slot = |tier: Box<dyn Tier>| Slot {
            breaker: Breaker::new(tier.name()),
            tier,
        };
        let tiers: Vec<Slot> = tiers.into_iter().map(slot).collect();
        // The listener holds a weak reference: the tier owns the listener and the cache owns the
        // tier, so a strong one would keep both alive for ever.
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
                changes: ChangeLog::new(),
                follows,
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
    ///
    /// Returns `None` if no tier has a fresh entry, also when a tier does not answer. Stale entries
    /// are not returned, and nothing is computed. The call does not count as a hit in
    /// [`functions`](Self::functions).
    pub async fn get(&self, key: &Key) -> Option<Entry> {
        let selectors = self.selectors(key, &[]);
        let found = self.find(key, &selectors, None).await.found;
        found
            .map(|(entry, _)| entry)
            .filter(|entry| entry.remaining().is_some())
    }

    /// Like [`get`](Self::get), but drops the copy in the memory of this process first, so that the
    /// entry is read from the tiers behind it.
    ///
    /// Use it when the caller knows that another process has stored a newer value. In a cache of
    /// memory only, it is the same as `get`.
    pub async fn get_anew(&self, key: &Key) -> Option<Entry> {
        if let (Some(near), false) = (&self.inner.near_cache, self.inner.tiers.is_empty()) {
            near.changed(key);
        }
        self.get(key).await
    }

    /// Returns the fresh entries of several keys, in the order of `keys`. The entries are read
    /// concurrently.
    pub async fn get_many(&self, keys: &[Key]) -> Vec<Option<Entry>> {
        join_all(keys.iter().map(|key| self.get(key))).await
    }

    /// Stores a value in every tier, fresh for `timeout`.
    ///
    /// A `timeout` above ten years counts as ten years. With a `timeout` of zero nothing changes,
    /// and the call returns `false`.
    ///
    /// Returns `false` if the last tier that processes share did not store the value. If there is
    /// no such tier, returns `false` if no tier stored it.
    ///
    /// # Concurrency
    /// A computation of this key that is in progress does not overwrite the value. Of two
    /// concurrent calls for one key, either value can remain. Copies in the memory of other
    /// processes are replaced when the notice of the change arrives, or at their maximum age
    /// ([`CacheBuilder::near_age`](crate::CacheBuilder::near_age)).
    ///
    /// # Cancellation
    /// If the returned future is dropped, some tiers may have the value and others not.
    pub async fn set(&self, key: &Key, bytes: Bytes, timeout: Duration) -> bool {
        self.set_with(key, bytes, &Policy::new(timeout)).await
    }

    /// Like [`set`](Self::set), with the settings of a policy: its timeout and jitter, the times
    /// for which a stale value is served, and its tags.
    pub async fn set_with(&self, key: &Key, bytes: Bytes, policy: &Policy) -> bool {
        self.set_kind(key, bytes, policy, 0).await
    }

    /// Like [`set_with`](Self::set_with), for a value of the kind with this fingerprint.
    pub(crate) async fn set_kind(
        &self,
        key: &Key,
        bytes: Bytes,
        policy: &Policy,
        fingerprint: u64,
    ) -> bool {
        if policy.timeout.is_zero() {
            return false;
        }
        // First, so that a computation in progress cannot store its result after this value.
        self.inner.flights.cancel(key);
        if self.inner.marks_keys() && self.invalidate(&[key.selector()]).await.is_err() {
            return false;
        }
        // The epoch is read before the marks. An invalidation in between then shows as a newer
        // epoch, and the copy in memory is compared with the marks again.
        let (epoch, selectors) = (
            self.inner.invalidations.epoch(),
            self.selectors(key, policy.tags()),
        );
        let marks = self.marks(key, &selectors).await;
        let entry = self.entry_of(
            Parts {
                fingerprint,
                selectors,
                ..Parts::new(bytes, policy.timeout)
            },
            policy,
            marks,
        );
        self.put(key, &entry, epoch, marks.is_some()).await
    }

    /// Puts an entry into every tier. The holder of the key's lease loses it.
    ///
    /// `online` is `false` if the authority did not answer when the entry was made. The copy in
    /// memory is then kept for [`OFFLINE`] at most.
    pub(crate) async fn put(&self, key: &Key, entry: &Entry, epoch: u64, online: bool) -> bool {
        let inner = &*self.inner;
        entry.mark_checked(epoch);
        let Some(near) = &inner.near_cache else {
            return self.put_into_tiers(key, entry).await;
        };
        if inner.tiers.is_empty() {
            // Without other tiers, this value is the newest one.
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

    /// Puts an entry into the tiers behind memory. Returns `true` if the authority stored it, or,
    /// without an authority, if any tier did.
    async fn put_into_tiers(&self, key: &Key, entry: &Entry) -> bool {
        let inner = &*self.inner;
        let mut stored = false;
        for (index, slot) in inner.tiers.iter().enumerate() {
            let taken = slot.call(inner, key, slot.tier.set(key, entry)).await == Some(true);
            // A value that only the tiers before the authority stored would be invisible to other
            // processes.
            stored = if inner.authority == Some(index) {
                taken
            } else {
                stored | (taken && inner.authority.is_none())
            };
        }
        stored
    }

    /// Stores a value unless the key has a fresh one. Returns whether this call stored it.
    ///
    /// Of several concurrent calls for one key, also in processes that share a tier, one stores its
    /// value and the others return `false`. A `timeout` of zero stores nothing.
    pub async fn add(&self, key: &Key, bytes: Bytes, timeout: Duration) -> bool {
        let policy = Policy::new(timeout);
        let compute = || async { Ok::<_, Infallible>(Computed::keep(bytes)) };
        matches!(
            self.get_or_compute(*key, &policy, compute).await.status,
            Status::Miss { stored: true }
        )
    }

    /// Returns the selectors by which the value of a key can be invalidated: everything, the key's
    /// function, the key itself if removals are marked, and its tags.
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

    /// Builds an entry from its parts: applies jitter and the longest timeout, adds the time for
    /// which it may be served when it is stale, and records when its computation began.
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

    /// Returns the present marks of selectors for the entry of a key. Returns `None` if the tier
    /// that keeps them does not answer.
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

    /// Returns the maximum age of a copy in memory.
    pub(crate) fn near_age(&self, online: bool) -> Duration {
        match self.inner.authority {
            None => LONGEST,
            Some(_) if online => self.inner.near_age,
            Some(_) => self.inner.near_age.min(OFFLINE),
        }
    }

    /// Runs a future with this cache as the [`current`](Self::current) one.
    ///
    /// Memoized functions that the future calls use this cache. The scope does not extend to tasks
    /// that the future spawns.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ferrodash_cache::Cache;
    /// let cache = Cache::memory(1 << 20);
    /// let tiers = cache.scope(async { Cache::current().tiers() }).await;
    /// assert_eq!(tiers, ["memory"]);
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), future)
    }

    /// Calls a function that blocks with this cache as the [`current`](Self::current) one, on the
    /// same thread.
    pub fn sync_scope<T>(&self, function: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), function)
    }

    /// Returns the cache of the surrounding [`scope`](Self::scope). Outside of any scope, returns
    /// the default cache of the process.
    ///
    /// If [`make_default`](Self::make_default) was not called before, the default is a new cache in
    /// memory of at most 128 MiB, which then stays the default.
    pub fn current() -> Self {
        CURRENT
            .try_with(Clone::clone)
            .unwrap_or_else(|_| DEFAULT.get_or_init(|| Self::memory(DEFAULT_MEMORY)).clone())
    }

    /// Makes this the default cache of the process, for functions that run outside of any scope.
    ///
    /// Only the first call has an effect. Returns `false` if the process has a default cache
    /// already, also one that [`current`](Self::current) created.
    pub fn make_default(&self) -> bool {
        DEFAULT.set(self.clone()).is_ok()
    }

    /// Returns the names of the tiers, in the order in which they are read, each with the number of
    /// its failures.
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
    /// Returns the tier that keeps the marks and grants leases.
    pub(crate) fn authority(&self) -> Option<(&Slot, &dyn Shared)> {
        let slot = &self.tiers[self.authority?];
        Some((
            slot,
            slot.tier
                .shared()
                .expect("only shared tiers are authorities"),
        ))
    }

    /// Iterates over the tiers behind memory that only store entries: all but the authority.
    pub(crate) fn storage(&self) -> impl Iterator<Item = &Slot> {
        let slots = self.tiers.iter().enumerate();
        slots
            .filter(|(index, _)| Some(*index) != self.authority)
            .map(|(_, slot)| slot)
    }

    /// Applies a change that the authority reported to the copies in memory.
    fn follow(&self, change: Change) {
        let Some(near) = &self.near_cache else { return };
        match change {
            Change::Entry(key) => near.changed(&key),
            Change::Marks => {
                self.invalidations.advance();
                self.changes.look();
            }
            Change::Unknown => {
                self.forget_copies();
                self.changes.look();
            }
        }
    }

    /// Drops the copies in memory of entries in a shared tier, because changes of them may have
    /// been missed.
    pub(crate) fn forget_copies(&self) {
        if let (Some(near), Some(_)) = (&self.near_cache, self.authority) {
            self.invalidations.advance();
            near.flush();
        }
    }

    /// Returns `true` if the removal of a key has to be recorded as a mark.
    ///
    /// This is so if there are several tiers, as one tier may still contain an entry that was
    /// removed from another. It is also so if entries are signed: anyone who can write to the store
    /// could otherwise put a removed entry back.
    pub(crate) fn marks_keys(&self) -> bool {
        self.tiers.len() > 1 || (self.is_signed && !self.tiers.is_empty())
    }

    /// Returns `true` if hits are inspected, for the catalog or for the audit.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }
}

impl Slot {
    pub(crate) fn tier(&self) -> &dyn Tier {
        &*self.tier
    }

    /// Makes a call for a key, unless its part of the tier is skipped at the moment. Returns `None`
    /// if the tier was skipped or failed.
    ///
    /// All calls to tiers go through one of the four methods here, so that the breaker learns of
    /// every failure.
    pub(crate) async fn call<T>(
        &self,
        inner: &Inner,
        key: &Key,
        call: impl Future<Output = TierResult<T>>,
    ) -> Option<T> {
        self.ask(inner, key, call).await.flatten()
    }

    /// Like [`call`](Self::call), but tells the two reasons apart: the outer `None` means that the
    /// tier was not called, the inner `None` that it failed.
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

    /// Makes a call for a key even while the tier is skipped. The call is one of a series that
    /// continues until the tier answers, so its failures do not prolong the pause.
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

    /// Makes a call even while the tier is skipped, for a key or for the whole tier. Removals and
    /// invalidations use it, because they must not be lost silently.
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
