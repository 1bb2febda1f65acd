//! A strict policy for content, CSRF tokens, and open tabs of an older build.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;
use ferrodash::{Algorithm, BuiltApp};
use serde_json::{Value, json};
use tower::ServiceExt;

fn clicks(output: &'static str, property: &'static str) -> ferrodash::CallbackBuilder {
    let callback = Callback::builder().output(Output::new(output, property));
    callback
        .input(("button", "n_clicks"))
        .prevent_initial_call()
}

async fn click(browser: &Browser, id: &str) {
    browser.element(id).await.click().await.unwrap();
}

/// Puts the app behind a policy.
fn with_policy(app: BuiltApp, policy: String) -> Router {
    let policy = HeaderValue::try_from(policy).unwrap();
    app.into_router()
        .layer(from_fn(move |request: Request, next: Next| {
            let policy = policy.clone();
            async move {
                let mut response: Response = next.run(request).await;
                response
                    .headers_mut()
                    .insert(CONTENT_SECURITY_POLICY, policy);
                response
            }
        }))
}

/// Puts the app behind the policy of the guide.
fn strict(app: BuiltApp) -> Router {
    let policy = format!(
        "default-src 'self'; script-src 'self' {}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
        app.csp_hashes(Algorithm::Sha256).join(" ")
    );
    with_policy(app, policy)
}

/// Components of each kind, those that load their parts on demand too.
fn components() -> html::Div {
    let figure = json!({
        "data": [{"x": [1, 2, 3], "y": [2, 1, 3], "type": "bar"}, {"x": [1, 2, 3], "y": [1, 2, 3]}],
        "layout": {"title": {"text": "A figure"}, "height": 200},
    });
    let options = ["one", "two"];
    html::Div::new((
        html::Button::new("Click")
            .id("button")
            .style(Style::new().set("color", "rgb(1, 2, 3)")),
        html::Div::new("").id("out"),
        html::Div::new("").id("shout"),
        dcc::Graph::new().id("graph").figure(figure),
        dcc::Dropdown::new()
            .id("dropdown")
            .options(options)
            .value("one"),
        dcc::Slider::new().id("slider").min(0).max(10).value(3),
        dcc::DatePickerSingle::new().id("date").date("2024-02-03"),
        dcc::Tabs::new(()).id("tabs"),
        dcc::Upload::new("Upload").id("upload"),
        dcc::Markdown::new("**bold** `code`").id("markdown"),
        dcc::Store::new("store"),
        dash_table::DataTable::new()
            .id("table")
            .data([json!({"a": 1, "b": "x"})])
            .columns([
                json!({"id": "a", "name": "A"}),
                json!({"id": "b", "name": "B"}),
            ]),
    ))
}

const DRAWN: &str = "document.querySelector('#graph .main-svg .bars') && document.querySelector('#table td')
    && document.querySelector('#dropdown').innerText.includes('one') && document.querySelector('#markdown strong')";

