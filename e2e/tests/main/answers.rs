//! Answers as a user sees them: children in lists within lists, side updates alone, callbacks that
//! write the same outputs, charts without an upload button, and a call that is too large.

use std::io::Write;

use e2e::{Browser, IDLE, Site};
use ferrodash::NoUpdate;
use ferrodash::prelude::*;
use ferrodash_testing::Nginx;
use serde_json::{Value, json};

const SHARE: &str = "document.querySelectorAll('.modebar-btn[data-title^=\"Share\"]').length";

fn charts() -> App {
    let figure = json!({"data": [{"y": [2, 1, 3]}], "layout": {"height": 200}});
    let own = json!({"showSendToCloud": true, "displayModeBar": true});
    App::new(html::Div::new((
        dcc::Graph::new()
            .id("first")
            .figure(figure.clone())
            .config(json!({"displayModeBar": true})),
        dcc::Graph::new().id("second").figure(figure.clone()),
        dcc::Graph::new().id("own").figure(figure).config(own),
    )))
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_charts_offer_to_upload_themselves_only_when_asked_to() {
    let browser = Browser::start().await;
    for (app, expected) in [(charts(), 1), (charts().show_send_to_cloud(true), 3)] {
        let site = Site::start(app).await;
        browser.open(&site.url("/")).await;
        browser
            .wait_until(
                "document.querySelectorAll('.modebar-btn[data-title^=\"Download\"]').length === 3",
            )
            .await;
        assert_eq!(browser.js(&format!("return {SHARE}")).await, expected);
        let own =
            browser.js("return document.querySelectorAll('#own .modebar-btn[data-title^=\"Share\"]').length").await;
        assert_eq!(own, 1, "what a graph says itself holds");
        // One that a script of the page draws itself.
        browser
            .js("const div = document.body.appendChild(document.createElement('div')); div.id = 'drawn';
                 return Plotly.newPlot(div, [{y: [1, 2]}]).then(() => true)")
            .await;
        let drawn = browser.js(
            "return document.querySelectorAll('#drawn .modebar-btn[data-title^=\"Share\"]').length",
        );
        assert_eq!(drawn.await, i32::from(expected == 3));
        assert_eq!(browser.console().await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_plotly_that_the_app_brings_itself_does_not_offer_it_either() {
    let folder = tempfile::tempdir().unwrap();
    let script = "window.options = []; window.Plotly = {setPlotConfig: (config) => window.options.push(config)};";
    std::fs::write(folder.path().join("own.js"), script).unwrap();
    let site = Site::start(App::new(html::Div::new("hello")).assets_folder(folder.path())).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    assert_eq!(
        browser.js("return window.options").await,
        json!([{"showSendToCloud": false}])
    );
    assert_eq!(
        browser.js("return typeof Plotly.setPlotConfig").await,
        "function"
    );
}

/// A page with an upload whose contents go to the server.
fn upload() -> App {
    let layout = html::Div::new((
        dcc::Upload::new(html::A::new("Choose a file")).id("file"),
        html::P::new("-").id("out"),
    ));
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("file", "contents"));
    let callback = callback.prevent_initial_call();
    App::new(layout).callback(
        callback.handler(async |contents: String| format!("{} characters", contents.len())),
    )
}

/// A file of so many bytes.
fn file(bytes: usize) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&vec![b'x'; bytes]).unwrap();
    file
}

async fn choose(browser: &Browser, file: &tempfile::NamedTempFile) {
    let input = browser
        .driver
        .find(thirtyfour::By::Css("input[type=file]"))
        .await
        .unwrap();
    input
        .send_keys(file.path().to_str().unwrap())
        .await
        .unwrap();
}

const NOTICE: &str = "document.getElementById('ferrodash-refused')?.innerText";

#[tokio::test(flavor = "multi_thread")]
async fn c26_the_page_says_that_a_file_is_too_large() {
    let site = Site::start(upload()).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    choose(&browser, &file(30 << 20)).await;
    browser
        .wait_until(&format!(
            "{NOTICE}?.startsWith('This is too large to send.')"
        ))
        .await;
    assert!(
        browser
            .element("ferrodash-refused")
            .await
            .is_displayed()
            .await
            .unwrap()
    );
    browser.wait_until(IDLE).await;
    assert_eq!(browser.text("out").await, "-");
    // It goes when it is read, and a smaller file is sent.
    browser
        .js("document.querySelector('#ferrodash-refused button').click()")
        .await;
    assert_eq!(browser.js(&format!("return {NOTICE}")).await, Value::Null);
    choose(&browser, &file(1000)).await;
    browser
        .wait_until("document.getElementById('out').innerText === '1373 characters'")
        .await;
    assert_eq!(browser.js(&format!("return {NOTICE}")).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn c26_the_page_says_it_for_a_refusal_of_a_proxy_too() {
    let site = Site::start(upload()).await;
    let proxy = Nginx::start(&site.url(""), "client_max_body_size 100k;");
    let browser = Browser::start().await;
    browser.open(&proxy.url("/")).await;
    for _ in 0..2 {
        choose(&browser, &file(200_000)).await;
        browser
            .wait_until(&format!(
                "{NOTICE}?.startsWith('This is too large to send.')"
            ))
            .await;
    }
    assert_eq!(
        browser
            .js("return document.querySelectorAll('#ferrodash-refused').length")
            .await,
        1
    );
}

/// A callback that is called when the page is loaded.
fn loaded(outputs: [&'static str; 2], says: &'static str) -> Callback {
    let to = |id: &'static str| Output::new(id, "data-said").allow_duplicate();
    let callback = Callback::builder()
        .output(to(outputs[0]))
        .output(to(outputs[1]))
        .input(("text", "value"));
    let callback = callback
        .output(Output::new(says, "children"))
        .initial_duplicate();
    callback.handler(move |_: Option<String>| async move { (NoUpdate, NoUpdate, "called") })
}

#[tokio::test(flavor = "multi_thread")]
async fn c21_callbacks_with_the_same_outputs_in_another_order_are_all_called_when_the_page_is_loaded()
 {
    let ids = ["p", "q", "first", "second", "third"];
    let layout = html::Div::new((
        dcc::Input::new().id("text"),
        ids.map(|id| html::Div::new("").id(id)),
    ));
    let callbacks = [
        loaded(["p", "q"], "first"),
        loaded(["q", "p"], "second"),
        loaded(["p", "q"], "third"),
    ];
    let site = Site::start(App::new(layout).callbacks(callbacks)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    for id in ["first", "second", "third"] {
        browser
            .wait_until(&format!(
                "document.getElementById('{id}').innerText === 'called'"
            ))
            .await;
    }
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn c20_c22_nested_lists_are_drawn_and_a_side_update_comes_without_an_update() {
    let layout = html::Div::new((
        html::Button::new("Go").id("go").n_clicks(0),
        html::Ul::new(()).id("list"),
        html::P::new("-").id("note"),
        html::P::new("-").id("after"),
    ));
    let list = Callback::builder()
        .output(Output::new("list", "children"))
        .input(("go", "n_clicks"));
    let list = list.handler(async |clicks: u32| {
        let item = |text: String| html::Li::new(text);
        vec![
            vec![item(format!("a{clicks}")), item("b".into())],
            vec![],
            vec![item("c".into())],
        ]
    });
    let side = Callback::builder()
        .output(Output::new("after", "title"))
        .input(("go", "n_clicks"));
    let side = side
        .prevent_initial_call()
        .handler(async |clicks: u32, context: Context| {
            context.set_props("note", "children", format!("clicked {clicks}"));
            Err::<String, CallbackError>(PreventUpdate.into())
        });
    // Depends on what is not updated, so it is not called.
    let after = Callback::builder()
        .output(Output::new("after", "children"))
        .input(("after", "title"));
    let after = after
        .prevent_initial_call()
        .handler(async |_: Option<String>| "called");
    let site = Site::start(App::new(layout).callbacks([list, side, after])).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser.js("document.getElementById('go').click()").await;
    browser
        .wait_until("document.getElementById('note').innerText === 'clicked 1'")
        .await;
    browser
        .wait_until("[...document.querySelectorAll('#list > li')].map((li) => li.innerText).join() === 'a1,b,c'")
        .await;
    browser.wait_until(IDLE).await;
    assert_eq!(browser.text("after").await, "-");
    assert_eq!(browser.console().await, Vec::<String>::new());
}
