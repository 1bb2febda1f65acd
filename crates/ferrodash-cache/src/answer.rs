//! What goes into a cached call and what comes out of it: the value that a function computed, and
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
    /// The value, or why there is none.
    pub result: Result<Entry, Failure<E>>,
    /// How it came about.
    pub status: Status,
}

/// How an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// A tier had it, and it was fresh.
    Hit {
        /// The tier.
        tier: &'static str,
    },
    /// A tier had it, but it is stale. It is being refreshed, or could not be.
    Stale {
        /// The tier.
        tier: &'static str,
    },
    /// The function ran.
    Miss {
        /// Whether the result was kept.
        stored: bool,
    },
    /// The function was running already, and its result was shared.
    Collapsed,
    /// The cache was not asked.
    Bypass,
}

/// Why a function gave no value.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure<E> {
    /// It returned an error. All callers that waited get a clone; nothing is stored.
    #[error("{0}")]
    Error(E),
    /// It panicked, with this message.
    #[error("the function panicked: {0}")]
    Panic(Arc<str>),
    /// It ran longer than it may ([`Policy::hard_timeout`](crate::Policy::hard_timeout)), and was
    /// aborted.
    #[error("the function took longer than {0:?} and was stopped")]
    TimedOut(Duration),
}

impl<E: Debug> Debug for Failure<E> {
    /// As `Display`, with the error's own `Debug` form: a `main` that returns it prints that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic(message) => Display::fmt(&Failure::<Infallible>::Panic(message.clone()), f),
            Self::TimedOut(time) => Display::fmt(&Failure::<Infallible>::TimedOut(*time), f),
        }
    }
}

/// What a function made.
pub struct Computed {
    pub(crate) bytes: Bytes,
    pub(crate) keep: bool,
    pub(crate) negative: Option<Duration>,
    pub(crate) compressed: bool,
    pub(crate) prepared: Option<Box<dyn Any + Send>>,
    pub(crate) improvement: Option<Improvement>,
}

/// Makes the better form of a value; `None` if there is none.
pub(crate) type Improvement = Box<dyn FnOnce(Bytes) -> BoxFuture<'static, Option<Bytes>> + Send>;

impl<E> Answer<E> {
    /// An entry that a tier had.
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
    /// A value to be kept.
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

    /// A value for the callers that wait now. It is not stored.
    pub fn pass(bytes: impl Into<Bytes>) -> Self {
        Self {
            keep: false,
            ..Self::keep(bytes)
        }
    }

    /// A value that stands for an error, to be kept for `timeout`, and never past it.
    pub fn negative(bytes: impl Into<Bytes>, timeout: Duration) -> Self {
        Self {
            negative: Some(timeout),
            ..Self::keep(bytes)
        }
    }

    /// Says that compressing the value again is in vain.
    #[must_use]
    pub fn compressed(self) -> Self {
        Self {
            compressed: true,
            ..self
        }
    }

    /// Makes a better form of the same value later, such as one that is compressed, from the
    /// value's bytes. It is called only once the value is kept, in a task that nobody waits for,
    /// and what it makes takes the value's place in each tier that still has it. If it panics or
    /// gives `None`, nothing changes. When many values wait for their better forms, those that
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
