//! Callbacks of other kinds: with arguments under names, optional components, an address of their
//! own, callbacks that callbacks add, and those that run in the browser.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ferrodash::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::effects::{app, layout, to_out};
use crate::{Client, output};

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
