//! The four optimizations, one each: a callback cached in the browser, memoized data, a debounced
//! input, and batched requests to an API that the example starts itself.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Query;
use axum::routing::get;
use axum::{Json as JsonBody, Router};
use clap::Parser;
use ferrodash::batch::http::{HttpBatch, HttpError};
use ferrodash::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

#[derive(Parser)]
#[command(about = "The four optimizations of Ferrodash, one each")]
struct Options {
    /// The port of the app.
    #[arg(long, default_value_t = 8050)]
    port: u16,
    /// Where answers are kept: memory, disk:DIR, redis://… or memcached://…
    #[arg(long, default_value = "memory")]
    cache: String,
    /// The port of the data API; a free one by default.
    #[arg(long, default_value_t = 0)]
    api_port: u16,
}

/// How often each function ran. Tests and the curious read them at `/_tour/counters`.
#[derive(Default)]
struct Counters {
    render_page_content: AtomicU64,
    retrieve_data: AtomicU64,
    update_output: AtomicU64,
    api_requests: AtomicU64,
    api_ids: AtomicU64,
}

static COUNTERS: LazyLock<Counters> = LazyLock::new(Counters::default);

/// Loads items of the data API; set once the API listens.
static ITEMS: OnceCell<Batcher<u32, Item, HttpError>> = OnceCell::const_new();

/// One row of a page.
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    name: String,
    value: f64,
}

/// One item of the data API.
#[derive(Clone, Serialize, Deserialize)]
struct Item {
    id: u32,
    name: String,
}

/// The id that the API does not know.
const UNKNOWN: u32 = 13;

/// Server-side caching: the rows of a page are made at most once in five minutes.
#[memoize(timeout = "5m")]
async fn retrieve_data(page: String) -> Vec<Row> {
    count(&COUNTERS.retrieve_data);
    (0..200)
        .map(|i| Row {
            name: format!("{page}-{i}"),
            value: f64::from(i) * 1.5,
        })
        .collect()
}

/// Client-side caching: the browser keeps the answer for a page, across reloads and tabs.
#[callback(
    output("application-content", "children"),
    input("url", "pathname", default = "/"),
    cache(client, timeout = "5m")
)]
async fn render_page_content(pathname: String) -> html::Table {
    count(&COUNTERS.render_page_content);
    let rows = retrieve_data(pathname).await;
    html::Table::new(html::Tbody::new(rows.into_iter().map(|row| {
        html::Tr::new((html::Td::new(row.name), html::Td::new(row.value)))
    })))
}

/// Debounced callbacks: one call, half a second after the last key.
#[callback(
    output("output-div", "children"),
    input("input-div", "value", debounce = "500ms")
)]
async fn update_output(value: Option<String>) -> String {
    count(&COUNTERS.update_output);
    value.unwrap_or_default().to_uppercase()
}

