//! Pattern-matching callbacks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::{Browser, Site};
use ferrodash::prelude::*;
use tokio::sync::Notify;

use crate::render::{ferrodash_pin, say, stock_renderer, with_renderer};

/// An app of rows with an input and an output each, and one callback for all of them; and the calls
/// it gets.
fn rows(count: u32, debounce: Option<Duration>) -> (App, Arc<Mutex<Vec<String>>>) {
    let calls: Arc<Mutex<Vec<String>>> = Arc::default();
    let written = calls.clone();
    let row = |index: u32| {
        html::Div::new((
            dcc::Input::new()
                .id(id! {type: "in", index: index})
                .value(format!("row {index}")),
            html::Span::new(()).id(id! {type: "out", index: index}),
        ))
    };
    let input = Input::new(id! {type: "in", index: MATCH}, "value");
    let callback = Callback::builder()
        .output(Output::new(id! {type: "out", index: MATCH}, "children"))
        .input(match debounce {
            Some(wait) => input.debounce(wait),
            None => input,
        })
        .batch()
        .handler(move |text: String, context: Context| {
            let row = context
                .matched("index")
                .map(ToString::to_string)
                .unwrap_or_default();
            written.lock().unwrap().push(format!("{row} {text}"));
            async move { text.to_uppercase() }
        });
    (
        App::new(html::Div::new((0..count).map(row).collect::<Vec<_>>()).id("rows"))
            .callback(callback),
        calls,
    )
}

