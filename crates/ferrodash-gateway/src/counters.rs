//! Counts the calls that the app answers, and how often they were equal.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use ferrodash_serve::sync::lock;

use crate::reply::Reply;

/// The number of calls, for each callback, that are compared with later ones.
const REMEMBERED: usize = 512;

/// What happened to a callback.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallbackReport {
    /// The output.
    pub output: String,
    /// The calls that the app answered.
    pub calls: u64,
    /// The calls that failed.
    pub failures: u64,
    /// The time that the app took for all of them.
    pub time: Duration,
    /// The calls whose arguments were those of an earlier one.
    pub equal_arguments: u64,
    /// The calls whose arguments and answer were those of an earlier one.
    pub equal_answers: u64,
}

/// Counts the calls of the app.
#[derive(Default)]
pub(crate) struct Counters {
    callbacks: Mutex<HashMap<String, Counter>>,
}

#[derive(Default)]
struct Counter {
    report: CallbackReport,
    /// The digest of the last answer, by that of the arguments.
    seen: HashMap<u64, u64>,
}

impl Counters {
    /// Counts a call of a callback that the app has, and has answered.
    pub(crate) fn count(&self, output: &str, arguments: &[u8], reply: &Reply, took: Duration) {
        let (arguments, answer) = (digest(arguments), digest(&reply.body));
        let is_failure = reply.status.is_server_error();
        let mut callbacks = lock(&self.callbacks);
        let counter = callbacks.entry(output.to_owned()).or_default();
        let report = &mut counter.report;
        report.calls += 1;
        report.failures += u64::from(is_failure);
        report.time += took;
        if let Some(before) = counter.seen.get(&arguments) {
            report.equal_arguments += 1;
            report.equal_answers += u64::from(*before == answer);
        } else if counter.seen.len() >= REMEMBERED {
            counter.seen.clear();
        }
        counter.seen.insert(arguments, answer);
    }

    pub(crate) fn report(&self) -> Vec<CallbackReport> {
        let callbacks = lock(&self.callbacks);
        let reports = callbacks.iter().map(|(output, counter)| CallbackReport {
            output: output.clone(),
            ..counter.report.clone()
        });
        let mut reports: Vec<CallbackReport> = reports.collect();
        reports.sort_by(|one, other| one.output.cmp(&other.output));
        reports
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    u64::from_le_bytes(first)
}
