//! A directory that this process uses, and the store in it, which can become another one.
//!
//! Others may remove the directory and make it again, or cut its files off. A process that went on
//! with the old files would be alone with them. So it is looked from time to time whether what is
//! open is what the directory has. If not, it is closed and opened again, and all older entries are
//! discarded, as another store has another era.

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

/// How often reads look whether the files are those in the directory, in milliseconds. Writes
/// always do.
const LOOK: u64 = 250;

/// How long calls in progress may take to close the old files.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Home {
    directory: PathBuf,
    /// Nothing while it is opened again. Locked for a look or a change, never while anything is
    /// waited for.
    current: RwLock<Option<Arc<Store>>>,
    /// Held by the one who opens the store again.
    renewing: Mutex<()>,
    looked: AtomicU64,
    pub(super) room: Room,
}

impl Home {
    /// Opens the store in a directory, whose path has neither links nor dots; the error is the
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

    /// The store, if it is as it should be. Does not wait.
    pub(super) fn store(&self) -> heed::Result<Arc<Store>> {
        let store = self.current().filter(|store| store.guarded.is_whole());
        let store =
            store.filter(|store| !self.is_time_to_look() || store.guarded.are_in(&self.directory));
        store.ok_or_else(|| {
            // The next one looks too, until it is opened again.
            self.looked.store(0, Ordering::Relaxed);
            std::io::Error::other(
                "its files were removed, replaced or truncated; opening them again",
            )
            .into()
        })
    }

    /// Looks at the store as it is at one moment. Does not wait.
    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&Store, &RoTxn<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let store = self.store()?;
        noted(&store, store.read(|txn| look(&store, txn)))
    }

    /// Changes the store, which is opened again before that if need be. May wait.
    pub(super) fn write<T>(
        &self,
        writer: Writer<'_>,
        change: impl FnMut(&mut Write<'_>) -> heed::Result<T>,
    ) -> heed::Result<T> {
        let store = self.renewed()?;
        noted(&store, store.write(writer, change))
    }

    /// The store, opened again if it is not as it should be. May wait.
    pub(super) fn renewed(&self) -> heed::Result<Arc<Store>> {
        if let Some(store) = self.usable() {
            return Ok(store);
        }
        let _one_at_a_time = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = self.usable() {
            return Ok(store);
        }
        let old = self
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let damaged = old
            .filter(|store| !store.guarded.is_whole())
            .map(|store| store.guarded.identity().clone());
        if let Some(closing) = heed::env_closing_event(&self.directory)
            && !closing.wait_timeout(PATIENCE)
        {
            return Err(std::io::Error::other("the old files are still in use").into());
        }
        let directory = self.directory.display();
        tracing::warn!(%directory, "the files of the disk cache were removed, replaced or truncated; opening them again");
        let store =
            open_store(&self.directory, &self.room, damaged).map_err(std::io::Error::other)?;
        self.room.make_reserve();
        let store = Arc::new(store);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(store.clone());
        Ok(store)
    }

    /// Whether somebody is opening it again.
    pub(super) fn is_being_renewed(&self) -> bool {
        matches!(self.renewing.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// The store, if it is whole and the one in the directory.
    fn usable(&self) -> Option<Arc<Store>> {
        self.current()
            .filter(|store| store.guarded.is_whole() && store.guarded.are_in(&self.directory))
    }

    fn current(&self) -> Option<Arc<Store>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn is_time_to_look(&self) -> bool {
        let now = unix_millis();
        let is_time = now.abs_diff(self.looked.load(Ordering::Relaxed)) >= LOOK;
        if is_time {
            self.looked.store(now, Ordering::Relaxed);
        }
        is_time
    }
}

/// Remembers what a result says of the files.
fn noted<T>(store: &Store, result: heed::Result<T>) -> heed::Result<T> {
    if result.as_ref().is_err_and(is_damage) {
        store.guarded.is_damaged();
    }
    result
}
