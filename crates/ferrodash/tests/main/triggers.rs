//! Inputs that only trigger a callback.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::client::script_config;
use crate::{Client, output};

static RUNS: AtomicU32 = AtomicU32::new(0);

/// The place of the arguments among the inputs does not matter.
#[callback(
    output("out", "children"),
    trigger("clock", "n_intervals"),
    input("a", "value"),
    trigger("again", "n_clicks", debounce = "100ms"),
    state("b", "value"),
    cache(client, timeout = "1m"),
    api_endpoint = "/api/echo"
)]
async fn echo(a: String, b: Option<String>) -> String {
    RUNS.fetch_add(1, Ordering::SeqCst);
    format!("{a} {b:?}")
}

fn layout() -> html::Div {
    html::Div::new((
        dcc::Interval::new().id("clock"),
        dcc::Input::new().id("a").value("A"),
        html::Button::new("Again").id("again"),
        dcc::Input::new().id("b"),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("list"),
    ))
}

fn item(id: &str, property: &str, value: Value) -> Value {
    json!({ "id": id, "property": property, "value": value })
}

#[tokio::test]
async fn c8_calls_that_differ_in_a_trigger_have_one_answer() {
    let client = Client::new(App::new(layout()).callback(echo::callback()));
    for (ticks, clicks) in [(1, 1), (2, 1), (3, 2)] {
        let call = json!({
            "output": "out.children",
            "inputs": [
                item("clock", "n_intervals", json!(ticks)),
                item("a", "value", json!("x")),
                item("again", "n_clicks", json!(clicks)),
            ],
            "state": [item("b", "value", json!("y"))],
            "changedPropIds": ["clock.n_intervals"],
        });
        let answer = client.post(&call).await;
        assert_eq!(output(&answer), json!("x Some(\"y\")"));
    }
    assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    // Other programs send what the function takes.
    let request = Request::post("/api/echo").header("content-type", "application/json");
    let request = request.body(Body::from("{\"a\":\"x\"}")).unwrap();
    let answer = client.send(request).await;
    assert_eq!(answer.json(), json!("x None"));
}

#[tokio::test]
async fn c8_the_address_of_a_call_has_only_what_the_function_takes() {
    let client = Client::new(App::new(layout()).callback(echo::callback()));
    let settings = script_config(&client).await;
    let callback = &settings["client"]["out.children"];
    assert_eq!(callback["arguments"], json!(["i1", "s0"]));
    let token = callback["token"].as_str().unwrap();
    let path = format!("/_ferrodash/call/{token}?b=x&in=%5B%22q%22,null%5D&u=1");
    assert_eq!(output(&client.get(&path).await), json!("q None"));
}

#[tokio::test]
async fn nobody_learns_the_value_of_a_trigger() {
    let list = Callback::builder()
        .output(Output::new("list", "children"))
        .trigger((id! {row: ALL}, "n_clicks"))
        .prevent_initial_call()
        .handler(async |context: Context| {
            let value = context.triggered()[0].value::<Value>();
            format!("{value:?} {:?}", context.inputs_list())
        });
    let rows: Vec<_> = (0..2)
        .map(|row| html::Button::new("").id(id! {row: row}))
        .collect();
    let client = Client::new(App::new(html::Div::new((layout(), rows))).callback(list));
    let row = |row: u32| json!({ "id": { "row": row }, "property": "n_clicks", "value": 7 });
    let answer = client
        .post(&json!({
            "output": "list.children",
            "inputs": [[row(0), row(1)]],
            "changedPropIds": ["{\"row\":1}.n_clicks"],
        }))
        .await;
    let text = answer.json()["response"]["list"]["children"].to_string();
    assert!(text.contains("row") && !text.contains('7'), "{text}");
}

/// The change of row 2 triggers the callback of row 1, which has the value of its own row.
#[tokio::test]
async fn an_id_that_two_inputs_match_belongs_to_the_one_that_has_it() {
    let callback = Callback::builder()
        .output(Output::new(id! {sum: MATCH}, "children"))
        .input((id! {sum: MATCH}, "title"))
        .trigger((id! {sum: ALL}, "title"))
        .handler(async |title: String, context: Context| {
            format!("{title} {:?}", context.triggered_id())
        });
    let rows: Vec<_> = (1..3)
        .map(|row| html::Div::new("").title("own").id(id! {sum: row}))
        .collect();
    let client = Client::new(App::new(html::Div::new(rows)).callback(callback));
    let row = |row: u32| json!({ "id": { "sum": row }, "property": "title", "value": "own" });
    let answer = client
        .post(&json!({
            "output": "{\"sum\":[\"MATCH\"]}.children",
            "outputs": { "id": { "sum": 1 }, "property": "children" },
            "inputs": [row(1), [row(1), row(2)]],
            "changedPropIds": ["{\"sum\":2}.title"],
        }))
        .await;
    let text = answer.text();
    assert!(text.contains("own Some") && text.contains("2"), "{text}");
}

#[tokio::test]
async fn a_page_function_gets_its_arguments_without_triggers() {
    let function = "(...values) => values.length";
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"))
        .trigger(("clock", "n_intervals"))
        .clientside(function);
    let client = Client::new(App::new(layout()).callback(callback));
    let page = client.get("/").await.text();
    assert!(page.contains("(all[0])"), "{page}");
}

#[tokio::test]
async fn a_function_that_takes_the_trigger_as_an_argument_is_a_mistake() {
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .trigger(("clock", "n_intervals"))
        .cache(CacheOptions::new(Duration::from_secs(2)))
        .handler(async |_ticks: u32| "");
    let error = App::new(layout()).callback(callback).build().unwrap_err();
    let text = error.to_string();
    let message = "takes 1 argument(s), but it has 0 input(s), struct(s) and state(s)";
    assert!(text.contains(message), "{text}");
}
