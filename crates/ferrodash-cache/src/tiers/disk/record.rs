//! What the tables hold: their keys and records, as bytes.

use std::time::Duration;

use bytes::Bytes;

/// Before the value: until when it may be served, which entry it is, and where the value is.
pub(super) const HEADER: usize = 8 + 8 + 1;

/// The bytes of a [`crate::Key`].
pub(super) type KeyBytes = [u8; 32];

/// Names in the table of the state.
pub(super) const HISTORY: &[u8] = b"history";
pub(super) const BYTES: &[u8] = b"bytes";
pub(super) const TURN: &[u8] = b"turn";

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
    /// How much longer it may be served.
    pub(super) left: Duration,
}

/// What eviction needs to know of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// When it was last used, as far as is known.
    pub(super) used: u64,
    /// Until when it may be served.
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

/// A time and a key, which sort by time.
pub(super) fn timed(time: u64, key: &KeyBytes) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&time.to_be_bytes());
    bytes[8..].copy_from_slice(key);
    bytes
}

pub(super) fn key_of(timed: &[u8]) -> Option<KeyBytes> {
    timed.get(8..)?.try_into().ok()
}
