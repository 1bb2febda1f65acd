//! Many calls in one request: `POST _ferrodash/batch`.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ferrodash::prelude::*;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::{Answer, Client};

const OUTPUTS: [&str; 10] = ["o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9"];

fn layout() -> html::Div {
    let outputs = OUTPUTS.map(|id| html::Div::new(()).id(id)).to_vec();
    html::Div::new((
        dcc::Input::new().id("a").value(""),
        html::Div::new(outputs),
        html::Div::new(()).id("out"),
    ))
}

/// A callback that says its input in capitals; one with `!` is an error.
fn shout(id: &'static str) -> Callback {
    let callback = Callback::builder()
        .output(Output::new(id, "children"))
        .input(("a", "value"));
    callback.handler(async |text: String| match text.as_str() {
        "!" => Err(CallbackError::new("nothing to say")),
        "panic" => panic!("at once"),
        text => Ok(text.to_uppercase()),
    })
}

fn app() -> App {
    OUTPUTS
        .into_iter()
        .fold(App::new(layout()), |app, id| app.callback(shout(id)))
}

fn call(output: &str, value: &str) -> Value {
    json!({
        "output": format!("{output}.children"),
        "outputs": {"id": output, "property": "children"},
        "inputs": [{"id": "a", "property": "value", "value": value}],
        "changedPropIds": ["a.value"],
    })
}

fn request(calls: &[Value], headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::post("/_ferrodash/batch").header("content-type", "application/json");
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(Body::from(json!(calls).to_string())).unwrap()
}

/// The answers in the order in which they came: place, status, headers, body.
fn lines(text: &str) -> Vec<(usize, u16, Value, Value)> {
    let line = |line: &str| {
        let (head, body) = line.split_once('\t').unwrap();
        let (place, status, headers) = serde_json::from_str(head).unwrap();
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(body).unwrap()
        };
        (place, status, headers, body)
    };
    text.lines()
        .filter(|text| !text.is_empty())
        .map(line)
        .collect()
}

async fn send(client: &Client, calls: &[Value], headers: &[(&str, &str)]) -> Answer {
    client.send(request(calls, headers)).await
}

#[tokio::test]
async fn b2_one_of_ten_fails_and_nine_are_answered() {
    let client = Client::new(app());
    for (bad, reason) in [("!", "callback"), ("panic", "callback")] {
        let calls = OUTPUTS.map(|id| call(id, if id == "o3" { bad } else { id }));
        let answer = send(&client, &calls, &[]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, "application/x-ndjson")
        );
        assert_eq!(answer.header("x-accel-buffering"), "no");
        // With `no-store`, Chromium shows requests as failed whose answers were read to the end.
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        let mut answers = lines(&answer.text());
        answers.sort_by_key(|(place, ..)| *place);
        assert_eq!(answers.len(), 10);
        for (place, status, headers, body) in answers {
            if place == 3 {
                assert_eq!(
                    (status, &headers["content-type"]),
                    (500, &json!("text/plain; charset=utf-8"))
                );
                assert!(body.as_str().unwrap().contains(reason), "{body}");
            } else {
                assert_eq!(
                    (status, &headers["content-type"]),
                    (200, &json!("application/json"))
                );
                assert_eq!(
                    body["response"][OUTPUTS[place]]["children"],
                    OUTPUTS[place].to_uppercase()
                );
                assert!(
                    headers["server-timing"]
                        .as_str()
                        .unwrap()
                        .starts_with("ferrodash;"),
                    "{headers}"
                );
            }
        }
    }
    let next = send(&client, &[call("o3", "again")], &[]).await;
    assert_eq!(
        lines(&next.text())[0].3["response"]["o3"]["children"],
        "AGAIN"
    );
}

#[tokio::test]
async fn an_answer_in_a_batch_is_the_answer_of_the_call_alone() {
    let silent = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"));
    let silent = silent.handler(async |_: String| Update::<String>::No);
    let cached = CacheOptions::new(Duration::from_secs(60)).vary("trigger");
    let cached = Callback::builder()
        .output(Output::new("o0", "children"))
        .input(("a", "value"))
        .cache(cached);
    let cached = cached.handler(async |text: String, _: Context| text.repeat(2000));
    // JSON with lines, as another program may have written it.
    let lined = Callback::builder()
        .output(Output::new("o2", "children"))
        .input(("a", "value"));
    let lined = lined.handler(async |text: String| {
        Json(
            serde_json::value::RawValue::from_string(format!("[\n  {text:?},\r\n  \"\\n\"\n]"))
                .unwrap(),
        )
    });
    let timed = Callback::builder()
        .output(Output::new("o3", "children"))
        .input(("a", "value"))
        .batch();
    let timed = timed.handler(async |text: String, context: Context| {
        context.record_timing("query", Duration::from_millis(12), "the rows");
        text
    });
    let app = App::new(layout())
        .callback(silent)
        .callback(cached)
        .callback(shout("o1"));
    let client = Client::new(app.callback(lined).callback(timed));
    let mut calls = ["out", "o0", "o1", "o2", "o3", "gone"]
        .map(|output| call(output, "x"))
        .to_vec();
    calls.extend([call("o1", "!"), json!({})]);
    // Durations differ from call to call.
    let names = |header: &str| {
        header
            .split(',')
            .map(|part| part.split(";dur").next().unwrap().trim().to_owned())
            .collect::<Vec<_>>()
    };
    // The second time, so that the cache has its answer.
    send(&client, &calls, &[]).await;
    let mut answers = lines(&send(&client, &calls, &[]).await.text());
    answers.sort_by_key(|(place, ..)| *place);
    for ((_, status, headers, body), call) in answers.into_iter().zip(&calls) {
        let alone = client.post(call).await;
        assert_eq!(status, alone.status.as_u16(), "{call}");
        assert_eq!(
            headers
                .get("cache-status")
                .map_or("", |value| value.as_str().unwrap()),
            alone.header("cache-status")
        );
        let all: Vec<&str> = alone
            .headers
            .get_all("server-timing")
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        let timing = headers
            .get("server-timing")
            .map_or("", |value| value.as_str().unwrap());
        assert_eq!(names(timing), names(&all.join(",")));
        match alone.header("content-type") {
            "application/json" => assert_eq!(body, alone.json()),
            "" => assert_eq!((body, headers.get("content-type")), (Value::Null, None)),
            _ => assert_eq!(body, alone.text()),
        }
    }
}

