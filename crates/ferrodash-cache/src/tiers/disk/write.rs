//! A change of the database: entries are added and removed, and never exceed the budget.
//!
//! A [`Write`] is one transaction. It keeps the tables consistent with each other, counts the
//! bytes, and evicts entries to make room. It does not handle a full disk; `change.rs` does.

use std::io::Write as _;

use heed::RwTxn;

use super::recent_reads::RecentReads;
use super::record::{
    BYTES, Found, HISTORY, KeyBytes, Place, Slot, TURN, header, key_of, number, timed,
};
use super::room::Room;
use super::store::{Store, Table};
use crate::clock::unix_millis;
use crate::{Marks, Selector, Stamp};

/// The cost of an entry besides its value: its key and numbers in four tables.
const OVERHEAD: u64 = 400;

/// Values from this fraction of a page on are in pages of their own.
const PAGE_SHARE: u64 = 2;

/// An entry may cost this fraction of the budget at most.
const LARGEST_SHARE: u64 = 4;

/// The number of entries that are spared in a row because they were read recently. The limit keeps
/// readers from occupying a writer for ever.
const SPARED: usize = 32;

/// The time in milliseconds during which another use of an entry is not written down.
const FRESHLY_USED: u64 = 1000;

/// The limit of marks. Beyond it, a new era is cheaper than keeping them, because they cannot be
/// forgotten one by one.
const MARKS: u64 = 1 << 20;

/// The data of a tier that a change needs.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) budget: u64,
    pub(super) recent_reads: &'a RecentReads,
    pub(super) room: &'a Room,
    /// Returns `true` while the caller waits for the change. Otherwise the change must not be made:
    /// the caller got an error, and may have written something newer.
    pub(super) wanted: &'a dyn Fn() -> bool,
}

/// A transaction in progress. If it is dropped without [`Write::commit`], nothing has changed.
pub(super) struct Write<'a> {
    pub(super) store: &'a Store,
    pub(super) txn: RwTxn<'a>,
    pub(super) now: u64,
    recent_reads: &'a RecentReads,
    room: &'a Room,
    budget: u64,
    /// The bytes that are stored, as the budget counts them, before the change and now.
    bytes_before: u64,
    bytes: u64,
    /// The files to which nothing refers once this is committed.
    garbage: Vec<(KeyBytes, u64)>,
}

/// A value to store.
pub(super) struct Value {
    pub(super) place: Place,
    pub(super) id: u64,
    pub(super) expiry: u64,
    /// The length of the sealed entry, wherever it is.
    pub(super) length: u64,
}

impl<'a> Write<'a> {
    /// Begins a transaction. Waits for other writers, also of other processes.
    pub(super) fn begin(store: &'a Store, writer: Writer<'a>) -> heed::Result<Self> {
        let txn = store.env.write_txn()?;
        // Read after the wait for other writers.
        let now = unix_millis();
        let bytes = store.bytes(&txn)?;
        let Writer {
            recent_reads,
            room,
            budget,
            ..
        } = writer;
        Ok(Self {
            store,
            txn,
            now,
            recent_reads,
            room,
            budget,
            bytes_before: bytes,
            bytes,
            garbage: Vec::new(),
        })
    }

    /// Commits the transaction, and then removes the files to which nothing refers any more.
    pub(super) fn commit(mut self) -> heed::Result<()> {
        if self.bytes != self.bytes_before {
            self.store
                .tables
                .state
                .put(&mut self.txn, BYTES, &self.bytes.to_be_bytes())?;
        }
        self.txn.commit()?;
        for (key, file) in self.garbage {
            self.store.files.remove(&key, file);
        }
        Ok(())
    }

    /// Stores a value instead of the one before it. The old value is removed even if the new one is
    /// not accepted, because it is out of date. Returns whether the new one is stored.
    pub(super) fn replace(&mut self, key: &KeyBytes, value: Option<&Value>) -> heed::Result<bool> {
        self.remove(key)?;
        value.map_or(Ok(false), |value| self.insert(key, value))
    }

