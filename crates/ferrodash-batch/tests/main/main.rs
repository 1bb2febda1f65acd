//! The batcher, by itself and over HTTP. Names of tests begin with the scenario they show.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod dispatch;
mod figures;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod http_edges;
#[cfg(feature = "http")]
mod http_faults;
#[cfg(feature = "http")]
mod http_forms;
mod scope;
#[cfg(feature = "http")]
mod server;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrodash_batch::{Batcher, LoadError};

/// The requests that a source was asked for.
type Log = Arc<Mutex<Vec<Vec<u32>>>>;

/// A batcher whose source knows all ids but 13 and gives their doubles.
fn doubles() -> (Batcher<u32, u32, String>, Log) {
    let log = Log::default();
    let written = log.clone();
    let batcher = Batcher::new(move |ids: Vec<u32>| {
        written.lock().unwrap().push(ids.clone());
        // In another order than asked for, as sources do.
        async move {
            Ok(ids
                .into_iter()
                .rev()
                .filter(|id| *id != 13)
                .map(|id| (id, id * 2))
                .collect())
        }
    });
    (batcher, log)
}

#[tokio::test]
async fn b3_only_who_asked_for_the_missing_id_learns_of_it() {
    let (batcher, log) = doubles();
    let (found, missing) = tokio::join!(batcher.load(2), batcher.load(13));
    assert_eq!(found, Ok(4));
    assert_eq!(missing, Err(LoadError::Missing));
    assert_eq!(*log.lock().unwrap(), [[2, 13]]);
}

#[tokio::test]
async fn b4_a_thousand_loads_of_one_id_are_one_request_with_one_id() {
    let (batcher, log) = doubles();
    let results = batcher.load_many(std::iter::repeat_n(7, 1000)).await;
    assert_eq!(results, vec![Ok(14); 1000]);
    assert_eq!(*log.lock().unwrap(), [[7]]);
}

#[tokio::test]
async fn b5_a_batch_has_at_most_its_maximum_and_duplicates_do_not_count() {
    let (batcher, log) = doubles();
    let ids = || (1000..1250).flat_map(|id| [id, id]);
    let results = batcher.load_many(ids()).await;
    assert_eq!(results, ids().map(|id| Ok(id * 2)).collect::<Vec<_>>());
    let sizes: Vec<usize> = log.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes, [100, 100, 50]);
}

#[tokio::test]
async fn b8_a_panic_is_an_error_for_its_batch_and_the_next_one_works() {
    let batcher = Batcher::new(async |ids: Vec<u32>| {
        assert!(!ids.contains(&13), "unlucky");
        Ok::<HashMap<u32, u32>, String>(ids.into_iter().map(|id| (id, id)).collect())
    });
    let (a, b) = tokio::join!(batcher.load(13), batcher.load(1));
    assert_eq!((a, b), (Err(LoadError::Panicked), Err(LoadError::Panicked)));
    assert_eq!(batcher.load(1).await, Ok(1));
}

#[tokio::test]
async fn b9_an_id_that_the_source_forgets_is_missing_and_nobody_hangs() {
    let batcher = Batcher::new(async |_: Vec<u32>| Ok::<HashMap<u32, u32>, String>(HashMap::new()));
    let results = tokio::time::timeout(Duration::from_secs(5), batcher.load_many([1, 2, 3])).await;
    assert_eq!(
        results.expect("nobody hangs"),
        vec![Err(LoadError::Missing); 3]
    );
}

#[tokio::test]
async fn a_failed_request_fails_for_all_in_it_with_the_same_error() {
    let batcher = Batcher::new(async |_: Vec<u32>| Err::<HashMap<u32, u32>, _>("down".to_owned()));
    let (a, b) = tokio::join!(batcher.load(1), batcher.load(2));
    assert_eq!(a, b);
    assert_eq!(a.unwrap_err().to_string(), "down");
}

#[tokio::test]
async fn a_caller_that_leaves_keeps_nobody_waiting() {
    let (batcher, _) = doubles();
    let leaving = tokio::spawn({
        let batcher = batcher.clone();
        async move { batcher.load(1).await }
    });
    tokio::task::yield_now().await;
    leaving.abort();
    assert_eq!(batcher.load(2).await, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn the_window_opens_with_the_first_id() {
    let (batcher, log) = doubles();
    let batcher = batcher.window(Duration::from_millis(50));
    let start = tokio::time::Instant::now();
    let late = async {
        tokio::time::sleep(Duration::from_millis(40)).await;
        batcher.load(2).await
    };
    let (first, late) = tokio::join!(batcher.load(1), late);
    assert_eq!((first, late), (Ok(2), Ok(4)));
    assert!(
        start.elapsed() < Duration::from_millis(60),
        "the second id did not open it again"
    );
    assert_eq!(log.lock().unwrap().len(), 1);
}
