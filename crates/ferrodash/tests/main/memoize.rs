//! `#[memoize]` inside callbacks and outside of any app.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use ferrodash::prelude::*;
use serde::Serialize;
use serde_json::json;

use crate::{Client, caches, output};

type Alias<T> = Result<T, String>;

#[tokio::test]
async fn equal_arguments_share_a_run_and_other_caches_do_not() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m")]
    async fn double(number: u32, label: &str) -> String {
        RUNS.fetch_add(1, Ordering::SeqCst);
        format!("{label} {}", number * 2)
    }
    for (index, (cache, _server)) in caches().await.into_iter().enumerate() {
        let before = index as u32 * 2;
        for _ in 0..3 {
            assert_eq!(cache.scope(double(21, "is")).await, "is 42");
        }
        assert_eq!(RUNS.load(Ordering::SeqCst), before + 1);
        assert_eq!(cache.scope(double(21, "was")).await, "was 42");
        assert_eq!(RUNS.load(Ordering::SeqCst), before + 2);
    }
}

#[tokio::test]
async fn s15_a_default_left_out_and_given_are_one_entry_and_nothing_is_another() {
    #[derive(Serialize)]
    struct Query {
        size: Option<u32>,
    }
    impl Default for Query {
        fn default() -> Self {
            Self { size: Some(10) }
        }
    }
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m")]
    async fn rows(query: Query) -> Option<u32> {
        RUNS.fetch_add(1, Ordering::SeqCst);
        query.size
    }
    let cache = Cache::memory(1 << 20);
    assert_eq!(cache.scope(rows(Query::default())).await, Some(10));
    assert_eq!(cache.scope(rows(Query { size: Some(10) })).await, Some(10));
    assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    assert_eq!(cache.scope(rows(Query { size: None })).await, None);
    assert_eq!(RUNS.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn s27_an_error_is_not_kept_also_behind_an_alias_of_result() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m")]
    async fn flaky(map: HashMap<String, u32>) -> Alias<u32> {
        match RUNS.fetch_add(1, Ordering::SeqCst) {
            0 => Err("down".to_owned()),
            _ => Ok(map.values().sum()),
        }
    }
    let cache = Cache::memory(1 << 20);
    let map = || HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    assert_eq!(cache.scope(flaky(map())).await, Err("down".to_owned()));
    assert_eq!(cache.scope(flaky(map())).await, Ok(3));
    assert_eq!(cache.scope(flaky(map())).await, Ok(3));
    assert_eq!(RUNS.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn values_that_are_read_from_json_survive() {
    #[memoize(timeout = "5m")]
    async fn document() -> serde_json::Value {
        json!({"list": [1, 2.5, "three", null, true], "nested": {"deep": {}}})
    }
    let cache = Cache::memory(1 << 20);
    let first = cache.scope(document()).await;
    assert_eq!(cache.scope(document()).await, first);
}

#[tokio::test]
async fn the_cache_of_the_app_is_used_inside_its_callbacks() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m")]
    async fn counted(name: String) -> u32 {
        let _ = name;
        RUNS.fetch_add(1, Ordering::SeqCst) + 1
    }
    #[callback(output("out", "children"), input("a", "value"))]
    async fn show(value: String) -> u32 {
        counted(value).await
    }
    let layout = || html::Div::new((dcc::Input::new().id("a"), html::Div::new(()).id("out")));
    let cache = Cache::memory(1 << 20);
    let one = Client::new(App::new(layout()).cache(cache.clone()).callback(show::callback()));
    let two = Client::new(App::new(layout()).callback(show::callback()));
    assert_eq!(output(&one.call(&[json!("x")]).await), 1);
    assert_eq!(output(&one.call(&[json!("x")]).await), 1);
    assert_eq!(cache.scope(counted("x".into())).await, 1, "the same cache outside a callback");
    assert_eq!(output(&two.call(&[json!("x")]).await), 2, "another app has another cache");
}

#[tokio::test]
async fn a_call_can_be_forgotten_and_made_without_the_cache() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m")]
    async fn numbered(mut label: String, suffix: &str) -> String {
        label.push_str(suffix);
        format!("{label} {}", RUNS.fetch_add(1, Ordering::SeqCst))
    }
    for (index, (cache, _server)) in caches().await.into_iter().enumerate() {
        let run = |number: usize| format!("run! {}", index * 3 + number);
        let call = || cache.scope(numbered("run".into(), "!"));
        assert_eq!((call().await, call().await), (run(0), run(0)));
        assert_eq!(cache.scope(numbered::uncached("run".into(), "!")).await, run(1));
        assert_eq!(call().await, run(0), "that did not change what is kept");
        assert!(cache.get(&numbered::key("run".into(), "!")).await.is_some());
        assert!(cache.scope(numbered::forget("walk".into(), "!")).await, "another call");
        assert_eq!(call().await, run(0));
        assert!(cache.scope(numbered::forget("run".into(), "!")).await);
        assert_eq!(call().await, run(2));
    }
}

#[tokio::test]
async fn s28_three_calls_at_the_same_time_are_one_run() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m")]
    async fn slow(number: u32) -> u32 {
        RUNS.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        number * 2
    }
    for (index, (cache, _server)) in caches().await.into_iter().enumerate() {
        let three = async { tokio::join!(slow(1), slow(1), slow(1)) };
        assert_eq!(cache.scope(three).await, (2, 2, 2));
        assert_eq!(RUNS.load(Ordering::SeqCst), index as u32 + 1);
    }
}
