"""Twelve callbacks of one button: some fail, set cookies, or change nothing."""

from dash import Dash, Input, Output, ctx, html
from dash.exceptions import PreventUpdate
from record import ran, serve_runs

app = Dash(__name__)
server = app.server
serve_runs(app)
app.layout = html.Div(
    [
        html.Button("Start", id="start"),
        html.Div([html.P("-", id=f"out-{n}") for n in range(12)], id="outs"),
    ]
)


def member(n: int) -> None:
    @app.callback(
        Output(f"out-{n}", "children"), Input("start", "n_clicks"), prevent_initial_call=True
    )
    def answer(n_clicks):
        ran(f"out-{n}", n_clicks)
        if n == 3:
            raise ValueError("failed on purpose")
        if n == 4:
            raise PreventUpdate
        if n in (5, 6):
            ctx.response.set_cookie({5: "five", 6: "six"}[n], str(n))
        return str(n)


for n in range(12):
    member(n)
