//! What callbacks do beside writing outputs: side updates, cookies, headers, handlers of errors.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ferrodash::CallbackBuilder;
use ferrodash::cookie::Cookie;
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::{Answer, Client, output};

pub(crate) fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a"),
        dcc::Input::new().id("b"),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("errors"),
    ))
}

pub(crate) fn app(callback: Callback) -> Client {
    Client::new(App::new(layout()).callback(callback))
}

pub(crate) fn to_out() -> CallbackBuilder {
    Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"))
}

/// Calls the one callback of an app, whatever its name.
async fn call_first(client: &Client, value: Value) -> Answer {
    let dependencies = client.get("/_dash-dependencies").await.json();
    let output = dependencies[0]["output"].clone();
    client.post(&json!({"output": output, "inputs": [{"id": "a", "property": "value", "value": value}]})).await
}

#[tokio::test]
async fn set_props_are_side_updates() {
    let client = app(to_out().handler(async |_: Value, context: Context| {
        context.set_props("errors", "children", "first");
        context.set_props("errors", "children", html::B::new("last"));
        context.set_props("errors", "title", 1);
        let mut patch = Patch::new();
        patch.append("x");
        context.set_props(id! {type: "row", index: 1}, "style", patch);
        "done"
    }));
    let answer = client.call(&[json!(1)]).await;
    assert_eq!(output(&answer), "done");
    let side = &answer.json()["sideUpdate"];
    assert_eq!(side["errors"]["title"], 1);
    assert_eq!(side["errors"]["children"]["props"]["children"], "last");
    assert_eq!(
        side[r#"{"index":1,"type":"row"}"#]["style"]["operations"][0]["operation"],
        "Append"
    );
}

#[tokio::test]
async fn a_callback_without_output_is_a_204_unless_it_sets_props() {
    let callback = || Callback::builder().input(("a", "value"));
    let quiet = app(callback().handler(async |_: Value| ()));
    let answer = call_first(&quiet, json!(1)).await;
    assert_eq!(
        (answer.status, answer.bytes.len()),
        (StatusCode::NO_CONTENT, 0)
    );
    assert_eq!(
        quiet.get("/_dash-dependencies").await.json()[0]["no_output"],
        true
    );
    let loud = app(callback().handler(async |_: Value, context: Context| {
        context.set_props("errors", "children", "saved");
    }));
    let answer = call_first(&loud, json!(1)).await;
    assert_eq!(
        answer.json(),
        json!({"multi": true, "response": {}, "sideUpdate": {"errors": {"children": "saved"}}})
    );
}

#[tokio::test]
async fn several_callbacks_without_output_and_the_same_input_have_names_of_their_own() {
    let callback = |what: &'static str| {
        Callback::builder()
            .input(("a", "value"))
            .handler(move |_: Value, context: Context| {
                context.set_props("errors", "children", what);
                async {}
            })
    };
    let client = Client::new(App::new(layout()).callbacks([callback("one"), callback("two")]));
    let dependencies = client.get("/_dash-dependencies").await.json();
    for (index, what) in ["one", "two"].into_iter().enumerate() {
        let call = json!({
            "output": dependencies[index]["output"],
            "inputs": [{"id": "a", "property": "value", "value": 1}],
        });
        assert_eq!(
            client.post(&call).await.json()["sideUpdate"]["errors"]["children"],
            what
        );
    }
}

#[tokio::test]
async fn cookies_headers_and_timings_come_with_the_answer_also_without_an_update() {
    for (value, status) in [
        (json!(1), StatusCode::OK),
        (json!(null), StatusCode::NO_CONTENT),
    ] {
        let client = app(
            to_out().handler(async |value: Option<u32>, context: Context| {
                context.set_cookie(
                    Cookie::build(("theme", "dark blue"))
                        .path("/")
                        .http_only(true),
                );
                context.set_cookie(("plain", "1"));
                context.set_header("x-rows", "12")?;
                context.record_timing("query", Duration::from_millis(12), "the database, mostly");
                assert!(context.set_header("x bad", "1").is_err());
                let value = value.ok_or(PreventUpdate)?;
                Ok::<_, CallbackError>(value)
            }),
        );
        let answer = client.call(&[value]).await;
        assert_eq!(answer.status, status);
        let cookies: Vec<_> = answer
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|it| it.to_str().unwrap())
            .collect();
        assert_eq!(cookies, ["theme=dark%20blue; HttpOnly; Path=/", "plain=1"]);
        assert_eq!(answer.header("x-rows"), "12");
        let timings: Vec<_> = answer
            .headers
            .get_all("server-timing")
            .iter()
            .map(|it| it.to_str().unwrap())
            .collect();
        assert_eq!(timings[1], "query;desc=\"the database  mostly\";dur=12.000");
    }
}

