//! Passes a failing tier by for a moment, and speaks of it once in a while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Instant, now};
use crate::tier::TierResult;

/// How long a tier that failed is not asked; after that one call finds out how it is. A server that is back is used
/// again after this time at the latest, and what its client needs to reconnect.
const PAUSE: Duration = Duration::from_secs(1);

/// At most one line in the log for each such time.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

pub(crate) struct Breaker {
    tier: &'static str,
    // A short critical section without any await: the standard mutex is the cheaper one.
    state: Mutex<State>,
    failures: AtomicU64,
}

#[derive(Default)]
struct State {
    /// While the tier fails: when it is next asked.
    next: Option<Instant>,
    logged: Option<Instant>,
}

impl Breaker {
    pub(crate) fn new(tier: &'static str) -> Self {
        Self { tier, state: Mutex::default(), failures: AtomicU64::new(0) }
    }

    /// Whether the tier may be asked now. While it fails, one caller may from time to time.
    pub(crate) fn allows(&self) -> bool {
        let mut state = self.lock();
        let Some(next) = state.next else { return true };
        let now = now();
        if now < next {
            return false;
        }
        state.next = Some(now + PAUSE);
        true
    }

    /// Whether the tier failed when it was last asked.
    pub(crate) fn is_failing(&self) -> bool {
        self.lock().next.is_some()
    }

    /// How often it has failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Notes how a call went and turns a failure into `None`. `recovered` is called when the tier answers again.
    pub(crate) fn note<T>(&self, result: TierResult<T>, recovered: impl FnOnce()) -> Option<T> {
        match result {
            Ok(value) => {
                let failed = self.lock().next.take().is_some();
                if failed {
                    tracing::info!(tier = self.tier, "the cache tier answers again");
                    recovered();
                }
                Some(value)
            }
            Err(reason) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let mut state = self.lock();
                state.next = Some(now() + PAUSE);
                if state.logged.is_none_or(|at| now() - at >= LOG_INTERVAL) {
                    state.logged = Some(now());
                    tracing::warn!(tier = self.tier, reason, "the cache tier fails and is passed by");
                }
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
