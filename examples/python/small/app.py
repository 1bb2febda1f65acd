"""A small Dash app: pages by address, and an input that is shown in capitals."""

from __future__ import annotations

import time

from dash import Dash, Input, Output, dcc, html

app = Dash(__name__)
server = app.server

app.layout = html.Div(
    [
        dcc.Location(id="url", refresh=False),
        html.Nav([dcc.Link("Orders", href="/orders"), " ", dcc.Link("Stock", href="/stock")]),
        dcc.Input(id="input-div", placeholder="Type here"),
        html.Div(id="output-div"),
        html.Div(id="application-content"),
    ]
)


def rows(page: str) -> list[html.Tr]:
    """Ask a slow service for the rows of a page."""
    time.sleep(0.3)
    return [html.Tr([html.Td(f"{page}-{i}"), html.Td(i * 1.5)]) for i in range(200)]


@app.callback(Output("application-content", "children"), Input("url", "pathname"))
def page(pathname: str | None) -> html.Table:
    """Show the rows of the page at an address."""
    return html.Table(html.Tbody(rows(pathname or "/")))


@app.callback(Output("output-div", "children"), Input("input-div", "value"))
def shout(value: str | None) -> str:
    """Show the text in capitals."""
    return (value or "").upper()


if __name__ == "__main__":
    app.run(debug=True)
