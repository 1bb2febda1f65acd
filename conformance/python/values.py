"""Answers of one value each, and of several."""

import datetime

from dash import Input, Output, dcc, html, no_update

from served import app_of, served

VALUES = {
    "text": lambda: "Größe <b>雪</b> & 🦀 / \"q\"",
    "empty": lambda: "",
    "integer": lambda: 9007199254740991,
    "negative": lambda: -7,
    "float": lambda: 2.5,
    "whole": lambda: 2.0,
    "nan": lambda: float("nan"),
    "infinite": lambda: [1.0, float("inf")],
    "true": lambda: True,
    "null": lambda: None,
    "list": lambda: [1, "two", None, [3.5, {}]],
    "empty-list": lambda: [],
    "dictionary": lambda: {"a": {"b": [1, None]}, "größe": "ø", "": 0},
    "date": lambda: datetime.date(2026, 2, 28),
    "component": lambda: html.B("bold", id="bold", **{"data-x": 1}),
    "components": lambda: [html.I("a"), "text", 3, html.Div([html.Br(), dcc.Input(id="new", value=1)])],
    "row-id": lambda: html.Div("row", id={"type": "row", "index": 1}),
    "options": lambda: [{"label": html.B("x"), "value": 1}, {"label": "y", "value": "2"}],
    "figure": lambda: {"data": [{"y": [1, 2.5, None], "type": "bar"}], "layout": {}},
}


def returning(value):
    return lambda _: value()


@served
def values():
    app = app_of("a", *VALUES)
    for name, value in VALUES.items():
        app.callback(Output(name, "children"), Input("a", "value"))(returning(value))
    return app


@served
def several():
    app = app_of("a", "b", "o", "p", "q")
    update = app.callback

    @update(Output("o", "children"), Output("p", "style"), Output("o", "title"), Input("a", "value"))
    def three(text):
        return html.B(text), {"color": "red"}, None

    @update(Output("p", "children"), Output("q", "children"), Input("a", "value"))
    def one_without(text):
        return no_update, text

    @update(Output("q", "title"), Output("p", "title"), Input("a", "value"))
    def none(text):
        return no_update, no_update

    @update(Output("q", "style"), Input("a", "value"))
    def single_none(text):
        return no_update

    @update(Output("o", "id"), Output({"type": "größe", "index": True}, "title"), Input("a", "value"))
    def keys(text):
        return "o", "t"

    return app


@served
def duplicates():
    app = app_of("a", "b", "o", "p")

    @app.callback(Output("o", "children"), Input("a", "value"))
    def first(text):
        return f"first {text}"

    @app.callback(Output("o", "children", allow_duplicate=True), Input("b", "value"), prevent_initial_call=True)
    def second(text):
        return f"second {text}"

    @app.callback(
        Output("o", "children", allow_duplicate=True),
        Output("p", "children"),
        Input("b", "n_clicks"),
        prevent_initial_call="initial_duplicate",
    )
    def third(count):
        return "third", count

    return app
