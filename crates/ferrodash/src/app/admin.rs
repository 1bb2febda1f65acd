//! The admin page of the cache: it lists functions and entries, and can delete and refresh entries.
//!
//! The page is a Ferrodash app of its own, built from public parts only, and mounted beside the app
//! whose cache it shows. [`mount`] builds it when the app is built. It reads the cache's reports
//! and never the values of entries.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use ferrodash_cache::{Cache, EntryReport, FunctionReport, Key};
use ferrodash_components::html::HtmlProps;
use ferrodash_components::{ComponentExt, Id, Json, Style, dash_table, dcc, html};
use serde_json::{Value, json};

use super::{App, Guard};
use crate::callback::{Callback, CallbackError, Context, Output, State, Update};
use crate::error::{BuildErrors, Mistake};
use crate::paths;

/// The interval in which the page updates itself, in milliseconds.
const EVERY_MILLISECONDS: u32 = 5000;

/// Builds the page of an app's cache below `path`.
///
/// Requests that the guard refuses are answered with 404, for every address of the page, so that
/// they do not learn that it exists. The page takes over the CSRF settings of the app. From here on
/// the cache keeps a list of the entries that this process sees.
///
/// # Errors
/// The mistakes of the path and of the page, with the place of the app.
pub(super) fn mount(of: &App, path: &str, guard: Guard) -> Result<Router, BuildErrors> {
    let cache = &of.cache;
    cache.watch_entries();
    let path = prefix(path);
    if let Some(problem) = paths::problem(&path) {
        return Err(BuildErrors(vec![Mistake::at(
            of.location,
            format!("cache_admin is {path:?}: {problem}"),
        )]));
    }
    // An empty folder has no files: the page neither shows nor serves the app's assets.
    let mut app = App::new(layout())
        .title("Cache")
        .update_title(None)
        .url_base_pathname(path.as_str())
        .assets_folder("")
        .cache(cache.clone())
        .callback(update(cache.clone()));
    app.location = of.location;
    app.config.csrf = of.config.csrf.clone();
    // The guard is a layer around the whole router, so it also covers bundles and callbacks.
    let checked = move |request: Request, next: Next| {
        let allowed = guard(request.headers());
        async move {
            if allowed {
                next.run(request).await
            } else {
                StatusCode::NOT_FOUND.into_response()
            }
        }
    };
    Ok(app.build()?.into_router().layer(from_fn(checked)))
}

/// Returns the path of the page with one slash at each end, however it was given.
pub(super) fn prefix(path: &str) -> String {
    match path.trim_matches('/') {
        "" => "/".into(),
        path => format!("/{path}/"),
    }
}

/// The layout: a summary, a table of functions, and a table of entries with its buttons.
fn layout() -> html::Div {
    let button = |id: &'static str, text: &'static str| {
        html::Button::new(text).id(id).style(
            Style::new()
                .set("marginRight", "8px")
                .set("padding", "6px 14px"),
        )
    };
    let page = Style::new()
        .set("fontFamily", "system-ui, sans-serif")
        .set("maxWidth", "1100px")
        .set("margin", "24px auto")
        .set("padding", "0 16px");
    html::Div::new((
        html::H1::new("Cache"),
        html::P::new("").id("cache-summary"),
        html::H2::new("Functions"),
        table("cache-functions", &FUNCTIONS),
        html::H2::new("Entries seen by this process"),
        html::Div::new((
            button("cache-delete", "Delete selected"),
            button("cache-refresh", "Refresh selected"),
            html::Span::new("").id("cache-message"),
        ))
        .style(Style::new().set("marginBottom", "8px")),
        table("cache-entries", &ENTRIES)
            .row_selectable("multi")
            .selected_rows(Vec::<u32>::new())
            .page_size(50),
        dcc::Interval::new()
            .id("cache-interval")
            .interval(EVERY_MILLISECONDS),
    ))
    .style(page)
}

/// Columns of the table of functions: ids, which are the keys of [`function_row`], and headings.
const FUNCTIONS: [(&str, &str); 9] = [
    ("name", "Function"),
    ("hits", "Hits"),
    ("stale", "Stale"),
    ("misses", "Misses"),
    ("collapsed", "Shared"),
    ("errors", "Errors"),
    ("runs", "Runs"),
    ("mean", "Mean run, ms"),
    ("impure", "Impure"),
];
const ENTRIES: [(&str, &str); 7] = [
    ("function", "Function"),
    ("key", "Key"),
    ("bytes", "Bytes"),
    ("hits", "Hits"),
    ("age", "Age, s"),
    ("fresh", "Fresh for, s"),
    ("tier", "Found in"),
];

/// An empty table that sorts in the browser; a callback fills it.
fn table(id: &'static str, columns: &[(&str, &str)]) -> dash_table::DataTable {
    let columns: Vec<Value> = columns
        .iter()
        .map(|(id, name)| json!({"id": id, "name": name}))
        .collect();
    dash_table::DataTable::new()
        .id(id)
        .columns(columns)
        .data(Vec::<Value>::new())
        .sort_action(dash_table::DataTableSortAction::Native)
        .style_table(json!({"overflowX": "auto"}))
        .style_cell(json!({
            "fontFamily": "system-ui, sans-serif", "fontSize": "13px",
            "padding": "4px 8px", "textAlign": "left",
            "maxWidth": "380px", "overflow": "hidden", "textOverflow": "ellipsis",
        }))
        .style_header(json!({"fontWeight": "600"}))
}

