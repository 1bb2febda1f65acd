//! The admin page of the cache: who sees it, and what it deletes.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::sharing::{SECOND, call, counted, layout};
use crate::{Client, output};

#[tokio::test]
async fn s25_the_admin_page_is_for_those_the_guard_lets_through_and_deletes_one_entry() {
    let (callback, runs) = counted(CacheOptions::new(60 * SECOND).vary("path"), |run, _| {
        Ok(format!("run {run}"))
    });
    let app = App::new(layout())
        .callback(callback)
        .metrics_endpoint("metrics");
    let client =
        Client::new(app.cache_admin("/_cache/", |headers| headers.contains_key("x-admin")));
    for path in [
        "/_cache/",
        "/_cache/_dash-layout",
        "/_cache/_dash-dependencies",
    ] {
        assert_eq!(
            client.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        assert_eq!(
            client.get_with(path, &[("x-admin", "1")]).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
    for (value, times) in [(1, 3), (2, 1)] {
        for _ in 0..times {
            client.post(&call(json!(value))).await;
        }
    }
    let act = async |button: &str, data: Value, rows: Value| {
        let input = |id: &str, property: &str| json!({"id": id, "property": property, "value": 1});
        let body = json!({
            "output": "..cache-summary.children...cache-functions.data...cache-entries.data...cache-entries.selected_rows...cache-message.children..",
            "inputs": [input("cache-delete", "n_clicks"), input("cache-refresh", "n_clicks"), input("cache-interval", "n_intervals")],
            "state": [
                {"id": "cache-entries", "property": "data", "value": data},
                {"id": "cache-entries", "property": "selected_rows", "value": rows},
            ],
            "changedPropIds": [button],
        });
        let request = Request::post("/_cache/_dash-update-component")
            .header("content-type", "application/json");
        let answer = client
            .send(
                request
                    .header("x-admin", "1")
                    .body(Body::from(body.to_string()))
                    .unwrap(),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["response"].clone()
    };
    let shown = act("cache-interval.n_intervals", json!([]), json!([])).await;
    let entries = shown["cache-entries"]["data"].clone();
    assert_eq!(
        (entries[0]["hits"].clone(), entries[1]["hits"].clone()),
        (json!(2), json!(0))
    );
    assert_eq!(entries[0]["function"], "test::counted");
    assert_eq!(shown["cache-functions"]["data"][0]["misses"], 2);
    let shown = act("cache-delete.n_clicks", entries.clone(), json!([0])).await;
    assert_eq!(shown["cache-message"]["children"], "1 entry deleted");
    assert_eq!(shown["cache-entries"]["data"].as_array().unwrap().len(), 1);
    client.post(&call(json!(2))).await;
    assert_eq!(
        runs.load(Ordering::SeqCst),
        2,
        "the other entry is as it was"
    );
    assert_eq!(output(&client.post(&call(json!(1))).await), "run 3");
    let shown = act("cache-interval.n_intervals", json!([]), json!([])).await;
    act(
        "cache-refresh.n_clicks",
        shown["cache-entries"]["data"].clone(),
        json!([0]),
    )
    .await;
    assert_eq!(client.get("/_cache/").await.status, StatusCode::NOT_FOUND);
    let metrics = client.get("/metrics").await.text();
    assert!(
        metrics.contains(
            "ferrodash_cache_answers_total{function=\"test::counted\",result=\"miss\"} 3"
        ),
        "{metrics}"
    );
}
