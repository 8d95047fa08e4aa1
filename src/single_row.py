"""One row through boosted trees, without a table: the same bits, in microseconds.

scikit-learn predicts tree by tree, each for all rows. Here one row passes all trees at once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from linear_rows import LinearRow, is_linear
from tree_masks import TreeMasks

try:
    from sklearn.ensemble._hist_gradient_boosting._predictor import _predict_from_raw_data
except ImportError:  # private to scikit-learn: without it rows go through tables
    _predict_from_raw_data = None

NAN = float("nan")


class Walk:
    """Leads one row through all trees, in one call of scikit-learn's own compiled traversal.

    The trees become one: a first feature-like number says which tree a row is for, and nodes on top of the
    roots lead it there. The one row, repeated once a tree, goes through all of them.
    """

    def __init__(self, estimator: Any, trees: Sequence[Any], features: int) -> None:
        self._nodes, self._bitsets = _one_tree(trees, features)
        known, places = estimator._bin_mapper.make_known_categories_bitsets()
        self._known, self._places = known, np.append(places, 0).astype(places.dtype)
        self._shape, self._own = (len(trees), features), threading.local()

    def reached(self, values: Sequence[float], into: np.ndarray[Any, Any]) -> None:
        """Write the value of the leaf that a row reaches in each tree; as `TreeMasks.reached`."""
        own = self._own  # of this thread: two requests at once must not share them
        if not hasattr(own, "rows"):
            own.rows = np.empty((self._shape[0], self._shape[1] + 1))
            own.rows[:, -1] = np.arange(self._shape[0])
        own.rows[:, :-1] = values
        _predict_from_raw_data(self._nodes, own.rows, self._bitsets, self._known, self._places, 1, into)


class BoostedRow:
    """Predicts one row as a fitted histogram gradient boosting does.

    Parameters
    ----------
    estimator : HistGradientBoostingClassifier or HistGradientBoostingRegressor
        Fitted on a table, as `train` does.
    walks : bool, default False
        Whether the row walks through the trees even where they are few and small enough for `TreeMasks`.
    """

    def __init__(self, estimator: Any, *, walks: bool = False) -> None:
        self._order, self._encodings = _inputs(estimator)
        self._baseline = np.asarray(estimator._baseline_prediction, dtype=float).ravel()
        trees = [tree for trees in estimator._predictors for tree in trees]
        self._trees, levels = len(trees), [len(codes) for _, codes in self._encodings]
        self._way: Walk | TreeMasks = (
            Walk(estimator, trees, len(self._order))
            if walks or not TreeMasks.fits(trees)
            else TreeMasks(trees, levels, len(self._order))
        )
        self._loss = estimator._loss
        self._is_classifier = isinstance(estimator, HistGradientBoostingClassifier)

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
        outputs = len(self._baseline)
        sums = np.empty(outputs + self._trees)
        sums[:outputs] = self._baseline
        self._way.reached(values, sums[outputs:])
        # tree after tree, as the estimator adds them: a sum in another order has other bits
        return np.add.accumulate(sums.reshape(-1, outputs), axis=0)[-1:]


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


def _one_tree(trees: Sequence[Any], selector: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the nodes of all trees behind nodes that send row i to tree i, and their sets of levels."""
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
