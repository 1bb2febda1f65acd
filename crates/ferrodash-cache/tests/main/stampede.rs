//! The stampede matrix: tier × callers × outcome. What counts is how often the function ran.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::{Cache, Computed, Failure, Key, Policy};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use crate::{MINUTE, benches};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Value,
    Error,
    Panic,
    /// The callers go away; those who come later get a value.
    Cancelled,
}

/// Lets callers ask at the same time; what each got, and how often the function ran.
async fn storm(
    cache: &Cache,
    key: Key,
    callers: usize,
    outcome: Outcome,
) -> (Vec<Option<Bytes>>, u32) {
    let runs = Arc::new(AtomicU32::new(0));
    let ask = |outcome: Outcome| {
        let (cache, runs) = (cache.clone(), runs.clone());
        tokio::spawn(async move {
            let compute = || async move {
                runs.fetch_add(1, Ordering::SeqCst);
                // What fails is not kept, so all must have looked into the tier before it ends.
                let fails = matches!(outcome, Outcome::Error | Outcome::Panic);
                sleep(Duration::from_millis(if fails { 500 } else { 150 })).await;
                match outcome {
                    Outcome::Value => Ok(Computed::keep("value")),
                    Outcome::Error => Err("no data"),
                    Outcome::Panic => panic!("no data"),
                    Outcome::Cancelled => std::future::pending().await,
                }
            };
            match cache
                .get_or_compute(key, &Policy::new(MINUTE), compute)
                .await
                .result
            {
                Ok(entry) => Some(entry.bytes().clone()),
                Err(Failure::Error(error)) => {
                    assert_eq!((error, outcome), ("no data", Outcome::Error));
                    None
                }
                Err(failure) => {
                    assert_eq!(
                        (failure, outcome),
                        (Failure::Panic("no data".into()), Outcome::Panic)
                    );
                    None
                }
            }
        })
    };
    let tasks: Vec<_> = (0..callers).map(|_| ask(outcome)).collect();
    if outcome == Outcome::Cancelled {
        sleep(Duration::from_millis(100)).await;
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        join_all(tasks).await;
        let later: Vec<_> = (0..callers).map(|_| ask(Outcome::Value)).collect();
        let got = join_all(later)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        return (got, runs.load(Ordering::SeqCst));
    }
    let got = join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    (got, runs.load(Ordering::SeqCst))
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_s28_every_tier_with_every_outcome_runs_the_function_as_often_as_it_must() {
    for bench in benches().await {
        for callers in [1, 3, 100] {
            for outcome in [
                Outcome::Value,
                Outcome::Error,
                Outcome::Panic,
                Outcome::Cancelled,
            ] {
                let what = format!("{}, {callers} callers, {outcome:?}", bench.name);
                let key = Key::of("storm", &what);
                let storm = timeout(
                    Duration::from_secs(20),
                    storm(&bench.cache, key, callers, outcome),
                );
                let (got, runs) = storm
                    .await
                    .unwrap_or_else(|_| panic!("{what}: somebody hangs"));
                let has_value = matches!(outcome, Outcome::Value | Outcome::Cancelled);
                assert!(
                    got.iter().all(|value| value.is_some() == has_value),
                    "{what}"
                );
                let expected = if outcome == Outcome::Cancelled { 2 } else { 1 };
                assert_eq!(runs, expected, "{what}");
                // What failed is not kept, and what did not is.
                let (_, again) = self::storm(&bench.cache, key, 1, Outcome::Value).await;
                assert_eq!(again, u32::from(!has_value), "{what}: the call after it");
            }
        }
    }
}
