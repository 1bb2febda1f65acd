//! A batch: ids with those who wait for their values.
//!
//! Each caller has a [`Seat`]. The batch learns when a caller leaves, because a request that nobody
//! waits for is cancelled.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::LoadError;

/// The outcome of one request, for all callers whose ids are in it.
pub(crate) type Outcome<K, V, E> = Result<Found<K, V, E>, LoadError<E>>;

/// The result of a load.
pub(crate) type Loaded<V, E> = Result<V, LoadError<E>>;

/// What a request found, as its function returned it.
pub(crate) enum Found<K, V, E> {
    Values(HashMap<K, V>),
    Results(HashMap<K, Result<V, E>>),
}

impl<K: Eq + Hash, V, E> Found<K, V, E> {
    /// Takes the result of an id out.
    fn take(&mut self, id: &K) -> Loaded<V, E> {
        let found = match self {
            Self::Values(values) => values.remove(id).map(Ok),
            Self::Results(results) => results
                .remove(id)
                .map(|result| result.map_err(|error| LoadError::Item(Arc::new(error)))),
        };
        found.unwrap_or(Err(LoadError::Missing))
    }
}

/// Ids that are sent together, and those who wait for them.
pub(crate) struct Batch<K, V, E> {
    /// The moment of the first load.
    pub(crate) opened: Instant,
    // Never locked across an await. No waker runs and no caller's task is dropped meanwhile, as
    // both may come back here.
    state: Mutex<State<K, V, E>>,
    /// Whether results stay for callers that come later.
    keeps: bool,
    /// Notified when the last caller leaves.
    left: Notify,
    /// Notified when the batch has as many ids as it can have.
    pub(crate) full: Notify,
}

struct State<K, V, E> {
    stage: Stage,
    /// The ids in the order in which they were first loaded. A batch that was sent gets no more.
    slots: Vec<Slot<K, V, E>>,
    /// One for each caller that came, in their order.
    wakers: Vec<Sitting>,
    /// The callers that wait.
    present: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The request was not sent yet.
    Unsent,
    /// The request is in progress.
    Sent,
    /// The results are there.
    Settled,
    /// Everybody had left before the results were there.
    Deserted,
}

impl Stage {
    /// Returns whether callers wait for results.
    fn is_waiting(self) -> bool {
        matches!(self, Self::Unsent | Self::Sent)
    }
}

/// A caller's slot, and what wakes it while it waits.
struct Sitting {
    #[cfg(feature = "http")]
    slot: usize,
    waker: Option<Waker>,
}

struct Slot<K, V, E> {
    id: K,
    /// The callers that wait for it.
    callers: usize,
    /// Whether the id was left out of the request, as nobody waited for it.
    is_left_out: bool,
    result: Option<Loaded<V, E>>,
}

impl<K, V, E> Slot<K, V, E> {
    /// Returns whether a result is still to come.
    fn is_open(&self) -> bool {
        self.result.is_none() && !self.is_left_out
    }
}

impl<K, V, E> State<K, V, E> {
    /// Adds a caller of a slot.
    fn sit(&mut self, batch: &Arc<Batch<K, V, E>>, slot: usize) -> Seat<K, V, E> {
        self.present += 1;
        self.slots[slot].callers += 1;
        // A caller that does not wait needs no entry. There can be many in the life of a scope.
        let waits = self.slots[slot].result.is_none();
        let number = waits.then_some(self.wakers.len());
        if waits {
            self.wakers.push(Sitting {
                #[cfg(feature = "http")]
                slot,
                waker: None,
            });
        }
        Seat {
            batch: Some(batch.clone()),
            slot,
            number,
        }
    }
}

impl<K, V, E> Batch<K, V, E> {
    /// Opens a batch without ids. If it `keeps` results, callers can come after it was sent.
    pub(crate) fn open(keeps: bool) -> Self {
        Self {
            opened: Instant::now(),
            state: Mutex::new(State {
                stage: Stage::Unsent,
                slots: Vec::new(),
                wakers: Vec::new(),
                present: 0,
            }),
            keeps,
            left: Notify::new(),
            full: Notify::new(),
        }
    }

