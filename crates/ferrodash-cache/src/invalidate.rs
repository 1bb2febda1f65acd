//! The part of [`Cache`] that removes and invalidates entries.
//!
//! A removal acts on the tiers; an invalidation only raises marks, and entries are compared with
//! them when they are read. Both also keep computations in progress from storing their results.
//! Unlike all other operations they report a tier that did not answer, because it may still return
//! old values.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::cache::Cache;
use crate::error::debug_as_display;
use crate::tier::{Filled, LeaseOutcome, LeaseRequest};
use crate::{Key, Marks, Selector};

/// An invalidation that did not reach every tier. The tiers that it names may still return old
/// values, until the call is repeated or the values end.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} did not confirm the invalidation and may still return old values; try again",
    tiers.join(" and ")
)]
pub struct Unreached {
    /// The names of the tiers.
    pub tiers: Vec<&'static str>,
}

debug_as_display!(Unreached);

impl Cache {
    /// Removes a value from every tier.
    ///
    /// If a computation of this key is in progress, in this process or in one that shares the last
    /// tier, its result is not stored. Callers that wait for it get the result. The next caller
    /// starts another computation.
    ///
    /// Copies in the memory of other processes are dropped when the notice of the removal arrives,
    /// or at their maximum age ([`CacheBuilder::near_age`](crate::CacheBuilder::near_age)).
    ///
    /// # Cancellation
    /// If the returned future is dropped, some tiers may still have the value.
    ///
    /// # Errors
    /// If a tier could not be reached and may still have the value. All tiers are tried. Removing
    /// again is safe.
    pub async fn remove(&self, key: &Key) -> Result<(), Unreached> {
        // First, so that a computation in progress cannot store its result after the removal.
        self.inner.flights.cancel(key);
        if self.inner.marks_keys() {
            self.invalidate(&[key.selector()]).await?;
        }
        self.remove_from_tiers(key).await
    }

    /// Removes a key from all tiers, without a mark.
    async fn remove_from_tiers(&self, key: &Key) -> Result<(), Unreached> {
        let inner = &*self.inner;
        let mut tiers = Vec::new();
        // Runs also if the caller goes away before the tiers have answered, as they may carry out
        // the removal all the same.
        scopeguard::defer! {
            inner.near_cache.iter().for_each(|near| near.changed(key));
        }
        // From the last tier on, so that an entry is not copied from one that still has it to one
        // that no longer does.
        for slot in inner.tiers.iter().rev() {
            if slot
                .insist(inner, Some(key), slot.tier().remove(key))
                .await
                .is_none()
            {
                tiers.push(slot.tier().name());
            }
        }
        if tiers.is_empty() {
            Ok(())
        } else {
            Err(Unreached { tiers })
        }
    }

    /// Removes the values of several keys, one after the other.
    ///
    /// # Errors
    /// As for [`remove`](Self::remove). All keys are tried, and the last error is returned.
    pub async fn remove_many(&self, keys: &[Key]) -> Result<(), Unreached> {
        let mut result = Ok(());
        for key in keys {
            result = self.remove(key).await.and(result);
        }
        result
    }

    /// Invalidates all values with one of these selectors: functions, tags, or
    /// [all](Selector::ALL).
    ///
    /// When this returns, no process reads a value that was computed before, with one exception:
    /// copies in the memory of other processes. Those processes drop their copies as soon as the
    /// message reaches them, or when the copies reach their maximum age (see
    /// [`CacheBuilder::near_age`](crate::CacheBuilder::near_age)). Results of computations in
    /// progress are not stored. The cost does not depend on the number of values: nothing is
    /// searched or deleted.
    ///
    /// # Cancellation
    /// If the returned future is dropped, the invalidation may or may not be carried out.
    ///
    /// # Errors
    /// If the tier that keeps the marks could not be reached. Invalidating again is safe.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::time::Duration;
    /// use ferrodash_cache::{Cache, Key, Policy, Selector};
    ///
    /// let (cache, key) = (Cache::memory(1 << 20), Key::of("rows", &"orders"));
    /// let policy = Policy::new(Duration::from_secs(60)).tag("orders");
    /// cache.set_with(&key, "42".into(), &policy).await;
    /// cache.invalidate(&[Selector::tag("orders")]).await.unwrap();
    /// assert!(cache.get(&key).await.is_none());
    /// # }
    /// ```
    pub async fn invalidate(&self, selectors: &[Selector]) -> Result<(), Unreached> {
        let inner = &*self.inner;
        // Callers from now on must not join computations that began before the invalidation.
        inner.flights.close(selectors);
        let at = match inner.authority() {
            None => {
                let now = inner.invalidations.invalidate_own(selectors);
                let at = Marks {
                    now,
                    ..Marks::default()
                };
                vec![at]
            }
            Some((slot, shared)) => {
                // Runs also if the caller goes away before the tier has answered, as the tier may
                // carry out the invalidation all the same.
                let advance = scopeguard::guard((), |()| inner.invalidations.advance());
                let reached = slot
                    .insist(inner, None, inner.history.invalidate(shared, selectors))
                    .await;
                drop(advance);
                reached.ok_or_else(|| Unreached {
                    tiers: vec![slot.tier().name()],
                })?
            }
        };
        // Once more, for callers that boarded before the marks were written.
        inner.flights.close(selectors);
        inner.changes.invalidated(&at, selectors);
        Ok(())
    }

