//! The room on a disk, and what to do when it is full.
//!
//! A database that never overwrites its pages needs some even to remove something. So a file, the
//! reserve, occupies a part of the disk, and is removed when there is no more room. That is enough
//! to evict the first entries, and the pages of those serve for all that follows. From then on less
//! is stored than fitted, until there is room for the reserve again, and as much beside it.
//!
//! The file only manages the limit and the reserve. `change.rs` evicts entries.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::breaker::Seldom;
use crate::clock::{Instant, now};

/// The name of the reserve.
const RESERVE: &str = "reserve";

/// The size of the reserve: this fraction of the budget, within these bounds in bytes.
const SHARE: u64 = 512;
const SMALLEST: u64 = 256 << 10;
const LARGEST: u64 = 2 << 20;

/// The time until it is tried whether there is room again, and the limit to which it grows while
/// there is not.
const FIRST_TRY: Duration = Duration::from_secs(5);
const LONGEST_TRY: Duration = Duration::from_secs(60);

/// The time for which the disk must have room before a trial counts as successful.
const LASTS: Duration = Duration::from_secs(60);

/// The part of the budget for which the disk has room.
pub(super) struct Room {
    directory: PathBuf,
    reserve: u64,
    /// The bytes that may be stored, if that is less than the budget.
    limit: AtomicU64,
    state: Mutex<State>,
    log: Seldom,
}

/// The trials to store more again.
#[derive(Default)]
struct State {
    /// The disk was full.
    full: bool,
    /// The time of the last trial to store more again, and the time of the next one.
    tried: Option<Instant>,
    next: Option<Instant>,
    wait: Duration,
}

impl Room {
    /// Creates the room in a directory for a budget, without the reserve.
    pub(super) fn new(directory: &Path, budget: u64) -> Self {
        Self {
            directory: directory.to_owned(),
            reserve: (budget / SHARE).clamp(SMALLEST, LARGEST),
            limit: AtomicU64::new(u64::MAX),
            state: Mutex::default(),
            log: Seldom::default(),
        }
    }

    /// Returns the part of a budget for which there is room.
    pub(super) fn of(&self, budget: u64) -> u64 {
        budget.min(self.limit.load(Ordering::Relaxed))
    }

    /// Records that the disk is full while this many bytes are stored. Removes the reserve, and
    /// returns the bytes that may be stored from now on.
    pub(super) fn ran_out(&self, bytes: u64, error: &heed::Error) -> u64 {
        // A quarter less than fitted. With free pages in the database, changes always find some.
        let limit = self.of(bytes / 4 * 3);
        self.limit.store(limit, Ordering::Relaxed);
        let mut state = self.state();
        let in_vain = state
            .tried
            .take()
            .is_some_and(|tried| now() - tried < LASTS);
        state.wait = if in_vain {
            (2 * state.wait).min(LONGEST_TRY)
        } else {
            FIRST_TRY
        };
        state.next = Some(now() + state.wait);
        state.full = true;
        drop(state);
        if self.log.may() {
            let (directory, kept) = (self.directory.display(), limit >> 10);
            tracing::warn!(
                %directory,
                %error,
                "the disk has no room for the budget of the cache, which keeps {kept} KiB"
            );
        }
        let _ = fs::remove_file(self.directory.join(RESERVE));
        limit
    }

    /// Creates the reserve, if there is room for it.
    pub(super) fn make_reserve(&self) {
        if !self.directory.join(RESERVE).exists() {
            let _ = self.occupy(self.reserve);
        }
    }

    /// Tries from time to time whether there is room again. The sweeper calls this.
    pub(super) fn look_again(&self) {
        let (full, due, tried) = {
            let state = self.state();
            (
                state.full,
                state.next.is_some_and(|next| now() >= next),
                state.tried.is_some(),
            )
        };
        if !full {
            return self.make_reserve();
        }
        if due && self.occupy(2 * self.reserve).is_ok() {
            self.limit.store(u64::MAX, Ordering::Relaxed);
            let mut state = self.state();
            (state.tried, state.next) = (Some(now()), None);
        } else if tried {
            // Nothing has run out since the last look.
            self.state().full = false;
            let directory = self.directory.display();
            tracing::info!(%directory, "the disk has room for the cache again");
        } else if due {
            let mut state = self.state();
            state.wait = (2 * state.wait).min(LONGEST_TRY);
            state.next = Some(now() + state.wait);
        }
    }

    /// Returns what is wrong, in words.
    pub(super) fn trouble(&self) -> Option<String> {
        let limit = self.limit.load(Ordering::Relaxed);
        self.state().full.then(|| match limit {
            u64::MAX => "its disk was full a moment ago".to_owned(),
            _ => format!(
                "its disk is full, so that it keeps {} KiB at most",
                limit >> 10
            ),
        })
    }

    /// Writes a file of this length, which is then cut to the usual length and becomes the reserve.
    fn occupy(&self, length: u64) -> io::Result<()> {
        let path = self
            .directory
            .join(format!("{RESERVE}.{:016x}", crate::random::number()));
        let occupied = File::create_new(&path).and_then(|file| {
            fill(&file, length)?;
            file.set_len(self.reserve)?;
            fs::rename(&path, self.directory.join(RESERVE))
        });
        if occupied.is_err() {
            let _ = fs::remove_file(&path);
        }
        occupied
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes random bytes, which a file system cannot compress.
fn fill(mut file: &File, length: u64) -> io::Result<()> {
    let mut block = [0; 64 << 10];
    for _ in 0..length / block.len() as u64 {
        fastrand::fill(&mut block);
        file.write_all(&block)?;
    }
    Ok(())
}
