//! Work on large bodies, which would delay the other requests on its thread.
//!
//! It runs on Tokio's threads for blocking work, on at most half of the processors at a time. What
//! the work is, callers decide.

use std::sync::LazyLock;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// The size, in bytes, from which on reading a body takes more than about a millisecond.
pub const LARGE: usize = 128 * 1024;

/// Limits such work to half of the processors, so that the others are left for small requests.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new((processors / 2).max(1))
});

/// Runs `work` on a thread for blocking work, when it has its turn.
///
/// If the returned future is dropped while it waits for its turn, `work` does not run; after that
/// it runs to its end.
///
/// # Errors
/// [`JoinError`] if `work` panics, or if the runtime ends before it runs.
pub async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let turn = TURNS
        .acquire()
        .await
        .expect("the semaphore is never closed");
    let work = move || {
        // Held until the work ends, also when nobody waits for it any more.
        let _turn = turn;
        work()
    };
    spawn_blocking(work).await
}
