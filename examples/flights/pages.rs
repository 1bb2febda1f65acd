//! The layout, the two pages, and their callbacks.

use std::collections::HashMap;

use ferrodash::batch::http::HttpError;
use ferrodash::prelude::*;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::query::{Filter, Summary};
use crate::{aircraft, figures, flights};

const ORIGINS: [(&str, &str); 3] = [("EWR", "Newark"), ("JFK", "Kennedy"), ("LGA", "LaGuardia")];

const PAGE_SIZE: usize = 15;

/// Header, filters, the place for a page, and the corner.
pub(crate) fn layout() -> html::Div {
    html::Div::new((
        dcc::Location::new("url").refresh(false),
        html::Header::new((
            html::Div::new((
                html::H1::new("Flights from New York"),
                html::P::new("All 336,776 departures of 2013"),
            ))
            .class_name("brand"),
            html::Nav::new((
                dcc::Link::new("Overview", "/"),
                dcc::Link::new("Flights", "/flights"),
            )),
        )),
        filters(),
        dcc::Loading::new(html::Main::new(()).id("page"))
            .delay_show(200)
            .overlay_style(json!({"visibility": "visible", "opacity": 0.5})),
        html::Aside::new(()).id("corner").aria("live", "polite"),
    ))
}

fn filters() -> html::Section {
    let carriers = flights()
        .full_names
        .iter()
        .filter(|(code, _)| flights().carriers.index(code).is_some());
    let mut carriers: Vec<(&String, &String)> = carriers.collect();
    carriers.sort_by_key(|(_, name)| *name);
    let option = |(code, name): (&String, &String)| json!({"value": code, "label": name});
    let origins = ORIGINS.map(|(code, name)| json!({"value": code, "label": name}));
    let marks: HashMap<String, &str> =
        [(1, "Jan"), (4, "Apr"), (7, "Jul"), (10, "Oct"), (12, "Dec")]
            .map(|(month, name)| (month.to_string(), name))
            .into();
    html::Section::new((
        field(
            "Airports",
            dcc::Checklist::new()
                .id("origins")
                .options(origins)
                .value(["EWR", "JFK", "LGA"])
                .inline(true),
        ),
        field(
            "Carriers",
            dcc::Dropdown::new()
                .id("carriers")
                .multi(true)
                .placeholder("All carriers")
                .options(carriers.into_iter().map(option).collect::<Vec<_>>()),
        ),
        field(
            "Months",
            dcc::RangeSlider::new()
                .id("months")
                .min(1)
                .max(12)
                .step(1)
                .value([1, 12])
                .marks(marks)
                .allow_cross(false),
        ),
    ))
    .class_name("filters")
}

fn field(label: &'static str, content: impl IntoChildren) -> html::Div {
    html::Div::new((
        html::Span::new(label).class_name("label"),
        content.into_children(),
    ))
    .class_name("field")
}

/// Which page a path shows.
#[callback(
    output("page", "children"),
    input("url", "pathname", default = "/"),
    cache(client, timeout = "1h")
)]
pub(crate) async fn show_page(pathname: String) -> Component {
    match pathname.trim_end_matches('/') {
        "" => overview_page(),
        "/flights" => flights_page(),
        _ => html::Div::new((
            html::H2::new("There is no such page"),
            html::P::new(("Nothing is at ", html::Code::new(pathname), ". ")),
            dcc::Link::new("Back to the overview", "/"),
        ))
        .class_name("card missing")
        .into_component(),
    }
}

fn overview_page() -> Component {
    let graph = |title: &'static str, id: &'static str| {
        let config = json!({"displayModeBar": false, "responsive": true});
        html::Div::new((
            html::H2::new(title),
            dcc::Graph::new()
                .id(id)
                .config(config)
                .style([("height", "20rem")]),
        ))
        .class_name("card")
    };
    html::Div::new((
        html::Div::new(()).id("numbers").class_name("numbers"),
        html::Div::new((
            graph("Departures by month", "by-month"),
            graph("Late by 15 minutes or more", "by-carrier"),
            graph("Mean delay by weekday and hour", "by-hour"),
        ))
        .class_name("graphs"),
    ))
    .into_component()
}

/// The aggregates of a filter, computed once for all who ask.
#[memoize(timeout = "10m")]
async fn summary(filter: Filter) -> Summary {
    filter.summary(flights())
}

