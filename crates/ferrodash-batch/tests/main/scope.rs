//! Whose loads are combined, and what stays for later ones.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrodash_batch::{Batcher, LoadError, Scope};
use futures_util::FutureExt;

use crate::{Log, doubles};

/// A batcher whose requests take 100 ms and give each id itself.
fn slow() -> (Batcher<u32, u32, String>, Log) {
    let log = Log::default();
    let written = log.clone();
    let batcher = Batcher::new(move |ids: Vec<u32>| {
        written.lock().unwrap().push(ids.clone());
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(ids.into_iter().map(|id| (id, id)).collect())
        }
    });
    (batcher, log)
}

#[tokio::test]
async fn b10_loads_of_two_requests_are_never_in_one_batch() {
    let (batcher, log) = doubles();
    let request = async |id| Scope::new().run(batcher.load_many([id, id + 1])).await;
    let (ada, bob) = tokio::join!(request(1), request(2));
    assert_eq!(ada, [Ok(2), Ok(4)]);
    assert_eq!(bob, [Ok(4), Ok(6)]);
    let sent = || {
        let mut sent = std::mem::take(&mut *log.lock().unwrap());
        sent.sort();
        sent
    };
    assert_eq!(sent(), [[1, 2], [2, 3]]);
    // Nor are they in one with what is loaded outside of any request.
    tokio::join!(request(5), batcher.load(5)).1.unwrap();
    assert_eq!(sent(), [vec![5], vec![5, 6]]);
}

