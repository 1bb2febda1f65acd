//! Events of the server: over one connection for each browser, by asking where they do not come
//! through, and from other processes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use e2e::{Browser, Site};
use ferrodash::prelude::*;
use ferrodash_testing::{Nginx, Redis};
use futures_util::StreamExt;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::kept::{Source, app, second_tab, shows, switch};

fn options() -> CacheOptions {
    CacheOptions::new(Duration::from_secs(60)).tag("orders")
}

/// The app's router with its cache.
fn router(cache: &Cache) -> (Router, Arc<Source>) {
    let (app, source) = app(options());
    let built = app.cache(cache.clone()).build().expect("no mistakes");
    (built.into_router(), source)
}

/// Changes what the source answers, and says so.
async fn change(source: &Source, cache: &Cache, version: u32) {
    source.version.store(version, Ordering::SeqCst);
    cache.invalidate_tag("orders").await.unwrap();
}

/// How many connections for events are open, and how many were opened.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    open: usize,
    opened: usize,
}

/// The connections for events of a router.
#[derive(Clone, Default)]
struct Streams(Arc<watch::Sender<Counts>>);

struct Open(Streams);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.send_modify(|counts| counts.open -= 1);
    }
}

impl Streams {
    fn counts(&self) -> Counts {
        *self.0.borrow()
    }

    /// Waits until the counts are as they should be.
    async fn wait_for(&self, within: Duration, what: &str, is: impl FnMut(&Counts) -> bool) {
        let mut counts = self.0.subscribe();
        let is_reached = timeout(within, counts.wait_for(is)).await.is_ok();
        assert!(is_reached, "not {what}: {:?}", self.counts());
    }

    /// Waits until so many are open.
    async fn are(&self, count: usize, within: Duration) {
        let what = format!("{count} open");
        self.wait_for(within, &what, |counts| counts.open == count)
            .await;
    }

    /// Waits until so many have been opened.
    async fn were_opened(&self, count: usize, within: Duration) {
        let what = format!("{count} opened");
        self.wait_for(within, &what, |counts| counts.opened >= count)
            .await;
    }

    /// Counts the connections of a router.
    fn count_in(&self, router: Router) -> Router {
        let streams = self.clone();
        router.layer(from_fn(move |request: Request, next: Next| {
            let streams = streams.clone();
            async move {
                let is_for_events = request.uri().path() == "/_ferrodash/events";
                let response = next.run(request).await;
                if !is_for_events {
                    return response;
                }
                streams.0.send_modify(|counts| {
                    counts.open += 1;
                    counts.opened += 1;
                });
                let open = Open(streams);
                let (parts, body) = response.into_parts();
                let pieces = body.into_data_stream().map(move |piece| {
                    let _ = &open;
                    piece
                });
                Response::from_parts(parts, axum::body::Body::from_stream(pieces))
            }
        }))
    }
}

async fn open(router: Router) -> (Site, Browser) {
    let site = Site::serve(router).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "A 0").await;
    (site, browser)
}