/// The DOM id of a component of a row.
fn dom_id(kind: &str, index: u32) -> String {
    format!("{{\"index\":{index},\"type\":\"{kind}\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn d12_two_rows_within_the_wait_are_two_requests() {
    let (app, calls) = rows(3, Some(Duration::from_millis(500)));
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    assert_eq!(
        calls.lock().unwrap().len(),
        3,
        "each row is called when the page is loaded"
    );
    let before = site.callback_requests().len();
    for (row, text) in [(1, "abc"), (2, "xyz")] {
        browser
            .element(&dom_id("in", row))
            .await
            .click()
            .await
            .unwrap();
        browser
            .type_text(text, Duration::from_millis(20))
            .await
            .unwrap();
    }
    for (row, text) in [(1, "ROW 1ABC"), (2, "ROW 2XYZ")] {
        browser
            .wait_until(&format!(
                "document.getElementById({:?}).innerText === {text:?}",
                dom_id("out", row)
            ))
            .await;
    }
    browser.let_pass(700).await;
    assert_eq!(site.callback_requests().len() - before, 2);
    let mut last = calls.lock().unwrap().split_off(3);
    last.sort();
    assert_eq!(last, ["1 row 1abc", "2 row 2xyz"]);
    // Without a field that is left, each row still has a wait of its own.
    let set = |row: u32| {
        format!("dash_clientside.set_props({{type: 'in', index: {row}}}, {{value: 'set {row}'}});")
    };
    browser
        .js(&format!(
            "{} setTimeout(() => {{ {} }}, 100);",
            set(0),
            set(1)
        ))
        .await;
    for row in [0, 1] {
        let text = format!("SET {row}");
        browser
            .wait_until(&format!(
                "document.getElementById({:?}).innerText === {text:?}",
                dom_id("out", row)
            ))
            .await;
    }
    browser.let_pass(700).await;
    assert_eq!(site.callback_requests().len() - before, 4);
    let mut last = calls.lock().unwrap().split_off(3);
    last.sort();
    assert_eq!(last, ["0 set 0", "1 set 1"]);
    assert_eq!(browser.console().await, Vec::<String>::new());
}

/// The greatest of the times at which rows were last drawn, in milliseconds since the page was
/// asked for.
const DRAWN: &str = "
    window.drawn = 0;
    new MutationObserver((list) => {
        const isRow = ({ target }) => (target.textContent || '').includes('ROW ');
        if (list.some(isRow)) drawn = performance.now();
    }).observe(document, { subtree: true, childList: true, characterData: true });
";

#[tokio::test(flavor = "multi_thread")]
async fn o8_a_callback_over_five_hundred_rows_answers_within_a_second_and_a_half() {
    let row = |index: u32| {
        html::Div::new((
            dcc::Input::new()
                .id(id! {type: "in", index: index})
                .value(format!("row {index}")),
            html::Span::new(()).id(id! {type: "out", index: index}),
        ))
    };
    let callback = Callback::builder()
        .output(Output::new(id! {type: "out", index: ALL}, "children"))
        .input(Input::new(id! {type: "in", index: ALL}, "value"))
        .handler(async |texts: Vec<String>| {
            texts
                .into_iter()
                .map(|text| text.to_uppercase())
                .collect::<Vec<_>>()
        });
    let site = Site::start(
        App::new(html::Div::new((0..500).map(row).collect::<Vec<_>>())).callback(callback),
    )
    .await;
    let browser = Browser::start().await;
    drawn_within_a_second_and_a_half(&browser, &site, "one call").await;
}

/// So many that work beside the test, which lasts for a few of them, does not change the median.
const LOADS: usize = 9;

/// [`LOADS`] loads of a page of 500 rows, and of the same rows without a callback, in one browser.
/// The first load also fetches and compiles the bundles; the median is that of a page that was
/// visited before.
async fn drawn_within_a_second_and_a_half(browser: &Browser, site: &Site, what: &str) {
    let row = |index: u32| {
        html::Div::new((
            dcc::Input::new()
                .id(id! {type: "in", index: index})
                .value(format!("row {index}")),
            html::Span::new(format!("ROW {index}")).id(id! {type: "out", index: index}),
        ))
    };
    let bare = Site::start(App::new(html::Div::new(
        (0..500).map(row).collect::<Vec<_>>(),
    )))
    .await;
    browser.watch_from_the_start(DRAWN).await;
    let alone = median_load(browser, &bare).await;
    let calls = median_load(browser, site).await;
    let report =
        format!("500 rows of {what}: drawn after {calls:.0} ms, without calls after {alone:.0}");
    say(&report);
    assert!(calls < 1500.0, "{report}");
}

async fn median_load(browser: &Browser, site: &Site) -> f64 {
    let mut loads = Vec::new();
    for _ in 0..LOADS {
        browser.driver.goto(&site.url("/")).await.unwrap();
        browser.wait_until(ALL_ROWS).await;
        loads.push(browser.js("return drawn").await.as_f64().unwrap());
    }
    loads.sort_by(f64::total_cmp);
    loads[LOADS / 2]
}

/// Whether every row shows its answer. Looks at the text without asking for its layout, which would
/// be work for the page.
const ALL_ROWS: &str = "
    [...document.querySelectorAll('span')]
        .filter((span) => span.textContent.startsWith('ROW ')).length === 500
";

#[tokio::test(flavor = "multi_thread")]
async fn o8_five_hundred_calls_of_a_pattern_are_answered_within_a_second_and_a_half() {
    let (app, calls) = rows(500, None);
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    drawn_within_a_second_and_a_half(&browser, &site, "500 calls").await;
    assert_eq!(
        calls.lock().unwrap().len(),
        500 * LOADS,
        "one call a row, at each load"
    );
    assert_eq!(
        site.callback_requests().len(),
        2 * LOADS,
        "one that does not wait, and one for all others, at each load"
    );
    let last = dom_id("in", 499);
    browser.element(&last).await.send_keys("!").await.unwrap();
    browser
        .wait_until(&format!(
            "document.getElementById({:?}).innerText === 'ROW 499!'",
            dom_id("out", 499)
        ))
        .await;
    assert_eq!(
        calls.lock().unwrap().len(),
        500 * LOADS + 1,
        "and one for the row that changed"
    );
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_a_call_each_are_answered_sooner_than_by_the_stock_renderer() {
    let time = async |renderer: Option<String>| {
        let site = Site::serve(with_renderer(rows(ROWS_OF_THE_RACE, None).0, renderer)).await;
        let browser = Browser::start().await;
        browser.watch_from_the_start(DRAWN).await;
        browser.driver.goto(&site.url("/")).await.unwrap();
        let last = ROWS_OF_THE_RACE - 1;
        browser
            .wait_until(&format!(
                "document.getElementById({:?}).innerText === 'ROW {last}'",
                dom_id("out", last)
            ))
            .await;
        browser.wait_until(e2e::IDLE).await;
        browser.js("return drawn").await.as_f64().unwrap()
    };
    let ours = time(None).await;
    let stock = time(Some(stock_renderer("4.4.1", ferrodash_pin()))).await;
    let ours = ours.min(time(None).await);
    let report = format!("{ROWS_OF_THE_RACE} rows: ours {ours:.0} ms, stock {stock:.0} ms");
    say(&report);
    assert!(ours * 2.0 < stock, "{report}");
}

/// Few enough for the stock renderer to come to an end within the tests' patience.
const ROWS_OF_THE_RACE: u32 = 120;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_rests_while_a_list_of_outputs_waits_for_another_callback() {
    let layout = html::Div::new((
        dcc::Input::new().id("text").value("x"),
        html::Div::new(()).id("middle"),
        (0..3)
            .map(|index| html::Span::new(()).id(id! {type: "out", index: index}))
            .collect::<Vec<_>>(),
    ));
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    let slow = Callback::builder()
        .output(Output::new("middle", "children"))
        .input(("text", "value"));
    let slow = slow.handler(move |text: String| {
        let wait = wait.clone();
        async move {
            wait.notified().await;
            text
        }
    });
    let all = Callback::builder().output(Output::new(id! {type: "out", index: ALL}, "children"));
    let all = all
        .input(("middle", "children"))
        .handler(async |text: String| vec![text.clone(), text.clone(), text]);
    let site = Site::start(App::new(layout).callbacks([slow, all])).await;
    let browser = Browser::start().await;
    let count = "window.timers = 0;
        const real = window.setTimeout;
        window.setTimeout = (...task) => { timers++; return real.apply(window, task); };";
    browser.watch_from_the_start(count).await;
    browser.driver.goto(&site.url("/")).await.unwrap();
    browser.let_pass(700).await;
    let before = browser.js("return timers").await.as_i64().unwrap();
    browser.let_pass(800).await;
    let timers = browser.js("return timers").await.as_i64().unwrap() - before;
    assert!(
        timers < 20,
        "{timers} timers in 0.8 s in which nothing happens"
    );
    go.notify_one();
    browser
        .wait_until(&format!(
            "document.getElementById({:?}).innerText === 'x'",
            dom_id("out", 2)
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_which_two_patterns_wait_is_told_to_each_once() {
    let calls: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let wait = Duration::from_millis(300);
    let to = |out: &'static str, input: Id| {
        let builder = Callback::builder().output(Output::new(out, "children"));
        builder
            .input(Input::new(input, "value").debounce(wait))
            .prevent_initial_call()
    };
    let (one, all) = (calls.clone(), calls.clone());
    let one = to("one", id! {type: "in", index: 1}).handler(move |text: String| {
        one.lock().unwrap().push("one");
        std::future::ready(text)
    });
    let all = to("all", id! {type: "in", index: ALL}).handler(move |texts: Vec<Option<String>>| {
        all.lock().unwrap().push("all");
        std::future::ready(texts.into_iter().flatten().collect::<Vec<_>>().join("+"))
    });
    let layout = html::Div::new((
        dcc::Input::new().id(id! {type: "in", index: 0}),
        dcc::Input::new().id(id! {type: "in", index: 1}),
        html::Div::new(()).id("one"),
        html::Div::new(()).id("all"),
    ));
    let site = Site::start(App::new(layout).callbacks([one, all])).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser
        .element(&dom_id("in", 1))
        .await
        .click()
        .await
        .unwrap();
    browser
        .type_text("abc", Duration::from_millis(20))
        .await
        .unwrap();
    for out in ["one", "all"] {
        browser
            .wait_until(&format!(
                "document.getElementById({out:?}).innerText === 'abc'"
            ))
            .await;
    }
    browser.let_pass(700).await;
    let mut calls = calls.lock().unwrap().clone();
    calls.sort_unstable();
    assert_eq!(calls, ["all", "one"]);
    assert_eq!(browser.console().await, Vec::<String>::new());
}
