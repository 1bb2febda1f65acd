//! The log of invalidations, for copies in places where no mark can be read, such as browsers.
//!
//! Invalidations of a store have consecutive numbers. The log contains what each of the last ones
//! invalidated. An invalidation of this process is in the log at once. One of another process is
//! found when the number of the store has gone further than the log: the store then tells what its
//! last invalidations were, if it can, and otherwise it is only known that there were some.
//!
//! The file knows stamps and selectors. `changes.rs` asks the store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::{Marks, Recent, Selector, Stamp};

/// The number of invalidations and of selectors that the log contains. Who was away for longer has
/// to compare everything.
const MOST_RECORDS: usize = 1000;
const MOST_SELECTORS: usize = 10_000;

/// What was invalidated between two moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The moment up to which this is known.
    pub now: Stamp,
    /// The selectors that were invalidated, each once. `None` if that is not known, so that every
    /// copy has to be compared with its entry.
    pub selectors: Option<Vec<Selector>>,
}

/// The log of a cache, and the signals of who follows it.
pub(crate) struct ChangeLog {
    // Locked for a look or an insertion, never across an await.
    log: Mutex<Log>,
    pub(crate) now: watch::Sender<Stamp>,
    /// Wakes the task that asks the store.
    pub(crate) wake: Arc<Notify>,
    /// `true` while that task runs.
    pub(crate) is_followed: AtomicBool,
}

/// The last invalidations of one era.
#[derive(Default)]
struct Log {
    now: Stamp,
    /// The number after which every invalidation is in `records`.
    from: u64,
    records: VecDeque<(u64, Arc<[Selector]>)>,
    /// The number of selectors in all records.
    selectors: usize,
    /// Invalidations by this process that came after some of other processes.
    ahead: BTreeMap<u64, Arc<[Selector]>>,
}

impl Log {
    /// Advances to a moment of the store. What is missing in between is looked for among `recent`.
    fn advance(&mut self, now: Stamp, recent: Recent) {
        if now.era != self.now.era {
            let first = recent.first().map(|(first, _)| first.saturating_sub(1));
            let from = first.unwrap_or(now.sequence);
            *self = Self {
                now: Stamp {
                    sequence: from,
                    ..now
                },
                from,
                ..Self::default()
            };
        }
        self.ahead.extend(recent);
        if now.sequence.saturating_sub(self.now.sequence) > MOST_RECORDS as u64 {
            // So many are not kept, and those before are not needed then.
            self.now.sequence = now.sequence - MOST_RECORDS as u64;
            self.ahead = self.ahead.split_off(&(self.now.sequence + 1));
            self.forget();
        }
        while self.now.sequence < now.sequence {
            self.now.sequence += 1;
            match self.ahead.remove(&self.now.sequence) {
                Some(selectors) => self.push(selectors),
                None => self.forget(),
            }
        }
        let later = self.ahead.split_off(&(now.sequence + 1));
        self.ahead = later;
    }

    /// Adds what the invalidation with the present number invalidated.
    fn push(&mut self, selectors: Arc<[Selector]>) {
        self.selectors += selectors.len();
        self.records.push_back((self.now.sequence, selectors));
        while self.records.len() > MOST_RECORDS || self.selectors > MOST_SELECTORS {
            let Some((number, selectors)) = self.records.pop_front() else {
                break;
            };
            self.selectors -= selectors.len();
            self.from = number;
        }
    }

    /// Begins again after an invalidation of which nothing is known.
    fn forget(&mut self) {
        self.records.clear();
        (self.selectors, self.from) = (0, self.now.sequence);
    }

    fn since(&self, seen: Stamp) -> Changes {
        let is_known =
            seen.era == self.now.era && (self.from..=self.now.sequence).contains(&seen.sequence);
        let selectors = is_known.then(|| {
            let newer = self
                .records
                .iter()
                .filter(|(number, _)| *number > seen.sequence);
            let mut all: Vec<_> = newer
                .flat_map(|(_, selectors)| selectors.iter().copied())
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        });
        Changes {
            now: self.now,
            selectors,
        }
    }
}

