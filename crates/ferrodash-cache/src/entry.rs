//! A stored value: its bytes, the times for which it is fresh and usable, and the selectors by
//! which it can be invalidated.
//!
//! An entry is immutable apart from bookkeeping for copies in memory. It does not know which tier
//! it came from, and it cannot tell whether it was invalidated: that needs the marks of a store
//! ([`Marks::allow`](crate::Marks::allow)).

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;

use crate::clock::{Instant, now};
use crate::stats::FunctionStats;
use crate::{Selector, Stamp};

/// The longest lifetime, ten years. A bound keeps sums of times within the range of every clock.
pub(crate) const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A stored value. Cloning is cheap and shares everything.
///
/// Ages are measured with this process's monotonic clock, starting from the age that the tier
/// reported. Clocks of hosts need not agree.
#[derive(Debug, Clone)]
pub struct Entry(Arc<Inner>);

/// An entry that this reference does not keep in memory.
pub(crate) struct WeakEntry(Weak<Inner>);

impl WeakEntry {
    /// Returns the entry, if it is still in memory.
    pub(crate) fn upgrade(&self) -> Option<Entry> {
        self.0.upgrade().map(Entry)
    }
}

/// The state of an entry. The fields that each hit reads come first, to be in one line of the
/// processor's cache.
#[derive(Debug)]
#[repr(C)]
struct Inner {
    /// The end of freshness.
    fresh: Instant,
    /// For copies in memory: the epoch in which the entry was last compared with the marks. 0 if
    /// never.
    checked: AtomicU64,
    fingerprint: u64,
    /// For copies in memory: the counters of the function.
    stats: OnceLock<Arc<FunctionStats>>,
    /// The end of the lifetime, after which the entry is not served at all.
    usable: Instant,
    parts: Parts,
    /// The value in the type that its function returns, for the one caller that takes it.
    prepared: Mutex<Option<Box<dyn Any + Send>>>,
}

/// The data of which an [`Entry`] consists, as tiers store it.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The value.
    pub bytes: Bytes,
    /// A random number that tells this entry from others under the same key.
    pub id: u64,
    /// The time for which the value is fresh, from when it was computed. At most ten years.
    pub timeout: Duration,
    /// The time for which the value may be served, from when it was computed. At least `timeout`,
    /// and at most ten years.
    pub lifetime: Duration,
    /// The time that the function took.
    pub cost: Duration,
    /// `true` if the value represents an error.
    pub negative: bool,
    /// The kind of the value. A reader that expects another kind treats the entry as absent.
    pub fingerprint: u64,
    /// The moment in the store's history of invalidations at which the computation began.
    pub born: Stamp,
    /// The selectors by which the value can be invalidated.
    pub selectors: Arc<[Selector]>,
    /// The name that the source has for this state of its data, such as an `ETag`. With it the
    /// function can ask whether the value is still right.
    pub validator: Option<Arc<str>>,
    /// `true` if the bytes are compressed already.
    pub compressed: bool,
}

impl Parts {
    /// Creates the parts of a value that is fresh for `timeout` and not served after it, with a
    /// random id and without selectors.
    pub fn new(bytes: Bytes, timeout: Duration) -> Self {
        Self {
            bytes,
            id: crate::random::number(),
            timeout,
            lifetime: timeout,
            cost: Duration::ZERO,
            negative: false,
            fingerprint: 0,
            born: Stamp::default(),
            selectors: Arc::new([]),
            validator: None,
            compressed: false,
        }
    }
}

impl Entry {
    /// Creates an entry that was computed now. Its times are clamped as [`Parts`] says.
    pub fn new(parts: Parts) -> Self {
        Self::aged(parts, Duration::ZERO)
    }

    /// Creates an entry that was computed `age` ago.
    pub(crate) fn aged(mut parts: Parts, age: Duration) -> Self {
        parts.timeout = parts.timeout.min(LONGEST);
        parts.lifetime = parts.lifetime.clamp(parts.timeout, LONGEST);
        let now = now();
        let until = |time: Duration| now + time.saturating_sub(age);
        let (fresh, usable) = (until(parts.timeout), until(parts.lifetime));
        let (checked, fingerprint) = (AtomicU64::new(0), parts.fingerprint);
        let (stats, prepared) = (OnceLock::new(), Mutex::default());
        Self(Arc::new(Inner {
            fresh,
            checked,
            fingerprint,
            stats,
            usable,
            parts,
            prepared,
        }))
    }

    /// Returns the value.
    pub fn bytes(&self) -> &Bytes {
        &self.0.parts.bytes
    }

    /// Returns the data of which the entry consists.
    pub fn parts(&self) -> &Parts {
        &self.0.parts
    }

    /// Returns the random number that tells this entry from others under the same key.
    pub fn id(&self) -> u64 {
        self.0.parts.id
    }

    /// Returns the time for which the entry is still fresh, or `None` if it is stale.
    pub fn remaining(&self) -> Option<Duration> {
        self.fresh_at(now())
    }

    /// Returns the time for which the entry may still be served, fresh or stale, or `None` if its
    /// lifetime has ended.
    pub fn lifetime_left(&self) -> Option<Duration> {
        self.usable_at(now())
    }

    /// Returns the time since the value was computed, at most its lifetime.
    pub fn age(&self) -> Duration {
        let left = self.0.usable.saturating_duration_since(now());
        self.0.parts.lifetime.saturating_sub(left)
    }

    pub(crate) fn downgrade(&self) -> WeakEntry {
        WeakEntry(Arc::downgrade(&self.0))
    }

    /// Leaves a decoded value for the caller that takes it. So a value that was decoded to check
    /// that it can be is not decoded again.
    pub(crate) fn prepare(&self, value: Box<dyn Any + Send>) {
        *self
            .0
            .prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Takes the decoded value, if there is one of this type. Only one of several concurrent
    /// callers gets it; the others decode the bytes.
    pub(crate) fn take_prepared<T: 'static>(&self) -> Option<T> {
        let value = self
            .0
            .prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        value.downcast().ok().map(|value| *value)
    }

    pub(crate) fn fresh_at(&self, now: Instant) -> Option<Duration> {
        self.0
            .fresh
            .checked_duration_since(now)
            .filter(|left| !left.is_zero())
    }

    pub(crate) fn usable_at(&self, now: Instant) -> Option<Duration> {
        self.0
            .usable
            .checked_duration_since(now)
            .filter(|left| !left.is_zero())
    }

    /// Returns the same value as a stale entry with a new id.
    pub(crate) fn expired(&self) -> Self {
        let (age, mut parts) = (self.age(), self.0.parts.clone());
        parts.id = crate::random::number();
        parts.timeout = parts.timeout.min(age);
        Self::aged(parts, age)
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }

    /// Returns `true` if the entry is fresh at this moment.
    pub(crate) fn is_fresh_at(&self, now: Instant) -> bool {
        now < self.0.fresh
    }

    /// Returns the epoch of the last [`mark_checked`](Self::mark_checked).
    pub(crate) fn checked(&self) -> u64 {
        self.0.checked.load(Ordering::Acquire)
    }

    /// Records that the entry was compared with the marks in this epoch.
    pub(crate) fn mark_checked(&self, epoch: u64) {
        self.0.checked.store(epoch, Ordering::Release);
    }

    pub(crate) fn stats(&self) -> Option<&Arc<FunctionStats>> {
        self.0.stats.get()
    }

    pub(crate) fn count_in(&self, stats: &Arc<FunctionStats>) {
        // An entry that has one already belongs to the same function.
        let _ = self.0.stats.set(stats.clone());
    }
}
