//! A directory, shared by the processes of one host: an LMDB database, and files for large values.
//!
//! Reads take microseconds and are made where they are asked for, as the database is mapped into
//! memory; writes and large reads wait for other processes and for the disk, and are made on
//! threads that may block.

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

/// Calls of a kind that may block threads at the same time. There is one writer at a time anyway; a
/// disk that hangs must not take all threads of the runtime.
const BLOCKING: usize = 8;

/// Entries on the disk of this host.
pub struct Disk {
    inner: Arc<Inner>,
    sweeper: Sweeper,
}

impl Disk {
    /// Opens a directory, which is created if there is none, and emptied if what it holds cannot be
    /// used.
    ///
    /// # Errors
    /// When the directory cannot be used at all.
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

    /// Bytes that are kept, as the budget counts them, by all processes together.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn stored_bytes(&self) -> TierResult<u64> {
        self.inner
            .home
            .read(|store, txn| store.bytes(txn))
            .map_err(words)
    }

    /// The entry under a key with the marks of selectors, as they are at one moment. What is in the
    /// database is read at once, without waiting.
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

    /// What was found, and a note that it was read.
    fn reading(&self, key: &Key, found: Option<Found>, marks: Marks) -> Reading {
        let entry = found.and_then(|found| self.inner.unseal(key, &found));
        if entry.is_some() && self.inner.recent_reads.add(key.as_bytes()) {
            self.sweeper.keep_running(&self.inner);
        }
        Reading { entry, marks }
    }

    /// What a look at the store gave. One that is not as it should be is opened again, off the
    /// async threads.
    fn noticed<T>(&self, result: heed::Result<T>) -> TierResult<T> {
        if result.is_err()
            && !self.inner.home.is_being_renewed()
            && let Ok(runtime) = Handle::try_current()
        {
            let home = self.inner.home.clone();
            // An error is that of the next call, too.
            runtime.spawn_blocking(move || drop(home.renewed()));
        }
        result.map_err(words)
    }

    /// Seals an entry, and makes a change with it off the async threads. The value is `None` if it
    /// is not taken.
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

    /// Makes a change off the async threads.
    async fn write_blocking<T: Send + 'static>(
        &self,
        change: impl FnMut(&mut Write<'_>) -> heed::Result<T> + Send + 'static,
    ) -> TierResult<T> {
        self.blocking(&self.inner.writes, move |inner, wanted| {
            inner.write(wanted, change)
        })
        .await
    }

    async fn read_blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Inner) -> heed::Result<T> + Send + 'static,
    ) -> TierResult<T> {
        self.blocking(&self.inner.reads, move |inner, _| read(inner))
            .await
    }

    /// Does work on a thread that may block, and waits for it until the deadline.
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
                // Before the answer, so that who has all answers can close the store.
                drop(inner);
                // Nobody waits any more.
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

    fn takes(&self, entry: &Entry) -> bool {
        let size = entry.bytes().len() as u64;
        let room = self.inner.home.room.of(self.inner.config.max_bytes);
        // With what an entry costs beside its bytes, and some room for others.
        self.trouble().is_none() && size.saturating_mul(2) < room
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        self.look(key, None)
            .map(|reading| reading.map(|reading| reading.entry))
            .boxed()
    }

    fn set<'a>(&'a self, key: &'a Key, entry: &'a Entry) -> BoxFuture<'a, TierResult<bool>> {
        self.store_blocking(key, entry, |write, key, value| {
            write.end_lease(key.as_bytes())?;
            write.replace(key.as_bytes(), value)
        })
        .boxed()
    }

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
