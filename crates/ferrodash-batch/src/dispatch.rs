//! When a batch is sent: as soon as the runtime has nothing else to do, when its window ends, or when
//! it is full; and only while fewer requests than allowed are in progress.

use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::batch::{Batch, Callers, Outcome, Seat};
use crate::{BatchReport, LoadError};

/// Loads the values of some ids.
pub(crate) type LoadBatch<K, V, E> =
    dyn Fn(Vec<K>) -> BoxFuture<'static, Outcome<K, V, E>> + Send + Sync;

/// The default limit of ids in one request: 100.
pub const DEFAULT_MAX_SIZE: usize = 100;

/// The longest time for which a batch waits for a runtime that is never idle.
const LONGEST_GATHERING: Duration = Duration::from_millis(1);

/// The rounds without a load after which a batch is sent. One would do on one thread; with several,
/// the others go on meanwhile. A round of an idle thread takes about a microsecond.
const QUIET_ROUNDS: u32 = 8;

/// The options of a batcher.
#[derive(Debug)]
pub(crate) struct Limits {
    /// The time for which ids are collected; `None` until the runtime is idle.
    pub(crate) window: Option<Duration>,
    /// The ids of a request.
    pub(crate) size: usize,
    /// The requests at a time; `None` for any number.
    pub(crate) batches: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: None,
            size: DEFAULT_MAX_SIZE,
            batches: None,
        }
    }
}

/// The state that clones of a batcher share.
pub(crate) struct Dispatcher<K, V, E> {
    load: Box<LoadBatch<K, V, E>>,
    limits: Limits,
    places: Option<Semaphore>,
    // Batches that were not sent yet. Only the last one takes new ids. Locked to add an id or to
    // remove a batch, never across an await.
    unsent: Mutex<Vec<Batch<K, V, E>>>,
    numbers: AtomicU64,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    loads: AtomicU64,
    ids: AtomicU64,
    batches: AtomicU64,
    cancelled: AtomicU64,
    running: AtomicUsize,
    largest: AtomicUsize,
    waited_micros: AtomicU64,
}

