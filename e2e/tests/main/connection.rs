//! Pages that are hidden, closed or offline, and servers that refuse.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use e2e::{Browser, Site};
use ferrodash::Flush;
use ferrodash::prelude::*;
use serde_json::json;

const WAIT: Duration = Duration::from_secs(3);

/// A callback that shows its text, and the texts that it was called with.
fn shown(input: Input, options: Option<CacheOptions>) -> (Callback, Arc<Mutex<Vec<String>>>) {
    let texts: Arc<Mutex<Vec<String>>> = Arc::default();
    let own = texts.clone();
    let mut builder = Callback::builder()
        .output(Output::new("out", "children"))
        .input(input)
        .running("save", "title", "running", "idle")
        .prevent_initial_call();
    if let Some(options) = options {
        builder = builder.name("shown", "1").cache(options);
    }
    let callback = builder.handler(move |text: String| {
        own.lock().unwrap().push(text.clone());
        async move { text }
    });
    (callback, texts)
}

fn layout() -> html::Div {
    html::Div::new((
        html::Div::new(dcc::Input::new().id("text").value("")).id("place"),
        html::Button::new("Remove").id("save").n_clicks(0),
        html::Div::new(()).id("out"),
    ))
}

fn text() -> Input {
    Input::new("text", "value")
}

async fn open(router: Router) -> (Site, Browser) {
    let site = Site::serve(router).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser.element("text").await.click().await.unwrap();
    (site, browser)
}

fn router(callbacks: Vec<Callback>) -> Router {
    App::new(layout())
        .callbacks(callbacks)
        .build()
        .expect("it has no mistakes")
        .into_router()
}

