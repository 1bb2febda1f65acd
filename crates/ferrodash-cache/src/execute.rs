//! The part of [`Cache`] that runs a flight, in a task of its own: the lease, then the function,
//! then the tiers to store the result.
//!
//! The task does not end with the caller that started it, because others may have joined. How a
//! result is stored is in `keep.rs`, and how a computing process is elected in `lease.rs`.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tracing::Instrument;

use crate::answer::{Computed, Status};
use crate::cache::Cache;
use crate::call::Call;
use crate::clock::now;
use crate::entry::Entry;
use crate::flight::{Departure, Landing, Ticket, beside};
use crate::keep::{Began, Kept, Made};
use crate::lease::{Lease, Permit};
use crate::run::Run;
use crate::search::Search;
use crate::tier::Reading;
use crate::tiers::MEMORY;

impl Cache {
    /// Spawns a flight as a task of its own.
    pub(crate) fn spawn<E: Send + Sync + 'static>(
        &self,
        call: &Call,
        search: Search,
        ticket: &Ticket,
        departure: Departure,
        compute: impl Future<Output = Result<Computed, E>> + Send + 'static,
    ) {
        let (cache, call) = (self.clone(), call.clone());
        let span = tracing::debug_span!("compute", function = %call.options.name, key = %call.key);
        let flight = async move { cache.fly(call, search, departure, compute).await };
        ticket.carried_by(tokio::spawn(flight.instrument(span)).abort_handle());
    }

    /// Runs one flight, from the lease to its landing:
    ///
    /// 1. Requests the lease of the key. Another process may have filled the key meanwhile, or may
    ///    be computing.
    /// 2. Runs the function, and renews the lease meanwhile.
    /// 3. Stores the result, or chooses a stale value after a failure.
    /// 4. Lands, which wakes all callers.
    ///
    /// If the task is aborted at any point, `departure` and the lease are dropped: the callers get
    /// an error, and other processes can take over.
    async fn fly<E: Send + Sync + 'static>(
        &self,
        call: Call,
        search: Search,
        departure: Departure,
        compute: impl Future<Output = Result<Computed, E>> + Send,
    ) {
        // Read before anything else. After an invalidation that comes later, the epoch differs and
        // the copy in memory is compared with the marks again. After a change of the key, the
        // version differs and the copy is not kept.
        let epoch = self.inner.invalidations.epoch();
        let version = self
            .inner
            .near_cache
            .as_ref()
            .map(|near| near.version(&call.key));
        let (mut lease, marks) = match self.permit(&call, &search).await {
            Permit::Found(entry, status) => {
                let landing = self.found_elsewhere(&call, entry, status, &departure).await;
                return departure.land(landing);
            }
            Permit::Elsewhere => return departure.land(Landing::Elsewhere),
            Permit::Compute { lease, marks } => (lease, marks),
        };
        let run = Run::new(search.found.as_ref().map(|(entry, _)| entry.clone()));
        let landing = match self.run(&call, &run, lease.as_ref(), compute).await {
            // An error that is to be stored does not replace a value that can be served instead of
            // it.
            Ok(Ok((computed, cost)))
                if computed.negative.is_some() && call.policy.may_stand_in(&search) =>
            {
                let entry = self.made(&call, computed, cost, &run, marks).entry;
                let superseded =
                    departure.leave() && !self.still_counts(&call.key, &entry, marks).await;
                let failed = Landing::Value {
                    entry,
                    status: Status::Miss { stored: false },
                    superseded,
                };
                self.fall_back(&call, search, failed, &departure).await
            }
            Ok(Ok((computed, cost))) => {
                self.inner.backoff.succeeded(&call.key);
                let made = self.made(&call, computed, cost, &run, marks);
                let began = Began {
                    epoch,
                    version,
                    marks,
                };
                self.succeed(&call, made, &mut lease, began, &departure)
                    .await
            }
            Ok(Err(error)) => {
                let failure = Landing::Error(Arc::new(error));
                self.fall_back(&call, search, failure, &departure).await
            }
            Err(landing) => self.fall_back(&call, search, landing, &departure).await,
        };
        departure.land(landing);
    }

    /// Returns the landing with an entry that another process has stored.
    ///
    /// The entry was compared with the marks when it was read. Callers may have joined since, after
    /// another invalidation, so it is compared again once nobody can join any more.
    async fn found_elsewhere(
        &self,
        call: &Call,
        entry: Entry,
        status: Status,
        departure: &Departure,
    ) -> Landing {
        let joined = departure.leave();
        let superseded = joined && !self.is_current(call, &entry).await;
        Landing::Value {
            entry,
            status,
            superseded,
        }
    }

    /// Runs the function within its timeout, its run, its mode and this cache's scope, and renews
    /// the lease meanwhile. Returns the function's result and the time that it took, or the landing
    /// after a panic or a timeout.
    pub(crate) async fn run<E>(
        &self,
        call: &Call,
        run: &Run,
        lease: Option<&Lease>,
        compute: impl Future<Output = Result<Computed, E>> + Send,
    ) -> Result<Result<(Computed, Duration), E>, Landing> {
        let start = now();
        let compute = run.scope(call.options.mode.scope(self.scope(compute)));
        let work = tokio::time::timeout(
            call.policy.hard_timeout,
            // The future is dropped after a panic, so nobody sees a state that it left half done.
            AssertUnwindSafe(compute).catch_unwind(),
        );
        let outcome = match lease {
            Some(lease) => beside(work, lease.keep_alive()).await,
            None => work.await,
        };
        let took = now() - start;
        call.stats.ran(took);
        match outcome {
            Ok(Ok(result)) => Ok(result.map(|computed| (computed, took))),
            Ok(Err(panic)) => Err(Landing::Panic(panic_message(&*panic).into())),
            Err(_) => Err(Landing::TimedOut),
        }
    }

    /// Returns `true` if an entry that was read from a tier is neither invalidated nor removed.
    /// Without an answer of the store that is not known, and the entry counts.
    async fn is_current(&self, call: &Call, entry: &Entry) -> bool {
        let inner = &*self.inner;
        // If removals leave marks, those tell all.
        let Some((slot, shared)) = inner.authority().filter(|_| !inner.marks_keys()) else {
            return !self.was_invalidated(&call.key, entry).await;
        };
        let reading = inner
            .history
            .read(shared, &call.key, &entry.parts().selectors);
        match slot.call(inner, &call.key, reading).await {
            None => true,
            Some(Reading {
                entry: found,
                marks,
            }) => {
                let is_there = found.is_some_and(|found| found.id() == entry.id());
                is_there && marks.allow(entry.parts().born)
            }
        }
    }

    /// Stores the result of the function, and returns the landing of the flight.
    ///
    /// The landing is `superseded` if the result was lost, or if another caller has joined and
    /// something was invalidated since the flight began. Such callers compute again.
    async fn succeed(
        &self,
        call: &Call,
        made: Made,
        lease: &mut Option<Lease>,
        began: Began,
        departure: &Departure,
    ) -> Landing {
        let Made {
            entry,
            keep,
            improvement,
        } = made;
        // Another process can remove the key at any moment. That takes the lease, so the entry is
        // not stored; but a removal after that leaves no trace. So callers join only until the
        // entry is stored. Later ones wait for the lease, as those of other processes do.
        let closed_early = lease.is_some();
        let mut joined = closed_early && departure.leave();
        let mut lost = false;
        let kept = if keep {
            self.keep(call, &entry, lease.take(), began, departure)
                .await
        } else {
            if let (true, Some(lease)) = (joined, &lease) {
                lost = lease.is_lost().await;
            }
            Kept::No
        };
        // Without a lease only after storing: a caller that comes now finds the value in a tier.
        // All callers that joined are known here, so if there are none, the marks need not be read
        // again.
        if !closed_early {
            joined = departure.leave();
        }
        if let Some(improvement) = improvement.filter(|_| kept == Kept::Yes) {
            self.improve_later(call, &entry, improvement);
        }
        let superseded = kept == Kept::Lost
            || lost
            || (joined && !self.still_counts(&call.key, &entry, began.marks).await);
        Landing::Value {
            entry,
            status: Status::Miss {
                stored: kept == Kept::Yes,
            },
            superseded,
        }
    }

    /// Returns the stale value that is served instead of a failure, or else the failure. A value
    /// that was invalidated meanwhile is not served.
    async fn fall_back(
        &self,
        call: &Call,
        search: Search,
        failure: Landing,
        departure: &Departure,
    ) -> Landing {
        // Before the marks are read: a caller that joined after an invalidation must not get a
        // value that was compared with the marks before it.
        departure.leave();
        let usable = call.policy.may_stand_in(&search);
        let Some((entry, tier)) = search.found else {
            return failure;
        };
        // The store may have dropped an entry of which memory still has a copy.
        let counts = usable
            && match tier {
                MEMORY => self.still_counts(&call.key, &entry, search.marks).await,
                _ => self.is_current(call, &entry).await,
            };
        if counts {
            self.inner.backoff.failed(&call.key);
            tracing::warn!(function = %call.options.name, "the function failed; serving its last value");
            return Landing::value(entry, Status::Stale { tier });
        }
        failure
    }
}

/// Returns the message of a panic, or `no message` if its payload is not text.
#[doc(hidden)]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
