//! Components as JSON, as the renderer reads them.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

#[expect(
    clippy::needless_borrows_for_generic_args,
    reason = "references are taken, too"
)]
mod lists;

use ferrodash_components::html::HtmlProps;
use ferrodash_components::{
    Children, ComponentExt, Id, IntoProp, Json, Style, dash_table, dcc, html,
};
use serde::Serialize;
use serde_json::{Value, json};

fn check(component: impl Serialize, expected: Value) {
    assert_eq!(serde_json::to_value(component).unwrap(), expected);
}

fn html(name: &str, props: Value) -> Value {
    json!({"props": props, "type": name, "namespace": "dash_html_components"})
}

#[test]
fn children_are_what_stands_in_a_component() {
    check(html::P::new("text"), html("P", json!({"children": "text"})));
    check(
        html::P::new(String::from("text")),
        html("P", json!({"children": "text"})),
    );
    check(html::P::new(5), html("P", json!({"children": 5})));
    check(html::P::new(1.5), html("P", json!({"children": 1.5})));
    check(
        html::P::new(f64::NAN),
        html("P", json!({"children": "NaN"})),
    );
    check(html::P::new(()), html("P", json!({})));
    check(html::P::new(None::<&str>), html("P", json!({})));
    check(
        html::P::new(Some("text")),
        html("P", json!({"children": "text"})),
    );
    let b = || html("B", json!({"children": "b"}));
    check(
        html::P::new(html::B::new("b")),
        html("P", json!({"children": b()})),
    );
    check(
        html::P::new(("a", html::B::new("b"), 3)),
        html("P", json!({"children": ["a", b(), 3]})),
    );
    check(
        html::P::new(vec![html::B::new("b")]),
        html("P", json!({"children": [b()]})),
    );
    check(
        html::P::new(["a", "c"]),
        html("P", json!({"children": ["a", "c"]})),
    );
    check(
        html::P::new((0..3).map(|i| i * 2)),
        html("P", json!({"children": [0, 2, 4]})),
    );
    check(
        html::P::new(["x"].into_iter().collect::<Children>()),
        html("P", json!({"children": ["x"]})),
    );
    check(html::Br::new(), html("Br", json!({})));
}

#[test]
fn nested_sequences_are_flattened_as_the_renderer_knows_none() {
    let nested = (
        "a",
        vec![vec!["b"], vec!["c", "d"]],
        None::<&str>,
        ("e", ("f",)),
    );
    check(
        html::P::new(nested),
        html("P", json!({"children": ["a", "b", "c", "d", "e", "f"]})),
    );
}

#[test]
fn properties_have_their_names_on_the_wire() {
    check(
        html::Label::new("x")
            .id("l")
            .class_name("big")
            .html_for("i")
            .hidden(true)
            .data("row", 3)
            .aria("live", "polite"),
        html(
            "Label",
            json!({"children": "x", "id": "l", "className": "big", "htmlFor": "i", "hidden": true, "data-row": 3,
                "aria-live": "polite"}),
        ),
    );
    check(
        dcc::Input::new()
            .r#type(dcc::InputType::Number)
            .min(0)
            .step(0.5),
        json!({"props": {"type": "number", "min": 0, "step": 0.5}, "type": "Input", "namespace": "dash_core_components"}),
    );
    check(
        dash_table::DataTable::new()
            .page_action(dash_table::DataTablePageAction::Custom)
            .hidden_columns(["a"]),
        json!({"props": {"page_action": "custom", "hidden_columns": ["a"]}, "type": "DataTable", "namespace": "dash_table"}),
    );
}

#[test]
fn style_takes_text_and_numbers() {
    check(
        html::P::new(()).style([("color", "red")]),
        html("P", json!({"style": {"color": "red"}})),
    );
    let style = Style::new().set("flex", 1).set("color", "red");
    check(
        html::P::new(()).style(style),
        html("P", json!({"style": {"color": "red", "flex": 1}})),
    );
}

#[test]
fn what_a_component_needs_is_an_argument() {
    let link = json!({"props": {"children": "home", "href": "/"}, "type": "Link", "namespace": "dash_core_components"});
    check(dcc::Link::new("home", "/"), link);
    let store = json!({"props": {"id": "s"}, "type": "Store", "namespace": "dash_core_components"});
    check(dcc::Store::new("s"), store);
}

#[test]
fn components_can_be_properties() {
    let tab = dcc::Tab::new("content")
        .label("plain")
        .prop("label", html::B::new("bold"));
    let expected = json!({"children": "content", "label": html("B", json!({"children": "bold"}))});
    assert_eq!(serde_json::to_value(tab).unwrap()["props"], expected);
    let options = json!([{"label": html::B::new("one"), "value": 1}]);
    let list = dcc::Checklist::new().options(options);
    assert_eq!(
        serde_json::to_value(list).unwrap()["props"]["options"][0]["label"]["type"],
        "B"
    );
}

#[test]
fn the_last_value_of_a_property_wins() {
    check(
        html::P::new("a").title("b").title("c"),
        html("P", json!({"children": "a", "title": "c"})),
    );
}

/// The vectors are ids that the renderer of Dash 4.4.1 sends.
#[test]
fn dictionary_ids_are_written_as_the_renderer_writes_them() {
    let id = Id::from([("type", "out".into()), ("index", 1.into())]);
    assert_eq!(id.to_string(), r#"{"index":1,"type":"out"}"#);
    check(
        html::P::new(()).id(id),
        html("P", json!({"id": {"index": 1, "type": "out"}})),
    );
    // UTF-16 order: U+1F600 is written with surrogates, which come before U+FF5E.
    let id = Id::from([("\u{ff5e}", true.into()), ("\u{1f600}", "é.\"x\"".into())]);
    assert_eq!(
        id.to_string(),
        "{\"\u{1f600}\":\"é.\\\"x\\\"\",\"\u{ff5e}\":true}"
    );
}

#[test]
fn what_json_cannot_express_is_reported_with_its_place() {
    let strange = std::collections::HashMap::from([((1, 2), 3)]);
    let error = serde_json::to_string(&html::P::new(()).prop("data-map", strange))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("property \"data-map\" of P: key must be a string"),
        "{error}"
    );
}

#[test]
fn answers_are_values_components_and_anything_that_serializes() {
    #[derive(Serialize)]
    struct Row {
        carrier: &'static str,
    }
    let json = |prop: ferrodash_components::Prop| serde_json::to_value(&prop).unwrap();
    assert_eq!(
        json(Json([Row { carrier: "UA" }]).into_prop()),
        json!([{"carrier": "UA"}])
    );
    assert_eq!(json(vec![Some("a"), None].into_prop()), json!(["a", null]));
    assert_eq!(
        json(vec![html::B::new("x")].into_prop()),
        json!([html("B", json!({"children": "x"}))])
    );
    assert_eq!(json(().into_prop()), Value::Null);
}

#[cfg(feature = "plotly")]
#[test]
fn figures_of_the_plotly_crate_are_taken() {
    let mut plot = plotly::Plot::new();
    plot.add_trace(plotly::Scatter::new(vec![1, 2], vec![3, 4]));
    let graph = serde_json::to_value(dcc::Graph::new().plot(&plot)).unwrap();
    assert_eq!(graph["props"]["figure"]["data"][0]["y"], json!([3, 4]));
    assert!(graph["props"]["figure"]["config"].is_null());
}
