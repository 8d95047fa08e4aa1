"""How rows go to the holdout: by time where the data have one, otherwise at random."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operation.engine.delivery.scaffolding.columns import is_iso_time
from operation.engine.delivery.scaffolding.target import Target, label
from operation.engine.foundation.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

HOLDOUT = 0.2
_BIRTH = re.compile(r"birth|born|dob", re.IGNORECASE)  # long before the row happened
_TIME_NAME = re.compile(r"time|date|timestamp|moment|period|created|_at$|_on$", re.IGNORECASE)


@dataclass(frozen=True)
class Split:
    """The split and why."""

    split: str  # time or random
    time_column: str | None  # when a row happened
    reason: str  # why


def guess_split(table: pd.DataFrame, target: Target, time_column: str | None, split: str | None) -> Split:
    """Guess time column and split."""
    if time_column is not None and not _is_time(table[time_column]):
        raise UsageError(
            f"--time-column: column '{time_column}' does not hold a time in every row. "
            "Expected values such as 2013-01-31 or 2013-01-31T05:00."
        )
    column = time_column or _likeliest(table, target.name)
    if split == "time" and column is None:
        raise UsageError("--split time: no column holds a time in every row. Name one with --time-column.")
    if split is not None:
        return Split(split, column, "as asked")
    if column is None:
        return Split("random", None, "no column holds a time in every row")
    if problem := _problem(table, target, column):
        return Split("random", column, f"by time in '{column}', {problem}")
    return Split("time", column, f"'{column}' holds a time in every row")


def _is_time(values: pd.Series) -> bool:
    from pandas.api import types

    if values.isna().any():
        return False
    return bool(types.is_datetime64_any_dtype(values)) or is_iso_time(values)


def _likeliest(table: pd.DataFrame, target: str) -> str | None:
    """Return the column of times that looks most like when a row happened."""
    times = [
        name for name in table.columns if name != target and not _BIRTH.search(name) and _is_time(table[name])
    ]
    return min(times, key=lambda name: (not _TIME_NAME.search(name), -table[name].nunique()), default=None)


def _problem(table: pd.DataFrame, target: Target, column: str) -> str | None:
    """Return why a split by `column` would leave nothing to learn or to measure."""
    import pandas as pd

    known = table[table[target.name].notna()]
    times = pd.to_datetime(known[column], utc=True, format="ISO8601")
    late = times >= times.quantile(1 - HOLDOUT)
    if late.all() or late.mean() > 2 * HOLDOUT:
        return "too many rows would have the last time"
    if target.task == "classification":
        labels = known[target.name].map(label)
        if target.threshold is not None:
            labels = known[target.name] >= target.threshold
        if labels[~late].nunique() < labels.nunique() or labels[late].nunique() < labels.nunique():
            return "a class would be on one side only"
    return None
