"""Predictions of a fitted estimator: a row gets the same bits alone and among others."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from modelling.fitting import MIN_ROWS_FOR_THREADS

Array: TypeAlias = np.ndarray[Any, Any]
MANY_ROWS = 1_000


def predictor(estimator: Any, *, in_bulk: bool = False) -> Callable[[Array], Array]:
    """Return the function that predicts with a fitted estimator of scikit-learn.

    Parameters
    ----------
    estimator : object
        Fitted on an array of shape (rows, features). Histogram gradient boosting and random forests are
        executed by treelite, pipelines of `estimators.linear` here, others by their own methods.
    in_bulk : bool, default=False
        No single rows will come: what makes them quick is not worth its preparation. The bits are the same.

    Returns
    -------
    callable
        Array of shape (rows, features) -> numbers of shape (rows,), or probabilities of shape (rows, classes)
        in the order of the estimator's `classes_`.
    """
    from sklearn import ensemble, linear_model
    from sklearn.pipeline import Pipeline

    boosted = ensemble.HistGradientBoostingClassifier | ensemble.HistGradientBoostingRegressor
    forests = ensemble.RandomForestClassifier | ensemble.RandomForestRegressor
    if isinstance(estimator, boosted | forests):
        return _trees(estimator, is_boosted=isinstance(estimator, boosted), in_bulk=in_bulk)
    if isinstance(estimator, Pipeline) and isinstance(
        estimator[-1], linear_model.LogisticRegression | linear_model.Ridge
    ):
        return _linear(estimator)
    return getattr(estimator, "predict_proba", estimator.predict)  # type: ignore[no-any-return]


def _trees(estimator: Any, *, is_boosted: bool, in_bulk: bool) -> Callable[[Array], Array]:
    """Return the function that evaluates trees.

    treelite is many times faster for a single row, scikit-learn for many where trees are boosted: both add
    the same numbers in the same order.
    """
    from treelite import gtil, sklearn

    @cache
    def trees() -> Any:
        with np.errstate(invalid="ignore"):  # treelite casts NaN, the code of a missing category
            imported = sklearn.import_model(estimator)
        if is_boosted:
            _begin_with_base(imported)
        return imported

    is_classifier = hasattr(estimator, "classes_")

    def predict(features: Array) -> Array:
        if is_boosted and (in_bulk or len(features) >= MANY_ROWS):
            sums = _boosted_sums(estimator, features)
        else:
            if not is_boosted:
                features = features.astype("float32").astype("float64")  # as random forests do in training
            threads = 1 if len(features) < MANY_ROWS else -1
            # treelite's own softmax has single precision
            sums = gtil.predict(trees(), features, nthread=threads, pred_margin=is_boosted)[:, 0, :]
        if not is_classifier:
            return sums[:, 0]
        return _probabilities(sums) if is_boosted else sums

    return predict


def _begin_with_base(trees: Any) -> None:
    """Have treelite begin each sum with the base score, as scikit-learn does; it would add it at the end."""
    header = trees.get_header_accessor()
    base = header.get_field("base_scores")
    for output, score in enumerate(base):  # the first trees are those of each output
        tree = trees.get_tree_accessor(output)
        tree.set_field("leaf_value", tree.get_field("leaf_value") + score)
    header.set_field("base_scores", np.zeros_like(base))


def _boosted_sums(estimator: Any, features: Array) -> Array:
    """Return the sums of boosted trees, of shape (rows, outputs), as scikit-learn makes them."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # threads meet after each tree, which takes them longer than the tree where others need the cores too
    with threadpool_limits(limits={"openmp": 1 if len(features) <= MIN_ROWS_FOR_THREADS else None}):
        sums: Array = getattr(estimator, "decision_function", estimator.predict)(features)
    return sums.reshape(len(features), -1)


def _linear(pipeline: Any) -> Callable[[Array], Array]:
    """Return the function that evaluates a pipeline of `estimators.linear`, adding from left to right.

    BLAS adds many rows in another order than one, so that the last bits differ.
    """
    columns, model = pipeline[0], pipeline[-1]
    positions = {name: indices for name, _, indices in columns.transformers_}
    fitted, coefficients = columns.named_transformers_, np.atleast_2d(model.coef_)

    def predict(features: Array) -> Array:
        sums, first = np.zeros((len(features), len(coefficients))), 0
        if positions["numbers"]:
            inputs = _standardised(features[:, positions["numbers"]], *fitted["numbers"])
            first = inputs.shape[1]
            for output, weights in enumerate(coefficients[:, :first]):
                sums[:, output] = np.add.accumulate(inputs * weights, axis=1)[:, -1]
        known_codes = getattr(fitted["categories"], "categories_", ())
        for position, known in zip(positions["categories"], known_codes, strict=True):
            weights = np.vstack([coefficients[:, first : first + len(known)].T, np.zeros(len(coefficients))])
            sums += weights[_category_positions(features[:, position], known)]
            first += len(known)
        sums += model.intercept_
        return _probabilities(sums) if hasattr(model, "classes_") else sums[:, 0]

    return predict


def _standardised(numbers: Array, imputer: Any, scaler: Any) -> Array:
    """Return imputed numbers and flags of missing values, scaled: the result of both scikit-learn steps."""
    missing = np.isnan(numbers)
    filled = np.where(missing, imputer.statistics_, numbers)
    flags = missing[:, imputer.indicator_.features_]
    inputs: Array = (np.hstack([filled, flags]) - scaler.mean_) / scaler.scale_
    return inputs


def _category_positions(codes: Array, known: Array) -> Array:
    """Return the position of each code among the known ones, which may end in NaN; len(known) for others."""
    positions = np.searchsorted(known, codes)
    nearest = np.append(known, -1.0)[positions]
    return np.where((nearest == codes) | (np.isnan(nearest) & np.isnan(codes)), positions, len(known))


def _probabilities(sums: Array) -> Array:
    """Return probabilities of classes: logistic function of one sum, or softmax of one sum a class."""
    if sums.shape[1] == 1:
        with np.errstate(over="ignore"):  # infinity gives the right probability, 0
            positive = 1 / (1 + np.exp(-sums[:, 0]))
        return np.stack([1 - positive, positive], axis=1)
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    return powers / np.add.accumulate(powers, axis=1)[:, -1:]  # type: ignore[no-any-return]
