"""An app with a background callback."""

import os

import diskcache
import flask
from dash import Dash, DiskcacheManager, Input, Output, dcc, html
from runs import record

manager = DiskcacheManager(diskcache.Cache(os.environ["FERRODASH_TEST_FOLDER"] + "/jobs"))
app = Dash(__name__, background_callback_manager=manager, serve_locally=False)
server = app.server
app.layout = html.Div([dcc.Input(id="in"), html.Div(id="one"), html.Div(id="progress")])


@app.callback(
    Output("one", "children"),
    Input("in", "value"),
    background=True,
    progress=Output("progress", "children"),
)
def one(set_progress, what):
    """Answer from a process of its own."""
    set_progress("half")
    return f"made from {what}"


@server.before_request
def count():
    """Write down each request."""
    record(flask.request.path, flask.request.headers)
