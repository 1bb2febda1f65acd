//! The batcher as its users see it: options, loads, figures.
//!
//! `batch.rs` has a batch with those who wait for it, and `dispatch.rs` decides when it is sent.
//! Nothing here knows HTTP; a batcher calls a function.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{FutureExt, TryFutureExt, join_all};

use crate::batch::Found;
use crate::dispatch::{Dispatcher, Limits, LoadBatch};
use crate::{BatchReport, LoadError};

/// Turns concurrent loads of single ids into few requests. Cloning is cheap, and clones share
/// batches.
///
/// A batch is sent as soon as the runtime has nothing else to do, so all loads that are ready
/// together are in it, and a load that comes alone waits for nothing. A runtime that is never idle
/// sends it after a millisecond. [`window`](Self::window) sets a fixed time instead.
///
/// A batcher does not know its callers: everything it loads must be the same for all of them.
/// Values that differ by user or tenant need that in their id, or a batcher of their own.
///
/// Requests run in tasks of their own, so loads need a Tokio runtime with time enabled. Several
/// requests can be in progress at the same time, see [`max_batches`](Self::max_batches).
pub struct Batcher<K, V, E> {
    dispatcher: Arc<Dispatcher<K, V, E>>,
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
        Self::over(Box::new(move |ids| {
            let found = load(ids).map_ok(Found::Values);
            found
                .map_err(|error| LoadError::Request(Arc::new(error)))
                .boxed()
        }))
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
        Self::over(Box::new(move |ids| {
            let found = load(ids).map_ok(Found::Results);
            found
                .map_err(|error| LoadError::Request(Arc::new(error)))
                .boxed()
        }))
    }

    /// Creates a batcher with the default options.
    pub(crate) fn over(load: Box<LoadBatch<K, V, E>>) -> Self {
        let dispatcher = Arc::new(Dispatcher::new(load, Limits::default()));
        Self { dispatcher }
    }

    /// Collects ids for a fixed time after the first one. By default a batch does not wait for a
    /// time.
    ///
    /// A window joins loads that are not ready together, such as those of several requests, and
    /// each load waits for it.
    ///
    /// # Panics
    /// If the batcher is cloned or in use.
    #[must_use]
    pub fn window(self, window: Duration) -> Self {
        self.with(|limits| limits.window = Some(window))
    }

    /// Sets how many different ids one request has at most. By default 100. A full batch is sent at
    /// once, and further ids open another batch.
    ///
    /// # Panics
    /// If `max_size` is zero, or if the batcher is cloned or in use.
    #[must_use]
    pub fn max_size(self, max_size: usize) -> Self {
        assert!(max_size > 0, "a batch must have room for one id");
        self.with(|limits| limits.size = max_size)
    }

    /// Sets how many requests can be in progress at a time. By default any number.
    ///
    /// Further batches wait about in the order in which they were opened, and take more ids
    /// meanwhile. [`report`](Self::report) says how long they waited. A request that is cancelled
    /// does not count any more, also if its work goes on elsewhere.
    ///
    /// The function must not load from its own batcher: its load would wait for the request that
    /// waits for it.
    ///
    /// # Panics
    /// If `max_batches` is zero, or if the batcher is cloned or in use.
    #[must_use]
    pub fn max_batches(self, max_batches: usize) -> Self {
        assert!(max_batches > 0, "one request must be allowed");
        self.with(|limits| limits.batches = Some(max_batches))
    }

    /// Changes the limits, which is possible only before the state is shared.
    fn with(self, change: impl FnOnce(&mut Limits)) -> Self {
        let Ok(dispatcher) = Arc::try_unwrap(self.dispatcher) else {
            panic!("options of a batcher are set before it is cloned or used");
        };
        let (load, mut limits) = dispatcher.into_parts();
        change(&mut limits);
        let dispatcher = Arc::new(Dispatcher::new(load, limits));
        Self { dispatcher }
    }

    /// Loads the value of one id, together with the ids of other calls at the same time.
    ///
    /// # Concurrency
    /// Calls for one id that come before its batch is sent share one request. A call that comes
    /// later opens another batch.
    ///
    /// # Cancellation
    /// A caller that is cancelled delays nobody. If all callers of an id leave before its batch is
    /// sent, the id is not in the request. If all callers of a batch leave, its request is
    /// cancelled: the future of the function is dropped. There is no timeout; the function has to
    /// set one.
    ///
    /// # Errors
    /// - [`LoadError::Missing`] if the answer has nothing for this id,
    /// - [`LoadError::Item`] if it failed for this id,
    /// - [`LoadError::Request`] if the request failed,
    /// - [`LoadError::Panicked`] if the function panicked, or its runtime ended. All calls of its
    ///   batch get this.
    ///
    /// # Panics
    /// If there is no Tokio runtime.
    pub async fn load(&self, id: K) -> Result<V, LoadError<E>> {
        self.dispatcher.join(id).value().await
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
        // All ids are in batches before the first result is waited for.
        let seats: Vec<_> = ids.into_iter().map(|id| self.dispatcher.join(id)).collect();
        join_all(seats.into_iter().map(|seat| seat.value())).await
    }

    /// Returns what this batcher and its clones have done so far.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::{collections::HashMap, convert::Infallible};
    /// use ferrodash_batch::Batcher;
    /// let squares = Batcher::new(async |ids: Vec<u32>| {
    ///     Ok::<HashMap<u32, u32>, Infallible>(ids.into_iter().map(|id| (id, id * id)).collect())
    /// });
    /// squares.load_many([3, 1, 3]).await;
    /// let report = squares.report();
    /// assert_eq!((report.loads, report.ids, report.batches), (3, 2, 1));
    /// # }
    /// ```
    pub fn report(&self) -> BatchReport {
        self.dispatcher.report()
    }
}

impl<K, V, E> Clone for Batcher<K, V, E> {
    fn clone(&self) -> Self {
        Self {
            dispatcher: self.dispatcher.clone(),
        }
    }
}

impl<K, V, E> Debug for Batcher<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher")
            .field("limits", self.dispatcher.limits())
            .finish_non_exhaustive()
    }
}
