//! Answers that the browser keeps: how long they count, and where they come from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;
use serde_json::json;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// What the callback of these tests answers, and how.
#[derive(Default)]
pub(crate) struct Source {
    /// The part of the answer that changes.
    pub(crate) version: AtomicU32,
    pub(crate) runs: AtomicU32,
    /// How long the function takes, in milliseconds.
    pub(crate) takes: AtomicU32,
    pub(crate) fails: AtomicBool,
}

impl Source {
    pub(crate) fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }

    async fn answer(&self, value: String) -> Result<String, CallbackError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let takes = u64::from(self.takes.load(Ordering::SeqCst));
        let version = self.version.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(takes)).await;
        if self.fails.load(Ordering::SeqCst) {
            return Err(CallbackError::new("the database is down"));
        }
        Ok(format!("{value} {version}"))
    }
}

/// An app that shows what the source answers for a choice, and what depends on that.
pub(crate) fn app(options: CacheOptions) -> (App, Arc<Source>) {
    let source = Arc::new(Source::default());
    let own = source.clone();
    let layout = html::Div::new((
        dcc::RadioItems::new()
            .id("choice")
            .options(["A", "B"])
            .value("A"),
        dcc::Loading::new(html::Div::new(()).id("out")),
        html::Div::new(()).id("next"),
        dcc::Store::new("store"),
    ));
    let callback = Callback::builder()
        .name("kept::answer", "1")
        .output(Output::new("out", "children"))
        .input(("choice", "value"))
        .cache(options.client())
        .handler(move |value: String| {
            let source = own.clone();
            async move { source.answer(value).await }
        });
    let next = Callback::builder()
        .output(Output::new("next", "children"))
        .input(("out", "children"))
        .clientside(
            "(text) => { window.nexts = (window.nexts || 0) + 1; return text && text + '!'; }",
        );
    let app = App::new(layout)
        .callbacks([callback, next])
        .build_id("kept");
    (app, source)
}

pub(crate) async fn choose(browser: &Browser, value: &str) {
    let click = format!("document.querySelector('#choice input[value={value}]').click()");
    browser.js(&click).await;
}

/// Waits until the page shows an answer and what depends on it.
pub(crate) async fn shows(browser: &Browser, text: &str) {
    browser.shows("out", text).await;
    browser.shows("next", &format!("{text}!")).await;
    browser.wait_until(IDLE).await;
}

/// Goes to another window.
pub(crate) async fn switch(browser: &Browser, window: &thirtyfour::WindowHandle) {
    let driver = &browser.driver;
    driver.switch_to_window(window.clone()).await.unwrap();
}

/// Opens the page in a window of its own.
pub(crate) async fn second_tab(browser: &Browser, site: &Site) -> thirtyfour::WindowHandle {
    let tab = browser.driver.new_tab().await.unwrap();
    switch(browser, &tab).await;
    browser.open(&site.url("/")).await;
    tab
}

/// The entries on disk.
const ON_DISK: &str = "
    const done = arguments[arguments.length - 1];
    const request = indexedDB.open('ferrodash /');
    request.onsuccess = () => {
        const answers = request.result.transaction('answers').objectStore('answers').getAll();
        answers.onsuccess = () => { request.result.close(); done(answers.result); };
    };";

pub(crate) async fn on_disk(browser: &Browser) -> Vec<serde_json::Value> {
    let entries = browser.driver.execute_async(ON_DISK, Vec::new()).await;
    entries.unwrap().json().as_array().unwrap().clone()
}

/// The number of entries on disk.
const COUNT: &str = "
    const done = arguments[arguments.length - 1];
    const request = indexedDB.open('ferrodash /');
    request.onsuccess = () => {
        const count = request.result.transaction('answers').objectStore('answers').count();
        count.onsuccess = () => { request.result.close(); done(count.result); };
    };";

