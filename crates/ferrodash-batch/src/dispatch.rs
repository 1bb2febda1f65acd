//! When a batch is sent: as soon as the runtime has nothing else to do, when its window ends, or
//! when it is full; and only while fewer requests than allowed are in progress.

use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::SemaphorePermit;
use tracing::{Instrument, Span, debug_span};

use crate::LoadError;
use crate::batch::{Batch, Seat};
use crate::queue::{Joined, Queue};
use crate::scope::Scope;

/// The longest time for which a batch waits for a runtime that is never idle.
const LONGEST_GATHERING: Duration = Duration::from_millis(1);

/// The rounds without a load after which a batch is sent. One would do on one thread; with several,
/// the others go on meanwhile. A round of an idle thread takes about a microsecond.
const QUIET_ROUNDS: u32 = 8;

/// The longest time for which a batch waits for work of its scope that was not polled yet. Calls of
/// a page that are answered together take up to some 100 µs each until they load.
const LONGEST_START: Duration = Duration::from_millis(10);

/// Takes a seat in a batch, and has a new batch sent.
///
/// # Panics
/// If the batch is a new one, and there is no Tokio runtime.
pub(crate) fn join<K, V, E>(queue: &Arc<Queue<K, V, E>>, id: K) -> Seat<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    let Joined { seat, opened } = queue.join(id);
    if let Some(batch) = opened {
        spawn(queue, batch);
    }
    seat
}

/// Takes a seat for each id.
///
/// # Panics
/// If there is no Tokio runtime.
pub(crate) fn join_all<K, V, E>(queue: &Arc<Queue<K, V, E>>, ids: Vec<K>) -> Vec<Seat<K, V, E>>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    // Without a runtime the call panics here, before there are batches that nobody would send.
    let runtime = Handle::current();
    let mut opened = scopeguard::guard(Vec::new(), |batches: Vec<_>| {
        let _guard = runtime.enter();
        for batch in batches {
            spawn(queue, batch);
        }
    });
    queue.join_all(ids, &mut opened)
}

/// Spawns the task of a new batch. If that panics, the batch is gone.
fn spawn<K, V, E>(queue: &Arc<Queue<K, V, E>>, batch: Arc<Batch<K, V, E>>)
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    let departure = Departure {
        queue: queue.clone(),
        batch,
        opener: Span::current(),
    };
    // What the function loads belongs to the same scope.
    match Scope::current().filter(|_| queue.keeps()) {
        Some(scope) => tokio::spawn(scope.hold(departure.run())),
        None => tokio::spawn(departure.run()),
    };
}

/// The task of a batch. If it is dropped, for example because its runtime ends, the batch cannot be
/// joined any more, and its callers get an error.
struct Departure<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    queue: Arc<Queue<K, V, E>>,
    batch: Arc<Batch<K, V, E>>,
    /// The span of the first load.
    opener: Span,
}

impl<K, V, E> Departure<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Sends the batch when it is its turn, unless everybody has left.
    async fn run(self) {
        let Some(_place) = self.wait_for_turn().await else {
            return;
        };
        self.queue.close(&self.batch);
        let ids = self.batch.send();
        if !ids.is_empty() {
            self.send(ids).await;
        }
    }

    /// Waits until the batch can be sent. Returns `None` if everybody has left meanwhile, and the
    /// batch is gone.
    async fn wait_for_turn(&self) -> Option<Option<SemaphorePermit<'_>>> {
        let turn = async {
            tokio::select! {
                biased;
                () = self.batch.full.notified() => {}
                () = self.gather() => {}
            }
            let places = self.queue.source.places.as_ref()?;
            // Nobody closes the semaphore.
            places.acquire().await.ok()
        };
        tokio::pin!(turn);
        loop {
            tokio::select! {
                biased;
                place = &mut turn => return Some(place),
                () = self.batch.deserted() => {
                    if self.queue.end_if_deserted(&self.batch) {
                        return None;
                    }
                }
            }
        }
    }

    /// Collects ids: for the window, or until the runtime has nothing else to do.
    ///
    /// Tokio runs a task that yields after all others of its thread that can run, or after 61 of
    /// them (`event_interval`).
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock of the runtime can be paused, and then there would be no end"
    )]
    async fn gather(&self) {
        if let Some(window) = self.queue.source.options.window {
            return tokio::time::sleep(window).await;
        }
        let start = Instant::now();
        let (mut before, mut rounds) = (0, 0);
        loop {
            let came = self.batch.came();
            let is_starting = self.queue.is_starting();
            let is_quiet = came == before && !is_starting;
            rounds = if is_quiet { rounds + 1 } else { 0 };
            before = came;
            let longest = if is_starting {
                LONGEST_START
            } else {
                LONGEST_GATHERING
            };
            if rounds >= QUIET_ROUNDS || start.elapsed() >= longest {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Runs the function, until it has returned or nobody waits for it any more.
    async fn send(&self, ids: Vec<K>) {
        let source = &self.queue.source;
        let waited = self.batch.opened.elapsed();
        let running = source.begin(ids.len(), waited);
        let span = debug_span!(
            parent: &self.opener,
            "batch",
            name = source.options.name.as_str(),
            ids = ids.len(),
            waited = ?waited,
        );
        // The function itself can panic, and so can its future.
        let load =
            AssertUnwindSafe(async { (source.load)(ids, self.batch.clone()).await }).catch_unwind();
        let load = load.instrument(span);
        tokio::pin!(load);
        loop {
            tokio::select! {
                biased;
                outcome = &mut load => {
                    drop(running); // Before a caller can ask for the figures.
                    return self.batch.settle(outcome.unwrap_or(Err(LoadError::Panicked)));
                }
                () = self.batch.deserted() => {
                    if self.queue.end_if_deserted(&self.batch) {
                        source.counters.cancelled.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                }
            }
        }
    }
}

impl<K, V, E> Drop for Departure<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    fn drop(&mut self) {
        if !self.batch.has_ended() {
            self.queue.close(&self.batch);
            self.batch.settle(Err(LoadError::Panicked));
        }
    }
}
