"""``dcc.Location(cache=...)``: the component stays as it is, and its callbacks are declared."""

from __future__ import annotations

import copy
import datetime
import inspect
import pickle
import re

import pytest
from dash import Dash, Input, Output, State, dcc, html

import ferrodash


def make_app(layout) -> Dash:
    app = Dash(__name__, suppress_callback_exceptions=True)
    app.layout = layout

    @app.callback(Output("page", "children"), Input("url", "pathname"), Input("in", "value"))
    def page(pathname, value): ...

    @app.callback(Output("own", "children"), Input("url", "pathname"))
    @ferrodash.cached(60)
    def own(pathname): ...

    @app.callback(Output("write", "children"), Input("url", "pathname"))
    @ferrodash.invalidates("orders")
    def write(pathname): ...

    @app.callback(Output("state", "children"), Input("in", "value"), State("url", "pathname"))
    def state(value, pathname): ...

    @app.callback(Input("url", "pathname"))
    def visit(pathname): ...

    return app


@pytest.mark.parametrize(
    ("cache", "expected"),
    [(True, 300_000), (60, 60_000), ("5m", 300_000), (datetime.timedelta(hours=1), 3_600_000)],
)
@pytest.mark.parametrize("as_function", [True, False])
def test_callbacks_with_the_location_as_input_are_kept_by_browsers(
    declared, cache, expected, as_function
):
    def layout():
        return html.Main([html.Div(dcc.Location("url", cache=cache)), dcc.Input(id="in")])

    served = declared(make_app(layout if as_function else layout()))
    assert list(served.values()) == [
        {"cache": {"timeout": expected, "client": expected}},
        {"cache": {"timeout": 60_000}},
        {"invalidates": ["orders"]},
        None,
        None,
    ]


@pytest.mark.parametrize("cache", [False, None])
def test_without_cache_nothing_is_declared(declared, cache):
    assert declared(make_app(dcc.Location("url", cache=cache)))["page.children"] is None


def test_a_layout_can_be_a_list_and_an_id_a_dict(declared):
    id_ = {"type": "url", "index": 1}
    app = Dash(__name__, suppress_callback_exceptions=True)
    app.layout = [html.P("text"), dcc.Location(id=id_, cache=True)]

    @app.callback(Output("out", "children"), Input(id_, "hash"))
    def out(hash_): ...

    assert declared(app)["out.children"]["cache"]["client"] == 300_000


def test_a_subclass_with_a_layout_of_its_own_is_searched(declared):
    class Proxy(Dash):
        def _layout_value(self):
            return html.Div(self.layout)

    app = Proxy(__name__)
    app.layout = dcc.Location(id="url", cache=60)

    @app.callback(Output("url", "hash"), Input("url", "search"))
    def out(search): ...

    assert declared(app)["url.hash"]["cache"]["client"] == 60_000


def test_a_location_of_another_app_is_not_meant(declared):
    first = make_app(dcc.Location("url", cache=True))
    second = make_app(dcc.Location("url"))
    assert declared(first)["page.children"]
    assert declared(second)["page.children"] is None


def test_the_component_is_the_same_with_cache():
    plain = dcc.Location(id="url", refresh=False)
    cached = dcc.Location(id="url", refresh=False, cache=True)
    assert isinstance(cached, dcc.Location)
    assert cached.to_plotly_json() == plain.to_plotly_json()
    assert repr(cached) == repr(plain)
    assert cached.available_properties == plain.available_properties
    for copied in (pickle.loads(pickle.dumps(cached)), copy.deepcopy(cached)):
        assert copied.to_plotly_json() == plain.to_plotly_json()
    assert list(inspect.signature(dcc.Location).parameters) == [
        *("id", "pathname", "search", "hash", "href", "refresh", "kwargs"),
    ]


def test_dash_still_validates_the_keywords():
    with pytest.raises(TypeError, match="unexpected keyword argument: `cached`"):
        dcc.Location(id="url", cached=True)
    with pytest.raises(TypeError, match="Required argument `id` was not specified"):
        dcc.Location(cache=True)
    message = "the option cache of dcc.Location is 'long'; write a number of seconds"
    with pytest.raises(ValueError, match=re.escape(message)):
        dcc.Location(id="url", cache="long")
