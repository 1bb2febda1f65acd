//! The part of [`Cache`] that removes and invalidates entries.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::cache::Cache;
use crate::error::debug_as_display;
use crate::tier::{Filled, LeaseOutcome, LeaseRequest};
use crate::{Key, Selector};

/// An invalidation that did not reach every tier. The tiers that it names may still return old
/// values.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} did not confirm the invalidation and may still return old values; try again", tiers.join(" and "))]
pub struct Unreached {
    /// The tiers.
    pub tiers: Vec<&'static str>,
}

debug_as_display!(Unreached);

impl Cache {
    /// Forgets a value in every tier.
    ///
    /// If a computation of this key is in progress, in this process or in one that shares the last
    /// tier, its result is not stored. Callers that wait for it get the result. The next caller
    /// starts another computation.
    ///
    /// # Errors
    /// When a tier could not be reached and may still have it.
    pub async fn remove(&self, key: &Key) -> Result<(), Unreached> {
        self.inner.flights.cancel(key);
        if self.inner.marks_keys() {
            self.invalidate(&[key.selector()]).await?;
        }
        self.remove_from_tiers(key).await
    }

    async fn remove_from_tiers(&self, key: &Key) -> Result<(), Unreached> {
        let inner = &*self.inner;
        let mut tiers = Vec::new();
        // Also if the caller goes away before the tiers have answered: they may carry it out all
        // the same.
        let _forget = OnDrop(|| inner.near_cache.iter().for_each(|near| near.changed(key)));
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

    /// Forgets the values of several keys.
    ///
    /// # Errors
    /// As for [`remove`](Self::remove); all keys are tried.
    pub async fn remove_many(&self, keys: &[Key]) -> Result<(), Unreached> {
        let mut result = Ok(());
        for key in keys {
            result = self.remove(key).await.and(result);
        }
        result
    }

    /// Forgets everything with one of these selectors: functions, tags, or [all](Selector::ALL).
    ///
    /// When this returns, no process reads a value that was computed before, with one exception:
    /// copies in the memory of other processes. Those processes drop their copies as soon as the
    /// message reaches them, or when the copies reach their maximum age (see
    /// [`CacheBuilder::near_age`](crate::CacheBuilder::near_age)). Results of computations in
    /// progress are not stored.
    ///
    /// # Errors
    /// When the tier that keeps the marks could not be reached.
    pub async fn invalidate(&self, selectors: &[Selector]) -> Result<(), Unreached> {
        let inner = &*self.inner;
        inner.flights.close(selectors);
        match inner.authority() {
            None => inner.invalidations.invalidate_own(selectors),
            Some((slot, shared)) => {
                // Also if the caller goes away before the tier has answered.
                let advance = OnDrop(|| inner.invalidations.advance());
                let reached = slot
                    .insist(inner, None, inner.history.invalidate(shared, selectors))
                    .await
                    .is_some();
                drop(advance);
                if !reached {
                    return Err(Unreached {
                        tiers: vec![slot.tier().name()],
                    });
                }
            }
        }
        // Once more for who boarded before the marks were there.
        inner.flights.close(selectors);
        Ok(())
    }

    /// Forgets everything with a tag.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub async fn invalidate_tag(&self, tag: &str) -> Result<(), Unreached> {
        self.invalidate(&[Selector::tag(tag)]).await
    }

    /// Forgets all values of a function, by the name that its keys are made with.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub async fn invalidate_function(&self, name: &str) -> Result<(), Unreached> {
        self.invalidate(&[Selector::function(name)]).await
    }

    /// Forgets everything in this cache's namespace.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub async fn clear(&self) -> Result<(), Unreached> {
        self.invalidate(&[Selector::ALL]).await
    }

    /// Makes a value stale, so that the next call computes it again. The stale value can still be
    /// served meanwhile, or if the function fails. Returns `false` if there is no value.
    ///
    /// # Errors
    /// When a tier could not be reached and may still have it fresh.
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
            // It has been replaced, or is about to be.
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

/// Tags that are to be invalidated whatever becomes of the caller: it may go away after it has
/// written, and before the invalidation has got through.
#[doc(hidden)]
#[derive(Debug)]
pub struct PendingInvalidation {
    cache: Cache,
    selectors: Vec<Selector>,
}

impl PendingInvalidation {
    pub fn new(selectors: Vec<Selector>) -> Self {
        Self {
            cache: Cache::current(),
            selectors,
        }
    }

    /// Drops the invalidation: nothing was written.
    pub fn discard(mut self) {
        self.selectors.clear();
    }

    /// Invalidates, in a task of its own.
    pub async fn complete(mut self) -> Result<(), Unreached> {
        let (cache, selectors) = (self.cache.clone(), std::mem::take(&mut self.selectors));
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
        let (cache, selectors) = (self.cache.clone(), std::mem::take(&mut self.selectors));
        if let (false, Ok(runtime)) = (selectors.is_empty(), Handle::try_current()) {
            runtime.spawn(async move {
                if let Err(error) = cache.invalidate(&selectors).await {
                    tracing::error!(%error, "the call was dropped after it wrote, and its invalidation failed");
                }
            });
        }
    }
}

/// Does something when it is dropped.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}
