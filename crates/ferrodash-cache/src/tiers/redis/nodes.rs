//! The routing of calls: to the only server, or to the master of a slot in a cluster.
//!
//! The rest of the tier makes calls through [`Nodes`] and does not know how many servers there are.

use std::time::Duration;

use redis::RedisResult;

use super::cluster::{Cluster, HISTORIES, Place, SHARE};
use super::link::{Fault, Link, Links};
use super::slots;
use crate::TierResult;
use crate::clock::after;

/// The servers of a tier.
pub(super) enum Nodes {
    /// One server, or the master that sentinels name.
    One { links: Links, deadline: Duration },
    /// A cluster.
    Many(Cluster),
}

/// The place of everything if there is only one server.
const ONLY: Place = Place {
    history: 0,
    together: true,
};

impl Nodes {
    /// Returns the slot of a name. A single server has only slot 0.
    pub(super) fn slot(&self, name: &str) -> u16 {
        match self {
            Self::One { .. } => 0,
            Self::Many(_) => slots::slot(name),
        }
    }

    /// Returns the place of a slot.
    pub(super) async fn place(&self, slot: u16) -> TierResult<Place> {
        match self {
            Self::One { .. } => Ok(ONLY),
            Self::Many(cluster) => cluster.place(slot).await,
        }
    }

    /// Makes a call to the master of a slot within the deadline, including the time to connect. If
    /// the master refuses because it no longer has the slot, the call is repeated on the new one.
    /// So `call` can run more than once.
    pub(super) async fn call<T, F>(
        &self,
        slot: u16,
        call: impl Fn(Link, Place) -> F,
    ) -> TierResult<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        match self {
            Self::One { links, deadline } => {
                let answer = links
                    .call(after(*deadline), false, |link| call(link, ONLY))
                    .await;
                answer.map_err(Fault::into_words)
            }
            Self::Many(cluster) => cluster.call(slot, call).await,
        }
    }

    /// Makes a call to each server that has some of these slots, with their indices.
    pub(super) async fn call_each<T, F>(
        &self,
        slots: &[u16],
        call: impl Fn(Link, Vec<usize>) -> F,
    ) -> TierResult<Vec<T>>
    where
        F: Future<Output = RedisResult<T>>,
    {
        match self {
            Self::One { .. } => {
                let all = || (0..slots.len()).collect();
                self.call(0, |link, _| call(link, all()))
                    .await
                    .map(|answer| vec![answer])
            }
            Self::Many(cluster) => cluster.call_each(slots, call).await,
        }
    }

    /// Returns `true` if the servers report changes, as far as is known.
    pub(super) fn tells(&self) -> bool {
        match self {
            Self::One { links, .. } => links.tells(),
            Self::Many(cluster) => cluster.tells(),
        }
    }

    /// Returns the number of the part of the servers that has a name. Without a name, returns the
    /// number that represents all of them.
    pub(super) fn part(&self, name: Option<impl Fn() -> String>) -> usize {
        match self {
            Self::One { .. } => 0,
            Self::Many(_) => {
                usize::from(name.map_or(HISTORIES, |name| slots::slot(&name()) / SHARE))
            }
        }
    }
}
