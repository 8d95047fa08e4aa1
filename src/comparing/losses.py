"""Losses: how wrong predictions were, from 0 to 1, once their labels are known."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from support import step
from tabular.columns import as_categories

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
    """Return the loss of each prediction, NaN where the label is missing.

    Parameters
    ----------
    prediction, label : Series of shape (rows,)
        The prediction, a probability for the Brier loss; and the label.
    loss : {"brier", "error", "absolute", "squared"}
        (probability - outcome) ** 2 (Brier, 1950); whether prediction and label differ; their distance, or
        its square, clipped at and divided by `bound`.
    bound : float, default 1
        The largest loss, above 0, in the label's unit, or its square.
    positive : str, optional
        Brier loss: the positive label; None: labels are 0 and 1.
    threshold : float, optional
        Brier loss: numeric labels at or above this count as positive.

    Returns
    -------
    array of shape (rows,)
        From 0 to 1.

    Raises
    ------
    StepError
        For a probability outside 0 to 1, labels that are neither 0 nor 1, or a bound of 0 or less.
    """
    functions: dict[str, Callable[[], Array]] = {
        "brier": lambda: (_probabilities(prediction) - _outcomes(label, positive, threshold)) ** 2,
        "error": lambda: as_categories(prediction).ne(as_categories(label)).to_numpy("float64"),
        "absolute": lambda: np.abs(_numbers(prediction) - _numbers(label)),
        "squared": lambda: (_numbers(prediction) - _numbers(label)) ** 2,
    }
    if not bound > 0:
        raise step.out_of_range("loss_bound", f"{bound:g}", "a number above 0")
    return np.where(label.isna(), np.nan, np.minimum(functions[loss]() / unit(loss, bound), 1))


def unit(loss: str, bound: float) -> float:
    """Return the size of a loss of 1: `bound` where losses are distances."""
    return bound if loss in ("absolute", "squared") else 1.0


def _probabilities(column: pd.Series) -> Array:
    probabilities = _numbers(column)
    invalid = column[(probabilities < 0) | (probabilities > 1)]
    if len(invalid):
        raise step.StepError(
            f"column {column.name!r} holds {invalid.iloc[0]}, not a probability: choose another --loss"
        )
    return probabilities


def _outcomes(label: pd.Series, positive: str | None, threshold: float | None) -> Array:
    """Return 1 where the label is the positive one, else 0."""
    if threshold is not None:
        return (_numbers(label) >= threshold).astype("float64")
    if positive is None:
        numbers = _numbers(label)
        if not np.isin(numbers[~np.isnan(numbers)], [0, 1]).all():
            raise step.StepError(
                f"column {label.name!r} holds labels other than 0 and 1: name the --positive one"
            )
        return numbers
    known = sorted(as_categories(label.dropna()).unique())
    # a single known label may be the negative one: rare outcomes arrive late
    if positive not in known and len(known) > 1:
        near = step.nearest(positive, known)
        raise step.StepError(
            f"--positive: no label is {positive!r}{near}; the labels are: {step.listing(known)}"
        )
    return np.asarray(as_categories(label).eq(positive).to_numpy("float64"))


def _numbers(column: pd.Series) -> Array:
    """Return numbers, missing ones as NaN; raise a StepError for a value that is not a number."""
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    broken = column[numbers.isna() & column.notna()]
    if len(broken):
        value = step.show(broken.iloc[0])
        raise step.StepError(f"column {column.name!r} holds {value}, not a number: use --loss error")
    return np.asarray(numbers)


def of_predictions(classes: Sequence[str], actual: Array, predicted: Array, loss: str) -> Array:
    """Return the loss of each prediction of a model, in the unit of its loss.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes; empty for regression.
    actual : ndarray of shape (rows,)
        Numbers, or positions of classes.
    predicted : ndarray of shape (rows,) or (rows, classes)
        Numbers, or probabilities of classes.
    loss : {"brier", "error", "absolute", "squared"}
        Classes: half the squared distance of the probabilities from the outcome (Brier, 1950), from 0 to 1;
        or whether the likeliest class is wrong. Numbers: distance, or its square.

    Raises
    ------
    StepError
        When the loss does not fit the task.
    """
    known = ("brier", "error") if classes else ("absolute", "squared")
    if loss not in known:
        task = "classes" if classes else "numbers"
        raise step.StepError(
            f"--loss: {loss} does not fit a model that predicts {task}: use {' or '.join(known)}"
        )
    if not classes:
        distance: Array = np.abs(predicted - actual)
        return distance if loss == "absolute" else distance**2
    if loss == "error":
        return np.asarray(predicted.argmax(axis=1) != actual, dtype="float64")
    outcomes = actual[:, None] == np.arange(len(classes))
    return np.asarray(((predicted - outcomes) ** 2).sum(axis=1) / 2)
