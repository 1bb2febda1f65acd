//! The part of [`Cache`] that runs in the caller's task: it reads memory and the tiers, and starts
//! or joins a flight.
//!
//! A call that finds a usable entry returns it here. Otherwise it starts a flight for its key or
//! joins the one in progress, and waits. The work that a flight does in its own task is in
//! `execute.rs`. This file does not know how tiers are read (`search.rs`) or how results are stored
//! (`keep.rs`).

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::answer::{Answer, Computed, Failure, Status};
use crate::cache::Cache;
use crate::call::Call;
use crate::clock::now;
use crate::flight::{Boarding, Departure, Landing, Ticket};
use crate::run::Run;
use crate::search::Search;
use crate::tiers::MEMORY;
use crate::{CallOptions, Entry, Key, Mode, Policy};

/// Number of runs that a caller joins whose results were superseded by an invalidation. After that
/// the caller runs the function for itself: a run that began after the call cannot be too old for
/// it.
const JOINS: usize = 3;

/// The error of a cached function. All callers that waited for one run get a clone of it.
pub(crate) trait SharedError: Clone + Send + Sync + 'static {}

impl<E: Clone + Send + Sync + 'static> SharedError for E {}

/// The use that a call makes of the entry that it found.
enum Use {
    /// Return it.
    Serve,
    /// Return it, and compute a newer one in the background.
    ServeAndRefresh,
    /// Return it, and compute it again in the background to compare.
    ServeAndAudit,
    /// Run the function, because the entry is too old.
    Compute,
}