/// The only callback of the page: it applies the pressed button to the selected entries, then fills
/// summary and tables.
///
/// One callback does both, so that what the page shows afterwards includes the effect of the
/// button. It also runs on the interval and when the page is loaded, when no button was pressed.
fn update(cache: Cache) -> Callback {
    Callback::builder()
        .name("ferrodash::admin", "1")
        .output(Output::new("cache-summary", "children"))
        .output(Output::new("cache-functions", "data"))
        .output(Output::new("cache-entries", "data"))
        .output(Output::new("cache-entries", "selected_rows"))
        .output(Output::new("cache-message", "children"))
        .input(("cache-delete", "n_clicks"))
        .input(("cache-refresh", "n_clicks"))
        .input(("cache-interval", "n_intervals"))
        .state(State::new("cache-entries", "data"))
        .state(State::new("cache-entries", "selected_rows"))
        .handler(
            move |_: Value,
                  _: Value,
                  _: Value,
                  data: Option<Vec<Row>>,
                  rows: Option<Vec<usize>>,
                  ctx: Context| {
                let cache = cache.clone();
                async move {
                    let (data, rows) = (data.unwrap_or_default(), rows.unwrap_or_default());
                    // The rows are those that the page shows, which may have changed here since; so
                    // entries are named by their keys.
                    let keys = rows
                        .iter()
                        .filter_map(|row| data.get(*row)?.key.parse().ok())
                        .collect::<Vec<Key>>();
                    let message =
                        act(&cache, ctx.triggered_id().and_then(Id::as_str), &keys).await?;
                    let entries = cache.entries();
                    // After an action nothing is selected; else the selection follows its entries
                    // to their new rows.
                    let selected: Vec<usize> = match message {
                        Some(_) => Vec::new(),
                        None => entries
                            .iter()
                            .enumerate()
                            .filter(|(_, e)| keys.contains(&e.key))
                            .map(|(i, _)| i)
                            .collect(),
                    };
                    let entries: Vec<Value> = entries.iter().map(entry_row).collect();
                    let functions: Vec<Value> =
                        cache.functions().iter().map(function_row).collect();
                    let message = message.map_or(Update::No, Update::To);
                    Ok::<_, CallbackError>((
                        summary(&cache),
                        Json(functions),
                        Json(entries),
                        Json(selected),
                        message,
                    ))
                }
            },
        )
}

/// The part of a row that the page sends back: the key of its entry.
#[derive(serde::Deserialize)]
struct Row {
    key: String,
}

/// Deletes or refreshes entries, as the pressed button says, and returns the message for the page.
///
/// Returns `None` if no button was pressed, as on the interval and when the page is loaded.
async fn act(
    cache: &Cache,
    button: Option<&str>,
    keys: &[Key],
) -> Result<Option<String>, CallbackError> {
    let done = match button {
        Some("cache-delete" | "cache-refresh") if keys.is_empty() => {
            return Ok(Some("nothing is selected".into()));
        }
        Some("cache-delete") => {
            for key in keys {
                cache.remove_seen(key).await?;
            }
            "deleted"
        }
        Some("cache-refresh") => {
            for key in keys {
                cache.expire(key).await?;
            }
            "to be computed again by the next call"
        }
        _ => return Ok(None),
    };
    let entries = if keys.len() == 1 {
        "1 entry".to_owned()
    } else {
        format!("{} entries", keys.len())
    };
    Ok(Some(format!("{entries} {done}")))
}

/// The line above the tables: tiers, size of the memory tier, and failing tiers.
fn summary(cache: &Cache) -> String {
    let (entries, bytes) = cache.memory_size();
    let health = cache
        .trouble()
        .unwrap_or_else(|| "all tiers answer".to_owned());
    let tiers = cache.tiers().join(", then ");
    let (size, unit) = if bytes < 1 << 20 {
        (bytes as f64 / 1024.0, "KiB")
    } else {
        (bytes as f64 / f64::from(1 << 20), "MiB")
    };
    format!(
        "Tiers: {tiers}. In memory are {entries} entries of {size:.1} {unit} together; {health}."
    )
}

/// The row of a memoized function or callback, by the ids of [`FUNCTIONS`].
fn function_row(function: &FunctionReport) -> Value {
    let mean = function.run_time.as_secs_f64() * 1e3 / function.runs.max(1) as f64;
    json!({
        "name": &*function.name,
        "hits": function.hits, "stale": function.stale, "misses": function.misses,
        "collapsed": function.collapsed, "errors": function.errors, "runs": function.runs,
        "mean": (mean * 10.0).round() / 10.0, "impure": function.impure,
    })
}

/// The row of an entry, by the ids of [`ENTRIES`].
fn entry_row(entry: &EntryReport) -> Value {
    json!({
        "function": &*entry.function, "key": entry.key.to_string(),
        "bytes": entry.bytes, "hits": entry.hits, "age": entry.age.as_secs(),
        "fresh": entry.fresh.map(|left| left.as_secs()), "tier": entry.tier,
    })
}
