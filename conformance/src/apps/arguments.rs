//! The twins of `python/arguments.py`, `python/endpoints.py` and `python/dynamic.py`.

use ferrodash::cookie::{Cookie, SameSite, time};
use ferrodash::prelude::*;
use ferrodash::{ALL, Args, CallbackBuilder, Grouping, id};
use serde::Deserialize;
use serde_json::{Value, json};

use super::app_of;

pub(super) fn app(name: &str) -> Option<App> {
    Some(match name {
        "arguments" => {
            let ids = ["a", "b", "c", "o", "p", "q", "r", "s"];
            app_of(ids)
                .callbacks(plain())
                .callbacks(grouped())
                .callbacks(context())
        }
        "answers" => app_of(["a", "o", "p", "q", "r"]).callbacks(answers()),
        "endpoints" => app_of(["a", "b", "o", "p", "q", "r"]).callbacks(endpoints()),
        "dynamic" => app_of(["a", "b", "o", "p"]).callback(adds()),
        _ => return None,
    })
}

fn to(id: &'static str, property: &'static str) -> CallbackBuilder {
    Callback::builder().output(Output::new(id, property))
}

fn plain() -> [Callback; 3] {
    [
        to("o", "children")
            .input(("a", "value"))
            .input(("b", "value"))
            .state(("c", "value"))
            .handler(async |first: Value, second: Value, state: Value| {
                json!([first, second, state])
            }),
        to("o", "title")
            .state(("a", "value"))
            .input(("b", "value"))
            .state(("c", "value"))
            .input(("a", "n_clicks"))
            .handler(async |b: Value, clicks: Value, a: Value, c: Value| json!([a, b, c, clicks])),
        to("o", "style")
            .input(("a", "value"))
            .input(Input::new("ghost", "value").optional())
            .state(State::new("ghost", "data").optional())
            .handler(async |value: Value, ghost: Value, data: Value| json!([value, ghost, data])),
    ]
}

#[derive(Deserialize)]
struct Filter {
    carrier: Value,
    range: Range,
    month: Value,
}

#[derive(Deserialize)]
struct Range {
    low: Value,
    high: Value,
}

#[derive(Deserialize)]
struct Pair {
    value: Value,
    id: Value,
}

fn grouped() -> [Callback; 3] {
    let range = Args::new()
        .input("low", Input::new("b", "value"))
        .state("high", State::new("c", "value"));
    let filter = Args::new()
        .state("month", State::new("a", "id"))
        .input("carrier", Input::new("a", "value"));
    let pair = Args::new()
        .input("value", Input::new("b", "value"))
        .state("id", State::new("b", "id"));
    let all = Input::new(id! { type: "in", index: ALL }, "value");
    let named = Args::new()
        .state("s", State::new("b", "value"))
        .input("one", Input::new("a", "value"));
    [
        to("p", "children")
            .args(filter.args("range", range))
            .handler(async |it: Filter| json!([it.carrier, it.range.low, it.range.high, it.month])),
        to("p", "title")
            .input(("a", "value"))
            .args(pair)
            .handler(async |first: Value, pair: Pair| json!([first, pair.value, pair.id])),
        to("q", "title")
            .args(named.input("many", all))
            .handler(async |_: Value, context: Context| leaves(&context.args_grouping()[0])),
    ]
}

