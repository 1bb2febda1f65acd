//! A circuit breaker: it skips a failing tier, or a part of one, for a moment, and logs that once
//! in a while.
//!
//! Each tier of a cache has one. It only learns how calls ended; it neither makes calls nor knows
//! what they do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Instant, now};
use crate::tier::TierResult;

/// The time for which a part that failed is not called. After it one call finds out whether it
/// answers again. A server that is back is used again after this time at the latest, plus the time
/// that its client needs to reconnect.
const PAUSE: Duration = Duration::from_secs(1);

/// The time after which the failure of a part is forgotten if nothing calls it and other parts
/// work.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// The shortest time between two log lines about failures of a tier.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// Limits how often something is logged.
#[derive(Default)]
pub(crate) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Returns `true` if it may be logged now, and starts the next interval then.
    pub(crate) fn may(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|at| now() - at >= LOG_INTERVAL);
        if may {
            *last = Some(now());
        }
        may
    }
}

/// The failures of one tier, by part.
pub(crate) struct Breaker {
    tier: &'static str,
    // A short critical section without any await: the standard mutex is the cheaper one.
    state: Mutex<State>,
    failures: AtomicU64,
    log: Seldom,
}

/// The parts that fail. Parts that work have no entry, so on a healthy day the map is empty.
#[derive(Default)]
struct State {
    /// For each part that fails: the moment of its next call.
    next: HashMap<usize, Instant>,
    /// The reason of the last failure of any part.
    reason: String,
}

impl Breaker {
    pub(crate) fn new(tier: &'static str) -> Self {
        Self {
            tier,
            state: Mutex::default(),
            failures: AtomicU64::new(0),
            log: Seldom::default(),
        }
    }

    /// Returns `true` if a part of the tier may be called now. While the part fails, one caller per
    /// [`PAUSE`] may.
    pub(crate) fn allows(&self, part: usize) -> bool {
        let mut state = self.lock();
        let Some(next) = state.next.get_mut(&part) else {
            return true;
        };
        let now = now();
        if now < *next {
            return false;
        }
        // This caller tries. The others skip the part for another pause.
        *next = now + PAUSE;
        true
    }

    /// Returns the reason of the last failure, if a part fails at the moment.
    pub(crate) fn failure(&self) -> Option<String> {
        let state = self.lock();
        (!state.next.is_empty()).then(|| state.reason.clone())
    }

    /// Returns the number of failures since the start.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Records the outcome of a call, and turns a failure into `None`. `recovered` is called when a
    /// part of the tier answers again.
    pub(crate) fn note<T>(
        &self,
        part: usize,
        result: TierResult<T>,
        recovered: impl FnOnce(),
    ) -> Option<T> {
        match result {
            Ok(value) => {
                if self.works(part) {
                    tracing::info!(tier = self.tier, "the cache tier answers again");
                    recovered();
                }
                Some(value)
            }
            Err(reason) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                if self.log.may() {
                    tracing::warn!(
                        tier = self.tier,
                        reason,
                        "the cache tier is failing; skipping it for 1 s"
                    );
                }
                let mut state = self.lock();
                state.next.insert(part, now() + PAUSE);
                state.reason = reason;
                None
            }
        }
    }

    /// Like [`note`](Self::note), for a call that is repeated in the background. Its failures must
    /// not prolong the pause, as that would keep others from calling.
    pub(crate) fn note_repeated<T>(
        &self,
        part: usize,
        result: TierResult<T>,
        recovered: impl FnOnce(),
    ) -> Option<T> {
        match result {
            Ok(value) => self.note(part, Ok(value), recovered),
            Err(_) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Records that a part answered. Returns `true` if it failed before.
    fn works(&self, part: usize) -> bool {
        let mut state = self.lock();
        if state.next.is_empty() {
            return false;
        }
        let failed = state.next.remove(&part).is_some();
        let now = now();
        state.next.retain(|_, next| now < *next + FORGOTTEN);
        failed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
