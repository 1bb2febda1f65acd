//! One call of a cached function, as each stage on its way sees it.

use std::sync::Arc;
use std::time::Duration;

use crate::stats::FunctionStats;
use crate::{Key, Policy, Selector};

/// A call in progress.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) key: Key,
    pub(crate) policy: Policy,
    pub(crate) selectors: Arc<[Selector]>,
    pub(crate) stats: Arc<FunctionStats>,
    /// How long the caller waits for another process that computes.
    pub(crate) patience: Duration,
}
