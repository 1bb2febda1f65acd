//! The seam between the cache and the places where entries are kept.

use std::time::Duration;

use futures_util::TryFutureExt;
use futures_util::future::{BoxFuture, FutureExt, ready};

use crate::{Entry, Key, Marks, Selector, Stamp};

/// What a tier answers; the error is the reason in words, for the log.
pub type TierResult<T> = Result<T, String>;

/// A place where entries are kept.
///
/// The cache guarantees that it never asks to keep an entry past its lifetime, and that it looks at
/// marks itself: a tier returns what it has. An implementation must answer within a bound, even
/// when its server does not, must not return an entry past its lifetime, and must treat what it
/// cannot read as absent.
pub trait Tier: Send + Sync + 'static {
    /// Name in `Cache-Status`, in metrics and in the log.
    fn name(&self) -> &'static str;

    /// The entry under a key.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>>;

    /// Keeps an entry for what is left of its lifetime. `false` means that the tier does not take
    /// it, for example for its size. The holder of the lease of the key loses it.
    fn set<'a>(&'a self, key: &'a Key, entry: &'a Entry) -> BoxFuture<'a, TierResult<bool>>;

    /// Forgets an entry. The holder of the lease of the key loses it.
    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>>;

    /// Where it is, for the log: an address without its password. By default nothing is said.
    fn place(&self) -> String {
        String::new()
    }

    /// What is wrong with it although it answers, in words, such as a disk that is full.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Whether an entry fits, so that keeping it does not remove what is there.
    fn takes(&self, entry: &Entry) -> bool {
        let _ = entry;
        true
    }

    /// Which part of the tier keeps a key, and without a key which number stands for all parts at
    /// once. A part that fails is skipped, and the others are still asked: the servers of a
    /// cluster, for example.
    fn part(&self, key: Option<&Key>) -> usize {
        let _ = key;
        0
    }

    /// The rest of the tier, if several processes use it.
    fn shared(&self) -> Option<&dyn Shared> {
        None
    }
}

/// What a tier does for the processes that share it: it keeps the marks, and elects the process
/// that computes.
///
/// A lease is a token under a key that only one caller can hold, and that ends by itself. It saves
/// work; what makes answers right are the marks, and that only the holder of a lease can fill it.
pub trait Shared: Send + Sync {
    /// The entry under a key, and the marks of selectors, in one round trip.
    fn read<'a>(
        &'a self,
        key: &'a Key,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Reading>>;

    /// The marks of selectors. A store that has none begins an era.
    fn marks<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Marks>>;

    /// The marks of selectors that the entry of a key is held against. Where a store has more than
    /// one history, each with all marks, this is the one of the key; where it has one, all keys
    /// share that.
    fn marks_of<'a>(
        &'a self,
        key: &'a Key,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Marks>> {
        let _ = key;
        self.marks(selectors)
    }

    /// Raises the sequence number and marks selectors with it, in each history that the store has.
    fn invalidate<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Stamp>>;

    /// As [`invalidate`](Self::invalidate), with the moment in each history that the store has.
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

    /// Ends the present era of a history, and with it all that is kept: the history of the store is
    /// not what it was, such as after its data were put back. Who reads the marks next begins
    /// another one. By default this cannot be done, and the store counts as failing for as long as
    /// it contradicts what was seen of it.
    fn begin_era(&self, history: usize) -> BoxFuture<'_, TierResult<()>> {
        let _ = history;
        ready(Err(
            "its history contradicts what was seen of it before".to_owned()
        ))
        .boxed()
    }

    /// Asks for the lease of a key.
    fn acquire<'a>(
        &'a self,
        key: &'a Key,
        request: &'a LeaseRequest,
    ) -> BoxFuture<'a, TierResult<LeaseOutcome>>;

    /// Stores an entry and releases the lease, if `token` still holds it.
    fn fill<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        entry: &'a Entry,
    ) -> BoxFuture<'a, TierResult<Filled>>;

    /// Prolongs a lease to `lease` from now on; `false` if `token` does not hold it.
    fn renew<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        lease: Duration,
    ) -> BoxFuture<'a, TierResult<bool>>;

    /// Releases a lease, if `token` holds it.
    fn release<'a>(&'a self, key: &'a Key, token: u64) -> BoxFuture<'a, TierResult<()>>;

    /// Waits until the lease of a key may have ended, and for at most `within`.
    fn changed<'a>(&'a self, key: &'a Key, within: Duration) -> BoxFuture<'a, ()>;

    /// Registers a listener for changes, for as long as the store can report them. Returns `false`
    /// if this store reports nothing.
    fn listen(&self, listener: Listener) -> bool {
        let _ = listener;
        false
    }
}

/// A function that is called with each change in a shared store.
pub type Listener = Box<dyn Fn(Change) + Send + Sync>;

/// A change in a shared store, by anyone, that a copy of its entries must follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The entry under a key was replaced, removed, or has expired.
    Entry(Key),
    /// Something was invalidated.
    Marks,
    /// Changes may have been missed: the connection was lost.
    Unknown,
}

/// An entry with the marks of the selectors that were asked for.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The entry, whether or not its marks allow it.
    pub entry: Option<Entry>,
    /// The marks.
    pub marks: Marks,
}

/// A request for the lease of a key.
#[derive(Debug, Clone, Copy)]
pub struct LeaseRequest {
    /// Tells this lease from others; random.
    pub token: u64,
    /// The [`Entry::id`] that the caller saw and found too old, if there was an entry.
    pub observed: Option<u64>,
    /// How long the lease lasts.
    pub lease: Duration,
    /// When the computation began, in the store's history.
    pub born: Stamp,
    /// The newest mark of the key's selectors: a lease that is older than this does not count and
    /// can be taken over.
    pub newest: u64,
}

/// The outcome of a [`LeaseRequest`].
#[derive(Debug, Clone)]
pub enum LeaseOutcome {
    /// The caller computes.
    Won,
    /// Another one computes; its lease has at most so much left.
    Held(Duration),
    /// The entry is not the one that the caller saw.
    Changed(Entry),
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// It is kept.
    Stored,
    /// The store does not take it, for example for its size.
    Refused,
    /// The lease was lost: to time, to a removal, or to a newer entry.
    Lost,
}

impl Filled {
    /// Whether the entry is kept.
    pub fn is_stored(self) -> bool {
        self == Self::Stored
    }
}
