//! The entries that this process read lately.
//!
//! A read must not write to the database, so it is remembered here. The sweeper writes all of them
//! to the database from time to time, and eviction looks at them first.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::record::KeyBytes;

/// Parts, so that readers on several threads seldom meet; a power of two.
const SHARDS: usize = 16;

/// The reads that a part remembers. More of them between two sweeps are forgotten.
const SHARD_READS: usize = 1 << 13;

#[derive(Default)]
pub(super) struct RecentReads([Mutex<HashSet<KeyBytes>>; SHARDS]);

impl RecentReads {
    /// Remembers a read; whether it was the first one of this key since the last sweep.
    pub(super) fn add(&self, key: &KeyBytes) -> bool {
        let mut shard = self
            .shard(key)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shard.len() < SHARD_READS && shard.insert(*key)
    }

    /// Whether the key was read; that is forgotten then.
    pub(super) fn take(&self, key: &KeyBytes) -> bool {
        self.shard(key)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key)
    }

    /// All keys that were read; that is forgotten then.
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
