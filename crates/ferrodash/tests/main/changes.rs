//! What pages that keep answers learn of invalidations and of who uses the browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use ferrodash::prelude::*;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt;

use crate::{Answer, Client, caches};

/// An app with one callback whose answers pages keep.
fn app(options: CacheOptions) -> App {
    let layout = html::Div::new((dcc::Input::new().id("a"), html::Div::new(()).id("out")));
    let callback = Callback::builder()
        .name("test::kept", "1")
        .output(Output::new("out", "children"))
        .input(("a", "value"))
        .cache(options.client())
        .handler(async |value: Value| value.to_string());
    App::new(layout).callback(callback).build_id("build-1")
}

fn options() -> CacheOptions {
    CacheOptions::new(Duration::from_secs(300)).tag("orders")
}

async fn changes(client: &Client, since: &str, headers: &[(&str, &str)]) -> Value {
    let path = format!("/_ferrodash/changes?since={since}");
    let answer = client.get_with(&path, headers).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

/// What the page learns with an answer.
fn keep(answer: &Answer) -> Value {
    serde_json::from_str(answer.header("x-ferrodash-keep")).expect("it may be kept")
}

#[tokio::test]
async fn a_page_learns_which_of_its_answers_count_no_longer() {
    for (cache, _server) in caches().await {
        let client = Client::new(app(options()).cache(cache.clone()));
        let first = changes(&client, "", &[]).await;
        assert_eq!(first["changed"], Value::Null, "it knew nothing");
        let seen = first["seen"].as_str().unwrap();
        let kept = keep(&client.call(&[json!(1)]).await);
        assert_eq!(changes(&client, seen, &[]).await["changed"], json!([]));

        cache.invalidate_tag("orders").await.unwrap();
        let next = changes(&client, seen, &[]).await;
        let [name] = &next["changed"].as_array().unwrap()[..] else {
            panic!("one tag was invalidated: {next}");
        };
        assert!(kept["on"].as_array().unwrap().contains(name), "{kept}");

        cache.invalidate_tag("others").await.unwrap();
        let seen = next["seen"].as_str().unwrap();
        let next = changes(&client, seen, &[]).await;
        let other = &next["changed"][0];
        assert!(!kept["on"].as_array().unwrap().contains(other), "{next}");
    }
}

#[tokio::test]
async fn what_a_page_cannot_have_seen_is_unknown_and_not_an_error() {
    let client = Client::new(app(options()));
    for since in ["", "x", "1.2", "ffffffffffffffffff.1", "1.x", "%00"] {
        assert_eq!(changes(&client, since, &[]).await["changed"], Value::Null);
    }
}

#[tokio::test]
async fn c11_the_name_of_a_scope_is_another_one_for_another_user() {
    let by_user = app(options().vary("user")).identity(|headers: &HeaderMap| {
        let user = headers.get("x-user")?.to_str().ok()?;
        Some(Identity::new(user))
    });
    let client = Client::new(by_user);
    let scope = async |user: &str| {
        let headers = [("x-user", user)];
        let news = changes(&client, "", &headers).await;
        news["scopes"][0].as_str().unwrap().to_owned()
    };
    let nobody = changes(&client, "", &[]).await["scopes"][0].clone();
    let (alice, bob) = (scope("alice").await, scope("bob").await);
    assert!(alice != bob && nobody != alice && nobody != bob);
    assert_eq!(alice, scope("alice").await);
    assert!(!alice.contains("alice"));

    let call = json!({
        "output": "out.children",
        "inputs": [{"id": "a", "property": "value", "value": 1}],
    });
    let answer = client.post_with(&call, &[("x-user", "alice")]).await;
    assert_eq!(keep(&answer)["scope"], alice);
}

#[tokio::test]
async fn a_page_learns_that_its_user_has_reloaded_it_without_caches() {
    let client = Client::new(app(options()));
    let hard = changes(&client, "", &[("cache-control", "no-cache")]).await;
    assert_eq!(hard["fresh"], true);
    let usual = changes(&client, "", &[("cache-control", "max-age=0")]).await;
    assert_eq!(usual.get("fresh"), None);
}

#[tokio::test]
async fn other_sites_learn_nothing_and_apps_without_such_callbacks_have_no_routes() {
    let client = Client::new(app(options()));
    for path in ["changes", "events"] {
        let path = format!("/_ferrodash/{path}");
        let other = [("sec-fetch-site", "cross-site")];
        let answer = client.get_with(&path, &other).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        let plain = Client::new(App::new(html::Div::new(())));
        let answer = plain.get(&path).await;
        assert!(!answer.header("content-type").contains("event-stream"));
        assert!(!answer.text().contains("\"seen\""));
    }
}

#[tokio::test]
async fn events_begin_with_what_was_missed_and_follow_each_change() {
    for (cache, _server) in caches().await {
        let client = Client::new(app(options()).cache(cache.clone()));
        let seen = changes(&client, "", &[]).await["seen"].clone();
        cache.invalidate_tag("missed").await.unwrap();
        let path = format!("/_ferrodash/events?since={}", seen.as_str().unwrap());
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = client.0.clone().oneshot(request).await.unwrap();
        let header = |name| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("x-accel-buffering"), "no");
        assert_eq!(header("cache-control"), "no-store");

        let mut events = response.into_body().into_data_stream();
        let mut next = async || {
            let piece = timeout(Duration::from_secs(5), events.next());
            let piece = piece.await.expect("an event comes").unwrap().unwrap();
            let text = String::from_utf8(piece.to_vec()).unwrap();
            let data = text.strip_prefix("data: ").expect("an event has data");
            serde_json::from_str::<Value>(data.trim_end()).unwrap()
        };
        let missed = next().await;
        assert_eq!(missed["changed"].as_array().unwrap().len(), 1, "{missed}");
        for tag in ["orders", "orders", "prices"] {
            cache.invalidate_tag(tag).await.unwrap();
            let event = next().await;
            assert_eq!(event["changed"].as_array().unwrap().len(), 1, "{event}");
        }
    }
}

