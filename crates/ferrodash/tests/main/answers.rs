//! What becomes of what a function returns: children in every form, side updates alone, names of
//! duplicate outputs, and handlers of errors that fail themselves.

use std::collections::HashSet;

use axum::http::StatusCode;
use ferrodash::prelude::*;
use ferrodash::{CallbackBuilder, Failure, IntoOutput};
use serde_json::{Value, json};

use crate::{Client, output};

fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a").value(1),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("errors"),
    ))
}

fn to_out() -> CallbackBuilder {
    Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"))
}

fn client(callback: Callback) -> Client {
    Client::new(App::new(layout()).callback(callback))
}

#[tokio::test]
async fn c20_a_side_update_is_sent_though_nothing_else_is_updated() {
    let side = json!({"errors": {"children": "saved", "title": 3}});
    fn set(context: &Context) {
        context.set_props("errors", "children", "saved");
        context.set_props("errors", "title", 3);
    }
    let prevented = client(to_out().handler(async |_: Value, context: Context| {
        set(&context);
        Err::<String, CallbackError>(PreventUpdate.into())
    }));
    let answer = prevented.call(&[json!(1)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json(),
        json!({"multi": true, "response": {}, "sideUpdate": side})
    );
    // Without outputs, and where a handler of errors prevents the update.
    let none =
        Callback::builder()
            .input(("a", "value"))
            .handler(async |_: Value, context: Context| {
                set(&context);
                Err::<(), CallbackError>(PreventUpdate.into())
            });
    let handled = to_out().on_error(|_, context| {
        set(context);
        Err::<NoUpdate, CallbackError>(PreventUpdate.into())
    });
    let handled = handled.handler(async |_: Value| Err::<String, _>(CallbackError::new("no")));
    for callback in [none, handled] {
        let client = client(callback);
        let name = client.get("/_dash-dependencies").await.json()[0]["output"].clone();
        let call =
            json!({"output": name, "inputs": [{"id": "a", "property": "value", "value": 1}]});
        let answer = client.post(&call).await;
        assert_eq!(
            answer.json(),
            json!({"multi": true, "response": {}, "sideUpdate": side})
        );
    }
    // Alone it is nothing, as ever.
    let nothing = client(
        to_out().handler(async |_: Value| Err::<String, CallbackError>(PreventUpdate.into())),
    );
    assert_eq!(
        nothing.call(&[json!(1)]).await.status,
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn c20_a_side_update_alone_is_not_kept_by_the_cache() {
    let options = CacheOptions::new(std::time::Duration::from_secs(60)).vary("trigger");
    let client = client(
        to_out()
            .cache(options)
            .handler(async |_: Value, context: Context| {
                context.set_props("errors", "children", "saved");
                Err::<String, CallbackError>(PreventUpdate.into())
            }),
    );
    for _ in 0..2 {
        let answer = client.call(&[json!(1)]).await;
        assert_eq!(
            answer.json()["sideUpdate"],
            json!({"errors": {"children": "saved"}})
        );
        assert_eq!(answer.header("cache-status"), "ferrodash; fwd=miss");
    }
}

/// The outputs that the renderer reads from a name.
fn outputs_of(name: &str) -> Vec<String> {
    match name
        .strip_prefix("..")
        .and_then(|name| name.strip_suffix(".."))
    {
        Some(names) => names.split("...").map(str::to_owned).collect(),
        None => vec![name.to_owned()],
    }
}

#[tokio::test]
async fn c21_each_output_of_each_callback_has_a_name_of_its_own() {
    let ids = ["p", "q", "r"];
    let layout = html::Div::new((
        dcc::Input::new().id("a"),
        ids.map(|id| html::Div::new(()).id(id)),
    ));
    let to = |outputs: &[&'static str], says: &'static str| {
        let callback = outputs.iter().fold(Callback::builder(), |callback, id| {
            callback.output(Output::new(*id, "children").allow_duplicate())
        });
        let callback = callback.input(("a", "value")).initial_duplicate();
        match outputs.len() {
            1 => callback.handler(move |_: Value| async move { says }),
            2 => callback.handler(move |_: Value| async move { (says, says) }),
            _ => callback.handler(move |_: Value| async move { (says, says, says) }),
        }
    };
    let orders: [&[&str]; 7] = [
        &["p", "q"],
        &["q", "p"],
        &["p"],
        &["q"],
        &["r", "q", "p"],
        &["p"],
        &["p", "q"],
    ];
    let names = ["0", "1", "2", "3", "4", "5", "6"];
    let callbacks = orders
        .iter()
        .zip(names)
        .map(|(outputs, says)| to(outputs, says));
    let client = Client::new(App::new(layout).callbacks(callbacks));
    let dependencies = client.get("/_dash-dependencies").await.json();
    let mut seen = HashSet::new();
    for (index, dependency) in dependencies.as_array().unwrap().iter().enumerate() {
        let name = dependency["output"].as_str().unwrap();
        for (output, id) in outputs_of(name).into_iter().zip(orders[index]) {
            assert!(
                output.starts_with(&format!("{id}.children@")),
                "{output} is not of {id}"
            );
            assert!(
                seen.insert(output.clone()),
                "{output} is the name of two outputs"
            );
        }
        let outputs: Vec<Value> = outputs_of(name)
            .iter()
            .map(|output| {
                output
                    .split_once('.')
                    .map(|(id, property)| json!({"id": id, "property": property}))
                    .unwrap()
            })
            .collect();
        let outputs = if outputs.len() == 1 {
            outputs[0].clone()
        } else {
            json!(outputs)
        };
        let inputs = [json!({"id": "a", "property": "value", "value": 1})];
        let answer = client
            .post(&json!({"output": name, "outputs": outputs, "inputs": inputs}))
            .await;
        assert_eq!(
            answer.json()["response"][orders[index][0]]["children"],
            names[index],
            "{name}"
        );
    }
    assert_eq!(seen.len(), 12);
    // The first is named as in Dash.
    let digest = outputs_of(dependencies[0]["output"].as_str().unwrap())[0]
        .split_once('@')
        .unwrap()
        .1
        .to_owned();
    assert!(
        digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{digest}"
    );
}

/// What a callback of `out.children` answers, and what a layout has for the same value.
async fn both<T: IntoOutput + IntoChildren + Clone + Send + Sync + 'static>(
    value: T,
) -> (Value, Value) {
    let returned = value.clone();
    let client = client(to_out().handler(move |_: Value| {
        let returned = returned.clone();
        async move { returned.into_output() }
    }));
    let layout: Component = html::Div::new(value).into();
    let layout = serde_json::to_value(layout).unwrap();
    (
        output(&client.call(&[json!(1)]).await),
        layout["props"].get("children").cloned().unwrap_or_default(),
    )
}

macro_rules! agree {
    ($($value:expr),+ $(,)?) => {$(
        let (returned, laid_out) = both($value).await;
        assert_eq!(returned, laid_out, stringify!($value));
    )+};
}

#[tokio::test]
async fn c22_a_callback_and_a_layout_agree_about_children() {
    agree!(
        vec![
            vec![html::Li::new("a"), html::Li::new("b")],
            vec![],
            vec![html::Li::new("c")]
        ],
        vec![vec![vec!["deep"], vec!["er"]], vec![vec![]]],
        [vec![Some("a"), None], vec![None]],
        vec![Some(1), None, Some(3)],
        vec![Some(vec![html::B::new(1)]), None],
        Some(vec![vec![2.5]]),
        vec![(); 3],
        Vec::<String>::new(),
        vec!["one"],
        [["a", "b"], ["c", "d"]],
        None::<String>,
        (),
        0.1_f32,
        1.5_f32,
        f32::NAN,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        vec![f64::NAN, 1.0],
        vec![vec![0.1_f32], vec![f32::INFINITY]],
        1e300,
        -0.0,
        i64::MIN,
        u64::MAX,
        7_u8,
        "text",
        String::from("text"),
        html::Div::new(vec![vec![1, 2], vec![3]]),
    );
    let nested = both(vec![vec![html::Li::new("a")], vec![html::Li::new("b")]])
        .await
        .0;
    assert_eq!(nested.as_array().unwrap().len(), 2, "{nested}");
    assert_eq!(nested[1]["props"]["children"], "b");
    assert_eq!(
        both(0.1_f32).await,
        (json!(0.1), json!(0.1)),
        "as Rust writes it"
    );
    assert_eq!(both(f64::NAN).await, (json!("NaN"), json!("NaN")));
}

#[tokio::test]
async fn c22_lists_within_lists_are_flat_wherever_children_are_written() {
    // For a side update, and while a callback runs; other properties stay as they are.
    let callback = to_out().output(Output::new("errors", "data-rows"));
    let callback = callback.running("errors", "children", [["x"], ["y"]], Vec::<u8>::new());
    let client = client(callback.handler(async |value: Value, context: Context| {
        context.set_props("errors", "children", vec![vec!["x"], vec!["y", "z"]]);
        context.set_props("errors", "title", vec![vec!["x"]]);
        (vec![vec![Some(value)], vec![None]], vec![vec![1], vec![2]])
    }));
    let dependencies = client.get("/_dash-dependencies").await.json();
    assert_eq!(
        dependencies[0]["running"]["running"],
        json!({"errors.children": ["x", "y"]})
    );
    let outputs = [
        json!({"id": "out", "property": "children"}),
        json!({"id": "errors", "property": "data-rows"}),
    ];
    let inputs = [json!({"id": "a", "property": "value", "value": "a"})];
    let call = json!({"output": dependencies[0]["output"], "outputs": outputs, "inputs": inputs});
    let answer = client.post(&call).await.json();
    assert_eq!(answer["response"]["out"]["children"], json!(["a"]));
    assert_eq!(answer["response"]["errors"]["data-rows"], json!([[1], [2]]));
    assert_eq!(
        answer["sideUpdate"]["errors"],
        json!({"children": ["x", "y", "z"], "title": [["x"]]})
    );
}

#[tokio::test]
async fn c22_json_is_taken_as_it_is() {
    let client =
        client(to_out().handler(async |value: Value| Json((1, [["a"], ["b"]], value, ()))));
    let answer = client.call(&[json!([null, [2.0]])]).await;
    assert_eq!(
        output(&answer),
        json!([1, [["a"], ["b"]], [null, [2.0]], null])
    );
}

#[tokio::test]
async fn c22_with_all_the_outer_list_is_of_components() {
    let layout = html::Div::new((
        dcc::Input::new().id("a"),
        (0..2).map(|row| html::Ul::new(()).id(id! {row: row})),
    ));
    let rows = Callback::builder()
        .output(Output::new(id! {row: ALL}, "children"))
        .input(("a", "value"));
    let rows = rows.handler(async |_: Value| {
        vec![
            vec![vec![html::Li::new(1)], vec![html::Li::new(2)]],
            vec![vec![]],
        ]
    });
    let client = Client::new(App::new(layout).callback(rows));
    let outputs: Vec<Value> = (0..2)
        .map(|row| json!({"id": {"row": row}, "property": "children"}))
        .collect();
    let inputs = [json!({"id": "a", "property": "value", "value": 1})];
    let call =
        json!({"output": "{\"row\":[\"ALL\"]}.children", "outputs": outputs, "inputs": inputs});
    let answer = client.post(&call).await.json();
    let children = |row: &str| answer["response"][row]["children"].clone();
    assert_eq!(
        children(r#"{"row":0}"#).as_array().unwrap().len(),
        2,
        "{answer}"
    );
    assert_eq!(children(r#"{"row":0}"#)[1]["props"]["children"], 2);
    assert_eq!(children(r#"{"row":1}"#), json!([]));
}

#[tokio::test]
async fn c22_iterators_can_be_returned_as_they_can_be_laid_out() {
    let client = client(to_out().handler(async |rows: u8| (0..rows).rev().map(html::Li::new)));
    let answer = output(&client.call(&[json!(2)]).await);
    assert_eq!(answer[0]["props"]["children"], 1);
    assert_eq!(answer.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn c26_a_handler_of_errors_that_fails_reaches_that_of_the_app() {
    let failing = || to_out().name("app::failing", "1");
    let by_error = failing()
        .on_error(|failure, _| {
            Err::<NoUpdate, _>(CallbackError::new(format!("cannot handle {failure}")))
        })
        .handler(async |_: Value| Err::<String, _>(CallbackError::new("the first")));
    let panics: fn(&Failure, &Context) -> NoUpdate = |failure, _| panic!("panics at {failure}");
    let by_panic = failing()
        .on_error(panics)
        .handler(async |_: Value| Err::<String, _>(CallbackError::new("the first")));
    for (callback, expected) in [
        (by_error, "cannot handle the first"),
        (by_panic, "it panicked: panics at the first"),
    ] {
        let app = App::new(layout())
            .callback(callback.clone())
            .on_error(|failure, context| {
                context.set_props(
                    "errors",
                    "children",
                    format!("{}: {failure}", failure.callback()),
                );
                NoUpdate
            });
        let answer = Client::new(app).call(&[json!(1)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(
            answer.json()["sideUpdate"]["errors"]["children"],
            format!("app::failing: {expected}")
        );
        // Without one, and where that fails too, it is a 500 that names the last failure.
        let alone = Client::new(App::new(layout()).callback(callback.clone()).debug(true))
            .call(&[json!(1)])
            .await;
        assert_eq!(alone.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(alone.text().contains(expected), "{}", alone.text());
        let both = App::new(layout()).callback(callback).debug(true);
        let both = both.on_error(|_, _| Err::<NoUpdate, _>(CallbackError::new("nor can the app")));
        let both = Client::new(both).call(&[json!(1)]).await;
        assert_eq!(both.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(both.text().contains("nor can the app"), "{}", both.text());
    }
    // The app's handler is asked once for a failure of its own.
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::default());
    let counted = asked.clone();
    let plain =
        failing().handler(async |_: Value| Err::<String, _>(CallbackError::new("the first")));
    let app = App::new(layout()).callback(plain).on_error(move |_, _| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err::<NoUpdate, _>(CallbackError::new("no"))
    });
    assert_eq!(
        Client::new(app).call(&[json!(1)]).await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
}
