//! Memcached, by its meta protocol. Several servers share the keys by rendezvous hashing.
//!
//! A server answers the commands of one connection in order, and everything that belongs together
//! is on one server: an entry with its lease and its pieces, and the whole history of
//! invalidations. So one round trip reads a lease before its entry, and the numbers of a history in
//! the order in which they were raised. The server has no scripts; atomic operations are built from
//! `add` and compare-and-swap.
//!
//! | Key | Value |
//! |---|---|
//! | `ns:KEY:v` | the sealed entry, a list of pieces, or nothing until one is stored (`pieces`) |
//! | `ns:KEY:c:ID:N` | a piece of an entry that is too large for an item |
//! | `ns:KEY:l` | the lease (`lease`) |
//! | `ns:era`, `ns:seq:ERA`, `ns:m:ERA:SCOPE` | the history of invalidations (`history`) |

mod config;
mod history;
mod lanes;
pub(super) mod lease;
pub(super) mod link;
pub(super) mod pieces;
pub(super) mod reply;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use memcache::exp::{Delete, Set, Ttl};

pub use config::MemcachedConfig;

use self::link::{Link, Names, fetch};
use self::pieces::{Manifest, Pieces};
use self::reply::Reply;
use crate::{
    Entry, Filled, Key, LeaseOutcome, LeaseRequest, Marks, Reading, Sealer, Selector, Shared,
    Stamp, Tier, TierResult,
};

/// The answer of a server to an item that is larger than its `-I` allows.
const TOO_LARGE: &str = "object too large";

/// A tier on Memcached servers, for all processes that use them.
///
/// Each call to a server ends within the deadline of the [`MemcachedConfig`]. A large entry needs a
/// call for each of its pieces. The servers report no changes, so copies in memory live at most 2 s
/// by default, and waiting callers look at a lease again and again. A server can drop anything at
/// any time; lost marks invalidate entries rather than let old ones count.
pub struct Memcached {
    link: Link,
    names: Names,
    sealer: Sealer,
    /// The largest value of an item.
    max_value: usize,
    /// The era that was seen last. It is a guess, with which the marks can be requested before the
    /// era is known.
    era: AtomicU64,
}

impl Memcached {
    /// Creates a tier over these servers, which are connected to when they are first used. All keys
    /// begin with `namespace`.
    ///
    /// # Errors
    /// If the namespace is longer than 100 bytes, or contains other characters than visible ASCII.
    pub fn new(config: MemcachedConfig, namespace: String, sealer: Sealer) -> Result<Self, String> {
        let max_value = config.max_value();
        let sealer = sealer.within(&namespace);
        let names = Names::new(namespace)?;
        Ok(Self {
            link: Link::new(config, &names),
            names,
            sealer,
            max_value,
            era: AtomicU64::new(0),
        })
    }

    /// Returns the part that stores and reads entries in pieces.
    fn pieces(&self) -> Pieces<'_> {
        Pieces {
            link: &self.link,
            names: &self.names,
            max_value: self.max_value,
        }
    }

    /// Opens the value of `ns:KEY:v`, and reads its pieces if it is a list of them.
    async fn open(&self, key: &Key, found: &Reply) -> TierResult<Option<Entry>> {
        let Some(value) = found
            .value
            .as_ref()
            .filter(|value| !value.is_empty() && !found.left.is_zero())
        else {
            return Ok(None);
        };
        match Manifest::parse(value) {
            None => Ok(self.sealer.open(key, value, found.left)),
            Some(manifest) => {
                let sealed = self.pieces().gather(key, &manifest).await?;
                Ok(sealed.and_then(|sealed| self.sealer.open(key, &sealed, found.left)))
            }
        }
    }

    /// Returns what to store under `ns:KEY:v` for an entry, or `None` if it is too large or too
    /// short-lived. An entry that does not fit in an item has been stored in pieces by then.
    async fn seal(&self, key: &Key, entry: &Entry) -> TierResult<Option<(Bytes, Ttl)>> {
        let sealed = self.sealer.seal(key, entry);
        let Some(ttl) = ttl(entry).filter(|_| sealed.len() <= pieces::LARGEST) else {
            return Ok(None);
        };
        if sealed.len() <= self.max_value {
            return Ok(Some((sealed, ttl)));
        }
        let manifest = self.pieces().scatter(key, entry.id(), &sealed, ttl).await?;
        // Storing the pieces took some of the time, so it is computed again.
        Ok(self::ttl(entry).map(|ttl| (manifest, ttl)))
    }

    /// Stores an entry. The lease is deleted first, on which `fill` relies.
    async fn put(&self, key: &Key, entry: &Entry) -> TierResult<bool> {
        let Some((value, ttl)) = self.seal(key, entry).await? else {
            return Ok(false);
        };
        let lease = Delete::new(self.names.lease(key)).into();
        let value = Set::new(self.names.value(key), value).ttl(ttl).into();
        let [_, stored] = self.link.call().run([lease, value]).await?;
        Ok(stored.done())
    }

    /// Deletes an entry. The lease is deleted first, on which `fill` relies.
    async fn clear(&self, key: &Key) -> TierResult<()> {
        let names = [self.names.lease(key), self.names.value(key)];
        self.link
            .call()
            .run(names.map(|name| Delete::new(name).into()))
            .await
            .map(drop)
    }
}

