//! The types that go into a cached call and come out of it: the value that a function computed, and
//! the answer that its caller gets.
//!
//! These types know entries and counters. They know neither the cache nor its tiers.

use std::any::Any;
use std::convert::Infallible;
use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::Entry;
use crate::stats::FunctionStats;

/// The answer of [`Cache::get_or_compute`](crate::Cache::get_or_compute).
#[derive(Debug)]
pub struct Answer<E = Infallible> {
    /// The value, or the reason why there is none.
    pub result: Result<Entry, Failure<E>>,
    /// The origin of the answer.
    pub status: Status,
}

/// The origin of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// A tier had the value, and it was fresh.
    Hit {
        /// The name of the tier.
        tier: &'static str,
    },
    /// A tier had the value, but it is stale. It is being refreshed, or the function failed, is in
    /// its pause after a failure, or exceeded the soft timeout.
    Stale {
        /// The name of the tier.
        tier: &'static str,
    },
    /// The function ran for this caller, which gets its value or its failure.
    Miss {
        /// `true` if the result was stored.
        stored: bool,
    },
    /// The caller waited for a run that another caller had started, and shares its result.
    Collapsed,
    /// The function ran without the cache ([`Mode::Bypass`](crate::Mode::Bypass)).
    Bypass,
}

/// The reason why a function gave no value.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure<E> {
    /// The function returned an error. All callers that waited get a clone; nothing is stored.
    #[error("{0}")]
    Error(E),
    /// The function panicked, with this message. The task that ran it may also have been ended from
    /// outside, for example with its runtime.
    #[error("the function panicked: {0}")]
    Panic(Arc<str>),
    /// The function ran longer than it may ([`Policy::hard_timeout`](crate::Policy::hard_timeout)),
    /// and was aborted.
    #[error("the function took longer than {0:?} and was stopped")]
    TimedOut(Duration),
}

impl<E: Debug> Debug for Failure<E> {
    /// Writes the same as `Display`, with the error's own `Debug` form: a `main` that returns it
    /// prints that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic(message) => Display::fmt(&Failure::<Infallible>::Panic(message.clone()), f),
            Self::TimedOut(time) => Display::fmt(&Failure::<Infallible>::TimedOut(*time), f),
        }
    }
}

/// The result of a function, with what the cache should do with it.
///
/// A function returns [`keep`](Self::keep) for an ordinary value, [`pass`](Self::pass) for one that
/// must not be stored, and [`negative`](Self::negative) for one that represents an error.
pub struct Computed {
    pub(crate) bytes: Bytes,
    pub(crate) keep: bool,
    pub(crate) negative: Option<Duration>,
    pub(crate) compressed: bool,
    /// The value in the type of its function, so that the caller need not decode it.
    pub(crate) prepared: Option<Box<dyn Any + Send>>,
    pub(crate) improvement: Option<Improvement>,
}

/// Makes the better form of a value. Returns `None` if there is none.
pub(crate) type Improvement = Box<dyn FnOnce(Bytes) -> BoxFuture<'static, Option<Bytes>> + Send>;

impl<E> Answer<E> {
    /// Makes the answer with an entry.
    pub(crate) fn found(entry: Entry, status: Status) -> Self {
        Self {
            result: Ok(entry),
            status,
        }
    }

    /// Counts the answer for its function.
    pub(crate) fn count_in(&self, stats: &FunctionStats) {
        stats.answered(match self.status {
            Status::Hit { .. } => &stats.hits,
            Status::Stale { .. } => &stats.stale,
            Status::Miss { .. } => &stats.misses,
            Status::Collapsed => &stats.collapsed,
            Status::Bypass => &stats.bypassed,
        });
        if self.result.is_err() {
            stats.failed();
        }
    }
}

impl Computed {
    /// Makes a value that is stored.
    pub fn keep(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            keep: true,
            negative: None,
            compressed: false,
            prepared: None,
            improvement: None,
        }
    }

    /// Makes a value for the callers that wait now. It is not stored.
    pub fn pass(bytes: impl Into<Bytes>) -> Self {
        Self {
            keep: false,
            ..Self::keep(bytes)
        }
    }

    /// Makes a value that represents an error and is stored for `timeout`.
    ///
    /// It is never served when it is stale. If the policy allows a stale value after an error and
    /// there is one, that is served instead, and this value is not stored.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use std::{convert::Infallible, time::Duration};
    /// # use ferrodash_cache::{Cache, Computed, Key, Policy};
    /// let (cache, policy) = (Cache::memory(1 << 20), Policy::new(Duration::from_secs(300)));
    /// let compute = || async {
    ///     Ok::<_, Infallible>(Computed::negative("no such row", Duration::from_secs(5)))
    /// };
    /// let answer = cache.get_or_compute(Key::of("row", &7), &policy, compute).await;
    /// assert!(answer.result.unwrap().parts().negative);
    /// # }
    /// ```
    pub fn negative(bytes: impl Into<Bytes>, timeout: Duration) -> Self {
        Self {
            negative: Some(timeout),
            ..Self::keep(bytes)
        }
    }

    /// Declares that the value is compressed already, so that tiers do not try to compress it
    /// again.
    #[must_use]
    pub fn compressed(self) -> Self {
        Self {
            compressed: true,
            ..self
        }
    }

    /// Makes a better form of the same value later, such as one that is compressed, from the
    /// value's bytes.
    ///
    /// The cache calls `better` only once the value is stored, in a task that nobody waits for. The
    /// new bytes replace the value in each tier that still contains it. If `better` panics or
    /// returns `None`, nothing changes. When many values wait for their better forms, those that
    /// leave memory before their turn are not improved.
    #[must_use]
    pub fn improved_by<F>(self, better: impl FnOnce(Bytes) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Option<Bytes>> + Send + 'static,
    {
        Self {
            improvement: Some(Box::new(move |bytes| Box::pin(better(bytes)))),
            ..self
        }
    }
}

impl Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, later) = (self.bytes.len(), self.improvement.is_some());
        f.debug_struct("Computed")
            .field("bytes", &bytes)
            .field("keep", &self.keep)
            .field("improves", &later)
            .finish()
    }
}
