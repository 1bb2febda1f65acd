//! An app from the outside, over HTTP in process. Names of tests begin with the scenario they show.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod admin;
mod answers;
#[expect(
    clippy::too_many_arguments,
    reason = "these functions show that every argument is taken"
)]
mod attributes;
mod batch;
mod build;
mod caching;
mod callback_kinds;
mod callbacks;
mod changes;
mod client;
mod compression;
mod effects;
mod first_contact;
mod headers;
mod kept_loads;
mod layers;
mod limits;
mod memoize;
mod memory;
mod multipage;
mod multipage_meta;
mod multipage_paths;
mod once;
mod pages;
mod patterns;
mod plugins;
mod rate;
mod raw;
mod routes;
mod security;
mod sharing;
mod stale;
mod start;
mod stored;
mod tidy;
mod triggers;
mod ui;
mod words;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use ferrodash::{App, Cache};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// What an app answered.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// An app without a socket.
struct Client(Router);

impl Client {
    fn new(app: App) -> Self {
        Self(
            app.build()
                .unwrap_or_else(|mistakes| panic!("{mistakes}"))
                .into_router(),
        )
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = headers
            .iter()
            .fold(Request::get(path), |request, (name, value)| {
                request.header(*name, *value)
            });
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Calls the callback of `out.children` as the stock renderer does, with values for inputs
    /// `a.value`, `b.value`, ….
    async fn call(&self, values: &[Value]) -> Answer {
        let inputs = values.iter().zip(["a", "b", "c"]);
        let inputs: Vec<Value> = inputs
            .map(|(value, id)| json!({"id": id, "property": "value", "value": value}))
            .collect();
        self.post(&json!({
            "output": "out.children",
            "outputs": {"id": "out", "property": "children"},
            "inputs": inputs,
            "changedPropIds": ["a.value"],
        }))
        .await
    }

    async fn post(&self, call: &Value) -> Answer {
        self.post_with(call, &[]).await
    }

    async fn post_with(&self, call: &Value, headers: &[(&str, &str)]) -> Answer {
        let request =
            Request::post("/_dash-update-component").header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        self.send(request.body(Body::from(call.to_string())).unwrap())
            .await
    }
}

/// The value that an answer of [`Client::call`] has for the output.
fn output(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["response"]["out"]["children"].clone()
}

/// A cache in memory and one on each real server, with what must live as long.
async fn caches() -> Vec<(Cache, Box<dyn std::any::Any>)> {
    let redis = ferrodash_testing::Redis::start();
    let memcached = ferrodash_testing::Memcached::start();
    // These tests are about what is kept, so no store is skipped because the machine is busy.
    let cache = async |url: &str| {
        Cache::from_url(&format!("{url}?namespace=tests&deadline=5s"))
            .await
            .unwrap()
    };
    vec![
        (Cache::memory(1 << 20), Box::new(())),
        (cache(&redis.url()).await, Box::new(redis)),
        (cache(&memcached.url()).await, Box::new(memcached)),
    ]
}
