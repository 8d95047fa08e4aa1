"""One estimator for each group and one for all others, as one estimator: it routes each row by its group."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeAlias

import numpy as np

from modelling import batched_ridge
from modelling.batched_ridge import Layout
from modelling.prediction import predictor

Array: TypeAlias = np.ndarray[Any, Any]
OPEN = 256  # models of groups that are kept ready to predict
SOURCES = np.array(["pooled", "group"], dtype=object)


class GroupModels(Protocol):
    """The models of all groups, by the number of the group."""

    @property
    def present(self) -> Array:
        """Whether each group has a model of its own, of shape (groups,)."""

    def predict(self, groups: Array, features: Array) -> Array:
        """Return the prediction of each row by its group's model, which is there."""

    @classmethod
    def joined(cls, parts: Sequence[Any], order: Sequence[int]) -> Self:
        """Return the models of all `parts`, one part behind the other, in this order."""


@dataclass(frozen=True)
class LinearModels:
    """Ridge regressions: numbers alone.

    Parameters
    ----------
    weights : ndarray of shape (groups, layout.width)
        What `batched_ridge.solve` returned; NaN for a group without a model.
    layout : Layout
    """

    weights: Array
    layout: Layout

    @classmethod
    def joined(cls, parts: Sequence[LinearModels], order: Sequence[int]) -> LinearModels:
        """Return the models of all `parts`, one part behind the other, in this order."""
        return cls(np.concatenate([part.weights for part in parts])[order], parts[0].layout)

    @property
    def present(self) -> Array:
        """Whether each group has a model of its own."""
        return ~np.isnan(self.weights[:, -1])

    def predict(self, groups: Array, features: Array) -> Array:
        """Return the prediction of each row by its group's model."""
        return batched_ridge.predict(self.weights[groups], features, self.layout)


@dataclass(frozen=True)
class PickledModels:
    """Any estimators, of which only those that are asked are unpickled.

    Parameters
    ----------
    content : bytes
        Pickled estimators, one after the other.
    bounds : ndarray of shape (groups + 1,)
        Where each begins in `content`; equal to the next for a group without a model.
    """

    content: bytes
    bounds: Array
    _opened: OrderedDict[int, Callable[[Array], Array]] = field(default_factory=OrderedDict, compare=False)

    @classmethod
    def of(cls, contents: Sequence[bytes]) -> PickledModels:
        """Return the models that were pickled; no bytes for a group without one."""
        sizes = np.array([len(content) for content in contents], dtype="int64")
        return cls(b"".join(contents), np.append(0, np.cumsum(sizes)))

    @classmethod
    def joined(cls, parts: Sequence[PickledModels], order: Sequence[int]) -> PickledModels:
        """Return the models of all `parts`, one part behind the other, in this order."""
        contents = [part.content_of(group) for part in parts for group in range(len(part.present))]
        return cls.of([contents[group] for group in order])

    def __getstate__(self) -> dict[str, Any]:
        return {"content": self.content, "bounds": self.bounds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _opened=OrderedDict())

    @property
    def present(self) -> Array:
        """Whether each group has a model of its own."""
        return np.diff(self.bounds) > 0

    def content_of(self, group: int) -> bytes:
        """Return the pickled estimator of one group."""
        return self.content[self.bounds[group] : self.bounds[group + 1]]

    def estimator(self, group: int) -> Any:
        """Return the fitted estimator of one group, whose bytes were verified with the whole model's."""
        return pickle.loads(self.content_of(group))

    def predict(self, groups: Array, features: Array) -> Array:
        """Return the prediction of each row by its group's model."""
        result = np.empty(len(features))
        order = np.argsort(groups, kind="stable")
        first = np.flatnonzero(np.diff(groups[order], prepend=-1))
        for rows in np.split(order, first[1:]):
            if len(rows):
                result[rows] = self._predictor(int(groups[rows[0]]))(features[rows])
        return result

    def _predictor(self, group: int) -> Callable[[Array], Array]:
        predict = self._opened.pop(group, None) or predictor(self.estimator(group))
        self._opened[group] = predict  # the latest is dropped last
        while len(self._opened) > OPEN:
            self._opened.popitem(last=False)
        return predict


@dataclass(frozen=True)
class GroupedEstimator:
    """Predicts each row by the model of its group, or by the pooled one.

    Parameters
    ----------
    position : int
        Feature that holds the number of the group; NaN for an unknown one.
    columns, pooled_columns : list of int
        Features of the groups' models, and of the pooled one.
    models : GroupModels
    pooled : PickledModels
        Of one estimator, fitted on all groups together.
    low, high : ndarray of shape (groups,)
        How far intervals reach below and above a group's prediction; NaN: as `pooled_bounds` say.
    pooled_bounds : tuple of (float, float)
        The same in multiples of the prediction, of at least 1; NaN without intervals.
    minimum : float
        Predictions below are raised to it.
    """

    position: int
    columns: list[int]
    pooled_columns: list[int]
    models: GroupModels
    pooled: PickledModels
    low: Array
    high: Array
    pooled_bounds: tuple[float, float]
    minimum: float

    def predict(self, features: Array) -> Array:
        """Return the prediction of each row of `features` of shape (rows, features)."""
        groups, own = self._routes(features)
        result = np.empty(len(features))
        if own.any():
            result[own] = self.models.predict(groups[own], features[own][:, self.columns])
        if not own.all():
            result[~own] = self.predict_pooled(features[~own])
        return np.maximum(result, self.minimum)

    def predict_pooled(self, features: Array) -> Array:
        """Return the prediction of each row by the model of all groups."""
        nobody = np.zeros(len(features), "int64")
        raw = self.pooled.predict(nobody, features[:, self.pooled_columns])
        return np.maximum(raw, self.minimum)

    def sources(self, features: Array) -> Array:
        """Return which model predicts each row: ``group`` or ``pooled``."""
        return SOURCES[self._routes(features)[1].astype("int64")]  # type: ignore[no-any-return]

    def bounds(self, features: Array, predicted: Array) -> tuple[Array, Array]:
        """Return both ends of the interval of each row, given what `predict` returned."""
        groups, own = self._routes(features)
        scale = np.maximum(predicted, 1.0)
        reach = []
        for of_groups, of_all in zip((self.low, self.high), self.pooled_bounds, strict=True):
            of_rows = np.where(own, of_groups[groups], np.nan)
            reach.append(np.where(np.isnan(of_rows), scale * of_all, of_rows))
        low, high = predicted + reach[0], predicted + reach[1]
        return np.maximum(low, self.minimum), np.maximum(high, self.minimum)

    def details(self, features: Array, predicted: Array) -> dict[str, Array]:
        """Return what is told of each prediction: source, and low and high where there are intervals."""
        low, high = self.bounds(features, predicted)
        has_intervals = not (np.isnan(self.pooled_bounds).all() and np.isnan(self.low).all())
        ends = {"low": low, "high": high} if has_intervals else {}
        return {**ends, "source": self.sources(features)}

    def _routes(self, features: Array) -> tuple[Array, Array]:
        """Return the number of each row's group, 0 for unknown ones, and whether that has a model."""
        numbers = features[:, self.position]
        groups = np.nan_to_num(numbers, nan=0.0).astype("int64")
        return groups, ~np.isnan(numbers) & self.models.present[groups]
