"""Features: declared once, fitted on training rows, the same for training, batch and online scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

import tables
import utils
from times import as_times

DATETIME_PARTS = ("month", "day", "weekday", "hour", "minute-of-day", "day-of-year")
DEFAULT_PARTS = ("month", "weekday", "hour")
PAIR = " & "


@dataclass(frozen=True)
class FeatureSpec:
    """How columns of a table become columns of a model.

    Parameters
    ----------
    numeric : tuple of str
        Columns taken as numbers; missing ones stay missing (NaN).
    categorical : tuple of str
        Columns taken as levels. A level that training did not know is missing (NaN).
    cyclic : mapping of str to float
        Column and the period after which it starts again, such as 24 for hours; gives sine and cosine.
    datetime : mapping of str to tuple of str
        Column of times and the parts of it that are features (`DATETIME_PARTS`).
    pairs : tuple of (str, str)
        Two columns whose combinations are levels.
    max_levels : int, default 250
        A column keeps at most so many levels, the commonest ones (ties by name).
    levels : mapping of str to tuple of str
        Fitted: the levels of each categorical feature, sorted.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    cyclic: Mapping[str, float] = field(default_factory=dict)
    datetime: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    max_levels: int = 250
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Columns of the table that the features are made of, each once, in order of declaration."""
        paired = [name for pair in self.pairs for name in pair]
        return list(dict.fromkeys([*self.numeric, *self.categorical, *self.cyclic, *self.datetime, *paired]))

    @property
    def categorical_names(self) -> list[str]:
        """Names of the features that are codes of levels."""
        return [*self.categorical, *(PAIR.join(pair) for pair in self.pairs)]

    def fit(self, table: pd.DataFrame) -> FeatureSpec:
        """Return the same features, with the levels that `table` (training rows only) has.

        Raises
        ------
        StepError
            When a column is missing.
        """
        tables.require_columns(table, self.columns, "features")
        levels = {
            name: _levels(values, self.max_levels) for name, values in self._level_columns(table).items()
        }
        return FeatureSpec(**{**self.__dict__, "levels": levels})

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the features of each row, whatever the other rows are.

        Parameters
        ----------
        table : DataFrame of shape (rows, columns)
            With at least `columns`; others are ignored.

        Returns
        -------
        DataFrame of shape (rows, features)
            All float64; a categorical feature holds the code of its level, NaN for unknown or missing.

        Raises
        ------
        StepError
            When a column is missing, or holds something else than it was declared to.
        """
        tables.require_columns(table, self.columns, "features")
        made: dict[str, Any] = {name: _numbers(table[name]) for name in self.numeric}
        for name, values in self._level_columns(table).items():
            codes = {level: float(code) for code, level in enumerate(self.levels[name])}
            made[name] = values.map(codes).astype("float64")
        for name, period in sorted(self.cyclic.items()):
            angle = _numbers(table[name]) * (2 * np.pi / period)
            made[f"{name} sin"], made[f"{name} cos"] = np.sin(angle), np.cos(angle)
        for name, parts in sorted(self.datetime.items()):
            times = as_times(table[name], allow_missing=True)
            made.update({f"{name} {part}": _part(times, part) for part in parts})
        return pd.DataFrame(made, index=table.index)

    def _level_columns(self, table: pd.DataFrame) -> dict[str, pd.Series]:
        """Return the columns of levels as text, pairs joined; missing stays missing."""
        columns = {name: as_levels(table[name]) for name in self.categorical}
        for first, second in self.pairs:
            columns[PAIR.join((first, second))] = as_levels(table[first]) + PAIR + as_levels(table[second])
        return columns

    def to_dict(self) -> dict[str, Any]:
        """Return the features as JSON knows them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> FeatureSpec:
        """Return the features that `to_dict` gave, read back from JSON."""
        return cls(
            numeric=tuple(value["numeric"]),
            categorical=tuple(value["categorical"]),
            cyclic=dict(value["cyclic"]),
            datetime={name: tuple(parts) for name, parts in value["datetime"].items()},
            pairs=tuple((first, second) for first, second in value["pairs"]),
            max_levels=value["max_levels"],
            levels={name: tuple(levels) for name, levels in value["levels"].items()},
        )


def parse_cyclic(values: Sequence[str]) -> dict[str, float]:
    """Return column and period of each ``name:period``."""
    periods = {}
    for value in values:
        name, _, period = value.rpartition(":")
        if not name or not _is_positive(period):
            raise utils.StepError(f"--cyclic: {value!r} is not name:period, such as hour:24")
        periods[name] = float(period)
    return periods


def _is_positive(value: str) -> bool:
    try:
        return 0 < float(value) < float("inf")
    except ValueError:
        return False


def parse_datetime(values: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return column and parts of each ``name`` (month, weekday, hour) or ``name:part+part``."""
    parts = {}
    for value in values:
        name, _, named = value.partition(":")
        parts[name] = tuple(named.split("+")) if named else DEFAULT_PARTS
        for part in parts[name]:
            if part not in DATETIME_PARTS:
                known = ", ".join(DATETIME_PARTS)
                raise utils.StepError(f"--datetime: {value!r} has the part {part!r}; the parts are: {known}")
    return parts


def parse_pairs(values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return both columns of each ``first:second``."""
    pairs = []
    for value in values:
        first, _, second = value.partition(":")
        if not first or not second or ":" in second:
            raise utils.StepError(f"--pairs: {value!r} is not first:second, such as carrier:origin")
        pairs.append((first, second))
    return tuple(pairs)


def _levels(values: pd.Series, most: int) -> tuple[str, ...]:
    """Return the commonest levels, sorted."""
    counts = values.dropna().value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return tuple(sorted(str(level) for level in counts.index[:most]))


def as_levels(column: pd.Series) -> pd.Series:
    """Return levels as text: whole numbers without a point, so that 1, 1.0 and "1" are one level."""
    if pd.api.types.is_float_dtype(column):
        # a column of whole numbers becomes float where one is missing: it must keep its levels
        return column.map(
            lambda value: f"{value:.0f}" if float(value).is_integer() else str(value), na_action="ignore"
        ).astype(object)
    return column.map(str, na_action="ignore").astype(object)


def _numbers(column: pd.Series) -> pd.Series:
    """Return numbers as float64, or say which value is none."""
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    broken = column[(numbers.isna() & column.notna()) | np.isinf(numbers)]
    if len(broken):
        message = (
            f"features: column {column.name!r} is declared numeric but holds {utils.shown(broken.iloc[0])}: "
        )
        raise utils.StepError(message + "declare it categorical, or mend the value")
    return numbers


def _part(times: pd.Series, part: str) -> pd.Series:
    """Return one part of the times as numbers; weekday 0 is Monday."""
    parts = {
        "month": lambda: times.dt.month,
        "day": lambda: times.dt.day,
        "weekday": lambda: times.dt.weekday,
        "hour": lambda: times.dt.hour,
        "minute-of-day": lambda: times.dt.hour * 60 + times.dt.minute,
        "day-of-year": lambda: times.dt.dayofyear,
    }
    return parts[part]().astype("float64")
