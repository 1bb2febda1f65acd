//! The twin of `python/page.py`, a page with every kind of callback.

use std::fmt::Display;
use std::time::Duration;

use ferrodash::prelude::*;
use ferrodash::{ALL, ALLSMALLER, Args, CallbackBuilder, Each, Failure, IdValue, MATCH, Patch, id};
use serde::Deserialize;
use serde_json::json;

use crate::files;

pub(super) fn app(name: &str) -> Option<App> {
    let callbacks = || {
        basics()
            .into_iter()
            .chain(patterns())
            .chain(rows())
            .chain(effects())
            .chain(failing())
            .chain(clientside())
    };
    (name == "page").then(|| {
        App::new(layout())
            .assets_folder(files::path("assets"))
            .debug(false)
            .callbacks(callbacks())
    })
}

fn row(index: i64) -> html::Div {
    let id = |kind: &str| id! { type: kind, index: index };
    html::Div::new((
        dcc::Input::new().id(id("in")).value(index.to_string()),
        html::Button::new("fix").id(id("fix")),
        html::Span::new(()).id(id("out")),
        html::Span::new(()).id(id("smaller")),
        html::Span::new(()).id(id("mark")),
    ))
}

fn layout() -> html::Div {
    let texts = [
        "single",
        "multi-a",
        "multi-b",
        "all",
        "fixed",
        "dup",
        "side",
        "chained",
        "initial",
        "optional",
        "prevented",
        "failed",
        "own-failed",
        "inline",
        "named",
        "shown",
        "grouped",
        "state",
    ];
    let buttons = [
        "multi", "mark", "add", "first", "second", "set", "quiet", "patch", "slow", "prevent",
        "fail", "clear",
    ];
    html::Div::new((
        dcc::Input::new().id("name").value("a"),
        texts.map(|id| html::P::new(()).id(id)),
        buttons.map(|id| html::Button::new(id).id(id)),
        dcc::Store::new("store").data(json!({"n": 1, "list": [1]})),
        html::Div::new((0..3).map(row)).id("rows"),
    ))
}

fn to(id: impl Into<Id>, property: &'static str) -> CallbackBuilder {
    Callback::builder().output(Output::new(id, property))
}

/// A value as Python's f-strings have it.
fn said(value: Option<impl Display>) -> String {
    value.map_or("None".to_owned(), |value| value.to_string())
}

#[derive(Deserialize)]
struct Grouped {
    name: String,
    clicks: Clicks,
}

#[derive(Deserialize)]
struct Clicks {
    first: Option<i64>,
    second: Option<i64>,
}

fn basics() -> Vec<Callback> {
    let clicks = Args::new()
        .input("first", Input::new("first", "n_clicks"))
        .state("second", State::new("second", "n_clicks"));
    vec![
        to("single", "children")
            .input(("name", "value"))
            .handler(async |name: String| format!("single {name}")),
        to("multi-a", "children")
            .output(Output::new("multi-b", "children"))
            .output(Output::new("multi-b", "title"))
            .input(("multi", "n_clicks"))
            .state(("name", "value"))
            .handler(async |clicks: Option<i64>, name: String| {
                let first =
                    (format!("multi {} ", said(clicks)), html::B::new(name)).into_children();
                let second = if clicks == Some(2) {
                    Update::No
                } else {
                    Update::To(format!("b {}", said(clicks)))
                };
                (first, second, "t")
            }),
        to("initial", "children").handler(async || "initial"),
        to("optional", "children")
            .input(("name", "value"))
            .input(Input::new("ghost", "value").optional())
            .handler(async |name: String, ghost: Option<String>| {
                format!("optional {name} {}", said(ghost))
            }),
        to("dup", "children")
            .input(("first", "n_clicks"))
            .prevent_initial_call()
            .handler(async |clicks: Option<i64>| format!("first {}", said(clicks))),
        Callback::builder()
            .output(Output::new("dup", "children").allow_duplicate())
            .input(("second", "n_clicks"))
            .prevent_initial_call()
            .handler(async |clicks: Option<i64>| format!("second {}", said(clicks))),
        to("grouped", "children")
            .args(
                Args::new()
                    .input("name", Input::new("name", "value"))
                    .args("clicks", clicks),
            )
            .handler(async |it: Grouped, context: Context| {
                let (first, second) = (said(it.clicks.first), said(it.clicks.second));
                format!(
                    "grouped {} {first} {second} {}",
                    it.name,
                    said(context.triggered_id())
                )
            }),
    ]
}

