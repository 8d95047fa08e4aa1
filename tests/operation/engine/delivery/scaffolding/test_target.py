"""Guesses of the target and of the split."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from operation.engine.delivery.scaffolding.split import guess_split, lags_of
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
            ["a", "a", "b", "c", "d"],
            "--target: column 'y' holds 4 different labels in 5 rows, most of them once, such as 'd'. "
            "Name another column, or give more rows.",
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
    assert (found.split, found.time_column) == ("stratified", "day")
    assert found.reason == "by time in 'day', a class would be on one side only"
    assert found.warnings == (f"{found.reason}: results may flatter a model of later rows",)


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


def test_whole_groups_are_held_out_where_no_time_is() -> None:
    rows = pd.DataFrame({"patient_id": np.arange(ROWS) // 5, "y": np.arange(ROWS) % 2})
    found = guess_split(rows, guess_target(rows["y"], None), None, None)
    assert (found.split, found.group_column) == ("group", "patient_id")
    assert found.reason == "'patient_id' names 20 groups of 5.0 rows; none is on both sides"


def test_a_group_that_is_named_comes_before_a_time_that_is_guessed() -> None:
    rows = table(np.arange(ROWS) % 2).assign(town=np.arange(ROWS) % 10)
    found = guess_split(rows, guess_target(rows["y"], None), None, None, "town")
    assert (found.split, found.group_column, found.time_column) == ("group", "town", "day")


def test_what_speaks_against_a_split_by_chance_is_said() -> None:
    rows = pd.DataFrame({"model_year": np.arange(ROWS) % 7 + 70, "y": np.sin(np.arange(ROWS) / 9)})
    found = guess_split(rows, guess_target(rows["y"], None), None, None)
    assert found.split == "random"
    assert found.warnings == (
        "'model_year' looks like a time: --time-column model_year --time-format year",
        "neighbouring rows are alike (correlation 0.99): sorted rows, or a series?",
    )


@pytest.mark.parametrize(("rows", "fraction"), [(20, 0.5), (60, 0.34), (1000, 0.2)])
def test_small_tables_hold_out_more(rows: int, fraction: float) -> None:
    part = pd.DataFrame({"y": np.arange(rows) % 2})
    assert guess_split(part, guess_target(part["y"], None), None, None).fraction == fraction


def test_so_few_rows_cannot_be_split() -> None:
    rows = pd.DataFrame({"y": [0, 1, 1] * 2})
    with pytest.raises(UsageError, match="--data: 6 rows have a target: at least 20 are needed"):
        guess_split(rows, guess_target(rows["y"], None), None, None)


@pytest.mark.parametrize(("step", "lags"), [("h", [1, 24]), ("D", [1, 7]), ("MS", [1, 12]), ("YS", [1])])
def test_a_series_has_lags_of_a_row_and_a_season(step: str, lags: list[int]) -> None:
    rows = pd.DataFrame({"t": pd.date_range("2000-01-01", periods=120, freq=step), "y": np.arange(120.0)})
    target = guess_target(rows["y"], None)
    assert lags_of(rows, target, guess_split(rows, target, None, None)) == lags
    twice = pd.concat([rows, rows], ignore_index=True)
    assert lags_of(twice, target, guess_split(twice, target, None, None)) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [1.5, np.inf, 2.5],
            "--target: column 'y' holds infinity (row 1), which no model can learn: fix it.",
        ),
        (
            [1.5, 2.5, -3e200],
            "--target: column 'y' holds -3e+200 (row 2), which no model can learn: fix it.",
        ),
        ([[1], [2], [1]], "--target: column 'y' holds mixed values (row 0), not numbers or texts."),
        (
            ["no"] * 30 + ["yes"],
            "--target: label 'yes' of column 'y' is in one row (row 30): a class needs two, one to learn "
            "from and one to measure on. Give more rows of it.",
        ),
    ],
)
def test_targets_of_which_nothing_can_be_learned_are_refused_with_their_row(
    values: object, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        guess_target(series(values), None)
    assert str(caught.value) == message
