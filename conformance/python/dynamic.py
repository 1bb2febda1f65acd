"""A callback that adds callbacks."""

from dash import Input, Output

from served import app_of, served


@served
def dynamic():
    app = app_of("a", "b", "o", "p")

    @app.callback(Output("o", "children"), Input("a", "value"), _allow_dynamic_callbacks=True)
    def adds(value):
        @app.callback(Output("p", "children"), Input("b", "value"), prevent_initial_call=True)
        def added(text):
            return f"added {text}"

        return value

    return app
