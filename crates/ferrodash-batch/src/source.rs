//! What all batches of a batcher share: the function, its limits, and the figures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::BatchReport;
use crate::batch::{Batch, Outcome};

/// Loads the values of some ids. What it has early it can settle in the batch itself.
pub(crate) type LoadBatch<K, V, E> =
    dyn Fn(Vec<K>, Arc<Batch<K, V, E>>) -> BoxFuture<'static, Outcome<K, V, E>> + Send + Sync;

/// The default limit of ids in one request: 100.
pub const DEFAULT_MAX_SIZE: usize = 100;

/// The options of a batcher.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The name in spans and figures.
    pub(crate) name: String,
    /// The time for which ids are collected; `None` until the runtime is idle.
    pub(crate) window: Option<Duration>,
    /// The ids of a request.
    pub(crate) size: usize,
    /// The requests at a time; `None` for any number.
    pub(crate) batches: Option<usize>,
    /// Whether loads of different scopes are combined.
    pub(crate) is_shared: bool,
    /// Whether a scope keeps errors as it keeps values.
    pub(crate) keeps_errors: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "batcher".to_owned(),
            window: None,
            size: DEFAULT_MAX_SIZE,
            batches: None,
            is_shared: false,
            keeps_errors: false,
        }
    }
}

/// The function of a batcher with its limits.
pub(crate) struct Source<K, V, E> {
    pub(crate) load: Arc<LoadBatch<K, V, E>>,
    pub(crate) options: Options,
    /// A permit for each request that may be in progress.
    pub(crate) places: Option<Semaphore>,
    pub(crate) counters: Counters,
}

impl<K, V, E> Source<K, V, E> {
    pub(crate) fn new(load: Arc<LoadBatch<K, V, E>>, options: Options) -> Self {
        let places = options
            .batches
            .map(|batches| Semaphore::new(batches.min(Semaphore::MAX_PERMITS)));
        Self {
            load,
            options,
            places,
            counters: Counters::default(),
        }
    }
}

/// The figures of a batcher.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) loads: AtomicU64,
    pub(crate) ids: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    running: AtomicUsize,
    largest: AtomicUsize,
    waited_micros: AtomicU64,
}

impl Counters {
    /// Counts a request that begins, and returns what counts it as in progress until it is dropped.
    pub(crate) fn begin(&self, ids: usize, waited: Duration) -> Running<'_> {
        let waited = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.ids.fetch_add(ids as u64, Ordering::Relaxed);
        self.largest.fetch_max(ids, Ordering::Relaxed);
        self.waited_micros.fetch_add(waited, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(&self.running)
    }

    pub(crate) fn report(&self) -> BatchReport {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BatchReport {
            loads: count(&self.loads),
            ids: count(&self.ids),
            batches: count(&self.batches),
            cancelled: count(&self.cancelled),
            running: self.running.load(Ordering::Relaxed),
            largest: self.largest.load(Ordering::Relaxed),
            waited: Duration::from_micros(count(&self.waited_micros)),
        }
    }
}

/// Counts a request while it is in progress.
pub(crate) struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
