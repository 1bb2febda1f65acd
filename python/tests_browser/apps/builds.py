"""An app of which there are two builds."""

import os

from dash import Dash, Input, Output, dcc, html
from record import ran, serve_runs

BUILD = os.environ.get("BUILD", "one")

app = Dash(__name__)
server = app.server
serve_runs(app)
app.layout = html.Div(
    [
        html.H1(f"build {BUILD}"),
        dcc.Location(id="url", refresh=False),
        dcc.Link("A", href="/a", id="to-a"),
        dcc.Link("B", href="/b", id="to-b"),
        html.Div(id="content"),
        html.Button("Count", id="count"),
        html.Div("-", id="counted"),
    ]
)


@app.callback(Output("content", "children"), Input("url", "pathname"))
def content(pathname):
    ran("content", pathname)
    return f"{pathname} of build {BUILD}"


# The second build takes another property of the button, so pages of the first send what it has not.
PROPERTY = "n_clicks" if BUILD == "one" else "n_clicks_timestamp"


@app.callback(Output("counted", "children"), Input("count", PROPERTY), prevent_initial_call=True)
def count(value):
    return f"build {BUILD}: {value if PROPERTY == 'n_clicks' else value > 0}"


if BUILD == "one":
    app.layout.children += [html.Button("Old", id="old"), html.Div("-", id="old-out")]

    @app.callback(
        Output("old-out", "children"), Input("old", "n_clicks"), prevent_initial_call=True
    )
    def old(n_clicks):
        return f"old {n_clicks}"
