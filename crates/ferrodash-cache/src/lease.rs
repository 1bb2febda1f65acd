//! The part of [`Cache`] that elects the computing process among those that share a tier.
//!
//! The process with the lease of a key computes. The others wait until its entry is there or the
//! lease has ended. A lease saves work only; whether a value may be stored and served is decided by
//! the marks.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::answer::Status;
use crate::cache::{Cache, Inner};
use crate::call::Call;
use crate::clock::{after, now};
use crate::search::Search;
use crate::tier::{Filled, LeaseOutcome, LeaseRequest};
use crate::{Entry, Key, Marks, Mode};

/// The range of a random delay after which a waiter wakes up, so that not all of them request the
/// lease at once when it has run out.
const APART: Duration = Duration::from_millis(50);

/// The first pause between attempts to release a lease. It doubles up to the longest one.
const RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_millis(500);
/// The time for which the attempts continue at least.
const LEAST_RETRIES: Duration = Duration::from_secs(60);

/// The outcome of the election for one flight.
pub(crate) enum Permit {
    /// Another process has filled the key, so nothing is left to do.
    Found(Entry, Status),
    /// Another process computes, and the caller does not wait.
    Elsewhere,
    /// The flight computes. With a lease, other processes wait for it. Without marks, the shared
    /// tier does not answer.
    Compute {
        lease: Option<Lease>,
        marks: Option<Marks>,
    },
}

/// The right to fill a key. It is released when dropped.
pub(crate) struct Lease {
    cache: Cache,
    key: Key,
    token: u64,
    /// The duration of the lease, for which each renewal extends it.
    lasts: Duration,
    /// `true` if the lease may be held, so that it has to be released.
    held: bool,
}

/// The permit while the shared tier does not answer: the function runs, and its result is kept in
/// memory for a moment.
const OFFLINE: Permit = Permit::Compute {
    lease: None,
    marks: None,
};

impl Cache {
    /// Requests the lease for a flight, and waits for another process that computes, as long as the
    /// call has patience.
    ///
    /// When the patience ends, the flight computes without a lease, and its result is not stored.
    pub(crate) async fn permit(&self, call: &Call, search: &Search) -> Permit {
        let Some((slot, shared)) = self.inner.authority() else {
            let marks = Some(self.inner.invalidations.own_marks(&call.selectors));
            return Permit::Compute { lease: None, marks };
        };
        // Both are read before the lease is requested, so that a copy of another process's entry is
        // not stored over a later change.
        let epoch = self.inner.invalidations.epoch();
        let version = self
            .inner
            .near_cache
            .as_ref()
            .map(|near| near.version(&call.key));
        let seen = search.found.as_ref().map(|(entry, _)| entry.id());
        let (mut observed, deadline) = (search.observed.or(seen), after(call.patience));
        let marks = match search.marks {
            // The search ended at a copy in memory and read no marks.
            None => self.marks(&call.key, &call.selectors).await,
            marks => marks,
        };
        let Some(mut marks) = marks else {
            return OFFLINE;
        };
        loop {
            let (lease, acquired) = self.ask_for_lease(call, observed, marks).await;
            match acquired {
                None => return OFFLINE,
                Some(LeaseOutcome::Won) => {
                    let (lease, marks) = (Some(lease), Some(marks));
                    return Permit::Compute { lease, marks };
                }
                Some(LeaseOutcome::Changed(entry)) => {
                    observed = Some(entry.id());
                    let Some(suits) = self.suits(call, &entry).await else {
                        return OFFLINE;
                    };
                    if suits {
                        entry.count_in(&call.stats);
                        self.copy_to_memory(&call.key, &entry, epoch, version);
                        let tier = slot.tier().name();
                        return Permit::Found(entry, Status::Hit { tier });
                    }
                    // The entry does not answer the call, for example because it was invalidated.
                    // The marks are read again, as the computation begins only now.
                    let Some(newer) = self.marks(&call.key, &call.selectors).await else {
                        return OFFLINE;
                    };
                    marks = newer;
                }
                Some(LeaseOutcome::Held(_)) if call.patience.is_zero() => return Permit::Elsewhere,
                Some(LeaseOutcome::Held(left)) => {
                    let patience = deadline.saturating_duration_since(now());
                    // The process that computes has taken too long. The function runs here too, and
                    // its result is not stored.
                    if patience.is_zero() {
                        let (lease, marks) = (None, Some(marks));
                        return Permit::Compute { lease, marks };
                    }
                    let until = left + APART.mul_f64(fastrand::f64());
                    shared.changed(&call.key, until.min(patience)).await;
                }
            }
        }
    }

