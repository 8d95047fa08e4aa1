"""Features: declared once, fitted on training rows, the same in training, batch and online scoring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from inspect import signature
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from support import step
from tabular import tables
from tabular.columns import (
    PAIR,
    PARTS,
    Array,
    as_array,
    as_numbers,
    as_times,
    category_texts,
    joined_texts,
    require_finite,
)

DEFAULT_PARTS = ("month", "weekday", "hour")
NAN = float("nan")
Columns: TypeAlias = Mapping[str, Array]
# numbers that are computed from those of the same row, in training as online: an entry here, named by
# --computed as function:column:column
COMPUTED: dict[str, Callable[..., Array]] = {
    "ratio": lambda first, second: first / second,
    "difference": lambda first, second: first - second,
    "product": lambda *numbers: np.prod(numbers, axis=0),
    "sum": lambda *numbers: np.sum(numbers, axis=0),
    "log": lambda number: np.log1p(np.abs(number)) * np.sign(number),
}


@dataclass(frozen=True)
class FeatureSpec:
    """How columns of a table become columns of a model."""

    numeric: tuple[str, ...] = ()  # numeric columns; missing values stay missing (NaN)
    categorical: tuple[str, ...] = ()  # a category that was not in training is missing (NaN)
    # column and its period, above 0, such as 24 for hours; gives sine and cosine
    cyclic: Mapping[str, float] = field(default_factory=dict)
    # column of times and the parts of it that are features (`PARTS`)
    datetime: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # two or more columns whose combinations are categories
    pairs: tuple[tuple[str, ...], ...] = ()
    # a function of `COMPUTED` and the columns that it is given
    computed: tuple[tuple[str, ...], ...] = ()
    max_categories: int = 250  # categories kept of a column, the commonest ones (ties by name), 1 or more
    # fitted: the categories of each categorical feature, sorted
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def columns(self) -> list[str]:
        """Columns of the table that the features are made of, each once, in order of declaration."""
        paired = [name for pair in self.pairs for name in pair]
        computed = [name for _, *names in self.computed for name in names]
        single = [*self.numeric, *self.categorical, *self.cyclic, *self.datetime]
        return list(dict.fromkeys([*single, *paired, *computed]))

    @cached_property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """Name of each feature, in the order of `transform`, and the columns that it is made of.

        Where a column has the name of something made of others, that gets another one.
        """
        sources: dict[str, tuple[str, ...]] = {}
        for kind, name, columns in self._declared():
            free = name
            while free in sources or (free in self.columns and columns != (free,)):
                free = f"{free} ({kind})"
            sources[free] = columns
        return sources

    def _declared(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yield kind, name and columns of each feature, in the order of `transform`."""
        yield from (("number", name, (name,)) for name in self.numeric)
        yield from (("category", name, (name,)) for name in self.categorical)
        yield from (("pair", PAIR.join(pair), pair) for pair in self.pairs)
        cycles, times = sorted(self.cyclic), sorted(self.datetime.items())
        yield from (("cycle", f"{name} {part}", (name,)) for name in cycles for part in ("sin", "cos"))
        yield from (("part", f"{name} {part}", (name,)) for name, parts in times for part in parts)
        for function, *columns in self.computed:
            yield "computed", f"{function} of {', '.join(columns)}", tuple(columns)

    def fit(self, table: pd.DataFrame | Columns) -> FeatureSpec:
        """Return the same features, with the categories of `table` (training rows only).

        Raises
        ------
        StepError
            When a column is missing.
        """
        return self.with_categories(self.category_counts(table))

    def category_counts(self, table: pd.DataFrame | Columns) -> dict[str, Counter[str]]:
        """Return how often each category of each categorical feature is in `table`."""
        texts = self._category_texts(self._arrays(table))
        return {name: Counter(text for text in texts[name] if text is not None) for name in texts}

    def with_categories(self, counts: Mapping[str, Counter[str]]) -> FeatureSpec:
        """Return the same features, with the commonest of the categories that `category_counts` found."""
        categories = {name: _commonest(found, self.max_categories) for name, found in counts.items()}
        return replace(self, categories=categories)

    def without_unused_categories(self, table: pd.DataFrame) -> FeatureSpec:
        """Return the same features without the categories that no row of `table` has."""
        texts = self._category_texts(self._arrays(table))
        categories = {
            name: tuple(sorted({*known}.intersection(texts[name]))) for name, known in self.categories.items()
        }
        return replace(self, categories=categories)

    def transform(self, table: pd.DataFrame | Columns) -> Array:
        """Return the features of each row, whatever the other rows are.

        Parameters
        ----------
        table : DataFrame, or mapping of str to ndarray of shape (rows,)
            With at least `columns`; others are ignored. A request of one row is arrays of length one.

        Returns
        -------
        ndarray of shape (rows, features)
            float64, in the order of `sources`; a categorical feature holds the code of its category, NaN for
            an unknown or missing one.

        Raises
        ------
        StepError
            When a column is missing, or holds values of another kind than declared.
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

    def unknown_categories(self, table: Columns, features: Array) -> list[tuple[int, str, str]]:
        """Return row, feature and category of each category that was not in training, in order of rows.

        Parameters
        ----------
        table : mapping of str to ndarray of shape (rows,)
            The columns.
        features : ndarray of shape (rows, features)
            Their features, from `transform`.
        """
        first = len(self.numeric)
        if not np.isnan(features[:, first : first + len(self._codes)]).any():
            return []
        unknown = [
            (row, name, text)
            for name, texts in self._category_texts(table).items()
            for row, text in enumerate(texts)
            if text is not None and text not in self._codes[name]
        ]
        return sorted(unknown, key=lambda item: item[0])

    @cached_property
    def _codes(self) -> dict[str, dict[str | None, float]]:
        categories = self.categories.items()
        return {name: {text: float(code) for code, text in enumerate(texts)} for name, texts in categories}

    def _arrays(self, table: pd.DataFrame | Columns) -> Columns:
        tables.require_columns(table, self.columns, "features")
        if isinstance(table, pd.DataFrame):
            return {name: as_array(table[name]) for name in self.columns}
        return table

    def _features(self, arrays: Columns) -> Iterator[Any]:
        for name in self.numeric:
            yield as_numbers(arrays[name], name)
        for name, texts in self._category_texts(arrays).items():
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
        for function, *columns in self.computed:
            with np.errstate(all="ignore"):
                values = COMPUTED[function](*(as_numbers(arrays[name], name) for name in columns))
            yield np.where(np.isfinite(values), values, NAN)

    def _category_texts(self, arrays: Columns) -> dict[str, list[str | None]]:
        """Return the text of each category by feature, pairs joined; None for a missing one."""
        of = {name: category_texts(arrays[name]) for name in self.categorical}
        texts = list(of.values())
        for pair in self.pairs:
            texts.append(joined_texts([of.get(name) or category_texts(arrays[name]) for name in pair]))
        return dict(zip(list(self.sources)[len(self.numeric) :], texts, strict=False))

    def to_dict(self) -> dict[str, Any]:
        """Return the features as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> FeatureSpec:
        """Return the features of `to_dict`, read back from JSON."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_python(value)


def parse_cyclic(values: Sequence[str]) -> dict[str, float]:
    """Return column and period of each ``name:period``."""
    periods = {}
    for value in values:
        name, _, period = value.rpartition(":")
        if not name or not _is_positive(period):
            raise step.StepError(f"--cyclic: {value!r} is not name:period, e.g. hour:24")
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
        head, colon, named = value.rpartition(":")  # a name may hold one too
        name = head if colon else value
        parts[name] = tuple(named.split("+")) if colon and named else DEFAULT_PARTS
        for part in parts[name]:
            if part not in PARTS:
                known = ", ".join(PARTS)
                raise step.StepError(
                    f"--datetime: {value!r}: there is no part {part!r}; the parts are: {known}"
                )
    return parts


def parse_pairs(values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return both columns of each ``first:second``."""
    pairs = []
    for value in values:
        first, _, second = value.partition(":")
        if not first or not second or ":" in second:
            raise step.StepError(f"--pairs: {value!r} is not first:second, e.g. carrier:origin")
        pairs.append((first, second))
    return tuple(pairs)


def parse_computed(values: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return function and columns of each ``function:column:column``."""
    computed = []
    for value in values:
        function, *columns = value.split(":")
        if function not in COMPUTED:
            known = ", ".join(COMPUTED)
            raise step.StepError(f"--computed: {value!r}: no function {function!r}; there are: {known}")
        if not all(columns) or not _takes(COMPUTED[function], len(columns)):
            raise step.StepError(
                f"--computed: {value!r} is not function:column:column, e.g. ratio:price:area"
            )
        computed.append((function, *columns))
    return tuple(computed)


def _takes(function: Callable[..., Array], count: int) -> bool:
    try:
        signature(function).bind(*range(count))
    except TypeError:
        return False
    return count > 0


def _commonest(counts: Counter[str], most: int) -> tuple[str, ...]:
    """Return the commonest categories, sorted; of equally common ones the first by name."""
    return tuple(sorted(sorted(counts, key=lambda text: (-counts[text], text))[:most]))