    /// Invalidates all values with a tag.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub async fn invalidate_tag(&self, tag: &str) -> Result<(), Unreached> {
        self.invalidate(&[Selector::tag(tag)]).await
    }

    /// Invalidates all values of a function, by the name with which its keys are made.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub async fn invalidate_function(&self, name: &str) -> Result<(), Unreached> {
        self.invalidate(&[Selector::function(name)]).await
    }

    /// Invalidates all values in this cache's namespace, for all processes that share it.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub async fn clear(&self) -> Result<(), Unreached> {
        self.invalidate(&[Selector::ALL]).await
    }

    /// Makes a value stale, so that the next call computes it again. Returns `false` if there is no
    /// value.
    ///
    /// The stale value can still be served meanwhile, or if the function fails, as far as the
    /// policy of the call allows that. Caches with several tiers or with signed entries, and those
    /// whose tier cannot replace an entry safely, remove the value instead.
    ///
    /// # Errors
    /// If a tier could not be reached and may still have the value fresh.
    pub async fn expire(&self, key: &Key) -> Result<bool, Unreached> {
        let inner = &*self.inner;
        let unreached = || Unreached {
            tiers: inner
                .authority()
                .iter()
                .map(|(slot, _)| slot.tier().name())
                .collect(),
        };
        let (epoch, selectors) = (inner.invalidations.epoch(), self.selectors(key, &[]));
        let version = inner.near_cache.as_ref().map(|near| near.version(key));
        let search = self.find(key, &selectors, None).await;
        let marks = self.marks(key, &selectors).await.ok_or_else(unreached)?;
        let Some((entry, _)) = search.found else {
            return Ok(false);
        };
        let expired = entry.expired();
        if inner.marks_keys() || expired.parts().lifetime <= expired.parts().timeout {
            return self.remove(key).await.map(|()| true);
        }
        let Some((slot, shared)) = inner.authority() else {
            match inner.tiers.first() {
                Some(_) => return self.remove(key).await.map(|()| true),
                None => self.copy_to_memory(key, &expired, epoch, version),
            }
            return Ok(true);
        };
        // The stale form is stored with a lease on the entry that was seen, so that it never
        // overwrites a newer one.
        let (token, lease) = (crate::random::number(), Duration::from_secs(1));
        let request = LeaseRequest {
            token,
            observed: Some(entry.id()),
            lease,
            born: marks.now,
            newest: marks.newest,
        };
        let filled = match slot
            .insist(inner, Some(key), shared.acquire(key, &request))
            .await
            .ok_or_else(unreached)?
        {
            LeaseOutcome::Won => slot
                .insist(inner, Some(key), shared.fill(key, token, &expired))
                .await
                .ok_or_else(unreached)?,
            // The value has been replaced, or is about to be.
            LeaseOutcome::Changed(_) | LeaseOutcome::Held(_) => Filled::Lost,
        };
        if let Some(near) = &inner.near_cache {
            near.changed(key);
        }
        match filled {
            Filled::Refused => self.remove(key).await.map(|()| true),
            Filled::Stored | Filled::Lost => Ok(true),
        }
    }
}

/// Tags that are invalidated whatever happens to the caller, which may be dropped after it has
/// written and before the invalidation has reached the tiers.
///
/// Dropping it starts the invalidation in the background; [`discard`](Self::discard) cancels it.
#[doc(hidden)]
#[derive(Debug)]
pub struct PendingInvalidation {
    cache: Cache,
    selectors: Vec<Selector>,
}

impl PendingInvalidation {
    /// Creates an invalidation in the current cache. From here on it happens unless it is
    /// discarded.
    pub fn new(selectors: Vec<Selector>) -> Self {
        Self {
            cache: Cache::current(),
            selectors,
        }
    }

    /// Cancels the invalidation, because nothing was written.
    pub fn discard(mut self) {
        self.selectors.clear();
    }

    /// Invalidates in a task of its own, which continues if the caller is dropped.
    pub async fn complete(mut self) -> Result<(), Unreached> {
        let cache = self.cache.clone();
        let selectors = std::mem::take(&mut self.selectors);
        let task = tokio::spawn(async move { cache.invalidate(&selectors).await });
        task.await.unwrap_or_else(|_| {
            Err(Unreached {
                tiers: self.cache.tiers(),
            })
        })
    }
}

impl Drop for PendingInvalidation {
    fn drop(&mut self) {
        let cache = self.cache.clone();
        let selectors = std::mem::take(&mut self.selectors);
        if let (false, Ok(runtime)) = (selectors.is_empty(), Handle::try_current()) {
            runtime.spawn(async move {
                if let Err(error) = cache.invalidate(&selectors).await {
                    tracing::error!(
                        %error,
                        "the call was dropped after it wrote, and its invalidation failed"
                    );
                }
            });
        }
    }
}
