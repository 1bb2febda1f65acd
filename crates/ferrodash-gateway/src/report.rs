//! What the gateway has done, for metrics and for the admin page.

use std::fmt::Write as _;

use ferrodash_cache::FunctionReport;

use crate::counters::CallbackReport;
use crate::dash::can_wait;
use crate::state::State;
use crate::upstream::ServerReport;

/// What the gateway has done so far.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The servers of the app.
    pub servers: Vec<ServerReport>,
    /// The calls that the app answers at the moment.
    pub running: usize,
    /// The calls that wait for their turn.
    pub waiting: usize,
    /// The callbacks that were called, by output.
    pub callbacks: Vec<CallbackReport>,
    /// What the cache has done, by output.
    pub cached: Vec<FunctionReport>,
    /// The number of answers in memory, and their bytes.
    pub memory: (usize, u64),
    /// Whether the app's version of Dash lets inputs wait.
    pub can_wait: bool,
}

impl Report {
    pub(crate) fn of(state: &State) -> Self {
        let (running, waiting) = state.upstreams.limits.report();
        Self {
            servers: state.upstreams.report(),
            running,
            waiting,
            callbacks: state.counters.report(),
            cached: state.answers.cache.functions(),
            memory: state.answers.cache.memory_size(),
            can_wait: state.suites.version().is_none_or(|it| can_wait(&it)),
        }
    }
}

/// Returns the figures of the gateway in the text format of Prometheus.
pub(crate) fn prometheus(state: &State) -> String {
    let report = Report::of(state);
    let mut text = state.answers.cache.prometheus();
    let gauges = [
        ("running", "Calls that the app answers.", report.running),
        ("waiting", "Calls that wait for their turn.", report.waiting),
    ];
    for (name, help, value) in gauges {
        let line = (String::new(), count(value as u64));
        write(&mut text, name, help, [line]);
    }
    for (name, help, read) in OF_SERVERS {
        let lines = report.servers.iter().map(|server| {
            let label = format!("{{server=\"{}\"}}", escape(&server.address));
            (label, read(server))
        });
        write(&mut text, name, help, lines);
    }
    for (name, help, read) in OF_CALLBACKS {
        let lines = report.callbacks.iter().map(|callback| {
            let label = format!("{{callback=\"{}\"}}", escape(&callback.output));
            (label, read(callback))
        });
        write(&mut text, name, help, lines);
    }
    text
}

/// A metric: name, help, value.
type Metric<T> = (&'static str, &'static str, fn(&T) -> f64);

/// Metrics of servers.
const OF_SERVERS: [Metric<ServerReport>; 2] = [
    (
        "server_up",
        "Whether a server of the app could be connected to.",
        |server| count(u64::from(server.is_up)),
    ),
    (
        "server_open",
        "Requests that a server of the app has not answered yet.",
        |server| count(server.open as u64),
    ),
];

/// Metrics of callbacks.
const OF_CALLBACKS: [Metric<CallbackReport>; 3] = [
    ("calls_total", "Calls that the app answered.", |callback| {
        count(callback.calls)
    }),
    ("failures_total", "Calls that failed.", |callback| {
        count(callback.failures)
    }),
    (
        "call_seconds_total",
        "Time that the app took for its calls.",
        |callback| callback.time.as_secs_f64(),
    ),
];

/// Writes a metric.
fn write(
    text: &mut String,
    name: &str,
    help: &str,
    lines: impl IntoIterator<Item = (String, f64)>,
) {
    let kind = if name.ends_with("_total") {
        "counter"
    } else {
        "gauge"
    };
    let name = format!("ferrodash_gateway_{name}");
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, value) in lines {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floats")]
fn count(value: u64) -> f64 {
    value as f64
}

/// Escapes the value of a label.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
