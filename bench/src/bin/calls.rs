//! The app of `scripts/bench-calls`: a figure of 5.6 MB with and without a cache, and a callback
//! that costs nothing.

use std::time::Duration;

use ferrodash::prelude::*;
use ferrodash::{Result, Server};
use serde_json::json;

/// The numbers of a figure: about 5.6 MB of JSON.
fn numbers(seed: u64) -> Vec<f64> {
    let mut state = seed | 1;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / 7.0
    };
    (0..325_000).map(next).collect()
}

async fn figure(seed: u64) -> Json<serde_json::Value> {
    Json(json!({"data": [{"type": "scattergl", "y": numbers(seed)}]}))
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, header_timeout] = &arguments[..] else {
        panic!("arguments: PORT HEADER_TIMEOUT_SECONDS")
    };
    let to = |id: &'static str, property: &'static str| {
        Callback::builder()
            .output(Output::new(id, property))
            .input(("a", "value"))
    };
    let layout = html::Div::new((
        dcc::Input::new().id("a").value(0),
        dcc::Graph::new().id("cached"),
        dcc::Graph::new().id("bare"),
        html::Div::new(()).id("plain"),
    ));
    let cached = to("cached", "figure").cache(CacheOptions::new(Duration::from_secs(300)));
    App::new(layout)
        .callback(cached.handler(figure))
        .callback(to("bare", "figure").handler(figure))
        .callback(
            to("plain", "children")
                .handler(async |value: serde_json::Value| value.to_string().len() as u64),
        )
        .server(Server::new().header_timeout(Duration::from_secs(
            header_timeout.parse().expect("a number of seconds"),
        )))
        .run(&format!("127.0.0.1:{port}"))
        .await
}
