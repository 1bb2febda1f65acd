//! One computation per key: callers that arrive while it runs wait for its result.
//!
//! A computation is a *flight*. [`Flights::board`] starts one or joins the one in progress: callers
//! hold a [`Ticket`], and the task that computes holds the [`Departure`]. The flight ends when the
//! departure lands, or when the last ticket is dropped.
//!
//! The file knows neither tiers nor policies. It takes its locks and atomics from `sync.rs`, so
//! that shuttle can test how threads interleave.

use std::any::Any;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::answer::Status;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering};
use crate::{Entry, Key, Selector};

/// The result of a flight. The error is the function's own, behind `Any` because one map serves
/// functions of all types.
#[derive(Clone)]
pub(crate) enum Landing {
    /// The function returned a value, or a stored one is served.
    Value {
        entry: Entry,
        status: Status,
        /// Something was invalidated while the function ran. A caller that called before that may
        /// have the value, and one that joined later may not. As nobody knows which, only the
        /// caller that started the flight gets it.
        superseded: bool,
    },
    /// The function returned an error.
    Error(Arc<dyn Any + Send + Sync>),
    /// The function panicked with this message.
    Panic(Arc<str>),
    /// The function ran longer than it may.
    TimedOut,
    /// No value was computed, because another process computes. Callers that wait have to look
    /// again.
    Elsewhere,
}

impl Landing {
    /// Makes a landing with a value for all callers that waited.
    pub(crate) fn value(entry: Entry, status: Status) -> Self {
        Self::Value {
            entry,
            status,
            superseded: false,
        }
    }

    /// Makes the landing of a task that was ended from outside, for example with its runtime.
    fn ended() -> Self {
        Self::Panic("the computation was canceled before it finished".into())
    }
}

/// The receiver on which a flight announces its landing.
type Arrival = watch::Receiver<Option<Landing>>;

/// The flights in progress.
#[derive(Default)]
pub(crate) struct Flights {
    // Held for one look-up or change and never across an await.
    map: Mutex<HashMap<Key, Flight>>,
}

/// A flight in the map, which others can join.
struct Flight {
    arrival: Arrival,
    state: Arc<State>,
}

/// The state that the tickets and the departure of a flight share.
struct State {
    /// The key was removed: the result must not be stored.
    canceled: AtomicBool,
    /// Number of callers that wait. It changes under the map's lock, so that nobody joins a flight
    /// whose last waiter has just left.
    waiters: AtomicUsize,
    /// A second caller has joined.
    joined: AtomicBool,
    /// The flight continues without callers.
    detached: AtomicBool,
    /// The flight runs the function whatever the tiers have.
    refreshes: bool,
    /// The selectors of the call that started the flight.
    selectors: Arc<[Selector]>,
    /// The task, once it is spawned.
    task: Mutex<Option<AbortHandle>>,
}

/// The outcome of boarding: a caller joins a flight or starts one.
pub(crate) enum Boarding {
    Join(Ticket),
    Start(Ticket, Departure),
}

/// A place among the callers that wait. When the last ticket is dropped, the flight is aborted
/// unless it is detached.
pub(crate) struct Ticket {
    key: Key,
    flights: Arc<Flights>,
    state: Arc<State>,
    arrival: Arrival,
}

/// The duty to end a flight. If it is dropped without a landing (the task was ended from outside),
/// the flight ends as a panic, so that nobody waits for ever.
pub(crate) struct Departure {
    key: Key,
    flights: Arc<Flights>,
    state: Arc<State>,
    sender: watch::Sender<Option<Landing>>,
}

impl Flights {
    /// Joins the flight of a key, or starts one. A caller that wants a refresh joins only a flight
    /// that is one.
    pub(crate) fn board(
        self: &Arc<Self>,
        key: Key,
        selectors: &Arc<[Selector]>,
        refreshes: bool,
    ) -> Boarding {
        let mut map = self.lock();
        if let Some(Flight { arrival, state }) = map.get(&key) {
            if state.refreshes || !refreshes {
                state.waiters.fetch_add(1, Ordering::SeqCst);
                state.joined.store(true, Ordering::SeqCst);
                let (arrival, state) = (arrival.clone(), state.clone());
                return Boarding::Join(Ticket {
                    key,
                    flights: self.clone(),
                    state,
                    arrival,
                });
            }
            // The older flight must not overwrite the result of the newer one.
            state.canceled.store(true, Ordering::SeqCst);
        }
        // A refresh replaces an older flight of the key in the map. Callers of the older one keep
        // their receivers and get its result.
        let (sender, arrival) = watch::channel(None);
        let state = Arc::new(State {
            canceled: AtomicBool::new(false),
            waiters: AtomicUsize::new(1),
            joined: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            refreshes,
            selectors: selectors.clone(),
            task: Mutex::new(None),
        });
        map.insert(
            key,
            Flight {
                arrival: arrival.clone(),
                state: state.clone(),
            },
        );
        let ticket = Ticket {
            key,
            flights: self.clone(),
            state: state.clone(),
            arrival,
        };
        Boarding::Start(
            ticket,
            Departure {
                key,
                flights: self.clone(),
                state,
                sender,
            },
        )
    }

