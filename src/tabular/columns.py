"""Columns of tables and requests as arrays: numbers, levels as text, times without a zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from support import step

Array: TypeAlias = np.ndarray[Any, Any]
PARTS: dict[str, Callable[[Array], Any]] = {
    "month": lambda times: _count(times, "M", "Y") + 1,
    "day": lambda times: _count(times, "D", "M") + 1,
    "weekday": lambda times: (times.astype("M8[D]").astype("int64") + 3) % 7,  # 0 is Monday
    "hour": lambda times: _count(times, "h", "D"),
    "minute-of-day": lambda times: _count(times, "m", "D"),
    "day-of-year": lambda times: _count(times, "D", "Y") + 1,
}


def as_times(column: pd.Series, *, allow_missing: bool = False) -> pd.Series:
    """Return `column` as times without a zone (in UTC where they had one).

    Raises
    ------
    StepError
        When the column holds numbers, or a value is no time in ISO's notation, or (unless
        `allow_missing`) is missing.
    """
    if pd.api.types.is_numeric_dtype(column) and column.notna().any():
        raise step.StepError(f"column {column.name!r} holds numbers, not times: name a column of times")
    times = pd.to_datetime(
        column.astype(object) if column.isna().all() else column, errors="coerce", utc=True, format="ISO8601"
    ).dt.tz_localize(None)
    broken = column[times.isna() & (column.notna() | (not allow_missing))]
    if len(broken):
        raise step.StepError(
            f"column {column.name!r}: {len(broken)} of {len(column)} values are not times such as "
            f"2013-01-31T05:00:00: {step.listing(list(broken))}; mend them, or name another column"
        )
    return times


def as_date(value: str, argument: str) -> pd.Timestamp:
    """Return `value` as a time, or raise a StepError that says which `argument` is not one."""
    try:
        date = pd.Timestamp(value)
    except ValueError as error:
        raise step.StepError(f"{argument}: {value!r} is not a date such as 2013-01-31") from error
    return date.tz_convert("UTC").tz_localize(None) if date.tzinfo else date


def as_levels(column: pd.Series) -> pd.Series:
    """Return levels as text: whole numbers without a point, so that 1, 1.0 and "1" are one level."""
    return pd.Series(level_texts(as_array(column)), column.index, dtype=object, name=column.name)


def as_array(column: pd.Series) -> Array:
    """Return a column of a table as an array of numbers, times without a zone, or objects."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    is_plain = isinstance(column.dtype, np.dtype)
    array: Array = column.to_numpy() if is_plain else column.to_numpy(dtype=object, na_value=None)
    return array


def level_texts(values: Array) -> list[str | None]:
    """Return each level as text, None where it is missing."""
    # NumPy's own list of times is one of whole numbers
    levels = list(pd.Series(values)) if values.dtype.kind == "M" else values.tolist()
    return [level if type(level) is str else _text(level) for level in levels]


def _text(level: Any) -> str | None:
    if level is None or level != level:  # noqa: PLR0124 - only NaN and NaT differ from themselves
        return None
    return f"{level:.0f}" if isinstance(level, float) and level.is_integer() else str(level)


def as_numbers(values: Array, name: str) -> Array:
    """Return numbers as float64, or say which value is none."""
    if values.dtype.kind in "fiub":
        return values.astype("float64", copy=False)
    column = pd.Series(values)
    numbers: Array = pd.to_numeric(column, errors="coerce").to_numpy("float64")
    broken = column[np.isnan(numbers) & column.notna()]
    if len(broken):
        raise _no_number(name, broken.iloc[0])
    return numbers


def require_finite(numbers: Array, name: str) -> Array:
    """Return `numbers`, or say that one is infinite."""
    infinite = numbers[np.isinf(numbers)]
    if len(infinite):
        raise _no_number(name, infinite[0])
    return numbers


def _no_number(name: str, value: object) -> step.StepError:
    declared = f"features: column {name!r} is declared numeric but holds {step.shown(value)}"
    return step.StepError(f"{declared}: declare it categorical, or mend the value")


def _count(times: Array, unit: str, since: str) -> Any:
    """Return how many whole units have passed since the latest start of a longer one."""
    passed = times.astype(f"M8[{unit}]") - times.astype(f"M8[{since}]").astype(f"M8[{unit}]")
    return passed.astype("int64")
