//! The ids that wait to be sent, and the values that a scope keeps.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::batch::{Batch, Loaded, Seat};
use crate::source::Source;
use crate::starting::Starting;

/// The batches of one scope, or those outside of any.
pub(crate) struct Queue<K, V, E> {
    pub(crate) source: Arc<Source<K, V, E>>,
    /// Whether values stay until the queue is dropped. If not, a batch that was sent is forgotten.
    keeps: bool,
    /// The work of the scope that was not polled yet.
    starting: Starting,
    // Locked for the look-up of an id or to forget a batch, never across an await. A batch is
    // locked within, never the other way round.
    state: Mutex<State<K, V, E>>,
}

struct State<K, V, E> {
    /// The slot of each id that is known.
    places: HashMap<K, Place<K, V, E>, foldhash::quality::RandomState>,
    /// The batch that takes new ids.
    open: Option<Arc<Batch<K, V, E>>>,
}

/// A caller's seat.
pub(crate) struct Joined<K, V, E> {
    pub(crate) seat: Seat<K, V, E>,
    /// The batch, if it is a new one. It must be sent.
    pub(crate) opened: Option<Arc<Batch<K, V, E>>>,
}

struct Place<K, V, E> {
    batch: Arc<Batch<K, V, E>>,
    slot: usize,
}

impl<K, V, E> Place<K, V, E> {
    /// Takes the result out of the batch, which may be kept for other ids.
    fn take(self) -> Option<Loaded<V, E>> {
        self.batch.take(self.slot)
    }
}

impl<K, V, E> Queue<K, V, E> {
    /// Creates the queue outside of any scope.
    pub(crate) fn new(source: Arc<Source<K, V, E>>) -> Self {
        Self::with(source, false, Starting::default())
    }

    /// Creates the queue of a scope.
    pub(crate) fn of_scope(source: Arc<Source<K, V, E>>, starting: Starting) -> Self {
        Self::with(source, true, starting)
    }

    fn with(source: Arc<Source<K, V, E>>, keeps: bool, starting: Starting) -> Self {
        Self {
            source,
            keeps,
            starting,
            state: Mutex::new(State {
                places: HashMap::default(),
                open: None,
            }),
        }
    }

    /// Returns whether it is that of a scope, which keeps values.
    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Returns whether work of the scope was not polled yet.
    pub(crate) fn is_starting(&self) -> bool {
        self.starting.is_any()
    }

    fn lock(&self) -> MutexGuard<'_, State<K, V, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V, E> Queue<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Adds a caller to the batch that has its id, or to the open one, or to a new one.
    pub(crate) fn join(&self, id: K) -> Joined<K, V, E> {
        self.source.counters.loads.fetch_add(1, Ordering::Relaxed);
        let mut replaced = Vec::new();
        let joined = self.join_locked(&mut self.lock(), id, &mut replaced);
        drop(replaced);
        joined
    }

    /// Adds a caller of several ids. Adds the batches that this opens to `opened`, also if a copy
    /// of an id panics; they must be sent.
    pub(crate) fn join_all(
        &self,
        ids: Vec<K>,
        opened: &mut Vec<Arc<Batch<K, V, E>>>,
    ) -> Vec<Seat<K, V, E>> {
        let count = ids.len() as u64;
        self.source
            .counters
            .loads
            .fetch_add(count, Ordering::Relaxed);
        let mut replaced = Vec::new();
        let mut state = self.lock();
        let join = |id| {
            let joined = self.join_locked(&mut state, id, &mut replaced);
            opened.extend(joined.opened);
            joined.seat
        };
        let seats = ids.into_iter().map(join).collect();
        drop(state);
        drop(replaced);
        seats
    }

