//! Batches over HTTP, against a real server.

use std::sync::{Arc, Mutex};

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use ferrodash_batch::LoadError;
use ferrodash_batch::http::{HttpBatch, HttpError};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Queries = Arc<Mutex<Vec<String>>>;

/// A server that answers with these items and notes the queries it got.
async fn serve(status: StatusCode, items: Value) -> (String, Queries) {
    let queries = Queries::default();
    let answer = move |State(queries): State<Queries>, RawQuery(query): RawQuery| {
        queries.lock().unwrap().push(query.unwrap_or_default());
        let response: Response = (status, Json(items.clone())).into_response();
        async { response }
    };
    let router = Router::new()
        .route("/data/", get(answer))
        .with_state(queries.clone());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/data/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, queries)
}

#[tokio::test]
async fn ids_become_one_query_and_items_find_their_ids() {
    let items = json!([{"id": 3, "name": "three"}, {"id": 1, "name": "one"}, {"id": 99, "name": "not asked for"}]);
    let (url, queries) = serve(StatusCode::OK, items).await;
    let batcher = HttpBatch::new(url).batcher::<u32, Value>();
    let results = batcher.load_many([1, 2, 3]).await;
    assert_eq!(results[0].as_ref().unwrap()["name"], "one");
    assert_eq!(results[1], Err(LoadError::Missing));
    assert_eq!(results[2].as_ref().unwrap()["name"], "three");
    assert_eq!(*queries.lock().unwrap(), ["ids=1%2C2%2C3"]);
}

#[tokio::test]
async fn parameter_and_key_can_be_others() {
    let (url, queries) = serve(StatusCode::OK, json!([{"tail": "N1", "model": "A320"}])).await;
    let batcher = HttpBatch::new(url)
        .param("tails")
        .key("tail")
        .batcher::<String, Value>();
    assert_eq!(batcher.load("N1".into()).await.unwrap()["model"], "A320");
    assert_eq!(*queries.lock().unwrap(), ["tails=N1"]);
}

#[tokio::test]
async fn failures_say_what_was_wrong() {
    let (url, _) = serve(StatusCode::BAD_GATEWAY, json!([])).await;
    let error = HttpBatch::new(&url)
        .batcher::<u32, Value>()
        .load(1)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), format!("{url} answered 502"));

    let (url, _) = serve(StatusCode::OK, json!([{"name": "no id"}])).await;
    let error = HttpBatch::new(&url)
        .batcher::<u32, Value>()
        .load(1)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is not a list of items with \"id\""),
        "{error}"
    );

    let error = HttpBatch::new(&url)
        .batcher::<String, Value>()
        .load("a,b".into())
        .await
        .unwrap_err();
    assert!(matches!(error, LoadError::Item(error) if matches!(*error, HttpError::Id { .. })));

    let error = HttpBatch::new("http://127.0.0.1:1/")
        .batcher::<u32, Value>()
        .load(1)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no answer from http://127.0.0.1:1/");
}

#[tokio::test]
async fn what_is_wrong_with_one_id_is_wrong_for_that_id_only() {
    #[derive(Clone, Debug, serde::Deserialize)]
    struct Item {
        name: String,
    }
    let (url, queries) = serve(
        StatusCode::OK,
        json!([{"id": "a", "name": "good"}, {"id": "b", "name": 7}]),
    )
    .await;
    let results = HttpBatch::new(url)
        .batcher::<String, Item>()
        .load_many(["a", "b", "c,d"].map(String::from))
        .await;
    assert_eq!(results[0].as_ref().unwrap().name, "good");
    assert!(
        matches!(&results[1], Err(LoadError::Item(error)) if matches!(**error, HttpError::Shape { .. }))
    );
    assert!(
        matches!(&results[2], Err(LoadError::Item(error)) if matches!(**error, HttpError::Id { .. }))
    );
    assert_eq!(*queries.lock().unwrap(), ["ids=a%2Cb"]);
}

/// The ids that a request asks for.
fn ids_of(uri: &Uri) -> String {
    let url = reqwest::Url::parse(&format!("http://localhost{uri}")).unwrap();
    url.query_pairs()
        .find(|(name, _)| name == "ids")
        .unwrap()
        .1
        .into_owned()
}