/// Batched requests: every id is loaded by itself, and the API sees one request.
#[callback(output("batch-output", "children"), input("ids", "value"))]
async fn load_ids(ids: Option<Vec<u32>>) -> Result<html::Ul, CallbackError> {
    let items = ITEMS
        .get()
        .ok_or(CallbackError::new("the API is not there yet"))?;
    let ids = ids.unwrap_or_default();
    let loaded = items.load_many(ids.iter().copied()).await;
    let line = |(id, item): (&u32, Result<Item, LoadError<HttpError>>)| match item {
        Ok(item) => html::Li::new(format!("{id}: {}", item.name)),
        Err(LoadError::Missing) => html::Li::new(format!("{id}: not found")).class_name("missing"),
        Err(error) => html::Li::new(format!("{id}: {error}")).class_name("missing"),
    };
    Ok(html::Ul::new(ids.iter().zip(loaded).map(line)))
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn layout() -> html::Main {
    html::Main::new((
        dcc::Location::new("url").refresh(false),
        html::H1::new("Tour"),
        section(
            "Client-side caching",
            "Go to a page, to another, and back: the second visit asks nobody. Reload: still nobody.",
            (
                html::Nav::new(["/", "/page-1", "/page-2"].map(|page| dcc::Link::new(page, page))),
                dcc::Loading::new(html::Div::new(()).id("application-content")).id("loading"),
            ),
        ),
        section(
            "Debounced callbacks",
            "Type quickly: one call, half a second after the last key.",
            (
                dcc::Input::new().id("input-div").placeholder("Type here"),
                html::Div::new(()).id("output-div"),
            ),
        ),
        section(
            "Batched requests",
            "Choose several ids: each is loaded by itself, the API gets one request. There is no 13.",
            (
                dcc::Dropdown::new()
                    .id("ids")
                    .multi(true)
                    .options((1..=50).collect::<Vec<u32>>())
                    .value([1, 2, 3]),
                html::Div::new(()).id("batch-output"),
            ),
        ),
    ))
}

fn section(title: &'static str, text: &'static str, content: impl IntoChildren) -> html::Section {
    html::Section::new((
        html::H2::new(title),
        html::P::new(text),
        content.into_children(),
    ))
}

const STYLE: &str = "
:root { color-scheme: light; font-family: system-ui, sans-serif; color: #1c2430; background: #f6f7f9; }
body { margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
section { background: #fff; border: 1px solid #e3e6eb; border-radius: .75rem; padding: 1rem 1.25rem; margin: 1rem 0; }
h1 { margin: .5rem 0; } h2 { margin: 0 0 .25rem; font-size: 1.15rem; } p { margin: 0 0 .75rem; color: #5b6676; }
nav { display: flex; gap: 1rem; margin-bottom: .75rem; } a { color: #b7410e; }
#application-content { height: 16rem; overflow: auto; }
table { border-collapse: collapse; width: 100%; } td { padding: .2rem .5rem; border-bottom: 1px solid #eef0f3; }
td + td { text-align: right; font-variant-numeric: tabular-nums; }
#output-div { min-height: 1.5rem; margin-top: .5rem; font-weight: 600; overflow-wrap: anywhere; }
.missing { color: #b3261e; }
";

/// The app, with its page's template for the styles.
fn app(cache: Cache) -> App {
    let template = format!(
        "<!DOCTYPE html><html lang=\"en\"><head>{{%metas%}}<title>{{%title%}}</title>{{%favicon%}}{{%css%}}<style>{STYLE}\
         </style></head><body>{{%app_entry%}}{{%config%}}{{%scripts%}}{{%renderer%}}</body></html>"
    );
    App::new(layout())
        .title("Ferrodash tour")
        .index_string(template)
        .health_endpoint("health")
        .cache(cache)
        .callbacks(callbacks![render_page_content, update_output, load_ids])
}

/// The data API: `GET /data/?ids=1,2,3`.
fn api() -> Router {
    #[derive(Deserialize)]
    struct Ids {
        ids: String,
    }
    let data = async |Query(Ids { ids }): Query<Ids>| {
        let ids: Vec<u32> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
        count(&COUNTERS.api_requests);
        COUNTERS
            .api_ids
            .fetch_add(ids.len() as u64, Ordering::Relaxed);
        let known = ids
            .into_iter()
            .filter(|id| *id != UNKNOWN && (1..=50).contains(id));
        JsonBody(
            known
                .map(|id| Item {
                    id,
                    name: format!("item {id}"),
                })
                .collect::<Vec<_>>(),
        )
    };
    Router::new().route("/data/", get(data))
}

async fn counters() -> JsonBody<serde_json::Value> {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    JsonBody(serde_json::json!({
        "render_page_content": read(&COUNTERS.render_page_content),
        "retrieve_data": read(&COUNTERS.retrieve_data),
        "update_output": read(&COUNTERS.update_output),
        "api_requests": read(&COUNTERS.api_requests),
        "api_ids": read(&COUNTERS.api_ids),
    }))
}

async fn start_api(port: u16) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, api()).into_future());
    Ok(address)
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let api = start_api(options.api_port)
        .await
        .map_err(|error| format!("cannot start the data API: {error}"))?;
    ITEMS.set(HttpBatch::new(format!("http://{api}/data/")).batcher())?;
    let cache = Cache::builder()
        .namespace("tour")
        .url(&options.cache)
        .await?
        .build();
    let app = app(cache).build()?;
    let router = app.into_router().route("/_tour/counters", get(counters));
    Ok(ferrodash::serve(router, &format!("127.0.0.1:{}", options.port)).await?)
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a program says why it ends")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
