//! What every tier must do.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ferrodash_cache::memo::{self, Arguments, Function};
use ferrodash_cache::{Answer, Cache, Computed, Failure, Key, Policy, Status};
use futures_util::future::join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::{MINUTE, benches};

/// A function that counts its runs.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicU32>);

impl Counted {
    fn runs(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits for the event, and not for a time.
    async fn wait_for(&self, runs: u32) {
        let reached = async {
            while self.runs() < runs {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), reached)
            .await
            .expect("it happens in time");
    }

    async fn ask(&self, cache: &Cache, key: Key, value: &'static [u8]) -> Answer {
        let runs = self.0.clone();
        let compute = || async move {
            runs.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Computed::keep(value))
        };
        cache
            .get_or_compute(key, &Policy::new(MINUTE), compute)
            .await
    }
}

#[tokio::test]
async fn a_kept_value_is_given_back_with_its_time_left() {
    for bench in benches().await {
        let (key, counted) = (Key::of("f", &1), Counted::default());
        let first = counted.ask(&bench.cache, key, b"value").await;
        assert_eq!(
            first.status,
            Status::Miss { stored: true },
            "{}",
            bench.name
        );
        let second = counted.ask(&bench.cache, key, b"value").await;
        assert!(
            matches!(second.status, Status::Hit { .. }),
            "{}: {:?}",
            bench.name,
            second.status
        );
        let entry = second.result.unwrap();
        assert_eq!(entry.bytes(), "value", "{}", bench.name);
        let left = entry.remaining().expect("fresh");
        assert!(
            left > MINUTE / 2 && left <= MINUTE,
            "{}: {left:?}",
            bench.name
        );
        assert_eq!(counted.runs(), 1, "{}", bench.name);
        bench.cache.remove(&key).await.unwrap();
        counted.ask(&bench.cache, key, b"value").await;
        assert_eq!(counted.runs(), 2, "{}: removed", bench.name);
    }
}

