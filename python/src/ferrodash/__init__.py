"""Declare in a Dash app what the Ferrodash gateway in front of it may do.

The gateway is the program ``ferrodash``. It can keep answers of callbacks, wait until inputs
are quiet, and invalidate what it keeps. This package tells it where that is right. Without the
gateway an app behaves as if nothing were declared.

Example:
    >>> import ferrodash
    >>> from dash import Dash, Input, Output, dcc, html
    >>>
    >>> app = Dash(__name__)
    >>>
    >>> @app.callback(Output("content", "children"), Input("url", "pathname"))
    ... @ferrodash.cached(timeout="5m", client=True, tags=["orders"])
    ... def page(pathname): ...
    >>>
    >>> @app.callback(Output("out", "children"), Input("search", "value"))
    ... @ferrodash.debounce(500)
    ... def out(value): ...
    >>>
    >>> @app.callback(Output("saved", "children"), Input("save", "n_clicks"))
    ... @ferrodash.invalidates("orders")
    ... def save(n_clicks): ...
"""

from __future__ import annotations

import importlib.util

from .control import GatewayError, invalidate
from .declare import cached, debounce, invalidates, throttle
from .signed_cookie import identity

__all__ = [
    "GatewayError",
    "cached",
    "debounce",
    "identity",
    "invalidate",
    "invalidates",
    "throttle",
]

if importlib.util.find_spec("dash") is not None:
    from . import dependencies, location

    dependencies.install()
    location.install()
