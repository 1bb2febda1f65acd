"""The figures of all pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data import AIRLINES, AIRPORTS, DESTINATIONS, LATE
from plotly import graph_objects as go

if TYPE_CHECKING:
    import pandas as pd

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
BLUE, SOFT_BLUE, ORANGE, GREY = "#2f6690", "rgba(47, 102, 144, 0.16)", "#c2571a", "#8a94a3"
DELAYS = [[0, "#6f9dbd"], [0.4, "#f3ebdf"], [0.7, "#e09a68"], [1, "#a33c0c"]]
HOUR = 60
ENOUGH = 20
"""Of how many flights an hour must have a delay to be shown."""
CONFIG = {"displayModeBar": False, "responsive": True}
FILL = {"height": "100%"}
GRID = {"gridcolor": "#e9edf1", "zeroline": False, "fixedrange": True}

# A template of its own: the default one of Plotly makes each answer 7 kB larger.
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "#3b4653"},
        "margin": {"l": 48, "r": 12, "t": 8, "b": 40},
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "xaxis": GRID,
        "yaxis": GRID,
        "showlegend": False,
        "hoverlabel": {"bgcolor": "#1c2733", "font": {"color": "#ffffff"}},
    }
)


def figure(*traces: go.Bar | go.Heatmap | go.Scatter, **layout: object) -> go.Figure:
    """Return a figure in the style of the app."""
    return go.Figure(traces, {"template": TEMPLATE, **layout})


def nothing() -> go.Figure:
    """Return a figure that says that there are no flights."""
    hidden = {"visible": False}
    note = {"text": "No flights match these filters", "showarrow": False, "font": {"color": GREY}}
    middle = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}
    layout = {"xaxis": hidden, "yaxis": hidden, "annotations": [{**note, **middle}]}
    return go.Figure(layout={"template": TEMPLATE, **layout})


def by_month_and_carrier(flights: pd.DataFrame) -> go.Figure:
    """Show the mean delay of each carrier in each month."""
    if flights.empty:
        return nothing()
    delays = flights.groupby(["carrier", "month"], observed=True)["dep_delay"].mean().unstack()
    busiest_last = flights["carrier"].value_counts().loc[delays.index].sort_values().index
    delays = delays.loc[busiest_last]
    heatmap = go.Heatmap(
        x=[MONTHS[month - 1] for month in delays.columns],
        y=[AIRLINES[code] for code in delays.index],
        z=delays.round(1).to_numpy(),
        zmin=-5,
        zmax=35,
        colorscale=DELAYS,
        xgap=2,
        ygap=2,
        colorbar=bar_of_colors(0, 15, 30),
        hovertemplate="%{y} in %{x}: %{z} min<extra></extra>",
        hoverongaps=False,
    )
    plain = {"showgrid": False, "ticks": ""}
    margin = {"l": 8, "r": 8, "t": 4, "b": 28}
    return figure(heatmap, margin=margin, xaxis=plain, yaxis={**plain, "automargin": True})


def bar_of_colors(*minutes: int) -> dict[str, Any]:
    """Return the options of a bar of the colours of delays, above a figure."""
    return {
        "orientation": "h",
        "thickness": 6,
        "len": 0.5,
        "x": 1,
        "y": 1.01,
        "xanchor": "right",
        "yanchor": "bottom",
        "outlinewidth": 0,
        "xpad": 0,
        "ypad": 0,
        "tickvals": minutes,
        "tickangle": 0,
    }


def by_hour(flights: pd.DataFrame) -> go.Figure:
    """Show the median delay of each hour, and the range of eight of ten flights."""
    enough = flights.groupby("hour")["dep_delay"].transform("count") >= ENOUGH
    if not enough.any():
        return nothing()
    ranges = flights[enough].groupby("hour")["dep_delay"].quantile([0.1, 0.5, 0.9]).unstack()
    edge = {"mode": "lines", "line": {"width": 0}, "x": ranges.index}
    low = go.Scatter(**edge, y=ranges[0.1], hoverinfo="skip")
    high = go.Scatter(
        **edge,
        y=ranges[0.9],
        fill="tonexty",
        fillcolor=SOFT_BLUE,
        hovertemplate="one in ten: %{y:.0f} min or more<extra></extra>",
    )
    median = go.Scatter(
        x=ranges.index,
        y=ranges[0.5],
        mode="lines",
        line={"color": BLUE, "width": 2.5},
        hovertemplate="median: %{y:.0f} min<extra></extra>",
    )
    axes = {
        "xaxis": {"ticksuffix": ":00", "dtick": 3, "tick0": 6},
        "yaxis": {"ticksuffix": " min"},
    }
    return figure(low, high, median, hovermode="x unified", **axes)


def by_visibility(flights: pd.DataFrame) -> go.Figure:
    """Show the share of flights that were delayed by an hour or more, by visibility."""
    known = flights.dropna(subset=["dep_delay", "visibility"])
    if known.empty:
        return nothing()
    groups = (known["dep_delay"] >= HOUR).groupby(known["visibility"], observed=True)
    shares = groups.agg(["mean", "size"])
    bars = go.Bar(
        x=shares.index.astype(str),
        y=shares["mean"] * 100,
        customdata=shares["size"],
        marker={"color": BLUE, "cornerradius": 3},
        width=0.6,
        hovertemplate="%{y:.1f} % of %{customdata:,} flights<extra></extra>",
    )
    return figure(bars, xaxis={"title": "miles"}, yaxis={"ticksuffix": " %", "rangemode": "tozero"})


def destinations() -> go.Figure:
    """Show a map: all airports of the United States as dots, destinations by size and delay.

    It is an ordinary scatter plot, so the page loads no tiles of a map server.
    """
    dots = go.Scatter(
        x=AIRPORTS["lon"], y=AIRPORTS["lat"], mode="markers", hoverinfo="skip",
        marker={"size": 2.5, "color": "#cdd5dd"},
    )  # fmt: skip
    shown = DESTINATIONS.dropna(subset=["lat", "delay"])
    bubbles = go.Scatter(
        x=shown["lon"],
        y=shown["lat"],
        mode="markers",
        text=shown["name"],
        customdata=list(zip(shown.index, shown["flights"], shown["delay"])),
        marker={
            "size": shown["flights"] ** 0.5 / 4 + 5,
            "color": shown["delay"], "cmin": 4, "cmax": 21, "colorscale": DELAYS,
            "colorbar": bar_of_colors(5, 10, 15, 20),
            "line": {"width": 1, "color": "rgba(28, 39, 51, 0.45)"},
        },
        hovertemplate="%{text} (%{customdata[0]})<br>%{customdata[1]:,} flights, "
        "mean delay %{customdata[2]:.1f} min<extra></extra>",
    )  # fmt: skip
    # A degree of longitude is shorter than one of latitude; 1.28 is their ratio at 38 degrees.
    latitude = {"visible": False, "range": [24, 50], "scaleanchor": "x", "scaleratio": 1.28}
    longitude = {"visible": False, "range": [-125.5, -65.5], "fixedrange": False}
    return figure(
        dots, bubbles, margin={"l": 0, "r": 0, "t": 4, "b": 0}, dragmode="pan",
        xaxis=longitude, yaxis={**latitude, "fixedrange": False},
    )  # fmt: skip


def months_of(flights: pd.DataFrame) -> go.Figure:
    """Show the flights of each month, those that left late in another colour."""
    late = (flights["dep_delay"] >= LATE).groupby(flights["month"]).agg(["sum", "size"])
    late = late.reindex(range(1, 13), fill_value=0)
    counts = {"on time": (late["size"] - late["sum"], BLUE), "late": (late["sum"], ORANGE)}
    bars = [
        go.Bar(
            x=MONTHS, y=values, name=name, marker={"color": color},
            hovertemplate=f"%{{x}}: %{{y:,}} {name}<extra></extra>",
        )
        for name, (values, color) in counts.items()
    ]  # fmt: skip
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
    return figure(
        *bars, barmode="stack", showlegend=True, legend=legend,
        margin={"l": 36, "r": 0, "t": 36, "b": 28}, xaxis={"tickangle": 0, "dtick": 2},
    )  # fmt: skip
