//! Calls that are too many, too slow, too large or of the wrong type, or whose caller has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use ferrodash::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::raw::Server;
use crate::{Answer, Client, output};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a").value(1),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("other"),
    ))
}

pub(crate) fn to(id: &'static str) -> ferrodash::CallbackBuilder {
    Callback::builder()
        .output(Output::new(id, "children"))
        .input(("a", "value"))
}

pub(crate) fn call_of(output: &str, value: Value) -> Value {
    let input = json!({"id": "a", "property": "value", "value": value});
    json!({"output": output, "inputs": [input], "changedPropIds": ["a.value"]})
}

/// A request as it goes over a socket.
fn post(call: &Value) -> String {
    let body = call.to_string();
    let length = body.len();
    format!(
        "POST /_dash-update-component HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// Says when a future is dropped.
struct Left(Arc<AtomicU32>, Arc<Notify>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.notify_one();
    }
}

/// A callback that never answers, how many of its calls have begun and ended, and the news of each.
fn endless() -> (
    Callback,
    Arc<AtomicU32>,
    Arc<Notify>,
    Arc<AtomicU32>,
    Arc<Notify>,
) {
    let (begun, ended) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (begins, ends) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let parts = (begun.clone(), begins.clone(), ended.clone(), ends.clone());
    let callback = to("out").handler(move |_: Value| {
        let (begun, begins, left) = (
            begun.clone(),
            begins.clone(),
            Left(ended.clone(), ends.clone()),
        );
        async move {
            let _left = left;
            begun.fetch_add(1, Ordering::SeqCst);
            begins.notify_one();
            std::future::pending::<String>().await
        }
    });
    (callback, parts.0, parts.1, parts.2, parts.3)
}

async fn until(count: &AtomicU32, news: &Notify, wanted: u32) {
    let all = async {
        while count.load(Ordering::SeqCst) < wanted {
            news.notified().await;
        }
    };
    tokio::time::timeout(MINUTE, all)
        .await
        .expect("it comes to that");
}

#[tokio::test]
async fn a7_a_client_that_leaves_ends_its_call_also_with_bytes_behind_the_request() {
    let (callback, begun, begins, ended, ends) = endless();
    let server = Server::start(App::new(layout()).callback(callback)).await;
    let request = post(&call_of("out.children", json!(1)));
    let next = "GET /_dash-layout HTTP/1.1\r\nHost: test\r\n\r\n";
    let mut count = 0;
    for behind in ["", next, "GET /", &next.repeat(3), &"x".repeat(20_000)] {
        let mut streams = Vec::new();
        for _ in 0..20 {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port))
                .await
                .unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.write_all(behind.as_bytes()).await.unwrap();
            streams.push(stream);
        }
        count += 20;
        until(&begun, &begins, count).await;
        assert_eq!(
            ended.load(Ordering::SeqCst),
            count - 20,
            "who waits is not cut off"
        );
        drop(streams);
        until(&ended, &ends, count).await;
    }
}

