//! A directory that the processes of one host share: an LMDB database, and files for large values.
//!
//! Reads take microseconds and are made on the thread of the caller, because the database is mapped
//! into memory. Writes and large reads wait for other processes and for the disk, so they are made
//! on threads for blocking work, with a deadline.
//!
//! This file implements [`Tier`]; `shared.rs` implements [`Shared`]. `open.rs` opens a directory,
//! `home.rs` opens it again when its files were replaced, `store.rs` and `write.rs` read and change
//! the database, `room.rs` handles a full disk, and `sweep.rs` cleans up.

mod change;
mod check;
mod config;
mod file_system;
pub(super) mod files;
mod home;
mod homes;
mod identity;
mod inner;
pub(super) mod lease;
mod open;
mod processes;
mod recent_reads;
pub(super) mod record;
mod room;
mod shared;
mod store;
mod sweep;
mod write;

use std::sync::Arc;

use futures_util::future::{BoxFuture, Either, FutureExt, ready};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

pub use config::DiskConfig;

use self::change::is_full;
use self::inner::Inner;
use self::processes::Process;
use self::recent_reads::RecentReads;
use self::record::{Found, Place};
use self::sweep::Sweeper;
use self::write::{Value, Write};
use crate::error::Error;
use crate::{Entry, Key, Marks, Reading, Sealer, Selector, Shared, Tier, TierResult};

/// The limit of concurrent calls that block threads, for writes and for reads each. There is one
/// writer at a time anyway, and a disk that hangs must not occupy all threads of the runtime.
const BLOCKING: usize = 8;

/// A tier on a disk of this host.
///
/// All processes with the same directory share its entries, leases and marks. The directory must
/// not be on a network file system, and the processes must not run in different containers. A full
/// disk does not fail calls: entries are evicted, and fewer are kept until there is room again.
///
/// Each call that may block ends within the deadline of its [`DiskConfig`]. A change that has not
/// begun when its caller gives up is not made.
pub struct Disk {
    inner: Arc<Inner>,
    sweeper: Sweeper,
}

impl Disk {
    /// Opens a directory, which is created if it does not exist, and emptied if its content cannot
    /// be used.
    ///
    /// The content cannot be used if it is damaged, of another version, or from before the host was
    /// started. A database that is damaged or not one of a cache is renamed to `data.mdb.unusable`
    /// rather than deleted. Several tiers of one process can open the same directory. The call
    /// blocks while another process is opening the directory, for up to 10 s.
    ///
    /// # Errors
    /// If the directory cannot be used at all.
    pub fn open(config: DiskConfig, sealer: Sealer) -> Result<Self, Error> {
        let place = config.place();
        let unusable = |reason: String| Error::Directory {
            path: place.display().to_string(),
            reason: format!("{reason}; name another"),
        };
        let inner = Inner {
            home: homes::open(&place, config.max_bytes).map_err(unusable)?,
            sealer: sealer.within(config.namespace.as_deref().unwrap_or_default()),
            config,
            recent_reads: RecentReads::default(),
            process: Process::this(),
            writes: Arc::new(Semaphore::new(BLOCKING)),
            reads: Arc::new(Semaphore::new(BLOCKING)),
        };
        Ok(Self {
            inner: Arc::new(inner),
            sweeper: Sweeper::default(),
        })
    }

