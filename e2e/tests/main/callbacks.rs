//! Callbacks of every kind, in the page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use e2e::{Browser, Site};
use ferrodash::prelude::*;
use serde_json::Value;
use tokio::sync::Notify;

fn button(id: &'static str) -> html::Button {
    html::Button::new(id).id(id)
}

async fn click(browser: &Browser, id: &str) {
    browser.element(id).await.click().await.unwrap();
}

async fn shows(browser: &Browser, id: &str, text: &str) {
    browser
        .wait_until(&format!(
            "document.getElementById({id:?}).innerText === {text:?}"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_the_page_answer_without_a_request() {
    let layout = html::Div::new((
        dcc::Input::new().id("text").value("abc"),
        button("go"),
        html::Div::new(()).id("length"),
        html::Div::new(()).id("later"),
        html::Div::new(()).id("named"),
        html::Div::new(()).id("side"),
        html::Div::new("as it was").id("kept"),
    ));
    let to = |id: &'static str| Callback::builder().output(Output::new(id, "children"));
    let length = to("length")
        .input(("text", "value"))
        .clientside("(text) => (text || '').length");
    let promise = to("later").input(("text", "value")).clientside(
        "async function (text) { await new Promise((done) => setTimeout(done, 50)); return text + ' later'; }",
    );
    let named = to("named")
        .input(("text", "value"))
        .state(State::new("go", "children"));
    let side = to("kept")
        .input(("go", "n_clicks"))
        .prevent_initial_call()
        .clientside(
            "(clicks) => { dash_clientside.set_props('side', {children: 'clicked ' + clicks}); \
         return dash_clientside.no_update; }",
        );
    let folder = tempfile::tempdir().unwrap();
    let script = "window.dash_clientside = Object.assign(window.dash_clientside || {}, {ours: {join: (a, b) => a + b}});";
    std::fs::write(folder.path().join("ours.js"), script).unwrap();
    let app = App::new(layout).assets_folder(folder.path()).callbacks([
        length,
        promise,
        named.clientside_function("ours", "join"),
        side,
    ]);
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    for (id, text) in [("length", "3"), ("later", "abc later"), ("named", "abcgo")] {
        shows(&browser, id, text).await;
    }
    click(&browser, "go").await;
    shows(&browser, "side", "clicked 1").await;
    assert_eq!(browser.text("kept").await, "as it was");
    assert_eq!(site.callback_requests(), Vec::<String>::new());
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_of_the_page_waits_behind_a_debounce_and_gets_the_value() {
    let layout = html::Div::new((dcc::Input::new().id("text"), html::Div::new("0 ").id("out")));
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new("text", "value").debounce(Duration::from_millis(200)))
        .state(State::new("out", "children"))
        .prevent_initial_call()
        .clientside("(text, shown) => (parseInt(shown) + 1) + ' ' + text");
    let site = Site::start(App::new(layout).callback(callback)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    click(&browser, "text").await;
    browser
        .type_text("quick", Duration::from_millis(20))
        .await
        .unwrap();
    shows(&browser, "out", "1 quick").await;
    browser.let_pass(400).await;
    assert_eq!(browser.text("out").await, "1 quick", "it ran once");
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_patches_sets_props_and_switches_what_runs() {
    let layout = html::Div::new((
        button("add"),
        html::Ul::new(html::Li::new("first")).id("list"),
        html::Div::new(()).id("message"),
        html::Div::new(()).id("saved"),
        button("save"),
    ));
    let saves = Arc::new(AtomicU32::new(0));
    let counter = saves.clone();
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    let add = Callback::builder()
        .output(Output::new("list", "children"))
        .input(("add", "n_clicks"))
        .running("add", "disabled", true, false)
        .prevent_initial_call()
        .handler(move |clicks: u32, context: Context| {
            let wait = wait.clone();
            async move {
                context.set_props(
                    "message",
                    "children",
                    html::B::new(format!("added {clicks}")),
                );
                wait.notified().await;
                let mut list = Patch::new();
                if clicks == 1 {
                    // One child is no list in the page.
                    list.set(vec![html::Li::new("first"), html::Li::new("item 1")]);
                } else {
                    list.append(html::Li::new(format!("item {clicks}")));
                }
                list
            }
        });
    let save = Callback::builder()
        .input(("save", "n_clicks"))
        .prevent_initial_call()
        .handler(move |_: u32, context: Context| {
            context.set_props(
                "saved",
                "children",
                format!("saved {}", counter.fetch_add(1, Ordering::SeqCst) + 1),
            );
            async {}
        });
    let site = Site::start(App::new(layout).callbacks([add, save])).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    click(&browser, "add").await;
    browser
        .wait_until("document.getElementById('add').disabled")
        .await;
    go.notify_one();
    browser
        .wait_until("!document.getElementById('add').disabled")
        .await;
    shows(&browser, "message", "added 1").await;
    go.notify_one();
    click(&browser, "add").await;
    shows(&browser, "list", "first\nitem 1\nitem 2").await;
    click(&browser, "save").await;
    shows(&browser, "saved", "saved 1").await;
    assert_eq!(saves.load(Ordering::SeqCst), 1);
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_renderer_calls_its_hooks() {
    let layout = html::Div::new((button("go"), html::Div::new(()).id("out")));
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("go", "n_clicks"))
        .handler(async |clicks: Option<u32>| clicks.unwrap_or(0));
    let app = App::new(layout)
        .callback(callback)
        .renderer_hook(
            "layout_post",
            "(layout) => { layout.props.title = 'seen </script>'; }",
        )
        .renderer_hook(
            "request_pre",
            "(call) => { call.inputs[0].value = (call.inputs[0].value || 0) + 40; }",
        )
        .renderer_hook(
            "request_post",
            "(call, answer) => { answer.out.children += ' and changed'; }",
        );
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "out", "40 and changed").await;
    assert_eq!(
        browser
            .js("return document.getElementById('go').parentElement.title")
            .await,
        "seen </script>"
    );
    click(&browser, "go").await;
    shows(&browser, "out", "41 and changed").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
    let wrong = App::new(html::Div::new(()))
        .renderer_hook("on_click", "x")
        .build();
    assert!(
        wrong
            .expect_err("a mistake")
            .to_string()
            .contains("no hook \"on_click\"; there are layout_pre")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_a_pattern_run_and_are_patched_by_the_page() {
    let row = |index: u32| {
        html::Div::new((
            html::Button::new(index).id(id! {type: "run", index: index}),
            html::Span::new(vec!["-"]).id(id! {type: "out", index: index}),
        ))
    };
    let layout = html::Div::new((
        row(0),
        row(1),
        button("patch"),
        html::Ul::new(vec![html::Li::new("a")]).id("list"),
    ));
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    let run = Callback::builder()
        .output(Output::new(id! {type: "out", index: MATCH}, "children"))
        .input(Input::new(id! {type: "run", index: MATCH}, "n_clicks"))
        .running(id! {type: "run", index: MATCH}, "disabled", true, false)
        .prevent_initial_call()
        .handler(move |clicks: u32| {
            let wait = wait.clone();
            async move {
                wait.notified().await;
                format!("done {clicks}")
            }
        });
    let patch = Callback::builder()
        .output(Output::new("list", "title"))
        .input(("patch", "n_clicks"));
    let patch = patch.state(State::new("list", "title")).prevent_initial_call().clientside(
        "(clicks, title) => title === null || title === undefined ? 'x' : new dash_clientside.Patch().add([], 'y').build()",
    );
    let site = Site::start(App::new(layout).callbacks([run, patch])).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    let (first, second) = (r#"{"index":0,"type":"run"}"#, r#"{"index":1,"type":"run"}"#);
    click(&browser, second).await;
    browser
        .wait_until(&format!("document.getElementById({second:?}).disabled"))
        .await;
    assert_eq!(
        browser
            .js(&format!(
                "return document.getElementById({first:?}).disabled"
            ))
            .await,
        false
    );
    go.notify_one();
    shows(&browser, r#"{"index":1,"type":"out"}"#, "done 1").await;
    browser
        .wait_until(&format!("!document.getElementById({second:?}).disabled"))
        .await;
    click(&browser, "patch").await;
    browser
        .wait_until("document.getElementById('list').title === 'x'")
        .await;
    click(&browser, "patch").await;
    browser
        .wait_until("document.getElementById('list').title === 'xy'")
        .await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_callbacks_add_have_callbacks_and_added_callbacks_work() {
    let layout = html::Div::new((
        button("row"),
        html::Div::new(Vec::<html::Div>::new()).id("rows"),
        html::Div::new(()).id("sum"),
        button("learn"),
        html::Div::new(()).id("learned"),
        html::Div::new(()).id("new"),
    ));
    let rows = Callback::builder()
        .output(Output::new("rows", "children"))
        .input(("row", "n_clicks"))
        .prevent_initial_call()
        .handler(async |clicks: u32| {
            let row = |index: u32| {
                html::Div::new((
                    dcc::Input::new()
                        .id(id! {type: "in", index: index})
                        .value(index.to_string()),
                    html::Span::new(()).id(id! {type: "out", index: index}),
                ))
            };
            (1..=clicks).map(row).collect::<Vec<_>>()
        });
    let double = Callback::builder()
        .output(Output::new(id! {type: "out", index: MATCH}, "children"))
        .input(Input::new(id! {type: "in", index: MATCH}, "value"))
        .handler(async |text: String| text.repeat(2));
    let sum = Callback::builder()
        .output(Output::new("sum", "children"))
        .input(Input::new(id! {type: "in", index: ALL}, "value"))
        .handler(async |texts: Vec<String>| {
            texts
                .iter()
                .filter_map(|text| text.parse::<u32>().ok())
                .sum::<u32>()
        });
    let learn = Callback::builder()
        .output(Output::new("learned", "children"))
        .input(("learn", "n_clicks"))
        .prevent_initial_call()
        .dynamic_callbacks()
        .handler(async |clicks: u32, context: Context| {
            let added = Callback::builder()
                .output(Output::new("new", "children"))
                .input(("row", "n_clicks"));
            context.add_callback(
                added.handler(async |clicks: Value| format!("row was clicked {clicks} times")),
            )?;
            Ok::<_, CallbackError>(clicks)
        });
    let site = Site::start(App::new(layout).callbacks([rows, double, sum, learn])).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "sum", "0").await;
    click(&browser, "row").await;
    shows(&browser, "sum", "1").await;
    click(&browser, "row").await;
    shows(&browser, "sum", "3").await;
    shows(&browser, r#"{"index":2,"type":"out"}"#, "22").await;
    click(&browser, "learn").await;
    shows(&browser, "learned", "1").await;
    click(&browser, "row").await;
    shows(&browser, "new", "row was clicked 3 times").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}