/// Numbers and figures of the overview. The browser keeps them: going back to a filter asks nobody.
#[callback(
    output("numbers", "children"),
    output("by-month", "figure"),
    output("by-carrier", "figure"),
    output("by-hour", "figure"),
    input("origins", "value"),
    input("carriers", "value"),
    input("months", "value"),
    cache(client, timeout = "10m")
)]
pub(crate) async fn overview(
    origins: Option<Vec<String>>,
    carriers: Option<Vec<String>>,
    months: (u8, u8),
) -> (Vec<html::Div>, Value, Value, Value) {
    let summary = summary(filter(origins, carriers, months)).await;
    let figures = (
        figures::by_month(&summary),
        figures::by_carrier(&summary),
        figures::by_hour(&summary),
    );
    (numbers(&summary), figures.0, figures.1, figures.2)
}

fn filter(origins: Option<Vec<String>>, carriers: Option<Vec<String>>, months: (u8, u8)) -> Filter {
    // The order in which boxes were ticked does not matter, so that it does not make another key.
    let sorted = |list: Option<Vec<String>>| {
        let mut list = list.unwrap_or_default();
        list.sort();
        list
    };
    Filter {
        origins: sorted(origins),
        carriers: sorted(carriers),
        months,
    }
}

fn numbers(summary: &Summary) -> Vec<html::Div> {
    let card = |label: &'static str, value: String| {
        html::Div::new((html::Strong::new(value), html::Span::new(label))).class_name("card number")
    };
    let total = summary.total;
    let delay = total
        .mean_delay()
        .map_or("–".to_owned(), |delay| format!("{delay:.1} min"));
    let busiest = summary
        .destinations
        .first()
        .map_or("–".to_owned(), |(code, _)| place(code));
    vec![
        card("flights", thousands(total.flights)),
        card("mean delay", delay),
        card("late", format!("{:.1} %", total.percent(total.late))),
        card(
            "cancelled",
            format!("{:.1} %", total.percent(total.cancelled)),
        ),
        card("busiest destination", busiest),
    ]
}

fn place(code: &str) -> String {
    let name = flights().full_names.get(code).map_or(code, String::as_str);
    name.replace(" International Airport", "")
        .replace(" Intl", "")
        .replace(" International", "")
}

fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

fn flights_page() -> Component {
    let columns = [
        ("date", "Date"),
        ("time", "Time"),
        ("flight", "Flight"),
        ("origin", "From"),
        ("destination", "To"),
        ("distance", "Miles"),
        ("delay", "Delay"),
        ("aircraft", "Aircraft"),
    ]
    .map(|(id, name)| json!({"id": id, "name": name}));
    let table = dash_table::DataTable::new()
        .id("table")
        .columns(columns)
        .page_action(dash_table::DataTablePageAction::Custom)
        .sort_action(dash_table::DataTableSortAction::Custom)
        .page_current(0)
        .page_size(PAGE_SIZE)
        .style_as_list_view(true)
        .style_table(json!({"overflowX": "auto"}))
        .style_header(json!({"fontWeight": "600", "backgroundColor": "#fff", "borderBottom": "2px solid #d9dde3"}))
        .style_cell(json!({"fontFamily": "system-ui, sans-serif", "fontSize": ".9rem", "textAlign": "left", "padding": ".4rem .6rem", "maxWidth": "16rem",
            "overflow": "hidden", "textOverflow": "ellipsis"}))
        .style_cell_conditional(json!([
            {"if": {"column_id": "delay"}, "textAlign": "right"},
            {"if": {"column_id": "distance"}, "textAlign": "right"},
        ]))
        .style_data_conditional(json!([
            {"if": {"filter_query": "{minutes} >= 60", "column_id": "delay"}, "color": "#8c2f0b", "fontWeight": "600"},
            {"if": {"filter_query": "{delay} = cancelled", "column_id": "delay"}, "color": "#8a94a3"},
        ]));
    html::Div::new((
        dcc::Input::new()
            .id("search")
            .r#type(dcc::InputType::Search)
            .placeholder("Search a flight, tail number or airport: UA1545, N14228, SFO …")
            .class_name("search"),
        html::P::new(()).id("found").class_name("found"),
        table,
    ))
    .class_name("card")
    .into_component()
}

/// How the table is sorted.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SortBy {
    column_id: String,
    direction: String,
}

