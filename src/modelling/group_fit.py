"""The model of one group: what it takes, how it is fitted, how wide its intervals are, why there is none."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from modelling import estimators
from modelling.fitting import fit
from modelling.prediction import predictor

Array: TypeAlias = np.ndarray[Any, Any]


class TooFewRows(ValueError):
    """A group has too few rows for a model of its own."""


class ConstantTarget(ValueError):
    """A group's target never changes: there is nothing to learn."""


class MissingTarget(ValueError):
    """A group has rows without a target."""


class NotFinite(ValueError):
    """A group has infinite numbers."""


class NoFeatures(ValueError):
    """A group has no value of any feature."""


class GroupFailure(NamedTuple):
    """Why a group has no model of its own."""

    type: str  # of the exception
    message: str
    line: str  # file:line of what raised it; empty where nobody saw

    @classmethod
    def of(cls, error: BaseException) -> GroupFailure:
        """Return what is recorded of an exception."""
        frames = traceback.extract_tb(error.__traceback__)
        line = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return cls(type(error).__name__, " ".join(str(error).split()), line)


DIED = GroupFailure("ProcessDied", "the process was killed without output, twice (out of memory?)", "")


@dataclass(frozen=True)
class GroupTask:
    """How the model of each group is fitted.

    Parameters
    ----------
    estimator : str
        A key of `estimators.ESTIMATORS`.
    hyperparameters : mapping of str to value
        Those that it uses.
    features : estimators.Features
        The features of a group's model.
    min_rows : int
        Fewest rows that a model is fitted on, 2 or more.
    calibration : int
        Latest rows of a group by whose errors the width of its intervals is found; 0: no intervals.
    coverage : float
        Share of later rows that intervals are to cover, above 0 and below 1.
    minimum : float
        Predictions below are raised to it; -inf: none are.
    """

    estimator: str
    hyperparameters: Mapping[str, Any]
    features: estimators.Features
    min_rows: int
    calibration: int
    coverage: float
    minimum: float = -np.inf

    def make(self) -> Any:
        """Return an unfitted estimator."""
        return estimators.make(self.estimator, "regression", self.features, self.hyperparameters)

    def is_calibrated(self, rows: int) -> bool:
        """Return whether a group of so many rows has intervals of its own."""
        return self.calibration > 0 and rows - self.calibration >= self.min_rows


class FittedGroup(NamedTuple):
    """The model of a group, and how far below and above its predictions intervals reach; NaN: not known."""

    estimator: Any
    low: float
    high: float


def check(features: Array, target: Array, min_rows: int) -> None:
    """Raise what speaks against a model of a group with these rows."""
    if len(target) < min_rows:
        raise TooFewRows(f"{len(target)} rows; a model of its own needs {min_rows} (--min-rows)")
    if missing := int(np.isnan(target).sum()):
        raise MissingTarget(f"the target is missing in {missing} of {len(target)} rows")
    if np.isinf(target).any() or np.isinf(features).any():
        raise NotFinite("the target or a feature is infinite")
    if np.isnan(features).all():
        raise NoFeatures("no feature has a value in any row")
    if (target == target[0]).all():
        raise ConstantTarget(f"the target is {target[0]:g} in all {len(target)} rows")


def residual_bounds(residuals: Array, coverage: float) -> tuple[Array, Array]:
    """Return how far intervals reach, by the order statistics of split conformal prediction, on either side.

    Parameters
    ----------
    residuals : ndarray of shape (..., rows)
        Actual values minus predictions, of rows that the model was not fitted on.
    coverage : float
        Above 0 and below 1; half of the rest lies on either side (Lei et al., 2018, section 2).

    Returns
    -------
    ndarray of shape (...), twice
        To be added to predictions.
    """
    rows = residuals.shape[-1]
    outside = max(1, int(round((rows + 1) * (1 - coverage) / 2, 6)))
    ordered = np.sort(residuals, axis=-1)
    return ordered[..., outside - 1], ordered[..., rows - outside]


def fit_group(task: GroupTask, features: Array, target: Array) -> FittedGroup:
    """Fit the model of one group.

    Parameters
    ----------
    task : GroupTask
    features : ndarray of shape (rows, features)
        In order of time where there are times.
    target : ndarray of shape (rows,)

    Raises
    ------
    Exception
        Whatever speaks against these rows.
    """
    check(features, target, task.min_rows)
    low = high = float("nan")
    if task.is_calibrated(len(target)):
        cut = len(target) - task.calibration
        earlier = fit(task.make(), features[:cut], target[:cut], threads=1)
        residuals = target[cut:] - predicted(earlier, features[cut:], task.minimum)
        low, high = map(float, residual_bounds(residuals, task.coverage))
    return FittedGroup(fit(task.make(), features, target, threads=1), low, high)


def predicted(estimator: Any, features: Array, minimum: float) -> Array:
    """Return the predictions of one estimator for many rows."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    predict = predictor(estimator, in_bulk=True)
    # threads that a process had before it was forked are not there after it: OpenMP would wait for them
    with threadpool_limits(limits={"openmp": 1}):
        result: Array = np.maximum(predict(features), minimum)
    return result
