"""Values of a request: what pydantic makes of them by column, and what a message says of those it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from scoring.row_schema import Column
from support import step

LONGEST_SHOWN = 60  # characters of a value in a message
LARGEST = 1.7976931348623157e308
TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1678, 2261  # what 64 bits of nanoseconds hold
EXPECTED = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "text": "text",
    "code": "a number or text",
    "time": "a time such as 2013-01-31T05:00:00",
}


def value_type(column: Column) -> Any:
    """Return what pydantic is to make of one value of a column; null is always a gap."""
    low, high = _limits(column)
    whole = 1 if column.kind == "integer" else None
    number = Field(strict=True, ge=low, le=high, allow_inf_nan=False, multiple_of=whole)
    types: dict[str, Any] = {
        "boolean": bool,
        "text": Annotated[str, AfterValidator(_encodable)],
        "code": Annotated[str, BeforeValidator(_code), AfterValidator(_encodable)],
        "time": Annotated[Any, BeforeValidator(_time)],
    }
    return types.get(column.kind, Annotated[float, number]) | None


def _limits(column: Column) -> tuple[float, float]:
    low, high = column.minimum, column.maximum
    return -LARGEST if low is None else low, LARGEST if high is None else high


def reason(column: Column, detail: Mapping[str, Any], value: Any) -> str:
    """Return what is wrong with a value of a column, as the end of a sentence that begins with its name."""
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if detail["type"] == "multiple_of":
        return f"is {value}, not a whole number"
    if column.kind in ("number", "integer") and type(value) in (int, float):
        low, high = _limits(column)
        return f"is {shown(value)}, not between {low:g} and {high:g}"
    return f"is {kind_of(value)}, not {EXPECTED[column.kind]}"


def _encodable(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("contains an unpaired surrogate (invalid Unicode)") from None
    return text


def _code(value: Any) -> Any:
    if type(value) is float and value.is_integer():
        return f"{value:.0f}"  # the text of a level, as tables have it
    return str(value) if type(value) in (int, float) else value


def _time(value: Any) -> Any:
    """Return the time that a text is, in UTC where it names a zone, without a zone."""
    if value is None:
        return None
    if type(value) is not str:
        raise ValueError(f"is {kind_of(value)}, not {EXPECTED['time']}")
    if TIME.fullmatch(value):
        try:
            time = datetime.fromisoformat(value)
            time = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
        except (ValueError, OverflowError):
            pass
        else:
            if FIRST_YEAR <= time.year <= LAST_YEAR:
                return time
            raise ValueError(f"is {value}, not between the years {FIRST_YEAR} and {LAST_YEAR}")
    raise ValueError(f"is {shown(value)}, not {EXPECTED['time']}")


def kind_of(value: Any) -> str:
    """Return what JSON calls a value."""
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")


def shown(value: object) -> str:
    """Return a value as a message shows it, never long."""
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a number of hundreds of digits"
    return cut(step.shown(value[: 2 * LONGEST_SHOWN] if isinstance(value, str) else value))


def cut(text: str) -> str:
    """Return text that is short enough for a message."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
