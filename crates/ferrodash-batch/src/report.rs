//! What a batcher has done so far.

use std::time::Duration;

/// The figures of a batcher and its clones since it was made. See
/// [`Batcher::report`](crate::Batcher::report).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BatchReport {
    /// The loads of single ids.
    pub loads: u64,
    /// The ids that were sent, each once for its request.
    pub ids: u64,
    /// The requests.
    pub batches: u64,
    /// The requests that were cancelled because nobody waited any more.
    pub cancelled: u64,
    /// The requests that are in progress.
    pub running: usize,
    /// The ids of the largest request.
    pub largest: usize,
    /// The sum of the times between the first load of a batch and its request. It grows if
    /// [`max_batches`](crate::Batcher::max_batches) requests are in progress.
    pub waited: Duration,
}

impl BatchReport {
    /// Adds the figures of another batcher.
    pub(crate) fn add(&mut self, other: Self) {
        self.loads += other.loads;
        self.ids += other.ids;
        self.batches += other.batches;
        self.cancelled += other.cancelled;
        self.running += other.running;
        self.largest = self.largest.max(other.largest);
        self.waited += other.waited;
    }
}
