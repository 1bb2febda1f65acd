"""A small app whose sources a test changes while it runs."""

import os

import flask
from dash import Dash, Input, Output, dcc, html
from runs import record, wait_for

VERSION = "version 1"

app = Dash(__name__, serve_locally=False)
server = app.server
app.layout = html.Div([dcc.Input(id="in"), html.Div(id="one")])


@app.callback(Output("one", "children"), Input("in", "value"))
def one(what):
    """Answer with the version of the sources."""
    record(what["key"], flask.request.headers)
    if "hold" in what:
        wait_for(what["hold"])
    return VERSION


@server.route("/pid")
def pid():
    """Answer with the id of the process."""
    return str(os.getpid())
