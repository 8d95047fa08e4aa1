"""Features: declared once, fitted on training rows, the same for training, batch and online scoring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from support import step
from tabular import tables
from tabular.columns import PARTS, Array, as_array, as_numbers, as_times, level_texts, require_finite

DEFAULT_PARTS = ("month", "weekday", "hour")
PAIR = " & "
NAN = float("nan")
Columns: TypeAlias = Mapping[str, Array]


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
        Column of times and the parts of it that are features (`PARTS`).
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

    @cached_property
    def columns(self) -> list[str]:
        """Columns of the table that the features are made of, each once, in order of declaration."""
        paired = [name for pair in self.pairs for name in pair]
        return list(dict.fromkeys([*self.numeric, *self.categorical, *self.cyclic, *self.datetime, *paired]))

    @cached_property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """Name of each feature, in the order of `transform`, and the columns that it is made of."""
        sources: dict[str, tuple[str, ...]] = {name: (name,) for name in (*self.numeric, *self.categorical)}
        sources |= {PAIR.join(pair): pair for pair in self.pairs}
        sources |= {f"{name} {part}": (name,) for name in sorted(self.cyclic) for part in ("sin", "cos")}
        times = sorted(self.datetime.items())
        return sources | {f"{name} {part}": (name,) for name, parts in times for part in parts}

    def fit(self, table: pd.DataFrame | Columns) -> FeatureSpec:
        """Return the same features, with the levels that `table` (training rows only) has.

        Raises
        ------
        StepError
            When a column is missing.
        """
        texts = self._level_texts(self._arrays(table))
        return replace(self, levels={name: _commonest(texts[name], self.max_levels) for name in texts})

    def without_levels_beside(self, table: pd.DataFrame) -> FeatureSpec:
        """Return the same features without the levels that no row of `table` has."""
        there = self._level_texts(self._arrays(table))
        levels = {
            name: tuple(sorted({*known}.intersection(there[name]))) for name, known in self.levels.items()
        }
        return replace(self, levels=levels)

    def transform(self, table: pd.DataFrame | Columns) -> Array:
        """Return the features of each row, whatever the other rows are.

        Parameters
        ----------
        table : DataFrame, or mapping of str to ndarray of shape (rows,)
            With at least `columns`; others are ignored. A request of one row is arrays of length one.

        Returns
        -------
        ndarray of shape (rows, features)
            float64, in the order of `sources`; a categorical feature holds the code of its level, NaN for
            unknown or missing.

        Raises
        ------
        StepError
            When a column is missing, or holds something else than it was declared to.
        """
        arrays = self._arrays(table)
        rows = len(arrays[self.columns[0]]) if self.columns else 0
        features = np.empty((rows, len(self.sources)))
        for number, values in enumerate(self._features(arrays)):
            features[:, number] = values
        numbers = features[:, : len(self.numeric)]
        if np.isinf(numbers).any():
            for name, column in zip(self.numeric, numbers.T, strict=True):
                require_finite(column, name)
        return features

    def unknown_levels(self, table: Columns, features: Array) -> list[tuple[int, str, str]]:
        """Return row, feature and level of each level that training did not know, in order of rows.

        Parameters
        ----------
        table : mapping of str to ndarray of shape (rows,)
            The columns.
        features : ndarray of shape (rows, features)
            What `transform` made of them.
        """
        first = len(self.numeric)
        if not np.isnan(features[:, first : first + len(self._codes)]).any():
            return []
        unknown = [
            (row, name, text)
            for name, texts in self._level_texts(table).items()
            for row, text in enumerate(texts)
            if text is not None and text not in self._codes[name]
        ]
        return sorted(unknown, key=lambda found: found[0])

    @cached_property
    def _codes(self) -> dict[str, dict[str | None, float]]:
        levels = self.levels.items()
        return {name: {text: float(code) for code, text in enumerate(texts)} for name, texts in levels}

    def _arrays(self, table: pd.DataFrame | Columns) -> Columns:
        tables.require_columns(table, self.columns, "features")
        if isinstance(table, pd.DataFrame):
            return {name: as_array(table[name]) for name in self.columns}
        return table

    def _features(self, arrays: Columns) -> Iterator[Any]:
        for name in self.numeric:
            yield as_numbers(arrays[name], name)
        for name, texts in self._level_texts(arrays).items():
            codes = self._codes[name]
            yield [codes.get(text, NAN) for text in texts]
        for name, period in sorted(self.cyclic.items()):
            angle = require_finite(as_numbers(arrays[name], name), name) * (2 * np.pi / period)
            yield np.sin(angle)
            yield np.cos(angle)
        for name, parts in sorted(self.datetime.items()):
            times = arrays[name]
            if times.dtype.kind != "M":
                times = as_times(pd.Series(times, name=name), allow_missing=True).to_numpy()
            yield from (np.where(np.isnat(times), NAN, PARTS[part](times)) for part in parts)

    def _level_texts(self, arrays: Columns) -> dict[str, list[str | None]]:
        """Return the text of each level by feature, pairs joined; None where it is missing."""
        texts = {name: level_texts(arrays[name]) for name in self.categorical}
        for pair in self.pairs:
            first, second = (texts.get(name) or level_texts(arrays[name]) for name in pair)
            texts[PAIR.join(pair)] = [
                None if one is None or other is None else one + PAIR + other
                for one, other in zip(first, second, strict=True)
            ]
        return texts

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
            raise step.StepError(f"--cyclic: {value!r} is not name:period, such as hour:24")
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
            if part not in PARTS:
                known = ", ".join(PARTS)
                raise step.StepError(f"--datetime: {value!r} has the part {part!r}; the parts are: {known}")
    return parts


def parse_pairs(values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return both columns of each ``first:second``."""
    pairs = []
    for value in values:
        first, _, second = value.partition(":")
        if not first or not second or ":" in second:
            raise step.StepError(f"--pairs: {value!r} is not first:second, such as carrier:origin")
        pairs.append((first, second))
    return tuple(pairs)


def _commonest(texts: list[str | None], most: int) -> tuple[str, ...]:
    """Return the commonest levels, sorted; of equally common ones the first by name."""
    counts = Counter(text for text in texts if text is not None)
    return tuple(sorted(sorted(counts, key=lambda text: (-counts[text], text))[:most]))
