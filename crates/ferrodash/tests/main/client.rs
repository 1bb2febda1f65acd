//! The addresses under which browsers keep answers.

use std::time::Duration;

use axum::http::StatusCode;
use ferrodash::prelude::*;
use serde_json::{Value, json};

use crate::{Answer, Client};

fn app() -> App {
    let layout = html::Div::new((
        dcc::Input::new().id("a"),
        dcc::Input::new().id("b"),
        html::Div::new(()).id("out"),
    ));
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(Input::new("a", "value").default_value("unset"))
        .state(("b", "value"))
        .cache(CacheOptions::new(Duration::from_secs(300)).client())
        .handler(async |a: Value, b: Value| match a.as_str() {
            Some("nothing") => Err(PreventUpdate),
            _ => Ok(format!("{a} {b} {}", "padding ".repeat(200))),
        });
    App::new(layout).callback(callback).build_id("build-1")
}

/// What our script reads in the page.
pub(crate) async fn script_config(client: &Client) -> Value {
    let page = client.get("/").await.text();
    let start = page
        .find("id=\"_ferrodash-config\" type=\"application/json\">")
        .unwrap()
        + 46;
    let end = page[start..].find("</script>").unwrap();
    serde_json::from_str(page[start..start + end].trim_start_matches('>')).unwrap()
}

/// Asks as a page of this build does.
async fn ask(client: &Client, query: &str, headers: &[(&str, &str)]) -> Answer {
    let build = script_config(client).await["build"]
        .as_str()
        .unwrap()
        .to_owned();
    ask_as(client, &build, query, headers).await
}

async fn ask_as(client: &Client, build: &str, query: &str, headers: &[(&str, &str)]) -> Answer {
    let config = script_config(client).await;
    let token = config["client"]["out.children"]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    client
        .get_with(
            &format!("/_ferrodash/call/{token}?b={build}&{query}"),
            headers,
        )
        .await
}

/// `["x",2]`
const XY: &str = "in=%5B%22x%22%2C2%5D";

#[tokio::test]
async fn the_page_knows_where_the_arguments_stand() {
    let config = script_config(&Client::new(app())).await;
    let callback = &config["client"]["out.children"];
    assert_eq!(
        (&config["prefix"], config["build"].as_str().unwrap().len()),
        (&json!("/"), 16)
    );
    assert_eq!(callback["arguments"], json!(["i0", "s0"]));
}

/// What the page learns with an answer that it may keep.
fn keep_of(answer: &Answer) -> Value {
    serde_json::from_str(answer.header("x-ferrodash-keep")).expect("it may be kept")
}

#[tokio::test]
async fn an_answer_may_be_kept_by_this_page_only_and_has_a_validator() {
    let client = Client::new(app());
    let answer = ask(&client, XY, &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    let keep = keep_of(&answer);
    let fresh = keep["fresh"].as_u64().unwrap();
    assert!((299_000..=300_000).contains(&fresh), "{keep}");
    // Everything, and the function.
    assert_eq!(keep["on"].as_array().unwrap().len(), 2);
    assert!(keep.get("scope").is_none());
    assert_eq!(
        answer.json()["response"]["out"]["children"]
            .as_str()
            .unwrap()[..5],
        *"\"x\" 2"
    );
    let etag = answer.header("etag").to_owned();
    assert!(etag.starts_with('"'), "strong: {etag}");
    let again = ask(&client, XY, &[("if-none-match", &etag)]).await;
    assert_eq!(
        (again.status, again.bytes.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    assert!(again.header("cache-status").starts_with("ferrodash; hit"));
    assert_eq!(keep_of(&again)["on"], keep["on"]);
    let brotli = ask(&client, XY, &[("accept-encoding", "br")]).await;
    assert_ne!(brotli.header("etag"), etag, "each encoding has its own");
    assert_eq!(brotli.header("vary"), "accept-encoding");
}

#[tokio::test]
async fn get_and_post_share_an_entry() {
    let client = Client::new(app());
    ask(&client, XY, &[]).await;
    let call = json!({
        "output": "out.children",
        "inputs": [{"id": "a", "property": "value", "value": "x"}],
        "state": [{"id": "b", "property": "value", "value": 2}],
    });
    let answer = client.post(&call).await;
    assert_eq!(
        answer.header("cache-status"),
        "ferrodash; hit; detail=memory"
    );
    let keep = keep_of(&answer);
    assert!(keep["fresh"].as_u64().unwrap() > 299_000, "{keep}");
}

#[tokio::test]
async fn an_unset_argument_takes_its_default() {
    let client = Client::new(app());
    let answer = ask(&client, "in=%5Bnull%2Cnull%5D&u=0", &[]).await;
    assert!(
        answer.json()["response"]["out"]["children"]
            .as_str()
            .unwrap()
            .starts_with("\"unset\" null")
    );
    let answer = ask(&client, "in=%5Bnull%2Cnull%5D", &[]).await;
    assert!(
        answer.json()["response"]["out"]["children"]
            .as_str()
            .unwrap()
            .starts_with("null null")
    );
}

#[tokio::test]
async fn a_page_of_another_build_gets_an_answer_that_is_not_kept() {
    let answer = ask_as(&Client::new(app()), "another", XY, &[]).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (StatusCode::OK, "no-store")
    );
}

#[tokio::test]
async fn no_update_is_not_kept() {
    let answer = ask(&Client::new(app()), "in=%5B%22nothing%22%2C2%5D", &[]).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (StatusCode::NO_CONTENT, "no-store")
    );
}

#[tokio::test]
async fn other_sites_and_malformed_addresses_are_refused() {
    let client = Client::new(app());
    assert_eq!(
        ask(&client, XY, &[("sec-fetch-site", "cross-site")])
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        ask(&client, XY, &[("sec-fetch-site", "same-origin")])
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        ask(&client, "in=%5B1%5D", &[]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        ask(&client, "in=nonsense", &[]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        client
            .get("/_ferrodash/call/0123?b=&in=%5B%5D")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_callback_that_is_cached_on_the_server_only_has_no_address() {
    let layout = html::Div::new((dcc::Input::new().id("a"), html::Div::new(()).id("out")));
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"))
        .cache(CacheOptions::new(Duration::from_secs(300)))
        .handler(async |_: Value| "");
    let client = Client::new(App::new(layout).callback(callback));
    assert_eq!(script_config(&client).await["client"], json!({}));
}