#[tokio::test]
async fn an_entry_is_gone_after_its_timeout() {
    for bench in benches().await {
        let key = Key::of("short", &1);
        assert!(
            bench
                .cache
                .set(&key, "value".into(), Duration::from_secs(1))
                .await,
            "{}",
            bench.name
        );
        assert!(bench.cache.get(&key).await.is_some(), "{}", bench.name);
        let mut waited = Duration::ZERO;
        while bench.cache.get(&key).await.is_some() {
            assert!(
                waited < Duration::from_secs(3),
                "{} still has it",
                bench.name
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
            waited += Duration::from_millis(50);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_a_hundred_callers_of_a_cold_key_are_one_run() {
    for bench in benches().await {
        let (key, runs, go) = (
            Key::of("slow", &1),
            Arc::new(AtomicU32::new(0)),
            Arc::new(Notify::new()),
        );
        let callers = (0..100).map(|_| {
            let (cache, runs, go) = (bench.cache.clone(), runs.clone(), go.clone());
            tokio::spawn(async move {
                let compute = || async move {
                    runs.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    Ok::<_, Infallible>(Computed::keep("value"))
                };
                cache
                    .get_or_compute(key, &Policy::new(MINUTE), compute)
                    .await
            })
        });
        let callers: Vec<_> = callers.collect();
        // Only one of them runs the function, however long it takes until it is let go.
        while runs.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        go.notify_one();
        let answers: Vec<Answer> = join_all(callers)
            .await
            .into_iter()
            .map(|answer| answer.unwrap())
            .collect();
        assert_eq!(runs.load(Ordering::SeqCst), 1, "{}", bench.name);
        assert!(
            answers
                .iter()
                .all(|answer| answer.result.as_ref().unwrap().bytes() == "value"),
            "{}",
            bench.name
        );
        let collapsed = answers
            .iter()
            .filter(|answer| answer.status == Status::Collapsed)
            .count();
        assert_eq!(collapsed, 99, "{}", bench.name);
    }
}

/// Asks twice for a value of a function that is known by `index`, and returns how often that ran.
async fn runs_of_two_calls<T>(cache: &Cache, index: u32, value: T) -> u32
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let function = Function {
        name: "tests::empty",
        version: "1",
        owner: None,
    };
    let runs = Arc::new(AtomicU32::new(0));
    for _ in 0..2 {
        let (counter, made) = (runs.clone(), value.clone());
        let call = move || async move {
            counter.fetch_add(1, Ordering::SeqCst);
            made
        };
        let arguments = Arguments::of(&function, &index);
        let policy = Policy::new(MINUTE);
        let given = cache
            .scope(memo::value(function, arguments, &policy, call))
            .await;
        assert_eq!(given, value);
    }
    runs.load(Ordering::SeqCst)
}

#[tokio::test]
async fn s14_nothing_zero_false_and_empty_are_values_too() {
    for bench in benches().await {
        let cache = &bench.cache;
        let runs = [
            runs_of_two_calls(cache, 0, None::<u32>).await,
            runs_of_two_calls(cache, 1, 0).await,
            runs_of_two_calls(cache, 2, false).await,
            runs_of_two_calls(cache, 3, String::new()).await,
            runs_of_two_calls(cache, 4, Vec::<u32>::new()).await,
            runs_of_two_calls(cache, 5, ()).await,
        ];
        assert_eq!(runs, [1; 6], "{}", bench.name);
    }
}

#[tokio::test]
async fn s27_errors_are_not_kept_and_reach_all_who_waited() {
    for bench in benches().await {
        let (key, runs) = (Key::of("fails", &1), Arc::new(AtomicU32::new(0)));
        let ask = || {
            let (cache, runs) = (bench.cache.clone(), runs.clone());
            async move {
                let compute = || async move {
                    // Long enough for the other caller to have looked into the tier, too.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    Err::<Computed, _>(format!(
                        "failure {}",
                        runs.fetch_add(1, Ordering::SeqCst) + 1
                    ))
                };
                cache
                    .get_or_compute(key, &Policy::new(MINUTE), compute)
                    .await
                    .result
                    .unwrap_err()
            }
        };
        let (first, second) = tokio::join!(ask(), ask());
        assert_eq!(
            first,
            Failure::Error("failure 1".to_owned()),
            "{}",
            bench.name
        );
        assert_eq!(second, first, "{}: it waited for the same run", bench.name);
        assert_eq!(
            ask().await,
            Failure::Error("failure 2".to_owned()),
            "{}: not kept",
            bench.name
        );
    }
}

#[tokio::test]
async fn a_panic_reaches_all_who_waited_and_the_key_stays_usable() {
    for bench in benches().await {
        let key = Key::of("panics", &1);
        let panics = || async { panic!("no data") };
        let policy = Policy::new(MINUTE);
        let ask = || {
            bench
                .cache
                .get_or_compute::<Infallible, _, _>(key, &policy, panics)
        };
        let (first, second) = tokio::join!(ask(), ask());
        for answer in [first, second] {
            assert_eq!(
                answer.result.unwrap_err(),
                Failure::Panic("no data".into()),
                "{}",
                bench.name
            );
        }
        let counted = Counted::default();
        assert!(
            counted
                .ask(&bench.cache, key, b"value")
                .await
                .result
                .is_ok(),
            "{}",
            bench.name
        );
    }
}

#[tokio::test]
async fn a_value_that_is_only_passed_on_is_not_kept() {
    for bench in benches().await {
        let key = Key::of("passed", &1);
        for _ in 0..2 {
            let compute = || async { Ok::<_, Infallible>(Computed::pass("value")) };
            let answer = bench
                .cache
                .get_or_compute(key, &Policy::new(MINUTE), compute)
                .await;
            assert_eq!(
                answer.status,
                Status::Miss { stored: false },
                "{}",
                bench.name
            );
        }
    }
}

#[tokio::test]
async fn s4_the_first_caller_leaves_and_the_others_get_the_value_of_the_same_run() {
    for bench in benches().await {
        let (key, go, counted) = (
            Key::of("left", &1),
            Arc::new(Notify::new()),
            Counted::default(),
        );
        let caller = || {
            let (cache, gate, runs) = (bench.cache.clone(), go.clone(), counted.0.clone());
            tokio::spawn(async move {
                let compute = || async move {
                    runs.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                    Ok::<_, Infallible>(Computed::keep("value"))
                };
                cache
                    .get_or_compute(key, &Policy::new(MINUTE), compute)
                    .await
            })
        };
        let first = caller();
        counted.wait_for(1).await;
        let second = caller();
        tokio::time::sleep(Duration::from_millis(20)).await;
        first.abort();
        let _ = first.await;
        go.notify_one();
        let answer = second.await.unwrap();
        assert_eq!(answer.result.unwrap().bytes(), "value", "{}", bench.name);
        assert_eq!(
            (counted.runs(), answer.status),
            (1, Status::Collapsed),
            "{}",
            bench.name
        );
    }
}

/// Tells that it was dropped.
struct Guard(Arc<AtomicU32>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn s4_when_all_callers_have_left_the_future_is_dropped_and_the_key_stays_usable() {
    for bench in benches().await {
        let (key, counted, dropped) = (
            Key::of("abandoned", &1),
            Counted::default(),
            Counted::default(),
        );
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (cache, runs, guard) = (
                    bench.cache.clone(),
                    counted.0.clone(),
                    Guard(dropped.0.clone()),
                );
                tokio::spawn(async move {
                    let compute = || async move {
                        runs.fetch_add(1, Ordering::SeqCst);
                        let _guard = guard;
                        std::future::pending::<Result<Computed, Infallible>>().await
                    };
                    cache
                        .get_or_compute(key, &Policy::new(MINUTE), compute)
                        .await
                })
            })
            .collect();
        counted.wait_for(1).await;
        for caller in callers {
            caller.abort();
            let _ = caller.await;
        }
        dropped.wait_for(3).await;
        assert_eq!(counted.runs(), 1, "{}", bench.name);
        // The lease is released at once, so the next caller does not wait for its end.
        let next = tokio::time::timeout(
            Duration::from_secs(3),
            counted.ask(&bench.cache, key, b"value"),
        )
        .await;
        assert_eq!(next.expect(bench.name).result.unwrap().bytes(), "value");
    }
}

