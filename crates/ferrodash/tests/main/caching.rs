//! Cached callbacks, on memory, Redis and Memcached.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use ferrodash::prelude::*;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{Client, caches, output};

fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a"),
        dcc::Input::new().id("b"),
        dcc::Store::new("c"),
        html::Div::new(()).id("out"),
    ))
}

fn cached() -> CacheOptions {
    CacheOptions::new(Duration::from_secs(300))
}

/// A cached callback over `a.value` that counts its runs and returns what it got.
fn echo(input: Input) -> (Callback, Arc<AtomicU32>) {
    let runs = Arc::new(AtomicU32::new(0));
    let counter = runs.clone();
    let callback = Callback::builder()
        .name("test", "1")
        .output(Output::new("out", "children"))
        .input(input)
        .cache(cached())
        .handler(move |value: Value| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { value }
        });
    (callback, runs)
}

fn call_with(value: Option<Value>) -> Value {
    let mut input = json!({"id": "a", "property": "value"});
    if let Some(value) = value {
        input["value"] = value;
    }
    json!({"output": "out.children", "inputs": [input], "changedPropIds": ["a.value"]})
}

#[tokio::test]
async fn the_second_call_is_answered_from_the_cache_byte_for_byte() {
    for (cache, _server) in caches().await {
        let (callback, runs) = echo(Input::new("a", "value"));
        let client = Client::new(App::new(layout()).cache(cache).callback(callback));
        let long = json!("long enough to be compressed ".repeat(100));
        let first = client.call(std::slice::from_ref(&long)).await;
        assert_eq!(first.header("cache-status"), "ferrodash; fwd=miss; stored");
        let second = client.call(std::slice::from_ref(&long)).await;
        assert!(
            second
                .header("cache-status")
                .starts_with("ferrodash; hit; detail="),
            "{second:?}"
        );
        assert!(
            second
                .header("server-timing")
                .starts_with("ferrodash;desc=\"hit\";dur=")
        );
        assert_eq!(first.bytes, second.bytes);
        let call = call_with(Some(long));
        let compressed = client
            .post_with(&call, &[("accept-encoding", "gzip, br")])
            .await;
        assert_eq!(compressed.header("content-encoding"), "br");
        assert!(compressed.bytes.len() < second.bytes.len() / 10);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_a_hundred_equal_calls_are_one_run() {
    for (cache, _server) in caches().await {
        let (runs, go) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let (counter, gate) = (runs.clone(), go.clone());
        let callback = Callback::builder()
            .name("test", "1")
            .output(Output::new("out", "children"))
            .input(("a", "value"))
            .cache(cached());
        let callback = callback.handler(move |_: Value| {
            let (counter, gate) = (counter.clone(), gate.clone());
            async move {
                counter.fetch_add(1, Ordering::SeqCst);
                gate.notified().await;
                "answer"
            }
        });
        let client = Arc::new(Client::new(
            App::new(layout()).cache(cache).callback(callback),
        ));
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.call(&[json!(1)]).await })
            })
            .collect();
        while runs.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        go.notify_one();
        let answers = join_all(calls).await;
        assert!(
            answers
                .iter()
                .all(|answer| output(answer.as_ref().unwrap()) == "answer")
        );
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        let collapsed = answers.iter().filter(|answer| {
            answer
                .as_ref()
                .unwrap()
                .header("cache-status")
                .ends_with("collapsed")
        });
        assert_eq!(collapsed.count(), 99);
    }
}

#[tokio::test]
async fn s14_nothing_zero_false_and_empty_are_kept() {
    for (cache, _server) in caches().await {
        let (callback, runs) = echo(Input::new("a", "value"));
        let client = Client::new(App::new(layout()).cache(cache).callback(callback));
        let values = [
            json!(null),
            json!(0),
            json!(false),
            json!(""),
            json!([]),
            json!({}),
        ];
        for value in &values {
            for _ in 0..2 {
                assert_eq!(
                    output(&client.call(std::slice::from_ref(value)).await),
                    *value
                );
            }
        }
        assert_eq!(runs.load(Ordering::SeqCst), 6);
    }
}

#[tokio::test]
async fn s15_a_default_is_what_an_unset_property_counts_as_and_null_is_not() {
    for (cache, _server) in caches().await {
        let (callback, runs) = echo(Input::new("a", "value").default_value(10));
        let client = Client::new(App::new(layout()).cache(cache).callback(callback));
        let answers = [None, Some(json!(10)), Some(json!(null))].map(call_with);
        assert_eq!(output(&client.post(&answers[0]).await), 10);
        assert_eq!(output(&client.post(&answers[1]).await), 10);
        assert_eq!(
            runs.load(Ordering::SeqCst),
            1,
            "left out and given are one entry"
        );
        assert_eq!(output(&client.post(&answers[2]).await), Value::Null);
        assert_eq!(runs.load(Ordering::SeqCst), 2, "null is another");
    }
}

