"""A page with every kind of callback, for a browser."""

import pathlib
import time

from dash import ALL, ALLSMALLER, MATCH, ClientsideFunction, Dash, Input, Output, Patch, State, ctx, dcc, html, no_update, set_props
from dash.exceptions import PreventUpdate

from served import served

ASSETS = pathlib.Path(__file__).parent.parent / "assets"


def button(name):
    return html.Button(name, id=name)


# The keys of ids are in their sorted order here: a callback that reads an id as a value gets it as the layout has it.
def row(index):
    return html.Div(
        [
            dcc.Input(id={"index": index, "type": "in"}, value=str(index)),
            html.Button("fix", id={"index": index, "type": "fix"}),
            html.Span(id={"index": index, "type": "out"}),
            html.Span(id={"index": index, "type": "smaller"}),
            html.Span(id={"index": index, "type": "mark"}),
        ]
    )


def text(name):
    return html.P(id=name)


def layout():
    return html.Div(
        [
            dcc.Input(id="name", value="a"),
            *map(text, ("single", "multi-a", "multi-b", "all", "fixed", "dup", "side", "chained", "initial", "optional")),
            *map(text, ("prevented", "failed", "own-failed", "inline", "named", "shown", "grouped", "state")),
            *map(button, ("multi", "mark", "add", "first", "second", "set", "quiet", "patch", "slow", "prevent", "fail")),
            button("clear"),
            dcc.Store(id="store", data={"n": 1, "list": [1]}),
            html.Div([row(index) for index in range(3)], id="rows"),
        ]
    )


@served
def page():
    app = Dash("conformance", assets_folder=str(ASSETS), use_pages=False)
    app.layout = layout()
    basics(app)
    patterns(app)
    effects(app)
    clientside(app)
    return app


def basics(app):
    @app.callback(Output("single", "children"), Input("name", "value"))
    def single(name):
        return f"single {name}"

    @app.callback(
        Output("multi-a", "children"), Output("multi-b", "children"), Output("multi-b", "title"), Input("multi", "n_clicks"), State("name", "value")
    )
    def multi(clicks, name):
        return [f"multi {clicks} ", html.B(name)], no_update if clicks == 2 else f"b {clicks}", "t"

    @app.callback(Output("initial", "children"))
    def initial():
        return "initial"

    @app.callback(Output("optional", "children"), Input("name", "value"), Input("ghost", "value", allow_optional=True))
    def optional(name, ghost):
        return f"optional {name} {ghost}"

    @app.callback(Output("dup", "children"), Input("first", "n_clicks"), prevent_initial_call=True)
    def first(clicks):
        return f"first {clicks}"

    @app.callback(Output("dup", "children", allow_duplicate=True), Input("second", "n_clicks"), prevent_initial_call=True)
    def second(clicks):
        return f"second {clicks}"

    @app.callback(
        Output("grouped", "children"),
        inputs={"name": Input("name", "value"), "clicks": {"first": Input("first", "n_clicks"), "second": State("second", "n_clicks")}},
    )
    def grouped(name, clicks):
        return f"grouped {name} {clicks['first']} {clicks['second']} {ctx.triggered_id}"


def patterns(app):
    @app.callback(Output({"index": MATCH, "type": "out"}, "children"), Input({"index": MATCH, "type": "in"}, "value"))
    def match(value):
        return f"out {value} "

    @app.callback(
        Output("all", "children"), Input({"index": ALL, "type": "in"}, "value"), State({"index": ALL, "type": "in"}, "id")
    )
    def every(values, ids):
        return "all " + " ".join(f"{each['index']}={value}" for each, value in zip(ids, values))

    @app.callback(
        Output({"index": MATCH, "type": "smaller"}, "children"),
        Input({"index": ALLSMALLER, "type": "in"}, "value"),
        State({"index": MATCH, "type": "in"}, "value"),
    )
    def smaller(before, own):
        return f"smaller {' '.join(before)} than {own} "

    @app.callback(Output({"index": ALL, "type": "mark"}, "children"), Input("mark", "n_clicks"), prevent_initial_call=True)
    def mark(clicks):
        return [f"mark {clicks}" if number else no_update for number in range(len(ctx.outputs_list))]

    @app.callback(Output("fixed", "children"), Input({"index": MATCH, "type": "fix"}, "n_clicks"), prevent_initial_call=True)
    def fixed(clicks):
        return f"fixed {ctx.triggered_id['index']} {clicks}"

    @app.callback(Output("rows", "children"), Input("add", "n_clicks"), prevent_initial_call=True)
    def add(clicks):
        patch = Patch()
        patch.append(row(2 + clicks))
        return patch

    @app.callback(Output("rows", "children", allow_duplicate=True), Input("clear", "n_clicks"), prevent_initial_call=True)
    def clear(_):
        return []


def effects(app):
    @app.callback(Input("set", "n_clicks"), prevent_initial_call=True)
    def sets(clicks):
        set_props("side", {"children": f"side {clicks}", "title": "t"})
        set_props({"index": 0, "type": "mark"}, {"children": "marked"})

    @app.callback(Output("chained", "children"), Input("side", "children"), prevent_initial_call=True)
    def chained(side):
        return f"chained {side}"

    @app.callback(Input("quiet", "n_clicks"), prevent_initial_call=True)
    def quiet(_):
        pass

    @app.callback(Output("store", "data"), Input("patch", "n_clicks"), prevent_initial_call=True)
    def patch_store(clicks):
        patch = Patch()
        patch["n"] += 1
        patch["list"].append(clicks)
        patch["new"]["deep"] = "x"
        return patch

    @app.callback(
        Output("state", "children"),
        Input("slow", "n_clicks"),
        State("store", "data"),
        running=[(Output("slow", "disabled"), True, False), (Output("slow", "children"), "running", "slow")],
        prevent_initial_call=True,
    )
    def slow(clicks, data):
        time.sleep(0.4)
        return f"slow {clicks} {data['n']} {data['list']}"

    @app.callback(Output("prevented", "children"), Input("prevent", "n_clicks"))
    def prevent(clicks):
        if clicks:
            raise PreventUpdate
        return "prevented"

    @app.callback(Output("failed", "children"), Input("fail", "n_clicks"))
    def fail(clicks):
        if clicks == 1:
            raise ValueError("no data")
        return f"failed {clicks}"

    @app.callback(Output("own-failed", "children"), Input("fail", "n_clicks"), on_error=lambda error: f"own {error}", prevent_initial_call=True)
    def own_fail(_):
        raise ValueError("no data")


def clientside(app):
    app.clientside_callback("(value) => `inline ${value}`", Output("inline", "children"), Input("name", "value"))
    app.clientside_callback(
        ClientsideFunction("conformance", "joined"),
        Output("named", "children"), Output("named", "title"), Input("name", "value"), Input("first", "n_clicks"),
    )
    app.clientside_callback("(data) => JSON.stringify(data)", Output("shown", "children"), Input("store", "data"))
