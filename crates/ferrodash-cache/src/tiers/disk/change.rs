//! Changes of the database, each in one transaction. If the disk is full, room is made first.

use heed::MdbError;

use super::record::KeyBytes;
use super::store::Store;
use super::write::{Write, Writer};

/// The number of entries that are evicted in the first transaction after the disk was full, and the
/// limit for each later one. Pages that a transaction frees can be used by the next but one, so the
/// first transactions have to make do with what is left.
const FIRST_EVICTED: usize = 2;
const MOST_EVICTED: usize = 256;

/// The number of attempts of a change after room was made for it.
const ATTEMPTS: usize = 2;

impl Store {
    /// Makes a change of the database, completely or not at all. Waits for writers of other
    /// processes.
    ///
    /// `change` can run more than once, each time in a new transaction.
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

    /// Evicts a part of the entries, because there is less room than the budget allows.
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

    /// Writes a value that is too large for the database, and makes room for it once if the disk is
    /// full.
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

    /// Makes a change in one transaction, unless the caller no longer waits for it.
    fn attempt<T>(
        &self,
        writer: Writer<'_>,
        change: &mut impl FnMut(&mut Write<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let mut write = Write::begin(self, writer)?;
        if !(writer.wanted)() {
            return Err(std::io::Error::other("the caller no longer waits for it").into());
        }
        let result = change(&mut write)?;
        write.commit()?;
        Ok(result)
    }
}

/// Returns `true` if there is no room on the disk, in the quota of its user, or in the map.
pub(super) fn is_full(error: &heed::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error {
        heed::Error::Mdb(error) => matches!(error, MdbError::MapFull | MdbError::TxnFull),
        heed::Error::Io(error) => matches!(error.kind(), StorageFull | QuotaExceeded),
        _ => false,
    }
}
