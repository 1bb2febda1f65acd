"""Durations as authors write them, converted to the milliseconds that the gateway reads."""

from __future__ import annotations

import datetime
import re
from typing import Union

Duration = Union[int, float, str, datetime.timedelta]
"""A number, a text such as ``"5m"`` or ``"1h 30m"``, or a ``datetime.timedelta``."""

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)"
_TEXT = re.compile(rf"\s*(?:{_PART}\s*)+")
_LONGEST = 3_650 * _UNITS["d"]


def seconds(value: Duration, option: str) -> int:
    """Convert a duration to milliseconds; a number is a number of seconds.

    Args:
        value: The duration.
        option: How messages name the place of the duration.

    Raises:
        TypeError: The value is not a duration.
        ValueError: The text cannot be read, or the duration is too short or too long.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _checked(value * _UNITS["s"], value, option)
    return _with_unit(value, option, 'a number of seconds, a text such as "5m" or "1h 30m"')


def milliseconds(value: Duration, option: str) -> int:
    """Convert a duration to milliseconds; a number is a whole number of milliseconds.

    The arguments and errors are those of `seconds`.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _checked(value, value, option)
    return _with_unit(value, option, 'a whole number of milliseconds, a text such as "500ms"')


def _with_unit(value: Duration, option: str, forms: str) -> int:
    if isinstance(value, datetime.timedelta):
        return _checked(value.total_seconds() * _UNITS["s"], value, option)
    message = f"{option} is {value!r}; write {forms} or a datetime.timedelta"
    if not isinstance(value, str):
        raise TypeError(message)
    if not _TEXT.fullmatch(value):
        raise ValueError(f"{message}; the units are {', '.join(_UNITS)}")
    parts = re.findall(_PART, value)
    return _checked(sum(float(number) * _UNITS[unit] for number, unit in parts), value, option)


def _checked(length: float, value: Duration, option: str) -> int:
    if not 1 <= length <= _LONGEST:  # This refuses NaN too.
        raise ValueError(f"{option} is {value!r}; write a duration from 1 ms to 3650 days")
    return round(length)
