"""Calibration: small where probabilities mean what they say, certain where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from comparing.calibration import calibration, predicted_and_actual


def test_calibrated_probabilities_are_never_certainly_off() -> None:
    certain = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        probability = random.random(2_000)
        actual = (random.random(2_000) < probability).astype("float64")
        found = calibration(probability, actual, np.arange(2_000) % 200, 0.05)
        assert 0 < found["error"] < 0.05
        certain.append(found["certain"] > 0)
    assert sum(certain) <= 5


def test_overconfidence_is_certain() -> None:
    random = np.random.default_rng(0)
    truth = random.random(5_000)
    actual = (random.random(5_000) < truth).astype("float64")
    found = calibration(np.clip(truth * 2 - 0.5, 0, 1), actual, np.arange(5_000), 0.05)
    assert found["error"] == pytest.approx(0.125, abs=0.02)
    assert 0.07 < found["certain"] < found["error"]
    assert sum(entry["rows"] for entry in found["bins"]) == 5_000


def test_a_constant_prediction_is_one_bin() -> None:
    actual = (np.arange(1_000) % 4 == 0).astype("float64")
    found = calibration(np.full(1_000, 0.25), actual, np.arange(1_000), 0.05)
    assert found == {
        "error": 0.0,
        "certain": 0.0,
        "bins": [{"predicted": 0.25, "actual": 0.25, "rows": 1_000}],
    }


def test_rows_of_one_unit_prove_nothing() -> None:
    found = calibration(np.full(100, 0.9), np.zeros(100), np.zeros(100, dtype="int64"), 0.05)
    assert (found["error"], found["certain"]) == (pytest.approx(0.9), 0.0)


def test_each_task_has_its_pair() -> None:
    numbers = np.array([1.0, 2.0])
    assert predicted_and_actual([], numbers, numbers + 1)[1].tolist() == [2.0, 3.0]
    two = np.array([[0.3, 0.7], [0.6, 0.4]])
    assert predicted_and_actual(["a", "b"], two, np.array([1.0, 1.0]))[0].tolist() == [0.7, 0.4]
    three = np.array([[0.2, 0.5, 0.3], [0.6, 0.4, 0.0]])
    predicted, actual = predicted_and_actual(["a", "b", "c"], three, np.array([2.0, 0.0]))
    assert (predicted.tolist(), actual.tolist()) == ([0.5, 0.6], [0.0, 1.0])
