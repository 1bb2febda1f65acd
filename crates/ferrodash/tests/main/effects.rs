//! What callbacks do beside writing outputs, and callbacks of other kinds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use ferrodash::cookie::Cookie;
use ferrodash::prelude::*;
use ferrodash::{CallbackBuilder, Plugin};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Answer, Client, output};

fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a"),
        dcc::Input::new().id("b"),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("errors"),
    ))
}

fn app(callback: Callback) -> Client {
    Client::new(App::new(layout()).callback(callback))
}

fn to_out() -> CallbackBuilder {
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
async fn inputs_and_states_under_names_are_a_struct() {
    #[derive(Deserialize)]
    struct Filter {
        text: Option<String>,
        range: Range,
    }
    #[derive(Deserialize)]
    struct Range {
        from: i32,
        to: i32,
    }
    #[callback(
        output("out", "children"),
        args(text = input("a", "value"), range = args(from = state("b", "value", default = 1), to = input("b", "n_submit"))),
        state("errors", "children"),
        prevent_initial_call
    )]
    async fn update(filter: Filter, plain: Option<String>, context: Context) -> String {
        let grouping = context.args_grouping();
        let to = grouping[0]
            .get("range")
            .and_then(|range| range.get("to"))
            .and_then(|to| to.one())
            .unwrap();
        let Filter {
            text,
            range: Range { from, to: number },
        } = filter;
        format!(
            "{text:?} {from} {number} {plain:?} {} {}",
            to.str_id(),
            to.triggered
        )
    }
    let client = app(update::callback());
    let call = json!({
        "output": "out.children",
        "inputs": [{"id": "a", "property": "value", "value": "x"}, {"id": "b", "property": "n_submit", "value": 9}],
        "state": [{"id": "b", "property": "value"}, {"id": "errors", "property": "children", "value": "p"}],
        "changedPropIds": ["b.n_submit"],
    });
    assert_eq!(
        output(&client.post(&call).await),
        r#"Some("x") 1 9 Some("p") b true"#
    );
}

#[tokio::test]
async fn an_optional_component_that_is_missing_counts_as_unset() {
    let client = app(to_out()
        .state(
            State::new("ghost", "value")
                .optional()
                .default_value("none"),
        )
        .handler(async |_: Value, ghost: String| ghost));
    let spec = &client.get("/_dash-dependencies").await.json()[0];
    assert_eq!(
        spec["state"][0],
        json!({"id": "ghost", "property": "value", "allow_optional": true})
    );
    let ghost = json!({"id": "ghost", "property": "value", "allow_optional": true, "value": null});
    let call = json!({"output": "out.children", "inputs": [{"id": "a", "property": "value"}], "state": [ghost]});
    assert_eq!(output(&client.post(&call).await), "none");
}

