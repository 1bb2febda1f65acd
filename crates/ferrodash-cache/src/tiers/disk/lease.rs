//! Leases: a record under a key that one caller can hold, and that expires by itself.
//!
//! Processes of one host share a clock, and a process can see whether another one still runs. So a
//! lease also ends with the process that holds it.

use bytes::{Buf, BufMut};
use heed::RoTxn;

use super::processes::Process;
use super::record::KeyBytes;
use super::store::Store;
use super::write::Write;
use crate::clock::unix_millis;
use crate::{LeaseRequest, Stamp};

/// A lease, as the table of leases has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(super) token: u64,
    /// The process of the holder. The lease of a process that has ended does not count.
    pub(super) holder: Process,
    /// The end of the lease, in milliseconds since 1970.
    pub(super) deadline: u64,
    /// The moment in the store's history at which the computation began.
    pub(super) born: Stamp,
}

impl Lease {
    const LENGTH: usize = 8 + 4 + 8 + 8 + 8 + 8;

    /// Returns the milliseconds that the lease has left, or `None` if its time has ended or its
    /// holder is gone.
    pub(super) fn left(&self, now: u64, observer: Process) -> Option<u64> {
        self.deadline
            .checked_sub(now)
            .filter(|left| *left > 0 && self.holder.is_alive(observer))
    }

    /// Returns `true` if the result of the holder can be of use to the caller, because nothing was
    /// invalidated since its computation began.
    pub(super) fn serves(&self, request: &LeaseRequest) -> bool {
        self.born.era == request.born.era && self.born.sequence >= request.newest
    }

    /// Returns the record of the lease.
    pub(crate) fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let mut out = &mut bytes[..];
        out.put_u64(self.token);
        out.put_u32(self.holder.id);
        out.put_u64(self.holder.started);
        out.put_u64(self.deadline);
        out.put_u64(self.born.era);
        out.put_u64(self.born.sequence);
        bytes
    }

    /// Reads a record. Returns `None` if it has another length.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        (bytes.len() == Self::LENGTH).then(|| Self {
            token: bytes.get_u64(),
            holder: Process {
                id: bytes.get_u32(),
                started: bytes.get_u64(),
            },
            deadline: bytes.get_u64(),
            born: Stamp {
                era: bytes.get_u64(),
                sequence: bytes.get_u64(),
            },
        })
    }
}

impl Store {
    /// Returns the lease of a key, even if it no longer counts.
    pub(super) fn lease(&self, txn: &RoTxn<'_>, key: &KeyBytes) -> heed::Result<Option<Lease>> {
        Ok(self.tables.leases.get(txn, key)?.and_then(Lease::decode))
    }

    /// Returns the keys of leases that no longer count.
    pub(super) fn ended_leases(&self, observer: Process) -> heed::Result<Vec<KeyBytes>> {
        let now = unix_millis();
        self.read(|txn| {
            let mut ended = Vec::new();
            for lease in self.tables.leases.iter(txn)? {
                let (key, lease) = lease?;
                let counts =
                    Lease::decode(lease).is_some_and(|lease| lease.left(now, observer).is_some());
                if let (false, Ok(key)) = (counts, KeyBytes::try_from(key)) {
                    ended.push(key);
                }
            }
            Ok(ended)
        })
    }
}

impl Write<'_> {
    /// Returns the lease of a key, even if it no longer counts.
    pub(super) fn lease(&self, key: &KeyBytes) -> heed::Result<Option<Lease>> {
        self.store.lease(&self.txn, key)
    }

    /// Returns the lease of a key if `token` holds it.
    pub(super) fn held(&self, key: &KeyBytes, token: u64) -> heed::Result<Option<Lease>> {
        Ok(self
            .lease(key)?
            .filter(|lease| lease.token == token && lease.deadline > self.now))
    }

    /// Writes the lease of a key, and replaces another one.
    pub(super) fn lend(&mut self, key: &KeyBytes, lease: &Lease) -> heed::Result<()> {
        self.store
            .tables
            .leases
            .put(&mut self.txn, key, &lease.encode())
    }

    /// Ends the lease of a key, for any holder.
    pub(super) fn end_lease(&mut self, key: &KeyBytes) -> heed::Result<()> {
        self.store
            .tables
            .leases
            .delete(&mut self.txn, key)
            .map(drop)
    }

    /// Ends the lease of a key if it does not count.
    pub(super) fn end_void_lease(&mut self, key: &KeyBytes, observer: Process) -> heed::Result<()> {
        match self.lease(key)? {
            Some(lease) if lease.left(self.now, observer).is_some() => Ok(()),
            _ => self.end_lease(key),
        }
    }
}
