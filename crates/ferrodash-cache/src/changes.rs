//! The part of [`Cache`] that follows invalidations, also those by other processes.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::cache::{Cache, Inner};
use crate::{Changes, Key, Recent, Stamp};

/// The interval at which a store is asked for its number, if it does not report changes itself.
const POLL: Duration = Duration::from_millis(500);

/// The interval at which a store that reports changes is asked all the same, as a report may be
/// lost.
const POLL_SELDOM: Duration = Duration::from_secs(5);

impl Cache {
    /// Follows the invalidations of this cache, by any process. The receiver has the moment of the
    /// last one that is known; [`changes_since`](Self::changes_since) tells what was invalidated.
    ///
    /// The first call starts a task that ends with the cache. Invalidations by this process are
    /// known at once. Those by others are known as soon as the store reports them, if memory is the
    /// first tier and the store is Redis; otherwise the store is asked every 500 ms. While the
    /// store does not answer, nothing is known, and nothing can be invalidated.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ferrodash_cache::{Cache, Selector};
    ///
    /// let cache = Cache::memory(1 << 20);
    /// let mut moments = cache.follow_changes();
    /// let seen = *moments.wait_for(|moment| moment.era != 0).await.unwrap();
    /// cache.invalidate_tag("orders").await.unwrap();
    /// moments.changed().await.unwrap();
    /// let changes = cache.changes_since(seen);
    /// assert_eq!(changes.selectors, Some(vec![Selector::tag("orders")]));
    /// # }
    /// ```
    pub fn follow_changes(&self) -> watch::Receiver<Stamp> {
        let changes = &self.inner.changes;
        if !changes.is_followed.swap(true, Ordering::SeqCst) {
            tokio::spawn(watch_store(Arc::downgrade(&self.inner)));
        }
        changes.now.subscribe()
    }

    /// Returns what was invalidated after a moment, as far as it is known.
    ///
    /// Nothing is known before [`follow_changes`](Self::follow_changes) was called, of moments that
    /// are long ago, and of another era.
    pub fn changes_since(&self, seen: Stamp) -> Changes {
        self.inner.changes.since(seen)
    }
}

/// Asks the store for its moment whenever it may have changed, until the cache is dropped.
async fn watch_store(inner: Weak<Inner>) {
    // If the runtime ends, the next one who follows starts another task.
    let stopped = scopeguard::guard(inner.clone(), |inner| {
        if let Some(inner) = inner.upgrade() {
            inner.changes.is_followed.store(false, Ordering::SeqCst);
        }
    });
    while let Some(inner) = stopped.upgrade() {
        let cache = Cache { inner };
        cache.look_for_changes().await;
        let asks_seldom = cache.inner.follows || cache.inner.authority.is_none();
        let wake = cache.inner.changes.wake.clone();
        // The cache can be dropped during the pause.
        drop(cache);
        let pause = if asks_seldom { POLL_SELDOM } else { POLL };
        let _ = timeout(pause, wake.notified()).await;
    }
}

impl Cache {
    /// Looks at the store if others know of a later moment than this process. Copies in memory from
    /// before that moment are then compared with the marks again.
    ///
    /// Use it before answering someone who has learned of the moment elsewhere, so that the answer
    /// is not older than what they know. It asks the store only if the moment is later than the
    /// last one that is known here, and in its era.
    pub async fn catch_up(&self, moment: Stamp) {
        let known = *self.inner.changes.now.borrow();
        if moment.era == known.era && moment.sequence > known.sequence {
            self.look_for_changes().await;
        }
    }

    /// Brings the log up to the present moment of the store.
    async fn look_for_changes(&self) {
        if let Some((now, recent)) = self.moment().await {
            if now != *self.inner.changes.now.borrow() {
                // Before anyone learns of the changes: copies in memory may be of before them.
                self.inner.invalidations.advance();
            }
            self.inner.changes.advance(now, recent);
        }
    }

    /// Returns the present moment of the history, and the last invalidations as far as the store
    /// knows them. Returns `None` if the store does not answer.
    async fn moment(&self) -> Option<(Stamp, Recent)> {
        // Any key will do: each history has all invalidations.
        let key = Key::from_bytes([0; 32]);
        let now = self.marks(&key, &[]).await?.now;
        let seen = *self.inner.changes.now.borrow();
        let (Some((slot, shared)), true) = (self.inner.authority(), now != seen) else {
            return Some((now, Vec::new()));
        };
        let recent = slot
            .call(&self.inner, &key, shared.recent(&key, now.era))
            .await?;
        Some((now, recent))
    }
}
