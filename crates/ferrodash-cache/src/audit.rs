//! Finds functions that do not return the same for the same arguments: a share of hits is computed
//! again and compared.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Entry;
use crate::call::Call;

/// The share of hits that is computed again, as the bits of a float.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    share: AtomicU64,
}

impl Audit {
    pub(crate) fn set(&self, share: f64) {
        self.share
            .store(share.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
    }

    /// Whether the present hit is computed again.
    pub(crate) fn chooses(&self) -> bool {
        let share = f64::from_bits(self.share.load(Ordering::Relaxed));
        share > 0.0 && fastrand::f64() < share
    }

    /// Compares a kept value with a recomputed one. What was invalidated meanwhile says nothing.
    pub(crate) fn compare(&self, call: &Call, kept: &Entry, again: &Entry, counts: bool) {
        if counts && !(call.policy.same)(kept.bytes(), again.bytes()) {
            call.stats.differed();
            tracing::warn!(
                function = %call.policy.name,
                key = %call.key,
                age = ?kept.age(),
                "a recomputed value differs from the kept one: the function depends on something that is not among its \
                 arguments, or its data has changed within the timeout"
            );
        }
    }
}
