"""Decorators with which the author of an app declares what the gateway may do for a callback.

A decorator leaves a mark on the function and returns the same function, so a declared callback
runs exactly as it did before. ``ferrodash.dependencies`` writes the marks into the list of
callbacks that the gateway reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, TypeVar, Union

from .durations import Duration, milliseconds, seconds

if TYPE_CHECKING:
    from dash.dependencies import DashDependency

MARK = "__ferrodash__"
"""The attribute of a function that holds its mark, a dict."""

OTHER_INPUTS = "*"
"""The key of a wait that applies to all inputs that no other declaration names."""

Function = TypeVar("Function", bound=Callable[..., Any])
Mark = dict[str, Any]
InputName = Union[str, "DashDependency"]


def cached(
    timeout: Duration = 300,
    *,
    stale_while_revalidate: Duration | None = None,
    stale_if_error: Duration | None = None,
    client: bool | Duration = False,
    shared: bool = False,
    tags: Iterable[str] = (),
    vary: Iterable[str] = (),
    negative: Duration | None = None,
    trigger: bool | None = None,
) -> Callable[[Function], Function]:
    """Declare that answers of a callback may be kept and served again for equal inputs.

    Durations are numbers of seconds, texts such as ``"5m"``, or ``datetime.timedelta``.

    Args:
        timeout: How long an answer is fresh.
        stale_while_revalidate: How long after that a stale answer may be served while a new
            one is computed.
        stale_if_error: How long after that a stale answer may be served if the app fails.
        client: Whether browsers keep the answer too: ``True`` for the same timeout, or a
            duration of its own.
        shared: Whether all visitors get the same answer. The gateway then calls the app
            without cookies and without ``Authorization``. By default, answers are kept
            separately for each visitor.
        tags: Names under which ``invalidates`` and ``invalidate`` discard the answers.
        vary: Further parts of the request on which the answer depends, as ``"cookie:NAME"``
            or ``"header:NAME"``.
        negative: How long a failure of the callback is kept. By default, it is not kept.
        trigger: Whether the answer depends on which input caused the call
            (``ctx.triggered``). By default, it does if the callback has several inputs.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that cannot be used.

    Example:
        >>> @app.callback(Output("content", "children"), Input("url", "pathname"))
        ... @ferrodash.cached(timeout="5m", client=True, tags=["orders"])
        ... def page(pathname): ...
    """
    where = "the option {} of @ferrodash.cached"
    if callable(timeout):
        raise TypeError("@ferrodash.cached has no parentheses; write @ferrodash.cached()")
    if not isinstance(trigger, (bool, type(None))):
        raise TypeError(f"{where.format('trigger')} is {trigger!r}; write True or False")
    if not isinstance(shared, bool):
        raise TypeError(f"{where.format('shared')} is {shared!r}; write True or False")
    durations = {
        "stale_while_revalidate": stale_while_revalidate,
        "stale_if_error": stale_if_error,
        "client": None if isinstance(client, bool) else client,
        "negative": negative,
    }
    flags = {"client": client is True, "shared": shared}
    listed = {
        "tags": _texts(tags, where.format("tags")),
        "vary": _parts_of_requests(vary, where.format("vary")),
    }
    cache: Mark = {"timeout": seconds(timeout, where.format("timeout"))}
    for option, duration in durations.items():
        if duration is not None:
            cache[option] = seconds(duration, where.format(option))
    cache.update({option: True for option, flag in flags.items() if flag})
    if trigger is not None:
        cache["trigger"] = trigger
    cache.update({option: texts for option, texts in listed.items() if texts})
    return _marker("cached", {"cache": cache})


def debounce(
    wait: Duration,
    *,
    inputs: Iterable[InputName] | None = None,
    max_wait: Duration | None = None,
) -> Callable[[Function], Function]:
    """Declare that a callback is called once its inputs have been quiet for a time.

    Durations are whole numbers of milliseconds, texts such as ``"500ms"``, or
    ``datetime.timedelta``.

    Args:
        wait: How long an input must be quiet.
        inputs: The inputs that wait, as ``"id.property"`` or as the ``Input`` itself. By
            default, all inputs wait, except those that another declaration names.
        max_wait: The longest time that a value waits while its input keeps changing, for all
            inputs of the callback that are debounced. By default, there is no limit.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that cannot be used.

    Example:
        >>> @app.callback(Output("out", "children"), Input("search", "value"))
        ... @ferrodash.debounce(500, inputs=["search.value"], max_wait=2000)
        ... def out(value): ...
    """
    mark = _waits("debounce", wait, inputs)
    if max_wait is not None:
        mark["max_wait"] = milliseconds(max_wait, "the option max_wait of @ferrodash.debounce")
    return _marker("debounce", mark)


def throttle(
    interval: Duration,
    *,
    inputs: Iterable[InputName] | None = None,
) -> Callable[[Function], Function]:
    """Declare that a callback is called at most once in an interval, and with the last value.

    Args:
        interval: The shortest time between two calls: a whole number of milliseconds, a text
            such as ``"200ms"``, or ``datetime.timedelta``.
        inputs: The inputs whose changes are limited, as ``"id.property"`` or as the ``Input``
            itself. By default, all inputs, except those that another declaration names.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that cannot be used.

    Example:
        >>> @app.callback(Output("graph", "figure"), Input("slider", "drag_value"))
        ... @ferrodash.throttle(200)
        ... def graph(value): ...
    """
    return _marker("throttle", _waits("throttle", interval, inputs))


def invalidates(*tags: str) -> Callable[[Function], Function]:
    """Declare that a callback writes: when it succeeds, answers with these tags are discarded.

    Args:
        *tags: The tags, as they are written in ``cached(tags=[...])``.

    Raises:
        TypeError: A tag is not a text.
        ValueError: There is no tag, or a tag is empty.

    Example:
        >>> @app.callback(Output("saved", "children"), Input("save", "n_clicks"))
        ... @ferrodash.invalidates("orders")
        ... def save(n_clicks): ...
    """
    return _marker("invalidates", {"invalidates": checked_tags(tags, "@ferrodash.invalidates")})


def checked_tags(tags: tuple[str, ...], where: str) -> list[str]:
    """Return the tags that a function was called with, if they are at least one text.

    Raises:
        TypeError: A tag is not a text.
        ValueError: There is no tag, or a tag is empty.
    """
    if len(tags) == 1 and callable(tags[0]):
        raise TypeError(f'{where} has no parentheses; write {where}("orders")')
    if not tags:
        raise ValueError(f'{where} has no tag; write {where}("orders")')
    return _texts(tags, f"the list of tags of {where}")


def mark_of(function: object) -> Mark:
    """Return the union of the marks on a function and on the functions that it wraps.

    A mark that was set after ``functools.wraps`` had copied the attributes is only on the
    wrapped function.
    """
    mark: Mark = {}
    while function is not None:
        mark = _union(mark, getattr(function, MARK, {}))
        function = getattr(function, "__wrapped__", None)
    return mark


def _marker(name: str, mark: Mark) -> Callable[[Function], Function]:
    """Return the decorator that adds a mark to a function."""

    def decorator(function: Function) -> Function:
        # A new dict, because functools.wraps lets a wrapper share the dict of its function.
        merged = _merged(f"@ferrodash.{name}", getattr(function, MARK, {}), mark)
        try:
            setattr(function, MARK, merged)
        except AttributeError:
            raise TypeError(
                f"@ferrodash.{name} cannot mark {function!r}; "
                "write the decorator above the def of the callback"
            ) from None
        return function

    return decorator


def _merged(where: str, present: Mark, added: Mark) -> Mark:
    """Return the union of two marks, if they do not contradict each other."""
    for key, once in {
        "cache": "@ferrodash.cached",
        "max_wait": "the option max_wait of @ferrodash.debounce",
    }.items():
        if key in present and key in added:
            raise ValueError(f"{once} is on this callback twice; keep one of the two")
    merged = _union(present, added)
    if "cache" in merged and "invalidates" in merged:
        raise ValueError(
            f"{where} cannot be used here: a callback that is cached does not run each time, "
            "so it cannot write; keep either @ferrodash.cached or @ferrodash.invalidates"
        )
    waiting = {**present.get("debounce", {}), **present.get("throttle", {})}
    for name in {**added.get("debounce", {}), **added.get("throttle", {})}:
        if name in waiting:
            which = "all inputs" if name == OTHER_INPUTS else f'the input "{name}"'
            raise ValueError(f"{where} is the second wait for {which}; keep one of the two")
    longest = max(merged.get("debounce", {}).values(), default=0)
    if merged.get("max_wait", longest) < longest:
        raise ValueError(
            f"the option max_wait of @ferrodash.debounce is {merged['max_wait']} ms, "
            f"which is shorter than a wait of {longest} ms; write a longer one"
        )
    return merged


def _union(first: Mark, second: Mark) -> Mark:
    result = {**first, **second}
    for key in first.keys() & second.keys():
        if isinstance(first[key], dict):
            result[key] = {**first[key], **second[key]}
        elif isinstance(first[key], list):
            result[key] = list(dict.fromkeys([*first[key], *second[key]]))
    return result


def _waits(kind: str, wait: Duration, inputs: Iterable[InputName] | None) -> Mark:
    if callable(wait):
        raise TypeError(f"@ferrodash.{kind} has no parentheses; write @ferrodash.{kind}(500)")
    length = milliseconds(wait, f"the time of @ferrodash.{kind}")
    if inputs is None:
        return {kind: {OTHER_INPUTS: length}}
    where = f"the option inputs of @ferrodash.{kind}"
    # The text of an Input is "id.property", also if its id has wildcards.
    names = [
        str(each) if hasattr(each, "component_property") else each
        for each in _listed(inputs, where)
    ]
    if not names:
        raise ValueError(f"{where} is empty; leave it out for all inputs")
    return {kind: dict.fromkeys(_texts(names, where), length)}


def _parts_of_requests(values: Iterable[str], where: str) -> list[str]:
    parts = _texts(values, where)
    for part in parts:
        if not re.fullmatch("(cookie|header):.+", part):
            raise ValueError(
                f'{where} has the member {part!r}; write "cookie:NAME" or "header:NAME"'
            )
    return parts


def _listed(values: object, where: str) -> list[object]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{where} is {values!r}; write a list: [{values!r}]")
    return list(values)


def _texts(values: Iterable[object], where: str) -> list[str]:
    """Return the distinct texts of a list of texts, in order."""
    texts: dict[str, None] = {}
    for value in _listed(values, where):
        if not isinstance(value, str):
            raise TypeError(f"{where} has the member {value!r}; write a text")
        if not value.strip():
            raise ValueError(f"{where} has an empty text; write a name or leave it out")
        texts[value] = None
    return list(texts)
