"""Values of a request: the pydantic type of each column, and messages for the values it rejects."""

import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from scoring.row_schema import Column
from support import step

MAX_SHOWN = 60  # characters of a value in a message
LARGEST = sys.float_info.max
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
    """Return the pydantic type of a column's values; null is always a missing value."""
    low, high = _limits(column)
    whole = 1 if column.kind == "integer" else None
    number = Field(strict=True, ge=low, le=high, allow_inf_nan=False, multiple_of=whole)
    text = [AfterValidator(_encodable), AfterValidator(_fits(column))]
    types: dict[str, Any] = {
        "boolean": bool,
        "text": Annotated[str, *text],
        "code": Annotated[str, BeforeValidator(_code), *text],
        "time": Annotated[Any, BeforeValidator(_time)],
    }
    return types.get(column.kind, Annotated[float, number]) | None


def _limits(column: Column) -> tuple[float, float]:
    low, high = column.minimum, column.maximum
    return -LARGEST if low is None else low, LARGEST if high is None else high


def reason(column: Column, detail: Mapping[str, Any], value: Any) -> str:
    """Return what is wrong with a value, as the end of a sentence that begins with its column."""
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if detail["type"] == "multiple_of":
        return f"is {value}, not a whole number"
    if column.kind in ("number", "integer") and type(value) in (int, float):
        low, high = _limits(column)
        return f"is {show(value)}, not between {low:g} and {high:g}"
    return f"is {kind_of(value)}, not {EXPECTED[column.kind]}"


def _encodable(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("contains an unpaired surrogate (invalid Unicode)") from None
    return text


def _fits(column: Column) -> Callable[[str], str]:
    """Return what refuses a text that the schema does not allow."""
    pattern = re.compile(column.pattern or "")

    def check(text: str) -> str:
        if column.allowed is not None and text not in column.allowed:
            raise ValueError(f"is {show(text)}, not one of {step.listing(column.allowed, 10)}")
        if not pattern.match(text):
            raise ValueError(f"is {show(text)}, which does not match {column.pattern}")
        return text

    return check


def _code(value: Any) -> Any:
    if type(value) is float and value.is_integer():
        return f"{value:.0f}"  # as `as_categories` writes it
    return str(value) if type(value) in (int, float) else value


def _time(value: Any) -> Any:
    """Return the time in a text without its zone; a time with a zone is converted to UTC."""
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
    raise ValueError(f"is {show(value)}, not {EXPECTED['time']}")


def kind_of(value: Any) -> str:
    """Return the kind of a JSON value."""
    numbers = {int: "a number", float: "a number", bool: "true or false"}
    names: dict[type, str] = {**numbers, str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def show(value: object) -> str:
    """Return a value for a message, shortened."""
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a number with hundreds of digits"
    return shorten(step.show(value[: 2 * MAX_SHOWN] if isinstance(value, str) else value))


def shorten(text: str) -> str:
    """Return text that is short enough for a message."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