impl Cache {
    /// Returns the value of `key` from the first tier that has it, or from `compute`.
    ///
    /// The [status](Answer::status) of the answer says where the value came from. A stale value is
    /// returned only if the policy allows it.
    ///
    /// # Concurrency
    /// Concurrent calls for one key share one run of `compute`, in this process and in all
    /// processes that share the last tier. A caller that joined a run does not get its result if an
    /// invalidation came while the function ran; it looks again, up to three times, and then runs
    /// its own `compute` without storing the result.
    ///
    /// If the last tier does not answer, each process computes for itself and keeps the result in
    /// memory for at most 2 s.
    ///
    /// # Cancellation
    /// The closure `compute` is called in the caller's task. The future that it returns runs in a
    /// task of its own, within this cache's [`scope`](Self::scope). If a caller is dropped, the
    /// others still get the result. If all callers are dropped, the run is aborted. A refresh in
    /// the background, and a run whose caller returned at its [soft timeout](Policy::soft_timeout),
    /// continue without callers.
    ///
    /// In the mode [`Bypass`](Mode::Bypass), the function runs in the caller's task and ends with
    /// it.
    ///
    /// # Errors and panics
    /// An error, a panic or a [timeout](Policy::hard_timeout) reaches all callers that waited for
    /// the run, as a [`Failure`]. None of them is stored. If the policy allows a stale value after
    /// an error ([`Policy::stale_if_error`]), the callers get that instead.
    ///
    /// Functions that share a key must have the same error type. A caller with another one gets
    /// [`Failure::Panic`].
    ///
    /// # Panics
    /// If the function has to run and there is no Tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::time::Duration;
    /// use ferrodash_cache::{Cache, Computed, Failure, Key, Policy};
    ///
    /// let cache = Cache::memory(1 << 20);
    /// let policy = Policy::new(Duration::from_secs(60));
    /// let compute = || async { Err::<Computed, _>("the database is down") };
    /// let answer = cache.get_or_compute(Key::of("rows", &1), &policy, compute).await;
    /// assert_eq!(answer.result.unwrap_err(), Failure::Error("the database is down"));
    /// # }
    /// ```
    pub async fn get_or_compute<E, F, Fut>(
        &self,
        key: Key,
        policy: &Policy,
        compute: F,
    ) -> Answer<E>
    where
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        const DEFAULTS: CallOptions = CallOptions::new();
        self.get_or_compute_with(key, policy, &DEFAULTS, compute)
            .await
    }

    /// Like [`get_or_compute`](Self::get_or_compute), with the name of the function, the kind of
    /// its value and the mode of the call.
    pub async fn get_or_compute_with<E, F, Fut>(
        &self,
        key: Key,
        policy: &Policy,
        options: &CallOptions,
        compute: F,
    ) -> Answer<E>
    where
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        match self.at_hand(&key, policy, options.fingerprint, options.mode) {
            Some(entry) => Answer::found(entry, Status::Hit { tier: MEMORY }),
            // Boxed, so that the future of a hit stays small.
            None => Box::pin(self.look_and_compute(key, policy, options, compute)).await,
        }
    }

    /// Returns a fresh copy from memory that needs no closer inspection.
    ///
    /// This is the fast path of a hit, which reads no tier. It declines whatever needs more: other
    /// modes, early refreshes, audits, and copies that were not compared with the marks in the
    /// present epoch.
    pub(crate) fn at_hand(
        &self,
        key: &Key,
        policy: &Policy,
        fingerprint: u64,
        mode: Mode,
    ) -> Option<Entry> {
        let inner = &*self.inner;
        if mode != Mode::Cached || policy.early > 0.0 || inner.is_watched() {
            return None;
        }
        let now = now();
        let entry = inner.near_cache.as_ref()?.get(key, now)?;
        let counts = entry.checked() == inner.invalidations.epoch()
            && entry.fingerprint() == fingerprint
            && entry.is_fresh_at(now);
        if !counts {
            return None;
        }
        entry.stats()?.hit();
        Some(entry)
    }

    /// The slow path of [`get_or_compute`](Self::get_or_compute): everything that memory alone
    /// cannot answer. Counts the answer for its function.
    async fn look_and_compute<E, F, Fut>(
        &self,
        key: Key,
        policy: &Policy,
        options: &CallOptions,
        compute: F,
    ) -> Answer<E>
    where
        E: SharedError,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        let call = Call {
            key,
            policy: policy.clone(),
            options: options.clone(),
            selectors: self.selectors(&key, policy.tags()),
            stats: self.inner.stats.of(&options.name),
            patience: policy.hard_timeout,
        };
        let answer = match call.options.mode {
            Mode::Bypass => self.run_alone(&call, compute()).await,
            Mode::Cached | Mode::Refresh => self.look(&call, compute).await,
        };
        answer.count_in(&call.stats);
        if let (Ok(entry), true) = (&answer.result, self.inner.is_watched()) {
            self.inner.catalog.note(&call, entry, answer.status);
        }
        answer
    }

    /// Reads the tiers, and runs the function if none of them has a usable entry.
    async fn look<E, F, Fut>(&self, call: &Call, compute: F) -> Answer<E>
    where
        E: SharedError,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        for _ in 0..JOINS {
            let search = self.search(call).await;
            if let Some((entry, tier)) = search.found.clone() {
                let fresh = entry.remaining();
                let status = if fresh.is_some() {
                    Status::Hit { tier }
                } else {
                    Status::Stale { tier }
                };
                match self.use_of(call, &search, &entry, fresh) {
                    Use::Serve => return Answer::found(entry, status),
                    Use::ServeAndRefresh => {
                        self.refresh(call, search, compute);
                        return Answer::found(entry, status);
                    }
                    Use::ServeAndAudit => {
                        self.compute_again(call, entry.clone(), compute());
                        return Answer::found(entry, status);
                    }
                    Use::Compute => {}
                }
            }
            // One caller of a key gets `Start`, and the others join its flight. A refresh joins
            // only a flight that is a refresh too.
            let refreshes = call.options.mode == Mode::Refresh;
            match self
                .inner
                .flights
                .board(call.key, &call.selectors, refreshes)
            {
                Boarding::Start(ticket, departure) => {
                    return self.start(call, search, ticket, departure, compute).await;
                }
                Boarding::Join(ticket) => {
                    match self.wait(call, ticket, call.policy.stand_in(search)).await {
                        Landing::Value {
                            superseded: true, ..
                        }
                        | Landing::Elsewhere => {}
                        landing => return answer(landing, true, &call.policy),
                    }
                }
            }
        }
        self.run_alone(call, compute()).await
    }

    /// Reads what the tiers have for a call. A refresh and a bypass read only the marks.
    async fn search(&self, call: &Call) -> Search {
        // Tiers before the shared one can contain copies, also on other hosts. The mark ends them.
        // If the tier that keeps the marks does not answer, the refresh still runs.
        if call.options.mode == Mode::Refresh && self.inner.marks_keys() {
            let _ = self.invalidate(&[call.key.selector()]).await;
        }
        match call.options.mode {
            Mode::Cached => self.find(&call.key, &call.selectors, Some(call)).await,
            Mode::Refresh | Mode::Bypass => self.skip(&call.key, &call.selectors).await,
        }
    }

    /// Decides the use of an entry that is fresh for the time `fresh`, or stale if that is `None`.
    fn use_of(&self, call: &Call, search: &Search, entry: &Entry, fresh: Option<Duration>) -> Use {
        let policy = &call.policy;
        if let Some(left) = fresh {
            return if is_due_early(entry, left, policy.early) {
                Use::ServeAndRefresh
            } else if self.inner.audit.chooses() {
                Use::ServeAndAudit
            } else {
                Use::Serve
            };
        }
        let may_revalidate = !call.options.waits && policy.may_revalidate(entry);
        if !self.inner.backoff.pauses(&call.key) {
            if may_revalidate {
                Use::ServeAndRefresh
            } else {
                Use::Compute
            }
        } else if may_revalidate || policy.may_stand_in(search) {
            // The function failed recently and is in its pause.
            Use::Serve
        } else {
            Use::Compute
        }
    }

    /// Starts a flight and waits for it.
    async fn start<E, F, Fut>(
        &self,
        call: &Call,
        search: Search,
        ticket: Ticket,
        departure: Departure,
        compute: F,
    ) -> Answer<E>
    where
        E: SharedError,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        // Another flight can have landed between the search in memory and the boarding. Without
        // this second look the function would run twice.
        if let Some(entry) = self.at_hand(
            &call.key,
            &call.policy,
            call.options.fingerprint,
            call.options.mode,
        ) {
            let status = Status::Hit { tier: MEMORY };
            // Callers that joined meanwhile look for themselves: something may have been
            // invalidated between this look and their call.
            departure.land(Landing::Elsewhere);
            return Answer::found(entry, status);
        }
        // A copy for this caller's wait. The flight gets the search itself, and decides for all
        // callers.
        let fallback = search
            .found
            .clone()
            .filter(|_| call.policy.may_stand_in(&search));
        self.spawn(call, search, &ticket, departure, compute());
        answer(self.wait(call, ticket, fallback).await, false, &call.policy)
    }

    /// Waits for a landing. If there is a value to fall back on, waits at most for the soft timeout
    /// and then detaches the flight, so that it continues without this caller.
    async fn wait(
        &self,
        call: &Call,
        mut ticket: Ticket,
        fallback: Option<(Entry, &'static str)>,
    ) -> Landing {
        let (Some(soft), Some((entry, tier))) = (call.policy.soft_timeout, fallback) else {
            return ticket.landing().await;
        };
        match tokio::time::timeout(soft, ticket.landing()).await {
            Ok(landing) => landing,
            Err(_) => {
                ticket.detach();
                Landing::value(entry, Status::Stale { tier })
            }
        }
    }

    /// Starts a flight without callers, unless one for the key is in progress or too many refreshes
    /// are.
    fn refresh<E, F, Fut>(&self, call: &Call, search: Search, compute: F)
    where
        E: SharedError,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        // If too many refreshes run, a later call tries again; this one has its value already.
        let Ok(permit) = self.inner.refreshes.clone().try_acquire_owned() else {
            return;
        };
        if let Boarding::Start(ticket, departure) =
            self.inner.flights.board(call.key, &call.selectors, false)
        {
            // Before the ticket is dropped at the end of this block: the last ticket of a flight
            // that is not detached aborts it.
            ticket.detach();
            let call = Call {
                patience: Duration::ZERO,
                ..call.clone()
            };
            let compute = compute();
            let compute = async move {
                let _permit = permit;
                compute.await
            };
            self.spawn(&call, search, &ticket, departure, compute);
        }
    }

    /// Runs the function for one caller, in its task, and stores nothing.
    async fn run_alone<E: SharedError>(
        &self,
        call: &Call,
        compute: impl Future<Output = Result<Computed, E>> + Send + 'static,
    ) -> Answer<E> {
        let (cache, call, run) = (self.clone(), call.clone(), Run::new(None));
        let landing = match cache.run(&call, &run, None, compute).await {
            Ok(Ok((computed, cost))) => {
                let made = cache.made(&call, computed, cost, &run, None);
                let status = if call.options.mode == Mode::Bypass {
                    Status::Bypass
                } else {
                    Status::Miss { stored: false }
                };
                Landing::value(made.entry, status)
            }
            Ok(Err(error)) => Landing::Error(Arc::new(error)),
            Err(landing) => landing,
        };
        answer(landing, false, &call.policy)
    }

    /// Runs the function of a hit again in the background, and compares the result with the entry.
    ///
    /// The comparison counts only if nothing was invalidated since the entry was computed.
    fn compute_again<E: SharedError>(
        &self,
        call: &Call,
        entry: Entry,
        compute: impl Future<Output = Result<Computed, E>> + Send + 'static,
    ) {
        let (cache, call) = (self.clone(), call.clone());
        tokio::spawn(async move {
            if let Ok(again) = cache.run_alone(&call, compute).await.result {
                let born = entry.parts().born;
                let marks = cache.marks(&call.key, &entry.parts().selectors).await;
                let counts = marks.is_some_and(|marks| marks.allow(born));
                cache.inner.audit.compare(&call, &entry, &again, counts);
            }
        });
    }
}

