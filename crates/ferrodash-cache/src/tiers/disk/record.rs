//! The keys and records of the tables, as bytes. Numbers are big-endian, so that they sort.
//!
//! A change of these forms needs another version in `open.rs`.

use std::time::Duration;

use bytes::Bytes;

/// The length of the header of a value: its expiry, the id of its entry, and where the value is.
pub(super) const HEADER: usize = 8 + 8 + 1;

/// The bytes of a [`crate::Key`].
pub(super) type KeyBytes = [u8; 32];

/// The keys of the table `state`.
pub(super) const HISTORY: &[u8] = b"history";
pub(super) const BYTES: &[u8] = b"bytes";
pub(super) const TURN: &[u8] = b"turn";

/// The place of a value.
pub(super) enum Place {
    /// The database, which contains the sealed entry.
    Inline(Bytes),
    /// The file with this number.
    File(u64),
}

/// A value that was found.
pub(super) struct Found {
    pub(super) place: Place,
    /// The id of the entry; see [`crate::Entry::id`].
    pub(super) id: u64,
    /// The time for which the value may still be served.
    pub(super) left: Duration,
}

/// The data of an entry that eviction needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The time of the last use that is known, in milliseconds since 1970.
    pub(super) used: u64,
    /// The end of the lifetime, in milliseconds since 1970.
    pub(super) expiry: u64,
    /// The bytes that the entry counts in the budget.
    pub(super) cost: u64,
    /// The number of its file, if its value is in one.
    pub(super) file: Option<u64>,
}

impl Slot {
    /// Returns the record of the slot: four numbers, and a byte that says whether there is a file.
    pub(crate) fn encode(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        let numbers = [self.used, self.expiry, self.cost, self.file.unwrap_or(0)];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        bytes[32] = u8::from(self.file.is_some());
        bytes
    }

    /// Reads a record. Returns `None` if it has another length.
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

/// Returns the header of a value.
pub(super) fn header(expiry: u64, id: u64, in_file: bool) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&expiry.to_be_bytes());
    bytes[8..16].copy_from_slice(&id.to_be_bytes());
    bytes[16] = u8::from(in_file);
    bytes
}

/// Returns the number at an offset, or 0 if there are too few bytes.
pub(super) fn number(bytes: &[u8], offset: usize) -> u64 {
    bytes
        .get(offset..)
        .and_then(|bytes| bytes.first_chunk())
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Joins a time and a key to a key that sorts by time.
pub(super) fn timed(time: u64, key: &KeyBytes) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&time.to_be_bytes());
    bytes[8..].copy_from_slice(key);
    bytes
}

/// Returns the key in such a key.
pub(super) fn key_of(timed: &[u8]) -> Option<KeyBytes> {
    timed.get(8..)?.try_into().ok()
}
