//! The database: its tables, and reading them. `change.rs` and `write.rs` change them.
//!
//! Readers never wait. There is one writer at a time among all processes, so what a change reads
//! stays true until it is committed. A process that is killed during a change leaves no trace of
//! it.

use std::fs::File;
use std::time::Duration;

use bytes::Bytes;
use heed::types::Bytes as Raw;
use heed::{Database, Env, MdbError, RoTxn, WithoutTls};

use super::files::Files;
use super::identity::Guarded;
use super::record::{BYTES, Found, HEADER, HISTORY, KeyBytes, Place, Slot, number};
use crate::clock::unix_millis;
use crate::{Marks, Selector, Stamp};

/// The address space for the database. All processes must agree on it, so it is not an option. The
/// file only grows as far as the budget lets it.
pub(super) const MAP_SIZE: usize = if cfg!(target_pointer_width = "64") {
    64 << 30
} else {
    1 << 30
};

/// A table whose keys and values are bytes.
pub(super) type Table = Database<'static, Raw, Raw>;

/// The tables. All numbers are big-endian, so that they sort.
#[derive(Clone, Copy)]
pub(super) struct Tables {
    /// Key → header, and the sealed entry or the number of its file. All that a read needs.
    pub(super) values: Table,
    /// Key → a [`Slot`] with the data that eviction needs.
    pub(super) slots: Table,
    /// Last use and key, in the order of eviction.
    pub(super) recent: Table,
    /// Expiry and key, in the order in which entries expire.
    pub(super) expiring: Table,
    /// Key → the holder of its lease.
    pub(super) leases: Table,
    /// Selector → sequence number of its last invalidation.
    pub(super) marks: Table,
    /// Era and sequence number, and the bytes that are kept.
    pub(super) state: Table,
}

impl Tables {
    /// The number of tables.
    pub(super) const COUNT: u32 = 7;
}

/// An open database with its files. It closes when the last clone of its `Arc` is dropped.
pub(super) struct Store {
    /// The lock of a process that uses the database. It is released before the database closes, for
    /// which [`super::open`] waits.
    pub(super) _in_use: File,
    pub(super) env: Env<WithoutTls>,
    pub(super) tables: Tables,
    pub(super) files: Files,
    /// The size of a page in bytes.
    pub(super) page: u64,
    /// The files that are mapped into memory. They are closed after the database: closing any
    /// handle of a file ends this process's locks on it, which show others that it is running.
    pub(super) guarded: Guarded,
}

impl Store {
    /// Returns `true` if everything that is mapped exists, so that it can be read.
    pub(super) fn is_whole(&self) -> bool {
        self.guarded.is_whole(|| {
            let info = self.env.info();
            let used = (info.last_page_number as u64 + 1) * self.page;
            used.min(info.map_size as u64)
        })
    }

    /// Reads the database as it is at one moment. Results must be copied, and the transaction must
    /// be short, because the pages that a reader sees cannot be reused.
    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&RoTxn<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let txn = match self.env.read_txn() {
            // Killed processes leave their slots behind.
            Err(heed::Error::Mdb(MdbError::ReadersFull)) => {
                self.env.clear_stale_readers()?;
                self.env.read_txn()?
            }
            other => other?,
        };
        look(&txn)
    }

    /// Returns the value under a key, unless it has expired.
    pub(super) fn value(&self, txn: &RoTxn<'_>, key: &KeyBytes) -> heed::Result<Option<Found>> {
        let Some(stored) = self.tables.values.get(txn, key)? else {
            return Ok(None);
        };
        let Some((header, body)) = stored.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let left = number(header, 0).saturating_sub(unix_millis());
        if left == 0 {
            return Ok(None);
        }
        let place = match header[16] {
            0 => Place::Inline(Bytes::copy_from_slice(body)),
            _ => Place::File(number(body, 0)),
        };
        Ok(Some(Found {
            place,
            id: number(header, 8),
            left: Duration::from_millis(left),
        }))
    }

    /// Returns the marks of selectors.
    pub(super) fn marks(&self, txn: &RoTxn<'_>, selectors: &[Selector]) -> heed::Result<Marks> {
        let mut newest = 0;
        for selector in selectors {
            if let Some(mark) = self.tables.marks.get(txn, selector.as_bytes())? {
                newest = newest.max(number(mark, 0));
            }
        }
        Ok(Marks {
            now: self.history(txn)?,
            newest,
            history: 0,
        })
    }

    /// Returns the newest moment of the history.
    pub(super) fn history(&self, txn: &RoTxn<'_>) -> heed::Result<Stamp> {
        let history = self.tables.state.get(txn, HISTORY)?.unwrap_or_default();
        Ok(Stamp {
            era: number(history, 0),
            sequence: number(history, 8),
        })
    }

    /// Returns the bytes that are stored, as the budget counts them.
    pub(super) fn bytes(&self, txn: &RoTxn<'_>) -> heed::Result<u64> {
        Ok(number(
            self.tables.state.get(txn, BYTES)?.unwrap_or_default(),
            0,
        ))
    }

    /// Returns `true` if the lifetime of an entry has ended.
    pub(super) fn has_expired(&self) -> heed::Result<bool> {
        let now = unix_millis();
        self.read(|txn| {
            Ok(self
                .tables
                .expiring
                .first(txn)?
                .is_some_and(|(timed, _)| number(timed, 0) <= now))
        })
    }

    /// Removes files to which the database does not refer.
    pub(super) fn remove_left_over_files(&self, alone: bool) -> std::io::Result<()> {
        let refers = |key: &KeyBytes, file: u64| {
            let slot = self.read(|txn| Ok(self.tables.slots.get(txn, key)?.and_then(Slot::decode)));
            // If the database cannot be read, the file stays.
            slot.map_or(true, |slot| {
                slot.is_some_and(|slot| slot.file == Some(file))
            })
        };
        self.files.remove_left_over(alone, refers)
    }
}
