//! One call of a cached function, with what each stage of its processing reads.
//!
//! A [`Call`] is created once in `compute.rs` and cloned into the task of a flight.

use std::sync::Arc;
use std::time::Duration;

use crate::stats::FunctionStats;
use crate::{CallOptions, Key, Policy, Selector};

/// A call in progress.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) key: Key,
    pub(crate) policy: Policy,
    pub(crate) options: CallOptions,
    pub(crate) selectors: Arc<[Selector]>,
    pub(crate) stats: Arc<FunctionStats>,
    /// The time that the caller waits for another process that computes. Zero for a refresh in the
    /// background, which nobody waits for.
    pub(crate) patience: Duration,
}
