//! Memory of this process, bounded in bytes.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, ready};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::{Entry, Key, Tier, TierResult};

/// The tier's name.
pub(crate) const MEMORY: &str = "memory";

/// What an entry costs beside its bytes: key, entry, and the slot in the table.
const OVERHEAD: u64 = 160;

/// For the first allocation of the table.
const EXPECTED_ENTRIES: usize = 1024;

/// The least that a shard of the table is worth.
const SHARD: u64 = 4 << 20;

/// How often entries past their timeout are looked for, so that they go without being read.
const SWEEP: Duration = Duration::from_secs(5);

pub(crate) struct Memory {
    entries: Arc<Entries>,
    // Locked to look at the task, and only when something is kept.
    sweeper: Mutex<Option<JoinHandle<()>>>,
}

type Entries = Cache<Key, Entry, ByBytes>;

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Entry> for ByBytes {
    fn weight(&self, _key: &Key, entry: &Entry) -> u64 {
        entry.bytes.len() as u64 + OVERHEAD
    }
}

impl Memory {
    pub(crate) fn new(max_bytes: u64) -> Self {
        // Few shards, as a value must fit into its shard: one of a quarter of the budget always does.
        let shards = usize::try_from(max_bytes / SHARD).unwrap_or(usize::MAX).clamp(1, 4);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(EXPECTED_ENTRIES)
            .weight_capacity(max_bytes)
            .shards(shards)
            .build()
            .expect("all needed options are given");
        let entries = Cache::with_options(options, ByBytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { entries: Arc::new(entries), sweeper: Mutex::default() }
    }

    /// Starts the sweeper, again if the runtime that it ran on is gone.
    fn keep_swept(&self) {
        let mut sweeper = self.sweeper.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeper.as_ref().is_none_or(JoinHandle::is_finished)
            && let Ok(runtime) = Handle::try_current()
        {
            *sweeper = Some(runtime.spawn(sweep(Arc::downgrade(&self.entries))));
        }
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

/// Removes what is past its timeout, for as long as the tier lives.
async fn sweep(entries: Weak<Entries>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(entries) = entries.upgrade() else { return };
        entries.retain(|_, entry| entry.remaining().is_some());
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
        self.keep_swept();
        self.entries.insert(*key, Entry::new(bytes.clone(), timeout));
        // An entry larger than its share of the budget is dropped at once.
        ready(Ok(self.entries.contains_key(key))).boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        self.entries.remove(key);
        ready(Ok(())).boxed()
    }
}
