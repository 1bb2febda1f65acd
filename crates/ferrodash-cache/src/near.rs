//! Memory of this process in front of everything else.
//!
//! With a shared tier behind it this is a near cache: copies of what lies there. A copy lives shorter than its entry, as
//! what others do to the entry may not become known here, and it goes when a change of it becomes known. Between reading
//! an entry and keeping its copy such a change can pass by; so who keeps a copy says at which *turn* of the key it began
//! to read, and a copy of an older turn goes again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Instant;
use crate::tiers::Memory;
use crate::{Entry, Key};

/// Keys share turns; a change of another key that shares one costs a copy, which is a miss and no fault.
const STRIPES: usize = 256;

pub(crate) struct Near {
    memory: Memory,
    turns: [AtomicU64; STRIPES],
}

impl Near {
    pub(crate) fn new(memory: Memory) -> Self {
        Self { memory, turns: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// The copy of an entry.
    pub(crate) fn get(&self, key: &Key, now: Instant) -> Option<Entry> {
        self.memory.find(key, now)
    }

    /// The present turn of a key.
    pub(crate) fn turn(&self, key: &Key) -> u64 {
        self.stripe(key).load(Ordering::SeqCst)
    }

    /// Keeps a copy for `at_most`, unless a change has passed by since `turn`; whether it is kept.
    pub(crate) fn keep(&self, key: &Key, entry: &Entry, at_most: Duration, turn: u64) -> bool {
        if self.turn(key) != turn {
            return false;
        }
        let kept = self.memory.insert(key, entry, at_most);
        if self.turn(key) != turn {
            self.memory.forget(key);
            return false;
        }
        kept
    }

    /// Forgets the copy of an entry that has changed.
    pub(crate) fn changed(&self, key: &Key) {
        self.stripe(key).fetch_add(1, Ordering::SeqCst);
        self.memory.forget(key);
    }

    /// Forgets all copies: changes may have passed by unknown.
    pub(crate) fn flush(&self) {
        for turn in &self.turns {
            turn.fetch_add(1, Ordering::SeqCst);
        }
        self.memory.clear();
    }

    /// The number of copies, and their bytes.
    pub(crate) fn size(&self) -> (usize, u64) {
        self.memory.size()
    }

    fn stripe(&self, key: &Key) -> &AtomicU64 {
        &self.turns[usize::from(key.as_bytes()[31]) % STRIPES]
    }
}
