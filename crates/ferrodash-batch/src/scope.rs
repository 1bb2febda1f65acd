//! Scopes: whose loads are combined, and for how long values stay.

use std::any::Any;
use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;

use crate::queue::Queue;
use crate::source::Source;
use crate::starting::{Starting, StartingOne};

tokio::task_local! {
    static CURRENT: Scope;
}

/// The loads of one request of a server, or of one job.
///
/// Loads in a scope are combined with each other only, and each id is loaded once: the scope keeps
/// the values until it is dropped, so a later load gets the value at once. Errors are not kept (see
/// [`Batcher::keep_errors`](crate::Batcher::keep_errors)). What the loads of one scope do, such as
/// a request that fails, does not reach another scope.
///
/// A server runs each request in a scope of its own. Ferrodash does so for the calls that a page
/// sends in one request. The function of a batcher runs in the scope that its ids come from, so
/// what it loads from other batchers is combined and kept there, too.
///
/// Loads outside of any scope are combined with each other, and nothing is kept. Clones are the
/// same scope. A task that is spawned has no scope unless it is given one, and neither has a
/// function that the cache of Ferrodash runs, as its result is for several requests.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::{collections::HashMap, convert::Infallible};
/// use ferrodash_batch::{Batcher, Scope};
///
/// let squares = Batcher::new(async |ids: Vec<u32>| {
///     Ok::<HashMap<u32, u32>, Infallible>(ids.into_iter().map(|id| (id, id * id)).collect())
/// });
/// let request = async {
///     squares.load(3).await?;
///     squares.load(3).await // is there already
/// };
/// assert_eq!(Scope::new().run(request).await, Ok(9));
/// assert_eq!(squares.report().batches, 1);
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Scope {
    /// A queue for each batcher, by the address of its source, which lives as long as the queue.
    queues: Arc<Mutex<HashMap<usize, Arc<dyn Any + Send + Sync>>>>,
    starting: Starting,
}

pin_project! {
    /// A future in a scope, see [`Scope::run`].
    struct Run<F> {
        #[pin]
        future: TaskLocalFuture<Scope, F>,
        // Until it was polled once.
        starting: Option<StartingOne>,
    }
}

impl<F: Future> Future for Run<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let poll = this.future.poll(context);
        *this.starting = None;
        poll
    }
}

impl Scope {
    /// Creates a scope without values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the scope in which the current task runs, for example to give it to a task that is
    /// spawned.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ferrodash_batch::Scope;
    /// let work = async { Scope::current().is_some() };
    /// let task = async { tokio::spawn(Scope::current().unwrap().run(work)).await };
    /// assert!(Scope::new().run(task).await.unwrap());
    /// # }
    /// ```
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Runs a future in this scope.
    ///
    /// Unless a batch of the scope is full or has a window, it waits until the future was polled
    /// once, at most 10 ms, so that futures that are spawned together have their first loads in one
    /// batch.
    pub fn run<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        Run {
            starting: Some(self.starting.one()),
            future: CURRENT.scope(self, future),
        }
    }

    /// Runs a future in this scope, for which no batch waits.
    pub(crate) fn hold<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Returns the queue of a source in the current scope; `None` outside of any.
    pub(crate) fn queue_of<K, V, E>(source: &Arc<Source<K, V, E>>) -> Option<Arc<Queue<K, V, E>>>
    where
        K: Eq + Hash + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        CURRENT.try_with(|scope| scope.queue(source)).ok().flatten()
    }

    fn queue<K, V, E>(&self, source: &Arc<Source<K, V, E>>) -> Option<Arc<Queue<K, V, E>>>
    where
        K: Eq + Hash + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let address = Arc::as_ptr(source).addr();
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues
            .entry(address)
            .or_insert_with(|| Arc::new(Queue::of_scope(source.clone(), self.starting.clone())))
            .clone();
        drop(queues);
        // The address belongs to one source, and so to one type.
        queue.downcast().ok()
    }
}

impl Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
