//! What the server's cache shows of itself, and values that stay with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;

/// Buttons that choose a value, and what shows the answer of a cached callback.
fn app(runs: &Arc<AtomicU32>) -> App {
    let layout = html::Div::new((
        dcc::RadioItems::new()
            .id("choice")
            .options(["A", "B"])
            .value("A"),
        html::Div::new(()).id("out"),
    ));
    let runs = runs.clone();
    let callback = Callback::builder()
        .name("app::answer", "1")
        .output(Output::new("out", "children"))
        .input(("choice", "value"))
        .cache(CacheOptions::new(Duration::from_secs(300)))
        .handler(move |value: String| {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            async move { format!("{value} of run {run}") }
        });
    App::new(layout)
        .callback(callback)
        .cache_admin("/_cache/", |_| true)
}

async fn choose(browser: &Browser, value: &str) -> String {
    browser
        .js(&format!(
            "document.querySelector('#choice input[value={value}]').click()"
        ))
        .await;
    browser
        .wait_until(&format!(
            "document.getElementById('out').innerText.startsWith('{value} ')"
        ))
        .await;
    browser.wait_until(IDLE).await;
    browser.text("out").await
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_the_admin_page_lists_what_is_cached_and_deletes_what_is_selected() {
    let runs = Arc::new(AtomicU32::new(0));
    let site = Site::start(app(&runs)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    for (value, shown) in [
        ("B", "B of run 2"),
        ("A", "A of run 1"),
        ("B", "B of run 2"),
    ] {
        assert_eq!(choose(&browser, value).await, shown);
    }
    browser.open(&site.url("/_cache/")).await;
    let rows = "document.querySelectorAll('#cache-entries td[data-dash-column=function]')";
    browser.wait_until(&format!("{rows}.length === 2")).await;
    let shown = browser.text("cache-entries").await;
    assert!(shown.contains("app::answer"), "{shown}");
    assert!(
        browser
            .text("cache-functions")
            .await
            .contains("app::answer")
    );
    // The one with a hit comes first.
    browser
        .js("document.querySelectorAll('#cache-entries td.dash-select-cell input')[0].click()")
        .await;
    browser
        .wait_until(
            "document.querySelectorAll('#cache-entries td.dash-select-cell input')[0].checked",
        )
        .await;
    browser.element("cache-delete").await.click().await.unwrap();
    browser
        .wait_until("document.getElementById('cache-message').innerText === '1 entry deleted'")
        .await;
    browser.wait_until(&format!("{rows}.length === 1")).await;
    assert!(browser.console().await.is_empty());
    browser.open(&site.url("/")).await;
    let answers = [choose(&browser, "B").await, choose(&browser, "A").await];
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer.ends_with("run 3"))
            .count(),
        1,
        "{answers:?}"
    );
    assert_eq!(
        runs.load(Ordering::SeqCst),
        3,
        "the other entry is as it was"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s19_a_page_holds_a_handle_and_its_next_value_frees_the_last() {
    let layout = html::Div::new((
        html::Button::new("load").id("load"),
        dcc::Store::new("numbers"),
        html::Div::new(()).id("sum"),
    ));
    let load = Callback::builder()
        .output(Output::new("numbers", "data"))
        .input(("load", "n_clicks"))
        .prevent_initial_call()
        .handler(async |clicks: u64| {
            Ok::<_, CallbackError>(
                Stored::put("numbers", &(0..clicks * 100_000).collect::<Vec<u64>>()).await?,
            )
        });
    let sum = Callback::builder()
        .output(Output::new("sum", "children"))
        .input(("numbers", "data"))
        .prevent_initial_call()
        .handler(async |numbers: Stored<Vec<u64>>| {
            Ok::<_, CallbackError>(numbers.load().await?.len().to_string())
        });
    let cache = Cache::memory(64 << 20);
    let site = Site::start(App::new(layout).cache(cache.clone()).callbacks([load, sum])).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    for clicks in 1..=3 {
        browser.element("load").await.click().await.unwrap();
        browser
            .wait_until(&format!(
                "document.getElementById('sum').innerText === '{}'",
                clicks * 100_000
            ))
            .await;
        assert_eq!(cache.memory_size().0, 1, "the last value was freed");
    }
    let handle = browser
        .js("return JSON.stringify(window.dash_component_api.getLayout('numbers').props.data)")
        .await;
    assert!(handle.as_str().unwrap().len() < 200, "{handle}");
}
