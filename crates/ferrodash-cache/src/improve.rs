//! The part of [`Cache`] that replaces a stored value with a better form of it, such as one with
//! compressed copies.
//!
//! A caller should not wait for work from which only later callers profit. A function therefore
//! returns what is ready, together with a function that makes the better form. The cache calls it
//! once the value is stored, and then replaces the value in each tier that still has that very
//! entry. A value that was invalidated, removed or replaced meanwhile stays as it is.

use crate::answer::Improvement;
use crate::cache::{Cache, Slot};
use crate::call::Call;
use crate::clock::now;
use crate::improvements::Waiting;
use crate::lease::Lease;
use crate::tier::{LeaseOutcome, LeaseRequest, Shared};
use crate::{Entry, Parts};

impl Cache {
    /// Makes the better form of an entry that was just stored, in a task of its own that waits for
    /// its turn.
    pub(crate) fn improve_later(&self, call: &Call, entry: &Entry, improve: Improvement) {
        let (cache, call) = (self.clone(), call.clone());
        let waiting = self.inner.improvements.wait(entry);
        tokio::spawn(async move {
            let turns = cache.inner.improvements.turns.clone();
            let _turn = turns
                .acquire()
                .await
                .expect("the semaphore is never closed");
            let (entry, _held) = match waiting {
                Waiting::Held(entry, held) => (entry, Some(held)),
                Waiting::Seen(entry) => match entry.upgrade() {
                    Some(entry) => (entry, None),
                    None => return,
                },
            };
            if let Some(bytes) = improve(entry.bytes().clone()).await {
                let better = Entry::aged(
                    Parts {
                        bytes,
                        ..entry.parts().clone()
                    },
                    entry.age(),
                );
                cache.improve(&call, &better).await;
            }
        });
    }

    /// Puts the better form of an entry into the tiers that still have the entry.
    async fn improve(&self, call: &Call, better: &Entry) {
        let inner = &*self.inner;
        // The entry may have been invalidated while its better form was made.
        let Some(marks) = self.marks(&call.key, &better.parts().selectors).await else {
            return;
        };
        if better.lifetime_left().is_none() || !marks.allow(better.parts().born) {
            return;
        }
        if let Some((slot, shared)) = inner.authority()
            && slot.tier().takes(better)
        {
            let request = LeaseRequest {
                token: crate::random::number(),
                observed: Some(better.id()),
                lease: call.policy.lease,
                born: marks.now,
                newest: marks.newest,
            };
            self.fill_again(call, slot, shared, &request, better).await;
        }
        for slot in inner.storage().filter(|slot| slot.tier().takes(better)) {
            let kept = slot
                .call(inner, &call.key, slot.tier().get(&call.key))
                .await
                .flatten();
            if kept.is_some_and(|kept| kept.id() == better.id()) {
                slot.call(inner, &call.key, slot.tier().set(&call.key, better))
                    .await;
            }
        }
        if let Some(near) = &inner.near_cache {
            better.count_in(&call.stats);
            near.improve(&call.key, better, now());
        }
    }

    /// Replaces the entry in the tier that grants leases. A caller that removes or replaces the
    /// entry meanwhile ends the lease, so the better form never overwrites something newer.
    async fn fill_again(
        &self,
        call: &Call,
        slot: &Slot,
        shared: &dyn Shared,
        request: &LeaseRequest,
        better: &Entry,
    ) {
        let (inner, key) = (&*self.inner, &call.key);
        let lease = Lease::sought(self, *key, request.token, request.lease);
        match slot.ask(inner, key, shared.acquire(key, request)).await {
            Some(Some(LeaseOutcome::Won)) => {}
            // Without an answer the lease may be held. Dropping `lease` releases it.
            Some(None) => return,
            None | Some(Some(_)) => return lease.not_won(),
        }
        // The lease is also won if the entry was removed, and a better form must not bring it back.
        let kept = slot.call(inner, key, slot.tier().get(key)).await.flatten();
        if kept.is_some_and(|kept| kept.id() == better.id()) {
            lease.fill(better).await;
        }
    }
}
