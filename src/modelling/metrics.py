"""Metrics: how good predictions are, with a simple baseline beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from modelling.intervals import Z, auc_interval, interval
from tabular.columns import as_categories

Array = np.ndarray[Any, np.dtype[np.float64]]
# of a class that training hardly had; without it, one row would outweigh all others in the log loss
LEAST_PROBABILITY = 1e-6


def binary(actual: Array, probability: Array) -> dict[str, float]:
    """Return the metrics of a two-class model.

    Parameters
    ----------
    actual : array of shape (rows,)
        0 or 1.
    probability : array of shape (rows,)
        Probability of class 1, from 0 to 1.

    Returns
    -------
    dict
        log_loss (in nats; see `LEAST_PROBABILITY`), brier (0 to 1), and where both classes are present
        roc_auc and average_precision (0 to 1).
    """
    found = {
        "log_loss": _log_loss(actual, np.stack([1 - probability, probability], axis=1)),
        "brier": metrics.brier_score_loss(actual, probability, labels=[0, 1]),
    }
    if 0 < np.mean(actual) < 1:
        found["roc_auc"] = metrics.roc_auc_score(actual, probability)
        found["average_precision"] = metrics.average_precision_score(actual, probability)
    return {name: float(value) for name, value in found.items()}


def multiclass(actual: Array, probability: Array) -> dict[str, float]:
    """Return the metrics of a model of three or more classes; `probability` has the shape (rows, classes)."""
    classes = list(range(probability.shape[1]))
    predicted = probability.argmax(axis=1)
    found = {
        "accuracy": metrics.accuracy_score(actual, predicted),
        "f1_macro": metrics.f1_score(actual, predicted, average="macro", labels=classes, zero_division=0),
        "log_loss": _log_loss(actual, probability),
    }
    if len(np.unique(actual)) == len(classes):
        found["roc_auc"] = metrics.roc_auc_score(actual, probability, multi_class="ovr", labels=classes)
    return {name: float(value) for name, value in found.items()}


def regression(actual: Array, predicted: Array) -> dict[str, float]:
    """Return rmse and mae in the target's unit, and r2 (at most 1) of two rows or more."""
    found = {
        "rmse": metrics.root_mean_squared_error(actual, predicted),
        "mae": metrics.mean_absolute_error(actual, predicted),
    }
    if len(actual) > 1:
        found["r2"] = metrics.r2_score(actual, predicted)
    return {name: float(value) for name, value in found.items()}


def measure(classes: Sequence[str], actual: Array, predicted: Array) -> dict[str, float]:
    """Return the metrics that fit the task.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes; empty for regression.
    actual : array of shape (rows,)
        Numbers, or positions of classes.
    predicted : array of shape (rows,) or (rows, classes)
        Numbers, or probabilities of classes.
    """
    if not classes:
        return regression(actual, predicted)
    return binary(actual, predicted[:, 1]) if len(classes) == 2 else multiclass(actual, predicted)


def loss(classes: Sequence[str], actual: Array, predicted: Array) -> float:
    """Return log loss (in nats), or for regression root mean squared error (in the target's unit)."""
    if not classes:
        return float(metrics.root_mean_squared_error(actual, predicted))
    return _log_loss(actual, predicted)


def _log_loss(actual: Array, probability: Array) -> float:
    """Return the log loss in nats; no probability counts as less than `LEAST_PROBABILITY`."""
    of_actual = probability[np.arange(len(actual)), np.asarray(actual, int)]
    return float(np.mean(-np.log(np.maximum(of_actual, LEAST_PROBABILITY))))


def baseline(
    training: pd.DataFrame, rows: pd.DataFrame, target: str, classes: Sequence[str], by: Sequence[str]
) -> Array:
    """Predict the mean, or the share of each class, of training rows with the same categories.

    Parameters
    ----------
    training, rows : DataFrame
        Rows to learn from, and rows to predict.
    target : str
        Column of the target in `training`.
    classes : sequence of str
        Names of the classes; empty for regression.
    by : sequence of str
        Columns of the categories; none: the same prediction everywhere.

    Returns
    -------
    array of shape (rows,) or (rows, classes)
        Groups are shrunk towards the overall mean, as if they had 20 more rows of it.
    """
    outcomes = _outcomes(training[target], classes)
    overall = outcomes.mean()
    if classes and not overall.all():  # a class that no training row has is not impossible
        overall = (outcomes.sum() + 1) / (len(outcomes) + len(classes))
    if not by:
        predicted = pd.DataFrame([overall] * len(rows))
    else:
        groups = outcomes.groupby([training[name].astype(str) for name in by])
        sums, counts = groups.sum(), groups.size()
        rates = (sums + 20 * overall).div(counts + 20, axis=0)
        named = rows[list(by)].astype(str)
        keys = pd.MultiIndex.from_frame(named) if len(by) > 1 else pd.Index(named[by[0]])
        predicted = rates.reindex(keys).fillna(overall)
    values: Array = predicted.to_numpy(dtype="float64")
    return values if classes else values[:, 0]


