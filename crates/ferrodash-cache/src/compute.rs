//! The way of a call: memory, the tiers, the flight, the lease, the function, and the tiers again.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tracing::Instrument;

use crate::cache::{Answer, Cache, Computed, Failure, Status};
use crate::clock::now;
use crate::flight::{Boarding, Departure, Landing, Ticket, beside};
use crate::lease::{Lease, Permit};
use crate::run::Run;
use crate::search::Search;
use crate::stats::FunctionStats;
use crate::tier::Filled;
use crate::tiers::MEMORY;
use crate::{Entry, Key, Marks, Mode, Parts, Policy, Scope};

/// How often a caller joins a run whose result something invalidated while it ran, before the
/// caller runs the function for itself: what began after the call cannot be too old for it.
const JOINS: usize = 3;

/// A call under way.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) key: Key,
    pub(crate) policy: Policy,
    pub(crate) scopes: Arc<[Scope]>,
    pub(crate) stats: Arc<FunctionStats>,
    /// How long the caller waits for another process that computes.
    pub(crate) patience: Duration,
}

impl Cache {
    /// The value of `key`: from the first tier that has it, or from `compute`, which runs once for
    /// all who ask at the same time, in this process and in those that share its last tier.
    ///
    /// The function runs in a task of its own, within this cache's [`scope`](Self::scope): when a
    /// caller goes away the others still get its result, and when all are gone it is ended. An
    /// error, a panic or the end of its time reaches all who waited and is not kept.
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
        match self.at_hand(&key, policy, policy.mode) {
            Some(entry) => Answer {
                result: Ok(entry),
                status: Status::Hit { tier: MEMORY },
            },
            // Boxed, so that the usual way stays small.
            None => Box::pin(self.look_and_compute(key, policy, compute)).await,
        }
    }

    /// A fresh copy in memory that need not be looked at any closer.
    pub(crate) fn at_hand(&self, key: &Key, policy: &Policy, mode: Mode) -> Option<Entry> {
        let inner = &*self.inner;
        if mode != Mode::Cached || policy.early > 0.0 || inner.is_watched() {
            return None;
        }
        let now = now();
        let entry = inner.near.as_ref()?.get(key, now)?;
        let counts = entry.checked() == inner.ledger.epoch()
            && entry.fingerprint() == policy.fingerprint
            && entry.is_fresh_at(now);
        if !counts {
            return None;
        }
        entry.stats()?.hit();
        Some(entry)
    }

    async fn look_and_compute<E, F, Fut>(&self, key: Key, policy: &Policy, compute: F) -> Answer<E>
    where
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        let stats = self.inner.stats.of(&policy.name);
        let (policy, scopes) = (policy.clone(), self.scopes(&key, policy.tags()));
        let patience = policy.hard_timeout;
        let call = Call {
            key,
            policy,
            scopes,
            stats,
            patience,
        };
        let answer = match call.policy.mode {
            Mode::Bypass => self.run_alone(&call, compute()).await,
            Mode::Cached | Mode::Refresh => self.look(&call, compute).await,
        };
        call.stats.answered(answer.status, answer.result.is_err());
        if let (Ok(entry), true) = (&answer.result, self.inner.is_watched()) {
            self.inner.catalog.note(&call, entry, answer.status);
        }
        answer
    }

    /// The tiers, and the function if none of them will do.
    async fn look<E, F, Fut>(&self, call: &Call, compute: F) -> Answer<E>
    where
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        for _ in 0..JOINS {
            // In tiers before the shared one, of other hosts too, there may be copies.
            if call.policy.mode == Mode::Refresh && self.inner.marks_keys() {
                let _ = self.invalidate(&[Scope::key(&call.key)]).await;
            }
            let search = match call.policy.mode {
                Mode::Cached => self.find(&call.key, &call.scopes, Some(call)).await,
                _ => self.skip(&call.key, &call.scopes).await,
            };
            if let Some((entry, tier)) = search.found.clone() {
                let fresh = entry.remaining();
                let refresh = match fresh {
                    Some(left) => is_due_early(&entry, left, call.policy.early),
                    None => {
                        call.policy.may_revalidate(&entry) && !self.inner.backoff.pauses(&call.key)
                    }
                };
                let status = if fresh.is_some() {
                    Status::Hit { tier }
                } else {
                    Status::Stale { tier }
                };
                if refresh {
                    self.refresh(call, search, compute);
                    return Answer {
                        result: Ok(entry),
                        status,
                    };
                }
                if fresh.is_some() && self.inner.audit.chooses() {
                    self.compute_again(call, entry.clone(), compute);
                    return Answer {
                        result: Ok(entry),
                        status,
                    };
                }
                let usable =
                    call.policy.may_revalidate(&entry) || call.policy.may_stand_in(&search);
                if fresh.is_some() || (usable && self.inner.backoff.pauses(&call.key)) {
                    return Answer {
                        result: Ok(entry),
                        status,
                    };
                }
            }
            let refreshes = call.policy.mode == Mode::Refresh;
            match self.inner.flights.board(call.key, &call.scopes, refreshes) {
                Boarding::Start(ticket, departure) => {
                    if let Some(entry) = self.landed_meanwhile(call) {
                        let status = Status::Hit { tier: MEMORY };
                        departure.land(Landing::Value {
                            entry: entry.clone(),
                            status,
                            superseded: false,
                        });
                        return Answer {
                            result: Ok(entry),
                            status,
                        };
                    }
                    let fallback = search
                        .found
                        .clone()
                        .filter(|_| call.policy.may_stand_in(&search));
                    self.spawn(call, search, &ticket, departure, compute());
                    return answer(self.wait(call, ticket, fallback).await, false, &call.policy);
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

    /// Between the look into memory and the boarding another flight may have landed.
    fn landed_meanwhile(&self, call: &Call) -> Option<Entry> {
        self.at_hand(&call.key, &call.policy, call.policy.mode)
    }

    /// Waits for a landing, and while there is a value to fall back on not longer than the soft
    /// timeout.
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
                Landing::Value {
                    entry,
                    status: Status::Stale { tier },
                    superseded: false,
                }
            }
        }
    }

    /// Starts a flight that nobody waits for, unless one is under way or too many are.
    fn refresh<E, F, Fut>(&self, call: &Call, search: Search, compute: F)
    where
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        let Ok(permit) = self.inner.refreshes.clone().try_acquire_owned() else {
            return;
        };
        if let Boarding::Start(ticket, departure) =
            self.inner.flights.board(call.key, &call.scopes, false)
        {
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

    /// Puts a flight into a task of its own.
    fn spawn<E, Fut>(
        &self,
        call: &Call,
        search: Search,
        ticket: &Ticket,
        departure: Departure,
        compute: Fut,
    ) where
        E: Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        let (cache, call) = (self.clone(), call.clone());
        let span = tracing::debug_span!("compute", function = %call.policy.name, key = %call.key);
        let flight = async move { cache.fly(call, search, departure, compute).await };
        ticket.carried_by(tokio::spawn(flight.instrument(span)).abort_handle());
    }

    /// One flight: the lease, then the function, then the tiers to keep what it made.
    async fn fly<E, Fut>(&self, call: Call, search: Search, departure: Departure, compute: Fut)
    where
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<Computed, E>> + Send,
    {
        let epoch = self.inner.ledger.epoch();
        let turn = self.inner.near.as_ref().map(|near| near.turn(&call.key));
        let (lease, marks) = match self.permit(&call, &search).await {
            Permit::Found(entry, status) => {
                return departure.land(Landing::Value {
                    entry,
                    status,
                    superseded: false,
                });
            }
            Permit::Elsewhere => return departure.land(Landing::Elsewhere),
            Permit::Compute { lease, marks } => (lease, marks),
        };
        let run = Run::new(search.found.as_ref().map(|(entry, _)| entry.clone()));
        let outcome = self.run(&call, &run, lease.as_ref(), compute).await;
        let landing = match outcome {
            // An error that is to be kept does not take the place of a value that can stand in for
            // it.
            Ok(Ok((computed, cost)))
                if computed.negative.is_some() && call.policy.may_stand_in(&search) =>
            {
                let (entry, _) = self.made(&call, computed, cost, &run, marks);
                let status = Status::Miss { stored: false };
                self.fall_back(
                    &call,
                    search,
                    Landing::Value {
                        entry,
                        status,
                        superseded: false,
                    },
                )
                .await
            }
            Ok(Ok((mut computed, cost))) => {
                self.inner.backoff.succeeded(&call.key);
                let improvement = computed.improvement.take();
                let (entry, keep) = self.made(&call, computed, cost, &run, marks);
                let kept = match keep {
                    true => {
                        self.keep(
                            &call,
                            &entry,
                            lease,
                            Began { epoch, turn, marks },
                            &departure,
                        )
                        .await
                    }
                    false => Kept::No,
                };
                let joined = departure.leave();
                if let Some(improvement) = improvement.filter(|_| kept == Kept::Yes) {
                    self.improve_later(&call, &entry, improvement);
                }
                let superseded = kept == Kept::Lost
                    || (joined && !self.still_counts(&call.key, &entry, marks).await);
                Landing::Value {
                    entry,
                    status: Status::Miss {
                        stored: kept == Kept::Yes,
                    },
                    superseded,
                }
            }
            Ok(Err(error)) => {
                self.fall_back(&call, search, Landing::Error(Arc::new(error)))
                    .await
            }
            Err(landing) => self.fall_back(&call, search, landing).await,
        };
        departure.land(landing);
    }

    /// Runs the function, for as long as it may; with it what it made and how long that took.
    async fn run<E, Fut>(
        &self,
        call: &Call,
        run: &Run,
        lease: Option<&Lease>,
        compute: Fut,
    ) -> Result<Result<(Computed, Duration), E>, Landing>
    where
        Fut: Future<Output = Result<Computed, E>> + Send,
    {
        let start = now();
        let compute = run.scope(call.policy.mode.scope(self.scope(compute)));
        let work = tokio::time::timeout(
            call.policy.hard_timeout,
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

    /// The entry that a function made, and whether it is to be kept.
    fn made(
        &self,
        call: &Call,
        computed: Computed,
        cost: Duration,
        run: &Run,
        marks: Option<Marks>,
    ) -> (Entry, bool) {
        let (decisions, again) = run.take();
        let timeout = computed
            .negative
            .or(decisions.timeout)
            .unwrap_or(call.policy.timeout);
        let keep = computed.keep
            && !decisions.pass
            && !timeout.is_zero()
            && cost >= call.policy.slower_than;
        let mut scopes = call.scopes.clone();
        // What a value depends on does not change with its source's word that it is still right.
        let of_again = again.iter().flat_map(|again| again.parts().scopes.iter());
        let mut more: Vec<Scope> = decisions.tags.iter().chain(of_again).copied().collect();
        if !more.is_empty() {
            more.extend_from_slice(&scopes);
            more.sort_unstable();
            more.dedup();
            scopes = more.into();
        }
        let keep = keep && has_few_scopes(&scopes, &call.policy);
        // What is not kept is not fresh for anybody else either, such as a browser.
        let timeout = if keep { timeout } else { Duration::ZERO };
        let parts = Parts {
            cost,
            negative: computed.negative.is_some(),
            fingerprint: call.policy.fingerprint,
            scopes,
            validator: decisions.validator,
            compressed: computed.compressed,
            ..Parts::new(computed.bytes, timeout)
        };
        let parts = match again {
            Some(again) => Parts {
                bytes: again.bytes().clone(),
                validator: parts.validator.or_else(|| again.parts().validator.clone()),
                ..parts
            },
            None => parts,
        };
        // Nobody waits for a refresh in the background, so nobody would take its value.
        let is_awaited = again.is_none() && !call.patience.is_zero();
        let entry = self.entry_of(parts, &call.policy, marks);
        if let Some(value) = computed.prepared.filter(|_| is_awaited) {
            entry.prepare(value);
        }
        (entry, keep)
    }

    /// Keeps what a flight made, unless its key was removed meanwhile or its lease is lost.
    async fn keep(
        &self,
        call: &Call,
        entry: &Entry,
        lease: Option<Lease>,
        began: Began,
        flight: &Departure,
    ) -> Kept {
        let inner = &*self.inner;
        let shared = inner.authority.is_some();
        let online = began.marks.is_some();
        // Tags that only the function knew: something may have been invalidated by them meanwhile,
        // and a store that makes the marks of what is asked for has to be asked before it keeps the
        // entry.
        if entry.parts().scopes != call.scopes
            && !self.still_counts(&call.key, entry, began.marks).await
        {
            return Kept::Lost;
        }
        let filled = match lease {
            Some(lease) => lease.fill(entry).await,
            // Without a lease, nothing may be kept where others find it.
            None if shared && online => return Kept::No,
            None => Some(Filled::Refused),
        };
        let mut stored = filled == Some(Filled::Stored);
        if filled == Some(Filled::Lost) || flight.is_void() {
            return Kept::Lost;
        }
        let storage = inner
            .tiers
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != inner.authority);
        for (_, slot) in storage.filter(|_| online) {
            stored |= slot
                .call(inner, &call.key, slot.tier().set(&call.key, entry))
                .await
                == Some(true);
        }
        if let (Some(near), Some(turn)) = (&inner.near, began.turn) {
            entry.check(began.epoch);
            entry.count_in(&call.stats);
            // Of what the shared tier does not have, no news comes.
            let age = self.near_age(online && (!shared || filled == Some(Filled::Stored)));
            stored |= near.keep(&call.key, entry, age, turn);
        }
        // The removal may have passed between the look at the mark and the writing. What it put
        // there stays.
        if flight.is_void() {
            for (_, slot) in inner
                .tiers
                .iter()
                .enumerate()
                .filter(|(index, _)| Some(*index) != inner.authority)
            {
                if let Some(Some(kept)) = slot
                    .call(inner, &call.key, slot.tier().get(&call.key))
                    .await
                    && kept.id() == entry.id()
                {
                    slot.call(inner, &call.key, slot.tier().remove(&call.key))
                        .await;
                }
            }
            return Kept::Lost;
        }
        if stored { Kept::Yes } else { Kept::No }
    }

    /// Whether nothing was invalidated that an entry depends on; without its store nobody can say.
    async fn still_counts(&self, key: &Key, entry: &Entry, marks: Option<Marks>) -> bool {
        match (marks, self.marks(key, &entry.parts().scopes).await) {
            (Some(_), Some(now)) => now.allow(entry.parts().born),
            (_, None) | (None, _) => true,
        }
    }

    /// The value past its timeout that stands in for a failure, or else the failure.
    async fn fall_back(&self, call: &Call, search: Search, failure: Landing) -> Landing {
        let usable = call.policy.may_stand_in(&search);
        let Some((entry, tier)) = search.found else {
            return failure;
        };
        if usable && self.still_counts(&call.key, &entry, search.marks).await {
            self.inner.backoff.failed(&call.key);
            tracing::warn!(function = %call.policy.name, "the function failed, and its last value stands in");
            return Landing::Value {
                entry,
                status: Status::Stale { tier },
                superseded: false,
            };
        }
        failure
    }

    /// Runs the function for one caller, without keeping anything.
    async fn run_alone<E, Fut>(&self, call: &Call, compute: Fut) -> Answer<E>
    where
        E: Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        let (cache, call, run) = (self.clone(), call.clone(), Run::new(None));
        let landing = match cache.run(&call, &run, None, compute).await {
            Ok(Ok((computed, cost))) => {
                let (entry, _) = cache.made(&call, computed, cost, &run, None);
                let mode = call.policy.mode;
                let status = if mode == Mode::Bypass {
                    Status::Bypass
                } else {
                    Status::Miss { stored: false }
                };
                Landing::Value {
                    entry,
                    status,
                    superseded: false,
                }
            }
            Ok(Err(error)) => Landing::Error(Arc::new(error)),
            Err(landing) => landing,
        };
        answer(landing, false, &call.policy)
    }

    /// Runs the function of a hit again and compares.
    fn compute_again<E, F, Fut>(&self, call: &Call, entry: Entry, compute: F)
    where
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Computed, E>> + Send + 'static,
    {
        let (cache, call, compute) = (self.clone(), call.clone(), compute());
        tokio::spawn(async move {
            if let Ok(again) = cache.run_alone(&call, compute).await.result {
                let born = entry.parts().born;
                let marks = cache.marks(&call.key, &entry.parts().scopes).await;
                let counts = marks.is_some_and(|marks| marks.allow(born));
                cache.inner.audit.compare(&call, &entry, &again, counts);
            }
        });
    }
}

