//! The cache itself: tiers in order, and a function for what none of them has.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tracing::Instrument;

use crate::breaker::Breaker;
use crate::entry::LONGEST;
use crate::flight::{self, Boarding, Flights, Landing, Void};
use crate::{CacheBuilder, Entry, Key, Result, Tier};

/// A cache. Cloning is cheap and shares everything.
#[derive(Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

struct Inner {
    tiers: Vec<Slot>,
    flights: Arc<Flights>,
    /// Counts removals, so that who copies an entry from tier to tier sees that one came between.
    removals: AtomicU64,
}

struct Slot {
    tier: Box<dyn Tier>,
    breaker: Breaker,
}

/// For how long, and under which conditions, a value is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How long a value is fresh. Zero keeps nothing; callers at the same time still share one computation.
    pub timeout: Duration,
}

/// What a function made.
#[derive(Debug, Clone)]
pub struct Computed {
    bytes: Bytes,
    keep: bool,
}

/// How an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// A tier had it.
    Hit {
        /// The tier.
        tier: &'static str,
    },
    /// The function ran.
    Miss {
        /// Whether the result was kept.
        stored: bool,
    },
    /// The function was running already, and its result was shared.
    Collapsed,
}

/// The answer of [`Cache::get_or_compute`].
#[derive(Debug)]
pub struct Answer<E = Infallible> {
    /// The value, or why there is none.
    pub result: std::result::Result<Entry, Failure<E>>,
    /// How it came about.
    pub status: Status,
}

/// Why a function gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure<E> {
    /// It returned an error. All who waited get a clone; nothing is kept.
    #[error("{0}")]
    Error(E),
    /// It panicked, with this message.
    #[error("the function panicked: {0}")]
    Panic(Arc<str>),
}

tokio::task_local! {
    static CURRENT: Cache;
}

/// The cache of functions that run outside any [`Cache::scope`].
static DEFAULT: OnceLock<Cache> = OnceLock::new();

/// The size of the cache that is used when none was configured.
pub(crate) const DEFAULT_MEMORY: u64 = 128 << 20;

impl Policy {
    /// A policy with this timeout.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout }
    }
}

impl Computed {
    /// A value to be kept.
    pub fn keep(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), keep: true }
    }

    /// A value for those who wait now, and nobody later.
    pub fn pass(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), keep: false }
    }
}

impl Cache {
    /// A cache in memory that holds at most `max_bytes` of keys and values.
    pub fn memory(max_bytes: u64) -> Self {
        Self::builder().memory(max_bytes).build()
    }

    /// A cache of tiers, asked in the order in which they are added.
    pub fn builder() -> CacheBuilder {
        CacheBuilder::default()
    }

    /// The cache at an address: `memory`, `memory://?max=64MB`, `disk:DIR`, `redis://…` or `memcached://…`.
    ///
    /// A server need not be up: it is connected to when it is first needed.
    ///
    /// # Errors
    /// When the address is malformed, or names a tier that is not compiled in.
    pub async fn from_url(url: &str) -> Result<Self> {
        Ok(Self::builder().url(url).await?.build())
    }

    pub(crate) fn with_tiers(tiers: Vec<Box<dyn Tier>>) -> Self {
        let tiers = tiers.into_iter().map(|tier| Slot { tier, breaker: Breaker::default() }).collect();
        Self { inner: Arc::new(Inner { tiers, flights: Arc::default(), removals: AtomicU64::new(0) }) }
    }

    /// The value of `key`: from the first tier that has it, or from `compute`, which runs once for all who ask at the
    /// same time in this process.
    ///
    /// The function runs in a task of its own, within this cache's [`scope`](Self::scope): when the caller goes away it
    /// still runs to its end, and the others get its result. An error or a panic reaches all who waited and is not kept.
    pub async fn get_or_compute<E, F, Fut>(&self, key: Key, policy: &Policy, compute: F) -> Answer<E>
    where
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = std::result::Result<Computed, E>> + Send + 'static,
    {
        self.get_or_compute_if(key, policy, |_| true, compute).await
    }

