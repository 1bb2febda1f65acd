"""The key ``ferrodash`` in the list of callbacks that real apps serve."""

from __future__ import annotations

import functools
import importlib
import textwrap

import dash
import pytest
from dash import ALL, MATCH, Dash, Input, Output, State, dcc, html

import ferrodash


def make_app() -> Dash:
    app = Dash(__name__, suppress_callback_exceptions=True)
    app.layout = html.Div()
    return app


def test_callbacks_of_the_app_and_of_dash_are_declared(declared):
    app = make_app()

    @app.callback(Output("page", "children"), Input("url", "pathname"))
    @ferrodash.cached(timeout=60, client=True)
    def page(pathname): ...

    @dash.callback(Output("out", "children"), Input("in", "value"), State("in", "id"))
    @ferrodash.debounce(500, max_wait=2000)
    def out(value, id_): ...

    @app.callback(Output("saved", "children"), Input("save", "n_clicks"))
    @ferrodash.invalidates("orders")
    async def save(n_clicks): ...

    @app.callback(Output("plain", "children"), Input("in", "value"))
    def plain(value): ...

    app.clientside_callback("value => value", Output("js", "children"), Input("in", "value"))
    for _ in range(2):
        assert declared(app) == {
            "page.children": {"cache": {"timeout": 60_000, "client": True}},
            "out.children": {"debounce": {"in.value": 500}, "max_wait": 2000},
            "saved.children": {"invalidates": ["orders"]},
            "plain.children": None,
            "js.children": None,
        }


def test_decorators_stand_in_any_order(declared):
    app = make_app()

    def logged(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)

        return wrapper

    @ferrodash.debounce(500)
    @app.callback(Output("above", "children"), Input("in", "value"))
    @dash.callback(Output("twice", "children"), Input("other", "value"))
    @logged
    @ferrodash.cached(60)
    def function(value): ...

    cache = {"timeout": 60_000}
    assert declared(app) == {
        "above.children": {"cache": cache, "debounce": {"in.value": 500}},
        "twice.children": {"cache": cache, "debounce": {"other.value": 500}},
    }


def test_methods_and_partials_can_be_callbacks(declared):
    app = make_app()

    class Page:
        @ferrodash.cached(60)
        def show(self, value): ...

    app.callback(Output("method", "children"), Input("in", "value"))(Page().show)
    partial = ferrodash.cached(60)(functools.partial(Page.show, None))
    partial.__name__ = "show"
    app.callback(Output("partial", "children"), Input("in", "value"))(partial)
    expected = {"cache": {"timeout": 60_000}}
    assert declared(app) == {"method.children": expected, "partial.children": expected}


def test_a_wait_without_inputs_applies_to_the_inputs_that_are_not_named(declared):
    app = make_app()

    @app.callback(
        Output({"type": "out", "index": MATCH}, "children"),
        {
            "fields": Input({"type": "in", "index": MATCH}, "value"),
            "others": [Input({"type": "in", "index": ALL}, "value"), Input("slider", "value")],
        },
        State("state", "data"),
    )
    @ferrodash.debounce(500)
    @ferrodash.throttle(100, inputs=["slider.value"])
    def function(fields, others, data): ...

    (value,) = declared(app).values()
    assert value == {
        "debounce": {
            '{"index":["MATCH"],"type":"in"}.value': 500,
            '{"index":["ALL"],"type":"in"}.value': 500,
        },
        "throttle": {"slider.value": 100},
    }


def test_several_outputs_and_no_output_are_declared(declared):
    app = make_app()

    @app.callback([Output("a", "children"), Output("b", "children")], Input("in", "value"))
    @ferrodash.cached(60)
    def both(value): ...

    @app.callback(Input("in", "value"))
    @ferrodash.debounce(500)
    def none(value): ...

    assert list(declared(app).values()) == [
        {"cache": {"timeout": 60_000}},
        {"debounce": {"in.value": 500}},
    ]


