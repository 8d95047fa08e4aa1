"""Fitting an estimator, in a state that is the same for any number of threads."""

from __future__ import annotations

from typing import Any

MIN_ROWS_FOR_THREADS = 50_000


def fit(estimator: Any, features: Any, target: Any, threads: int | None = None) -> Any:
    """Return `estimator`, fitted, in a state that is the same for any number of threads.

    Parameters
    ----------
    estimator : object
        Unfitted, with scikit-learn's interface.
    features : ndarray of shape (rows, features)
    target : ndarray of shape (rows,)
    threads : int, optional
        Most threads; None: as many as there are cores.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # sums in BLAS depend on the number of threads; for few rows, starting threads takes longer than fitting
    limits = {"blas": 1, "openmp": threads if len(features) > MIN_ROWS_FOR_THREADS else 1}
    with threadpool_limits(limits={name: limit for name, limit in limits.items() if limit}):
        estimator.fit(features, target)
    return without_threads(estimator)


def without_threads(estimator: Any) -> Any:
    """Return a fitted estimator without the number of threads, in all its parts."""
    from sklearn.base import BaseEstimator

    for name in ("n_jobs", "n_threads"):
        if name in estimator.get_params(deep=False):
            estimator.set_params(**{name: None})
    for value in vars(estimator).values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, BaseEstimator):
                without_threads(part)
    return estimator
