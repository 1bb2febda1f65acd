//! Counters for each function: the source of metrics and of the admin page.
//!
//! Counting is lock-free and costs one atomic addition, as it happens on every hit. The file knows
//! neither answers nor policies; callers choose the counter.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The counters of one function, since the start of the process.
#[derive(Debug, Default)]
pub struct FunctionStats {
    name: Arc<str>,
    pub(crate) hits: AtomicU64,
    pub(crate) stale: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) collapsed: AtomicU64,
    pub(crate) bypassed: AtomicU64,
    errors: AtomicU64,
    runs: AtomicU64,
    run_micros: AtomicU64,
    impure: AtomicU64,
}

/// The counters of a function at one moment.
///
/// The counters are read one after the other while calls continue, so sums over them can differ by
/// the calls in between.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionReport {
    /// The name of the function; empty for calls whose policy has none.
    pub name: Arc<str>,
    /// Fresh answers from a tier.
    pub hits: u64,
    /// Stale answers from a tier.
    pub stale: u64,
    /// Answers for which the function ran.
    pub misses: u64,
    /// Answers that came from another caller's run.
    pub collapsed: u64,
    /// Answers of the function without the cache.
    pub bypassed: u64,
    /// Calls that ended in an error, a panic or a timeout.
    pub errors: u64,
    /// Runs of the function, including refreshes in the background.
    pub runs: u64,
    /// The total time of all runs.
    pub run_time: Duration,
    /// Recomputed values that differed from the stored one; counted in [audit
    /// mode](crate::Cache::audit).
    pub impure: u64,
}

impl FunctionStats {
    /// Returns the function's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an answer in one of the counters of this function.
    pub(crate) fn answered(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a run and its time.
    pub(crate) fn ran(&self, time: Duration) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.run_micros.fetch_add(
            u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    pub(crate) fn differed(&self) {
        self.impure.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads the counters.
    fn report(&self) -> FunctionReport {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FunctionReport {
            name: self.name.clone(),
            hits: read(&self.hits),
            stale: read(&self.stale),
            misses: read(&self.misses),
            collapsed: read(&self.collapsed),
            bypassed: read(&self.bypassed),
            errors: read(&self.errors),
            runs: read(&self.runs),
            run_time: Duration::from_micros(read(&self.run_micros)),
            impure: read(&self.impure),
        }
    }
}

/// The counters of all functions.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    // Written once for each function, and read on each answer that is not a hit in memory.
    functions: RwLock<HashMap<Arc<str>, Arc<FunctionStats>>>,
}

impl Stats {
    /// Returns the counters of a function, and creates them at the first call.
    pub(crate) fn of(&self, name: &str) -> Arc<FunctionStats> {
        if let Some(stats) = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
        {
            return stats.clone();
        }
        let name: Arc<str> = name.into();
        let mut functions = self
            .functions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let named = || {
            Arc::new(FunctionStats {
                name: name.clone(),
                ..FunctionStats::default()
            })
        };
        functions.entry(name.clone()).or_insert_with(named).clone()
    }

    /// Reads all counters, sorted by name.
    pub(crate) fn reports(&self) -> Vec<FunctionReport> {
        let functions = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut reports: Vec<_> = functions.values().map(|stats| stats.report()).collect();
        reports.sort_by(|a, b| a.name.cmp(&b.name));
        reports
    }
}
