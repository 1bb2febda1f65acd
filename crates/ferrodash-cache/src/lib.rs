//! A cache for the results of functions: in memory, on disk, in Redis, in Memcached.
//!
//! [`Cache::get_or_compute`] answers from the first tier that has the key and otherwise runs the function, once for all
//! who ask at the same time. Errors are never kept. A tier that fails makes answers slower, not wrong: it is passed by
//! for a moment and tried again.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use std::{convert::Infallible, time::Duration};
//! use ferrodash_cache::{Cache, Computed, Key, Policy, Status};
//!
//! let cache = Cache::memory(64 << 20);
//! let key = Key::of("rows", &("orders", 2024));
//! let policy = Policy::new(Duration::from_secs(300));
//! let compute = || async { Ok::<_, Infallible>(Computed::keep("42")) };
//!
//! let first = cache.get_or_compute(key, &policy, compute).await;
//! let second = cache.get_or_compute(key, &policy, compute).await;
//! assert_eq!(first.status, Status::Miss { stored: true });
//! assert_eq!(second.status, Status::Hit { tier: "memory" });
//! assert_eq!(second.result.unwrap().bytes, "42");
//! # }
//! ```

mod breaker;
mod builder;
mod cache;
mod clock;
mod entry;
mod error;
mod flight;
mod key;
pub mod memo;
mod tier;
mod tiers;

pub use builder::CacheBuilder;
#[doc(hidden)]
pub use cache::panic_message;
pub use cache::{Answer, Cache, Computed, Failure, Policy, Status};
pub use entry::Entry;
pub use error::{Error, Result};
pub use key::{Key, KeyError};
pub use tier::{Tier, TierResult};
