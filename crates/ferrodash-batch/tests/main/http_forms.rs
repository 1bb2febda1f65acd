//! The forms of requests and answers.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use ferrodash_batch::LoadError;
use ferrodash_batch::http::{HttpBatch, HttpError};
use serde_json::{Value, json};

use crate::server::{Requests, Seen, serve};

/// A server that gives each id an item with its name.
async fn items(ids: fn(&Seen) -> Vec<String>) -> (String, Requests) {
    serve(move |_, seen| {
        let items: Vec<Value> = ids(&seen).iter().map(|id| json!({ "id": id })).collect();
        async move { Json(items).into_response() }
    })
    .await
}

/// A server that always gives this answer.
async fn fixed(answer: Value) -> String {
    let respond = move |_, _| {
        let response: Response = Json(answer.clone()).into_response();
        async { response }
    };
    serve(respond).await.0
}

#[tokio::test]
async fn ids_can_be_joined_by_another_text() {
    let (url, requests) = items(|seen| {
        let joined = seen.values("ids").remove(0);
        joined.split("|").map(str::to_owned).collect()
    })
    .await;
    let batcher = HttpBatch::new(url).separator("|").batcher::<&str, Value>();
    let results = batcher.load_many(["a,b", "c", "d|e"]).await;
    assert_eq!(results[0].as_ref().unwrap()["id"], "a,b");
    assert_eq!(results[1].as_ref().unwrap()["id"], "c");
    let error = results[2].as_ref().unwrap_err();
    assert!(
        error
            .to_string()
            .contains(r#"the id "d|e" cannot be in a request"#),
        "{error}"
    );
    assert_eq!(requests.all()[0].values("ids"), ["c|a,b"]);
}

#[tokio::test]
async fn a_parameter_can_be_repeated() {
    let (url, requests) = items(|seen| seen.values("id")).await;
    let api = HttpBatch::new(&url).param("id").repeated();
    let results = api
        .clone()
        .batcher::<&str, Value>()
        .load_many(["a,b", "c"])
        .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(requests.all()[0].query, "id=c&id=a%2Cb");
    // Each id costs its parameter, too.
    let batcher = api.max_url(url.len() + 50).batcher::<u32, Value>();
    let results = batcher.load_many(100..120).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let sent = requests.all().split_off(1);
    assert_eq!(sent.len(), 3, "{sent:?}");
    for request in sent {
        assert!(url.len() + 1 + request.query.len() <= url.len() + 50);
    }
}

#[tokio::test]
async fn ids_can_be_in_a_json_body() {
    let read = |seen: &Seen| {
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        let list = body
            .get("keys")
            .unwrap_or(&body)
            .as_array()
            .unwrap()
            .clone();
        let text = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        list.iter().map(text).collect()
    };
    let (url, requests) = items(read).await;
    let api = HttpBatch::new(url);
    for (api, body) in [
        (api.clone().json("keys"), json!({ "keys": ["1", "2"] })),
        (api.clone().json(""), json!(["1", "2"])),
        (api.clone().json_numbers("keys"), json!({ "keys": [1, 2] })),
    ] {
        let results = api.batcher::<u32, Value>().load_many([1, 2]).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        let sent = requests.all().pop().unwrap();
        assert_eq!(sent.method, Method::POST);
        assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), body);
    }
    let batcher = api.json_numbers("").batcher::<&str, Value>();
    let results = batcher.load_many(["1.5", "one"]).await;
    assert!(results[0].is_ok());
    assert!(
        matches!(&results[1], Err(LoadError::Item(error)) if matches!(**error, HttpError::Id { .. }))
    );
}

#[tokio::test]
async fn b14_a_body_above_the_limit_of_the_server_is_split() {
    let (url, requests) = serve(|_, seen| async move {
        let ids: Vec<String> = serde_json::from_slice(&seen.body).unwrap();
        if seen.body.len() > 100 {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        }
        let items: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        Json(items).into_response()
    })
    .await;
    let batcher = HttpBatch::new(url).json("").batcher::<u32, Value>();
    let results = batcher.load_many(1000..1040).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    // 40, then halves of 20 and quarters of 10.
    assert_eq!(requests.len(), 1 + 2 + 4);
}

