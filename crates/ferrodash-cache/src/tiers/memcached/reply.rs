//! The answers of servers.

use std::time::Duration;

use bytes::Bytes;
use memcache::exp::{MutationStatus, OpResult};

/// The answer of a server to one command.
pub(crate) struct Reply {
    pub(crate) applied: bool,
    pub(crate) value: Option<Bytes>,
    pub(crate) cas: Option<u64>,
    /// The time for which the item is still kept. Zero for one without an end.
    pub(crate) left: Duration,
}

impl Reply {
    /// Returns `true` if the command was applied.
    pub(super) fn done(&self) -> bool {
        self.applied
    }

    /// Returns the value as a number.
    pub(crate) fn number(&self) -> Option<u64> {
        std::str::from_utf8(self.value.as_ref()?)
            .ok()?
            .trim_ascii_end()
            .parse()
            .ok()
    }
}

impl From<OpResult> for Reply {
    fn from(result: OpResult) -> Self {
        let reply = |applied, value, cas, ttl: Option<i64>| {
            let left = ttl
                .and_then(|seconds| u64::try_from(seconds).ok())
                .unwrap_or(0);
            Self {
                applied,
                value,
                cas,
                left: Duration::from_secs(left),
            }
        };
        match result {
            OpResult::Get(got) => reply(
                got.hit(),
                got.value.map(Bytes::from),
                got.item.cas,
                got.item.ttl,
            ),
            OpResult::Mutation(made) => {
                reply(made.status == MutationStatus::Applied, None, made.cas, None)
            }
            OpResult::Arithmetic(counted) => reply(
                counted.applied(),
                counted.value.map(|value| value.to_string().into()),
                counted.item.cas,
                None,
            ),
            _ => reply(false, None, None, None),
        }
    }
}
