//! The storage of the browser: when it is full, missing or broken.

use std::sync::atomic::Ordering;

use e2e::{Browser, Site};
use ferrodash::prelude::*;
use serde_json::json;

use crate::kept::{MINUTE, app, choose, on_disk, on_disk_are, open, shows};

/// Makes every write to the store fail as on a full disk.
const FULL: &str = "window.warnings = [];
    const warn = console.warn;
    console.warn = (...all) => { window.warnings.push(String(all[0])); warn.apply(console, all); };
    IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };";

#[tokio::test(flavor = "multi_thread")]
async fn c14_a_full_disk_costs_one_warning_and_nothing_else() {
    let (app, source) = app(CacheOptions::new(MINUTE));
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.watch_from_the_start(FULL).await;
    browser.open(&site.url("/")).await;
    for (value, text) in [("B", "B 0"), ("A", "A 0"), ("B", "B 0")] {
        choose(&browser, value).await;
        shows(&browser, text).await;
    }
    browser.let_pass(300).await;
    assert_eq!(source.runs(), 2);
    let warnings = browser.js("return window.warnings").await;
    assert_eq!(warnings.as_array().unwrap().len(), 1, "{warnings}");
    assert_eq!(browser.console().await, Vec::<String>::new());
}

/// Writes so many old entries into the store.
fn fill(count: u32) -> String {
    format!(
        "const done = arguments[arguments.length - 1];
         const request = indexedDB.open('ferrodash /');
         request.onsuccess = () => {{
             const transaction = request.result.transaction('answers', 'readwrite');
             const entry = {{ text: 'x'.repeat(20000), size: 20000, fresh: 0, stale: 0, error: 0, on: [], era: '', moment: 0 }};
             for (let number = 0; number < {count}; number += 1) {{
                 transaction.objectStore('answers').put(Object.assign({{ at: number }}, entry), 'old' + number);
             }}
             transaction.oncomplete = () => {{ request.result.close(); done(true); }};
         }};"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_pruning_takes_one_pass_and_blocks_nothing() {
    let (_site, browser, _source) = open(CacheOptions::new(MINUTE)).await;
    on_disk_are(&browser, 1).await;
    let filled = browser.driver.execute_async(&fill(500), Vec::new()).await;
    filled.unwrap();
    let observe = "window.long = [];
        new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => long.push(duration)))
            .observe({ entryTypes: ['longtask'] });";
    browser.js(observe).await;
    choose(&browser, "B").await;
    shows(&browser, "B 0").await;
    on_disk_are(&browser, 400).await;
    assert_eq!(browser.js("return window.long").await, json!([]));
    let left = on_disk(&browser).await;
    let newest = left
        .iter()
        .filter(|entry| entry["at"].as_u64() > Some(1000));
    assert_eq!(newest.count(), 2, "what was written last is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn c15_without_storage_everything_works_from_memory() {
    for block in [
        "Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('no', 'SecurityError'); } });
         Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });",
        "indexedDB.open = () => { const request = {}; setTimeout(() => request.onerror()); return request; };
         Object.defineProperty(window, 'BroadcastChannel', { value: undefined });
         Object.defineProperty(navigator, 'locks', { value: undefined });",
    ] {
        let (app, source) = app(CacheOptions::new(MINUTE).tag("orders"));
        let cache = Cache::memory(1 << 20);
        let site = Site::start(app.cache(cache.clone())).await;
        let browser = Browser::start().await;
        browser.watch_from_the_start(block).await;
        browser.open(&site.url("/")).await;
        for (value, text) in [("B", "B 0"), ("A", "A 0"), ("B", "B 0")] {
            choose(&browser, value).await;
            shows(&browser, text).await;
        }
        assert_eq!(source.runs(), 2);
        browser.let_pass(800).await;
        source.version.store(1, Ordering::SeqCst);
        cache.invalidate_tag("orders").await.unwrap();
        shows(&browser, "B 1").await;
        assert_eq!(browser.console().await, Vec::<String>::new(), "{block}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c16_a_broken_entry_counts_as_absent_and_is_deleted() {
    let (site, browser, source) = open(CacheOptions::new(MINUTE)).await;
    on_disk_are(&browser, 1).await;
    let cut = "const done = arguments[arguments.length - 1];
        const request = indexedDB.open('ferrodash /');
        request.onsuccess = () => {
            const transaction = request.result.transaction('answers', 'readwrite');
            const answers = transaction.objectStore('answers');
            answers.openCursor().onsuccess = ({ target: { result } }) => {
                result.update(Object.assign(result.value, { text: result.value.text.slice(0, 20) }));
            };
            transaction.oncomplete = () => { request.result.close(); done(true); };
        };";
    let done = browser.driver.execute_async(cut, Vec::new()).await;
    done.unwrap();
    browser.driver.refresh().await.unwrap();
    shows(&browser, "A 0").await;
    assert_eq!(site.callback_requests().len(), 2, "it was asked for again");
    assert_eq!(source.runs(), 1, "the server had it");
    on_disk_are(&browser, 1).await;
    let entries = on_disk(&browser).await;
    assert_eq!(
        entries[0]["text"].as_str().unwrap().len(),
        entries[0]["size"]
    );
    assert_eq!(browser.console().await, Vec::<String>::new());
}

/// A text that is larger than what may be on disk.
async fn large(value: String) -> String {
    format!("{value}{}", "x".repeat(12_000_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn c20_a_very_large_answer_is_not_kept_on_disk_and_removes_nothing() {
    let callback = Callback::builder()
        .output(Output::new("store", "data"))
        .input(("choice", "value"))
        .cache(CacheOptions::new(MINUTE).client())
        .handler(large);
    let (app, _source) = app(CacheOptions::new(MINUTE));
    let site = Site::start(app.callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 0").await;
    let length = "window.dash_component_api.getLayout('store').props.data.length === 12000001";
    browser.wait_until(length).await;
    on_disk_are(&browser, 1).await;
    browser.let_pass(300).await;
    on_disk_are(&browser, 1).await;
}
