//! Counts the calls that the app answers, how often they were equal, and how soon inputs changed
//! again.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use ferrodash_serve::sync::lock;
use tokio::time::Instant;

use crate::call::Call;
use crate::dash::{Callback, Source};
use crate::reply::Reply;

/// The number of callbacks whose calls are counted. An app can have new names at each start.
const MOST_CALLBACKS: usize = 10_000;

/// The number of calls, for each callback, with which later ones are compared.
const REMEMBERED: usize = 512;

/// The longest call and the longest answer that are compared, in bytes.
const COMPARED: usize = 1 << 20;

/// An equal call that comes later is counted as a new one.
const AGAIN: Duration = Duration::from_secs(60);

/// Two calls that are closer together than this would be one call with a debounce.
const SOON: Duration = Duration::from_millis(500);

/// What happened to a callback.
///
/// Calls are compared only if the configuration has an admin page; the fields from
/// `equal_arguments` on are zero otherwise. Calls and answers of more than 1 MiB are not compared.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallbackReport {
    /// The output.
    pub output: String,
    /// Where something is declared for it.
    pub source: Source,
    /// Whether its answers are kept.
    pub is_kept: bool,
    /// Whether it is declared that it writes.
    pub writes: bool,
    /// Whether something can be declared for it: it is no background callback, for example.
    pub is_usual: bool,
    /// The calls that the app answered.
    pub calls: u64,
    /// The calls that failed.
    pub failures: u64,
    /// The time that the app took for all of them.
    pub time: Duration,
    /// The calls that came within a minute after another one with the same arguments.
    pub equal_arguments: u64,
    /// Those of them whose answer was the same too, and may be kept.
    pub equal_answers: u64,
    /// Calls that repeated one of the same visitor.
    pub own: Repeated,
    /// Calls that repeated one of another visitor.
    pub others: Repeated,
    /// The number of calls, for each input, that came less than 500 ms after the last one of the
    /// same visitor for it. Inputs that wait are not counted.
    pub soon_again: BTreeMap<String, u64>,
}

/// Calls that came within a minute after another one with the same arguments, and whose answer may
/// be kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeated {
    /// Those that were answered with the same.
    pub equal: u64,
    /// Those that were answered with something else.
    pub different: u64,
}

/// Counts the calls of the app.
pub(crate) struct Counters {
    /// Whether calls are compared.
    compares: bool,
    callbacks: Mutex<HashMap<String, Counter>>,
}

#[derive(Default)]
struct Counter {
    report: CallbackReport,
    /// The last calls of all visitors, by their arguments.
    all: HashMap<u64, Seen>,
    /// The last calls of each visitor.
    own: HashMap<(u64, Visitor), Seen>,
    /// When a visitor has made the last call for an input.
    last: HashMap<(Visitor, u64), Instant>,
}

/// A call that later ones are compared with.
#[derive(Clone, Copy)]
struct Seen {
    /// The digest of the answer, if that may be kept.
    answer: Option<u64>,
    visitor: Visitor,
    arrived: Instant,
}

/// Who makes a call, as far as its headers tell. It is for counting only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Visitor(u64);

/// A call that the app has answered.
pub(crate) struct Answered<'a> {
    pub(crate) callback: &'a Arc<Callback>,
    /// What the app got.
    pub(crate) body: &'a [u8],
    pub(crate) visitor: Visitor,
    pub(crate) reply: &'a Reply,
    /// When it came.
    pub(crate) arrived: Instant,
    /// How long the app took.
    pub(crate) took: Duration,
}

impl Visitor {
    pub(crate) fn of(headers: &HeaderMap, peer: Option<IpAddr>) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{peer:?}").as_bytes());
        let forwarded = header::HeaderName::from_static("x-forwarded-for");
        for name in [header::COOKIE, header::USER_AGENT, forwarded] {
            for value in headers.get_all(name) {
                hasher.update(value.as_bytes());
            }
        }
        Self(short(&hasher.finalize()))
    }
}

impl Counters {
    /// Creates counters. `compares` says whether calls are compared with each other.
    pub(crate) fn new(compares: bool) -> Self {
        Self {
            compares,
            callbacks: Mutex::default(),
        }
    }

