//! How many calls the app gets at a time, and how many wait for their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The longest time that a call waits for its turn. Visitors leave before.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The calls that run and those that wait.
pub(crate) struct Limits {
    running: Arc<Semaphore>,
    most_running: usize,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// The refusal of a call: as many wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

impl Limits {
    pub(crate) fn new(running: usize, waiting: usize) -> Self {
        let running = running.min(Semaphore::MAX_PERMITS);
        Self {
            running: Arc::new(Semaphore::new(running)),
            most_running: running,
            waiting: AtomicUsize::new(0),
            most_waiting: waiting,
        }
    }

    /// Waits for a turn. The place is free again when the permit is dropped.
    ///
    /// # Errors
    /// [`Busy`] if as many calls wait as may, or if none has its turn for a minute.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Busy> {
        if let Ok(permit) = self.running.clone().try_acquire_owned() {
            return Ok(permit);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.most_waiting {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Busy);
        }
        // Also when the call is cancelled.
        let _waiting = scopeguard::guard((), |()| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        });
        let turn = self.running.clone().acquire_owned();
        match timeout(LONGEST_WAIT, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Busy),
        }
    }

    /// Returns how many calls run, and how many wait.
    pub(crate) fn report(&self) -> (usize, usize) {
        let running = self.most_running - self.running.available_permits();
        (running, self.waiting.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn as_many_run_and_wait_as_may_and_the_next_is_refused() {
        let limits = Arc::new(Limits::new(1, 1));
        let first = limits.turn().await.unwrap();
        let other = limits.clone();
        let second = tokio::spawn(async move { other.turn().await });
        while limits.report() != (1, 1) {
            tokio::task::yield_now().await;
        }
        assert!(limits.turn().await.is_err());
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert_eq!(limits.report(), (1, 0));
        drop(second);
        assert_eq!(limits.report(), (0, 0));
    }
}