#[tokio::test]
async fn s11_a_value_whose_key_was_removed_while_it_was_made_is_not_kept() {
    for bench in benches().await {
        let (key, go) = (Key::of("removed", &1), Arc::new(Notify::new()));
        let (cache, gate) = (bench.cache.clone(), go.clone());
        let caller = tokio::spawn(async move {
            let compute = || async move {
                gate.notified().await;
                Ok::<_, Infallible>(Computed::keep("old"))
            };
            cache
                .get_or_compute(key, &Policy::new(MINUTE), compute)
                .await
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.cache.remove(&key).await.unwrap();
        // A caller after the removal does not get what was begun before it, also while that still
        // runs.
        let counted = Counted::default();
        let after = counted.ask(&bench.cache, key, b"new").await;
        assert_eq!(after.result.unwrap().bytes(), "new", "{}", bench.name);
        go.notify_one();
        let before = caller.await.unwrap();
        assert_eq!(
            before.result.unwrap().bytes(),
            "old",
            "{}: who waited gets it",
            bench.name
        );
        assert_eq!(
            before.status,
            Status::Miss { stored: false },
            "{}",
            bench.name
        );
        assert_eq!(
            counted
                .ask(&bench.cache, key, b"newer")
                .await
                .result
                .unwrap()
                .bytes(),
            "new",
            "{}",
            bench.name
        );
    }
}

#[tokio::test]
async fn an_entry_of_another_type_is_computed_anew() {
    let function = Function {
        name: "tests::changed",
        version: "1",
        owner: None,
    };
    for bench in benches().await {
        let arguments = Arguments::of(&function, &bench.name);
        // The same kind of value by its name, as after a change of a struct's fields.
        let policy = Policy::new(MINUTE);
        let text = || async { "not a number".to_owned() };
        bench
            .cache
            .scope(memo::value(function, arguments, &policy, text))
            .await;
        if !bench.name.starts_with("memory") {
            let number = bench
                .cache
                .scope(memo::value(function, arguments, &policy, || async { 42 }))
                .await;
            assert_eq!(number, 42, "{}", bench.name);
        }
        // Another kind, also in memory.
        let policy = Policy::new(MINUTE);
        let number = bench
            .cache
            .scope(memo::value(function, arguments, &policy, || async {
                43u64
            }))
            .await;
        assert_eq!(number, 43, "{}", bench.name);
    }
}
