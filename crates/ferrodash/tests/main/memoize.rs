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
    #[callback(output("out", "children"), input("a", "value"), prevent_initial_call)]
    async fn show(value: String) -> u32 {
        counted(value).await
    }
    let layout = || html::Div::new((dcc::Input::new().id("a"), html::Div::new(()).id("out")));
    let cache = Cache::memory(1 << 20);
    let one = Client::new(
        App::new(layout())
            .cache(cache.clone())
            .callback(show::callback()),
    );
    let two = Client::new(App::new(layout()).callback(show::callback()));
    assert_eq!(output(&one.call(&[json!("x")]).await), 1);
    assert_eq!(output(&one.call(&[json!("x")]).await), 1);
    assert_eq!(
        cache.scope(counted("x".into())).await,
        1,
        "the same cache outside a callback"
    );
    assert_eq!(
        output(&two.call(&[json!("x")]).await),
        2,
        "another app has another cache"
    );
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
        assert_eq!(
            cache.scope(numbered::uncached("run".into(), "!")).await,
            run(1)
        );
        assert_eq!(call().await, run(0), "that did not change what is kept");
        assert!(cache.get(&numbered::key("run".into(), "!")).await.is_some());
        cache
            .scope(numbered::forget("walk".into(), "!"))
            .await
            .unwrap();
        assert_eq!(call().await, run(0), "that was another call");
        cache
            .scope(numbered::forget("run".into(), "!"))
            .await
            .unwrap();
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

#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
struct Gone(String);

impl From<ferrodash::cache::Unreached> for Gone {
    fn from(error: ferrodash::cache::Unreached) -> Self {
        Self(error.to_string())
    }
}

#[tokio::test]
async fn a_function_is_refreshed_primed_and_forgotten_for_all_arguments() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m")]
    async fn rows(page: u32) -> Result<u32, String> {
        Ok(page * 100 + RUNS.fetch_add(1, Ordering::SeqCst))
    }
    for (cache, _server) in caches().await {
        RUNS.store(0, Ordering::SeqCst);
        assert_eq!(cache.scope(rows(1)).await, Ok(100));
        assert_eq!(cache.scope(rows(2)).await, Ok(201));
        assert_eq!(cache.scope(rows::refresh(1)).await, Ok(102));
        assert_eq!(cache.scope(rows(1)).await, Ok(102), "the refresh is kept");
        assert!(cache.scope(rows::prime(3, Ok(7))).await);
        assert!(
            !cache.scope(rows::prime(4, Err("no".into()))).await,
            "an error is not"
        );
        assert_eq!(cache.scope(rows(3)).await, Ok(7));
        cache.scope(rows::forget_all()).await.unwrap();
        assert_eq!(cache.scope(rows(1)).await, Ok(103));
        assert_eq!(cache.scope(rows(3)).await, Ok(304));
    }
}

#[tokio::test]
async fn a_writer_invalidates_the_tags_of_what_it_wrote() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m", tags = ["orders", "order:{id}"])]
    async fn order(id: u32) -> u32 {
        RUNS.fetch_add(1, Ordering::SeqCst);
        id
    }
    #[invalidates("order:{id}")]
    async fn write(id: u32, fails: bool) -> Result<u32, Gone> {
        if fails {
            Err(Gone("refused".into()))
        } else {
            Ok(id)
        }
    }
    for (cache, _server) in caches().await {
        RUNS.store(0, Ordering::SeqCst);
        let read = || async { (cache.scope(order(1)).await, cache.scope(order(2)).await) };
        assert_eq!((read().await, RUNS.load(Ordering::SeqCst)), ((1, 2), 2));
        assert_eq!(
            cache.scope(write(1, true)).await,
            Err(Gone("refused".into()))
        );
        assert_eq!(
            (read().await, RUNS.load(Ordering::SeqCst)),
            ((1, 2), 2),
            "nothing was written"
        );
        assert_eq!(cache.scope(write(1, false)).await, Ok(1));
        assert_eq!(
            (read().await, RUNS.load(Ordering::SeqCst)),
            ((1, 2), 3),
            "only what was written"
        );
        cache.invalidate_tag("orders").await.unwrap();
        assert_eq!((read().await, RUNS.load(Ordering::SeqCst)), ((1, 2), 5));
    }
}

#[tokio::test]
async fn s10_a_writer_whose_invalidation_fails_gets_an_error() {
    #[invalidates("orders")]
    async fn write() -> Result<(), Gone> {
        Ok(())
    }
    let gone = format!(
        "redis://127.0.0.1:{}?namespace=tests",
        ferrodash_testing::free_port()
    );
    let cache = Cache::from_url(&gone).await.unwrap();
    let error = cache.scope(write()).await.unwrap_err();
    assert!(
        error.0.contains("redis did not confirm the invalidation"),
        "{error:?}"
    );
}

#[derive(Clone, Serialize)]
struct Reports {
    tenant: String,
    #[serde(skip)]
    runs: std::sync::Arc<AtomicU32>,
}

