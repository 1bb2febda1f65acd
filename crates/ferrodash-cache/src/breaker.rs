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

/// Lets something be said in the log once in a while.
#[derive(Default)]
pub(crate) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether it may be said now.
    pub(crate) fn may(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|at| now() - at >= LOG_INTERVAL);
        if may {
            *last = Some(now());
        }
        may
    }
}

pub(crate) struct Breaker {
    tier: &'static str,
    // A short critical section without any await: the standard mutex is the cheaper one.
    state: Mutex<State>,
    failures: AtomicU64,
    log: Seldom,
}

#[derive(Default)]
struct State {
    /// While the tier fails: when it is next asked.
    next: Option<Instant>,
    /// Why it failed last.
    reason: String,
}

impl Breaker {
    pub(crate) fn new(tier: &'static str) -> Self {
        Self { tier, state: Mutex::default(), failures: AtomicU64::new(0), log: Seldom::default() }
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

    /// Why the tier failed when it was last asked, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        let state = self.lock();
        state.next.map(|_| state.reason.clone())
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
                if self.log.may() {
                    tracing::warn!(tier = self.tier, reason, "the cache tier fails and is passed by");
                }
                let mut state = self.lock();
                (state.next, state.reason) = (Some(now() + PAUSE), reason);
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
