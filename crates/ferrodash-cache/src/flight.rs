//! One computation per key: whoever asks while it runs waits for its result.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::cache::Status;
use crate::{Entry, Key};

/// How a flight ended. The error is the function's own, behind `Any` because one map serves functions of all types.
#[derive(Clone)]
pub(crate) enum Landing {
    Value { entry: Entry, status: Status },
    Error(Arc<dyn Any + Send + Sync>),
    Panic(Arc<str>),
}

impl Landing {
    /// The task was ended from outside, for example with its runtime.
    fn ended() -> Self {
        Self::Panic("the computation was ended before it was done".into())
    }
}

type Arrival = watch::Receiver<Option<Landing>>;

/// The flights under way.
#[derive(Default)]
pub(crate) struct Flights {
    // Held for one look-up or change and never across an await.
    map: Mutex<HashMap<Key, Flight>>,
}

struct Flight {
    arrival: Arrival,
    void: Void,
}

/// Whether what a flight brings must not be kept: its key was removed while it was under way.
#[derive(Clone, Default)]
pub(crate) struct Void(Arc<AtomicBool>);

impl Void {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Whether a caller starts a flight or joins one.
pub(crate) enum Boarding {
    Join(Arrival),
    Start(Departure),
}

/// The duty to end a flight. Dropping it without a landing (the task was ended from outside) ends it as a panic, so
/// that nobody waits for ever.
pub(crate) struct Departure {
    key: Key,
    flights: Arc<Flights>,
    void: Void,
    sender: watch::Sender<Option<Landing>>,
}

impl Flights {
    pub(crate) fn board(self: &Arc<Self>, key: Key) -> Boarding {
        let mut map = self.lock();
        if let Some(flight) = map.get(&key) {
            return Boarding::Join(flight.arrival.clone());
        }
        let ((sender, arrival), void) = (watch::channel(None), Void::default());
        map.insert(key, Flight { arrival, void: void.clone() });
        Boarding::Start(Departure { key, flights: self.clone(), void, sender })
    }

    /// Voids the flight of a key: who waits gets its result, nobody later does, and the next caller starts another.
    pub(crate) fn void(&self, key: &Key) {
        if let Some(flight) = self.lock().remove(key) {
            flight.void.0.store(true, Ordering::SeqCst);
        }
    }

    /// Takes a flight off the map, unless another one has its place.
    fn leave(&self, key: &Key, void: &Void) {
        let mut map = self.lock();
        if map.get(key).is_some_and(|flight| Arc::ptr_eq(&flight.void.0, &void.0)) {
            map.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Flight>> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Departure {
    /// The result to come, for the one who started the flight.
    pub(crate) fn arrival(&self) -> Arrival {
        self.sender.subscribe()
    }

    /// Whether the flight was voided.
    pub(crate) fn void_mark(&self) -> Void {
        self.void.clone()
    }

    /// Ends the flight. The entry must be in its tiers already: later callers look there.
    pub(crate) fn land(self, landing: Landing) {
        self.flights.leave(&self.key, &self.void);
        self.sender.send_replace(Some(landing));
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        let unfinished = self.sender.send_if_modified(|landing| {
            let unfinished = landing.is_none();
            landing.get_or_insert(Landing::ended());
            unfinished
        });
        if unfinished {
            self.flights.leave(&self.key, &self.void);
        }
    }
}

/// Waits for the landing of a flight.
pub(crate) async fn land(mut arrival: Arrival) -> Landing {
    match arrival.wait_for(Option::is_some).await {
        Ok(landing) => landing.clone().expect("waited for it to be there"),
        Err(_) => Landing::ended(),
    }
}
