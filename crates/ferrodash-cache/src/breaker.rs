//! Passes a failing tier by for a moment, and speaks of it once in a while.

use std::sync::Mutex;
use std::time::Duration;

use crate::clock::{Instant, now};
use crate::tier::{Tier, TierResult};

/// How long a tier that failed is not asked. A server that is back is used again after this time at the latest, and
/// what its client needs to reconnect.
const PAUSE: Duration = Duration::from_secs(1);

/// At most one line in the log for each such time.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(crate) struct Breaker {
    // A short critical section without any await: the standard mutex is the cheaper one.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open_until: Option<Instant>,
    failing: bool,
    logged: Option<Instant>,
}

impl Breaker {
    /// Whether the tier may be asked now.
    pub(crate) fn allows(&self) -> bool {
        let state = self.lock();
        state.open_until.is_none_or(|until| now() >= until)
    }

    /// Whether the tier failed when it was last asked.
    pub(crate) fn is_failing(&self) -> bool {
        self.lock().failing
    }

    /// Notes how a call went and turns a failure into `None`.
    pub(crate) fn note<T>(&self, tier: &dyn Tier, result: TierResult<T>) -> Option<T> {
        match result {
            Ok(value) => {
                let mut state = self.lock();
                state.open_until = None;
                if std::mem::take(&mut state.failing) {
                    tracing::info!(tier = tier.name(), "the cache tier answers again");
                }
                Some(value)
            }
            Err(reason) => {
                let mut state = self.lock();
                state.open_until = Some(now() + PAUSE);
                state.failing = true;
                if state.logged.is_none_or(|at| now() - at >= LOG_INTERVAL) {
                    state.logged = Some(now());
                    tracing::warn!(tier = tier.name(), reason, "the cache tier fails and is passed by");
                }
                None
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
