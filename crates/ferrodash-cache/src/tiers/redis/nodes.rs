//! Where calls go: to the one server there is, or to the master of a slot.

use std::time::Duration;

use redis::RedisResult;

use super::cluster::{Cluster, HISTORIES, Place, SHARE};
use super::link::{Fault, Link, Links};
use super::slots;
use crate::TierResult;
use crate::clock::now;

/// The servers of a tier.
pub(super) enum Nodes {
    /// One server, or the master that sentinels name.
    One { links: Links, deadline: Duration },
    /// A cluster.
    Many(Cluster),
}

/// The place of everything where there is one server.
const ONLY: Place = Place {
    history: 0,
    together: true,
};

impl Nodes {
    /// The slot of a name.
    pub(super) fn slot(&self, name: &str) -> u16 {
        match self {
            Self::One { .. } => 0,
            Self::Many(_) => slots::slot(name),
        }
    }

    /// The place of a slot.
    pub(super) async fn place(&self, slot: u16) -> TierResult<Place> {
        match self {
            Self::One { .. } => Ok(ONLY),
            Self::Many(cluster) => cluster.place(slot).await,
        }
    }

    /// Makes a call to the master of a slot within the deadline, connecting included. What the
    /// master refuses, as it no longer has the slot, is called again.
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
                    .call(now() + *deadline, false, |link| call(link, ONLY))
                    .await;
                answer.map_err(Fault::into_words)
            }
            Self::Many(cluster) => cluster.call(slot, call).await,
        }
    }

    /// Makes a call to each server that has some of these slots, with the indices of those.
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

    /// Whether changes are reported.
    pub(super) fn tells(&self) -> bool {
        match self {
            Self::One { links, .. } => links.tells(),
            Self::Many(cluster) => cluster.tells(),
        }
    }

    /// The part of the servers that has a name, and for no name the one that stands for all of
    /// them.
    pub(super) fn part(&self, name: Option<impl Fn() -> String>) -> usize {
        match self {
            Self::One { .. } => 0,
            Self::Many(_) => {
                usize::from(name.map_or(HISTORIES, |name| slots::slot(&name()) / SHARE))
            }
        }
    }
}
