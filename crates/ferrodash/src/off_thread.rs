//! Work on large bodies, which would hold up the other requests of its thread.

use std::sync::LazyLock;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// From this size on, reading a body takes more than about a millisecond.
pub(crate) const LARGE: usize = 128 * 1024;

/// So much is done at a time that processors are left for small requests.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new((processors / 2).max(1))
});

/// Runs `work` on a thread for blocking work, when it has its turn.
///
/// # Errors
/// When `work` panics, and when the runtime ends.
pub(crate) async fn run<T: Send + 'static>(
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
