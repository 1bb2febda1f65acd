"""The keyword ``cache`` of ``dcc.Location``.

``dcc.Location(id="url", cache=True)`` declares that answers which depend on the address of the
page may be kept by the gateway and by browsers. The component itself does not change: Dash
never sees the keyword, and browsers never receive it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from dash import Dash, dcc, html
from dash._utils import stringify_id

from .durations import seconds

if TYPE_CHECKING:
    from .durations import Duration

_DEFAULT = 300
_ATTRIBUTE = "_ferrodash_cache"

_made: set[str] = set()
"""The ids of all locations with ``cache``. While there are none, no layout is searched."""

_timeouts: WeakKeyDictionary[Dash, dict[str, int]] = WeakKeyDictionary()
"""The timeouts in milliseconds of such locations in the layout of each app, by their ids."""


def install() -> None:
    """Let ``dcc.Location`` take ``cache``, and find such locations in the layouts of apps.

    A layout can be a function, which makes its components when it is called. Every process
    calls it when its server is set up, and again for each page.
    """
    construct = dcc.Location.__init__
    layout_value = Dash._layout_value
    if hasattr(construct, _ATTRIBUTE):
        return

    @functools.wraps(construct)
    def construct_with_cache(
        self: Any, *args: Any, cache: bool | Duration | None = None, **kwargs: Any
    ) -> None:
        construct(self, *args, **kwargs)
        if cache is not None and cache is not False:
            length = seconds(
                _DEFAULT if cache is True else cache, "the option cache of dcc.Location"
            )
            setattr(self, _ATTRIBUTE, length)
            _made.add(stringify_id(self.id))

    @functools.wraps(layout_value)
    def layout_value_with_search(self: Dash) -> Any:
        layout = layout_value(self)
        if _made:
            _remember(self, layout)
        return layout

    setattr(construct_with_cache, _ATTRIBUTE, True)
    dcc.Location.__init__ = construct_with_cache
    Dash._layout_value = layout_value_with_search


def timeout_of(app: Dash, inputs: list[dict[str, str]]) -> int | None:
    """Return the shortest timeout of the cached locations of an app among some inputs."""
    if not _made:
        return None
    if app not in _timeouts:
        # A subclass of Dash that replaces the method, such as DashProxy of dash-extensions.
        _timeouts[app] = {}
        _remember(app, app._layout_value())
    known = _timeouts[app]
    return min((known[each["id"]] for each in inputs if each["id"] in known), default=None)


def _remember(app: Dash, layout: Any) -> None:
    known = _timeouts.setdefault(app, {})
    for component in html.Div(layout)._traverse():
        length = getattr(component, _ATTRIBUTE, None)
        if length is not None:
            known[stringify_id(component.id)] = length
