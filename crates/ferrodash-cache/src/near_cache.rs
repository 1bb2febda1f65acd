//! Memory of this process in front of all tiers.
//!
//! With a shared tier behind it, this is a near cache: it contains copies of that tier's entries. A
//! copy lives shorter than its entry, because changes by other processes may not become known here,
//! and it is dropped when a change of it becomes known. Such a change can come between reading an
//! entry and storing its copy. So the caller that stores a copy says at which *version* of the key
//! it began to read, and a copy of an older version is dropped.
//!
//! The file knows neither marks nor tiers; `search.rs` checks whether a copy still counts.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Instant;
use crate::tiers::Memory;
use crate::{Entry, Key, Tier};

/// The number of versions, which keys share. A change of another key with the same version costs a
/// copy, so there are many.
const VERSIONS: usize = 1 << 16;

/// The number of locks, which keys share. A lock is held for one insertion.
const LOCKS: usize = 256;

/// Copies of entries, and the versions of their keys.
pub(crate) struct NearCache {
    memory: Memory,
    versions: Box<[AtomicU32]>,
    // Held from the look at a version to the insertion, so that no change can come between them.
    locks: Box<[Mutex<()>]>,
}

impl NearCache {
    /// Creates a near cache that keeps its copies in `memory`.
    pub(crate) fn new(memory: Memory) -> Self {
        let versions = (0..VERSIONS).map(|_| AtomicU32::new(0)).collect();
        Self {
            memory,
            versions,
            locks: (0..LOCKS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Returns the copy of an entry.
    pub(crate) fn get(&self, key: &Key, now: Instant) -> Option<Entry> {
        self.memory.find(key, now)
    }

    /// Returns the present version of a key.
    pub(crate) fn version(&self, key: &Key) -> u32 {
        self.counter(key).load(Ordering::SeqCst)
    }

    /// Stores a copy for `at_most`, unless the key has changed since `version`. Returns whether it
    /// is stored. If it is not, no older copy is either.
    pub(crate) fn keep(&self, key: &Key, entry: &Entry, at_most: Duration, version: u32) -> bool {
        let _lock = self.lock(key);
        // The entry was read before a change. A stored copy is dropped too: it may be older still,
        // and if it is newer, that costs only another read.
        if self.version(key) != version {
            self.memory.forget(key);
            return false;
        }
        self.memory.insert(key, entry, at_most)
    }

    /// Stores an entry that is newer than any other, and raises the version, so that copies that
    /// are being read now are not stored over it.
    pub(crate) fn replace(&self, key: &Key, entry: &Entry, at_most: Duration) -> bool {
        let _lock = self.lock(key);
        self.counter(key).fetch_add(1, Ordering::SeqCst);
        self.memory.insert(key, entry, at_most)
    }

    /// Replaces the copy of an entry with its better form, if that entry is still the one that is
    /// stored.
    pub(crate) fn improve(&self, key: &Key, better: &Entry, now: Instant) {
        let _lock = self.lock(key);
        let Some((kept, left)) = self.memory.find_with_age(key, now) else {
            return;
        };
        if kept.id() == better.id() {
            better.mark_checked(kept.checked());
            self.memory.insert(key, better, left);
        }
    }

    /// Drops the copy of an entry that has changed, and raises the version of its key.
    pub(crate) fn changed(&self, key: &Key) {
        let _lock = self.lock(key);
        self.counter(key).fetch_add(1, Ordering::SeqCst);
        self.memory.forget(key);
    }

    /// Drops all copies, because changes may have been missed.
    pub(crate) fn flush(&self) {
        // All locks are held until the memory is empty, so no copy of an old version is stored
        // meanwhile.
        let _locks: Vec<_> = self
            .locks
            .iter()
            .map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner))
            .collect();
        for version in &*self.versions {
            version.fetch_add(1, Ordering::SeqCst);
        }
        self.memory.clear();
    }

    /// Returns the size of the memory as text, for the log.
    pub(crate) fn place(&self) -> String {
        self.memory.place()
    }

    /// Returns the number of copies, and their size in bytes.
    pub(crate) fn size(&self) -> (usize, u64) {
        self.memory.size()
    }

    fn counter(&self, key: &Key) -> &AtomicU32 {
        // A key is a hash, so any of its bytes are as good as random.
        let [.., a, b] = *key.as_bytes();
        &self.versions[usize::from(u16::from_le_bytes([a, b])) % VERSIONS]
    }

    fn lock(&self, key: &Key) -> MutexGuard<'_, ()> {
        self.locks[usize::from(key.as_bytes()[31]) % LOCKS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