#[tokio::test]
async fn an_api_endpoint_takes_arguments_by_name() {
    #[callback(
        output("out", "children"),
        input("a", "value"),
        state("b", "value"),
        api_endpoint = "/api/sum",
        prevent_initial_call
    )]
    async fn sum(left: i64, right: Option<i64>) -> Result<i64, CallbackError> {
        if left < 0 {
            return Err(PreventUpdate.into());
        }
        Ok(left + right.unwrap_or(0))
    }
    let app = App::new(layout())
        .url_base_pathname("/app/")
        .callback(sum::callback());
    let client = Client::new(app.debug(false));
    let post = async |body: &str| {
        let request = Request::post("/api/sum").header("content-type", "application/json");
        client
            .send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    };
    let answer = post(r#"{"left": 40, "right": 2}"#).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (StatusCode::OK, "42")
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(post(r#"{"left": 1}"#).await.text(), "1");
    assert_eq!(post(r#"{"left": -1}"#).await.status, StatusCode::NO_CONTENT);
    let unknown = post(r#"{"left": 1, "up": 2}"#).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        unknown
            .text()
            .contains("\"up\" is no argument of this function; there are left, right")
    );
    let wrong = post(r#"{"left": "forty"}"#).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong
            .text()
            .contains("the value of left does not fit: received \"forty\""),
        "{}",
        wrong.text()
    );
    assert!(
        !wrong.text().contains("i64"),
        "types of the app are nobody's business: {}",
        wrong.text()
    );
    assert_eq!(post("[").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_callback_adds_callbacks_to_the_running_app() {
    let adds = to_out().prevent_initial_call().dynamic_callbacks().handler(
        async |name: String, context: Context| {
            let shown = name.clone();
            let added = Callback::builder()
                .output(Output::new("errors", "children"))
                .input(("b", "value"))
                .handler(move |value: String| std::future::ready(format!("{shown}: {value}")));
            context.add_callback(added)?;
            let wrong = Callback::builder()
                .output(Output::new("out", "children"))
                .input(("b", "value"));
            assert!(
                context
                    .add_callback(wrong.handler(async |_: Value| ""))
                    .is_err(),
                "out.children has its writer"
            );
            Ok::<_, CallbackError>(name)
        },
    );
    let client = app(adds);
    assert_eq!(
        client.get("/_dash-dependencies").await.json()[0]["dynamic_creator"],
        true
    );
    let added = json!({
        "output": "errors.children", "inputs": [{"id": "b", "property": "value", "value": "x"}],
    });
    assert_eq!(client.post(&added).await.status, StatusCode::NOT_FOUND);
    for name in ["first", "second"] {
        assert_eq!(output(&client.call(&[json!(name)]).await), name);
        assert_eq!(
            client
                .get("/_dash-dependencies")
                .await
                .json()
                .as_array()
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            client.post(&added).await.json()["response"]["errors"]["children"],
            format!("{name}: x")
        );
    }
}

#[tokio::test]
async fn clientside_callbacks_are_named_as_in_dash_and_never_called_here() {
    let inline = to_out().clientside("function(n){return n}");
    let named = Callback::builder()
        .output(Output::new("errors", "children"))
        .input(("a", "value"));
    let client = Client::new(
        App::new(layout()).callbacks([inline, named.clientside_function("ours", "show")]),
    );
    let dependencies = client.get("/_dash-dependencies").await.json();
    let name = "48f57bdc55a72c2e244226024be795bcf987b4622fac75519f79e21f53cf56f8";
    let function = json!({"namespace": "_dashprivate_clientside_funcs", "function_name": name});
    assert_eq!(dependencies[0]["clientside_function"], function);
    assert_eq!(
        dependencies[1]["clientside_function"],
        json!({"namespace": "ours", "function_name": "show"})
    );
    let page = client.get("/").await.text();
    assert!(
        page.contains(&format!("[\"{name}\"] = function(n){{return n}}")),
        "{page}"
    );
    assert_ne!(client.call(&[json!(1)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn several_apps_live_in_one_process() {
    let named = |name: &'static str, prefix: &str| {
        let callback = to_out().handler(move |_: Value| std::future::ready(name));
        App::new(layout())
            .title(name)
            .url_base_pathname(prefix)
            .callback(callback)
            .build()
            .unwrap()
            .into_router()
    };
    let router = Router::new()
        .merge(named("root", "/"))
        .merge(named("one", "/one/"))
        .merge(named("two", "/two/"));
    let client = Client(router);
    for (name, prefix) in [("root", "/"), ("one", "/one/"), ("two", "/two/")] {
        assert!(
            client
                .get(&format!("{prefix}some/page"))
                .await
                .text()
                .contains(&format!("<title>{name}</title>"))
        );
        let call = json!({"output": "out.children", "inputs": [{"id": "a", "property": "value", "value": 1}]});
        let request = Request::post(format!("{prefix}_dash-update-component"));
        let request = request
            .header("content-type", "application/json")
            .body(Body::from(call.to_string()))
            .unwrap();
        assert_eq!(output(&client.send(request).await), name);
    }
}

#[tokio::test]
async fn a_plugin_changes_layout_page_and_callbacks_and_hears_of_failures() {
    #[derive(Clone, Default)]
    struct Frame(Arc<Mutex<Vec<String>>>);
    impl Plugin for Frame {
        fn setup(&self, app: App) -> App {
            let callback = Callback::builder()
                .output(Output::new("frame", "title"))
                .input(("a", "value"));
            app.callback(callback.handler(async |_: Value| "from the plugin"))
                .external_script("/frame.js")
        }
        fn layout(&self, layout: Children) -> Children {
            html::Main::new(layout).id("frame").into_children()
        }
        fn index(&self, template: String) -> String {
            template.replace("<body>", "<body class=\"framed\">")
        }
        fn routes(&self) -> Router {
            Router::new().route("/frame/ping", get(async || "pong"))
        }
        fn on_error(&self, failure: &Failure, _: &Context) {
            self.0.lock().unwrap().push(failure.to_string());
        }
    }
    let heard = Frame::default();
    for prefix in ["/", "/app/"] {
        let callback = to_out().handler(async |_: Value| Err::<u32, _>("no data".to_owned()));
        let app = App::new(layout())
            .url_base_pathname(prefix)
            .callback(callback)
            .plugin(heard.clone());
        let client = Client::new(app);
        let shown = client.get(&format!("{prefix}_dash-layout")).await.json();
        assert_eq!(
            (&shown["type"], &shown["props"]["id"]),
            (&json!("Main"), &json!("frame"))
        );
        let page = client.get(prefix).await.text();
        assert!(
            page.contains("<body class=\"framed\">") && page.contains("src=\"/frame.js\""),
            "{page}"
        );
        assert_eq!(
            client.get(&format!("{prefix}frame/ping")).await.text(),
            "pong"
        );
        let call = json!({"output": "out.children", "inputs": [{"id": "a", "property": "value", "value": 1}]});
        let request = Request::post(format!("{prefix}_dash-update-component"));
        let request = request
            .header("content-type", "application/json")
            .body(Body::from(call.to_string()))
            .unwrap();
        assert_eq!(
            client.send(request).await.status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }
    assert_eq!(*heard.0.lock().unwrap(), ["no data", "no data"]);
}

#[tokio::test]
async fn a_layer_around_the_app_hands_values_to_callbacks() {
    #[derive(Clone)]
    struct Tenant(&'static str);
    let callback = to_out().handler(async |_: Value, context: Context| {
        context
            .extension::<Tenant>()
            .map_or("nobody", |tenant| tenant.0)
    });
    let router = App::new(layout())
        .callback(callback)
        .build()
        .unwrap()
        .into_router();
    let client = Client(router.layer(axum::Extension(Tenant("acme"))));
    assert_eq!(output(&client.call(&[json!(1)]).await), "acme");
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

#[test]
fn addresses_of_functions_must_be_free() {
    let callback = |out: &'static str, path: &str| {
        let builder = Callback::builder()
            .output(Output::new(out, "children"))
            .input(("a", "value"));
        builder
            .api_endpoint(path, ["a"])
            .handler(async |_: Value| "")
    };
    for path in ["/_dash-update-component", "/assets/x", "/", "/health"] {
        let app = App::new(layout())
            .health_endpoint("health")
            .callback(callback("out", path));
        let mistakes = app.build().expect_err("a mistake").to_string();
        assert!(mistakes.contains("serves already"), "{path}: {mistakes}");
    }
    let twice =
        App::new(layout()).callbacks([callback("out", "/api/x"), callback("errors", "/api/x")]);
    assert!(
        twice
            .build()
            .expect_err("a mistake")
            .to_string()
            .contains("is at \"/api/x\", which the api_endpoint of callback")
    );
}
