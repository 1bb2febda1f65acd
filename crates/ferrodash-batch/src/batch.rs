//! A batch: ids with those who wait for their values.
//!
//! Each caller has a [`Seat`]. The batch learns when a caller leaves, because a request that nobody
//! waits for is cancelled.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::LoadError;

/// The outcome of one request, for all callers whose ids are in it.
pub(crate) type Outcome<K, V, E> = Result<Found<K, V, E>, LoadError<E>>;

/// What a request found, as its function returned it.
pub(crate) enum Found<K, V, E> {
    Values(HashMap<K, V>),
    Results(HashMap<K, Result<V, E>>),
    Loaded(HashMap<K, Loaded<V, E>>),
}

impl<K: Eq + Hash, V, E> Found<K, V, E> {
    /// Takes the result of an id out.
    fn take(&mut self, id: &K) -> Loaded<V, E> {
        let found = match self {
            Self::Values(values) => values.remove(id).map(Ok),
            Self::Results(results) => results
                .remove(id)
                .map(|result| result.map_err(|error| LoadError::Item(Arc::new(error)))),
            Self::Loaded(loaded) => loaded.remove(id),
        };
        found.unwrap_or(Err(LoadError::Missing))
    }
}

/// The result of a load.
type Loaded<V, E> = Result<V, LoadError<E>>;

/// Ids that are sent together, and those who wait for them.
pub(crate) struct Batch<K, V, E> {
    /// Tells batches of one batcher apart.
    pub(crate) number: u64,
    /// The moment of the first load.
    pub(crate) opened: Instant,
    pub(crate) callers: Arc<Callers>,
    /// The ids in the order in which they were first loaded.
    ids: Vec<K>,
    waiting: HashMap<K, Waiting<V, E>>,
}

/// The callers of one id. Most ids have one.
struct Waiting<V, E> {
    first: oneshot::Sender<Loaded<V, E>>,
    more: Vec<oneshot::Sender<Loaded<V, E>>>,
}

impl<V: Clone, E> Waiting<V, E> {
    /// Adds a caller. Those who have left are removed before the list grows.
    fn add(&mut self, sender: oneshot::Sender<Loaded<V, E>>) {
        if self.more.len() == self.more.capacity() {
            self.more.retain(|sender| !sender.is_closed());
        }
        self.more.push(sender);
    }

    fn is_empty(&self) -> bool {
        self.first.is_closed() && self.more.iter().all(oneshot::Sender::is_closed)
    }

    /// Passes each caller the result: copies, and the result itself to the first one. A caller may
    /// have left.
    fn settle(self, result: Loaded<V, E>) {
        for sender in self.more {
            let _ = sender.send(result.clone());
        }
        let _ = self.first.send(result);
    }
}

/// The number of those who wait for a batch, and what happens to it meanwhile.
#[derive(Default)]
pub(crate) struct Callers {
    /// Those who wait now.
    present: AtomicUsize,
    /// All that ever came.
    came: AtomicUsize,
    /// Notified when the last one leaves.
    left: Notify,
    /// Notified when the batch has as many ids as it can have.
    pub(crate) full: Notify,
}

impl Callers {
    /// Returns how many have come so far.
    pub(crate) fn came(&self) -> usize {
        self.came.load(Ordering::Relaxed)
    }

    /// Waits until nobody waits for the batch any more.
    pub(crate) async fn deserted(&self) {
        loop {
            self.left.notified().await;
            // Somebody may have come after the last one left.
            if self.is_empty() {
                return;
            }
        }
    }

    /// Returns whether somebody has left. It can be known a little late.
    fn did_any_leave(&self) -> bool {
        self.present.load(Ordering::Acquire) != self.came()
    }

    /// Returns whether nobody waits any more. Somebody may still come until the batch is closed.
    pub(crate) fn is_empty(&self) -> bool {
        self.present.load(Ordering::Acquire) == 0
    }
}

/// A caller's place in a batch. Dropping it leaves the batch.
pub(crate) struct Seat<V, E> {
    value: oneshot::Receiver<Loaded<V, E>>,
    callers: Arc<Callers>,
}

impl<V, E> Seat<V, E> {
    /// Waits for the value.
    ///
    /// # Errors
    /// Those of the batch. A batch that ends without a result counts as panicked.
    pub(crate) async fn value(mut self) -> Loaded<V, E> {
        (&mut self.value).await.unwrap_or(Err(LoadError::Panicked))
    }
}

impl<V, E> Drop for Seat<V, E> {
    fn drop(&mut self) {
        if self.callers.present.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.callers.left.notify_one();
        }
    }
}

impl<K, V, E> Batch<K, V, E>
where
    K: Eq + Hash + Clone,
    V: Clone,
{
    /// Opens a batch without ids.
    pub(crate) fn open(number: u64) -> Self {
        Self {
            number,
            opened: Instant::now(),
            callers: Arc::default(),
            ids: Vec::new(),
            waiting: HashMap::new(),
        }
    }

    /// Returns the number of its ids.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn contains(&self, id: &K) -> bool {
        self.waiting.contains_key(id)
    }

    /// Adds a caller of an id.
    pub(crate) fn join(&mut self, id: K) -> Seat<V, E> {
        let (sender, value) = oneshot::channel();
        self.callers.present.fetch_add(1, Ordering::AcqRel);
        self.callers.came.fetch_add(1, Ordering::Relaxed);
        // Before code of the id's type runs: if that panics, the caller leaves.
        let seat = Seat {
            value,
            callers: self.callers.clone(),
        };
        match self.waiting.entry(id) {
            Entry::Occupied(known) => known.into_mut().add(sender),
            Entry::Vacant(vacant) => {
                self.ids.push(vacant.key().clone());
                vacant.insert(Waiting {
                    first: sender,
                    more: Vec::new(),
                });
            }
        }
        seat
    }

    /// Forgets the ids that nobody waits for any more, and returns the others.
    pub(crate) fn take_ids(&mut self) -> Vec<K> {
        let mut ids = std::mem::take(&mut self.ids);
        if self.callers.did_any_leave() {
            self.waiting.retain(|_, waiting| !waiting.is_empty());
            ids.retain(|id| self.waiting.contains_key(id));
        }
        ids
    }

    /// Passes each caller its result.
    pub(crate) fn settle(self, outcome: Outcome<K, V, E>) {
        match outcome {
            Ok(mut found) => {
                for (id, waiting) in self.waiting {
                    waiting.settle(found.take(&id));
                }
            }
            Err(error) => {
                for waiting in self.waiting.into_values() {
                    waiting.settle(Err(error.clone()));
                }
            }
        }
    }
}