#[tokio::test]
async fn b10_what_one_request_knows_no_other_one_gets() {
    let (batcher, log) = doubles();
    let first = Scope::new();
    let prime = async { batcher.prime(1, 100) };
    first.clone().run(prime).await;
    let load = || batcher.load(1);
    assert_eq!(first.clone().run(load()).await, Ok(100));
    assert_eq!(Scope::new().run(load()).await, Ok(2));
    assert_eq!(load().await, Ok(2));
    assert_eq!(first.run(load()).await, Ok(100));
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn b10_a_shared_loader_combines_requests_with_the_tenant_in_its_ids() {
    type Id = (&'static str, u32);
    let log = Arc::new(Mutex::new(Vec::new()));
    let written = log.clone();
    let batcher = Batcher::new(move |ids: Vec<Id>| {
        written.lock().unwrap().push(ids.clone());
        let name = |(tenant, number): Id| ((tenant, number), format!("{tenant} {number}"));
        async move { Ok::<_, String>(ids.into_iter().map(name).collect()) }
    })
    .shared();
    let request = async |tenant| Scope::new().run(batcher.load((tenant, 1))).await.unwrap();
    let (acme, other) = tokio::join!(request("acme"), request("other"));
    assert_eq!((acme.as_str(), other.as_str()), ("acme 1", "other 1"));
    assert_eq!(*log.lock().unwrap(), [[("acme", 1), ("other", 1)]]);
    // Nothing is kept: what comes later is another request.
    request("acme").await;
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn b12_an_id_is_loaded_once_in_a_request_and_a_failed_one_again() {
    let (batcher, log) = doubles();
    let request = async {
        assert_eq!(batcher.load(13).await, Err(LoadError::Missing));
        assert_eq!(
            batcher.load_many([1, 13]).await,
            [Ok(2), Err(LoadError::Missing)]
        );
        assert_eq!(
            batcher.load_many([2, 1, 13]).await,
            [Ok(4), Ok(2), Err(LoadError::Missing)]
        );
    };
    Scope::new().run(request).await;
    assert_eq!(*log.lock().unwrap(), [vec![13], vec![1, 13], vec![2, 13]]);
}

#[tokio::test]
async fn b12_errors_are_kept_when_asked() {
    let (batcher, log) = doubles();
    let batcher = batcher.keep_errors();
    let request = async {
        for _ in 0..3 {
            assert_eq!(batcher.load(13).await, Err(LoadError::Missing));
        }
    };
    Scope::new().run(request).await;
    assert_eq!(*log.lock().unwrap(), [[13]]);
}

#[tokio::test]
async fn b12_prime_and_clear_decide_what_the_next_load_gets() {
    let (batcher, log) = doubles();
    let request = async {
        batcher.prime(1, 100);
        assert_eq!(batcher.load(1).await, Ok(100));
        batcher.prime(1, 200);
        assert_eq!(batcher.load(1).await, Ok(200));
        batcher.clear(&1);
        assert_eq!(batcher.load_many([1, 2]).await, [Ok(2), Ok(4)]);
        batcher.clear(&2);
        assert_eq!(batcher.load_many([1, 2]).await, [Ok(2), Ok(4)]);
        batcher.clear_all();
        assert_eq!(batcher.load_many([1, 2]).await, [Ok(2), Ok(4)]);
    };
    Scope::new().run(request).await;
    assert_eq!(*log.lock().unwrap(), [vec![1, 2], vec![2], vec![1, 2]]);
}

#[tokio::test]
async fn b12_an_id_that_is_cleared_before_it_was_sent_is_sent_once() {
    let (batcher, log) = doubles();
    let request = async {
        let first = batcher.load(1);
        let again = async {
            batcher.clear(&1);
            batcher.prime(1, 100);
            batcher.clear_all();
            batcher.load(1).await
        };
        assert_eq!(tokio::join!(first, again), (Ok(2), Ok(2)));
    };
    Scope::new().run(request).await;
    assert_eq!(*log.lock().unwrap(), [[1]]);
}

#[tokio::test(start_paused = true)]
async fn a_load_joins_the_request_in_progress_of_its_scope() {
    let (batcher, log) = slow();
    let later = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        batcher.load(1).await
    };
    let both = async { tokio::join!(batcher.load(1), later) };
    assert_eq!(Scope::new().run(both).await, (Ok(1), Ok(1)));
    assert_eq!(*log.lock().unwrap(), [[1]]);
    // One that everybody left is not joined: it was cancelled.
    let left = async {
        let time = tokio::time::timeout(Duration::from_millis(50), batcher.load(2));
        assert!(time.await.is_err());
        tokio::time::sleep(Duration::from_millis(5)).await;
        batcher.load(2).await
    };
    assert_eq!(Scope::new().run(left).await, Ok(2));
    assert_eq!(*log.lock().unwrap(), [[1], [2], [2]]);
}

#[tokio::test]
async fn a_task_has_the_scope_that_it_is_given() {
    let (batcher, log) = doubles();
    let request = async {
        let scope = Scope::current().unwrap();
        let own = batcher.clone();
        let task = tokio::spawn(scope.run(async move { own.load(1).await }));
        assert_eq!(task.await.unwrap(), Ok(2));
        assert_eq!(batcher.load(1).await, Ok(2));
    };
    Scope::new().run(request).await;
    assert_eq!(*log.lock().unwrap(), [[1]]);
    assert!(Scope::current().is_none());
}

#[tokio::test]
async fn b13_only_the_item_without_permission_is_refused() {
    let rows = Batcher::with_results(async |ids: Vec<u32>| {
        let row = |id| match id {
            0..100 => Ok(format!("row {id}")),
            _ => Err("not yours"),
        };
        Ok(ids.into_iter().map(|id| (id, row(id))).collect())
    });
    let results = rows.load_many([1, 200, 2]).await;
    assert_eq!(results[0].as_deref(), Ok("row 1"));
    assert_eq!(results[1].as_ref().unwrap_err().to_string(), "not yours");
    assert!(matches!(results[1], Err(LoadError::Item(_))));
    assert_eq!(results[2].as_deref(), Ok("row 2"));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_was_left_out_is_sent_when_it_is_loaded_again() {
    let (batcher, log) = slow();
    let batcher = batcher.window(Duration::from_millis(50)).keep_errors();
    let request = async {
        let left = tokio::time::timeout(Duration::from_millis(10), batcher.load(1));
        let again = async {
            tokio::time::sleep(Duration::from_millis(70)).await;
            assert_eq!(*log.lock().unwrap(), [[2]]);
            batcher.load(1).await
        };
        let (left, other, again) = tokio::join!(left, batcher.load(2), again);
        assert!(left.is_err());
        assert_eq!((other, again), (Ok(2), Ok(1)));
        assert_eq!(batcher.load(1).await, Ok(1));
    };
    Scope::new().run(request).await;
    assert_eq!(*log.lock().unwrap(), [[2], [1]]);
}

#[tokio::test]
async fn a_batch_that_everybody_left_is_no_error_for_those_who_come_later() {
    let (batcher, log) = doubles();
    let batcher = batcher.keep_errors().max_size(1);
    let request = async {
        assert_eq!(batcher.load(1).now_or_never(), None);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(batcher.load(1).await, Ok(2));
    };
    Scope::new().run(request).await;
    assert_eq!(*log.lock().unwrap(), [[1]]);
}

#[tokio::test(start_paused = true)]
async fn b12_a_value_that_is_primed_after_its_caller_left_is_kept() {
    let (batcher, log) = doubles();
    let batcher = batcher.window(Duration::from_millis(50));
    let request = async {
        let left = tokio::time::timeout(Duration::from_millis(10), batcher.load(1));
        let primed = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            batcher.prime(1, 100);
            batcher.load(1).await
        };
        let (left, other, primed) = tokio::join!(left, batcher.load(2), primed);
        assert!(left.is_err());
        assert_eq!((other, primed), (Ok(4), Ok(100)));
        assert_eq!(batcher.load(1).await, Ok(100));
    };
    Scope::new().run(request).await;
    assert_eq!(*log.lock().unwrap(), [[2]]);
}

#[tokio::test]
async fn what_the_function_loads_belongs_to_the_scope_of_its_ids() {
    let (doubled, log) = doubles();
    let inner = doubled.clone();
    let outer = Batcher::new(move |ids: Vec<u32>| {
        let inner = inner.clone();
        async move {
            let doubles = inner.load_many(ids.clone()).await;
            let doubles = doubles.into_iter().map(|double| double.unwrap_or(0));
            Ok::<_, String>(ids.into_iter().zip(doubles).collect())
        }
    });
    let request = async {
        assert_eq!(doubled.load(1).await, Ok(2));
        assert_eq!(outer.load_many([1, 2]).await, [Ok(2), Ok(4)]);
        assert_eq!(doubled.load(2).await, Ok(4));
    };
    Scope::new().run(request).await;
    assert_eq!(*log.lock().unwrap(), [[1], [2]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b7_callers_of_a_scope_that_leave_at_any_moment_harm_nobody() {
    let batcher = Batcher::new(async |ids: Vec<u32>| {
        if ids.len().is_multiple_of(2) {
            tokio::task::yield_now().await;
        }
        Ok::<_, String>(ids.into_iter().map(|id| (id, id * 2)).collect())
    })
    .max_size(4)
    .max_batches(2)
    .keep_errors();
    for round in 0..2_000_u32 {
        let scope = Scope::new();
        let load = |id| {
            let batcher = batcher.clone();
            let work = async move { batcher.load(id).await };
            (id, tokio::spawn(scope.clone().run(work)))
        };
        let tasks: Vec<_> = (0..20).map(|place| load((place * round) % 7)).collect();
        for (place, (id, task)) in tasks.into_iter().enumerate() {
            if (place + round as usize).is_multiple_of(2) {
                task.abort();
            } else {
                let time = tokio::time::timeout(Duration::from_secs(5), task);
                assert_eq!(time.await.expect("nobody hangs").unwrap(), Ok(id * 2));
            }
        }
    }
}