fn patterns() -> Vec<Callback> {
    let keyed = |kind: &str, index: IdValue| id! { type: kind, index: index };
    vec![
        to(keyed("out", MATCH), "children")
            .input((keyed("in", MATCH), "value"))
            .handler(async |value: String| format!("out {value} ")),
        to("all", "children")
            .input((keyed("in", ALL), "value"))
            .state((keyed("in", ALL), "id"))
            .handler(async |values: Vec<String>, ids: Vec<Id>| {
                let pair =
                    |(id, value): (&Id, &String)| format!("{}={value}", said(id.get("index")));
                format!(
                    "all {}",
                    ids.iter()
                        .zip(&values)
                        .map(pair)
                        .collect::<Vec<_>>()
                        .join(" ")
                )
            }),
        to(keyed("smaller", MATCH), "children")
            .input((keyed("in", ALLSMALLER), "value"))
            .state((keyed("in", MATCH), "value"))
            .handler(async |before: Vec<String>, own: String| {
                format!("smaller {} than {own} ", before.join(" "))
            }),
        to(keyed("mark", ALL), "children")
            .input(("mark", "n_clicks"))
            .prevent_initial_call()
            .handler(async |clicks: i64, context: Context| {
                let count = context.outputs_grouping()[0].many().len();
                let mark = |number| {
                    if number == 0 {
                        Update::No
                    } else {
                        Update::To(format!("mark {clicks}"))
                    }
                };
                Each((0..count).map(mark).collect())
            }),
        to("fixed", "children")
            .input((keyed("fix", MATCH), "n_clicks"))
            .prevent_initial_call()
            .handler(async |clicks: Option<i64>, context: Context| {
                let index = context.triggered_id().and_then(|id| id.get("index"));
                format!("fixed {} {}", said(index), said(clicks))
            }),
    ]
}

fn rows() -> Vec<Callback> {
    vec![
        to("rows", "children")
            .input(("add", "n_clicks"))
            .prevent_initial_call()
            .handler(async |clicks: i64| {
                let mut patch = Patch::new();
                patch.append(row(2 + clicks));
                patch
            }),
        Callback::builder()
            .output(Output::new("rows", "children").allow_duplicate())
            .input(("clear", "n_clicks"))
            .prevent_initial_call()
            .handler(async |_: i64| json!([])),
    ]
}

#[derive(Deserialize)]
struct Data {
    n: i64,
    list: Vec<i64>,
}

fn effects() -> Vec<Callback> {
    vec![
        Callback::builder()
            .input(("set", "n_clicks"))
            .prevent_initial_call()
            .handler(async |clicks: i64, context: Context| {
                context.set_props("side", "children", format!("side {clicks}"));
                context.set_props("side", "title", "t");
                context.set_props(id! { type: "mark", index: 0 }, "children", "marked");
            }),
        to("chained", "children")
            .input(("side", "children"))
            .prevent_initial_call()
            .handler(async |side: String| format!("chained {side}")),
        Callback::builder()
            .input(("quiet", "n_clicks"))
            .prevent_initial_call()
            .handler(async |_: i64| ()),
        to("store", "data")
            .input(("patch", "n_clicks"))
            .prevent_initial_call()
            .handler(async |clicks: i64| {
                let mut patch = Patch::new();
                patch["n"] += 1;
                patch["list"].append(clicks);
                patch["new"]["deep"].set("x");
                patch
            }),
        to("state", "children")
            .input(("slow", "n_clicks"))
            .state(("store", "data"))
            .running("slow", "disabled", true, false)
            .running("slow", "children", "running", "slow")
            .prevent_initial_call()
            .handler(async |clicks: i64, data: Data| {
                tokio::time::sleep(Duration::from_millis(400)).await;
                format!("slow {clicks} {} {:?}", data.n, data.list)
            }),
    ]
}

fn failing() -> Vec<Callback> {
    vec![
        to("prevented", "children")
            .input(("prevent", "n_clicks"))
            .handler(async |clicks: Option<i64>| match clicks {
                Some(_) => Err(PreventUpdate),
                None => Ok("prevented"),
            }),
        to("failed", "children")
            .input(("fail", "n_clicks"))
            .handler(async |clicks: Option<i64>| match clicks {
                Some(1) => Err("no data"),
                clicks => Ok(format!("failed {}", said(clicks))),
            }),
        to("own-failed", "children")
            .input(("fail", "n_clicks"))
            .on_error(|failure: &Failure, _: &Context| format!("own {failure}"))
            .prevent_initial_call()
            .handler(async |_: i64| Err::<(), _>("no data")),
    ]
}

fn clientside() -> Vec<Callback> {
    vec![
        to("inline", "children")
            .input(("name", "value"))
            .clientside("(value) => `inline ${value}`"),
        to("named", "children")
            .output(Output::new("named", "title"))
            .input(("name", "value"))
            .input(("first", "n_clicks"))
            .clientside_function("conformance", "joined"),
        to("shown", "children")
            .input(("store", "data"))
            .clientside("(data) => JSON.stringify(data)"),
    ]
}
