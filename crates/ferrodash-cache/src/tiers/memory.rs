//! Memory of this process, bounded in bytes.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, ready};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::{Entry, Key, Tier, TierResult};

/// The tier's name.
pub(crate) const MEMORY: &str = "memory";

/// What an entry costs beside its bytes: key, entry, and the slot in the table.
const OVERHEAD: u64 = 160;

/// Only a hint for the first allocation of the table.
const EXPECTED_ENTRIES: usize = 1024;

pub(crate) struct Memory {
    entries: Cache<Key, Entry, ByBytes>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Entry> for ByBytes {
    fn weight(&self, _key: &Key, entry: &Entry) -> u64 {
        entry.bytes.len() as u64 + OVERHEAD
    }
}

impl Memory {
    pub(crate) fn new(max_bytes: u64) -> Self {
        Self { entries: Cache::with_weighter(EXPECTED_ENTRIES, max_bytes, ByBytes) }
    }

    fn fresh(&self, key: &Key) -> Option<Entry> {
        let entry = self.entries.get(key)?;
        if entry.remaining().is_some() {
            return Some(entry);
        }
        self.entries.remove_if(key, |entry| entry.remaining().is_none());
        None
    }
}

impl Tier for Memory {
    fn name(&self) -> &'static str {
        MEMORY
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        ready(Ok(self.fresh(key))).boxed()
    }

    fn set<'a>(&'a self, key: &'a Key, bytes: &'a Bytes, timeout: Duration) -> BoxFuture<'a, TierResult<bool>> {
        self.entries.insert(*key, Entry::new(bytes.clone(), timeout));
        // An entry larger than its share of the budget is dropped at once.
        ready(Ok(self.entries.contains_key(key))).boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        self.entries.remove(key);
        ready(Ok(())).boxed()
    }
}
