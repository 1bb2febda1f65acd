//! The audit: it finds functions that return different values for the same arguments. A share of
//! hits is computed again and compared.
//!
//! `compute.rs` runs the functions again. This file only chooses the hits and compares the values.

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

    /// Decides at random whether the present hit is computed again.
    pub(crate) fn chooses(&self) -> bool {
        let share = f64::from_bits(self.share.load(Ordering::Relaxed));
        share > 0.0 && fastrand::f64() < share
    }

    /// Compares a stored value with a recomputed one, and reports a difference. `counts` is `false`
    /// if the value was invalidated meanwhile, which explains a difference.
    pub(crate) fn compare(&self, call: &Call, kept: &Entry, again: &Entry, counts: bool) {
        if counts && !(call.options.same)(kept.bytes(), again.bytes()) {
            call.stats.differed();
            tracing::warn!(
                function = %call.options.name,
                key = %call.key,
                age = ?kept.age(),
                "a recomputed value differs from the kept one: the function depends on \
                 something that is not among its arguments, \
                 or its data has changed within the timeout"
            );
        }
    }
}
