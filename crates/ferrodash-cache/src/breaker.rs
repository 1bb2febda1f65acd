//! Skips a failing tier, or a part of one, for a moment, and logs it once in a while.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Instant, now};
use crate::tier::TierResult;

/// How long a tier that failed is not asked; after that one call finds out how it is. A server that
/// is back is used again after this time at the latest, and what its client needs to reconnect.
const PAUSE: Duration = Duration::from_secs(1);

/// After so long without a call, what a part did last says nothing of it any more, as long as
/// others work.
const FORGOTTEN: Duration = Duration::from_secs(10);

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
    /// When each part that fails is next asked.
    next: HashMap<usize, Instant>,
    /// Why one of them failed last.
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

    /// Whether a part of the tier may be asked now. While it fails, one caller may from time to
    /// time.
    pub(crate) fn allows(&self, part: usize) -> bool {
        let mut state = self.lock();
        let Some(next) = state.next.get_mut(&part) else {
            return true;
        };
        let now = now();
        if now < *next {
            return false;
        }
        *next = now + PAUSE;
        true
    }

    /// Why a part of the tier failed when it was last asked, if one did.
    pub(crate) fn failure(&self) -> Option<String> {
        let state = self.lock();
        (!state.next.is_empty()).then(|| state.reason.clone())
    }

    /// How often it has failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Notes how a call went and turns a failure into `None`. `recovered` is called when a part of
    /// the tier answers again.
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

    /// Notes how a call went that is repeated in the background. Its failures say nothing new, and
    /// must not keep others from asking.
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

    /// A part works; whether it did not before.
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
