//! Calls and their answers, as the stock renderer makes them.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ferrodash::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::{Client, output};

fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a"),
        dcc::Input::new().id("b"),
        dcc::Input::new().id("c"),
        html::Div::new(()).id("out"),
        html::Button::new("Save").id("save"),
    ))
}

fn app(callback: Callback) -> Client {
    Client::new(App::new(layout()).callback(callback))
}

fn to_out() -> ferrodash::CallbackBuilder {
    Callback::builder().output(Output::new("out", "children"))
}

#[tokio::test]
async fn b15_a_plain_call_is_answered_as_dash_answers_it() {
    let client = app(to_out()
        .input(("a", "value"))
        .handler(async |name: Option<String>| {
            html::B::new(format!("Hello {}", name.unwrap_or_default())).id("greeting")
        }));
    let answer = client.call(&[json!("Dash")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("cache-status"), "ferrodash; fwd=bypass");
    assert!(
        answer
            .header("server-timing")
            .starts_with("ferrodash;desc=\"uncached\";dur=")
    );
    let component = r#"{"props":{"children":"Hello Dash","id":"greeting"},"type":"B","namespace":"dash_html_components"}"#;
    assert_eq!(
        answer.text(),
        format!(r#"{{"multi":true,"response":{{"out":{{"children":{component}}}}}}}"#)
    );
}

#[tokio::test]
async fn several_outputs_are_grouped_by_component() {
    let client = app(to_out()
        .output(Output::new("a", "value"))
        .output(Output::new("out", "style"))
        .input(("b", "value"))
        .handler(async |_: Option<String>| ("text", 7, Style::from([("color", "red")]))));
    let call = json!({
        "output": "..out.children...a.value...out.style..",
        "outputs": [{"id": "out", "property": "children"}, {"id": "a", "property": "value"}, {"id": "out", "property": "style"}],
        "inputs": [{"id": "b", "property": "value"}],
        "changedPropIds": [],
    });
    let expected = r#"{"multi":true,"response":{"out":{"children":"text","style":{"color":"red"}},"a":{"value":7}}}"#;
    assert_eq!(client.post(&call).await.text(), expected);
}

#[tokio::test]
async fn an_output_without_update_is_left_out_and_all_of_them_leave_an_empty_answer() {
    for (value, expected) in [("both", r#"{"out":{"children":"new"}}"#), ("none", "{}")] {
        let client = app(to_out()
            .output(Output::new("a", "value"))
            .input(("b", "value"))
            .prevent_initial_call()
            .handler(async |value: String| {
                (
                    if value == "both" {
                        Update::To("new")
                    } else {
                        Update::No
                    },
                    no_update(),
                )
            }));
        let call = json!({
            "output": "..out.children...a.value..",
            "inputs": [{"id": "b", "property": "value", "value": value}],
        });
        let answer = client.post(&call).await;
        assert_eq!(
            (answer.status, answer.text()),
            (
                StatusCode::OK,
                format!(r#"{{"multi":true,"response":{expected}}}"#)
            )
        );
    }
}

#[tokio::test]
async fn prevent_update_is_an_empty_204() {
    let client = app(to_out()
        .input(("a", "value"))
        .handler(async |_: Option<u8>| Err::<(), _>(PreventUpdate)));
    let answer = client.call(&[json!(1)]).await;
    assert_eq!(
        (answer.status, answer.bytes.len()),
        (StatusCode::NO_CONTENT, 0)
    );
}

#[tokio::test]
async fn arguments_are_typed_by_serde() {
    #[derive(Deserialize)]
    struct Point {
        x: f64,
        y: Option<f64>,
    }
    let client = app(to_out()
        .input(("a", "value"))
        .input(("b", "value"))
        .state(("c", "value"))
        .prevent_initial_call()
        .handler(async |point: Point, list: Vec<u8>, text: Option<String>| {
            format!("{} {:?} {list:?} {text:?}", point.x, point.y)
        }));
    let call = json!({
        "output": "out.children",
        "inputs": [
            {"id": "a", "property": "value", "value": {"x": 1.5}},
            {"id": "b", "property": "value", "value": [1, 2]},
        ],
        "state": [{"id": "c", "property": "value", "value": null}],
        "changedPropIds": ["b.value"],
    });
    assert_eq!(output(&client.post(&call).await), "1.5 None [1, 2] None");
}

#[tokio::test]
async fn a_value_of_the_wrong_type_names_callback_input_value_and_type() {
    let client = app(to_out()
        .name("app::total", "")
        .input(("a", "value"))
        .prevent_initial_call()
        .handler(async |n: u32| n));
    let answer = client.call(&[json!("twelve")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = answer.text();
    for part in [
        "callback app::total",
        "a.value",
        "\"twelve\"",
        "u32",
        "invalid type: string",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[tokio::test]
async fn errors_and_panics_are_a_500_for_their_call_only() {
    let client = app(to_out()
        .name("app::fails", "")
        .input(("a", "value"))
        .prevent_initial_call()
        .handler(async |how: String| match how.as_str() {
            "error" => Err("no data".to_owned()),
            "panic" => panic!("boom"),
            _ => Ok("fine"),
        }));
    for (how, reason) in [("error", "no data"), ("panic", "it panicked: boom")] {
        let answer = client.call(&[json!(how)]).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.text(), format!("callback app::fails: {reason}"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(output(&client.call(&[json!("")]).await), "fine");
}

#[tokio::test]
async fn without_debug_the_page_does_not_learn_why_a_callback_failed() {
    let callback = to_out()
        .name("app::fails", "")
        .input(("a", "value"))
        .prevent_initial_call()
        .handler(async |_: String| Err::<(), _>("secret"));
    let client = Client::new(App::new(layout()).callback(callback).debug(false));
    let answer = client.call(&[json!("")]).await;
    assert_eq!(
        answer.text(),
        "callback app::fails failed; the server's log says why"
    );
}

#[tokio::test]
async fn what_cannot_be_json_is_an_error_that_names_the_output() {
    let client = app(to_out()
        .input(("a", "value"))
        .handler(async |_: Option<u8>| {
            let strange: std::collections::HashMap<(u8, u8), u8> = [((1, 2), 3)].into();
            html::Div::new(()).prop("data-map", strange)
        }));
    let text = client.call(&[json!(1)]).await.text();
    assert!(
        text.contains(
            "the value for out.children cannot be written as JSON: property \"data-map\" of Div"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn the_context_tells_trigger_cookies_headers_and_path() {
    let client =
        app(to_out()
            .input(("a", "value"))
            .handler(async |_: Option<u8>, ctx: Context| {
                let triggered = ctx.triggered_id().map(ToString::to_string);
                format!(
                    "{triggered:?} {:?} {:?} {}",
                    ctx.cookie("who"),
                    ctx.header("X-Test"),
                    ctx.path()
                )
            }));
    let call = json!({
        "output": "out.children",
        "inputs": [{"id": "a", "property": "value", "value": 1}],
        "changedPropIds": ["a.value"],
    });
    let answer = client
        .post_with(
            &call,
            &[("cookie", "other=1; who=\"ada\""), ("x-test", "yes")],
        )
        .await;
    assert_eq!(
        output(&answer),
        r#"Some("a") Some("ada") Some("yes") /_dash-update-component"#
    );
}

#[tokio::test]
async fn a_debounced_input_is_found_in_the_state_and_triggers_as_itself() {
    let wait = std::time::Duration::from_millis(500);
    let client = app(to_out()
        .input(Input::new("a", "value").debounce(wait))
        .handler(async |value: Option<String>, ctx: Context| {
            let trigger = ctx
                .triggered()
                .first()
                .map(|trigger| format!("{}.{}", trigger.id, trigger.property));
            format!("{value:?} {trigger:?}")
        }));
    let call = json!({
        "output": "out.children",
        "inputs": [{"id": "a", "property": "data-fd-value-500", "value": 3}],
        "state": [{"id": "a", "property": "value", "value": "typed"}],
        "changedPropIds": ["a.data-fd-value-500"],
    });
    assert_eq!(
        output(&client.post(&call).await),
        r#"Some("typed") Some("a.value")"#
    );
    let plain = json!({
        "output": "out.children",
        "inputs": [{"id": "a", "property": "value", "value": "sent"}],
        "changedPropIds": ["a.value"],
    });
    assert_eq!(
        output(&client.post(&plain).await),
        r#"Some("sent") Some("a.value")"#,
        "as other clients send it"
    );
}

#[tokio::test]
async fn requests_that_no_page_of_this_app_sends_are_refused() {
    let client = app(to_out()
        .input(("a", "value"))
        .handler(async |_: Option<u8>| ""));
    let refused = async |call: serde_json::Value| client.post(&call).await.status;
    assert_eq!(
        refused(json!({"output": "other.children", "inputs": []})).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        refused(json!({"output": "out.children", "inputs": []})).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let other =
        json!({"output": "out.children", "inputs": [{"id": "b", "property": "value", "value": 1}]});
    assert_eq!(refused(other).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        refused(json!([1, 2])).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        client.get("/_dash-update-component").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn a_body_above_the_limit_is_a_413() {
    let callback = to_out()
        .input(("a", "value"))
        .prevent_initial_call()
        .handler(async |text: String| text.len());
    let client = Client::new(App::new(layout()).callback(callback).max_body(1000));
    assert_eq!(output(&client.call(&[json!("x".repeat(500))]).await), 500);
    let answer = client.call(&[json!("x".repeat(1000))]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text().contains("1000 bytes"), "{}", answer.text());
}

#[tokio::test]
async fn dictionary_ids_are_matched_in_any_order_of_keys() {
    let id = || Id::from([("type", "row".into()), ("index", 1.into())]);
    let layout = html::Div::new((dcc::Input::new().id(id()), html::Div::new(()).id("out")));
    let callback = to_out()
        .input((id(), "value"))
        .handler(async |value: Option<u8>| value);
    let client = Client::new(App::new(layout).callback(callback));
    let dependencies = client.get("/_dash-dependencies").await.json();
    assert_eq!(
        dependencies[0]["inputs"][0]["id"],
        r#"{"index":1,"type":"row"}"#
    );
    for sent in [
        json!({"index": 1, "type": "row"}),
        serde_json::from_str(r#"{"type":"row","index":1}"#).unwrap(),
    ] {
        let call = json!({"output": "out.children", "inputs": [{"id": sent, "property": "value", "value": 5}]});
        assert_eq!(output(&client.post(&call).await), 5);
    }
}

#[tokio::test]
async fn answers_are_compressed_as_the_browser_accepts() {
    let client = app(to_out()
        .input(("a", "value"))
        .handler(async |_: Option<u8>| "compress me ".repeat(1000)));
    let call = json!({"output": "out.children", "inputs": [{"id": "a", "property": "value"}]});
    for (accept, encoding) in [
        ("gzip", "gzip"),
        ("gzip, br", "gzip"),
        ("br", "br"),
        ("identity", ""),
    ] {
        let answer = client
            .post_with(&call, &[("accept-encoding", accept)])
            .await;
        assert_eq!(answer.header("content-encoding"), encoding);
        assert!(
            encoding.is_empty() || answer.bytes.len() < 1000,
            "{accept}: {} bytes",
            answer.bytes.len()
        );
    }
}

#[tokio::test]
async fn a_request_that_is_not_json_says_so() {
    let client = app(to_out()
        .input(("a", "value"))
        .handler(async |_: Option<u8>| ""));
    let request = || Request::post("/_dash-update-component");
    let answer = client
        .send(
            request()
                .header("content-type", "application/json")
                .body(Body::from("{"))
                .unwrap(),
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer
            .text()
            .starts_with("the request is not a callback's: EOF"),
        "{}",
        answer.text()
    );
    // What a form of another site can send without asking is not even read.
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let answer = client
            .send(
                request()
                    .header("content-type", content_type)
                    .body(Body::from("{}"))
                    .unwrap(),
            )
            .await;
        assert_eq!(
            answer.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type}"
        );
    }
}
