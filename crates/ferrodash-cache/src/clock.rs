//! The only place that reads the time. Tokio's clock is monotonic, and tests can pause it.
//!
//! Times within a process are instants. Wall-clock time is used only where a time outlives the
//! process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use tokio::time::Instant;

/// Returns the present moment.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Returns the moment after this time. A time that no clock reaches counts as thirty years.
pub(crate) fn after(time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    let now = now();
    now.checked_add(time).unwrap_or_else(|| now + FAR)
}

/// Returns the milliseconds since 1970, for times that outlive a process.
///
/// Clocks of other hosts differ, so this serves only on one host, and where a signed time has to be
/// checked.
pub(crate) fn unix_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, millis)
}

/// Returns a duration in milliseconds, at most `u64::MAX`.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