/// Waits until so many entries are on disk.
pub(crate) async fn on_disk_are(browser: &Browser, count: usize) {
    for _ in 0..300 {
        let there = browser.driver.execute_async(COUNT, Vec::new()).await;
        if there.unwrap().json() == &json!(count) {
            return;
        }
        browser.let_pass(10).await;
    }
    panic!("{count} are expected: {:?}", on_disk(browser).await);
}

pub(crate) async fn open(options: CacheOptions) -> (Site, Browser, Arc<Source>) {
    let (app, source) = app(options);
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 0").await;
    (site, browser, source)
}

/// Notes where answers come from.
const LISTEN: &str = "document.addEventListener('ferrodash:answer',
    ({ detail }) => (window.answers ||= []).push(detail));";

#[tokio::test(flavor = "multi_thread")]
async fn c2_a_stale_answer_is_shown_at_once_and_only_another_one_is_drawn() {
    let options = CacheOptions::new(Duration::from_millis(300)).stale_while_revalidate(MINUTE);
    let (site, browser, source) = open(options).await;
    browser.js(LISTEN).await;
    choose(&browser, "B").await;
    shows(&browser, "B 0").await;
    browser.let_pass(400).await;
    // The server takes a while, and the page does not wait.
    source.takes.store(500, Ordering::SeqCst);
    let nexts = browser.js("return window.nexts").await.as_u64().unwrap();
    choose(&browser, "A").await;
    browser.shows("out", "A 0").await;
    let requests = site.callback_requests().len();
    let last = browser
        .js("return window.answers[window.answers.length - 1]")
        .await;
    assert_eq!(
        (&last["source"], &last["isStale"]),
        (&json!("page"), &json!(true))
    );
    browser.let_pass(1500).await;
    assert_eq!(source.runs(), 3, "it was refreshed");
    let now = browser.js("return window.nexts").await.as_u64().unwrap();
    assert_eq!(now, nexts + 1, "an equal answer calls nothing");
    assert!(site.callback_requests().len() <= requests + 1);

    source.version.store(1, Ordering::SeqCst);
    choose(&browser, "B").await;
    browser.shows("out", "B 0").await;
    shows(&browser, "B 1").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_a_reload_shows_what_is_on_disk_before_any_answer_comes() {
    let options = CacheOptions::new(Duration::from_millis(500)).stale_while_revalidate(MINUTE);
    let (site, browser, source) = open(options).await;
    on_disk_are(&browser, 1).await;
    let before = site.callback_requests().len();
    browser.let_pass(600).await;
    source.takes.store(2000, Ordering::SeqCst);
    browser.watch_from_the_start(LISTEN).await;
    browser.driver.refresh().await.unwrap();
    shows(&browser, "A 0").await;
    let first = browser.js("return window.answers[0]").await;
    assert_eq!(
        (&first["source"], &first["isStale"]),
        (&json!("browser"), &json!(true))
    );
    let before_all = "return performance.getEntriesByType('resource')
        .every(({ name, responseEnd }) => !name.includes('_ferrodash/call/') || !responseEnd)";
    assert_eq!(
        browser.js(before_all).await,
        true,
        "it is shown before any answer"
    );
    browser
        .wait_until("performance.getEntriesByType('resource').some(({ name, responseStatus }) => name.includes('_ferrodash/call/') && responseStatus === 304)")
        .await;
    let requests = site.callback_requests();
    assert_eq!(requests.len(), before + 1, "{requests:?}");
    let questions = "return performance.getEntriesByType('resource')
        .filter(({ name }) => name.includes('_ferrodash/changes')).length";
    assert_eq!(
        browser.js(questions).await,
        1,
        "it asks once what has changed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_another_tab_asks_nothing_that_is_fresh_and_outlives_the_first_one() {
    let (site, browser, source) = open(CacheOptions::new(MINUTE)).await;
    let first = browser.driver.window().await.unwrap();
    on_disk_are(&browser, 1).await;
    let second = second_tab(&browser, &site).await;
    shows(&browser, "A 0").await;
    switch(&browser, &first).await;
    choose(&browser, "B").await;
    shows(&browser, "B 0").await;
    on_disk_are(&browser, 2).await;
    browser.driver.close_window().await.unwrap();
    switch(&browser, &second).await;
    for (value, text) in [("B", "B 0"), ("A", "A 0")] {
        choose(&browser, value).await;
        shows(&browser, text).await;
    }
    browser.driver.refresh().await.unwrap();
    shows(&browser, "A 0").await;
    assert_eq!((source.runs(), site.callback_requests().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_after_an_invalidation_all_tabs_show_the_new_answer_within_a_second() {
    let (app, source) = app(CacheOptions::new(MINUTE).tag("orders"));
    let cache = Cache::memory(1 << 20);
    let site = Site::start(app.cache(cache.clone())).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 0").await;
    let mut tabs = vec![browser.driver.window().await.unwrap()];
    for _ in 0..2 {
        tabs.push(second_tab(&browser, &site).await);
        shows(&browser, "A 0").await;
    }
    browser.let_pass(500).await;
    let watch = "window.shownAt = 0; new MutationObserver(() => {
        if (document.getElementById('out').innerText === 'A 1') window.shownAt = Date.now();
    }).observe(document.body, { childList: true, subtree: true, characterData: true });";
    for tab in &tabs {
        switch(&browser, tab).await;
        browser.js(watch).await;
    }
    let before = site.callback_requests().len();
    source.version.store(1, Ordering::SeqCst);
    let at = browser.js("return Date.now()").await.as_f64().unwrap();
    cache.invalidate_tag("orders").await.unwrap();
    for tab in &tabs {
        switch(&browser, tab).await;
        browser.wait_until("window.shownAt > 0").await;
        let took = browser.js("return window.shownAt").await.as_f64().unwrap() - at;
        assert!(took < 1000.0, "it took {took} ms");
    }
    assert_eq!(source.runs(), 2, "one run for all tabs");
    assert!(site.callback_requests().len() <= before + tabs.len());

    // Something else is invalidated, and nothing is asked.
    let before = site.callback_requests().len();
    cache.invalidate_tag("others").await.unwrap();
    browser.let_pass(700).await;
    browser.driver.refresh().await.unwrap();
    shows(&browser, "A 1").await;
    assert_eq!(site.callback_requests().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_a_page_that_was_closed_during_an_invalidation_does_not_show_the_old_answer() {
    let (app, source) = app(CacheOptions::new(MINUTE).tag("orders"));
    let cache = Cache::memory(1 << 20);
    let site = Site::start(app.cache(cache.clone())).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 0").await;
    on_disk_are(&browser, 1).await;
    browser.driver.goto("about:blank").await.unwrap();
    source.version.store(1, Ordering::SeqCst);
    cache.invalidate_tag("orders").await.unwrap();
    let watch = "new MutationObserver(() => {
        const out = document.getElementById('out');
        if (out && out.innerText === 'A 0') window.wasOld = true;
    }).observe(document, { childList: true, subtree: true, characterData: true });";
    browser.watch_from_the_start(watch).await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 1").await;
    assert_eq!(browser.js("return window.wasOld || false").await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_flight_during_an_invalidation_is_replaced_at_once() {
    let (app, source) = app(CacheOptions::new(MINUTE).tag("orders"));
    let cache = Cache::memory(1 << 20);
    let site = Site::start(app.cache(cache.clone())).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 0").await;
    browser.let_pass(500).await;
    source.takes.store(800, Ordering::SeqCst);
    choose(&browser, "B").await;
    browser.let_pass(300).await;
    source.takes.store(0, Ordering::SeqCst);
    source.version.store(1, Ordering::SeqCst);
    cache.invalidate_tag("orders").await.unwrap();
    shows(&browser, "B 1").await;
    choose(&browser, "A").await;
    shows(&browser, "A 1").await;
    choose(&browser, "B").await;
    shows(&browser, "B 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_never_brings_back_the_answer_to_an_older_question() {
    let (app, source) = app(CacheOptions::new(MINUTE).tag("orders"));
    let cache = Cache::memory(1 << 20);
    let site = Site::start(app.cache(cache.clone())).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 0").await;
    browser.let_pass(500).await;
    cache.clear().await.unwrap();
    source.version.store(1, Ordering::SeqCst);
    shows(&browser, "A 0").await;
    // The answer to A comes after that to B, which the user asked for last.
    cache.clear().await.unwrap();
    browser.shows("out", "A 1").await;
    source.takes.store(700, Ordering::SeqCst);
    cache.clear().await.unwrap();
    choose(&browser, "B").await;
    browser.let_pass(50).await;
    choose(&browser, "A").await;
    browser.let_pass(20).await;
    source.takes.store(0, Ordering::SeqCst);
    choose(&browser, "B").await;
    browser.let_pass(1500).await;
    source.version.store(2, Ordering::SeqCst);
    cache.invalidate_tag("orders").await.unwrap();
    browser.shows("out", "B 2").await;
    browser.let_pass(1000).await;
    browser.shows("out", "B 2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c19_if_the_server_fails_the_old_answer_stays_and_the_error_is_not_kept() {
    let options = CacheOptions::new(Duration::from_millis(300)).stale_if_error(MINUTE);
    let (app, source) = app(options);
    // The server's own cache cannot help.
    let site = Site::start(app.cache(Cache::from_url("null").await.unwrap())).await;
    let browser = Browser::start().await;
    browser.watch_from_the_start(LISTEN).await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 0").await;
    choose(&browser, "B").await;
    shows(&browser, "B 0").await;
    browser.let_pass(400).await;
    source.fails.store(true, Ordering::SeqCst);
    choose(&browser, "A").await;
    shows(&browser, "A 0").await;
    let last = browser
        .js("return window.answers[window.answers.length - 1]")
        .await;
    assert_eq!(
        (&last["source"], &last["isStale"]),
        (&json!("page"), &json!(true))
    );
    source.fails.store(false, Ordering::SeqCst);
    source.version.store(1, Ordering::SeqCst);
    choose(&browser, "B").await;
    shows(&browser, "B 1").await;
}

/// Moves the page's clock on.
fn hours_later(hours: u32) -> String {
    format!("const now = Date.now; Date.now = () => now() + {hours} * 3600 * 1000;")
}

#[tokio::test(flavor = "multi_thread")]
async fn c21_after_a_long_sleep_nothing_old_is_shown_as_fresh() {
    let (site, browser, source) = open(CacheOptions::new(MINUTE)).await;
    choose(&browser, "B").await;
    shows(&browser, "B 0").await;
    source.version.store(1, Ordering::SeqCst);
    browser.js(&hours_later(8)).await;
    browser.js(LISTEN).await;
    let before = site.callback_requests().len();
    choose(&browser, "A").await;
    browser.wait_until(IDLE).await;
    // The server's own clock has not moved, so it has the answer still.
    shows(&browser, "A 0").await;
    assert_eq!(
        browser.js("return window.answers[0].source").await,
        "server"
    );
    assert_eq!(site.callback_requests().len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c23_a_page_that_is_shown_again_and_again_asks_for_no_answer() {
    let (site, browser, _source) = open(CacheOptions::new(MINUTE)).await;
    let before = site.callback_requests().len();
    for _ in 0..10 {
        browser
            .js("document.dispatchEvent(new Event('visibilitychange')); window.dispatchEvent(new Event('focus'));")
            .await;
        browser.let_pass(300).await;
    }
    assert_eq!(site.callback_requests().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn c25_neither_a_hit_nor_a_refresh_in_the_background_shows_as_loading() {
    let options = CacheOptions::new(Duration::from_millis(300)).stale_while_revalidate(MINUTE);
    let (_site, browser, source) = open(options).await;
    choose(&browser, "B").await;
    shows(&browser, "B 0").await;
    browser.let_pass(400).await;
    source.takes.store(600, Ordering::SeqCst);
    source.version.store(1, Ordering::SeqCst);
    let watch = "window.loads = []; window.usual = document.title; window.look = () => {
            const loads = document.querySelectorAll('.dash-spinner, [data-dash-is-loading=true]');
            loads.forEach(({ outerHTML }) => window.loads.push(outerHTML));
            document.title !== window.usual && window.loads.push(document.title);
            requestAnimationFrame(window.look);
        }; window.look();";
    browser.js(watch).await;
    choose(&browser, "A").await;
    browser.shows("out", "A 0").await;
    shows(&browser, "A 1").await;
    assert_eq!(browser.js("return window.loads").await, json!([]));
}

/// A callback from one component to the next.
fn link(from: (&'static str, &'static str), to: &'static str) -> Callback {
    let names = [("b", 0), ("c", 1), ("d", 2)];
    let index = names.iter().find(|(name, _)| *name == to).unwrap().1;
    Callback::builder()
        .name(["kept::b", "kept::c", "kept::d"][index], "1")
        .output(Output::new(to, "children"))
        .input(from)
        .cache(CacheOptions::new(MINUTE).client())
        .handler(move |value: Option<String>| async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            format!("{}{to}", value.unwrap_or_default())
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn c26_a_chain_that_is_kept_is_drawn_in_one_frame_without_a_request() {
    let layout = html::Div::new((
        dcc::RadioItems::new()
            .id("a")
            .options(["1", "2"])
            .value("1"),
        html::Div::new(()).id("b"),
        html::Div::new(()).id("c"),
        html::Div::new(()).id("d"),
    ));
    let app = App::new(layout).callbacks([
        link(("a", "value"), "b"),
        link(("b", "children"), "c"),
        link(("c", "children"), "d"),
    ]);
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    let pick = async |value: &str| {
        let click = format!("document.querySelector('#a input[value=\"{value}\"]').click()");
        browser.js(&click).await;
        browser.shows("d", &format!("{value}bcd")).await;
        browser.wait_until(IDLE).await;
    };
    pick("2").await;
    let before = site.callback_requests().len();
    // Frames in which not all texts are of one choice.
    let watch = "window.mixed = 0; window.look = () => {
            const [b, c, d] = ['b', 'c', 'd'].map((id) => document.getElementById(id).innerText);
            if (c !== b + 'c' || d !== c + 'd') window.mixed += 1;
            requestAnimationFrame(window.look);
        }; window.look();";
    browser.js(watch).await;
    for value in ["1", "2", "1", "2"] {
        pick(value).await;
    }
    assert_eq!(browser.js("return window.mixed").await, json!(0));
    // Another page finds them on disk.
    browser.driver.refresh().await.unwrap();
    browser.shows("d", "1bcd").await;
    browser.wait_until(IDLE).await;
    browser.js(watch).await;
    pick("2").await;
    assert_eq!(browser.js("return window.mixed").await, json!(0));
    assert_eq!(site.callback_requests().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn c28_refresh_passes_all_caches_for_one_callback_and_fills_them() {
    let (site, browser, source) = open(CacheOptions::new(MINUTE).refresh()).await;
    source.version.store(1, Ordering::SeqCst);
    browser.js("window.ferrodash.refresh('out.children')").await;
    shows(&browser, "A 1").await;
    assert_eq!(source.runs(), 2);
    let before = site.callback_requests().len();
    browser.driver.refresh().await.unwrap();
    shows(&browser, "A 1").await;
    assert_eq!(
        site.callback_requests().len(),
        before,
        "the browser has the new one"
    );
    let other = Browser::start().await;
    other.open(&site.url("/")).await;
    shows(&other, "A 1").await;
    assert_eq!(source.runs(), 2, "and so has the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn c28_a_callback_refreshes_another_one() {
    let (app, source) = app(CacheOptions::new(MINUTE).refresh());
    let callback = Callback::builder()
        .input(("next", "title"))
        .prevent_initial_call()
        .handler(async |_: Option<String>, context: Context| context.refresh("out", "children"));
    let site = Site::start(app.callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 0").await;
    source.version.store(1, Ordering::SeqCst);
    browser
        .js("dash_clientside.set_props('next', { title: 'now' })")
        .await;
    shows(&browser, "A 1").await;
    assert_eq!(source.runs(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn c28_a_hard_reload_passes_all_caches() {
    let (_site, browser, source) = open(CacheOptions::new(MINUTE).refresh()).await;
    on_disk_are(&browser, 1).await;
    source.version.store(1, Ordering::SeqCst);
    let hard = json!({"ignoreCache": true});
    let cdp = browser.driver.cdp();
    cdp.send_raw("Page.reload", hard).await.unwrap();
    shows(&browser, "A 1").await;
    assert_eq!(source.runs(), 2);
    browser.driver.refresh().await.unwrap();
    shows(&browser, "A 1").await;
    assert_eq!(source.runs(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn c22_what_triggered_a_call_tells_entries_apart_only_if_the_callback_reads_it() {
    let layout = html::Div::new((
        html::Button::new("x").id("x"),
        html::Button::new("y").id("y"),
        html::Div::new(()).id("which"),
        html::Div::new(()).id("same"),
    ));
    let builder = |name, output: &'static str| {
        let builder = Callback::builder().name(name, "1").prevent_initial_call();
        let builder = builder.output(Output::new(output, "children"));
        // The values are always equal, so only the trigger differs.
        builder.input(("x", "title")).input(("y", "title"))
    };
    let which = builder("kept::which", "which")
        .cache(CacheOptions::new(MINUTE).client().vary("trigger"))
        .handler(
            async |_: Option<String>, _: Option<String>, context: Context| {
                let id = context.triggered_id().map(ToString::to_string);
                id.unwrap_or_default()
            },
        );
    let same = builder("kept::same", "same")
        .cache(CacheOptions::new(MINUTE).client())
        .handler(async |_: Option<String>, _: Option<String>| "same");
    let site = Site::start(App::new(layout).callbacks([which, same])).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    for id in ["x", "y", "x", "y"] {
        browser
            .js(&format!(
                "dash_clientside.set_props('{id}', {{ title: undefined }})"
            ))
            .await;
        browser.shows("which", id).await;
        browser.wait_until(IDLE).await;
    }
    assert_eq!(
        site.callback_requests().len(),
        3,
        "{:?}",
        site.callback_requests()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c24_an_answer_that_appends_is_neither_kept_nor_applied_twice() {
    let layout = html::Div::new((
        dcc::RadioItems::new()
            .id("choice")
            .options(["A", "B"])
            .value("A"),
        html::Div::new(Vec::<html::Span>::new()).id("list"),
    ));
    let runs = Arc::new(AtomicU32::new(0));
    let counter = runs.clone();
    let callback = Callback::builder()
        .name("kept::append", "1")
        .output(Output::new("list", "children"))
        .input(("choice", "value"))
        .cache(CacheOptions::new(MINUTE).client())
        .prevent_initial_call()
        .handler(move |value: String| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move {
                let mut patch = Patch::new();
                patch.append(html::Span::new(value));
                patch
            }
        });
    let site = Site::start(App::new(layout).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    let mut text = String::new();
    for value in ["B", "A", "B", "A"] {
        choose(&browser, value).await;
        text.push_str(value);
        browser.shows("list", &text).await;
        browser.wait_until(IDLE).await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 4);
}
