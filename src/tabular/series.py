"""Earlier values of series as features: a lag, or a window of several, in rows or in periods of time."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from support import step

Array: TypeAlias = np.ndarray[Any, Any]
# of the values that are there: a missing period does not count as zero
FUNCTIONS: dict[str, Callable[..., Array]] = {
    "lag": lambda values, **_: values[0],
    "mean": np.nanmean,
    "median": np.nanmedian,
    "min": np.nanmin,
    "max": np.nanmax,
}


@dataclass(frozen=True)
class Window:
    """What a feature is made of: a function of `FUNCTIONS`, and how many periods back its values lie."""

    function: str
    periods: tuple[int, ...]


@dataclass(frozen=True)
class OrderedSeries:
    """Values of one or more series, sorted by series and period.

    Parameters
    ----------
    values : ndarray of shape (rows,)
        float64.
    keys : ndarray of shape (rows,)
        int64, rising: a number for series and period, of which those of two series never meet.
    order : ndarray of shape (rows,)
        Position of each in the table that they come from.
    """

    values: Array
    keys: Array
    order: Array

    def window(self, window: Window) -> Array:
        """Return the window's value for each row of the table; NaN where none of its values is there."""
        earlier = np.stack([self._lag(count) for count in window.periods])
        result = np.empty(len(self.values))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # windows without a value
            result[self.order] = FUNCTIONS[window.function](earlier, axis=0)
        return result

    def _lag(self, periods: int) -> Array:
        positions = np.searchsorted(self.keys, self.keys - periods)
        return np.where(self.keys[positions] == self.keys - periods, self.values[positions], np.nan)


def in_order(
    values: pd.Series,
    times: pd.Series,
    groups: pd.Series | None,
    longest: int,
    frequency: str | None = None,
) -> OrderedSeries:
    """Sort the rows of a table by series and time, and number their periods.

    Parameters
    ----------
    values, times : Series of shape (rows,)
        What is predicted, and when.
    groups : Series of shape (rows,), optional
        Series that are told apart, such as shops.
    longest : int
        Most periods that a window looks back.
    frequency : str, optional
        Length of a period, such as ``D`` or ``15min``: a row that is not there is a missing value. None: a
        period is a row, however long ago the one before it was.

    Raises
    ------
    StepError
        When `frequency` is no fixed length, or two rows of a series lie in one period.
    """
    codes = np.zeros(len(values), "int64")
    if groups is not None:
        codes, _ = pd.factorize(groups, use_na_sentinel=False)
    order = np.lexsort((times.to_numpy(), codes))
    codes, times = codes[order], times.iloc[order]
    if frequency:
        periods = (times.to_numpy("M8[ns]").astype("int64") // nanoseconds(frequency)).astype("int64")
        periods -= periods.min(initial=periods[0])
        _require_one_row(codes, periods, times, groups, frequency)
    else:
        periods = np.arange(len(codes)) - np.searchsorted(codes, codes)
    keys = codes * (int(periods.max()) + longest + 1) + periods
    return OrderedSeries(values.to_numpy("float64")[order], keys, order)


def nanoseconds(frequency: str) -> int:
    """Return the length of a period such as ``D``, ``h`` or ``15min``."""
    try:
        return int(pd.tseries.frequencies.to_offset(frequency).nanos)
    except (ValueError, AttributeError) as error:
        raise step.StepError(
            f"--frequency: {frequency!r} is no fixed length of time such as D, h or 15min"
        ) from error


def _require_one_row(
    codes: Array, periods: Array, times: pd.Series, groups: pd.Series | None, frequency: str
) -> None:
    twice = np.flatnonzero((np.diff(codes) == 0) & (np.diff(periods) == 0))
    if len(twice):
        row = times.index[twice[0]]
        of = "" if groups is None else f" of {groups.loc[row]!r}"
        raise step.StepError(
            f"--frequency: two rows{of} lie in the {frequency} of {times.loc[row]}: aggregate them, name "
            "further columns in --group-column, or give a shorter frequency"
        )


def parse_windows(lags: Sequence[int], windows: Sequence[str], horizon: int) -> Mapping[str, Window]:
    """Return name and window of each lag, and of each ``function:periods:periods``, where 7-34 is a range.

    Raises
    ------
    StepError
        When one cannot be read, or looks at what is not yet known `horizon` periods ahead.
    """
    parsed = {f"lag {count}": Window("lag", (count,)) for count in lags}
    parsed |= {value.replace(":", " "): _parse_window(value) for value in windows}
    for name, window in parsed.items():
        if min(window.periods) < horizon:
            raise step.StepError(
                f"{name}: {min(window.periods)} back is not yet known {horizon} ahead: "
                f"look back {horizon} or more, or lower --horizon"
            )
    return parsed


def _parse_window(value: str) -> Window:
    function, *parts = value.split(":")
    ranges = [re.fullmatch(r"(\d+)(?:-(\d+))?", part) for part in parts]
    if function not in FUNCTIONS or function == "lag" or not ranges or None in ranges:
        known = ", ".join(name for name in FUNCTIONS if name != "lag")
        raise step.StepError(
            f"--windows: {value!r} is not function:periods:periods, e.g. mean:7:14:21:28 or mean:7-34; "
            f"functions are: {known}"
        )
    bounds = [(int(found[1]), int(found[2] or found[1])) for found in ranges if found]
    periods = [count for first, last in bounds for count in range(first, last + 1)]
    if not periods or min(periods) < 1:
        raise step.StepError(f"--windows: {value!r} looks at no earlier value: give 1 or more")
    return Window(function, tuple(periods))