#[tokio::test]
async fn an_answer_can_be_a_map() {
    let url =
        fixed(json!({"items": {"1": {"name": "one"}, "2.0": {"name": "two"}, "3": null, "9": {}}}))
            .await;
    let api = HttpBatch::new(&url).inside("items").map();
    let results = api.batcher::<u32, Value>().load_many([1, 2, 3, 4]).await;
    assert_eq!(results[0].as_ref().unwrap()["name"], "one");
    assert_eq!(results[1].as_ref().unwrap()["name"], "two");
    assert_eq!(
        results[2..],
        [Err(LoadError::Missing), Err(LoadError::Missing)]
    );
    let error = HttpBatch::new(&url)
        .in_order()
        .batcher::<u32, Value>()
        .load(1)
        .await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("is not a list with an item for each id"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_can_be_in_the_order_of_the_ids() {
    let url = fixed(json!(["one", null, "three"])).await;
    let batcher = HttpBatch::new(url).in_order().batcher::<u32, String>();
    let results = batcher.load_many([1, 2, 3]).await;
    assert_eq!(results[0].as_deref(), Ok("one"));
    assert_eq!(results[1], Err(LoadError::Missing));
    assert_eq!(results[2].as_deref(), Ok("three"));
    // With another number of items nobody knows which is whose.
    let error = batcher.load(1).await.unwrap_err().to_string();
    assert!(error.ends_with("found 3 items for 1 ids"), "{error}");
}

#[tokio::test]
async fn numbers_are_compared_as_numbers_and_texts_as_texts() {
    let url = fixed(json!([{"id": 1.0}, {"id": 2}, {"id": "3"}, {"id": 1e3}, {"id": 4.5}])).await;
    let api = HttpBatch::new(url);
    let batcher = api.clone().batcher::<String, Value>();
    let ids = ["1", "2.0", "3", "1000", "4.5", "3.0"].map(String::from);
    let results = batcher.load_many(ids).await;
    assert!(results[..5].iter().all(Result::is_ok), "{results:?}");
    // The source wrote it as a text.
    assert_eq!(results[5], Err(LoadError::Missing));
    // Of two ids with one number, each gets what is written as it is.
    let batcher = api.batcher::<String, Value>();
    let results = batcher.load_many(["1", "1.0"].map(String::from)).await;
    assert_eq!(results[0], Err(LoadError::Missing));
    assert_eq!(results[1].as_ref().unwrap()["id"], 1.0);
}

#[tokio::test]
async fn b13_each_id_can_have_a_status_of_its_own() {
    let url = fixed(json!([
        {"id": 1, "status": 200, "body": "one"},
        {"id": 2, "status": 403, "body": "no"},
        {"id": 3, "status": 404},
        {"id": 4, "body": "four"},
        {"id": 5, "status": 204},
    ]))
    .await;
    let api = HttpBatch::new(&url).status("status").value("body");
    let results = api.batcher::<u32, String>().load_many(1..=5).await;
    assert_eq!(results[0].as_deref(), Ok("one"));
    let error = results[1].as_ref().unwrap_err().to_string();
    assert_eq!(error, format!(r#"{url} answered 403 for the id "2""#));
    assert_eq!(results[2], Err(LoadError::Missing));
    assert_eq!(results[3].as_deref(), Ok("four"));
    assert_eq!(results[4], Err(LoadError::Missing));
}

#[tokio::test]
async fn ids_with_one_text_are_one_id_for_the_source() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Id(&'static str, u32);

    impl std::fmt::Display for Id {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.1.fmt(f)
        }
    }

    let (url, requests) = items(Seen::ids).await;
    let batcher = HttpBatch::new(url).batcher::<Id, Value>();
    let results = batcher
        .load_many([Id("a", 1), Id("b", 1), Id("a", 2)])
        .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(requests.ids(), [["1", "2"]]);
}

#[tokio::test]
async fn answers_are_kept_as_their_headers_say() {
    let (url, requests) = serve(|number, seen| async move {
        let items: Vec<Value> = seen
            .ids()
            .iter()
            .map(|id| json!({ "id": id, "number": number }))
            .collect();
        let control = match seen.ids()[0].as_str() {
            "1" => "private, max-age=60",
            "2" => "no-cache",
            _ => "no-store",
        };
        if seen
            .headers
            .get("if-none-match")
            .is_some_and(|etag| etag == "\"x\"")
        {
            return (StatusCode::NOT_MODIFIED, [("etag", "\"x\"")]).into_response();
        }
        ([("cache-control", control), ("etag", "\"x\"")], Json(items)).into_response()
    })
    .await;
    let batcher = HttpBatch::new(url).cache(1 << 20).batcher::<u32, Value>();
    let number = async |id| batcher.load(id).await.unwrap()["number"].clone();
    // Fresh: no request.
    assert_eq!((number(1).await, number(1).await), (json!(1), json!(1)));
    assert_eq!(requests.len(), 1);
    // To be asked for each time: the second request has no body.
    assert_eq!((number(2).await, number(2).await), (json!(2), json!(2)));
    assert_eq!(requests.len(), 3);
    // Not to be kept.
    assert_eq!((number(3).await, number(3).await), (json!(4), json!(5)));
    assert_eq!(requests.all()[4].headers.get("if-none-match"), None);
}
