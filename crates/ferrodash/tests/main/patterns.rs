//! Ids with wildcards: what a call is about, and what is refused.

use axum::http::StatusCode;
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::{Answer, Client};

fn row(kind: &'static str, index: i32) -> Value {
    json!({"type": kind, "index": index})
}

fn layout() -> html::Div {
    let rows = (0..3).map(|index| {
        html::Div::new((
            dcc::Input::new().id(id! {type: "in", index: index}),
            html::Span::new(()).id(id! {type: "out", index: index}),
        ))
    });
    html::Div::new((rows.collect::<Vec<_>>(), html::Div::new(()).id("out")))
}

fn app(callback: Callback) -> Client {
    Client::new(App::new(layout()).callback(callback))
}

fn value(id: Value, value: impl Into<Value>) -> Value {
    json!({"id": id, "property": "value", "value": value.into()})
}

async fn call(
    client: &Client,
    output: &str,
    outputs: Value,
    inputs: Value,
    changed: &str,
) -> Answer {
    let call = json!({
        "output": output, "outputs": outputs, "inputs": inputs, "changedPropIds": [changed],
    });
    client.post(&call).await
}

const MATCHED: &str = r#"{"index":["MATCH"],"type":"out"}.children"#;

#[tokio::test]
async fn a_call_for_one_row_answers_that_row_and_knows_which_it_is() {
    let client = app(Callback::builder()
        .output(Output::new(id! {type: "out", index: MATCH}, "children"))
        .input(Input::new(id! {type: "in", index: MATCH}, "value"))
        .input(Input::new(id! {type: "in", index: ALL}, "value"))
        .input(Input::new(id! {type: "in", index: ALLSMALLER}, "value"))
        .handler(
            async |own: String,
                   all: Vec<Option<String>>,
                   smaller: Vec<String>,
                   context: Context| {
                let triggered = context
                    .triggered_id()
                    .and_then(|id| id.get("index"))
                    .and_then(|index| index.as_i64());
                let row = context.matched("index").and_then(|index| index.as_i64());
                let flags: Vec<bool> = context.args_grouping()[1]
                    .many()
                    .iter()
                    .map(|it| it.triggered)
                    .collect();
                format!("{row:?} {own} {all:?} {smaller:?} {triggered:?} {flags:?}")
            },
        ));
    let dependencies = client.get("/_dash-dependencies").await.json();
    assert_eq!(dependencies[0]["output"], MATCHED);
    assert_eq!(
        dependencies[0]["inputs"][2]["id"],
        r#"{"index":["ALLSMALLER"],"type":"in"}"#
    );
    let inputs = json!([
        value(row("in", 1), "b"),
        [value(row("in", 0), "a"), value(row("in", 1), "b"), {"id": row("in", 2), "property": "value"}],
        [value(row("in", 0), "a")],
    ]);
    let outputs = json!({"id": row("out", 1), "property": "children"});
    let answer = call(
        &client,
        MATCHED,
        outputs,
        inputs,
        r#"{"index":1,"type":"in"}.value"#,
    )
    .await;
    assert_eq!(
        answer.json()["response"][r#"{"index":1,"type":"out"}"#]["children"],
        r#"Some(1) b [Some("a"), Some("b"), None] ["a"] Some(1) [false, true, false]"#,
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_list_for_an_output_that_is_one_component_is_an_error() {
    let client = app(Callback::builder()
        .output(Output::new("out", "children"))
        .input(("out", "n_clicks"))
        .handler(async |value: Option<u32>| Each(vec![Update::To(value), Update::To(value)])));
    let answer = client
        .post(&json!({
            "output": "out.children",
            "outputs": {"id": "out", "property": "children"},
            "inputs": [{"id": "out", "property": "n_clicks", "value": 1}],
            "changedPropIds": ["out.n_clicks"],
        }))
        .await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        answer.text().contains("return its value"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn all_rows_are_written_by_a_list_with_one_value_for_each() {
    let client = app(Callback::builder()
        .output(Output::new(id! {type: "out", index: ALL}, "children"))
        .output(Output::new("out", "children"))
        .input(Input::new(id! {type: "in", index: ALL}, "value"))
        .handler(async |values: Vec<u32>| {
            let doubled = values.iter().map(|value| match value {
                0 => Update::No,
                value => Update::To(value * 2),
            });
            (Each(doubled.collect()), values.len())
        }));
    let name = r#"..{"index":["ALL"],"type":"out"}.children...out.children.."#;
    let all = |kind, values: &[u32]| {
        let rows = values.iter().zip(0..);
        rows.map(|(number, index)| value(row(kind, index), *number))
            .collect::<Vec<_>>()
    };
    let outputs = |count: i32| {
        let rows = (0..count).map(|index| json!({"id": row("out", index), "property": "children"}));
        json!([rows.collect::<Vec<_>>(), {"id": "out", "property": "children"}])
    };
    let answer = call(
        &client,
        name,
        outputs(3),
        json!([all("in", &[5, 0, 7])]),
        "",
    )
    .await;
    let expected = json!({
        r#"{"index":0,"type":"out"}"#: {"children": 10},
        r#"{"index":2,"type":"out"}"#: {"children": 14},
        "out": {"children": 3},
    });
    assert_eq!(answer.json()["response"], expected);
    let none = call(&client, name, outputs(0), json!([[]]), "").await;
    assert_eq!(
        none.json()["response"],
        json!({"out": {"children": 0}}),
        "no row is no mistake"
    );
    let wrong = call(
        &client,
        name,
        outputs(2),
        json!([all("in", &[1, 2, 3])]),
        "",
    )
    .await;
    assert_eq!(wrong.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        wrong
            .text()
            .contains("stands for 2 components, but its list has 3 items"),
        "{}",
        wrong.text()
    );
}

#[tokio::test]
async fn ids_that_do_not_fit_the_pattern_are_refused() {
    let client = app(Callback::builder()
        .output(Output::new(id! {type: "out", index: MATCH}, "children"))
        .input(Input::new(id! {type: "in", index: MATCH}, "value"))
        .handler(async |value: Option<String>| value));
    let output = |index| json!({"id": row("out", index), "property": "children"});
    let input = |id: Value| json!([value(id, "x")]);
    let refused = [
        ("another row", output(1), input(row("in", 2))),
        ("another type", output(1), input(row("other", 1))),
        ("text", output(1), input(json!("in"))),
        (
            "a key more",
            output(1),
            input(json!({"type": "in", "index": 1, "page": 2})),
        ),
        (
            "a wildcard",
            output(1),
            input(json!({"type": "in", "index": ["MATCH"]})),
        ),
        ("a list", output(1), json!([[value(row("in", 1), "x")]])),
        (
            "another output",
            json!({"id": row("in", 1), "property": "children"}),
            input(row("in", 1)),
        ),
        (
            "another property",
            json!({"id": row("out", 1), "property": "style"}),
            input(row("in", 1)),
        ),
        ("no output", Value::Null, input(row("in", 1))),
        ("a list of outputs", json!([output(1)]), input(row("in", 1))),
    ];
    for (what, outputs, inputs) in refused {
        let answer = call(&client, MATCHED, outputs, inputs, "").await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{what}: {}",
            answer.text()
        );
    }
    let answer = call(&client, MATCHED, output(1), input(row("in", 1)), "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

#[tokio::test]
async fn a_fixed_output_takes_inputs_that_match_one_at_a_time() {
    let client = app(Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new(id! {type: "in", index: MATCH}, "value"))
        .handler(async |value: String, context: Context| {
            format!(
                "{:?} {value}",
                context.matched("index").and_then(|index| index.as_i64())
            )
        }));
    let outputs = json!({"id": "out", "property": "children"});
    let answer = call(
        &client,
        "out.children",
        outputs,
        json!([value(row("in", 2), "x")]),
        "",
    )
    .await;
    assert_eq!(answer.json()["response"]["out"]["children"], "Some(2) x");
}

#[tokio::test]
async fn a_debounced_row_is_found_in_the_state() {
    let wait = std::time::Duration::from_millis(500);
    let client = app(Callback::builder()
        .output(Output::new(id! {type: "out", index: MATCH}, "children"))
        .input(Input::new(id! {type: "in", index: MATCH}, "value").debounce(wait))
        .handler(async |value: String, context: Context| {
            format!(
                "{value} {:?}",
                context.triggered().first().map(|trigger| trigger.prop_id())
            )
        }));
    let dependencies = client.get("/_dash-dependencies").await.json();
    assert_eq!(
        dependencies[1]["inputs"],
        json!([{"id": r#"{"index":["ALL"],"type":"in"}"#, "property": "value"}])
    );
    let call = json!({
        "output": MATCHED,
        "outputs": {"id": row("out", 1), "property": "children"},
        "inputs": [{"id": row("in", 1), "property": "data-fd-value-500", "value": 4}],
        "state": [value(row("in", 1), "typed")],
        "changedPropIds": [r#"{"index":1,"type":"in"}.data-fd-value-500"#],
    });
    let answer = client.post(&call).await;
    let expected = json!(r#"typed Some("{\"index\":1,\"type\":\"in\"}.value")"#);
    assert_eq!(
        answer.json()["response"][r#"{"index":1,"type":"out"}"#]["children"],
        expected
    );
}

#[tokio::test]
async fn each_row_has_its_own_cached_answer() {
    let options = CacheOptions::new(std::time::Duration::from_secs(60)).client();
    let client = app(Callback::builder()
        .output(Output::new(id! {type: "out", index: MATCH}, "children"))
        .input(Input::new(id! {type: "in", index: MATCH}, "value"))
        .cache(options)
        .handler(async |value: String| value));
    for index in [0, 1, 0] {
        let outputs = json!({"id": row("out", index), "property": "children"});
        let answer = call(
            &client,
            MATCHED,
            outputs,
            json!([value(row("in", index), "same")]),
            "",
        )
        .await;
        let id = format!("{{\"index\":{index},\"type\":\"out\"}}");
        assert_eq!(answer.json()["response"], json!({id: {"children": "same"}}));
    }
    let page = client.get("/").await.text();
    let token = page
        .split(r#""token":""#)
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let about = json!({
        "outputs": {"id": row("out", 1), "property": "children"}, "inputs": [value(row("in", 1), "same")],
    });
    let query: String = about
        .to_string()
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    let answer = client
        .get(&format!("/_ferrodash/call/{token}?b=&call={query}"))
        .await;
    assert_eq!(
        answer.header("cache-status"),
        "ferrodash; hit; detail=memory",
        "the address shares the entry"
    );
    assert_eq!(
        answer.json()["response"],
        json!({r#"{"index":1,"type":"out"}"#: {"children": "same"}})
    );
}

#[tokio::test]
async fn get_and_post_tell_the_same_triggers_of_the_call() {
    let client = app(Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new(id! {type: "in", index: ALL}, "value"))
        .cache(
            CacheOptions::new(std::time::Duration::from_secs(60))
                .client()
                .vary("trigger"),
        )
        .handler(async |_: Vec<String>, context: Context| {
            context
                .triggered()
                .iter()
                .map(|trigger| trigger.value::<String>().unwrap())
                .collect::<Vec<_>>()
                .join(" ")
        }));
    let inputs = json!([[value(row("in", 0), "a"), value(row("in", 1), "b")]]);
    let changed = [
        r#"{"index":1,"type":"in"}.value"#,
        r#"{"index":1,"type":"in"}.value"#,
        r#"{"index":7,"type":"in"}.value"#,
    ];
    let call = json!({"output": "out.children", "inputs": inputs, "changedPropIds": changed});
    let answer = client.post(&call).await;
    assert_eq!(
        answer.json()["response"]["out"]["children"],
        "b",
        "each once, and only those of the call: {answer:?}"
    );
    let escape = |text: String| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let page = client.get("/").await.text();
    let token = page
        .split(r#""token":""#)
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let about = json!({"outputs": {"id": "out", "property": "children"}, "inputs": inputs});
    let (about, changed) = (
        escape(about.to_string()),
        escape(json!(&changed[..1]).to_string()),
    );
    let answer = client
        .get(&format!(
            "/_ferrodash/call/{token}?b=&call={about}&t={changed}"
        ))
        .await;
    assert_eq!(
        answer.json()["response"]["out"]["children"],
        "b",
        "{answer:?}"
    );
    assert_eq!(
        answer.header("cache-status"),
        "ferrodash; hit; detail=memory"
    );
}

/// With each row compared with each, this would take minutes.
#[tokio::test]
async fn a_call_with_many_rows_and_triggers_is_read_in_one_go() {
    let client = app(Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new(id! {type: "in", index: ALL}, "value"))
        .handler(async |values: Vec<u32>, context: Context| {
            let triggered = context.args_grouping()[0]
                .many()
                .iter()
                .filter(|it| it.triggered)
                .count();
            format!("{} {triggered}", values.len())
        }));
    let ids = 0..20_000;
    let inputs: Vec<_> = ids
        .clone()
        .map(|index| value(row("in", index), index))
        .collect();
    let changed: Vec<_> = ids
        .map(|index| format!("{{\"index\":{index},\"type\":\"in\"}}.value"))
        .collect();
    let answer = client
        .post(&json!({"output": "out.children", "inputs": [inputs], "changedPropIds": changed}))
        .await;
    assert_eq!(answer.json()["response"]["out"]["children"], "20000 20000");
}
