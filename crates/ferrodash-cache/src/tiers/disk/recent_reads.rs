//! The entries that this process has read recently.
//!
//! A read must not write to the database, so it is remembered here. The sweeper writes all of them
//! to the database from time to time, and eviction looks at them first. The memory is bounded;
//! reads that do not fit only make eviction less exact.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::record::KeyBytes;

/// The number of parts, so that readers on several threads seldom wait for each other. A power of
/// two.
const SHARDS: usize = 16;

/// The number of reads that a part remembers. More of them between two sweeps are forgotten.
const SHARD_READS: usize = 1 << 13;

/// The keys that were read since the last sweep.
#[derive(Default)]
pub(super) struct RecentReads([Mutex<HashSet<KeyBytes>>; SHARDS]);

impl RecentReads {
    /// Remembers a read. Returns `true` if it was the first one of this key since the last sweep.
    pub(super) fn add(&self, key: &KeyBytes) -> bool {
        let mut shard = self
            .shard(key)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shard.len() < SHARD_READS && shard.insert(*key)
    }

    /// Returns `true` if the key was read, and forgets that.
    pub(super) fn take(&self, key: &KeyBytes) -> bool {
        self.shard(key)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key)
    }

    /// Returns all keys that were read, and forgets them.
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
