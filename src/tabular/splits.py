"""Which rows are held out: the latest, whole groups, a share of each class, or any."""

from __future__ import annotations

import numpy as np
import pandas as pd

from support import step

_TRIES = 50  # orders of groups, until every class is on both sides


def drawn(rows: int, share: float, random_state: int) -> pd.Series:
    """Return for each of `rows` rows whether chance puts it into the holdout."""
    order = np.random.default_rng(random_state).permutation(rows)
    return pd.Series(order < round(rows * share))


def late(times: pd.Series, share: float) -> pd.Series:
    """Return for each row whether it is among the latest, as large a `share` of the rows."""
    return times >= times.quantile(1 - share)


def stratified(classes: pd.Series, share: float, random_state: int) -> pd.Series:
    """Return for each row whether chance puts it into the holdout: the same `share` of every class.

    A class of one row stays in training; of two or more, at least one is on either side.
    """
    random = np.random.default_rng(random_state)
    held_out = pd.Series(data=False, index=classes.index)
    for _, rows in classes.groupby(classes, sort=True):
        count = min(max(round(len(rows) * share), 1), len(rows) - 1)
        held_out[random.permutation(rows.index)[:count]] = True
    return held_out


def grouped(groups: pd.Series, classes: pd.Series | None, share: float, random_state: int) -> pd.Series:
    """Return for each row whether its whole group is held out.

    Parameters
    ----------
    groups : Series of shape (rows,)
        A person, a shop; rows without one are each a group of their own.
    classes : Series of shape (rows,), optional
        All of them are on both sides, if a few random orders of the groups show a way.
    share : float
        Of the rows, approximately: groups are not divided.
    random_state : int
        Seed.

    Raises
    ------
    StepError
        When there are fewer than two groups.
    """
    codes, names = pd.factorize(groups)
    codes = np.where(codes < 0, len(names) + np.arange(len(codes)), codes)
    _, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise step.StepError(f"--group-column: {groups.name!r} holds one group only: nothing can be held out")
    random = np.random.default_rng(random_state)
    for _ in range(_TRIES):
        order = random.permutation(len(sizes))
        count = int(np.searchsorted(np.cumsum(sizes[order]), share * len(codes))) + 1
        chosen = order[: min(count, len(sizes) - 1)]
        held_out = pd.Series(np.isin(codes, chosen), index=groups.index)
        if (
            classes is None
            or classes[held_out].nunique() == classes[~held_out].nunique() == classes.nunique()
        ):
            break
    return held_out
