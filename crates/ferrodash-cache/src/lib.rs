//! A cache for the results of functions: in memory, on disk, in Redis, in Memcached.
//!
//! [`Cache::get_or_compute`] answers from the first tier that has the key and otherwise runs the
//! function, once for all who ask at the same time, also in other processes that share a tier. A
//! [`Policy`] says how long values are fresh, and whether they may be given back past that. Values
//! are invalidated by key, by function, by tag, or all together; what is under way at that moment
//! is voided. Errors are never kept unless asked. A tier that fails makes answers slower, not
//! wrong: it is passed by for a moment and tried again.
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
//! assert_eq!(second.result.unwrap().bytes(), "42");
//! # }
//! ```

#[doc(hidden)]
pub mod __private;
mod address;
mod audit;
mod backoff;
mod breaker;
mod builder;
mod cache;
mod catalog;
mod clock;
mod compute;
mod entry;
mod error;
mod flight;
mod history;
mod improve;
mod invalidate;
mod key;
mod lease;
mod ledger;
pub mod memo;
mod near;
mod options;
mod policy;
mod report;
mod run;
mod scope;
mod search;
mod state;
mod stats;
mod sync;
mod tier;
pub mod tiers;

#[doc(hidden)]
pub use address::fuzz_address;
pub use builder::CacheBuilder;
pub use cache::{Answer, Cache, Computed, Failure, Status};
pub use catalog::EntryReport;
#[doc(hidden)]
pub use compute::panic_message;
#[doc(hidden)]
pub use entry::fuzz_open;
pub use entry::{Entry, Parts, Sealer};
pub use error::{Error, Result};
#[cfg(feature = "macros")]
pub use ferrodash_macros::{invalidates, memoize};
#[doc(hidden)]
pub use invalidate::Owed;
pub use invalidate::Unreached;
pub use key::{Key, KeyError};
pub use policy::{Mode, Policy};
pub use run::Run;
pub use scope::{Marks, Scope, Stamp};
pub use state::{TierReport, TierState};
pub use stats::{FunctionReport, FunctionStats};
pub use tier::{Acquired, Bid, Change, Filled, Listener, Reading, Shared, Tier, TierResult};

/// The samples of the README, compiled.
#[cfg(all(doctest, feature = "macros"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// A random number. Nothing that it is used for needs one that cannot be guessed.
pub(crate) fn random() -> u64 {
    fastrand::u64(..)
}
