"""Linear models, row by row: what a row gets does not depend on the rows beside it.

BLAS multiplies a matrix in another order than a single row, and a batch may be dense where a row is sparse:
the last bits differ. A sum from left to right has the same ones everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

AT_ONCE = 4_000_000  # numbers


def is_linear(estimator: Any) -> bool:
    """Return whether `estimator` is a pipeline that ends in a linear model."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import Pipeline

    return isinstance(estimator, Pipeline) and isinstance(estimator[-1], LogisticRegression | Ridge)


def predict(pipeline: Any, made: Any) -> np.ndarray[Any, Any]:
    """Return what ``predict`` of Ridge, or ``predict_proba`` of LogisticRegression, means.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted; ends in Ridge or LogisticRegression.
    made : DataFrame of shape (rows, features)
        What it was fitted on.

    Returns
    -------
    ndarray of shape (rows,) or (rows, classes)
    """
    from sklearn.linear_model import Ridge
    from sklearn.utils.extmath import softmax

    inputs, model = pipeline[:-1].transform(made), pipeline[-1]
    scores: np.ndarray[Any, Any] = _scores(inputs, np.atleast_2d(model.coef_)) + model.intercept_
    if isinstance(model, Ridge):
        return scores[:, 0]
    if scores.shape[1] > 1:
        return softmax(scores, copy=False)  # type: ignore[no-any-return]
    with np.errstate(over="ignore"):  # infinity is right: the chance is 0
        positive = 1 / (1 + np.exp(-scores[:, 0]))
    return np.stack([1 - positive, positive], axis=1)


def _scores(inputs: Any, coefficients: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    rows, width = inputs.shape
    scores = np.empty((rows, len(coefficients)))
    step = max(1, AT_ONCE // width)
    for start in range(0, rows, step):
        part = inputs[start : start + step]
        part = part.toarray() if hasattr(part, "toarray") else np.asarray(part)
        for output, weights in enumerate(coefficients):
            scores[start : start + step, output] = np.add.accumulate(part * weights, axis=1)[:, -1]
    return scores
