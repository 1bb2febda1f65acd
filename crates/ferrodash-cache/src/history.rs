//! The history of invalidations of a store, as far as this process has seen it, and a check of what
//! contradicts it.
//!
//! A history goes forward: eras that have ended do not come back, the sequence number of an era
//! never falls, and neither does the mark of a selector. A store whose data were restored, from a
//! backup or by someone who wants an old value to count again, breaks one of these rules for a
//! process that has seen more of the history. Such a process begins another era, which invalidates
//! everything that the store has. A process that has seen nothing yet cannot know: a store that was
//! restored as a whole looks like what it once was.
//!
//! A tier may have several histories, each with marks of its own; each has a number.
//!
//! Answers may arrive in another order than they were given. So an answer is compared with what was
//! seen *before* the store was called.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::Xxh3Default;

use crate::tier::{Reading, Shared, TierResult};
use crate::{Key, Marks, Selector, Stamp};

/// The number of ended eras that are remembered. An era lasts until the store loses its marks.
const MOST_ERAS: usize = 256;

/// The number of marks that are remembered, for selectors and for sets of them, of all histories
/// together.
const MOST_MARKS: usize = 50_000;

/// The number of attempts in one call, each of which can begin another era. An era that ends in
/// between is being ended by someone at this very moment.
const ATTEMPTS: usize = 3;

/// The history of the store that keeps the marks, as far as this process has seen it.
#[derive(Default)]
pub(crate) struct History {
    // Locked for a few look-ups, never across an await.
    seen: Mutex<HashMap<usize, Seen>>,
}

/// One history, as far as this process has seen it.
#[derive(Default)]
struct Seen {
    /// The newest moment.
    now: Stamp,
    /// Eras that have ended, each with its number in the order in which they ended.
    ended: HashMap<u64, u64>,
    /// Ended eras, the oldest first, so that the oldest is forgotten first.
    order: VecDeque<u64>,
    /// The number of eras that have ended.
    count: u64,
    /// Lower bounds of the marks of selectors that this process invalidated, in the present era.
    marks: HashMap<Selector, u64>,
    /// Lower bounds of the newest mark of a set of selectors, by a hash of the set.
    sets: HashMap<u64, u64>,
}

/// The state that was known before a call, with which its answer must agree.
#[derive(Clone, Copy, Default)]
struct Before {
    now: Stamp,
    ended: u64,
    newest: u64,
}

impl History {
    /// Reads the entry under a key with the marks of selectors, like [`Shared::read`], and checks
    /// the answer against the history.
    ///
    /// If they contradict each other, another era begins and the read is repeated. After three
    /// contradictions it is an error, and the tier counts as failing.
    pub(crate) async fn read(
        &self,
        shared: &dyn Shared,
        key: &Key,
        selectors: &[Selector],
    ) -> TierResult<Reading> {
        for _ in 0..ATTEMPTS {
            let before = self.all_before(selectors);
            let reading = shared.read(key, selectors).await?;
            if self.agree(&before, selectors, reading.marks) {
                return Ok(reading);
            }
            begin_era(shared, reading.marks.history).await?;
        }
        Err(contradicted())
    }

    /// Reads the marks of selectors for the entry of a key, like [`Shared::marks_of`], with the
    /// same check.
    pub(crate) async fn marks(
        &self,
        shared: &dyn Shared,
        key: &Key,
        selectors: &[Selector],
    ) -> TierResult<Marks> {
        for _ in 0..ATTEMPTS {
            let before = self.all_before(selectors);
            let marks = shared.marks_of(key, selectors).await?;
            if self.agree(&before, selectors, marks) {
                return Ok(marks);
            }
            begin_era(shared, marks.history).await?;
        }
        Err(contradicted())
    }

