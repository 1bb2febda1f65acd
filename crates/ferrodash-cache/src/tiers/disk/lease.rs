//! Leases: a record that one caller can hold under a key, and that ends by itself.

use bytes::{Buf, BufMut};
use heed::RoTxn;

use super::processes::Process;
use super::record::KeyBytes;
use super::store::Store;
use super::write::Write;
use crate::clock::unix_millis;
use crate::{LeaseRequest, Stamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(super) token: u64,
    /// Whose it is: the lease of a process that is gone does not count.
    pub(super) holder: Process,
    /// Until when it counts, in milliseconds since 1970.
    pub(super) deadline: u64,
    /// When the computation began, in the store's history.
    pub(super) born: Stamp,
}

impl Lease {
    const LENGTH: usize = 8 + 4 + 8 + 8 + 8 + 8;

    /// Milliseconds for which it still counts, as far as time and its holder go; `None` if it does
    /// not.
    pub(super) fn left(&self, now: u64, observer: Process) -> Option<u64> {
        self.deadline
            .checked_sub(now)
            .filter(|left| *left > 0 && self.holder.is_alive(observer))
    }

    /// Whether what its holder computes can still be of use to the caller.
    pub(super) fn serves(&self, request: &LeaseRequest) -> bool {
        self.born.era == request.born.era && self.born.sequence >= request.newest
    }

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
    /// The lease of a key, whether or not it still counts.
    pub(super) fn lease(&self, txn: &RoTxn<'_>, key: &KeyBytes) -> heed::Result<Option<Lease>> {
        Ok(self.tables.leases.get(txn, key)?.and_then(Lease::decode))
    }

    /// Keys of leases that no longer count.
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
    /// The lease of a key, whether or not it still counts.
    pub(super) fn lease(&self, key: &KeyBytes) -> heed::Result<Option<Lease>> {
        self.store.lease(&self.txn, key)
    }

    /// The lease of a key if `token` holds it.
    pub(super) fn held(&self, key: &KeyBytes, token: u64) -> heed::Result<Option<Lease>> {
        Ok(self
            .lease(key)?
            .filter(|lease| lease.token == token && lease.deadline > self.now))
    }

    /// Gives the lease of a key to someone.
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
