//! The sweeper: a task that removes expired entries, writes down which entries were read, and
//! cleans up after killed processes, for as long as the tier exists.
//!
//! Every process has its own. It makes many short transactions, because other writers wait for each
//! of them.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::inner::Inner;
use crate::breaker::Seldom;

/// The time between two sweeps.
const SWEEP: Duration = Duration::from_secs(5);

/// The number of sweeps after which left-over files are searched for.
const FILES: u32 = 60;

/// The number of changes in one transaction, for which other writers wait.
const CHANGES: usize = 256;

/// The task, which is started when there is something to sweep.
#[derive(Default)]
pub(super) struct Sweeper(Mutex<Option<JoinHandle<()>>>);

impl Sweeper {
    /// Starts the task, or starts it again if the runtime on which it ran is gone.
    pub(super) fn keep_running(&self, inner: &Arc<Inner>) {
        let mut task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished)
            && let Ok(runtime) = Handle::try_current()
        {
            *task = Some(runtime.spawn(sweep(Arc::downgrade(inner))));
        }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        if let Some(task) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

/// Sweeps again and again, until the tier is dropped. A failure is logged and does not end the
/// task.
async fn sweep(inner: Weak<Inner>) {
    let log = Seldom::default();
    for round in 1_u32.. {
        tokio::time::sleep(SWEEP).await;
        let Some(inner) = inner.upgrade() else { return };
        let swept =
            tokio::task::spawn_blocking(move || inner.sweep(round.is_multiple_of(FILES))).await;
        if let Ok(Err(error)) = swept
            && log.may()
        {
            tracing::warn!(%error, "the disk cache could not be cleaned up");
        }
    }
}

impl Inner {
    /// Makes one sweep, on a thread that may block. With `files`, also removes left-over files.
    fn sweep(&self, files: bool) -> heed::Result<()> {
        let store = self.home.renewed()?;
        self.home.room.look_again();
        store.env.clear_stale_readers()?;
        for keys in self.recent_reads.take_all().chunks(CHANGES) {
            self.write(&|| true, |write| {
                keys.iter().try_for_each(|key| write.touch(key))
            })?;
        }
        while store.has_expired()? {
            self.write(&|| true, |write| {
                for _ in 0..CHANGES {
                    if !write.remove_expired()? {
                        break;
                    }
                }
                Ok(())
            })?;
        }
        for keys in store.ended_leases(self.process)?.chunks(CHANGES) {
            self.write(&|| true, |write| {
                keys.iter()
                    .try_for_each(|key| write.end_void_lease(key, self.process))
            })?;
        }
        if files {
            store.remove_left_over_files(false)?;
        }
        Ok(())
    }
}