/// A server that answers with an item for each id it was asked for, refuses addresses that are too
/// long, and notes what it was asked for. `wrap` makes the answer of the items.
async fn serve_ids(
    longest: usize,
    refuse: StatusCode,
    wrap: fn(Vec<Value>) -> Value,
) -> (String, Queries) {
    let queries = Queries::default();
    let answer = move |State(queries): State<Queries>, uri: Uri| async move {
        let query = uri.query().unwrap_or_default().to_owned();
        queries.lock().unwrap().push(query);
        if uri.to_string().len() > longest {
            return refuse.into_response();
        }
        let items = ids_of(&uri)
            .split(',')
            .map(|id| json!({"id": id, "length": id.len()}))
            .collect();
        Json(wrap(items)).into_response()
    };
    let router = Router::new()
        .route("/data/", get(answer))
        .with_state(queries.clone());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/data/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, queries)
}

#[tokio::test]
async fn c24_a_null_in_the_list_is_missing_for_its_id_only() {
    let items = json!([{"id": 1, "name": "one"}, null, {"id": 3, "name": "three"}, null]);
    let (url, _) = serve(StatusCode::OK, items).await;
    let results = HttpBatch::new(url)
        .batcher::<u32, Value>()
        .load_many([1, 2, 3, 4])
        .await;
    assert_eq!(results[0].as_ref().unwrap()["name"], "one");
    assert_eq!(results[2].as_ref().unwrap()["name"], "three");
    assert_eq!(
        (&results[1], &results[3]),
        (&Err(LoadError::Missing), &Err(LoadError::Missing))
    );
}

#[tokio::test]
async fn c24_a_list_inside_an_object_is_read_by_its_field() {
    let answer = json!({"count": 2, "data": {"planes": [{"tail": "N1"}, null, {"tail": "N2"}]}, "next": null});
    for field in ["data/planes", "/data/planes"] {
        let (url, _) = serve(StatusCode::OK, answer.clone()).await;
        let batch = HttpBatch::new(url).key("tail").inside(field);
        let results = batch
            .batcher::<String, Value>()
            .load_many(["N1", "N2", "N3"].map(String::from))
            .await;
        assert_eq!(results[1].as_ref().unwrap()["tail"], "N2", "{field}");
        assert_eq!(results[2], Err(LoadError::Missing));
    }
    let (url, _) = serve(
        StatusCode::OK,
        json!({"results": [{"id": 7, "name": "seven"}]}),
    )
    .await;
    assert_eq!(
        HttpBatch::new(&url)
            .inside("results")
            .batcher::<u8, Value>()
            .load(7)
            .await
            .unwrap()["name"],
        "seven"
    );
    // What is not there is an error that names the field, and what was found.
    let error = HttpBatch::new(&url)
        .inside("items")
        .batcher::<u8, Value>()
        .load(7)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("\"items\"") && error.contains("results"),
        "{error}"
    );
    let error = HttpBatch::new(&url)
        .batcher::<u8, Value>()
        .load(7)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("HttpBatch::inside") && error.contains("results"),
        "{error}"
    );
    // `null` in the place of the list is no item at all.
    let (url, _) = serve(StatusCode::OK, json!({"results": null})).await;
    let results = HttpBatch::new(&url)
        .inside("results")
        .batcher::<u8, Value>()
        .load(7)
        .await;
    assert_eq!(results, Err(LoadError::Missing));
}

