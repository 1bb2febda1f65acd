//! The number of calls that a session may make in a time.

use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use ferrodash::prelude::*;
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::Client;
use crate::limits::{call_of, layout, to};

fn app() -> App {
    let callback = to("out").handler(async |value: u32| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        value.to_string()
    });
    App::new(layout()).callback(callback)
}

/// A call as the client with this address and session sends it.
async fn call(client: &Client, address: &str, session: &str) -> (StatusCode, String) {
    let remote: std::net::SocketAddr = format!("{address}:1000").parse().unwrap();
    let request = Request::post("/_dash-update-component")
        .header("content-type", "application/json")
        .header("cookie", format!("session={session}"))
        .extension(ConnectInfo(remote))
        .body(Body::from(call_of("out.children", json!(1)).to_string()));
    let answer = client.send(request.unwrap()).await;
    (answer.status, answer.header("retry-after").to_owned())
}

#[tokio::test]
async fn t6_calls_beyond_the_rate_of_a_session_are_refused_with_a_time() {
    let client = Client::new(app().rate_limit(10, Duration::from_secs(1)));
    for _ in 0..10 {
        let (status, _) = call(&client, "192.0.2.1", "alice").await;
        assert_eq!(status, StatusCode::OK);
    }
    let mut refused = 0;
    for _ in 0..10 {
        let (status, after) = call(&client, "192.0.2.1", "alice").await;
        if status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(after, "1");
            refused += 1;
        }
    }
    assert!(refused >= 5, "{refused} of ten");
    for (address, session) in [("192.0.2.1", "bob"), ("192.0.2.2", "alice")] {
        let (status, _) = call(&client, address, session).await;
        assert_eq!(status, StatusCode::OK, "{address} {session}");
    }
}

#[tokio::test]
async fn t6_each_call_of_a_batch_counts() {
    let client = Client::new(app().rate_limit(10, Duration::from_secs(60)));
    let calls: Vec<_> = (0..15)
        .map(|value| call_of("out.children", json!(value)))
        .collect();
    let request = Request::post("/_ferrodash/batch")
        .header("content-type", "application/json")
        .body(Body::from(json!(calls).to_string()));
    let answer = client.send(request.unwrap()).await.text();
    let with = |status: &str| answer.matches(status).count();
    assert_eq!((with(",200,{"), with(",429,{")), (10, 5), "{answer}");
}

/// The 95th percentile of the times of a client that makes a call every 20 ms.
async fn p95(client: &Client, calls: u32) -> Duration {
    let mut times = Vec::new();
    for _ in 0..calls {
        let start = Instant::now();
        let (status, _) = call(client, "192.0.2.2", "quiet").await;
        times.push(start.elapsed());
        assert_eq!(status, StatusCode::OK);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times.sort();
    times[times.len() * 95 / 100]
}

/// Makes a thousand calls a second, for some seconds.
async fn flood(client: &Client) {
    for _ in 0..1000 {
        let calls = (0..10).map(|_| call(client, "192.0.2.1", "flood"));
        let pause = tokio::time::sleep(Duration::from_millis(10));
        tokio::join!(join_all(calls), pause);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t7_a_client_that_floods_the_app_does_not_slow_down_another_one() {
    let client = Client::new(app().rate_limit(100, Duration::from_secs(1)));
    // The best of some rounds, as other tests use the machine, too.
    let (mut idle, mut busy) = (Duration::MAX, Duration::MAX);
    for _ in 0..4 {
        idle = idle.min(p95(&client, 20).await);
        tokio::select! {
            time = p95(&client, 20) => busy = busy.min(time),
            () = flood(&client) => panic!("the flood ended before the other client"),
        }
    }
    assert!(
        busy < 2 * idle,
        "{busy:?} beside the flood, {idle:?} without it"
    );
}