#[tokio::test(flavor = "multi_thread")]
async fn with_a_strict_policy_the_page_works_and_the_console_is_silent() {
    let echo = clicks("out", "children")
        .handler(async |clicks: Option<u32>| format!("clicked {clicks:?}"));
    let typed = Callback::builder()
        .output(Output::new("store", "data"))
        .input(Input::new("slider", "value").debounce(Duration::from_millis(100)))
        .handler(async |value: Option<f64>| value);
    let shout = Callback::builder()
        .output(Output::new("shout", "children"))
        .input(("button", "n_clicks"));
    let shout = shout.clientside("function (clicks) { return '</script>' + (clicks || 0); }");
    let app = App::new(components())
        .callbacks([echo, typed, shout])
        .csrf(true)
        .build()
        .unwrap();
    let site = Site::serve(strict(app)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser.wait_until(DRAWN).await;
    click(&browser, "button").await;
    browser
        .wait_until("document.getElementById('out').innerText === 'clicked Some(1)'")
        .await;
    browser
        .wait_until("document.getElementById('shout').innerText === '</script>1'")
        .await;
    let color = browser
        .js("return getComputedStyle(document.getElementById('button')).color")
        .await;
    assert_eq!(color, "rgb(1, 2, 3)");
    browser.wait_until(IDLE).await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_hash_the_page_does_not_start_so_the_policy_is_in_force() {
    let app = App::new(html::Div::new("hello").id("root"))
        .build()
        .unwrap();
    let site = Site::serve(with_policy(app, "default-src 'self'".into())).await;
    let browser = Browser::start().await;
    browser.driver.goto(site.url("/")).await.unwrap();
    browser.let_pass(500).await;
    assert_eq!(
        browser.js("return document.getElementById('root')").await,
        Value::Null
    );
    let console = browser.console().await;
    assert!(
        console
            .iter()
            .any(|line| line.contains("Content Security Policy")),
        "{console:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_csrf_the_page_sends_its_token_and_without_the_cookie_it_is_told_what_to_do() {
    let layout = html::Div::new((
        html::Button::new("Click").id("button"),
        html::Div::new("").id("out"),
    ));
    let callback = clicks("out", "children").handler(async |clicks: Option<u32>| clicks);
    let app = App::new(layout)
        .callback(callback)
        .csrf(true)
        .csrf_token_name("guard")
        .csrf_header_name("X-Guard");
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    click(&browser, "button").await;
    browser
        .wait_until("document.getElementById('out').innerText === '1'")
        .await;
    assert_eq!(browser.console().await, Vec::<String>::new());
    assert!(
        browser
            .js("return document.cookie")
            .await
            .as_str()
            .unwrap()
            .starts_with("guard=")
    );
    browser
        .js("document.cookie = 'guard=; Max-Age=0; Path=/'")
        .await;
    click(&browser, "button").await;
    browser.wait_until(IDLE).await;
    assert_eq!(browser.text("out").await, "1");
    let console = browser.console().await;
    assert!(
        console.iter().any(|line| line.contains("403")),
        "{console:?}"
    );
    // The page brings another one.
    browser.open(&site.url("/")).await;
    click(&browser, "button").await;
    browser
        .wait_until("document.getElementById('out').innerText === '1'")
        .await;
}

/// A server whose app can be replaced, as a deployment does it, behind a strict policy.
#[derive(Clone)]
struct Deployed(Arc<RwLock<Router>>);

impl Deployed {
    fn new(app: App) -> Self {
        Self(Arc::new(RwLock::new(strict(app.build().unwrap()))))
    }

    fn deploy(&self, app: App) {
        *self.0.write().unwrap() = strict(app.build().unwrap());
    }

    fn router(&self) -> Router {
        let this = self.clone();
        Router::new().fallback(move |request: Request| {
            let router = this.0.read().unwrap().clone();
            async move { router.oneshot(request).await }
        })
    }
}

fn page(version: &str) -> html::Div {
    html::Div::new((
        html::H1::new(version.to_owned()).id("version"),
        html::Button::new("Click").id("button"),
        html::Div::new("").id("gone"),
        html::Div::new("").id("kept"),
    ))
}

/// The first build, whose two buttons' callbacks both answer.
fn first() -> App {
    App::new(page("first")).callbacks([
        clicks("gone", "children").handler(async |clicks: Option<u32>| clicks),
        clicks("kept", "children").handler(async |clicks: Option<u32>| clicks),
    ])
}

/// The second one, in which one of them is gone.
fn second() -> App {
    App::new(page("second"))
        .callback(clicks("kept", "children").handler(async |clicks: Option<u32>| clicks))
}

/// Keeps what the page says of builds, and the statuses of its calls.
const LISTEN: &str = "window.stale = []; window.statuses = [];
    document.addEventListener('ferrodash:stale', (event) => stale.push(event.detail));
    new PerformanceObserver((list) => list.getEntries().forEach((entry) =>
        entry.name.includes('_dash-update') && statuses.push(entry.responseStatus)))
        .observe({ type: 'resource' });";

#[tokio::test(flavor = "multi_thread")]
async fn o11_an_open_tab_of_the_last_build_shows_one_banner_that_reloads_or_goes() {
    let deployed = Deployed::new(first());
    let site = Site::serve(deployed.router()).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    click(&browser, "button").await;
    browser
        .wait_until("document.getElementById('gone').innerText === '1'")
        .await;
    assert_eq!(
        browser
            .js("return document.getElementById('ferrodash-stale')")
            .await,
        Value::Null
    );
    assert_eq!(browser.console().await, Vec::<String>::new());

    deployed.deploy(second());
    browser.js(LISTEN).await;
    for _ in 0..2 {
        click(&browser, "button").await;
        browser.wait_until(IDLE).await;
    }
    browser
        .wait_until("document.getElementById('kept').innerText === '3' && statuses.length === 4")
        .await;
    let statuses = browser.js("return statuses.sort()").await;
    assert_eq!(
        statuses,
        json!([200, 200, 410, 410]),
        "what can be answered is"
    );
    assert_eq!(browser.text("gone").await, "1");
    let stale =
        browser.js("return [stale.length, stale.filter((one) => one.refused).length, stale[0].build.length]").await;
    assert_eq!(stale, json!([4, 2, 16]));
    let banners = browser
        .js("return document.querySelectorAll('[role=status]').length")
        .await;
    assert_eq!(banners, 1);
    let banner = browser.element("ferrodash-stale").await;
    assert!(banner.is_displayed().await.unwrap());
    assert_eq!(
        banner.text().await.unwrap(),
        "A new version of this app is available.ReloadDismiss"
    );
    let inside = browser
        .js("const box = document.getElementById('ferrodash-stale').getBoundingClientRect();
        return box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight && box.height < 60")
        .await;
    assert_eq!(inside, true);

    // It goes when told to, and does not come back.
    let button = |name: &str| {
        format!(
            "[...document.querySelectorAll('#ferrodash-stale button')].find((b) => b.innerText === '{name}')"
        )
    };
    browser.js(&format!("{}.click()", button("Dismiss"))).await;
    click(&browser, "button").await;
    browser.wait_until(IDLE).await;
    assert_eq!(
        browser
            .js("return document.getElementById('ferrodash-stale')")
            .await,
        Value::Null
    );

    // Another tab would reload, and is then of the new build.
    deployed.deploy(first());
    browser.open(&site.url("/")).await;
    deployed.deploy(second());
    click(&browser, "button").await;
    browser.wait_until(&button("Reload")).await;
    browser.js(&format!("{}.click()", button("Reload"))).await;
    browser
        .wait_until("document.getElementById('version').innerText === 'second'")
        .await;
    browser.wait_until(IDLE).await;
    click(&browser, "button").await;
    browser
        .wait_until("document.getElementById('kept').innerText === '1'")
        .await;
    assert_eq!(
        browser
            .js("return document.getElementById('ferrodash-stale')")
            .await,
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn o11_where_the_app_wants_it_the_tab_becomes_the_new_one_by_itself_and_only_once() {
    let app = |build: fn() -> App| build().reload_stale_pages(true);
    let deployed = Deployed::new(app(first));
    let site = Site::serve(deployed.router()).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/some/page?tab=2")).await;
    deployed.deploy(app(second));
    click(&browser, "button").await;
    browser
        .wait_until("document.getElementById('version').innerText === 'second'")
        .await;
    assert!(
        browser
            .js("return location.href")
            .await
            .as_str()
            .unwrap()
            .ends_with("/some/page?tab=2")
    );
    click(&browser, "button").await;
    browser
        .wait_until("document.getElementById('kept').innerText === '1'")
        .await;

    // Something in front still has the old page: it is loaded once more, not for ever.
    deployed.deploy(app(first));
    browser.open(&site.url("/")).await;
    deployed.deploy(app(second));
    browser.js("window.mark = 1").await;
    click(&browser, "button").await;
    browser
        .wait_until("document.getElementById('ferrodash-stale')")
        .await;
    browser.let_pass(500).await;
    assert_eq!(
        browser
            .js("return [window.mark, document.getElementById('version').innerText]")
            .await,
        json!([1, "first"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c9_what_the_browser_kept_of_the_old_build_is_not_shown_by_the_new_page() {
    let app = |build: &'static str| {
        let layout = html::Div::new((
            dcc::RadioItems::new()
                .id("choice")
                .options(["A", "B"])
                .value("A"),
            html::Div::new("").id("out"),
        ));
        let callback = Callback::builder()
            .name("test::c9", build)
            .output(Output::new("out", "children"));
        let callback = callback
            .input(("choice", "value"))
            .cache(CacheOptions::new(Duration::from_secs(300)).client());
        App::new(layout).build_id(build).callback(
            callback.handler(move |value: String| async move { format!("{build} {value}") }),
        )
    };
    let shows = |text: &str| format!("document.getElementById('out').innerText === '{text}'");
    let choose =
        |value: &str| format!("document.querySelector('#choice input[value={value}]').click()");
    let deployed = Deployed::new(app("old"));
    let site = Site::serve(deployed.router()).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    browser.wait_until(&shows("old A")).await;
    deployed.deploy(app("new"));
    // The open tab: what it has it has; what it asks for is answered by the new build, and it says
    // so.
    browser.js(&choose("B")).await;
    browser.wait_until(&shows("new B")).await;
    browser
        .wait_until("document.getElementById('ferrodash-stale')")
        .await;
    // The new page shows nothing of the old build, though the browser still keeps it.
    browser.driver.refresh().await.unwrap();
    browser.wait_until(&shows("new A")).await;
    browser.wait_until(IDLE).await;
    assert_eq!(
        browser
            .js("return document.getElementById('ferrodash-stale')")
            .await,
        Value::Null
    );
    let asked = site.callback_requests().len();
    browser.js(&choose("B")).await;
    browser.wait_until(&shows("new B")).await;
    assert_eq!(
        site.callback_requests().len(),
        asked + 1,
        "the old tab's answer was not kept"
    );
}
