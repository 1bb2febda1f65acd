"""A callback of 300 ms, whose runs are lines of a file: several processes can count together."""

import os
import time
from pathlib import Path

from dash import Dash, Input, Output, html

app = Dash(__name__)
server = app.server
app.layout = html.Div([html.Button("Go", id="go"), html.Div(id="out")])


@app.callback(Output("out", "children"), Input("go", "n_clicks"))
def out(n_clicks):
    with Path(os.environ["RUNS"]).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.3)
    return f"answer {n_clicks}"
