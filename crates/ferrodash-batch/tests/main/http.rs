//! Batches over HTTP, against a real server.

use std::sync::{Arc, Mutex};

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
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
    let router = Router::new().route("/data/", get(answer)).with_state(queries.clone());
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
    let batcher = HttpBatch::new(url).param("tails").key("tail").batcher::<String, Value>();
    assert_eq!(batcher.load("N1".into()).await.unwrap()["model"], "A320");
    assert_eq!(*queries.lock().unwrap(), ["tails=N1"]);
}

#[tokio::test]
async fn failures_say_what_was_wrong() {
    let (url, _) = serve(StatusCode::BAD_GATEWAY, json!([])).await;
    let error = HttpBatch::new(&url).batcher::<u32, Value>().load(1).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{url} answered 502"));

    let (url, _) = serve(StatusCode::OK, json!([{"name": "no id"}])).await;
    let error = HttpBatch::new(&url).batcher::<u32, Value>().load(1).await.unwrap_err().to_string();
    assert!(error.contains("is not a list of items with \"id\""), "{error}");

    let error = HttpBatch::new(&url).batcher::<String, Value>().load("a,b".into()).await.unwrap_err();
    assert!(matches!(error, LoadError::Item(error) if matches!(*error, HttpError::Comma { .. })));

    let error = HttpBatch::new("http://127.0.0.1:1/").batcher::<u32, Value>().load(1).await.unwrap_err();
    assert_eq!(error.to_string(), "no answer from http://127.0.0.1:1/");
}

#[tokio::test]
async fn what_is_wrong_with_one_id_is_wrong_for_that_id_only() {
    #[derive(Clone, Debug, serde::Deserialize)]
    struct Item {
        name: String,
    }
    let (url, queries) = serve(StatusCode::OK, json!([{"id": "a", "name": "good"}, {"id": "b", "name": 7}])).await;
    let results = HttpBatch::new(url).batcher::<String, Item>().load_many(["a", "b", "c,d"].map(String::from)).await;
    assert_eq!(results[0].as_ref().unwrap().name, "good");
    assert!(matches!(&results[1], Err(LoadError::Item(error)) if matches!(**error, HttpError::Shape { .. })));
    assert!(matches!(&results[2], Err(LoadError::Item(error)) if matches!(**error, HttpError::Comma { .. })));
    assert_eq!(*queries.lock().unwrap(), ["ids=a%2Cb"]);
}
