//! The seam between the cache and a place where entries are kept.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::{Entry, Key};

/// What a tier answers; the error is the reason in words, for the log.
pub type TierResult<T> = Result<T, String>;

/// A place where entries are kept.
///
/// The cache guarantees that one process does not compute a key twice at a time, and never calls a tier for an empty
/// timeout. An implementation must answer within a bound, even when its server does not, must not give back an entry
/// past its timeout, and must treat what it cannot read as absent.
pub trait Tier: Send + Sync + 'static {
    /// Name in `Cache-Status` and in the log.
    fn name(&self) -> &'static str;

    /// The entry, with the time it has left.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>>;

    /// Keeps a value for `timeout`. `false` means that the tier does not take it, for example for its size.
    fn set<'a>(&'a self, key: &'a Key, bytes: &'a Bytes, timeout: Duration) -> BoxFuture<'a, TierResult<bool>>;

    /// Forgets an entry.
    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>>;
}