@pytest.mark.parametrize("of_the_app", [True, False])
def test_an_unknown_input_is_refused_when_the_server_is_set_up(of_the_app):
    app = make_app()

    @(app.callback if of_the_app else dash.callback)(
        Output("out", "children"), Input("input-div", "value"), Input("go", "n_clicks")
    )
    @ferrodash.debounce(500, inputs=["input-dv.value", "go.n_clicks"])
    @ferrodash.throttle(200, inputs=["xyz"])
    def out(value, n_clicks): ...

    client = app.server.test_client()
    app.server.testing = True
    expected = (
        '@ferrodash.debounce on the callback with the output "out.children" names '
        '"input-dv.value", which is not one of its inputs; they are "input-div.value", '
        '"go.n_clicks"; did you mean "input-div.value"?\n'
        '@ferrodash.throttle on the callback with the output "out.children" names "xyz", '
        'which is not one of its inputs; they are "input-div.value", "go.n_clicks"'
    )
    for path in ("/", "/_dash-dependencies"):
        with pytest.raises(ValueError) as raised:  # noqa: PT011 - All of the text is compared.
            client.get(path)
        assert str(raised.value) == expected


def test_callbacks_of_another_app_are_left_alone(declared):
    first, second = make_app(), make_app()

    @first.callback(Output("out", "children"), Input("in", "value"))
    @ferrodash.cached(60)
    def cached_one(value): ...

    assert declared(first) == {"out.children": {"cache": {"timeout": 60_000}}}

    # This callback belongs to the app that is set up next, which is the second one.
    @dash.callback(Output("out", "children"), Input("in", "value"))
    def plain(value): ...

    declared(first)
    assert not declared(second)["out.children"]


def test_results_are_those_without_decorators():
    plain, marked = make_app(), make_app()
    for app, decorate in (
        (plain, lambda function: function),
        (marked, lambda function: ferrodash.cached(60)(ferrodash.debounce(500)(function))),
    ):

        @app.callback(Output("out", "children"), Input("in", "value"), State("in", "id"))
        @decorate
        def out(value, id_):
            if value is None:
                raise dash.exceptions.PreventUpdate
            return html.B(f"{value} {id_} {dash.ctx.triggered_id}")

    state = [{"id": "in", "property": "id", "value": "in"}]
    for value in ("x", None):
        answers = [
            app.server.test_client().post(
                "/_dash-update-component",
                json={
                    "output": "out.children",
                    "outputs": {"id": "out", "property": "children"},
                    "inputs": [{"id": "in", "property": "value", "value": value}],
                    "state": state,
                    "changedPropIds": ["in.value"],
                },
            )
            for app in (plain, marked)
        ]
        assert answers[0].status_code == answers[1].status_code == (204 if value is None else 200)
        assert answers[0].data == answers[1].data
    first, second = (
        app.server.test_client().get("/_dash-dependencies").get_json() for app in (plain, marked)
    )
    second[0].pop("ferrodash")
    assert first == second


def test_an_app_that_exists_before_the_import_is_declared(python):
    program = """
        from dash import Dash, Input, Output, dcc, html
        app = Dash(__name__)
        import ferrodash
        app.layout = lambda: html.Div([dcc.Location(id="url", cache=True), html.P(id="out")])

        @app.callback(Output("out", "children"), Input("url", "search"))
        def out(search): ...

        entry, = app.server.test_client().get("/_dash-dependencies").get_json()
        print(entry["ferrodash"])
    """
    declared = python("-c", textwrap.dedent(program))
    assert declared == "{'cache': {'timeout': 300000, 'client': 300000}}\n"


def test_the_package_can_be_loaded_again(declared):
    for module in ("ferrodash.dependencies", "ferrodash.location", "ferrodash"):
        importlib.reload(importlib.import_module(module))
    app = make_app()
    app.layout = html.Div([dcc.Location(id="url", cache="1m"), html.P(id="out")])

    @app.callback(Output("out", "children"), Input("url", "search"))
    def out(search): ...

    assert declared(app)["out.children"]["cache"]["timeout"] == 60_000
