//! A directory that this process uses, with the store in it, which can be replaced.
//!
//! Other programs may remove the directory and create it again, or cut its files off. A process
//! that continued with the old files would be alone with them. So it is checked from time to time
//! whether the open files are those in the directory. If not, they are closed and the directory is
//! opened again. All older entries are discarded then, because another store has another era.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use heed::RoTxn;

use super::open::{is_damage, open_store};
use super::room::Room;
use super::store::Store;
use super::write::{Write, Writer};
use crate::clock::unix_millis;

/// The interval, in milliseconds, at which reads check whether the files are those in the
/// directory. Writes always check.
const LOOK: u64 = 250;

/// The time that calls in progress may take until the old files are closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// A directory and its present store. Tiers of one process with the same directory share it.
pub(super) struct Home {
    directory: PathBuf,
    /// `None` while the directory is opened again. Locked for a look or a change, never while
    /// waiting.
    current: RwLock<Option<Arc<Store>>>,
    /// Held by the thread that opens the directory again.
    renewing: Mutex<()>,
    /// The time of the last check, in milliseconds since 1970.
    looked: AtomicU64,
    pub(super) room: Room,
}

impl Home {
    /// Opens the store in a directory, whose path has neither links nor dots. The error is the
    /// reason in words.
    pub(super) fn open(directory: &Path, budget: u64) -> Result<Self, String> {
        let room = Room::new(directory, budget);
        let store = open_store(directory, &room, None)?;
        room.make_reserve();
        Ok(Self {
            directory: directory.to_owned(),
            current: RwLock::new(Some(Arc::new(store))),
            renewing: Mutex::default(),
            looked: AtomicU64::new(unix_millis()),
            room,
        })
    }

    /// Returns the store, if its files are in order. Does not wait.
    pub(super) fn store(&self) -> heed::Result<Arc<Store>> {
        let store = self.current().filter(|store| store.is_whole());
        let store =
            store.filter(|store| !self.is_time_to_look() || store.guarded.are_in(&self.directory));
        store.ok_or_else(|| {
            // The next read checks too, until the directory is open again.
            self.looked.store(0, Ordering::Relaxed);
            std::io::Error::other(
                "its files were removed, replaced or truncated; opening them again",
            )
            .into()
        })
    }

    /// Reads the store as it is at one moment. Does not wait.
    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&Store, &RoTxn<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let store = self.store()?;
        noted(&store, store.read(|txn| look(&store, txn)))
    }

    /// Changes the store, and opens it again before that if necessary. May wait.
    pub(super) fn write<T>(
        &self,
        writer: Writer<'_>,
        change: impl FnMut(&mut Write<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let store = self.renewed()?;
        noted(&store, store.write(writer, change))
    }

    /// Returns the store, and opens it again if its files are not in order. May wait.
    pub(super) fn renewed(&self) -> heed::Result<Arc<Store>> {
        if let Some(store) = self.usable() {
            return Ok(store);
        }
        let _one_at_a_time = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = self.usable() {
            return Ok(store);
        }
        // Calls in progress have clones of the store. The files close when the last one is dropped,
        // which is awaited below.
        let old = self
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let damaged = old
            .filter(|store| !store.is_whole())
            .map(|store| store.guarded.identity().clone());
        if let Some(closing) = heed::env_closing_event(&self.directory)
            && !closing.wait_timeout(PATIENCE)
        {
            return Err(std::io::Error::other("the old files are still in use").into());
        }
        let directory = self.directory.display();
        tracing::warn!(
            %directory,
            "the files of the disk cache were removed, replaced or truncated; \
             opening them again"
        );
        let store =
            open_store(&self.directory, &self.room, damaged).map_err(std::io::Error::other)?;
        self.room.make_reserve();
        let store = Arc::new(store);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(store.clone());
        Ok(store)
    }

    /// Returns `true` if a thread is opening the directory again.
    pub(super) fn is_being_renewed(&self) -> bool {
        matches!(self.renewing.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Returns the store, if it is whole and the one in the directory.
    fn usable(&self) -> Option<Arc<Store>> {
        self.current()
            .filter(|store| store.is_whole() && store.guarded.are_in(&self.directory))
    }

    fn current(&self) -> Option<Arc<Store>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns `true` once per interval.
    fn is_time_to_look(&self) -> bool {
        let now = unix_millis();
        let is_time = now.abs_diff(self.looked.load(Ordering::Relaxed)) >= LOOK;
        if is_time {
            self.looked.store(now, Ordering::Relaxed);
        }
        is_time
    }
}

/// Remembers if a result shows that the files are damaged.
fn noted<T>(store: &Store, result: heed::Result<T>) -> heed::Result<T> {
    if result.as_ref().is_err_and(is_damage) {
        store.guarded.is_damaged();
    }
    result
}
