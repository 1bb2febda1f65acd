//! Growing pauses between runs of functions that fail while a stale value is served instead.
//!
//! Pauses are per key and per process. They apply only where there is a stale value; without one,
//! the function runs on each call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Key;
use crate::clock::{Instant, now};

/// The first pause. Each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// The limit of failing keys. Beyond it, all pauses start again.
const MOST: usize = 10_000;

/// The keys whose functions failed, with their pauses.
#[derive(Default)]
pub(crate) struct Backoff {
    /// `true` if a key has failed.
    any: AtomicBool,
    // Locked for one look or change. While nothing fails, `any` is `false` and nobody takes the
    // lock.
    failing: Mutex<HashMap<Key, Failing>>,
}

/// The failures of a key in a row, and the end of its pause.
struct Failing {
    times: u32,
    until: Instant,
}

impl Backoff {
    /// Returns `true` if the function of a key is in its pause.
    pub(crate) fn pauses(&self, key: &Key) -> bool {
        self.any.load(Ordering::Acquire)
            && self
                .lock()
                .get(key)
                .is_some_and(|failing| now() < failing.until)
    }

    /// Records a failure, which begins the next pause.
    pub(crate) fn failed(&self, key: &Key) {
        let mut failing = self.lock();
        if failing.len() >= MOST {
            failing.clear();
        }
        let entry = failing.entry(*key).or_insert(Failing {
            times: 0,
            until: now(),
        });
        entry.until = now() + (FIRST * (1 << entry.times.min(10))).min(LONGEST);
        entry.times += 1;
        self.any.store(true, Ordering::Release);
    }

    /// Records a success, which ends the pauses of the key.
    pub(crate) fn succeeded(&self, key: &Key) {
        if self.any.load(Ordering::Acquire) {
            let mut failing = self.lock();
            failing.remove(key);
            self.any.store(!failing.is_empty(), Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Failing>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
