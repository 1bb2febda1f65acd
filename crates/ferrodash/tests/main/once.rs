//! What happens once: the identity of a request is found once, and a call that is sent again does
//! not run twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ferrodash::Identity;
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::limits::{MINUTE, call_of, layout, to};
use crate::{Client, caches, output};

#[tokio::test]
async fn a4_who_makes_a_request_is_asked_once_and_key_and_function_see_the_same() {
    let asked = Arc::new(AtomicU32::new(0));
    // Each time it is asked, it says something else.
    let identify = {
        let asked = asked.clone();
        move |_: &axum::http::HeaderMap| {
            let time = asked.fetch_add(1, Ordering::SeqCst);
            let who = Identity::new(format!("user {time}"));
            Some(if time.is_multiple_of(2) {
                who.role("admin")
            } else {
                who
            })
        }
    };
    let cached = |vary: &str| CacheOptions::new(MINUTE).vary(vary);
    let roles = to("out").name("roles", "1").cache(cached("roles"));
    let roles = roles.handler(async |_: Value, context: Context| format!("{:?}", context.roles()));
    let user = to("other").name("user", "1").cache(cached("user"));
    let user = user.handler(async |_: Value, context: Context| {
        format!(
            "{:?} {:?}",
            context.identity().map(|who| who.roles),
            context.roles()
        )
    });
    let app = App::new(layout())
        .callback(roles)
        .callback(user)
        .identity(identify);
    let client = Client::new(app);
    for time in 0..40_u32 {
        let answer = client.post(&call_of("out.children", json!(time / 4))).await;
        let is_admin = time.is_multiple_of(2);
        assert_eq!(
            output(&answer),
            if is_admin { "[\"admin\"]" } else { "[]" },
            "request {time}"
        );
        assert_eq!(
            asked.load(Ordering::SeqCst),
            time + 1,
            "once for each request"
        );
    }
    let answer = client
        .post(&call_of("other.children", json!(1)))
        .await
        .json();
    assert_eq!(
        answer["response"]["other"]["children"],
        "Some([\"admin\"]) [\"admin\"]"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 41);
    let calls: Vec<Value> = (0..6)
        .map(|n| call_of("other.children", json!(100 + n)))
        .collect();
    let request = Request::post("/_ferrodash/batch").header("content-type", "application/json");
    let answer = client
        .send(request.body(Body::from(json!(calls).to_string())).unwrap())
        .await;
    assert_eq!(
        answer
            .text()
            .lines()
            .filter(|line| line.contains("Some([]) []"))
            .count(),
        6,
        "{}",
        answer.text()
    );
    assert_eq!(asked.load(Ordering::SeqCst), 42, "once for a batch");
}

#[tokio::test]
async fn b15_a_call_that_is_sent_again_does_not_run_twice() {
    for (cache, _server) in caches().await {
        let runs = Arc::new(AtomicU32::new(0));
        let client = || {
            let runs = runs.clone();
            let charge = to("out").name("charge", "1").handler(move |_: Value| {
                let run = runs.fetch_add(1, Ordering::SeqCst);
                async move { run }
            });
            let read = to("other")
                .name("read", "1")
                .cache(CacheOptions::new(MINUTE));
            let read = read.handler(async |value: Value| value.to_string());
            let app = App::new(layout())
                .cache(cache.clone())
                .callback(charge)
                .callback(read);
            Client::new(app.request_id_header("X-Request-ID"))
        };
        // Two processes that share the cache.
        let (one, other) = (client(), client());
        let call = call_of("out.children", json!(1));
        let id = |id| [("x-request-id", id)];
        assert_eq!(
            one.post_with(&call, &id("first")).await.status,
            StatusCode::OK
        );
        for server in [&one, &other] {
            let again = server.post_with(&call, &id("first")).await;
            assert_eq!(again.status, StatusCode::CONFLICT);
            assert!(
                again.text().contains("\"first\" was already begun"),
                "{}",
                again.text()
            );
        }
        assert_eq!(
            other.post_with(&call, &id("second")).await.status,
            StatusCode::OK
        );
        assert_eq!(
            other.post(&call).await.status,
            StatusCode::OK,
            "without an id, nobody knows"
        );
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        let read = call_of("other.children", json!(1));
        for server in [&one, &other] {
            assert_eq!(
                server.post_with(&read, &id("third")).await.status,
                StatusCode::OK,
                "an answer that is kept"
            );
        }
    }
}
