//! The interface between the cache and the stores of its entries.
//!
//! A store implements [`Tier`], and also [`Shared`] if several processes use it. Implementations
//! know nothing of policies, flights or functions: the cache decides what is stored, served and
//! invalidated. The contract is checked for every tier by the tests in `tests/main/contract.rs`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryFutureExt;
use futures_util::future::{BoxFuture, FutureExt, ready};

use crate::{Entry, Key, Marks, Selector, Stamp};

/// The result of a call to a tier. The error is a reason for the log, without secrets. After an
/// error the cache skips the tier, or the [part](Tier::part) that failed, for one second.
pub type TierResult<T> = Result<T, String>;

/// A store of entries.
///
/// A tier of your own implements [`name`](Self::name), [`get`](Self::get), [`set`](Self::set) and
/// [`remove`](Self::remove). The other methods have defaults. A [`Sealer`](crate::Sealer) turns
/// entries into bytes and back.
///
/// The cache guarantees that it never stores an entry past its lifetime, and that it checks marks
/// itself: a tier returns what it has. An implementation must answer within a bound, even when its
/// server does not, must not return an entry past its lifetime, and must treat what it cannot read
/// as absent.
///
/// All methods can be called concurrently, also for one key. A returned future can be dropped
/// before it is done; the operation may then be carried out all the same.
pub trait Tier: Send + Sync + 'static {
    /// Returns the name in `Cache-Status`, in metrics and in the log.
    fn name(&self) -> &'static str;

    /// Returns the entry under a key, fresh or stale. `None` if there is none that can be read.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>>;

    /// Stores an entry for the rest of its lifetime, and replaces the one under the key. The holder
    /// of the lease of the key loses it.
    ///
    /// Returns `false` if the tier does not accept the entry, for example because of its size. The
    /// entry under the key is removed then, because it is older.
    fn set<'a>(&'a self, key: &'a Key, entry: &'a Entry) -> BoxFuture<'a, TierResult<bool>>;

    /// Removes the entry under a key. It is not an error if there is none. The holder of the lease
    /// of the key loses it.
    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>>;

    /// Returns the place of the store, for the log: an address without its password, or a
    /// directory. By default empty.
    fn place(&self) -> String {
        String::new()
    }

    /// Returns what is wrong with a tier that answers nevertheless, such as a full disk. By default
    /// nothing is.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Returns `true` if an entry fits, so that storing it does not remove the one under its key.
    /// By default every entry does.
    fn takes(&self, entry: &Entry) -> bool {
        let _ = entry;
        true
    }

    /// Returns the number of the part of the tier that stores a key. Without a key, returns the
    /// number that represents all parts together.
    ///
    /// A part that fails is skipped while the others are still used, for example the servers of a
    /// cluster. By default a tier has one part, with the number 0.
    fn part(&self, key: Option<&Key>) -> usize {
        let _ = key;
        0
    }

    /// Returns the operations for several processes, if the tier has them. By default it has none.
    /// The last tier of a cache that has them keeps the marks and grants the leases.
    fn shared(&self) -> Option<&dyn Shared> {
        None
    }
}

/// The operations of a tier for the processes that share it: it keeps the marks, and elects the
/// process that computes.
///
/// A lease is a token under a key that only one caller can hold, and that expires by itself. It
/// saves work. Correctness depends on the marks, and on the rule that only the holder of a lease
/// can fill its key.
///
/// A process that finds no usable entry calls [`acquire`](Self::acquire). If it wins, it runs the
/// function, calls [`renew`](Self::renew) meanwhile, and then [`fill`](Self::fill) or
/// [`release`](Self::release). If another process holds the lease, it waits in
/// [`changed`](Self::changed) and calls `acquire` again.
pub trait Shared: Send + Sync {
    /// Returns the entry under a key and the marks of selectors, in one round trip where that is
    /// possible. The marks must not be older than the entry.
    fn read<'a>(
        &'a self,
        key: &'a Key,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Reading>>;

    /// Returns the marks of selectors. A store without marks begins an era.
    fn marks<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Marks>>;

