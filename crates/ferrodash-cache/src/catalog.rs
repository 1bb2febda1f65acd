//! The entries that this process has seen, for the admin page. A store of bytes by digest cannot
//! say what it contains.
//!
//! The catalog is filled only while entries are watched, and it is limited to 10,000 entries. It
//! contains sizes and times but no values.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::answer::Status;
use crate::call::Call;
use crate::clock::{Instant, now};
use crate::{Entry, Key};

/// The limit of entries. Beyond it, those that were not requested for the longest time are removed.
const MOST: usize = 10_000;

/// The entries that were seen, by key.
#[derive(Default)]
pub(crate) struct Catalog {
    // Locked for one answer or one listing, and only if entries are watched.
    entries: Mutex<HashMap<Key, Noted>>,
}

// It does not hold the entry itself, whose bytes would then stay in memory beyond every budget.
struct Noted {
    function: Arc<str>,
    /// The id of the entry, to notice when another one replaces it.
    id: u64,
    bytes: usize,
    /// The times at which the value was computed, becomes stale, and ends.
    made: Instant,
    fresh: Instant,
    usable: Instant,
    tier: &'static str,
    hits: u64,
    /// The time of the last request, which decides what is removed first.
    asked: Instant,
}

/// An entry that this process has seen, at the moment of the report.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EntryReport {
    /// The key of the entry.
    pub key: Key,
    /// The name of the function whose value it is.
    pub function: Arc<str>,
    /// The size of the value in bytes.
    pub bytes: usize,
    /// The number of times that it was served, since this process saw it first. A new value under
    /// the key begins at 0.
    pub hits: u64,
    /// The time since the value was computed.
    pub age: Duration,
    /// The time for which the value is still fresh, or `None` if it is stale.
    pub fresh: Option<Duration>,
    /// The tier in which it was found last. Empty if it was computed here and not requested since.
    pub tier: &'static str,
}

impl Catalog {
    /// Records an answer. Values that were not stored are left out.
    pub(crate) fn note(&self, call: &Call, entry: &Entry, status: Status) {
        let (tier, hit) = match status {
            Status::Hit { tier } | Status::Stale { tier } => (tier, 1),
            Status::Collapsed => ("", 1),
            Status::Miss { stored: true } => ("", 0),
            Status::Miss { stored: false } | Status::Bypass => return,
        };
        let mut entries = self.lock();
        if entries.len() >= MOST && !entries.contains_key(&call.key) {
            make_room(&mut entries);
        }
        let noted = entries
            .entry(call.key)
            .or_insert_with(|| Noted::new(call, entry));
        if noted.id != entry.id() {
            *noted = Noted::new(call, entry);
        }
        (noted.tier, noted.asked) = (tier, now());
        noted.hits += hit;
    }

    /// Returns the entries whose lifetime has not ended, the most used first. Entries that were
    /// invalidated since are among them.
    pub(crate) fn reports(&self) -> Vec<EntryReport> {
        let mut entries = self.lock();
        let now = now();
        entries.retain(|_, noted| now < noted.usable);
        let report = |(key, noted): (&Key, &Noted)| EntryReport {
            key: *key,
            function: noted.function.clone(),
            bytes: noted.bytes,
            hits: noted.hits,
            age: now - noted.made,
            fresh: noted
                .fresh
                .checked_duration_since(now)
                .filter(|left| !left.is_zero()),
            tier: noted.tier,
        };
        let mut reports: Vec<_> = entries.iter().map(report).collect();
        reports.sort_by(|a, b| {
            b.hits
                .cmp(&a.hits)
                .then_with(|| a.function.cmp(&b.function))
        });
        reports
    }

    /// Removes an entry from the catalog.
    pub(crate) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Noted>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    /// Copies what the report needs from an entry that is seen for the first time.
    fn new(call: &Call, entry: &Entry) -> Self {
        let now = now();
        let until = |left: Option<Duration>| now + left.unwrap_or_default();
        Self {
            function: call.stats.name().clone(),
            id: entry.id(),
            bytes: entry.bytes().len(),
            made: now.checked_sub(entry.age()).unwrap_or(now),
            fresh: until(entry.remaining()),
            usable: until(entry.lifetime_left()),
            tier: "",
            hits: 0,
            asked: now,
        }
    }
}

/// Removes the entries whose lifetime has ended, and the tenth that was not requested for the
/// longest time.
fn make_room(entries: &mut HashMap<Key, Noted>) {
    let now = now();
    entries.retain(|_, noted| now < noted.usable);
    let mut asked: Vec<Instant> = entries.values().map(|noted| noted.asked).collect();
    asked.sort_unstable();
    if let Some(limit) = asked.get(entries.len() / 10).copied() {
        entries.retain(|_, noted| noted.asked > limit);
    }
}
