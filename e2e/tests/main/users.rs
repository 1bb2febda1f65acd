//! Answers that the browser keeps for one user, and what another user of the same browser sees.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use e2e::{Browser, IDLE, Site};
use ferrodash::prelude::*;
use ferrodash_testing::Nginx;
use serde_json::json;

use crate::kept::{choose, on_disk, second_tab, switch};

/// Returns who is signed in, by the cookie.
fn user(headers: &HeaderMap) -> Option<Identity> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let mut pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
    let (_, name) = pairs.find(|(name, _)| *name == "user")?;
    Some(Identity::new(name))
}

async fn sign_in(Path(name): Path<String>) -> impl IntoResponse {
    let cookie = format!("user={name}; Path=/; HttpOnly");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/"))
}

async fn sign_out() -> impl IntoResponse {
    let cookie = "user=; Path=/; HttpOnly; Max-Age=0";
    ([(header::SET_COOKIE, cookie)], Redirect::to("/"))
}

/// An app that shows a secret of its user for each choice.
fn router() -> Router {
    let layout = html::Div::new((
        dcc::RadioItems::new()
            .id("choice")
            .options(["A", "B", "slow"])
            .value("A"),
        html::Div::new(()).id("out"),
        html::Button::new("Sign out").id("leave"),
        html::Div::new(()).id("left"),
    ));
    let options = CacheOptions::new(Duration::from_secs(60))
        .client()
        .vary("user");
    let secret = Callback::builder()
        .name("users::secret", "1")
        .output(Output::new("out", "children"))
        .input(("choice", "value"))
        .cache(options)
        .handler(async |value: String, context: Context| {
            if value == "slow" {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            match context.identity() {
                Some(who) => format!("{value} is a secret of {}", who.user),
                None => "please sign in".to_owned(),
            }
        });
    let leave = Callback::builder()
        .output(Output::new("left", "children"))
        .input(("leave", "n_clicks"))
        .prevent_initial_call()
        .handler(async |_: Option<u32>, context: Context| {
            let gone = ferrodash::cookie::Cookie::build(("user", ""))
                .path("/")
                .removal();
            context.set_cookie(gone.build());
            "signed out"
        });
    let app = App::new(layout).identity(user).callbacks([secret, leave]);
    let built = app.build().expect("it has no mistakes");
    built
        .into_router()
        .route("/login/{name}", get(sign_in))
        .route("/logout", get(sign_out))
}

/// Notes each text of a user that is ever in the page.
const WATCH: &str = "
    const note = () => {
        const text = document.body ? document.body.innerText : '';
        window.seen = window.seen || [];
        for (const [part] of text.matchAll(/secret of \\w+/g)) {
            window.seen.includes(part) || window.seen.push(part);
        }
    };
    new MutationObserver(note).observe(document, { childList: true, subtree: true, characterData: true });
    const frame = () => { note(); requestAnimationFrame(frame); };
    frame();";

/// Waits until nothing of a user is on disk.
async fn nothing_on_disk_of(browser: &Browser, name: &str) {
    for _ in 0..100 {
        let entries = on_disk(browser).await;
        if !json!(entries).to_string().contains(name) {
            return;
        }
        browser.let_pass(10).await;
    }
    panic!("{:?}", on_disk(browser).await);
}

async fn signed_in() -> (Site, Browser) {
    let site = Site::serve(router()).await;
    let browser = Browser::start().await;
    browser.watch_from_the_start(WATCH).await;
    browser.open(&site.url("/login/alice")).await;
    browser.shows("out", "A is a secret of alice").await;
    choose(&browser, "B").await;
    browser.shows("out", "B is a secret of alice").await;
    browser.wait_until(IDLE).await;
    (site, browser)
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_after_a_logout_all_tabs_are_empty_within_a_second() {
    let (site, browser) = signed_in().await;
    let first = browser.driver.window().await.unwrap();
    let second = second_tab(&browser, &site).await;
    browser.shows("out", "A is a secret of alice").await;
    assert_eq!(on_disk(&browser).await.len(), 2);
    // What is in progress in the second tab comes after the logout.
    choose(&browser, "slow").await;
    switch(&browser, &first).await;
    browser.open(&site.url("/logout")).await;
    switch(&browser, &second).await;
    nothing_on_disk_of(&browser, "alice").await;
    browser.js("window.seen = []").await;
    browser.let_pass(3000).await;
    browser.shows("out", "please sign in").await;
    assert_eq!(browser.js("return window.seen").await, json!([]));
    nothing_on_disk_of(&browser, "alice").await;
    for value in ["A", "B"] {
        choose(&browser, value).await;
        browser.wait_until(IDLE).await;
        browser.shows("out", "please sign in").await;
    }
    assert_eq!(browser.js("return window.seen").await, json!([]));
    // The way back shows nothing either.
    switch(&browser, &first).await;
    browser.shows("out", "please sign in").await;
    browser.driver.back().await.unwrap();
    browser.shows("out", "please sign in").await;
    assert_eq!(browser.js("return window.seen || []").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_a_callback_that_signs_the_user_out_empties_its_own_page() {
    let (_site, browser) = signed_in().await;
    browser.element("leave").await.click().await.unwrap();
    browser.shows("out", "please sign in").await;
    nothing_on_disk_of(&browser, "alice").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_nothing_of_one_user_is_painted_for_the_next() {
    let (site, browser) = signed_in().await;
    browser.open(&site.url("/logout")).await;
    browser.open(&site.url("/login/bob")).await;
    browser.shows("out", "A is a secret of bob").await;
    for value in ["B", "A", "B"] {
        choose(&browser, value).await;
        browser
            .shows("out", &format!("{value} is a secret of bob"))
            .await;
        browser.wait_until(IDLE).await;
    }
    assert_eq!(
        browser.js("return window.seen").await,
        json!(["secret of bob"])
    );
    // And without a logout in between, in another tab.
    let first = browser.driver.window().await.unwrap();
    second_tab(&browser, &site).await;
    browser.watch_from_the_start(WATCH).await;
    browser.shows("out", "A is a secret of bob").await;
    browser.open(&site.url("/login/carol")).await;
    browser.shows("out", "A is a secret of carol").await;
    assert_eq!(
        browser.js("return window.seen").await,
        json!(["secret of carol"])
    );
    switch(&browser, &first).await;
    browser.shows("out", "B is a secret of carol").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_a_page_that_is_refused_shows_nothing_more_of_its_user() {
    let guard = async |request: Request, next: Next| {
        let is_open =
            request.uri().path().starts_with("/login") || user(request.headers()).is_some();
        if is_open {
            next.run(request).await
        } else {
            StatusCode::UNAUTHORIZED.into_response()
        }
    };
    let site = Site::serve(router().layer(from_fn(guard))).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/login/alice")).await;
    browser.shows("out", "A is a secret of alice").await;
    let first = browser.driver.window().await.unwrap();
    // Signed out elsewhere, on a page without our script.
    let second = browser.driver.new_tab().await.unwrap();
    switch(&browser, &second).await;
    let forget = "document.cookie = 'user=; Path=/; Max-Age=0'";
    browser
        .driver
        .goto(&site.url("/login/nobody"))
        .await
        .unwrap();
    browser.driver.delete_all_cookies().await.unwrap();
    browser.js(forget).await;
    // The page asks what has changed as soon as it is shown, and loads itself again.
    switch(&browser, &first).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let text = browser.js("return document.body.innerText").await;
    assert!(!text.as_str().unwrap().contains("alice"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c27_a_shared_cache_in_front_keeps_no_answer() {
    let site = Site::serve(router()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    // A cache that keeps whatever it may, for all users.
    let nginx = Nginx::start_with(
        &format!("proxy_cache_path {path} keys_zone=all:1m;"),
        &site.url(""),
        "proxy_cache all;
         proxy_cache_methods GET HEAD POST;
         proxy_cache_key $request_method$uri$request_body;
         proxy_cache_valid 200 301 302 304 10m;",
    );
    for name in ["alice", "bob"] {
        let browser = Browser::start().await;
        browser.open(&nginx.url(&format!("/login/{name}"))).await;
        for value in ["A", "B"] {
            choose(&browser, value).await;
            browser
                .shows("out", &format!("{value} is a secret of {name}"))
                .await;
            browser.wait_until(IDLE).await;
        }
    }
    assert_eq!(kept_secrets(folder.path()), Vec::<String>::new());
}

/// The files of the shared cache with something of a user in them.
fn kept_secrets(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(kept_secrets(&entry.path()));
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if text.contains("_ferrodash/call") || text.contains("secret of") {
                found.push(text);
            }
        }
    }
    found
}
