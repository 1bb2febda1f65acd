"""The page ``/airports``: a map of the destinations, and details of the one that is chosen."""

from __future__ import annotations

import random
from typing import Any

import figures
from dash import Input, Output, State, callback, ctx, dcc, html
from data import AIRLINES, DESTINATIONS, FLIGHTS, describe

import ferrodash


def layout() -> html.Div:
    """Return the page."""
    plot = dcc.Graph(
        id="map",
        figure=figures.destinations(),
        config={**figures.CONFIG, "scrollZoom": True},
        style=figures.FILL,
    )
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Destinations"),
                    html.P("Size: flights. Colour: mean delay in minutes.", className="soft"),
                    html.Div(plot, className="plot map"),
                    html.Div(
                        [
                            dcc.Dropdown(
                                destination_options(), id="destination", placeholder="Destination"
                            ),
                            html.Button("Any destination", id="any", n_clicks=0),
                        ],
                        className="choice",
                    ),
                ],
                className="card",
            ),
            html.Div(id="details", className="card"),
        ],
        className="beside",
    )


def destination_options() -> list[dict[str, str]]:
    """Return the choices of a field for a destination."""
    names = DESTINATIONS["name"].sort_values().items()
    return [{"value": code, "label": f"{name} ({code})"} for code, name in names]


# Not declared, so it runs for each click: the button has to give another destination each time.
# A click on the map could be cached, but `clickData` has the place on the screen too, so calls
# are hardly ever equal. The details are cached below, by the destination alone.
@callback(
    Output("destination", "value"),
    Input("map", "clickData"),
    Input("any", "n_clicks"),
    State("destination", "value"),
    prevent_initial_call=True,
)
def choose(click: dict[str, Any] | None, _clicks: int, chosen: str | None) -> str:
    """Choose the destination that was clicked, or any other than the chosen one."""
    if ctx.triggered_id == "map" and click:
        return click["points"][0]["customdata"][0]
    return random.choice(DESTINATIONS.index.drop(chosen, errors="ignore"))  # noqa: S311


@callback(Output("details", "children"), Input("destination", "value"))
@ferrodash.cached(timeout="1h", stale_while_revalidate="1d", client=True, shared=True)
def show_details(code: str | None) -> list[Any]:
    """Show what is known about a destination."""
    if code is None:
        return [html.P("Click a destination, or choose one.", className="soft")]
    flights, place = FLIGHTS[FLIGHTS["dest"] == code], DESTINATIONS.loc[code]
    facts = {**describe(flights), "distance": f"{place['distance']:,.0f} miles"}
    plot = dcc.Graph(figure=figures.months_of(flights), config=figures.CONFIG, style=figures.FILL)
    return [
        html.H2([place["name"], " ", html.Span(code, className="soft")]),
        html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts.items()]),
        html.Div(plot, className="plot small"),
        html.H3("Carriers"),
        html.Ul(
            [
                html.Li([html.Span(AIRLINES[carrier]), html.Span(f"{count:,}")])
                for carrier, count in flights["carrier"].value_counts().items()
                if count
            ],
            className="counts",
        ),
    ]
