//! The database: its tables, reading it, and changing it in one transaction.
//!
//! Readers never wait. There is one writer at a time among all processes, so what a change reads
//! stays true until it is committed; a process that is killed in the middle of one leaves no trace
//! of it.

use std::fs::File;
use std::time::Duration;

use bytes::Bytes;
use heed::types::Bytes as Raw;
use heed::{Database, Env, MdbError, RoTxn, WithoutTls};

use super::files::Files;
use super::identity::Guarded;
use super::notes::Notes;
use super::room::Room;
use super::write::Write;
pub(super) use crate::clock::{millis, unix_millis};
use crate::{Marks, Scope, Stamp};

/// Before the value: until when it may be given back, which entry it is, and where the value is.
const HEADER: usize = 8 + 8 + 1;

/// Entries that are evicted in the first transaction after the disk was full, and at most in each
/// later one. Pages that one frees are used again by the next but one, so the first have to do with
/// what is left.
const FIRST_EVICTED: usize = 2;
const MOST_EVICTED: usize = 256;

/// How often a change is tried again after room was made for it.
const ATTEMPTS: usize = 2;

/// The bytes of a [`crate::Key`].
pub(super) type KeyBytes = [u8; 32];

/// A table, of bytes.
pub(super) type Table = Database<'static, Raw, Raw>;

/// The tables. All numbers are big-endian, so that they sort.
#[derive(Clone, Copy)]
pub(super) struct Tables {
    /// Key → header, and the sealed entry or the number of its file. All that a read needs.
    pub(super) values: Table,
    /// Key → a [`Slot`]: what eviction needs to know.
    pub(super) slots: Table,
    /// Last use and key, in the order of eviction.
    pub(super) recent: Table,
    /// Expiry and key, in the order in which they go.
    pub(super) expiring: Table,
    /// Key → who computes it.
    pub(super) leases: Table,
    /// Scope → sequence number of its last invalidation.
    pub(super) marks: Table,
    /// Era and sequence number, and the bytes that are kept.
    pub(super) state: Table,
}

impl Tables {
    /// How many there are.
    pub(super) const COUNT: u32 = 7;
}

/// Names in [`Tables::state`].
pub(super) const HISTORY: &[u8] = b"history";
pub(super) const BYTES: &[u8] = b"bytes";
pub(super) const TURN: &[u8] = b"turn";

pub(super) struct Store {
    /// Held for as long as the database is in use; given back before it closes, as [`super::open`]
    /// waits for that.
    pub(super) _in_use: File,
    pub(super) env: Env<WithoutTls>,
    pub(super) tables: Tables,
    pub(super) files: Files,
    /// Bytes of a page.
    pub(super) page: u64,
    /// The files that are mapped into memory. Closed after the database: closing any handle of a
    /// file ends this process's locks on it, by which others see that it lives.
    pub(super) guarded: Guarded,
}

/// Where a value is.
pub(super) enum Place {
    /// In the database: the sealed entry.
    Inline(Bytes),
    /// In the file with this number.
    File(u64),
}

/// A value that was found.
pub(super) struct Found {
    pub(super) place: Place,
    /// The [`crate::Entry::id`].
    pub(super) id: u64,
    /// How much longer it may be given back.
    pub(super) left: Duration,
}

/// What a change has to know of the tier that makes it.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) budget: u64,
    pub(super) notes: &'a Notes,
    pub(super) room: &'a Room,
    /// Whether somebody still waits for the change. What nobody waits for must not happen any more:
    /// the caller was told that it failed, and may have written something newer.
    pub(super) wanted: &'a dyn Fn() -> bool,
}

impl Store {
    /// Looks at the database as it is at one moment. What it finds must be copied, as the pages
    /// that a reader sees cannot be used again.
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