    /// Creates a batch that has a value already.
    pub(crate) fn with_value(id: K, value: V) -> Self {
        let batch = Self::open(true);
        let mut state = batch.lock();
        state.stage = Stage::Settled;
        state.slots.push(Slot {
            id,
            callers: 0,
            is_left_out: false,
            result: Some(Ok(value)),
        });
        drop(state);
        batch
    }

    /// Adds an id with a caller. The batch must not be sent yet.
    pub(crate) fn add(self: &Arc<Self>, id: K) -> Seat<K, V, E> {
        let mut state = self.lock();
        state.slots.push(Slot {
            id,
            callers: 0,
            is_left_out: false,
            result: None,
        });
        let slot = state.slots.len() - 1;
        state.sit(self, slot)
    }

    /// Adds a caller of an id that the batch has. Returns `None` if there is no result to give:
    /// everybody had left the batch, or the load failed and errors are not for those who come
    /// later.
    pub(crate) fn seat(self: &Arc<Self>, slot: usize, with_errors: bool) -> Option<Seat<K, V, E>> {
        let mut state = self.lock();
        let Slot {
            result,
            is_left_out,
            ..
        } = &state.slots[slot];
        let is_there = match result {
            Some(result) => with_errors || result.is_ok(),
            None => state.stage.is_waiting() && !is_left_out,
        };
        is_there.then(|| state.sit(self, slot))
    }

    /// Returns how many callers have come so far.
    pub(crate) fn came(&self) -> usize {
        self.lock().wakers.len()
    }

    /// Returns the number of its ids.
    pub(crate) fn len(&self) -> usize {
        self.lock().slots.len()
    }

    /// Calls a function with each id that has no result.
    pub(crate) fn each_open_id(&self, mut act: impl FnMut(&K)) {
        let state = self.lock();
        let open = state.slots.iter().filter(|slot| slot.result.is_none());
        open.for_each(|slot| act(&slot.id));
    }

    /// Returns whether somebody waits for an id that is still to be sent.
    pub(crate) fn will_send(&self, slot: usize) -> bool {
        let state = self.lock();
        state.stage == Stage::Unsent && state.slots[slot].callers > 0
    }

    /// Returns whether anybody waits for an id.
    #[cfg(feature = "http")]
    pub(crate) fn is_wanted(&self, id: &K) -> bool
    where
        K: Eq,
    {
        let state = self.lock();
        let mut slots = state.slots.iter();
        slots.any(|slot| slot.callers > 0 && slot.id == *id)
    }

    /// Takes a result that nobody is about to read out of the batch.
    pub(crate) fn take(&self, slot: usize) -> Option<Loaded<V, E>> {
        let mut state = self.lock();
        let slot = &mut state.slots[slot];
        if slot.callers == 0 {
            slot.result.take()
        } else {
            None
        }
    }

    /// Returns whether the ids are still to be sent.
    pub(crate) fn is_unsent(&self) -> bool {
        self.lock().stage == Stage::Unsent
    }

    /// Returns whether the results are there, or will never be.
    pub(crate) fn has_ended(&self) -> bool {
        !self.lock().stage.is_waiting()
    }

    /// Begins the request, and returns the ids that somebody waits for. If there are none, nobody
    /// can come any more.
    pub(crate) fn send(&self) -> Vec<K>
    where
        K: Clone,
    {
        let mut state = self.lock();
        for slot in &mut state.slots {
            slot.is_left_out = slot.callers == 0;
        }
        let wanted = state.slots.iter().filter(|slot| !slot.is_left_out);
        let ids: Vec<K> = wanted.map(|slot| slot.id.clone()).collect();
        state.stage = if ids.is_empty() {
            Stage::Deserted
        } else {
            Stage::Sent
        };
        ids
    }

    /// Waits until the last caller has left. Somebody may have come since.
    pub(crate) async fn deserted(&self) {
        self.left.notified().await;
    }

    /// Ends the batch if nobody waits for it: then nobody can come any more. Returns whether that
    /// is so.
    pub(crate) fn end_if_deserted(&self) -> bool {
        let mut state = self.lock();
        if state.present == 0 && state.stage.is_waiting() {
            state.stage = Stage::Deserted;
        }
        state.stage == Stage::Deserted
    }

