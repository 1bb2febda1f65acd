//! Leases: one process computes, and no other one stores.
//!
//! A lease is an item that only one process can add, and that expires by itself. The holder of a
//! lease makes sure that it still holds the lease when it stores, in two round trips: the first
//! reads the CAS of the entry and *then* the lease, the second stores with that CAS. Other
//! processes delete or replace the lease *before* they touch the entry. So if the lease was still
//! there, they touch the entry after its CAS was read, and the store with that CAS fails. An entry
//! that is absent has no CAS, hence an empty one is added first.

use std::fmt::{self, Display};
use std::time::Duration;

use memcache::exp::{Delete, Get, Meta, Set, Ttl};

use super::Memcached;
use super::link::{Call, fetch};
use super::pieces::Manifest;
use super::reply::Reply;
use crate::clock::{after, now};
use crate::{Entry, Filled, Key, LeaseOutcome, LeaseRequest, Stamp, TierResult};

/// The lifetime of an empty entry, in case that the process that added it stores nothing. It only
/// has to outlive a call.
const EMPTY: Ttl = Ttl::secs(60);

/// The first and the longest pause between two looks at a lease.
const PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

impl Memcached {
    /// Requests the lease of a key: adds it, or replaces one that no longer counts.
    pub(super) async fn compete(
        &self,
        key: &Key,
        request: &LeaseRequest,
    ) -> TierResult<LeaseOutcome> {
        let (call, name) = (self.link.call(), self.names.lease(key));
        let lease = Lease {
            token: request.token,
            born: request.born,
        };
        // The CAS of a lease that can be taken over.
        let mut outdated = None;
        // The deadline of the call ends this at the latest.
        loop {
            let set = Set::new(&name, lease.to_string()).ttl(seconds(request.lease));
            let set = if let Some(cas) = outdated {
                set.compare_cas(cas)
            } else {
                set.add()
            };
            let commands = [
                set.into(),
                fetch(name.clone()),
                fetch(self.names.value(key)),
            ];
            // Any process may hold the lease now. The entry is read after it, so a caller does not
            // win right after the key was filled.
            let [_, held, found] = call.run(commands).await?;
            let holder = Lease::parse(&held);
            let won = holder
                .as_ref()
                .is_some_and(|holder| holder.token == request.token);
            if let Some(entry) = self.other_than(request.observed, key, &found).await? {
                if won {
                    self.give_back(key, request.token).await?;
                }
                return Ok(LeaseOutcome::Changed(entry));
            }
            match holder {
                _ if won => return Ok(LeaseOutcome::Won),
                Some(holder) if holder.counts_for(request) => {
                    return Ok(LeaseOutcome::Held(held.left));
                }
                _ => outdated = held.cas,
            }
        }
    }

    /// Stores an entry and releases the lease, if the token holds it.
    pub(super) async fn put_as_holder(
        &self,
        key: &Key,
        token: u64,
        entry: &Entry,
    ) -> TierResult<Filled> {
        let Some((value, ttl)) = self.seal(key, entry).await? else {
            return Ok(Filled::Refused);
        };
        let (call, name, lease) = (
            self.link.call(),
            self.names.value(key),
            self.names.lease(key),
        );
        let empty = Set::new(&name, "").ttl(EMPTY).add().into();
        let current = Get::new(&name)
            .without_value()
            .meta(Meta::default().cas())
            .into();
        let [_, current, held] = call.run([empty, current, fetch(lease.clone())]).await?;
        let (Some(cas), Some(held)) = (current.cas, cas_if_held_by(token, &held)) else {
            return Ok(Filled::Lost);
        };
        let store = Set::new(name, value).ttl(ttl).compare_cas(cas).into();
        let [stored, _] = call
            .run([store, Delete::new(lease).compare_cas(held).into()])
            .await?;
        Ok(if stored.done() {
            Filled::Stored
        } else {
            Filled::Lost
        })
    }

    /// Extends a lease, if the token holds it.
    pub(super) async fn prolong(&self, key: &Key, token: u64, lease: Duration) -> TierResult<bool> {
        let (call, name) = (self.link.call(), self.names.lease(key));
        let Some((value, cas)) = self.held(&call, key, token).await? else {
            return Ok(false);
        };
        let [prolonged] = call
            .run([Set::new(name, value)
                .ttl(seconds(lease))
                .compare_cas(cas)
                .into()])
            .await?;
        Ok(prolonged.done())
    }