    /// Evicts entries until there is room for a value, and stores it. Returns `false` if it costs
    /// more than there is room for.
    fn insert(&mut self, key: &KeyBytes, value: &Value) -> heed::Result<bool> {
        let cost = cost(value, self.store.page);
        let Some(others) = self.room.of(self.budget).checked_sub(cost) else {
            return Ok(false);
        };
        self.evict(others, usize::MAX)?;
        let tables = self.store.tables;
        let (number, file) = match &value.place {
            Place::Inline(_) => ([0; 8], None),
            Place::File(number) => (number.to_be_bytes(), Some(*number)),
        };
        let body: &[u8] = if let Place::Inline(sealed) = &value.place {
            sealed
        } else {
            &number
        };
        let header = header(value.expiry, value.id, file.is_some());
        tables
            .values
            .put_reserved(&mut self.txn, key, header.len() + body.len(), |space| {
                space.write_all(&header)?;
                space.write_all(body)
            })?;
        self.put_slot(
            key,
            Slot {
                used: self.now,
                expiry: value.expiry,
                cost,
                file,
            },
        )?;
        tables
            .expiring
            .put(&mut self.txn, &timed(value.expiry, key), &[])?;
        self.bytes += cost;
        Ok(true)
    }

    /// Removes the entry under a key from all tables.
    pub(super) fn remove(&mut self, key: &KeyBytes) -> heed::Result<()> {
        let tables = self.store.tables;
        // Removed without looking at the slot, which may be damaged: otherwise the value would
        // still be served.
        tables.values.delete(&mut self.txn, key)?;
        let Some(slot) = self.slot(key)? else {
            return Ok(());
        };
        tables.slots.delete(&mut self.txn, key)?;
        tables
            .recent
            .delete(&mut self.txn, &timed(slot.used, key))?;
        tables
            .expiring
            .delete(&mut self.txn, &timed(slot.expiry, key))?;
        self.garbage.extend(slot.file.map(|file| (*key, file)));
        self.bytes = self.bytes.saturating_sub(slot.cost);
        Ok(())
    }

    /// Evicts entries until at most `target` bytes are stored, but at most `most` entries: first
    /// those that have expired, then those that were not used for the longest time.
    pub(super) fn evict(&mut self, target: u64, most: usize) -> heed::Result<()> {
        let (mut spared, mut evicted) = (0, 0);
        while self.bytes > target && evicted < most {
            evicted += 1;
            if self.remove_expired()? {
                continue;
            }
            let recent = self.store.tables.recent;
            let Some(oldest) = recent.first(&self.txn)?.map(|(timed, _)| timed.to_vec()) else {
                // There are no entries, so the count was wrong.
                self.bytes = 0;
                break;
            };
            match key_of(&oldest).filter(|key| spared < SPARED && self.recent_reads.take(key)) {
                Some(key) => {
                    spared += 1;
                    self.move_to_end(&key)?;
                }
                None => self.remove_first(recent, &oldest)?,
            }
        }
        Ok(())
    }

    /// Writes something, so that this transaction is not empty. Pages that the previous one freed
    /// can be used after it.
    pub(super) fn turn_page(&mut self) -> heed::Result<()> {
        self.store
            .tables
            .state
            .put(&mut self.txn, TURN, &self.now.to_be_bytes())
    }

    /// Removes the entry that expired first. Returns `false` if none has expired.
    pub(super) fn remove_expired(&mut self) -> heed::Result<bool> {
        let expiring = self.store.tables.expiring;
        let first = expiring.first(&self.txn)?.map(|(timed, _)| timed.to_vec());
        let expired = first.filter(|timed| number(timed, 0) <= self.now);
        expired.map_or(Ok(false), |timed| {
            self.remove_first(expiring, &timed).map(|()| true)
        })
    }

    /// Removes the first entry of a table. The row of the table is removed even if a damaged record
    /// no longer refers to it, because it would otherwise remain the first for ever.
    fn remove_first(&mut self, table: Table, timed: &[u8]) -> heed::Result<()> {
        key_of(timed).map_or(Ok(()), |key| self.remove(&key))?;
        table.delete(&mut self.txn, timed).map(drop)
    }