    /// Cancels the flight of a key: callers that wait get its result, later callers do not, and it
    /// is not stored.
    pub(crate) fn cancel(&self, key: &Key) {
        if let Some(flight) = self.lock().remove(key) {
            flight.state.canceled.store(true, Ordering::SeqCst);
        }
    }

    /// Closes the flights of these selectors: nobody can join them any more. Whether their results
    /// are stored is decided by the marks.
    pub(crate) fn close(&self, selectors: &[Selector]) {
        self.lock().retain(|_, flight| {
            !flight
                .state
                .selectors
                .iter()
                .any(|selector| selectors.contains(selector))
        });
    }

    /// Removes a flight from the map, unless another one has replaced it.
    fn leave(&self, key: &Key, state: &Arc<State>) {
        let mut map = self.lock();
        if map
            .get(key)
            .is_some_and(|flight| Arc::ptr_eq(&flight.state, state))
        {
            map.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Flight>> {
        crate::sync::lock(&self.map)
    }
}

impl Ticket {
    /// Waits for the landing. Any number of tickets can wait; each gets a clone.
    pub(crate) async fn landing(&mut self) -> Landing {
        match self.arrival.wait_for(Option::is_some).await {
            Ok(landing) => landing.clone().expect("waited for it to be there"),
            Err(_) => Landing::ended(),
        }
    }

    /// Lets the flight continue when nobody waits for it any more.
    pub(crate) fn detach(&self) {
        self.state.detached.store(true, Ordering::SeqCst);
    }

    /// Sets the task of the flight, which is aborted when nobody waits.
    pub(crate) fn carried_by(&self, task: AbortHandle) {
        *crate::sync::lock(&self.state.task) = Some(task);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // The count falls and the flight leaves the map under one lock. So a caller that boards at
        // the same time either keeps this flight alive or starts another one.
        let task = {
            let mut map = self.flights.lock();
            if self.state.waiters.fetch_sub(1, Ordering::SeqCst) > 1
                || self.state.detached.load(Ordering::SeqCst)
            {
                return;
            }
            if map
                .get(&self.key)
                .is_some_and(|flight| Arc::ptr_eq(&flight.state, &self.state))
            {
                map.remove(&self.key);
            }
            crate::sync::lock(&self.state.task).take()
        };
        // After its landing, ending the task has no effect.
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl Departure {
    /// Returns `true` if the key was removed, or if a refresh has replaced this flight.
    pub(crate) fn is_canceled(&self) -> bool {
        self.state.canceled.load(Ordering::SeqCst)
    }

    /// Removes the flight from the map: its result is in the tiers, and later callers look there.
    /// Returns whether any caller has joined it.
    pub(crate) fn leave(&self) -> bool {
        self.flights.leave(&self.key, &self.state);
        self.state.joined.load(Ordering::SeqCst)
    }

    /// Ends the flight. It leaves the map first, so that no caller joins a flight that has landed.
    pub(crate) fn land(self, landing: Landing) {
        self.flights.leave(&self.key, &self.state);
        self.sender.send_replace(Some(landing));
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        // After `land`, a landing is there and nothing happens.
        let unfinished = self.sender.send_if_modified(|landing| {
            let unfinished = landing.is_none();
            landing.get_or_insert(Landing::ended());
            unfinished
        });
        if unfinished {
            self.flights.leave(&self.key, &self.state);
        }
    }
}

/// Runs `work` and, at the same time, `company`, which is dropped as soon as `work` is done.
pub(crate) async fn beside<T>(
    work: impl Future<Output = T>,
    company: impl Future<Output = ()>,
) -> T {
    match select(pin!(work), pin!(company)).await {
        Either::Left((value, _)) => value,
        Either::Right(((), work)) => work.await,
    }
}

#[cfg(test)]
mod tests;
