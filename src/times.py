"""Times: columns and arguments that say when something happened, always without a zone."""

from __future__ import annotations

import pandas as pd

import utils


def as_times(column: pd.Series, *, allow_missing: bool = False) -> pd.Series:
    """Return `column` as times without a zone (in UTC where they had one).

    Raises
    ------
    StepError
        When the column holds numbers, or a value is no time in ISO's notation, or (unless
        `allow_missing`) is missing.
    """
    if pd.api.types.is_numeric_dtype(column) and column.notna().any():
        raise utils.StepError(f"column {column.name!r} holds numbers, not times: name a column of times")
    times = pd.to_datetime(
        column.astype(object) if column.isna().all() else column, errors="coerce", utc=True, format="ISO8601"
    ).dt.tz_localize(None)
    broken = column[times.isna() & (column.notna() | (not allow_missing))]
    if len(broken):
        raise utils.StepError(
            f"column {column.name!r}: {len(broken)} of {len(column)} values are not times such as "
            f"2013-01-31T05:00:00: {utils.listing(list(broken))}; mend them, or name another column"
        )
    return times


def as_date(value: str, argument: str) -> pd.Timestamp:
    """Return `value` as a time, or raise a StepError that says which `argument` is not one."""
    try:
        date = pd.Timestamp(value)
    except ValueError as error:
        raise utils.StepError(f"{argument}: {value!r} is not a date such as 2013-01-31") from error
    return date.tz_convert("UTC").tz_localize(None) if date.tzinfo else date