impl<K, V, E> Dispatcher<K, V, E> {
    pub(crate) fn new(load: Box<LoadBatch<K, V, E>>, limits: Limits) -> Self {
        Self {
            load,
            places: limits
                .batches
                .map(|batches| Semaphore::new(batches.min(Semaphore::MAX_PERMITS))),
            limits,
            unsent: Mutex::default(),
            numbers: AtomicU64::default(),
            counters: Counters::default(),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn into_parts(self) -> (Box<LoadBatch<K, V, E>>, Limits) {
        (self.load, self.limits)
    }

    pub(crate) fn report(&self) -> BatchReport {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters {
            loads,
            ids,
            batches,
            cancelled,
            running,
            largest,
            waited_micros,
        } = &self.counters;
        BatchReport {
            loads: count(loads),
            ids: count(ids),
            batches: count(batches),
            cancelled: count(cancelled),
            running: running.load(Ordering::Relaxed),
            largest: largest.load(Ordering::Relaxed),
            waited: Duration::from_micros(count(waited_micros)),
        }
    }

    /// Takes a batch out of those that can be joined.
    fn close(&self, number: u64) -> Option<Batch<K, V, E>> {
        let mut unsent = self.lock();
        let position = unsent.iter().position(|batch| batch.number == number)?;
        Some(unsent.remove(position))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Batch<K, V, E>>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V, E> Dispatcher<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Adds a caller to a batch that has its id, or to one that has room, or to a new one.
    pub(crate) fn join(self: &Arc<Self>, id: K) -> Seat<V, E> {
        self.counters.loads.fetch_add(1, Ordering::Relaxed);
        let mut unsent = self.lock();
        // Only the last batch can have room; the others are full and wait for their turn.
        let size = self.limits.size;
        let full = unsent.len() - usize::from(unsent.last().is_some_and(|last| last.len() < size));
        if let Some(batch) = unsent[..full].iter_mut().find(|batch| batch.contains(&id)) {
            return batch.join(id);
        }
        if let Some(batch) = unsent.get_mut(full) {
            let seat = batch.join(id);
            if batch.len() == size {
                batch.callers.full.notify_one();
            }
            return seat;
        }
        // Panics without a runtime, before there is a batch that nobody would send.
        let runtime = Handle::current();
        let mut batch = Batch::open(self.numbers.fetch_add(1, Ordering::Relaxed));
        let seat = batch.join(id);
        if self.limits.size == 1 {
            batch.callers.full.notify_one();
        }
        let departure = Departure {
            dispatcher: self.clone(),
            number: batch.number,
            callers: batch.callers.clone(),
        };
        unsent.push(batch);
        drop(unsent);
        runtime.spawn(departure.run());
        seat
    }

    /// Runs the function for a batch that was closed.
    async fn send(&self, mut batch: Batch<K, V, E>) {
        let ids = batch.take_ids();
        if ids.is_empty() {
            return;
        }
        self.count(&batch, ids.len());
        let running = Running::new(&self.counters.running);
        let callers = batch.callers.clone();
        // The function itself can panic, and so can its future.
        let load = AssertUnwindSafe(async { (self.load)(ids).await }).catch_unwind();
        tokio::select! {
            biased;
            outcome = load => {
                drop(running); // Before a caller can ask for the figures.
                batch.settle(outcome.unwrap_or(Err(LoadError::Panicked)));
            }
            () = callers.deserted() => {
                self.counters.cancelled.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits until a batch can be sent. Returns `None` if everybody has left meanwhile, and the batch
    /// is gone.
    async fn wait_for_turn<'a>(
        &'a self,
        number: u64,
        callers: &Callers,
    ) -> Option<Option<SemaphorePermit<'a>>> {
        let turn = async {
            tokio::select! {
                biased;
                () = callers.full.notified() => {}
                () = self.gather(callers) => {}
            }
            let places = self.places.as_ref()?;
            // Nobody closes the semaphore.
            places.acquire().await.ok()
        };
        tokio::pin!(turn);
        loop {
            tokio::select! {
                biased;
                place = &mut turn => return Some(place),
                () = callers.deserted() => {
                    if self.forget_if_empty(number) {
                        return None;
                    }
                }
            }
        }
    }

    /// Collects ids: for the window, or until some rounds of all tasks that could run brought none.
    ///
    /// Tokio runs a task that yields after all others of its thread that can run, or after 61 of
    /// them (`event_interval`).
    async fn gather(&self, callers: &Callers) {
        if let Some(window) = self.limits.window {
            return tokio::time::sleep(window).await;
        }
        let start = Instant::now();
        let (mut before, mut quiet) = (0, 0);
        while quiet < QUIET_ROUNDS && start.elapsed() < LONGEST_GATHERING {
            let came = callers.came();
            quiet = if came == before { quiet + 1 } else { 0 };
            before = came;
            tokio::task::yield_now().await;
        }
    }

    /// Drops a batch that nobody waits for. Somebody may have come since its last caller left.
    fn forget_if_empty(&self, number: u64) -> bool {
        let mut unsent = self.lock();
        let is_empty = |batch: &Batch<K, V, E>| batch.number == number && batch.callers.is_empty();
        let gone = unsent
            .iter()
            .position(is_empty)
            .map(|position| unsent.remove(position));
        drop(unsent);
        // Dropped without the lock, as code of the id's type runs then.
        gone.is_some()
    }

    fn count(&self, batch: &Batch<K, V, E>, ids: usize) {
        let waited = u64::try_from(batch.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        let counters = &self.counters;
        counters.batches.fetch_add(1, Ordering::Relaxed);
        counters.ids.fetch_add(ids as u64, Ordering::Relaxed);
        counters.largest.fetch_max(ids, Ordering::Relaxed);
        counters.waited_micros.fetch_add(waited, Ordering::Relaxed);
    }
}

/// The task of a batch. If it is dropped, for example because its runtime ends, the batch cannot be
/// joined any more, and its callers get an error.
struct Departure<K, V, E> {
    dispatcher: Arc<Dispatcher<K, V, E>>,
    number: u64,
    callers: Arc<Callers>,
}

impl<K, V, E> Departure<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Sends the batch when it is its turn, unless everybody has left.
    async fn run(self) {
        let dispatcher = &self.dispatcher;
        let turn = dispatcher.wait_for_turn(self.number, &self.callers).await;
        let Some(_place) = turn else {
            return;
        };
        if let Some(batch) = dispatcher.close(self.number) {
            dispatcher.send(batch).await;
        }
    }
}

impl<K, V, E> Drop for Departure<K, V, E> {
    fn drop(&mut self) {
        self.dispatcher.close(self.number);
    }
}

/// Counts a request while it is in progress.
struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn new(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
