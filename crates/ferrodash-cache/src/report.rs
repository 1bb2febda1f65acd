//! The part of [`Cache`] that reports counters and entries, also in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use crate::cache::Cache;
use crate::catalog::EntryReport;
use crate::state::TierState;
use crate::stats::FunctionReport;
use crate::{Key, Unreached};

impl Cache {
    /// The counters of each function, by name, since the start of the process.
    pub fn functions(&self) -> Vec<FunctionReport> {
        self.inner.stats.reports()
    }

    /// The names of the tiers, in the order in which they are asked.
    pub fn tiers(&self) -> Vec<&'static str> {
        self.tier_failures()
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    /// The number of entries in this process's memory, and their size in bytes.
    pub fn memory_size(&self) -> (usize, u64) {
        self.inner
            .near_cache
            .as_ref()
            .map_or((0, 0), |near| near.size())
    }

    /// Begins to note which entries this process sees, for [`entries`](Self::entries). Hits become
    /// a little slower.
    pub fn watch_entries(&self) {
        self.inner.watched.store(true, Ordering::Relaxed);
    }

    /// The entries that this process has seen since [`watch_entries`](Self::watch_entries), the
    /// most used first, and at most ten thousand.
    pub fn entries(&self) -> Vec<EntryReport> {
        self.inner.catalog.reports()
    }

    /// [Removes](Self::remove) an entry, and strikes it out from [`entries`](Self::entries).
    ///
    /// # Errors
    /// As for `remove`.
    pub async fn remove_seen(&self, key: &Key) -> Result<(), Unreached> {
        self.remove(key).await?;
        self.inner.catalog.forget(key);
        Ok(())
    }

    /// Audit mode: computes this share of hits again, 0 to 1, and reports functions whose values
    /// differ, in the log and in [`FunctionReport::impure`]. Hits become slower. By default none.
    pub fn audit(&self, share: f64) {
        self.inner.audit.set(share);
        if share > 0.0 {
            self.inner.watched.store(true, Ordering::Relaxed);
        }
    }

    /// All counters in the text format of Prometheus, version 0.0.4.
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        functions_as_text(&self.functions(), &mut text);
        self.tiers_as_text(&mut text);
        self.memory_as_text(&mut text);
        text
    }

    /// What is counted of tiers.
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
        let help = "Whether something is wrong with a tier that answers, such as a full disk.";
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

/// What is counted of functions.
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

/// Reads a counter as Prometheus does, which counts in floats.
type Read = fn(&FunctionReport) -> f64;

/// The counters of a function beside its answers: name, help, value.
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

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// The value of a label.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
