//! Waits with a maximum, a call at the first change, and throttles.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use e2e::{Browser, Site};
use ferrodash::prelude::*;
use serde_json::{Value, json};

const MILLI: Duration = Duration::from_millis(1);

/// Remembers, in the page, when it was told to, when requests for callbacks left, and what was shown.
const WATCH: &str = "
    window.watch = { requests: [], shown: [] };
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
            if (entry.name.includes('_dash-update-component')) watch.requests.push(entry.startTime);
    }).observe({ type: 'resource' });
    new MutationObserver(() => watch.shown.push([performance.now(), document.getElementById('out').innerText]))
        .observe(document.getElementById('out'), { childList: true, subtree: true, characterData: true });
";

/// A field, what its callback shows, and the number of its calls.
async fn open(input: Input) -> (Site, Browser, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(input)
        .prevent_initial_call()
        .handler(move |text: Value| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { text.to_string() }
        });
    let layout = html::Div::new((
        dcc::Input::new().id("text").value(""),
        dcc::Slider::new()
            .id("slider")
            .min(0)
            .max(1000)
            .step(1)
            .value(0)
            .updatemode(dcc::SliderUpdatemode::Drag),
        html::Div::new(()).id("out"),
    ));
    let site = Site::start(App::new(layout).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser.js(WATCH).await;
    browser.element("text").await.click().await.unwrap();
    (site, browser, calls)
}

