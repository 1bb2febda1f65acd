//! The invalidations that this process knows of.
//!
//! The marks themselves are in the shared tier, or here if there is none. Copies in memory need not
//! read them on each hit: each copy remembers the *epoch* in which it was last compared with the
//! marks, and the epoch changes with every invalidation that becomes known here. So a hit compares
//! two numbers.
//!
//! The file knows selectors and marks. It does not read them from a tier; `search.rs` does and puts
//! them here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Marks, Selector, Stamp};

/// The number of marks at which a new era begins, which invalidates all entries. Tags can be made
/// of anything, such as the numbers of rows, and marks of tags that nobody uses any more would
/// otherwise accumulate.
const MOST_MARKS: usize = 100_000;

/// The number of sets of selectors whose marks are remembered.
const MOST_KNOWN: usize = 10_000;

/// The epoch, the marks of a cache without a shared tier, and a memory of marks that were read from
/// one.
pub(crate) struct Invalidations {
    epoch: AtomicU64,
    // Both are locked for one look or change.
    own: Mutex<Own>,
    known: Mutex<Known>,
}

/// The marks of a cache without a shared tier.
struct Own {
    now: Stamp,
    marks: HashMap<Selector, u64>,
}

/// Marks that were read from the shared tier in this epoch, so that the copies of one function need
/// one read.
#[derive(Default)]
struct Known {
    epoch: u64,
    /// By part of the tier, then by selectors.
    marks: HashMap<usize, HashMap<Arc<[Selector]>, Marks>>,
    count: usize,
}

impl Invalidations {
    /// Begins a history with a random era, so that entries of an earlier process do not count.
    pub(crate) fn new() -> Self {
        let now = Stamp {
            era: crate::random::number(),
            sequence: 0,
        };
        // Epochs begin with 1, as an entry that was never checked has epoch 0.
        let own = Mutex::new(Own {
            now,
            marks: HashMap::new(),
        });
        Self {
            epoch: AtomicU64::new(1),
            own,
            known: Mutex::default(),
        }
    }

    /// Returns the present epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Begins another epoch, because something was invalidated, here or elsewhere.
    pub(crate) fn advance(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the marks of selectors in a cache without a shared tier.
    pub(crate) fn own_marks(&self, selectors: &[Selector]) -> Marks {
        let own = self.own();
        let newest = selectors
            .iter()
            .filter_map(|selector| own.marks.get(selector))
            .max();
        Marks {
            now: own.now,
            newest: newest.copied().unwrap_or(0),
            history: 0,
        }
    }

    /// Marks selectors in a cache without a shared tier. Returns the moment of the invalidation.
    pub(crate) fn invalidate_own(&self, selectors: &[Selector]) -> Stamp {
        let mut own = self.own();
        if own.marks.len() + selectors.len() > MOST_MARKS {
            own.marks.clear();
            own.now.era = crate::random::number();
        }
        own.now.sequence += 1;
        let sequence = own.now.sequence;
        own.marks
            .extend(selectors.iter().map(|selector| (*selector, sequence)));
        // Under the lock: a reader that sees the new epoch then also sees the new marks.
        self.advance();
        own.now
    }

    /// Returns marks that were read from a part of the shared tier in this epoch.
    pub(crate) fn known(&self, epoch: u64, part: usize, selectors: &[Selector]) -> Option<Marks> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        (known.epoch == epoch)
            .then(|| known.marks.get(&part)?.get(selectors).copied())
            .flatten()
    }

    /// Remembers marks that were read from the shared tier after `epoch` had begun.
    pub(crate) fn learn(&self, epoch: u64, part: usize, selectors: &Arc<[Selector]>, marks: Marks) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Marks of another epoch are of no use. If there are too many, all are forgotten, which
        // costs further reads only.
        if known.epoch != epoch || known.count >= MOST_KNOWN {
            *known = Known {
                epoch,
                ..Known::default()
            };
        }
        let new = known
            .marks
            .entry(part)
            .or_default()
            .insert(selectors.clone(), marks)
            .is_none();
        known.count += usize::from(new);
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
