"""What `_dash-dependencies` lists for callbacks of every kind."""

from dash import ALL, ALLSMALLER, MATCH, ClientsideFunction, Input, Output, State

from served import app_of, served


def never(*_, **__):
    raise AssertionError("only listed")


@served
def dependencies_single():
    app = app_of("a", "b", "c", "o")
    app.callback(Output("o", "children"), Input("a", "value"))(never)
    app.callback(Output("o", "title"), Input("a", "value"), Input("b", "n_clicks"), State("c", "data"), State("a", "id"))(never)
    app.callback(Output("a", "value"), Input("a", "value"), Input("a", "n_blur"))(never)
    return app


@served
def dependencies_multi():
    app = app_of("a", "o", "p")
    app.callback(Output("o", "children"), Output("p", "style"), Output("o", "title"), Input("a", "value"))(never)
    return app


@served
def dependencies_interleaved():
    app = app_of("a", "b", "c", "o")
    app.callback(Output("o", "children"), State("a", "value"), Input("b", "value"), State("c", "value"), Input("a", "id"))(never)
    return app


@served
def dependencies_match():
    app = app_of("o")
    app.callback(
        Output({"type": "out", "index": MATCH}, "children"),
        Output({"type": "out", "index": MATCH}, "style"),
        Input({"type": "in", "index": MATCH}, "value"),
        State({"type": "in", "index": MATCH}, "id"),
        State("o", "children"),
    )(never)
    app.callback(Output({"a": MATCH, "b": MATCH}, "title"), Input({"b": MATCH, "a": MATCH}, "value"))(never)
    return app


@served
def dependencies_all():
    app = app_of("o")
    app.callback(Output("o", "children"), Input({"type": "in", "index": ALL}, "value"), State({"x": ALL, "y": ALL}, "id"))(never)
    app.callback(Output({"type": "out", "index": ALL}, "style"), Input("o", "n_clicks"))(never)
    app.callback(
        Output({"type": "out", "row": MATCH, "index": ALL}, "style"),
        Output({"type": "head", "row": MATCH}, "children"),
        Input({"type": "in", "row": MATCH, "index": ALL}, "value"),
    )(never)
    return app


@served
def dependencies_allsmaller():
    app = app_of()
    app.callback(
        Output({"type": "out", "index": MATCH}, "children"),
        Input({"type": "in", "index": ALLSMALLER}, "value"),
        Input({"type": "in", "index": MATCH}, "value"),
    )(never)
    return app


@served
def dependencies_fixed_output():
    app = app_of("o")
    app.callback(Output("o", "children"), Input({"type": "in", "index": MATCH}, "n_clicks"))(never)
    return app


@served
def dependencies_ids():
    app = app_of()
    app.callback(
        Output({"type": "größe", "index": "雪"}, "children"),
        Input({"type": "n", "index": -1}, "value"),
        Input({"type": "b", "index": True}, "value"),
        State({"type": "a.b", "index": '"q"'}, "value"),
    )(never)
    return app


@served
def dependencies_dotted_output():
    app = app_of()
    app.callback(Output({"type": "a.b", "index": 1}, "children"), Input({"type": "a.b", "index": 2}, "value"))(never)
    return app


@served
def dependencies_duplicate():
    app = app_of("a", "b", "o")
    app.callback(Output("o", "children"), Input("a", "value"))(never)
    app.callback(
        Output("o", "children", allow_duplicate=True), Input("b", "value"), Input("a", "id"), State("a", "value"),
        prevent_initial_call=True,
    )(never)
    app.callback(
        Output("o", "children", allow_duplicate=True), Output("o", "title"), Output("a", "style", allow_duplicate=True),
        Input("b", "n_clicks"),
        prevent_initial_call="initial_duplicate",
    )(never)
    app.callback(
        Output({"type": "out", "index": MATCH}, "children", allow_duplicate=True),
        Input({"type": "größe", "index": MATCH}, "value"),
        prevent_initial_call=True,
    )(never)
    return app


