"""A row has the same bits alone and among others, and they mean what scikit-learn means.

``WORKBENCH_HOLDOUT=1`` asks for every row of the holdout of all flights.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from modelling import models, prediction
from scoring import row_schema
from scoring.request_reader import RequestReader
from tabular import tables
from tests.src.requesting import request, rows
from tests.src.running import Trained

ALL = [
    *("flights", "diabetes", "everything", "binary", "regression", "sparse", "logistic", "gaps"),
    *("multiclass", "constant"),
]


@pytest.fixture(params=ALL)
def trained(request: pytest.FixtureRequest) -> Trained:
    found: Trained = request.getfixturevalue(request.param)
    return found


def by_request(model: models.Model, *sent: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Return the features of rows that came as one request."""
    read = RequestReader(row_schema.from_facts(model.facts, "here")).read(request(*sent))
    assert read.problems == []
    return model.features.transform(read.columns)


def by_scikit_learn(model: models.Model, features: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    predict = model.estimator.predict_proba if model.classes else model.estimator.predict
    predicted: np.ndarray[Any, Any] = predict(features)
    return predicted


def test_rows_of_requests_have_the_features_of_tables(trained: Trained) -> None:
    model = models.load(trained.model)
    for folder in (trained.holdout, trained.training):
        table = tables.read_table(folder)
        features = model.features.transform(table)
        sent = rows(trained, table)
        assert by_request(model, *sent).tobytes() == features.tobytes()
        alone = np.concatenate([by_request(model, row) for row in sent[:100]])
        assert alone.tobytes() == features[:100].tobytes()


def test_a_row_has_the_same_bits_alone(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    model, table = models.load(trained.model), tables.read_table(trained.holdout)
    features, together = model.features.transform(table), model.predict(table)
    alone = np.concatenate([model.predict_features(row[np.newaxis]) for row in features])
    assert alone.tobytes() == together.tobytes()
    monkeypatch.setattr(prediction, "MANY_ROWS", 1)  # by threads, or by scikit-learn
    assert model.predict(table).tobytes() == together.tobytes()


def test_it_means_what_scikit_learn_means(trained: Trained) -> None:
    model = models.load(trained.model)
    for folder in (trained.holdout, trained.training):
        features = model.features.transform(tables.read_table(folder))
        expected = by_scikit_learn(model, features)
        assert model.predict_features(features) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", ["flights", "everything", "diabetes", "multiclass", "sparse"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_the_features_are(name: str, seed: int, request_: Any) -> None:
    trained = request_(name)
    model = models.load(trained.model)
    seen = model.features.transform(tables.read_table(trained.training))
    random = np.random.default_rng(seed)
    extremes = [np.nan, 0.0, -0.0, -1.0, 1e30, -1e30, 5e-324]
    features = np.empty((200, seen.shape[1]))
    for place, feature in enumerate(model.features.sources):
        known = seen[:, place]
        if feature in model.features.categories:
            pool = np.append(np.arange(len(model.features.categories[feature])), np.nan)
        else:
            pool = np.concatenate([known, np.nextafter(known, 1e9), extremes])
        features[:, place] = random.choice(pool, size=200)
    together = model.predict_features(features)
    alone = np.concatenate([model.predict_features(row[np.newaxis]) for row in features])
    assert alone.tobytes() == together.tobytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction, "MANY_ROWS", 1)
        assert model.predict_features(features).tobytes() == together.tobytes()
    assert together == pytest.approx(by_scikit_learn(model, features), rel=1e-9, abs=1e-12)


@pytest.fixture(scope="module")
def request_(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue


def test_categories_alone_are_features_enough() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 40, size=(500, 2)).astype(float)
    codes[random.random(codes.shape) < 0.1] = np.nan
    estimator = HistGradientBoostingClassifier(max_iter=5, categorical_features=[0, 1])
    estimator.fit(codes, np.nan_to_num(codes[:, 0]) > 20)
    assert prediction.predictor(estimator)(codes) == pytest.approx(estimator.predict_proba(codes))


def test_threads_do_not_disturb_one_another(flights: Trained) -> None:
    model, table = models.load(flights.model), tables.read_table(flights.holdout).head(200)
    expected = model.predict(table)

    def work(row: int) -> bytes:
        return model.predict(table.iloc[[row]]).tobytes()

    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(work, [*range(200)] * 3))
    assert b"".join(alone[:200]) == b"".join(alone[200:400]) == expected.tobytes()


@pytest.mark.skipif(not os.environ.get("WORKBENCH_HOLDOUT"), reason="WORKBENCH_HOLDOUT=1 asks for all rows")
def test_every_row_of_the_whole_holdout(all_flights: Trained) -> None:
    model, holdout = models.load(all_flights.model), tables.read_table(all_flights.holdout)
    assert len(holdout) > 80_000
    for start in range(0, len(holdout), 10_000):
        table = holdout.iloc[start : start + 10_000]
        features = model.features.transform(table)
        assert by_request(model, *rows(all_flights, table)).tobytes() == features.tobytes()
        alone = np.concatenate([model.predict_features(row[np.newaxis]) for row in features])
        assert alone.tobytes() == model.predict(table).tobytes()
    print(f"{len(holdout)} rows, the same bits")