    /// As [`get_or_compute`](Self::get_or_compute); a stored value that `readable` refuses counts as absent, such as one
    /// that another version of the program left in a shared store.
    pub async fn get_or_compute_if<E, F, Fut>(
        &self,
        key: Key,
        policy: &Policy,
        readable: fn(&Bytes) -> bool,
        compute: F,
    ) -> Answer<E>
    where
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = std::result::Result<Computed, E>> + Send + 'static,
    {
        // Memory answers at once, and what it holds was made or checked in this process.
        if let Some(slot) = self.inner.tiers.first()
            && slot.tier.name() == crate::tiers::MEMORY
            && let Ok(Some(entry)) = slot.tier.get(&key).await
        {
            return Answer { result: Ok(entry), status: Status::Hit { tier: crate::tiers::MEMORY } };
        }
        let (arrival, joined) = match self.inner.flights.board(key) {
            Boarding::Join(arrival) => (arrival, true),
            Boarding::Start(departure) => {
                let arrival = departure.arrival();
                let (cache, policy, future) = (self.clone(), policy.clone(), compute());
                let void = departure.void_mark();
                let flight = async move { departure.land(cache.fly(key, &policy, readable, void, future).await) };
                tokio::spawn(self.scope(flight).in_current_span());
                (arrival, false)
            }
        };
        answer(flight::land(arrival).await, joined)
    }

    /// One flight: the tiers, then the function, then the tiers again to keep what it made.
    async fn fly<E, Fut>(
        &self,
        key: Key,
        policy: &Policy,
        readable: fn(&Bytes) -> bool,
        void: Void,
        compute: Fut,
    ) -> Landing
    where
        E: Send + Sync + 'static,
        Fut: Future<Output = std::result::Result<Computed, E>> + Send,
    {
        if let Some((entry, tier)) = self.lookup(&key, readable).await {
            return Landing::Value { entry, status: Status::Hit { tier } };
        }
        match AssertUnwindSafe(compute).catch_unwind().await {
            Ok(Ok(computed)) => {
                let stored = computed.keep && self.keep(&key, &computed.bytes, policy.timeout, &void).await;
                let entry = Entry::new(computed.bytes, policy.timeout);
                Landing::Value { entry, status: Status::Miss { stored } }
            }
            Ok(Err(error)) => Landing::Error(Arc::new(error)),
            Err(panic) => Landing::Panic(panic_message(&*panic).into()),
        }
    }

    /// The entry of `key` in the first tier that has it, put into the tiers before that one as well.
    pub async fn get(&self, key: &Key) -> Option<Entry> {
        self.lookup(key, |_| true).await.map(|(entry, _)| entry)
    }

    async fn lookup(&self, key: &Key, readable: fn(&Bytes) -> bool) -> Option<(Entry, &'static str)> {
        let removals = self.inner.removals.load(Ordering::SeqCst);
        for (index, slot) in self.inner.tiers.iter().enumerate() {
            let Some(entry) = slot.get(key).await else { continue };
            if let Some(left) = entry.remaining()
                && readable(&entry.bytes)
            {
                for before in &self.inner.tiers[..index] {
                    before.set(key, &entry.bytes, left).await;
                }
                if self.inner.removals.load(Ordering::SeqCst) != removals {
                    // Perhaps of this key: the copies go again, which costs a miss at most.
                    for before in &self.inner.tiers[..index] {
                        before.remove(key).await;
                    }
                }
                return Some((entry, slot.tier.name()));
            }
        }
        None
    }

    /// Keeps what a flight made, unless its key was removed meanwhile: that value may be older than the removal.
    async fn keep(&self, key: &Key, bytes: &Bytes, timeout: Duration, void: &Void) -> bool {
        let stored = !void.is_set() && self.set(key, bytes.clone(), timeout).await;
        // The removal may have passed between the look at the mark and the writing.
        if stored && void.is_set() {
            self.remove_from_tiers(key).await;
            return false;
        }
        stored
    }