#[tokio::test(flavor = "multi_thread")]
async fn o2_a_browser_has_one_connection_which_another_tab_takes_over_within_two_seconds() {
    // With locks, and without them as on plain HTTP.
    for prepare in [
        "",
        "Object.defineProperty(navigator, 'locks', { value: undefined });",
    ] {
        let cache = Cache::memory(1 << 20);
        let (router, source) = router(&cache);
        let streams = Streams::default();
        let site = Site::serve(streams.count_in(router)).await;
        let browser = Browser::start().await;
        browser.watch_from_the_start(prepare).await;
        browser.open(&site.url("/")).await;
        shows(&browser, "A 0").await;
        let first = browser.driver.window().await.unwrap();
        streams.are(1, Duration::from_secs(2)).await;
        let mut tabs = Vec::new();
        for _ in 0..2 {
            let tab = browser.driver.new_tab().await.unwrap();
            switch(&browser, &tab).await;
            browser.watch_from_the_start(prepare).await;
            browser.open(&site.url("/")).await;
            shows(&browser, "A 0").await;
            browser.let_pass(1000).await;
            streams.are(1, Duration::from_secs(2)).await;
            tabs.push(tab);
        }
        browser.let_pass(1000).await;
        assert_eq!(streams.counts().open, 1);
        switch(&browser, &first).await;
        browser.let_pass(1000).await;
        streams.are(1, Duration::from_secs(2)).await;
        let before = streams.counts().opened;
        browser.driver.close_window().await.unwrap();
        switch(&browser, &tabs[1]).await;
        streams
            .were_opened(before + 1, Duration::from_secs(2))
            .await;
        streams.are(1, Duration::from_secs(2)).await;
        change(&source, &cache, 1).await;
        for tab in &tabs {
            switch(&browser, tab).await;
            shows(&browser, "A 1").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o2_where_events_are_blocked_or_held_back_the_page_asks() {
    type Block = fn(Request, Next) -> futures_util::future::BoxFuture<'static, Response>;
    let refused: Block = |request, next| {
        Box::pin(async move {
            match request.uri().path() {
                "/_ferrodash/events" => StatusCode::FORBIDDEN.into_response(),
                _ => next.run(request).await,
            }
        })
    };
    // As a proxy does that waits for the end of the answer.
    let held: Block = |request, next| {
        Box::pin(async move {
            match request.uri().path() {
                "/_ferrodash/events" => std::future::pending().await,
                _ => next.run(request).await,
            }
        })
    };
    for block in [refused, held] {
        let cache = Cache::memory(1 << 20);
        let (router, source) = router(&cache);
        let (_site, browser) = open(router.layer(from_fn(block))).await;
        for version in 1..3 {
            change(&source, &cache, version).await;
            shows(&browser, &format!("A {version}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o2_events_come_through_nginx_with_its_defaults() {
    let cache = Cache::memory(1 << 20);
    let (router, source) = router(&cache);
    let site = Site::serve(router).await;
    let nginx = Nginx::start(&site.url(""), "");
    let browser = Browser::start().await;
    browser.open(&nginx.url("/")).await;
    shows(&browser, "A 0").await;
    browser.let_pass(700).await;
    let before = tokio::time::Instant::now();
    change(&source, &cache, 1).await;
    shows(&browser, "A 1").await;
    assert!(
        before.elapsed() < Duration::from_secs(1),
        "{:?}",
        before.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_an_invalidation_by_another_process_is_shown_within_a_second() {
    let redis = Redis::start();
    let url = format!("{}?namespace=push", redis.url());
    let near = async || {
        let builder = Cache::builder().memory(1 << 20);
        builder.url(&url).await.unwrap().build()
    };
    let (ours, theirs) = (near().await, near().await);
    let (router, source) = router(&ours);
    let (_site, browser) = open(router).await;
    browser.let_pass(700).await;
    for version in 1..4 {
        let before = tokio::time::Instant::now();
        change(&source, &theirs, version).await;
        shows(&browser, &format!("A {version}")).await;
        let took = before.elapsed();
        assert!(took < Duration::from_secs(1), "it took {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o4_what_is_missed_while_the_connection_is_lost_is_made_up_for() {
    let cache = Cache::memory(1 << 20);
    let (router, source) = router(&cache);
    let streams = Streams::default();
    let (_site, browser) = open(streams.count_in(router)).await;
    streams.are(1, Duration::from_secs(3)).await;
    let second = second_tab(&browser, &_site).await;
    shows(&browser, "A 0").await;
    let _ = second;
    for version in 1..6 {
        let cdp = browser.driver.cdp();
        cdp.send_raw("Network.enable", json!({})).await.unwrap();
        let offline = |offline: bool| {
            json!({
                "offline": offline,
                "latency": 0,
                "downloadThroughput": -1,
                "uploadThroughput": -1,
            })
        };
        let emulate = "Network.emulateNetworkConditions";
        cdp.send_raw(emulate, offline(true)).await.unwrap();
        change(&source, &cache, version).await;
        browser.let_pass(200).await;
        cdp.send_raw(emulate, offline(false)).await.unwrap();
        browser
            .js("document.dispatchEvent(new Event('visibilitychange'))")
            .await;
        shows(&browser, &format!("A {version}")).await;
    }
}
