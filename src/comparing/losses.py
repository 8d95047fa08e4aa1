"""Losses: how wrong a prediction was, from 0 to 1, once it is known what came true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from support import step
from tabular.columns import as_levels

Array = np.ndarray[Any, Any]


def losses(
    prediction: pd.Series,
    label: pd.Series,
    loss: str,
    *,
    bound: float = 1.0,
    positive: str | None = None,
    threshold: float | None = None,
) -> Array:
    """Return how wrong each prediction was, missing (NaN) where the label is.

    Parameters
    ----------
    prediction, label : Series of shape (rows,)
        What was said, a probability for brier; and what came true.
    loss : {"brier", "error", "absolute", "squared"}
        (probability - happened) ** 2; whether prediction and label differ; their distance, or its square,
        cut off at and divided by `bound`.
    bound : float, default 1
        The largest loss that counts, in the label's unit, or its square.
    positive : str, optional
        brier: the label that the probability is of; None: labels are 0 and 1.
    threshold : float, optional
        brier: labels are numbers, and it happened where they are this or more.

    Returns
    -------
    array of shape (rows,)
        From 0 to 1.

    Raises
    ------
    StepError
        For a probability that is none, labels that are neither 0 nor 1, or a bound of 0 or less.
    """
    made: dict[str, Callable[[], Array]] = {
        "brier": lambda: (_probabilities(prediction) - _happened(label, positive, threshold)) ** 2,
        "error": lambda: as_levels(prediction).ne(as_levels(label)).to_numpy("float64"),
        "absolute": lambda: np.abs(_numbers(prediction) - _numbers(label)),
        "squared": lambda: (_numbers(prediction) - _numbers(label)) ** 2,
    }
    if not bound > 0:
        raise step.StepError(f"--loss-bound: {bound:g} is out of range: give a number above 0")
    return np.where(label.isna(), np.nan, np.minimum(made[loss]() / unit(loss, bound), 1))


def unit(loss: str, bound: float) -> float:
    """Return what a loss of 1 stands for: `bound` where losses are distances."""
    return bound if loss in ("absolute", "squared") else 1.0


def _probabilities(column: pd.Series) -> Array:
    chances = _numbers(column)
    wrong = column[(chances < 0) | (chances > 1)]
    if len(wrong):
        raise step.StepError(
            f"column {column.name!r} holds {wrong.iloc[0]}, no probability: choose another --loss"
        )
    return chances


def _happened(label: pd.Series, positive: str | None, threshold: float | None) -> Array:
    """Return 1 where it happened, else 0."""
    if threshold is not None:
        return (_numbers(label) >= threshold).astype("float64")
    if positive is None:
        numbers = _numbers(label)
        if not np.isin(numbers[~np.isnan(numbers)], [0, 1]).all():
            raise step.StepError(
                f"column {label.name!r} holds other labels than 0 and 1: name the --positive one"
            )
        return numbers
    known = sorted(as_levels(label.dropna()).unique())
    # one label alone may well be the other one: of rare outcomes, the first to be known are
    if positive not in known and len(known) > 1:
        near = step.nearest(positive, known)
        raise step.StepError(f"--positive: no label is {positive!r}{near}; there are: {step.listing(known)}")
    return np.asarray(as_levels(label).eq(positive).to_numpy("float64"))


def _numbers(column: pd.Series) -> Array:
    """Return numbers, missing ones as NaN, or say which value is none."""
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    broken = column[numbers.isna() & column.notna()]
    if len(broken):
        shown = step.shown(broken.iloc[0])
        raise step.StepError(f"column {column.name!r} holds {shown}, no number: use --loss error")
    return np.asarray(numbers)
