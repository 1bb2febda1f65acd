//! Answers and ids that are easy to misread.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use ferrodash_batch::http::{HttpBatch, HttpError};
use ferrodash_batch::{LoadError, Scope};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::server::{Requests, serve};

/// A server that always gives this answer.
async fn fixed(answer: Value) -> (String, Requests) {
    serve(move |_, _| {
        let response: Response = Json(answer.clone()).into_response();
        async { response }
    })
    .await
}

#[tokio::test]
async fn what_is_no_status_is_an_error_of_its_id() {
    let (url, requests) = fixed(json!([
        {"id": 1, "status": "403", "body": "no"},
        {"id": 2, "status": 404.0, "body": "no"},
        {"id": 3, "status": -1, "body": "no"},
        {"id": 4, "status": true, "body": "no"},
        {"id": 5, "status": null, "body": "five"},
        {"id": 6, "status": "200", "body": "six"},
        {"id": 7, "status": 200.0, "body": "seven"},
    ]))
    .await;
    let api = HttpBatch::new(url).status("status").value("body");
    let results = api.batcher::<u32, String>().load_many(1..=7).await;
    let error = |at: usize| results[at].as_ref().unwrap_err().to_string();
    assert!(error(0).contains("answered 403"), "{}", error(0));
    assert_eq!(results[1], Err(LoadError::Missing));
    for at in [2, 3] {
        assert!(
            error(at).contains("a status that is no number"),
            "{}",
            error(at)
        );
    }
    let values: Vec<_> = results[4..]
        .iter()
        .map(|result| result.as_deref().unwrap())
        .collect();
    assert_eq!(values, ["five", "six", "seven"]);
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn numbers_that_lose_digits_are_nobodys_id() {
    let answer = r#"[{"id": 9007199254740993.0}, {"id": 18446744073709551616}]"#;
    let (url, requests) = serve(move |_, _| async move { answer.into_response() }).await;
    let api = HttpBatch::new(url);
    let batcher = api.clone().batcher::<u128, Value>();
    let ids = [
        9_007_199_254_740_992,
        18_446_744_073_709_551_616,
        18_446_744_073_709_551_617,
    ];
    let results = batcher.load_many(ids).await;
    assert_eq!(results, vec![Err(LoadError::Missing); 3]);
    // Nor are they sent as another number.
    let batcher = api.json_numbers("ids").batcher::<u128, Value>();
    let error = batcher.load(ids[2]).await.unwrap_err().to_string();
    assert!(
        error.contains("not a number that JSON can hold exactly"),
        "{error}"
    );
    assert_eq!(requests.len(), 1, "there was nothing to send");
}

#[tokio::test]
async fn a_key_that_is_written_as_the_id_comes_before_one_with_its_number() {
    let (url, _) = fixed(json!({"1": "by number", "1.0": "as written", "1000": "other"})).await;
    let batcher = HttpBatch::new(url).map().batcher::<String, String>();
    let results = batcher.load_many(["1.0", "2"].map(String::from)).await;
    assert_eq!(results[0].as_deref(), Ok("as written"));
    assert_eq!(results[1], Err(LoadError::Missing));
}

#[tokio::test]
async fn an_id_whose_end_looks_like_the_separator_is_refused() {
    let (url, requests) = fixed(json!(["b"])).await;
    let api = HttpBatch::new(url).separator("||").in_order();
    let results = api.batcher::<&str, String>().load_many(["a|", "b"]).await;
    let error = results[0].as_ref().unwrap_err().to_string();
    assert!(
        error.contains(r#"the id "a|" cannot be in a request"#),
        "{error}"
    );
    assert_eq!(results[1].as_deref(), Ok("b"));
    assert_eq!(requests.all()[0].values("ids"), ["b"]);
}

#[tokio::test]
async fn an_answer_without_an_end_is_an_error() {
    let (url, requests) = serve(|_, _| async {
        let spaces = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 16]));
        Body::from_stream(spaces).into_response()
    })
    .await;
    let batcher = HttpBatch::new(&url)
        .max_answer(1 << 20)
        .batcher::<u32, Value>();
    let error = batcher.load(1).await.unwrap_err().to_string();
    let expected = format!("the answer of {url} has more than 1048576 bytes");
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn a_redirect_is_followed_for_a_get_and_an_error_for_a_post() {
    let (url, requests) = serve(|_, seen| async move {
        if seen.path != "/there" {
            let there = format!("/there?{}", seen.query);
            return (StatusCode::FOUND, [("location", there)]).into_response();
        }
        let control = [("cache-control", "max-age=3600")];
        (control, Json(json!([{"id": 1}]))).into_response()
    })
    .await;
    let batcher = HttpBatch::new(&url).cache(1 << 20).batcher::<u32, Value>();
    for _ in 0..2 {
        assert_eq!(batcher.load(1).await.unwrap()["id"], 1);
    }
    // What another address says is not kept for the first one.
    assert_eq!(requests.len(), 4);
    let result = HttpBatch::new(url)
        .json("ids")
        .batcher::<u32, Value>()
        .load(1)
        .await;
    assert!(
        matches!(&result, Err(LoadError::Request(error)) if matches!(**error, HttpError::Redirected { .. })),
        "{result:?}"
    );
    assert_eq!(requests.all().last().unwrap().method, Method::GET);
}

