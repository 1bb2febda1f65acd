//! Calls of one callback that overlap.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::{Browser, Site};
use ferrodash::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

/// What a test sees of a callback on the server.
#[derive(Clone, Default)]
struct Seen {
    calls: Arc<AtomicU32>,
    running: Arc<AtomicI32>,
    most_running: Arc<AtomicI32>,
    /// When a call was dropped before its end.
    dropped: Arc<Mutex<Vec<Instant>>>,
}

/// Counts a call as running until it is dropped.
struct Running(Seen, bool);

impl Running {
    fn new(seen: &Seen) -> Self {
        seen.calls.fetch_add(1, Ordering::SeqCst);
        let running = seen.running.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_running.fetch_max(running, Ordering::SeqCst);
        Self(seen.clone(), false)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        if !self.1 {
            self.0.dropped.lock().unwrap().push(Instant::now());
        }
    }
}

/// A callback of `input` that takes `takes(value)` and shows the value.
fn slow(
    input: (&'static str, &'static str),
    overlap: Option<Overlap>,
    takes: fn(u64) -> u64,
) -> (Callback, Seen) {
    let seen = Seen::default();
    let own = seen.clone();
    let mut builder = Callback::builder()
        .output(Output::new("out", "children"))
        .input(input)
        .running("save", "title", "running", "idle")
        .prevent_initial_call();
    if let Some(overlap) = overlap {
        builder = builder.overlap(overlap);
    }
    let callback = builder.handler(move |value: Value| {
        let seen = own.clone();
        async move {
            let mut running = Running::new(&seen);
            let time = takes(value.as_u64().unwrap_or(0));
            tokio::time::sleep(Duration::from_millis(time)).await;
            running.1 = true;
            value.to_string()
        }
    });
    (callback, seen)
}

fn layout() -> html::Div {
    html::Div::new((
        html::Button::new("Save").id("save").n_clicks(0),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("extra"),
    ))
}