/// Writes `text 1`, `text 2` and so on into the field, one in each pause, and returns when the first and the last one
/// were written.
async fn write(browser: &Browser, count: u32, pause: u32) -> (f64, f64) {
    let script = format!(
        "const done = arguments[arguments.length - 1], field = document.querySelector('#text');
         const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
         const start = performance.now(); let number = 0;
         const next = () => {{
             number++; set.call(field, 'text ' + number);
             field.dispatchEvent(new Event('input', {{ bubbles: true }}));
             if (number === {count}) done([start, performance.now()]);
             else setTimeout(next, start + number * {pause} - performance.now());
         }};
         next();"
    );
    let result = browser
        .driver
        .execute_async(script, Vec::new())
        .await
        .unwrap();
    let times = result.json();
    (times[0].as_f64().unwrap(), times[1].as_f64().unwrap())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// When requests left, in the page's time.
async fn requests(browser: &Browser) -> Vec<f64> {
    let times = browser.js("return watch.requests").await;
    times
        .as_array()
        .unwrap()
        .iter()
        .map(|time| time.as_f64().unwrap())
        .collect()
}

fn text() -> Input {
    Input::new("text", "value")
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_a_longest_wait_lets_changes_pass_while_the_user_types() {
    let input = text().debounce(500 * MILLI).max_wait(1000 * MILLI);
    let (_site, browser, calls) = open(input).await;
    write(&browser, 20, 300).await;
    browser.shows("out", "\"text 20\"").await;
    browser.let_pass(700).await;
    let sent = requests(&browser).await;
    assert!((5..=7).contains(&sent.len()), "{sent:?}");
    let gap = sent
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(0.0, f64::max);
    assert!(gap <= 1100.0, "{gap} ms without a request");
    assert_eq!(calls.load(Ordering::SeqCst) as usize, sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn d17_the_first_change_passes_at_once_and_only_the_last_follows() {
    let (_site, browser, calls) = open(text().debounce(300 * MILLI).leading(true)).await;
    let mut waited = Vec::new();
    for round in 0..6 {
        browser.js("watch.requests.length = 0").await;
        let field = browser.element("text").await;
        field.send_keys("x").await.unwrap();
        browser.let_pass(600).await;
        browser.js("watch.requests.length = 0").await;
        let (first, _) = write(&browser, 1, 100).await;
        browser.let_pass(600).await;
        let sent = requests(&browser).await;
        assert_eq!(sent.len(), 1, "a single change is a single request");
        // The first one takes longer, for whatever is done for the first time.
        waited.extend((round > 0).then_some(sent[0] - first));
    }
    let usual = median(&mut waited);
    assert!(usual <= 20.0, "{usual} ms, of {waited:?}");
    let before = calls.load(Ordering::SeqCst);
    write(&browser, 8, 50).await;
    browser.shows("out", "\"text 8\"").await;
    browser.let_pass(800).await;
    // The first of the eight writes what the field has already.
    assert_eq!(calls.load(Ordering::SeqCst), before + 2);
    browser.js("watch.requests.length = 0").await;
    browser.js("document.querySelector('#text').select()").await;
    browser.type_text("abcdef", 50 * MILLI).await.unwrap();
    browser.shows("out", "\"abcdef\"").await;
    browser.let_pass(600).await;
    assert_eq!(
        requests(&browser).await.len(),
        2,
        "the first key and the last"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t1_a_slider_that_is_dragged_asks_at_most_so_often_and_ends_with_its_position() {
    let input = Input::new("slider", "value").throttle(200 * MILLI);
    let (_site, browser, calls) = open(input).await;
    let handle = browser
        .driver
        .find(thirtyfour::By::Css("[role=slider]"))
        .await
        .unwrap();
    let mut waited = Vec::new();
    for round in 1..=6 {
        browser
            .js("watch.requests.length = 0;
                 const value = () => dash_component_api.getLayout('slider').props.value, before = value();
                 const end = store.subscribe(() => {
                     if (value() !== before) { watch.moved = performance.now(); end(); }
                 })")
            .await;
        handle.send_keys(thirtyfour::Key::Right).await.unwrap();
        browser.shows("out", &round.to_string()).await;
        browser.let_pass(500).await;
        let moved = browser.js("return watch.moved").await.as_f64().unwrap();
        waited.extend((round > 1).then_some(requests(&browser).await[0] - moved));
    }
    let usual = median(&mut waited);
    assert!(usual <= 20.0, "{usual} ms, of {waited:?}");
    browser.js("watch.requests.length = 0").await;
    let before = calls.load(Ordering::SeqCst) as usize;
    let place = handle.rect().await.unwrap();
    let (x, y) = (place.x + place.width / 2.0, place.y + place.height / 2.0);
    // A mouse that moves about 180 times in 3 s, which is too fast for WebDriver's commands.
    let mouse = |kind: &str, x: f64| json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1});
    let cdp = browser.driver.cdp();
    cdp.send_raw("Input.dispatchMouseEvent", mouse("mousePressed", x))
        .await
        .unwrap();
    let begun = tokio::time::Instant::now();
    let mut moved = x;
    while begun.elapsed() < Duration::from_secs(3) {
        moved = x + begun.elapsed().as_secs_f64() * 180.0;
        cdp.send_raw("Input.dispatchMouseEvent", mouse("mouseMoved", moved))
            .await
            .unwrap();
        tokio::time::sleep(5 * MILLI).await;
    }
    let last = browser
        .js("return performance.now()")
        .await
        .as_f64()
        .unwrap();
    cdp.send_raw("Input.dispatchMouseEvent", mouse("mouseReleased", moved))
        .await
        .unwrap();
    browser.let_pass(1000).await;
    let sent = requests(&browser).await;
    assert!(
        sent.len() > 10 && sent.len() <= 17,
        "{} requests",
        sent.len()
    );
    let after = sent[sent.len() - 1] - last;
    assert!(after <= 200.0, "the last {after} ms after the release");
    let value = browser
        .js("return String(dash_component_api.getLayout('slider').props.value)")
        .await;
    browser.shows("out", value.as_str().unwrap()).await;
    assert_eq!(calls.load(Ordering::SeqCst) as usize, before + sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_a_single_change_under_a_throttle_is_one_request() {
    let (_site, browser, calls) = open(text().throttle(200 * MILLI)).await;
    write(&browser, 1, 100).await;
    browser.let_pass(900).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_a_clientside_callback_waits_for_a_hundred_hovers() {
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new("graph", "hoverData").debounce(200 * MILLI))
        .prevent_initial_call()
        .clientside("(hover) => { window.runs = (window.runs || 0) + 1; return hover.points[0].x + ' ' + runs; }");
    let layout = html::Div::new((
        dcc::Graph::new().id("graph").figure(json!({
            "data": [{"x": (0..100).collect::<Vec<u32>>(), "y": vec![1; 100]}],
            "layout": {"width": 1000, "height": 400, "hovermode": "x"},
        })),
        html::Div::new(()).id("out"),
    ));
    let site = Site::start(App::new(layout).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser
        .wait_until("document.querySelector('.nsewdrag')")
        .await;
    let area = browser
        .driver
        .find(thirtyfour::By::Css(".nsewdrag"))
        .await
        .unwrap();
    let place = area.rect().await.unwrap();
    let cdp = browser.driver.cdp();
    for step in 0..100_u32 {
        let x = place.x + 20.0 + f64::from(step) * (place.width - 40.0) / 100.0;
        let event = json!({"type": "mouseMoved", "x": x, "y": place.y + place.height / 2.0});
        cdp.send_raw("Input.dispatchMouseEvent", event)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(8)).await;
    }
    browser
        .wait_until("/^\\d+ 1$/.test(document.getElementById('out').innerText)")
        .await;
    browser.let_pass(500).await;
    assert_eq!(browser.js("return window.runs").await, 1);
}
