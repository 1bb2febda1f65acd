"""The key ``ferrodash`` in the entries of ``_dash-dependencies``.

All versions of Dash keep the list of callbacks in the attribute ``_callback_list`` of the app,
and serve it as it is. This module makes that attribute a descriptor that brings the keys up to
date when the list of a running app is read. A descriptor also serves apps that were created
before ``ferrodash`` was imported, which a replaced method would not: Flask holds the methods
that an app registers when it is created.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from dash import Dash, _callback

from . import location
from .declare import OTHER_INPUTS, mark_of

if TYPE_CHECKING:
    from .declare import Mark

KEY = "ferrodash"
"""The key in an entry of the list of callbacks."""


def install() -> None:
    """Let apps serve what is declared about their callbacks."""
    Dash._callback_list = CallbackList()


class CallbackList:
    """The attribute ``_callback_list`` of an app."""

    def __get__(self, app: Any, owner: type | None = None) -> Any:
        """Return the list of an app, with the marks of its callbacks if its server is set up.

        Raises:
            ValueError: A declaration names an input that its callback does not have.
        """
        if app is None:
            return self
        entries = app.__dict__["_callback_list"]
        if app.__dict__.get("_got_first_request", {}).get("setup_server"):
            # The first reader is the set-up, which then appends the callbacks of dash.callback.
            mistakes = [*_update(app, entries), *_update(app, _callback.GLOBAL_CALLBACK_LIST)]
            if mistakes:
                raise ValueError("\n".join(mistakes))
        return entries

    def __set__(self, app: Any, entries: list[dict[str, Any]]) -> None:
        """Replace the list of an app."""
        app.__dict__["_callback_list"] = entries


def _update(app: Dash, entries: list[dict[str, Any]]) -> list[str]:
    """Bring the keys of the entries up to date, and return the mistakes that were found."""
    mistakes: list[str] = []
    for index, entry in enumerate(entries):
        registered = app.callback_map.get(entry["output"], {})
        # A callback that runs in the browser has no function. A callback of dash.callback that
        # another app will take over may have the same output.
        if "callback" not in registered or registered["inputs"] != entry["inputs"]:
            continue
        value = _declared(app, entry, mark_of(registered["callback"]), mistakes)
        if value != entry.get(KEY, {}):
            # A new entry, because another thread may be serializing this one.
            entries[index] = {**entry, KEY: value}
    return mistakes


def _declared(app: Dash, entry: dict[str, Any], mark: Mark, mistakes: list[str]) -> Mark:
    """Return the value of the key for one entry, with the names of all inputs that wait."""
    value = dict(mark)
    if value.keys() & {"debounce", "throttle"}:
        value.update(_waits(entry, value.pop("debounce", {}), value.pop("throttle", {}), mistakes))
    timeout = location.timeout_of(app, entry["inputs"])
    if timeout and not value.keys() & {"cache", "invalidates"} and not entry.get("no_output"):
        value["cache"] = {"timeout": timeout, "client": timeout}
    return value


def _waits(
    entry: dict[str, Any], debounce: Mark, throttle: Mark, mistakes: list[str]
) -> dict[str, Mark]:
    inputs = [f"{each['id']}.{each['property']}" for each in entry["inputs"]]
    others = [name for name in inputs if name not in debounce and name not in throttle]
    result = {}
    for kind, waits in {"debounce": debounce, "throttle": throttle}.items():
        named = {name: length for name, length in waits.items() if name != OTHER_INPUTS}
        unknown = [name for name in named if name not in inputs]
        mistakes += [_unknown_input(kind, name, entry["output"], inputs) for name in unknown]
        if OTHER_INPUTS in waits:
            named.update(dict.fromkeys(others, waits[OTHER_INPUTS]))
        if named:
            result[kind] = named
    return result


def _unknown_input(kind: str, name: str, output: str, inputs: list[str]) -> str:
    quoted = ", ".join(f'"{each}"' for each in inputs)
    close = difflib.get_close_matches(name, inputs, n=1)
    hint = f'; did you mean "{close[0]}"?' if close else ""
    return (
        f'@ferrodash.{kind} on the callback with the output "{output}" names "{name}", '
        f"which is not one of its inputs; they are {quoted}{hint}"
    )
