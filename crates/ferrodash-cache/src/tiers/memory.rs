//! Memory of this process, bounded in bytes.
//!
//! The table evicts by itself when it is full. An entry past its time is dropped when it is read,
//! and by a task that looks for such entries every five seconds. The file knows entries only by
//! their size and their times.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, ready};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::clock::{Instant, now};
use crate::entry::LONGEST;
use crate::{Entry, Key, Tier, TierResult};

/// The tier's name.
pub(crate) const MEMORY: &str = "memory";

/// The bytes that an entry costs besides its value: key, entry, and the slot in the table.
const OVERHEAD: u64 = 320;

/// The number of entries for which the table has room at first.
const EXPECTED_ENTRIES: usize = 1024;

/// The smallest budget for which a shard of the table is worth having.
const SHARD: u64 = 4 << 20;

/// The interval at which expired entries are removed without being read.
const SWEEP: Duration = Duration::from_secs(5);

/// A tier in the memory of this process.
///
/// It holds at most a fixed number of bytes, counted as the values plus 320 bytes for each entry. A
/// value that is larger than its share of the table, at least a quarter of the budget, is not
/// stored. All operations are done at once and never fail.
pub struct Memory {
    entries: Arc<Entries>,
    // Locked to check the task, and only when an entry is stored.
    sweeper: Mutex<Option<JoinHandle<()>>>,
}

type Entries = Cache<Key, Kept, ByBytes>;

/// An entry with the end of this copy, which can be earlier than that of the entry.
#[derive(Clone)]
struct Kept {
    entry: Entry,
    until: Instant,
}

/// Weighs entries by their bytes.
#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Kept> for ByBytes {
    fn weight(&self, _key: &Key, kept: &Kept) -> u64 {
        kept.entry.bytes().len() as u64 + OVERHEAD
    }
}

impl Memory {
    /// Creates memory of at most `max_bytes` of keys and values.
    pub fn new(max_bytes: u64) -> Self {
        // A value must fit into its shard. With at most four shards, a quarter of the budget always
        // does.
        let shards = usize::try_from(max_bytes / SHARD)
            .unwrap_or(usize::MAX)
            .clamp(1, 4);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(EXPECTED_ENTRIES)
            .weight_capacity(max_bytes)
            .shards(shards)
            .build()
            .expect("all needed options are given");
        let entries = Cache::with_options(
            options,
            ByBytes,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        );
        Self {
            entries: Arc::new(entries),
            sweeper: Mutex::default(),
        }
    }

    /// Returns the entry of a key, unless its time has ended.
    pub(crate) fn find(&self, key: &Key, now: Instant) -> Option<Entry> {
        let Kept { entry, until } = self.entries.get(key)?;
        if now < until {
            return Some(entry);
        }
        // Only an expired entry is removed, as another thread may have stored a new one meanwhile.
        self.entries.remove_if(key, |kept| kept.until <= now);
        None
    }

    /// Returns the entry of a key, and the time for which this copy of it is still kept.
    pub(crate) fn find_with_age(&self, key: &Key, now: Instant) -> Option<(Entry, Duration)> {
        let Kept { entry, until } = self.entries.get(key)?;
        let left = until.checked_duration_since(now)?;
        Some((entry, left))
    }

    /// Stores an entry for the rest of its lifetime, at most for `at_most`. Returns `false` if it
    /// is larger than its share of the budget.
    pub(crate) fn insert(&self, key: &Key, entry: &Entry, at_most: Duration) -> bool {
        self.keep_swept();
        let now = now();
        let Some(left) = entry.usable_at(now) else {
            return false;
        };
        self.entries.insert(
            *key,
            Kept {
                entry: entry.clone(),
                until: now + left.min(at_most),
            },
        );
        // The table drops an entry that is too large without saying so.
        self.entries.contains_key(key)
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.entries.remove(key);
    }

    pub(crate) fn clear(&self) {
        self.entries.clear();
    }

    pub(crate) fn size(&self) -> (usize, u64) {
        (self.entries.len(), self.entries.weight())
    }

    /// Starts the sweeper, or starts it again if the runtime on which it ran is gone.
    fn keep_swept(&self) {
        let mut sweeper = self.sweeper.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeper.as_ref().is_none_or(JoinHandle::is_finished)
            && let Ok(runtime) = Handle::try_current()
        {
            *sweeper = Some(runtime.spawn(sweep(Arc::downgrade(&self.entries))));
        }
    }
}

/// Removes expired entries for as long as the tier exists.
async fn sweep(entries: Weak<Entries>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(entries) = entries.upgrade() else {
            return;
        };
        let now = now();
        entries.retain(|_, kept| now < kept.until);
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("entries", &self.entries.len())
            .field("bytes", &self.entries.weight())
            .finish()
    }
}

impl Tier for Memory {
    fn name(&self) -> &'static str {
        MEMORY
    }

    fn place(&self) -> String {
        format!("at most {} MiB", self.entries.capacity().div_ceil(1 << 20))
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        ready(Ok(self.find(key, now()))).boxed()
    }

    fn set<'a>(&'a self, key: &'a Key, entry: &'a Entry) -> BoxFuture<'a, TierResult<bool>> {
        // As an ordinary tier, memory has no limit besides the lifetime.
        ready(Ok(self.insert(key, entry, LONGEST))).boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        self.forget(key);
        ready(Ok(())).boxed()
    }
}
