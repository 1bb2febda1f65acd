//! Debounced inputs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use e2e::{Browser, Site};
use ferrodash::prelude::*;

/// Thirty characters.
const TEXT: &str = "the quick brown fox jumps over";

const PAUSE: Duration = Duration::from_millis(40);

/// Remembers, in the page, when the last key came, when requests for callbacks left, and what was
/// ever shown as loading.
const WATCH: &str = "
    window.watch = { keys: 0, last: 0, requests: [], spinners: 0, disabled: 0, titles: 0, blurred: 0 };
    addEventListener('input', () => { watch.keys++; watch.last = performance.now(); }, true);
    addEventListener('focusout', () => { watch.blurred = performance.now(); }, true);
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
            if (entry.name.includes('_dash-update-component')) watch.requests.push(entry.startTime);
    }).observe({ type: 'resource' });
    new MutationObserver(() => {
        if (document.querySelector('[data-dash-is-loading=true], .dash-spinner, ._dash-loading-callback')) watch.spinners++;
        if (document.getElementById('button').disabled) watch.disabled++;
        if (document.title !== 'Ferrodash') watch.titles++;
    }).observe(document, { subtree: true, attributes: true, childList: true, characterData: true });
";

/// An app with one debounced callback that takes a moment, and the number of its calls.
fn app() -> (App, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let layout = html::Div::new((
        dcc::Input::new().id("text"),
        html::Button::new("Save").id("button"),
        dcc::Loading::new(html::Div::new(()).id("out")).delay_show(0),
    ));
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new("text", "value").debounce(Duration::from_millis(500)))
        .running("button", "disabled", true, false)
        .handler(move |text: Option<String>| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                text.unwrap_or_default().to_uppercase()
            }
        });
    (App::new(layout).callback(callback), calls)
}

async fn number(browser: &Browser, expression: &str) -> f64 {
    browser
        .js(&format!("return {expression}"))
        .await
        .as_f64()
        .expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_thirty_keys_are_one_request_after_the_wait() {
    let (app, calls) = app();
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    assert_eq!(
        calls.load(Ordering::SeqCst),
        1,
        "the first call does not wait"
    );
    browser.js(WATCH).await;
    browser.element("text").await.click().await.unwrap();
    browser.type_text(TEXT, PAUSE).await.unwrap();
    browser
        .wait_until(&format!(
            "document.getElementById('out').innerText === {:?}",
            TEXT.to_uppercase()
        ))
        .await;
    browser.let_pass(700).await;
    assert_eq!(number(&browser, "watch.keys").await, 30.0);
    assert_eq!(number(&browser, "watch.requests.length").await, 1.0);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let waited = number(&browser, "watch.requests[0] - watch.last").await;
    assert!(
        (500.0..=600.0).contains(&waited),
        "sent {waited} ms after the last key"
    );
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_leaving_the_field_sends_at_once_and_only_once() {
    let (app, calls) = app();
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser.js(WATCH).await;
    browser.element("text").await.click().await.unwrap();
    browser.type_text(TEXT, PAUSE).await.unwrap();
    browser
        .js("setTimeout(() => document.activeElement.blur(), Math.max(0, watch.last + 100 - performance.now()))")
        .await;
    browser
        .wait_until(&format!(
            "document.getElementById('out').innerText === {:?}",
            TEXT.to_uppercase()
        ))
        .await;
    let after_blur = number(&browser, "watch.requests[0] - watch.blurred").await;
    assert!(
        (0.0..=50.0).contains(&after_blur),
        "sent {after_blur} ms after the field was left"
    );
    browser.let_pass(800).await;
    assert_eq!(number(&browser, "watch.requests.length").await, 1.0);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_nothing_shows_as_loading_while_it_waits() {
    let (app, calls) = app();
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    // The call of the load shows as loading, and must have ended.
    while calls.load(Ordering::SeqCst) == 0 {
        browser.let_pass(10).await;
    }
    browser
        .wait_until("!document.querySelector('[data-dash-is-loading=true], .dash-spinner')")
        .await;
    browser
        .wait_until("document.title === 'Ferrodash' && !document.getElementById('button').disabled")
        .await;
    browser.js(WATCH).await;
    browser.element("text").await.click().await.unwrap();
    browser.type_text(TEXT, PAUSE).await.unwrap();
    browser.let_pass(300).await;
    assert_eq!(
        number(&browser, "watch.requests.length").await,
        0.0,
        "still waiting"
    );
    assert_eq!(number(&browser, "watch.spinners").await, 0.0);
    assert_eq!(number(&browser, "watch.disabled").await, 0.0);
    assert_eq!(number(&browser, "watch.titles").await, 0.0);
    browser
        .wait_until("watch.spinners > 0 && watch.disabled > 0 && watch.titles > 0")
        .await;
    browser
        .wait_until(&format!(
            "document.getElementById('out').innerText === {:?}",
            TEXT.to_uppercase()
        ))
        .await;
    browser
        .wait_until("!document.getElementById('button').disabled")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_goes_while_it_waits_leaves_no_error_behind() {
    let field = |id: Id| html::Div::new(dcc::Input::new().id(id).class_name("field"));
    let rows = || Id::from([("type", "field".into()), ("index", 1.into())]);
    for id in [Id::from("text"), rows()] {
        let layout = html::Div::new((
            html::Button::new("Remove").id("remove").n_clicks(0),
            html::Div::new(field(id.clone())).id("place"),
            html::Div::new(()).id("out"),
        ));
        let remove = Callback::builder()
            .output(Output::new("place", "children"))
            .input(("remove", "n_clicks"))
            .prevent_initial_call()
            .handler(async |_: u32| "gone");
        let echo = Callback::builder()
            .output(Output::new("out", "children"))
            .input(Input::new(id.clone(), "value").debounce(Duration::from_millis(500)))
            .handler(async |text: Option<String>| text);
        let site = Site::start(App::new(layout).callbacks([remove, echo])).await;
        let browser = Browser::start().await;
        browser.open(&site.url("/")).await;
        let before = site.callback_requests().len();
        let input = browser
            .driver
            .find(thirtyfour::By::Css("input.field, .field input"))
            .await
            .unwrap();
        input.send_keys("typed").await.unwrap();
        browser
            .js("document.getElementById('remove').click()")
            .await;
        browser
            .wait_until("document.getElementById('place').innerText === 'gone'")
            .await;
        browser.let_pass(800).await;
        assert_eq!(
            site.callback_requests().len(),
            before + 1,
            "{id}: only the removal was asked for"
        );
        assert_eq!(browser.console().await, Vec::<String>::new(), "{id}");
    }
}