/// A grouping as `args_grouping` has it in Python.
fn leaves(grouping: &Grouping) -> Value {
    let leaf = |argument: &ferrodash::Argument| {
        json!({
            "id": argument.id, "property": argument.property, "value": argument.value::<Value>().unwrap_or_default(),
            "str_id": argument.str_id(), "triggered": argument.triggered,
        })
    };
    match grouping {
        Grouping::One(argument) => leaf(argument),
        Grouping::Struct(fields) => fields
            .iter()
            .map(|(name, field)| (name.to_string(), leaves(field)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        grouping => grouping.many().iter().map(leaf).collect(),
    }
}

/// Groupings as `inputs_list` and its like have them in Python.
fn list(groupings: &[Grouping], has_values: bool) -> Value {
    let entry = |argument: &ferrodash::Argument| {
        let mut entry = json!({"id": argument.id, "property": argument.property});
        if has_values {
            entry["value"] = argument.value().unwrap_or_default();
        }
        entry
    };
    let one = |grouping: &Grouping| match grouping {
        Grouping::One(argument) => entry(argument),
        grouping => grouping.many().iter().map(entry).collect(),
    };
    groupings.iter().map(one).collect()
}

fn context() -> [Callback; 3] {
    [
        to("q", "children")
            .input(("a", "value"))
            .input(("b", "value"))
            .input((id! { type: "in", index: ALL }, "value"))
            .handler(async |_: Value, _: Value, _: Value, context: Context| {
                let triggered = context.triggered().iter();
                let entries = triggered
                    .map(|it| json!([it.prop_id(), it.value::<Value>().unwrap_or_default()]));
                json!([entries.collect::<Value>(), context.triggered_id()])
            }),
        to("r", "children")
            .output(Output::new(id! { type: "out", index: ALL }, "children"))
            .input(("a", "value"))
            .state((id! { type: "in", index: ALL }, "value"))
            .handler(async |_: Value, _: Value, context: Context| {
                let outputs = context.outputs_grouping();
                let all = [
                    list(&context.inputs_list(), true),
                    list(&context.states_list(), true),
                    list(&outputs, false),
                ];
                (json!(all), vec!["x"; outputs[1].many().len()])
            }),
        to("r", "title")
            .input(("a", "value"))
            .handler(async |_: Value, context: Context| {
                json!([
                    context.cookie("who"),
                    context.header("X-Test"),
                    context.path(),
                    context.query()
                ])
            }),
    ]
}

fn answers() -> [Callback; 2] {
    [
        to("o", "children").input(("a", "value")).handler(
            async |value: Value, context: Context| {
                context.set_cookie(Cookie::build(("plain", "v")).path("/"));
                let full = Cookie::build(("full", "a b"))
                    .path("/x")
                    .secure(true)
                    .http_only(true)
                    .same_site(SameSite::Lax);
                context.set_cookie(full.max_age(time::Duration::seconds(60)));
                value
            },
        ),
        to("p", "children").input(("a", "value")).handler(
            async |value: Value, context: Context| {
                context.set_header("X-Set", "first")?;
                context.set_header("X-Set", "second")?;
                context.append_header("X-Many", "one")?;
                context.append_header("X-Many", "two")?;
                Ok::<_, CallbackError>(value)
            },
        ),
    ]
}

fn endpoints() -> [Callback; 3] {
    [
        to("o", "children")
            .input(("a", "value"))
            .state(("b", "value"))
            .api_endpoint("/api/add", ["first", "second"])
            .handler(async |first: Option<i64>, second: i64| {
                let first = first.ok_or(PreventUpdate)?;
                Ok::<_, PreventUpdate>(json!({"sum": first + second, "größe": [first, null]}))
            }),
        to("p", "children")
            .output(Output::new("q", "children"))
            .input(("a", "value"))
            .api_endpoint("/api/two", ["text"])
            .handler(async |text: String| {
                let length = text.chars().count();
                (text, length)
            }),
        to("r", "children")
            .input(("a", "value"))
            .api_endpoint("/api/fails", ["text"])
            .handler(async |_: String| Err::<(), _>("no data")),
    ]
}

fn adds() -> Callback {
    to("o", "children")
        .input(("a", "value"))
        .dynamic_callbacks()
        .handler(async |value: Value, context: Context| {
            let added = to("p", "children")
                .input(("b", "value"))
                .prevent_initial_call();
            context.add_callback(added.handler(async |text: String| format!("added {text}")))?;
            Ok::<_, CallbackError>(value)
        })
}
