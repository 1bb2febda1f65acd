"""Fifty callbacks, of which forty start when the page is loaded, and a table of 200 rows."""

import os
import time

from dash import Dash, Input, Output, dcc, html
from record import ran, serve_runs

LOADED, CLICKED = range(40), range(40, 49)

app = Dash(__name__)
server = app.server
serve_runs(app)
app.layout = html.Div(
    [
        dcc.Location(id="url", refresh=False),
        html.Button("Again", id="again"),
        html.Button("Rows", id="more"),
        html.Button("Others", id="others"),
        html.Div([html.Span(id=f"part-{n}") for n in [*LOADED, *CLICKED]]),
        html.Table(html.Tbody(id="rows")),
    ]
)


def part(n: int) -> None:
    """Register a small callback."""

    @app.callback(
        Output(f"part-{n}", "children"),
        Input("again" if n in LOADED else "others", "n_clicks"),
        prevent_initial_call=n in CLICKED,
    )
    def show(n_clicks):
        ran(f"part-{n}", n_clicks)
        time.sleep(float(os.environ.get("SECONDS", "0")))
        return f"{n}:{n_clicks} "


for n in [*LOADED, *CLICKED]:
    part(n)


@app.callback(Output("rows", "children"), Input("more", "n_clicks"))
def rows(n_clicks):
    """Return 200 rows, of which a click changes only the last cells."""
    ran("rows", n_clicks)
    return [
        html.Tr([html.Td(f"row {n}"), html.Td(f"{n_clicks or 0}")], id=f"row-{n}")
        for n in range(200)
    ]
