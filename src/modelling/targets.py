"""Targets: numbers, or positions of classes."""

import pandas as pd

from support import step
from tabular import tables
from tabular.columns import as_categories

TARGET = "target"


def with_target(
    table: pd.DataFrame,
    column: str,
    task: str,
    *,
    threshold: float | None = None,
    positive: str | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows that have a target, with a column `TARGET`, and the classes.

    Parameters
    ----------
    table : DataFrame
        With `column`.
    column : str
        Its name: numbers for regression or with a threshold, else labels.
    task : {"classification", "regression"}
        What is predicted.
    threshold : float, optional
        Values at or above it are the positive class.
    positive : str, optional
        Label of the positive class; all other labels are the negative one.

    Returns
    -------
    table : DataFrame
        `TARGET` holds a float for regression, else the position of the row's class (int64).
    classes : list of str
        Names of the classes, the positive one of two last; empty for regression.

    Raises
    ------
    StepError
        When the column is missing, empty, of the wrong type, or holds a single class.
    """
    tables.require_columns(table, [column], "--target")
    known = table[table[column].notna()]
    if known.empty:
        raise step.StepError(f"column {column!r} has no values: choose another --target")
    values = known[column]
    if task == "regression":
        return known.assign(**{TARGET: _numbers(values)}), []
    if threshold is not None:
        labels, classes = _numbers(values) >= threshold, [f"< {threshold:g}", f">= {threshold:g}"]
    else:
        labels, classes = _labelled(values, positive)
    if labels.nunique() < 2:
        raise step.StepError(
            f"all rows have the same class of {column!r}: there is nothing to learn; "
            "choose another --target or --threshold, or more rows"
        )
    return known.assign(**{TARGET: labels.astype("int64")}), classes


def _numbers(values: pd.Series) -> pd.Series:
    """Return the values as floats; raise a StepError unless they are finite numbers."""
    if not pd.api.types.is_numeric_dtype(values):
        raise step.StepError(
            f"column {values.name!r} holds {step.show(values.iloc[0])}, not numbers: "
            "use --task classification without --threshold, or choose another --target"
        )
    numbers = values.astype("float64")
    if numbers.isin([float("inf"), float("-inf")]).any():
        raise step.StepError(
            f"column {values.name!r} holds infinity, which no model can learn: fix the value"
        )
    return numbers


def _labelled(values: pd.Series, positive: str | None) -> tuple[pd.Series, list[str]]:
    """Return the position of each label's class, and the classes."""
    labels = as_categories(values)
    classes = sorted(labels.unique())
    if positive is None:
        return labels.map({name: code for code, name in enumerate(classes)}), classes
    if positive not in classes:
        raise step.StepError(
            f"--positive: column {values.name!r} has no {positive!r}{step.nearest(positive, classes)}; "
            f"it has: {step.listing(classes)}"
        )
    others = [name for name in classes if name != positive]
    return labels == positive, [others[0] if len(others) == 1 else f"not {positive}", positive]
