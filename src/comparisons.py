"""Comparisons: what a scored log says of two variants, one observation for each key or each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import tables
import utils
from features import as_levels

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a scored log.

    Parameters
    ----------
    request : sequence of str
        Together they name a scored row; both rows of a request in shadow mode have the same.
    key : str
        What sticks to a variant, such as a customer.
    variant, model, label : str
        The variant; the digest of the model that was behind it; what came true, missing until it is known.
    prediction : str
        What is judged: a probability for brier, else the prediction.
    """

    request: Sequence[str]
    key: str
    variant: str
    model: str
    prediction: str
    label: str

    @property
    def all(self) -> list[str]:
        """Every name, each once."""
        names = [*self.request, self.key, self.variant, self.model, self.prediction, self.label]
        return list(dict.fromkeys(names))


def models_of(log: pd.DataFrame, columns: Columns) -> dict[str, str]:
    """Return the digest of the model behind each variant.

    Raises
    ------
    StepError
        When a variant had several: what came of them together says nothing of either.
    """
    found: dict[str, str] = {}
    for name, digests in log.groupby(columns.variant)[columns.model]:
        known = sorted({str(digest)[:12] for digest in digests})
        if len(known) > 1:
            raise utils.StepError(
                f"variant {str(name)!r} was answered by {len(known)} models, {utils.listing(known)}: "
                "give the part of the log in which each variant had one"
            )
        found[str(name)] = str(digests.iloc[0])
    return found


def require_variants(log: pd.DataFrame, column: str, names: Sequence[str]) -> None:
    """Raise a StepError for a variant that is nowhere in the log."""
    known = sorted(log[column].astype(str).unique())
    for name in names:
        if name not in known:
            raise utils.StepError(
                f"the log has no variant {name!r}{utils.nearest(name, known)}; "
                f"its variants: {utils.listing(known)}"
            )


