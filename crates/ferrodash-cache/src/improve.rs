//! A better form of a value that is kept already, such as one with compressed copies of it.
//!
//! A caller should not wait for what only later callers profit from. A function therefore returns what is ready, and
//! with it a future of the better form; the cache awaits that once the value is kept, and then puts the better form in
//! the value's place, in each tier that still has that very entry. What was invalidated, removed or replaced meanwhile
//! stays so.

use futures_util::future::BoxFuture;

use bytes::Bytes;

use crate::cache::Cache;
use crate::clock::now;
use crate::compute::Call;
use crate::tier::{Acquired, Bid, Shared};
use crate::{Entry, Parts};

/// Makes the better form; `None` if there is none.
pub(crate) type Improvement = BoxFuture<'static, Option<Bytes>>;

impl Cache {
    /// Awaits the better form of an entry that was just kept, in a task of its own.
    pub(crate) fn improve_later(&self, call: &Call, entry: &Entry, improvement: Improvement) {
        let (cache, call, entry) = (self.clone(), call.clone(), entry.clone());
        tokio::spawn(async move {
            if let Some(bytes) = improvement.await {
                let better = Entry::aged(Parts { bytes, ..entry.parts().clone() }, entry.age());
                cache.improve(&call, &better).await;
            }
        });
    }

    /// Puts the better form of an entry into the tiers that have the entry.
    async fn improve(&self, call: &Call, better: &Entry) {
        let inner = &*self.inner;
        let Some(marks) = self.marks(&better.parts().scopes).await else { return };
        if better.lifetime_left().is_none() || !marks.allow(better.parts().born) {
            return;
        }
        if let Some((slot, shared)) = inner.authority() {
            let bid = Bid {
                token: crate::random(),
                observed: Some(better.id()),
                lease: call.policy.lease,
                born: marks.now,
                newest: marks.newest,
            };
            let filled = fill(shared, &bid, call, slot.tier(), better);
            slot.call(inner, filled).await;
        }
        let storage = inner.tiers.iter().enumerate().filter(|(index, _)| Some(*index) != inner.authority);
        for (_, slot) in storage {
            let kept = slot.call(inner, slot.tier().get(&call.key)).await.flatten();
            if kept.is_some_and(|kept| kept.id() == better.id()) {
                slot.call(inner, slot.tier().set(&call.key, better)).await;
            }
        }
        if let Some(near) = &inner.near {
            better.count_in(&call.stats);
            near.improve(&call.key, better, now());
        }
    }
}

/// Replaces the entry in the tier that gives leases. The lease is lost to whoever removes or replaces the entry, so the
/// better form never takes the place of something newer.
async fn fill(
    shared: &dyn Shared,
    bid: &Bid,
    call: &Call,
    tier: &dyn crate::Tier,
    better: &Entry,
) -> crate::tier::TierResult<()> {
    let Acquired::Won = shared.acquire(&call.key, bid).await? else { return Ok(()) };
    let is_kept = tier.get(&call.key).await?.is_some_and(|kept| kept.id() == better.id());
    if is_kept {
        shared.fill(&call.key, bid.token, better).await?;
    } else {
        shared.release(&call.key, bid.token).await?;
    }
    Ok(())
}
