//! The state that the tier and its sweeper share: the store, with everything that a change of it
//! needs.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::config::DiskConfig;
use super::home::Home;
use super::processes::Process;
use super::recent_reads::RecentReads;
use super::record::{Found, Place};
use super::write::{Value, Write, Writer, fits};
use crate::clock::{millis, unix_millis};
use crate::{Entry, Key, Marks, Sealer, Selector};

/// The longest sealed entry that is stored in the database. A longer one is stored in a file,
/// because the database would be slower and has to find consecutive pages for it.
const INLINE: usize = 64 << 10;

/// The state behind a [`Disk`](super::Disk).
pub(super) struct Inner {
    pub(super) home: Arc<Home>,
    pub(super) sealer: Sealer,
    pub(super) config: DiskConfig,
    /// The entries that were read since the last sweep.
    pub(super) recent_reads: RecentReads,
    /// This process, as the holder of its leases.
    pub(super) process: Process,
    /// The permits for writes, and those for reads, on threads that may block.
    pub(super) writes: Arc<Semaphore>,
    pub(super) reads: Arc<Semaphore>,
}

impl Inner {
    /// Reads a value and the marks of selectors in one transaction, so that both are from the same
    /// moment.
    pub(super) fn look(
        &self,
        key: &Key,
        selectors: Option<&[Selector]>,
    ) -> heed::Result<(Option<Found>, Marks)> {
        self.home.read(|store, txn| {
            let found = store.value(txn, key.as_bytes())?;
            let marks = selectors.map_or(Ok(Marks::default()), |selectors| {
                store.marks(txn, selectors)
            })?;
            Ok((found, marks))
        })
    }

    /// Opens the sealed form that was found in the database or read from its file.
    pub(super) fn unseal(&self, key: &Key, found: &Found) -> Option<Entry> {
        let Place::Inline(sealed) = &found.place else {
            return None;
        };
        self.sealer.open(key, sealed, found.left)
    }

    /// Seals an entry, and writes its file if it is long. Returns `None` if the entry is too large
    /// or its lifetime has ended.
    ///
    /// The file is written before the transaction, which is then short.
    pub(super) fn prepare(
        &self,
        key: &Key,
        entry: &Entry,
        wanted: &dyn Fn() -> bool,
    ) -> heed::Result<Option<Value>> {
        let Some(left) = entry.lifetime_left() else {
            return Ok(None);
        };
        let sealed: Bytes = self.sealer.seal(key, entry);
        let length = sealed.len() as u64;
        if !fits(length, self.config.max_bytes) {
            return Ok(None);
        }
        let expiry = unix_millis().saturating_add(millis(left));
        let place = if sealed.len() <= INLINE {
            Place::Inline(sealed)
        } else {
            Place::File(self.home.renewed()?.write_file(
                self.writer(wanted),
                key.as_bytes(),
                &sealed,
            )?)
        };
        Ok(Some(Value {
            place,
            id: entry.id(),
            expiry,
            length,
        }))
    }

    /// Changes the store with the settings of this tier.
    pub(super) fn write<T>(
        &self,
        wanted: &dyn Fn() -> bool,
        change: impl FnMut(&mut Write<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        self.home.write(self.writer(wanted), change)
    }

    /// Returns what a change has to know of this tier.
    pub(super) fn writer<'a>(&'a self, wanted: &'a dyn Fn() -> bool) -> Writer<'a> {
        Writer {
            budget: self.config.max_bytes,
            recent_reads: &self.recent_reads,
            room: &self.home.room,
            wanted,
        }
    }
}
