//! Answers that the browser keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;
use ferrodash_testing::Redis;

const FIVE_MINUTES: Duration = Duration::from_secs(300);

fn cached() -> CacheOptions {
    CacheOptions::new(FIVE_MINUTES).client()
}

/// Counts its calls and answers after a moment.
async fn slow(calls: Arc<AtomicU32>, value: Option<String>) -> String {
    calls.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(200)).await;
    format!("answer for {}", value.unwrap_or_default())
}

/// Buttons that choose a value, and what shows the answer.
fn layout() -> html::Div {
    html::Div::new((
        dcc::RadioItems::new()
            .id("choice")
            .options(["A", "B"])
            .value("A"),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("other"),
    ))
}

/// Chooses a value as a user does, and waits until the page shows its answer.
async fn choose(browser: &Browser, value: &str) {
    browser
        .js(&format!(
            "document.querySelector('#choice input[value={value}]').click()"
        ))
        .await;
    browser
        .wait_until(&format!(
            "document.getElementById('out').innerText === 'answer for {value}'"
        ))
        .await;
    browser.wait_until(IDLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_going_back_to_a_choice_asks_nobody_and_shows_in_the_next_frame() {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let callback = Callback::builder()
        .name("test", "1")
        .output(Output::new("out", "children"))
        .input(("choice", "value"))
        .cache(cached())
        .handler(move |value: Option<String>| slow(counter.clone(), value));
    let site = Site::start(App::new(layout()).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    choose(&browser, "B").await;
    browser
        .js("window.times = [];
             new MutationObserver(() => { times.push(performance.now() - window.clicked); })
                 .observe(document.getElementById('out'), { childList: true, subtree: true, characterData: true });
             addEventListener('click', () => { window.clicked = performance.now(); }, true);")
        .await;
    // Several times, and the median counts: what else the machine does is not the page's doing.
    for value in ["A", "B", "A", "B", "A"] {
        choose(&browser, value).await;
    }
    let times = browser.js("return times.sort((a, b) => a - b)").await;
    let times: Vec<f64> = times
        .as_array()
        .unwrap()
        .iter()
        .filter_map(serde_json::Value::as_f64)
        .collect();
    assert_eq!(times.len(), 5, "each answer was shown once");
    assert!(
        times[2] < 32.0,
        "answers from the page were shown after {times:?} ms"
    );
    assert_eq!(
        site.callback_requests().len(),
        2,
        "{:?}",
        site.callback_requests()
    );
    assert_eq!(calls.load(Ordering::SeqCst), 2);

    // A reload has no memory of the page; the browser's own cache answers.
    browser.driver.refresh().await.unwrap();
    browser
        .wait_until("document.getElementById('out').innerText === 'answer for A'")
        .await;
    assert_eq!(
        site.callback_requests().len(),
        2,
        "{:?}",
        site.callback_requests()
    );
    assert_eq!(browser.console().await, Vec::<String>::new());
}

/// A function without state, so that two callbacks can be told to ask the same.
async fn shared(value: Option<String>) -> String {
    SHARED_CALLS.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    format!("answer for {}", value.unwrap_or_default())
}

static SHARED_CALLS: AtomicU32 = AtomicU32::new(0);

#[tokio::test(flavor = "multi_thread")]
async fn c3_two_callbacks_and_two_tabs_that_ask_the_same_are_one_request() {
    let callback = |output: &'static str| {
        let builder = Callback::builder().output(Output::new(output, "children"));
        builder
            .input(("choice", "value"))
            .cache(cached())
            .handler(shared)
    };
    let app = App::new(layout()).callbacks([callback("out"), callback("other")]);
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    let both =
        "['out', 'other'].every((id) => document.getElementById(id).innerText === 'answer for A')";
    browser.wait_until(both).await;
    assert_eq!(
        site.callback_requests().len(),
        1,
        "two callbacks: {:?}",
        site.callback_requests()
    );
    assert_eq!(SHARED_CALLS.load(Ordering::SeqCst), 1);

    // Two tabs choose the other value at the same moment: told to by a time, as one driver speaks
    // to one tab only.
    let first = browser.driver.window().await.unwrap();
    let second = browser.driver.new_tab().await.unwrap();
    browser
        .driver
        .switch_to_window(second.clone())
        .await
        .unwrap();
    browser.open(&site.url("/")).await;
    let at = browser.js("return Date.now() + 1500").await;
    let click = format!(
        "setTimeout(() => document.querySelector('#choice input[value=B]').click(), {at} - Date.now())"
    );
    browser.js(&click).await;
    browser.driver.switch_to_window(first).await.unwrap();
    browser.js(&click).await;
    let both = both.replace("for A", "for B");
    browser.wait_until(&both).await;
    browser.driver.switch_to_window(second).await.unwrap();
    browser.wait_until(&both).await;
    assert_eq!(SHARED_CALLS.load(Ordering::SeqCst), 2);
    assert_eq!(
        site.callback_requests().len(),
        2,
        "two tabs: {:?}",
        site.callback_requests()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c17_an_answer_without_update_is_not_kept() {
    let redis = Redis::start();
    for cache in [
        Cache::memory(1 << 20),
        Cache::from_url(&format!("{}?namespace=tests", redis.url()))
            .await
            .unwrap(),
    ] {
        let calls = Arc::new(AtomicU32::new(0));
        let counter = calls.clone();
        let callback = Callback::builder()
            .name("test", "1")
            .output(Output::new("out", "children"))
            .output(Output::new("other", "children"))
            .input(("choice", "value"))
            .cache(cached())
            .handler(move |value: Option<String>| {
                counter.fetch_add(1, Ordering::SeqCst);
                async move {
                    match value.as_deref() {
                        Some("B") => (Update::To("answer for B"), NoUpdate),
                        _ => (Update::To("answer for A"), NoUpdate),
                    }
                }
            });
        let site = Site::start(App::new(layout()).cache(cache).callback(callback)).await;
        let browser = Browser::start().await;
        browser.open(&site.url("/")).await;
        for value in ["B", "A", "B"] {
            choose(&browser, value).await;
        }
        assert_eq!(
            calls.load(Ordering::SeqCst),
            4,
            "each choice ran the function"
        );
        assert_eq!(site.callback_requests().len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_a_callback_that_is_not_declared_runs_on_every_click() {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let callback = Callback::builder()
        .name("test", "1")
        .output(Output::new("out", "children"))
        .input(("choice", "value"))
        .handler(move |value: Option<String>| slow(counter.clone(), value));
    let site = Site::start(App::new(layout()).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    for i in 0..10 {
        choose(&browser, ["B", "A"][i % 2]).await;
    }
    assert_eq!(
        calls.load(Ordering::SeqCst),
        11,
        "the first one when the page was loaded"
    );
    assert!(
        site.callback_requests()
            .iter()
            .all(|request| request.starts_with("POST"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_too_long_for_an_address_are_kept_by_the_page() {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let long = |letter: &str| letter.repeat(3000);
    let layout = html::Div::new((
        dcc::RadioItems::new()
            .id("choice")
            .options([
                serde_json::json!({"label": "a", "value": long("a")}),
                serde_json::json!({"label": "b", "value": long("b")}),
            ])
            .value(long("a")),
        html::Div::new(()).id("out"),
    ));
    let callback = Callback::builder()
        .name("test", "1")
        .output(Output::new("out", "children"))
        .input(("choice", "value"))
        .cache(cached())
        .handler(move |value: String| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { value[..1].to_owned() }
        });
    let site = Site::start(App::new(layout).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    for (index, letter) in ["b", "a", "b"].iter().enumerate() {
        browser
            .js(&format!(
                "document.querySelectorAll('#choice input')[{}].click()",
                1 - index % 2
            ))
            .await;
        browser
            .wait_until(&format!(
                "document.getElementById('out').innerText === '{letter}'"
            ))
            .await;
        browser.wait_until(IDLE).await;
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let requests = site.callback_requests();
    assert!(
        requests.len() == 2 && requests.iter().all(|request| request.starts_with("POST")),
        "{requests:?}"
    );
}

/// The first letter of a value.
async fn first_letter(value: String) -> String {
    value[..1].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_of_one_function_are_answered_each_for_itself_when_a_value_is_too_long_for_an_address()
 {
    let long = |letter: &str| letter.repeat(3000);
    let options =
        ["a", "b"].map(|letter| serde_json::json!({"label": letter, "value": long(letter)}));
    let layout = html::Div::new((
        dcc::RadioItems::new()
            .id("choice")
            .options(options)
            .value(long("a")),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("other"),
    ));
    let callback = |output: &'static str| {
        let builder = Callback::builder().output(Output::new(output, "children"));
        builder
            .input(("choice", "value"))
            .cache(cached())
            .handler(first_letter)
    };
    let site = Site::start(App::new(layout).callbacks([callback("out"), callback("other")])).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    for (index, letter) in ["b", "a"].iter().enumerate() {
        browser
            .js(&format!(
                "document.querySelectorAll('#choice input')[{}].click()",
                1 - index
            ))
            .await;
        let both = format!(
            "['out', 'other'].every((id) => document.getElementById(id).innerText === '{letter}')"
        );
        browser.wait_until(&both).await;
        browser.wait_until(IDLE).await;
    }
    assert_eq!(
        site.callback_requests().len(),
        4,
        "a value and a callback each"
    );
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_the_place_of_an_answer_is_an_error_and_not_a_callback_without_an_end() {
    use axum::extract::Request;
    use axum::middleware::{Next, from_fn};
    use axum::response::{Html, IntoResponse};
    let builder = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("choice", "value"));
    let callback = builder
        .cache(cached())
        .running("other", "children", "running", "done")
        .handler(shared);
    let router = App::new(layout())
        .callback(callback)
        .build()
        .unwrap()
        .into_router();
    let router = router.layer(from_fn(async |request: Request, next: Next| match request
        .uri()
        .path()
        .starts_with("/_ferrodash/call/")
    {
        true => Html("<html>Please sign in</html>").into_response(),
        false => next.run(request).await,
    }));
    let site = Site::serve(router).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser
        .wait_until("document.getElementById('other').innerText === 'done'")
        .await;
    assert_eq!(browser.text("out").await, "");
}
