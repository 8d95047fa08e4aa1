"""The models of groups that were fitted together, and how those of parts of a table are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from modelling.group_fit import GroupFailure
from modelling.grouped_estimator import GroupModels

Array: TypeAlias = np.ndarray[Any, Any]
Failures: TypeAlias = Mapping[int, GroupFailure]


class Fitted(NamedTuple):
    """The models of groups, in their order; those without one; and what each depends on."""

    names: Sequence[str]
    rows: Array  # of each group
    models: GroupModels
    low: Array  # how far below and above its predictions a group's intervals reach
    high: Array
    failures: Failures
    digests: list[str]  # empty texts for ridge regressions, which are solved anew at once


def joined(parts: Sequence[Fitted]) -> Fitted:
    """Return the models of the groups of all `parts`, of which none is in two, sorted by name."""
    names = [name for part in parts for name in part.names]
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = {position: number for number, position in enumerate(order)}
    failures: dict[int, GroupFailure] = {}
    first = 0
    for part in parts:
        failures |= {rank[first + group]: failure for group, failure in part.failures.items()}
        first += len(part.names)
    rows, low, high = (
        np.concatenate(columns)[order]
        for columns in zip(*((p.rows, p.low, p.high) for p in parts), strict=True)
    )
    digests = [digest for part in parts for digest in part.digests]
    return Fitted(
        [names[group] for group in order],
        rows,
        type(parts[0].models).joined([part.models for part in parts], order),
        low,
        high,
        dict(sorted(failures.items())),
        [digests[group] for group in order],
    )
