//! The calls of one tick, in one request.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;
use tokio::sync::{Notify, Semaphore};

/// A page of callbacks of one button, one for each output: what each gets is given to `answer` with
/// its index.
fn page<F>(count: usize, answer: impl Fn(usize, u32) -> F + Send + Sync + 'static) -> App
where
    F: Future<Output = Result<String, CallbackError>> + Send + 'static,
{
    let answer = Arc::new(answer);
    let output = |index: usize| html::Div::new("").id(format!("o{index}"));
    let outputs: Vec<_> = (0..count).map(output).collect();
    let layout = html::Div::new((
        html::Button::new("Go").id("go").n_clicks(0),
        html::Div::new(outputs).id("all"),
    ));
    (0..count).fold(App::new(layout), |app, index| {
        let answer = answer.clone();
        let callback = Callback::builder().name(format!("o{index}"), "1");
        let callback = callback
            .output(Output::new(format!("o{index}"), "children"))
            .input(("go", "n_clicks"));
        app.callback(callback.handler(move |clicks: u32| answer(index, clicks)))
    })
}

/// How many outputs show a text that begins so.
fn shown(text: &str) -> String {
    format!(
        "[...document.querySelectorAll('#all > div')].filter((it) => it.textContent.startsWith('{text}')).length"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_forty_callbacks_are_two_requests_and_the_slow_one_holds_up_none() {
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    let site = Site::start(page(40, move |index, clicks| {
        let wait = wait.clone();
        async move {
            if index == 7 {
                wait.notified().await;
            }
            Ok(format!("{clicks} of {index}"))
        }
    }));
    let site = site.await;
    let browser = Browser::start().await;
    browser.driver.goto(&site.url("/")).await.unwrap();
    browser
        .wait_until(&format!("{} === 39", shown("0 of")))
        .await;
    assert_eq!(
        browser.text("o7").await,
        "",
        "the others are painted before the slow one is done"
    );
    go.notify_one();
    browser
        .wait_until(&format!("{} === 40", shown("0 of")))
        .await;
    let requests = site.callback_requests();
    assert_eq!(
        requests,
        ["POST /_dash-update-component", "POST /_ferrodash/batch"]
    );
    go.notify_one();
    browser.element("go").await.click().await.unwrap();
    browser
        .wait_until(&format!("{} === 40", shown("1 of")))
        .await;
    assert_eq!(site.callback_requests().len(), 4);
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_one_of_ten_fails_in_the_page_and_the_next_batch_works() {
    let site = Site::start(page(10, |index, clicks| async move {
        match (index, clicks) {
            (5, 0) => Err(CallbackError::new("not yet")),
            _ => Ok(format!("{clicks} of {index}")),
        }
    }));
    let site = site.await;
    let browser = Browser::start().await;
    browser.driver.goto(&site.url("/")).await.unwrap();
    browser
        .wait_until(&format!("{} === 9", shown("0 of")))
        .await;
    browser.wait_until(IDLE).await;
    assert_eq!(browser.text("o5").await, "");
    let console = browser.console().await;
    assert_eq!(console.len(), 1, "its own error only: {console:?}");
    browser.element("go").await.click().await.unwrap();
    browser
        .wait_until(&format!("{} === 10", shown("1 of")))
        .await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn few_callbacks_are_the_requests_of_the_stock_renderer() {
    let site = Site::start(page(6, |index, clicks| async move {
        Ok(format!("{clicks} of {index}"))
    }))
    .await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser
        .wait_until(&format!("{} === 6", shown("0 of")))
        .await;
    assert_eq!(
        site.callback_requests(),
        ["POST /_dash-update-component"; 6]
    );
    let site = Site::start(page(7, |index, clicks| async move {
        Ok(format!("{clicks} of {index}"))
    }))
    .await;
    browser.open(&site.url("/")).await;
    browser
        .wait_until(&format!("{} === 7", shown("0 of")))
        .await;
    assert_eq!(
        site.callback_requests(),
        ["POST /_dash-update-component", "POST /_ferrodash/batch"],
        "one more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_a_context_has_a_request_of_its_own_and_twelve_of_them_are_under_way() {
    let go = Arc::new(Semaphore::new(0));
    let app = (0..20).fold(
        page(20, |index, clicks| async move {
            Ok(format!("{clicks} of {index}"))
        }),
        |app, index| {
            let go = go.clone();
            let callback = Callback::builder().name(format!("title{index}"), "1");
            let callback = callback
                .output(Output::new(format!("o{index}"), "title"))
                .input(("go", "n_clicks"));
            app.callback(callback.handler(move |_: u32, _: Context| {
                let go = go.clone();
                async move {
                    let _permit = go.acquire().await;
                    "done".to_owned()
                }
            }))
        },
    );
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    let count = "window.alone = 0;
        const real = window.fetch;
        window.fetch = (url, init) => {
            const one = /_dash-update-component/.test(url) && JSON.parse(init.body).output.endsWith('title') ? 1 : 0;
            alone += one;
            return real(url, init).finally(() => (alone -= one));
        };";
    browser.watch_from_the_start(count).await;
    browser.driver.goto(&site.url("/")).await.unwrap();
    browser
        .wait_until(&format!("{} === 20", shown("0 of")))
        .await;
    browser.wait_until("alone === 12").await;
    browser.let_pass(200).await;
    assert_eq!(
        browser.js("return alone").await,
        12,
        "as many of them as the renderer has under way"
    );
    go.add_permits(1);
    browser
        .wait_until("document.querySelectorAll('#all > [title=done]').length === 20")
        .await;
    browser.wait_until(IDLE).await;
    let requests = site.callback_requests();
    let batches = requests
        .iter()
        .filter(|request| request.ends_with("batch"))
        .count();
    assert_eq!((batches, requests.len() - batches), (1, 21), "{requests:?}");
}

/// Answers batches in the place of the server.
async fn with_batches_answered(
    answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
) -> Site {
    let app = page(12, |index, clicks| async move {
        Ok(format!("{clicks} of {index}"))
    });
    let router = app.build().unwrap().into_router();
    let instead = move |request: Request, next: Next| {
        let answer = answer.clone();
        async move {
            match request.uri().path() == "/_ferrodash/batch" {
                true => answer(),
                false => next.run(request).await,
            }
        }
    };
    Site::serve(router.layer(from_fn(instead))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn b14_calls_that_a_server_does_not_take_together_are_sent_alone() {
    let site = with_batches_answered(|| StatusCode::PAYLOAD_TOO_LARGE.into_response()).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser
        .wait_until(&format!("{} === 12", shown("0 of")))
        .await;
    assert_eq!(site.callback_requests().len(), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_batches_do_not_get_through_sends_no_more_of_them() {
    let site = with_batches_answered(|| StatusCode::NOT_FOUND.into_response()).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser.element("go").await.click().await.unwrap();
    browser
        .wait_until(&format!("{} === 12", shown("1 of")))
        .await;
    let requests = site.callback_requests();
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.ends_with("batch"))
            .count(),
        1
    );
    assert_eq!(requests.len(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_page_in_the_place_of_a_batch_is_an_error_of_each_call() {
    let site = with_batches_answered(|| {
        ([("content-type", "text/html")], "<form>Who are you?</form>").into_response()
    });
    let site = site.await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    assert_eq!(
        browser.js(&format!("return {}", shown("0 of"))).await,
        1,
        "the one that went alone"
    );
    assert_eq!(browser.console().await.len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_another_build_refuses_in_a_batch_is_told_as_refused() {
    let gone = || {
        let lines: String = (0..11)
            .map(|place| format!("[{place},410,{{\"content-type\":\"text/plain\"}}]\t\"gone\"\n"))
            .collect();
        (
            [
                ("content-type", "application/x-ndjson"),
                ("x-ferrodash-build", "of-next-week"),
            ],
            lines,
        )
            .into_response()
    };
    let site = with_batches_answered(gone).await;
    let browser = Browser::start().await;
    let listen = "document.addEventListener('ferrodash:stale', ({ detail }) => (window.told ||= []).push(detail))";
    browser.watch_from_the_start(listen).await;
    browser.driver.goto(&site.url("/")).await.unwrap();
    browser
        .wait_until("window.told.some(({ build, refused }) => build === 'of-next-week' && refused)")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_breaks_off_is_an_error_of_the_calls_without_an_answer() {
    let line = |place: usize| {
        let response = format!(
            "{{\"multi\":true,\"response\":{{\"o{place}\":{{\"children\":\"0 of it\"}}}}}}"
        );
        format!(
            "[{},200,{{\"content-type\":\"application/json\"}}]\t{response}\n",
            place - 1
        )
    };
    let text = format!("{}{}[7,2", line(1), line(2));
    let site = with_batches_answered(move || {
        (
            [("content-type", "application/x-ndjson")],
            Body::from(text.clone()),
        )
            .into_response()
    });
    let site = site.await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    assert_eq!(
        browser.js(&format!("return {}", shown("0 of"))).await,
        3,
        "one alone, and two lines"
    );
    let errors = "return store.getState().error.backEnd
        .filter(({ error }) => (error.html || '').includes('did not respond')).length";
    assert_eq!(browser.js(errors).await, 9);
    browser.element("go").await.click().await.unwrap();
    browser.wait_until(IDLE).await;
    assert_eq!(browser.text("o0").await, "1 of 0", "the page goes on");
}
