"""Rows of a table by group, and in each by time, as features: a group that cannot be read stops no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from modelling.features import FeatureSpec
from modelling.group_fit import GroupFailure
from modelling.targets import TARGET
from support import step
from tabular import tables
from tabular.columns import as_array, as_numbers, as_times, group_codes

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class GroupRows:
    """Rows of groups.

    Parameters
    ----------
    names : tuple of str
        The groups, sorted.
    bounds : ndarray of shape (groups + 1,)
        Where the rows of each group begin.
    features : ndarray of shape (rows, features)
        NaN in the rows of groups that could not be read.
    target : ndarray of shape (rows,)
    order : ndarray of shape (rows,)
        Position of each row in the table.
    broken : mapping of int to GroupFailure
        Groups that could not be read.
    """

    names: tuple[str, ...]
    bounds: Array
    features: Array
    target: Array
    order: Array
    broken: Mapping[int, GroupFailure]

    def of(self, group: int) -> tuple[Array, Array]:
        """Return features and target of one group."""
        rows = slice(self.bounds[group], self.bounds[group + 1])
        return self.features[rows], self.target[rows]

    def group_of(self, rows: Array) -> Array:
        """Return the number of the group of each of `rows`, which are positions."""
        return np.searchsorted(self.bounds, rows, side="right") - 1

    def where(self, chosen: Array) -> GroupRows:
        """Return the rows for which `chosen`, of shape (rows,), is True; a group may have none left."""
        counts = np.append(0, np.cumsum(chosen))
        return replace(
            self,
            bounds=counts[self.bounds],
            features=self.features[chosen],
            target=self.target[chosen],
            order=self.order[chosen],
        )


def with_group(spec: FeatureSpec, columns: Sequence[str], names: Sequence[str]) -> FeatureSpec:
    """Return the features with the group as one more category, whose codes are positions in `names`."""
    feature = group_feature(columns)
    if len(columns) == 1:
        given = spec.categorical if feature in spec.categorical else (*spec.categorical, feature)
        spec = replace(spec, categorical=given)
    elif tuple(columns) not in spec.pairs:
        spec = replace(spec, pairs=(*spec.pairs, tuple(columns)))
    return replace(spec, categories={**spec.categories, feature: tuple(names)})


def group_feature(columns: Sequence[str]) -> str:
    """Return the name of the feature that holds the group."""
    return " & ".join(columns)


def read_group_rows(
    table: pd.DataFrame,
    spec: FeatureSpec,
    columns: Sequence[str],
    time_column: str | None,
    known: Sequence[str] | None = None,
) -> tuple[GroupRows, FeatureSpec]:
    """Return the rows of each group, and the features with the group among them.

    Parameters
    ----------
    table : DataFrame
        Rows that prepare wrote.
    spec : FeatureSpec
        Fitted.
    columns : sequence of str
        Whose values together name a group; rows without one belong to none.
    time_column : str, optional
        By which the rows of a group are sorted; None: they stay in their order.
    known : sequence of str, optional
        The groups, sorted, where the table holds the rows of some of them.

    Raises
    ------
    StepError
        When a column is missing, or no row has a group.
    """
    needed = [*columns, *spec.columns, TARGET, *filter(None, [time_column])]
    tables.require_columns(table, needed, "--group-columns and features")
    codes, names = group_codes(table[list(columns)])
    if not names:
        raise step.StepError(f"--group-columns: no row has a value of {step.listing(list(columns))}")
    spec = with_group(spec, columns, known or names)
    times = as_times(table[time_column]).to_numpy() if time_column else np.zeros(len(table))
    order = np.lexsort((times, codes))
    order = order[np.searchsorted(codes[order], 0) :]  # without rows of no group
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    features, target, broken = _read(table.iloc[order], spec, bounds)
    return GroupRows(tuple(names), bounds, features, target, order, broken), spec


def _read(
    table: pd.DataFrame, spec: FeatureSpec, bounds: Array
) -> tuple[Array, Array, dict[int, GroupFailure]]:
    """Read all rows at once, or, where that fails, group by group."""
    try:
        return *_numbers(table, spec), {}
    except step.StepError:
        pass
    features, target = np.full((len(table), len(spec.sources)), np.nan), np.full(len(table), np.nan)
    broken = {}
    for group, (first, last) in enumerate(pairwise(bounds)):
        try:
            features[first:last], target[first:last] = _numbers(table.iloc[first:last], spec)
        except step.StepError as error:
            broken[group] = GroupFailure.of(error)
    return features, target, broken


def _numbers(table: pd.DataFrame, spec: FeatureSpec) -> tuple[Array, Array]:
    return spec.transform(table), as_numbers(as_array(table[TARGET]), TARGET)