def first_of_each_key(log: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the rows of the first request of each key.

    A key that comes again gets the variant it had, and does as it did: counted once more, it would pass for
    new evidence. A request without a key counts by itself.
    """
    requests = pd.MultiIndex.from_frame(log[[*columns.request]])
    keyed = log[columns.key].notna().to_numpy()
    first = log.loc[keyed].drop_duplicates(columns.key).index
    kept = requests.isin(requests[log.index.isin(first)]) | ~keyed
    return log[kept]


def losses(log: pd.DataFrame, columns: Columns, loss: str, bound: float, positive: str | None) -> Array:
    """Return how wrong each prediction was, from 0 to 1, missing (NaN) where the label is.

    Parameters
    ----------
    log : DataFrame of shape (rows, columns)
        With the columns of prediction and label.
    columns : Columns
        Their names.
    loss : {"brier", "error", "absolute", "squared"}
        (probability - happened) ** 2; whether prediction and label differ; their distance, or its square,
        cut off at and divided by `bound`.
    bound : float
        The largest loss that counts, in the label's unit, or its square.
    positive : str, optional
        brier: the label that the probability is of; None: labels are 0 and 1.

    Raises
    ------
    StepError
        For a probability that is none, labels that are neither 0 nor 1, or a bound of 0 or less.
    """
    made: dict[str, Callable[[], Array]] = {
        "brier": lambda: _brier(log[columns.prediction], log[columns.label], positive),
        "error": lambda: _error(log[columns.prediction], log[columns.label]),
        "absolute": lambda: _distance(log, columns, bound, 1),
        "squared": lambda: _distance(log, columns, bound, 2),
    }
    if not bound > 0:
        raise utils.StepError(f"--loss-bound: {bound:g} is out of range: give a number above 0")
    return np.where(log[columns.label].isna(), np.nan, made[loss]())


def _brier(probability: pd.Series, label: pd.Series, positive: str | None) -> Array:
    chance = _numbers(probability)
    if (chance < 0).any() or (chance > 1).any():
        wrong = probability[(chance < 0) | (chance > 1)].iloc[0]
        raise utils.StepError(
            f"column {probability.name!r} holds {wrong}, no probability: choose another --loss"
        )
    happened = _numbers(label) if positive is None else as_levels(label).eq(positive).to_numpy("float64")
    if positive is None and not label.dropna().isin([0, 1]).all():
        raise utils.StepError(
            f"column {label.name!r} holds other labels than 0 and 1: name the --positive one"
        )
    known = sorted(as_levels(label.dropna()).unique())
    # one label alone may well be the other one: of rare outcomes, the first to be known are
    if positive is not None and positive not in known and len(known) > 1:
        near = utils.nearest(positive, known)
        raise utils.StepError(
            f"--positive: no label is {positive!r}{near}; there are: {utils.listing(known)}"
        )
    return np.asarray((chance - happened) ** 2)


def _error(prediction: pd.Series, label: pd.Series) -> Array:
    return np.asarray(as_levels(prediction).ne(as_levels(label)).to_numpy("float64"))


def _distance(log: pd.DataFrame, columns: Columns, bound: float, power: int) -> Array:
    apart = np.abs(_numbers(log[columns.prediction]) - _numbers(log[columns.label])) ** power
    return np.asarray(np.minimum(apart / bound, 1))


def _numbers(column: pd.Series) -> Array:
    """Return numbers, missing ones as NaN, or say which value is none."""
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    broken = column[numbers.isna() & column.notna()]
    if len(broken):
        shown = utils.shown(broken.iloc[0])
        raise utils.StepError(f"column {column.name!r} holds {shown}, no number: use --loss error")
    return np.asarray(numbers)


def unit(loss: str, bound: float) -> float:
    """Return what a loss of 1 stands for: `bound` where losses are distances."""
    return bound if loss in ("absolute", "squared") else 1.0


def pairs(log: pd.DataFrame, columns: Columns, champion: str, challenger: str) -> tuple[Array, Array]:
    """Return the losses of both variants on each request that both scored and whose label is known.

    `log` has a column "loss"; requests come in the order of the log.
    """
    known = log[log["loss"].notna()].set_index([*columns.request])
    sides = {name: known.loc[known[columns.variant] == name, "loss"] for name in (champion, challenger)}
    both = sides[champion].index[sides[champion].index.isin(sides[challenger].index)]
    if both.empty:
        raise utils.StepError(
            f"no request that has a label was scored by both {champion!r} and {challenger!r}: "
            "use --mode split, or give a shadow log with labels"
        )
    first, second = (sides[name].loc[both].to_numpy("float64") for name in (champion, challenger))
    return first, second


def require_once(log: pd.DataFrame, columns: Columns) -> None:
    """Raise a StepError when a variant scored the same row twice."""
    twice = log[log.duplicated([*columns.request, columns.variant])]
    if len(twice):
        where = ", ".join(f"{name} {twice[name].iloc[0]}" for name in columns.request)
        raise utils.StepError(
            f"variant {str(twice[columns.variant].iloc[0])!r} has {where} twice: "
            "give each scored row once, or name all columns that tell rows apart in --request"
        )


def summary(
    log: pd.DataFrame, columns: Columns, planned: Mapping[str, float], models: Mapping[str, str], scale: float
) -> pd.DataFrame:
    """Return a row for each variant of `planned`.

    Returns
    -------
    DataFrame of shape (variants, 7)
        variant, model, planned and share (of all requests in `log`), requests, labelled, mean_loss (`scale`
        times that of the column "loss", missing where no label is known).
    """
    groups = {name: log[log[columns.variant] == name] for name in planned}
    total = sum(len(group) for group in groups.values())
    rows = [
        {
            "variant": name,
            "model": models.get(name, ""),
            "planned": planned[name],
            "share": len(group) / total,
            "requests": len(group),
            "labelled": int(group["loss"].notna().sum()),
            "mean_loss": scale * group["loss"].mean(),
        }
        for name, group in groups.items()
    ]
    return pd.DataFrame(rows)


def with_labels(log: pd.DataFrame, labels: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the log with the labels that came later, joined by the columns that name a request.

    Raises
    ------
    StepError
        When a column is missing, or two labels claim one row.
    """
    names = [*columns.request]
    tables.require_columns(labels, [*names, columns.label], "--labels")
    twice = labels[labels.duplicated(names)]
    if len(twice):
        where = ", ".join(f"{name} {twice[name].iloc[0]}" for name in names)
        raise utils.StepError(f"--labels: {where} has two labels: leave one of them out")
    return log.drop(columns=columns.label, errors="ignore").merge(
        labels[[*names, columns.label]], on=names, how="left", validate="many_to_one"
    )
