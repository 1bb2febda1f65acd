"""Pages by address, which depend on who is signed in."""

from dash import Dash, Input, Output, ctx, dcc, html
from flask import request
from record import ran, serve_runs

app = Dash(__name__)
server = app.server
serve_runs(app)
app.layout = html.Div(
    [
        dcc.Location(id="url", refresh=False),
        dcc.Link("A", href="/a", id="to-a"),
        dcc.Link("B", href="/b", id="to-b"),
        html.Button("Sign in as Bob", id="sign-in"),
        html.Span(id="who"),
        html.Div(id="content"),
        html.Div(id="common"),
    ]
)


@app.callback(Output("content", "children"), Input("url", "pathname"))
def content(pathname):
    ran("content", pathname)
    return f"{pathname} for {request.cookies.get('user')}"


@app.callback(Output("common", "children"), Input("url", "pathname"))
def common(pathname):
    ran("common", pathname)
    return f"{pathname} for all, asked by {request.cookies.get('user')}"


@app.callback(Output("who", "children"), Input("sign-in", "n_clicks"), prevent_initial_call=True)
def sign_in(n_clicks):
    ctx.response.set_cookie("user", "bob", httponly=True)
    return "Bob"
