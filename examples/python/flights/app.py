"""Flights from New York in 2013: a Dash app of four pages, with what the gateway may do for it.

Start it with the gateway (``ferrodash run``), with gunicorn (``gunicorn app:server``), or alone
(``python app.py``). It is the same app each time.
"""

from __future__ import annotations

import airports
import listing
import notes
import overview
from dash import Dash, Input, Output, callback, dcc, html

import ferrodash  # noqa: F401  dcc.Location takes `cache` because of this import.

# The components of a page are not in the first layout, so Dash cannot check their ids there.
app = Dash(__name__, title="Flights from New York", suppress_callback_exceptions=True)
server = app.server

PAGES = {
    "/": ("Overview", overview.layout),
    "/airports": ("Airports", airports.layout),
    "/flights": ("Flights", listing.layout),
    "/notes": ("Notes", notes.layout),
}

app.layout = html.Div(
    [
        # With `cache`, the gateway and browsers keep the answers of all callbacks that have this
        # location as an input. That is right as long as these callbacks only build layouts.
        dcc.Location(id="url", cache=True),
        html.Header(
            [
                html.Div(
                    [
                        html.H1("Flights from New York"),
                        html.P("All 336,776 flights of 2013 from Newark, Kennedy and LaGuardia"),
                    ]
                ),
                html.Nav(id="links"),
            ]
        ),
        html.Main(id="page"),
    ]
)


@callback(Output("page", "children"), Output("links", "children"), Input("url", "pathname"))
def show_page(pathname: str | None) -> tuple[html.Div, list[dcc.Link]]:
    """Show the page at an address, and mark its link."""
    path = (pathname or "").rstrip("/") or "/"
    links = [
        dcc.Link(name, href=href, className="here" if href == path else "")
        for href, (name, _) in PAGES.items()
    ]
    return PAGES[path][1]() if path in PAGES else missing(path), links


def missing(path: str) -> html.Div:
    """Return the page for an address that does not exist."""
    return html.Div(
        [
            html.H2("There is no such page"),
            html.P(["Nothing is at ", html.Code(path), ". ", dcc.Link("Go to the overview", "/")]),
        ],
        className="card",
    )


if __name__ == "__main__":
    app.run(debug=True)