    /// Marks selectors, like [`Shared::invalidate`], with the same check. In a store whose data
    /// were restored, the marks alone would not reach entries from after the moment of the backup.
    ///
    /// Returns the moment of the invalidation in each history.
    pub(crate) async fn invalidate(
        &self,
        shared: &dyn Shared,
        selectors: &[Selector],
    ) -> TierResult<Vec<Marks>> {
        'attempts: for _ in 0..ATTEMPTS {
            let before = self.all_before(&[]);
            let each = shared.invalidate_each(selectors).await?;
            for marks in &each {
                let marks = *marks;
                if !self.agree(&before, &[], Marks { newest: 0, ..marks }) {
                    begin_era(shared, marks.history).await?;
                    continue 'attempts;
                }
                self.invalidated(marks.history, selectors, marks.now);
            }
            return Ok(each);
        }
        Err(contradicted())
    }

    /// Returns what is known of each history before the store is called.
    fn all_before(&self, selectors: &[Selector]) -> Vec<(usize, Before)> {
        let numbers: Vec<usize> = self.seen().keys().copied().collect();
        numbers
            .into_iter()
            .map(|number| (number, self.before(number, selectors)))
            .collect()
    }

    /// Compares an answer with what was known of its history before the call. A history that was
    /// not known then agrees with everything.
    fn agree(&self, before: &[(usize, Before)], selectors: &[Selector], marks: Marks) -> bool {
        let before = before.iter().find(|(number, _)| *number == marks.history);
        let before = before.map(|(_, before)| *before).unwrap_or_default();
        self.agrees(marks.history, before, selectors, marks)
    }

    /// Returns what is known of one history before the store is called.
    fn before(&self, number: usize, selectors: &[Selector]) -> Before {
        let mut histories = self.seen();
        let seen = histories.entry(number).or_default();
        let of_selectors = selectors
            .iter()
            .filter_map(|selector| seen.marks.get(selector))
            .max()
            .copied();
        let of_set = seen.sets.get(&hash(selectors)).copied();
        Before {
            now: seen.now,
            ended: seen.count,
            newest: of_selectors.max(of_set).unwrap_or(0),
        }
    }

    /// Returns `true` if an answer agrees with what was known before the call. If so, it is
    /// remembered.
    fn agrees(&self, number: usize, before: Before, selectors: &[Selector], marks: Marks) -> bool {
        let mut histories = self.seen();
        // The histories share the limit.
        let most = MOST_MARKS / histories.len().max(1);
        let seen = histories.entry(number).or_default();
        let came_back = seen
            .ended
            .get(&marks.now.era)
            .is_some_and(|number| *number <= before.ended);
        let same_era = marks.now.era == before.now.era;
        let fell = marks.now.sequence < before.now.sequence || marks.newest < before.newest;
        // A mark that is newer than the sequence number is no contradiction: not every store reads
        // both at one moment.
        if came_back || same_era && fell {
            return false;
        }
        if !seen.follow(marks.now) {
            // The answer is from before an era that another answer has reported meanwhile. It was
            // right when it was given.
            return true;
        }
        if marks.newest > 0 {
            seen.make_room(most);
            let known = seen.sets.entry(hash(selectors)).or_default();
            *known = marks.newest.max(*known);
        }
        true
    }

    /// Remembers the marks that an invalidation by this process has made. An older mark can no
    /// longer be right.
    fn invalidated(&self, number: usize, selectors: &[Selector], at: Stamp) {
        let mut histories = self.seen();
        let most = MOST_MARKS / histories.len().max(1);
        let seen = histories.entry(number).or_default();
        if seen.now.era == at.era {
            seen.make_room(most);
            for selector in selectors {
                let known = seen.marks.entry(*selector).or_default();
                *known = at.sequence.max(*known);
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<usize, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Advances to a moment of the store. Returns `false` if its era has ended already.
    fn follow(&mut self, now: Stamp) -> bool {
        if self.now.era == now.era {
            self.now.sequence = self.now.sequence.max(now.sequence);
            return true;
        }
        if self.ended.contains_key(&now.era) {
            return false;
        }
        // 0 means that no era was seen yet.
        if self.now.era != 0 {
            self.count += 1;
            self.ended.insert(self.now.era, self.count);
            self.order.push_back(self.now.era);
            if self.order.len() > MOST_ERAS
                && let Some(oldest) = self.order.pop_front()
            {
                self.ended.remove(&oldest);
            }
        }
        // Sequence numbers begin again in another era, so marks of the old one say nothing.
        (self.now, self.marks, self.sets) = (now, HashMap::new(), HashMap::new());
        true
    }

    /// Forgets all marks if there are too many. The sequence number stays.
    fn make_room(&mut self, most: usize) {
        if self.marks.len() + self.sets.len() > most {
            self.marks.clear();
            self.sets.clear();
        }
    }
}

/// Begins another era in the store, and logs that.
async fn begin_era(shared: &dyn Shared, history: usize) -> TierResult<()> {
    tracing::warn!("the history of the cache's store went back; discarding all that the store has");
    shared.begin_era(history).await
}

fn contradicted() -> String {
    "its history goes back again and again".to_owned()
}

/// Hashes a set of selectors in its order, which is the same for all calls of a function.
fn hash(selectors: &[Selector]) -> u64 {
    let mut hasher = Xxh3Default::new();
    selectors
        .iter()
        .for_each(|selector| hasher.update(selector.as_bytes()));
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: Selector = Selector::from_bytes([1; 16]);
    const PRICES: Selector = Selector::from_bytes([2; 16]);

    fn at(era: u64, sequence: u64, newest: u64) -> Marks {
        Marks {
            now: Stamp { era, sequence },
            newest,
            history: 0,
        }
    }

    /// Asks at one moment, and is answered at another.
    fn answers(history: &History, before: Before, marks: Marks) -> bool {
        history.agrees(0, before, &[ORDERS], marks)
    }

    #[test]
    fn a5_what_goes_back_contradicts_what_was_seen() {
        let history = History::default();
        let ask = |marks| answers(&history, history.before(0, &[ORDERS]), marks);
        assert!(ask(at(7, 0, 0)) && ask(at(7, 3, 2)) && ask(at(7, 3, 2)));
        assert!(!ask(at(7, 2, 2)), "the number of the era fell");
        assert!(!ask(at(7, 4, 1)), "the mark fell");
        assert!(ask(at(7, 3, 4)), "a mark may be read later than the number");
        history.invalidated(
            0,
            &[PRICES],
            Stamp {
                era: 7,
                sequence: 4,
            },
        );
        let both = [ORDERS, PRICES];
        assert!(
            !history.agrees(0, history.before(0, &both), &both, at(7, 4, 3)),
            "the mark that was made here is gone"
        );
        assert!(ask(at(8, 0, 0)), "another era may begin with anything");
        assert!(!ask(at(7, 9, 9)), "and the one before does not come back");
    }

    #[test]
    fn a5_answers_that_overtake_each_other_are_no_contradiction() {
        let history = History::default();
        let early = history.before(0, &[ORDERS]);
        assert!(answers(&history, history.before(0, &[ORDERS]), at(7, 5, 5)));
        assert!(
            answers(&history, early, at(7, 4, 4)),
            "it was asked for before the newer one was known"
        );
        let early = history.before(0, &[ORDERS]);
        assert!(answers(&history, history.before(0, &[ORDERS]), at(8, 1, 0)));
        assert!(answers(&history, early, at(7, 6, 5)), "the same with eras");
        assert!(
            answers(&history, history.before(0, &[ORDERS]), at(8, 1, 0)),
            "and the newer era stays"
        );
    }

    #[test]
    fn a5_histories_of_one_store_know_nothing_of_each_other() {
        let history = History::default();
        for _ in 0..3 {
            for (number, era) in [(0, 7), (1, 8)] {
                let before = history.before(number, &[ORDERS]);
                assert!(history.agrees(number, before, &[ORDERS], at(era, 3, 3)));
            }
        }
        assert!(!history.agrees(1, history.before(1, &[ORDERS]), &[ORDERS], at(8, 2, 2)));
    }

    #[test]
    fn a5_what_is_remembered_is_bounded() {
        let history = History::default();
        for number in 1..=2 * MOST_MARKS as u64 {
            let selector = Selector::tag(&number.to_string());
            let marks = at(7, number, number);
            assert!(history.agrees(0, history.before(0, &[selector]), &[selector], marks));
        }
        for era in 8..8 + 2 * MOST_ERAS as u64 {
            assert!(answers(
                &history,
                history.before(0, &[ORDERS]),
                at(era, 0, 0)
            ));
        }
        let seen = &history.seen()[&0];
        assert!(
            seen.sets.len() <= MOST_MARKS + 1
                && seen.ended.len() <= MOST_ERAS
                && seen.order.len() <= MOST_ERAS
        );
    }
}
