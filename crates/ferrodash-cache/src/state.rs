//! The part of [`Cache`] that reports the state of its tiers, for the health endpoint and for the
//! log when an app starts.

use std::fmt::{self, Display};
use std::time::Duration;

use crate::Key;
use crate::cache::{Cache, Slot};
use crate::tiers::MEMORY;

/// How often a tier is asked when an app starts, before it counts as one that does not answer: the
/// first call also has to connect, within the deadline of a call.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(150);

/// A tier, where it is, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierReport {
    /// Its name, as in `Cache-Status`.
    pub name: &'static str,
    /// Where it is: an address without its password, a directory, or a size.
    pub place: String,
    /// How it is.
    pub state: TierState,
    /// What it does for the cache.
    role: Role,
}

/// How a tier is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TierState {
    /// It answers, as far as is known.
    Up,
    /// It answers, but something is wrong with it.
    Degraded(String),
    /// It failed when it was last asked, for this reason.
    Down(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Memory,
    /// It keeps the marks and gives the leases.
    Authority,
    Storage,
}

impl Cache {
    /// The tiers in the order in which they are asked, as they were when they were last asked.
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

    /// The tiers that failed when they were last asked, or that cannot do all that they should.
    pub fn failing_tiers(&self) -> Vec<&'static str> {
        let reports = self.tier_reports().into_iter();
        reports
            .filter(|report| report.state != TierState::Up)
            .map(|report| report.name)
            .collect()
    }

    /// What is wrong with the tiers, in words; `None` if nothing is.
    pub fn trouble(&self) -> Option<String> {
        let words = |report: TierReport| match report.state {
            TierState::Up => None,
            TierState::Degraded(trouble) => Some(format!("{}: {trouble}", report.name)),
            TierState::Down(_) => Some(format!("{} does not answer", report.name)),
        };
        let troubles: Vec<String> = self.tier_reports().into_iter().filter_map(words).collect();
        (!troubles.is_empty()).then(|| troubles.join(", "))
    }

    /// Asks each tier whether it answers, and writes one line for each into the log: at level info
    /// if it does, else as a warning that says what that means.
    /// [`App::run`](https://docs.rs/ferrodash) does this when it starts.
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

    /// Asks a tier for something that costs it little.
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
                        "until it does, each process computes for itself, keeps what it computed for 2 s at most, and \
                         invalidations fail"
                    }
                    Role::Memory | Role::Storage => "until it does, the other tiers are used",
                };
                write!(
                    f,
                    " does not answer ({reason}); {meaning}. It is tried again every second"
                )
            }
        }
    }
}
