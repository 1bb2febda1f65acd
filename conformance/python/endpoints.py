"""Callbacks that other programs can call."""

from dash import Input, Output, State
from dash.exceptions import PreventUpdate

from served import app_of, served


@served
def endpoints():
    app = app_of("a", "b", "o", "p", "q", "r")
    # Dash keeps them for the process, whatever app they belong to.
    update = app.callback

    @update(Output("o", "children"), Input("a", "value"), State("b", "value"), api_endpoint="/api/add")
    def add(first, second):
        if first is None:
            raise PreventUpdate
        return {"sum": first + second, "größe": [first, None]}

    @update(Output("p", "children"), Output("q", "children"), Input("a", "value"), api_endpoint="/api/two")
    def two(text):
        return [text, len(text)]

    @update(Output("r", "children"), Input("a", "value"), api_endpoint="/api/fails")
    def fails(text):
        raise ValueError("no data")

    app.setup_apis()
    return app
