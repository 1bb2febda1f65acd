//! A batch: ids with those who wait for their values.
//!
//! Each caller has a [`Seat`]. The batch learns when a caller leaves, because a request that nobody
//! waits for is cancelled.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::LoadError;

/// The outcome of one request, for all callers whose ids are in it.
pub(crate) type Outcome<K, V, E> = Result<HashMap<K, Loaded<V, E>>, LoadError<E>>;

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
    waiting: HashMap<K, Vec<oneshot::Sender<Loaded<V, E>>>>,
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
        let senders = self.waiting.entry(id.clone()).or_insert_with(|| {
            self.ids.push(id);
            Vec::with_capacity(1)
        });
        senders.push(sender);
        Seat {
            value,
            callers: self.callers.clone(),
        }
    }

    /// Forgets the ids that nobody waits for any more, and returns the others.
    pub(crate) fn take_ids(&mut self) -> Vec<K> {
        let waiting = &mut self.waiting;
        waiting.retain(|_, senders| senders.iter().any(|sender| !sender.is_closed()));
        let mut ids = std::mem::take(&mut self.ids);
        ids.retain(|id| waiting.contains_key(id));
        ids
    }

    /// Passes each caller its result. The last caller of an id gets the value itself, and the others
    /// get copies.
    pub(crate) fn settle(self, outcome: Outcome<K, V, E>) {
        let mut values = match outcome {
            Ok(values) => values,
            Err(error) => {
                let senders = self.waiting.into_values().flatten();
                return senders.for_each(|sender| drop(sender.send(Err(error.clone()))));
            }
        };
        for (id, mut senders) in self.waiting {
            let result = values.remove(&id).unwrap_or(Err(LoadError::Missing));
            let last = senders.pop();
            for sender in senders {
                let _ = sender.send(result.clone()); // The caller may have left.
            }
            if let Some(sender) = last {
                let _ = sender.send(result);
            }
        }
    }
}
