//! The figures of all named batchers of a program, in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::BatchReport;
use crate::counters::Counters;

/// The counters of the named batchers that have made a request.
static NAMED: Mutex<Vec<(String, Weak<Counters>)>> = Mutex::new(Vec::new());

/// Adds the counters of a batcher that makes its first request, and removes those of batchers that
/// are gone.
pub(crate) fn register(name: &str, counters: &Arc<Counters>) {
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    named.retain(|(_, counters)| counters.strong_count() > 0);
    named.push((name.to_owned(), Arc::downgrade(counters)));
}

/// Returns the figures of all batchers of this process that have a [name](crate::Batcher::name)
/// and have made a request. Those of one name are added up.
pub fn reports() -> BTreeMap<String, BatchReport> {
    let named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut reports = BTreeMap::<_, BatchReport>::new();
    for (name, counters) in named.iter() {
        if let Some(counters) = counters.upgrade() {
            let report = reports.entry(name.clone()).or_default();
            report.add(counters.report());
        }
    }
    reports
}

/// Returns the figures of all batchers with a [name](crate::Batcher::name) in the text format of
/// Prometheus, version 0.0.4. The label `batcher` is the name.
///
/// | Metric | Meaning |
/// |---|---|
/// | `ferrodash_batch_loads_total` | loads of single ids |
/// | `ferrodash_batch_ids_total` | ids that were sent |
/// | `ferrodash_batch_requests_total` | requests |
/// | `ferrodash_batch_cancelled_total` | requests that were cancelled |
/// | `ferrodash_batch_waited_seconds_total` | time between first load and request |
/// | `ferrodash_batch_running` | requests in progress |
/// | `ferrodash_batch_largest_ids` | ids of the largest request |
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::{collections::HashMap, convert::Infallible};
/// use ferrodash_batch::Batcher;
///
/// let squares = Batcher::new(async |ids: Vec<u32>| {
///     Ok::<HashMap<u32, u32>, Infallible>(ids.into_iter().map(|id| (id, id * id)).collect())
/// })
/// .name("squares");
/// squares.load_many([3, 1, 3]).await;
/// let text = ferrodash_batch::prometheus();
/// assert!(text.contains("ferrodash_batch_ids_total{batcher=\"squares\"} 2\n"));
/// # }
/// ```
pub fn prometheus() -> String {
    let reports = reports();
    let mut text = String::new();
    if reports.is_empty() {
        return text;
    }
    for (name, kind, help, read) in FIGURES {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (batcher, report) in &reports {
            let batcher = escape(batcher);
            let value = read(report);
            let _ = writeln!(text, "{name}{{batcher=\"{batcher}\"}} {value}");
        }
    }
    text
}

/// Reads a figure as a float, which is how Prometheus counts.
type Read = fn(&BatchReport) -> f64;

/// The metrics: name, kind, help, value.
#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floats")]
const FIGURES: [(&str, &str, &str, Read); 7] = [
    (
        "ferrodash_batch_loads_total",
        "counter",
        "Loads of single ids.",
        |report| report.loads as f64,
    ),
    (
        "ferrodash_batch_ids_total",
        "counter",
        "Ids that were sent, each once for its request.",
        |report| report.ids as f64,
    ),
    (
        "ferrodash_batch_requests_total",
        "counter",
        "Requests.",
        |report| report.batches as f64,
    ),
    (
        "ferrodash_batch_cancelled_total",
        "counter",
        "Requests that were cancelled because nobody waited any more.",
        |report| report.cancelled as f64,
    ),
    (
        "ferrodash_batch_waited_seconds_total",
        "counter",
        "Time between the first load of a batch and its request.",
        |report| report.waited.as_secs_f64(),
    ),
    (
        "ferrodash_batch_running",
        "gauge",
        "Requests in progress.",
        |report| report.running as f64,
    ),
    (
        "ferrodash_batch_largest_ids",
        "gauge",
        "Ids of the largest request.",
        |report| report.largest as f64,
    ),
];

/// Escapes the value of a label.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
