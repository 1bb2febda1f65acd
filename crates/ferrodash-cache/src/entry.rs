//! A kept value: its bytes, how long it is fresh, what it can be invalidated by.

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;

use crate::clock::{Instant, now};
use crate::stats::FunctionStats;
use crate::{Selector, Stamp};

/// The longest lifetime: clocks of processes and servers cannot count to the end of time.
pub(crate) const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A kept value. Cloning shares everything.
#[derive(Debug, Clone)]
pub struct Entry(Arc<Inner>);

/// An entry that somebody else may have.
pub(crate) struct WeakEntry(Weak<Inner>);

impl WeakEntry {
    /// The entry, if somebody still has it.
    pub(crate) fn upgrade(&self) -> Option<Entry> {
        self.0.upgrade().map(Entry)
    }
}

/// What each hit looks at comes first, to be in one line of the processor's cache.
#[derive(Debug)]
#[repr(C)]
struct Inner {
    /// Until when it is fresh.
    fresh: Instant,
    /// For copies in memory: the epoch in which the marks were last looked at.
    checked: AtomicU64,
    fingerprint: u64,
    /// For copies in memory: where hits are counted.
    stats: OnceLock<Arc<FunctionStats>>,
    /// Until when it may be served at all.
    usable: Instant,
    parts: Parts,
    /// The value in the form in which its function gives it back, for the one caller who takes it.
    prepared: Mutex<Option<Box<dyn Any + Send>>>,
}

/// What an [`Entry`] is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The value.
    pub bytes: Bytes,
    /// Tells this entry from others under the same key; random.
    pub id: u64,
    /// How long it is fresh, from when it was made.
    pub timeout: Duration,
    /// How long it may be served, from when it was made; at least `timeout`.
    pub lifetime: Duration,
    /// How long the function took.
    pub cost: Duration,
    /// Whether it stands for an error.
    pub negative: bool,
    /// What kind of value it is; a reader who expects another one takes the entry as absent.
    pub fingerprint: u64,
    /// When the computation began, in its store's history of invalidations.
    pub born: Stamp,
    /// What it can be invalidated by.
    pub selectors: Arc<[Selector]>,
    /// What the function can ask its source with whether the value is still right, such as an
    /// `ETag`.
    pub validator: Option<Arc<str>>,
    /// Whether compressing the bytes again is in vain.
    pub compressed: bool,
}

impl Parts {
    /// Bytes that are fresh for `timeout` and gone after it.
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
    /// An entry that was made now.
    pub fn new(parts: Parts) -> Self {
        Self::aged(parts, Duration::ZERO)
    }

    /// An entry that was made `age` ago.
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

    /// The value.
    pub fn bytes(&self) -> &Bytes {
        &self.0.parts.bytes
    }

    /// What the entry is made of.
    pub fn parts(&self) -> &Parts {
        &self.0.parts
    }

    /// Tells this entry from others under the same key.
    pub fn id(&self) -> u64 {
        self.0.parts.id
    }

    /// How long the entry is still fresh; `None` when it no longer is.
    pub fn remaining(&self) -> Option<Duration> {
        self.fresh_at(now())
    }

    /// How long the entry may still be served, fresh or not; `None` when it is past its
    /// lifetime.
    pub fn lifetime_left(&self) -> Option<Duration> {
        self.usable_at(now())
    }

    /// How long ago the value was made.
    pub fn age(&self) -> Duration {
        let left = self.0.usable.saturating_duration_since(now());
        self.0.parts.lifetime.saturating_sub(left)
    }

    pub(crate) fn downgrade(&self) -> WeakEntry {
        WeakEntry(Arc::downgrade(&self.0))
    }

    /// Leaves a decoded value for the caller who takes it, so that a value that was decoded to see
    /// whether it can be is not decoded again.
    pub(crate) fn prepare(&self, value: Box<dyn Any + Send>) {
        *self
            .0
            .prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Takes the decoded value, if one of this type is there.
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

    /// The same value, with nothing left of its freshness.
    pub(crate) fn expired(&self) -> Self {
        let (age, mut parts) = (self.age(), self.0.parts.clone());
        parts.id = crate::random::number();
        parts.timeout = parts.timeout.min(age);
        Self::aged(parts, age)
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }

    /// Whether it is fresh.
    pub(crate) fn is_fresh_at(&self, now: Instant) -> bool {
        now < self.0.fresh
    }

    /// The epoch of [`mark_checked`](Self::mark_checked).
    pub(crate) fn checked(&self) -> u64 {
        self.0.checked.load(Ordering::Acquire)
    }

    /// Remembers in which epoch the marks were last looked at.
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
