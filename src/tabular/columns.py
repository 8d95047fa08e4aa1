"""Columns of tables and requests as arrays: numbers, categories as text, times without a zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from support import step

Array: TypeAlias = np.ndarray[Any, Any]
PAIR = " & "  # between the categories of several columns
ZONE = r"(?:[zZ]|[+-]\d\d:?\d\d)$"  # at the end of a time
PARTS: dict[str, Callable[[Array], Any]] = {
    "month": lambda times: _count(times, "M", "Y") + 1,
    "day": lambda times: _count(times, "D", "M") + 1,
    "weekday": lambda times: (times.astype("M8[D]").astype("int64") + 3) % 7,  # 0 is Monday
    "hour": lambda times: _count(times, "h", "D"),
    "minute-of-day": lambda times: _count(times, "m", "D"),
    "day-of-year": lambda times: _count(times, "D", "Y") + 1,
}


def as_times(column: pd.Series, *, allow_missing: bool = False) -> pd.Series:
    """Return `column` as times without a zone; times with a zone are converted to UTC.

    Raises
    ------
    StepError
        When the column holds numbers, a value is not a time in ISO 8601, or, unless `allow_missing`, a value
        is missing, or some have a zone and others none.
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
            f"2013-01-31T05:00:00: {step.listing(list(broken))}; fix them, or name another column"
        )
    if column.dtype == object:
        _require_one_way(column.dropna())
    return times


def are_zoned(column: pd.Series) -> pd.Series:
    """Tell which texts of times have a time zone."""
    return column.astype(str).str.contains(ZONE)


def _require_one_way(times: pd.Series) -> None:
    """Raise a StepError where some times have a zone and others none: nobody knows which the latter mean."""
    zoned = are_zoned(times)
    if zoned.any() and not zoned.all():
        have, lack = times[zoned].iloc[0], times[~zoned].iloc[0]
        mixed = f"{have} has a time zone and {lack} has none"
        raise step.StepError(f"column {times.name!r} mixes times: {mixed}; write all of them one way")


def is_nested(column: pd.Series) -> bool:
    """Return whether a column holds lists or mappings: nothing that can be counted."""
    return column.dtype == object and any(
        isinstance(value, list | dict | np.ndarray | set) for value in column.dropna()
    )


def as_date(value: str, argument: str) -> pd.Timestamp:
    """Return `value` as a time; raise a StepError that names the `argument` if it is not one."""
    try:
        date = pd.Timestamp(value)
    except ValueError as error:
        raise step.StepError(f"{argument}: {value!r} is not a date such as 2013-01-31") from error
    return date.tz_convert("UTC").tz_localize(None) if date.tzinfo else date


def as_categories(column: pd.Series) -> pd.Series:
    """Return categories as text, whole numbers without a point: 1, 1.0 and "1" are one category."""
    return pd.Series(category_texts(as_array(column)), column.index, dtype=object, name=column.name)


def joined_texts(columns: Sequence[list[str | None]]) -> list[str | None]:
    """Return the categories of several columns as one in each row, None where one of them is missing."""
    if len(columns) == 1:
        return columns[0]
    return [None if None in row else PAIR.join(map(str, row)) for row in zip(*columns, strict=True)]


def group_codes(table: pd.DataFrame) -> tuple[Array, list[str]]:
    """Return the number of each row's group, and the names of the groups, sorted.

    A group are the rows whose categories are the same in all columns of `table`, such as shop and product. A
    row that lacks one of them has the number -1. Only different values become texts: rows may be millions.
    """
    codes, names = np.zeros(len(table), "int64"), [""]
    complete = np.ones(len(table), dtype=bool)
    for number, column in enumerate(table):
        own, categories = _category_codes(as_array(table[column]))
        complete &= own >= 0
        codes, pairs = pd.factorize(codes * len(categories) + np.maximum(own, 0))
        both = [divmod(pair, len(categories)) for pair in pairs.tolist()]
        names = [names[left] + PAIR * (number > 0) + categories[right] for left, right in both]
    used = sorted(set(codes[complete].tolist()), key=names.__getitem__)
    ranks = np.full(len(names) + 1, -1)
    ranks[used] = np.arange(len(used))
    return np.where(complete, ranks[codes], -1), [names[code] for code in used]


def _category_codes(values: Array) -> tuple[Array, list[str]]:
    """Return the number of each category, -1 where it is missing, and the different ones."""
    codes, different = pd.factorize(values)
    again, texts = pd.factorize(np.array(category_texts(as_array(pd.Series(different))), dtype=object))
    return np.append(again, -1)[codes], list(texts) or [""]


def joined_categories(table: pd.DataFrame) -> pd.Series:
    """Return the categories of all columns of `table` as one in each row, None where one is missing."""
    codes, names = group_codes(table)
    return pd.Series(np.array([*names, None], dtype=object)[codes], table.index, name=PAIR.join(table))


def as_array(column: pd.Series) -> Array:
    """Return a column of a table as an array of numbers, times without a zone, or objects."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    is_plain = isinstance(column.dtype, np.dtype)
    array: Array = column.to_numpy() if is_plain else column.to_numpy(dtype=object, na_value=None)
    return array


def category_texts(values: Array) -> list[str | None]:
    """Return each category as text, None where it is missing."""
    # NumPy lists times as whole numbers
    categories = list(pd.Series(values)) if values.dtype.kind == "M" else values.tolist()
    return [category if type(category) is str else _text(category) for category in categories]


def _text(category: Any) -> str | None:
    if category is None or category != category:  # noqa: PLR0124 - only NaN and NaT differ from themselves
        return None
    return f"{category:.0f}" if isinstance(category, float) and category.is_integer() else str(category)


def as_numbers(values: Array, name: str) -> Array:
    """Return numbers as float64; raise a StepError for a value that is not a number."""
    if values.dtype.kind in "fiub":
        return values.astype("float64", copy=False)
    column = pd.Series(values)
    numbers: Array = pd.to_numeric(column, errors="coerce").to_numpy("float64")
    broken = column[np.isnan(numbers) & column.notna()]
    if len(broken):
        raise _not_numeric(name, broken.iloc[0])
    return numbers


def require_finite(numbers: Array, name: str) -> Array:
    """Return `numbers`; raise a StepError if one is infinite."""
    infinite = numbers[np.isinf(numbers)]
    if len(infinite):
        raise _not_numeric(name, infinite[0])
    return numbers


def _not_numeric(name: str, value: object) -> step.StepError:
    problem = f"features: column {name!r} is declared numeric but holds {step.show(value)}"
    return step.StepError(f"{problem}: declare it categorical, or fix the value")


def _count(times: Array, unit: str, since: str) -> Any:
    """Return the number of whole units since the start of the current longer one, e.g. hours of a day."""
    passed = times.astype(f"M8[{unit}]") - times.astype(f"M8[{since}]").astype(f"M8[{unit}]")
    return passed.astype("int64")
