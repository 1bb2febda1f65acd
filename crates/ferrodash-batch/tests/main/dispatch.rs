//! When batches are sent, and what happens if callers leave.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrodash_batch::{Batcher, LoadError};
use tokio::runtime::Runtime;

use crate::doubles;

type Found = Result<HashMap<u32, u32>, Infallible>;

fn same(ids: Vec<u32>) -> Found {
    Ok(ids.into_iter().map(|id| (id, id)).collect())
}

/// Random numbers below a bound. The seed is printed, so that a failure can be repeated.
#[expect(clippy::print_stderr, reason = "it is shown if the test fails")]
fn numbers() -> impl FnMut(u32) -> u32 {
    let seed = RandomState::new().build_hasher().finish();
    eprintln!("the seed of this run: {seed}");
    let mut state = seed;
    // Knuth's generator, as in MMIX.
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 33).unwrap_or(0) % below
    }
}

/// Every timer of a paused clock would move it on.
#[tokio::test(start_paused = true)]
async fn b6_neither_a_lonely_load_nor_a_burst_waits_for_a_timer() {
    let (batcher, log) = doubles();
    let start = tokio::time::Instant::now();
    assert_eq!(batcher.load(1).await, Ok(2));
    // One less than a full batch, which would be sent in any case.
    let tasks: Vec<_> = (100..199)
        .map(|id| {
            let batcher = batcher.clone();
            tokio::spawn(async move { batcher.load(id).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    let sizes: Vec<usize> = log.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 99]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b6_tasks_of_two_threads_share_batches() {
    let (batcher, _) = doubles();
    for round in 0..50 {
        let tasks: Vec<_> = (0..80)
            .map(|id| {
                let batcher = batcher.clone();
                tokio::spawn(async move {
                    for _ in 0..id % 4 {
                        tokio::task::yield_now().await;
                    }
                    batcher.load(1000 * (round + 1) + id).await
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    }
    // The threads race, so one of the 50 bursts may be several batches.
    let report = batcher.report();
    assert_eq!(report.ids, 4000);
    assert!(report.batches <= 200, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b7_callers_that_leave_at_any_moment_harm_nobody() {
    let batcher = Batcher::new(async |ids: Vec<u32>| {
        if ids.len().is_multiple_of(2) {
            tokio::task::yield_now().await;
        }
        same(ids)
    })
    .max_size(16)
    .max_batches(2);
    let mut number = numbers();
    for round in 0..10_000_u32 {
        let ids: Vec<u32> = (0..20).map(|_| number(40)).collect();
        let tasks: Vec<_> = ids
            .iter()
            .map(|&id| {
                let batcher = batcher.clone();
                (id, tokio::spawn(async move { batcher.load(id).await }))
            })
            .collect();
        for (place, (id, task)) in tasks.into_iter().enumerate() {
            if (place + round as usize).is_multiple_of(2) {
                task.abort();
                if number(5) == 0 {
                    tokio::task::yield_now().await;
                }
            } else {
                let time = tokio::time::timeout(Duration::from_secs(5), task);
                assert_eq!(time.await.expect("nobody hangs").unwrap(), Ok(id));
            }
        }
    }
    assert_eq!(batcher.load(1).await, Ok(1));
    // A cancelled request ends in its own task.
    let end = async {
        while batcher.report().running > 0 {
            tokio::task::yield_now().await;
        }
    };
    let time = tokio::time::timeout(Duration::from_secs(5), end);
    time.await.expect("no request is left");
}

/// Says when a future is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn b7_a_request_is_cancelled_when_its_last_caller_leaves() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let own = dropped.clone();
    let batcher = Batcher::new(move |ids: Vec<u32>| {
        let guard = Dropped(own.clone());
        async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            drop(guard);
            same(ids)
        }
    });
    let load = |id| {
        let batcher = batcher.clone();
        tokio::spawn(async move { batcher.load(id).await })
    };
    let (first, second) = (load(1), load(2));
    tokio::time::sleep(Duration::from_millis(5)).await;
    first.abort();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(dropped.load(Ordering::SeqCst), 0, "somebody waits");
    second.abort();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    let report = batcher.report();
    assert_eq!((report.cancelled, report.running), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn b7_an_id_that_nobody_waits_for_any_more_is_not_sent() {
    let (batcher, log) = doubles();
    let batcher = batcher.window(Duration::from_millis(50));
    let leaving = tokio::time::timeout(Duration::from_millis(10), batcher.load(1));
    let (left, stays) = tokio::join!(leaving, batcher.load(2));
    assert!(left.is_err());
    assert_eq!(stays, Ok(4));
    let alone = tokio::time::timeout(Duration::from_millis(10), batcher.load(3));
    assert!(alone.await.is_err());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(*log.lock().unwrap(), [[2]]);
    // Who comes after the last one left has a batch as usual.
    assert_eq!(batcher.load(3).await, Ok(6));
}

#[tokio::test(start_paused = true)]
async fn b16_no_more_requests_at_a_time_than_allowed_and_the_waits_are_counted() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (running.clone(), most.clone());
    let batcher = Batcher::new(move |ids: Vec<u32>| {
        let (now, peak) = (now.clone(), peak.clone());
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            same(ids)
        }
    })
    .max_size(10)
    .max_batches(4);
    let results = batcher.load_many(0..200).await;
    assert_eq!(results, (0..200).map(Ok).collect::<Vec<_>>());
    assert_eq!(most.load(Ordering::SeqCst), 4);
    let report = batcher.report();
    assert_eq!((report.batches, report.ids, report.largest), (20, 200, 10));
    // Four at a time, for 20 ms each: those of the second to the fifth turn waited.
    let waited = 4 * 20 * (1 + 2 + 3 + 4);
    assert!(report.waited >= Duration::from_millis(waited), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn b16_a_batch_that_waits_takes_more_ids_and_duplicates() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let written = log.clone();
    let batcher = Batcher::new(move |ids: Vec<u32>| {
        written.lock().unwrap().push(ids.clone());
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            same(ids)
        }
    })
    .max_size(2)
    .max_batches(1);
    let later = async |millis: u64, id: u32| {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        batcher.load(id).await
    };
    // 3 and 4 wait while 1 is loaded. The batch is full then, and still takes another 3.
    let results = tokio::join!(later(0, 1), later(5, 3), later(10, 4), later(15, 3));
    assert_eq!(results, (Ok(1), Ok(3), Ok(4), Ok(3)));
    assert_eq!(*log.lock().unwrap(), [vec![1], vec![3, 4]]);
}

/// A runtime of this thread.
fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().unwrap()
}

#[test]
fn a_batcher_outlives_the_runtime_that_it_was_used_in() {
    let batcher = Batcher::new(async |ids: Vec<u32>| {
        tokio::time::sleep(Duration::from_millis(u64::from(ids[0]))).await;
        same(ids)
    })
    .window(Duration::from_millis(20));
    let first = runtime();
    let own = batcher.clone();
    let waiting = first.spawn(async move { own.load(1).await });
    first.block_on(tokio::task::yield_now());
    // A caller in another runtime waits for the same batch.
    let second = runtime();
    let own = batcher.clone();
    let other = second.spawn(async move { own.load(1).await });
    second.block_on(tokio::task::yield_now());
    drop(first);
    drop(waiting);
    let time = Duration::from_secs(5);
    let other = second.block_on(async { tokio::time::timeout(time, other).await });
    let other = other.expect("nobody hangs").unwrap();
    assert_eq!(other, Err(LoadError::Panicked));
    let loaded = second.block_on(async { tokio::time::timeout(time, batcher.load(1)).await });
    assert_eq!(loaded.expect("nobody hangs"), Ok(1));
}

#[test]
fn a_request_that_its_runtime_ends_leaves_the_next_batch_alone() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let written = log.clone();
    let batcher = Batcher::new(move |ids: Vec<u32>| {
        written.lock().unwrap().push(ids.clone());
        async move {
            let time = if ids == [1] { 10_000 } else { 0 };
            tokio::time::sleep(Duration::from_millis(time)).await;
            same(ids)
        }
    })
    .window(Duration::from_millis(50));
    let (first, second) = (runtime(), runtime());
    let own = batcher.clone();
    first.spawn(async move { own.load(1).await });
    while log.lock().unwrap().is_empty() {
        first.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
    }
    let both = second.block_on(async {
        let end_first = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            first.shutdown_background();
            batcher.load(2).await
        };
        tokio::join!(batcher.load(2), end_first)
    });
    assert_eq!(both, (Ok(2), Ok(2)));
    assert_eq!(*log.lock().unwrap(), [[1], [2]]);
}

#[tokio::test]
async fn b8_a_function_that_panics_before_its_future_is_an_error_too() {
    let batcher = Batcher::new(|ids: Vec<u32>| {
        assert!(!ids.contains(&13), "unlucky");
        std::future::ready(same(ids))
    });
    assert_eq!(batcher.load(13).await, Err(LoadError::Panicked));
    assert_eq!(batcher.load(1).await, Ok(1));
}

/// An id that cannot be copied if its number is negative.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Fragile(i32);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(self.0 >= 0, "{} cannot be copied", self.0);
        Self(self.0)
    }
}

#[tokio::test]
async fn b8_an_id_that_panics_among_others_leaves_the_batcher_usable() {
    let rows = Batcher::new(async |ids: Vec<Fragile>| {
        let values = ids.into_iter().map(|id| (id, ()));
        Ok::<HashMap<_, _>, Infallible>(values.collect())
    });
    let other = rows.clone();
    let many = tokio::spawn(async move { other.load_many([1, 2, -3].map(Fragile)).await });
    assert!(many.await.unwrap_err().is_panic());
    let again = rows.load_many([1, 2, 3].map(Fragile));
    let results = tokio::time::timeout(Duration::from_secs(5), again).await;
    assert!(
        results
            .expect("the batch is sent")
            .iter()
            .all(Result::is_ok)
    );
}
