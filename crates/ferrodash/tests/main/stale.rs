//! Pages of another build: answered where that is possible, and told to reload where it is not.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::{Answer, Client, output};

fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a"),
        dcc::Input::new().id("b"),
        html::Div::new(()).id("out"),
    ))
}

/// What was logged on this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn listen(level: tracing::Level) -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(level);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What our script reads in the page.
async fn build_of(client: &Client) -> String {
    let page = client.get("/").await.text();
    page.split("\"build\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

fn call(output: &str, inputs: &[(&str, Value)]) -> Value {
    let inputs = inputs
        .iter()
        .map(|(id, value)| json!({"id": id, "property": "value", "value": value}));
    json!({"output": output, "inputs": inputs.collect::<Vec<_>>(), "changedPropIds": ["a.value"]})
}

/// An app before, and the one after, in which a callback is gone, one has another input, one takes
/// another type, and one stayed.
fn before_and_after() -> (Client, Client) {
    let to = |id: &'static str, property: &'static str| {
        Callback::builder()
            .output(Output::new(id, property))
            .prevent_initial_call()
    };
    let kept = || to("out", "children").input(("a", "value"));
    let before = App::new(layout()).callbacks([
        kept().handler(async |a: Option<String>| a),
        to("out", "title")
            .input(("a", "value"))
            .handler(async |a: Option<String>| a),
        to("out", "style")
            .input(("a", "value"))
            .handler(async |_: Value| Style::new()),
        to("out", "lang")
            .input(("a", "value"))
            .handler(async |a: Option<String>| a),
        to("out", "dir")
            .input(("a", "value"))
            .handler(async |a: Option<String>| a),
    ]);
    let after = App::new(layout()).callbacks([
        kept().handler(async |a: Option<String>| a),
        to("out", "style")
            .input(("b", "value"))
            .handler(async |_: Value| Style::new()),
        to("out", "lang")
            .input(("a", "value"))
            .handler(async |a: Vec<u32>| a.len() as u64),
        to("out", "dir")
            .input(("a", "value"))
            .handler(async |_: Value| Err::<(), _>("broken")),
    ]);
    (Client::new(before), Client::new(after))
}

#[tokio::test]
async fn o11_a_page_of_an_older_build_is_answered_or_told_to_reload_and_never_a_500() {
    let (before, after) = before_and_after();
    let (old, new) = (build_of(&before).await, build_of(&after).await);
    assert_ne!(old, new, "nothing is cached, and still they differ");
    let (log, _guard) = Log::listen(tracing::Level::ERROR);
    let ask = async |build: &str, output: &str| -> Answer {
        after
            .post_with(
                &call(output, &[("a", json!("x"))]),
                &[("x-ferrodash-build", build)],
            )
            .await
    };
    // What can be answered is, and says by whom; a page of this build learns nothing.
    let answer = ask(&old, "out.children").await;
    assert_eq!(output(&answer), "x");
    assert_eq!(
        (
            answer.header("x-ferrodash-build"),
            answer.header("cache-control")
        ),
        (new.as_str(), "no-store")
    );
    assert_eq!(
        ask(&new, "out.children").await.header("x-ferrodash-build"),
        ""
    );
    // Gone, with another input, of another type.
    for (output, status) in [
        ("out.title", StatusCode::NOT_FOUND),
        ("out.style", StatusCode::UNPROCESSABLE_ENTITY),
        ("out.lang", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = ask(&old, output).await;
        assert_eq!(
            (answer.status, answer.header("x-ferrodash-build")),
            (StatusCode::GONE, new.as_str()),
            "{output}"
        );
        assert_eq!(
            answer.text(),
            "this page is from an older version of the app; reload it"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(log.text(), "", "{output}");
        // From a page that should know better, it is what it was.
        assert_eq!(ask(&new, output).await.status, status, "{output}");
        let nameless = after.post(&call(output, &[("a", json!("x"))])).await;
        assert_eq!(
            (nameless.status, nameless.header("x-ferrodash-build")),
            (status, ""),
            "{output}"
        );
        log.0.lock().unwrap().clear();
    }
    // The app's own failure has nothing to do with builds.
    let answer = ask(&old, "out.dir").await;
    assert_eq!(
        (answer.status, answer.header("x-ferrodash-build")),
        (StatusCode::INTERNAL_SERVER_ERROR, new.as_str())
    );
    assert!(log.text().contains("broken"), "{}", log.text());
}

/// An app of one build whose answer the browser keeps.
fn cached(build: &'static str, inputs: usize) -> Client {
    let callback = Callback::builder()
        .name("test::cached", build)
        .output(Output::new("out", "children"));
    let callback = callback.cache(CacheOptions::new(Duration::from_secs(300)).client());
    let callback = match inputs {
        1 => callback
            .input(("a", "value"))
            .handler(move |a: Value| async move { format!("{build} {a}") }),
        _ => callback
            .input(("a", "value"))
            .input(("b", "value"))
            .handler(move |a: Value, b: Value| async move { format!("{build} {a} {b}") }),
    };
    Client::new(App::new(layout()).callback(callback).build_id(build))
}

async fn token_of(client: &Client) -> String {
    let page = client.get("/").await.text();
    page.split("\"token\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn c9_addresses_of_the_new_build_never_find_what_the_old_one_left() {
    let (before, after) = (cached("old", 1), cached("new", 1));
    let address = async |client: &Client| {
        format!(
            "/_ferrodash/call/{}?b={}&in=%5B1%5D",
            token_of(client).await,
            build_of(client).await
        )
    };
    let (old, new) = (address(&before).await, address(&after).await);
    assert_ne!(old, new);
    assert_eq!(output(&before.get(&old).await), "old 1");
    let kept = before.get(&old).await;
    assert!(kept.header("x-ferrodash-keep").contains("\"fresh\":"));
    assert_eq!(output(&after.get(&new).await), "new 1");

    // An open tab asks the new build under its old address: not known, so it asks by POST, which is
    // answered.
    let answer = after.get(&old).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (StatusCode::NOT_FOUND, "no-store")
    );
    let build = build_of(&before).await;
    let answer = after
        .post_with(
            &call("out.children", &[("a", json!(1))]),
            &[("x-ferrodash-build", &build)],
        )
        .await;
    assert_eq!(output(&answer), "new 1");
    assert_eq!(
        answer.header("cache-control"),
        "no-store",
        "it is not kept under the old build"
    );
    assert_eq!(answer.header("x-ferrodash-keep"), "");
    assert_eq!(answer.header("x-ferrodash-build"), build_of(&after).await);
}

#[tokio::test]
async fn c9_an_old_tab_whose_callback_changed_its_inputs_is_told_to_reload() {
    let (before, after) = (cached("old", 1), cached("new", 2));
    let (token, old) = (token_of(&after).await, build_of(&before).await);
    let answer = after
        .get(&format!("/_ferrodash/call/{token}?b={old}&in=%5B1%5D"))
        .await;
    assert_eq!(
        answer.status,
        StatusCode::NOT_FOUND,
        "the page then asks by POST"
    );
    let answer = after
        .post_with(
            &call("out.children", &[("a", json!(1))]),
            &[("x-ferrodash-build", &old)],
        )
        .await;
    assert_eq!(answer.status, StatusCode::GONE);
    // The function is the same, and its address too: answered, and not kept.
    let same = cached("old", 1);
    let answer = same
        .get(&format!(
            "/_ferrodash/call/{}?b=another&in=%5B1%5D",
            token_of(&same).await
        ))
        .await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (StatusCode::OK, "no-store")
    );
    assert_eq!(answer.header("x-ferrodash-build"), old);
}

#[tokio::test]
async fn a_page_reloads_itself_only_where_the_app_wants_it() {
    for (reload, there) in [(false, false), (true, true)] {
        let page = Client::new(App::new(layout()).reload_stale_pages(reload))
            .get("/")
            .await
            .text();
        assert_eq!(page.contains("\"reload\":true"), there);
    }
}
