//! The twins of `python/values.py`.

use ferrodash::prelude::*;
use ferrodash::{IntoProp, id};
use serde_json::{Value, json};

use super::app_of;

pub(super) fn app(name: &str) -> Option<App> {
    Some(match name {
        "values" => values(),
        "several" => several(),
        "duplicates" => duplicates(),
        _ => return None,
    })
}

fn values() -> App {
    let values = scalars().into_iter().chain(structures());
    let (ids, callbacks): (Vec<&'static str>, Vec<Callback>) = values.unzip();
    app_of(["a"].into_iter().chain(ids)).callbacks(callbacks)
}

/// A callback that returns a value, whatever its input.
fn returning<T: IntoProp + 'static>(
    id: &'static str,
    value: impl Fn() -> T + Clone + Send + Sync + 'static,
) -> (&'static str, Callback) {
    let builder = Callback::builder()
        .output(Output::new(id, "children"))
        .input(("a", "value"));
    let handler = move |_: Option<Value>| {
        let value = value().into_prop();
        async move { value }
    };
    (id, builder.handler(handler))
}

fn scalars() -> Vec<(&'static str, Callback)> {
    vec![
        returning("text", || "Größe <b>雪</b> & 🦀 / \"q\""),
        returning("empty", || ""),
        returning("integer", || 9_007_199_254_740_991_i64),
        returning("negative", || -7),
        returning("float", || 2.5),
        returning("whole", || 2.0),
        returning("nan", || f64::NAN),
        returning("infinite", || vec![1.0, f64::INFINITY]),
        returning("true", || true),
        returning("null", || ()),
        returning("date", || "2026-02-28"),
    ]
}

fn structures() -> Vec<(&'static str, Callback)> {
    let components = || {
        let input = dcc::Input::new().id("new").value(1);
        (
            html::I::new("a"),
            "text",
            3,
            html::Div::new((html::Br::new(), input)),
        )
            .into_children()
    };
    vec![
        returning("list", || json!([1, "two", null, [3.5, {}]])),
        returning("empty-list", || json!([])),
        returning(
            "dictionary",
            || json!({"a": {"b": [1, null]}, "größe": "ø", "": 0}),
        ),
        returning("component", || html::B::new("bold").id("bold").data("x", 1)),
        returning("components", components),
        returning("row-id", || {
            html::Div::new("row").id(id! { type: "row", index: 1 })
        }),
        returning(
            "options",
            || json!([{"label": html::B::new("x"), "value": 1}, {"label": "y", "value": "2"}]),
        ),
        returning(
            "figure",
            || json!({"data": [{"y": [1, 2.5, null], "type": "bar"}], "layout": {}}),
        ),
    ]
}

fn several() -> App {
    let to = |id: &'static str, property: &'static str| {
        Callback::builder().output(Output::new(id, property))
    };
    let callbacks = [
        to("o", "children")
            .output(Output::new("p", "style"))
            .output(Output::new("o", "title"))
            .input(("a", "value"))
            .handler(async |text: String| {
                (html::B::new(text), Style::from([("color", "red")]), ())
            }),
        to("p", "children")
            .output(Output::new("q", "children"))
            .input(("a", "value"))
            .handler(async |text: String| (no_update(), text)),
        to("q", "title")
            .output(Output::new("p", "title"))
            .input(("a", "value"))
            .handler(async |_: String| (no_update(), no_update())),
        to("q", "style")
            .input(("a", "value"))
            .handler(async |_: String| no_update()),
        to("o", "id")
            .output(Output::new(id! { type: "größe", index: true }, "title"))
            .input(("a", "value"))
            .handler(async |_: String| ("o", "t")),
    ];
    app_of(["a", "b", "o", "p", "q"]).callbacks(callbacks)
}

fn duplicates() -> App {
    let duplicate = || Callback::builder().output(Output::new("o", "children").allow_duplicate());
    let callbacks = [
        Callback::builder()
            .output(Output::new("o", "children"))
            .input(("a", "value"))
            .handler(async |number: i64| format!("first {number}")),
        duplicate()
            .input(("b", "value"))
            .prevent_initial_call()
            .handler(async |text: String| format!("second {text}")),
        duplicate()
            .output(Output::new("p", "children"))
            .input(("b", "n_clicks"))
            .initial_duplicate()
            .handler(async |clicks: Option<i64>| ("third", clicks)),
    ];
    app_of(["a", "b", "o", "p"]).callbacks(callbacks)
}
