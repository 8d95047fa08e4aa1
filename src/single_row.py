"""One row through boosted trees, without a table: the same bits, in microseconds.

scikit-learn predicts tree by tree, each for all rows. Here the trees become one: a first feature-like number
says which tree a row is for, and nodes on top of the roots lead it there. The one row, repeated once a tree,
then goes through all of them in a single call of scikit-learn's own compiled traversal.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from linear_rows import LinearRow, is_linear

try:
    from sklearn.ensemble._hist_gradient_boosting._predictor import _predict_from_raw_data
except ImportError:  # private to scikit-learn: without it rows go through tables
    _predict_from_raw_data = None

NAN = float("nan")


class BoostedRow:
    """Predicts one row as a fitted histogram gradient boosting does.

    Parameters
    ----------
    estimator : HistGradientBoostingClassifier or HistGradientBoostingRegressor
        Fitted on a table, as `train` does.
    """

    def __init__(self, estimator: Any) -> None:
        self._order, self._encodings = _inputs(estimator)
        self._baseline = np.asarray(estimator._baseline_prediction, dtype=float).ravel()
        self._outputs = len(self._baseline)
        self._nodes, self._bitsets = _one_tree(estimator, len(self._order))
        known, places = estimator._bin_mapper.make_known_categories_bitsets()
        self._known, self._places = known, np.append(places, 0).astype(places.dtype)
        self._trees = sum(len(trees) for trees in estimator._predictors)
        self._loss = estimator._loss
        self._is_classifier = isinstance(estimator, HistGradientBoostingClassifier)
        self._own = threading.local()

    def predict(self, features: list[float]) -> np.ndarray[Any, Any]:
        """Return what ``predict`` or ``predict_proba`` gives for one row.

        Parameters
        ----------
        features : list of float
            In the order of the columns that the estimator was fitted on; NaN for missing.

        Returns
        -------
        ndarray of shape (1,) or (1, classes)
        """
        raw = self._raw(features)
        if self._is_classifier:
            return self._loss.predict_proba(raw)  # type: ignore[no-any-return]
        return self._loss.link.inverse(raw.ravel())  # type: ignore[no-any-return]

    def _raw(self, features: list[float]) -> np.ndarray[Any, Any]:
        values = [features[place] for place in self._order]
        for place, codes in self._encodings:
            values[place] = codes.get(values[place], NAN)
        repeated, rows, sums = self._buffers()
        repeated[:] = values
        _predict_from_raw_data(
            self._nodes, rows, self._bitsets, self._known, self._places, 1, sums[self._outputs :]
        )
        # tree after tree, as the estimator adds them: a sum in another order has other bits
        return np.add.accumulate(sums.reshape(-1, self._outputs), axis=0)[-1:]

    def _buffers(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return this thread's own rows and sums: two requests at once must not share them."""
        own = self._own
        if not hasattr(own, "rows"):
            own.rows = np.empty((self._trees, len(self._order) + 1))
            own.rows[:, -1] = np.arange(self._trees)
            own.repeated = own.rows[:, :-1]
            own.sums = np.empty(self._outputs + self._trees)
            own.sums[: self._outputs] = self._baseline
        return own.repeated, own.rows, own.sums


def single_row(estimator: Any) -> BoostedRow | LinearRow | None:
    """Return what predicts one row of `estimator` without a table, or None where only tables do."""
    if is_linear(estimator):
        return LinearRow(estimator)
    boosted = isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor)
    return BoostedRow(estimator) if boosted and _predict_from_raw_data is not None else None


def _inputs(estimator: Any) -> tuple[list[int], list[tuple[int, dict[float, float]]]]:
    """Return how columns become inputs of trees: levels first, each as its place among those of training."""
    flags = estimator.is_categorical_
    if flags is None:
        return list(range(estimator.n_features_in_)), []
    levels, numbers = np.flatnonzero(flags), np.flatnonzero(~flags)
    encoder = estimator._preprocessor.named_transformers_["encoder"]
    encodings = [
        (place, {float(value): float(code) for code, value in enumerate(known) if value == value})  # noqa: PLR0124 - NaN is no level
        for place, known in enumerate(encoder.categories_)
    ]
    return [*levels.tolist(), *numbers.tolist()], encodings


def _one_tree(estimator: Any, selector: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the nodes of all trees behind nodes that send row i to tree i, and their sets of levels."""
    trees = [tree for trees in estimator._predictors for tree in trees]
    starts = np.cumsum([len(trees) - 1, *(len(tree.nodes) for tree in trees)]).tolist()
    sets = np.cumsum([0, *(len(tree.raw_left_cat_bitsets) for tree in trees)]).tolist()
    shifted = [_shifted(tree.nodes, *places) for tree, *places in zip(trees, starts, sets, strict=False)]
    above = np.zeros(len(trees) - 1, dtype=trees[0].nodes.dtype)
    _fork(above, starts, selector, 0, (0, len(trees)))
    bitsets = np.concatenate([tree.raw_left_cat_bitsets for tree in trees])
    return np.concatenate([above, *shifted]), np.ascontiguousarray(bitsets)


def _shifted(nodes: np.ndarray[Any, Any], start: int, sets: int) -> np.ndarray[Any, Any]:
    moved = nodes.copy()
    inner = moved["is_leaf"] == 0
    for side in ("left", "right"):
        moved[side][inner] += np.uint32(start)
    moved["bitset_idx"][moved["is_categorical"] == 1] += np.uint32(sets)
    return moved


def _fork(
    above: np.ndarray[Any, Any], starts: list[int], selector: int, node: int, span: tuple[int, int]
) -> int:
    """Write the nodes that choose among the trees of `span`, from `node` on; return the next free one."""
    low, high = span
    middle = (low + high) // 2
    if high - low < 2:
        return node
    above[node]["feature_idx"], above[node]["num_threshold"] = selector, middle - 0.5
    free = node + 1
    for side, part in (("left", (low, middle)), ("right", (middle, high))):
        above[node][side] = starts[part[0]] if part[1] - part[0] == 1 else free
        free = _fork(above, starts, selector, free, part)
    return free