impl Tier for Memcached {
    fn name(&self) -> &'static str {
        "memcached"
    }

    fn place(&self) -> String {
        self.link.place()
    }

    /// Reads the value, and its pieces if there are any.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        async move {
            let [found] = self.link.call().run([fetch(self.names.value(key))]).await?;
            self.open(key, &found).await
        }
        .boxed()
    }

    /// Stores the entry after its lease was deleted. An entry that is not accepted removes the one
    /// before it.
    fn set<'a>(&'a self, key: &'a Key, entry: &'a Entry) -> BoxFuture<'a, TierResult<bool>> {
        async move {
            let taken = unless_too_large(self.put(key, entry).await)?.unwrap_or(false);
            if !taken {
                // The stored value is older than the one that was to replace it.
                self.clear(key).await?;
            }
            Ok(taken)
        }
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        self.clear(key).boxed()
    }

    fn shared(&self) -> Option<&dyn Shared> {
        Some(self)
    }
}

impl Shared for Memcached {
    /// Reads the marks and the value in one round trip per server. The marks are requested for the
    /// era that was seen last; if that was wrong, they are requested again.
    fn read<'a>(
        &'a self,
        key: &'a Key,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Reading>> {
        async move {
            let (call, era) = (self.link.call(), self.last_era());
            let mut commands = self.look(era, selectors);
            commands.push(fetch(self.names.value(key)));
            let mut replies = call.run_all(commands).await?;
            let found = replies.pop().expect("a reply for each command");
            let marks = self.settle(&call, selectors, era, replies).await?;
            Ok(Reading {
                entry: self.open(key, &found).await?,
                marks,
            })
        }
        .boxed()
    }

    fn marks<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Marks>> {
        async move { self.marks_at(&self.link.call(), selectors).await }.boxed()
    }

    fn invalidate<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Stamp>> {
        self.mark(selectors).boxed()
    }

    /// Deletes the era. The next reader of the marks begins another.
    fn begin_era(&self, _history: usize) -> BoxFuture<'_, TierResult<()>> {
        self.forget_era().boxed()
    }

    fn acquire<'a>(
        &'a self,
        key: &'a Key,
        request: &'a LeaseRequest,
    ) -> BoxFuture<'a, TierResult<LeaseOutcome>> {
        self.compete(key, request).boxed()
    }

    /// Stores the entry if the token holds the lease. If a server does not accept it, the lease is
    /// released.
    fn fill<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        entry: &'a Entry,
    ) -> BoxFuture<'a, TierResult<Filled>> {
        async move {
            let filled = unless_too_large(self.put_as_holder(key, token, entry).await)?
                .unwrap_or(Filled::Refused);
            if filled == Filled::Refused && !self.give_back(key, token).await? {
                return Ok(Filled::Lost);
            }
            Ok(filled)
        }
        .boxed()
    }

    fn renew<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        lease: Duration,
    ) -> BoxFuture<'a, TierResult<bool>> {
        self.prolong(key, token, lease).boxed()
    }

    fn release<'a>(&'a self, key: &'a Key, token: u64) -> BoxFuture<'a, TierResult<()>> {
        async move { self.give_back(key, token).await.map(drop) }.boxed()
    }

    fn changed<'a>(&'a self, key: &'a Key, within: Duration) -> BoxFuture<'a, ()> {
        self.wait(key, within).boxed()
    }
}

/// Returns the rest of an entry's lifetime in whole seconds, as Memcached counts. It is rounded
/// down, as an entry may end early but never late, except for the time that it took to get here.
/// The client writes more than 30 days as a date, because the server would read the number as one.
fn ttl(entry: &Entry) -> Option<Ttl> {
    const ON_THE_WAY: Duration = Duration::from_millis(50);
    let seconds = (entry.lifetime_left()? + ON_THE_WAY).as_secs();
    (seconds > 0).then(|| Ttl::secs(u32::try_from(seconds).unwrap_or(u32::MAX)))
}

/// Turns the error of a server that accepts smaller items than the configuration says into `None`.
/// Such a server is not down; it only does not accept this item.
fn unless_too_large<T>(stored: TierResult<T>) -> TierResult<Option<T>> {
    match stored {
        Err(reason) if reason.contains(TOO_LARGE) => {
            tracing::warn!(
                reason,
                "a Memcached server takes smaller items than max_item says"
            );
            Ok(None)
        }
        other => other.map(Some),
    }
}
