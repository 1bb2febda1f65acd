//! The admin page: what the callbacks of the app do, and what each would gain from a cache.
//!
//! The page is a Ferrodash app. It reads the gateway's report, and changes nothing.

use ferrodash::prelude::*;
use ferrodash_gateway::{CallbackReport, Gateway, Report};

/// The interval in which the page updates itself, in milliseconds.
const EVERY: u32 = 3000;

/// A callback is worth a declaration if so many of its calls have got the answer of an earlier one.
const EQUAL_SHARE: f64 = 0.2;

/// Fewer calls say nothing.
const ENOUGH_CALLS: u64 = 5;

const STYLE: &str = include_str!("admin.css");

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
    let rows = report.callbacks.iter().map(|callback| {
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

/// Lines to copy into the configuration, for callbacks whose answers were often those of an earlier
/// equal call.
fn suggestions(report: &Report) -> html::Div {
    let is_declared = |callback: &CallbackReport| {
        let mut functions = report.cached.iter();
        functions.any(|function| *function.name == *callback.output)
    };
    let worthwhile = report.callbacks.iter().filter(|callback| {
        !is_declared(callback)
            && callback.calls >= ENOUGH_CALLS
            && share(callback.equal_answers, callback.calls) >= EQUAL_SHARE
    });
    let mut lines = String::new();
    for callback in worthwhile {
        let saved = callback.equal_answers as f64 * mean(callback) / 1e3;
        lines.push_str(&suggestion(callback, saved));
    }
    if lines.is_empty() {
        let text =
            "Nothing yet. Callbacks appear here if the app has answered equal calls equally.";
        return html::Div::new(html::P::new(text));
    }
    html::Div::new((
        html::P::new(
            "The app has answered these callbacks equally for equal arguments. Check that an answer \
             depends on nothing else, then copy the lines into ferrodash.toml.",
        ),
        html::Pre::new(lines),
    ))
}

fn suggestion(callback: &CallbackReport, saved: f64) -> String {
    let CallbackReport {
        output,
        calls,
        equal_arguments,
        equal_answers,
        ..
    } = callback;
    let differ = equal_arguments - equal_answers;
    let warning = if differ == 0 {
        String::new()
    } else {
        format!(
            "# {differ} answers to equal arguments differed: keep them for a short time only.\n"
        )
    };
    format!(
        "# {equal_answers} of {calls} calls would not have reached the app, which took {saved:.1} s \
         for them.\n{warning}[[callback]]\noutput = {output:?}\ntimeout = \"1m\"\n\n"
    )
}

fn table(heads: &[&'static str], rows: Vec<html::Tr>) -> html::Table {
    let heads = heads.iter().map(|head| html::Th::new(*head));
    let head = html::Tr::new(heads.collect::<Vec<_>>());
    html::Table::new((html::Thead::new(head), html::Tbody::new(rows)))
}

fn mean(callback: &CallbackReport) -> f64 {
    callback.time.as_secs_f64() * 1e3 / callback.calls.max(1) as f64
}

fn share(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
