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
    inputs, model = pipeline[:-1].transform(made), pipeline[-1]
    return _outputs(model, _scores(inputs, np.atleast_2d(model.coef_)))


class LinearRow:
    """Predicts one row as a fitted pipeline of `estimators.linear` does.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted on a table, as `train` does.
    """

    def __init__(self, pipeline: Any) -> None:
        place = {name: number for number, name in enumerate(pipeline.feature_names_in_)}
        columns = {name: (part, list(names)) for name, part, names in pipeline[0].transformers_}
        self._model = pipeline[-1]
        self._coefficients = np.atleast_2d(self._model.coef_)
        numbers, names = columns["numbers"]
        self._numbers = [place[name] for name in names]
        if names:
            imputer, scaler = numbers[0], numbers[1]
            self._fill = imputer.statistics_.tolist()
            self._flagged = [] if imputer.indicator_ is None else imputer.indicator_.features_.tolist()
            self._mean, self._scale = scaler.mean_, scaler.scale_
        levels, names = columns["levels"]
        known = levels.categories_ if names else []
        self._levels = [(place[name], _codes(one)) for name, one in zip(names, known, strict=True)]

    def predict(self, features: list[float]) -> np.ndarray[Any, Any]:
        """Return what `predict` gives for a table of one row.

        Parameters
        ----------
        features : list of float
            In the order of the columns that the pipeline was fitted on; NaN for missing.

        Returns
        -------
        ndarray of shape (1,) or (1, classes)
        """
        inputs = self._scaled([features[place] for place in self._numbers]) if self._numbers else []
        for place, codes in self._levels:
            own = [0.0] * len(codes)
            code = codes.get(_same_gap(features[place]))
            if code is not None:
                own[code] = 1.0
            inputs += own
        return _outputs(self._model, _scores(np.array([inputs]), self._coefficients))

    def _scaled(self, numbers: list[float]) -> list[float]:
        gaps = [value != value for value in numbers]  # noqa: PLR0124 - only NaN differs from itself
        filled = [fill if gap else value for value, fill, gap in zip(numbers, self._fill, gaps, strict=True)]
        flags = [float(gaps[place]) for place in self._flagged]
        scaled: list[float] = ((np.array(filled + flags) - self._mean) / self._scale).tolist()
        return scaled


def _codes(known: np.ndarray[Any, Any]) -> dict[float | None, int]:
    return {_same_gap(value): code for code, value in enumerate(known.tolist())}


def _same_gap(value: float) -> float | None:
    """Return None for NaN, which as a key of a dictionary is not found again."""
    return None if value != value else value  # noqa: PLR0124 - only NaN differs from itself


def _outputs(model: Any, sums: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    from sklearn.linear_model import Ridge
    from sklearn.utils.extmath import softmax

    scores: np.ndarray[Any, Any] = sums + model.intercept_
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
