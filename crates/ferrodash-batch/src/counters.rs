//! What a batcher counts.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::BatchReport;

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