impl ChangeLog {
    pub(crate) fn new() -> Self {
        Self {
            log: Mutex::default(),
            now: watch::Sender::new(Stamp::default()),
            wake: Arc::default(),
            is_followed: AtomicBool::new(false),
        }
    }

    /// Adds an invalidation by this process, with its moment in each history of the store.
    pub(crate) fn invalidated(&self, at: &[Marks], selectors: &[Selector]) {
        if !self.is_followed.load(Ordering::SeqCst) {
            return;
        }
        let mut log = self.log();
        match at.iter().find(|marks| marks.now.era == log.now.era) {
            Some(marks) if marks.now.sequence == log.now.sequence + 1 => {
                log.advance(marks.now, vec![(marks.now.sequence, selectors.into())]);
                self.tell(&log);
            }
            Some(marks) if marks.now.sequence > log.now.sequence => {
                log.ahead.insert(marks.now.sequence, selectors.into());
                self.wake.notify_one();
            }
            Some(_) => {}
            None => self.wake.notify_one(),
        }
    }

    /// Has the store asked, because it has reported changes or may have missed to.
    pub(crate) fn look(&self) {
        self.wake.notify_one();
    }

    /// Returns what was invalidated after a moment.
    pub(crate) fn since(&self, seen: Stamp) -> Changes {
        self.log().since(seen)
    }

    /// Advances to a moment of the store.
    pub(crate) fn advance(&self, now: Stamp, recent: Recent) {
        let mut log = self.log();
        log.advance(now, recent);
        self.tell(&log);
    }

    fn tell(&self, log: &Log) {
        self.now
            .send_if_modified(|now| std::mem::replace(now, log.now) != log.now);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: Selector = Selector::from_bytes([1; 16]);
    const PRICES: Selector = Selector::from_bytes([2; 16]);

    fn at(era: u64, sequence: u64) -> Stamp {
        Stamp { era, sequence }
    }

    fn record(number: u64, selector: Selector) -> (u64, Arc<[Selector]>) {
        (number, [selector].into())
    }

    #[test]
    fn what_was_seen_is_told_from_what_was_not() {
        let mut log = Log::default();
        log.advance(at(7, 3), Vec::new());
        assert_eq!(log.since(at(7, 3)).selectors, Some(vec![]));
        assert_eq!(log.since(at(7, 2)).selectors, None);
        log.advance(at(7, 5), vec![record(4, PRICES), record(5, ORDERS)]);
        assert_eq!(log.since(at(7, 3)).selectors, Some(vec![ORDERS, PRICES]));
        assert_eq!(log.since(at(7, 4)).selectors, Some(vec![ORDERS]));
        assert_eq!(log.since(at(8, 4)).selectors, None);
        log.advance(at(7, 7), vec![record(7, ORDERS)]);
        assert_eq!(log.since(at(7, 5)).selectors, None, "6 is not known");
        assert_eq!(log.since(at(7, 6)).selectors, Some(vec![ORDERS]));
    }

    #[test]
    fn another_era_begins_with_what_the_store_knows_of_it() {
        let mut log = Log::default();
        log.advance(at(7, 3), Vec::new());
        log.advance(at(8, 2), vec![record(1, ORDERS), record(2, PRICES)]);
        assert_eq!(log.since(at(7, 3)).selectors, None);
        assert_eq!(log.since(at(8, 0)).selectors, Some(vec![ORDERS, PRICES]));
        assert_eq!(log.since(at(8, 2)).now, at(8, 2));
    }

    #[test]
    fn the_log_is_bounded() {
        let mut log = Log::default();
        log.advance(at(7, 0), Vec::new());
        for number in 1..=2 * MOST_RECORDS as u64 {
            log.advance(at(7, number), vec![record(number, ORDERS)]);
        }
        assert_eq!(log.records.len(), MOST_RECORDS);
        assert_eq!(log.since(at(7, 1)).selectors, None);
        assert_eq!(
            log.since(at(7, MOST_RECORDS as u64)).selectors,
            Some(vec![ORDERS])
        );
    }
}