#[tokio::test]
async fn c24_long_ids_are_split_by_the_length_of_the_address() {
    let (url, queries) = serve_ids(2048, StatusCode::URI_TOO_LONG, |items| json!(items)).await;
    let id = |number: u32| format!("{number:03}{}", "ü".repeat(20));
    let results = HttpBatch::new(&url)
        .batcher::<String, Value>()
        .load_many((0..100).map(id))
        .await;
    for (number, result) in results.into_iter().enumerate() {
        let item = result.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert!(
            item["id"]
                .as_str()
                .unwrap()
                .starts_with(&format!("{number:03}ü")),
            "{item}"
        );
    }
    let sent = queries.lock().unwrap().clone();
    assert!(
        sent.iter().all(|query| url.len() + 1 + query.len() <= 2048),
        "{:?}",
        sent.iter().map(String::len).max()
    );
    assert!(sent.len() <= 8, "{} requests", sent.len());
    // Short ids still travel together.
    let (url, queries) = serve_ids(2048, StatusCode::URI_TOO_LONG, |items| json!(items)).await;
    HttpBatch::new(&url)
        .batcher::<u32, Value>()
        .load_many(0..100)
        .await;
    assert_eq!(queries.lock().unwrap().len(), 1);
    // A bound of one's own; one id that is longer is sent alone.
    let (url, queries) =
        serve_ids(usize::MAX, StatusCode::URI_TOO_LONG, |items| json!(items)).await;
    let batcher = HttpBatch::new(&url)
        .max_url(url.len() + 12)
        .batcher::<String, Value>();
    let results = batcher
        .load_many(["a", "b", "c", &"x".repeat(50)].map(String::from))
        .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(queries.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn c24_a_server_that_takes_less_is_asked_again_for_parts() {
    for status in [StatusCode::URI_TOO_LONG, StatusCode::PAYLOAD_TOO_LARGE] {
        let (url, queries) = serve_ids(200, status, |items| json!(items)).await;
        let id = |number: u32| format!("{number:020}");
        let results = HttpBatch::new(&url)
            .batcher::<String, Value>()
            .load_many((0..40).map(id))
            .await;
        for (number, result) in results.into_iter().enumerate() {
            assert_eq!(result.unwrap()["id"], format!("{number:020}"));
        }
        assert!(
            queries.lock().unwrap().len() < 20,
            "{}",
            queries.lock().unwrap().len()
        );
        // One that cannot be split fails alone.
        let long = "x".repeat(300);
        let (ok, error) = (id(1), long.clone());
        let results = HttpBatch::new(&url)
            .batcher::<String, Value>()
            .load_many([ok, error])
            .await;
        assert!(results[0].is_ok(), "{results:?}");
        let expected = format!("{url} answered {}", status.as_u16());
        assert!(
            matches!(&results[1], Err(LoadError::Request(error)) if error.to_string() == expected),
            "{results:?}"
        );
    }
}

#[tokio::test]
async fn c24_one_part_that_fails_leaves_the_others_their_values() {
    let answer = |uri: Uri| async move {
        let ids = ids_of(&uri);
        if ids.contains("bad") {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        Json(
            ids.split(',')
                .map(|id| json!({"id": id}))
                .collect::<Vec<_>>(),
        )
        .into_response()
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().route("/", get(answer))).into_future());
    let batcher = HttpBatch::new(&url)
        .max_url(url.len() + 10)
        .batcher::<String, Value>();
    let results = batcher.load_many(["good", "bad"].map(String::from)).await;
    assert_eq!(results[0].as_ref().unwrap()["id"], "good");
    assert!(
        matches!(&results[1], Err(LoadError::Request(error)) if error.to_string().ends_with("answered 502"))
    );
}

#[tokio::test]
async fn a10_no_error_shows_what_is_secret_in_an_address() {
    let (url, _) = serve(StatusCode::OK, json!({"error": "x".repeat(5000)})).await;
    let (refusing, _) = serve(StatusCode::FORBIDDEN, json!([])).await;
    for url in [
        url.as_str(),
        refusing.as_str(),
        "http://127.0.0.1:1/items",
        "no address of http",
        "ftp:x",
    ] {
        let place = url.strip_prefix("http://").unwrap_or(url);
        let address = match url.starts_with("http://") {
            true => format!("http://tom:hunter2@{place}?token=hunter2#hunter2"),
            false => format!("tom:hunter2@{place}?token=hunter2"),
        };
        let api = HttpBatch::new(address);
        assert!(!format!("{api:?}").contains("hunter2"), "{api:?}");
        let batcher = api.batcher::<String, Value>();
        for id in ["1", "2,3"] {
            let error = batcher.load(id.to_owned()).await.unwrap_err();
            let mut texts = format!("{error} {error:?}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                texts += &format!(" {error} {error:?}");
                cause = error.source();
            }
            assert!(
                !texts.contains("hunter2") && texts.contains(place),
                "{texts}"
            );
            assert!(
                texts.len() < 3000,
                "an error does not repeat all of an answer: {}",
                texts.len()
            );
        }
    }
}
