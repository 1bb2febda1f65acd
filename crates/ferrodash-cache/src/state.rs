//! The part of [`Cache`] that reports the state of its tiers, for the health endpoint and for the
//! log when an app starts.
//!
//! States come from the breakers and from the tiers themselves. Only [`Cache::log_tiers`] calls the
//! tiers; the other reports are cheap and do not wait.

use std::fmt::{self, Display};
use std::time::Duration;

use crate::Key;
use crate::cache::{Cache, Slot};
use crate::tiers::MEMORY;

/// The number of calls to a tier when an app starts, before it counts as one that does not answer.
/// The first call also has to connect, within the deadline of a call.
const ATTEMPTS: u32 = 4;
/// The pause between these calls.
const PAUSE: Duration = Duration::from_millis(150);

/// The name, the place and the state of a tier at one moment. `Display` writes it as one line for
/// the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierReport {
    /// The name of the tier, as in `Cache-Status`.
    pub name: &'static str,
    /// The place of the store: an address without its password, a directory, or a size. Empty if
    /// the tier names none.
    pub place: String,
    /// The state of the tier, from the last calls to it.
    pub state: TierState,
    /// The function of the tier in the cache, which decides what its failure means.
    role: Role,
}

/// The state of a tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TierState {
    /// The tier answers, as far as is known. A tier that was not called yet is `Up`.
    Up,
    /// The tier answers, but something is wrong with it, as the text says.
    Degraded(String),
    /// The last call to the tier failed, for this reason.
    Down(String),
}

/// The function of a tier in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Memory,
    /// The tier keeps the marks and grants the leases.
    Authority,
    Storage,
}

impl Cache {
    /// Returns the state of each tier, in the order in which they are read, according to the last
    /// calls to it. No tier is called.
    pub fn tier_reports(&self) -> Vec<TierReport> {
        let near = self.inner.near_cache.iter().map(|near| TierReport {
            name: MEMORY,
            place: near.place(),
            state: TierState::Up,
            role: Role::Memory,
        });
        let authority = self.inner.authority;
        let report = |(index, slot): (usize, &Slot)| {
            let role = if authority == Some(index) {
                Role::Authority
            } else {
                Role::Storage
            };
            let state = slot.breaker.failure().map(TierState::Down);
            let state = state
                .or_else(|| slot.tier().trouble().map(TierState::Degraded))
                .unwrap_or(TierState::Up);
            TierReport {
                name: slot.tier().name(),
                place: slot.tier().place(),
                state,
                role,
            }
        };
        near.chain(self.inner.tiers.iter().enumerate().map(report))
            .collect()
    }

    /// Returns the names of the tiers that are not [`Up`](TierState::Up): the last call failed, or
    /// something is wrong with them.
    pub fn failing_tiers(&self) -> Vec<&'static str> {
        let reports = self.tier_reports().into_iter();
        reports
            .filter(|report| report.state != TierState::Up)
            .map(|report| report.name)
            .collect()
    }

    /// Returns what is wrong with the tiers, as a text without addresses, or `None` if nothing is.
    pub fn trouble(&self) -> Option<String> {
        let words = |report: TierReport| match report.state {
            TierState::Up => None,
            TierState::Degraded(trouble) => Some(format!("{}: {trouble}", report.name)),
            TierState::Down(_) => Some(format!("{} does not answer", report.name)),
        };
        let troubles: Vec<String> = self.tier_reports().into_iter().filter_map(words).collect();
        (!troubles.is_empty()).then(|| troubles.join(", "))
    }

    /// Calls each tier to find out whether it answers, and writes one line for each into the log:
    /// at level info if it does, else as a warning that says what that means. Returns the states.
    ///
    /// A tier that does not answer is tried up to four times, so this can take several times the
    /// deadline of its calls. [`App::run`](https://docs.rs/ferrodash) does this when it starts.
    pub async fn log_tiers(&self) -> Vec<TierReport> {
        for slot in &self.inner.tiers {
            self.try_tier(slot).await;
        }
        let reports = self.tier_reports();
        for report in &reports {
            match report.state {
                TierState::Up => tracing::info!("{report}"),
                _ => tracing::warn!("{report}"),
            }
        }
        if reports.is_empty() {
            tracing::info!("cache: no tiers, so nothing is stored");
        }
        reports
    }

    /// Makes a cheap call to a tier until it answers or the attempts are used up.
    async fn try_tier(&self, slot: &Slot) {
        let nothing = Key::from_bytes([0; 32]);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let answered = match slot.tier().shared() {
                Some(shared) => slot
                    .insist(&self.inner, None, shared.marks(&[]))
                    .await
                    .is_some(),
                None => slot
                    .insist(&self.inner, Some(&nothing), slot.tier().get(&nothing))
                    .await
                    .is_some(),
            };
            if answered {
                return;
            }
        }
    }
}

impl Display for TierReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cache: {}", self.name)?;
        if !self.place.is_empty() {
            write!(f, " ({})", self.place)?;
        }
        match &self.state {
            TierState::Up if self.role == Role::Memory => Ok(()),
            TierState::Up => f.write_str(" answers"),
            TierState::Degraded(trouble) => write!(f, " answers, but {trouble}"),
            TierState::Down(reason) => {
                let meaning = match self.role {
                    Role::Authority => {
                        "until it does, each process computes for itself, keeps what it \
                         computed for 2 s at most, and invalidations fail"
                    }
                    Role::Memory | Role::Storage => "until it does, the other tiers are used",
                };
                write!(
                    f,
                    " does not answer ({reason}); {meaning}. \
                     It is tried again every second"
                )
            }
        }
    }
}