impl Reports {
    #[memoize(timeout = "5m")]
    async fn total(&self, year: u32, label: &str) -> String {
        self.runs.fetch_add(1, Ordering::SeqCst);
        format!("{} {label} {year}", self.tenant)
    }

    #[memoize(timeout = "5m", key = (&self.tenant, year), blocking)]
    fn slow(&self, year: u32, verbose: bool) -> u32 {
        assert!(verbose, "no part of the key");
        // On a thread for it, where this is allowed.
        tokio::runtime::Handle::current()
            .block_on(async { year + self.runs.fetch_add(1, Ordering::SeqCst) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_are_memoized_by_what_their_object_is() {
    let cache = Cache::memory(1 << 20);
    let reports = |tenant: &str| Reports {
        tenant: tenant.into(),
        runs: std::sync::Arc::default(),
    };
    let (a, b) = (reports("a"), reports("b"));
    for _ in 0..2 {
        assert_eq!(cache.scope(a.total(2024, "in")).await, "a in 2024");
        assert_eq!(cache.scope(b.total(2024, "in")).await, "b in 2024");
    }
    assert_eq!(
        (a.runs.load(Ordering::SeqCst), b.runs.load(Ordering::SeqCst)),
        (1, 1)
    );
    cache.scope(a.total_forget(2024, "in")).await.unwrap();
    assert_eq!(cache.scope(a.total(2024, "in")).await, "a in 2024");
    assert_eq!(cache.scope(b.total(2024, "in")).await, "b in 2024");
    assert_eq!(
        (a.runs.load(Ordering::SeqCst), b.runs.load(Ordering::SeqCst)),
        (2, 1)
    );
    let first = cache.scope(b.slow(2000, true)).await;
    assert_eq!(
        cache.scope(b.slow(2000, false)).await,
        first,
        "kept under its own key"
    );
    cache.scope(Reports::slow_forget_all()).await.unwrap();
    assert_eq!(cache.scope(b.slow(2000, true)).await, first + 1);
}

#[tokio::test]
async fn s27_kept_errors_and_ignored_arguments() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m", negative_timeout = "1m", ignore = [connection])]
    async fn find(connection: &str, id: u32) -> Result<u32, Gone> {
        RUNS.fetch_add(1, Ordering::SeqCst);
        if id == 13 {
            Err(Gone(connection.to_owned()))
        } else {
            Ok(id)
        }
    }
    for (cache, _server) in caches().await {
        RUNS.store(0, Ordering::SeqCst);
        for connection in ["one", "two"] {
            assert_eq!(cache.scope(find(connection, 1)).await, Ok(1));
            assert_eq!(
                cache.scope(find(connection, 13)).await,
                Err(Gone("one".into()))
            );
        }
        assert_eq!(RUNS.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn s26_a_background_task_and_a_callback_share_what_is_kept() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m")]
    async fn rows(page: String) -> u32 {
        RUNS.fetch_add(1, Ordering::SeqCst);
        page.len() as u32
    }
    #[callback(output("out", "children"), input("a", "value"), prevent_initial_call)]
    async fn show(value: String) -> u32 {
        rows(value).await
    }
    let layout = html::Div::new((dcc::Input::new().id("a"), html::Div::new(()).id("out")));
    let cache = Cache::memory(1 << 20);
    let client = Client::new(
        App::new(layout)
            .cache(cache.clone())
            .callback(show::callback()),
    );
    assert_eq!(output(&client.call(&[json!("/orders")]).await), 7);
    let job = tokio::spawn(cache.scope(async { rows("/orders".into()).await }));
    assert_eq!((job.await.unwrap(), RUNS.load(Ordering::SeqCst)), (7, 1));
}

#[tokio::test]
async fn s24_after_the_warm_up_the_first_user_finds_everything() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(timeout = "5m")]
    async fn rows(page: u32) -> u32 {
        RUNS.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        page
    }
    #[callback(output("out", "children"), input("a", "value"), prevent_initial_call)]
    async fn show(page: u32) -> u32 {
        rows(page).await
    }
    let layout = html::Div::new((dcc::Input::new().id("a"), html::Div::new(()).id("out")));
    let app = App::new(layout)
        .callback(show::callback())
        .ready_endpoint("ready");
    let app = app.warm_up(|| memo::warm(4, (0..20).map(rows)));
    let mut built = app.build().unwrap();
    let warm_up = built.warm_up();
    let client = Client(built.into_router());
    let not_yet = client.get("/ready").await;
    assert_eq!(
        (not_yet.status.as_u16(), not_yet.text()),
        (503, "warming up".to_owned())
    );
    warm_up.await;
    assert_eq!(client.get("/ready").await.text(), "OK");
    assert_eq!(RUNS.load(Ordering::SeqCst), 20);
    for page in 0..20 {
        assert_eq!(output(&client.call(&[json!(page)]).await), page);
    }
    assert_eq!(RUNS.load(Ordering::SeqCst), 20, "twenty hits");
}
