"""How rows go to the holdout: by time where the data have one, otherwise at random."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operation.engine.delivery.scaffolding.columns import is_iso_time
from operation.engine.delivery.scaffolding.target import Target, label
from operation.engine.delivery.scaffolding.time_forms import YEARLY
from operation.engine.foundation.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

HOLDOUT = 0.2
HOLDOUT_ROWS = 20  # of a small table, more than that share is held out: fewer rows tell nothing
LEAST_ROWS = 20
_BIRTH = re.compile(r"birth|born|dob", re.IGNORECASE)  # long before the row happened
_TIME_NAME = re.compile(r"time|date|timestamp|moment|period|created|_at$|_on$", re.IGNORECASE)
_GROUP_NAME = re.compile(
    r"(^|[\W_]|(?<=[a-z]))(customer|client|patient|person|people|user|subject|member|account|player|student|pupil|"
    r"employee|worker|driver|visitor|household|family|group|shop|store|branch|site|school|device|machine|engine|"
    r"animal|plot|session|kund\w+|individual|respondent|participant|donor)([\W_]?(id|ID|Id|no|nr|key|code|number))?s?$"
    r"|[\W_]id$|[a-z]I[Dd]$",
    re.IGNORECASE,
)
ALIKE = 0.5  # correlation of a number with that of the row before, from which on rows look like a series


@dataclass(frozen=True)
class Split:
    """The split and why."""

    split: str  # time, group, stratified or random
    time_column: str | None  # when a row happened
    reason: str  # why
    group_column: str | None = None  # what rows belong together by
    fraction: float = HOLDOUT  # of the rows, held out
    warnings: tuple[str, ...] = ()  # what speaks against a split by chance


def guess_split(
    table: pd.DataFrame,
    target: Target,
    time_column: str | None,
    split: str | None,
    group_column: str | None = None,
) -> Split:
    """Guess time column, group column and split."""
    if time_column is not None and not is_time(table[time_column]):
        raise UsageError(
            f"--time-column: column '{time_column}' does not hold a time in every row. "
            "Expected values such as 2013-01-31 or 2013-01-31T05:00; --time-format names another form."
        )
    column = time_column or _likeliest(table, target.name)
    group = group_column or _likeliest_group(table, {target.name, column})
    fraction = _fraction(int(table[target.name].notna().sum()))
    if split == "time" and column is None:
        raise UsageError("--split time: no column holds a time in every row. Name one with --time-column.")
    if split == "group" and group is None:
        raise UsageError("--split group: no column looks like groups. Name one with --group-column.")
    if split == "stratified" and target.task == "regression":
        raise UsageError("--split stratified: it needs classes, and the target is a number.")
    if split is not None:
        return Split(split, column, "as asked", group if split == "group" else group_column, fraction)
    by_chance = "random" if target.task == "regression" else "stratified"
    why, warnings = "no column holds a time in every row", _doubts(table, target)
    if column is not None and (group_column is None or time_column is not None):
        problem = _problem(table, target, column, fraction)
        if problem is None:
            return Split("time", column, f"'{column}' holds a time in every row", group_column, fraction)
        why = f"by time in '{column}', {problem}"
        warnings = (f"{why}: results may flatter a model of later rows", *warnings)
    if group is not None:
        size = len(table) / table[group].nunique()
        why = f"'{group}' names {table[group].nunique()} groups of {size:.1f} rows; none is on both sides"
        return Split("group", column, why, group, fraction)
    return Split(by_chance, column, why, None, fraction, warnings)


def _fraction(rows: int) -> float:
    """Return the share that is held out; refuse tables of which none can be."""
    if rows < LEAST_ROWS:
        raise UsageError(
            f"--data: {rows} rows have a target: at least {LEAST_ROWS} are needed, to learn from some "
            "and to compare models on the others. Give more rows."
        )
    return max(HOLDOUT, min(0.5, round(HOLDOUT_ROWS / rows + 0.005, 2)))


def looks_like_group(values: pd.Series) -> bool:
    """Tell whether a column's name and values are those of a person, a shop, and the like."""
    from pandas.api import types

    if types.is_float_dtype(values) or types.is_bool_dtype(values):
        return False
    distinct = values.nunique()
    return bool(_GROUP_NAME.search(str(values.name))) and 5 <= distinct <= 0.67 * values.notna().sum()