/// Waits until a text was sent to the server.
async fn eventually(texts: &Mutex<Vec<String>>, expected: &[&str]) {
    for _ in 0..200 {
        if *texts.lock().unwrap() == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(*texts.lock().unwrap(), expected);
}

async fn offline(browser: &Browser, offline: bool) {
    let cdp = browser.driver.cdp();
    cdp.send_raw("Network.enable", json!({})).await.unwrap();
    let conditions =
        json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    cdp.send_raw("Network.emulateNetworkConditions", conditions)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn d13_a_page_that_closes_sends_what_waits() {
    let input = text().debounce(WAIT).flush([Flush::Hide]);
    let (callback, texts) = shown(input, None);
    let (_site, browser) = open(router(vec![callback])).await;
    browser
        .type_text("not lost", Duration::from_millis(20))
        .await
        .unwrap();
    assert!(texts.lock().unwrap().is_empty());
    browser.driver.goto("about:blank").await.unwrap();
    eventually(&texts, &["not lost"]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(*texts.lock().unwrap(), ["not lost"], "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_field_that_is_removed_sends_its_last_text_if_it_is_to() {
    let remove = || {
        Callback::builder()
            .output(Output::new("place", "children"))
            .input(("save", "n_clicks"))
            .prevent_initial_call()
            .handler(async |_: u32| "gone")
    };
    for (flush, expected) in [(vec![Flush::Unmount], &["typed"][..]), (vec![], &[][..])] {
        let (callback, texts) = shown(text().debounce(WAIT).flush(flush), None);
        let (site, browser) = open(router(vec![callback, remove()])).await;
        browser
            .type_text("typed", Duration::from_millis(20))
            .await
            .unwrap();
        browser.js("document.getElementById('save').click()").await;
        browser
            .wait_until("document.getElementById('place').innerText === 'gone'")
            .await;
        eventually(&texts, expected).await;
        browser.let_pass(3500).await;
        assert_eq!(*texts.lock().unwrap(), expected);
        assert_eq!(site.callback_requests().len(), 1 + expected.len());
        if let Some(text) = expected.first() {
            browser.shows("out", text).await;
        }
        assert_eq!(browser.console().await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_what_is_typed_offline_is_sent_when_the_connection_is_back() {
    let (callback, texts) = shown(text().debounce(Duration::from_millis(300)), None);
    let (_site, browser) = open(router(vec![callback])).await;
    browser
        .type_text("first", Duration::from_millis(20))
        .await
        .unwrap();
    browser.shows("out", "first").await;
    offline(&browser, true).await;
    for part in [" one", " two"] {
        browser
            .type_text(part, Duration::from_millis(20))
            .await
            .unwrap();
        browser.let_pass(600).await;
    }
    browser
        .wait_until(
            "document.getElementById('ferrodash-offline').innerText.includes('You are offline')",
        )
        .await;
    browser
        .wait_until("document.getElementById('save').title === 'idle'")
        .await;
    assert_eq!(*texts.lock().unwrap(), ["first"]);
    offline(&browser, false).await;
    browser.shows("out", "first one two").await;
    assert_eq!(
        *texts.lock().unwrap(),
        ["first", "first one two"],
        "only the newest"
    );
    browser
        .wait_until("!document.getElementById('ferrodash-offline')")
        .await;
}

/// Answers the first `times` calls with a status.
fn refusing(router: Router, times: u32, status: StatusCode, asked: Arc<AtomicU32>) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let asked = asked.clone();
        async move {
            let is_call = request.uri().path().ends_with("_dash-update-component");
            if is_call && asked.fetch_add(1, Ordering::SeqCst) < times {
                return (status, [("Retry-After", "1")], "busy").into_response();
            }
            next.run(request).await
        }
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn o9_a_cached_callback_is_asked_again_and_others_say_that_the_server_is_busy() {
    let cached = || Some(CacheOptions::new(Duration::from_secs(60)));
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    // It answers in the end.
    let (callback, _) = shown(text().debounce(Duration::from_millis(100)), cached());
    let asked = Arc::new(AtomicU32::new(0));
    let (_site, browser) = open(refusing(router(vec![callback]), 2, busy, asked.clone())).await;
    browser
        .type_text("a", Duration::from_millis(20))
        .await
        .unwrap();
    browser.shows("out", "a").await;
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert_eq!(
        browser
            .js("return document.getElementById('ferrodash-refused')")
            .await,
        json!(null)
    );
    // It never answers; and a callback that is not cached is asked once.
    for (options, times) in [(cached(), 4), (None, 1)] {
        let (callback, _) = shown(text().debounce(Duration::from_millis(100)), options);
        let asked = Arc::new(AtomicU32::new(0));
        let (_site, browser) =
            open(refusing(router(vec![callback]), 99, busy, asked.clone())).await;
        browser
            .type_text("a", Duration::from_millis(20))
            .await
            .unwrap();
        browser
            .wait_until(
                "document.getElementById('ferrodash-refused').innerText.includes('server is busy')",
            )
            .await;
        assert_eq!(asked.load(Ordering::SeqCst), times);
        browser
            .wait_until("document.getElementById('save').title === 'idle'")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t6_a_page_that_is_told_to_slow_down_ends_with_the_newest_value() {
    let (callback, texts) = shown(text(), None);
    let asked = Arc::new(AtomicU32::new(0));
    let slow_down = StatusCode::TOO_MANY_REQUESTS;
    let (_site, browser) = open(refusing(
        router(vec![callback]),
        6,
        slow_down,
        asked.clone(),
    ))
    .await;
    browser.type_text("newest", Duration::ZERO).await.unwrap();
    browser.shows("out", "newest").await;
    browser.let_pass(2500).await;
    browser.shows("out", "newest").await;
    assert_eq!(*texts.lock().unwrap(), ["newest"]);
    assert!(asked.load(Ordering::SeqCst) <= 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_an_interval_of_a_hidden_page_asks_nothing_and_once_when_it_is_shown() {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("interval", "n_intervals"))
        .prevent_initial_call()
        .handler(move |ticks: u32| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { ticks.to_string() }
        });
    let layout = html::Div::new((layout(), dcc::Interval::new().id("interval").interval(1000)));
    let router = App::new(layout).callback(callback).build().unwrap();
    let (_site, browser) = open(router.into_router()).await;
    browser
        .wait_until("document.getElementById('out').innerText === '2'")
        .await;
    // Another tab in front: the page is hidden.
    let first = browser.driver.window().await.unwrap();
    let second = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(second).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = calls.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(calls.load(Ordering::SeqCst), before, "nobody sees it");
    browser.driver.switch_to_window(first).await.unwrap();
    browser
        .wait_until("document.visibilityState === 'visible'")
        .await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let shown = calls.load(Ordering::SeqCst) - before;
    assert!((1..=2).contains(&shown), "{shown} calls when it is shown");
    browser.let_pass(3000).await;
    let rhythm = calls.load(Ordering::SeqCst) - before - shown;
    assert!((2..=4).contains(&rhythm), "{rhythm} calls in 3 s");
}

/// An app that shows the load at each tick of an interval of two seconds.
fn clock(calls: Arc<AtomicU32>) -> App {
    let callback = Callback::builder()
        .name("connection::load", "1")
        .output(Output::new("out", "children"))
        .trigger(("interval", "n_intervals"))
        .cache(CacheOptions::new(Duration::from_secs(2)).client())
        .handler(move || {
            let number = calls.fetch_add(1, Ordering::SeqCst);
            async move { number.to_string() }
        });
    let layout = html::Div::new((layout(), dcc::Interval::new().id("interval").interval(2000)));
    App::new(layout).callback(callback)
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_five_windows_with_one_interval_ask_as_often_as_one() {
    let calls = Arc::new(AtomicU32::new(0));
    let site = Site::start(clock(calls.clone())).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    let first = browser.driver.window().await.unwrap();
    for _ in 0..4 {
        // A window, and not a tab, so that all are visible.
        let window = browser.driver.new_window().await.unwrap();
        browser.driver.switch_to_window(window).await.unwrap();
        browser.open(&site.url("/")).await;
        browser.let_pass(150).await;
    }
    let before = (site.callback_requests().len(), calls.load(Ordering::SeqCst));
    browser.let_pass(10_000).await;
    let asked = site.callback_requests().len() - before.0;
    assert!((3..=6).contains(&asked), "{asked} requests in 10 s");
    // Each window shows what one of them asked for.
    let newest = calls.load(Ordering::SeqCst);
    let shown: u32 = browser.text("out").await.parse().unwrap();
    assert!(shown + 2 >= newest, "{shown} of {newest}");
    let last = browser.driver.window().await.unwrap();
    browser.driver.switch_to_window(first).await.unwrap();
    browser.driver.close_window().await.unwrap();
    browser.driver.switch_to_window(last).await.unwrap();
    let before = calls.load(Ordering::SeqCst);
    browser.let_pass(4000).await;
    let more = calls.load(Ordering::SeqCst) - before;
    assert!((1..=3).contains(&more), "{more} runs in 4 s");
}

/// Answers calls with a login page until somebody has asked for `/login`.
fn behind_login(router: Router, open: Arc<AtomicU32>, refused: Arc<AtomicU32>) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let (open, refused) = (open.clone(), refused.clone());
        async move {
            let path = request.uri().path();
            if path == "/login" {
                open.store(1, Ordering::SeqCst);
                return "welcome".into_response();
            }
            let is_call =
                path.ends_with("_dash-update-component") || path.contains("_ferrodash/call");
            if is_call && open.load(Ordering::SeqCst) == 0 {
                refused.fetch_add(1, Ordering::SeqCst);
                let page = axum::response::Html("<p>Sign in");
                return (StatusCode::UNAUTHORIZED, page).into_response();
            }
            next.run(request).await
        }
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_an_expired_session_pauses_the_page_until_the_user_has_signed_in() {
    let cached = Some(CacheOptions::new(Duration::from_secs(60)).client());
    let (callback, texts) = shown(text(), cached);
    let clicks = Arc::new(AtomicU32::new(0));
    let counter = clicks.clone();
    let click = Callback::builder()
        .output(Output::new("place", "title"))
        .input(("save", "n_clicks"))
        .prevent_initial_call()
        .handler(move |clicks: u32| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { format!("clicked {clicks}") }
        });
    let (open_for, refused) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicU32::new(0)));
    let router = behind_login(
        router(vec![callback, click]),
        open_for.clone(),
        refused.clone(),
    );
    let (site, browser) = open(router).await;
    open_for.store(0, Ordering::SeqCst);
    browser
        .js("document.addEventListener('ferrodash:login', ({ detail }) => {
                 window.asked = (window.asked || 0) + 1;
                 detail.wait(new Promise((resolve) => window.signIn = () => fetch('/login').then(resolve)));
             })")
        .await;
    browser
        .type_text("x", Duration::from_millis(20))
        .await
        .unwrap();
    browser.wait_until("window.asked === 1").await;
    browser.js("document.getElementById('save').click()").await;
    browser.let_pass(300).await;
    assert_eq!(refused.load(Ordering::SeqCst), 1, "the second call waits");
    browser.js("signIn()").await;
    browser.shows("out", "x").await;
    browser
        .wait_until("document.getElementById('place').title === 'clicked 1'")
        .await;
    assert_eq!(*texts.lock().unwrap(), ["x"]);
    assert_eq!(clicks.load(Ordering::SeqCst), 1);
    assert_eq!(refused.load(Ordering::SeqCst), 1);
    assert_eq!(browser.js("return window.asked").await, 1);
    // What was refused is not kept: the next page has the answer.
    browser.open(&site.url("/")).await;
    browser.element("text").await.click().await.unwrap();
    browser
        .type_text("x", Duration::from_millis(20))
        .await
        .unwrap();
    browser.shows("out", "x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_without_a_listener_a_notice_offers_to_sign_in() {
    let (callback, _) = shown(text(), None);
    let (open_for, refused) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicU32::new(0)));
    let (_site, browser) = open(behind_login(
        router(vec![callback]),
        open_for.clone(),
        refused,
    ))
    .await;
    open_for.store(0, Ordering::SeqCst);
    browser
        .type_text("x", Duration::from_millis(20))
        .await
        .unwrap();
    browser
        .wait_until(
            "document.getElementById('ferrodash-login').innerText.includes('You are signed out')",
        )
        .await;
}
