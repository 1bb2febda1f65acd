//! Back and Forward between pages whose content is kept.

use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::kept::MINUTE;

/// An app of two pages. One of its charts is part of the content, and a callback draws the other.
fn app() -> App {
    let layout = html::Div::new((dcc::Location::new("url"), html::Div::new(()).id("content")));
    let content = Callback::builder()
        .output(Output::new("content", "children"))
        .input(("url", "pathname"))
        .cache(CacheOptions::new(MINUTE).client())
        .handler(page);
    let figure = Callback::builder()
        .name("back::figure", "1")
        .output(Output::new("drawn", "figure"))
        .input(("first", "value"))
        .optional()
        .cache(CacheOptions::new(MINUTE).client())
        .handler(async |first: u32| line(first));
    App::new(layout).callbacks([content, figure])
}

async fn page(pathname: String) -> html::Div {
    if pathname == "/two" {
        return html::Div::new(dcc::Link::new("back to one", "/one").id("link-back"))
            .id("two")
            .style([("height", "3000px")]);
    }
    html::Div::new((
        dcc::Graph::new().id("given").figure(line(1)),
        dcc::Input::new()
            .id("first")
            .r#type(dcc::InputType::Number)
            .value(2),
        dcc::Graph::new().id("drawn"),
        html::Div::new(()).style([("height", "2000px")]),
        dcc::Link::new("to two", "/two").id("link"),
    ))
    .id("one")
}

/// A figure of a line that begins at a number.
fn line(first: u32) -> Value {
    json!({ "data": [{ "y": [first, 7, 3, 9] }], "layout": { "uirevision": "same" } })
}

/// Whether both charts are drawn.
const DRAWN: &str =
    "['given', 'drawn'].every((id) => document.querySelector(`#${id} .scatterlayer .trace`))";

/// The ranges of the charts, and how far the page is scrolled.
const SEEN: &str = "return ['given', 'drawn']
    .map((id) => document.querySelector(`#${id} .js-plotly-plot`).layout.xaxis.range)
    .concat(Math.round(scrollY))";

async fn open() -> (Site, Browser) {
    let site = Site::start(app()).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/one")).await;
    browser.wait_until(DRAWN).await;
    browser.wait_until(IDLE).await;
    (site, browser)
}

/// Follows the link without scrolling to it.
async fn go_to_two(browser: &Browser) {
    browser.js("document.getElementById('link').click()").await;
    browser
        .wait_until("document.getElementById('two') && scrollY === 0")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_back_and_forward_ask_nothing() {
    let (site, browser) = open().await;
    go_to_two(&browser).await;
    assert_eq!(site.callback_requests().len(), 3);
    for _ in 0..2 {
        browser.driver.back().await.unwrap();
        browser.wait_until(DRAWN).await;
        browser.driver.forward().await.unwrap();
        browser.wait_until("document.getElementById('two')").await;
    }
    assert_eq!(site.callback_requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_back_shows_the_page_where_it_was_scrolled_and_charts_as_they_were_zoomed() {
    let (_site, browser) = open().await;
    let zoom = "['given', 'drawn'].forEach((id, index) => Plotly.relayout(
            document.querySelector(`#${id} .js-plotly-plot`), { 'xaxis.range': [1 + index, 2.5] }));
        scrollTo(0, 1500);";
    browser.js(zoom).await;
    browser.let_pass(200).await;
    let left = json!([[1, 2.5], [2, 2.5], 1500]);
    assert_eq!(browser.js(SEEN).await, left);
    go_to_two(&browser).await;
    browser.js("scrollTo(0, 700)").await;
    browser.let_pass(200).await;
    browser.driver.back().await.unwrap();
    browser.wait_until(DRAWN).await;
    browser.let_pass(300).await;
    assert_eq!(browser.js(SEEN).await, left);
    browser.driver.forward().await.unwrap();
    browser.wait_until("document.getElementById('two')").await;
    browser.let_pass(300).await;
    assert_eq!(browser.js("return scrollY").await, json!(700));
    // A page that a link opens begins at its top, and its charts show everything. The driver scrolls to the link as no
    // user does, so it does that when the page has its place.
    browser.let_pass(1000).await;
    browser.element("link-back").await.click().await.unwrap();
    browser.wait_until(DRAWN).await;
    browser.let_pass(300).await;
    let seen = browser.js(SEEN).await;
    assert_eq!(seen[2], json!(0));
    for range in [&seen[0], &seen[1]] {
        let from = range[0].as_f64().unwrap();
        assert!(from < 0.5, "{range}");
    }
}

/// An app whose first page becomes tall only when a callback that is not kept has answered.
fn tall_later() -> App {
    let layout = html::Div::new((dcc::Location::new("url"), html::Div::new(()).id("content")));
    let content = Callback::builder()
        .output(Output::new("content", "children"))
        .input(("url", "pathname"))
        .cache(CacheOptions::new(MINUTE).client())
        .handler(async |pathname: String| match pathname.as_str() {
            "/two" => html::Div::new(()).id("two"),
            _ => html::Div::new((
                dcc::Link::new("to two", "/two").id("link"),
                html::Div::new(()).id("late"),
            )),
        });
    let late = Callback::builder()
        .output(Output::new("late", "children"))
        .input(("late", "id"))
        .optional()
        .handler(async |_: String| {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            html::Div::new(()).id("tall").style([("height", "3000px")])
        });
    App::new(layout).callbacks([content, late])
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_back_shows_the_place_in_a_page_that_becomes_tall_later() {
    let site = Site::start(tall_later()).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/one")).await;
    browser.wait_until("document.getElementById('tall')").await;
    browser.js("scrollTo(0, 1500)").await;
    browser.let_pass(200).await;
    go_to_two(&browser).await;
    browser.driver.back().await.unwrap();
    browser.wait_until("document.getElementById('tall')").await;
    browser.let_pass(200).await;
    assert_eq!(browser.js("return scrollY").await, json!(1500));
    // The user has the page now: nothing scrolls it any more.
    browser.let_pass(1000).await;
    browser.js("scrollTo(0, 200)").await;
    browser.let_pass(200).await;
    assert_eq!(browser.js("return scrollY").await, json!(200));
}
