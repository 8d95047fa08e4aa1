"""Batched ridge regressions equal those that scikit-learn fits one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelling import batched_ridge, estimators
from modelling.batched_ridge import Layout

Array = np.ndarray[Any, Any]
FEATURES = estimators.Features(["a", "b", "weekday", "c"], {"weekday": 7})
TOLERANCE = 1e-9  # relative to the largest prediction


def drawn(seed: int, groups: int, rows: int, missing: float) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(groups, rows, 4)) * [1, 1000, 1, 1e-3] + [0, 5, 0, 7]
    features[:, :, 2] = random.integers(0, 7, size=(groups, rows))
    target = features[:, :, 0] * 3 + features[:, :, 2] + random.normal(size=(groups, rows))
    features[random.random(features.shape) < missing] = np.nan
    return features, target


def largest_difference(features: Array, target: Array, alpha: float) -> float:
    layout = Layout.of(FEATURES)
    models = batched_ridge.solve(features, target, layout, alpha)
    assert models.shape == (len(features), layout.width)
    worst = 0.0
    for model, rows, actual in zip(models, features, target, strict=True):
        fitted = estimators.make("linear", "regression", FEATURES, {"alpha": alpha}).fit(rows, actual)
        ours = batched_ridge.predict(np.repeat(model[None], len(rows), axis=0), rows, layout)
        expected = fitted.predict(rows)
        worst = max(worst, float(np.abs(ours - expected).max() / max(1.0, np.abs(expected).max())))
    return worst


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 4),
    st.integers(2, 60),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([1e-3, 1.0, 30.0]),
)
def test_predictions_are_those_of_scikit_learn(
    seed: int, groups: int, rows: int, missing: float, alpha: float
) -> None:
    assert largest_difference(*drawn(seed, groups, rows, missing), alpha) < TOLERANCE


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9, np.nan])
def test_a_feature_that_never_changes_or_is_never_there(value: float) -> None:
    features, target = drawn(1, 3, 40, 0.0)
    features[1, :, 1] = value
    assert largest_difference(features, target, 1.0) < TOLERANCE


def test_what_was_never_missing_in_training_is_imputed() -> None:
    features, target = drawn(2, 1, 50, 0.0)
    layout = Layout.of(FEATURES)
    models = batched_ridge.solve(features, target, layout, 1.0)
    fitted = estimators.make("linear", "regression", FEATURES, {"alpha": 1.0}).fit(features[0], target[0])
    later = np.full((1, 4), np.nan)
    assert batched_ridge.predict(models, later, layout) == pytest.approx(fitted.predict(later), rel=1e-9)


def test_a_row_has_the_same_bits_alone_and_among_others() -> None:
    features, target = drawn(3, 2, 30, 0.1)
    layout = Layout.of(FEATURES)
    models = np.repeat(batched_ridge.solve(features, target, layout, 1.0), 30, axis=0)
    together = batched_ridge.predict(models, features.reshape(-1, 4), layout)
    alone = [
        batched_ridge.predict(models[[row]], features.reshape(-1, 4)[[row]], layout)[0] for row in range(60)
    ]
    assert together.tolist() == alone
