//! The twins of `python/patterns.py`.

use ferrodash::prelude::*;
use ferrodash::{ALL, ALLSMALLER, Each, IdValue, IntoProp, MATCH, id};
use serde_json::{Value, json};

use super::app_of;

pub(super) fn app(name: &str) -> Option<App> {
    (name == "patterns").then(|| {
        app_of(["a", "o", "p", "q"])
            .callbacks(matching())
            .callbacks(all())
            .callbacks(mixed())
    })
}

fn row(index: IdValue) -> Id {
    id! { type: "in", index: index }
}

fn out(index: IdValue, property: &'static str) -> Output {
    Output::new(id! { type: "out", index: index }, property)
}

fn matching() -> [Callback; 5] {
    [
        Callback::builder()
            .output(out(MATCH, "children"))
            .input((row(MATCH), "value"))
            .state((row(MATCH), "id"))
            .handler(async |value: Value, id: Id| {
                let index = id.get("index").map(ToString::to_string);
                vec![value.into_prop(), html::B::new(index).into_prop()]
            }),
        Callback::builder()
            .output(out(MATCH, "style"))
            .output(out(MATCH, "title"))
            .input((row(MATCH), "value"))
            .handler(async |value: Value| (json!({"width": value}), no_update())),
        Callback::builder()
            .output(Output::new(id! { a: MATCH, b: MATCH }, "title"))
            .input((id! { b: MATCH, a: MATCH }, "value"))
            .handler(async |value: Value| value),
        Callback::builder()
            .output(Output::new(
                id! { type: "smaller", index: MATCH },
                "children",
            ))
            .input((row(ALLSMALLER), "value"))
            .input((row(MATCH), "value"))
            .handler(async |before: Vec<Value>, own: Value| json!([before, own])),
        Callback::builder()
            .output(out(MATCH, "key").allow_duplicate())
            .input((row(MATCH), "value"))
            .prevent_initial_call()
            .handler(async |value: Value| value),
    ]
}

fn all() -> [Callback; 5] {
    let from_a = |output| Callback::builder().output(output).input(("a", "value"));
    [
        Callback::builder()
            .output(Output::new("o", "children"))
            .input((row(ALL), "value"))
            .state((row(ALL), "id"))
            .handler(async |values: Vec<Value>, ids: Vec<Id>| {
                let ids: Vec<Option<&IdValue>> = ids.iter().map(|id| id.get("index")).collect();
                json!([values.len(), values, ids])
            }),
        from_a(out(ALL, "lang")).handler(async |value: String, context: Context| {
            let count = context.outputs_grouping()[0].many().len();
            (0..count)
                .map(|number| format!("{value} {number}"))
                .collect::<Vec<_>>()
        }),
        from_a(out(ALL, "dir"))
            .output(Output::new("p", "children"))
            .handler(async |value: String, context: Context| {
                let count = context.outputs_grouping()[0].many().len();
                let all = [
                    Update::To(value.clone().into_prop()),
                    Update::No,
                    Update::To(html::I::new("c").into_prop()),
                ];
                (Each(all.into_iter().take(count).collect()), value)
            }),
        from_a(out(ALL, "hidden"))
            .output(Output::new("p", "title"))
            .handler(async |value: String| (no_update(), value)),
        from_a(out(ALL, "draggable")).handler(async |_: String| vec![1, 2, 3]),
    ]
}

fn mixed() -> [Callback; 3] {
    [
        Callback::builder()
            .output(Output::new("q", "children"))
            .input((row(MATCH), "n_clicks"))
            .handler(async |count: i64, context: Context| {
                let index = context.triggered_id().and_then(|id| id.get("index"));
                let value: Option<i64> = context
                    .triggered()
                    .first()
                    .and_then(|trigger| trigger.value().ok());
                json!([count, index, value.map(|value| value.to_string())])
            }),
        Callback::builder().input((row(ALL), "n_clicks")).handler(
            async |counts: Vec<Option<i64>>, context: Context| {
                for (argument, count) in context.inputs_list()[0].many().iter().zip(counts) {
                    if let Some(index) = argument.id.get("index") {
                        context.set_props(
                            id! { type: "out", index: index.clone() },
                            "children",
                            count,
                        );
                    }
                }
            },
        ),
        Callback::builder()
            .output(Output::new(
                id! { type: "cell", row: MATCH, index: ALL },
                "children",
            ))
            .output(Output::new(id! { type: "head", row: MATCH }, "children"))
            .input((id! { type: "in", row: MATCH, index: ALL }, "value"))
            .handler(async |values: Vec<i64>| {
                (
                    values.iter().map(|value| value * 2).collect::<Vec<_>>(),
                    values.iter().sum::<i64>(),
                )
            }),
    ]
}
