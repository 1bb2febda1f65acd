//! What ends entries before their time.

use crate::cache::Cache;
use crate::{Key, Scope};

/// An invalidation that did not reach every tier: some may still give back what was to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} did not take the invalidation and may still give back old values; try again", tiers.join(" and "))]
pub struct Unreached {
    /// The tiers.
    pub tiers: Vec<&'static str>,
}

impl Cache {
    /// Forgets a value in every tier.
    ///
    /// A computation of this key that is under way, here or in a process that shares the last tier, is voided: who waits
    /// for it gets its result, but it is not kept, and the next caller starts another.
    ///
    /// # Errors
    /// When a tier could not be reached and may still have it.
    pub async fn remove(&self, key: &Key) -> Result<(), Unreached> {
        self.inner.flights.void(key);
        if self.inner.is_layered() {
            self.invalidate(&[Scope::key(key)]).await?;
        }
        self.remove_from_tiers(key).await
    }

    pub(crate) async fn remove_from_tiers(&self, key: &Key) -> Result<(), Unreached> {
        let inner = &*self.inner;
        let mut tiers = Vec::new();
        // From the last tier on, so that an entry is not copied from one that still has it to one that no longer does.
        for slot in inner.tiers.iter().rev() {
            if slot.insist(inner, slot.tier().remove(key)).await.is_none() {
                tiers.push(slot.tier().name());
            }
        }
        if let Some(near) = &inner.near {
            near.changed(key);
        }
        if tiers.is_empty() { Ok(()) } else { Err(Unreached { tiers }) }
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

    /// Forgets everything with one of these scopes: functions, tags, or [all](Scope::ALL).
    ///
    /// When this returns, no read of any process gives back a value that was computed from what was so before, except
    /// for copies in the memory of other processes: those follow as soon as the message reaches them, or within their
    /// bound (see [`CacheBuilder::near_age`](crate::CacheBuilder::near_age)). Work that is under way is voided.
    ///
    /// # Errors
    /// When the tier that keeps the marks could not be reached.
    pub async fn invalidate(&self, scopes: &[Scope]) -> Result<(), Unreached> {
        let inner = &*self.inner;
        inner.flights.close(scopes);
        match inner.authority() {
            None => inner.ledger.invalidate_own(scopes),
            Some((slot, shared)) => {
                let reached = slot.insist(inner, shared.invalidate(scopes)).await.is_some();
                inner.ledger.turn();
                if !reached {
                    return Err(Unreached { tiers: vec![slot.tier().name()] });
                }
            }
        }
        // Once more for who boarded before the marks were there.
        inner.flights.close(scopes);
        Ok(())
    }

    /// Forgets everything with a tag.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub async fn invalidate_tag(&self, tag: &str) -> Result<(), Unreached> {
        self.invalidate(&[Scope::tag(tag)]).await
    }

    /// Forgets all values of a function, by the name that its keys are made with.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub async fn invalidate_function(&self, name: &str) -> Result<(), Unreached> {
        self.invalidate(&[Scope::function(name)]).await
    }

    /// Forgets everything in this cache's namespace.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub async fn clear(&self) -> Result<(), Unreached> {
        self.invalidate(&[Scope::ALL]).await
    }

    /// Ends the freshness of a value, so that the next caller has it computed anew. It can still stand in while that
    /// happens, or if it fails. `false` if there is none.
    ///
    /// # Errors
    /// When a tier could not be reached and may still have it fresh.
    pub async fn expire(&self, key: &Key) -> Result<bool, Unreached> {
        let (epoch, scopes) = (self.inner.ledger.epoch(), self.scopes(key, &[]));
        let Some((entry, _)) = self.find(key, &scopes, None).await.found else { return Ok(false) };
        let expired = entry.expired();
        if expired.lifetime_left() > expired.remaining() && expired.parts().lifetime > expired.parts().timeout {
            let failing = self.failing_tiers();
            self.put(key, &expired, epoch, true).await;
            return if failing.is_empty() { Ok(true) } else { Err(Unreached { tiers: failing }) };
        }
        self.remove(key).await.map(|()| true)
    }
}
