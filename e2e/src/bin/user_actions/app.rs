//! The Rust side: the app of `e2e/python/user_actions.py`, with the options that the guide
//! recommends for each of its callbacks.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use ferrodash::prelude::*;
use serde_json::{Value, json};

/// How often each function ran.
struct Runs {
    page: AtomicU32,
    text: AtomicU32,
    slider: AtomicU32,
    interval: AtomicU32,
    choice: AtomicU32,
}

static RUNS: Runs = Runs {
    page: AtomicU32::new(0),
    text: AtomicU32::new(0),
    slider: AtomicU32::new(0),
    interval: AtomicU32::new(0),
    choice: AtomicU32::new(0),
};

/// Whether the pages have another text since the last invalidation.
static EDITED: AtomicBool = AtomicBool::new(false);

/// The tag of what [`edit`] changes.
const TAG: &str = "pages";

/// Counts a run of a function, and takes as long as its query would.
async fn work(counter: &AtomicU32, milliseconds: u64) {
    counter.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// The app, which keeps its answers in a cache.
pub(crate) fn app(cache: Cache) -> Router {
    let app = App::new(layout())
        .cache(cache)
        .callbacks(callbacks![show_page, type_text, drag, tick, draw]);
    let app = app.build().expect("the app has no mistakes");
    app.into_router().route("/runs", get(show_runs))
}

/// Changes the text of all pages.
pub(crate) async fn edit(cache: &Cache) {
    EDITED.store(true, Ordering::SeqCst);
    cache
        .invalidate_tag(TAG)
        .await
        .expect("the memory of this process takes an invalidation");
}

/// Forgets that the pages were changed, for the next round.
pub(crate) fn restore() {
    EDITED.store(false, Ordering::SeqCst);
}

async fn show_runs() -> String {
    let read = |counter: &AtomicU32| counter.load(Ordering::SeqCst);
    let runs = json!({
        "page": read(&RUNS.page),
        "text": read(&RUNS.text),
        "slider": read(&RUNS.slider),
        "interval": read(&RUNS.interval),
        "choice": read(&RUNS.choice),
    });
    runs.to_string()
}

fn layout() -> html::Main {
    html::Main::new((
        dcc::Location::new("url"),
        html::Nav::new((
            dcc::Link::new("Page 1", "/1").id("to-1"),
            " ",
            dcc::Link::new("Page 2", "/2").id("to-2"),
        )),
        html::Div::new(()).id("page"),
        dcc::Input::new().id("text"),
        html::Div::new(()).id("typed"),
        dcc::Slider::new()
            .id("slider")
            .min(0)
            .max(1000)
            .step(1)
            .value(0)
            .updatemode(dcc::SliderUpdatemode::Drag),
        html::Div::new(()).id("dragged"),
        dcc::Interval::new()
            .id("interval")
            .interval(200)
            .disabled(true),
        html::Div::new(()).id("ticked"),
        dcc::RadioItems::new()
            .id("choice")
            .options(["A", "B"])
            .value("A"),
        dcc::Graph::new().id("graph"),
    ))
}

#[callback(
    output("page", "children"),
    input("url", "pathname", default = "/"),
    cache(client, timeout = "5m", tags = ["pages"])
)]
async fn show_page(path: String) -> String {
    work(&RUNS.page, 300).await;
    let edited = if EDITED.load(Ordering::SeqCst) {
        ", edited"
    } else {
        ""
    };
    format!("This is {path}{edited}")
}

#[callback(
    output("typed", "children"),
    input("text", "value", debounce = "500ms"),
    prevent_initial_call
)]
async fn type_text(text: Option<String>) -> String {
    work(&RUNS.text, 100).await;
    text.unwrap_or_default().to_uppercase()
}

#[callback(
    output("dragged", "children"),
    input("slider", "value", throttle = "200ms"),
    prevent_initial_call
)]
async fn drag(value: u32) -> String {
    work(&RUNS.slider, 50).await;
    value.to_string()
}

#[callback(
    output("ticked", "children"),
    input("interval", "n_intervals"),
    overlap = "latest",
    prevent_initial_call
)]
async fn tick(count: Option<u32>) -> String {
    work(&RUNS.interval, 1000).await;
    count.unwrap_or_default().to_string()
}

#[callback(
    output("graph", "figure"),
    input("choice", "value"),
    cache(client, timeout = "5m")
)]
async fn draw(choice: String) -> Value {
    work(&RUNS.choice, 300).await;
    let factor = if choice == "A" { 7 } else { 11 };
    json!({
        "data": [{
            "type": "scatter",
            "mode": "lines",
            "x": (0..2000).collect::<Vec<u32>>(),
            "y": (0..2000).map(|index| index * factor % 1009).collect::<Vec<u32>>(),
        }],
        "layout": {"title": {"text": format!("Choice {choice}")}, "height": 300},
    })
}
