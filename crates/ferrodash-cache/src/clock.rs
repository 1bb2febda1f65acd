//! The only place that asks for the time. Tokio's clock is monotonic, and tests pause it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use tokio::time::Instant;

pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since 1970, for times that outlive a process. Other hosts have another clock, so
/// this serves only where nothing better does: on one host, and where a signed time has to be
/// checked.
pub(crate) fn unix_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, millis)
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
