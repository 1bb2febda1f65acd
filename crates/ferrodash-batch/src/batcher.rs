//! The batcher: a window that opens with the first id and closes by time or size.
//!
//! A batch is a list of ids and a watch channel. Callers receive its outcome from the channel, and
//! a task of its own sends the request. The file knows nothing of HTTP; it calls a function.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use tokio::sync::watch;

use crate::LoadError;

/// The default time for which ids are collected: 1 ms.
pub const DEFAULT_WINDOW: Duration = Duration::from_millis(1);

/// The default limit of ids in one request: 100.
pub const DEFAULT_MAX_SIZE: usize = 100;

/// Turns concurrent loads of single ids into few requests. Cloning is cheap and shares the window.
///
/// A batcher does not know its callers: everything it loads must be the same for all of them.
/// Values that differ by user or tenant need that in their id, or a batcher of their own.
///
/// Requests run in tasks of their own, so loads need a Tokio runtime with time enabled. Several
/// requests can be in progress at the same time.
pub struct Batcher<K, V, E> {
    shared: Arc<Shared<K, V, E>>,
}

/// The state that clones share.
struct Shared<K, V, E> {
    load: Box<LoadBatch<K, V, E>>,
    window: Duration,
    max_size: usize,
    // Batches that were not sent yet. Only the last one takes new ids. Locked to add an id or to
    // remove a batch, never across an await.
    unsent: Mutex<Vec<Batch<K, V, E>>>,
}

/// Loads the values of some ids.
pub(crate) type LoadBatch<K, V, E> =
    dyn Fn(Vec<K>) -> BoxFuture<'static, Outcome<K, V, E>> + Send + Sync;

/// The outcome of one request, for all callers whose ids are in it.
pub(crate) type Outcome<K, V, E> = Result<HashMap<K, Result<V, LoadError<E>>>, LoadError<E>>;

type Arrival<K, V, E> = watch::Receiver<Option<Arc<Outcome<K, V, E>>>>;

type Departure<K, V, E> = watch::Sender<Option<Arc<Outcome<K, V, E>>>>;

/// Ids that are sent together.
struct Batch<K, V, E> {
    /// The ids in the order in which they were first loaded.
    ids: Vec<K>,
    /// A set of the same ids, to find duplicates.
    known: HashSet<K>,
    departure: Departure<K, V, E>,
}