#[tokio::test]
async fn answers_are_sent_as_they_are_done_and_64_run_at_a_time() {
    let (go, under_way, most) = (
        Arc::new(Notify::new()),
        Arc::new(AtomicU32::new(0)),
        Arc::new(AtomicU32::new(0)),
    );
    let (wait, counted, greatest) = (go.clone(), under_way.clone(), most.clone());
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"));
    let callback = callback.handler(move |text: String| {
        let (wait, counted, greatest) = (wait.clone(), counted.clone(), greatest.clone());
        async move {
            greatest.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            if text == "slow" {
                wait.notified().await;
            }
            tokio::task::yield_now().await;
            counted.fetch_sub(1, Ordering::SeqCst);
            text
        }
    });
    let client = Client::new(App::new(layout()).callback(callback));
    let mut calls = vec![call("out", "slow")];
    calls.extend((0..99).map(|index| call("out", &index.to_string())));
    for encoding in ["identity", "gzip"] {
        most.store(0, Ordering::SeqCst);
        let response = client
            .0
            .clone()
            .oneshot(request(&calls, &[("accept-encoding", encoding)]))
            .await
            .unwrap();
        let gzip = response
            .headers()
            .get("content-encoding")
            .is_some_and(|value| value == "gzip");
        assert_eq!(gzip, encoding == "gzip");
        let (mut body, mut bytes) = (response.into_body(), Vec::new());
        // What has come can be read before the rest is there.
        let text = |bytes: &[u8]| {
            let mut text = String::new();
            match gzip {
                true => drop(flate2::read::GzDecoder::new(bytes).read_to_string(&mut text)),
                false => text = String::from_utf8(bytes.to_vec()).unwrap(),
            }
            text
        };
        while text(&bytes).lines().filter(|line| !line.is_empty()).count() < 99 {
            bytes.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
        }
        assert!(
            lines(&text(&bytes)).iter().all(|(place, ..)| *place != 0),
            "the slow one is not done"
        );
        assert_eq!(most.load(Ordering::SeqCst), 64);
        go.notify_one();
        bytes.extend(body.collect().await.unwrap().to_bytes());
        assert_eq!(lines(&text(&bytes)).last().unwrap().0, 0);
    }
}

#[tokio::test]
async fn calls_of_a_page_that_left_are_ended() {
    struct Ended(Arc<AtomicU32>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (begun, ended) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
    let (start, end) = (begun.clone(), ended.clone());
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"));
    let callback = callback.handler(move |text: String| {
        let (start, guard) = (start.clone(), Ended(end.clone()));
        async move {
            start.notify_one();
            std::future::pending::<()>().await;
            drop(guard);
            text
        }
    });
    let client = Client::new(App::new(layout()).callback(callback));
    let response = client
        .0
        .clone()
        .oneshot(request(&[call("out", "x")], &[]))
        .await
        .unwrap();
    let mut body = response.into_body();
    tokio::select! {
        _ = body.frame() => unreachable!("the call does not end"),
        () = begun.notified() => drop(body),
    }
    let end = async {
        while ended.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), end)
        .await
        .expect("the call is ended with its request");
}