    /// Writes down that an entry was used, unless that was done within the last second.
    pub(super) fn touch(&mut self, key: &KeyBytes) -> heed::Result<()> {
        match self.slot(key)? {
            Some(slot) if slot.used.abs_diff(self.now) >= FRESHLY_USED => self.move_to_end(key),
            _ => Ok(()),
        }
    }

    /// Moves an entry to the end of the order of eviction.
    fn move_to_end(&mut self, key: &KeyBytes) -> heed::Result<()> {
        let Some(slot) = self.slot(key)? else {
            return Ok(());
        };
        self.store
            .tables
            .recent
            .delete(&mut self.txn, &timed(slot.used, key))?;
        self.put_slot(
            key,
            Slot {
                used: self.now,
                ..slot
            },
        )
    }

    /// Returns the value under a key.
    pub(super) fn value(&self, key: &KeyBytes) -> heed::Result<Option<Found>> {
        self.store.value(&self.txn, key)
    }

    /// Raises the sequence number and marks selectors with it.
    pub(super) fn mark(&mut self, selectors: &[Selector]) -> heed::Result<Stamp> {
        let Marks { mut now, .. } = self.store.marks(&self.txn, &[])?;
        let marks = self.store.tables.marks;
        if marks.len(&self.txn)? > MARKS || now.sequence == u64::MAX {
            marks.clear(&mut self.txn)?;
            now = Stamp {
                era: new_era(),
                sequence: 0,
            };
        }
        now.sequence += 1;
        for selector in selectors {
            marks.put(
                &mut self.txn,
                selector.as_bytes(),
                &now.sequence.to_be_bytes(),
            )?;
        }
        self.set_history(now)?;
        Ok(now)
    }

    /// Begins the history of a store that has none.
    pub(super) fn begin_history(&mut self) -> heed::Result<()> {
        match self.store.history(&self.txn)? {
            Stamp { era: 0, .. } => self.set_history(Stamp {
                era: new_era(),
                sequence: 0,
            }),
            _ => Ok(()),
        }
    }

    /// Begins another history, which invalidates all entries of the store.
    pub(super) fn begin_era(&mut self) -> heed::Result<()> {
        self.store.tables.marks.clear(&mut self.txn)?;
        self.set_history(Stamp {
            era: new_era(),
            sequence: 0,
        })
    }

    /// Returns the bytes that are stored, as the budget counts them.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes the newest moment of the history.
    fn set_history(&mut self, now: Stamp) -> heed::Result<()> {
        let history = (u128::from(now.era) << 64 | u128::from(now.sequence)).to_be_bytes();
        self.store
            .tables
            .state
            .put(&mut self.txn, HISTORY, &history)
    }

    /// Reads the slot of a key. A damaged slot counts as absent.
    fn slot(&self, key: &KeyBytes) -> heed::Result<Option<Slot>> {
        Ok(self
            .store
            .tables
            .slots
            .get(&self.txn, key)?
            .and_then(Slot::decode))
    }

    /// Writes the slot of a key, and its row in the order of eviction.
    fn put_slot(&mut self, key: &KeyBytes, slot: Slot) -> heed::Result<()> {
        let tables = self.store.tables;
        tables.slots.put(&mut self.txn, key, &slot.encode())?;
        tables
            .recent
            .put(&mut self.txn, &timed(slot.used, key), &[])
    }
}

/// Returns `true` if a value of this length is accepted at all.
pub(super) fn fits(length: u64, budget: u64) -> bool {
    length.saturating_add(OVERHEAD) <= budget / LARGEST_SHARE
}

/// Returns the bytes that a value counts in the budget: the space that it takes on the disk.
fn cost(value: &Value, page: u64) -> u64 {
    let in_table = matches!(value.place, Place::Inline(_)) && value.length < page / PAGE_SHARE;
    // Pages of tables are full by two thirds.
    OVERHEAD
        + if in_table {
            value.length / 2 * 3
        } else {
            value.length.next_multiple_of(page)
        }
}

/// Returns a number that no other history of this store has. 0 means that there is no history.
fn new_era() -> u64 {
    crate::random::number().max(1)
}