#[tokio::test]
async fn a_304_that_does_not_say_for_which_answer_is_asked_again() {
    let (url, requests) = serve(|number, seen| async move {
        if seen.headers.contains_key("if-modified-since") {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        let headers = [
            ("cache-control", "no-cache"),
            ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ];
        (headers, Json(json!([{"id": 1, "number": number}]))).into_response()
    })
    .await;
    let batcher = HttpBatch::new(url).cache(1 << 20).batcher::<u32, Value>();
    assert_eq!(batcher.load(1).await.unwrap()["number"], 1);
    assert_eq!(batcher.load(1).await.unwrap()["number"], 3);
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn headers_that_are_wrong_or_capital_are_read_as_they_are_meant() {
    for (control, age, requests_of_two) in [
        ("max-age=60", "18446744073709551615", 1),
        ("max-age=60", "soon", 1),
        ("No-Store, max-age=60", "0", 2),
        // Nothing says for how long.
        ("public", "0", 2),
    ] {
        let (url, requests) = serve(move |_, _| async move {
            let headers = [("cache-control", control), ("age", age)];
            (headers, Json(json!([{"id": 1}]))).into_response()
        })
        .await;
        let batcher = HttpBatch::new(url).cache(1 << 20).batcher::<u32, Value>();
        for _ in 0..2 {
            assert!(batcher.load(1).await.is_ok());
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
        assert_eq!(requests.len(), requests_of_two, "{control} {age}");
    }
}

#[tokio::test]
async fn a_repeat_is_not_answered_from_the_cache() {
    let (url, requests) = serve(|number, _| async move {
        let status = if number == 1 { 503 } else { 200 };
        let control = [("cache-control", "max-age=60")];
        (control, Json(json!([{"id": 1, "status": status}]))).into_response()
    })
    .await;
    let api = HttpBatch::new(url).status("status").cache(1 << 20);
    let batcher = api.batcher::<u32, Value>();
    assert_eq!(batcher.load(1).await.unwrap()["status"], 200);
    assert_eq!(batcher.load(1).await.unwrap()["status"], 200);
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn a_retry_after_beyond_all_numbers_is_not_waited_for() {
    for after in ["99999999999999999999", "120.5"] {
        let (url, requests) = serve(move |_, _| async move {
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", after)]).into_response()
        })
        .await;
        let start = Instant::now();
        HttpBatch::new(url)
            .batcher::<u32, Value>()
            .load(1)
            .await
            .unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(1));
        assert_eq!(requests.len(), 1, "{after}");
    }
}

#[tokio::test]
async fn an_id_whose_callers_left_is_not_asked_for_again() {
    let (url, requests) = serve(|number, seen| async move {
        let status = if number == 1 { 503 } else { 200 };
        tokio::time::sleep(Duration::from_millis(100)).await;
        let item = |id: String| json!({"id": id, "status": status});
        let items: Vec<Value> = seen.ids().into_iter().map(item).collect();
        Json(items).into_response()
    })
    .await;
    let batcher = HttpBatch::new(url).status("status").batcher::<u32, Value>();
    let leaves = tokio::time::timeout(Duration::from_millis(50), batcher.load(1));
    let (left, stays) = tokio::join!(leaves, batcher.load(2));
    assert!(left.is_err() && stays.is_ok());
    assert_eq!(requests.ids(), [vec!["1", "2"], vec!["2"]]);
}

#[tokio::test]
async fn b7_a_caller_that_leaves_a_value_unread_takes_nobodys_place() {
    let (url, _) = serve(|number, seen| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let item = |id: String| {
            let fails = id == "1" && number < 3;
            json!({"id": id, "status": if fails { 503 } else { 200 }})
        };
        let items: Vec<Value> = seen.ids().into_iter().map(item).collect();
        Json(items).into_response()
    })
    .await;
    let batcher = HttpBatch::new(url).status("status").batcher::<u32, Value>();
    let request = async {
        // 2 has its value after 100 ms, and 1 after more than 400.
        let first = batcher.load_many([1, 2]);
        let leaves = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let both = batcher.load_many([1, 2]);
            tokio::time::timeout(Duration::from_millis(50), both).await
        };
        // In a task of its own, which nothing else wakes.
        let own = batcher.clone();
        let waits = async move {
            tokio::time::sleep(Duration::from_millis(175)).await;
            own.load(1).await
        };
        let waits = tokio::spawn(Scope::current().unwrap().run(waits));
        let (first, left) = tokio::join!(first, leaves);
        (first, left, waits.await.unwrap())
    };
    let work = tokio::time::timeout(Duration::from_secs(5), Scope::new().run(request));
    let (first, left, waited) = work.await.expect("nobody hangs");
    assert!(first.iter().all(Result::is_ok), "{first:?}");
    assert!(left.is_err(), "it left too early to get both");
    assert!(waited.is_ok(), "{waited:?}");
}

#[tokio::test]
async fn a10_what_may_be_a_secret_is_not_shown() {
    for address in [
        "http://tom:hunter2#x@127.0.0.1:1/",
        "http://tom:hunter2?x@127.0.0.1:1/",
        "http://tom:hunter2@127.0.0.1:1/?token=hunter2",
    ] {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("x-api-key", "hunter2".parse().unwrap());
        let client = reqwest::Client::builder().default_headers(headers);
        let api = HttpBatch::new(address)
            .client(client.build().unwrap())
            .retries(0);
        let shown = format!("{api:?}");
        let batcher = api.batcher::<u32, Value>();
        let error = batcher.load(1).await.unwrap_err();
        let shown = format!("{shown} {batcher:?} {error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn limits_that_make_no_sense_are_refused_and_odd_ones_are_not() {
    let api = || HttpBatch::new("http://127.0.0.1:1/");
    for (requests, time) in [(0, Duration::from_secs(1)), (1, Duration::ZERO)] {
        let refused = std::panic::catch_unwind(|| api().rate_limit(requests, time));
        assert!(refused.is_err());
    }
    for (requests, time) in [(u32::MAX, Duration::from_secs(1)), (1, Duration::MAX)] {
        drop(api().rate_limit(requests, time).batcher::<u32, Value>());
    }
    assert!(std::panic::catch_unwind(|| api().separator("")).is_err());
}
