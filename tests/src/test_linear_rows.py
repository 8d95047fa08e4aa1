"""Linear models give a row the same bits alone and among others, and mean what scikit-learn means."""

from __future__ import annotations

import numpy as np
import pytest

import linear_rows
import models
import tables
from tests.src.running import Trained


@pytest.fixture(params=["regression", "sparse", "logistic", "gaps"])
def trained(request: pytest.FixtureRequest) -> Trained:
    found: Trained = request.getfixturevalue(request.param)
    return found


def test_it_means_what_scikit_learn_means(trained: Trained) -> None:
    model, table = models.load(trained.model), tables.read_table(trained.holdout)
    assert linear_rows.is_linear(model.estimator)
    made = model.features.transform(table)
    predict = model.estimator.predict_proba if model.classes else model.estimator.predict
    assert model.predict(table) == pytest.approx(predict(made), rel=1e-12)


def test_a_row_has_the_same_bits_alone(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    model, table = models.load(trained.model), tables.read_table(trained.holdout)
    together = model.predict(table)
    alone = np.concatenate([model.predict(table.iloc[[row]]) for row in range(40)])
    assert alone.tobytes() == together[:40].tobytes()
    monkeypatch.setattr(linear_rows, "AT_ONCE", 50)
    assert model.predict(table).tobytes() == together.tobytes()


def test_other_estimators_are_none(binary: Trained, multiclass: Trained) -> None:
    for trained in (binary, multiclass):
        assert not linear_rows.is_linear(models.load(trained.model).estimator)
