//! The part of [`Cache`] that reports counters and entries, also in the text format of Prometheus.
//!
//! Reports read counters and the catalog, and call no tier.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use crate::cache::Cache;
use crate::catalog::EntryReport;
use crate::state::TierState;
use crate::stats::FunctionReport;
use crate::{Key, Unreached};

impl Cache {
    /// Returns the counters of each function, sorted by name, since the start of the process.
    /// [`CallOptions::name`](crate::CallOptions::name) names a function.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use std::{convert::Infallible, time::Duration};
    /// # use ferrodash_cache::{Cache, CallOptions, Computed, Key, Policy};
    /// let cache = Cache::memory(1 << 20);
    /// let policy = Policy::new(Duration::from_secs(60));
    /// let options = CallOptions::new().name("rows");
    /// for _ in 0..3 {
    ///     let compute = || async { Ok::<_, Infallible>(Computed::keep("42")) };
    ///     cache.get_or_compute_with(Key::of("rows", &1), &policy, &options, compute).await;
    /// }
    /// let report = &cache.functions()[0];
    /// assert_eq!((report.misses, report.hits), (1, 2));
    /// # }
    /// ```
    pub fn functions(&self) -> Vec<FunctionReport> {
        self.inner.stats.reports()
    }

    /// Returns the names of the tiers, in the order in which they are read.
    pub fn tiers(&self) -> Vec<&'static str> {
        self.tier_failures()
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    /// Returns the number of entries in this process's memory, and their size in bytes with the
    /// overhead of each. Zeros without memory as the first tier.
    pub fn memory_size(&self) -> (usize, u64) {
        self.inner
            .near_cache
            .as_ref()
            .map_or((0, 0), |near| near.size())
    }

    /// Starts recording which entries this process sees, for [`entries`](Self::entries). Hits
    /// become a little slower. It cannot be stopped.
    pub fn watch_entries(&self) {
        self.inner.watched.store(true, Ordering::Relaxed);
    }

    /// Returns the entries that this process has seen since [`watch_entries`](Self::watch_entries),
    /// the most used first, and at most 10,000. Empty if entries are not watched.
    pub fn entries(&self) -> Vec<EntryReport> {
        self.inner.catalog.reports()
    }

    /// [Removes](Self::remove) an entry, and deletes it from [`entries`](Self::entries).
    ///
    /// # Errors
    /// As for `remove`. The entry then stays in `entries`.
    pub async fn remove_seen(&self, key: &Key) -> Result<(), Unreached> {
        self.remove(key).await?;
        self.inner.catalog.forget(key);
        Ok(())
    }

    /// Sets the share of hits that are computed again, from 0 to 1, to find functions whose values
    /// differ for the same arguments. By default 0.
    ///
    /// A difference is logged as a warning and counted in [`FunctionReport::impure`]. The second
    /// run happens in the background, and callers get the stored value. A value that was
    /// invalidated meanwhile is not compared. Hits become slower, also after the share is set to 0
    /// again, because entries are then [watched](Self::watch_entries).
    ///
    /// Values outside of the range are clamped.
    pub fn audit(&self, share: f64) {
        self.inner.audit.set(share);
        if share > 0.0 {
            self.inner.watched.store(true, Ordering::Relaxed);
        }
    }