#[tokio::test]
async fn a_cached_callback_cannot_set_a_cookie() {
    let options = CacheOptions::new(Duration::from_secs(60)).vary("path");
    let client = app(to_out()
        .cache(options)
        .handler(async |_: Value, context: Context| {
            context.set_cookie(("session", "of somebody"));
            "done"
        }));
    let answer = client.call(&[json!(1)]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        answer.text().contains("it is cached and sets a cookie"),
        "{}",
        answer.text()
    );
    assert!(answer.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn a_patch_and_a_side_update_are_never_kept() {
    let options = || CacheOptions::new(Duration::from_secs(60)).vary("path");
    let patches = app(to_out().cache(options()).handler(async |_: Value| {
        let mut patch = Patch::new();
        patch["n"] += 1;
        patch
    }));
    let sides = app(to_out()
        .cache(options())
        .handler(async |_: Value, context: Context| {
            context.set_props("errors", "children", "x");
            "done"
        }));
    for client in [patches, sides] {
        for _ in 0..2 {
            assert_eq!(
                client.call(&[json!(1)]).await.header("cache-status"),
                "ferrodash; fwd=miss"
            );
        }
    }
}

#[tokio::test]
async fn handlers_of_errors_answer_the_callbacks_before_the_apps() {
    let fails = |name: &'static str| {
        to_out()
            .name(name, "")
            .handler(async |_: Value| Err::<u32, _>("no data".to_owned()))
    };
    let handled = to_out()
        .prevent_initial_call()
        .on_error(|failure: &Failure, context: &Context| {
            context.set_props("errors", "title", failure.callback().len());
            format!("sorry: {failure}")
        })
        .handler(async |how: String| -> Result<u32, CallbackError> {
            match how.as_str() {
                "panic" => panic!("boom"),
                _ => Err("no data".parse::<u32>().unwrap_err().into()),
            }
        });
    let client = app(handled);
    let answer = client.call(&[json!("error")]).await;
    assert_eq!(output(&answer), "sorry: invalid digit found in string");
    assert!(
        answer.json()["sideUpdate"]["errors"]["title"]
            .as_u64()
            .unwrap()
            > 0
    );
    assert_eq!(
        output(&client.call(&[json!("panic")]).await),
        "sorry: it panicked: boom"
    );
    let app = App::new(layout())
        .callback(fails("app::fails"))
        .on_error(|failure, context| {
            context.set_props(
                "errors",
                "children",
                format!("{}: {failure}", failure.callback()),
            );
        });
    let answer = Client::new(app).call(&[json!(1)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let expected = json!({
        "multi": true, "response": {}, "sideUpdate": {"errors": {"children": "app::fails: no data"}},
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn callbacks_with_other_handlers_of_errors_do_not_share_answers() {
    async fn fails(_: Value) -> Result<String, String> {
        Err("no data".into())
    }
    let callback = |out: &'static str, says: &'static str| {
        let builder = Callback::builder()
            .output(Output::new(out, "children"))
            .input(("a", "value"));
        let builder = builder.cache(CacheOptions::new(Duration::from_secs(60)).client());
        builder
            .on_error(move |_: &Failure, _: &Context| says)
            .handler(fails)
    };
    let app =
        App::new(layout()).callbacks([callback("out", "first"), callback("errors", "second")]);
    let page = Client::new(app).get("/").await.text();
    assert_eq!(page.matches("\"token\"").count(), 2);
    assert!(!page.contains("\"rename\""), "{page}");
}

#[tokio::test]
async fn the_query_of_a_call_is_part_of_what_it_varies_by() {
    let options = CacheOptions::new(Duration::from_secs(60)).vary("path");
    let client = app(to_out()
        .cache(options)
        .handler(async |_: Value, context: Context| context.query().to_owned()));
    for tenant in ["one", "two"] {
        let call = json!({"output": "out.children", "inputs": [{"id": "a", "property": "value", "value": 1}]});
        let request = Request::post(format!("/_dash-update-component?tenant={tenant}"));
        let request = request
            .header("content-type", "application/json")
            .body(Body::from(call.to_string()))
            .unwrap();
        assert_eq!(
            output(&client.send(request).await),
            format!("tenant={tenant}")
        );
    }
}
