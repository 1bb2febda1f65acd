"""The page ``/``: totals and three figures of the flights that the filters leave."""

from __future__ import annotations

import figures
from dash import Input, Output, callback, dcc, html
from data import AIRLINES, FLIGHTS, NAMES, ORIGINS, PER_MONTH, describe, select

import ferrodash

# The flights of 2013 do not change, and nothing else is read: all visitors may share the answers,
# and browsers may keep them. Which filter was changed last does not matter to the answer.
computed = ferrodash.cached(
    timeout="1h", stale_while_revalidate="1d", client=True, shared=True, trigger=False
)
FILTERS = [Input("months", "value"), Input("carriers", "value"), Input("origin", "value")]


def layout() -> html.Div:
    """Return the page."""
    return html.Div(
        [
            filters(),
            html.Div(id="totals", className="totals"),
            html.Div(
                [
                    graph("by-carrier", "Mean delay in minutes, by carrier and month", wide=True),
                    graph("by-hour", "Delay by hour: the median, and eight of ten flights"),
                    graph("by-visibility", "Delayed by an hour or more, by visibility"),
                ],
                className="graphs",
            ),
        ]
    )


def filters() -> html.Section:
    """Return the fields for months, carriers and airport."""
    carriers = [
        {"value": code, "label": AIRLINES[code]} for code in FLIGHTS["carrier"].cat.categories
    ]
    origins = [{"value": code, "label": name} for code, name in ORIGINS.items()]
    marks = {month: name for month, name in enumerate(figures.MONTHS, 1) if month % 3 == 1}
    return html.Section(
        [
            field(
                ["Months ", html.Output(id="chosen-months")],
                dcc.RangeSlider(
                    1, 12, 1, id="months", value=[1, 12], drag_value=[1, 12], marks=marks
                ),
            ),
            field(
                "Carriers",
                dcc.Dropdown(carriers, id="carriers", multi=True, placeholder="All carriers"),
            ),
            field(
                "Airport",
                dcc.RadioItems(
                    [{"value": "all", "label": "All"}, *origins], "all", id="origin", inline=True
                ),
            ),
        ],
        className="card filters",
    )


def field(label: str | list, content: dcc.RangeSlider | dcc.Dropdown | dcc.RadioItems) -> html.Div:
    """Return a field with a label."""
    return html.Div([html.Div(label, className="label"), content])


def graph(id_: str, title: str, *, wide: bool = False) -> html.Div:
    """Return the place of a figure."""
    plot = dcc.Graph(id=id_, config=figures.CONFIG, style=figures.FILL)
    return html.Div(
        [html.H2(title), html.Div(plot, className="plot")],
        className="card wide" if wide else "card",
    )


# Called while the slider is dragged, at most five times a second.
@callback(Output("chosen-months", "children"), Input("months", "drag_value"))
@ferrodash.throttle("200ms")
@computed
def count_months(months: list[int]) -> str:
    """Show the number of flights in the months under the handles."""
    first, last = months
    names = figures.MONTHS[first - 1], figures.MONTHS[last - 1]
    span = names[0] if first == last else " to ".join(names)
    return f"{span}, {PER_MONTH.loc[first:last].sum():,} flights"


@callback(Output("totals", "children"), *FILTERS)
@computed
def show_totals(months: list[int], carriers: list[str] | None, origin: str) -> list[html.Div]:
    """Show the totals of the flights that the filters leave."""
    flights = select(months, carriers, origin)
    busiest = [NAMES[code] for code in flights["dest"].mode()[:1]]
    shown = {**describe(flights), "busiest destination": "".join(busiest) or "n/a"}
    return [
        html.Div([html.Strong(value), html.Span(label)], className="card")
        for label, value in shown.items()
    ]


@callback(Output("by-carrier", "figure"), *FILTERS)
@computed
def draw_carriers(months: list[int], carriers: list[str] | None, origin: str) -> figures.go.Figure:
    """Draw the delays by carrier and month."""
    return figures.by_month_and_carrier(select(months, carriers, origin))


@callback(Output("by-hour", "figure"), *FILTERS)
@computed
def draw_hours(months: list[int], carriers: list[str] | None, origin: str) -> figures.go.Figure:
    """Draw the delays by hour."""
    return figures.by_hour(select(months, carriers, origin))


@callback(Output("by-visibility", "figure"), *FILTERS)
@computed
def draw_visibility(
    months: list[int], carriers: list[str] | None, origin: str
) -> figures.go.Figure:
    """Draw the delays by visibility."""
    return figures.by_visibility(select(months, carriers, origin))
