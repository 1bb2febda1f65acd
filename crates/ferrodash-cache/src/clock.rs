//! The only place that asks for the time. Tokio's clock is monotonic, and tests pause it.

pub(crate) use tokio::time::Instant;

pub(crate) fn now() -> Instant {
    Instant::now()
}