    /// Keeps a value in every tier; `false` if none took it. More than ten years count as ten years.
    pub async fn set(&self, key: &Key, bytes: Bytes, timeout: Duration) -> bool {
        let (mut stored, timeout) = (false, timeout.min(LONGEST));
        if !timeout.is_zero() {
            for slot in &self.inner.tiers {
                stored |= slot.set(key, &bytes, timeout).await;
            }
        }
        stored
    }

    /// Forgets a value in every tier; `false` if a tier could not be reached and may still have it.
    ///
    /// A computation of this key that is under way in this process is voided: who waits for it gets its result, but it
    /// is not kept, and the next caller starts another.
    pub async fn remove(&self, key: &Key) -> bool {
        self.inner.removals.fetch_add(1, Ordering::SeqCst);
        self.inner.flights.void(key);
        let reached = self.remove_from_tiers(key).await;
        self.inner.removals.fetch_add(1, Ordering::SeqCst);
        reached
    }

    async fn remove_from_tiers(&self, key: &Key) -> bool {
        let mut reached = true;
        // From the last tier on, so that an entry is not copied from one that still has it to one that no longer does.
        for slot in self.inner.tiers.iter().rev() {
            reached &= slot.remove(key).await;
        }
        reached
    }

    /// The tiers that failed when they were last asked.
    pub fn failing_tiers(&self) -> Vec<&'static str> {
        self.inner.tiers.iter().filter(|slot| slot.breaker.is_failing()).map(|slot| slot.tier.name()).collect()
    }

    /// Runs a future with this cache as the [`current`](Self::current) one.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), future)
    }

    /// The cache of the surrounding [`scope`](Self::scope); outside of any, the process's default.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| DEFAULT.get_or_init(|| Self::memory(DEFAULT_MEMORY)).clone())
    }

    /// Makes this the cache of functions that run outside of any scope. The first call counts; `false` for a later one.
    pub fn make_default(&self) -> bool {
        DEFAULT.set(self.clone()).is_ok()
    }
}

impl Default for Cache {
    /// A cache in memory of at most 128 MiB.
    fn default() -> Self {
        Self::memory(DEFAULT_MEMORY)
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tiers: Vec<_> = self.inner.tiers.iter().map(|slot| slot.tier.name()).collect();
        f.debug_struct("Cache").field("tiers", &tiers).finish()
    }
}

impl Slot {
    async fn get(&self, key: &Key) -> Option<Entry> {
        if !self.breaker.allows() {
            return None;
        }
        self.breaker.note(&*self.tier, self.tier.get(key).await).flatten()
    }

    async fn remove(&self, key: &Key) -> bool {
        self.breaker.note(&*self.tier, self.tier.remove(key).await).is_some()
    }

    async fn set(&self, key: &Key, bytes: &Bytes, timeout: Duration) -> bool {
        self.breaker.allows() && self.breaker.note(&*self.tier, self.tier.set(key, bytes, timeout).await) == Some(true)
    }
}

fn answer<E: Clone + Send + Sync + 'static>(landing: Landing, joined: bool) -> Answer<E> {
    match landing {
        Landing::Value { entry, status: Status::Miss { .. } } if joined => {
            Answer { result: Ok(entry), status: Status::Collapsed }
        }
        Landing::Value { entry, status } => Answer { result: Ok(entry), status },
        Landing::Error(error) => Answer { result: Err(failure(&*error)), status: missed(joined) },
        Landing::Panic(message) => Answer { result: Err(Failure::Panic(message)), status: missed(joined) },
    }
}

fn missed(joined: bool) -> Status {
    if joined { Status::Collapsed } else { Status::Miss { stored: false } }
}

fn failure<E: Clone + 'static>(error: &(dyn Any + Send + Sync)) -> Failure<E> {
    match error.downcast_ref::<E>() {
        Some(error) => Failure::Error(error.clone()),
        None => Failure::Panic("one key was used for functions with different error types".into()),
    }
}

/// What a panic said.
#[doc(hidden)]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