#[tokio::test]
async fn a_page_of_another_build_compares_everything_and_learns_no_names() {
    let client = Client::new(app(options().vary("session")));
    let first = changes(&client, "", &[]).await;
    let seen = first["seen"].as_str().unwrap();
    let old = [("x-ferrodash-build", "of-last-week")];
    let news = changes(&client, seen, &old).await;
    assert_eq!(news["changed"], Value::Null);
    assert_eq!(news.get("scopes"), None);
}

#[tokio::test]
async fn a_process_that_is_behind_looks_at_the_store_before_it_answers() {
    for (url, _server) in shared_stores() {
        let near = async || {
            let builder = Cache::builder().memory(1 << 20);
            builder.url(&url).await.unwrap().build()
        };
        let runs = Arc::new(AtomicU32::new(0));
        let process = |cache: Cache| {
            let counter = runs.clone();
            let layout = html::Div::new((dcc::Input::new().id("a"), html::Div::new(()).id("out")));
            let callback = Callback::builder()
                .name("test::behind", "1")
                .output(Output::new("out", "children"))
                .input(("a", "value"))
                .cache(options().client())
                .handler(move |_: Value| {
                    let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
                    async move { format!("run {run}") }
                });
            Client::new(App::new(layout).callback(callback).cache(cache))
        };
        let theirs = near().await;
        let (one, two) = (process(near().await), process(theirs.clone()));
        changes(&one, "", &[]).await;
        changes(&two, "", &[]).await;
        for number in 1..10 {
            let call = json!({
                "output": "out.children",
                "inputs": [{"id": "a", "property": "value", "value": 1}],
            });
            let text = async |headers: &[(&str, &str)]| {
                let answer = one.post_with(&call, headers).await;
                answer.json()["response"]["out"]["children"].clone()
            };
            assert_eq!(text(&[]).await, format!("run {number}"));
            theirs.invalidate_tag("orders").await.unwrap();
            let seen = changes(&two, "", &[]).await["seen"].clone();
            let known = [("x-ferrodash-seen", seen.as_str().unwrap())];
            assert_eq!(text(&known).await, format!("run {}", number + 1), "{url}");
        }
    }
}

/// The addresses of stores that processes share, with what must live as long.
fn shared_stores() -> Vec<(String, Box<dyn std::any::Any>)> {
    let redis = ferrodash_testing::Redis::start();
    let memcached = ferrodash_testing::Memcached::start();
    let options = "namespace=behind&deadline=5s";
    vec![
        (format!("{}?{options}", redis.url()), Box::new(redis)),
        (
            format!("{}?{options}", memcached.url()),
            Box::new(memcached),
        ),
    ]
}
