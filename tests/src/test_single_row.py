"""One row without a table gives what the table gives: the same features, the same bits.

``WORKBENCH_HOLDOUT=1`` asks for every row of the holdout of all flights.
"""

from __future__ import annotations

import os
import statistics
import threading
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models
import row_schema
import tables
from features import as_levels
from row_features import RowFeatures
from row_reading import RowReader
from row_values import level
from single_row import BoostedRow, single_row
from tests.src.requesting import request, rows
from tests.src.running import Trained

QUICK = ["flights", "diabetes", "everything", "binary", "regression", "sparse", "logistic", "gaps"]


@pytest.fixture(params=[*QUICK, "multiclass"])
def any_model(request: pytest.FixtureRequest) -> Trained:
    trained: Trained = request.getfixturevalue(request.param)
    return trained


@pytest.fixture(params=QUICK)
def quick(request: pytest.FixtureRequest) -> Trained:
    trained: Trained = request.getfixturevalue(request.param)
    return trained


def parts(trained: Trained) -> tuple[models.Model, RowReader, RowFeatures]:
    model = models.load(trained.model)
    schema = row_schema.from_facts(model.facts, "here")
    return model, RowReader(schema), RowFeatures(model.features, schema)


def test_every_row_has_the_features_that_training_and_batch_give_it(any_model: Trained) -> None:
    model, reader, features = parts(any_model)
    for folder in (any_model.holdout, any_model.training):
        table = tables.read_table(folder)
        read = reader.read(request(*rows(any_model, table)))
        assert read.problems == []
        made = np.array([features.vector(row)[0] for row in read.rows])
        assert made.tobytes() == model.features.transform(table).to_numpy().tobytes()


@pytest.mark.skipif(not os.environ.get("WORKBENCH_HOLDOUT"), reason="WORKBENCH_HOLDOUT=1 asks for all rows")
def test_every_row_of_the_whole_holdout(all_flights: Trained) -> None:
    model, reader, features = parts(all_flights)
    single, holdout = single_row(model.estimator), tables.read_table(all_flights.holdout)
    assert single is not None
    assert len(holdout) > 80_000
    for start in range(0, len(holdout), 10_000):
        table = holdout.iloc[start : start + 10_000]
        read = reader.read(request(*rows(all_flights, table)))
        assert read.problems == []
        vectors = [features.vector(row)[0] for row in read.rows]
        assert np.array(vectors).tobytes() == model.features.transform(table).to_numpy().tobytes()
        alone = model.with_all_classes(np.concatenate([single.predict(vector) for vector in vectors]))
        assert alone.tobytes() == np.ascontiguousarray(model.predict(table)).tobytes()
    print(f"{len(holdout)} rows, the same bits")


def test_a_table_made_of_rows_has_the_same_features(any_model: Trained) -> None:
    model, reader, features = parts(any_model)
    table = tables.read_table(any_model.holdout)
    read = reader.read(request(*rows(any_model)))
    made = model.features.transform(features.frame(read.rows)).to_numpy()
    assert made.tobytes() == model.features.transform(table).to_numpy().tobytes()


def test_every_row_has_the_same_bits_alone(quick: Trained) -> None:
    model, reader, features = parts(quick)
    single = single_row(model.estimator)
    assert single is not None
    for folder in (quick.holdout, quick.training):
        table = tables.read_table(folder)
        vectors = [features.vector(row)[0] for row in reader.read(request(*rows(quick, table))).rows]
        alone = model.with_all_classes(np.concatenate([single.predict(vector) for vector in vectors]))
        assert alone.tobytes() == np.ascontiguousarray(model.predict(table)).tobytes()


@pytest.mark.parametrize("walks", [False, True])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_the_features_are_the_bits_are_the_same(walks: bool, seed: int, everything: Trained) -> None:
    estimator = models.load(everything.model).estimator
    nodes = [tree.nodes for trees in estimator._predictors for tree in trees]
    thresholds = np.concatenate([one["num_threshold"] for one in nodes])
    extremes = [np.nan, 0.0, -0.0, -1.0, 1e300, -1e300, 5e-324, *range(30)]
    pool = np.concatenate([thresholds, np.nextafter(thresholds, 1e9), extremes])
    names = list(estimator.feature_names_in_)
    vectors = np.random.default_rng(seed).choice(pool, size=(100, len(names)))
    single = BoostedRow(estimator, walks=walks)
    alone = np.concatenate([single.predict(vector) for vector in vectors.tolist()])
    assert alone.tobytes() == estimator.predict_proba(pd.DataFrame(vectors, columns=names)).tobytes()


def test_other_estimators_are_left_to_tables(multiclass: Trained) -> None:
    assert single_row(models.load(multiclass.model).estimator) is None


def test_threads_do_not_disturb_one_another(flights: Trained) -> None:
    model, reader, features = parts(flights)
    single = BoostedRow(model.estimator)
    vectors = [features.vector(row)[0] for row in reader.read(request(*rows(flights)[:200])).rows]
    expected = [single.predict(vector).tobytes() for vector in vectors]
    wrong: list[int] = []

    def work() -> None:
        for _ in range(5):
            wrong.extend(
                number
                for number, vector in enumerate(vectors)
                if single.predict(vector).tobytes() != expected[number]
            )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_row_alone_is_many_times_faster_than_a_table(flights: Trained) -> None:
    model, reader, features = parts(flights)
    single, row = BoostedRow(model.estimator), reader.read(request(rows(flights)[0])).rows[0]
    quick, slow = [], []
    for _ in range(15):
        started = time.perf_counter()
        single.predict(features.vector(row)[0])
        between = time.perf_counter()
        model.predict(features.frame([row]))
        quick.append(between - started)
        slow.append(time.perf_counter() - between)
    assert statistics.median(quick) * 20 < statistics.median(slow)


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_levels_of_numbers_are_those_of_tables(values: list[float | None]) -> None:
    column = as_levels(pd.Series(values, dtype="float64"))
    alone = [None if one is None else level(one) for one in values]
    assert [None if one is None or one != one else one for one in column.tolist()] == alone
