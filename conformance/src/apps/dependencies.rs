//! The twins of `python/dependencies.py`.

use ferrodash::prelude::*;
use ferrodash::{ALL, ALLSMALLER, Args, CallbackBuilder, MATCH, id};
use serde_json::{Value, json};

use super::app_of;

/// A function of these arguments that is only listed.
macro_rules! never {
    ($($argument:ident)*) => {
        async |$($argument: Value),*| {
            $(drop($argument);)*
            Err::<NoUpdate, _>("only listed")
        }
    };
}

pub(super) fn app(name: &str) -> Option<App> {
    let (ids, callbacks): (&[&'static str], Vec<Callback>) = match name {
        "dependencies_single" => (&["a", "b", "c", "o"], single()),
        "dependencies_multi" => (&["a", "o", "p"], multi()),
        "dependencies_interleaved" => (&["a", "b", "c", "o"], interleaved()),
        "dependencies_match" => (&["o"], matching()),
        "dependencies_all" => (&["o"], all()),
        "dependencies_allsmaller" => (&[], allsmaller()),
        "dependencies_fixed_output" => (&["o"], fixed_output()),
        "dependencies_ids" => (&[], ids()),
        "dependencies_dotted_output" => (&[], dotted_output()),
        "dependencies_duplicate" => (&["a", "b", "o"], duplicate()),
        "dependencies_no_output" => (&["a", "b"], no_output()),
        "dependencies_no_input" => (&["a", "o"], no_input()),
        "dependencies_optional" => (&["a", "o"], optional()),
        "dependencies_running" => (&["a", "b", "o"], running()),
        "dependencies_prevented" => (&["a", "o"], prevented()),
        "dependencies_app_prevents" => {
            return Some(
                app_of(["a", "o"])
                    .callbacks(with_duplicate())
                    .prevent_initial_callbacks(true),
            );
        }
        "dependencies_app_initial_duplicate" => (&["a", "o"], with_initial_duplicate()),
        "dependencies_clientside" => (&["a", "b", "o", "p"], clientside()),
        "dependencies_hidden" => (&["a", "o"], hidden()),
        "dependencies_grouped" => (&["a", "b", "c", "o", "p"], grouped()),
        "dependencies_none" => (&["a"], Vec::new()),
        _ => return None,
    };
    Some(app_of(ids.iter().copied()).callbacks(callbacks))
}

fn to(id: impl Into<Id>, property: &'static str) -> CallbackBuilder {
    Callback::builder().output(Output::new(id, property))
}

fn single() -> Vec<Callback> {
    vec![
        to("o", "children").input(("a", "value")).handler(never!(a)),
        to("o", "title")
            .input(("a", "value"))
            .input(("b", "n_clicks"))
            .state(("c", "data"))
            .state(("a", "id"))
            .handler(never!(a b c d)),
        to("a", "value")
            .input(("a", "value"))
            .input(("a", "n_blur"))
            .handler(never!(a b)),
    ]
}

fn multi() -> Vec<Callback> {
    let outputs = to("o", "children")
        .output(Output::new("p", "style"))
        .output(Output::new("o", "title"));
    vec![outputs.input(("a", "value")).handler(never!(a))]
}

fn interleaved() -> Vec<Callback> {
    let callback = to("o", "children")
        .state(("a", "value"))
        .input(("b", "value"));
    vec![
        callback
            .state(("c", "value"))
            .input(("a", "id"))
            .handler(never!(a b c d)),
    ]
}

fn matching() -> Vec<Callback> {
    vec![
        to(id! { type: "out", index: MATCH }, "children")
            .output(Output::new(id! { type: "out", index: MATCH }, "style"))
            .input((id! { type: "in", index: MATCH }, "value"))
            .state((id! { type: "in", index: MATCH }, "id"))
            .state(("o", "children"))
            .handler(never!(a b c)),
        to(id! { a: MATCH, b: MATCH }, "title")
            .input((id! { b: MATCH, a: MATCH }, "value"))
            .handler(never!(a)),
    ]
}

fn all() -> Vec<Callback> {
    vec![
        to("o", "children")
            .input((id! { type: "in", index: ALL }, "value"))
            .state((id! { x: ALL, y: ALL }, "id"))
            .handler(never!(a b)),
        to(id! { type: "out", index: ALL }, "style")
            .input(("o", "n_clicks"))
            .handler(never!(a)),
        to(id! { type: "out", row: MATCH, index: ALL }, "style")
            .output(Output::new(id! { type: "head", row: MATCH }, "children"))
            .input((id! { type: "in", row: MATCH, index: ALL }, "value"))
            .handler(never!(a)),
    ]
}

fn allsmaller() -> Vec<Callback> {
    vec![
        to(id! { type: "out", index: MATCH }, "children")
            .input((id! { type: "in", index: ALLSMALLER }, "value"))
            .input((id! { type: "in", index: MATCH }, "value"))
            .handler(never!(a b)),
    ]
}

fn fixed_output() -> Vec<Callback> {
    vec![
        to("o", "children")
            .input((id! { type: "in", index: MATCH }, "n_clicks"))
            .handler(never!(a)),
    ]
}

fn ids() -> Vec<Callback> {
    vec![
        to(id! { type: "größe", index: "雪" }, "children")
            .input((id! { type: "n", index: -1 }, "value"))
            .input((id! { type: "b", index: true }, "value"))
            .state((id! { type: "a.b", index: r#""q""# }, "value"))
            .handler(never!(a b c)),
    ]
}

fn dotted_output() -> Vec<Callback> {
    let callback = to(id! { type: "a.b", index: 1 }, "children");
    vec![
        callback
            .input((id! { type: "a.b", index: 2 }, "value"))
            .handler(never!(a)),
    ]
}

fn duplicate() -> Vec<Callback> {
    let other = |id: Id, property: &'static str| Output::new(id, property).allow_duplicate();
    vec![
        to("o", "children").input(("a", "value")).handler(never!(a)),
        Callback::builder()
            .output(other("o".into(), "children"))
            .input(("b", "value"))
            .input(("a", "id"))
            .state(("a", "value"))
            .prevent_initial_call()
            .handler(never!(a b c)),
        Callback::builder()
            .output(other("o".into(), "children"))
            .output(Output::new("o", "title"))
            .output(other("a".into(), "style"))
            .input(("b", "n_clicks"))
            .initial_duplicate()
            .handler(never!(a)),
        Callback::builder()
            .output(other(id! { type: "out", index: MATCH }, "children"))
            .input((id! { type: "größe", index: MATCH }, "value"))
            .prevent_initial_call()
            .handler(never!(a)),
    ]
}

fn no_output() -> Vec<Callback> {
    vec![
        Callback::builder().input(("a", "value")).handler(never!(a)),
        Callback::builder()
            .input(("a", "value"))
            .input(("b", "n_clicks"))
            .state(("b", "id"))
            .prevent_initial_call()
            .handler(never!(a b c)),
        Callback::builder()
            .input((id! { type: "in", index: ALL }, "value"))
            .handler(never!(a)),
    ]
}

fn no_input() -> Vec<Callback> {
    vec![
        to("o", "children").handler(never!()),
        to("o", "title").state(("a", "value")).handler(never!(a)),
    ]
}

fn optional() -> Vec<Callback> {
    vec![
        to("o", "children")
            .input(("a", "value"))
            .input(Input::new("ghost", "value").optional())
            .state(State::new("ghost", "data").optional())
            .handler(never!(a b c)),
        to("ghost", "children")
            .input(("a", "value"))
            .optional()
            .handler(never!(a)),
    ]
}

fn running() -> Vec<Callback> {
    vec![
        to("o", "children")
            .input(("b", "n_clicks"))
            .running("b", "disabled", true, false)
            .running("o", "style", json!({"color": "red"}), json!({}))
            .running(id! { type: "x", index: ALL }, "title", "busy", ())
            .handler(never!(a)),
        to(id! { type: "out", index: MATCH }, "children")
            .input((id! { type: "in", index: MATCH }, "n_clicks"))
            .running(id! { type: "in", index: MATCH }, "disabled", true, false)
            .handler(never!(a)),
    ]
}

fn prevented() -> Vec<Callback> {
    vec![
        to("o", "children")
            .input(("a", "value"))
            .prevent_initial_call()
            .handler(never!(a)),
        to("o", "title")
            .input(("a", "value"))
            .initial_call()
            .handler(never!(a)),
    ]
}

fn with_duplicate() -> Vec<Callback> {
    vec![
        to("o", "children").input(("a", "value")).handler(never!(a)),
        Callback::builder()
            .output(Output::new("o", "children").allow_duplicate())
            .input(("a", "n_clicks"))
            .handler(never!(a)),
    ]
}

fn with_initial_duplicate() -> Vec<Callback> {
    vec![
        to("o", "children").input(("a", "value")).handler(never!(a)),
        Callback::builder()
            .output(Output::new("o", "children").allow_duplicate())
            .input(("a", "n_clicks"))
            .initial_duplicate()
            .handler(never!(a)),
    ]
}

fn clientside() -> Vec<Callback> {
    vec![
        to("o", "children")
            .input(("a", "value"))
            .clientside("function(n){return n}"),
        to("p", "children")
            .output(Output::new("o", "title"))
            .input(("a", "value"))
            .state(("b", "id"))
            .prevent_initial_call()
            .clientside_function("conformance", "named"),
        Callback::builder()
            .output(Output::new("o", "children").allow_duplicate())
            .input(("b", "n_clicks"))
            .prevent_initial_call()
            .hidden()
            .clientside("function(n) {\n    return 'größe ' + n;\n}\n"),
        Callback::builder()
            .input(("a", "value"))
            .input(("b", "value"))
            .clientside("() => {}"),
        to(id! { t: "o", i: MATCH }, "children")
            .input(Input::new(id! { t: "i", i: MATCH }, "value").optional())
            .clientside("x => x"),
    ]
}

fn hidden() -> Vec<Callback> {
    vec![
        to("o", "children")
            .input(("a", "value"))
            .hidden()
            .handler(never!(a)),
        to("o", "title").input(("a", "value")).handler(never!(a)),
    ]
}

fn grouped() -> Vec<Callback> {
    let range = Args::new()
        .input("low", Input::new("b", "value"))
        .state("high", State::new("c", "value"));
    let all = Args::new()
        .state("month", State::new("a", "id"))
        .input("carrier", Input::new("a", "value"));
    let pair = Args::new()
        .input("value", Input::new("b", "value"))
        .state("id", State::new("b", "id"));
    vec![
        to("o", "children")
            .args(all.args("range", range))
            .handler(never!(a)),
        to("p", "children")
            .input(("a", "value"))
            .args(pair)
            .handler(never!(a b)),
    ]
}