    /// Passes the callers of some ids their results, while the others still wait.
    #[cfg(feature = "http")]
    pub(crate) fn settle_some(&self, mut results: HashMap<K, Loaded<V, E>>)
    where
        K: Eq + Hash,
    {
        if results.is_empty() {
            return;
        }
        let mut state = self.lock();
        if !state.stage.is_waiting() {
            return;
        }
        let State { slots, wakers, .. } = &mut *state;
        for slot in slots.iter_mut().filter(|slot| slot.is_open()) {
            slot.result = results.remove(&slot.id);
        }
        let is_settled = |seat: &&mut Sitting| slots[seat.slot].result.is_some();
        let settled = wakers.iter_mut().filter(is_settled);
        let wakers: Vec<Waker> = settled.filter_map(|seat| seat.waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Passes each caller its result. Results that are there stay as they are.
    pub(crate) fn settle(&self, outcome: Outcome<K, V, E>)
    where
        K: Eq + Hash,
    {
        let mut state = self.lock();
        if !state.stage.is_waiting() {
            return;
        }
        let waiting = state.slots.iter_mut().filter(|slot| slot.is_open());
        let rest = match outcome {
            Ok(mut found) => {
                waiting.for_each(|slot| slot.result = Some(found.take(&slot.id)));
                Some(found)
            }
            Err(error) => {
                waiting.for_each(|slot| slot.result = Some(Err(error.clone())));
                None
            }
        };
        state.stage = Stage::Settled;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        let wakers = wakers.into_iter().filter_map(|seat| seat.waker);
        wakers.for_each(Waker::wake);
        // What was found and not asked for.
        drop(rest);
    }

    fn lock(&self) -> MutexGuard<'_, State<K, V, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller's place in a batch: a future of the value. Dropping it leaves the batch.
pub(crate) struct Seat<K, V, E> {
    /// `None` once it has its value.
    batch: Option<Arc<Batch<K, V, E>>>,
    slot: usize,
    /// The place of what wakes it; `None` if the result was there when it came.
    number: Option<usize>,
}

impl<K, V, E> Seat<K, V, E> {
    pub(crate) fn slot(&self) -> usize {
        self.slot
    }
}

impl<K, V: Clone, E> Future for Seat<K, V, E> {
    /// A batch that ends without a result counts as panicked.
    type Output = Loaded<V, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(batch) = &self.batch else {
            return Poll::Ready(Err(LoadError::Panicked));
        };
        let mut state = batch.lock();
        let is_open = state.stage.is_waiting() && state.slots[self.slot].result.is_none();
        if let Some(number) = self.number
            && is_open
        {
            let waker = &mut state.wakers[number].waker;
            let old = match waker {
                Some(known) if known.will_wake(context.waker()) => None,
                _ => waker.replace(context.waker().clone()),
            };
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        let slot = &mut state.slots[self.slot];
        // The last caller has the result itself, unless it is kept.
        let result = if slot.callers == 1 && !batch.keeps {
            slot.result.take()
        } else {
            slot.result.clone()
        };
        // After the copy, which can panic: then the caller leaves as any other.
        slot.callers -= 1;
        state.present -= 1;
        let is_last = state.present == 0 && state.stage.is_waiting();
        drop(state);
        if is_last {
            batch.left.notify_one();
        }
        self.batch = None;
        Poll::Ready(result.unwrap_or(Err(LoadError::Panicked)))
    }
}

impl<K, V, E> Drop for Seat<K, V, E> {
    fn drop(&mut self) {
        let Some(batch) = self.batch.take() else {
            return;
        };
        let mut state = batch.lock();
        state.slots[self.slot].callers -= 1;
        state.present -= 1;
        let seat = self.number.and_then(|number| state.wakers.get_mut(number));
        let waker = seat.and_then(|seat| seat.waker.take());
        let is_last = state.present == 0;
        drop(state);
        drop(waker);
        if is_last {
            batch.left.notify_one();
        }
    }
}
