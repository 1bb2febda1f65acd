//! The twins of `python/failures.py`.

use ferrodash::prelude::*;
use ferrodash::{CallbackBuilder, Failure, id};
use serde_json::{Value, json};

use super::app_of;

pub(super) fn app(name: &str) -> Option<App> {
    Some(match name {
        "failures" => failures(),
        "handled" => app_of(["a", "b", "o", "p", "q", "r"])
            .callbacks(handled())
            .callbacks(handled_with_effects()),
        "handled_by_app" => handled_by_app(),
        "refused" => refused(),
        _ => return None,
    })
}

async fn fails(_: Value) -> Result<(), &'static str> {
    Err("no data")
}

async fn prevents(_: Value) -> Result<(), PreventUpdate> {
    Err(PreventUpdate)
}

/// From `a.value`, as most are.
fn to(id: &'static str, property: &'static str) -> CallbackBuilder {
    Callback::builder()
        .output(Output::new(id, property))
        .input(("a", "value"))
}

fn failures() -> App {
    let callbacks = [
        to("a", "children").handler(fails),
        to("b", "children").handler(prevents),
        to("c", "children")
            .output(Output::new("c", "title"))
            .handler(async |_: Value| Err::<NoUpdate, _>(PreventUpdate)),
        Callback::builder().input(("a", "value")).handler(fails),
        Callback::builder().input(("b", "value")).handler(prevents),
        to("d", "children").handler(async |_: Value, context: Context| {
            context.set_props("e", "children", "lost");
            Err::<(), _>(PreventUpdate)
        }),
        to("e", "children").handler(async |_: Value, context: Context| {
            context.set_props("e", "title", "lost");
            Err::<(), _>("no data")
        }),
    ];
    app_of(["a", "b", "c", "d", "e", "f", "g"]).callbacks(callbacks)
}

fn tells(failure: &Failure, context: &Context) -> String {
    format!(
        "{failure} of {}",
        context
            .triggered_id()
            .map(ToString::to_string)
            .unwrap_or_default()
    )
}

fn sets(failure: &Failure, context: &Context) -> NoUpdate {
    context.set_props("p", "title", failure.to_string());
    NoUpdate
}

fn handled() -> Vec<Callback> {
    vec![
        to("o", "children").on_error(tells).handler(fails),
        to("o", "style")
            .on_error(|_: &Failure, _: &Context| NoUpdate)
            .handler(fails),
        to("o", "title")
            .on_error(|_: &Failure, _: &Context| no_update())
            .handler(fails),
        to("p", "children")
            .output(Output::new("p", "style"))
            .on_error(|failure: &Failure, _: &Context| (failure.to_string(), no_update()))
            .handler(async |_: Value| Err::<NoUpdate, _>("no data")),
        to("q", "title")
            .on_error(|_: &Failure, _: &Context| Err::<(), _>(PreventUpdate))
            .handler(fails),
        to("q", "style")
            .on_error(|_: &Failure, _: &Context| Err::<(), _>("no data"))
            .handler(fails),
        to("r", "title").on_error(tells).handler(prevents),
    ]
}

fn handled_with_effects() -> Vec<Callback> {
    vec![
        to("q", "children").on_error(sets).handler(fails),
        Callback::builder()
            .input(("a", "value"))
            .on_error(|failure: &Failure, context: &Context| {
                sets(failure, context);
            })
            .handler(fails),
        Callback::builder()
            .input(("b", "value"))
            .on_error(|_: &Failure, _: &Context| ())
            .handler(fails),
        to("r", "children")
            .on_error(sets)
            .handler(async |_: Value, context: Context| {
                context.set_props("r", "title", "before");
                Err::<(), _>("no data")
            }),
    ]
}

fn handled_by_app() -> App {
    let callbacks = [
        to("o", "children").handler(fails),
        to("p", "children")
            .on_error(|failure: &Failure, _: &Context| format!("own: {failure}"))
            .handler(fails),
        to("o", "title").handler(prevents),
        to("o", "style").handler(async |text: String| json!({"color": text})),
    ];
    app_of(["a", "o", "p"])
        .callbacks(callbacks)
        .on_error(|failure: &Failure, _: &Context| format!("app: {failure}"))
}

fn refused() -> App {
    let callbacks = [
        to("o", "children").state(("b", "value")).handler(
            async |text: Value, state: i64| match text {
                Value::String(text) => format!("{text} {state}"),
                other => format!("{other} {state}"),
            },
        ),
        to("o", "title")
            .output(Output::new("o", "style"))
            .handler(async |text: String| (text, json!({}))),
        Callback::builder()
            .output(Output::new(id! { type: "out", index: 1 }, "children"))
            .input(("a", "value"))
            .handler(async |text: String| text),
        Callback::builder()
            .input(("a", "value"))
            .handler(async |_: Value, context: Context| {
                context.set_props("o", "children", "set");
            }),
    ];
    app_of(["a", "b", "o"]).callbacks(callbacks)
}