    /// Returns the marks of selectors with which the entry of a key is compared.
    ///
    /// If a store has several histories, each with all marks, these are the marks in the history of
    /// the key. By default there is one history for all keys.
    fn marks_of<'a>(
        &'a self,
        key: &'a Key,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Marks>> {
        let _ = key;
        self.marks(selectors)
    }

    /// Raises the sequence number and marks the selectors with it, in each history of the store.
    /// Returns the moment of the invalidation.
    fn invalidate<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Stamp>>;

    /// Like [`invalidate`](Self::invalidate), but returns the moment in each history of the store.
    fn invalidate_each<'a>(
        &'a self,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Vec<Marks>>> {
        let marked = |stamp| {
            vec![Marks {
                now: stamp,
                ..Marks::default()
            }]
        };
        self.invalidate(selectors).map_ok(marked).boxed()
    }

    /// Returns what the last invalidations marked, each with its number, the oldest first and
    /// without gaps, in the history of a key; nothing if another era has begun than `era`.
    ///
    /// Browsers that keep answers learn from it which of them count no longer. A store that does
    /// not know returns nothing, which is the default; they then compare all that they have.
    fn recent<'a>(&'a self, key: &'a Key, era: u64) -> BoxFuture<'a, TierResult<Recent>> {
        let _ = (key, era);
        ready(Ok(Vec::new())).boxed()
    }

    /// Ends the present era of a history, which invalidates every entry of it.
    ///
    /// The cache calls this when the history of the store went back, for example because its data
    /// were restored from a backup. The next reader of the marks begins another era. By default
    /// this is an error, and the store counts as failing for as long as it contradicts what was
    /// seen of it.
    fn begin_era(&self, history: usize) -> BoxFuture<'_, TierResult<()>> {
        let _ = history;
        ready(Err(
            "its history contradicts what was seen of it before".to_owned()
        ))
        .boxed()
    }

    /// Requests the lease of a key.
    ///
    /// The caller wins if nobody else holds a valid lease, and if the key has no other entry than
    /// the one that the caller saw ([`LeaseRequest::observed`]).
    fn acquire<'a>(
        &'a self,
        key: &'a Key,
        request: &'a LeaseRequest,
    ) -> BoxFuture<'a, TierResult<LeaseOutcome>>;

    /// Stores an entry and releases the lease, if `token` still holds it. A caller that lost the
    /// lease changes nothing. If the store does not accept the entry, the lease ends as well.
    fn fill<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        entry: &'a Entry,
    ) -> BoxFuture<'a, TierResult<Filled>>;

    /// Extends a lease so that it lasts for `lease` from now on. Returns `false` if `token` does
    /// not hold it.
    fn renew<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        lease: Duration,
    ) -> BoxFuture<'a, TierResult<bool>>;

    /// Releases a lease, if `token` holds it. Otherwise nothing happens.
    fn release<'a>(&'a self, key: &'a Key, token: u64) -> BoxFuture<'a, TierResult<()>>;

    /// Waits until the lease of a key may have ended, at most for `within`. It may return too
    /// early, as the caller requests the lease again.
    fn changed<'a>(&'a self, key: &'a Key, within: Duration) -> BoxFuture<'a, ()>;

    /// Registers a listener for changes, which is called for as long as the store can report them.
    /// A cache registers one listener when it is built. Returns `false` if this store reports none,
    /// which is the default.
    fn listen(&self, listener: Listener) -> bool {
        let _ = listener;
        false
    }
}

/// What the last invalidations marked, each with its number.
pub type Recent = Vec<(u64, Arc<[Selector]>)>;

/// A function that is called with each change in a shared store. It returns quickly and does not
/// block.
pub type Listener = Box<dyn Fn(Change) + Send + Sync>;

/// A change in a shared store, by any process, that copies of its entries must follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The entry under a key was replaced, removed, or has expired.
    Entry(Key),
    /// Selectors were marked, so copies have to be compared with the marks again.
    Marks,
    /// Changes may have been missed, because the connection was lost. All copies are dropped.
    Unknown,
}

/// An entry together with the marks of the selectors that were requested.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The entry, even if the marks do not allow it.
    pub entry: Option<Entry>,
    /// The marks.
    pub marks: Marks,
}

/// A request for the lease of a key.
#[derive(Debug, Clone, Copy)]
pub struct LeaseRequest {
    /// A random number that tells this lease from others.
    pub token: u64,
    /// The [`Entry::id`] that the caller saw and found too old, if there was an entry.
    pub observed: Option<u64>,
    /// The duration of the lease.
    pub lease: Duration,
    /// The moment in the store's history at which the computation begins.
    pub born: Stamp,
    /// The newest mark of the key's selectors. A lease that is older does not count and can be
    /// taken over, because its result would not be stored.
    pub newest: u64,
}

/// The outcome of a [`LeaseRequest`].
#[derive(Debug, Clone)]
pub enum LeaseOutcome {
    /// The caller holds the lease and computes.
    Won,
    /// Another caller computes. Its lease has at most this much time left.
    Held(Duration),
    /// The stored entry, which is not the one that the caller saw.
    Changed(Entry),
}

/// The outcome of storing an entry with a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// The entry is stored.
    Stored,
    /// The store does not accept the entry, for example because of its size.
    Refused,
    /// The lease was lost: to time, to a removal, or to a newer entry.
    Lost,
}

impl Filled {
    /// Returns `true` if the entry is stored.
    pub fn is_stored(self) -> bool {
        self == Self::Stored
    }
}