    /// Returns the bytes that all processes together have stored, as the budget counts them.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn stored_bytes(&self) -> TierResult<u64> {
        self.inner
            .home
            .read(|store, txn| store.bytes(txn))
            .map_err(words)
    }

    /// Reads the entry under a key and the marks of selectors, as they are at one moment. A value
    /// in the database is read at once, without waiting; one in a file is read on another thread.
    fn look<'a>(
        &'a self,
        key: &'a Key,
        selectors: Option<&'a [Selector]>,
    ) -> impl Future<Output = TierResult<Reading>> + Send + 'a {
        match self.noticed(self.inner.look(key, selectors)) {
            Ok((
                Some(
                    found @ Found {
                        place: Place::File(_),
                        ..
                    },
                ),
                marks,
            )) => Either::Right(self.look_in_file(key, selectors, Some(found), marks)),
            Ok((found, marks)) => Either::Left(ready(Ok(self.reading(key, found, marks)))),
            Err(error) => Either::Left(ready(Err(error))),
        }
    }

    /// Reads the file of an entry. If the file was replaced meanwhile, reads the entry again.
    async fn look_in_file(
        &self,
        key: &Key,
        selectors: Option<&[Selector]>,
        mut found: Option<Found>,
        mut marks: Marks,
    ) -> TierResult<Reading> {
        while let Some(Found {
            place: Place::File(file),
            ..
        }) = found
        {
            let key_bytes = *key.as_bytes();
            if let Some(sealed) = self
                .read_blocking(move |inner| {
                    inner
                        .home
                        .store()?
                        .files
                        .read(&key_bytes, file)
                        .map_err(heed::Error::Io)
                })
                .await?
            {
                found = found.map(|found| Found {
                    place: Place::Inline(sealed),
                    ..found
                });
                break;
            }
            // It was replaced in between, unless the database still names the same file.
            (found, marks) = self.noticed(self.inner.look(key, selectors))?;
            found =
                found.filter(|found| !matches!(found.place, Place::File(again) if again == file));
        }
        Ok(self.reading(key, found, marks))
    }

    /// Opens what was found, and remembers that it was read.
    fn reading(&self, key: &Key, found: Option<Found>, marks: Marks) -> Reading {
        let entry = found.and_then(|found| self.inner.unseal(key, &found));
        if entry.is_some() && self.inner.recent_reads.add(key.as_bytes()) {
            self.sweeper.keep_running(&self.inner);
        }
        Reading { entry, marks }
    }

    /// Returns the result of a read. If the store could not be read, it is opened again on another
    /// thread.
    fn noticed<T>(&self, result: heed::Result<T>) -> TierResult<T> {
        if result.is_err()
            && !self.inner.home.is_being_renewed()
            && let Ok(runtime) = Handle::try_current()
        {
            let home = self.inner.home.clone();
            // An error of this is that of the next call, too.
            runtime.spawn_blocking(move || drop(home.renewed()));
        }
        result.map_err(words)
    }

    /// Seals an entry, and makes a change with it on another thread. The value is `None` if it is
    /// not accepted.
    async fn store_blocking(
        &self,
        key: &Key,
        entry: &Entry,
        mut change: impl FnMut(&mut Write<'_>, &Key, Option<&Value>) -> heed::Result<bool>
        + Send
        + 'static,
    ) -> TierResult<bool> {
        self.sweeper.keep_running(&self.inner);
        let (key, entry) = (*key, entry.clone());
        self.blocking(&self.inner.writes, move |inner, wanted| {
            let value = match inner.prepare(&key, &entry, wanted) {
                // A disk without room for it is not down.
                Err(error) if is_full(&error) => None,
                other => other?,
            };
            // Without room for the value, the change is made without it, so that at least the old
            // value is removed.
            let kept = match inner.write(wanted, |write| change(write, &key, value.as_ref())) {
                Err(error) if is_full(&error) && value.is_some() => {
                    inner.write(wanted, |write| change(write, &key, None))
                }
                other => other,
            };
            if let (
                Some(Value {
                    place: Place::File(file),
                    ..
                }),
                false,
            ) = (&value, matches!(kept, Ok(true)))
            {
                inner.home.store()?.files.remove(key.as_bytes(), *file);
            }
            kept
        })
        .await
    }

    /// Makes a change on another thread.
    async fn write_blocking<T: Send + 'static>(
        &self,
        change: impl FnMut(&mut Write<'_>) -> heed::Result<T> + Send + 'static,
    ) -> TierResult<T> {
        self.blocking(&self.inner.writes, move |inner, wanted| {
            inner.write(wanted, change)
        })
        .await
    }

    /// Reads on another thread. Reads and writes have separate permits, so that writers that wait
    /// for each other do not delay reads.
    async fn read_blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Inner) -> heed::Result<T> + Send + 'static,
    ) -> TierResult<T> {
        self.blocking(&self.inner.reads, move |inner, _| read(inner))
            .await
    }

    /// Does work on a thread for blocking work, and waits for it until the deadline. The work can
    /// ask whether the caller still waits.
    async fn blocking<T: Send + 'static>(
        &self,
        permits: &Arc<Semaphore>,
        work: impl FnOnce(&Inner, &dyn Fn() -> bool) -> heed::Result<T> + Send + 'static,
    ) -> TierResult<T> {
        let answer = async {
            let permit = permits
                .clone()
                .acquire_owned()
                .await
                .expect("it is never closed");
            let inner = self.inner.clone();
            let (sender, receiver) = oneshot::channel();
            tokio::task::spawn_blocking(move || {
                let _permit = permit;
                let result = work(&inner, &|| !sender.is_closed());
                // Before the answer is sent, so that a caller with all its answers can close the
                // store.
                drop(inner);
                // An error means that nobody waits any more.
                let _ = sender.send(result);
            });
            receiver.await
        };
        let deadline = self.inner.config.deadline;
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(result)) => result.map_err(words),
            Ok(Err(_)) => Err("the blocking task was canceled".into()),
            Err(_) => Err(format!("no answer within {} ms", deadline.as_millis())),
        }
    }
}

impl Tier for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn place(&self) -> String {
        format!(
            "{}, at most {} MiB",
            self.inner.config.place().display(),
            self.inner.config.max_bytes.div_ceil(1 << 20)
        )
    }

    fn trouble(&self) -> Option<String> {
        self.inner.home.room.trouble()
    }

    /// Returns `true` if the disk is not full, and the entry takes less than half of the budget.
    fn takes(&self, entry: &Entry) -> bool {
        let size = entry.bytes().len() as u64;
        let room = self.inner.home.room.of(self.inner.config.max_bytes);
        // The cost of an entry besides its bytes, and room for other entries, are included roughly.
        self.trouble().is_none() && size.saturating_mul(2) < room
    }

    /// Reads the entry on this thread, or on another one if its value is in a file.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        self.look(key, None)
            .map(|reading| reading.map(|reading| reading.entry))
            .boxed()
    }

    /// Stores the entry and ends the lease in one transaction.
    fn set<'a>(&'a self, key: &'a Key, entry: &'a Entry) -> BoxFuture<'a, TierResult<bool>> {
        self.store_blocking(key, entry, |write, key, value| {
            write.end_lease(key.as_bytes())?;
            write.replace(key.as_bytes(), value)
        })
        .boxed()
    }

    /// Removes the entry and ends the lease in one transaction.
    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        let key = *key;
        self.write_blocking(move |write| {
            write.end_lease(key.as_bytes())?;
            write.remove(key.as_bytes())
        })
        .boxed()
    }

    fn shared(&self) -> Option<&dyn Shared> {
        Some(self)
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
