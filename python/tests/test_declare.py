"""The decorators: what they leave on a function, and what they say about mistakes."""

from __future__ import annotations

import datetime
import functools
import re

import pytest
from dash import MATCH, Input

import ferrodash
from ferrodash.declare import mark_of


def test_a_decorator_returns_the_same_function():
    def function(): ...

    assert ferrodash.cached()(function) is function
    assert ferrodash.debounce(500)(function) is function
    assert ferrodash.throttle(200, inputs=["a.value"])(function) is function
    assert function.__dict__.keys() == {"__ferrodash__"}


def test_stacked_decorators_are_merged():
    @ferrodash.debounce(500, inputs=["a.value"], max_wait=2000)
    @ferrodash.debounce(200, inputs=["b.value"])
    @ferrodash.throttle("100ms")
    @ferrodash.cached(
        "1h 30m",
        stale_while_revalidate=datetime.timedelta(minutes=1),
        stale_if_error="1d",
        client=True,
        shared=True,
        tags=["orders", "prices", "orders"],
        vary=("cookie:lang", "header:Accept-Language"),
        negative=0.5,
    )
    def function(): ...

    assert function.__ferrodash__ == {
        "cache": {
            "timeout": 5_400_000,
            "stale_while_revalidate": 60_000,
            "stale_if_error": 86_400_000,
            "client": True,
            "shared": True,
            "tags": ["orders", "prices"],
            "vary": ["cookie:lang", "header:Accept-Language"],
            "negative": 500,
        },
        "debounce": {"a.value": 500, "b.value": 200},
        "throttle": {"*": 100},
        "max_wait": 2000,
    }


def test_options_that_are_not_set_are_left_out():
    assert mark_of(ferrodash.cached(client=False)(lambda: None)) == {"cache": {"timeout": 300_000}}
    assert mark_of(ferrodash.cached(1, client=60)(lambda: None)) == {
        "cache": {"timeout": 1000, "client": 60_000}
    }


def test_a_wrapper_carries_the_mark_and_marks_itself_alone():
    @ferrodash.invalidates("orders")
    def inner(): ...

    @ferrodash.invalidates("prices")
    @functools.wraps(inner)
    def outer(): ...

    ferrodash.debounce(500)(inner)
    assert mark_of(outer) == {"invalidates": ["orders", "prices"], "debounce": {"*": 500}}
    assert mark_of(inner) == {"invalidates": ["orders"], "debounce": {"*": 500}}


def test_an_input_can_be_named_by_itself():
    field = Input({"type": "field", "index": MATCH}, "value")
    mark = mark_of(ferrodash.debounce(500, inputs=[field])(lambda: None))
    assert mark["debounce"] == {'{"index":["MATCH"],"type":"field"}.value': 500}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (300, 300_000),
        (0.25, 250),
        ("500ms", 500),
        (" 1.5 s ", 1500),
        ("1d2h", 93_600_000),
        (datetime.timedelta(milliseconds=20), 20),
    ],
)
def test_durations_have_several_forms(written, expected):
    assert mark_of(ferrodash.cached(written)(lambda: None))["cache"]["timeout"] == expected


def callback(value):
    return value


