//! Marks and leases, for the processes that share a directory.
//!
//! A lease is a record in the database, so all decisions about it are made in a transaction. LMDB
//! reports no changes, so waiting callers read the record again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, ready};

use super::Disk;
use super::inner::Inner;
use super::lease::Lease;
use super::record::{Found, Place};
use crate::clock::{after, millis, now, unix_millis};
use crate::{
    Entry, Filled, Key, LeaseOutcome, LeaseRequest, Marks, Reading, Selector, Shared, Stamp,
    TierResult,
};

/// The first and the longest pause between two looks at a lease, in milliseconds. A lease is
/// released within milliseconds or takes long.
const SHORTEST_WAIT: u64 = 5;
const LONGEST_WAIT: u64 = 50;

impl Shared for Disk {
    /// Reads the entry and the marks in one transaction, so both are from the same moment.
    fn read<'a>(
        &'a self,
        key: &'a Key,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Reading>> {
        self.look(key, Some(selectors)).boxed()
    }

    fn marks<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Marks>> {
        ready(
            self.noticed(
                self.inner
                    .home
                    .read(|store, txn| store.marks(txn, selectors)),
            ),
        )
        .boxed()
    }

    /// Marks the selectors in one transaction, which other processes see as soon as it is
    /// committed.
    fn invalidate<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Stamp>> {
        let selectors = selectors.to_vec();
        self.write_blocking(move |write| write.mark(&selectors))
            .boxed()
    }

    fn begin_era(&self, _history: usize) -> BoxFuture<'_, TierResult<()>> {
        self.write_blocking(|write| write.begin_era()).boxed()
    }

    /// Requests the lease in a transaction, so that one of several processes wins.
    fn acquire<'a>(
        &'a self,
        key: &'a Key,
        request: &'a LeaseRequest,
    ) -> BoxFuture<'a, TierResult<LeaseOutcome>> {
        self.sweeper.keep_running(&self.inner);
        let (key, request) = (*key, *request);
        self.blocking(&self.inner.writes, move |inner, wanted| {
            inner.acquire(&key, &request, wanted)
        })
        .boxed()
    }

    /// Checks the lease and stores the entry in one transaction.
    fn fill<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        entry: &'a Entry,
    ) -> BoxFuture<'a, TierResult<Filled>> {
        async move {
            let lost = Arc::new(AtomicBool::new(false));
            let tells = lost.clone();
            // The lease is checked in the same transaction that stores the entry. Without a value,
            // the lease ends and the old entry is removed.
            let stored = self.store_blocking(key, entry, move |write, key, value| {
                if write.held(key.as_bytes(), token)?.is_none() {
                    tells.store(true, Ordering::Relaxed);
                    return Ok(false);
                }
                write.end_lease(key.as_bytes())?;
                write.replace(key.as_bytes(), value)
            });
            match stored.await? {
                true => Ok(Filled::Stored),
                false if lost.load(Ordering::Relaxed) => Ok(Filled::Lost),
                false => Ok(Filled::Refused),
            }
        }
        .boxed()
    }

    /// Moves the end of the lease, if the token still holds it.
    fn renew<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        lease: Duration,
    ) -> BoxFuture<'a, TierResult<bool>> {
        let key = *key;
        self.write_blocking(move |write| {
            let Some(held) = write.held(key.as_bytes(), token)? else {
                return Ok(false);
            };
            let deadline = write.now.saturating_add(millis(lease));
            write
                .lend(key.as_bytes(), &Lease { deadline, ..held })
                .map(|()| true)
        })
        .boxed()
    }

    fn release<'a>(&'a self, key: &'a Key, token: u64) -> BoxFuture<'a, TierResult<()>> {
        let key = *key;
        self.write_blocking(move |write| match write.held(key.as_bytes(), token)? {
            Some(_) => write.end_lease(key.as_bytes()),
            None => Ok(()),
        })
        .boxed()
    }

    /// Looks at the lease until it has ended or has another holder.
    fn changed<'a>(&'a self, key: &'a Key, within: Duration) -> BoxFuture<'a, ()> {
        async move {
            let end = after(within);
            let mut wait = SHORTEST_WAIT;
            let Some(token) = self.inner.token(key) else {
                return;
            };
            loop {
                let left = end.saturating_duration_since(now());
                if left.is_zero() {
                    return;
                }
                // The pauses vary, so that waiting callers do not all write at once.
                let spread = Duration::from_millis(
                    SHORTEST_WAIT.max(wait / 2 + crate::random::number() % wait),
                );
                tokio::time::sleep(spread.min(Duration::from_millis(LONGEST_WAIT)).min(left)).await;
                if self.inner.token(key) != Some(token) {
                    return;
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
        .boxed()
    }
}

impl Inner {
    /// Requests a lease, and reads the entry if it is not the one that the caller saw.
    fn acquire(
        &self,
        key: &Key,
        request: &LeaseRequest,
        wanted: &dyn Fn() -> bool,
    ) -> heed::Result<LeaseOutcome> {
        let mut observed = request.observed;
        loop {
            let found = match self.request(key, observed, request, wanted)? {
                Answer::Final(acquired) => return Ok(acquired),
                Answer::Changed(found) => found,
            };
            // An entry that does not open counts as absent, and must not stop the caller a second
            // time.
            observed = Some(found.id);
            if let Some(entry) = self.load(key, found)? {
                return Ok(LeaseOutcome::Changed(entry));
            }
        }
    }

    /// Requests a lease in one transaction. An entry that has to be read from a file is read
    /// outside of it.
    fn request(
        &self,
        key: &Key,
        observed: Option<u64>,
        request: &LeaseRequest,
        wanted: &dyn Fn() -> bool,
    ) -> heed::Result<Answer> {
        self.write(wanted, |write| {
            if let Some(found) = write
                .value(key.as_bytes())?
                .filter(|found| Some(found.id) != observed)
            {
                return Ok(Answer::Changed(found));
            }
            // A lease counts only for callers to whom its result is of use; for others it is
            // replaced. The lease of this very token is renewed, because the answer to an earlier
            // request may have been lost.
            if let Some(lease) = write
                .lease(key.as_bytes())?
                .filter(|lease| lease.serves(request) && lease.token != request.token)
                && let Some(left) = lease.left(write.now, self.process)
            {
                return Ok(Answer::Final(LeaseOutcome::Held(Duration::from_millis(
                    left,
                ))));
            }
            let deadline = write.now.saturating_add(millis(request.lease));
            let lease = Lease {
                token: request.token,
                holder: self.process,
                deadline,
                born: request.born,
            };
            write.lend(key.as_bytes(), &lease)?;
            Ok(Answer::Final(LeaseOutcome::Won))
        })
    }

    /// Opens the entry that was found, from its file if it is in one.
    fn load(&self, key: &Key, found: Found) -> heed::Result<Option<Entry>> {
        let found = match found.place {
            Place::Inline(_) => found,
            Place::File(file) => match self.home.store()?.files.read(key.as_bytes(), file)? {
                Some(sealed) => Found {
                    place: Place::Inline(sealed),
                    ..found
                },
                None => return Ok(None),
            },
        };
        Ok(self.unseal(key, &found))
    }

    /// Returns the token of the holder of a key's lease. `None` if nobody holds it or it cannot be
    /// known.
    fn token(&self, key: &Key) -> Option<u64> {
        let lease = self
            .home
            .read(|store, txn| store.lease(txn, key.as_bytes()))
            .ok()??;
        lease.left(unix_millis(), self.process).map(|_| lease.token)
    }
}

/// The outcome of a request for a lease.
enum Answer {
    Final(LeaseOutcome),
    /// The entry is not the one that was observed.
    Changed(Found),
}
