"""Inputs to type into. What waits is declared for the gateway."""

import os

from dash import MATCH, Dash, Input, Output, State, ctx, dcc, html
from record import ran, serve_runs

if os.environ.get("DECORATED"):
    from ferrodash import cached, debounce, throttle
else:

    def debounce(*_, **__):
        return lambda function: function

    cached = throttle = debounce

app = Dash(__name__)
server = app.server
serve_runs(app)
app.layout = html.Div(
    [
        dcc.Input(id="text", value=""),
        html.Div(id="length"),
        html.Div(id="shout"),
        dcc.Input(id="fast", value=""),
        html.Div(id="follow"),
        html.Div(
            [
                html.Div([dcc.Input(id={"cell": n}, value=""), html.B(id={"cell": n, "echo": 1})])
                for n in range(2)
            ]
        ),
        html.Button("Fill", id="fill"),
        dcc.Input(id="search", value=""),
        html.Button("Go", id="go"),
        html.Div(id="found"),
        dcc.Input(id="plain", value=""),
        html.Div(id="echo-plain"),
    ]
)

app.clientside_callback(
    "value => value.length", Output("length", "children"), Input("text", "value")
)


@app.callback(Output("shout", "children"), Input("text", "value"), State("plain", "value"))
@debounce(500)
def shout(value, plain):
    ran("shout", value)
    return f"{value.upper()}, from {ctx.triggered_id}"


@app.callback(Output({"cell": MATCH, "echo": 1}, "children"), Input({"cell": MATCH}, "value"))
@debounce(500)
def echo(value):
    ran("echo", value)
    return f"{value}, from {ctx.triggered_id and ctx.triggered_id['cell']}"


@app.callback(Output("follow", "children"), Input("fast", "value"))
@throttle(200)
def follow(value):
    ran("follow", value)
    return f"follows {value}"


@app.callback(Output("found", "children"), Input("search", "value"), Input("go", "n_clicks"))
@cached(timeout=300, client=True)
@debounce(500, inputs=["search.value"])
def found(value, n_clicks):
    ran("found", value, n_clicks)
    return f"found {value}, from {ctx.triggered_id}"


@app.callback(Output("text", "value"), Input("fill", "n_clicks"), prevent_initial_call=True)
def fill(n_clicks):
    ran("fill", n_clicks)
    return f"filled {n_clicks}"


@app.callback(Output("echo-plain", "children"), Input("plain", "value"))
def plain(value):
    ran("plain", value)
    return value