@served
def dependencies_no_output():
    app = app_of("a", "b")
    app.callback(Input("a", "value"))(never)
    app.callback(Input("a", "value"), Input("b", "n_clicks"), State("b", "id"), prevent_initial_call=True)(never)
    app.callback(Input({"type": "in", "index": ALL}, "value"))(never)
    return app


@served
def dependencies_no_input():
    app = app_of("a", "o")
    app.callback(Output("o", "children"))(never)
    app.callback(Output("o", "title"), State("a", "value"))(never)
    return app


@served
def dependencies_optional():
    app = app_of("a", "o")
    app.callback(
        Output("o", "children"),
        Input("a", "value"),
        Input("ghost", "value", allow_optional=True),
        State("ghost", "data", allow_optional=True),
    )(never)
    app.callback(Output("ghost", "children"), Input("a", "value"), optional=True)(never)
    return app


@served
def dependencies_running():
    app = app_of("a", "b", "o")
    app.callback(
        Output("o", "children"),
        Input("b", "n_clicks"),
        running=[
            (Output("b", "disabled"), True, False),
            (Output("o", "style"), {"color": "red"}, {}),
            (Output({"type": "x", "index": ALL}, "title"), "busy", None),
        ],
    )(never)
    app.callback(
        Output({"type": "out", "index": MATCH}, "children"),
        Input({"type": "in", "index": MATCH}, "n_clicks"),
        running=[(Output({"type": "in", "index": MATCH}, "disabled"), True, False)],
    )(never)
    return app


@served
def dependencies_prevented():
    app = app_of("a", "o")
    app.callback(Output("o", "children"), Input("a", "value"), prevent_initial_call=True)(never)
    app.callback(Output("o", "title"), Input("a", "value"), prevent_initial_call=False)(never)
    return app


@served
def dependencies_app_prevents():
    app = app_of("a", "o", prevent_initial_callbacks=True)
    app.callback(Output("o", "children"), Input("a", "value"))(never)
    app.callback(Output("o", "children", allow_duplicate=True), Input("a", "n_clicks"))(never)
    return app


@served
def dependencies_app_initial_duplicate():
    app = app_of("a", "o", prevent_initial_callbacks="initial_duplicate")
    app.callback(Output("o", "children"), Input("a", "value"))(never)
    app.callback(Output("o", "children", allow_duplicate=True), Input("a", "n_clicks"))(never)
    return app


@served
def dependencies_clientside():
    app = app_of("a", "b", "o", "p")
    app.clientside_callback("function(n){return n}", Output("o", "children"), Input("a", "value"))
    app.clientside_callback(
        ClientsideFunction("conformance", "named"),
        Output("p", "children"), Output("o", "title"), Input("a", "value"), State("b", "id"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        "function(n) {\n    return 'größe ' + n;\n}\n",
        Output("o", "children", allow_duplicate=True), Input("b", "n_clicks"),
        prevent_initial_call=True, hidden=True,
    )
    app.clientside_callback("() => {}", Input("a", "value"), Input("b", "value"))
    app.clientside_callback(
        "x => x", Output({"t": "o", "i": MATCH}, "children"), Input({"t": "i", "i": MATCH}, "value", allow_optional=True)
    )
    return app


@served
def dependencies_hidden():
    app = app_of("a", "o")
    app.callback(Output("o", "children"), Input("a", "value"), hidden=True)(never)
    app.callback(Output("o", "title"), Input("a", "value"), hidden=False)(never)
    return app


@served
def dependencies_grouped():
    app = app_of("a", "b", "c", "o", "p")
    app.callback(
        Output("o", "children"),
        inputs={"carrier": Input("a", "value"), "range": {"low": Input("b", "value"), "high": State("c", "value")}},
        state={"month": State("a", "id")},
    )(never)
    app.callback(Output("p", "children"), inputs=[Input("a", "value"), (Input("b", "value"), State("b", "id"))])(never)
    return app


@served
def dependencies_none():
    return app_of("a")