/// The rows that a search and a filter leave, sorted. Kept on the server, so that turning a page
/// does not search again.
#[memoize(timeout = "10m")]
async fn matching(filter: Filter, search: String, sort: Vec<SortBy>) -> Vec<u32> {
    let flights = flights();
    let wanted = search.trim().to_uppercase();
    let matches = |row: usize| {
        wanted.is_empty()
            || flights.tails.name(flights.tail[row]) == wanted
            || flights.airports.name(flights.destination[row]) == wanted
            || wanted
                .strip_prefix(flights.carriers.name(flights.carrier[row]))
                .is_some_and(|number| {
                    number.trim().is_empty() || number.trim().parse() == Ok(flights.number[row])
                })
    };
    let mut rows: Vec<usize> = filter.rows(flights).filter(|row| matches(*row)).collect();
    if let Some(SortBy {
        column_id,
        direction,
    }) = sort.first()
    {
        match column_id.as_str() {
            "time" => rows.sort_by_key(|&row| (flights.hour[row], flights.minute[row])),
            "flight" => rows.sort_by_key(|&row| {
                (
                    flights.carriers.name(flights.carrier[row]),
                    flights.number[row],
                )
            }),
            "origin" => rows.sort_by_key(|&row| flights.airports.name(flights.origin[row])),
            "destination" => {
                rows.sort_by_key(|&row| flights.airports.name(flights.destination[row]))
            }
            "distance" => rows.sort_by_key(|&row| flights.distance[row]),
            "delay" => rows.sort_by_key(|&row| flights.delay[row]),
            _ => rows.sort_by_key(|&row| (flights.month[row], flights.day[row])),
        }
        if direction == "desc" {
            rows.reverse();
        }
    }
    rows.into_iter()
        .filter_map(|row| u32::try_from(row).ok())
        .collect()
}

/// One page of the table. The search waits until it has been still for a moment.
#[callback(
    output("table", "data"),
    output("table", "page_count"),
    output("found", "children"),
    input("search", "value", debounce = "300ms"),
    input("origins", "value"),
    input("carriers", "value"),
    input("months", "value"),
    input("table", "page_current", default = 0),
    input("table", "sort_by"),
    cache(timeout = "10m")
)]
pub(crate) async fn list_flights(
    search: Option<String>,
    origins: Option<Vec<String>>,
    carriers: Option<Vec<String>>,
    months: (u8, u8),
    page: usize,
    sort: Option<Vec<SortBy>>,
) -> Result<(Json<Vec<Value>>, usize, String), CallbackError> {
    let filter = filter(origins, carriers, months);
    let rows = matching(filter, search.unwrap_or_default(), sort.unwrap_or_default()).await;
    let pages = rows.len().div_ceil(PAGE_SIZE).max(1);
    // A filter can leave fewer pages than the one that is shown.
    let shown = rows
        .iter()
        .skip(page.min(pages - 1) * PAGE_SIZE)
        .take(PAGE_SIZE)
        .map(|row| *row as usize);
    // All at the same time: that is what lets the batcher join their look-ups.
    let cells = try_join_all(shown.map(row_cells)).await?;
    let found = match rows.len() {
        0 => "No flights match. Try another search or wider filters.".to_owned(),
        1 => "1 flight".to_owned(),
        count => format!(
            "{} flights",
            thousands(u32::try_from(count).unwrap_or(u32::MAX))
        ),
    };
    Ok((Json(cells), pages, found))
}

async fn row_cells(row: usize) -> Result<Value, LoadError<HttpError>> {
    let flights = flights();
    let tail = flights.tails.name(flights.tail[row]);
    let aircraft = match aircraft::batcher().load(tail.to_owned()).await {
        Ok(aircraft) => aircraft.description,
        Err(LoadError::Missing) => tail.to_owned(),
        Err(error) => return Err(error),
    };
    let delay = flights.delay[row];
    Ok(json!({
        "date": format!("2013-{:02}-{:02}", flights.month[row], flights.day[row]),
        "time": format!("{:02}:{:02}", flights.hour[row], flights.minute[row]),
        "flight": format!("{} {}", flights.carriers.name(flights.carrier[row]), flights.number[row]),
        "origin": flights.airports.name(flights.origin[row]),
        "destination": place(flights.airports.name(flights.destination[row])),
        "distance": flights.distance[row],
        "delay": if delay == crate::data::NO_DELAY { "cancelled".to_owned() } else { format!("{delay:+} min") },
        "minutes": delay,
        "aircraft": aircraft,
    }))
}
