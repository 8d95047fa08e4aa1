"""Guesses of the target and of the split."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from operation.engine.delivery.scaffolding.split import guess_split
from operation.engine.delivery.scaffolding.target import guess_target
from operation.engine.foundation.errors import UsageError

ROWS = 100


def series(values: object) -> pd.Series:
    return pd.Series(values, name="y")


@pytest.mark.parametrize(
    ("values", "task", "positive", "classes"),
    [
        (["yes", "no", "no"] * 9, "classification", "yes", ("no", "yes")),
        (["cat", "dog", "dog"] * 9, "classification", "cat", ("cat", "dog")),
        ([0, 1, 0] * 9, "classification", "1", ("0", "1")),
        ([0.0, 1.0, None] * 9, "classification", "1", ("0", "1")),
        ([True, False] * 9, "classification", "True", ("False", "True")),
        (["a", "b", "c"] * 9, "classification", None, ("a", "b", "c")),
        ([3, 4, 5] * 9, "classification", None, ("3", "4", "5")),
        (np.arange(ROWS), "regression", None, ()),
        (np.linspace(0, 1, ROWS), "regression", None, ()),
    ],
)
def test_tasks(values: object, task: str, positive: str | None, classes: tuple[str, ...]) -> None:
    found = guess_target(series(values), None)
    assert (found.task, found.positive, found.classes) == (task, positive, classes)


def test_numbers_are_cut_when_classes_are_asked_for() -> None:
    found = guess_target(series(np.arange(ROWS)), "classification")
    assert (found.task, found.threshold) == ("classification", 49.5)


def test_regression_of_a_few_numbers_is_possible() -> None:
    assert guess_target(series([3, 4, 5] * 9), "regression").task == "regression"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([None] * 3, "--target: column 'y' holds no value: there is nothing to learn. Name another column."),
        (
            [5] * 3,
            "--target: column 'y' holds one value only, 5: there is nothing to learn. Name another column.",
        ),
        (
            [f"name {number}" for number in range(51)],
            "--target: column 'y' holds 51 different labels, too many to learn. Name another column.",
        ),
    ],
)
def test_nothing_to_learn(values: list[object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        guess_target(series(values), None)
    assert str(caught.value) == message


def table(labels: object) -> pd.DataFrame:
    days = pd.date_range("2020-01-01", periods=ROWS, freq="D")
    return pd.DataFrame({"born": days[::-1], "day": days, "y": labels})


def test_rows_are_split_by_time() -> None:
    rows = table(np.arange(ROWS) % 2)
    found = guess_split(rows, guess_target(rows["y"], None), None, None)
    assert (found.split, found.time_column) == ("time", "day")


def test_not_by_time_when_a_class_would_be_on_one_side_only() -> None:
    rows = table(np.arange(ROWS) >= 90)
    found = guess_split(rows, guess_target(rows["y"], None), None, None)
    assert (found.split, found.time_column) == ("random", "day")
    assert found.reason == "by time in 'day', a class would be on one side only"


def test_not_by_time_when_most_rows_have_the_last_one() -> None:
    rows = table(np.arange(ROWS))
    rows["day"] = pd.to_datetime(["2020-01-01"] * 10 + ["2020-01-02"] * 90)
    rows = rows.drop(columns="born")
    assert guess_split(rows, guess_target(rows["y"], None), None, None).split == "random"


def test_what_is_asked_for_is_done() -> None:
    rows = table(np.arange(ROWS))
    target = guess_target(rows["y"], None)
    assert guess_split(rows, target, "born", None).time_column == "born"
    assert guess_split(rows, target, None, "random").split == "random"