#[tokio::test]
async fn a7_a_client_that_leaves_ends_the_calls_of_its_batch() {
    let (callback, begun, begins, ended, ends) = endless();
    let server = Server::start(App::new(layout()).callback(callback)).await;
    let calls = json!(vec![call_of("out.children", json!(1)); 3]).to_string();
    let request = format!(
        "POST /_ferrodash/batch HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{calls}GET / HTTP/1.1\r\n",
        calls.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    until(&begun, &begins, 3).await;
    drop(stream);
    until(&ended, &ends, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a7_every_uncached_call_has_a_time_limit() {
    let slow = |id| to(id).handler(async |_: Value| std::future::pending::<String>().await);
    let quick = to("other").timeout(Duration::from_secs(5));
    let quick = quick.handler(async |_: Value| std::future::pending::<String>().await);
    let client = Client::new(App::new(layout()).callback(slow("out")).callback(quick));
    for (output, limit) in [("out.children", 120), ("other.children", 5)] {
        let start = tokio::time::Instant::now();
        let answer = client.post(&call_of(output, json!(1))).await;
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(start.elapsed().as_secs(), limit);
        assert!(
            answer
                .text()
                .contains(&format!("took longer than {limit}s")),
            "{}",
            answer.text()
        );
    }
    let patient = to("out").timeout(None).handler(async |_: Value| {
        tokio::time::sleep(Duration::from_secs(7200)).await;
        "at last"
    });
    let client = Client::new(App::new(layout()).callback(patient));
    assert_eq!(
        output(&client.post(&call_of("out.children", json!(1))).await),
        "at last"
    );
    let app = App::new(layout()).call_timeout(Some(Duration::from_secs(1)));
    let answer = Client::new(app.callback(slow("out")))
        .post(&call_of("out.children", json!(1)))
        .await;
    assert!(
        answer.text().contains("took longer than 1s"),
        "{}",
        answer.text()
    );
}

/// A call that comes from an address.
fn from(address: &str, call: &Value) -> Request<Body> {
    let mut request = Request::post("/_dash-update-component")
        .header("content-type", "application/json")
        .body(Body::from(call.to_string()))
        .unwrap();
    let address: std::net::SocketAddr = format!("{address}:4000").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(address));
    request
}

#[tokio::test]
async fn a7_calls_have_a_limit_for_the_app_and_for_each_client() {
    let (callback, begun, begins, ended, ends) = endless();
    let echo = to("other").handler(async |value: Value| value.to_string());
    let app = App::new(layout()).callback(callback).callback(echo);
    let client = Arc::new(Client::new(
        app.max_calls(Some(6)).max_calls_per_client(Some(4)),
    ));
    let (wait, quick) = (
        call_of("out.children", json!(1)),
        call_of("other.children", json!(1)),
    );
    let send = |address: &'static str| {
        let (client, request) = (client.clone(), from(address, &wait));
        tokio::spawn(async move { client.send(request).await.status })
    };
    let mut waiting: Vec<_> = (0..4).map(|_| send("192.0.2.1")).collect();
    until(&begun, &begins, 4).await;
    let busy = |answer: &Answer| {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            (answer.header("retry-after"), answer.header("cache-control")),
            ("1", "no-store")
        );
        assert!(
            answer.text().contains("try again in a moment"),
            "{}",
            answer.text()
        );
    };
    busy(&client.send(from("192.0.2.1", &quick)).await);
    assert_eq!(
        client.send(from("192.0.2.2", &quick)).await.status,
        StatusCode::OK,
        "others have places of their own"
    );
    waiting.extend((0..2).map(|_| send("192.0.2.2")));
    until(&begun, &begins, 6).await;
    busy(&client.send(from("192.0.2.3", &quick)).await);
    assert_eq!(
        client.get("/_dash-layout").await.status,
        StatusCode::OK,
        "the page itself is served"
    );
    waiting.into_iter().for_each(|task| task.abort());
    until(&ended, &ends, 6).await;
    assert_eq!(
        client.send(from("192.0.2.1", &quick)).await.status,
        StatusCode::OK
    );
    // Off when asked.
    let (callback, begun, begins, ..) = endless();
    let app = App::new(layout())
        .callback(callback)
        .max_calls(None)
        .max_calls_per_client(None);
    let client = Arc::new(Client::new(app));
    for _ in 0..2000 {
        let (client, request) = (client.clone(), from("192.0.2.1", &wait));
        tokio::spawn(async move { client.send(request).await.status });
    }
    until(&begun, &begins, 2000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a7_connections_that_send_a_byte_now_and_then_are_closed() {
    let settings = ferrodash::Server::new().header_timeout(Duration::from_secs(2));
    let server = Server::start_with(App::new(layout()), settings).await;
    let trickle = |start: &'static str| async move {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        let (mut read, mut write) = stream.split();
        let send = async {
            for byte in start.bytes().chain(std::iter::repeat(b'x')) {
                if write.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let mut answer = Vec::new();
        tokio::select! {
            closed = read.read_to_end(&mut answer) => drop(closed),
            () = send => {}
        }
    };
    let starts = [
        "GET / HTTP/1.1\r\nHost: ",
        "PRI * HTTP/2.0\r\n\r\nSM",
        "",
        "P",
    ];
    let all = (0..200).map(|index| trickle(starts[index % starts.len()]));
    tokio::time::timeout(MINUTE, futures_util::future::join_all(all))
        .await
        .expect("all are closed");
    assert_eq!(server.get("/_dash-layout").await.0, 200);
}

#[tokio::test]
async fn a7_connections_beyond_the_limit_wait_and_are_served_when_others_end() {
    let server = Server::start_with(
        App::new(layout()),
        ferrodash::Server::new().max_connections(3),
    )
    .await;
    let open = || TcpStream::connect(("127.0.0.1", server.port));
    let idle = [
        open().await.unwrap(),
        open().await.unwrap(),
        open().await.unwrap(),
    ];
    let waits = server.get("/_dash-layout");
    let mut waits = std::pin::pin!(waits);
    let early = tokio::time::timeout(Duration::from_millis(300), waits.as_mut()).await;
    assert!(early.is_err(), "a fourth connection is not served");
    drop(idle);
    assert_eq!(waits.await.0, 200);
}

#[tokio::test]
async fn a9_a_body_that_is_announced_as_too_large_is_not_read() {
    let callback = to("out").handler(async |value: Value| value.to_string());
    let server = Server::start(App::new(layout()).callback(callback).max_body(10_000)).await;
    for path in ["_dash-update-component", "_ferrodash/batch"] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        let head = format!(
            "POST /{path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 10001\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // Not one byte of the body is sent before the answer is there.
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413");
        // Who sends it all the same is read to the end, and finds the connection open.
        stream.write_all(&vec![b' '; 10_001]).await.unwrap();
        stream
            .write_all(b"GET /_dash-layout HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert!(rest.contains("HTTP/1.1 200"), "{rest}");
    }
}

#[tokio::test]
async fn c26_a_refusal_is_read_by_its_client_whatever_it_was_that_refused() {
    const LENGTH: usize = 5_000_000;
    let callback = to("out").handler(async |value: Value| value.to_string());
    let app = App::new(layout()).callback(callback).csrf(true);
    let server = Server::start(app).await;
    for (path, kind, status) in [
        ("_dash-update-component", "application/json", 403),
        ("_ferrodash/batch", "application/json", 403),
        ("_dash-update-component", "text/plain", 403),
        ("_dash-layout", "application/json", 405),
        ("no/such/page", "text/csv", 405),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        let head = format!(
            "POST /{path} HTTP/1.1\r\nHost: test\r\nContent-Type: {kind}\r\nContent-Length: {LENGTH}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // A browser sends all of the body before it looks at the answer.
        stream.write_all(&vec![b' '; LENGTH]).await.unwrap();
        stream
            .write_all(b"GET /_dash-layout HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        assert!(
            answers.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {answers}"
        );
        assert!(
            answers.contains("HTTP/1.1 200"),
            "the connection goes on: {path}: {answers}"
        );
    }
}

#[tokio::test]
async fn a9_a_value_of_another_type_is_a_422_and_no_error_of_the_app() {
    let callback = || {
        to("out")
            .name("app::total", "")
            .handler(async |count: u32| count)
    };
    for (debug, shown) in [(true, true), (false, false)] {
        let client = Client::new(App::new(layout()).callback(callback()).debug(debug));
        for value in [
            json!("twelve"),
            json!({"a": 1}),
            json!([[]]),
            json!(null),
            json!(-1),
        ] {
            let answer = client.post(&call_of("out.children", value.clone())).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{value}");
            for part in ["app::total", "a.value", &value.to_string()] {
                assert!(answer.text().contains(part), "{}", answer.text());
            }
            assert_eq!(
                answer.text().contains("u32"),
                shown,
                "types of the app are nobody's business"
            );
        }
    }
}
