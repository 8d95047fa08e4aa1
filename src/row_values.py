"""Values of a request: JSON becomes what a column holds, or is refused with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import utils
from row_schema import Column

Value: TypeAlias = float | str | bool | datetime | None

LARGEST = 1.7976931348623157e308
LONGEST_SHOWN = 60  # characters of a value in a message
TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1678, 2261  # what 64 bits of nanoseconds hold


class Refused(Exception):
    """A value is not what its column holds; ``str(error)`` ends a sentence that begins with it."""


def reader(column: Column) -> Callable[[Any], Value]:
    """Return the function that reads one value of `column`; null becomes None."""
    kinds: dict[str, Callable[[Any], Value]] = {
        "boolean": _boolean,
        "text": _text,
        "code": _code,
        "time": _time,
    }
    return kinds.get(column.kind) or _number(column)


def _number(column: Column) -> Callable[[Any], Value]:
    low = -LARGEST if column.minimum is None else column.minimum
    high = LARGEST if column.maximum is None else column.maximum
    whole, what = column.kind == "integer", "a whole number" if column.kind == "integer" else "a number"

    def read(value: Any) -> Value:
        if (type(value) is float or type(value) is int) and low <= value <= high:
            if whole and value != int(value):
                raise Refused(f"is {value}, not a whole number")
            return float(value)
        if value is None:
            return None
        if type(value) is float or type(value) is int:
            raise Refused(f"is {shown(value)}, not between {low:g} and {high:g}")
        raise Refused(f"is {kind_of(value)}, not {what}")

    return read


def _boolean(value: Any) -> Value:
    if value is True or value is False or value is None:
        return value
    raise Refused(f"is {kind_of(value)}, not true or false")


def _text(value: Any) -> Value:
    if value is None:
        return None
    if type(value) is not str:
        raise Refused(f"is {kind_of(value)}, not text")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Refused("is half of a character pair, not text") from None
    return value


def _code(value: Any) -> Value:
    if type(value) is int or type(value) is float:
        return level(value)
    if value is None or type(value) is str:
        return _text(value)
    raise Refused(f"is {kind_of(value)}, not a number or text")


def _time(value: Any) -> Value:
    if value is None:
        return None
    if type(value) is not str:
        raise Refused(f"is {kind_of(value)}, not a time such as 2013-01-31T05:00:00")
    return as_time(value)


def as_time(text: str) -> datetime:
    """Return the time that `text` is, in UTC where it names a zone, without a zone.

    Raises
    ------
    Refused
        When it is none, or one that a table cannot hold.
    """
    if TIME.fullmatch(text):
        try:
            time = datetime.fromisoformat(text)
            time = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
        except (ValueError, OverflowError):
            pass
        else:
            if FIRST_YEAR <= time.year <= LAST_YEAR:
                return time
            raise Refused(f"is {text}, not between the years {FIRST_YEAR} and {LAST_YEAR}")
    raise Refused(f"is {shown(text)}, not a time such as 2013-01-31T05:00:00")


def level(value: float | bool | str) -> str:
    """Return a level as text, as `features.as_levels` does for a column of such values."""
    if type(value) is float and value.is_integer():
        return f"{value:.0f}"
    return str(value)


def kind_of(value: Any) -> str:
    """Return what JSON calls a value."""
    kinds: Sequence[tuple[type, str]] = (
        (bool, "true or false"),
        (int, "a number"),
        (float, "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "an object"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def shown(value: object) -> str:
    """Return a value as a message shows it, never long."""
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a number of hundreds of digits"
    return cut(utils.shown(value))


def cut(text: str) -> str:
    """Return text that is short enough for a message."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
