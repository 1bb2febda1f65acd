//! Plotly figures from aggregates.

use serde_json::{Value, json};

use crate::flights;
use crate::query::{Group, Summary};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const COLORS: [&str; 3] = ["#b7410e", "#2f6690", "#81a684"];
const INK: &str = "#39424e";

/// Flights by month, stacked by origin.
pub(crate) fn by_month(summary: &Summary) -> Value {
    let traces = summary
        .by_month
        .iter()
        .enumerate()
        .map(|(index, (origin, months))| {
            json!({
                "type": "bar",
                "name": origin,
                "x": MONTHS,
                "y": months.iter().map(|group| group.flights).collect::<Vec<_>>(),
                "marker": {"color": COLORS[index % COLORS.len()]},
                "hovertemplate": format!("{origin} %{{x}}: %{{y:,}} flights<extra></extra>"),
            })
        });
    let mut layout = layout();
    layout["barmode"] = json!("stack");
    layout["legend"] = json!({"orientation": "h", "y": 1.12, "x": 0});
    figure(traces.collect(), layout, summary)
}

/// Mean departure delay by weekday and hour.
pub(crate) fn by_hour(summary: &Summary) -> Value {
    // Too few flights say nothing.
    let cell = |group: &Group| group.mean_delay().filter(|_| group.flights >= 5);
    let hours = 5..24;
    let rows: Vec<Vec<Option<f64>>> = summary
        .by_hour
        .iter()
        .map(|day| hours.clone().map(|hour| cell(&day[hour])).collect())
        .collect();
    let labels: Vec<String> = hours.map(|hour| format!("{hour}:00")).collect();
    let trace = json!({
        "type": "heatmap",
        "x": labels,
        "y": DAYS,
        "z": rows,
        "zmin": 0,
        "zmax": 40,
        "colorscale": [[0, "#f4efe6"], [0.4, "#e8a87c"], [1, "#8c2f0b"]],
        "colorbar": {"thickness": 10, "outlinewidth": 0, "ticksuffix": " min"},
        "hovertemplate": "%{y} %{x}: %{z} min<extra></extra>",
    });
    let mut layout = layout();
    layout["yaxis"] = json!({"autorange": "reversed", "gridcolor": "#eef0f3"});
    figure(vec![trace], layout, summary)
}

/// Share of late departures by carrier.
pub(crate) fn by_carrier(summary: &Summary) -> Value {
    let carriers = summary.by_carrier.iter();
    let name = |code: &String| {
        flights()
            .full_names
            .get(code)
            .unwrap_or(code)
            .replace(" Inc.", "")
            .replace(" Co.", "")
    };
    let trace = json!({
        "type": "bar",
        "orientation": "h",
        "y": carriers.clone().map(|(code, _)| name(code)).collect::<Vec<_>>(),
        "x": carriers.clone().map(|(_, group)| group.percent(group.late)).collect::<Vec<_>>(),
        "customdata": carriers.map(|(_, group)| group.flights).collect::<Vec<_>>(),
        "marker": {"color": COLORS[1]},
        "hovertemplate": "%{y}: %{x:.1f} % of %{customdata:,} flights late<extra></extra>",
    });
    let mut layout = layout();
    layout["xaxis"] = json!({"ticksuffix": " %", "gridcolor": "#eef0f3"});
    layout["yaxis"] = json!({"automargin": true, "tickfont": {"size": 11}});
    figure(vec![trace], layout, summary)
}

/// What all layouts share.
fn layout() -> Value {
    json!({
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": INK},
        "margin": {"l": 44, "r": 12, "t": 12, "b": 36},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"gridcolor": "#eef0f3"},
        "yaxis": {"gridcolor": "#eef0f3", "rangemode": "tozero"},
        "hoverlabel": {"font": {"family": "system-ui, sans-serif"}},
    })
}

/// The figure; without any flight, a word in the middle in the place of traces and axes.
fn figure(traces: Vec<Value>, mut layout: Value, summary: &Summary) -> Value {
    if summary.total.flights > 0 {
        return json!({"data": traces, "layout": layout});
    }
    layout["xaxis"] = json!({"visible": false});
    layout["yaxis"] = json!({"visible": false});
    layout["annotations"] = json!([{
        "text": "No flights match these filters",
        "showarrow": false, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5,
        "font": {"size": 14, "color": "#8a94a3"},
    }]);
    json!({"data": [], "layout": layout})
}