/// Opens a page that remembers what was shown and when.
async fn open(layout: html::Div, callback: Callback) -> (Site, Browser) {
    let site = Site::start(App::new(layout).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser
        .js("window.shown = [];
             new MutationObserver(() => shown.push([performance.now(), document.getElementById('out').innerText]))
                 .observe(document.getElementById('out'), { childList: true, subtree: true, characterData: true })")
        .await;
    (site, browser)
}

/// Clicks the button, with a pause in milliseconds between the clicks.
async fn click(browser: &Browser, times: u32, pause: u32) {
    browser
        .js(&format!(
            "for (let click = 0; click < {times}; click++)
                 setTimeout(() => document.getElementById('save').click(), click * {pause})"
        ))
        .await;
}

async fn texts(browser: &Browser) -> Vec<String> {
    let shown = browser.js("return shown.map(([, text]) => text)").await;
    serde_json::from_value(shown).unwrap()
}

/// The longest time in milliseconds for which nothing new was shown, from the first on.
async fn longest_gap(browser: &Browser) -> f64 {
    let times = browser.js("return shown.map(([time]) => time)").await;
    let times: Vec<f64> = serde_json::from_value(times).unwrap();
    assert!(times.len() > 5, "{times:?}");
    times
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(0.0, f64::max)
}

fn interval() -> html::Div {
    html::Div::new((dcc::Interval::new().id("interval").interval(200), layout()))
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_an_interval_faster_than_its_callback_shows_something_all_the_time() {
    let input = ("interval", "n_intervals");
    let (callback, seen) = slow(input, Some(Overlap::Latest), |_| 1000);
    let (_site, browser) = open(interval(), callback).await;
    browser.let_pass(30_000).await;
    let gap = longest_gap(&browser).await;
    assert!(gap <= 1300.0, "nothing new for {gap} ms");
    assert_eq!(seen.most_running.load(Ordering::SeqCst), 1);
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_what_depends_on_such_a_callback_is_called_all_the_time() {
    let input = ("interval", "n_intervals");
    let (callback, _) = slow(input, Some(Overlap::Latest), |_| 500);
    let next = Callback::builder()
        .output(Output::new("extra", "children"))
        .input(("out", "children"))
        .handler(async |text: Option<String>| text.map(|text| format!("after {text}")));
    let app = App::new(interval()).callbacks([callback, next]);
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    let watch = "window.nexts = [];
        new MutationObserver(() => nexts.push(document.getElementById('extra').innerText))
            .observe(document.getElementById('extra'), { childList: true, subtree: true, characterData: true })";
    browser.js(watch).await;
    browser.let_pass(6_000).await;
    let nexts = browser.js("return window.nexts").await;
    let nexts = nexts.as_array().unwrap();
    assert!(nexts.len() >= 8, "{nexts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_without_a_policy_each_answer_is_shown_when_it_comes() {
    let (callback, _) = slow(("interval", "n_intervals"), None, |_| 1000);
    let (_site, browser) = open(interval(), callback).await;
    browser.let_pass(6_000).await;
    let gap = longest_gap(&browser).await;
    assert!(gap <= 600.0, "nothing new for {gap} ms");
    let numbers: Vec<u64> = texts(&browser)
        .await
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_queue_skip_and_parallel_do_as_they_say() {
    let clicks = ("save", "n_clicks");
    let (callback, seen) = slow(clicks, Some(Overlap::Queue(10)), |_| 300);
    let (_site, browser) = open(layout(), callback).await;
    click(&browser, 5, 40).await;
    browser.shows("out", "5").await;
    assert_eq!(texts(&browser).await, ["1", "2", "3", "4", "5"], "queue");
    assert_eq!(seen.most_running.load(Ordering::SeqCst), 1);

    let (callback, seen) = slow(clicks, Some(Overlap::Skip), |_| 300);
    let (_site, browser) = open(layout(), callback).await;
    click(&browser, 5, 40).await;
    browser.shows("out", "1").await;
    browser.let_pass(600).await;
    assert_eq!(texts(&browser).await, ["1"], "skip");
    assert_eq!(seen.calls.load(Ordering::SeqCst), 1);
    browser
        .wait_until("document.getElementById('save').title === 'idle'")
        .await;

    // The answers of the second and the fourth call come before those of the calls before them.
    let takes = |click: u64| [600, 200, 700, 300, 1000][click as usize - 1];
    let (callback, seen) = slow(clicks, Some(Overlap::Parallel), takes);
    let (_site, browser) = open(layout(), callback).await;
    click(&browser, 5, 40).await;
    browser.shows("out", "5").await;
    let shown = texts(&browser).await;
    // What waited is shown together with what it waited for.
    assert!(shown.is_sorted() && shown.len() >= 3, "{shown:?}");
    assert_eq!(seen.calls.load(Ordering::SeqCst), 5);
    assert!(seen.most_running.load(Ordering::SeqCst) >= 4);
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_an_older_answer_never_replaces_a_newer_one() {
    // The first call is the slowest.
    let takes = |click| if click == 1 { 900 } else { 100 };
    let (callback, seen) = slow(("save", "n_clicks"), None, takes);
    let (_site, browser) = open(layout(), callback).await;
    click(&browser, 2, 50).await;
    browser.shows("out", "2").await;
    browser.let_pass(1200).await;
    assert_eq!(texts(&browser).await, ["2"]);
    assert_eq!(seen.calls.load(Ordering::SeqCst), 2, "both were made");
    assert_eq!(
        browser
            .js("return document.getElementById('save').title")
            .await,
        "idle"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t3_hovers_faster_than_their_callback_are_few_calls_and_the_last_is_shown() {
    let (callback, seen) = slow(("extra", "title"), Some(Overlap::Latest), |_| 150);
    let (_site, browser) = open(layout(), callback).await;
    let script = "
        const done = arguments[arguments.length - 1], start = performance.now(); let number = 0; window.tasks = [];
        new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
            .observe({ type: 'longtask' });
        const next = () => {
            dash_clientside.set_props('extra', { title: ++number });
            if (number === 300) done(performance.now());
            else setTimeout(next, start + number * 2000 / 300 - performance.now());
        };
        next();";
    let end = browser
        .driver
        .execute_async(script, Vec::new())
        .await
        .unwrap();
    let end = end.json().as_f64().unwrap();
    browser.shows("out", "300").await;
    let last = browser
        .js("return shown[shown.length - 1][0]")
        .await
        .as_f64()
        .unwrap();
    assert!(last - end <= 350.0, "shown after {} ms", last - end);
    let calls = seen.calls.load(Ordering::SeqCst);
    assert!((5..=15).contains(&calls), "{calls} calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn t4b_a_call_that_a_newer_one_replaces_is_dropped_on_the_server() {
    // The first call would take half a minute.
    let takes = |click| if click == 1 { 30_000 } else { 100 };
    let (callback, seen) = slow(("save", "n_clicks"), Some(Overlap::Latest), takes);
    let (_site, browser) = open(layout(), callback).await;
    click(&browser, 1, 0).await;
    browser.let_pass(2200).await;
    assert_eq!(seen.running.load(Ordering::SeqCst), 1);
    let start = Instant::now();
    click(&browser, 1, 0).await;
    browser.shows("out", "2").await;
    browser.let_pass(100).await;
    let dropped = seen.dropped.lock().unwrap().clone();
    assert_eq!(dropped.len(), 1);
    // The click itself travels to the page first.
    let after = dropped[0].duration_since(start);
    assert!(after < Duration::from_millis(100), "{after:?}");
    assert_eq!(browser.console().await, Vec::<String>::new());
    assert_eq!(
        browser
            .js("return document.getElementById('save').title")
            .await,
        "idle"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_rows_of_a_pattern_do_not_wait_for_each_other() {
    let id =
        |kind: &str, index: ferrodash::IdValue| Id::from([("type", kind.into()), ("index", index)]);
    let rows = (1..=3_u32).map(|index| {
        html::Div::new((
            html::Button::new("Go")
                .id(id("in", index.into()))
                .n_clicks(0),
            html::Div::new(()).id(id("out", index.into())),
        ))
    });
    let callback = Callback::builder()
        .output(Output::new(id("out", MATCH), "children"))
        .input(Input::new(id("in", MATCH), "n_clicks"))
        .prevent_initial_call()
        .overlap(Overlap::Latest)
        .handler(async |clicks: u32| {
            tokio::time::sleep(Duration::from_millis(400)).await;
            format!("done {clicks}")
        });
    let layout = html::Div::new(rows.collect::<Vec<_>>());
    let site = Site::start(App::new(layout).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser
        .js("window.begun = performance.now(); document.querySelectorAll('button').forEach((button) => button.click())")
        .await;
    browser
        .wait_until("document.body.innerText.split('done 1').length === 4")
        .await;
    let took = browser.js("return performance.now() - begun").await;
    assert!(took.as_f64().unwrap() < 1000.0, "{took} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn l9_a_figure_that_is_shown_already_keeps_its_zoom() {
    let figure = json!({
        "data": [{"x": [1, 2, 3, 4], "y": [1, 3, 2, 4]}],
        "layout": {"width": 600, "height": 400},
    });
    let callback = Callback::builder()
        .output(Output::new("graph", "figure"))
        .input(("save", "n_clicks"))
        .prevent_initial_call()
        .handler(move |_: u32| {
            let figure = figure.clone();
            async move { figure }
        });
    let layout = html::Div::new((layout(), dcc::Graph::new().id("graph")));
    let (_site, browser) = open(layout, callback).await;
    click(&browser, 1, 0).await;
    browser
        .wait_until("document.querySelector('#graph .js-plotly-plot').layout.xaxis.range[0] < 1")
        .await;
    browser
        .js(
            "window.plot = document.querySelector('#graph .js-plotly-plot');
             return Plotly.relayout(plot, { 'xaxis.range': [2, 3] }).then(() => 1)",
        )
        .await;
    browser.let_pass(300).await;
    browser
        .js(
            "window.changes = 0; new MutationObserver((all) => changes += all.length)
                 .observe(plot, { subtree: true, childList: true, attributes: true })",
        )
        .await;
    for _ in 0..2 {
        click(&browser, 1, 0).await;
        browser.let_pass(500).await;
    }
    assert_eq!(
        browser.js("return plot.layout.xaxis.range").await,
        json!([2, 3])
    );
    assert_eq!(browser.js("return changes").await, 0);
}