def best_baseline(
    simple: Array, rows: pd.DataFrame, target: str, columns: Sequence[str]
) -> tuple[str, Array]:
    """Return name and predictions of the baseline with the smallest error, the hardest to beat.

    Parameters
    ----------
    simple : array of shape (rows,)
        What `baseline` predicts.
    rows : DataFrame
        With `target`, numbers, and `columns`, each a prediction, such as an earlier value of a series.
        Where it is missing, `simple` takes its place.
    """
    candidates = {"mean": simple}
    for name in columns:
        values = pd.to_numeric(rows[name], errors="coerce").to_numpy("float64")
        candidates[name] = np.where(np.isfinite(values), values, simple)
    actual = rows[target].to_numpy("float64")
    return min(candidates.items(), key=lambda item: metrics.root_mean_squared_error(actual, item[1]))


def _outcomes(target: pd.Series, classes: Sequence[str]) -> pd.DataFrame:
    """Return one column for each class (0 or 1), or the target itself for regression."""
    if not classes:
        return target.to_frame(name=0)
    return pd.DataFrame({code: (target == code).astype("float64") for code in range(len(classes))})


def auc_bounds(metrics: Mapping[str, float], actual: Array) -> dict[str, float]:
    """Return the ends of `auc_interval` as metrics, where `metrics` has a roc_auc."""
    if "roc_auc" not in metrics:
        return {}
    positives = int(actual.sum())
    low, high = auc_interval(metrics["roc_auc"], positives, len(actual) - positives)
    return {"roc_auc_low": low, "roc_auc_high": high}


def slices(
    predictions: pd.DataFrame, columns: pd.DataFrame, classes: Sequence[str], target: str = ""
) -> pd.DataFrame:
    """Return metrics for each category of each of `columns`, largest category first.

    Parameters
    ----------
    predictions : DataFrame of shape (rows, 2 or more)
        With `actual` and `predicted`: numbers, 0 or 1 and the probability of 1, or positions of classes.
    columns : DataFrame of shape (rows, columns)
        Columns whose categories are the slices, of the same rows; missing values are a category.
    classes : sequence of str
        Names of the classes; empty for regression.
    target : str, optional
        Its name: where there are three or more classes, each of them is a slice of this name.

    Returns
    -------
    DataFrame of shape (categories of all columns, 7 or more)
        column, category, rows, actual, low, high (mean label and its 95 % interval), predicted (mean), and
        the metrics of `binary` or `regression`, missing where undefined. For three or more classes, actual is
        the accuracy of the slice and predicted that of all rows.
    """
    if len(classes) > 2:
        if target:
            names_of = predictions["actual"].astype(int).map(dict(enumerate(classes)))
            columns = pd.concat([names_of.rename(target), columns], axis="columns")
        right = (predictions["actual"] == predictions["predicted"]).astype("float64")
        predictions = pd.DataFrame({"actual": right, "predicted": right.mean()})
    rows_of = [
        _slice(str(name), str(category), predictions.loc[rows.index], classes)
        for name, column in columns.items()
        for category, rows in _parts(column)
    ]
    names = ["column", "category", "rows", "actual", "low", "high", "predicted"]
    return pd.DataFrame(rows_of) if rows_of else pd.DataFrame(columns=names).astype({"rows": "int64"})


def _parts(column: pd.Series) -> list[tuple[str, pd.Series]]:
    """Return category and values of each category of `column`, the largest first."""
    categories = as_categories(column)
    absent = "missing" if "missing" not in set(categories) else "missing (no value)"
    categories = categories.fillna(absent)
    return sorted(column.groupby(categories), key=lambda pair: (-len(pair[1]), pair[0]))


def _slice(column: str, category: str, part: pd.DataFrame, classes: Sequence[str]) -> dict[str, Any]:
    """Return the row of one slice."""
    actual, predicted = part["actual"].to_numpy("float64"), part["predicted"].to_numpy("float64")
    mean, rows = actual.mean(), len(part)
    facts = {
        "column": column,
        "category": category,
        "rows": rows,
        "actual": mean,
        "predicted": predicted.mean(),
    }
    if not classes:
        half = Z * actual.std(ddof=1) / np.sqrt(rows) if rows > 1 else np.nan
        return {**facts, "low": mean - half, "high": mean + half, **regression(actual, predicted)}
    low, high = interval(np.array([mean]), np.array([float(rows)]))
    facts = {**facts, "low": float(low[0]), "high": float(high[0])}
    if len(classes) > 2:
        return facts
    found = binary(actual, predicted)
    return {**facts, **found, **auc_bounds(found, actual)}