    /// Changes the database, all or nothing. Waits for writers of other processes.
    pub(super) fn write<T>(
        &self,
        writer: Writer<'_>,
        mut change: impl FnMut(&mut Write<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let mut result = self.attempt(writer, &mut change);
        for _ in 0..ATTEMPTS {
            match &result {
                Err(error) if is_full(error) => self.relieve(writer, error)?,
                _ => break,
            }
            result = self.attempt(writer, &mut change);
        }
        result
    }

    /// Evicts a part of the entries, as there is less room than the budget allows.
    fn relieve(&self, writer: Writer<'_>, error: &heed::Error) -> heed::Result<()> {
        let bytes = self.read(|txn| self.bytes(txn))?;
        let target = writer.room.ran_out(bytes, error);
        let (mut most, mut rounds) = (FIRST_EVICTED, 0);
        loop {
            let left = self.attempt(writer, &mut |write| {
                write.turn_page()?;
                write.evict(target, most)?;
                Ok(write.bytes())
            })?;
            rounds += 1;
            if left <= target && rounds > ATTEMPTS {
                break;
            }
            most = (2 * most).min(MOST_EVICTED);
        }
        writer.room.make_reserve();
        Ok(())
    }

    /// Writes a value that is too large for the database.
    pub(super) fn write_file(
        &self,
        writer: Writer<'_>,
        key: &KeyBytes,
        sealed: &[u8],
    ) -> heed::Result<u64> {
        match self.files.write(key, sealed).map_err(heed::Error::Io) {
            Err(error) if is_full(&error) => {
                self.relieve(writer, &error)?;
                Ok(self.files.write(key, sealed)?)
            }
            other => other,
        }
    }

    fn attempt<T>(
        &self,
        writer: Writer<'_>,
        change: &mut impl FnMut(&mut Write<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let mut write = Write::begin(self, writer)?;
        if !(writer.wanted)() {
            return Err(std::io::Error::other("it is no longer waited for").into());
        }
        let result = change(&mut write)?;
        write.commit()?;
        Ok(result)
    }

    /// The value under a key.
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

    /// The marks of scopes.
    pub(super) fn marks(&self, txn: &RoTxn<'_>, scopes: &[Scope]) -> heed::Result<Marks> {
        let mut newest = 0;
        for scope in scopes {
            if let Some(mark) = self.tables.marks.get(txn, scope.as_bytes())? {
                newest = newest.max(number(mark, 0));
            }
        }
        Ok(Marks {
            now: self.history(txn)?,
            newest,
            history: 0,
        })
    }

    /// The newest moment of the history.
    pub(super) fn history(&self, txn: &RoTxn<'_>) -> heed::Result<Stamp> {
        let history = self.tables.state.get(txn, HISTORY)?.unwrap_or_default();
        Ok(Stamp {
            era: number(history, 0),
            sequence: number(history, 8),
        })
    }

    /// Bytes that are kept, as the budget counts them.
    pub(super) fn bytes(&self, txn: &RoTxn<'_>) -> heed::Result<u64> {
        Ok(number(
            self.tables.state.get(txn, BYTES)?.unwrap_or_default(),
            0,
        ))
    }

    /// Whether an entry is past its lifetime.
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

    /// Removes files that the database does not refer to.
    pub(super) fn remove_left_over_files(&self, alone: bool) -> std::io::Result<()> {
        let refers = |key: &KeyBytes, file: u64| {
            let slot = self.read(|txn| Ok(self.tables.slots.get(txn, key)?.and_then(Slot::decode)));
            // Where the database cannot be asked the file stays.
            slot.map_or(true, |slot| {
                slot.is_some_and(|slot| slot.file == Some(file))
            })
        };
        self.files.remove_left_over(alone, refers)
    }
}

/// What eviction needs to know of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// When it was last used, as far as is known.
    pub(super) used: u64,
    /// Until when it may be given back.
    pub(super) expiry: u64,
    /// What it counts in the budget.
    pub(super) cost: u64,
    /// Its file, if its value is in one.
    pub(super) file: Option<u64>,
}

impl Slot {
    pub(crate) fn encode(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        let numbers = [self.used, self.expiry, self.cost, self.file.unwrap_or(0)];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        bytes[32] = u8::from(self.file.is_some());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 33] = bytes.try_into().ok()?;
        let file = (bytes[32] == 1).then(|| number(bytes, 24));
        Some(Self {
            used: number(bytes, 0),
            expiry: number(bytes, 8),
            cost: number(bytes, 16),
            file,
        })
    }
}

/// The first bytes of a stored value.
pub(super) fn header(expiry: u64, id: u64, in_file: bool) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&expiry.to_be_bytes());
    bytes[8..16].copy_from_slice(&id.to_be_bytes());
    bytes[16] = u8::from(in_file);
    bytes
}

/// The number at an offset, 0 where there are too few bytes.
pub(super) fn number(bytes: &[u8], offset: usize) -> u64 {
    bytes
        .get(offset..)
        .and_then(|bytes| bytes.first_chunk())
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Whether there is no room on the disk, or in what its user may have of it.
pub(super) fn is_full(error: &heed::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error {
        heed::Error::Mdb(error) => matches!(error, MdbError::MapFull | MdbError::TxnFull),
        heed::Error::Io(error) => matches!(error.kind(), StorageFull | QuotaExceeded),
        _ => false,
    }
}