    /// Requests the lease of a key from the authority. The outcome is `None` if it did not answer.
    async fn ask_for_lease(
        &self,
        call: &Call,
        observed: Option<u64>,
        marks: Marks,
    ) -> (Lease, Option<LeaseOutcome>) {
        let (token, key) = (crate::random::number(), &call.key);
        let request = LeaseRequest {
            token,
            observed,
            lease: call.policy.lease,
            born: marks.now,
            newest: marks.newest,
        };
        // The lease counts as held from here on: the caller may be dropped before the answer comes,
        // or only the answer may be lost.
        let mut lease = Lease::sought(self, *key, token, call.policy.lease);
        let asked = match self.inner.authority() {
            Some((slot, shared)) => {
                slot.ask(&self.inner, key, shared.acquire(key, &request))
                    .await
            }
            None => None,
        };
        // Without an answer it may be held. If the tier was skipped, it is not.
        lease.held = matches!(asked, Some(None | Some(LeaseOutcome::Won)));
        (lease, asked.flatten())
    }

    /// Returns whether an entry that another process has stored meanwhile answers a call, or `None`
    /// if the marks cannot be read.
    async fn suits(&self, call: &Call, entry: &Entry) -> Option<bool> {
        let parts = entry.parts();
        let marks = self.marks(&call.key, &parts.selectors).await?;
        Some(
            parts.fingerprint == call.options.fingerprint
                && entry.remaining().is_some()
                && marks.allow(parts.born)
                && call.options.mode != Mode::Refresh
                && (call.options.readable)(entry),
        )
    }
}

impl Lease {
    /// Creates a lease that is being requested. It is released when dropped, because the answer may
    /// be lost.
    pub(crate) fn sought(cache: &Cache, key: Key, token: u64, lasts: Duration) -> Self {
        Self {
            cache: cache.clone(),
            key,
            token,
            lasts,
            held: true,
        }
    }

    /// Drops the lease without releasing it, because another process holds it.
    pub(crate) fn not_won(mut self) {
        self.held = false;
    }

    /// Fills the key. Returns `None` if the tier did not answer.
    pub(crate) async fn fill(mut self, entry: &Entry) -> Option<Filled> {
        let (slot, shared) = self.cache.inner.authority()?;
        let filled = slot
            .insist(
                &self.cache.inner,
                Some(&self.key),
                shared.fill(&self.key, self.token, entry),
            )
            .await;
        // Without an answer, the lease may still be held.
        self.held = filled.is_none();
        filled
    }

    /// Returns `true` if the lease is lost: it ended, or the key was removed. Without an answer
    /// that is not known, and the result is `false`.
    pub(crate) async fn is_lost(&self) -> bool {
        let Some((slot, shared)) = self.cache.inner.authority() else {
            return false;
        };
        let renewal = shared.renew(&self.key, self.token, self.lasts);
        slot.call(&self.cache.inner, &self.key, renewal).await == Some(false)
    }

    /// Renews the lease three times in its duration, until it is lost.
    pub(crate) async fn keep_alive(&self) {
        let Some((slot, shared)) = self.cache.inner.authority() else {
            return;
        };
        loop {
            tokio::time::sleep(self.lasts / 3).await;
            let renewed = slot
                .call(
                    &self.cache.inner,
                    &self.key,
                    shared.renew(&self.key, self.token, self.lasts),
                )
                .await;
            if renewed == Some(false) {
                tracing::debug!(key = %self.key, "the lease was lost");
                return;
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if std::mem::take(&mut self.held) {
            runtime.spawn(release(
                Arc::downgrade(&self.cache.inner),
                self.key,
                self.token,
                self.lasts,
            ));
        }
    }
}

/// Releases a lease, and repeats that until it is answered.
///
/// A store that does not answer at the moment may have granted the lease nevertheless, or may grant
/// it when it gets to the request. Other processes would then wait for one that does nothing, for
/// as long as the lease lasts. So the release is repeated for the duration of the lease, and for at
/// least a minute. The weak reference lets the cache be dropped meanwhile.
async fn release(inner: Weak<Inner>, key: Key, token: u64, lasts: Duration) {
    let (until, mut pause, mut unanswered) = (after(lasts.max(LEAST_RETRIES)), RETRY, false);
    loop {
        let Some(inner) = inner.upgrade() else { return };
        let Some((slot, shared)) = inner.authority() else {
            return;
        };
        let answered = slot
            .repeat(&inner, &key, shared.release(&key, token))
            .await
            .is_some();
        if answered && !unanswered || now() >= until {
            return;
        }
        drop(inner);
        tokio::time::sleep(pause).await;
        // After a failure, one answer is not enough: the request may have gone over another
        // connection and may be carried out after the release. So the release is sent once more.
        unanswered = !answered;
        pause = (pause * 2).min(LONGEST_RETRY);
    }
}