    /// Counts a call of a callback that the app has, and has answered.
    pub(crate) fn count(&self, call: &Answered<'_>) {
        let compared = self.compares.then(|| Compared::of(call)).flatten();
        let is_failure = call.reply.status.is_server_error();
        let mut callbacks = lock(&self.callbacks);
        let output = &call.callback.output;
        if callbacks.len() >= MOST_CALLBACKS && !callbacks.contains_key(output) {
            return;
        }
        let counter = callbacks.entry(output.clone()).or_default();
        let report = &mut counter.report;
        report.source = call.callback.source;
        report.is_kept = call.callback.kept.is_some();
        report.writes = !call.callback.invalidates.is_empty();
        report.is_usual = call.callback.is_usual;
        report.calls += 1;
        report.failures += u64::from(is_failure);
        report.time += call.took;
        if let Some(compared) = compared {
            counter.compare(&compared);
            counter.time(call.callback, &compared);
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

/// What is compared of a call.
struct Compared {
    /// The digest of the arguments.
    arguments: u64,
    seen: Seen,
    /// The place of the input that has caused the call, and the digest of its name, if it is the
    /// only one.
    trigger: Option<(usize, u64)>,
}

impl Compared {
    /// Reads a call; `None` if it is too long, or not one that a page makes.
    fn of(call: &Answered<'_>) -> Option<Self> {
        let reply = call.reply;
        if call.body.len().max(reply.body.len()) > COMPARED {
            return None;
        }
        let read = Call::read(call.body)?;
        let may_be_kept = reply.may_be_shared(read.outputs(), &[]);
        let trigger = read.single_trigger().and_then(|name| {
            let mut inputs = call.callback.inputs.iter();
            let place = inputs.position(|input| input.is_named(&name))?;
            Some((place, digest(name.as_bytes())))
        });
        let seen = Seen {
            answer: may_be_kept.then(|| digest(&reply.body)),
            visitor: call.visitor,
            arrived: call.arrived,
        };
        Some(Self {
            arguments: short(&read.arguments(call.callback.has_choice())),
            seen,
            trigger,
        })
    }
}

impl Counter {
    /// Compares a call with the last ones that had the same arguments.
    fn compare(&mut self, call: &Compared) {
        let seen = call.seen;
        let own_key = (call.arguments, seen.visitor);
        let last = replace(&mut self.all, call.arguments, seen);
        let last_own = replace(&mut self.own, own_key, seen);
        let report = &mut self.report;
        if let Some(last) = last {
            report.equal_arguments += 1;
            report.equal_answers += u64::from(seen.answer.is_some() && last.answer == seen.answer);
            if last.visitor != seen.visitor {
                report.others.add(last, seen);
            }
        }
        if let Some(last) = last_own {
            report.own.add(last, seen);
        }
    }

    /// Compares the time of a call with that of the visitor's last one for the same input.
    fn time(&mut self, callback: &Callback, call: &Compared) {
        let Some((place, name)) = call.trigger else {
            return;
        };
        let input = &callback.inputs[place];
        if input.wait.is_some() {
            return;
        }
        let (key, arrived) = ((call.seen.visitor, name), call.seen.arrived);
        make_room(&mut self.last, &key);
        let last = self.last.entry(key).or_insert(arrived);
        // Answers come in another order than calls.
        let since = arrived.checked_duration_since(*last);
        let is_later = since.is_some_and(|since| !since.is_zero());
        *last = arrived.max(*last);
        if is_later && since.is_some_and(|since| since < SOON) {
            let input = input.declared.name();
            *self.report.soon_again.entry(input).or_default() += 1;
        }
    }
}

impl Repeated {
    fn add(&mut self, last: Seen, seen: Seen) {
        if let (Some(before), Some(answer)) = (last.answer, seen.answer) {
            self.equal += u64::from(before == answer);
            self.different += u64::from(before != answer);
        }
    }
}

/// Puts a call in the place of the last equal one, and returns that if both came within a minute.
/// Answers come in another order than calls; the later call stays.
fn replace<K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, Seen>,
    key: K,
    seen: Seen,
) -> Option<Seen> {
    make_room(map, &key);
    let last = match map.entry(key) {
        Entry::Vacant(place) => {
            place.insert(seen);
            return None;
        }
        Entry::Occupied(place) => place.into_mut(),
    };
    let before = *last;
    let (first, second) = (
        before.arrived.min(seen.arrived),
        before.arrived.max(seen.arrived),
    );
    if seen.arrived >= before.arrived {
        *last = seen;
    }
    (second - first < AGAIN).then_some(before)
}

/// Empties a map that is full, unless it has the key.
fn make_room<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>, key: &K) {
    if map.len() >= REMEMBERED && !map.contains_key(key) {
        map.clear();
    }
}

fn digest(bytes: &[u8]) -> u64 {
    short(&blake3::hash(bytes))
}

fn short(hash: &blake3::Hash) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, StatusCode};

    use super::*;
    use crate::config::Config;
    use crate::dash::App;

    const LIST: &str = r#"[{"output":"out.children","inputs":[{"id":"in","property":"value"}],
        "state":[],"clientside_function":null}]"#;
    const ALICE: Visitor = Visitor(1);
    const BOB: Visitor = Visitor(2);

    /// Counts calls of one callback.
    struct Counting {
        counters: Counters,
        callback: Arc<Callback>,
        start: Instant,
    }

    impl Counting {
        fn new() -> Self {
            let config = Config::to(Vec::new());
            let app = App::read(LIST.as_bytes(), &config, "1").expect("a list");
            Self {
                counters: Counters::new(true),
                callback: app.callbacks["out.children"].clone(),
                start: Instant::now(),
            }
        }

        /// Counts a call that came after some milliseconds.
        fn call(&self, visitor: Visitor, value: &str, answer: &str, after: u64) -> &Self {
            let body = format!(
                r#"{{"output":"out.children","outputs":{{"id":"out","property":"children"}},
                "inputs":[{{"id":"in","property":"value","value":"{value}"}}],
                "changedPropIds":["in.value"]}}"#
            );
            let answer = format!(r#"{{"response":{{"out":{{"children":"{answer}"}}}}}}"#);
            let mut headers = HeaderMap::new();
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
            self.counters.count(&Answered {
                callback: &self.callback,
                body: body.as_bytes(),
                visitor,
                reply: &Reply {
                    status: StatusCode::OK,
                    headers,
                    body: answer.into(),
                },
                arrived: self.start + Duration::from_millis(after),
                took: Duration::ZERO,
            });
            self
        }

        fn report(&self) -> CallbackReport {
            self.counters.report().remove(0)
        }
    }

    #[test]
    fn equal_calls_are_counted_for_all_visitors_and_for_each() {
        let counting = Counting::new();
        for (place, visitor) in [ALICE, BOB, ALICE, BOB].into_iter().enumerate() {
            counting.call(visitor, "a", "A", 1000 * place as u64);
        }
        let report = counting.call(ALICE, "b", "B", 5000).report();
        assert_eq!(report.calls, 5);
        assert_eq!((report.equal_arguments, report.equal_answers), (3, 3));
        let repeated = |equal, different| Repeated { equal, different };
        assert_eq!(
            (report.own, report.others),
            (repeated(2, 0), repeated(3, 0))
        );
    }

    #[test]
    fn another_answer_and_a_call_after_a_minute_are_not_equal() {
        let counting = Counting::new();
        counting
            .call(ALICE, "a", "A", 0)
            .call(ALICE, "a", "B", 1000);
        let report = counting.call(ALICE, "a", "B", 62_000).report();
        assert_eq!((report.equal_arguments, report.equal_answers), (1, 0));
        assert_eq!(
            report.own,
            Repeated {
                equal: 0,
                different: 1
            }
        );
        assert_eq!(report.others, Repeated::default());
    }

    #[test]
    fn answers_for_each_visitor_are_equal_for_that_visitor_only() {
        let counting = Counting::new();
        for after in 0..3 {
            counting.call(ALICE, "a", "of Alice", 2000 * after);
            counting.call(BOB, "a", "of Bob", 2000 * after + 1000);
        }
        let report = counting.report();
        assert_eq!(
            report.own,
            Repeated {
                equal: 4,
                different: 0
            }
        );
        assert_eq!(
            report.others,
            Repeated {
                equal: 0,
                different: 5
            }
        );
    }

    #[test]
    fn a_call_that_takes_long_is_compared_by_when_it_came() {
        let counting = Counting::new();
        counting
            .call(ALICE, "a", "A", 80_000)
            .call(ALICE, "a", "A", 0);
        assert_eq!(counting.report().equal_arguments, 0);
        let report = counting.call(ALICE, "a", "A", 100_000).report();
        assert_eq!((report.equal_arguments, report.own.equal), (1, 1));
    }

    #[test]
    fn only_calls_of_one_visitor_that_come_at_once_are_soon_again() {
        let counting = Counting::new();
        counting.call(ALICE, "a", "A", 0).call(BOB, "b", "B", 100);
        assert!(counting.report().soon_again.is_empty());
        counting
            .call(ALICE, "ab", "AB", 300)
            .call(ALICE, "abc", "ABC", 900);
        // This one took long, so its answer comes last.
        counting.call(ALICE, "abcd", "ABCD", 700);
        let soon = counting.report().soon_again;
        assert_eq!(soon, BTreeMap::from([("in.value".to_owned(), 1)]));
    }

    #[test]
    fn without_an_admin_page_nothing_is_compared() {
        let counting = Counting {
            counters: Counters::new(false),
            ..Counting::new()
        };
        let report = counting
            .call(ALICE, "a", "A", 0)
            .call(ALICE, "a", "A", 1)
            .report();
        assert_eq!((report.calls, report.equal_arguments), (2, 0));
        assert!(report.soon_again.is_empty());
    }
}