/// Decides at random whether a fresh value is refreshed now: the test of XFetch,
/// `cost · β · −ln(random) ≥ left`.
fn is_due_early(entry: &Entry, left: Duration, beta: f64) -> bool {
    beta > 0.0
        && entry.parts().cost.as_secs_f64() * beta * -fastrand::f64().max(f64::MIN_POSITIVE).ln()
            >= left.as_secs_f64()
}

/// Makes the answer for a caller that started a flight or joined one.
fn answer<E: SharedError>(landing: Landing, joined: bool, policy: &Policy) -> Answer<E> {
    let failed = if joined {
        Status::Collapsed
    } else {
        Status::Miss { stored: false }
    };
    let result = match landing {
        Landing::Value { entry, status, .. } => {
            let status = if joined && matches!(status, Status::Miss { .. }) {
                Status::Collapsed
            } else {
                status
            };
            return Answer::found(entry, status);
        }
        Landing::Error(error) => failure(&*error),
        Landing::Panic(message) => Failure::Panic(message),
        Landing::TimedOut | Landing::Elsewhere => Failure::TimedOut(policy.hard_timeout),
    };
    Answer {
        result: Err(result),
        status: failed,
    }
}

/// Restores the type of a function's error. Fails if the key is shared by functions with different
/// error types.
fn failure<E: Clone + 'static>(error: &(dyn Any + Send + Sync)) -> Failure<E> {
    match error.downcast_ref::<E>() {
        Some(error) => Failure::Error(error.clone()),
        None => Failure::Panic("one key was used for functions with different error types".into()),
    }
}
