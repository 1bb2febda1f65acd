//! Counts the calls that the app answers, how often they were equal, and how soon inputs changed
//! again.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use ferrodash_serve::sync::lock;
use tokio::time::Instant;

use crate::call::Asked;
use crate::dash::Callback;
use crate::reply::Reply;

/// The number of calls, for each callback, that are compared with later ones.
const REMEMBERED: usize = 512;

/// A change of an input that comes sooner after the last one would have waited with a debounce.
const SOON: Duration = Duration::from_millis(500);

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
    /// Those of them whose earlier call was made by the same visitor.
    pub equal_for_visitor: u64,
    /// The calls that came less than 500 ms after the last one of the same visitor for the same
    /// input, by inputs that do not wait.
    pub soon_again: BTreeMap<String, u64>,
}

/// Counts the calls of the app.
#[derive(Default)]
pub(crate) struct Counters {
    callbacks: Mutex<HashMap<String, Counter>>,
}

#[derive(Default)]
struct Counter {
    report: CallbackReport,
    /// The last answers, by the digests of the arguments.
    seen: HashMap<u64, Seen>,
    /// When a visitor has made the last call for an input.
    last: HashMap<(u64, usize), Instant>,
}

/// An answer of the app.
struct Seen {
    /// Its digest.
    answer: u64,
    visitor: Visitor,
}

/// Who makes a call, as far as its headers tell. It is for counting only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visitor(u64);

/// A call that the app has answered.
pub(crate) struct Answered<'a> {
    pub(crate) callback: &'a Callback,
    /// What the app got.
    pub(crate) body: &'a [u8],
    pub(crate) visitor: Visitor,
    pub(crate) reply: &'a Reply,
    /// When it was sent to the app.
    pub(crate) start: Instant,
}

impl Visitor {
    pub(crate) fn of(headers: &HeaderMap, peer: Option<IpAddr>) -> Self {
        let mut text = format!("{peer:?}").into_bytes();
        for name in [header::COOKIE, header::FORWARDED, header::USER_AGENT] {
            for value in headers.get_all(name) {
                text.extend_from_slice(value.as_bytes());
            }
        }
        for value in headers.get_all("x-forwarded-for") {
            text.extend_from_slice(value.as_bytes());
        }
        Self(digest(&text))
    }
}

impl Counters {
    /// Counts a call of a callback that the app has, and has answered.
    pub(crate) fn count(&self, call: &Answered<'_>) {
        let asked = Asked::read(call.body);
        let arguments = digest(&asked.arguments);
        let seen = Seen {
            answer: digest(&call.reply.body),
            visitor: call.visitor,
        };
        let took = call.start.elapsed();
        let is_failure = call.reply.status.is_server_error();
        let mut callbacks = lock(&self.callbacks);
        let output = &call.callback.output;
        let counter = callbacks.entry(output.clone()).or_default();
        counter.report.calls += 1;
        counter.report.failures += u64::from(is_failure);
        counter.report.time += took;
        counter.compare(arguments, seen);
        if let Some(place) = asked.single_trigger(call.callback) {
            counter.time(call, place);
        }
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

impl Counter {
    /// Compares a call with the last one that had the same arguments.
    fn compare(&mut self, arguments: u64, seen: Seen) {
        let report = &mut self.report;
        if let Some(before) = self.seen.get(&arguments) {
            let is_equal = before.answer == seen.answer;
            report.equal_arguments += 1;
            report.equal_answers += u64::from(is_equal);
            report.equal_for_visitor += u64::from(is_equal && before.visitor == seen.visitor);
        } else if self.seen.len() >= REMEMBERED {
            self.seen.clear();
        }
        self.seen.insert(arguments, seen);
    }

    /// Compares the time of a call with that of the visitor's last one for the same input.
    fn time(&mut self, call: &Answered<'_>, place: usize) {
        let input = &call.callback.inputs[place];
        if input.wait.is_some() {
            return;
        }
        if self.last.len() >= REMEMBERED {
            self.last.clear();
        }
        let last = self.last.insert((call.visitor.0, place), call.start);
        if last.is_some_and(|last| call.start.duration_since(last) < SOON) {
            let input = input.declared.name();
            *self.report.soon_again.entry(input).or_default() += 1;
        }
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    u64::from_le_bytes(first)
}