/// What was so when a flight began.
struct Began {
    epoch: u64,
    turn: Option<u32>,
    marks: Option<Marks>,
}

/// What became of a result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
    /// It is too old: something was removed or replaced while the function ran.
    Lost,
}

impl Policy {
    /// Whether an entry past its timeout may be given back while it is refreshed.
    fn may_revalidate(&self, entry: &Entry) -> bool {
        entry.age()
            < entry
                .parts()
                .timeout
                .saturating_add(self.stale_while_revalidate)
    }

    /// What was found, if it may stand in for a failure.
    fn stand_in(&self, search: Search) -> Option<(Entry, &'static str)> {
        if self.may_stand_in(&search) {
            search.found
        } else {
            None
        }
    }

    /// Whether what was found may stand in for a failure.
    fn may_stand_in(&self, search: &Search) -> bool {
        search.found.as_ref().is_some_and(|(entry, _)| {
            entry.age() < entry.parts().timeout.saturating_add(self.stale_if_error)
                && entry.lifetime_left().is_some()
        })
    }
}

/// Whether an entry can say by what it can be invalidated; one that cannot is not kept.
fn has_few_scopes(scopes: &[Scope], policy: &Policy) -> bool {
    let few = scopes.len() <= usize::from(u16::MAX);
    if !few {
        tracing::warn!(function = %policy.name, tags = scopes.len(), "a value with so many tags is not kept");
    }
    few
}

/// XFetch: whether a fresh value is refreshed now.
fn is_due_early(entry: &Entry, left: Duration, beta: f64) -> bool {
    beta > 0.0
        && entry.parts().cost.as_secs_f64() * beta * -fastrand::f64().max(f64::MIN_POSITIVE).ln()
            >= left.as_secs_f64()
}

fn answer<E: Clone + Send + Sync + 'static>(
    landing: Landing,
    joined: bool,
    policy: &Policy,
) -> Answer<E> {
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
            return Answer {
                result: Ok(entry),
                status,
            };
        }
        Landing::Error(error) => failure(&*error),
        Landing::Panic(message) => Failure::Panic(message),
        Landing::TimedOut => Failure::TimedOut(policy.hard_timeout),
        Landing::Elsewhere => Failure::TimedOut(policy.hard_timeout),
    };
    Answer {
        result: Err(result),
        status: failed,
    }
}

fn failure<E: Clone + 'static>(error: &(dyn Any + Send + Sync)) -> Failure<E> {
    match error.downcast_ref::<E>() {
        Some(error) => Failure::Error(error.clone()),
        None => Failure::Panic("one key was used for functions with different error types".into()),
    }
}

/// What a panic said.
#[doc(hidden)]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
