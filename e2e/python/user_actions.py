"""The Python side of the binary `user_actions`: its app as the documentation of Dash teaches it.

    gunicorn --workers 1 --threads 8 user_actions:server

`e2e/src/bin/user_actions/app.rs` is the same app. Each function waits as long as its twin there.
"""

import threading
import time
from collections import Counter

from dash import Dash, Input, Output, dcc, html
from flask import jsonify

app = Dash(__name__)
server = app.server

# Of one process, so that threads of one worker are enough to count all runs.
runs = Counter()
lock = threading.Lock()


def work(name, milliseconds):
    """Counts a run of a function, and takes as long as its query would."""
    with lock:
        runs[name] += 1
    time.sleep(milliseconds / 1000)


@server.get("/runs")
def show_runs():
    with lock:
        return jsonify(runs)


app.layout = html.Main([
    dcc.Location(id="url"),
    html.Nav([
        dcc.Link("Page 1", id="to-1", href="/1"),
        " ",
        dcc.Link("Page 2", id="to-2", href="/2"),
    ]),
    html.Div(id="page"),
    dcc.Input(id="text"),
    html.Div(id="typed"),
    # The field with the debounce that the component has itself.
    dcc.Input(id="slow-text", debounce=0.5),
    html.Div(id="slow-typed"),
    dcc.Slider(id="slider", min=0, max=1000, step=1, value=0, updatemode="drag"),
    html.Div(id="dragged"),
    dcc.Interval(id="interval", interval=200, disabled=True),
    html.Div(id="ticked"),
    dcc.RadioItems(id="choice", options=["A", "B"], value="A"),
    dcc.Graph(id="graph"),
])


@app.callback(Output("page", "children"), Input("url", "pathname"))
def show_page(path):
    work("page", 300)
    return f"This is {path}"


@app.callback(Output("typed", "children"), Input("text", "value"), prevent_initial_call=True)
def type_text(text):
    work("text", 100)
    return (text or "").upper()


@app.callback(
    Output("slow-typed", "children"),
    Input("slow-text", "value"),
    prevent_initial_call=True,
)
def type_slow_text(text):
    work("text", 100)
    return (text or "").upper()


@app.callback(Output("dragged", "children"), Input("slider", "value"), prevent_initial_call=True)
def drag(value):
    work("slider", 50)
    return str(value)


@app.callback(
    Output("ticked", "children"),
    Input("interval", "n_intervals"),
    prevent_initial_call=True,
)
def tick(count):
    work("interval", 1000)
    return str(count)


@app.callback(Output("graph", "figure"), Input("choice", "value"))
def draw(choice):
    work("choice", 300)
    factor = 7 if choice == "A" else 11
    return {
        "data": [{
            "type": "scatter",
            "mode": "lines",
            "x": list(range(2000)),
            "y": [index * factor % 1009 for index in range(2000)],
        }],
        "layout": {"title": {"text": f"Choice {choice}"}, "height": 300},
    }
