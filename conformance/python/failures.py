"""Callbacks that fail or change nothing."""

from dash import Input, Output, State, ctx, no_update, set_props
from dash.exceptions import PreventUpdate

from served import app_of, served


def fails(*_):
    raise ValueError("no data")


def prevents(*_):
    raise PreventUpdate


@served
def failures():
    app = app_of("a", "b", "c", "d", "e", "f", "g")
    app.callback(Output("a", "children"), Input("a", "value"))(fails)
    app.callback(Output("b", "children"), Input("a", "value"))(prevents)
    app.callback(Output("c", "children"), Output("c", "title"), Input("a", "value"))(prevents)
    app.callback(Input("a", "value"))(fails)
    app.callback(Input("b", "value"))(prevents)

    @app.callback(Output("d", "children"), Input("a", "value"))
    def sets_and_prevents(_):
        set_props("e", {"children": "lost"})
        raise PreventUpdate

    @app.callback(Output("e", "children"), Input("a", "value"))
    def sets_and_fails(_):
        set_props("e", {"title": "lost"})
        raise ValueError("no data")

    return app


@served
def handled():
    """Failures that a callback's own function turns into values."""
    app = app_of("a", "b", "o", "p", "q", "r")

    def tells(error):
        return f"{error} of {ctx.triggered_id}"

    def sets(error):
        set_props("p", {"title": str(error)})

    app.callback(Output("o", "children"), Input("a", "value"), on_error=tells)(fails)
    app.callback(Output("o", "style"), Input("a", "value"), on_error=lambda _: None)(fails)
    app.callback(Output("o", "title"), Input("a", "value"), on_error=lambda _: no_update)(fails)
    app.callback(Output("p", "children"), Output("p", "style"), Input("a", "value"), on_error=lambda e: (str(e), no_update))(fails)
    app.callback(Output("q", "children"), Input("a", "value"), on_error=sets)(fails)
    app.callback(Input("a", "value"), on_error=sets)(fails)
    app.callback(Input("b", "value"), on_error=lambda _: None)(fails)
    app.callback(Output("q", "title"), Input("a", "value"), on_error=prevents)(fails)
    app.callback(Output("q", "style"), Input("a", "value"), on_error=fails)(fails)
    app.callback(Output("r", "title"), Input("a", "value"), on_error=tells)(prevents)

    @app.callback(Output("r", "children"), Input("a", "value"), on_error=sets)
    def sets_and_fails(_):
        set_props("r", {"title": "before"})
        raise ValueError("no data")

    return app


@served
def handled_by_app():
    app = app_of("a", "o", "p", on_error=lambda error: f"app: {error}")
    app.callback(Output("o", "children"), Input("a", "value"))(fails)
    app.callback(Output("p", "children"), Input("a", "value"), on_error=lambda error: f"own: {error}")(fails)
    app.callback(Output("o", "title"), Input("a", "value"))(prevents)
    app.callback(Output("o", "style"), Input("a", "value"))(lambda text: {"color": text})
    return app


@served
def refused():
    app = app_of("a", "b", "o")

    @app.callback(Output("o", "children"), Input("a", "value"), State("b", "value"))
    def one(text, state):
        return f"{text} {state}"

    @app.callback(Output("o", "title"), Output("o", "style"), Input("a", "value"))
    def two(text):
        return text, {}

    @app.callback(Output({"type": "out", "index": 1}, "children"), Input("a", "value"))
    def keyed(text):
        return text

    @app.callback(Input("a", "value"))
    def no_output(_):
        set_props("o", {"children": "set"})

    return app
