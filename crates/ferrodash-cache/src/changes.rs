//! The log of invalidations, for copies in places where no mark can be read, such as browsers.
//!
//! Invalidations of a store have consecutive numbers. The log contains what each of the last ones
//! invalidated. An invalidation of this process is in the log at once. One of another process is
//! found when the number of the store has gone further than the log: the store then tells what its
//! last invalidations were, if it can, and otherwise it is only known that there were some.
//!
//! The file knows stamps and selectors. The part of [`Cache`] at its end asks the store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::cache::{Cache, Inner};
use crate::{Key, Marks, Recent, Selector, Stamp};

/// The number of invalidations and of selectors that the log contains. Who was away for longer has
/// to compare everything.
const MOST_RECORDS: usize = 1000;
const MOST_SELECTORS: usize = 10_000;

/// The interval at which a store is asked for its number, if it does not report changes itself.
const POLL: Duration = Duration::from_millis(500);

/// The interval at which a store that reports changes is asked all the same, as a report may be
/// lost.
const POLL_SELDOM: Duration = Duration::from_secs(5);

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
    now: watch::Sender<Stamp>,
    /// Wakes the task that asks the store.
    wake: Arc<Notify>,
    /// `true` while that task runs.
    is_followed: AtomicBool,
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
            let from = recent.first().map_or(now.sequence, |(first, _)| first - 1);
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

    /// Begins anew after an invalidation of which nothing is known.
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

    fn tell(&self, log: &Log) {
        self.now
            .send_if_modified(|now| std::mem::replace(now, log.now) != log.now);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Follows the invalidations of this cache, by any process. The receiver has the moment of the
    /// last one that is known; [`changes_since`](Self::changes_since) tells what was invalidated.
    ///
    /// The first call starts a task that ends with the cache. Invalidations by this process are
    /// known at once. Those by others are known as soon as the store reports them, if memory is the
    /// first tier and the store is Redis; otherwise the store is asked every 500 ms. While the
    /// store does not answer, nothing is known, and nothing can be invalidated.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ferrodash_cache::{Cache, Selector};
    ///
    /// let cache = Cache::memory(1 << 20);
    /// let mut moments = cache.follow_changes();
    /// let seen = *moments.wait_for(|moment| moment.era != 0).await.unwrap();
    /// cache.invalidate_tag("orders").await.unwrap();
    /// moments.changed().await.unwrap();
    /// let changes = cache.changes_since(seen);
    /// assert_eq!(changes.selectors, Some(vec![Selector::tag("orders")]));
    /// # }
    /// ```
    pub fn follow_changes(&self) -> watch::Receiver<Stamp> {
        let changes = &self.inner.changes;
        if !changes.is_followed.swap(true, Ordering::SeqCst) {
            tokio::spawn(watch_store(Arc::downgrade(&self.inner)));
        }
        changes.now.subscribe()
    }

    /// Returns what was invalidated after a moment, as far as it is known.
    ///
    /// Nothing is known before [`follow_changes`](Self::follow_changes) was called, of moments that
    /// are long ago, and of another era.
    pub fn changes_since(&self, seen: Stamp) -> Changes {
        self.inner.changes.log().since(seen)
    }
}

/// Asks the store for its moment whenever it may have changed, until the cache is dropped.
async fn watch_store(inner: Weak<Inner>) {
    // If the runtime ends, the next one who follows starts another task.
    let stopped = scopeguard::guard(inner.clone(), |inner| {
        if let Some(inner) = inner.upgrade() {
            inner.changes.is_followed.store(false, Ordering::SeqCst);
        }
    });
    while let Some(inner) = stopped.upgrade() {
        let cache = Cache { inner };
        cache.look_for_changes().await;
        let asks_seldom = cache.inner.follows || cache.inner.authority.is_none();
        let wake = cache.inner.changes.wake.clone();
        // The cache can be dropped during the pause.
        drop(cache);
        let pause = if asks_seldom { POLL_SELDOM } else { POLL };
        let _ = timeout(pause, wake.notified()).await;
    }
}

impl Cache {
    /// Brings the log up to the present moment of the store.
    async fn look_for_changes(&self) {
        if let Some((now, recent)) = self.moment().await {
            let mut log = self.inner.changes.log();
            log.advance(now, recent);
            self.inner.changes.tell(&log);
        }
    }

    /// Returns the present moment of the history, and the last invalidations as far as the store
    /// knows them. Returns `None` if the store does not answer.
    async fn moment(&self) -> Option<(Stamp, Recent)> {
        // Any key will do: each history has all invalidations.
        let key = Key::from_bytes([0; 32]);
        let now = self.marks(&key, &[]).await?.now;
        let seen = self.inner.changes.log().now;
        let (Some((slot, shared)), true) = (self.inner.authority(), now != seen) else {
            return Some((now, Vec::new()));
        };
        let recent = slot.call(&self.inner, &key, shared.recent(&key)).await?;
        Some((now, recent))
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