def _likeliest_group(table: pd.DataFrame, others: set[str | None]) -> str | None:
    names = [name for name in table.columns if name not in others and _is_plain(table[name])]
    groups = [name for name in names if looks_like_group(table[name])]
    return max(groups, key=lambda name: int(table[name].nunique()), default=None)


def _is_plain(values: pd.Series) -> bool:
    """Tell whether a column holds texts or numbers alone."""
    from pandas.api import types

    return types.infer_dtype(values, skipna=True) in {"string", "integer"}


def _doubts(table: pd.DataFrame, target: Target) -> tuple[str, ...]:
    """Return what looks like times or like a series, though no column holds a time in every row."""
    from pandas.api import types

    names = [name for name in table.columns if name != target.name]
    times = [name for name in names if _holds_times(table[name]) and table[name].isna().any()]
    told = [f"'{name}' holds times, but not in every row" for name in times]
    years = [name for name in names if YEARLY.search(name) and types.is_numeric_dtype(table[name])]
    told += [f"'{name}' looks like a time: --time-column {name} --time-format year" for name in years]
    if target.task == "regression":
        values = table[target.name].dropna().astype("float64")
        alike = values.autocorr() if values.nunique() > 2 else 0
        if alike > ALIKE and len(values) > 30:
            told.append(f"neighbouring rows are alike (correlation {alike:.2f}): sorted rows, or a series?")
    return tuple(told)


def _holds_times(values: pd.Series) -> bool:
    from pandas.api import types

    known = values.dropna()
    return len(known) > 0 and (bool(types.is_datetime64_any_dtype(values)) or is_iso_time(known))


def lags_of(table: pd.DataFrame, target: Target, split: Split) -> list[int]:
    """Return how far back earlier values of a series tell most: one row, and one season.

    Times must differ, within each group where there are some.
    """
    import pandas as pd

    if target.task != "regression" or split.split != "time" or split.time_column is None:
        return []
    known = table[table[target.name].notna()]
    times = pd.to_datetime(known[split.time_column], utc=True, format="ISO8601")
    groups = known[split.group_column] if split.group_column else pd.Series(0, known.index)
    if pd.DataFrame({"group": groups, "time": times}).duplicated().any():
        return []
    gaps = times.sort_values().groupby(groups).diff().dropna()
    season = _season(gaps.median()) if len(gaps) else None
    longest = int(groups.value_counts().max())
    return [1, season] if season and season < longest / 4 else [1]


def _season(gap: pd.Timedelta) -> int | None:
    """Return the rows of a day, a week or a year, by the time between two of them."""
    hours = float(gap.total_seconds()) / 3600
    if 0 < hours < 20:
        return round(24 / hours)
    seasons = {7: (20, 30), 52: (150, 190), 12: (600, 760), 4: (2100, 2250)}
    return next((rows for rows, (low, high) in seasons.items() if low <= hours <= high), None)


def is_time(values: pd.Series) -> bool:
    """Tell whether a column holds a time in every row."""
    from pandas.api import types

    if values.isna().any():
        return False
    return bool(types.is_datetime64_any_dtype(values)) or is_iso_time(values)


def _likeliest(table: pd.DataFrame, target: str) -> str | None:
    """Return the column of times that looks most like when a row happened."""
    times = [
        name for name in table.columns if name != target and not _BIRTH.search(name) and is_time(table[name])
    ]
    return min(times, key=lambda name: (not _TIME_NAME.search(name), -table[name].nunique()), default=None)


def _problem(table: pd.DataFrame, target: Target, column: str, fraction: float) -> str | None:
    """Return why a split by `column` would leave nothing to learn or to measure."""
    import pandas as pd

    known = table[table[target.name].notna()]
    times = pd.to_datetime(known[column], utc=True, format="ISO8601")
    late = times >= times.quantile(1 - fraction)
    if late.all() or late.mean() > min(2 * fraction, 0.6):
        return "too many rows would have the last time"
    if target.task == "classification":
        labels = known[target.name].map(label)
        if target.threshold is not None:
            labels = known[target.name] >= target.threshold
        counts = labels.value_counts()
        common = counts.index[counts >= min(5, counts.nlargest(2).min())]
        if not all(set(common) <= set(labels[side]) for side in (late, ~late)):
            return "a class would be on one side only"
    return None