#[tokio::test]
async fn s17_order_of_keys_does_not_count_and_types_do() {
    for (cache, _server) in caches().await {
        let (callback, runs) = echo(Input::new("a", "value"));
        let client = Client::new(App::new(layout()).cache(cache).callback(callback));
        let raw = async |value: &str| {
            let body = format!(
                r#"{{"output":"out.children","inputs":[{{"id":"a","property":"value","value":{value}}}]}}"#
            );
            let request = axum::http::Request::post("/_dash-update-component")
                .header("content-type", "application/json");
            let request = request.body(body.into()).unwrap();
            assert_eq!(client.send(request).await.status, StatusCode::OK);
        };
        raw(r#"{"x":1,"y":[{"a":1,"b":2}]}"#).await;
        raw(r#"{ "y": [{"b":2,"a":1}], "x": 1 }"#).await;
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        for (index, value) in ["1", "1.0", "\"1\"", "[1]", "[1.0]", "[\"1\"]", "[[1]]"]
            .iter()
            .enumerate()
        {
            raw(value).await;
            assert_eq!(runs.load(Ordering::SeqCst), 2 + index as u32, "{value}");
        }
    }
}

#[tokio::test]
async fn s27_errors_and_panics_are_not_kept() {
    for (cache, _server) in caches().await {
        let runs = Arc::new(AtomicU32::new(0));
        let counter = runs.clone();
        let callback = Callback::builder()
            .name("test", "1")
            .output(Output::new("out", "children"))
            .input(("a", "value"))
            .cache(cached());
        let callback = callback.handler(move |_: Value| {
            let run = counter.fetch_add(1, Ordering::SeqCst);
            async move {
                match run {
                    0 => Err("down"),
                    1 => panic!("worse"),
                    _ => Ok("up"),
                }
            }
        });
        let client = Client::new(App::new(layout()).cache(cache).callback(callback));
        assert_eq!(
            client.call(&[json!(1)]).await.status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
        assert_eq!(
            client.call(&[json!(1)]).await.status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
        assert_eq!(output(&client.call(&[json!(1)]).await), "up");
        assert_eq!(output(&client.call(&[json!(1)]).await), "up");
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn no_update_is_not_kept_on_the_server_either() {
    let runs = Arc::new(AtomicU32::new(0));
    let counter = runs.clone();
    let callback = Callback::builder()
        .name("test", "1")
        .output(Output::new("out", "children"))
        .input(("a", "value"))
        .cache(cached());
    let callback = callback.handler(move |_: Value| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { NoUpdate }
    });
    let client = Client::new(App::new(layout()).callback(callback));
    for _ in 0..3 {
        assert_eq!(
            client.call(&[json!(1)]).await.header("cache-status"),
            "ferrodash; fwd=miss"
        );
    }
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_an_answer_varies_by_is_part_of_its_key() {
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"))
        .cache(cached().vary("cookie:who"))
        .handler(async |_: Value, ctx: Context| format!("for {:?}", ctx.cookie("who")));
    let client = Client::new(App::new(layout()).callback(callback));
    let call = call_with(Some(json!(1)));
    for _ in 0..2 {
        for (cookie, expected) in [
            ("who=ada", "for Some(\"ada\")"),
            ("who=alan", "for Some(\"alan\")"),
            ("", "for None"),
        ] {
            assert_eq!(
                output(&client.post_with(&call, &[("cookie", cookie)]).await),
                expected
            );
        }
    }
}

#[tokio::test]
async fn a_cached_callback_cannot_read_what_it_did_not_declare() {
    let callback = Callback::builder()
        .name("app::greeting", "")
        .output(Output::new("out", "children"))
        .input(("a", "value"))
        .cache(cached().vary("path"))
        .handler(async |_: Value, ctx: Context| format!("for {:?}", ctx.cookie("who")));
    let client = Client::new(App::new(layout()).callback(callback));
    let call = call_with(Some(json!(1)));
    for cookie in ["who=ada", "who=alan"] {
        let answer = client.post_with(&call, &[("cookie", cookie)]).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            answer
                .text()
                .contains("read cookie:who without declaring it"),
            "{}",
            answer.text()
        );
    }
}
