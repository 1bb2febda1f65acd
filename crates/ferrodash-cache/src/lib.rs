//! A cache for the results of functions: in memory, on disk, in Redis, in Memcached.
//!
//! [`Cache::get_or_compute`] returns the value of the first tier that has the key. If no tier has
//! it, the cache runs the function once for all concurrent callers, also for those in other
//! processes that share a tier. A [`Policy`] says how long values are fresh, and whether stale
//! values may be served. Values are invalidated by key, by function, by tag, or all together. If a
//! computation is in progress at that moment, its result is not stored. Errors are not stored
//! unless a policy asks for it. A tier that fails makes answers slower, not wrong: the cache skips
//! it for a second and then tries it again.
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
//!
//! # Overview
//!
//! - [`Cache`] is the handle; [`CacheBuilder`] builds one of several tiers, and [`Cache::from_url`]
//!   one from an address.
//! - [`Key`] identifies a call: the name of a function and its arguments.
//! - [`Policy`] and [`Mode`] control one call. [`Run`] lets the function decide about its own value
//!   while it runs.
//! - [`Computed`] goes into a call, [`Answer`] comes out of it, and an [`Entry`] is a stored value.
//! - [`Selector`] names what can be invalidated together.
//! - [`memo`] is what the attribute `#[memoize]` uses (feature `macros`).
//! - [`tiers`] contains the tiers. A tier of your own implements [`Tier`], and [`Shared`] if
//!   several processes use it.
//!
//! # Tiers
//!
//! Memory in front is a near cache of the tiers behind it. The last tier that several processes
//! share is the authority: it keeps the marks of invalidations, and it grants the lease of a key to
//! the one process that computes. While it does not answer, each process computes for itself, keeps
//! results in memory for at most 2 s, and invalidations return an error. The other tiers only store
//! entries. Without a shared tier, the process itself keeps the marks.
//!
//! # Features
//!
//! All features are off by default. `disk`, `redis` and `memcached` add a tier each, and
//! `redis-tls` adds TLS to Redis. `macros` adds the attributes `#[memoize]` and `#[invalidates]`.

#[doc(hidden)]
pub mod __private;
mod address;
mod answer;
mod audit;
mod backoff;
mod breaker;
mod builder;
mod cache;
mod call;
mod call_options;
mod catalog;
mod change_log;
mod changes;
mod clock;
mod compute;
mod entry;
mod envelope;
mod error;
mod execute;
mod flight;
#[cfg(any(
    fuzzing,
    all(test, feature = "disk", feature = "memcached", feature = "redis")
))]
mod fuzz;
mod history;
mod improve;
mod improvements;
mod invalidate;
mod invalidations;
mod keep;
mod key;
mod lease;
pub mod memo;
mod near_cache;
mod options;
mod policy;
mod random;
mod report;
mod run;
mod search;
mod selector;
mod state;
mod stats;
mod sync;
mod tier;
pub mod tiers;

pub use answer::{Answer, Computed, Failure, Status};
pub use builder::CacheBuilder;
pub use cache::Cache;
pub use call_options::{CallOptions, Mode};
pub use catalog::EntryReport;
pub use change_log::Changes;
pub use entry::{Entry, Parts};
pub use envelope::Sealer;
#[cfg(any(fuzzing, test))]
pub use envelope::fuzz_open;
pub use error::{Error, Result};
#[doc(hidden)]
pub use execute::panic_message;
#[cfg(feature = "macros")]
pub use ferrodash_macros::{invalidates, memoize};
#[cfg(any(
    fuzzing,
    all(test, feature = "disk", feature = "memcached", feature = "redis")
))]
pub use fuzz::fuzz_address;
#[doc(hidden)]
pub use invalidate::PendingInvalidation;
pub use invalidate::Unreached;
pub use key::{Key, KeyError};
pub use policy::Policy;
pub use run::Run;
pub use selector::{Marks, NotASelector, Selector, Stamp};
pub use state::{TierReport, TierState};
pub use stats::{FunctionReport, FunctionStats};
pub use tier::{
    Change, Filled, LeaseOutcome, LeaseRequest, Listener, Reading, Recent, Shared, Tier, TierResult,
};

/// The samples of the README, compiled.
#[cfg(all(doctest, feature = "macros"))]
#[doc = include_str!("../README.md")]
struct Readme;
