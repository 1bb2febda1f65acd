//! Values past their timeout, and what a function decides about its own.
//!
//! On memory, whose time is paused; what needs the clock of a server is in `nodes.rs`.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use ferrodash_cache::memo::{self, Arguments, Function};
use ferrodash_cache::{
    Answer, Cache, CallOptions, Computed, Failure, Key, Mode, Policy, Run, Status,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, advance, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// A function that counts its runs, says how many there were, and can be made to fail.
#[derive(Clone, Default)]
struct Source {
    runs: Arc<AtomicU32>,
    fails: Arc<AtomicBool>,
    takes: Duration,
}

impl Source {
    fn taking(takes: Duration) -> Self {
        Self {
            takes,
            ..Self::default()
        }
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }

    async fn ask(&self, cache: &Cache, policy: &Policy) -> Answer<String> {
        self.ask_with(cache, policy, &CallOptions::new()).await
    }

    async fn ask_with(
        &self,
        cache: &Cache,
        policy: &Policy,
        options: &CallOptions,
    ) -> Answer<String> {
        let source = self.clone();
        let compute = || async move {
            let run = source.runs.fetch_add(1, Ordering::SeqCst) + 1;
            sleep(source.takes).await;
            match source.fails.load(Ordering::SeqCst) {
                false => Ok(Computed::keep(run.to_string())),
                true => Err(format!("failure {run}")),
            }
        };
        cache
            .get_or_compute_with(Key::of("source", &1), policy, options, compute)
            .await
    }

    async fn value(&self, cache: &Cache, policy: &Policy) -> String {
        text(self.ask(cache, policy).await)
    }
}

/// Returns the value of an answer.
fn text(answer: Answer<String>) -> String {
    let value = answer.result.expect("a value");
    String::from_utf8(value.bytes().to_vec()).expect("text")
}

#[tokio::test(start_paused = true)]
async fn s5_a_stale_value_is_given_back_at_once_and_refreshed_by_one_run() {
    let (cache, source) = (Cache::memory(1 << 20), Source::taking(2 * SECOND));
    let policy = Policy::new(SECOND).stale_while_revalidate(10 * SECOND);
    assert_eq!(source.value(&cache, &policy).await, "1");
    advance(5 * SECOND).await;
    let start = Instant::now();
    for _ in 0..200 {
        let answer = source.ask(&cache, &policy).await;
        assert_eq!(answer.status, Status::Stale { tier: "memory" });
        let entry = answer.result.unwrap();
        assert_eq!(entry.bytes(), "1");
        assert!(
            entry.age() >= 5 * SECOND && entry.remaining().is_none(),
            "it says how old it is"
        );
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody waited");
    sleep(3 * SECOND).await;
    assert_eq!(source.runs(), 2, "one refresh for all");
    assert_eq!(source.value(&cache, &policy).await, "2");
}

#[tokio::test(start_paused = true)]
async fn past_its_lifetime_a_stale_value_is_not_given_back() {
    let (cache, source) = (Cache::memory(1 << 20), Source::default());
    let policy = Policy::new(SECOND).stale_while_revalidate(2 * SECOND);
    assert_eq!(source.value(&cache, &policy).await, "1");
    advance(4 * SECOND).await;
    let answer = source.ask(&cache, &policy).await;
    assert_eq!(
        (answer.status, source.runs()),
        (Status::Miss { stored: true }, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn s6_while_the_refresh_fails_the_old_value_stands_in_with_growing_pauses() {
    let (cache, source) = (Cache::memory(1 << 20), Source::default());
    let policy = Policy::new(SECOND).stale_if_error(60 * SECOND);
    assert_eq!(source.value(&cache, &policy).await, "1");
    source.fails.store(true, Ordering::SeqCst);
    advance(SECOND).await;
    let start = Instant::now();
    while start.elapsed() < 59 * SECOND {
        let answer = source.ask(&cache, &policy).await;
        assert_eq!(
            answer.result.unwrap().bytes(),
            "1",
            "after {:?}",
            start.elapsed()
        );
        assert_eq!(answer.status, Status::Stale { tier: "memory" });
        advance(SECOND / 10).await;
    }
    assert!(
        source.runs() - 1 <= 6,
        "{} retries in a minute",
        source.runs() - 1
    );
    advance(2 * SECOND).await;
    let error = source.ask(&cache, &policy).await.result.unwrap_err();
    assert_eq!(
        error,
        Failure::Error(format!("failure {}", source.runs())),
        "then the real error"
    );
    source.fails.store(false, Ordering::SeqCst);
    assert_eq!(
        source.ask(&cache, &policy).await.status,
        Status::Miss { stored: true }
    );
}

#[tokio::test(start_paused = true)]
async fn a_value_past_its_timeout_is_not_a_fallback_once_it_was_invalidated() {
    let (cache, source) = (Cache::memory(1 << 20), Source::default());
    let policy = Policy::new(SECOND)
        .stale_if_error(60 * SECOND)
        .tag("orders");
    assert_eq!(source.value(&cache, &policy).await, "1");
    source.fails.store(true, Ordering::SeqCst);
    advance(2 * SECOND).await;
    cache.invalidate_tag("orders").await.unwrap();
    assert!(source.ask(&cache, &policy).await.result.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_slow_function_is_waited_for_no_longer_than_the_soft_timeout() {
    let (cache, source) = (Cache::memory(1 << 20), Source::taking(10 * SECOND));
    let policy = Policy::new(SECOND)
        .stale_if_error(60 * SECOND)
        .soft_timeout(2 * SECOND);
    assert_eq!(
        source.value(&cache, &policy).await,
        "1",
        "there is nothing to fall back on"
    );
    advance(2 * SECOND).await;
    let start = Instant::now();
    let answer = source.ask(&cache, &policy).await;
    assert_eq!(
        (answer.status, start.elapsed()),
        (Status::Stale { tier: "memory" }, 2 * SECOND)
    );
    sleep(SECOND * 17 / 2).await;
    let answer = source.ask(&cache, &policy).await;
    assert_eq!(
        answer.result.unwrap().bytes(),
        "2",
        "it went on in the background"
    );
    assert_eq!(source.runs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_does_not_end_is_ended() {
    let (cache, source) = (
        Cache::memory(1 << 20),
        Source::taking(Duration::from_secs(1_000_000)),
    );
    let policy = Policy::new(SECOND).hard_timeout(3 * SECOND);
    let start = Instant::now();
    let (first, second) = tokio::join!(source.ask(&cache, &policy), source.ask(&cache, &policy));
    for answer in [first, second] {
        assert_eq!(answer.result.unwrap_err(), Failure::TimedOut(3 * SECOND));
    }
    assert_eq!((start.elapsed(), source.runs()), (3 * SECOND, 1));
    let quick = Source::default();
    assert_eq!(
        quick.value(&cache, &policy).await,
        "1",
        "the key stays usable"
    );
}

#[tokio::test(start_paused = true)]
async fn jitter_shortens_and_never_lengthens() {
    let cache = Cache::memory(1 << 20);
    let policy = Policy::new(100 * SECOND).jitter(0.2);
    let mut seen = Vec::new();
    for index in 0..100 {
        let compute = || async { Ok::<_, Infallible>(Computed::keep("value")) };
        let entry = cache
            .get_or_compute(Key::of("jitter", &index), &policy, compute)
            .await
            .result
            .unwrap();
        seen.push(entry.remaining().unwrap());
    }
    assert!(
        seen.iter()
            .all(|left| *left > 79 * SECOND && *left <= 100 * SECOND)
    );
    seen.sort();
    seen.dedup();
    assert!(seen.len() > 90, "they differ");
}

#[tokio::test]
async fn settings_that_make_no_sense_panic_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("disk:{}", folder.path().display());
    let cache = Cache::from_url(&url).await.unwrap();
    for share in [f64::NAN, -1.0, 7.0, f64::INFINITY] {
        let by_method = Policy::new(60 * SECOND).jitter(share);
        let mut by_field = Policy::new(60 * SECOND);
        by_field.jitter = share;
        for policy in [by_method, by_field] {
            let policy = policy.hard_timeout(Duration::MAX).lease(Duration::MAX);
            let compute = || async { Ok::<_, Infallible>(Computed::keep("value")) };
            let key = Key::of("settings", &share.to_bits());
            let answer = cache.get_or_compute(key, &policy, compute).await;
            assert_eq!(answer.result.unwrap().bytes(), "value");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn xfetch_refreshes_in_the_background_before_the_end() {
    let (cache, source) = (Cache::memory(1 << 20), Source::taking(SECOND));
    let policy = Policy::new(10 * SECOND).early(1.0);
    assert_eq!(source.value(&cache, &policy).await, "1");
    let start = Instant::now();
    while source.runs() == 1 {
        let answer = source.ask(&cache, &policy).await;
        assert_eq!(answer.status, Status::Hit { tier: "memory" });
        sleep(SECOND / 100).await;
        assert!(
            start.elapsed() < 10 * SECOND,
            "asked a hundred times a second, it is refreshed before its end"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_decides_about_its_value() {
    let cache = Cache::memory(1 << 20);
    let policy = Policy::new(100 * SECOND);
    let key = Key::of("decides", &1);
    let compute = || async {
        Run::current().timeout(5 * SECOND).tag("order:7");
        Ok::<_, Infallible>(Computed::keep("value"))
    };
    let entry = cache
        .get_or_compute(key, &policy, compute)
        .await
        .result
        .unwrap();
    assert_eq!(entry.remaining(), Some(5 * SECOND));
    cache.invalidate_tag("order:8").await.unwrap();
    assert!(cache.get(&key).await.is_some());
    cache.invalidate_tag("order:7").await.unwrap();
    assert!(cache.get(&key).await.is_none());
    let compute = || async {
        Run::current().do_not_keep();
        Ok::<_, Infallible>(Computed::keep("value"))
    };
    assert_eq!(
        cache.get_or_compute(key, &policy, compute).await.status,
        Status::Miss { stored: false }
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_says_not_modified_has_its_value_kept_again() {
    let cache = Cache::memory(1 << 20);
    let policy = Policy::new(SECOND).stale_if_error(100 * SECOND).tag("page");
    let key = Key::of("conditional", &1);
    let asked = Arc::new(AtomicU32::new(0));
    let ask = || {
        let asked = asked.clone();
        let compute = || async move {
            let run = Run::current();
            run.validator("\"v1\"");
            if run.previous_validator() == Some("\"v1\"") {
                asked.fetch_add(1, Ordering::SeqCst);
                run.not_modified();
                return Ok::<_, Infallible>(Computed::keep(""));
            }
            Ok(Computed::keep("a long body"))
        };
        cache.get_or_compute(key, &policy, compute)
    };
    assert_eq!(ask().await.result.unwrap().bytes(), "a long body");
    for round in 1..=2 {
        advance(2 * SECOND).await;
        let answer = ask().await;
        assert_eq!(answer.result.unwrap().bytes(), "a long body");
        assert_eq!(
            (answer.status, asked.load(Ordering::SeqCst)),
            (Status::Miss { stored: true }, round)
        );
    }
    // A value that was invalidated is not used again, whatever its source says.
    advance(2 * SECOND).await;
    cache.invalidate_tag("page").await.unwrap();
    assert_eq!(ask().await.result.unwrap().bytes(), "a long body");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_was_not_modified_keeps_the_tags_that_its_function_gave_it() {
    let cache = Cache::memory(1 << 20);
    let (key, policy) = (
        Key::of("tagged", &1),
        Policy::new(SECOND).stale_if_error(100 * SECOND),
    );
    let ask = || {
        let compute = || async {
            let run = Run::current();
            match run.previous_validator() {
                Some("v1") => run.not_modified(),
                _ => run.validator("v1").tag("order:7"),
            };
            Ok::<_, Infallible>(Computed::keep("body"))
        };
        cache.get_or_compute(key, &policy, compute)
    };
    ask().await.result.unwrap();
    advance(2 * SECOND).await;
    assert_eq!(ask().await.status, Status::Miss { stored: true });
    assert!(cache.get(&key).await.is_some());
    cache.invalidate_tag("order:7").await.unwrap();
    assert!(cache.get(&key).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn past_its_time_to_stand_in_an_expired_value_is_no_answer_while_the_function_fails() {
    let (cache, source) = (Cache::memory(1 << 20), Source::default());
    let policy = Policy::new(3600 * SECOND).stale_if_error(10 * SECOND);
    assert_eq!(source.value(&cache, &policy).await, "1");
    advance(300 * SECOND).await;
    assert!(cache.expire(&Key::of("source", &1)).await.unwrap());
    source.fails.store(true, Ordering::SeqCst);
    assert!(
        source.ask(&cache, &policy).await.result.is_ok(),
        "it stands in"
    );
    advance(20 * SECOND).await;
    for _ in 0..3 {
        assert!(
            source.ask(&cache, &policy).await.result.is_err(),
            "then the real error"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_error_does_not_take_the_place_of_a_value_that_can_stand_in() {
    let cache = Cache::memory(1 << 20);
    let policy = Policy::new(SECOND).stale_if_error(100 * SECOND);
    let ask = |computed: Computed| {
        let compute = || async { Ok::<_, Infallible>(computed) };
        cache.get_or_compute(Key::of("both", &1), &policy, compute)
    };
    ask(Computed::keep("value")).await.result.unwrap();
    advance(2 * SECOND).await;
    let answer = ask(Computed::negative("error", 10 * SECOND)).await;
    assert_eq!(
        (answer.status, answer.result.unwrap().bytes().as_ref()),
        (Status::Stale { tier: "memory" }, &b"value"[..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_refreshed_and_made_past_the_cache() {
    let (cache, source) = (Cache::memory(1 << 20), Source::default());
    let policy = Policy::new(100 * SECOND);
    assert_eq!(source.value(&cache, &policy).await, "1");
    let bypass = CallOptions::new().mode(Mode::Bypass);
    let bypassed = source.ask_with(&cache, &policy, &bypass).await;
    assert_eq!(bypassed.status, Status::Bypass);
    assert_eq!(
        source.value(&cache, &policy).await,
        "1",
        "that changed nothing"
    );
    let refresh = CallOptions::new().mode(Mode::Refresh);
    let refreshed = source.ask_with(&cache, &policy, &refresh).await;
    assert_eq!(text(refreshed), "3");
    assert_eq!(source.value(&cache, &policy).await, "3", "that did");
}

#[tokio::test(start_paused = true)]
async fn refreshes_at_the_same_time_share_a_run_that_is_a_refresh() {
    let (cache, source) = (Cache::memory(1 << 20), Source::taking(SECOND));
    let policy = Policy::new(100 * SECOND);
    let refresh = CallOptions::new().mode(Mode::Refresh);
    let usual = source.ask(&cache, &policy);
    let later = async {
        sleep(SECOND / 2).await;
        tokio::join!(
            source.ask_with(&cache, &policy, &refresh),
            source.ask_with(&cache, &policy, &refresh),
            source.ask_with(&cache, &policy, &refresh)
        )
    };
    let (usual, (a, b, c)) = tokio::join!(usual, later);
    assert_eq!(usual.result.unwrap().bytes(), "1");
    for answer in [a, b, c] {
        assert_eq!(answer.result.unwrap().bytes(), "2");
    }
    assert_eq!(
        source.value(&cache, &policy).await,
        "2",
        "the older run did not overwrite the newer"
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_took_long_enough_is_kept() {
    let cache = Cache::memory(1 << 20);
    let policy = Policy::new(100 * SECOND).slower_than(SECOND);
    let quick = Source::default().ask(&cache, &policy).await;
    assert_eq!(quick.status, Status::Miss { stored: false });
    let slow = Source::taking(2 * SECOND).ask(&cache, &policy).await;
    assert_eq!(slow.status, Status::Miss { stored: true });
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Trouble {
    NotFound,
    Down,
}

#[tokio::test(start_paused = true)]
async fn s27_asked_for_some_errors_are_kept_and_cause_one_run_in_their_time() {
    let cache = Cache::memory(1 << 20);
    let function = Function {
        name: "tests::negative",
        version: "1",
        owner: None,
    };
    let policy = Policy::new(100 * SECOND);
    let runs = Arc::new(AtomicU32::new(0));
    let negative = |error: &Trouble| (*error == Trouble::NotFound).then_some(10 * SECOND);
    let ask = |error: Trouble| {
        let runs = runs.clone();
        let call = || async move {
            runs.fetch_add(1, Ordering::SeqCst);
            Err::<u32, _>(error)
        };
        let arguments = Arguments::of(&function, &0);
        cache.scope(memo::result_with_negative(
            function, arguments, &policy, negative, call,
        ))
    };
    for _ in 0..3 {
        assert_eq!(ask(Trouble::Down).await, Err(Trouble::Down));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 3, "that error is not kept");
    for _ in 0..20 {
        assert_eq!(ask(Trouble::NotFound).await, Err(Trouble::NotFound));
        advance(SECOND / 4).await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 4, "one run in its time");
    advance(6 * SECOND).await;
    assert_eq!(ask(Trouble::NotFound).await, Err(Trouble::NotFound));
    assert_eq!(runs.load(Ordering::SeqCst), 5);
}

#[tokio::test(start_paused = true)]
async fn s29_audit_mode_finds_functions_that_are_not_pure() {
    let cache = Cache::memory(1 << 20);
    cache.audit(1.0);
    let policy = Policy::new(100 * SECOND);
    let options = |name: &'static str| CallOptions::new().name(name);
    let runs = Arc::new(AtomicU32::new(0));
    for _ in 0..50 {
        let pure = || async { Ok::<_, Infallible>(Computed::keep("always the same")) };
        cache
            .get_or_compute_with(Key::of("pure", &1), &policy, &options("pure"), pure)
            .await;
        let runs = runs.clone();
        let impure = || async move {
            Ok::<_, Infallible>(Computed::keep(
                runs.fetch_add(1, Ordering::SeqCst).to_string(),
            ))
        };
        cache
            .get_or_compute_with(Key::of("impure", &1), &policy, &options("impure"), impure)
            .await;
        tokio::task::yield_now().await;
    }
    sleep(SECOND).await;
    let reports = cache.functions();
    let impure = |name: &str| {
        reports
            .iter()
            .find(|report| &*report.name == name)
            .map(|report| report.impure)
    };
    assert_eq!((impure("pure"), impure("impure")), (Some(0), Some(49)));
}

#[tokio::test(start_paused = true)]
async fn s25_entries_are_listed_with_function_bytes_hits_and_age_and_one_can_be_deleted() {
    let cache = Cache::memory(1 << 20);
    cache.watch_entries();
    let (policy, options) = (Policy::new(100 * SECOND), CallOptions::new().name("rows"));
    let runs = Arc::new(AtomicU32::new(0));
    let ask = |number: u32| {
        let runs = runs.clone();
        let compute = move || async move {
            runs.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Computed::keep(vec![7; 100 * number as usize]))
        };
        cache.get_or_compute_with(Key::of("rows", &number), &policy, &options, compute)
    };
    for (number, times) in [(1, 1), (2, 4)] {
        for _ in 0..times {
            ask(number).await;
        }
    }
    advance(7 * SECOND).await;
    let entries = cache.entries();
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (&*e.function, e.bytes, e.hits, e.age.as_secs()))
        .collect();
    assert_eq!(seen, [("rows", 200, 3, 7), ("rows", 100, 0, 7)]);
    cache.remove_seen(&entries[0].key).await.unwrap();
    assert_eq!(cache.entries().len(), 1);
    ask(1).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2, "the other one is as it was");
    ask(2).await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn an_expired_value_stands_in_while_it_is_computed_anew() {
    let (cache, source) = (Cache::memory(1 << 20), Source::default());
    let policy = Policy::new(100 * SECOND).stale_while_revalidate(100 * SECOND);
    let key = Key::of("source", &1);
    assert!(!cache.expire(&key).await.unwrap(), "there is none");
    assert_eq!(source.value(&cache, &policy).await, "1");
    advance(SECOND).await;
    assert!(cache.expire(&key).await.unwrap());
    assert_eq!(
        source.ask(&cache, &policy).await.status,
        Status::Stale { tier: "memory" }
    );
    sleep(SECOND).await;
    assert_eq!(source.value(&cache, &policy).await, "2");
}

#[tokio::test(start_paused = true)]
async fn counters_add_up_to_the_number_of_calls() {
    let (cache, source) = (Cache::memory(1 << 20), Source::default());
    let policy = Policy::new(SECOND).stale_while_revalidate(SECOND);
    let options = CallOptions::new().name("counted \"function\"");
    for _ in 0..10 {
        source.ask_with(&cache, &policy, &options).await;
        advance(SECOND * 3 / 10).await;
    }
    source
        .ask_with(&cache, &policy, &options.mode(Mode::Bypass))
        .await
        .result
        .unwrap();
    let report = cache.functions().remove(0);
    let sum = report.hits + report.stale + report.misses + report.collapsed + report.bypassed;
    assert_eq!(sum, 11, "{report:?}");
    let text = cache.prometheus();
    let line = format!(
        "ferrodash_cache_answers_total{{function=\"counted \\\"function\\\"\",result=\"hit\"}} {}",
        report.hits
    );
    assert!(text.lines().any(|found| found == line), "{text}");
}
