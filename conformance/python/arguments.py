"""What a callback's function receives and can ask for; every answer repeats it."""

from dash import ALL, Input, Output, State, ctx

from served import app_of, served


@served
def arguments():
    app = app_of("a", "b", "c", "o", "p", "q", "r", "s")

    @app.callback(Output("o", "children"), Input("a", "value"), Input("b", "value"), State("c", "value"))
    def plain(first, second, state):
        return [first, second, state]

    @app.callback(Output("o", "title"), State("a", "value"), Input("b", "value"), State("c", "value"), Input("a", "n_clicks"))
    def interleaved(a, b, c, clicks):
        return [a, b, c, clicks]

    @app.callback(
        Output("o", "style"),
        Input("a", "value"),
        Input("ghost", "value", allow_optional=True),
        State("ghost", "data", allow_optional=True),
    )
    def optional(value, ghost, data):
        return [value, ghost, data]

    @app.callback(
        Output("p", "children"),
        inputs={"carrier": Input("a", "value"), "range": {"low": Input("b", "value"), "high": State("c", "value")}},
        state={"month": State("a", "id")},
    )
    def grouped(carrier, range, month):
        return [carrier, range["low"], range["high"], month]

    @app.callback(Output("p", "title"), inputs=[Input("a", "value"), (Input("b", "value"), State("b", "id"))])
    def tupled(first, pair):
        return [first, *pair]

    @app.callback(Output("q", "children"), Input("a", "value"), Input("b", "value"), Input({"type": "in", "index": ALL}, "value"))
    def triggered(*_):
        entries = [[each["prop_id"], each["value"]] for each in ctx.triggered] if ctx.triggered else []
        return [entries, ctx.triggered_id]

    @app.callback(
        Output("q", "title"), inputs={"one": Input("a", "value"), "many": Input({"type": "in", "index": ALL}, "value")}, state={"s": State("b", "value")}
    )
    def args_grouping(one, many, s):
        return ctx.args_grouping

    @app.callback(Output("r", "children"), Output({"type": "out", "index": ALL}, "children"), Input("a", "value"), State({"type": "in", "index": ALL}, "value"))
    def lists(*_):
        return [ctx.inputs_list, ctx.states_list, ctx.outputs_list], ["x"] * len(ctx.outputs_list[1])

    @app.callback(Output("r", "title"), Input("a", "value"))
    def request(value):
        return [ctx.cookies.get("who"), ctx.headers.get("X-Test"), *ctx.path.split("?")]

    return app


@served
def answers():
    app = app_of("a", "o", "p", "q", "r")

    @app.callback(Output("o", "children"), Input("a", "value"))
    def cookies(value):
        ctx.response.set_cookie("plain", "v")
        ctx.response.set_cookie("full", "a b", max_age=60, path="/x", secure=True, httponly=True, samesite="Lax")
        return value

    @app.callback(Output("p", "children"), Input("a", "value"))
    def headers(value):
        ctx.response.set_header("X-Set", "first")
        ctx.response.set_header("X-Set", "second")
        ctx.response.append_header("X-Many", "one")
        ctx.response.append_header("X-Many", "two")
        return value

    return app