cached = ferrodash.cached
debounce = ferrodash.debounce
throttle = ferrodash.throttle
invalidates = ferrodash.invalidates


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (
            lambda: cached("5 minutes"),
            ValueError,
            "the option timeout of @ferrodash.cached is '5 minutes'; write a number of seconds, "
            'a text such as "5m" or "1h 30m" or a datetime.timedelta; '
            "the units are ms, s, m, h, d",
        ),
        (
            lambda: cached(timeout=None),
            TypeError,
            "the option timeout of @ferrodash.cached is None; write a number of seconds, "
            'a text such as "5m" or "1h 30m" or a datetime.timedelta',
        ),
        (
            lambda: cached(stale_if_error=True),
            TypeError,
            "the option stale_if_error of @ferrodash.cached is True; write a number of seconds",
        ),
        (
            lambda: cached(-1),
            ValueError,
            "the option timeout of @ferrodash.cached is -1; "
            "write a duration from 1 ms to 3650 days",
        ),
        (lambda: cached(client=0), ValueError, "the option client of @ferrodash.cached is 0; "),
        (lambda: cached(float("nan")), ValueError, "is nan; write a duration from"),
        (lambda: cached(10**400), ValueError, "; write a duration from"),
        (lambda: cached("9" * 400 + "s"), ValueError, "write a duration from"),
        (
            lambda: cached(shared="yes"),
            TypeError,
            "the option shared of @ferrodash.cached is 'yes'; write True or False",
        ),
        (
            lambda: cached(tags="orders"),
            TypeError,
            "the option tags of @ferrodash.cached is 'orders'; write a list: ['orders']",
        ),
        (
            lambda: cached(tags=[1]),
            TypeError,
            "the option tags of @ferrodash.cached has the member 1; write a text",
        ),
        (
            lambda: cached(tags=[" "]),
            ValueError,
            "the option tags of @ferrodash.cached has an empty text; write a name or leave it out",
        ),
        (
            lambda: cached(vary=["session"]),
            ValueError,
            "the option vary of @ferrodash.cached has the member 'session'; "
            'write "cookie:NAME" or "header:NAME"',
        ),
        (
            lambda: cached(callback),
            TypeError,
            "@ferrodash.cached has no parentheses; write @ferrodash.cached()",
        ),
        (
            lambda: cached()(cached()(lambda: None)),
            ValueError,
            "@ferrodash.cached is on this callback twice; keep one of the two",
        ),
        (
            lambda: cached()(invalidates("orders")(lambda: None)),
            ValueError,
            "@ferrodash.cached cannot be used here: a callback that is cached does not run each "
            "time, so it cannot write; keep either @ferrodash.cached or @ferrodash.invalidates",
        ),
        (
            lambda: cached()("text"),
            TypeError,
            "@ferrodash.cached cannot mark 'text'; "
            "write the decorator above the def of the callback",
        ),
        (
            lambda: debounce(callback),
            TypeError,
            "@ferrodash.debounce has no parentheses; write @ferrodash.debounce(500)",
        ),
        (
            lambda: debounce(0.5),
            TypeError,
            "the time of @ferrodash.debounce is 0.5; write a whole number of milliseconds, "
            'a text such as "500ms" or a datetime.timedelta',
        ),
        (lambda: debounce(0), ValueError, "is 0; write a duration from 1 ms to 3650 days"),
        (
            lambda: debounce(500)(debounce(9, inputs=["a.b"], max_wait=200)(lambda: None)),
            ValueError,
            "the option max_wait of @ferrodash.debounce is 200 ms, which is shorter than a wait "
            "of 500 ms; write a longer one",
        ),
        (
            lambda: debounce(500, inputs="a.value"),
            TypeError,
            "the option inputs of @ferrodash.debounce is 'a.value'; write a list: ['a.value']",
        ),
        (
            lambda: debounce(500, inputs=Input("a", "value")),
            TypeError,
            "the option inputs of @ferrodash.debounce is <Input `a.value`>; "
            "write a list: [<Input `a.value`>]",
        ),
        (
            lambda: throttle(500, inputs=[]),
            ValueError,
            "the option inputs of @ferrodash.throttle is empty; leave it out for all inputs",
        ),
        (
            lambda: throttle(500)(debounce(200)(lambda: None)),
            ValueError,
            "@ferrodash.throttle is the second wait for all inputs; keep one of the two",
        ),
        (
            lambda: debounce(9, inputs=["a.b"])(throttle(9, inputs=["a.b"])(lambda: None)),
            ValueError,
            '@ferrodash.debounce is the second wait for the input "a.b"; keep one of the two',
        ),
        (
            lambda: debounce(9, max_wait=9)(debounce(9, inputs=["a.b"], max_wait=9)(lambda: None)),
            ValueError,
            "the option max_wait of @ferrodash.debounce is on this callback twice; "
            "keep one of the two",
        ),
        (
            invalidates,
            ValueError,
            '@ferrodash.invalidates has no tag; write @ferrodash.invalidates("orders")',
        ),
        (
            lambda: invalidates(callback),
            TypeError,
            '@ferrodash.invalidates has no parentheses; write @ferrodash.invalidates("orders")',
        ),
        (
            lambda: invalidates(["orders"]),
            TypeError,
            "the list of tags of @ferrodash.invalidates has the member ['orders']; write a text",
        ),
    ],
)
def test_a_mistake_is_refused_where_it_is_written(mistake, error, message):
    with pytest.raises(error, match=re.escape(message)) as raised:
        mistake()
    assert not str(raised.value).endswith(".")
