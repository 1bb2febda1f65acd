//! The queue of entries that wait for their better form.
//!
//! Few better forms are made at a time. The values that wait are in no tier's budget, so only some
//! of them are held. Of the others, only those are improved that memory still has when their turn
//! comes. `improve.rs` makes the better forms.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::Entry;
use crate::entry::WeakEntry;

/// The limit of bytes that are held until they are improved. One value is held whatever its size.
const MOST_HELD: usize = 4 << 20;

/// The improvements that wait or are being made.
pub(crate) struct Improvements {
    pub(crate) turns: Arc<Semaphore>,
    held: Arc<AtomicUsize>,
}

impl Default for Improvements {
    /// Allows half of the processors to make better forms, and at least one.
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
    /// The queue keeps the entry in memory.
    Held(Entry, Held),
    /// The entry is improved only if it is still in memory when its turn comes.
    Seen(WeakEntry),
}

/// A number of bytes that count as held until this is dropped.
pub(crate) struct Held(usize, Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0, Ordering::Relaxed);
    }
}

impl Improvements {
    /// Adds an entry to the queue, and holds it if there is room.
    pub(crate) fn wait(&self, entry: &Entry) -> Waiting {
        let size = entry.bytes().len();
        let before = self.held.fetch_add(size, Ordering::Relaxed);
        let held = Held(size, self.held.clone());
        // Otherwise `held` is dropped at the end, which subtracts the size again.
        if before == 0 || before + size <= MOST_HELD {
            Waiting::Held(entry.clone(), held)
        } else {
            Waiting::Seen(entry.downgrade())
        }
    }
}