impl<K, V, E> Batcher<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Creates a batcher over a function from ids to the values that it found.
    ///
    /// An id that the function leaves out of its map is [`LoadError::Missing`] for its callers. The
    /// function gets ids without duplicates, in the order in which they were first loaded. Its
    /// error is [`LoadError::Request`] for all callers of the batch.
    pub fn new<F, Fut>(load: F) -> Self
    where
        F: Fn(Vec<K>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HashMap<K, V>, E>> + Send + 'static,
    {
        Self::with_results(move |ids| {
            load(ids).map_ok(|found| {
                found
                    .into_iter()
                    .map(|(id, value)| (id, Ok(value)))
                    .collect()
            })
        })
    }

    /// Creates a batcher over a function that can fail for some of its ids. Those are
    /// [`LoadError::Item`] for their callers, and all other callers get their values.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::collections::HashMap;
    /// use ferrodash_batch::Batcher;
    ///
    /// let rows = Batcher::with_results(async |ids: Vec<u32>| {
    ///     let row = |id| if id < 100 { Ok(id * 2) } else { Err("not yours") };
    ///     Ok::<HashMap<_, _>, _>(ids.into_iter().map(|id| (id, row(id))).collect())
    /// });
    /// let (own, other) = tokio::join!(rows.load(1), rows.load(200));
    /// assert_eq!(own, Ok(2));
    /// assert_eq!(other.unwrap_err().to_string(), "not yours");
    /// # }
    /// ```
    pub fn with_results<F, Fut>(load: F) -> Self
    where
        F: Fn(Vec<K>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HashMap<K, Result<V, E>>, E>> + Send + 'static,
    {
        let load: Box<LoadBatch<K, V, E>> = Box::new(move |ids| {
            let item = |(id, result): (K, Result<V, E>)| {
                (id, result.map_err(|error| LoadError::Item(Arc::new(error))))
            };
            let result = load(ids).map_ok(move |results| results.into_iter().map(item).collect());
            result
                .map_err(|error| LoadError::Request(Arc::new(error)))
                .boxed()
        });
        Self::with(load, DEFAULT_WINDOW, DEFAULT_MAX_SIZE)
    }

    /// Creates a batcher with all its settings.
    pub(crate) fn with(load: Box<LoadBatch<K, V, E>>, window: Duration, max_size: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                load,
                window,
                max_size,
                unsent: Mutex::default(),
            }),
        }
    }

    /// Sets how long ids are collected after the first one. By default 1 ms. With a window of zero,
    /// only loads that are made before the task of the batch runs share a request.
    ///
    /// # Panics
    /// If the batcher was cloned or used before.
    #[must_use]
    pub fn window(self, window: Duration) -> Self {
        let Shared { load, max_size, .. } = self.into_shared();
        Self::with(load, window, max_size)
    }

    /// Sets how many different ids one request has at most. By default 100. A full batch is sent at
    /// once, and further ids open another batch.
    ///
    /// # Panics
    /// If `max_size` is zero, or if the batcher was cloned or used before.
    #[must_use]
    pub fn max_size(self, max_size: usize) -> Self {
        assert!(max_size > 0, "a batch must have room for one id");
        let Shared { load, window, .. } = self.into_shared();
        Self::with(load, window, max_size)
    }

    /// Takes the state apart, which is possible only before it is shared.
    fn into_shared(self) -> Shared<K, V, E> {
        match Arc::try_unwrap(self.shared) {
            Ok(shared) => shared,
            Err(_) => panic!("options of a batcher are set before it is cloned or used"),
        }
    }

    /// Loads the value of one id, together with the ids of other calls at the same time.
    ///
    /// # Concurrency
    /// Calls for one id that come before its batch is sent share one request. A call that comes
    /// later opens another batch.
    ///
    /// # Cancellation
    /// The request runs in a task of its own. A caller that is cancelled neither stops it nor
    /// delays others. There is no timeout; the function has to set one.
    ///
    /// # Errors
    /// - [`LoadError::Missing`] if the answer has nothing for this id,
    /// - [`LoadError::Item`] if it failed for this id,
    /// - [`LoadError::Request`] if the request failed,
    /// - [`LoadError::Panicked`] if the function panicked. All calls of its batch get this.
    ///
    /// # Panics
    /// If there is no Tokio runtime.
    pub async fn load(&self, id: K) -> Result<V, LoadError<E>> {
        let mut arrival = self.join(id.clone());
        let outcome = match arrival.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().expect("waited for it to be there"),
            // The task ended without an outcome: the function panicked.
            Err(_) => return Err(LoadError::Panicked),
        };
        match &*outcome {
            Ok(values) => values.get(&id).cloned().unwrap_or(Err(LoadError::Missing)),
            Err(error) => Err(error.clone()),
        }
    }

    /// Loads the values of several ids, and returns the results in their order. Each id has a
    /// result of its own, as for [`load`](Self::load). More ids than a request can have make
    /// several requests.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::{collections::HashMap, convert::Infallible};
    /// use ferrodash_batch::Batcher;
    /// let squares = Batcher::new(async |ids: Vec<u32>| {
    ///     Ok::<HashMap<u32, u32>, Infallible>(ids.into_iter().map(|id| (id, id * id)).collect())
    /// });
    /// assert_eq!(squares.load_many([3, 1, 3]).await, [Ok(9), Ok(1), Ok(9)]);
    /// # }
    /// ```
    pub async fn load_many(
        &self,
        ids: impl IntoIterator<Item = K>,
    ) -> Vec<Result<V, LoadError<E>>> {
        futures_util::future::join_all(ids.into_iter().map(|id| self.load(id))).await
    }

    /// Adds an id to a batch that was not sent yet, or opens one. A full batch is sent at once.
    fn join(&self, id: K) -> Arrival<K, V, E> {
        let mut unsent = self.shared.lock();
        if let Some(batch) = unsent.iter().find(|batch| batch.known.contains(&id)) {
            return batch.departure.subscribe();
        }
        let open = unsent
            .last_mut()
            .filter(|batch| batch.ids.len() < self.shared.max_size);
        let (batch, opened) = match open {
            Some(batch) => (batch, false),
            None => {
                unsent.push(Batch::new());
                (unsent.last_mut().expect("just pushed"), true)
            }
        };
        batch.known.insert(id.clone());
        batch.ids.push(id);
        let (arrival, departure) = (batch.departure.subscribe(), batch.departure.clone());
        // The batch stays in the list until its task removes it, so that a duplicate of one of its
        // ids can still join it.
        let full = batch.ids.len() == self.shared.max_size;
        drop(unsent);
        // Spawned after the lock is released. A batch that is full before its window ends is sent
        // here; the task of its window then finds that it is gone.
        match (full, opened) {
            (true, _) => drop(tokio::spawn(self.shared.clone().send(departure))),
            (false, true) => drop(tokio::spawn(self.shared.clone().send_later(departure))),
            (false, false) => {}
        }
        arrival
    }
}

impl<K, V, E> Shared<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Sends a batch when its window ends.
    async fn send_later(self: Arc<Self>, departure: Departure<K, V, E>) {
        tokio::time::sleep(self.window).await;
        self.send(departure).await;
    }

    /// Sends a batch, unless it was sent already because it was full.
    async fn send(self: Arc<Self>, departure: Departure<K, V, E>) {
        let Some(Batch { ids, .. }) = self.take(&departure) else {
            return;
        };
        let outcome = (self.load)(ids).await;
        departure.send_replace(Some(Arc::new(outcome)));
    }

    /// Removes the batch with this channel from those that were not sent.
    fn take(&self, departure: &Departure<K, V, E>) -> Option<Batch<K, V, E>> {
        let mut unsent = self.lock();
        let position = unsent
            .iter()
            .position(|batch| batch.departure.same_channel(departure))?;
        Some(unsent.remove(position))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Batch<K, V, E>>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V, E> Batch<K, V, E> {
    fn new() -> Self {
        Self {
            ids: Vec::new(),
            known: HashSet::new(),
            departure: watch::Sender::new(None),
        }
    }
}

impl<K, V, E> Clone for Batcher<K, V, E> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<K, V, E> std::fmt::Debug for Batcher<K, V, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Shared {
            window, max_size, ..
        } = &*self.shared;
        f.debug_struct("Batcher")
            .field("window", window)
            .field("max_size", max_size)
            .finish_non_exhaustive()
    }
}