    /// Adds a caller of an id. What the id had before is moved to `replaced`, as it is dropped
    /// without the lock.
    fn join_locked(
        &self,
        state: &mut State<K, V, E>,
        id: K,
        replaced: &mut Vec<Place<K, V, E>>,
    ) -> Joined<K, V, E> {
        let options = &self.source.options;
        let State { places, open } = state;
        let known = places.entry(id);
        if let Entry::Occupied(place) = &known {
            let Place { batch, slot } = place.get();
            if let Some(seat) = batch.seat(*slot, options.keeps_errors) {
                return Joined { seat, opened: None };
            }
        }
        // Before there is a batch: a copy can panic.
        let copy = known.key().clone();
        let is_new = open.is_none();
        let batch = open
            .get_or_insert_with(|| Arc::new(Batch::open(self.keeps)))
            .clone();
        let seat = batch.add(copy);
        let place = Place {
            batch: batch.clone(),
            slot: seat.slot(),
        };
        match known {
            Entry::Occupied(mut known) => replaced.push(known.insert(place)),
            Entry::Vacant(known) => {
                known.insert(place);
            }
        }
        if seat.slot() + 1 == options.size {
            *open = None;
            batch.full.notify_one();
        }
        Joined {
            seat,
            opened: is_new.then_some(batch),
        }
    }

    /// Forgets a batch that is about to be sent, so that later loads open another one, unless
    /// values are kept.
    pub(crate) fn close(&self, batch: &Arc<Batch<K, V, E>>) {
        let mut state = self.lock();
        if !batch.is_unsent() {
            return; // It was closed before.
        }
        state.close(batch);
        if self.keeps {
            return;
        }
        // All that is known waits to be sent, and each such id has one place. So with as many
        // places as the batch has ids, there is no other batch.
        if state.places.len() == batch.len() {
            state.places.clear();
        } else {
            state.forget(batch);
        }
    }

    /// Ends a batch that nobody waits for. Returns whether that is so.
    pub(crate) fn end_if_deserted(&self, batch: &Arc<Batch<K, V, E>>) -> bool {
        let mut state = self.lock();
        let is_deserted = batch.end_if_deserted();
        if is_deserted {
            state.close(batch);
            state.forget(batch);
        }
        is_deserted
    }

    /// Keeps a value in place of what is known of its id, unless the id is still to be sent.
    pub(crate) fn prime(&self, id: K, value: V) {
        let batch = Arc::new(Batch::with_value(id.clone(), value));
        let mut state = self.lock();
        if state.will_send(&id) {
            return;
        }
        let old = state.places.insert(id, Place { batch, slot: 0 });
        drop(state);
        drop(old.map(Place::take));
    }

    /// Forgets what is known of an id, unless it is still to be sent.
    pub(crate) fn clear(&self, id: &K) {
        let mut state = self.lock();
        if state.will_send(id) {
            return;
        }
        let old = state.places.remove(id);
        drop(state);
        drop(old.map(Place::take));
    }

    /// Forgets what is known of all ids but those that are still to be sent.
    pub(crate) fn clear_all(&self) {
        let mut old = Vec::new();
        let mut state = self.lock();
        state.places.retain(|_, place| {
            let stays = place.batch.is_unsent();
            if !stays {
                old.push(place.batch.clone());
            }
            stays
        });
        drop(state);
        drop(old);
    }
}

impl<K: Eq + Hash, V, E> State<K, V, E> {
    fn will_send(&self, id: &K) -> bool {
        let place = self.places.get(id);
        place.is_some_and(|place| place.batch.will_send(place.slot))
    }

    /// Lets no further ids into a batch.
    fn close(&mut self, batch: &Arc<Batch<K, V, E>>) {
        if self
            .open
            .as_ref()
            .is_some_and(|open| Arc::ptr_eq(open, batch))
        {
            self.open = None;
        }
    }

    /// Forgets the ids of a batch that have no result.
    fn forget(&mut self, batch: &Arc<Batch<K, V, E>>) {
        batch.each_open_id(|id| {
            // The id may be in another batch since, or cleared.
            if let Some(place) = self.places.get(id)
                && Arc::ptr_eq(&place.batch, batch)
            {
                self.places.remove(id);
            }
        });
    }
}
