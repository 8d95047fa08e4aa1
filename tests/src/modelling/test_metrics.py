"""Measures, baselines and slices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modelling import metrics as measures


def test_a_perfect_classifier() -> None:
    actual = np.array([0.0, 1.0, 1.0, 0.0])
    assert measures.binary(actual, actual) == pytest.approx(
        {"roc_auc": 1, "average_precision": 1, "log_loss": 0, "brier": 0}, abs=1e-9
    )


def test_one_class_alone_cannot_be_ranked() -> None:
    assert set(measures.binary(np.zeros(3), np.full(3, 0.5))) == {"log_loss", "brier"}


def test_which_measures_fit_which_task() -> None:
    actual = np.array([0.0, 1.0, 2.0])
    assert set(measures.measure([], actual, actual)) == {"rmse", "mae", "r2"}
    assert set(measures.measure(["a", "b"], actual[:2], np.eye(2))) >= {"roc_auc", "brier"}
    found = measures.measure(["a", "b", "c"], actual, np.eye(3))
    assert found == pytest.approx({"accuracy": 1, "f1_macro": 1, "log_loss": 0, "roc_auc": 1}, abs=1e-9)


def test_the_baseline_without_columns_is_the_mean() -> None:
    training = pd.DataFrame({"target": [1.0, 2.0, 6.0]})
    assert measures.baseline(training, pd.DataFrame(index=range(2)), "target", [], []).tolist() == [3.0, 3.0]


def test_the_baseline_by_categories_is_shrunk_towards_the_whole() -> None:
    training = pd.DataFrame({"target": [1, 0, 0, 0], "c": ["a", "b", "b", "b"]})
    rows = pd.DataFrame({"c": ["a", "b", "unknown", None]})
    predicted = measures.baseline(training, rows, "target", ["no", "yes"], ["c"])
    assert predicted[:, 1] == pytest.approx([(1 + 20 * 0.25) / 21, (0 + 20 * 0.25) / 23, 0.25, 0.25])
    assert predicted.sum(axis=1) == pytest.approx(1)


def test_the_baseline_by_two_columns() -> None:
    training = pd.DataFrame({"target": [1.0, 3.0], "a": ["x", "y"], "b": [1, 2]})
    predicted = measures.baseline(training, training, "target", [], ["a", "b"])
    assert predicted == pytest.approx([(1 + 20 * 2) / 21, (3 + 20 * 2) / 21])


def test_slices_are_measured_one_by_one() -> None:
    table = pd.DataFrame(
        {
            "actual": [0, 1, 1, 0, 1],
            "predicted": [0.1, 0.9, 0.6, 0.4, 0.7],
            "c": ["a", "a", "a", "a", "b"],
        }
    )
    made = measures.slices(table, table[["c"]], ["no", "yes"])
    assert made["category"].tolist() == ["a", "b"]
    assert made["rows"].tolist() == [4, 1]
    assert made["actual"].tolist() == [0.5, 1.0]
    assert made["predicted"].tolist() == [0.5, 0.7]
    assert made["roc_auc"].isna().tolist() == [False, True]
    assert made.loc[0, "low"] < 0.5 < made.loc[0, "high"]


def test_slices_of_numbers() -> None:
    table = pd.DataFrame({"actual": [1.0, 3.0, 5.0], "predicted": [2.0, 3.0, 5.0], "c": [1, 1, None]})
    made = measures.slices(table, table[["c"]], [])
    assert made["category"].tolist() == ["1", "missing"]
    assert made["rmse"].tolist() == [pytest.approx(0.5**0.5), 0.0]


def test_without_columns_there_are_no_slices() -> None:
    table = pd.DataFrame({"actual": [1.0], "predicted": [2.0]})
    assert measures.slices(table, table[[]], []).shape == (0, 7)


def test_slices_of_three_classes_hold_the_share_of_right_predictions() -> None:
    table = pd.DataFrame({"actual": [0, 1, 2, 2], "predicted": [0, 1, 1, 2], "c": list("aabb")})
    made = measures.slices(table, table[["c"]], ["x", "y", "z"])
    assert made["actual"].tolist() == [1.0, 0.5]
    assert made["predicted"].tolist() == [0.75, 0.75]
