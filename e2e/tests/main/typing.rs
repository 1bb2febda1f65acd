//! What a user does in debounced fields, and the calls that follow.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::{Browser, Site};
use ferrodash::prelude::*;
use serde_json::{Value, json};
use thirtyfour::{By, Key};

const WAIT: Duration = Duration::from_millis(500);
const KEYS: Duration = Duration::from_millis(30);

/// The values that callbacks were called with, by the names of the callbacks.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<(String, Value)>>>);

impl Calls {
    /// A callback that shows the values of its inputs and states in the element with its name.
    fn callback(&self, name: &str, inputs: &[Input], states: &[State]) -> Callback {
        let mut builder = Callback::builder()
            .output(Output::new(name.to_owned(), "children"))
            .prevent_initial_call();
        for input in inputs {
            builder = builder.input(input.clone());
        }
        for state in states {
            builder = builder.state(state.clone());
        }
        let (calls, name) = (self.0.clone(), name.to_owned());
        let note = move |values: Value| {
            calls.lock().unwrap().push((name.clone(), values.clone()));
            async move { values.to_string() }
        };
        match inputs.len() + states.len() {
            1 => builder.handler(move |a: Value| note(a)),
            2 => builder.handler(move |a: Value, b: Value| note(json!([a, b]))),
            count => panic!("{count} values"),
        }
    }

    fn of(&self, name: &str) -> Vec<Value> {
        let calls = self.0.lock().unwrap();
        let own = calls.iter().filter(|(of, _)| of == name);
        own.map(|(_, value)| value.clone()).collect()
    }
}

fn text() -> Input {
    Input::new("text", "value").debounce(WAIT)
}

fn field() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("text").value(""),
        html::Button::new("Save").id("save").n_clicks(0),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("other"),
    ))
}

