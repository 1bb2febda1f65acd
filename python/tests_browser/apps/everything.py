"""An app with a bit of all that callbacks can do. Nothing is declared."""

import base64
import os
import time

from dash import ALL, MATCH, Dash, Input, Output, Patch, State, ctx, dash_table, dcc, html
from dash.exceptions import PreventUpdate
from record import ran, serve_runs

ROWS = [{"n": n, "square": n * n} for n in range(40)]
TABLE = {"page_current": 0, "page_size": 5, "page_action": "custom"}

app = Dash(__name__, suppress_callback_exceptions=True)
server = app.server
serve_runs(app)
if os.environ.get("DEVELOPER_TOOLS"):
    app.enable_dev_tools(debug=False, dev_tools_ui=True, dev_tools_props_check=True)


def action(name: str, *more: object) -> html.Div:
    """Return a button and the place where its callback writes."""
    return html.Div([html.Button(name, id=name), html.Span("-", id=f"{name}-out"), *more])


def clicked(name: str, **options: object):
    """Register the callback of a button."""
    output = options.pop("output", Output(f"{name}-out", "children"))
    return app.callback(output, Input(name, "n_clicks"), prevent_initial_call=True, **options)


app.layout = html.Div(
    [
        dcc.Location(id="url", refresh=False),
        dcc.Link("to a", href="/a", id="to-a"),
        dcc.Link("to b", href="/b", id="to-b"),
        html.H1(id="page"),
        dcc.Input(id="name", value="Ada"),
        html.Div(id="greeting"),
        html.Div(id="length"),
        html.Div(
            [
                html.Div(
                    [dcc.Input(id={"cell": n}, value=str(n)), html.B(id={"cell": n, "twice": 1})]
                )
                for n in range(3)
            ]
        ),
        html.Div(id="sum"),
        action("slow", html.Button("stop", id="stop"), html.I("idle", id="state")),
        action("fail"),
        action("prevent"),
        action("cookie"),
        action("set"),
        action("empty"),
        html.Button("patch", id="patch"),
        html.Ul([html.Li("0")], id="patch-out"),
        action("remember", dcc.Store(id="store", storage_type="local")),
        dcc.Interval(id="interval", interval=100, max_intervals=0),
        html.Button("count", id="count"),
        html.Div(id="ticks"),
        dcc.Upload(html.Button("upload"), id="upload"),
        html.Div(id="upload-out"),
        html.Button("download", id="download"),
        dcc.Download(id="download-out"),
        dash_table.DataTable(id="table", columns=[{"name": "square", "id": "square"}], **TABLE),
    ]
)


@app.callback(Output("page", "children"), Input("url", "pathname"), State("url", "search"))
def page(pathname, search):
    ran("page", pathname, search)
    return f"page {pathname}{search or ''}"


@app.callback(Output("greeting", "children"), Input("name", "value"))
def greeting(value):
    ran("greeting", value)
    return f"Hello {value}, from {ctx.triggered_id}"


app.clientside_callback(
    "value => `${value.length} letters`", Output("length", "children"), Input("name", "value")
)


@app.callback(Output({"cell": MATCH, "twice": 1}, "children"), Input({"cell": MATCH}, "value"))
def twice(value):
    ran("twice", value)
    return value * 2


@app.callback(Output("sum", "children"), Input({"cell": ALL}, "value"))
def total(values):
    ran("sum", values)
    return f"{sum(map(int, values))}, because of {ctx.triggered_id}"


@clicked(
    "slow",
    running=[
        (Output("state", "children"), "running", "idle"),
        (Output("slow", "disabled"), True, False),
    ],
)
def slow(n_clicks):
    ran("slow", n_clicks)
    time.sleep(0.4)
    return f"slow {n_clicks}"


@clicked("fail")
def fail(n_clicks):
    raise ValueError(f"failed on purpose {n_clicks}")


@clicked("prevent")
def prevent(n_clicks):
    ran("prevent", n_clicks)
    raise PreventUpdate


@clicked("cookie")
def cookie(n_clicks):
    ctx.response.set_cookie("visits", str(n_clicks), httponly=True)
    return f"cookie {n_clicks}"


@clicked("set")
def set_others(n_clicks):
    from dash import set_props

    set_props("state", {"children": f"set {n_clicks}"})
    return f"and this {n_clicks}"


@clicked("empty", output=[])
def empty(n_clicks):
    ran("empty", n_clicks)


@clicked("patch", output=Output("patch-out", "children"))
def patch(n_clicks):
    items = Patch()
    items.append(html.Li(str(n_clicks)))
    return items


@clicked("remember", output=Output("store", "data"))
def remember(n_clicks):
    return {"clicks": n_clicks}


@app.callback(
    Output("remember-out", "children"), Input("store", "modified_timestamp"), State("store", "data")
)
def remembered(modified, data):
    return str((data or {}).get("clicks"))


@clicked("count", output=Output("interval", "max_intervals"))
def count(n_clicks):
    return 3


@app.callback(
    Output("ticks", "children"), Input("interval", "n_intervals"), prevent_initial_call=True
)
def ticks(n_intervals):
    ran("ticks", n_intervals)
    return f"{n_intervals} ticks"


@app.callback(
    Output("upload-out", "children"), Input("upload", "contents"), State("upload", "filename"),
    prevent_initial_call=True,
)  # fmt: skip
def upload(contents, filename):
    data = base64.b64decode(contents.split(",")[1])
    return f"{filename}: {len(data)} bytes, sum {sum(data)}"


@clicked("download", output=Output("download-out", "data"))
def download(n_clicks):
    return dcc.send_bytes(bytes(range(256)) * 100, f"download-{n_clicks}.bin")


@app.callback(Output("table", "data"), Input("table", "page_current"), Input("table", "page_size"))
def rows(page_current, page_size):
    ran("rows", page_current)
    return ROWS[page_current * page_size :][:page_size]
