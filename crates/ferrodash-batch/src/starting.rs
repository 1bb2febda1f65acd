//! How much work of a scope was handed to it and not polled yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the work of a scope that was not polled yet.
#[derive(Clone, Default)]
pub(crate) struct Starting(Arc<AtomicUsize>);

impl Starting {
    /// Counts one until the result is dropped.
    pub(crate) fn one(&self) -> StartingOne {
        self.0.fetch_add(1, Ordering::Relaxed);
        StartingOne(self.clone())
    }

    pub(crate) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// One that is counted.
pub(crate) struct StartingOne(Starting);

impl Drop for StartingOne {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