    /// Returns all counters in the text format of Prometheus, version 0.0.4.
    ///
    /// | Metric | Labels | Meaning |
    /// |---|---|---|
    /// | `ferrodash_cache_answers_total` | `function`, `result` | answers |
    /// | `ferrodash_cache_errors_total` | `function` | calls that ended in an error |
    /// | `ferrodash_cache_runs_total` | `function` | runs of the function |
    /// | `ferrodash_cache_run_seconds_total` | `function` | time of all runs |
    /// | `ferrodash_cache_impure_total` | `function` | differences found by `audit` |
    /// | `ferrodash_cache_tier_failures_total` | `tier` | calls that a tier did not answer |
    /// | `ferrodash_cache_tier_up` | `tier` | 1 if the last call was answered, else 0 |
    /// | `ferrodash_cache_tier_degraded` | `tier` | 1 if a tier answers but is impaired |
    /// | `ferrodash_cache_memory_entries` | | entries in memory |
    /// | `ferrodash_cache_memory_bytes` | | bytes in memory |
    ///
    /// The result is `hit`, `stale`, `miss`, `collapsed` or `bypass`, as in
    /// [`Status`](crate::Status).
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        functions_as_text(&self.functions(), &mut text);
        self.tiers_as_text(&mut text);
        self.memory_as_text(&mut text);
        text
    }

    /// Writes the counters and the states of tiers.
    fn tiers_as_text(&self, text: &mut String) {
        head(
            text,
            "ferrodash_cache_tier_failures_total",
            "counter",
            "Calls that a tier did not answer.",
        );
        let reports = self.tier_reports();
        let tiers = self.tier_failures();
        for (tier, failures) in &tiers {
            let _ = writeln!(
                text,
                "ferrodash_cache_tier_failures_total{{tier=\"{tier}\"}} {failures}"
            );
        }
        head(
            text,
            "ferrodash_cache_tier_up",
            "gauge",
            "Whether a tier answered when it was last asked.",
        );
        for report in &reports {
            let up = u8::from(!matches!(report.state, TierState::Down(_)));
            let _ = writeln!(
                text,
                "ferrodash_cache_tier_up{{tier=\"{}\"}} {up}",
                report.name
            );
        }
        let help = "Whether something is wrong with a tier that answers, \
                    such as a full disk.";
        head(text, "ferrodash_cache_tier_degraded", "gauge", help);
        for report in &reports {
            let degraded = u8::from(matches!(report.state, TierState::Degraded(_)));
            let _ = writeln!(
                text,
                "ferrodash_cache_tier_degraded{{tier=\"{}\"}} {degraded}",
                report.name
            );
        }
    }

    /// Writes the number and the size of the entries in memory.
    fn memory_as_text(&self, text: &mut String) {
        let (entries, bytes) = self.memory_size();
        let gauges = [
            ("entries", "Entries", entries as u64),
            ("bytes", "Bytes", bytes),
        ];
        for (name, what, value) in gauges {
            let name = format!("ferrodash_cache_memory_{name}");
            head(text, &name, "gauge", &format!("{what} in memory."));
            let _ = writeln!(text, "{name} {value}");
        }
    }
}

/// Writes the counters of functions.
fn functions_as_text(functions: &[FunctionReport], text: &mut String) {
    head(
        text,
        "ferrodash_cache_answers_total",
        "counter",
        "Answers, by function and by where they came from.",
    );
    for function in functions {
        let name = escape(&function.name);
        let counts = [
            ("hit", function.hits),
            ("stale", function.stale),
            ("miss", function.misses),
            ("collapsed", function.collapsed),
            ("bypass", function.bypassed),
        ];
        for (result, count) in counts {
            let _ = writeln!(
                text,
                "ferrodash_cache_answers_total{{function=\"{name}\",result=\"{result}\"}} {count}"
            );
        }
    }
    for (name, help, read) in COUNTERS {
        head(text, name, "counter", help);
        for function in functions {
            let function_name = escape(&function.name);
            let value = read(function);
            let _ = writeln!(text, "{name}{{function=\"{function_name}\"}} {value}");
        }
    }
}

/// Reads a counter as a float, which is how Prometheus counts.
type Read = fn(&FunctionReport) -> f64;

/// The counters of a function besides its answers: name, help, value.
#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floats")]
const COUNTERS: [(&str, &str, Read); 4] = [
    (
        "ferrodash_cache_errors_total",
        "Calls that ended in an error.",
        |f| f.errors as f64,
    ),
    ("ferrodash_cache_runs_total", "Runs of the function.", |f| {
        f.runs as f64
    }),
    (
        "ferrodash_cache_run_seconds_total",
        "How long the runs took.",
        |f| f.run_time.as_secs_f64(),
    ),
    (
        "ferrodash_cache_impure_total",
        "Values that differed when computed again.",
        |f| f.impure as f64,
    ),
];

/// Writes the lines before a metric that describe it.
fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// Escapes the value of a label.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
