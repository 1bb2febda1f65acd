//! What the front end itself does with an app: undo and redo, persistence, intervals, loading,
//! downloads.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;
use serde_json::{Value, json};
use tokio::sync::Notify;

#[callback(output("out", "children"), input("text", "value"))]
async fn shout(text: Option<String>) -> String {
    text.unwrap_or_default().to_uppercase()
}

/// Waits until the element shows a text.
async fn shows(browser: &Browser, id: &str, text: &str) {
    browser
        .wait_until(&format!(
            "document.getElementById('{id}').innerText === '{text}'"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_takes_back_what_a_user_wrote_and_its_answer() {
    let layout = || {
        html::Div::new((
            dcc::Input::new().id("text").value("a"),
            html::Div::new(()).id("out"),
        ))
    };
    let site = Site::start(
        App::new(layout())
            .callbacks(callbacks![shout])
            .show_undo_redo(true),
    )
    .await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "out", "A").await;
    browser.element("text").await.send_keys("b").await.unwrap();
    shows(&browser, "out", "AB").await;
    browser.wait_until(IDLE).await;
    let press = |name: &str| {
        format!(
            "[...document.querySelectorAll('._dash-undo-redo-link')].find((it) => it.innerText.includes('{name}')).click()"
        )
    };
    browser.js(&press("undo")).await;
    shows(&browser, "out", "A").await;
    browser
        .wait_until("document.getElementById('text').value === 'a'")
        .await;
    browser.js(&press("redo")).await;
    shows(&browser, "out", "AB").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
    let plain = Site::start(App::new(layout()).callbacks(callbacks![shout])).await;
    browser.open(&plain.url("/")).await;
    assert_eq!(
        browser
            .js("return document.querySelectorAll('._dash-undo-redo').length")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persistent_value_is_there_after_a_reload() {
    let text = dcc::Input::new()
        .id("text")
        .value("a")
        .persistence(true)
        .persistence_type(dcc::InputPersistenceType::Session);
    let site = Site::start(
        App::new(html::Div::new((text, html::Div::new(()).id("out")))).callbacks(callbacks![shout]),
    );
    let site = site.await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser.element("text").await.send_keys("b").await.unwrap();
    shows(&browser, "out", "AB").await;
    browser.open(&site.url("/")).await;
    shows(&browser, "out", "AB").await;
}

#[callback(output("ticks", "children"), input("clock", "n_intervals"))]
async fn tick(count: u32) -> String {
    format!("tick {count}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_calls_until_it_has_its_number() {
    let clock = dcc::Interval::new()
        .id("clock")
        .interval(50)
        .max_intervals(3)
        .n_intervals(0);
    let site = Site::start(
        App::new(html::Div::new((clock, html::Div::new(()).id("ticks"))))
            .callbacks(callbacks![tick]),
    );
    let site = site.await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    shows(&browser, "ticks", "tick 3").await;
    browser.let_pass(300).await;
    assert_eq!(browser.text("ticks").await, "tick 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_shows_its_own_spinner_while_its_target_waits() {
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    let slow = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("go", "n_clicks"))
        .prevent_initial_call();
    let slow = slow.handler(move |_: u32| {
        let wait = wait.clone();
        async move {
            wait.notified().await;
            "done".to_owned()
        }
    });
    let loading = dcc::Loading::new((
        html::Div::new(()).id("out"),
        html::Div::new("rest").id("rest"),
    ));
    let loading = loading
        .custom_spinner(html::Span::new("wait").id("spinner"))
        .target_components(json!({"out": "children"}));
    let site = Site::start(
        App::new(html::Div::new((html::Button::new("Go").id("go"), loading))).callback(slow),
    )
    .await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    assert_eq!(
        browser
            .js("return document.getElementById('spinner')")
            .await,
        Value::Null
    );
    browser.element("go").await.click().await.unwrap();
    shows(&browser, "spinner", "wait").await;
    go.notify_one();
    shows(&browser, "out", "done").await;
    browser
        .wait_until("!document.getElementById('spinner')")
        .await;
}

#[callback(
    output("text-file", "data"),
    input("go", "n_clicks"),
    prevent_initial_call
)]
async fn text_file(_clicks: u32) -> dcc::DownloadData {
    dcc::send_string("größe,ö\n1,2\n", "größe.csv").media_type("text/csv")
}

#[callback(
    output("bytes-file", "data"),
    input("go", "n_clicks"),
    prevent_initial_call
)]
async fn bytes_file(_clicks: u32) -> dcc::DownloadData {
    dcc::send_bytes([0, 159, 146, 150], "raw.bin")
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_callbacks_send_are_saved_as_they_are() {
    let layout = html::Div::new((
        html::Button::new("Go").id("go"),
        dcc::Download::new().id("text-file"),
        dcc::Download::new().id("bytes-file"),
    ));
    let site = Site::start(App::new(layout).callbacks(callbacks![text_file, bytes_file])).await;
    let browser = Browser::start().await;
    let folder = tempfile::tempdir().unwrap();
    let behavior = json!({"behavior": "allow", "downloadPath": folder.path()});
    browser
        .driver
        .cdp()
        .send_raw("Browser.setDownloadBehavior", behavior)
        .await
        .unwrap();
    browser.open(&site.url("/")).await;
    browser.element("go").await.click().await.unwrap();
    let wanted = [
        ("größe.csv", "größe,ö\n1,2\n".as_bytes()),
        ("raw.bin", &[0, 159, 146, 150]),
    ];
    for (name, content) in wanted {
        let path = folder.path().join(name);
        let saved = async {
            while std::fs::read(&path).ok().as_deref() != Some(content) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(15), saved)
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "{name} is not there: {:?}",
                    std::fs::read_dir(folder.path())
                        .unwrap()
                        .collect::<Vec<_>>()
                )
            });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_and_all_calls_are_sent_again() {
    let outputs: Vec<String> = (0..10).map(|index| format!("o{index}")).collect();
    let layout = html::Div::new(
        outputs
            .iter()
            .map(|id| html::Div::new(()).id(id.clone()))
            .collect::<Vec<_>>(),
    );
    let layout = html::Div::new((html::Button::new("Go").id("go").n_clicks(0), layout));
    let app = outputs.iter().fold(App::new(layout), |app, id| {
        let callback = Callback::builder()
            .name(id.clone(), "1")
            .output(Output::new(id.clone(), "children"));
        app.callback(
            callback
                .input(("go", "n_clicks"))
                .handler(async |clicks: u32| clicks),
        )
    });
    let app = app
        .renderer_hook(
            "request_refresh_jwt",
            "async (old) => { window.old = [...(window.old || []), old]; return 'new'; }",
        )
        .renderer_hook(
            "callback_resolved",
            "({ output }) => { window.resolved = [...(window.resolved || []), output]; }",
        );
    let check = async |request: Request, next: Next| {
        let calls = request.method() == Method::POST;
        let known = request
            .headers()
            .get("authorization")
            .is_some_and(|value| value == "Bearer new");
        match calls && !known {
            true => (StatusCode::UNAUTHORIZED, "JWT Expired: ask for another").into_response(),
            false => next.run(request).await,
        }
    };
    let site = Site::serve(app.build().unwrap().into_router().layer(from_fn(check))).await;
    let browser = Browser::start().await;
    browser.driver.goto(&site.url("/")).await.unwrap();
    let all = |text: &str| {
        format!(
            "{}.every((id) => document.getElementById(id).innerText === '{text}')",
            json!(outputs)
        )
    };
    browser.wait_until(&all("0")).await;
    let before = site.callback_requests().len();
    browser.element("go").await.click().await.unwrap();
    browser.wait_until(&all("1")).await;
    assert_eq!(
        site.callback_requests().len() - before,
        2,
        "with the new token at once: one call, and the others"
    );
    let resolved = browser.js("return window.resolved.length").await;
    assert_eq!(resolved, 20, "each call of each output");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_of_the_user_is_an_input() {
    let app = App::new(html::Div::new((
        dcc::Geolocation::new().id("place"),
        html::Div::new(()).id("out"),
    )));
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("place", "position"));
    let site =
        Site::start(app.callback(callback.handler(
            async |position: Option<Value>| match position {
                Some(position) => format!("{} {}", position["lat"], position["lon"]),
                None => "unknown".to_owned(),
            },
        )));
    let site = site.await;
    let browser = Browser::start().await;
    let cdp = browser.driver.cdp();
    let origin = site.url("");
    cdp.send_raw(
        "Browser.grantPermissions",
        json!({"permissions": ["geolocation"], "origin": origin}),
    )
    .await
    .unwrap();
    let place = json!({"latitude": 52.5, "longitude": 13.25, "accuracy": 1});
    cdp.send_raw("Emulation.setGeolocationOverride", place)
        .await
        .unwrap();
    browser.open(&site.url("/")).await;
    shows(&browser, "out", "52.5 13.25").await;
}