    /// Releases a lease. Returns `false` if the token does not hold it.
    pub(super) async fn give_back(&self, key: &Key, token: u64) -> TierResult<bool> {
        let call = self.link.call();
        let Some((_, cas)) = self.held(&call, key, token).await? else {
            return Ok(false);
        };
        let [given] = call
            .run([Delete::new(self.names.lease(key)).compare_cas(cas).into()])
            .await?;
        Ok(given.done())
    }

    /// Waits until the lease of a key has ended or has another holder, or the server does not
    /// answer. Memcached reports no changes, so this has to look again and again.
    pub(super) async fn wait(&self, key: &Key, within: Duration) {
        let until = after(within);
        let (mut first, mut pause) = (None, PAUSE);
        while let Ok([held]) = self.link.call().run([fetch(self.names.lease(key))]).await {
            let token = Lease::parse(&held).map(|lease| lease.token);
            let left = until.saturating_duration_since(now());
            if token.is_none() || token != *first.get_or_insert(token) || left.is_zero() {
                break;
            }
            // At least half of the pause, plus a random part, so that waiting callers do not all
            // look at once.
            let pause_now = pause.mul_f64(
                0.5 + f64::from(crate::random::number() as u16) / f64::from(u16::MAX) / 2.0,
            );
            tokio::time::sleep(pause_now.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Returns the value and the CAS of a lease, if the token holds it.
    async fn held(
        &self,
        call: &Call<'_>,
        key: &Key,
        token: u64,
    ) -> TierResult<Option<(String, u64)>> {
        let [held] = call.run([fetch(self.names.lease(key))]).await?;
        let lease = Lease::parse(&held).map(|lease| lease.to_string());
        Ok(lease.zip(cas_if_held_by(token, &held)))
    }

    /// Returns the entry that was found, unless it is the one that was observed.
    async fn other_than(
        &self,
        observed: Option<u64>,
        key: &Key,
        found: &Reply,
    ) -> TierResult<Option<Entry>> {
        let manifest = found.value.as_ref().and_then(Manifest::parse);
        if manifest.is_some_and(|manifest| Some(manifest.id) == observed) {
            return Ok(None);
        }
        Ok(self
            .open(key, found)
            .await?
            .filter(|entry| Some(entry.id()) != observed))
    }
}

/// The holder of a key, and the moment in the history at which its computation began.
pub(crate) struct Lease {
    token: u64,
    born: Stamp,
}

impl Lease {
    /// Reads `token:era:sequence`. Returns `None` if there is no lease or it is of another form.
    pub(crate) fn parse(held: &Reply) -> Option<Self> {
        let text = std::str::from_utf8(held.value.as_ref()?).ok()?;
        let (token, born) = text.split_once(':')?;
        let (era, sequence) = born.split_once(':')?;
        let born = Stamp {
            era: era.parse().ok()?,
            sequence: sequence.parse().ok()?,
        };
        Some(Self {
            token: token.parse().ok()?,
            born,
        })
    }

    /// Returns `true` if the result of the holder counts for the caller, because nothing was
    /// invalidated since it began.
    fn counts_for(&self, request: &LeaseRequest) -> bool {
        self.born.era == request.born.era && self.born.sequence >= request.newest
    }
}

impl Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.token, self.born.era, self.born.sequence)
    }
}

/// Returns the CAS of a lease, if the token holds it.
fn cas_if_held_by(token: u64, held: &Reply) -> Option<u64> {
    Lease::parse(held)
        .filter(|lease| lease.token == token)
        .and(held.cas)
}

/// Returns a time to live of at least `lease`. The server counts the second that has already begun
/// as a whole one.
fn seconds(lease: Duration) -> Ttl {
    let begun = u64::from(lease.subsec_nanos() > 0);
    let seconds = lease.as_secs().saturating_add(begun + 1);
    Ttl::secs(u32::try_from(seconds).unwrap_or(u32::MAX))
}
