//! The places where entries are kept, one file each.

#[cfg(feature = "disk")]
mod disk;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "disk")]
pub(crate) use disk::Disk;
#[cfg(feature = "memcached")]
pub(crate) use memcached::Memcached;
pub(crate) use memory::{MEMORY, Memory};
#[cfg(feature = "redis")]
pub(crate) use redis::Redis;

/// How long a server may take to answer before it counts as down. Every caller of a cold key may wait this long once.
#[cfg(any(feature = "memcached", feature = "redis"))]
const DEADLINE: std::time::Duration = std::time::Duration::from_millis(100);

/// Ends a call that takes longer than the deadline.
#[cfg(any(feature = "memcached", feature = "redis"))]
async fn within_deadline<T, E: std::fmt::Display>(call: impl Future<Output = Result<T, E>>) -> crate::TierResult<T> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} ms", DEADLINE.as_millis())),
    }
}