#[tokio::test]
async fn what_may_set_headers_is_not_batched_unless_it_says_that_it_does_not() {
    let builder = |id: &'static str| {
        Callback::builder()
            .output(Output::new(id, "children"))
            .input(("a", "value"))
    };
    async fn cookie(text: String, context: Context) -> String {
        if text == "cookie" {
            context.set_cookie(("a", "b"));
        }
        text
    }
    let handled = shout("o2");
    let app = App::new(layout())
        .callback(builder("o0").handler(cookie))
        .callback(builder("o1").batch().handler(cookie));
    let client = Client::new(app.callback(handled));
    let answers = lines(
        &send(
            &client,
            &[call("o0", "x"), call("o1", "x"), call("o1", "cookie")],
            &[],
        )
        .await
        .text(),
    );
    let answer = |place: usize| answers.iter().find(|answer| answer.0 == place).unwrap();
    assert_eq!(answer(0).1, 421);
    assert!(
        answer(0)
            .3
            .as_str()
            .unwrap()
            .contains("send its call alone"),
        "{}",
        answer(0).3
    );
    assert_eq!(
        (answer(1).1, &answer(1).3["response"]["o1"]["children"]),
        (200, &json!("x"))
    );
    assert_eq!(answer(2).1, 500);
    // Nor alone: what fails does not depend on what else a page asks for.
    assert_eq!(
        client.post(&call("o1", "cookie")).await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(
        client
            .post(&call("o0", "cookie"))
            .await
            .header("set-cookie"),
        "a=b"
    );
    let page = client.get("/").await.text();
    assert!(
        page.contains(
            "\"batch\":{\"outputs\":[\"o1.children\",\"o2.children\"],\"characters\":349525}"
        ),
        "{page}"
    );
}

#[tokio::test]
async fn bad_batches_are_refused_with_a_reason() {
    let client = Client::new(app().max_body(200_000));
    let many = vec![json!({}); 1001];
    for (calls, status, reason) in [
        (json!(many), StatusCode::UNPROCESSABLE_ENTITY, "1000 calls"),
        (
            json!({"output": "o0.children"}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "a list of up to 1000 calls",
        ),
        (
            json!([call("o0", &"x".repeat(200_000))]),
            StatusCode::PAYLOAD_TOO_LARGE,
            "App::max_body",
        ),
    ] {
        let request = Request::post("/_ferrodash/batch").header("content-type", "application/json");
        let answer = client
            .send(request.body(Body::from(calls.to_string())).unwrap())
            .await;
        assert_eq!(answer.status, status);
        assert!(answer.text().contains(reason), "{}", answer.text());
    }
    let plain = Request::post("/_ferrodash/batch")
        .body(Body::from("[]"))
        .unwrap();
    assert_eq!(
        client.send(plain).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(send(&client, &[], &[]).await.text(), "");
}

#[tokio::test]
async fn tokens_and_builds_hold_for_all_calls_of_a_batch() {
    let client = Client::new(app().csrf(true));
    assert_eq!(
        send(&client, &[call("o0", "x")], &[]).await.status,
        StatusCode::FORBIDDEN
    );
    let token = "0123456789abcdef".repeat(2);
    let headers = [
        ("cookie", &*format!("_csrf_token={token}")),
        ("x-csrftoken", &token),
    ];
    assert_eq!(
        lines(&send(&client, &[call("o0", "x")], &headers).await.text())[0].1,
        200
    );
    let with_context = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"));
    let client =
        Client::new(app().callback(with_context.handler(async |text: String, _: Context| text)));
    let headers = [("x-ferrodash-build", "of-last-week")];
    let answer = send(
        &client,
        &[call("o0", "x"), call("gone", "x"), call("out", "x")],
        &headers,
    )
    .await;
    assert_ne!(answer.header("x-ferrodash-build"), "");
    let statuses: std::collections::BTreeMap<usize, u16> = lines(&answer.text())
        .into_iter()
        .map(|(place, status, ..)| (place, status))
        .collect();
    // One that cannot be read is no reason to reload a page whose other calls can be answered,
    // alone.
    let stale = Request::post("/_ferrodash/batch").header("content-type", "application/json");
    let answer = client
        .send(
            stale
                .header("x-ferrodash-build", "of-last-week")
                .body(Body::from("[{]"))
                .unwrap(),
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    // The last one has to come alone, where it is answered.
    assert_eq!(statuses, [(0, 200), (1, 410), (2, 421)].into());
}

#[tokio::test]
async fn an_app_can_do_without_batches_and_they_live_below_its_prefix() {
    let client = Client::new(app().batch_calls(false));
    assert_eq!(
        send(&client, &[call("o0", "x")], &[]).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert!(!client.get("/").await.text().contains("\"batch\""));
    let client = Client::new(app().url_base_pathname("/data/"));
    let request =
        Request::post("/data/_ferrodash/batch").header("content-type", "application/json");
    let answer = client
        .send(
            request
                .body(Body::from(json!([call("o0", "x")]).to_string()))
                .unwrap(),
        )
        .await;
    assert_eq!(lines(&answer.text())[0].1, 200);
}

#[tokio::test(start_paused = true)]
async fn a9_blank_lines_keep_the_connection_open_and_push_answers_out() {
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"))
        .handler(async |text: String| {
            tokio::time::sleep(Duration::from_secs(40)).await;
            text
        });
    let client = Client::new(App::new(layout()).callback(callback));
    let answer = send(&client, &[call("out", "x")], &[]).await;
    let text = answer.text();
    assert!(text.starts_with("\n\n["), "after 15 and 30 s: {text:?}");
    assert!(text.ends_with("\n\n"), "{text:?}");
    assert_eq!(lines(&text).len(), 1);
}
