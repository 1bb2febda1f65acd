//! Sources that fail, hang, answer late, twice, in parts, with 429, or close the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ferrodash_batch::LoadError;
use ferrodash_batch::http::{HttpBatch, HttpError};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::server::{Seen, serve};

fn items(seen: &Seen) -> Response {
    let items: Vec<Value> = seen.ids().iter().map(|id| json!({ "id": id })).collect();
    Json(items).into_response()
}

/// The error of a load.
fn http_error<V>(result: &Result<V, LoadError<HttpError>>) -> &HttpError {
    match result {
        Err(LoadError::Request(error) | LoadError::Item(error)) => error,
        _ => panic!("an error of the source is expected"),
    }
}

/// A server on a bare socket. `act` gets each connection after its request was read.
async fn bare<F, Fut>(act: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(usize, tokio::net::TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            tokio::spawn(act(number, socket));
        }
    });
    (url, count)
}

const ONE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n[{\"id\": 1 }]";

#[tokio::test]
async fn a_source_that_fails_for_a_moment_is_asked_again() {
    let (url, requests) = serve(|number, seen| async move {
        match number {
            1 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            2 => StatusCode::BAD_GATEWAY.into_response(),
            _ => items(&seen),
        }
    })
    .await;
    let results = HttpBatch::new(url)
        .batcher::<u32, Value>()
        .load_many([1, 2])
        .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let requests = requests.all();
    assert_eq!(requests.len(), 3);
    // The pauses grow: 0.1 to 0.2 s, then 0.2 to 0.4 s.
    let pause = |at: usize| requests[at].at - requests[at - 1].at;
    assert!(pause(1) >= Duration::from_millis(100), "{:?}", pause(1));
    assert!(pause(2) >= Duration::from_millis(200), "{:?}", pause(2));
}

#[tokio::test]
async fn a_source_that_keeps_failing_is_asked_three_times() {
    let (url, requests) =
        serve(|_, _| async { StatusCode::SERVICE_UNAVAILABLE.into_response() }).await;
    let api = HttpBatch::new(&url);
    let result = api.clone().batcher::<u32, Value>().load(1).await;
    assert_eq!(
        http_error(&result).to_string(),
        format!("{url} answered 503")
    );
    assert_eq!(requests.len(), 3);
    // Not at all if so told, and not for what would fail again.
    api.retries(0)
        .batcher::<u32, Value>()
        .load(1)
        .await
        .unwrap_err();
    assert_eq!(requests.len(), 4);
    for status in [400, 401, 403, 404, 500, 501] {
        let status = StatusCode::from_u16(status).unwrap();
        let (url, requests) = serve(move |_, _| async move { status.into_response() }).await;
        HttpBatch::new(url)
            .batcher::<u32, Value>()
            .load(1)
            .await
            .unwrap_err();
        assert_eq!(requests.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_post_is_sent_again_only_if_it_is_safe() {
    let (url, requests) = serve(|_, _| async { StatusCode::BAD_GATEWAY.into_response() }).await;
    let api = HttpBatch::new(url).json("");
    api.clone()
        .batcher::<u32, Value>()
        .load(1)
        .await
        .unwrap_err();
    assert_eq!(requests.len(), 1);
    api.is_safe()
        .batcher::<u32, Value>()
        .load(1)
        .await
        .unwrap_err();
    assert_eq!(requests.len(), 4);
}

#[tokio::test]
async fn only_the_ids_that_failed_are_asked_again_and_the_others_do_not_wait() {
    let (url, requests) = serve(|number, seen| async move {
        let item = |id: &String| match (id.as_str(), number) {
            ("2", 1) => json!({"id": id, "status": 503}),
            ("3", _) => json!({"id": id, "status": 400}),
            _ => json!({"id": id, "status": 200}),
        };
        let items: Vec<Value> = seen.ids().iter().map(item).collect();
        Json(items).into_response()
    })
    .await;
    let batcher = HttpBatch::new(url).status("status").batcher::<u32, Value>();
    let start = Instant::now();
    let load = async |id| (batcher.load(id).await, start.elapsed());
    let (one, two, three) = tokio::join!(load(1), load(2), load(3));
    assert_eq!(requests.ids(), [vec!["1", "2", "3"], vec!["2"]]);
    assert!(one.0.is_ok() && two.0.is_ok());
    assert!(matches!(
        http_error(&three.0),
        HttpError::ItemStatus { status: 400, .. }
    ));
    assert!(two.1 >= Duration::from_millis(100));
    assert!(
        one.1 < two.1 && three.1 < two.1,
        "{one:?} {two:?} {three:?}"
    );
}

#[tokio::test]
async fn a_429_is_asked_again_after_the_time_that_it_names() {
    let in_two_seconds = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let in_one_second = || "1".to_owned();
    for after in [in_one_second as fn() -> String, in_two_seconds] {
        let (url, requests) = serve(move |number, seen| async move {
            match number {
                1 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", after())]).into_response(),
                _ => items(&seen),
            }
        })
        .await;
        let result = HttpBatch::new(url).batcher::<u32, Value>().load(1).await;
        assert!(result.is_ok(), "{result:?}");
        let requests = requests.all();
        let pause = requests[1].at - requests[0].at;
        assert!(pause >= Duration::from_millis(900), "{pause:?}");
    }
    // Nobody waits for an hour.
    let (url, requests) = serve(|_, _| async {
        (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]).into_response()
    })
    .await;
    let start = Instant::now();
    let result = HttpBatch::new(url).batcher::<u32, Value>().load(1).await;
    assert!(matches!(
        http_error(&result),
        HttpError::Status { status: 429, .. }
    ));
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn the_repeats_of_a_host_have_one_budget() {
    let (url, requests) =
        serve(|_, _| async { StatusCode::SERVICE_UNAVAILABLE.into_response() }).await;
    // Two batchers for one host, with 60 requests that all fail.
    let batchers = ["a", "b"].map(|path| {
        let api = HttpBatch::new(format!("{url}{path}"));
        api.batcher::<u32, Value>().max_size(1)
    });
    let loads = batchers.iter().map(|batcher| batcher.load_many(0..30));
    futures_util::future::join_all(loads).await;
    // Without a budget there would be 120.
    let repeats = requests.len() - 60;
    assert!((20..=60).contains(&repeats), "{repeats} repeats");
}

#[tokio::test]
async fn a_source_that_hangs_is_given_up_after_the_time_limit() {
    let (url, requests) = serve(|_, _| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        StatusCode::OK.into_response()
    })
    .await;
    let api = HttpBatch::new(url).timeout(Duration::from_millis(300));
    let start = Instant::now();
    let result = api.batcher::<u32, Value>().load(1).await;
    assert!(
        matches!(http_error(&result), HttpError::NoAnswer { source, .. } if source.is_timeout())
    );
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(requests.len(), 1, "it would only hang again");
}

#[tokio::test]
async fn nothing_is_sent_again_once_nobody_waits() {
    let (url, requests) =
        serve(|_, _| async { StatusCode::SERVICE_UNAVAILABLE.into_response() }).await;
    let batcher = HttpBatch::new(url).batcher::<u32, Value>();
    let waiting = tokio::spawn({
        let batcher = batcher.clone();
        async move { batcher.load(1).await }
    });
    while requests.len() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    waiting.abort();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(requests.len(), 1);
    assert_eq!(batcher.report().cancelled, 1);
}

#[tokio::test]
async fn an_answer_that_comes_late_or_in_parts_is_an_answer() {
    let (url, _) = serve(|_, seen| async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let text = json!([{ "id": seen.ids()[0] }]).to_string();
        let parts = stream::unfold(text.into_bytes(), |mut rest| async move {
            if rest.is_empty() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            let part: Vec<u8> = rest.drain(..1).collect();
            Some((Ok::<_, std::io::Error>(part), rest))
        });
        Body::from_stream(parts).into_response()
    })
    .await;
    let result = HttpBatch::new(url).batcher::<u32, Value>().load(7).await;
    assert_eq!(result.unwrap()["id"], "7");
}

#[tokio::test]
async fn a_source_that_answers_twice_is_believed_the_first_time() {
    let (url, connections) = bare(|number, mut socket| async move {
        if number == 1 {
            // Two responses to one request, on a connection that stays open.
            let twice = String::from_utf8_lossy(ONE).replace("Connection: close\r\n", "");
            let second = twice.replace("\"id\": 1 ", "\"id\": 66");
            let _ = socket.write_all((twice + &second).as_bytes()).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        } else {
            let _ = socket.write_all(ONE).await;
        }
    })
    .await;
    let batcher = HttpBatch::new(url).batcher::<u32, Value>();
    assert_eq!(batcher.load(1).await.unwrap()["id"], 1);
    // The answer that nobody asked for is not that to the next request.
    assert_eq!(batcher.load(1).await.unwrap()["id"], 1);
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    // An item that is there twice counts once.
    let (url, _) = serve(|_, _| async {
        Json(json!([{"id": 1, "name": "first"}, {"id": 1, "name": "second"}])).into_response()
    })
    .await;
    let result = HttpBatch::new(url).batcher::<u32, Value>().load(1).await;
    assert_eq!(result.unwrap()["name"], "first");
}

#[tokio::test]
async fn a_connection_that_closes_is_tried_again() {
    let (url, connections) = bare(|number, mut socket| async move {
        match number {
            // Before the answer, and within it.
            1 => {}
            2 => drop(socket.write_all(&ONE[..ONE.len() - 5]).await),
            _ => drop(socket.write_all(ONE).await),
        }
    })
    .await;
    let result = HttpBatch::new(url).batcher::<u32, Value>().load(1).await;
    assert_eq!(result.unwrap()["id"], 1);
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn b16_no_more_requests_at_a_time_or_in_a_time_than_allowed() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (running.clone(), most.clone());
    let (url, requests) = serve(move |_, seen| {
        let (now, peak) = (now.clone(), peak.clone());
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            items(&seen)
        }
    })
    .await;
    let api = HttpBatch::new(url).max_requests(4);
    let batcher = api.clone().batcher::<u32, Value>().max_size(5);
    let results = batcher.load_many(0..100).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!((requests.len(), most.load(Ordering::SeqCst)), (20, 4));
    // Five at once, and the next five in the second that follows.
    let api = api.rate_limit(5, Duration::from_secs(1));
    let batcher = api.batcher::<u32, Value>().max_size(1);
    batcher.load_many(0..10).await;
    let requests = requests.all().split_off(20);
    let time = |number: usize| requests[number].at - requests[0].at;
    assert!(time(4) < Duration::from_millis(500), "{:?}", time(4));
    assert!(time(9) >= Duration::from_millis(900), "{:?}", time(9));
}
