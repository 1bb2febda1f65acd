//! The batcher as its users see it: options, loads, figures.
//!
//! A load joins a batch of its queue (`queue.rs`), which has those who wait (`batch.rs`), and is
//! sent when it is time (`dispatch.rs`). Nothing here knows HTTP; a batcher calls a function.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{FutureExt, TryFutureExt};

use crate::batch::Found;
use crate::queue::Queue;
use crate::scope::Scope;
use crate::source::{LoadBatch, Options, Source};
use crate::{BatchReport, LoadError, dispatch};

/// Turns concurrent loads of single ids into few requests. Cloning is cheap, and clones share
/// batches.
///
/// A batch is sent as soon as the runtime has nothing else to do, so all loads that are ready
/// together are in it, and a load that comes alone waits for nothing. With several threads, one
/// that takes longer than a few microseconds between two loads can miss the batch. A runtime that
/// is never idle sends it after a millisecond. [`window`](Self::window) sets a fixed time instead.
///
/// Loads of one [`Scope`] are combined with each other only, and the scope keeps the values. With
/// [`shared`](Self::shared), the loads of all scopes are combined, and nothing is kept.
///
/// A batcher does not know its callers: everything it loads must be the same for all of them.
/// Values that differ by user or tenant need that in their id, or a batcher of their own.
///
/// Requests run in tasks of their own, so loads need a Tokio runtime with time enabled. Several
/// requests can be in progress at the same time, see [`max_batches`](Self::max_batches).
pub struct Batcher<K, V, E> {
    source: Arc<Source<K, V, E>>,
    /// The loads outside of any scope, or all loads if it is shared.
    queue: Arc<Queue<K, V, E>>,
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
        Self::over(Arc::new(move |ids, _| {
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
        Self::over(Arc::new(move |ids, _| {
            let found = load(ids).map_ok(Found::Results);
            found
                .map_err(|error| LoadError::Request(Arc::new(error)))
                .boxed()
        }))
    }

    /// Creates a batcher with the default options.
    fn over(load: Arc<LoadBatch<K, V, E>>) -> Self {
        Self::with_options(load, Options::default())
    }

    /// Creates a batcher with the default options over an address, which names it in spans.
    #[cfg(feature = "http")]
    pub(crate) fn over_address(address: String, load: Arc<LoadBatch<K, V, E>>) -> Self {
        let options = Options {
            name: address,
            ..Options::default()
        };
        Self::with_options(load, options)
    }

    fn with_options(load: Arc<LoadBatch<K, V, E>>, options: Options) -> Self {
        let source = Arc::new(Source::new(load, options));
        let queue = Arc::new(Queue::new(source.clone()));
        Self { source, queue }
    }

    /// Names the batcher in spans, in metrics and in [`Debug`]. By default it is `batcher` in
    /// spans, or the address of its API, and has no [metrics](crate::prometheus).
    ///
    /// Each request is a span `batch` at the level debug, with this name, the number of its ids,
    /// and how long it has waited. Its parent is the span of the first load.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with(|options| {
            options.name = name.into();
            options.is_named = true;
        })
    }

    /// Collects ids for a fixed time after the first one. By default a batch does not wait for a
    /// time.
    ///
    /// A window joins loads that are not ready together, such as those of several requests, and
    /// each load waits for it.
    #[must_use]
    pub fn window(self, window: Duration) -> Self {
        self.with(|options| options.window = Some(window))
    }

    /// Sets how many different ids one request has at most. By default 100. A full batch is sent at
    /// once, and further ids open another batch.
    ///
    /// # Panics
    /// If `max_size` is zero.
    #[must_use]
    pub fn max_size(self, max_size: usize) -> Self {
        assert!(max_size > 0, "a batch must have room for one id");
        self.with(|options| options.size = max_size)
    }

    /// Sets how many requests can be in progress at a time. By default any number.
    ///
    /// Further batches wait about in the order in which they were opened, and take more ids
    /// meanwhile. [`report`](Self::report) says how long they waited. A request that is cancelled
    /// does not count any more, also if its work goes on elsewhere.
    ///
    /// The function must not load from its own batcher: its load would wait for the request that
    /// waits for it. In a [`Scope`], that is so for ids of its own request without this limit, too.
    ///
    /// # Panics
    /// If `max_batches` is zero.
    #[must_use]
    pub fn max_batches(self, max_batches: usize) -> Self {
        assert!(max_batches > 0, "one request must be allowed");
        self.with(|options| options.batches = Some(max_batches))
    }

    /// Combines the loads of all scopes, such as those of requests of several users. Nothing is
    /// kept: a load that comes after a batch was sent is in another one.
    ///
    /// Use it if what is loaded is the same for everybody. If it differs by tenant, have the tenant
    /// in the id, so that no tenant gets the value of another one:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::{collections::HashMap, convert::Infallible};
    /// use ferrodash_batch::Batcher;
    ///
    /// #[derive(Clone, PartialEq, Eq, Hash)]
    /// struct Id { tenant: &'static str, number: u32 }
    ///
    /// let names = Batcher::new(async |ids: Vec<Id>| {
    ///     let name = |id: Id| (id.clone(), format!("{} {}", id.tenant, id.number));
    ///     Ok::<HashMap<_, _>, Infallible>(ids.into_iter().map(name).collect())
    /// })
    /// .shared();
    /// let name = names.load(Id { tenant: "acme", number: 1 }).await;
    /// assert_eq!(name.unwrap(), "acme 1");
    /// # }
    /// ```
    #[must_use]
    pub fn shared(self) -> Self {
        self.with(|options| options.is_shared = true)
    }

    /// Has scopes keep errors as they keep values, including [`LoadError::Missing`]. By default an
    /// id whose load failed is requested again when it is loaded again.
    #[must_use]
    pub fn keep_errors(self) -> Self {
        self.with(|options| options.keeps_errors = true)
    }

    /// Changes the options of a batcher of which nothing is in use yet: what clones that exist load
    /// is not affected, and is not combined with this.
    fn with(self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.source.options.clone();
        change(&mut options);
        Self::with_options(self.source.load.clone(), options)
    }

    /// Loads the value of one id, together with the ids of other calls at the same time.
    ///
    /// # Concurrency
    /// Calls for one id that come before its batch is sent share one request. In a [`Scope`], a
    /// call that comes later waits for the request in progress, or has the value at once. Elsewhere
    /// it opens another batch.
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
        let seat = match self.queue_that_keeps() {
            Some(queue) => dispatch::join(&queue, id),
            None => dispatch::join(&self.queue, id),
        };
        seat.await
    }

    /// Loads the values of several ids, and returns the results in their order. Each id has a
    /// result of its own, as for [`load`](Self::load). More ids than a request can have make
    /// several requests.
    ///
    /// # Panics
    /// If there is no Tokio runtime.
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
        let ids = ids.into_iter().collect();
        let seats = match self.queue_that_keeps() {
            Some(queue) => dispatch::join_all(&queue, ids),
            None => dispatch::join_all(&self.queue, ids),
        };
        let mut results = Vec::with_capacity(seats.len());
        for seat in seats {
            results.push(seat.await);
        }
        results
    }

    /// Has the current [`Scope`] keep a value in place of what it knows of this id. Later loads in
    /// the scope get it without a request.
    ///
    /// An id that waits to be sent is loaded nevertheless, and so it is outside of a scope and with
    /// [`shared`](Self::shared), where nothing is kept.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::{collections::HashMap, convert::Infallible};
    /// use ferrodash_batch::{Batcher, Scope};
    /// let squares = Batcher::new(async |ids: Vec<u32>| {
    ///     Ok::<HashMap<u32, u32>, Infallible>(ids.into_iter().map(|id| (id, id * id)).collect())
    /// });
    /// let request = async {
    ///     squares.prime(3, 10);
    ///     let primed = squares.load(3).await;
    ///     squares.clear(&3);
    ///     (primed, squares.load(3).await)
    /// };
    /// assert_eq!(Scope::new().run(request).await, (Ok(10), Ok(9)));
    /// # }
    /// ```
    pub fn prime(&self, id: K, value: V) {
        if let Some(queue) = self.queue_that_keeps() {
            queue.prime(id, value);
        }
    }

    /// Has the current [`Scope`] forget what it knows of an id, for example after a write. The next
    /// load in the scope makes a request. Callers that wait already get what they wait for.
    pub fn clear(&self, id: &K) {
        if let Some(queue) = self.queue_that_keeps() {
            queue.clear(id);
        }
    }

    /// Has the current [`Scope`] forget what it knows of all ids, as [`clear`](Self::clear) does
    /// for one.
    pub fn clear_all(&self) {
        if let Some(queue) = self.queue_that_keeps() {
            queue.clear_all();
        }
    }

    /// Returns the queue of the current scope, unless loads of all scopes are combined.
    fn queue_that_keeps(&self) -> Option<Arc<Queue<K, V, E>>> {
        if self.source.options.is_shared {
            return None;
        }
        Scope::queue_of(&self.source)
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
        self.source.counters.report()
    }
}

impl<K, V, E> Clone for Batcher<K, V, E> {
    fn clone(&self) -> Self {
        Self {
            source: self.source.clone(),
            queue: self.queue.clone(),
        }
    }
}

impl<K, V, E> Debug for Batcher<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher")
            .field("options", &self.source.options)
            .finish_non_exhaustive()
    }
}
