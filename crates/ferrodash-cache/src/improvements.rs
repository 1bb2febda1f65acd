//! The entries that wait for their better form.
//!
//! Few better forms are made at a time. Values that wait for theirs count to nobody's budget, so
//! only some of them are held; of the others only those are improved that memory still has when
//! their turn comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::Entry;
use crate::entry::WeakEntry;

/// How many bytes of values are held until they are improved; one value is in any case.
const MOST_HELD: usize = 4 << 20;

/// The improvements that wait or are made.
pub(crate) struct Improvements {
    pub(crate) turns: Arc<Semaphore>,
    held: Arc<AtomicUsize>,
}

impl Default for Improvements {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new((processors / 2).max(1))),
            held: Arc::default(),
        }
    }
}

/// An entry that waits for its turn.
pub(crate) enum Waiting {
    Held(Entry, Held),
    /// As long as somebody else has it.
    Seen(WeakEntry),
}

/// Bytes that are held until this is dropped.
pub(crate) struct Held(usize, Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0, Ordering::Relaxed);
    }
}

impl Improvements {
    pub(crate) fn wait(&self, entry: &Entry) -> Waiting {
        let size = entry.bytes().len();
        let before = self.held.fetch_add(size, Ordering::Relaxed);
        let held = Held(size, self.held.clone());
        if before == 0 || before + size <= MOST_HELD {
            Waiting::Held(entry.clone(), held)
        } else {
            Waiting::Seen(entry.downgrade())
        }
    }
}