/// Opens a page with the focus in its field.
async fn open(layout: html::Div, callbacks: Vec<Callback>) -> (Site, Browser) {
    let site = Site::start(App::new(layout).callbacks(callbacks)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser.element("text").await.click().await.unwrap();
    (site, browser)
}

async fn quiet(browser: &Browser) {
    browser.let_pass(900).await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_enter_ends_the_wait_and_both_callbacks_have_the_whole_text() {
    let calls = Calls::default();
    let callbacks = vec![
        calls.callback("out", &[text().debounce(3 * WAIT)], &[]),
        calls.callback(
            "other",
            &[Input::new("text", "n_submit")],
            &[State::new("text", "value")],
        ),
    ];
    let (site, browser) = open(field(), callbacks).await;
    let before = site.callback_requests().len();
    browser.type_text("the whole text", KEYS).await.unwrap();
    browser.let_pass(100).await;
    browser
        .element("text")
        .await
        .send_keys(Key::Enter)
        .await
        .unwrap();
    let enter = tokio::time::Instant::now();
    browser.shows("other", "[1,\"the whole text\"]").await;
    browser.shows("out", "\"the whole text\"").await;
    assert!(
        enter.elapsed() < WAIT,
        "it did not wait for the time to pass"
    );
    quiet(&browser).await;
    quiet(&browser).await;
    assert_eq!(calls.of("out"), [json!("the whole text")]);
    assert_eq!(calls.of("other"), [json!([1, "the whole text"])]);
    assert_eq!(site.callback_requests().len(), before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_text_that_is_as_before_asks_nothing() {
    let calls = Calls::default();
    let (site, browser) = open(field(), vec![calls.callback("out", &[text()], &[])]).await;
    browser.type_text("abc", KEYS).await.unwrap();
    browser.shows("out", "\"abc\"").await;
    let before = site.callback_requests().len();
    browser.type_text("d", KEYS).await.unwrap();
    browser
        .element("text")
        .await
        .send_keys(Key::Backspace)
        .await
        .unwrap();
    quiet(&browser).await;
    assert_eq!(site.callback_requests().len(), before);
    assert_eq!(calls.of("out"), [json!("abc")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_nothing_is_sent_while_a_word_is_composed() {
    let calls = Calls::default();
    let (site, browser) = open(field(), vec![calls.callback("out", &[text()], &[])]).await;
    let before = site.callback_requests().len();
    browser.type_text("x", KEYS).await.unwrap();
    let cdp = browser.driver.cdp();
    for part in ["k", "こ", "こn", "こん", "こんに", "こんにち", "こんにちは"] {
        let length = part.chars().count();
        let parameters = json!({"text": part, "selectionStart": length, "selectionEnd": length});
        cdp.send_raw("Input.imeSetComposition", parameters)
            .await
            .unwrap();
        browser.let_pass(430).await;
    }
    browser.let_pass(700).await;
    assert_eq!(
        site.callback_requests().len(),
        before,
        "it is being composed"
    );
    cdp.send_raw("Input.insertText", json!({"text": "今日は"}))
        .await
        .unwrap();
    browser.shows("out", "\"x今日は\"").await;
    quiet(&browser).await;
    assert_eq!(calls.of("out"), [json!("x今日は")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_another_input_ends_the_wait_with_one_call() {
    let calls = Calls::default();
    let save = Input::new("save", "n_clicks");
    let (site, browser) = open(
        field(),
        vec![calls.callback("out", &[text().flush([]), save], &[])],
    )
    .await;
    let before = site.callback_requests().len();
    browser.type_text("abc", KEYS).await.unwrap();
    browser.element("save").await.click().await.unwrap();
    browser.shows("out", "[\"abc\",1]").await;
    quiet(&browser).await;
    assert_eq!(calls.of("out"), [json!(["abc", 1])]);
    assert_eq!(site.callback_requests().len(), before + 1);
    browser.element("text").await.click().await.unwrap();
    browser.type_text("d", KEYS).await.unwrap();
    browser.shows("out", "[\"abcd\",1]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_another_input_ends_the_wait_of_a_clientside_callback() {
    let both = Callback::builder()
        .output(Output::new("out", "children"))
        .input(text().flush([]))
        .input(("save", "n_clicks"))
        .prevent_initial_call()
        .clientside(
            "(text, clicks) => { window.runs = (window.runs || 0) + 1; return text + clicks; }",
        );
    let (_site, browser) = open(field(), vec![both]).await;
    browser.type_text("abc", KEYS).await.unwrap();
    browser.element("save").await.click().await.unwrap();
    browser.shows("out", "abc1").await;
    quiet(&browser).await;
    assert_eq!(browser.js("return window.runs").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn d10_a_button_has_the_newest_text_a_hundred_times() {
    let calls = Calls::default();
    let callbacks = vec![
        calls.callback("out", &[text()], &[]),
        calls.callback(
            "other",
            &[Input::new("save", "n_clicks")],
            &[State::new("text", "value")],
        ),
    ];
    let (_site, browser) = open(field(), callbacks).await;
    for click in 1..=100 {
        browser
            .js(&format!(
                "const field = document.querySelector('#text'), set = Object.getOwnPropertyDescriptor(
                     HTMLInputElement.prototype, 'value').set;
                 set.call(field, 'text {click}');
                 field.dispatchEvent(new Event('input', {{ bubbles: true }}));
                 setTimeout(() => document.getElementById('save').click(), {});",
                click * 37 % 60
            ))
            .await;
        browser
            .shows("other", &format!("[{click},\"text {click}\"]"))
            .await;
    }
    assert_eq!(calls.of("other").len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_what_another_callback_writes_passes_at_once_unless_it_is_held() {
    for held in [false, true] {
        let calls = Calls::default();
        let fill = Callback::builder()
            .output(Output::new("text", "value"))
            .input(("save", "n_clicks"))
            .prevent_initial_call()
            .handler(async |clicks: u32| format!("filled {clicks}"));
        let own = text().flush([]).hold_callbacks(held);
        let (_site, browser) = open(field(), vec![fill, calls.callback("out", &[own], &[])]).await;
        browser
            .js("window.since = performance.now(); new MutationObserver(() => window.took = performance.now() - since)
                     .observe(document.getElementById('out'), { childList: true, subtree: true, characterData: true });
                 document.getElementById('save').click()")
            .await;
        browser.shows("out", "\"filled 1\"").await;
        let took = browser.js("return window.took").await.as_f64().unwrap();
        assert_eq!(took > 500.0, held, "{took} ms");
        quiet(&browser).await;
        assert_eq!(calls.of("out").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d12_each_row_that_is_typed_in_is_a_request() {
    let row =
        |kind: &str, index: ferrodash::IdValue| Id::from([("type", kind.into()), ("index", index)]);
    let layout = html::Div::new(
        (0..3)
            .map(|index: u32| {
                html::Div::new((
                    dcc::Input::new().id(row("in", index.into())),
                    html::Div::new(()).id(row("out", index.into())),
                ))
            })
            .collect::<Vec<_>>(),
    );
    let callback = Callback::builder()
        .output(Output::new(row("out", MATCH), "children"))
        .input(
            Input::new(row("in", MATCH), "value")
                .debounce(WAIT)
                .flush([]),
        )
        .prevent_initial_call()
        .handler(async |text: String| text);
    let site = Site::start(App::new(layout).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    let before = site.callback_requests().len();
    for (index, text) in [(0, "first"), (1, "second")] {
        let id = format!(r#"{{"index":{index},"type":"in"}}"#);
        browser.element(&id).await.send_keys(text).await.unwrap();
    }
    browser.shows(r#"{"index":0,"type":"out"}"#, "first").await;
    browser.shows(r#"{"index":1,"type":"out"}"#, "second").await;
    quiet(&browser).await;
    assert_eq!(site.callback_requests().len(), before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn d15_every_way_to_change_a_field_is_one_request() {
    let calls = Calls::default();
    let layout = html::Div::new((
        dcc::Input::new()
            .id("text")
            .r#type(dcc::InputType::Number)
            .value(1)
            .step(1),
        html::Div::new(()).id("out"),
    ));
    let (_site, browser) = open(layout, vec![calls.callback("out", &[text()], &[])]).await;
    let paste = "const data = new DataTransfer(); data.setData('text', '42');
         const field = document.querySelector('#text'); field.select();
         document.execCommand('insertText', false, '42')";
    browser.js(paste).await;
    browser.shows("out", "42").await;
    let buttons = browser
        .driver
        .find_all(By::Css(".dash-input-stepper"))
        .await
        .unwrap();
    buttons
        .last()
        .expect("the number has buttons")
        .click()
        .await
        .unwrap();
    browser.shows("out", "43").await;
    // What autofill, a clear button and a drop do: the browser sets the value and says `input`.
    for value in ["7", "8"] {
        browser
            .js(&format!(
                "const field = document.querySelector('#text'), set = Object.getOwnPropertyDescriptor(
                     HTMLInputElement.prototype, 'value').set;
                 set.call(field, {value:?}); field.dispatchEvent(new Event('input', {{ bubbles: true }}))"
            ))
            .await;
        browser.shows("out", value).await;
    }
    quiet(&browser).await;
    assert_eq!(calls.of("out"), [json!(42), json!(43), json!(7), json!(8)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_a_text_in_the_address_is_one_entry_of_the_history() {
    let layout = html::Div::new((
        dcc::Location::new("location").refresh(false),
        dcc::Input::new().id("text").value(""),
    ));
    let write = Callback::builder()
        .output(Output::new("location", "search"))
        .input(text())
        .prevent_initial_call()
        .handler(async |text: String| format!("?q={text}"));
    let (site, browser) = open(layout, vec![write]).await;
    browser.driver.goto(site.url("/?first")).await.unwrap();
    browser.open(&site.url("/")).await;
    browser.element("text").await.click().await.unwrap();
    let before = browser.js("return history.length").await.as_u64().unwrap();
    browser
        .type_text("twenty characters ok", KEYS)
        .await
        .unwrap();
    browser
        .wait_until("location.search === '?q=twenty%20characters%20ok'")
        .await;
    browser.let_pass(700).await;
    let after = browser.js("return history.length").await.as_u64().unwrap();
    assert_eq!(after, before + 1);
    browser.driver.back().await.unwrap();
    browser.wait_until("location.search === ''").await;
    browser.driver.back().await.unwrap();
    browser.wait_until("location.search === '?first'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_without_the_script_an_input_passes_at_once() {
    let calls = Calls::default();
    let app = App::new(field()).callback(calls.callback("out", &[text()], &[]));
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    let cdp = browser.driver.cdp();
    cdp.send_raw("Network.enable", json!({})).await.unwrap();
    let blocked = json!({"urls": ["*ferrodash.js*"]});
    cdp.send_raw("Network.setBlockedURLs", blocked)
        .await
        .unwrap();
    browser.open(&site.url("/")).await;
    let has_script = browser
        .js("return 'sent' in dash_clientside.ferrodash")
        .await;
    assert_eq!(has_script, json!(false));
    browser.element("text").await.click().await.unwrap();
    browser.type_text("abc", KEYS).await.unwrap();
    browser.shows("out", "\"abc\"").await;
}
