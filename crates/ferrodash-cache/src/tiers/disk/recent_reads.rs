//! Which entries were read lately, in this process.
//!
//! A read must not write to the database, so it leaves a note here. The notes are written down
//! together from time to time, and looked at before an entry is evicted.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::record::KeyBytes;

/// Parts, so that readers on several threads seldom meet; a power of two.
const SHARDS: usize = 16;

/// Reads in a part at most: more of them between two writings are not remembered.
const SHARD_NOTES: usize = 1 << 13;

#[derive(Default)]
pub(super) struct RecentReads([Mutex<HashSet<KeyBytes>>; SHARDS]);

impl RecentReads {
    /// Remembers a read; whether it was the first one since the notes were taken.
    pub(super) fn add(&self, key: &KeyBytes) -> bool {
        let mut shard = self
            .shard(key)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shard.len() < SHARD_NOTES && shard.insert(*key)
    }

    /// Whether there was a note, which is gone then.
    pub(super) fn take(&self, key: &KeyBytes) -> bool {
        self.shard(key)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key)
    }

    /// All notes, which are gone then.
    pub(super) fn take_all(&self) -> Vec<KeyBytes> {
        let take = |shard: &Mutex<HashSet<KeyBytes>>| {
            std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner))
        };
        self.0.iter().flat_map(take).collect()
    }

    fn shard(&self, key: &KeyBytes) -> &Mutex<HashSet<KeyBytes>> {
        &self.0[usize::from(key[0]) % SHARDS]
    }
}
