//! The admin page: what the callbacks of the app do, and what each would gain from a declaration.
//!
//! The page is a Ferrodash app. It reads the gateway's report, and changes nothing.

mod suggestions;

use std::cmp::Reverse;

use ferrodash::prelude::*;
use ferrodash_gateway::{Gateway, Report};

use self::suggestions::mean;

/// The interval in which the page updates itself, in milliseconds.
const EVERY: u32 = 3000;

const STYLE: &str = include_str!("style.css");

/// Makes the page and gives it to the gateway, if the configuration says who may see it.
///
/// # Errors
/// If the page cannot be built, which is a fault of this program.
pub(crate) fn mount(gateway: &Gateway) -> Result<(), String> {
    if gateway.config().admin.is_none() {
        return Ok(());
    }
    let shown = gateway.clone();
    let update = Callback::builder()
        .name("ferrodash::gateway", "1")
        .output(Output::new("content", "children"))
        .input(("interval", "n_intervals"))
        .handler(move |_: Option<u64>| {
            let report = shown.report();
            async move { content(&report) }
        });
    let layout = html::Main::new((
        html::Div::new(()).id("content"),
        dcc::Interval::new().id("interval").interval(EVERY),
    ));
    let page = App::new(layout)
        .title("Ferrodash gateway")
        .update_title(None)
        .url_base_pathname("/_ferrodash/")
        .assets_folder("")
        .index_string(page())
        .callback(update)
        .build()
        .map_err(|error| error.to_string())?;
    gateway.set_admin(page.into_router());
    Ok(())
}

/// The page, with its style.
fn page() -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head>{{%metas%}}<title>{{%title%}}</title>\
         {{%favicon%}}{{%css%}}<style>{STYLE}</style></head><body>{{%app_entry%}}\
         <footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer></body></html>"
    )
}

/// What the page shows.
fn content(report: &Report) -> html::Div {
    html::Div::new((
        html::H1::new("Ferrodash gateway"),
        html::P::new("Since its start. The page updates itself every three seconds."),
        cards(report),
        html::H2::new("Servers of the app"),
        servers(report),
        html::H2::new("Callbacks"),
        callbacks(report),
        html::H2::new("What to declare"),
        suggestions(report),
    ))
}

fn cards(report: &Report) -> html::Div {
    let (hits, all) = report.cached.iter().fold((0, 0), |(hits, all), function| {
        let kept = function.hits + function.stale;
        (
            hits + kept,
            all + kept + function.misses + function.collapsed,
        )
    });
    let share = if all == 0 {
        "–".to_owned()
    } else {
        percent(hits as f64 / all as f64)
    };
    let (entries, bytes) = report.memory;
    let card = |value: String, label: &'static str| {
        html::Div::new((html::B::new(value), html::Span::new(label))).class_name("card")
    };
    html::Div::new((
        card(share, "of declared calls from the cache"),
        card(entries.to_string(), "answers in memory"),
        card(format!("{:.1} MB", bytes as f64 / 1e6), "in memory"),
        card(report.running.to_string(), "calls running"),
        card(report.waiting.to_string(), "calls waiting"),
    ))
    .class_name("cards")
}

fn servers(report: &Report) -> html::Table {
    let rows = report.servers.iter().map(|server| {
        let (text, class) = if server.is_up {
            ("answers", "up")
        } else {
            ("cannot be reached", "down")
        };
        html::Tr::new((
            html::Td::new(server.address.clone()),
            html::Td::new(server.open.to_string()),
            html::Td::new(text).class_name(class),
        ))
    });
    table(&["Server", "Open requests", "State"], rows.collect())
}

fn callbacks(report: &Report) -> html::Table {
    let mut callbacks: Vec<_> = report.callbacks.iter().collect();
    // What the app is busy with comes first.
    callbacks.sort_by_key(|callback| Reverse(callback.time));
    let rows = callbacks.into_iter().map(|callback| {
        let cached = report
            .cached
            .iter()
            .find(|function| *function.name == *callback.output);
        let hits = cached.map_or_else(
            || "not declared".to_owned(),
            |function| (function.hits + function.stale + function.collapsed).to_string(),
        );
        html::Tr::new((
            html::Td::new(callback.output.clone()),
            html::Td::new(callback.calls.to_string()),
            html::Td::new(format!("{:.1}", mean(callback))),
            html::Td::new(percent(share(callback.equal_arguments, callback.calls))),
            html::Td::new(percent(share(callback.equal_answers, callback.calls))),
            html::Td::new(callback.failures.to_string()),
            html::Td::new(hits),
        ))
    });
    let heads = [
        "Callback",
        "Calls of the app",
        "Mean, ms",
        "Equal arguments",
        "Equal answers",
        "Failures",
        "From the cache",
    ];
    table(&heads, rows.collect())
}

/// Lines to copy into the configuration.
fn suggestions(report: &Report) -> html::Div {
    let lines = suggestions::lines(report);
    if lines.is_empty() {
        let text = "Nothing yet. Callbacks appear here if equal calls were answered equally within a \
                    minute, or if an input changed again at once.";
        return html::Div::new(html::P::new(text));
    }
    html::Div::new((
        html::P::new(
            "A timeout is right only if the callback writes nothing, and if its answer depends on \
             nothing but its arguments. Check that, then copy the lines to the end of ferrodash.toml. \
             Comments say where else something belongs.",
        ),
        html::Pre::new(lines),
    ))
}

fn table(heads: &[&'static str], rows: Vec<html::Tr>) -> html::Table {
    let heads = heads.iter().map(|head| html::Th::new(*head));
    let head = html::Tr::new(heads.collect::<Vec<_>>());
    html::Table::new((html::Thead::new(head), html::Tbody::new(rows)))
}

fn share(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
